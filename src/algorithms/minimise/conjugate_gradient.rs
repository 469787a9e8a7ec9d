//! Nonlinear conjugate gradients (Polak–Ribière⁺) with a line search along each direction.
//!
//! The line search brackets where the slope changes sign, then interpolates it by secants; a slope reduced to a tenth is enough.
//! Cost: two to four gradients an iteration. Slow where curvatures differ by orders; restarts when a direction loses descent.
//!
//! Reference: E. Polak, G. Ribière, Rev. Fr. Inform. Rech. Opér. 3, 35 (1969), doi:10.1051/m2an/196903R100351.

use super::super::Termination;
use super::super::evaluator::Evaluator;
use super::{MinimiseOptions, State, default_max_step};
use crate::base::Result;
use crate::math::matrix::{dot, norm};

/// Slope left over at which a line search is good enough.
const SLOPE_LEFT: f64 = 0.1;
const MOST_TRIALS: usize = 30;

pub(super) async fn conjugate_gradient(
    evaluator: &mut Evaluator<'_>,
    state: &mut State,
    options: &MinimiseOptions,
) -> Result<Termination> {
    let n = state.x.len();
    let longest = options.max_step.unwrap_or_else(|| default_max_step(evaluator.potential));
    let mut direction: Vec<f64> = state.gradient.iter().map(|g| -g).collect();
    let (mut x, mut g, mut old) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    let mut guess = longest.min(0.1 * norm(&state.gradient));
    let mut fresh = true;
    loop {
        if state.rms() <= options.tolerance {
            return Ok(Termination::Converged);
        }
        if state.iterations >= options.max_iterations {
            return Ok(Termination::MaxIterations);
        }
        let length = norm(&direction);
        let slope = dot(&state.gradient, &direction) / length;
        if slope.is_nan() || slope >= 0.0 {
            if fresh {
                return Ok(Termination::Stalled);
            }
            restart(state, &mut direction);
            fresh = true;
            continue;
        }
        // `low` has a negative slope and no higher energy; `high` a positive slope or a higher energy.
        let (mut low, mut low_slope, mut low_energy) = (0.0, slope, state.energy);
        let mut high: Option<(f64, f64)> = None;
        let mut t = guess.min(longest);
        let mut best: Option<f64> = None;
        old.copy_from_slice(&state.gradient);
        for _ in 0..MOST_TRIALS {
            for i in 0..n {
                x[i] = state.x[i] + t / length * direction[i];
            }
            let energy = evaluator.gradient(&x, &mut g).await?;
            let here = dot(&g, &direction) / length;
            // At the rounding of the energy the slope alone decides.
            let noise = 1e-14 * low_energy.abs().max(1e-3);
            let good = energy.is_finite() && here.is_finite() && energy <= low_energy + noise;
            if good && here.abs() <= SLOPE_LEFT * slope.abs() {
                best = Some(energy);
                low = t;
                break;
            }
            if good && here < 0.0 {
                (low, low_slope, low_energy) = (t, here, energy);
                if t >= longest {
                    best = Some(energy);
                    break;
                }
            } else {
                high = Some((t, if good { here } else { f64::NAN }));
            }
            t = match high {
                None => (3.0 * t).min(longest),
                Some((h, h_slope)) if h_slope.is_finite() => {
                    let secant = low - low_slope * (h - low) / (h_slope - low_slope);
                    secant.clamp(low + 0.05 * (h - low), h - 0.05 * (h - low))
                }
                Some((h, _)) => 0.5 * (low + h),
            };
            if t == low {
                break;
            }
        }
        state.iterations += 1;
        let Some(energy) = best else {
            if fresh {
                return Ok(Termination::Stalled);
            }
            state.resets += 1;
            restart(state, &mut direction);
            fresh = true;
            continue;
        };
        state.length += low;
        guess = low.max(1e-12);
        std::mem::swap(&mut state.x, &mut x);
        state.gradient.copy_from_slice(&g);
        state.energy = energy;
        let squared = dot(&old, &old);
        let beta = ((dot(&state.gradient, &state.gradient) - dot(&state.gradient, &old)) / squared).max(0.0);
        fresh = beta == 0.0;
        for i in 0..n {
            direction[i] = beta * direction[i] - state.gradient[i];
        }
    }
}

fn restart(state: &State, direction: &mut [f64]) {
    for (d, g) in direction.iter_mut().zip(&state.gradient) {
        *d = -g;
    }
}
