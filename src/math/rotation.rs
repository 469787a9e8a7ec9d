//! Rotations in three dimensions: eigenvectors of a symmetric matrix, frames, best superposition of two sets of points.
//!
//! Best superposition: the rotation that minimises Σ|a_i − R b_i|² is the quaternion that belongs to the largest eigenvalue of a symmetric 4 × 4
//! matrix made of S = Σ b_i a_iᵀ. Unlike the singular value form it needs no care for reflections, and it stays well defined for planar and
//! linear sets. Vectors, matrices and their eigenproblems are nalgebra's.
//!
//! References: W. Kabsch, Acta Cryst. A32, 922 (1976), doi:10.1107/S0567739476001873; B. K. P. Horn, J. Opt. Soc. Am. A 4, 629 (1987),
//! doi:10.1364/JOSAA.4.000629.

use nalgebra::{Matrix4, Quaternion, SymmetricEigen, UnitQuaternion};
use rand::RngExt;

/// A point or direction.
pub type Vec3 = nalgebra::Vector3<f64>;

/// A 3 × 3 matrix.
pub type Mat3 = nalgebra::Matrix3<f64>;

/// Steps after which an eigenproblem of size 3 or 4 is given up; it needs some ten.
const MOST_STEPS: usize = 200;

/// Eigenvalues (ascending) and eigenvectors (a column each) of a symmetric matrix; NaN when it is not finite.
pub fn eigen(m: &Mat3) -> (Vec3, Mat3) {
    let finite = m.iter().all(|e| e.is_finite());
    let Some(found) = finite.then(|| SymmetricEigen::try_new(*m, f64::EPSILON, MOST_STEPS)).flatten() else {
        return (Vec3::repeat(f64::NAN), Mat3::repeat(f64::NAN));
    };
    let mut order = [0, 1, 2];
    order.sort_by(|&i, &j| found.eigenvalues[i].total_cmp(&found.eigenvalues[j]));
    (Vec3::from(order.map(|i| found.eigenvalues[i])), Mat3::from_columns(&order.map(|i| found.eigenvectors.column(i))))
}

/// The proper rotation R that minimises Σ|a_i − R b_i|², from S_kl = Σ b_ik a_il; NaN when S is not finite.
pub fn superposition(s: &Mat3) -> Mat3 {
    let [[xx, yx, zx], [xy, yy, zy], [xz, yz, zz]] = (*s).into();
    // The last row and column belong to the quaternion's real part.
    let matrix = Matrix4::from([
        [xx - yy - zz, xy + yx, zx + xz, yz - zy],
        [xy + yx, -xx + yy - zz, yz + zy, zx - xz],
        [zx + xz, yz + zy, -xx - yy + zz, xy - yx],
        [yz - zy, zx - xz, xy - yx, xx + yy + zz],
    ]);
    let finite = matrix.iter().all(|e| e.is_finite());
    match finite.then(|| SymmetricEigen::try_new(matrix, f64::EPSILON, MOST_STEPS)).flatten() {
        Some(found) => of_quaternion(found.eigenvectors.column(found.eigenvalues.imax()).into_owned().into()),
        None => Mat3::repeat(f64::NAN),
    }
}

fn of_quaternion(q: Quaternion<f64>) -> Mat3 {
    UnitQuaternion::new_normalize(q).to_rotation_matrix().into_inner()
}

/// The orthonormal frame (a row each) whose first axis points along `a` and whose second lies in the plane of `a` and `b`;
/// right-handed, or left-handed when `mirror`. Not finite where `a` and `b` are parallel.
pub fn frame(a: &Vec3, b: &Vec3, mirror: bool) -> Mat3 {
    let e1 = a.normalize();
    let e2 = (b - e1 * e1.dot(b)).normalize();
    let e3 = e1.cross(&e2);
    Mat3::from_columns(&[e1, e2, if mirror { -e3 } else { e3 }]).transpose()
}

/// A rotation drawn uniformly (K. Shoemake's quaternion from three uniform numbers, Graphics Gems III, 1992).
pub fn random(stream: &mut super::random::Stream) -> Mat3 {
    let u: f64 = stream.random();
    let (t1, t2) = (std::f64::consts::TAU * stream.random::<f64>(), std::f64::consts::TAU * stream.random::<f64>());
    let (a, b) = ((1.0 - u).sqrt(), u.sqrt());
    of_quaternion(Quaternion::new(b * t2.cos(), a * t1.sin(), a * t1.cos(), b * t2.sin()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::stream;

    fn check_eigen(m: &Mat3) {
        let (values, vectors) = eigen(m);
        let size = m.norm();
        assert!((m * vectors - vectors * Mat3::from_diagonal(&values)).norm() <= 3e-15 * size, "{m} has {values} {vectors}");
        assert!((vectors.tr_mul(&vectors) - Mat3::identity()).norm() < 3e-15, "{m} has {vectors}");
        assert!(values[0] <= values[1] && values[1] <= values[2], "{m} has {values}");
    }

    #[test]
    fn eigenvectors_of_a_random_matrix() {
        let mut s = stream(1, 0);
        for _ in 0..50 {
            let m = Mat3::from_fn(|_, _| s.random::<f64>() - 0.5);
            check_eigen(&(m + m.transpose()));
        }
    }

    #[test]
    fn eigenvectors_where_eigenvalues_meet_or_vanish() {
        let mut s = stream(3, 0);
        for values in
            [[0.0, 0.0, 0.0], [2.0, 2.0, 2.0], [0.0, 3.0, 3.0], [1.0, 1.0, 2.0], [3.0, 1e-20, 1.0], [1.0, 1.0 + 1e-15, 1.0]]
        {
            let diagonal = Mat3::from_diagonal(&Vec3::from(values));
            check_eigen(&diagonal);
            for scale in [1.0, 1e-150, 1e150] {
                let r = random(&mut s);
                check_eigen(&(r * diagonal * r.transpose() * scale));
            }
        }
    }

    #[test]
    fn what_is_not_finite_stays_so() {
        for bad in [f64::NAN, f64::INFINITY, f64::MAX] {
            assert!(superposition(&Mat3::repeat(bad)).iter().all(|e| e.is_nan()));
        }
        let (values, vectors) = eigen(&Mat3::new(1.0, 0.0, 0.0, 0.0, f64::NAN, 0.0, 0.0, 0.0, 2.0));
        assert!(values.iter().chain(&vectors).all(|e| e.is_nan()));
    }

    #[test]
    fn a_rotation_is_found_again() {
        let mut s = stream(2, 0);
        for points in [2, 3, 8] {
            let r = random(&mut s);
            assert!((r.determinant() - 1.0).abs() < 1e-14, "a proper rotation");
            let b: Vec<Vec3> = (0..points).map(|_| Vec3::from_fn(|_, _| s.random())).collect();
            let sums = b.iter().map(|p| p * (r * p).transpose()).sum();
            let found = superposition(&sums);
            for p in &b {
                // The sums S carry an error of 1e-16; the rotation's is its square root at worst times a few where two points leave it loose.
                assert!((found * p - r * p).norm() < 1e-13);
            }
        }
    }

    #[test]
    fn frames_are_orthonormal() {
        let f = frame(&Vec3::new(1.0, 2.0, 0.5), &Vec3::new(0.3, -1.0, 2.0), true);
        assert!((f.determinant() + 1.0).abs() < 1e-14);
        assert!((f * f.transpose() - Mat3::identity()).amax() < 1e-15);
    }
}
