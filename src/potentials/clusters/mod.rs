//! Clusters of like atoms in free space: Lennard-Jones, LJAT3; their container, their symmetry, the shape of a geometry.
//!
//! Lengths are in σ, energies in ε. A position is x1, y1, z1, x2, … of the atoms.

pub mod geometry;
pub mod lennard_jones;
pub mod ljat3;
pub mod symmetry;

pub use geometry::{moments_of_inertia, point_group_order};
pub use lennard_jones::LennardJones;
pub use ljat3::Ljat3;
pub use symmetry::ClusterSymmetry;

use crate::math::random::stream;
use rand::RngExt;
use std::f64::consts::{PI, SQRT_2};

/// Atoms further than this from all others have evaporated.
const LINK: f64 = 2.5;

/// Radius of the ball in which searches keep a cluster of `atoms`: that of a dense packing and one σ more, as GMIN's container.
pub fn container_radius(atoms: usize) -> f64 {
    1.0 + (3.0 * atoms as f64 / (4.0 * PI * SQRT_2)).cbrt()
}

/// Atoms uniformly in the container's ball, its radius times `scale`.
fn random_ball(atoms: usize, seed: u64, scale: f64) -> Vec<f64> {
    let radius = container_radius(atoms) * scale;
    let mut stream = stream(seed, 0);
    let mut x = Vec::with_capacity(3 * atoms);
    for _ in 0..atoms {
        let point = loop {
            let p: [f64; 3] = std::array::from_fn(|_| 2.0 * stream.random::<f64>() - 1.0);
            if p.iter().map(|c| c * c).sum::<f64>() <= 1.0 {
                break p;
            }
        };
        x.extend(point.map(|c| c * radius));
    }
    x
}

/// Moves the centroid to the origin and brings atoms outside the container back to its surface along their radius.
fn contain(x: &mut [f64]) {
    let (atoms, _) = x.as_chunks_mut::<3>();
    let radius = container_radius(atoms.len());
    let mut centre = [0.0; 3];
    for atom in atoms.iter() {
        for k in 0..3 {
            centre[k] += atom[k] / atoms.len() as f64;
        }
    }
    for atom in atoms.iter_mut() {
        for k in 0..3 {
            atom[k] -= centre[k];
        }
        let distance = atom.iter().map(|c| c * c).sum::<f64>().sqrt();
        if distance > radius {
            for c in atom.iter_mut() {
                *c *= radius / distance;
            }
        }
    }
}

/// Whether the atoms are no longer one piece, neighbours being linked up to 2.5 σ.
fn evaporated(x: &[f64]) -> bool {
    let (atoms, _) = x.as_chunks::<3>();
    let mut reached = vec![false; atoms.len()];
    let mut waiting = vec![0];
    let mut count = 0;
    while let Some(i) = waiting.pop() {
        if reached.get(i).copied().unwrap_or(true) {
            continue;
        }
        reached[i] = true;
        count += 1;
        for j in 0..atoms.len() {
            let square: f64 = (0..3).map(|k| (atoms[i][k] - atoms[j][k]).powi(2)).sum();
            if !reached[j] && square <= LINK * LINK {
                waiting.push(j);
            }
        }
    }
    count < atoms.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_piece_or_several() {
        assert!(!evaporated(&[0.0, 0.0, 0.0, 2.4, 0.0, 0.0, 4.8, 0.0, 0.0]));
        assert!(evaporated(&[0.0, 0.0, 0.0, 1.1, 0.0, 0.0, 3.7, 0.0, 0.0]));
        // Two pairs far from each other: no atom is alone, the cluster is in two parts all the same.
        assert!(evaporated(&[0.0, 0.0, 0.0, 1.1, 0.0, 0.0, 9.0, 0.0, 0.0, 10.1, 0.0, 0.0]));
    }

    #[test]
    fn the_container_takes_atoms_back() {
        let inside = random_ball(38, 4, 1.0);
        assert!(inside.as_chunks::<3>().0.iter().all(|a| a.iter().map(|c| c * c).sum::<f64>().sqrt() <= container_radius(38)));
        let mut x = inside.clone();
        x[3] += 50.0;
        contain(&mut x);
        assert!(
            x.as_chunks::<3>()
                .0
                .iter()
                .all(|a| a.iter().map(|c| c * c).sum::<f64>().sqrt() <= container_radius(38) * (1.0 + 1e-15))
        );
    }
}
