//! Synthetic data sets that need only random numbers: clusters, circles, exclusive or, spirals, a teacher's answers, a mixture.
//! Each item has a random stream of its own, so the first hundred of a thousand are the hundred.

use super::{Dataset, Targets};
use crate::base::{Error, Result};
use crate::math::Matrix;
use crate::math::matrix::dot;
use crate::math::random::{Stream, stream};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::f64::consts::TAU;
use std::sync::Arc;

crate::options! {
    /// Options of `two_clusters`.
    pub struct TwoClustersOptions {
        /// Number of items; the classes take turns.
        count: usize = 500, AT_LEAST_ONE, "";
        /// Standard deviation of each cluster.
        noise: f64 = 0.7, NOT_NEGATIVE, "";
        /// Coordinate of the centres: (−c, −c) for class 0 and (c, c) for class 1.
        centre: f64 = 2.0, ANY, "";
        /// Decides what is drawn.
        seed: Option<u64> = None => "that of the run", ANY, "";
    }
}

crate::options! {
    /// Options of `two_circles`.
    pub struct TwoCirclesOptions {
        /// Number of items; the classes take turns.
        count: usize = 500, AT_LEAST_ONE, "";
        /// Standard deviation about the circles.
        noise: f64 = 0.1, NOT_NEGATIVE, "";
        /// Radius of the inner circle, class 0; the outer one, class 1, has radius 1.
        inner: f64 = 0.5, FRACTION, "";
        /// Decides what is drawn.
        seed: Option<u64> = None => "that of the run", ANY, "";
    }
}

crate::options! {
    /// Options of `xor`.
    pub struct XorOptions {
        /// Number of items.
        count: usize = 500, AT_LEAST_ONE, "";
        /// Standard deviation added to the inputs after the class was decided.
        noise: f64 = 0.0, NOT_NEGATIVE, "";
        /// Decides what is drawn.
        seed: Option<u64> = None => "that of the run", ANY, "";
    }
}

crate::options! {
    /// Options of `spirals`.
    pub struct SpiralsOptions {
        /// Number of items; the classes take turns.
        count: usize = 500, AT_LEAST_ONE, "";
        /// Standard deviation about the arms.
        noise: f64 = 0.02, NOT_NEGATIVE, "";
        /// Number of arms, a class each.
        classes: usize = 2, AT_LEAST_ONE, "";
        /// Turns of an arm from the centre to radius 1.
        turns: f64 = 1.5, POSITIVE, "";
        /// Decides what is drawn.
        seed: Option<u64> = None => "that of the run", ANY, "";
    }
}

crate::choices! {
    /// What a data set is to learn.
    pub enum TargetKind {
        /// A class number.
        Classes = "classes",
        /// A real number.
        Values = "values",
    }
}

crate::options! {
    /// Options of `teacher_student`.
    pub struct TeacherStudentOptions {
        /// Number of items.
        count: usize = 500, AT_LEAST_ONE, "";
        /// Number of inputs, each normal with deviation 1.
        inputs: usize = 10, AT_LEAST_ONE, "";
        /// Hidden nodes of the teacher, Σ_k tanh(w_k·x/√inputs)/√hidden; 0 for a teacher without, w·x/√inputs.
        hidden: usize = 0, ANY, "";
        /// Standard deviation added to the teacher's answer.
        noise: f64 = 0.0, NOT_NEGATIVE, "";
        /// Whether the target is the sign of the answer (1 above 0) or the answer itself.
        kind: TargetKind = TargetKind::Classes, ANY, "";
        /// Decides the teacher and the items.
        seed: Option<u64> = None => "that of the run", ANY, "";
    }
}

crate::options! {
    /// Options of `gaussian_mixture`.
    pub struct GaussianMixtureOptions {
        /// Number of items; the classes take turns.
        count: usize = 500, AT_LEAST_ONE, "";
        /// Standard deviation of each cluster.
        noise: f64 = 1.0, NOT_NEGATIVE, "";
        /// Number of clusters, a class each.
        classes: usize = 4, AT_LEAST_ONE, "";
        /// Number of inputs.
        inputs: usize = 2, AT_LEAST_ONE, "";
        /// Standard deviation of the centres about the origin.
        spread: f64 = 3.0, NOT_NEGATIVE, "";
        /// Decides the centres and the items.
        seed: Option<u64> = None => "that of the run", ANY, "";
    }
}

/// Largest number of values that a generator makes: 8 GiB of inputs.
const MOST_VALUES: usize = 1 << 30;

/// Streams of items stand after those of centres and teachers.
const FIRST_ITEM: u64 = 1 << 32;

