//! How well a classifier ranks and decides: accuracy, ROC curve, area under it (AUC).
//!
//! All of them take a matrix of probabilities (items × classes) and the data set the items come from.
//!
//! The AUC of class c is one-versus-rest: the probability that a random item of class c gets a higher p_c than a random item of another
//! class, ties counting one half. It is computed from ranks, AUC = (R − n₊(n₊+1)/2)/(n₊ n₋), R the sum of the ranks of the n₊ items of
//! class c with shared ranks for ties (the Mann–Whitney statistic), in O(n log n). The macro average is the plain mean over the classes that
//! are there. It does not exist where a class has no item, or all of them: an error, never a silent one half.
//!
//! Reference: J. A. Hanley, B. J. McNeil, Radiology 143, 29 (1982), doi:10.1148/radiology.143.1.7063747.

use crate::base::names::nearest;
use crate::base::{Error, Kind, OptionType, OptionValue, Result};
use crate::data::Dataset;
use crate::math::Matrix;
use crate::math::statistics::{mean, ranks};

/// The class that a score is about.
#[derive(Clone, Debug, PartialEq)]
pub enum ScoredClass {
    Number(i64),
    Named(String),
}

impl OptionType for ScoredClass {
    fn takes() -> String {
        "the number or name of a class, or \"macro\" for the mean over all of them".into()
    }
    fn read(value: &OptionValue) -> Option<ScoredClass> {
        match value {
            OptionValue::Integer(class) => Some(ScoredClass::Number(*class)),
            OptionValue::Text(name) => Some(ScoredClass::Named(name.clone())),
            _ => None,
        }
    }
    fn show(&self) -> String {
        match self {
            ScoredClass::Number(class) => class.to_string(),
            ScoredClass::Named(name) => format!("{name:?}"),
        }
    }
}

crate::options! {
    /// Options of `auc` and `roc`.
    pub struct ScoreOptions {
        /// The class that is told from the others, by number or name; "macro" is the mean over the classes (`auc` only).
        class: ScoredClass = ScoredClass::Number(0), ANY, "";
    }
}

/// A ROC curve: from the threshold that takes nothing to the one that takes everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Roc {
    pub false_positive_rates: Vec<f64>,
    pub true_positive_rates: Vec<f64>,
    /// Descending; items with a probability at or above it are taken. The first is infinite.
    pub thresholds: Vec<f64>,
    /// The area under the curve.
    pub area: f64,
}

/// The area under the ROC curve of the class in the options.
pub fn auc(probabilities: &Matrix, data: &Dataset, options: &ScoreOptions) -> Result<f64> {
    let labels = checked_labels("auc", probabilities, data)?;
    let is_macro = matches!(&options.class, ScoredClass::Named(name) if name == "macro" && !data.class_names().contains(name));
    if !is_macro {
        let class = find_class("auc", data, &options.class)?;
        return Ok(area(&probabilities.column(class), labels, class));
    }
    let areas: Vec<f64> = auc_by_class(probabilities, data)?.into_iter().filter(|area| !area.is_nan()).collect();
    if areas.is_empty() {
        return Err(Error::data(format!("auc: all items are of {}", what_is_there(data)))
            .hint("at least two classes are needed to tell one from the others"));
    }
    Ok(mean(&areas))
}

/// The area under the ROC curve of each class; NaN for a class that has no item, or all of them.
pub fn auc_by_class(probabilities: &Matrix, data: &Dataset) -> Result<Vec<f64>> {
    let labels = checked_labels("auc_by_class", probabilities, data)?;
    let counts = data.class_counts();
    let told = |c: usize| counts[c] > 0 && counts[c] < labels.len();
    let one = |c: usize| if told(c) { area(&probabilities.column(c), labels, c) } else { f64::NAN };
    Ok((0..counts.len()).map(one).collect())
}

/// The ROC curve of the class in the options.
pub fn roc(probabilities: &Matrix, data: &Dataset, options: &ScoreOptions) -> Result<Roc> {
    let labels = checked_labels("roc", probabilities, data)?;
    let class = find_class("roc", data, &options.class)?;
    let scores = probabilities.column(class);
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let is_class = |item: usize| labels[item] as usize == class;
    let positives = (0..scores.len()).filter(|&i| is_class(i)).count();
    let negatives = scores.len() - positives;
    let mut curve = Roc {
        false_positive_rates: vec![0.0],
        true_positive_rates: vec![0.0],
        thresholds: vec![f64::INFINITY],
        area: area(&scores, labels, class),
    };
    let (mut taken, mut falsely) = (0, 0);
    for tied in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        taken += tied.iter().filter(|&&i| is_class(i)).count();
        falsely += tied.iter().filter(|&&i| !is_class(i)).count();
        curve.true_positive_rates.push(taken as f64 / positives as f64);
        curve.false_positive_rates.push(falsely as f64 / negatives as f64);
        curve.thresholds.push(scores[tied[0]]);
    }
    Ok(curve)
}

