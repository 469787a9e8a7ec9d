//! Which items a step looks at: shuffled by epoch, or drawn anew each time.

use crate::math::random::{Stream, stream};
use rand::Rng;

crate::choices! {
    /// How minibatches are drawn.
    pub enum Draw {
        /// All items in a random order, minibatch after minibatch, then in another order; what does not fill a minibatch at the end is left out.
        Epoch = "epoch",
        /// Each minibatch is drawn from all items, repeats allowed.
        Replacement = "replacement",
    }
}

/// The minibatches of one walker.
#[derive(Clone, Debug)]
pub struct Draws {
    random: Stream,
    draw: Draw,
    size: usize,
    /// Items: the first `used` of them have had their turn in this epoch.
    order: Vec<u32>,
    used: usize,
    drawn: Vec<u32>,
    /// Random bytes of one minibatch.
    bytes: Vec<[u8; 4]>,
    made: u64,
}

/// Streams of minibatches are numbered from here on, those of the walkers from 0.
const FIRST_STREAM: u64 = 1 << 32;

impl Draws {
    /// Minibatches of `size` out of `items` items for walker `walker`. `size` is from 1 to `items`.
    pub fn new(seed: u64, walker: u64, items: usize, size: usize, draw: Draw) -> Draws {
        let order = if draw == Draw::Epoch { (0..items as u32).collect() } else { vec![items as u32] };
        Draws {
            random: stream(seed, FIRST_STREAM + walker),
            draw,
            size,
            order,
            used: 0,
            drawn: Vec::with_capacity(size),
            bytes: vec![[0; 4]; size],
            made: 0,
        }
    }

    /// The items of the next minibatch.
    pub fn advance(&mut self) -> &[u32] {
        self.made += 1;
        self.random.fill_bytes(self.bytes.as_flattened_mut());
        if self.draw == Draw::Replacement {
            let items = self.order[0];
            self.drawn.clear();
            self.drawn.extend(self.bytes.iter().map(|bytes| below(*bytes, items)));
            return &self.drawn;
        }
        if self.used + self.size > self.order.len() {
            self.used = 0;
        }
        // Fisher and Yates, only as far as this minibatch goes.
        let (from, to) = (self.used, self.used + self.size);
        for (i, bytes) in (from..to).zip(&self.bytes) {
            let j = i + below(*bytes, (self.order.len() - i) as u32) as usize;
            self.order.swap(i, j);
        }
        self.used = to;
        &self.order[from..to]
    }

    /// Minibatches drawn so far.
    pub fn made(&self) -> u64 {
        self.made
    }
}

/// A number below `count` from 32 random bits: the high half of a product, whose bias of count / 2³² nobody sees.
fn below(bytes: [u8; 4], count: u32) -> u32 {
    ((u64::from(u32::from_le_bytes(bytes)) * u64::from(count)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_sees_each_item_once() {
        let mut draws = Draws::new(3, 1, 10, 3, Draw::Epoch);
        for _ in 0..5 {
            let mut seen: Vec<u32> = (0..3).flat_map(|_| draws.advance().to_vec()).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), 9);
        }
    }

    #[test]
    fn every_item_is_drawn_alike() {
        for draw in [Draw::Epoch, Draw::Replacement] {
            let mut draws = Draws::new(1, 0, 7, 2, draw);
            let mut counts = [0usize; 7];
            for _ in 0..35_000 {
                draws.advance().iter().for_each(|i| counts[*i as usize] += 1);
            }
            // 10,000 each; the standard deviation of drawing with replacement is 93.
            assert!(counts.iter().all(|c| c.abs_diff(10_000) < 500), "{counts:?}");
        }
    }
}
