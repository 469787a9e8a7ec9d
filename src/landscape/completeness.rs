//! How much of the landscape has been found: the Chao1 estimate of the number of minima.
//!
//! With S minima known, f₁ of them found by one independent search and f₂ by two, the number of minima is at least about
//! Ŝ = S + f₁²/(2f₂), or S + f₁(f₁ − 1)/2 where f₂ = 0. With T = Ŝ − S and the variance of Ŝ the interval of 95 % is log-normal:
//! from S + T/K to S + T·K, K = exp(1.96 √ln(1 + var/T²)). Repeats along one chain are no draws: a search counts a minimum once.
//! A lower bound in truth: minima that no search can reach are not guessed.
//!
//! References: A. Chao, Scand. J. Statist. 11, 265 (1984), doi:10.2307/4615964; A. Chao, Biometrics 43, 783 (1987), doi:10.2307/2531532.

use super::Landscape;

/// The estimated number of minima.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Completeness {
    /// Minima known ÷ estimate; 0 when none is known.
    pub fraction: f64,
    pub estimate: f64,
    /// Ends of the interval of 95 %.
    pub low: f64,
    pub high: f64,
    /// Minima found by one and by two independent searches.
    pub singletons: usize,
    pub doubletons: usize,
}

/// How often things were found, kept up to date one find at a time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    known: usize,
    singletons: usize,
    doubletons: usize,
    /// Finds of all of them together.
    pub times: u64,
}

impl Tally {
    /// One of them was found `before` times (none: it is new), and now `after` times.
    pub fn change(&mut self, before: Option<u64>, after: u64) {
        match before {
            None => self.known += 1,
            Some(1) => self.singletons -= 1,
            Some(2) => self.doubletons -= 1,
            Some(_) => {}
        }
        self.singletons += usize::from(after == 1);
        self.doubletons += usize::from(after == 2);
        self.times += after - before.unwrap_or(0);
    }
}

impl Landscape {
    /// The Chao1 estimate from how often independent searches found each minimum.
    pub fn completeness(&self) -> Completeness {
        chao1(&self.state().tally)
    }
}

/// Chao1 of the numbers of times that each kind was seen.
fn chao1(tally: &Tally) -> Completeness {
    let Tally { singletons, doubletons, .. } = *tally;
    let known = tally.known as f64;
    let (f1, f2) = (singletons as f64, doubletons as f64);
    let (missing, variance) = if doubletons > 0 {
        let ratio = f1 / f2;
        (f1 * ratio / 2.0, f2 * (ratio.powi(4) / 4.0 + ratio.powi(3) + ratio * ratio / 2.0))
    } else {
        let missing = f1 * (f1 - 1.0).max(0.0) / 2.0;
        let estimate = (known + missing).max(1.0);
        (missing, (missing + f1 * (2.0 * f1 - 1.0).powi(2) / 4.0 - f1.powi(4) / (4.0 * estimate)).max(0.0))
    };
    let estimate = known + missing;
    let (low, high) = if missing > 0.0 {
        let k = (1.96 * (1.0 + variance / (missing * missing)).ln().sqrt()).exp();
        (known + missing / k, known + missing * k)
    } else {
        (known, known)
    };
    let fraction = if known > 0.0 { known / estimate } else { 0.0 };
    Completeness { fraction, estimate, low, high, singletons, doubletons }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chao1(found: &[u64]) -> Completeness {
        let mut tally = Tally::default();
        for &times in found {
            tally.change(None, 1);
            (1..times).for_each(|k| tally.change(Some(k), k + 1));
        }
        super::chao1(&tally)
    }

    /// Worked by hand: S = 50, f₁ = 10, f₂ = 5.
    #[test]
    fn follows_the_formula() {
        let mut found = vec![1; 10];
        found.extend([2; 5]);
        found.extend([7; 35]);
        let c = chao1(&found);
        assert_eq!((c.estimate, c.singletons, c.doubletons), (60.0, 10, 5));
        // var = 5 (16/4 + 8 + 4/2) = 70; K = exp(1.96 √ln 1.7) = 4.1709...
        let k = (1.96 * (1.7f64).ln().sqrt()).exp();
        assert!((c.low - (50.0 + 10.0 / k)).abs() < 1e-12 && (c.high - (50.0 + 10.0 * k)).abs() < 1e-12);
        assert!((c.fraction - 50.0 / 60.0).abs() < 1e-15);
    }

    #[test]
    fn without_doubletons_and_at_the_ends() {
        assert_eq!(chao1(&[1, 1, 1, 5]).estimate, 4.0 + 3.0);
        let all = chao1(&[3, 4, 5]);
        assert_eq!((all.estimate, all.low, all.high, all.fraction), (3.0, 3.0, 3.0, 1.0));
        let none = chao1(&[]);
        assert_eq!((none.estimate, none.fraction), (0.0, 0.0));
        let one = chao1(&[1]);
        assert_eq!((one.estimate, one.low), (1.0, 1.0));
    }
}
