//! What `explore` did: how much it found, for which work, and why searches failed.

use super::Strategy;
use crate::base::usage::cpu_seconds;
use crate::landscape::{Completeness, Landscape};
use std::collections::BTreeMap;

/// What one kind of search gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StrategyReport {
    pub strategy: Strategy,
    pub searches: usize,
    /// Searches that came to no stationary point.
    pub failed: usize,
    pub new_minima: usize,
    pub new_transition_states: usize,
    /// Gradients; a Hessian counts as several.
    pub evaluations: usize,
    /// Time that threads were busy with it.
    pub seconds: f64,
}

/// What `explore` did.
#[derive(Debug, Clone)]
pub struct ExploreReport {
    pub searches: usize,
    pub new_minima: usize,
    pub new_transition_states: usize,
    /// Of these the ones whose two sides are copies of one minimum.
    pub new_degenerate: usize,
    /// Searches that came to no stationary point.
    pub failed_searches: usize,
    /// How often searches, or candidates of one, failed: by reason.
    pub failed: BTreeMap<String, usize>,
    /// New points whose energy is that of another one to rounding: copies that the symmetry does not know, or places in a flat valley.
    pub twins: usize,
    /// `searches`, `seconds`, `minima` or `completeness`.
    pub ended_by: &'static str,
    /// On the clock.
    pub seconds: f64,
    /// Of all threads; where the system does not tell, the time that they were busy searching.
    pub cpu_seconds: f64,
    pub strategies: Vec<StrategyReport>,
    pub completeness: Completeness,
}

/// What one search gave.
#[derive(Default, Clone, Copy)]
pub(super) struct Gain {
    pub minima: usize,
    pub transition_states: usize,
    pub degenerate: usize,
    pub twins: usize,
    pub failed: bool,
    pub evaluations: usize,
    pub seconds: f64,
}

/// What has been done so far.
pub(super) struct Tally {
    strategies: Vec<StrategyReport>,
    degenerate: usize,
    twins: usize,
    failed: BTreeMap<String, usize>,
    /// Processor time at the beginning; NaN where the system does not tell.
    cpu: f64,
}

impl Tally {
    pub fn new(strategies: &[Strategy]) -> Tally {
        let none = |&strategy: &Strategy| StrategyReport {
            strategy,
            searches: 0,
            failed: 0,
            new_minima: 0,
            new_transition_states: 0,
            evaluations: 0,
            seconds: 0.0,
        };
        // Basin-hopping makes the first minimum, whether or not it was asked for.
        let listed = Strategy::ALL.iter().filter(|s| strategies.contains(s) || **s == Strategy::BasinHopping);
        Tally { strategies: listed.map(none).collect(), degenerate: 0, twins: 0, failed: BTreeMap::new(), cpu: cpu_seconds() }
    }

    pub fn count_failures(&mut self, reasons: &[String]) {
        for reason in reasons {
            *self.failed.entry(reason.clone()).or_insert(0) += 1;
        }
    }

    pub fn add(&mut self, strategy: Strategy, gain: Gain) {
        self.degenerate += gain.degenerate;
        self.twins += gain.twins;
        if let Some(s) = self.strategies.iter_mut().find(|s| s.strategy == strategy) {
            s.searches += 1;
            s.failed += usize::from(gain.failed);
            s.new_minima += gain.minima;
            s.new_transition_states += gain.transition_states;
            s.evaluations += gain.evaluations;
            s.seconds += gain.seconds;
        }
    }

    pub fn report(self, landscape: &Landscape, ended_by: &'static str, seconds: f64) -> ExploreReport {
        let total = |of: fn(&StrategyReport) -> usize| self.strategies.iter().map(of).sum();
        let busy: f64 = self.strategies.iter().map(|s| s.seconds).sum();
        let used = cpu_seconds() - self.cpu;
        ExploreReport {
            searches: total(|s| s.searches),
            new_minima: total(|s| s.new_minima),
            new_transition_states: total(|s| s.new_transition_states),
            new_degenerate: self.degenerate,
            failed_searches: total(|s| s.failed),
            failed: self.failed,
            twins: self.twins,
            ended_by,
            seconds,
            cpu_seconds: if used.is_finite() { used } else { busy },
            strategies: self.strategies,
            completeness: landscape.completeness(),
        }
    }
}
