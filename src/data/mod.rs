//! Data sets: inputs with classes or values, readers, generators that need only random numbers, wrong labels.
//! Knows nothing of networks or energies.

pub mod csv;
pub mod files;
pub mod generators;
pub mod idx;
pub mod npy;
pub mod parts;
pub mod rows;
pub mod table;
pub mod write;

pub use table::{Column, Table};

use crate::base::{Error, OptionType, OptionValue, Result};
use crate::math::Matrix;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Most classes that a data set may have: a label of a billion is a mistake, and each class has a name in memory.
pub const MOST_CLASSES: usize = 65_536;

/// What a network is to learn.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// Inputs only.
    None,
    /// One class a row, 0 … names.len() − 1. Parts of a data set keep the classes of the whole.
    Classes { labels: Arc<[u32]>, names: Arc<[String]> },
    /// Real targets: items × outputs.
    Values(Arc<Matrix>),
}

impl Targets {
    /// Classes that are called by their numbers 0 … `classes` − 1. Every label must be below `classes`.
    pub fn numbered(labels: Vec<u32>, classes: usize) -> Targets {
        debug_assert!(labels.iter().all(|&l| (l as usize) < classes));
        Targets::Classes { labels: labels.into(), names: (0..classes).map(|c| c.to_string()).collect() }
    }

    /// Real targets, items × outputs.
    pub fn values(values: Matrix) -> Targets {
        Targets::Values(Arc::new(values))
    }

    /// Number of items; `None` without targets.
    fn len(&self) -> Option<usize> {
        match self {
            Targets::None => None,
            Targets::Classes { labels, .. } => Some(labels.len()),
            Targets::Values(values) => Some(values.rows),
        }
    }
}

/// Inputs and targets, one item a row. Cheap to clone; never changed in place.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// items × inputs.
    pub inputs: Arc<Matrix>,
    pub targets: Targets,
    /// After `mislabel`: which items carry a wrong class.
    pub wrong: Option<Arc<[bool]>>,
}

impl Dataset {
    /// A data set of at least one item, all numbers finite, with a target for each item (or none at all).
    pub fn new(inputs: Matrix, targets: Targets) -> Result<Dataset> {
        if inputs.rows == 0 || inputs.columns == 0 {
            return Err(Error::data("dataset: there are no items").hint("give one row of inputs for each item").at("inputs"));
        }
        if let Some(count) = targets.len()
            && count != inputs.rows
        {
            return Err(Error::shape(format!("dataset: {} rows of inputs but {count} targets", inputs.rows))
                .hint("give one target for each row")
                .at("targets"));
        }
        require_finite(&inputs, "input")?;
        if let Targets::Values(values) = &targets {
            require_finite(values, "target")?;
        }
        Ok(Dataset { inputs: Arc::new(inputs), targets, wrong: None })
    }

    /// With class numbers 0 … their largest.
    pub fn with_classes(inputs: Matrix, classes: &[i64]) -> Result<Dataset> {
        let (labels, count) = class_numbers(classes).map_err(|mut e| {
            e.message = format!("dataset: {}", e.message);
            e.at("targets")
        })?;
        Dataset::new(inputs, Targets::numbered(labels, count))
    }

    /// With real targets, items × outputs.
    pub fn with_values(inputs: Matrix, values: Matrix) -> Result<Dataset> {
        Dataset::new(inputs, Targets::values(values))
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.inputs.rows
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of classes; 0 for real targets.
    pub fn classes(&self) -> usize {
        self.class_names().len()
    }

    /// Names of the classes by number; empty for real targets.
    pub fn class_names(&self) -> &[String] {
        match &self.targets {
            Targets::Classes { names, .. } => names,
            _ => &[],
        }
    }

    /// The class of each item; `None` for real targets.
    pub fn labels(&self) -> Option<&[u32]> {
        match &self.targets {
            Targets::Classes { labels, .. } => Some(labels),
            _ => None,
        }
    }

    /// Number of items of each class, by class.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes()];
        for &label in self.labels().unwrap_or_default() {
            counts[label as usize] += 1;
        }
        counts
    }

