//! Free energies along one or two collective variables: F(ξ) = −T ln p(ξ), with errors, minima and barriers that the errors allow.
//!
//! A collective variable is a [`Potential`] whose energy is ξ(x) and whose gradient is dξ/dx. `histogram` counts samples that are there; `umbrella` and
//! `metadynamics` make samples of their own with a bias that carries them over barriers, and weigh it out again. All three end in one estimate (`estimate`):
//! sums of weights in bins and the same sums for bootstrap draws of whole blocks of the series, each longer than its memory (`blocks`).
//! `extrema` finds minima and saddles that noise does not explain, `rates` what follows from them for crossing.
//! F is the free energy of the density of ξ; another variable that is a function of ξ has other values and other minima (though no other populations).

pub mod blocks;
mod estimate;
mod extrema;
mod histogram;
pub mod mbar;
mod metadynamics;
pub mod rates;
mod umbrella;
mod walkers;

pub use histogram::{histogram, values_at};
pub use metadynamics::{MetadynamicsOptions, metadynamics};
pub use umbrella::{UmbrellaOptions, Window, umbrella};

use super::cuts::{Counts, Stretches};
use crate::base::{Error, Result};
use crate::math::Matrix;
use crate::potentials::Potential;
use std::sync::Arc;

crate::choices! {
    /// How a free energy is computed.
    pub enum Method {
        /// Counts samples that are there, in bins.
        Histogram = "histogram",
        /// Samples in windows along the variable, held by springs, and joins them with MBAR.
        Umbrella = "umbrella",
        /// Fills the wells with hills until the walkers move freely, then samples with that bias and weighs it out.
        Metadynamics = "metadynamics",
    }
}

crate::options! {
    /// Options of `free_energy` for every method.
    pub struct FreeEnergyOptions {
        /// How it is computed.
        method: Method = Method::Histogram, ANY, "";
        /// Number of bins; for two variables one for both, or one for each.
        bins: Option<Counts> = None => "60; 40 × 40 for two variables", AT_LEAST_TWO, "";
        /// From where to where; for two variables one stretch for both, or one for each.
        range: Option<Stretches> = None => "all values; must be given for \"umbrella\" and \"metadynamics\"", ANY, "unit of the variable";
        /// Temperature, in units of energy.
        temperature: Option<f64> = None => "that of the samples, otherwise 1", POSITIVE, "energy";
        /// Bootstrap draws behind the errors.
        bootstrap: usize = 200, AT_LEAST_TWO, "";
        /// Decides the draws, and the noise of umbrella sampling and metadynamics.
        seed: Option<u64> = None => "that of the run", ANY, "";
    }
}

crate::options! {
    /// Options of `free_energy` where it makes samples itself.
    pub struct SamplingOptions {
        /// Steps of each walker in each window; in metadynamics so many while the bias grows, and so many with the final bias.
        steps: Option<usize> = None => "10,000; 20,000 for metadynamics", AT_LEAST_ONE, "";
        /// Steps before samples count.
        burn_in: Option<usize> = None => "a tenth of `steps`", ANY, "";
        /// Step of the walkers (masses are 1); a step too long is refused, and changes no result.
        step_size: Option<f64> = None => "√(0.15 / largest curvature, the springs' included), shorter where too many are refused", POSITIVE, "time";
        /// Friction of the walkers.
        friction: f64 = 1.0, POSITIVE, "1/time";
        /// Walkers in each window; in metadynamics they share one bias.
        walkers: Option<usize> = None => "4; 8 for metadynamics", AT_LEAST_ONE, "";
    }
}

/// What the two methods that sample need to know.
#[derive(Clone)]
pub struct Task<'a> {
    pub potential: &'a dyn Potential,
    /// One or two.
    pub variables: &'a [Arc<dyn Potential>],
    pub options: &'a FreeEnergyOptions,
    pub sampling: &'a SamplingOptions,
    /// Where walkers begin; a minimum near a random position without one.
    pub start: Option<&'a [f64]>,
}

/// Bins of equal width.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub low: f64,
    pub high: f64,
    pub bins: usize,
}

impl Axis {
    pub fn width(&self) -> f64 {
        (self.high - self.low) / self.bins as f64
    }

    pub fn centre(&self, bin: usize) -> f64 {
        self.low + (bin as f64 + 0.5) * self.width()
    }

    pub fn centres(&self) -> Vec<f64> {
        (0..self.bins).map(|k| self.centre(k)).collect()
    }

    /// The bin of a value; the last one holds its upper end.
    pub fn bin(&self, value: f64) -> Option<usize> {
        if !(self.low..=self.high).contains(&value) {
            return None;
        }
        Some((((value - self.low) / (self.high - self.low) * self.bins as f64) as usize).min(self.bins - 1))
    }
}

