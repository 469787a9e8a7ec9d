//! Dense symmetric eigenproblems: all of it by LAPACK or faer, or tridiagonal once and then only what is asked for.
//!
//! [`symmetric_eigen`] gives every eigenvalue and eigenvector. LAPACK's divide and conquer (dsyevd) does it where build.rs found a
//! LAPACK, faer's otherwise; both within 10 % of each other from n = 74 to n = 2000. Cost 9 n³ flops and more.
//! [`Tridiagonal`] costs 4/3 n³ for the reduction; the index, a few lowest eigenpairs and whole Newton steps then cost O(n) each and
//! O(n²) for every vector brought in or out. A search that needs a Hessian at every step uses that one.
//!
//! A matrix is symmetric by promise: only its lower triangle is read. A matrix with an infinite or undefined entry has NaN for its
//! eigenvalues and eigenvectors, so that nobody mistakes them for numbers.
//! Reference: J. J. M. Cuppen, Numerische Mathematik 36, 177 (1981), doi:10.1007/BF01396757.

mod factors;
mod householder;
mod spectrum;
mod steps;
mod sturm;
mod tridiagonal;

pub use steps::{SaddleStep, TrustStep};
pub use tridiagonal::{Inertia, NEAR_ZERO, Tridiagonal};

use super::Matrix;
use nalgebra::{Cholesky, DMatrix};

/// The library behind [`symmetric_eigen`], as `losscape --version --verbose` names it.
pub fn backend() -> &'static str {
    option_env!("LOSSCAPE_LAPACK_NAME").unwrap_or("faer (no LAPACK linked)")
}

/// All eigenvalues, ascending, and the eigenvectors of length 1, a column each.
pub fn symmetric_eigen(m: &Matrix) -> (Vec<f64>, Matrix) {
    let n = checked_size(m);
    if !is_finite(m) {
        return (vec![f64::NAN; n], Matrix::from_rows(n, n, vec![f64::NAN; n * n]));
    }
    #[cfg(losscape_lapack)]
    if let Some(answer) = with_lapack(m, true) {
        return answer;
    }
    with_faer(m, true)
}

/// The eigenpairs of A s = θ B s, θ ascending, a column s with sᵀ B s = 1 each; nothing where B is not positive definite.
pub fn generalised_eigen(a: &Matrix, b: &Matrix) -> Option<(Vec<f64>, Matrix)> {
    let n = checked_size(a);
    assert_eq!(checked_size(b), n, "both matrices have the same size");
    // With B = L Lᵀ: the eigenpairs of L⁻¹ A L⁻ᵀ, whose vectors are Lᵀ s.
    let l = Cholesky::new(DMatrix::from_row_slice(n, n, &b.data))?.unpack();
    let mut c = DMatrix::from_row_slice(n, n, &a.data);
    if !l.solve_lower_triangular_mut(&mut c) {
        return None;
    }
    c.transpose_mut();
    if !l.solve_lower_triangular_mut(&mut c) {
        return None;
    }
    let (values, vectors) = symmetric_eigen(&Matrix::from_rows(n, n, c.as_slice().to_vec()));
    let mut s = DMatrix::from_row_slice(n, n, &vectors.data);
    if !l.tr_solve_lower_triangular_mut(&mut s) {
        return None;
    }
    s.transpose_mut();
    Some((values, Matrix::from_rows(n, n, s.as_slice().to_vec())))
}

/// All eigenvalues, ascending.
pub fn symmetric_eigenvalues(m: &Matrix) -> Vec<f64> {
    let n = checked_size(m);
    if !is_finite(m) {
        return vec![f64::NAN; n];
    }
    #[cfg(losscape_lapack)]
    if let Some((values, _)) = with_lapack(m, false) {
        return values;
    }
    with_faer(m, false).0
}

/// Adds `by` · z zᵀ for every z (of length 1, orthogonal to each other): moves zero modes out of the way of a Newton step.
/// Only the lower triangle is written. Cost n² a mode.
pub fn shift_modes(m: &mut Matrix, modes: &[Vec<f64>], by: f64) {
    for z in modes {
        for (i, &zi) in z.iter().enumerate() {
            super::matrix::add_scaled(&mut m.row_mut(i)[..=i], by * zi, z);
        }
    }
}

fn checked_size(m: &Matrix) -> usize {
    assert_eq!(m.rows, m.columns, "a symmetric matrix is square");
    m.rows
}

pub(super) fn is_finite(m: &Matrix) -> bool {
    m.data.iter().all(|x| x.is_finite())
}