    /// SHA-256 of shapes, inputs and targets in hexadecimal: what makes two data sets the same one. Class names do not count.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash_matrix(&mut hash, &self.inputs);
        match &self.targets {
            Targets::None => hash.update(b"none"),
            Targets::Classes { labels, names } => {
                hash.update(b"classes");
                hash.update((names.len() as u64).to_le_bytes());
                for label in labels.iter() {
                    hash.update(label.to_le_bytes());
                }
            }
            Targets::Values(values) => {
                hash.update(b"values");
                hash_matrix(&mut hash, values);
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn hash_matrix(hash: &mut Sha256, matrix: &Matrix) {
    hash.update((matrix.rows as u64).to_le_bytes());
    hash.update((matrix.columns as u64).to_le_bytes());
    for value in &matrix.data {
        hash.update(value.to_le_bytes());
    }
}

/// Class numbers as labels, and how many classes they make: 0 … the largest.
pub fn class_numbers(classes: &[i64]) -> Result<(Vec<u32>, usize)> {
    let mut labels = Vec::with_capacity(classes.len());
    for (item, &class) in classes.iter().enumerate() {
        if !(0..MOST_CLASSES as i64).contains(&class) {
            return Err(Error::value(format!("the class of item {item} is {class}")).hint(format!(
                "class numbers go from 0 to at most {}; real targets are written with a point: {class}.0",
                MOST_CLASSES - 1
            )));
        }
        labels.push(class as u32);
    }
    let count = labels.iter().max().map_or(0, |&l| l as usize + 1);
    Ok((labels, count))
}

fn require_finite(matrix: &Matrix, what: &str) -> Result<()> {
    match matrix.data.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(place) => {
            let (row, column) = (place / matrix.columns, place % matrix.columns);
            Err(Error::data(format!("dataset: {what} {column} of item {row} is {}, not a finite number", matrix.data[place]))
                .at(format!("{what}s")))
        }
    }
}

impl OptionType for Dataset {
    fn takes() -> String {
        "a Dataset".into()
    }
    fn read(value: &OptionValue) -> Option<Dataset> {
        match value {
            OptionValue::Any(_, value) => value.downcast_ref::<Dataset>().cloned(),
            _ => None,
        }
    }
    fn show(&self) -> String {
        format!("a Dataset of {} items", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[f64]) -> Matrix {
        Matrix::from_rows(values.len(), 1, values.to_vec())
    }

    #[test]
    fn refuses_what_is_no_data_set() {
        let says = |r: Result<Dataset>| r.unwrap_err().to_string();
        assert!(says(Dataset::with_classes(Matrix::zeros(0, 0), &[])).contains("no items"));
        let three = says(Dataset::with_classes(column(&[1.0, 2.0]), &[0, 1, 1]));
        assert!(three.contains('2') && three.contains('3'), "{three}");
        assert!(says(Dataset::with_classes(column(&[1.0, f64::NAN]), &[0, 1])).contains("input 0 of item 1 is NaN"));
        assert!(says(Dataset::with_values(column(&[1.0]), column(&[f64::INFINITY]))).contains("target 0 of item 0"));
        assert!(says(Dataset::with_classes(column(&[1.0]), &[-1])).contains("-1"));
        // A label of a billion must not name a billion classes.
        assert!(says(Dataset::with_classes(column(&[1.0]), &[1_000_000_000])).contains("1000000000"));
    }

    #[test]
    fn counts_and_fingerprints() {
        let a = Dataset::with_classes(column(&[1.0, 2.0, 3.0]), &[0, 2, 2]).unwrap();
        assert_eq!((a.len(), a.classes(), a.class_counts()), (3, 3, vec![1, 0, 2]));
        let b = Dataset::with_classes(column(&[1.0, 2.0, 3.0]), &[0, 2, 1]).unwrap();
        assert_eq!(a.fingerprint(), a.clone().fingerprint());
        assert_ne!(a.fingerprint(), b.fingerprint());
    }
}
