//! Step sizes and masses, and how methods that accept or reject learn them during the burn-in.
//!
//! The logarithm of the step size follows the dual averages of Nesterov towards the wanted acceptance (γ 0.05, t₀ 10, κ 0.75); its average
//! is taken at the end of the burn-in. Masses are the inverse variances of the coordinates in windows of doubling length, shrunk a little
//! towards 10⁻³ as in Stan; after each window the step size is learnt anew.
//! Reference: M. D. Hoffman, A. Gelman, J. Mach. Learn. Res. 15, 1593 (2014), arXiv:1111.4246.

use super::SampleOptions;
use crate::math::matrix::dot;

/// What a walker knows of its step size and masses.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    step_size: f64,
    /// 1/m of each coordinate; empty for unit masses.
    inverse_masses: Vec<f64>,
    /// The acceptance wanted, while there is something to learn.
    target: Option<f64>,
    learns_masses: bool,
    averages: Averages,
    window: Window,
}

/// Dual averages of the logarithm of the step size.
#[derive(Clone, Debug, Default, PartialEq)]
struct Averages {
    centre: f64,
    count: f64,
    gap: f64,
    smooth: f64,
    /// The step size of the dual average.
    log_average: f64,
}

/// Moments of the coordinates within a window of the burn-in.
#[derive(Clone, Debug, Default, PartialEq)]
struct Window {
    count: f64,
    mean: Vec<f64>,
    squares: Vec<f64>,
    /// The step at which it ends.
    end: u64,
    length: u64,
}

impl Averages {
    fn from(step_size: f64) -> Averages {
        Averages { centre: (10.0 * step_size).ln(), log_average: step_size.ln(), ..Default::default() }
    }

    /// The next step size after an acceptance that misses the target by `gap` (target − acceptance).
    fn next(&mut self, gap: f64) -> f64 {
        self.count += 1.0;
        let weight = 1.0 / (self.count + 10.0);
        self.gap += weight * (gap - self.gap);
        let log = self.centre - self.count.sqrt() / 0.05 * self.gap;
        let weight = self.count.powf(-0.75);
        self.smooth = weight * log + (1.0 - weight) * self.log_average;
        self.log_average = self.smooth;
        log.exp()
    }
}

impl Tuning {
    pub fn new(step_size: f64, options: &SampleOptions) -> Tuning {
        let target = options.learns_step_size().then(|| options.target());
        let learns_masses = options.adapt_mass && options.method.accepts() && options.burn_in > 0;
        Tuning {
            step_size,
            inverse_masses: Vec::new(),
            target,
            learns_masses,
            averages: Averages::from(step_size),
            window: Window { length: 25, ..Default::default() },
        }
    }

    pub fn step_size(&self) -> f64 {
        self.step_size
    }

    /// 1/m of each coordinate; empty for unit masses.
    pub fn inverse_masses(&self) -> &[f64] {
        &self.inverse_masses
    }

    /// Σ p²/m.
    pub fn twice_kinetic(&self, p: &[f64]) -> f64 {
        match self.inverse_masses.as_slice() {
            [] => dot(p, p),
            inverse => p.iter().zip(inverse).map(|(p, w)| p * p * w).sum(),
        }
    }

    /// x ← x + t p/m.
    pub fn drift(&self, x: &mut [f64], t: f64, p: &[f64]) {
        match self.inverse_masses.as_slice() {
            [] => crate::math::matrix::add_scaled(x, t, p),
            inverse => x.iter_mut().zip(p).zip(inverse).for_each(|((x, p), w)| *x += t * p * w),
        }
    }

    /// Standard normal numbers become momenta: times √(m T).
    pub fn heat(&self, p: &mut [f64], temperature: f64) {
        let root = temperature.sqrt();
        match self.inverse_masses.as_slice() {
            [] => p.iter_mut().for_each(|p| *p *= root),
            inverse => p.iter_mut().zip(inverse).for_each(|(p, w)| *p *= root / w.sqrt()),
        }
    }

