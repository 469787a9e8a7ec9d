//! Whether two stationary points are one: joined by a way along flat directions on which every point is stationary.
//!
//! Where modes of a point are near zero (dead ReLU nodes, saturated nodes, λ → 0) searches end anywhere along them, with equal energies and
//! positions far apart. Distance cannot tell such ends from points that are truly two, and the same stiff coordinates do not prove that they
//! are one. What does is a way: from one point along its near-zero modes towards the other, with Newton steps across them, N Nᵀ being the
//! projection on the modes with |h| below 1e-7 of the largest,
//!   x ← x + t N Nᵀ (b − x),   x ← x − Σ_{i ∉ N} v_i (v_i·g)/h_i,
//! every position on which has the RMS gradient of a converged point, the energy and the index of the first. No step is longer than a
//! sixteenth of the whole. It ends at `same_distance`, or when what is left lies along the modes and every sample of it is stationary. A way that is not found means two points: nothing is
//! merged without proof, at the price that a strongly bent flat valley may be counted more than once.
//! Before that the moving point is brought to the copy whose stiff coordinates lie nearest, since flat ones say nothing of which node is which.
//! Cost: some 20 gradients and one eigenproblem where the way is straight, one eigenproblem a step where it bends; only asked where energies
//! agree and positions do not. Without a dense Hessian only straight ways are seen.
//!
//! Reference: Y. Cooper, SIAM J. Math. Data Sci. 3, 676 (2021), doi:10.1137/19M1308943 (minima of networks are manifolds).

use crate::math::Matrix;
use crate::math::eigen::{NEAR_ZERO, symmetric_eigen};
use crate::math::matrix::{add_scaled, difference, dot, norm, rms};
use crate::potentials::{Potential, energy, energy_gradient};

/// What is one point.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest RMS gradient of a converged point.
    pub rms_gradient: f64,
    /// Largest difference of the energies of one point.
    pub energy: f64,
    /// Largest distance of one point across the flat directions.
    pub distance: f64,
}

/// Positions on a straight piece at which energy and gradient are looked at.
const SAMPLES: usize = 16;
/// Steps of a way, and Newton steps across the flat directions at each.
const STEPS: usize = 100;
const CORRECTIONS: usize = 6;
/// The RMS gradient that a position on the way may have, in units of a converged point's.
const SLACK: f64 = 2.0;

/// Whether a way of stationary positions joins `a` and a copy of `b`.
pub fn joined(potential: &dyn Potential, a: &[f64], b: &[f64], limits: Limits) -> bool {
    let way = Way { potential, energy: energy(potential, a), limits };
    let symmetry = potential.symmetry();
    let mut copy = vec![0.0; b.len()];
    symmetry.align(a, b, &mut copy);
    if way.is_straight(a, &copy) {
        return true;
    }
    if !potential.prefers_dense_hessian() {
        return false;
    }
    let (first, last) = (Modes::at(potential, a), Modes::at(potential, b));
    if first.flat() == 0 || last.flat() == 0 || first.index != last.index {
        return false;
    }
    let stiff = |modes: &Modes, x: &[f64]| difference(x, &modes.along(x));
    symmetry.align_like(&stiff(&first, a), &stiff(&last, b), b, &mut copy);
    way.leads(a, &copy, first)
}

/// The spectrum at one position.
struct Modes {
    values: Vec<f64>,
    /// One a row.
    vectors: Matrix,
    /// |h| up to this is flat.
    zero: f64,
    index: usize,
}

impl Modes {
    fn at(potential: &dyn Potential, x: &[f64]) -> Modes {
        let mut hessian = Matrix::default();
        potential.hessian(x, &mut hessian);
        let (values, vectors) = symmetric_eigen(&hessian);
        let zero = NEAR_ZERO * values.iter().fold(0.0f64, |m, h| m.max(h.abs()));
        let index = values.iter().filter(|h| **h < -zero).count();
        Modes { values, vectors: vectors.transpose(), zero, index }
    }

    fn flat(&self) -> usize {
        self.values.iter().filter(|h| h.abs() <= self.zero).count()
    }

    /// The part of `v` along the flat modes.
    fn along(&self, v: &[f64]) -> Vec<f64> {
        let mut part = vec![0.0; v.len()];
        for (k, _) in self.values.iter().enumerate().filter(|(_, h)| h.abs() <= self.zero) {
            let mode = self.vectors.row(k);
            add_scaled(&mut part, dot(mode, v), mode);
        }
        part
    }

    /// Newton's step across the flat modes.
    fn correction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut step = vec![0.0; gradient.len()];
        for (k, h) in self.values.iter().enumerate().filter(|(_, h)| h.abs() > self.zero) {
            let mode = self.vectors.row(k);
            add_scaled(&mut step, -dot(mode, gradient) / h, mode);
        }
        step
    }
}

/// What every position on the way must have.
struct Way<'a> {
    potential: &'a dyn Potential,
    energy: f64,
    limits: Limits,
}

