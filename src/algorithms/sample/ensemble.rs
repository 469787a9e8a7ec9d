//! Ensemble quasi-Newton: Langevin dynamics preconditioned by the covariance of other walkers.
//!
//! Half of the walkers move as BAOAB with the preconditioner L Lᵀ = 1 + η C, C the covariance of the positions of the other half, which
//! stand still meanwhile; after `covariance_refresh` steps the halves change places. Since C never depends on those who move, the product
//! of the walkers' densities stays as it is but for the error of the step.
//! Cost: a matrix-vector product of dimension² three times a step. Helps where directions have very different widths; with fewer walkers
//! than directions C knows only some of them.
//! Reference: B. Leimkuhler, C. Matthews, J. Weare, Stat. Comput. 28, 277 (2018), doi:10.1007/s11222-017-9730-1.

use super::walkers::{Group, Setting};
use crate::math::Matrix;
use crate::math::linear::cholesky;
use std::sync::Arc;

/// L for those who move, from the rows of those who stand still; nothing where the covariance is not finite.
pub(super) fn preconditioner(setting: &Setting, still: &[Group]) -> Option<Arc<Matrix>> {
    let n = setting.n;
    let rows: Vec<&[f64]> = still.iter().flat_map(|group| group.x.chunks_exact(n)).collect();
    let count = rows.len() as f64;
    let mut mean = vec![0.0; n];
    for row in &rows {
        mean.iter_mut().zip(*row).for_each(|(mean, x)| *mean += x / count);
    }
    let mut m = Matrix::zeros(n, n);
    for row in &rows {
        let apart: Vec<f64> = row.iter().zip(&mean).map(|(x, mean)| x - mean).collect();
        for i in 0..n {
            let weight = setting.options.covariance_blending * apart[i] / (count - 1.0).max(1.0);
            m.row_mut(i)[..=i].iter_mut().zip(&apart).for_each(|(m, a)| *m += weight * a);
        }
    }
    m.mirror_lower();
    (0..n).for_each(|i| m[(i, i)] += 1.0);
    cholesky(&m).map(Arc::new)
}
