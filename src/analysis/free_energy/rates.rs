//! Rates of crossing that follow from a free energy along one variable: transition-state theory, Kramers, the turnover, and pure diffusion.
//!
//! For the way out of a well over a barrier b, with the population Z = ∫_well exp(−F/T) dξ and the effective mass m of the variable:
//! - transition-state theory k = √(T/(2πm)) exp(−F_b/T)/Z: no recrossing, an upper bound;
//! - Kramers for spatial diffusion k κ, κ = √(1 + (γ/2ω)²) − γ/2ω, ω the frequency of the top (a parabola fitted within T/2 of it);
//! - turnover (Mel'nikov, Meshkov): that times Υ(Δ₁)Υ(Δ₂)/Υ(Δ₁ + Δ₂), Δ = γ S/T the energy lost in a swing of action S through a well in units of T; falls with γ
//!   for weak friction, where a particle must first gain energy;
//! - diffusion without inertia, 1/k = (mγ/T) ∫_well exp(−F/T) ∫_barrier exp(F/T), for strong friction.
//!
//! Forward and backward rates are in the ratio of the populations. When it fails: barriers of less than about 3 T, or friction that is not a constant along ξ.
//!
//! References: H. A. Kramers, Physica 7, 284 (1940), doi:10.1016/S0031-8914(40)90098-2; V. I. Mel'nikov, S. V. Meshkov, J. Chem. Phys. 85, 1018 (1986),
//! doi:10.1063/1.451844; P. Hänggi, P. Talkner, M. Borkovec, Rev. Mod. Phys. 62, 251 (1990), doi:10.1103/RevModPhys.62.251.

use super::{Barrier, FreeEnergy};
use crate::base::{Error, Result};
use crate::math::Matrix;
use crate::math::linear::Factors;
use std::f64::consts::PI;
use std::ops::Range;

crate::options! {
    /// Options of `rates` of a free energy.
    pub struct RateOptions {
        /// Friction γ along the variable.
        friction: f64 = 1.0, POSITIVE, "1/time";
        /// Mass of the variable.
        mass: Option<f64> = None => "1/⟨|∇ξ|²⟩ where the gradient is known, otherwise 1", POSITIVE, "energy time² per unit of the variable²";
    }
}

/// The rates out of one well over one barrier, per unit of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Crossing {
    /// Positions of the minima.
    pub from: f64,
    pub to: f64,
    pub height: f64,
    pub transition_state_theory: f64,
    pub kramers: f64,
    pub turnover: f64,
    pub diffusion: f64,
    /// Standard error of the height over T: that of ln k.
    pub log_error: f64,
}

