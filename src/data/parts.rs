//! Parts and variants of a data set: rows, samples, splits, standardised inputs, wrong labels.
//! Parts keep the classes of the whole, and the record of which labels are wrong.

use super::{Dataset, Targets};
use crate::base::{Error, Result};
use crate::math::Matrix;
use crate::math::random::stream;
use crate::math::statistics::{mean, standard_deviation};
use rand::RngExt;
use rand::seq::SliceRandom;
use std::sync::Arc;

crate::options! {
    /// Options of what is drawn at random from a data set.
    pub struct DrawOptions {
        /// Decides what is drawn; the same seed draws the same.
        seed: Option<u64> = None => "that of the run", ANY, "";
    }
}

crate::options! {
    /// Options of `standardise`.
    pub struct StandardiseOptions {
        /// Takes the mean and deviation of this data set instead of its own: the training set's for a test set.
        like: Option<Dataset> = None => "the data set itself", ANY, "";
    }
}

impl Dataset {
    /// The items with these numbers, in this order. Every number must be below [`Dataset::len`].
    pub fn select(&self, items: &[usize]) -> Dataset {
        let targets = match &self.targets {
            Targets::None => Targets::None,
            Targets::Classes { labels, names } => {
                Targets::Classes { labels: items.iter().map(|&i| labels[i]).collect(), names: names.clone() }
            }
            Targets::Values(values) => Targets::values(select_rows(values, items)),
        };
        let wrong = self.wrong.as_ref().map(|wrong| items.iter().map(|&i| wrong[i]).collect());
        Dataset { inputs: Arc::new(select_rows(&self.inputs, items)), targets, wrong }
    }

    /// Items `from` … `to` − 1.
    pub fn rows(&self, from: i64, to: i64) -> Result<Dataset> {
        let count = self.len() as i64;
        if from < 0 || to > count || from > to {
            return Err(Error::data(format!("rows: items {from} to {to} were asked for, the data set has {count}"))
                .hint(format!("rows(from, to) takes 0 to {count}, and leaves `to` itself out"))
                .at(if from < 0 { "from" } else { "to" }));
        }
        Ok(self.select(&(from as usize..to as usize).collect::<Vec<_>>()))
    }

    /// The first `count` items.
    pub fn take(&self, count: i64) -> Result<Dataset> {
        self.require_count("take", count)?;
        self.rows(0, count)
    }

    /// `count` items drawn without replacement.
    pub fn sample(&self, count: i64, seed: u64) -> Result<Dataset> {
        self.require_count("sample", count)?;
        let drawn = rand::seq::index::sample(&mut stream(seed, 0), self.len(), count as usize);
        Ok(self.select(&drawn.into_vec()))
    }

    fn require_count(&self, function: &str, count: i64) -> Result<()> {
        if count < 0 || count > self.len() as i64 {
            return Err(
                Error::data(format!("{function}: {count} items were asked for, the data set has {}", self.len())).at("count")
            );
        }
        Ok(())
    }

