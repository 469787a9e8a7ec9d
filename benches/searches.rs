//! Throughput of whole searches on one thread: single-ended transition-state searches of Lennard-Jones clusters.
//!
//! What is measured: from a minimum found by basin-hopping, every coordinate is displaced by a normal number of deviation 0.2, a transition
//! state is searched and both its sides are minimised, all to RMS 1e-7. A search counts when it converged to index 1 and both
//! sides are minima below it; repeats count. The floor is the time of the gradients alone.
//! Run: `cargo bench --bench searches`.

use losscape::algorithms::transition_state::SaddleMethod;
use losscape::algorithms::*;
use losscape::base::Run;
use losscape::math::random::stream;
use losscape::potentials::clusters::LennardJones;
use losscape::potentials::{Batch, Evaluations, Potential};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::time::{Duration, Instant};

fn main() {
    println!("{:<28} {:>12} {:>9} {:>10} {:>10}", "work", "per minute", "success", "gradients", "x floor");
    for atoms in [7, 8, 13] {
        for &method in SaddleMethod::ALL {
            single_ended(atoms, method);
        }
    }
}

fn single_ended(atoms: usize, method: SaddleMethod) {
    let run = Run::silent();
    let potential = LennardJones::new(atoms);
    let mut minima: Vec<Vec<f64>> = Vec::new();
    let options = BasinHopOptions { steps: 50, seed: Some(1), ..Default::default() };
    let mut lowest = f64::INFINITY;
    basin_hop(&run, &potential, &options, &mut |_, m| {
        lowest = lowest.min(m.point.energy);
        minima.push(m.point.position.clone());
        Ok(String::new())
    })
    .expect("basin-hopping runs");
    // The answer before the time: LJ7's global minimum (Cambridge Cluster Database).
    if atoms == 7 {
        assert!((lowest + 16.505384).abs() < 1e-6, "LJ7's lowest minimum is {lowest}");
    }
    let mut random = stream(2, 0);
    let (mut tried, mut good, mut gradients) = (0u64, 0u64, 0u64);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        let from = &minima[random.random_range(0..minima.len())];
        let x: Vec<f64> = from.iter().map(|x| x + 0.2 * random.sample::<f64, _>(StandardNormal)).collect();
        tried += 1;
        let climb = TransitionStateOptions { method, tolerance: 1e-7, ..Default::default() };
        let Ok(saddle) = transition_state(&run, &potential, &x, &climb) else { continue };
        gradients += saddle.evaluations as u64;
        if saddle.termination != Termination::Converged {
            continue;
        }
        let sides = PathwayOptions { tolerance: 1e-7, ..Default::default() };
        let way = pathway(&run, &potential, &saddle.point.position, &saddle.eigenvector, &sides)
            .expect("a transition state has two sides");
        gradients += (way.minus.evaluations + way.plus.evaluations) as u64;
        let sound = |m: &Minimised| m.termination == Termination::Converged && m.point.energy < saddle.point.energy;
        good += u64::from(sound(&way.minus) && sound(&way.plus));
    }
    let seconds = start.elapsed().as_secs_f64();
    let gradient = gradient_seconds(&potential, &minima[0]);
    println!(
        "{:<28} {:>12.0} {:>8.1}% {:>10.0} {:>10.2}",
        format!("LJ{atoms} {}", method.name()),
        60.0 * good as f64 / seconds,
        100.0 * good as f64 / tried as f64,
        gradients as f64 / good as f64,
        seconds / (gradients as f64 * gradient)
    );
}

/// Seconds of one gradient, the median of many.
fn gradient_seconds(potential: &dyn Potential, x: &[f64]) -> f64 {
    let mut out = Evaluations::with_gradients();
    let mut times: Vec<f64> = (0..21)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..1000 {
                potential.evaluate(Batch::single(x), &mut out);
            }
            start.elapsed().as_secs_f64() / 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[10]
}
