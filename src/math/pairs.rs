//! Vector kernels for sums over pairs of atoms: the Lennard-Jones energy and its gradient.
//!
//! Every atom meets every other one twice (once from each side): eight j atoms stand in registers with their forces while a loop over i broadcasts
//! one partner after the other. Twice the pairs, but no sum across lanes and no store inside the loop. Lanes without a
//! partner (the atom itself, the padding at the end) are set to r^-2 = 0, which adds exact zeros. With AVX-512 the reciprocal is an estimate of 14 bits and two Newton steps, below 2 ulp, cheaper than a division.
//! The widest kernel that the processor has is chosen at run time; energies agree between kernels to rounding.

/// Widest vector: arrays are padded to a multiple of it.
const LANES: usize = 8;
/// Energy Σ_{i<j} 4 (r^-12 − r^-6) of atoms at `x` (three numbers each) and, where `gradient` is not empty, its gradient (same length as `x`).
///
/// `scratch` is memory for the kernel: it grows at the first call and is then reused. Two atoms in one place give an energy that is not a number.
pub fn lennard_jones(x: &[f64], gradient: &mut [f64], scratch: &mut Vec<f64>) -> f64 {
    let atoms = x.len() / 3;
    let width = atoms.div_ceil(LANES) * LANES;
    scratch.clear();
    scratch.resize(6 * width, 0.0);
    let (positions, forces) = scratch.split_at_mut(3 * width);
    let (xs, rest) = positions.split_at_mut(width);
    let (ys, zs) = rest.split_at_mut(width);
    for (i, atom) in x.as_chunks::<3>().0.iter().enumerate() {
        (xs[i], ys[i], zs[i]) = (atom[0], atom[1], atom[2]);
    }
    let kernel = kernel();
    let sum = kernel([xs, ys, zs], atoms, forces);
    for (i, atom) in gradient.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        *atom = [forces[i], forces[width + i], forces[2 * width + i]];
    }
    // Every pair was met twice.
    2.0 * sum
}

/// A kernel takes the coordinates (x, y, z, padded), the number of atoms, and writes the gradient (x, y, z, padded);
/// its value is Σ_{i≠j} (r^-12 − r^-6).
type Kernel = fn([&[f64]; 3], usize, &mut [f64]) -> f64;

fn kernel() -> Kernel {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return avx512;
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return avx2;
        }
    }
    portable
}

fn portable(x: [&[f64]; 3], atoms: usize, forces: &mut [f64]) -> f64 {
    plain(x, atoms, forces)
}

/// The loop in plain Rust over eight lanes; the compiler makes vectors of it for whatever features its caller has.
#[inline(always)]
fn plain([xs, ys, zs]: [&[f64]; 3], atoms: usize, forces: &mut [f64]) -> f64 {
    let width = xs.len();
    let mut energy = [0.0; LANES];
    for start in (0..atoms).step_by(LANES) {
        let block = |s: &[f64]| -> [f64; LANES] { std::array::from_fn(|k| s[start + k]) };
        let (xj, yj, zj) = (block(xs), block(ys), block(zs));
        let (mut fx, mut fy, mut fz) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        for i in 0..atoms {
            let (xi, yi, zi) = (xs[i], ys[i], zs[i]);
            for k in 0..LANES {
                let (dx, dy, dz) = (xj[k] - xi, yj[k] - yi, zj[k] - zi);
                let square = dx * dx + dy * dy + dz * dz;
                let alone = start + k == i || start + k >= atoms;
                let s = if alone { 0.0 } else { 1.0 / square };
                let s3 = s * s * s;
                energy[k] += s3 * s3 - s3;
                let slope = (s3 - 2.0 * s3 * s3) * s;
                fx[k] += slope * dx;
                fy[k] += slope * dy;
                fz[k] += slope * dz;
            }
        }
        for k in 0..LANES {
            forces[start + k] = 24.0 * fx[k];
            forces[width + start + k] = 24.0 * fy[k];
            forces[2 * width + start + k] = 24.0 * fz[k];
        }
    }
    energy.iter().sum()
}

#[cfg(target_arch = "x86_64")]
fn avx2(x: [&[f64]; 3], atoms: usize, forces: &mut [f64]) -> f64 {
    #[target_feature(enable = "avx2,fma")]
    fn compiled(x: [&[f64]; 3], atoms: usize, forces: &mut [f64]) -> f64 {
        plain(x, atoms, forces)
    }
    // SAFETY: `kernel` hands this function out only after it has seen that the processor has AVX2 and FMA.
    unsafe { compiled(x, atoms, forces) }
}

