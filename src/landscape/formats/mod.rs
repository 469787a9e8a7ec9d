//! Databases and input files of other programs: read, and where it makes sense written again.

mod dinfo;
mod pathsample;
mod topsearch;

pub use dinfo::{Dinfo, load_dinfo};
pub use pathsample::{load_pathsample, save_pathsample};
pub use topsearch::{TopSearchOptions, load_topsearch};

use super::{Landscape, LandscapeOptions, Minimum, State, Tolerances, TransitionState};
use crate::base::{Error, Result};
use crate::potentials::Potential;
use std::path::Path;
use std::sync::Arc;

/// A landscape of points that another program wrote, ids in their order. `potential` is what they are points of, where that is known.
fn foreign_landscape(
    function: &str,
    minima: Vec<Minimum>,
    transition_states: Vec<TransitionState>,
    foreign_files: Vec<(String, Vec<u8>)>,
    dimension: usize,
    potential: Option<Arc<dyn Potential>>,
) -> Result<Landscape> {
    if let Some(potential) = &potential
        && potential.dimension() != dimension
    {
        return Err(Error::shape(format!(
            "{function}: the points have {dimension} coordinates, the potential has {}",
            potential.dimension()
        ))
        .at("potential"));
    }
    let mut state = State { foreign_files, ..State::default() };
    minima.into_iter().for_each(|minimum| state.push_minimum(minimum, 1));
    transition_states.into_iter().for_each(|point| state.push_transition_state(point, 1));
    let tolerances = LandscapeOptions::default().over(Tolerances::default());
    Ok(Landscape::from_parts(potential, dimension, tolerances, state, None))
}

/// The text of a file; other bytes than UTF-8 become question marks, which no number holds.
fn read_text(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|error| Error::file(path, error).at("folder"))?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// A number as Fortran or C writes it: `1.0D-3` is 0.001. `None` for anything else, infinity and NaN included.
fn number(word: &str) -> Option<f64> {
    let plain: String = word.chars().map(|c| if matches!(c, 'd' | 'D') { 'e' } else { c }).collect();
    plain.parse().ok().filter(|value: &f64| value.is_finite())
}

/// The error for a line that does not hold what it should; lines count from 1.
fn bad_line(path: &Path, line: usize, what: impl std::fmt::Display) -> Error {
    Error::format(path, format!("line {line}: {what}")).at("folder")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_numbers_of_fortran() {
        assert_eq!(number("1.0D-03"), Some(1e-3));
        assert_eq!(number("-2.5d2"), Some(-250.0));
        assert_eq!(number("-173.928426590627964"), Some(-173.928426590627964));
        assert_eq!(number("*********"), None);
        assert_eq!(number("NaN"), None);
    }
}