    /// Two parts at random: round(`fraction` × items), and the rest.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Dataset, Dataset)> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(Error::value(format!("split: the fraction must be from 0 to 1, found {fraction}")).at("fraction"));
        }
        let mut items: Vec<usize> = (0..self.len()).collect();
        items.shuffle(&mut stream(seed, 0));
        let first = (fraction * self.len() as f64).round() as usize;
        Ok((self.select(&items[..first]), self.select(&items[first..])))
    }

    /// Each input less its mean, divided by its population deviation; a constant one becomes 0. `like` gives mean and deviation.
    pub fn standardise(&self, like: Option<&Dataset>) -> Result<Dataset> {
        let model = like.unwrap_or(self);
        if model.inputs.columns != self.inputs.columns {
            return Err(Error::shape(format!(
                "standardise: the data set has {} inputs, the one given as `like` has {}",
                self.inputs.columns, model.inputs.columns
            ))
            .at("like"));
        }
        if model.is_empty() {
            return Err(Error::data("standardise: there are no items to take mean and deviation of"));
        }
        let mut inputs = (*self.inputs).clone();
        for j in 0..inputs.columns {
            let column = model.inputs.column(j);
            // Equal values, not a deviation of 0: rounding in the mean leaves a constant 0.1 with 1e-17.
            let constant = column.iter().all(|v| *v == column[0]);
            let (centre, deviation) = (mean(&column), standard_deviation(&column));
            for i in 0..inputs.rows {
                let value = &mut inputs[(i, j)];
                *value = if constant { 0.0 } else { (*value - centre) / deviation };
            }
        }
        if inputs.data.iter().any(|v| !v.is_finite()) {
            return Err(Error::data("standardise: the inputs are too large: their deviation is not a finite number"));
        }
        Ok(Dataset { inputs: Arc::new(inputs), ..self.clone() })
    }

    /// Gives exactly round(`percent` % of the items) a wrong class, uniform over the others, and records which.
    pub fn mislabel(&self, percent: f64, seed: u64) -> Result<Dataset> {
        if !(0.0..=100.0).contains(&percent) {
            return Err(Error::value(format!("mislabel: the percentage must be from 0 to 100, found {percent}")).at("percent"));
        }
        let Targets::Classes { labels, names } = &self.targets else {
            return Err(Error::data("mislabel: the data set has no classes").hint("only classes can be wrong, not real targets"));
        };
        if names.len() < 2 {
            return Err(Error::data(format!("mislabel: the data set has {} class", names.len()))
                .hint("a wrong class needs at least two of them"));
        }
        if self.wrong.as_ref().is_some_and(|wrong| wrong.contains(&true)) {
            return Err(Error::data("mislabel: the data set holds wrong labels already").hint("start from the clean data set"));
        }
        let count = (percent / 100.0 * self.len() as f64).round() as usize;
        let mut labels = labels.to_vec();
        let mut wrong = vec![false; self.len()];
        for item in rand::seq::index::sample(&mut stream(seed, 0), self.len(), count) {
            // One of the other classes: a number below the count of the others, moved past the right one.
            let other = stream(seed, item as u64 + 1).random_range(0..names.len() as u32 - 1);
            labels[item] = if other >= labels[item] { other + 1 } else { other };
            wrong[item] = true;
        }
        let targets = Targets::Classes { labels: labels.into(), names: names.clone() };
        Ok(Dataset { inputs: self.inputs.clone(), targets, wrong: Some(wrong.into()) })
    }

    /// The items whose class `mislabel` left alone: all of them where it was never called.
    pub fn correct_part(&self) -> Dataset {
        self.part_where(false)
    }

    /// The items that `mislabel` gave a wrong class.
    pub fn incorrect_part(&self) -> Dataset {
        self.part_where(true)
    }

    fn part_where(&self, wanted: bool) -> Dataset {
        let is_wrong = |item: usize| self.wrong.as_ref().is_some_and(|wrong| wrong[item]);
        self.select(&(0..self.len()).filter(|&item| is_wrong(item) == wanted).collect::<Vec<_>>())
    }
}