/// Bins along one or two axes; the last axis runs fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    pub axes: Vec<Axis>,
}

impl Grid {
    pub fn cells(&self) -> usize {
        self.axes.iter().map(|a| a.bins).product()
    }

    /// The cell of a value of each variable, if it lies within.
    pub fn cell(&self, values: &[f64]) -> Option<usize> {
        self.axes.iter().zip(values).try_fold(0, |cell, (axis, v)| Some(cell * axis.bins + axis.bin(*v)?))
    }

    /// The middle of a cell.
    pub fn centre(&self, mut cell: usize) -> Vec<f64> {
        let mut centre = vec![0.0; self.axes.len()];
        for (c, axis) in centre.iter_mut().zip(&self.axes).rev() {
            *c = axis.centre(cell % axis.bins);
            cell /= axis.bins;
        }
        centre
    }
}

/// A significant minimum.
#[derive(Debug, Clone, PartialEq)]
pub struct Well {
    pub cell: usize,
    pub position: Vec<f64>,
    pub value: f64,
    pub error: f64,
}

/// The lowest way between two significant minima.
#[derive(Debug, Clone, PartialEq)]
pub struct Barrier {
    pub cell: usize,
    pub position: Vec<f64>,
    /// Places in the list of minima.
    pub between: [usize; 2],
    pub value: f64,
    /// Height above the first of these minima, and above the second.
    pub heights: [f64; 2],
    pub errors: [f64; 2],
    /// False where no sample lay there: the heights are lower bounds.
    pub sampled: bool,
}

/// What only one method knows.
#[derive(Debug, Clone)]
pub enum Details {
    Histogram,
    Umbrella {
        windows: Vec<Window>,
        /// Chance that a sample of window i is taken for one of j.
        overlap: Matrix,
    },
    Metadynamics {
        /// The free energy that the bias alone gives: −γ/(γ − 1) V, lowest 0.
        from_bias: Vec<f64>,
        hills: usize,
        /// Height of the last hill as a share of the first.
        last_height: f64,
    },
}

/// A free energy on a grid.
#[derive(Clone)]
pub struct FreeEnergy {
    pub method: Method,
    pub grid: Grid,
    /// One a cell, lowest 0, in units of energy; NaN where there are no samples.
    pub values: Vec<f64>,
    /// Standard errors of −T ln p; NaN where there are no samples.
    pub errors: Vec<f64>,
    /// Samples in each cell.
    pub counts: Vec<u64>,
    pub temperature: f64,
    /// In order of position (of cell, in two dimensions).
    pub minima: Vec<Well>,
    pub barriers: Vec<Barrier>,
    /// Samples, and how many of them are independent.
    pub samples: usize,
    pub independent: f64,
    /// Samples outside the range.
    pub outside: usize,
    /// What has to be said about it.
    pub notes: Vec<String>,
    /// The variables, where they are functions of the position.
    pub variables: Vec<Arc<dyn Potential>>,
    /// Effective mass of a single variable, 1/⟨|∇ξ|²⟩ for unit masses of the coordinates, where its gradient is known.
    pub mass: Option<f64>,
    pub details: Details,
}

impl FreeEnergy {
    /// Cells without samples.
    pub fn empty(&self) -> usize {
        self.counts.iter().filter(|c| **c == 0).count()
    }
}

/// The grid that the options ask for; `seen` are the lowest and highest value of each variable, where there are samples.
fn grid(options: &FreeEnergyOptions, dimensions: usize, seen: Option<&[[f64; 2]]>) -> Result<Grid> {
    let bins = options.bins.map_or([if dimensions == 1 { 60 } else { 40 }; 2], |b| b.0);
    if bins[..dimensions].iter().product::<usize>() > 1_000_000 {
        return Err(Error::value(format!("free_energy: {} × {} bins are more than a million", bins[0], bins[1])).at("bins"));
    }
    let mut axes = Vec::new();
    for k in 0..dimensions {
        let [low, high] = match (options.range, seen) {
            (Some(range), _) => range.0[k],
            (None, Some(seen)) => seen[k],
            (None, None) => {
                let message = format!("free_energy: method \"{}\" needs option `range`", options.method.name());
                return Err(Error::value(message)
                    .hint("say from where to where the variable is followed, as in #{range: [-1.0, 1.0]}")
                    .at("range"));
            }
        };
        if !(high - low > 0.0 && (high - low).is_finite()) {
            let message = format!("free_energy: every value of the variable is {low}, so there is nothing to put into bins");
            return Err(Error::value(message).hint("look at the variable, or give option `range`"));
        }
        axes.push(Axis { low, high, bins: bins[k] });
    }
    Ok(Grid { axes })
}
