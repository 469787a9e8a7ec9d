//! Random streams: the seed and the number of the task decide, never the thread.

use super::simd::{Block, Kernel, LANES, Lanes, dispatch, log, sin_cos};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// The generator used everywhere: counter-based, with 2^64 independent streams to a seed.
pub type Stream = ChaCha8Rng;

/// Stream number `stream` of `seed`: each task and each walker takes its own.
pub fn stream(seed: u64, stream: u64) -> Stream {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    generator
}

/// Fills `out` with independent standard normal numbers.
///
/// Sixteen at a time on the vector units (Box and Muller: √(−2 ln u) times cosine and sine of a random angle), the rest one by one (ziggurat).
/// Reference: G. E. P. Box, M. E. Muller, Ann. Math. Stat. 29, 610 (1958), doi:10.1214/aoms/1177706645.
pub fn normals(random: &mut Stream, out: &mut [f64]) {
    let (pairs, rest) = out.as_chunks_mut::<{ 2 * LANES }>();
    for chunk in pairs.iter_mut() {
        let mut bytes = [[0; 8]; 2 * LANES];
        random.fill_bytes(bytes.as_flattened_mut());
        // Numbers from 1 to 2: the bits behind the point are random.
        *chunk = bytes.map(|eight| f64::from_bits(u64::from_le_bytes(eight) >> 12 | 1.0f64.to_bits()));
    }
    if !pairs.is_empty() {
        dispatch(BoxMuller(pairs));
    }
    rest.iter_mut().for_each(|v| *v = StandardNormal.sample(random));
}

/// Numbers from 1 to 2 become normal ones.
struct BoxMuller<'a>(&'a mut [[f64; 2 * LANES]]);

impl Kernel for BoxMuller<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        for chunk in self.0 {
            let (mut one, mut other) = (Block::ZERO, Block::ZERO);
            one.0.copy_from_slice(&chunk[..LANES]);
            other.0.copy_from_slice(&chunk[LANES..]);
            // 2 − u lies above 0 and reaches 1, which a logarithm wants; the angle goes from 0 to 2π.
            (log(V::splat(2.0) - V::load(&one)) * V::splat(-2.0)).store(&mut one);
            let (sine, cosine) = sin_cos((V::load(&other) - V::splat(1.0)) * V::splat(std::f64::consts::TAU));
            one.0.iter_mut().for_each(|v| *v = v.sqrt());
            let radius = V::load(&one);
            (radius * cosine).store(&mut other);
            chunk[..LANES].copy_from_slice(&other.0);
            (radius * sine).store(&mut other);
            chunk[LANES..].copy_from_slice(&other.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn normal_numbers_have_the_moments_and_the_shares_of_their_distribution() {
        let mut all = vec![0.0; 1_600_000];
        // Lengths with and without a rest.
        let mut random = stream(4, 4);
        let (a, b) = all.split_at_mut(800_000);
        normals(&mut random, a);
        b.chunks_mut(37).for_each(|part| normals(&mut random, part));
        let count = all.len() as f64;
        let moment = |power: i32| all.iter().map(|v| v.powi(power)).sum::<f64>() / count;
        // Standard errors of the moments: √1, √2, √15, √96 over √count.
        for (power, expected, spread) in [(1, 0.0, 1.0f64), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
            let error = (spread / count).sqrt();
            assert!((moment(power) - expected).abs() < 5.0 * error, "moment {power}: {}", moment(power));
        }
        // Φ(−2), Φ(0.5), Φ(3.5) from tables.
        for (at, share) in [(-2.0, 0.0227501319), (0.5, 0.6914624613), (3.5, 0.9997673709)] {
            let found = all.iter().filter(|v| **v < at).count() as f64 / count;
            assert!((found - share).abs() < 5.0 * (share * (1.0 - share) / count).sqrt(), "{at}: {found}");
        }
        // Neighbours, and the two numbers of one pair, know nothing of each other; nor do their squares.
        for apart in [1, LANES] {
            let products = |f: fn(f64) -> f64| all.windows(apart + 1).map(|w| f(w[0]) * f(w[apart])).sum::<f64>() / count;
            assert!(products(|v| v).abs() < 5.0 / count.sqrt());
            assert!(products(|v| v * v - 1.0).abs() < 10.0 / count.sqrt());
        }
    }

    #[test]
    fn streams_differ_and_repeat() {
        let draw = |s, t| stream(s, t).random::<u64>();
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
    }
}
