//! Parallel tempering: the same walk at several temperatures, whose positions change places now and then.
//!
//! Every `swap_every` steps neighbours on the ladder, even and odd pairs in turn, exchange positions with probability
//! min(1, exp((1/T − 1/T′)(E − E′))); momenta are scaled by √(T′/T). Each temperature keeps its own distribution, and what is stuck at a low
//! one goes round by way of the high ones. Swaps of about a fifth to a third of the attempts are usual; temperatures too far apart
//! swap hardly ever, and the report says so.
//! Reference: D. J. Earl, M. W. Deem, Phys. Chem. Chem. Phys. 7, 3910 (2005), doi:10.1039/B509983H.

use super::walkers::Group;
use crate::math::random::Stream;
use rand::RngExt;

/// Attempts and successes between two neighbours of the ladder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Swaps {
    pub lower: f64,
    pub higher: f64,
    pub attempts: u64,
    pub accepted: u64,
}

/// The ladder while it is climbed.
#[derive(Clone, Debug)]
pub struct Ladder {
    pub(super) walkers: usize,
    pub(super) swaps: Vec<Swaps>,
    pub(super) random: Stream,
    pub(super) rounds: u64,
    /// Which walker's way a chain is on, and whether it last was at the lowest (−1) or the highest (1) temperature.
    ways: Vec<(usize, i8)>,
    /// How often ways went from the lowest temperature to the highest and back.
    pub(super) round_trips: u64,
}

impl Ladder {
    /// Chains are numbered temperature by temperature, `walkers` at each.
    pub fn new(temperatures: &[f64], walkers: usize, random: Stream) -> Ladder {
        let swaps = temperatures.windows(2).map(|two| Swaps { lower: two[0], higher: two[1], ..Default::default() }).collect();
        let ways = (0..temperatures.len() * walkers).map(|k| (k, 0)).collect();
        Ladder { walkers, swaps, random, rounds: 0, ways, round_trips: 0 }
    }

    /// One round of attempts; `counts` is false during the burn-in.
    pub(super) fn swap(&mut self, groups: &mut [Group], n: usize, counts: bool) {
        let first = (self.rounds % 2) as usize;
        self.rounds += 1;
        for rung in (first..self.swaps.len()).step_by(2) {
            for w in 0..self.walkers {
                let (a, b) = (rung * self.walkers + w, (rung + 1) * self.walkers + w);
                let uniform: f64 = self.random.random();
                let (low, high) = (place(groups, a), place(groups, b));
                let (e, f) = (groups[low.0].energies[low.1], groups[high.0].energies[high.1]);
                let (t, u) = (self.swaps[rung].lower, self.swaps[rung].higher);
                let accepted = uniform < ((1.0 / t - 1.0 / u) * (e - f)).exp();
                if counts {
                    self.swaps[rung].attempts += 1;
                    self.swaps[rung].accepted += u64::from(accepted);
                }
                if accepted {
                    exchange(groups, low, high, n, (u / t).sqrt());
                    self.ways.swap(a, b);
                }
            }
        }
        let last = self.swaps.len() * self.walkers;
        for (chain, (_, seen)) in self.ways.iter_mut().enumerate() {
            if chain < self.walkers {
                self.round_trips += u64::from(*seen == 1);
                *seen = -1;
            } else if chain >= last && *seen == -1 {
                *seen = 1;
            }
        }
    }
}

/// Group and row of a chain.
fn place(groups: &[Group], chain: usize) -> (usize, usize) {
    let k = groups.partition_point(|group| group.first <= chain) - 1;
    (k, chain - groups[k].first)
}

/// Exchanges positions, gradients and energies; momenta are scaled to their new temperatures.
fn exchange(groups: &mut [Group], low: (usize, usize), high: (usize, usize), n: usize, scale: f64) {
    let [one, other] = [low, high].map(|(group, k)| {
        let (group, row) = (&groups[group], k * n..(k + 1) * n);
        (group.x[row.clone()].to_vec(), group.p[row.clone()].to_vec(), group.g[row].to_vec(), group.energies[k])
    });
    for ((group, k), (x, p, g, energy), scale) in [(low, other, 1.0 / scale), (high, one, scale)] {
        let (group, row) = (&mut groups[group], k * n..(k + 1) * n);
        group.x[row.clone()].copy_from_slice(&x);
        group.g[row.clone()].copy_from_slice(&g);
        group.p[row].iter_mut().zip(&p).for_each(|(to, p)| *to = p * scale);
        group.energies[k] = energy;
    }
}
