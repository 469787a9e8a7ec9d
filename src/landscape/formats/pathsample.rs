//! PATHSAMPLE databases: `min.data`, `ts.data`, `points.min`, `points.ts`, and `min.A`, `min.B` where they are.
//!
//! `min.data` has a line a minimum: energy, logarithm of the product of the positive Hessian eigenvalues, order of the point group,
//! three principal moments of inertia. `ts.data`: energy, logarithm, order, the two minima (lines of `min.data`, from 1), moments.
//! The points are raw little-endian doubles, one record a line. What was read is written again byte by byte; points that losscape
//! found get fields in the format of PATHSAMPLE (order and moments for clusters, 1 and 1 1 1 for anything else).
//!
//! Reference: D. J. Wales, PATHSAMPLE, <https://www-wales.ch.cam.ac.uk/PATHSAMPLE/>.

use super::{bad_line, foreign_landscape, number, read_text};
use crate::algorithms::{Curvature, StationaryPoint};
use crate::base::{Error, Result};
use crate::landscape::Landscape;
use crate::landscape::points::{ForeignRecord, Minimum, TransitionState};
use crate::potentials::{Family, Potential};
use std::path::Path;
use std::sync::Arc;

/// Files that belong to a database without belonging to a point.
const KEPT: [&str; 2] = ["min.A", "min.B"];

/// Reads the database in `folder`; ids are the lines of its files.
///
/// Errors name the file, and the line where one is wrong.
pub fn load_pathsample(folder: &Path, potential: Option<Arc<dyn Potential>>) -> Result<Landscape> {
    let path = folder.join("min.data");
    let text = read_text(&path)?;
    let lines = data_lines(&text);
    if lines.is_empty() {
        return Err(Error::format(&path, "there is no minimum in it").at("folder"));
    }
    let (positions, dimension) = read_points(&folder.join("points.min"), lines.len(), None)?;
    let mut minima = Vec::with_capacity(lines.len());
    for ((line, raw), position) in lines.into_iter().zip(positions) {
        let words: Vec<&str> = raw.split_whitespace().collect();
        if words.len() == 2 {
            return Err(bad_line(&path, line, "two columns, as TopSearch writes them").hint("read it with load_topsearch"));
        }
        if words.len() < 3 {
            return Err(bad_line(
                &path,
                line,
                format!("{} columns; energy, log product and point-group order are needed", words.len()),
            ));
        }
        let real =
            |k: usize, what: &str| number(words[k]).ok_or_else(|| bad_line(&path, line, format!("{what} is \"{}\"", words[k])));
        let point = foreign_point(position, real(0, "the energy")?, real(1, "the log product")?, 0);
        let foreign = Some(ForeignRecord { line: raw.to_string() });
        minima.push(Minimum { foreign, ..Minimum::new(minima.len() + 1, &point) });
    }
    let transition_states = read_transition_states(folder, minima.len(), dimension)?;
    let mut kept = Vec::new();
    for name in KEPT {
        let path = folder.join(name);
        if path.exists() {
            kept.push((name.to_string(), std::fs::read(&path).map_err(|error| Error::file(&path, error))?));
        }
    }
    foreign_landscape("load_pathsample", minima, transition_states, kept, dimension, potential)
}

fn read_transition_states(folder: &Path, minima: usize, dimension: usize) -> Result<Vec<TransitionState>> {
    let path = folder.join("ts.data");
    let text = read_text(&path)?;
    let lines = data_lines(&text);
    let positions = match lines.len() {
        0 => Vec::new(),
        count => read_points(&folder.join("points.ts"), count, Some(dimension))?.0,
    };
    let mut all = Vec::with_capacity(lines.len());
    for ((line, raw), position) in lines.into_iter().zip(positions) {
        let words: Vec<&str> = raw.split_whitespace().collect();
        if words.len() < 5 {
            let found = words.len();
            return Err(bad_line(&path, line, format!("{found} columns; energy, log product, order and two minima are needed")));
        }
        let real =
            |k: usize, what: &str| number(words[k]).ok_or_else(|| bad_line(&path, line, format!("{what} is \"{}\"", words[k])));
        let side = |k: usize| match words[k].parse::<usize>() {
            Ok(id) if id >= 1 && id <= minima => Ok(id),
            _ => Err(bad_line(&path, line, format!("\"{}\" is no minimum of min.data, which has {minima}", words[k]))),
        };
        let point = foreign_point(position, real(0, "the energy")?, real(1, "the log product")?, 1);
        let foreign = Some(ForeignRecord { line: raw.to_string() });
        all.push(TransitionState { foreign, ..TransitionState::new(all.len() + 1, &point, [side(3)?, side(4)?]) });
    }
    Ok(all)
}