impl Way<'_> {
    fn is_stationary(&self, energy: f64, gradient: &[f64]) -> bool {
        rms(gradient) <= SLACK * self.limits.rms_gradient && (energy - self.energy).abs() <= self.limits.energy
    }

    fn is_straight(&self, a: &[f64], b: &[f64]) -> bool {
        (0..=SAMPLES).all(|k| {
            let t = k as f64 / SAMPLES as f64;
            let x: Vec<f64> = a.iter().zip(b).map(|(a, b)| a + t * (b - a)).collect();
            let (energy, gradient) = energy_gradient(self.potential, &x);
            self.is_stationary(energy, &gradient)
        })
    }

    /// Goes from `from`, where the spectrum is `modes`, to `to`.
    fn leads(&self, from: &[f64], to: &[f64], mut modes: Modes) -> bool {
        let index = modes.index;
        let mut x = from.to_vec();
        let mut longest = norm(&difference(to, from)) / SAMPLES as f64;
        for _ in 0..STEPS {
            let left = difference(to, &x);
            if norm(&left) <= self.limits.distance {
                return true;
            }
            let along = modes.along(&left);
            if norm(&difference(&left, &along)) <= self.limits.distance && self.is_straight(&x, to) {
                return true;
            }
            if norm(&along) <= 0.1 * self.limits.distance || longest <= 0.1 * self.limits.distance {
                return false;
            }
            let step = norm(&along).min(longest);
            let mut next = x.clone();
            add_scaled(&mut next, step / norm(&along), &along);
            match self.corrected(next, step) {
                Some((next, found)) if found.index == index && norm(&difference(to, &next)) < norm(&left) => {
                    (x, modes) = (next, found)
                }
                _ => longest = 0.5 * step,
            }
        }
        false
    }

    /// The stationary position across the flat directions from `x`, not farther off than `reach`.
    fn corrected(&self, mut x: Vec<f64>, reach: f64) -> Option<(Vec<f64>, Modes)> {
        let start = x.clone();
        for _ in 0..=CORRECTIONS {
            let (energy, gradient) = energy_gradient(self.potential, &x);
            if !energy.is_finite() {
                return None;
            }
            let modes = Modes::at(self.potential, &x);
            if self.is_stationary(energy, &gradient) {
                return Some((x, modes));
            }
            add_scaled(&mut x, 1.0, &modes.correction(&gradient));
            if norm(&difference(&x, &start)) > reach {
                return None;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::potentials::{Batch, Evaluations, Family, Identity};
    use std::any::Any;

    /// A function of x and y with its gradient; Hessians by differences.
    struct Plane(fn(f64, f64) -> (f64, [f64; 2]));

    impl Potential for Plane {
        fn dimension(&self) -> usize {
            2
        }
        fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
            out.prepare(&batch);
            for r in 0..batch.rows {
                let (energy, gradient) = (self.0)(batch.row(r)[0], batch.row(r)[1]);
                out.energies[r] = energy;
                if out.wants_gradients {
                    out.gradients[2 * r..2 * r + 2].copy_from_slice(&gradient);
                }
            }
        }
        fn family(&self) -> Family {
            Family::Surface
        }
        fn identity(&self) -> Identity {
            Identity { name: "plane".into(), parts: Vec::new() }
        }
        fn random(&self, _: u64, _: f64) -> Vec<f64> {
            vec![0.0; 2]
        }
        fn as_any(&self) -> &dyn Any {
            self
        }
    }

    const LIMITS: Limits = Limits { rms_gradient: 1e-9, energy: 1e-8, distance: 1e-3 };

    #[test]
    fn a_straight_valley_is_one_point_and_two_valleys_are_two() {
        // (x² − 1)² on either side of a ridge, flat along y.
        let trough = Plane(|x, _| ((x * x - 1.0).powi(2), [4.0 * x * (x * x - 1.0), 0.0]));
        assert!(joined(&trough, &[1.0, 0.0], &[1.0, 7.0], LIMITS));
        assert!(!joined(&trough, &[1.0, 0.0], &[-1.0, 0.0], LIMITS));
        assert!(!joined(&trough, &[1.0, 0.0], &[-1.0, 7.0], LIMITS));
        // The ridge itself is a valley of saddles, and no part of a valley of minima.
        assert!(joined(&trough, &[0.0, 0.0], &[0.0, -3.0], LIMITS));
        assert!(!joined(&trough, &[0.0, 0.0], &[1.0, 0.0], LIMITS));
    }

    #[test]
    fn a_bent_valley_is_followed() {
        // Two rings of minima, r = 1 and r = 2, with the same energy: u = r², E = (u − 1)² (u − 4)².
        let rings = Plane(|x, y| {
            let u = x * x + y * y;
            let slope = 2.0 * (u - 1.0) * (u - 4.0) * (2.0 * u - 5.0);
            (((u - 1.0) * (u - 4.0)).powi(2), [2.0 * slope * x, 2.0 * slope * y])
        });
        let at = |r: f64, angle: f64| [r * angle.cos(), r * angle.sin()];
        for angle in [0.3, 1.0, 2.0, 3.0] {
            assert!(joined(&rings, &at(1.0, 0.0), &at(1.0, angle), LIMITS), "{angle}");
            assert!(joined(&rings, &at(2.0, 0.5), &at(2.0, 0.5 - angle), LIMITS), "{angle}");
            assert!(!joined(&rings, &at(1.0, 0.0), &at(2.0, angle), LIMITS), "{angle}");
        }
    }

    #[test]
    fn a_bump_in_the_valley_keeps_its_ends_apart() {
        // x² + (y² − 1)² ε with ε so small that the Hessian calls y flat, and so large that the bump is above same_energy.
        let bumpy = Plane(|x, y| (x * x + 2e-8 * (y * y - 1.0).powi(2), [2.0 * x, 8e-8 * y * (y * y - 1.0)]));
        assert!(!joined(&bumpy, &[0.0, 1.0], &[0.0, -1.0], LIMITS));
        assert!(joined(&bumpy, &[0.0, 1.0], &[0.0, 1.0 + 1e-4], LIMITS));
    }
}
