//! LJAT3: three atoms with pair and triple forces, V = Σ_{i<j} 4(r⁻¹² − r⁻⁶) + Z (1 + 3 cosθ₁ cosθ₂ cosθ₃)/(r₁₂ r₁₃ r₂₃)³, Z = 2.
//!
//! Everything is a function of the squared distances a = r₁₂², b = r₁₃², c = r₂₃²: by the law of cosines the triple (Axilrod–Teller) term is
//! Z[q^(−3/2) + (3/8) P q^(−5/2)] with q = abc and P = (a+b−c)(a−b+c)(−a+b+c). Gradient and Hessian follow by the chain rule.
//! For Z = 2 the minima are an equilateral triangle and linear chains; as like atoms they are two points, counted by the atom in the centre four.
//!
//! References: B. M. Axilrod, E. Teller, J. Chem. Phys. 11, 299 (1943), doi:10.1063/1.1723844; as a classification problem: S. R. Chitturi et al.,
//! Mach. Learn.: Sci. Technol. 1, 023002 (2020), doi:10.1088/2632-2153/ab7aef.

use super::lennard_jones::{add_pair_hessian, pair_slopes};
use super::{ClusterSymmetry, contain, evaporated, random_ball};
use crate::math::Matrix;
use crate::potentials::{Batch, Evaluations, Family, Identity, Potential, Symmetry};
use std::any::Any;

/// The pairs of atoms behind a, b and c.
const PAIRS: [(usize, usize); 3] = [(0, 1), (0, 2), (1, 2)];

/// Three atoms with Lennard-Jones and Axilrod–Teller forces.
pub struct Ljat3 {
    z: f64,
    symmetry: ClusterSymmetry,
}

impl Ljat3 {
    /// `z` is the strength of the triple term (ε σ⁹).
    pub fn new(z: f64) -> Ljat3 {
        Ljat3 { z, symmetry: ClusterSymmetry::default() }
    }
}

/// The vectors of the three pairs and their squared lengths.
fn pairs(x: &[f64]) -> ([[f64; 3]; 3], [f64; 3]) {
    let d = PAIRS.map(|(i, j)| std::array::from_fn(|k| x[3 * i + k] - x[3 * j + k]));
    (d, d.map(|d: [f64; 3]| d[0] * d[0] + d[1] * d[1] + d[2] * d[2]))
}

/// u = a+b−c, v = a−b+c, w = −a+b+c.
fn factors([a, b, c]: [f64; 3]) -> [f64; 3] {
    [a + b - c, a - b + c, c + b - a]
}

/// Derivatives of u, v, w by a, b, c.
const SIGNS: [[f64; 3]; 3] = [[1.0, 1.0, -1.0], [1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]];

/// Derivatives of P = uvw by a, b, c.
fn product_slopes([u, v, w]: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|k| SIGNS[0][k] * v * w + SIGNS[1][k] * u * w + SIGNS[2][k] * u * v)
}

impl Ljat3 {
    /// The triple term and its derivatives by a, b, c.
    fn triple(&self, squares: [f64; 3]) -> (f64, [f64; 3]) {
        let f = factors(squares);
        let p = f[0] * f[1] * f[2];
        let q = squares[0] * squares[1] * squares[2];
        let q3 = self.z / (q * q.sqrt());
        let q5 = 0.375 * q3 / q;
        let slopes = product_slopes(f);
        (q3 + p * q5, std::array::from_fn(|k| q5 * slopes[k] - (1.5 * q3 + 2.5 * p * q5) / squares[k]))
    }