fn normal(random: &mut Stream) -> f64 {
    random.sample(StandardNormal)
}

/// Inputs and class of each item from its own stream.
fn classified(
    function: &str,
    count: usize,
    inputs: usize,
    classes: usize,
    seed: u64,
    item: impl Fn(usize, &mut Stream, &mut [f64]) -> usize,
) -> Result<Dataset> {
    require_room(function, count, inputs)?;
    if classes > super::MOST_CLASSES {
        return Err(Error::value(format!(
            "{function}: option `classes` must be at most {}, found {classes}",
            super::MOST_CLASSES
        ))
        .at("classes"));
    }
    let mut matrix = Matrix::zeros(count, inputs);
    let labels = (0..count).map(|i| item(i, &mut stream(seed, FIRST_ITEM + i as u64), matrix.row_mut(i)) as u32).collect();
    Ok(Dataset { inputs: Arc::new(matrix), targets: Targets::numbered(labels, classes), wrong: None })
}

fn require_room(function: &str, count: usize, inputs: usize) -> Result<()> {
    match count.checked_mul(inputs) {
        Some(values) if values <= MOST_VALUES => Ok(()),
        _ => Err(Error::value(format!("{function}: {count} items of {inputs} inputs do not fit into memory")).at("count")),
    }
}

/// Two normal clusters in the plane.
pub fn two_clusters(options: &TwoClustersOptions, seed: u64) -> Result<Dataset> {
    classified("two_clusters", options.count, 2, 2, seed, |i, random, x| {
        let centre = if i % 2 == 0 { -options.centre } else { options.centre };
        x.fill_with(|| centre + options.noise * normal(random));
        i % 2
    })
}

/// A circle within a circle.
pub fn two_circles(options: &TwoCirclesOptions, seed: u64) -> Result<Dataset> {
    classified("two_circles", options.count, 2, 2, seed, |i, random, x| {
        let radius = if i % 2 == 0 { options.inner } else { 1.0 };
        let angle = TAU * random.random::<f64>();
        x[0] = radius * angle.cos() + options.noise * normal(random);
        x[1] = radius * angle.sin() + options.noise * normal(random);
        i % 2
    })
}

/// Points of the square from −1 to 1; class 1 where exactly one coordinate is positive.
pub fn xor(options: &XorOptions, seed: u64) -> Result<Dataset> {
    classified("xor", options.count, 2, 2, seed, |_, random, x| {
        x.fill_with(|| random.random_range(-1.0..1.0));
        let class = usize::from((x[0] > 0.0) != (x[1] > 0.0));
        for value in x {
            *value += options.noise * normal(random);
        }
        class
    })
}

/// Arms that wind about each other from the centre to radius 1.
pub fn spirals(options: &SpiralsOptions, seed: u64) -> Result<Dataset> {
    let arms = options.classes;
    classified("spirals", options.count, 2, arms, seed, |i, random, x| {
        // Uniform along the radius, as the spirals of Lang and Witbrock are.
        let radius: f64 = random.random();
        let angle = TAU * (options.turns * radius + (i % arms) as f64 / arms as f64);
        x[0] = radius * angle.cos() + options.noise * normal(random);
        x[1] = radius * angle.sin() + options.noise * normal(random);
        i % arms
    })
}

/// What a random teacher says of normal inputs.
pub fn teacher_student(options: &TeacherStudentOptions, seed: u64) -> Result<Dataset> {
    let (count, inputs, hidden) = (options.count, options.inputs, options.hidden);
    require_room("teacher_student", count, inputs)?;
    require_room("teacher_student", hidden, inputs)?;
    let mut random = stream(seed, 0);
    let weights: Vec<Vec<f64>> = (0..hidden.max(1)).map(|_| (0..inputs).map(|_| normal(&mut random)).collect()).collect();
    let mut matrix = Matrix::zeros(count, inputs);
    let mut answers = vec![0.0; count];
    for (i, answer) in answers.iter_mut().enumerate() {
        let mut random = stream(seed, FIRST_ITEM + i as u64);
        let x = matrix.row_mut(i);
        x.fill_with(|| normal(&mut random));
        let fields = weights.iter().map(|w| dot(w, x) / (inputs as f64).sqrt());
        *answer = match hidden {
            0 => fields.sum::<f64>(),
            _ => fields.map(f64::tanh).sum::<f64>() / (hidden as f64).sqrt(),
        } + options.noise * normal(&mut random);
    }
    let targets = match options.kind {
        TargetKind::Classes => Targets::numbered(answers.iter().map(|a| u32::from(*a > 0.0)).collect(), 2),
        TargetKind::Values => Targets::values(Matrix::from_rows(count, 1, answers)),
    };
    Ok(Dataset { inputs: Arc::new(matrix), targets, wrong: None })
}