/// The fraction of items whose most probable class is their own; between equally probable ones the lowest number decides.
pub fn accuracy(probabilities: &Matrix, data: &Dataset) -> Result<f64> {
    let labels = checked_labels("accuracy", probabilities, data)?;
    let right = (0..probabilities.rows).filter(|&i| {
        let row = probabilities.row(i);
        let mut best = 0;
        for c in 1..row.len() {
            if row[c] > row[best] {
                best = c;
            }
        }
        best == labels[i] as usize
    });
    Ok(right.count() as f64 / labels.len() as f64)
}

/// The labels, once it is clear that the probabilities belong to them.
fn checked_labels<'a>(function: &str, probabilities: &Matrix, data: &'a Dataset) -> Result<&'a [u32]> {
    let Some(labels) = data.labels() else {
        return Err(Error::data(format!("{function}: the data set has no classes"))
            .hint("scores are about classes, not real targets")
            .at("dataset"));
    };
    if labels.is_empty() {
        return Err(Error::data(format!("{function}: the data set has no items")).at("dataset"));
    }
    if probabilities.rows != labels.len() || probabilities.columns < data.classes() {
        return Err(Error::shape(format!(
            "{function}: {} × {} probabilities for {} items of {} classes",
            probabilities.rows,
            probabilities.columns,
            labels.len(),
            data.classes()
        ))
        .hint("the network needs an output for each class"));
    }
    match probabilities.data.iter().position(|p| !p.is_finite()) {
        None => Ok(labels),
        Some(place) => Err(Error::value(format!(
            "{function}: the probability of class {} for item {} is {}",
            place % probabilities.columns,
            place / probabilities.columns,
            probabilities.data[place]
        ))),
    }
}

/// The number of a class that has items, beside others that have some too.
fn find_class(function: &str, data: &Dataset, class: &ScoredClass) -> Result<usize> {
    let names = data.class_names();
    let unknown = |said: String| Error::new(Kind::Name, format!("{function}: there is no class {said}")).at("class");
    let number = match class {
        ScoredClass::Number(number) => usize::try_from(*number)
            .ok()
            .filter(|c| *c < names.len())
            .ok_or_else(|| unknown(number.to_string()).hint(format!("the data set has {}", what_is_there(data))))?,
        ScoredClass::Named(name) => names.iter().position(|n| n == name).ok_or_else(|| {
            let error = unknown(format!("\"{name}\""));
            match nearest(name, names.iter().map(String::as_str).chain(["macro"])) {
                Some(near) => error.hint(format!("did you mean \"{near}\"?")),
                None => error.hint(format!("the data set has {}", what_is_there(data))),
            }
        })?,
    };
    match data.class_counts()[number] {
        0 => Err(Error::data(format!("{function}: no item is of class {number}"))
            .hint(format!("there are items of {}", what_is_there(data)))
            .at("class")),
        n if n == data.len() => Err(Error::data(format!("{function}: all {n} items are of class {number}"))
            .hint("at least two classes are needed to tell one from the others")
            .at("class")),
        _ => Ok(number),
    }
}

/// `class 0 (20 items), class 3 (5 items)`: at most ten of them.
fn what_is_there(data: &Dataset) -> String {
    let counts = data.class_counts();
    let present: Vec<String> = (0..counts.len())
        .filter(|&c| counts[c] > 0)
        .map(|c| {
            let name = &data.class_names()[c];
            let called = if *name == c.to_string() { String::new() } else { format!(" \"{name}\"") };
            format!("class {c}{called} ({} items)", counts[c])
        })
        .collect();
    match present.len() {
        0..=10 => present.join(", "),
        n => format!("{} and {} more", present[..10].join(", "), n - 10),
    }
}

