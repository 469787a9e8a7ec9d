//! What the Hessian says of a point: index, near-zero modes, lowest modes, and the second-order steps that follow from it.
//!
//! A frame is the Hessian over the coordinates that move, with the zero modes of the symmetry lifted out of the way: z zᵀ times the
//! largest diagonal element is added for each zero mode z, so that they count neither as negative nor as soft. Along them the gradient
//! vanishes, so steps do not feel the lift.
//! Cost: the Hessian and one eigenproblem; for large problems Lanczos on Hessian-vector products with a residual bound.

use super::Curvature;
use super::evaluator::Evaluator;
use crate::base::{Result, Run};
use crate::math::Matrix;
use crate::math::matrix::{add_scaled, dot, norm};
use crate::potentials::Potential;

/// |h| below this share of the largest eigenvalue is neither negative nor positive.
pub const NEAR_ZERO: f64 = 1e-7;

/// The Hessian of one position, ready for questions. Its memory serves one position after the other.
pub struct Frame<'a> {
    potential: &'a dyn Potential,
    /// The coordinates that move, where some are frozen.
    active: Option<Vec<usize>>,
    hessian: Matrix,
    reduced: Matrix,
    values: Vec<f64>,
    /// Eigenvectors, a column each, over the active coordinates.
    vectors: Matrix,
    lifted: Vec<f64>,
}

