//! TopSearch databases: `min.data`, `min.coords`, `ts.data`, `ts.coords`, with or without a prefix.
//!
//! `min.data` has a line a minimum: its number (from 0) and energy; `ts.data` the numbers of both minima and the energy; the `.coords`
//! files a line of coordinates a point. The names are PATHSAMPLE's, the columns are not.
//!
//! Reference: L. Dicks, E. O. Pyzer-Knapp, J. Open Source Softw. 9, 6711 (2024), doi:10.21105/joss.06711.

use super::{bad_line, foreign_landscape, number, read_text};
use crate::algorithms::{Curvature, StationaryPoint};
use crate::base::{Error, Result};
use crate::landscape::Landscape;
use crate::landscape::points::{Minimum, TransitionState};
use crate::potentials::Potential;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

crate::options! {
    /// Options of `load_topsearch`.
    pub struct TopSearchOptions {
        /// What the names of the files begin with: `atomic_` for `atomic_min.data`.
        prefix: Option<String> = None => "none, or that of the only min.data there", ANY, "";
    }
}

/// Reads the database in `folder`; minimum number k of its files gets the id of its line.
///
/// Errors name the file, and the line where one is wrong.
pub fn load_topsearch(folder: &Path, options: &TopSearchOptions, potential: Option<Arc<dyn Potential>>) -> Result<Landscape> {
    let prefix = match &options.prefix {
        Some(prefix) => prefix.clone(),
        None => find_prefix(folder)?,
    };
    let file = |name: &str| folder.join(format!("{prefix}{name}"));
    let path = file("min.data");
    let rows = table(&path, 2, "a number and an energy")?;
    if rows.is_empty() {
        return Err(Error::format(&path, "there is no minimum in it").at("folder"));
    }
    let (positions, dimension) = coordinates(&file("min.coords"), rows.len(), None)?;
    let mut ids = HashMap::new();
    let mut minima = Vec::with_capacity(rows.len());
    for ((line, row), position) in rows.into_iter().zip(positions) {
        let id = minima.len() + 1;
        if ids.insert(row[0].to_bits(), id).is_some() {
            return Err(bad_line(&path, line, format!("minimum {} is there twice", row[0])));
        }
        minima.push(Minimum::new(id, &point(position, row[1], 0)));
    }
    let path = file("ts.data");
    let rows = table(&path, 3, "two minima and an energy")?;
    let positions = match rows.len() {
        0 => Vec::new(),
        count => coordinates(&file("ts.coords"), count, Some(dimension))?.0,
    };
    let mut transition_states = Vec::with_capacity(rows.len());
    for ((line, row), position) in rows.into_iter().zip(positions) {
        let side = |k: usize| {
            let id = ids.get(&row[k].to_bits()).copied();
            id.ok_or_else(|| bad_line(&path, line, format!("there is no minimum {} in {prefix}min.data", row[k])))
        };
        let sides = [side(0)?, side(1)?];
        transition_states.push(TransitionState::new(transition_states.len() + 1, &point(position, row[2], 1), sides));
    }
    foreign_landscape("load_topsearch", minima, transition_states, Vec::new(), dimension, potential)
}

/// What stands before `min.data` in the only file that ends so.
fn find_prefix(folder: &Path) -> Result<String> {
    if folder.join("min.data").exists() {
        return Ok(String::new());
    }
    let entries = std::fs::read_dir(folder).map_err(|error| Error::file(folder, error).at("folder"))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut prefixes: Vec<String> = names.filter_map(|name| name.strip_suffix("min.data").map(str::to_string)).collect();
    prefixes.sort();
    match prefixes.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Error::file(folder.join("min.data"), "there is no such file, with or without a prefix").at("folder")),
        several => Err(Error::format(folder, format!("several databases: {}min.data", several.join("min.data, ")))
            .at("folder")
            .hint("say which with the option `prefix`")),
    }
}

/// The lines of a file with their numbers from 1, each of `columns` numbers.
fn table(path: &Path, columns: usize, what: &str) -> Result<Vec<(usize, Vec<f64>)>> {
    let mut rows = Vec::new();
    for (k, line) in read_text(path)?.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row: Option<Vec<f64>> = line.split_whitespace().map(number).collect();
        match row {
            Some(row) if row.len() == columns => rows.push((k + 1, row)),
            Some(row) if row.len() > columns => {
                return Err(bad_line(path, k + 1, format!("{} columns, {what} are needed", row.len()))
                    .hint("a database of PATHSAMPLE is read with load_pathsample"));
            }
            _ => return Err(bad_line(path, k + 1, format!("{what} are needed, found \"{}\"", line.trim()))),
        }
    }
    Ok(rows)
}

/// `count` lines of coordinates, all of one length.
fn coordinates(path: &Path, count: usize, dimension: Option<usize>) -> Result<(Vec<Vec<f64>>, usize)> {
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(count);
    let mut length = dimension;
    for (k, line) in read_text(path)?.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row: Option<Vec<f64>> = line.split_whitespace().map(number).collect();
        let row = row.ok_or_else(|| bad_line(path, k + 1, "a coordinate is no number"))?;
        let wanted = *length.get_or_insert(row.len());
        if row.len() != wanted {
            return Err(bad_line(path, k + 1, format!("{} coordinates, the other points have {wanted}", row.len())));
        }
        rows.push(row);
    }
    if rows.len() != count {
        return Err(Error::format(path, format!("{} positions for {count} energies", rows.len())).at("folder"));
    }
    Ok((rows, length.unwrap_or(0)))
}

fn point(position: Vec<f64>, energy: f64, index: usize) -> StationaryPoint {
    let curvature = Curvature { index, near_zero: 0, lowest: [f64::NAN; 2], bound: f64::NAN, log_product: f64::NAN };
    StationaryPoint { position, energy, rms_gradient: f64::NAN, curvature }
}
