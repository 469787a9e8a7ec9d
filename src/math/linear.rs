//! Linear equations with a dense matrix: LAPACK's LU factors where build.rs found a LAPACK, nalgebra's otherwise.
//!
//! Cost 2/3 n³ flops for the factors and 2 n² for a solution. Reference: Golub, Van Loan, Matrix Computations, section 3.4.

use super::Matrix;
#[cfg(not(losscape_lapack))]
use nalgebra::LU;
use nalgebra::{DMatrix, DVector, Dyn};
#[cfg(losscape_lapack)]
use nalgebra_lapack::LU;

/// The factors L U of a square matrix with its rows exchanged.
pub struct Factors(LU<f64, Dyn, Dyn>);

impl Factors {
    /// Nothing when the matrix is singular or not finite.
    pub fn new(m: Matrix) -> Option<Factors> {
        if !super::eigen::is_finite(&m) {
            return None;
        }
        #[cfg(losscape_lapack)]
        super::eigen::one_thread();
        let n = m.rows;
        let mut matrix = DMatrix::from_vec(n, n, m.data);
        // Rows of ours are columns of the library's.
        matrix.transpose_mut();
        let factors = LU::new(matrix);
        // LAPACK's factors say only when they are used that the matrix is singular.
        factors.solve_mut(&mut DVector::zeros(n)).then_some(Factors(factors))
    }

    /// Overwrites `b` with the solution of A x = b, without allocation.
    pub fn solve(&self, b: &mut Vec<f64>) {
        let mut x = DVector::from_vec(std::mem::take(b));
        self.0.solve_mut(&mut x);
        *b = x.data.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::stream;
    use rand::RngExt;

    #[test]
    fn solves_random_equations() {
        let mut random = stream(1, 0);
        for n in 1..20 {
            let a = Matrix::from_rows(n, n, (0..n * n).map(|_| random.random::<f64>() - 0.5).collect());
            let x: Vec<f64> = (0..n).map(|_| random.random::<f64>() - 0.5).collect();
            let mut b: Vec<f64> = (0..n).map(|i| super::super::matrix::dot(a.row(i), &x)).collect();
            Factors::new(a).expect("a random matrix is not singular").solve(&mut b);
            // Condition numbers of these matrices reach some hundred.
            assert!(super::super::matrix::distance(&b, &x) < 1e-12, "{n} unknowns");
        }
    }

    #[test]
    fn a_singular_matrix_is_noticed() {
        assert!(Factors::new(Matrix::from_rows(2, 2, vec![1.0, 2.0, 2.0, 4.0])).is_none());
        assert!(Factors::new(Matrix::from_rows(1, 1, vec![f64::NAN])).is_none());
        assert!(Factors::new(Matrix::from_rows(2, 2, vec![1.0, 0.0, f64::INFINITY, 1.0])).is_none());
    }
}