    /// A proposal was accepted with this probability. Only heard of while there is something to learn.
    pub fn heard(&mut self, probability: f64) {
        if let Some(target) = self.target {
            self.step_size = self.averages.next(target - probability);
        }
    }

    /// Takes a position of the burn-in into the window, where masses are learnt.
    pub fn watch(&mut self, x: &[f64]) {
        if !self.learns_masses {
            return;
        }
        let window = &mut self.window;
        window.mean.resize(x.len(), 0.0);
        window.squares.resize(x.len(), 0.0);
        window.count += 1.0;
        for ((x, mean), squares) in x.iter().zip(&mut window.mean).zip(&mut window.squares) {
            let apart = x - *mean;
            *mean += apart / window.count;
            *squares += apart * (x - *mean);
        }
    }

    /// The end of step `step` of a burn-in of `burn_in` steps.
    pub fn learn(&mut self, step: u64, burn_in: u64) {
        // Stan's plan: the way to the typical set counts for nothing, the last part is for the step size alone.
        let (begin, end) = if burn_in >= 150 { (75, burn_in - 50) } else { (burn_in * 3 / 20, burn_in - burn_in / 10) };
        if self.learns_masses {
            if step == begin {
                self.window = Window { length: 25, end: begin + 25, ..Default::default() };
            }
            if step > begin && (step == self.window.end || step == end) && step <= end {
                self.take_masses();
                let length = 2 * self.window.length;
                let next = step + length;
                // A window that would leave less than its double behind takes the rest.
                let next = if next + 2 * length > end { end } else { next };
                self.window = Window { length, end: next, ..Default::default() };
                self.averages = Averages::from(self.step_size);
            }
        }
        if step == burn_in
            && let Some(_) = self.target.take()
        {
            self.step_size = self.averages.log_average.exp();
        }
    }

    fn take_masses(&mut self) {
        let window = &self.window;
        if window.count < 2.0 {
            return;
        }
        let (count, share) = (window.count, window.count / (window.count + 5.0));
        let regular = |squares: &f64| share * squares / (count - 1.0) + 1e-3 * (1.0 - share);
        self.inverse_masses = window.squares.iter().map(regular).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dual_averages_find_the_step_of_the_wanted_acceptance() {
        // Acceptance exp(−h): 0.8 at h = 0.2231.
        let options = SampleOptions { method: super::super::Method::Hmc, burn_in: 2000, adapt: Some(true), ..Default::default() };
        let mut tuning = Tuning::new(1.0, &options);
        let target = options.target();
        for step in 1..=2000 {
            let acceptance = (-tuning.step_size()).exp();
            tuning.heard(acceptance);
            tuning.learn(step, 2000);
        }
        assert!((tuning.step_size() + target.ln()).abs() < 0.03, "{}", tuning.step_size());
        let settled = tuning.step_size();
        tuning.heard(0.0);
        assert_eq!(tuning.step_size(), settled, "nothing is learnt after the burn-in");
    }

    #[test]
    fn masses_are_inverse_variances() {
        let options = SampleOptions { method: super::super::Method::Nuts, burn_in: 1000, adapt_mass: true, ..Default::default() };
        let mut tuning = Tuning::new(0.1, &options);
        for step in 1..=1000u64 {
            let phase = step as f64;
            tuning.watch(&[phase.sin() * 2.0f64.sqrt(), 10.0 * (1.7 * phase).sin() * 2.0f64.sqrt()]);
            tuning.learn(step, 1000);
        }
        let [a, b] = tuning.inverse_masses() else { panic!("two masses") };
        assert!((a - 1.0).abs() < 0.05 && (b - 100.0).abs() < 5.0, "{a} {b}");
        assert!((tuning.twice_kinetic(&[1.0, 1.0]) - (a + b)).abs() < 1e-12);
    }
}
