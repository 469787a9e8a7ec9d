//! Rotations in three dimensions: eigenvectors of small symmetric matrices, frames, best superposition of two sets of points.
//!
//! Best superposition: the rotation that minimises Σ|a_i − R b_i|² is the quaternion that belongs to the largest eigenvalue of a symmetric 4 × 4
//! matrix made of S = Σ b_i a_iᵀ. Unlike the singular value form it needs no care for reflections, and it stays well defined for planar and
//! linear sets. Small eigenproblems are solved by cyclic Jacobi rotations, which give orthogonal vectors to the last digit.
//!
//! References: W. Kabsch, Acta Cryst. A32, 922 (1976), doi:10.1107/S0567739476001873; B. K. P. Horn, J. Opt. Soc. Am. A 4, 629 (1987),
//! doi:10.1364/JOSAA.4.000629; Jacobi: Golub, Van Loan, Matrix Computations, section 8.5.

use rand::RngExt;

/// A point or direction.
pub type Vec3 = [f64; 3];

/// A 3 × 3 matrix, row after row.
pub type Mat3 = [[f64; 3]; 3];

/// The unit matrix.
pub const IDENTITY: Mat3 = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

pub fn sub(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub fn dot(a: Vec3, b: Vec3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub fn cross(a: Vec3, b: Vec3) -> Vec3 {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub fn length(a: Vec3) -> f64 {
    dot(a, a).sqrt()
}

/// m · v.
pub fn apply(m: &Mat3, v: Vec3) -> Vec3 {
    [dot(m[0], v), dot(m[1], v), dot(m[2], v)]
}

/// a · b.
pub fn multiply(a: &Mat3, b: &Mat3) -> Mat3 {
    let mut out = [[0.0; 3]; 3];
    for i in 0..3 {
        for j in 0..3 {
            out[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
        }
    }
    out
}

pub fn transpose(m: &Mat3) -> Mat3 {
    [[m[0][0], m[1][0], m[2][0]], [m[0][1], m[1][1], m[2][1]], [m[0][2], m[1][2], m[2][2]]]
}

/// −m: turns a rotation into a rotation followed by inversion, and back.
pub fn negative(m: &Mat3) -> Mat3 {
    m.map(|row| row.map(|e| -e))
}

/// Eigenvalues (ascending) and eigenvectors (a row each) of a symmetric matrix, by cyclic Jacobi rotations.
pub fn eigen<const N: usize>(matrix: [[f64; N]; N]) -> ([f64; N], [[f64; N]; N]) {
    let mut a = matrix;
    let mut v = [[0.0; N]; N];
    for (i, row) in v.iter_mut().enumerate() {
        row[i] = 1.0;
    }
    let size: f64 = a.iter().flatten().map(|e| e * e).sum();
    // Convergence is quadratic; 30 sweeps end the loop for input that is not finite.
    for _ in 0..30 {
        let off: f64 = (0..N).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i][j] * a[i][j]).sum();
        if off <= 1e-34 * size {
            break;
        }
        for p in 0..N {
            for q in p + 1..N {
                if a[p][q] == 0.0 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for k in 0..N {
                    let (x, y) = (a[k][p], a[k][q]);
                    a[k][p] = c * x - s * y;
                    a[k][q] = s * x + c * y;
                }
                for k in 0..N {
                    let (x, y) = (a[p][k], a[q][k]);
                    a[p][k] = c * x - s * y;
                    a[q][k] = s * x + c * y;
                    let (x, y) = (v[p][k], v[q][k]);
                    v[p][k] = c * x - s * y;
                    v[q][k] = s * x + c * y;
                }
            }
        }
    }
    let mut order: [usize; N] = std::array::from_fn(|i| i);
    order.sort_by(|&i, &j| a[i][i].total_cmp(&a[j][j]));
    (order.map(|i| a[i][i]), order.map(|i| v[i]))
}

/// The rotation of a quaternion (w, x, y, z) of length 1.
pub fn from_quaternion([w, x, y, z]: [f64; 4]) -> Mat3 {
    [
        [w * w + x * x - y * y - z * z, 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
        [2.0 * (x * y + w * z), w * w - x * x + y * y - z * z, 2.0 * (y * z - w * x)],
        [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), w * w - x * x - y * y + z * z],
    ]
}

/// The proper rotation R that minimises Σ|a_i − R b_i|², from S_kl = Σ b_ik a_il.
pub fn superposition(s: &Mat3) -> Mat3 {
    let [[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]] = *s;
    let (_, vectors) = eigen([
        [xx + yy + zz, yz - zy, zx - xz, xy - yx],
        [yz - zy, xx - yy - zz, xy + yx, zx + xz],
        [zx - xz, xy + yx, -xx + yy - zz, yz + zy],
        [xy - yx, zx + xz, yz + zy, -xx - yy + zz],
    ]);
    from_quaternion(vectors[3])
}

/// The orthonormal frame (a row each) whose first axis points along `a` and whose second lies in the plane of `a` and `b`;
/// right-handed, or left-handed when `mirror`. Not finite where `a` and `b` are parallel.
pub fn frame(a: Vec3, b: Vec3, mirror: bool) -> Mat3 {
    let e1 = a.map(|e| e / length(a));
    let along = dot(e1, b);
    let rest = sub(b, e1.map(|e| e * along));
    let e2 = rest.map(|e| e / length(rest));
    let e3 = cross(e1, e2);
    [e1, e2, if mirror { e3.map(|e| -e) } else { e3 }]
}

/// A rotation drawn uniformly (K. Shoemake's quaternion from three uniform numbers, Graphics Gems III, 1992).
pub fn random(stream: &mut super::random::Stream) -> Mat3 {
    let u: f64 = stream.random();
    let (t1, t2) = (std::f64::consts::TAU * stream.random::<f64>(), std::f64::consts::TAU * stream.random::<f64>());
    let (a, b) = ((1.0 - u).sqrt(), u.sqrt());
    from_quaternion([b * t2.cos(), a * t1.sin(), a * t1.cos(), b * t2.sin()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::stream;

    #[test]
    fn eigenvectors_of_a_random_matrix() {
        let mut s = stream(1, 0);
        for _ in 0..50 {
            let mut a = [[0.0; 4]; 4];
            for i in 0..4 {
                for j in 0..=i {
                    a[i][j] = s.random::<f64>() - 0.5;
                    a[j][i] = a[i][j];
                }
            }
            let (values, vectors) = eigen(a);
            for k in 0..4 {
                for i in 0..4 {
                    let product: f64 = (0..4).map(|j| a[i][j] * vectors[k][j]).sum();
                    assert!((product - values[k] * vectors[k][i]).abs() < 1e-14);
                }
                assert!(k == 0 || values[k] >= values[k - 1]);
            }
        }
    }

    #[test]
    fn a_rotation_is_found_again() {
        let mut s = stream(2, 0);
        for points in [2, 3, 8] {
            let r = random(&mut s);
            assert!((dot(cross(r[0], r[1]), r[2]) - 1.0).abs() < 1e-14, "a proper rotation");
            let b: Vec<Vec3> = (0..points).map(|_| [s.random(), s.random(), s.random()]).collect();
            let mut sums = [[0.0; 3]; 3];
            for &p in &b {
                let a = apply(&r, p);
                for k in 0..3 {
                    for l in 0..3 {
                        sums[k][l] += p[k] * a[l];
                    }
                }
            }
            let found = superposition(&sums);
            for &p in &b {
                // The sums S carry an error of 1e-16; the rotation's is its square root at worst times a few where two points leave it loose.
                assert!(length(sub(apply(&found, p), apply(&r, p))) < 1e-13);
            }
        }
    }

    #[test]
    fn frames_are_orthonormal() {
        let f = frame([1.0, 2.0, 0.5], [0.3, -1.0, 2.0], true);
        assert!((dot(cross(f[0], f[1]), f[2]) + 1.0).abs() < 1e-14);
        let g = multiply(&f, &transpose(&f));
        for i in 0..3 {
            for j in 0..3 {
                assert!((g[i][j] - IDENTITY[i][j]).abs() < 1e-15);
            }
        }
    }
}