/// The pure Rust path; always compiled, so that it is tested beside LAPACK too.
fn with_faer(m: &Matrix, vectors: bool) -> (Vec<f64>, Matrix) {
    let n = m.rows;
    if n == 0 {
        return (Vec::new(), Matrix::zeros(0, 0));
    }
    let a = faer::MatRef::from_row_major_slice(&m.data, n, n);
    // faer fails to converge only on undefined entries, which were sorted out before.
    if vectors {
        if let Ok(eigen) = a.self_adjoint_eigen(faer::Side::Lower) {
            let (s, u) = (eigen.S().column_vector(), eigen.U());
            let mut columns = Matrix::zeros(n, n);
            for i in 0..n {
                for j in 0..n {
                    columns[(i, j)] = u[(i, j)];
                }
            }
            return ((0..n).map(|i| s[i]).collect(), columns);
        }
    } else if let Ok(values) = a.self_adjoint_eigenvalues(faer::Side::Lower) {
        return (values, Matrix::zeros(0, 0));
    }
    (vec![f64::NAN; n], Matrix::from_rows(n, n, vec![f64::NAN; n * n]))
}

/// dsyevd; nothing where it does not converge (faer then has a try).
#[cfg(losscape_lapack)]
fn with_lapack(m: &Matrix, vectors: bool) -> Option<(Vec<f64>, Matrix)> {
    one_thread();
    let n = m.rows;
    let size = i32::try_from(n).ok()?;
    if n == 0 {
        return Some((Vec::new(), Matrix::zeros(0, 0)));
    }
    // Rows of ours are columns of LAPACK's: our lower triangle is its upper one.
    let mut a = m.data.clone();
    let mut values = vec![0.0; n];
    let job = if vectors { b'V' } else { b'N' };
    let (mut room, mut whole_room, mut info) = ([0.0], [0], 0);
    // SAFETY: a is n × n, values n long; with −1 as lengths dsyevd only writes the wanted sizes into the first places.
    unsafe { lapack::dsyevd(job, b'U', size, &mut a, size, &mut values, &mut room, -1, &mut whole_room, -1, &mut info) };
    if info != 0 {
        return None;
    }
    let (length, whole_length) = (room[0] as usize, whole_room[0]);
    let (mut work, mut whole_work) = (vec![0.0; length], vec![0; whole_length as usize]);
    // SAFETY: as above; the work arrays are as long as dsyevd asked for.
    unsafe {
        lapack::dsyevd(
            job,
            b'U',
            size,
            &mut a,
            size,
            &mut values,
            &mut work,
            i32::try_from(length).ok()?,
            &mut whole_work,
            whole_length,
            &mut info,
        )
    };
    if info != 0 {
        return None;
    }
    // Eigenvectors stand in LAPACK's columns, our rows.
    let columns = if vectors { Matrix::from_rows(n, n, a).transpose() } else { Matrix::zeros(0, 0) };
    Some((values, columns))
}

