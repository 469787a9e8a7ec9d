//! A potential that calls a function of the script at every position: for what cannot be traced. Derivatives are differences.
//!
//! One thread of its own does all calls, with an engine of its own: whoever asks waits. A slope is the difference of fourth order,
//! (8(f(h) − f(−h)) − (f(2h) − f(−2h)))/12h with h = 3e-4 (1 + |x|), good to about 1e-11 of the energies. A call that fails gives NaN and one warning.

use super::api::{Call, Environment};
use super::convert::number;
use super::engine::{Language, STACK};
use super::errors::from_rhai;
use super::values::Vector;
use crate::base::{Error, Kind, Result};
use crate::math::random::stream;
use crate::potentials::{Batch, Evaluations, Family, Identity, Potential};
use rand::RngExt;
use rhai::{Dynamic, FnPtr};
use std::any::Any;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

/// Positions one after another, and where their energies are awaited.
type Question = (Vec<f64>, Sender<Vec<f64>>);

pub struct Called {
    dimension: usize,
    /// The energies of a few positions: what tells this function from another one.
    sample: Vec<f64>,
    questions: Mutex<Sender<Question>>,
}

/// The positions whose energies tell functions apart.
fn sample_positions(dimension: usize) -> Vec<Vec<f64>> {
    let mut stream = stream(0, 0);
    (0..3).map(|_| (0..dimension).map(|_| 2.0 * stream.random::<f64>() - 1.0).collect()).collect()
}

impl Called {
    /// Calls the function a few times here, so that its mistakes show at their place, and starts its thread. What it has captured is kept as it is now.
    pub fn new(call: &Call, dimension: usize, mut f: FnPtr) -> Result<Called> {
        f.iter_curry_mut().for_each(|captured| *captured = captured.clone().flatten());
        let sample = sample_positions(dimension)
            .into_iter()
            .map(|x| call.real(&f, [Dynamic::from(Vector::new(x))]))
            .collect::<Result<_>>()?;
        let (questions, waiting) = channel::<Question>();
        #[allow(deprecated)] // rhai marks what may change in a later version; the version is fixed
        let kept = call.context.store_data();
        let environment: Arc<Environment> = call.environment.clone();
        let work = move || {
            let language = Language::sharing(environment.clone());
            let mut warned = false;
            while let Ok((positions, answer)) = waiting.recv() {
                let energies = positions.chunks_exact(dimension).map(|x| {
                    #[allow(deprecated)] // as above
                    let context = kept.create_context(&language.engine);
                    let given = f.call_raw(&context, None, [Dynamic::from(Vector::new(x.to_vec()))]);
                    let error = match given {
                        Ok(value) => match number(&value) {
                            Some(energy) => return energy,
                            None => format!("the function gave {}", language.catalogue.describe(&value)),
                        },
                        Err(thrown) => from_rhai(&thrown, &language.catalogue).error.message,
                    };
                    if !warned && environment.run.check().is_ok() {
                        environment.run.warn(&format!("potential: where its function fails there is no energy: {error}"));
                        warned = true;
                    }
                    f64::NAN
                });
                // Nobody waits any more when a search was stopped.
                let _ = answer.send(energies.collect());
            }
        };
        let name = "potential".to_string();
        if let Err(error) = std::thread::Builder::new().name(name).stack_size(STACK).spawn(work) {
            return Err(Error::new(Kind::Limit, format!("potential: no thread for its function: {error}")));
        }
        Ok(Called { dimension, sample, questions: Mutex::new(questions) })
    }

    fn energies(&self, positions: Vec<f64>) -> Vec<f64> {
        let count = positions.len() / self.dimension;
        let (answer, awaited) = channel();
        let sent = self.questions.lock().is_ok_and(|questions| questions.send((positions, answer)).is_ok());
        let found = if sent { awaited.recv().ok() } else { None };
        found.unwrap_or_else(|| vec![f64::NAN; count])
    }
}

impl Potential for Called {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
        out.prepare(&batch);
        let n = self.dimension;
        if !out.wants_gradients {
            out.energies = self.energies(batch.data.to_vec());
            return;
        }
        let step = |x: f64| 3e-4 * (1.0 + x.abs());
        let mut positions = Vec::with_capacity(batch.rows * (4 * n + 1) * n);
        for row in 0..batch.rows {
            let x = batch.row(row);
            positions.extend_from_slice(x);
            for i in 0..n {
                for steps in [1.0, -1.0, 2.0, -2.0] {
                    positions.extend_from_slice(x);
                    let place = positions.len() - n + i;
                    positions[place] += steps * step(x[i]);
                }
            }
        }
        let energies = self.energies(positions);
        for (row, energies) in energies.chunks_exact(4 * n + 1).enumerate() {
            out.energies[row] = energies[0];
            for (i, [near, back, far, far_back]) in energies[1..].as_chunks::<4>().0.iter().enumerate() {
                out.gradients[row * n + i] = (8.0 * (near - back) - (far - far_back)) / (12.0 * step(batch.row(row)[i]));
            }
        }
    }

    fn family(&self) -> Family {
        Family::Surface
    }

    fn identity(&self) -> Identity {
        let parts = vec![("dimension".into(), self.dimension.to_string()), ("energies".into(), format!("{:?}", self.sample))];
        Identity { name: "function".into(), parts }
    }

    /// Differences of differences: worth no dense matrix at every step.
    fn prefers_dense_hessian(&self) -> bool {
        false
    }

    fn random(&self, seed: u64, scale: f64) -> Vec<f64> {
        let mut stream = stream(seed, 0);
        (0..self.dimension).map(|_| scale * (2.0 * stream.random::<f64>() - 1.0)).collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