/// The rates across every barrier that was seen, both ways.
///
/// Errors: a map of two variables, no barrier.
pub fn rates(f: &FreeEnergy, options: &RateOptions) -> Result<Vec<Crossing>> {
    if f.grid.axes.len() != 1 {
        return Err(
            Error::value("rates: a map of two variables has no one way across").hint("take the free energy along one variable")
        );
    }
    let mass = options.mass.or(f.mass).unwrap_or(1.0);
    let seen: Vec<&Barrier> = f.barriers.iter().filter(|b| b.sampled).collect();
    if seen.is_empty() {
        let message = "rates: this free energy has no barrier that was seen between two significant minima";
        return Err(Error::value(message).hint("sample across it, by \"umbrella\" or \"metadynamics\""));
    }
    let cells = f.values.len();
    let mut found = Vec::new();
    for barrier in seen {
        // The well of a minimum reaches from the barrier before it to the one behind it.
        let wells = barrier.between.map(|k| {
            let before = f.barriers.iter().filter(|b| b.between[1] == k).map(|b| b.cell).max().unwrap_or(0);
            let after = f.barriers.iter().filter(|b| b.between[0] == k).map(|b| b.cell + 1).min().unwrap_or(cells);
            before..after
        });
        let t = f.temperature;
        let (bin, top) = (f.grid.axes[0].width(), f.values[barrier.cell]);
        let losses = wells.clone().map(|w| options.friction * action(f, w, top, mass) / t);
        let weak = depopulation(losses[0]) * depopulation(losses[1]) / depopulation(losses[0] + losses[1]);
        let omega = (-curvature(f, barrier.cell) / mass).max(0.0).sqrt();
        let half = options.friction / (2.0 * omega);
        // √(1 + x²) − x without the difference of two large numbers; no curvature at the top means all recrossing.
        let kappa = if omega > 0.0 { 1.0 / ((1.0 + half * half).sqrt() + half) } else { f64::NAN };
        let feet = barrier.between.map(|k| f.minima[k].cell);
        let climb: f64 =
            (feet[0]..=feet[1]).map(|c| f.values[c]).filter(|v| v.is_finite()).map(|v| ((v - top) / t).exp()).sum::<f64>() * bin;
        for (side, well) in wells.into_iter().enumerate() {
            let population: f64 =
                well.map(|c| f.values[c]).filter(|v| v.is_finite()).map(|v| ((top - v) / t).exp()).sum::<f64>() * bin;
            let tst = (t / (2.0 * PI * mass)).sqrt() / population;
            found.push(Crossing {
                from: f.minima[barrier.between[side]].position[0],
                to: f.minima[barrier.between[1 - side]].position[0],
                height: barrier.heights[side],
                transition_state_theory: tst,
                kramers: kappa * tst,
                turnover: weak * kappa * tst,
                diffusion: t / (mass * options.friction) / (population * climb),
                log_error: barrier.errors[side] / t,
            });
        }
    }
    Ok(found)
}

/// ∮ p dξ of a swing through a well at the height of its barrier.
fn action(f: &FreeEnergy, well: Range<usize>, top: f64, mass: f64) -> f64 {
    let bin = f.grid.axes[0].width();
    let depth = well.map(|c| top - f.values[c]).filter(|d| *d > 0.0);
    2.0 * bin * depth.map(|d| (2.0 * mass * d).sqrt()).sum::<f64>()
}

/// F'' at a barrier: of the parabola through the bins around it that lie within T/2 of it, at least two on each side.
fn curvature(f: &FreeEnergy, cell: usize) -> f64 {
    let near = |c: &usize| f.values[*c].is_finite() && f.values[cell] - f.values[*c] < 0.5 * f.temperature;
    let left = (0..cell).rev().take_while(near).count().max(2).min(cell);
    let right = (cell + 1..f.values.len()).take_while(near).count().max(2).min(f.values.len() - 1 - cell);
    let (bin, mut normal, mut side) = (f.grid.axes[0].width(), Matrix::zeros(3, 3), vec![0.0; 3]);
    for c in cell - left..=cell + right {
        if !f.values[c].is_finite() {
            continue;
        }
        let u = (c as f64 - cell as f64) * bin;
        let powers = [1.0, u, u * u];
        for i in 0..3 {
            side[i] += powers[i] * f.values[c];
            (0..3).for_each(|j| normal[(i, j)] += powers[i] * powers[j]);
        }
    }
    let Some(factors) = Factors::new(normal) else { return f64::NAN };
    factors.solve(&mut side);
    2.0 * side[2]
}