    /// Second derivatives of the triple term by a, b, c.
    fn triple_curvature(&self, squares: [f64; 3]) -> [[f64; 3]; 3] {
        let f = factors(squares);
        let p = f[0] * f[1] * f[2];
        let q = squares[0] * squares[1] * squares[2];
        let q3 = self.z / (q * q.sqrt());
        let q5 = 0.375 * q3 / q;
        let slopes = product_slopes(f);
        let mut out = [[0.0; 3]; 3];
        for k in 0..3 {
            for l in 0..3 {
                let mut second = 0.0;
                for (m, n, rest) in [(0, 1, 2), (0, 2, 1), (1, 2, 0)] {
                    second += (SIGNS[m][k] * SIGNS[n][l] + SIGNS[m][l] * SIGNS[n][k]) * f[rest];
                }
                let kl = squares[k] * squares[l];
                // q^(-3/2) twice by the same variable gives 3/2 · 5/2, by two variables 3/2 · 3/2; q^(-5/2) likewise.
                let (three, five) = if k == l { (3.75, 8.75) } else { (2.25, 6.25) };
                out[k][l] =
                    three * q3 / kl + q5 * (second - 2.5 * slopes[k] / squares[l] - 2.5 * slopes[l] / squares[k] + five * p / kl);
            }
        }
        out
    }
}

impl Potential for Ljat3 {
    fn dimension(&self) -> usize {
        9
    }

    fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
        out.prepare(&batch);
        for r in 0..batch.rows {
            let (d, squares) = pairs(batch.row(r));
            let (triple, mut slopes) = self.triple(squares);
            let mut energy = triple;
            for k in 0..3 {
                let s3 = (1.0 / squares[k]).powi(3);
                energy += 4.0 * (s3 * s3 - s3);
                slopes[k] += pair_slopes(squares[k]).0;
            }
            out.energies[r] = energy;
            if out.wants_gradients {
                let gradient = &mut out.gradients[9 * r..9 * (r + 1)];
                for (p, (i, j)) in PAIRS.into_iter().enumerate() {
                    for k in 0..3 {
                        let g = 2.0 * slopes[p] * d[p][k];
                        gradient[3 * i + k] += g;
                        gradient[3 * j + k] -= g;
                    }
                }
            }
        }
    }

    fn family(&self) -> Family {
        Family::Cluster
    }

    fn identity(&self) -> Identity {
        Identity { name: "ljat3".into(), parts: vec![("z".into(), self.z.to_string())] }
    }

    fn hessian(&self, x: &[f64], hessian: &mut Matrix) {
        hessian.reset(9, 9);
        add_pair_hessian(x, hessian);
        let (d, squares) = pairs(x);
        let (_, slopes) = self.triple(squares);
        let curvature = self.triple_curvature(squares);
        // Gradients of a, b, c by the nine coordinates.
        let mut by_position = [[0.0; 9]; 3];
        for (p, (i, j)) in PAIRS.into_iter().enumerate() {
            for k in 0..3 {
                by_position[p][3 * i + k] = 2.0 * d[p][k];
                by_position[p][3 * j + k] = -2.0 * d[p][k];
                let h = 2.0 * slopes[p];
                hessian[(3 * i + k, 3 * i + k)] += h;
                hessian[(3 * j + k, 3 * j + k)] += h;
                hessian[(3 * i + k, 3 * j + k)] -= h;
                hessian[(3 * j + k, 3 * i + k)] -= h;
            }
        }
        for row in 0..9 {
            for column in 0..9 {
                for p in 0..3 {
                    for q in 0..3 {
                        hessian[(row, column)] += curvature[p][q] * by_position[p][row] * by_position[q][column];
                    }
                }
            }
        }
    }

    fn hessian_vector(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        let mut hessian = Matrix::default();
        self.hessian(x, &mut hessian);
        for (i, o) in out.iter_mut().enumerate() {
            *o = crate::math::matrix::dot(hessian.row(i), v);
        }
    }

    fn symmetry(&self) -> &dyn Symmetry {
        &self.symmetry
    }

    fn random(&self, seed: u64, scale: f64) -> Vec<f64> {
        random_ball(3, seed, scale)
    }

    fn contain(&self, x: &mut [f64]) {
        contain(x);
    }

    fn evaporated(&self, x: &[f64]) -> bool {
        evaporated(x)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
