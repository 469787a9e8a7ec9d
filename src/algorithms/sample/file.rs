//! Samples in .npz files: written while they are made, or afterwards, and read again.
//!
//! Arrays: `positions` (walkers · rows × dimension, walker after walker), `energies`, `kinetic` and `virials` (one a row), and `about`, a
//! text in JSON: walkers, temperature, method, step size, seed and the identity of the potential.

use super::samples::{Samples, Store};
use super::{Course, Method, SampleOptions};
use crate::base::{Error, Result};
use crate::data::npy::{Array, Values};
use crate::data::rows::{Rows, Scratch, read_small, visit_large, write_npz};
use crate::math::Matrix;
use crate::potentials::Potential;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Takes positions while they are made.
pub(super) struct Writer {
    scratch: Scratch,
    path: PathBuf,
    chains: usize,
    room: usize,
}

const NAME: &str = "sample_langevin";
const LARGE: &str = "positions";

impl Writer {
    pub fn new(path: &Path, n: usize, chains: usize, room: usize) -> Result<Writer> {
        let scratch = Scratch::beside(NAME, path, n).map_err(|e| e.at("save"))?;
        Ok(Writer { scratch, path: path.to_path_buf(), chains, room })
    }

    pub fn put(&mut self, place: usize, x: &[f64]) -> Result<()> {
        self.scratch.put(place, x)
    }

    /// Makes the file of what has been put, `rows` rows a chain.
    pub fn finish(mut self, rows: usize, samples: &Samples) -> Result<PathBuf> {
        let rows = Rows::Scratch { scratch: &mut self.scratch, chains: self.chains, rows, room: self.room };
        write(NAME, &self.path, samples, rows)?;
        Ok(self.path)
    }
}

fn write(function: &str, path: &Path, samples: &Samples, rows: Rows) -> Result<()> {
    let reals = |values: &[f64]| Array { shape: vec![values.len()], values: Values::Reals(values.to_vec()) };
    let about = Array { shape: vec![1], values: Values::Texts(vec![about(samples).to_string()]) };
    let small = [
        ("about", about),
        ("energies", reals(&samples.energies)),
        ("kinetic", reals(&samples.kinetic)),
        ("virials", reals(&samples.virials)),
    ];
    write_npz(function, path, &small, LARGE, rows)
}

fn about(samples: &Samples) -> Value {
    let courses: Vec<Value> = samples
        .courses
        .iter()
        .map(|c| json!([c.steps, c.kinetic, c.virial, c.energy, c.acceptance, c.divergences, c.deepest, c.evaluations]))
        .collect();
    json!({
        "program": format!("losscape {}", env!("CARGO_PKG_VERSION")),
        "walkers": samples.walkers,
        "rows": samples.rows,
        "dimension": samples.dimension,
        "temperature": samples.temperature,
        "method": samples.options.method.name(),
        "friction": samples.options.friction,
        "every": samples.options.every,
        "burn_in": samples.options.burn_in,
        "minibatch": samples.options.minibatch,
        "step_sizes": samples.step_sizes,
        "seed": samples.seed,
        "potential": format!("{:?}", samples.potential.identity()),
        "courses": courses,
    })
}

/// Writes samples to a .npz file.
pub fn save(samples: &Samples, path: &Path) -> Result<()> {
    // Those of a file are read whole: it may be the one that is written.
    write("save", path, samples, Rows::Memory(samples.positions()?))
}

/// All positions of a file of samples.
pub fn read_positions(path: &Path) -> Result<Matrix> {
    let about = read_about("samples", path)?.1;
    let columns = about["dimension"].as_u64().unwrap_or(0) as usize;
    let mut data = Vec::new();
    visit_positions(path, columns, &mut |_, block| {
        data.extend_from_slice(block);
        Ok(())
    })?;
    Ok(Matrix::from_rows(data.len() / columns.max(1), columns, data))
}

/// Hands over the positions of a file, blocks of whole rows in order, each with the number of its first row.
pub fn visit_positions(path: &Path, columns: usize, each: &mut dyn FnMut(usize, &[f64]) -> Result<()>) -> Result<()> {
    visit_large("samples", path, LARGE, columns, each)
}

fn read_about(function: &str, path: &Path) -> Result<(Vec<(String, Array)>, Value)> {
    let arrays = read_small(function, path, LARGE)?;
    let about = arrays.iter().find_map(|(name, array)| match &array.values {
        Values::Texts(texts) if name == "about" => serde_json::from_str(texts.first()?).ok(),
        _ => None,
    });
    match about {
        Some(about) => Ok((arrays, about)),
        None => Err(Error::format(path, format!("{function}: the file holds no samples (no array `about` that says of what)"))),
    }
}

/// Reads samples that [`save`] or a run has written; their positions stay in the file until somebody asks.
///
/// Errors: a file of something else, samples of another potential.
pub fn load(path: &Path, potential: &Arc<dyn Potential>) -> Result<Samples> {
    let (arrays, about) = read_about("load_samples", path)?;
    let identity = format!("{:?}", potential.identity());
    if about["potential"] != Value::String(identity) {
        return Err(Error::data(format!("load_samples: the samples in {} are those of another potential", path.display()))
            .hint("load them with the potential that they were made with, data and options the same")
            .at("potential"));
    }
    let whole = |name: &str| about[name].as_u64().unwrap_or(0) as usize;
    let (walkers, rows) = (whole("walkers"), whole("rows"));
    let column = |wanted: &str| -> Result<Vec<f64>> {
        let found = arrays.iter().find(|(name, _)| name == wanted).map(|(_, array)| &array.values);
        match found {
            Some(Values::Reals(values)) if values.len() == walkers * rows => Ok(values.clone()),
            _ => Err(Error::format(path, format!("array `{wanted}` does not hold {} numbers", walkers * rows))),
        }
    };
    let courses = about["courses"].as_array().map_or(Vec::new(), |courses| {
        let course = |c: &Value| {
            let (real, whole) = (|k: usize| c[k].as_f64().unwrap_or(f64::NAN), |k: usize| c[k].as_u64().unwrap_or(0));
            Course {
                steps: whole(0),
                kinetic: real(1),
                virial: real(2),
                energy: real(3),
                acceptance: real(4),
                divergences: whole(5),
                diverged: Vec::new(),
                deepest: whole(6),
                evaluations: whole(7),
            }
        };
        courses.iter().map(course).collect()
    });
    let options = SampleOptions {
        method: about["method"].as_str().and_then(Method::named).unwrap_or(Method::Baoab),
        temperature: about["temperature"].as_f64().unwrap_or(f64::NAN),
        friction: about["friction"].as_f64().unwrap_or(f64::NAN),
        every: whole("every").max(1),
        burn_in: whole("burn_in"),
        minibatch: about["minibatch"].as_u64().map(|size| size as usize),
        walkers,
        steps: rows * whole("every").max(1),
        ..Default::default()
    };
    let step_sizes = about["step_sizes"].as_array().map_or(Vec::new(), |s| s.iter().filter_map(Value::as_f64).collect());
    Ok(Samples {
        potential: potential.clone(),
        seed: about["seed"].as_u64().unwrap_or(0),
        dimension: whole("dimension"),
        walkers,
        rows,
        temperature: options.temperature,
        energies: column("energies")?,
        kinetic: column("kinetic")?,
        virials: column("virials")?,
        courses,
        step_sizes,
        inverse_masses: Vec::new(),
        hotter: Vec::new(),
        swaps: Vec::new(),
        round_trips: 0,
        options,
        store: Arc::new(Store::File { path: path.to_path_buf(), read: OnceLock::new() }),
        state: None,
    })
}
