//! Random streams: the seed and the number of the task decide, never the thread.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The generator used everywhere: counter-based, with 2^64 independent streams to a seed.
pub type Stream = ChaCha8Rng;

/// Stream number `stream` of `seed`: each task and each walker takes its own.
pub fn stream(seed: u64, stream: u64) -> Stream {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    generator
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn streams_differ_and_repeat() {
        let draw = |s, t| stream(s, t).random::<u64>();
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
    }
}