fn select_rows(matrix: &Matrix, rows: &[usize]) -> Matrix {
    let mut data = Vec::with_capacity(rows.len() * matrix.columns);
    for &row in rows {
        data.extend_from_slice(matrix.row(row));
    }
    Matrix::from_rows(rows.len(), matrix.columns, data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(count: usize, classes: usize) -> Dataset {
        let inputs = Matrix::from_rows(count, 2, (0..2 * count).map(|v| v as f64).collect());
        Dataset::new(inputs, Targets::numbered((0..count).map(|i| (i % classes) as u32).collect(), classes)).unwrap()
    }

    fn firsts(data: &Dataset) -> Vec<f64> {
        data.inputs.column(0)
    }

    #[test]
    fn rows_are_half_open_and_keep_the_classes() {
        let data = numbered(10, 3);
        let part = data.rows(3, 4).unwrap();
        assert_eq!((part.len(), firsts(&part), part.class_counts()), (1, vec![6.0], vec![1, 0, 0]));
        assert_eq!(data.take(0).unwrap().len(), 0);
        for (from, to) in [(5, 11), (-1, 3), (5, 4)] {
            assert!(data.rows(from, to).unwrap_err().to_string().contains("10"));
        }
        assert!(data.sample(11, 0).unwrap_err().to_string().contains("11"));
    }

    #[test]
    fn split_and_sample_draw_every_item_once() {
        let data = numbered(101, 2);
        let (a, b) = data.split(0.6, 4).unwrap();
        assert_eq!((a.len(), b.len()), (61, 40));
        let mut all = [firsts(&a), firsts(&b)].concat();
        assert_ne!(all, firsts(&data));
        all.sort_by(f64::total_cmp);
        assert_eq!(all, firsts(&data));
        assert_eq!(data.split(0.6, 4).unwrap().0, a);
        assert_ne!(data.split(0.6, 5).unwrap().0, a);
        let mut drawn = firsts(&data.sample(50, 1).unwrap());
        drawn.sort_by(f64::total_cmp);
        drawn.dedup();
        assert_eq!(drawn.len(), 50);
        assert!(data.split(1.5, 0).is_err() && data.split(f64::NAN, 0).is_err());
    }

    #[test]
    fn standardised_like_another() {
        let inputs = Matrix::from_rows(4, 2, vec![1.0, 0.1, 3.0, 0.1, 5.0, 0.1, 7.0, 0.1]);
        let train = Dataset::new(inputs, Targets::None).unwrap();
        let own = train.standardise(None).unwrap();
        // Mean 4, population deviation √5; the constant column stays 0 though 0.1 has no exact mean.
        assert!((own.inputs[(0, 0)] + 3.0 / 5f64.sqrt()).abs() < 1e-15);
        assert!(own.inputs.column(1).iter().all(|v| *v == 0.0));
        let test = Dataset::new(Matrix::from_rows(1, 2, vec![4.0, 9.0]), Targets::None).unwrap();
        assert_eq!(test.standardise(Some(&train)).unwrap().inputs.data, [0.0, 0.0]);
        let narrow = Dataset::new(Matrix::zeros(1, 1), Targets::None).unwrap();
        assert!(narrow.standardise(Some(&train)).unwrap_err().to_string().contains("1 inputs"));
    }

    #[test]
    fn mislabels_exactly_so_many() {
        let data = numbered(1000, 4);
        for (percent, expected) in [(0.0, 0), (10.0, 100), (33.35, 334), (100.0, 1000)] {
            let wrong = data.mislabel(percent, 11).unwrap();
            let changed = wrong.labels().unwrap().iter().zip(data.labels().unwrap()).filter(|(a, b)| a != b).count();
            assert_eq!(changed, expected);
            assert_eq!((wrong.incorrect_part().len(), wrong.correct_part().len()), (expected, 1000 - expected));
        }
        // Uniform over the three other classes: 333 each, five standard deviations of √(1000·2/9) = 14.9.
        let wrong = data.mislabel(100.0, 3).unwrap();
        let mut shifts = [0i32; 4];
        for (a, b) in wrong.labels().unwrap().iter().zip(data.labels().unwrap()) {
            shifts[((a + 4 - b) % 4) as usize] += 1;
        }
        assert_eq!(shifts[0], 0);
        assert!(shifts[1..].iter().all(|s| (s - 333).abs() < 75), "{shifts:?}");
        assert!(wrong.mislabel(10.0, 1).unwrap_err().to_string().contains("already"));
        // Parts keep the record.
        assert_eq!(wrong.take(10).unwrap().incorrect_part().len(), 10);
    }

    #[test]
    fn refuses_to_mislabel_what_has_no_classes() {
        assert!(numbered(5, 2).mislabel(120.0, 0).unwrap_err().to_string().contains("120"));
        assert!(numbered(5, 1).mislabel(10.0, 0).is_err());
        let real = Dataset::with_values(Matrix::zeros(2, 1), Matrix::zeros(2, 1)).unwrap();
        assert!(real.mislabel(10.0, 0).unwrap_err().to_string().contains("real targets"));
        assert_eq!(real.correct_part().len(), 2);
    }
}