/// The area from the ranks; both sides must have items.
fn area(scores: &[f64], labels: &[u32], class: usize) -> f64 {
    let (mut sum, mut positives) = (0.0, 0.0);
    for (rank, &label) in ranks(scores).iter().zip(labels) {
        if label as usize == class {
            sum += rank;
            positives += 1.0;
        }
    }
    (sum - positives * (positives + 1.0) / 2.0) / (positives * (scores.len() as f64 - positives))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Targets;
    use crate::math::random::stream;
    use rand::RngExt;

    fn labelled(labels: &[u32], classes: usize) -> Dataset {
        Dataset::new(Matrix::zeros(labels.len(), 1), Targets::numbered(labels.to_vec(), classes)).unwrap()
    }

    fn class(number: i64) -> ScoreOptions {
        ScoreOptions { class: ScoredClass::Number(number) }
    }

    fn named(name: &str) -> ScoreOptions {
        ScoreOptions { class: ScoredClass::Named(name.into()) }
    }

    /// Probabilities on a coarse grid, so that there are ties, and random labels.
    fn random_case(items: usize) -> (Matrix, Dataset) {
        let mut random = stream(1, 0);
        let data: Vec<f64> = (0..3 * items).map(|_| random.random_range(0..8) as f64 / 8.0).collect();
        let labels: Vec<u32> = (0..items).map(|_| random.random_range(0..3)).collect();
        (Matrix::from_rows(items, 3, data), labelled(&labels, 3))
    }

    #[test]
    fn area_is_the_fraction_of_pairs_in_order() {
        let (p, data) = random_case(60);
        let labels = data.labels().unwrap();
        for c in 0..3 {
            let (mut won, mut pairs) = (0.0, 0.0);
            for (i, _) in labels.iter().enumerate().filter(|(_, l)| **l == c) {
                for (j, _) in labels.iter().enumerate().filter(|(_, l)| **l != c) {
                    let (a, b) = (p[(i, c as usize)], p[(j, c as usize)]);
                    won += if a > b {
                        1.0
                    } else if a == b {
                        0.5
                    } else {
                        0.0
                    };
                    pairs += 1.0;
                }
            }
            assert!((auc(&p, &data, &class(c as i64)).unwrap() - won / pairs).abs() < 1e-14);
            assert!((auc_by_class(&p, &data).unwrap()[c as usize] - won / pairs).abs() < 1e-14);
        }
        let single: f64 = (0..3).map(|c| auc(&p, &data, &class(c)).unwrap()).sum();
        assert!((auc(&p, &data, &named("macro")).unwrap() - single / 3.0).abs() < 1e-15);
    }

    #[test]
    fn the_curve_has_that_area() {
        let (p, data) = random_case(200);
        let curve = roc(&p, &data, &class(1)).unwrap();
        let (x, y) = (&curve.false_positive_rates, &curve.true_positive_rates);
        let trapezia: f64 = (1..x.len()).map(|k| (x[k] - x[k - 1]) * (y[k] + y[k - 1]) / 2.0).sum();
        assert!((trapezia - curve.area).abs() < 1e-14);
        assert!(x.is_sorted() && y.is_sorted() && curve.thresholds.is_sorted_by(|a, b| a > b));
        assert_eq!((x[0], y[0], x[x.len() - 1], y[y.len() - 1]), (0.0, 0.0, 1.0, 1.0));
        // A grid of eight values, and the threshold that takes nothing.
        assert_eq!(curve.thresholds.len(), 9);
    }

    #[test]
    fn accuracy_counts_the_most_probable() {
        let p = Matrix::from_rows(4, 2, vec![0.9, 0.1, 0.2, 0.8, 0.5, 0.5, 0.5, 0.5]);
        assert_eq!(accuracy(&p, &labelled(&[0, 0, 0, 1], 2)).unwrap(), 0.5);
    }

    #[test]
    fn absent_classes_are_errors_that_say_what_is_there() {
        let p = Matrix::from_rows(3, 3, vec![0.1; 9]);
        let data = labelled(&[0, 0, 2], 3);
        let says = |options: &ScoreOptions| auc(&p, &data, options).unwrap_err().to_string();
        assert_eq!(says(&class(9)), "auc: there is no class 9; the data set has class 0 (2 items), class 2 (1 items)");
        assert!(says(&class(-1)).contains("-1"));
        assert!(says(&class(1)).contains("no item is of class 1; there are items of class 0"));
        assert!(says(&named("makro")).contains("macro"));
        assert!(auc(&p, &labelled(&[0, 0, 0], 3), &class(0)).unwrap_err().to_string().contains("all 3 items"));
        assert!(auc(&p, &labelled(&[0, 0, 0], 3), &named("macro")).is_err());
        assert!(auc_by_class(&p, &labelled(&[0, 0, 0], 3)).unwrap().iter().all(|area| area.is_nan()));
        assert!(roc(&p, &data, &named("macro")).is_err());
        assert!(accuracy(&Matrix::zeros(2, 3), &data).unwrap_err().to_string().contains("2 × 3"));
        assert!(accuracy(&Matrix::from_rows(3, 3, vec![f64::NAN; 9]), &data).is_err());
        let real = Dataset::with_values(Matrix::zeros(1, 1), Matrix::zeros(1, 1)).unwrap();
        assert!(accuracy(&Matrix::zeros(1, 1), &real).unwrap_err().to_string().contains("no classes"));
    }
}
