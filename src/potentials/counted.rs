//! A potential that counts its evaluations, for those who ask how much work a search was.
//!
//! Threads count in cells of their own, a cache line each: a shared counter would cost as much as a small gradient.

use super::{Batch, Evaluations, Family, Identity, Minibatch, Potential, Preconditioner, Symmetry};
use crate::math::Matrix;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[repr(align(128))]
#[derive(Default)]
struct Cell(AtomicU64);

/// Number of cells; more threads share them.
const CELLS: usize = 64;

/// Another potential, with every call passed on and counted.
pub struct Counted {
    inner: Arc<dyn Potential>,
    cells: Box<[Cell]>,
}

impl Counted {
    /// The potential itself where it counts already.
    pub fn of(potential: Arc<dyn Potential>) -> Arc<dyn Potential> {
        if potential.evaluations().is_some() {
            return potential;
        }
        Arc::new(Counted { inner: potential, cells: (0..CELLS).map(|_| Cell::default()).collect() })
    }

    fn count(&self, rows: usize) {
        let cell = rayon::current_thread_index().map_or(0, |k| (k + 1) % CELLS);
        self.cells[cell].0.fetch_add(rows as u64, Ordering::Relaxed);
    }
}

impl Potential for Counted {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }
    fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
        self.count(batch.rows);
        self.inner.evaluate(batch, out);
    }
    fn family(&self) -> Family {
        self.inner.family()
    }
    fn identity(&self) -> Identity {
        self.inner.identity()
    }
    fn hessian(&self, x: &[f64], hessian: &mut Matrix) {
        self.inner.hessian(x, hessian);
    }
    fn hessian_vector(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        self.count(1);
        self.inner.hessian_vector(x, v, out);
    }
    fn prefers_dense_hessian(&self) -> bool {
        self.inner.prefers_dense_hessian()
    }
    fn preconditioner(&self, x: &[f64]) -> Option<Box<dyn Preconditioner + '_>> {
        self.inner.preconditioner(x)
    }
    fn symmetry(&self) -> &dyn Symmetry {
        self.inner.symmetry()
    }
    fn frozen(&self) -> Option<&[bool]> {
        self.inner.frozen()
    }
    fn random(&self, seed: u64, scale: f64) -> Vec<f64> {
        self.inner.random(seed, scale)
    }
    fn contain(&self, x: &mut [f64]) {
        self.inner.contain(x);
    }
    fn evaporated(&self, x: &[f64]) -> bool {
        self.inner.evaporated(x)
    }
    fn minibatch(&self) -> Option<&dyn Minibatch> {
        self.inner.minibatch().map(|_| self as &dyn Minibatch)
    }
    fn evaluations(&self) -> Option<u64> {
        Some(self.cells.iter().map(|cell| cell.0.load(Ordering::Relaxed)).sum())
    }
    fn as_any(&self) -> &dyn Any {
        self.inner.as_any()
    }
}

/// Only handed out where the potential inside is one.
impl Minibatch for Counted {
    fn items(&self) -> usize {
        self.inner.minibatch().map_or(0, |inner| inner.items())
    }
    fn evaluate_items(&self, items: &[u32], batch: Batch, out: &mut Evaluations) {
        self.count(batch.rows);
        if let Some(inner) = self.inner.minibatch() {
            inner.evaluate_items(items, batch, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::potentials::clusters::LennardJones;
    use crate::potentials::energy_gradient;

    #[test]
    fn counts_rows_and_stays_what_it_is() {
        let counted = Counted::of(Arc::new(LennardJones::new(2)));
        let x = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0];
        let (e, _) = energy_gradient(&*counted, &x);
        let both = [x, x].concat();
        counted.evaluate(Batch::new(&both, 6), &mut Evaluations::default());
        assert_eq!((e, counted.evaluations()), (0.0, Some(3)));
        assert!(counted.as_any().is::<LennardJones>());
        assert!(Arc::ptr_eq(&Counted::of(counted.clone()), &counted));
    }
}