#[cfg(target_arch = "x86_64")]
fn avx512([xs, ys, zs]: [&[f64]; 3], atoms: usize, forces: &mut [f64]) -> f64 {
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx512f")]
    fn compiled(xs: &[f64], ys: &[f64], zs: &[f64], atoms: usize, forces: &mut [f64]) -> f64 {
        let width = xs.len();
        assert!(
            atoms <= width && width.is_multiple_of(LANES) && ys.len() == width && zs.len() == width && forces.len() == 3 * width
        );
        let one = _mm512_set1_pd(1.0);
        let mut energy = _mm512_setzero_pd();
        for start in (0..atoms).step_by(LANES) {
            // SAFETY: start + 8 ≤ width, the length of all three slices (asserted above).
            let (xj, yj, zj) = unsafe {
                (
                    _mm512_loadu_pd(xs.as_ptr().add(start)),
                    _mm512_loadu_pd(ys.as_ptr().add(start)),
                    _mm512_loadu_pd(zs.as_ptr().add(start)),
                )
            };
            let there = if atoms - start >= LANES { 0xff } else { (1u32 << (atoms - start)) as __mmask8 - 1 };
            let (mut fx, mut fy, mut fz) = (_mm512_setzero_pd(), _mm512_setzero_pd(), _mm512_setzero_pd());
            for i in 0..atoms {
                let dx = _mm512_sub_pd(xj, _mm512_set1_pd(xs[i]));
                let dy = _mm512_sub_pd(yj, _mm512_set1_pd(ys[i]));
                let dz = _mm512_sub_pd(zj, _mm512_set1_pd(zs[i]));
                let square = _mm512_fmadd_pd(dz, dz, _mm512_fmadd_pd(dy, dy, _mm512_mul_pd(dx, dx)));
                let estimate = _mm512_rcp14_pd(square);
                let better = _mm512_fmadd_pd(estimate, _mm512_fnmadd_pd(square, estimate, one), estimate);
                // In its own block a lane is the atom itself; elsewhere the bit is shifted out.
                let itself = 1u64.checked_shl(i.wrapping_sub(start) as u32).unwrap_or(0) as __mmask8;
                let s =
                    _mm512_maskz_mov_pd(there & !itself, _mm512_fmadd_pd(better, _mm512_fnmadd_pd(square, better, one), better));
                let s3 = _mm512_mul_pd(_mm512_mul_pd(s, s), s);
                energy = _mm512_add_pd(energy, _mm512_fmsub_pd(s3, s3, s3));
                // s³ (1 − 2 s³) s
                let slope = _mm512_mul_pd(_mm512_mul_pd(s3, s), _mm512_fnmadd_pd(s3, _mm512_set1_pd(2.0), one));
                fx = _mm512_fmadd_pd(slope, dx, fx);
                fy = _mm512_fmadd_pd(slope, dy, fy);
                fz = _mm512_fmadd_pd(slope, dz, fz);
            }
            let scale = _mm512_set1_pd(24.0);
            // SAFETY: 2 width + start + 8 ≤ 3 width, the length of `forces` (asserted above).
            unsafe {
                _mm512_storeu_pd(forces.as_mut_ptr().add(start), _mm512_mul_pd(fx, scale));
                _mm512_storeu_pd(forces.as_mut_ptr().add(width + start), _mm512_mul_pd(fy, scale));
                _mm512_storeu_pd(forces.as_mut_ptr().add(2 * width + start), _mm512_mul_pd(fz, scale));
            }
        }
        _mm512_reduce_add_pd(energy)
    }
    // SAFETY: `kernel` hands this function out only after it has seen that the processor has AVX-512F.
    unsafe { compiled(xs, ys, zs, atoms, forces) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::stream;
    use rand::RngExt;

    /// Every kernel that this processor can run, with its name.
    fn kernels() -> Vec<(&'static str, Kernel)> {
        #[allow(unused_mut)]
        let mut all: Vec<(&'static str, Kernel)> = vec![("portable", portable)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(("avx2", avx2));
            }
            if is_x86_feature_detected!("avx512f") {
                all.push(("avx512", avx512));
            }
        }
        all
    }

    #[test]
    fn every_kernel_agrees_with_the_plain_sum() {
        let mut random = stream(3, 0);
        for atoms in 1..40 {
            // A jittered grid: no pair so close that the sum loses its digits.
            let x: Vec<f64> = (0..atoms)
                .flat_map(|i| [i % 4, i / 4 % 4, i / 16])
                .map(|c| 1.1 * c as f64 + 0.2 * random.random::<f64>())
                .collect();
            let (mut energy, mut size) = (0.0, 0.0);
            let mut gradient = vec![0.0; x.len()];
            for i in 0..atoms {
                for j in 0..i {
                    let d: [f64; 3] = std::array::from_fn(|k| x[3 * i + k] - x[3 * j + k]);
                    let r2: f64 = d.iter().map(|d| d * d).sum();
                    energy += 4.0 * (r2.powi(-6) - r2.powi(-3));
                    size += 4.0 * (r2.powi(-6) + r2.powi(-3));
                    for k in 0..3 {
                        let f = 24.0 * (r2.powi(-4) - 2.0 * r2.powi(-7)) * d[k];
                        gradient[3 * i + k] += f;
                        gradient[3 * j + k] -= f;
                    }
                }
            }
            let width = atoms.div_ceil(LANES) * LANES;
            let mut columns = [vec![0.0; width], vec![0.0; width], vec![0.0; width]];
            for i in 0..3 * atoms {
                columns[i % 3][i / 3] = x[i];
            }
            let steep = gradient.iter().fold(1.0f64, |a, g| a.max(g.abs()));
            for (name, kernel) in kernels() {
                let mut forces = vec![0.0; 3 * width];
                let found = 2.0 * kernel([&columns[0], &columns[1], &columns[2]], atoms, &mut forces);
                // Some ten roundings of 1.1e-16 in each pair, a hundred pairs at random: 3e-15 of what is added.
                assert!((found - energy).abs() <= 1e-14 * size, "{name}, {atoms} atoms: {found}, expected {energy}");
                for i in 0..3 * atoms {
                    let f = forces[i % 3 * width + i / 3];
                    assert!(
                        (f - gradient[i]).abs() <= 1e-14 * steep * 10.0,
                        "{name}, {atoms} atoms, {i}: {f}, expected {}",
                        gradient[i]
                    );
                }
            }
        }
    }

    #[test]
    fn two_atoms_in_one_place_are_no_number() {
        let mut scratch = Vec::new();
        assert!(!lennard_jones(&[0.0; 6], &mut [0.0; 6], &mut scratch).is_finite());
        assert_eq!(lennard_jones(&[0.5; 3], &mut [0.0; 3], &mut scratch), 0.0);
    }
}
