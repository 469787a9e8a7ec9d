//! What each way of searching gives for what it costs, and how the next one is drawn from that.
//!
//! A way a has given f new points for the cost c, old searches fading over [`MEMORY`] of its own. Its rate is (f + R S)/(c + S): R is the rate
//! of all ways together, S the cost of a few searches, so that nothing is judged by its first failures and what was not used for long
//! is not forgotten. A way gets the share ε + (1 − nε) r²/Σr² of the *cost*: a dear way is drawn less often than a cheap one of the same
//! rate. The square spends most on the best and still mixes ways that are about as good.

/// How much new points matter beside their cost is the caller's; here they are numbers.
#[derive(Default, Clone, Copy)]
pub(super) struct Yield {
    finds: f64,
    cost: f64,
    searches: f64,
}

/// Searches after which what a way has given counts e times less.
const MEMORY: f64 = 200.0;
/// The least share of the cost that a way gets.
const LEAST: f64 = 0.02;
/// Typical searches that stand behind the common rate.
const PRIOR: f64 = 4.0;

impl Yield {
    /// One more search.
    pub fn learn(&mut self, finds: f64, cost: f64) {
        let keep = 1.0 - 1.0 / MEMORY;
        self.finds = keep * self.finds + finds;
        self.cost = keep * self.cost + cost;
        self.searches = keep * self.searches + 1.0;
    }
}

/// How likely each of `ways` is to be drawn; they sum to 1. `ways` must not be empty.
pub(super) fn chances(ways: &[Yield]) -> Vec<f64> {
    let total = |of: fn(&Yield) -> f64| ways.iter().map(of).sum::<f64>();
    let (finds, cost, searches) = (total(|y| y.finds), total(|y| y.cost), total(|y| y.searches));
    // Before the first search everything is alike.
    let (typical, common) = if searches > 0.0 && cost > 0.0 { (cost / searches, finds / cost) } else { (1.0, 1.0) };
    let behind = PRIOR * typical;
    let rates: Vec<f64> = ways.iter().map(|y| (y.finds + common * behind) / (y.cost + behind)).collect();
    let squares: f64 = rates.iter().map(|r| r * r).sum();
    let even = 1.0 / ways.len() as f64;
    let mut chances: Vec<f64> = ways
        .iter()
        .zip(&rates)
        .map(|(y, rate)| {
            let part = if squares > 0.0 { rate * rate / squares } else { even };
            let share = LEAST + (1.0 - LEAST * ways.len() as f64) * part;
            share / ((y.cost + 2.0 * typical) / (y.searches + 2.0))
        })
        .collect();
    let sum: f64 = chances.iter().sum();
    chances.iter_mut().for_each(|c| *c /= sum);
    chances
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_way_gets_most_of_the_cost() {
        // The first finds ten times as much for its cost; the second costs four times as much a search.
        let mut ways = [Yield::default(); 2];
        assert_eq!(chances(&ways), [0.5, 0.5]);
        for k in 0..400 {
            ways[0].learn(f64::from(k % 2 == 0), 100.0);
            ways[1].learn(f64::from(k % 5 == 0), 400.0);
        }
        let drawn = chances(&ways);
        let cost = [100.0 * drawn[0], 400.0 * drawn[1]];
        let share = cost[0] / (cost[0] + cost[1]);
        assert!(share > 0.95 && share < 0.99, "{share}");
    }

    #[test]
    fn what_dries_up_is_left() {
        let mut ways = [Yield::default(); 2];
        (0..300).for_each(|_| ways.iter_mut().for_each(|w| w.learn(1.0, 100.0)));
        (0..1000).for_each(|_| ways[0].learn(0.0, 100.0));
        assert!(chances(&ways)[0] < 0.05);
        // A way that never found anything is still tried.
        assert!(chances(&ways)[0] > 0.015);
    }
}
