//! What each way of searching gives for what it costs, and how the next one is drawn from that.
//!
//! A way has given f new points for the cost c, all ways together F for C; every find lets what was before it fade, so that records reach back
//! over the last [`FINDS`] of them, minutes when new points have become rare, and where they are frequent over [`SEARCHES`] searches. The rate of a way is
//! r = (f + 1)/(c + C/F): one find at the common rate stands behind it, so that none is judged before a find could be expected of it, and one
//! that was not used for long is taken for an average one again. A way gets the share ε + (1 − nε) r³/Σr³ of the *cost*: a dear way is drawn less
//! often than a cheap one of the same rate. The cube spends most on the best and still mixes ways that are about as good.

/// What one way gave lately, fading.
#[derive(Default, Clone, Copy)]
struct Yield {
    finds: f64,
    cost: f64,
    searches: f64,
}

/// What every way gave lately.
pub(super) struct Yields {
    ways: Vec<Yield>,
}

/// Finds, or searches that all find something, after which what was before them counts e times less.
const FINDS: f64 = 100.0;
const SEARCHES: f64 = 1000.0;
/// The least share of the cost that a way gets.
const LEAST: f64 = 0.01;

impl Yields {
    pub fn new(ways: usize) -> Yields {
        Yields { ways: vec![Yield::default(); ways] }
    }

    fn sum(&self, of: fn(&Yield) -> f64) -> f64 {
        self.ways.iter().map(of).sum()
    }

    /// One more search of a way. How much new points matter is the caller's; here they are numbers.
    pub fn learn(&mut self, way: usize, finds: f64, cost: f64) {
        let a_search = self.sum(|y| y.finds) / self.sum(|y| y.searches).max(1.0);
        let keep = (-finds / (FINDS + SEARCHES * a_search)).exp();
        for y in &mut self.ways {
            *y = Yield { finds: keep * y.finds, cost: keep * y.cost, searches: keep * y.searches };
        }
        let y = &mut self.ways[way];
        *y = Yield { finds: y.finds + finds, cost: y.cost + cost, searches: y.searches + 1.0 };
    }

    /// How likely each of these ways is to be drawn; they sum to 1. `ways` must not be empty.
    pub fn chances(&self, ways: &[usize]) -> Vec<f64> {
        let (finds, cost, searches) = (self.sum(|y| y.finds), self.sum(|y| y.cost), self.sum(|y| y.searches));
        // Before the first search every way costs the same, before the first find every way is as good.
        let typical = if searches > 0.0 && cost > 0.0 { cost / searches } else { 1.0 };
        let per_find = if finds > 0.0 { cost / finds } else { f64::INFINITY };
        // (in units of the common rate)
        let cube =
            |y: &Yield| if per_find.is_finite() { (per_find * (y.finds + 1.0) / (y.cost + per_find)).powi(3) } else { 1.0 };
        let cubes: f64 = ways.iter().map(|&k| cube(&self.ways[k])).sum();
        let mut chances: Vec<f64> = ways
            .iter()
            .map(|&k| {
                let y = &self.ways[k];
                let share = LEAST + (1.0 - LEAST * ways.len() as f64) * cube(y) / cubes;
                share / ((y.cost + 2.0 * typical) / (y.searches + 2.0))
            })
            .collect();
        let sum: f64 = chances.iter().sum();
        chances.iter_mut().for_each(|c| *c /= sum);
        chances
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_way_gets_most_of_the_cost() {
        // The first finds ten times as much for its cost; the second costs four times as much a search.
        let mut yields = Yields::new(2);
        assert_eq!(yields.chances(&[0, 1]), [0.5, 0.5]);
        for k in 0..400 {
            yields.learn(0, f64::from(k % 2 == 0), 100.0);
            yields.learn(1, f64::from(k % 5 == 0), 400.0);
        }
        let drawn = yields.chances(&[0, 1]);
        let cost = [100.0 * drawn[0], 400.0 * drawn[1]];
        let share = cost[0] / (cost[0] + cost[1]);
        assert!(share > 0.95 && share < 0.99, "{share}");
    }

    #[test]
    fn what_dries_up_is_left() {
        let mut yields = Yields::new(2);
        (0..300).for_each(|_| (0..2).for_each(|way| yields.learn(way, 1.0, 100.0)));
        (0..1000).for_each(|k| yields.learn(usize::from(k % 4 == 0), f64::from(k % 4 == 0), 100.0));
        let chances = yields.chances(&[0, 1]);
        assert!(chances[0] < 0.05, "{chances:?}");
        // A way that never found anything is still tried.
        assert!(chances[0] > 0.015, "{chances:?}");
    }

    /// Where one search in a hundred finds something, fifty without a find say little yet.
    #[test]
    fn rare_finds_are_waited_for() {
        let mut yields = Yields::new(2);
        (0..1000).for_each(|k| yields.learn(0, f64::from(k % 100 == 99), 100.0));
        (0..50).for_each(|_| yields.learn(1, 0.0, 100.0));
        let chances = yields.chances(&[0, 1]);
        assert!(chances[1] > 0.15 && chances[1] < 0.5, "{chances:?}");
        // A way that was good and rests for long is an average one again.
        let mut yields = Yields::new(2);
        (0..100).for_each(|_| yields.learn(1, 1.0, 100.0));
        (0..10_000).for_each(|k| yields.learn(0, f64::from(k % 2 == 0), 100.0));
        let chances = yields.chances(&[0, 1]);
        assert!((chances[1] - 0.5).abs() < 0.1, "{chances:?}");
    }
}