impl<'a> Frame<'a> {
    pub fn new(potential: &'a dyn Potential) -> Frame<'a> {
        let active = potential.frozen().filter(|f| f.contains(&true)).map(|f| (0..f.len()).filter(|&i| !f[i]).collect());
        Frame {
            potential,
            active,
            hessian: Matrix::default(),
            reduced: Matrix::default(),
            values: Vec::new(),
            vectors: Matrix::default(),
            lifted: Vec::new(),
        }
    }

    /// Takes the Hessian at `x` and solves its eigenproblem.
    pub async fn compute(&mut self, evaluator: &mut Evaluator<'_>, x: &[f64]) -> Result<()> {
        evaluator.hessian(x, &mut self.hessian).await?;
        self.solve(x);
        Ok(())
    }

    fn solve(&mut self, x: &[f64]) {
        let modes = self.potential.symmetry().zero_modes(x);
        self.lifted.clear();
        if !modes.is_empty() {
            let n = x.len();
            let lift = (0..n).map(|i| self.hessian[(i, i)].abs()).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
            for z in &modes {
                for i in 0..n {
                    add_scaled(self.hessian.row_mut(i), lift * z[i], z);
                }
                self.lifted.push(lift);
            }
        }
        let matrix = match &self.active {
            None => &self.hessian,
            Some(active) => {
                self.reduced.reset(active.len(), active.len());
                for (a, &i) in active.iter().enumerate() {
                    for (b, &j) in active.iter().enumerate() {
                        self.reduced[(a, b)] = self.hessian[(i, j)];
                    }
                }
                &self.reduced
            }
        };
        (self.values, self.vectors) = symmetric_eigen(matrix);
    }

    fn size(&self) -> usize {
        self.values.len()
    }

    /// Index, near-zero modes, lowest eigenvalues, Σ ln|h|.
    pub fn curvature(&self) -> Curvature {
        let largest = self.values.iter().fold(0.0f64, |m, h| m.max(h.abs()));
        let zero = NEAR_ZERO * largest;
        let lifts: f64 = self.lifted.iter().map(|l| l.ln()).sum();
        Curvature {
            index: self.values.iter().filter(|h| **h < -zero).count(),
            near_zero: self.values.iter().filter(|h| h.abs() <= zero).count(),
            lowest: [self.values.first().copied().unwrap_or(f64::NAN), self.values.get(1).copied().unwrap_or(f64::NAN)],
            log_product: self.values.iter().filter(|h| h.abs() > zero).map(|h| h.abs().ln()).sum::<f64>() - lifts,
        }
    }

    /// The lowest eigenvalue and its eigenvector over all coordinates.
    pub fn lowest(&self) -> (f64, Vec<f64>) {
        (self.values[0], self.mode(0))
    }

    /// Eigenvector `k` (ascending) over all coordinates, of length 1.
    pub fn mode(&self, k: usize) -> Vec<f64> {
        let mut full = vec![0.0; self.potential.dimension()];
        for a in 0..self.size() {
            full[self.active.as_ref().map_or(a, |active| active[a])] = self.vectors[(a, k)];
        }
        full
    }

    /// The step that minimises g·s + ½ s·H s within `radius`; gives that (negative) value.
    pub fn trust_step(&self, g: &[f64], radius: f64, step: &mut [f64]) -> f64 {
        self.model_step(g, radius, 0, step)
    }

    /// The same in the complement of the lowest mode.
    pub fn trust_step_beside(&self, g: &[f64], radius: f64, step: &mut [f64]) -> f64 {
        self.model_step(g, radius, 1, step)
    }

    fn model_step(&self, g: &[f64], radius: f64, first: usize, step: &mut [f64]) -> f64 {
        step.fill(0.0);
        let m = self.size();
        if first >= m {
            return 0.0;
        }
        let place = |a: usize| self.active.as_ref().map_or(a, |active| active[a]);
        let mut slope = vec![0.0; m];
        for a in 0..m {
            add_scaled(&mut slope, g[place(a)], self.vectors.row(a));
        }
        let soft = self.values[first];
        let floor = 1e-12 * self.values[m - 1].abs().max(soft.abs());
        let length = |shift: f64| (first..m).map(|k| (slope[k] / (self.values[k] + shift)).powi(2)).sum::<f64>().sqrt();
        let mut shift = 0.0;
        if soft <= floor || length(0.0) > radius {
            // The secular equation |s(σ)| = radius for σ > −lowest: 1/|s| is nearly linear in σ, so Newton on it converges fast;
            // bisection keeps it inside the bracket.
            let mut low = (-soft).max(0.0) + floor;
            let mut high = low + norm(&slope[first..]) / radius + floor;
            shift = low;
            if length(low) > radius {
                shift = 0.5 * (low + high);
                for _ in 0..60 {
                    let here = length(shift);
                    if (here / radius - 1.0).abs() < 1e-3 {
                        break;
                    }
                    if here > radius {
                        low = shift;
                    } else {
                        high = shift;
                    }
                    let steep: f64 = (first..m).map(|k| slope[k] * slope[k] / (self.values[k] + shift).powi(3)).sum();
                    let next = shift + (here / radius - 1.0) * here * here / steep;
                    shift = if next > low && next < high { next } else { 0.5 * (low + high) };
                }
            }
        }
        let mut weights: Vec<f64> = (0..m).map(|k| if k < first { 0.0 } else { -slope[k] / (self.values[k] + shift) }).collect();
        let reached = norm(&weights);
        // The hard case: no slope along the softest mode, though it curves down; go to the border along it.
        if soft < -floor && reached < radius {
            weights[first] += (radius * radius - reached * reached).sqrt().copysign(-slope[first]);
        }
        for a in 0..m {
            step[place(a)] = dot(self.vectors.row(a), &weights);
        }
        (first..m).map(|k| weights[k] * (slope[k] + 0.5 * self.values[k] * weights[k])).sum()
    }
}

/// Index, near-zero modes and lowest eigenvalues at `x`. Errors only when the run is stopped.
pub fn curvature(run: &Run, potential: &dyn Potential, x: &[f64]) -> Result<Curvature> {
    let mut evaluator = Evaluator::new(run, potential);
    if potential.prefers_dense_hessian() {
        let mut frame = Frame::new(potential);
        super::evaluator::now(frame.compute(&mut evaluator, x))?;
        return Ok(frame.curvature());
    }
    iterative_curvature(&mut evaluator, x)
}

/// The lowest eigenpair at `x`.
pub fn lowest_mode(run: &Run, potential: &dyn Potential, x: &[f64]) -> Result<(f64, Vec<f64>)> {
    let mut evaluator = Evaluator::new(run, potential);
    if potential.prefers_dense_hessian() {
        let mut frame = Frame::new(potential);
        super::evaluator::now(frame.compute(&mut evaluator, x))?;
        return Ok(frame.lowest());
    }
    iterative_mode(&mut evaluator, x, &[])
}

/// The `count` softest modes at `x`, a row each: where a search from a minimum begins.
pub fn softest_modes(run: &Run, potential: &dyn Potential, x: &[f64], count: usize) -> Result<Vec<Vec<f64>>> {
    let mut evaluator = Evaluator::new(run, potential);
    let mut frame = Frame::new(potential);
    super::evaluator::now(frame.compute(&mut evaluator, x))?;
    Ok((0..count.min(frame.size())).map(|k| frame.mode(k)).collect())
}

/// What is said of a point whose Hessian cannot be taken.
pub(super) fn unknown_curvature() -> Curvature {
    Curvature { index: usize::MAX, near_zero: 0, lowest: [f64::NAN; 2], log_product: f64::NAN }
}

fn iterative_curvature(evaluator: &mut Evaluator<'_>, x: &[f64]) -> Result<Curvature> {
    let (v, _) = iterative_mode(evaluator, x, &[])?;
    Ok(Curvature { index: usize::from(v < 0.0), near_zero: 0, lowest: [v, f64::NAN], log_product: f64::NAN })
}
pub(super) fn iterative_mode(_evaluator: &mut Evaluator<'_>, _x: &[f64], _start: &[f64]) -> Result<(f64, Vec<f64>)> {
    todo!()
}
fn symmetric_eigen(m: &Matrix) -> (Vec<f64>, Matrix) {
    let n = m.rows;
    let e = nalgebra::SymmetricEigen::new(nalgebra::DMatrix::from_row_slice(n, n, &m.data));
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| e.eigenvalues[a].total_cmp(&e.eigenvalues[b]));
    let mut v = Matrix::zeros(n, n);
    for (k, &o) in order.iter().enumerate() {
        for i in 0..n {
            v[(i, k)] = e.eigenvectors[(i, o)];
        }
    }
    (order.iter().map(|&o| e.eigenvalues[o]).collect(), v)
}
