//! Linear equations with a small dense matrix: Gauss elimination with row exchanges, in place, without allocation once warm.
//!
//! Cost n³/3 for the factors and n² for a solution; meant for up to some hundred unknowns.
//! Reference: Golub, Van Loan, Matrix Computations, section 3.4.

use super::Matrix;

/// The factors L U of a square matrix with its rows exchanged.
#[derive(Default)]
pub struct Factors {
    pub matrix: Matrix,
    exchanges: Vec<usize>,
}

impl Factors {
    /// Replaces `self.matrix` by its factors; false when it is singular or not finite.
    pub fn factorise(&mut self) -> bool {
        let n = self.matrix.rows;
        self.exchanges.clear();
        for k in 0..n {
            let mut pivot = k;
            for i in k + 1..n {
                if self.matrix[(i, k)].abs() > self.matrix[(pivot, k)].abs() {
                    pivot = i;
                }
            }
            self.exchanges.push(pivot);
            if pivot != k {
                for j in 0..n {
                    self.matrix.data.swap(k * n + j, pivot * n + j);
                }
            }
            let diagonal = self.matrix[(k, k)];
            if diagonal == 0.0 || !diagonal.is_finite() {
                return false;
            }
            let (above, below) = self.matrix.data.split_at_mut((k + 1) * n);
            let row = &above[k * n + k + 1..];
            for other in below.chunks_exact_mut(n) {
                let f = other[k] / diagonal;
                other[k] = f;
                super::matrix::add_scaled(&mut other[k + 1..], -f, row);
            }
        }
        true
    }

    /// Overwrites `b` with the solution of A x = b.
    pub fn solve(&self, b: &mut [f64]) {
        let n = self.matrix.rows;
        for (k, &pivot) in self.exchanges.iter().enumerate() {
            b.swap(k, pivot);
        }
        for i in 0..n {
            let row = self.matrix.row(i);
            let sum: f64 = row[..i].iter().zip(&b[..i]).map(|(l, x)| l * x).sum();
            b[i] -= sum;
        }
        for i in (0..n).rev() {
            let row = self.matrix.row(i);
            let sum: f64 = row[i + 1..].iter().zip(&b[i + 1..]).map(|(u, x)| u * x).sum();
            b[i] = (b[i] - sum) / row[i];
        }
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
            let mut factors = Factors { matrix: a, ..Default::default() };
            assert!(factors.factorise());
            factors.solve(&mut b);
            // Condition numbers of these matrices reach some hundred.
            assert!(super::super::matrix::distance(&b, &x) < 1e-12, "{n} unknowns");
        }
    }

    #[test]
    fn a_singular_matrix_is_noticed() {
        let mut factors = Factors { matrix: Matrix::from_rows(2, 2, vec![1.0, 2.0, 2.0, 4.0]), ..Default::default() };
        assert!(!factors.factorise());
        let mut none = Factors { matrix: Matrix::from_rows(1, 1, vec![f64::NAN]), ..Default::default() };
        assert!(!none.factorise());
    }
}
