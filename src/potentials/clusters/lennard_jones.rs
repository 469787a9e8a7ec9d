//! Lennard-Jones clusters: V = Σ_{i<j} 4ε[(σ/r)¹² − (σ/r)⁶] with ε = σ = 1, no cut-off.
//!
//! With s = r² and v(s) = 4(s⁻⁶ − s⁻³), a pair's gradient is 2v′ d and its Hessian block 4v″ d dᵀ + 2v′ 1, d = r_i − r_j.
//! Energy and gradient come from the vector kernel in `math::pairs`; cost n², the Hessian's blocks are written pair by pair.
//! Energies of the global minima: D. J. Wales, J. P. K. Doye, J. Phys. Chem. A 101, 5111 (1997), doi:10.1021/jp970984n.

use super::{ClusterSymmetry, contain, evaporated, random_ball};
use crate::math::{Matrix, pairs};
use crate::potentials::{Batch, Evaluations, Family, Identity, Potential, Symmetry};
use std::any::Any;

/// A Lennard-Jones cluster of a number of atoms.
pub struct LennardJones {
    atoms: usize,
    symmetry: ClusterSymmetry,
}

impl LennardJones {
    pub fn new(atoms: usize) -> LennardJones {
        LennardJones { atoms, symmetry: ClusterSymmetry::default() }
    }

    pub fn atoms(&self) -> usize {
        self.atoms
    }
}

/// First and second derivative of v(s) = 4(s⁻⁶ − s⁻³) by the squared distance.
pub(super) fn pair_slopes(square: f64) -> (f64, f64) {
    let s = 1.0 / square;
    let s3 = s * s * s;
    let first = 4.0 * s3 * s * (3.0 - 6.0 * s3);
    let second = 4.0 * s3 * s * s * (42.0 * s3 - 12.0);
    (first, second)
}

/// Adds the second derivatives of all pairs to `hessian`, which has been set to zeros.
pub(super) fn add_pair_hessian(x: &[f64], hessian: &mut Matrix) {
    let (atoms, _) = x.as_chunks::<3>();
    let n = x.len();
    for i in 0..atoms.len() {
        let (above, own) = hessian.data.split_at_mut(3 * i * n);
        // What the pairs add to the block of atom i itself.
        let mut middle = [[0.0; 3]; 3];
        for j in 0..i {
            let d: [f64; 3] = std::array::from_fn(|k| atoms[i][k] - atoms[j][k]);
            let (first, second) = pair_slopes(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
            for k in 0..3 {
                let steep = 4.0 * second * d[k];
                let mut row = [steep * d[0], steep * d[1], steep * d[2]];
                row[k] += 2.0 * first;
                let there = &mut above[(3 * j + k) * n..(3 * j + k + 1) * n];
                let here = &mut own[k * n + 3 * j..k * n + 3 * j + 3];
                for l in 0..3 {
                    middle[k][l] += row[l];
                    there[3 * j + l] += row[l];
                    there[3 * i + l] = -row[l];
                    here[l] = -row[l];
                }
            }
        }
        for (k, row) in middle.iter().enumerate() {
            for (h, sum) in own[k * n + 3 * i..k * n + 3 * i + 3].iter_mut().zip(row) {
                *h += sum;
            }
        }
    }
}

impl Potential for LennardJones {
    fn dimension(&self) -> usize {
        3 * self.atoms
    }

    fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
        out.prepare(&batch);
        let n = batch.dimension;
        for r in 0..batch.rows {
            let gradient = if out.wants_gradients { &mut out.gradients[r * n..(r + 1) * n] } else { &mut [] };
            out.energies[r] = pairs::lennard_jones(batch.row(r), gradient, &mut out.scratch);
        }
    }

    fn family(&self) -> Family {
        Family::Cluster
    }

    fn identity(&self) -> Identity {
        Identity { name: "lennard_jones".into(), parts: vec![("atoms".into(), self.atoms.to_string())] }
    }

    fn hessian(&self, x: &[f64], hessian: &mut Matrix) {
        hessian.reset(x.len(), x.len());
        add_pair_hessian(x, hessian);
    }

    fn hessian_vector(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        let (atoms, _) = x.as_chunks::<3>();
        let (moves, _) = v.as_chunks::<3>();
        let (result, _) = out.as_chunks_mut::<3>();
        for i in 0..atoms.len() {
            for j in 0..i {
                let d: [f64; 3] = std::array::from_fn(|k| atoms[i][k] - atoms[j][k]);
                let w: [f64; 3] = std::array::from_fn(|k| moves[i][k] - moves[j][k]);
                let (first, second) = pair_slopes(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
                let along = 4.0 * second * (d[0] * w[0] + d[1] * w[1] + d[2] * w[2]);
                for k in 0..3 {
                    let h = along * d[k] + 2.0 * first * w[k];
                    result[i][k] += h;
                    result[j][k] -= h;
                }
            }
        }
    }

    fn symmetry(&self) -> &dyn Symmetry {
        &self.symmetry
    }

    fn random(&self, seed: u64, scale: f64) -> Vec<f64> {
        random_ball(self.atoms, seed, scale)
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

/// The atoms of a shape at the size where its energy is least: with S₁₂ = Σ r⁻¹², S₆ = Σ r⁻⁶ the shape is scaled by (2 S₁₂/S₆)^(1/6)
/// and has the energy −S₆²/S₁₂. A stationary point where symmetry leaves only the size free.
pub fn at_best_size(shape: &[[f64; 3]]) -> (Vec<f64>, f64) {
    let (mut s12, mut s6) = (0.0, 0.0);
    for (i, p) in shape.iter().enumerate() {
        for q in &shape[..i] {
            let square: f64 = (0..3).map(|k| (p[k] - q[k]).powi(2)).sum();
            s6 += square.powi(-3);
            s12 += square.powi(-6);
        }
    }
    let scale = (2.0 * s12 / s6).powf(1.0 / 6.0);
    (shape.iter().flatten().map(|c| c * scale).collect(), -s6 * s6 / s12)
}

/// The twelve vertices of an icosahedron and its centre.
pub fn icosahedron() -> Vec<[f64; 3]> {
    let golden = (1.0 + 5f64.sqrt()) / 2.0;
    let mut shape = vec![[0.0; 3]];
    for k in 0..3 {
        for (s, t) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
            let mut vertex = [0.0; 3];
            vertex[k] = s;
            vertex[(k + 1) % 3] = t * golden;
            shape.push(vertex);
        }
    }
    shape
}
