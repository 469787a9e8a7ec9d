//! What temperature samples have by the slopes they stand on.
//!
//! For the density exp(−E/T): T = ⟨|∇E|²⟩ / ⟨ΔE⟩, the configurational temperature, which looks only at where the samples stand. The Laplacian
//! is the trace of the Hessian: exact for few coordinates, by a random vector of ±1 for each row elsewhere. The error is that of a
//! jackknife over blocks of rows that follow each other, so that rows that resemble each other count as what they are.
//! References: H. H. Rugh, Phys. Rev. Lett. 78, 772 (1997), doi:10.1103/PhysRevLett.78.772; B. D. Butler, G. Ayton, O. G. Jepps,
//! D. J. Evans, J. Chem. Phys. 109, 6519 (1998), doi:10.1063/1.477301.

use crate::algorithms::sample::Samples;
use crate::base::{Error, Result, Run};
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
/// Blocks of the jackknife.
const BLOCKS: usize = 20;

/// The configurational temperature and its standard error, from up to 20,000 rows, evenly spread, with gradients of all items.
///
/// Errors: samples without rows, a run that is stopped.
pub fn configurational_temperature(run: &Run, samples: &Samples) -> Result<[f64; 2]> {
    let positions = samples.positions()?;
    let n = samples.dimension;
    let most = (LOOKED_AT / n.max(1)).clamp(200, 20_000).min(positions.rows);
    if most == 0 {
        return Err(Error::value("configurational_temperature: these samples have no rows"));
    }
    let rows: Vec<usize> = (0..most).map(|k| k * positions.rows / most).collect();
    let potential = &*samples.potential;
    let parts: Vec<[f64; 2]> = rows
        .par_chunks(most.div_ceil(BLOCKS).min(64))
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
    let add = |parts: &[[f64; 2]]| parts.iter().fold([0.0; 2], |sum, part| [sum[0] + part[0], sum[1] + part[1]]);
    let total = add(&parts);
    let blocks: Vec<[f64; 2]> = parts.chunks(parts.len().div_ceil(BLOCKS)).map(add).collect();
    let left_out: Vec<f64> = blocks.iter().map(|b| (total[0] - b[0]) / (total[1] - b[1])).collect();
    let count = left_out.len() as f64;
    let centre = left_out.iter().sum::<f64>() / count;
    let spread = left_out.iter().map(|v| (v - centre).powi(2)).sum::<f64>() * (count - 1.0) / count;
    Ok([total[0] / total[1], if count > 1.0 { spread.sqrt() } else { f64::NAN }])
}