/// Υ(Δ) = exp((1/2π) ∫ ln(1 − exp(−Δ (λ² + ¼)))/(λ² + ¼) dλ): about Δ for little loss, 1 for much.
fn depopulation(loss: f64) -> f64 {
    // λ = ½ tan θ makes the weight dλ/(λ² + ¼) = 2 dθ, and the whole line −π/2 … π/2; midpoints, since the logarithm vanishes at the ends.
    const PIECES: usize = 2000;
    let sum: f64 = (0..PIECES)
        .map(|k| {
            let theta = PI * ((k as f64 + 0.5) / PIECES as f64 - 0.5);
            let lambda = 0.5 * theta.tan();
            (-(-loss * (lambda * lambda + 0.25)).exp_m1()).ln()
        })
        .sum();
    (sum * PI / PIECES as f64 / PI).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::free_energy::{Axis, Details, Grid, Method, Well};

    /// U = (q² − 1)² on a fine grid, without errors.
    fn double_well(temperature: f64) -> FreeEnergy {
        let axis = Axis { low: -2.0, high: 2.0, bins: 801 };
        let values: Vec<f64> = axis.centres().iter().map(|q| (q * q - 1.0) * (q * q - 1.0)).collect();
        let cells = [-1.0, 1.0].map(|q| axis.bin(q).unwrap());
        let top = axis.bin(0.0).unwrap();
        let well = |c: usize| Well { cell: c, position: vec![axis.centre(c)], value: values[c], error: 0.0 };
        let barrier = Barrier {
            cell: top,
            position: vec![0.0],
            between: [0, 1],
            value: values[top],
            heights: cells.map(|c| values[top] - values[c]),
            errors: [0.02; 2],
            sampled: true,
        };
        FreeEnergy {
            method: Method::Histogram,
            errors: vec![0.0; values.len()],
            counts: vec![1; values.len()],
            temperature,
            minima: cells.map(well).to_vec(),
            barriers: vec![barrier],
            samples: 1000,
            independent: 1000.0,
            outside: 0,
            notes: Vec::new(),
            variables: Vec::new(),
            mass: None,
            details: Details::Histogram,
            values,
            grid: Grid { axes: vec![axis] },
        }
    }

    #[test]
    fn little_loss_and_much() {
        // Mel'nikov and Meshkov: Υ → Δ (1 − 0.82 √Δ), and 1 for large Δ.
        for loss in [1e-4, 1e-3] {
            let expected = loss * (1.0 - 0.8239 * f64::sqrt(loss));
            assert!((depopulation(loss) / expected - 1.0).abs() < 2e-3, "{}", depopulation(loss));
        }
        assert!((depopulation(60.0) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn the_double_well_has_the_rates_of_its_frequencies() {
        // ω₀² = 8 at the bottom, ω² = 4 at the top, height 1.
        let t = 0.05;
        let of = |friction: f64| rates(&double_well(t), &RateOptions { friction, mass: None }).unwrap();
        let found = of(1.0);
        assert_eq!(found.len(), 2);
        assert!((found[0].height - 1.0).abs() < 1e-4 && (found[0].log_error - 0.4).abs() < 1e-12);
        let harmonic = 8f64.sqrt() / (2.0 * PI) * (-1.0 / t).exp();
        // The well is not harmonic: Z is larger by about (3/8·…) T, 4 % here.
        assert!((found[0].transition_state_theory / harmonic - 1.0).abs() < 0.06, "{:?}", found[0]);
        // γ = 1, ω = 2: κ = √(1 + 1/16) − 1/4; the parabola spans half a T of a quartic.
        let kappa = (1.0f64 + 1.0 / 16.0).sqrt() - 0.25;
        assert!((found[0].kramers / found[0].transition_state_theory / kappa - 1.0).abs() < 0.01);
        // Both sides are alike.
        assert!((found[0].turnover / found[1].turnover - 1.0).abs() < 1e-9);
        // Strong friction: Kramers is diffusion, ω/γ; weak friction: what is lost in a swing decides, and the rate falls with γ.
        let strong = &of(100.0)[0];
        assert!((strong.kramers / strong.diffusion - 1.0).abs() < 0.03, "{strong:?}");
        assert!((strong.turnover / strong.kramers - 1.0).abs() < 1e-3);
        // ∮ p dq = 2 ∫₀^√2 √(2 (2q² − q⁴)) dq = 2 √2 · (2√2/3) = 8/3: k = Δ/2 of transition-state theory when both wells are alike.
        let weak = &of(1e-4)[0];
        let loss = 1e-4 * 8.0 / 3.0 / t;
        assert!((weak.turnover / weak.transition_state_theory / (loss / 2.0) - 1.0).abs() < 0.05, "{weak:?}");
    }

    #[test]
    fn what_has_no_barrier_has_no_rate() {
        let mut f = double_well(0.1);
        f.barriers[0].sampled = false;
        assert!(rates(&f, &RateOptions::default()).unwrap_err().to_string().contains("no barrier that was seen"));
    }
}