/// OpenBLAS would start a thread a core inside every call; the parallelism is ours, over searches.
#[cfg(losscape_lapack)]
pub(super) fn one_thread() {
    #[cfg(losscape_openblas)]
    {
        unsafe extern "C" {
            fn openblas_set_num_threads(threads: std::ffi::c_int);
        }
        static ONCE: std::sync::Once = std::sync::Once::new();
        // SAFETY: build.rs sets this cfg only where a probe with this symbol linked.
        ONCE.call_once(|| unsafe { openblas_set_num_threads(1) });
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::math::random::stream;
    use rand::RngExt;

    /// A symmetric matrix with entries in [−1, 1].
    pub fn random_symmetric(n: usize, seed: u64) -> Matrix {
        let mut random = stream(seed, n as u64);
        let mut m = Matrix::zeros(n, n);
        for i in 0..n {
            for j in 0..=i {
                let x = random.random_range(-1.0..1.0);
                m[(i, j)] = x;
                m[(j, i)] = x;
            }
        }
        m
    }

    /// A matrix with these eigenvalues: Q diag Qᵀ, the columns of Q those of a random matrix.
    pub fn with_spectrum(values: &[f64], seed: u64) -> Matrix {
        let n = values.len();
        let (_, q) = with_faer(&random_symmetric(n, seed), true);
        let mut m = Matrix::zeros(n, n);
        for i in 0..n {
            for j in 0..=i {
                let x: f64 = (0..n).map(|k| q[(i, k)] * values[k] * q[(j, k)]).sum();
                m[(i, j)] = x;
                m[(j, i)] = x;
            }
        }
        m
    }

    /// Checks A U = U Λ, Uᵀ U = 1 and the order, to a few eps of the norm.
    fn check(m: &Matrix, (values, vectors): (Vec<f64>, Matrix)) {
        let n = m.rows;
        let norm = m.data.iter().fold(0.0f64, |s, x| s + x * x).sqrt();
        let bound = 1e-14 * (n as f64).max(10.0);
        assert!(values.windows(2).all(|p| p[0] <= p[1]), "not ascending: {values:?}");
        for k in 0..n {
            let u = vectors.column(k);
            for i in 0..n {
                let r = super::super::matrix::dot(m.row(i), &u) - values[k] * u[i];
                assert!(r.abs() <= bound * norm, "row {i} of A u − λ u is {r} for eigenvalue {k} of {n}");
            }
            for l in 0..=k {
                let overlap = super::super::matrix::dot(&u, &vectors.column(l));
                assert!((overlap - f64::from(k == l)).abs() <= bound, "eigenvectors {k} and {l} overlap by {overlap}");
            }
        }
    }

    fn cases() -> Vec<Matrix> {
        let mut cases: Vec<Matrix> = [1, 2, 3, 7, 30, 74, 120].iter().map(|&n| random_symmetric(n, 5)).collect();
        cases.push(with_spectrum(&[1.0; 9], 1));
        cases.push(with_spectrum(&[-2.0, -2.0, 0.0, 0.0, 0.0, 1e-8, 3.0, 3.0, 1e3], 2));
        cases.push(with_spectrum(&(0..20).map(|k| 10f64.powi(-k)).collect::<Vec<_>>(), 3));
        let mut diagonal = Matrix::zeros(5, 5);
        for i in 0..5 {
            diagonal[(i, i)] = [3.0, -1.0, 2.0, 0.0, 2.0][i];
        }
        cases.push(diagonal);
        cases
    }

    #[test]
    fn faer_solves_every_case() {
        for m in cases() {
            check(&m, with_faer(&m, true));
        }
    }

    #[test]
    #[cfg(losscape_lapack)]
    fn lapack_solves_every_case_and_agrees_with_faer() {
        for m in cases() {
            let found = with_lapack(&m, true).expect("dsyevd converges on finite matrices");
            let norm = m.data.iter().fold(0.0f64, |s, x| s + x * x).sqrt();
            let other = with_faer(&m, false).0;
            for ((a, b), c) in found.0.iter().zip(&other).zip(with_lapack(&m, false).expect("as above").0) {
                assert!((a - b).abs() <= 1e-13 * norm, "{a} from LAPACK, {b} from faer");
                assert!((a - c).abs() <= 1e-13 * norm, "{a} with vectors, {c} without");
            }
            check(&m, found);
        }
    }

    #[test]
    fn the_backend_in_use_has_a_name_and_answers_for_all_sizes() {
        assert!(!backend().is_empty());
        for m in cases() {
            let values = symmetric_eigenvalues(&m);
            let (same, _) = symmetric_eigen(&m);
            let scale = same.iter().fold(1e-300f64, |s, x| s.max(x.abs()));
            assert!(values.iter().zip(&same).all(|(a, b)| (a - b).abs() <= 1e-13 * scale));
        }
        assert_eq!(symmetric_eigen(&Matrix::zeros(0, 0)).0.len(), 0);
        assert_eq!(symmetric_eigenvalues(&Matrix::from_rows(1, 1, vec![4.0])), vec![4.0]);
    }

    #[test]
    fn undefined_entries_give_nan() {
        let m = Matrix::from_rows(2, 2, vec![1.0, f64::NAN, f64::NAN, 1.0]);
        assert!(symmetric_eigenvalues(&m).iter().all(|x| x.is_nan()));
        assert!(symmetric_eigen(&m).1.data.iter().all(|x| x.is_nan()));
    }

    #[test]
    fn two_matrices_are_taken_apart_together() {
        let n = 30;
        let a = random_symmetric(n, 4);
        let b = with_spectrum(&(0..n).map(|k| 0.1 + k as f64).collect::<Vec<_>>(), 5);
        let (values, vectors) = generalised_eigen(&a, &b).expect("b is positive definite");
        let times = |m: &Matrix, s: &[f64]| -> Vec<f64> {
            let row = |i: usize| (0..n).map(|j| m[(i.max(j), i.min(j))] * s[j]).sum();
            (0..n).map(row).collect()
        };
        assert!(values.windows(2).all(|p| p[0] <= p[1]));
        for (k, value) in values.iter().enumerate() {
            let s = vectors.column(k);
            let (left, right) = (times(&a, &s), times(&b, &s));
            assert!(left.iter().zip(&right).all(|(l, r)| (l - value * r).abs() < 1e-12));
            assert!((s.iter().zip(&right).map(|(s, r)| s * r).sum::<f64>() - 1.0).abs() < 1e-12);
        }
        assert!(generalised_eigen(&a, &random_symmetric(n, 6)).is_none());
    }

    #[test]
    fn shifted_modes_move_by_the_shift() {
        let mut m = with_spectrum(&[0.0, 1.0, 2.0], 8);
        let z = symmetric_eigen(&m).1.column(0);
        shift_modes(&mut m, &[z], 5.0);
        for (found, expected) in symmetric_eigenvalues(&m).iter().zip([1.0, 2.0, 5.0]) {
            assert!((found - expected).abs() < 1e-13);
        }
    }
}