/// The lines that hold something, each with its number from 1 and its end of line.
fn data_lines(text: &str) -> Vec<(usize, &str)> {
    text.split_inclusive('\n').enumerate().map(|(k, line)| (k + 1, line)).filter(|(_, line)| !line.trim().is_empty()).collect()
}

/// A point of which only energy, position and log product were written down.
fn foreign_point(position: Vec<f64>, energy: f64, log_product: f64, index: usize) -> StationaryPoint {
    let curvature = Curvature { index, near_zero: 0, lowest: [f64::NAN; 2], bound: f64::NAN, log_product };
    StationaryPoint { position, energy, rms_gradient: f64::NAN, curvature }
}

/// `count` records of equal length; gives their number of coordinates too, which must be `dimension` where that is known.
fn read_points(path: &Path, count: usize, dimension: Option<usize>) -> Result<(Vec<Vec<f64>>, usize)> {
    let bytes = std::fs::read(path).map_err(|error| Error::file(path, error).at("folder"))?;
    let (numbers, rest) = bytes.as_chunks::<8>();
    let found = numbers.len() / count;
    if !rest.is_empty() || found == 0 || found * count != numbers.len() {
        return Err(
            Error::format(path, format!("{} bytes are not {count} records of whole 8-byte numbers", bytes.len())).at("folder")
        );
    }
    if let Some(dimension) = dimension
        && found != dimension
    {
        return Err(Error::format(path, format!("{count} records of {found} numbers, the minima have {dimension}")).at("folder"));
    }
    let records: Vec<Vec<f64>> = numbers.chunks(found).map(|r| r.iter().map(|b| f64::from_le_bytes(*b)).collect()).collect();
    match records.iter().position(|r| r.iter().any(|x| !x.is_finite())) {
        Some(k) => Err(Error::format(path, format!("record {} holds a number that is not finite", k + 1)).at("folder")),
        None => Ok((records, found)),
    }
}

/// Writes the landscape as a PATHSAMPLE database into `folder`, which is made when it is missing.
///
/// Errors name the file that cannot be written.
pub fn save_pathsample(landscape: &Landscape, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))?;
    let state = landscape.state();
    let cluster = landscape.potential().is_some_and(|p| p.family() == Family::Cluster);
    let mut text = String::new();
    for minimum in &state.minima {
        let line = match &minimum.foreign {
            Some(record) => record.line.clone(),
            None => {
                let (order, inertia) = shape(cluster, &minimum.position);
                format!("{:25.15}{:25.15}{order:6}{}\n", minimum.energy, finite(minimum.curvature.log_product), columns(inertia))
            }
        };
        push_line(&mut text, &line);
    }
    write(&folder.join("min.data"), text.as_bytes())?;
    let mut text = String::new();
    for point in &state.transition_states {
        let line = match &point.foreign {
            Some(record) => record.line.clone(),
            None => {
                let (order, inertia) = shape(cluster, &point.position);
                let [a, b] = point.minima;
                let (energy, product) = (point.energy, finite(point.curvature.log_product));
                format!("{energy:25.15}{product:25.15}{order:10}{a:10}{b:10}{}\n", columns(inertia))
            }
        };
        push_line(&mut text, &line);
    }
    write(&folder.join("ts.data"), text.as_bytes())?;
    let minima = state.minima.iter().flat_map(|m| m.position.iter());
    write(&folder.join("points.min"), &minima.flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())?;
    let transition_states = state.transition_states.iter().flat_map(|t| t.position.iter());
    write(&folder.join("points.ts"), &transition_states.flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())?;
    for (name, content) in &state.foreign_files {
        write(&folder.join(name), content)?;
    }
    Ok(())
}

/// Adds a line; one that was read without its end (the last of a file) gets it when another follows.
fn push_line(text: &mut String, line: &str) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(line);
}

/// Order of the point group and moments of inertia.
fn shape(cluster: bool, position: &[f64]) -> (usize, [f64; 3]) {
    if cluster && position.len().is_multiple_of(3) {
        (
            crate::potentials::clusters::geometry::point_group_order(position, 1e-3),
            crate::potentials::clusters::geometry::moments_of_inertia(position),
        )
    } else {
        (1, [1.0; 3])
    }
}

fn columns(moments: [f64; 3]) -> String {
    moments.iter().map(|m| format!("{m:20.10}")).collect()
}

/// PATHSAMPLE cannot read NaN: 0 stands for a product that was not computed.
fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(|error| Error::file(path, error))
}
