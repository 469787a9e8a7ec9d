//! What temperature samples have: by their momenta, by the slopes they stand on, by their virial.
//!
//! For the density exp(−E/T): ⟨p²⟩ = T, ⟨∂E/∂xᵢ · xᵢ⟩ = T for each coordinate (the virial; where the density falls off to all sides), and
//! T = ⟨|∇E|²⟩ / ⟨ΔE⟩, the configurational temperature, which looks only at where the samples stand. The Laplacian is the trace of the
//! Hessian: exact for few coordinates, by a random vector of ±1 for each row elsewhere.
//! References: H. H. Rugh, Phys. Rev. Lett. 78, 772 (1997), doi:10.1103/PhysRevLett.78.772; B. D. Butler, G. Ayton, O. G. Jepps,
//! D. J. Evans, J. Chem. Phys. 109, 6519 (1998), doi:10.1063/1.477301.

use crate::algorithms::sample::Samples;
use crate::base::{Result, Run};
use crate::math::Matrix;
use crate::math::matrix::dot;
use crate::math::random::stream;
use crate::potentials::{Batch, Evaluations};
use rand::RngExt;
use rayon::prelude::*;

/// Coordinates up to which the trace is that of a dense Hessian.
const DENSE: usize = 8;
/// Numbers that the rows looked at may hold together: a few thousand rows of a small problem, some hundred of a large one.
const LOOKED_AT: usize = 2_000_000;

/// The configurational temperature ⟨|∇E|²⟩/⟨ΔE⟩ of samples, from up to 20,000 of their rows, evenly spread, with gradients of all items.
///
/// Errors: samples without rows, a run that is stopped.
pub fn configurational_temperature(run: &Run, samples: &Samples) -> Result<f64> {
    let positions = samples.positions()?;
    let n = samples.dimension;
    let most = (LOOKED_AT / n.max(1)).clamp(200, 20_000).min(positions.rows);
    let rows: Vec<usize> = (0..most).map(|k| k * positions.rows / most).collect();
    let potential = &*samples.potential;
    let parts: Vec<[f64; 2]> = rows
        .par_chunks(64)
        .enumerate()
        .map(|(chunk, rows)| {
            run.check()?;
            let data: Vec<f64> = rows.iter().flat_map(|row| positions.row(*row)).copied().collect();
            let mut out = Evaluations::with_gradients();
            potential.evaluate(Batch::new(&data, n), &mut out);
            let mut random = stream(samples.seed, (1 << 34) + chunk as u64);
            let mut sums = [dot(&out.gradients, &out.gradients), 0.0];
            let (mut hessian, mut image) = (Matrix::default(), vec![0.0; n]);
            for x in data.chunks_exact(n) {
                if n <= DENSE {
                    potential.hessian(x, &mut hessian);
                    sums[1] += (0..n).map(|i| hessian[(i, i)]).sum::<f64>();
                } else {
                    let signs: Vec<f64> = (0..n).map(|_| if random.random::<bool>() { 1.0 } else { -1.0 }).collect();
                    potential.hessian_vector(x, &signs, &mut image);
                    sums[1] += dot(&signs, &image);
                }
            }
            Ok(sums)
        })
        .collect::<Result<_>>()?;
    let total = parts.iter().fold([0.0; 2], |sum, part| [sum[0] + part[0], sum[1] + part[1]]);
    Ok(total[0] / total[1])
}