/// Normal clusters about normal centres.
pub fn gaussian_mixture(options: &GaussianMixtureOptions, seed: u64) -> Result<Dataset> {
    require_room("gaussian_mixture", options.classes, options.inputs)?;
    let mut random = stream(seed, 0);
    let centres: Vec<f64> = (0..options.classes * options.inputs).map(|_| options.spread * normal(&mut random)).collect();
    classified("gaussian_mixture", options.count, options.inputs, options.classes, seed, |i, random, x| {
        let class = i % options.classes;
        for (value, centre) in x.iter_mut().zip(&centres[class * options.inputs..]) {
            *value = centre + options.noise * normal(random);
        }
        class
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::statistics::{mean, variance};

    #[test]
    fn the_first_hundred_of_a_thousand_are_the_hundred() {
        let make = |count| two_clusters(&TwoClustersOptions { count, ..Default::default() }, 5).unwrap();
        assert_eq!(make(1000).take(100).unwrap(), make(100));
        assert_ne!(make(100), two_clusters(&TwoClustersOptions { count: 100, ..Default::default() }, 6).unwrap());
    }

    #[test]
    fn clusters_have_the_asked_moments() {
        let data = two_clusters(&TwoClustersOptions { count: 20_000, noise: 0.5, ..Default::default() }, 1).unwrap();
        let ones: Vec<f64> = (0..10_000).map(|i| data.inputs[(2 * i + 1, 0)]).collect();
        // Five standard errors: 0.5/√10⁴ = 0.005 of the mean, 0.25 √(2/10⁴) = 0.0035 of the variance.
        assert!((mean(&ones) - 2.0).abs() < 0.025 && (variance(&ones) - 0.25).abs() < 0.018);
        assert_eq!(data.class_counts(), [10_000, 10_000]);
    }

    #[test]
    fn shapes_hold_without_noise() {
        let circles = two_circles(&TwoCirclesOptions { noise: 0.0, ..Default::default() }, 1).unwrap();
        let spiral = spirals(&SpiralsOptions { noise: 0.0, classes: 3, ..Default::default() }, 1).unwrap();
        let square = xor(&XorOptions::default(), 1).unwrap();
        for i in 0..500 {
            let x = circles.inputs.row(i);
            assert!((x[0].hypot(x[1]) - [0.5, 1.0][i % 2]).abs() < 1e-12);
            let x = spiral.inputs.row(i);
            let radius = x[0].hypot(x[1]);
            let angle = x[1].atan2(x[0]) - TAU * (1.5 * radius + (i % 3) as f64 / 3.0);
            assert!((angle.cos() - 1.0).abs() < 1e-9);
            let x = square.inputs.row(i);
            assert_eq!(square.labels().unwrap()[i], u32::from(x[0] * x[1] < 0.0));
        }
    }

    #[test]
    fn a_teacher_without_hidden_nodes_is_linear() {
        let options = TeacherStudentOptions { inputs: 3, kind: TargetKind::Values, ..Default::default() };
        let real = teacher_student(&options, 2).unwrap();
        let signs = teacher_student(&TeacherStudentOptions { kind: TargetKind::Classes, ..options }, 2).unwrap();
        let Targets::Values(values) = &real.targets else { panic!("real targets") };
        for (value, class) in values.data.iter().zip(signs.labels().unwrap()) {
            assert_eq!(*class, u32::from(*value > 0.0));
        }
        // Three items fix a linear teacher of three inputs; the fourth must agree (Cramer).
        let row = |i: usize| [real.inputs[(i, 0)], real.inputs[(i, 1)], real.inputs[(i, 2)]];
        let det = |a: [f64; 3], b: [f64; 3], c: [f64; 3]| {
            a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0])
        };
        let whole = det(row(0), row(1), row(2));
        let share = [det(row(3), row(1), row(2)), det(row(0), row(3), row(2)), det(row(0), row(1), row(3))];
        let predicted: f64 = (0..3).map(|k| share[k] / whole * values.data[k]).sum();
        assert!((predicted - values.data[3]).abs() < 1e-9);
    }

    #[test]
    fn absurd_sizes_are_refused() {
        let options = GaussianMixtureOptions { count: 1 << 40, ..Default::default() };
        assert!(gaussian_mixture(&options, 0).is_err());
        assert!(spirals(&SpiralsOptions { classes: 1 << 40, ..Default::default() }, 0).is_err());
    }
}
