//! Textbook surfaces: small formulas with gradient and Hessian, known stationary points in the catalogue.
//!
//! A surface is a [`Formula`]; [`Surface`] makes a potential of it.

mod many;
mod plane;

pub use many::{DoubleWell, Harmonic, Rastrigin, Rosenbrock, StyblinskiTang};
pub use plane::{Beale, GoldsteinPrice, Himmelblau, MullerBrown, SixHumpCamel, ThreeHumpCamel, WolfeQuapp};

use super::{Batch, Evaluations, Family, Identity, Potential};
use crate::math::Matrix;
use crate::math::random::stream;
use rand::RngExt;
use std::any::Any;

/// A surface given by a formula.
pub trait Formula: Send + Sync + 'static {
    /// The catalogue's name.
    fn name(&self) -> &'static str;
    /// Number of coordinates.
    fn dimension(&self) -> usize;
    /// The energy at `x`; writes the gradient.
    fn value(&self, x: &[f64], gradient: &mut [f64]) -> f64;
    /// Hands every non-zero second derivative of the lower triangle (row ≥ column) to `add`.
    fn curvature(&self, x: &[f64], add: &mut dyn FnMut(usize, usize, f64));
    /// Where searches begin: the range of a coordinate.
    fn region(&self, coordinate: usize) -> [f64; 2];
    /// What else decides the energy, besides the dimension.
    fn parts(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// A formula as a potential.
pub struct Surface<F: Formula>(pub F);

impl<F: Formula> Potential for Surface<F> {
    fn dimension(&self) -> usize {
        self.0.dimension()
    }

    fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
        out.prepare(&batch);
        let n = batch.dimension;
        out.scratch.resize(n.max(out.scratch.len()), 0.0);
        for r in 0..batch.rows {
            let gradient = if out.wants_gradients { &mut out.gradients[r * n..(r + 1) * n] } else { &mut out.scratch[..n] };
            out.energies[r] = self.0.value(batch.row(r), gradient);
        }
    }

    fn family(&self) -> Family {
        Family::Surface
    }

    fn identity(&self) -> Identity {
        let mut parts = vec![("dimension".to_string(), self.0.dimension().to_string())];
        parts.extend(self.0.parts());
        Identity { name: self.0.name().into(), parts }
    }

    fn hessian(&self, x: &[f64], hessian: &mut Matrix) {
        hessian.reset(x.len(), x.len());
        self.0.curvature(x, &mut |i, j, h| {
            hessian[(i, j)] += h;
            if i != j {
                hessian[(j, i)] += h;
            }
        });
    }

    fn hessian_vector(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        self.0.curvature(x, &mut |i, j, h| {
            out[i] += h * v[j];
            if i != j {
                out[j] += h * v[i];
            }
        });
    }

    /// Uniform in the surface's region, stretched about its centre.
    fn random(&self, seed: u64, scale: f64) -> Vec<f64> {
        let mut stream = stream(seed, 0);
        (0..self.0.dimension())
            .map(|k| {
                let [low, high] = self.0.region(k);
                0.5 * (low + high) + scale * (high - low) * (stream.random::<f64>() - 0.5)
            })
            .collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
