//! Linear equations with a dense matrix: nalgebra's LU factors, and LAPACK's for large ones where build.rs found a LAPACK.
//!
//! Cost 2/3 n³ flops for the factors and 2 n² for a solution. Reference: Golub, Van Loan, Matrix Computations, section 3.4.

use super::Matrix;
use nalgebra::{DMatrix, DVector, Dyn};

/// Unknowns from which LAPACK is faster: below, the locks of a BLAS cost more than the arithmetic.
#[cfg(losscape_lapack)]
const LARGE: usize = 100;

/// The factors L U of a square matrix with its rows exchanged.
pub enum Factors {
    Small(nalgebra::LU<f64, Dyn, Dyn>),
    #[cfg(losscape_lapack)]
    Large(nalgebra_lapack::LU<f64, Dyn, Dyn>),
}

impl Factors {
    /// Nothing when the matrix is singular or not finite.
    pub fn new(m: Matrix) -> Option<Factors> {
        if !super::eigen::is_finite(&m) {
            return None;
        }
        let n = m.rows;
        let mut matrix = DMatrix::from_vec(n, n, m.data);
        // Rows of ours are columns of the library's.
        matrix.transpose_mut();
        #[cfg(losscape_lapack)]
        if n >= LARGE {
            super::eigen::one_thread();
            let factors = nalgebra_lapack::LU::new(matrix);
            // They say only when they are used that the matrix is singular.
            return factors.solve_mut(&mut DVector::zeros(n)).then_some(Factors::Large(factors));
        }
        let factors = nalgebra::LU::new(matrix);
        factors.is_invertible().then_some(Factors::Small(factors))
    }

    /// Overwrites `b` with the solution of A x = b, without allocation.
    pub fn solve(&self, b: &mut Vec<f64>) {
        let mut x = DVector::from_vec(std::mem::take(b));
        // False only for a singular matrix, of which there are no factors.
        let _ = match self {
            Factors::Small(factors) => factors.solve_mut(&mut x),
            #[cfg(losscape_lapack)]
            Factors::Large(factors) => factors.solve_mut(&mut x),
        };
        *b = x.data.into();
    }
}

/// L of A = L Lᵀ, a lower triangle; nothing when A is not positive definite.
pub fn cholesky(a: &Matrix) -> Option<Matrix> {
    let n = a.rows;
    let factor = nalgebra::Cholesky::new(DMatrix::from_row_slice(n, n, &a.data))?.unpack();
    let mut l = Matrix::zeros(n, n);
    for i in 0..n {
        for j in 0..=i {
            l[(i, j)] = factor[(i, j)];
        }
    }
    Some(l)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::stream;
    use rand::RngExt;

    #[test]
    fn solves_random_equations() {
        let mut random = stream(1, 0);
        for n in (1..20).chain([120]) {
            let a = Matrix::from_rows(n, n, (0..n * n).map(|_| random.random::<f64>() - 0.5).collect());
            let x: Vec<f64> = (0..n).map(|_| random.random::<f64>() - 0.5).collect();
            let mut b: Vec<f64> = (0..n).map(|i| super::super::matrix::dot(a.row(i), &x)).collect();
            Factors::new(a).expect("a random matrix is not singular").solve(&mut b);
            // Condition numbers of these matrices reach some thousand.
            assert!(super::super::matrix::distance(&b, &x) < 1e-11, "{n} unknowns");
        }
    }

    #[test]
    fn a_singular_matrix_is_noticed() {
        assert!(Factors::new(Matrix::from_rows(2, 2, vec![1.0, 2.0, 2.0, 4.0])).is_none());
        assert!(Factors::new(Matrix::zeros(120, 120)).is_none());
        assert!(Factors::new(Matrix::from_rows(1, 1, vec![f64::NAN])).is_none());
        assert!(Factors::new(Matrix::from_rows(2, 2, vec![1.0, 0.0, f64::INFINITY, 1.0])).is_none());
    }
}
