//! Throughput of whole searches on one thread: single-ended transition-state searches of Lennard-Jones clusters; quenches,
//! basin-hopping and transition-state searches of the network [2,10,4] on 1000 items of LJAT3 (D1), λ = 1e-4.
//!
//! What is measured: from a minimum found by basin-hopping, every coordinate is displaced by a normal number of deviation 0.2, a transition
//! state is searched and both its sides are minimised, all to RMS 1e-7. A search counts when it converged to index 1 and both
//! sides are minima below it; repeats count. Networks: a minimum is displaced along one of its 12 softest modes by 1 to 3, all to 1e-9, and
//! a climb ends after 100 iterations, as in `explore`.
//! Quenches begin uniformly in ±1 and end at RMS 1e-10; basin-hopping takes steps of ±0.5 at T = 0.01. The floor is the gradients alone.
//! The rows *MNIST* take [784,10,10] on its first 1000 items, λ = 0.1, where no Hessian is made: `--mnist=DIR` names the folder of its files.
//! Run: `cargo bench --bench searches`, or with a part of a row's name behind `--`.

use losscape::algorithms::transition_state::SaddleMethod;
use losscape::algorithms::*;
use losscape::analysis::outcomes::{Ljat3DatasetOptions, ljat3_dataset};
use losscape::base::Run;
use losscape::base::usage::cpu_seconds;
use losscape::data::Dataset;
use losscape::data::idx::{ImageSetOptions, load_mnist};
use losscape::math::random::stream;
use losscape::network::{Network, NetworkOptions};
use losscape::potentials::clusters::LennardJones;
use losscape::potentials::loss::{LossOptions, NetworkLoss};
use losscape::potentials::{Batch, Evaluations, Potential};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::path::PathBuf;
use std::time::Instant;

fn main() {
    if let Some(chain) = std::env::args().find_map(|a| a.strip_prefix("--chain=").and_then(|seed| seed.parse().ok())) {
        println!("{}", steps_per_second(4, chain));
        return;
    }
    println!("{:<28} {:>12} {:>9} {:>10} {:>12} {:>10}", "work", "per minute", "success", "gradients", "a gradient", "x floor");
    for atoms in [7, 8, 13] {
        for &method in SaddleMethod::ALL {
            if wanted(&format!("LJ{atoms} {}", method.name())) {
                single_ended(atoms, method);
            }
        }
    }
    network();
    large_network();
}

/// Whether a row of this name was asked for.
fn wanted(name: &str) -> bool {
    std::env::args().skip(1).filter(|a| !a.starts_with('-')).all(|part| name.contains(&part))
}

/// The loss of [2,10,4] on 1000 items of D1.
fn ljat3_loss() -> NetworkLoss {
    let side = 2.0 * 3f64.sqrt();
    let options = Ljat3DatasetOptions { side: Some(side), count: 1000, seed: Some(5), ..Default::default() };
    let data = ljat3_dataset(&Run::silent(), &options).expect("the data set is made");
    let net = Network::new(&[2, 10, 4], &NetworkOptions::default()).expect("the network is sound");
    NetworkLoss::new(&net, &data, &LossOptions { l2: 1e-4, ..Default::default() }).expect("they fit")
}

/// Basin-hopping steps per second of wall time, of several chains on the threads that there are.
fn steps_per_second(chains: usize, seed: u64) -> f64 {
    let (potential, steps) = (ljat3_loss(), 100);
    let options = BasinHopOptions {
        runs: chains,
        steps,
        step: Some(0.5),
        temperature: Some(0.01),
        tolerance: 1e-6,
        seed: Some(seed),
        ..Default::default()
    };
    let begin = Instant::now();
    basin_hop(&Run::silent(), &potential, &options, &mut |_, _| Ok(String::new())).expect("it runs");
    (chains * steps) as f64 / begin.elapsed().as_secs_f64()
}

/// Eight chains on two threads of one process beside two processes of one thread and four chains.
fn two_cores() {
    let together = steps_per_second(8, 1);
    let program = std::env::current_exe().expect("a bench has a file");
    let alone = |chain: u64| {
        let mut command = std::process::Command::new(&program);
        command
            .env("RAYON_NUM_THREADS", "1")
            .arg(format!("--chain={chain}"))
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("it starts")
    };
    let processes = [alone(1), alone(2)].map(|child| {
        let told = child.wait_with_output().expect("it ends");
        String::from_utf8_lossy(&told.stdout).trim().parse::<f64>().expect("steps per second")
    });
    let one = 0.5 * (processes[0] + processes[1]);
    println!("basin-hopping on two threads: {together:.0} steps/s, {:.2} of one of two processes ({one:.0})", together / one);
}

/// The work named at the head, on one thread.
fn network() {
    let run = Run::silent();
    let potential = ljat3_loss();
    let mut random = stream(7, 0);
    let mut uniform = |size: f64| -> Vec<f64> { (0..74).map(|_| size * (2.0 * random.random::<f64>() - 1.0)).collect() };
    let gradient = gradient_seconds(&potential, &uniform(1.0));
    println!("network gradient {:.1} µs", 1e6 * gradient);

    for (name, newton_below) in [("lbfgs alone", Some(0.0)), ("lbfgs, then Newton", None)] {
        if !wanted(&format!("quench {name}")) {
            continue;
        }
        let mut times = Vec::new();
        let (mut evaluations, mut energy) = (0, 0.0);
        for _ in 0..30 {
            let x = uniform(1.0);
            let start = cpu_seconds();
            let found = minimise(&run, &potential, &x, &MinimiseOptions { tolerance: 1e-10, newton_below, ..Default::default() })
                .expect("it runs");
            times.push(1e3 * (cpu_seconds() - start));
            evaluations += found.evaluations;
            energy += found.point.energy / 30.0;
        }
        println!(
            "quench to 1e-10, {name:<20} median {:.1} ms, {} gradients, mean energy {energy:.6}",
            median(&mut times),
            evaluations / 30
        );
    }

    for tolerance in [1e-6, 1e-3] {
        if !wanted(&format!("basin-hopping {tolerance:e}")) {
            continue;
        }
        // A second or so.
        let steps = if tolerance < 1e-4 { 400 } else { 1000 };
        let options = BasinHopOptions {
            steps,
            step: Some(0.5),
            temperature: Some(0.01),
            tolerance,
            seed: Some(1),
            start: Some(uniform(1.0)),
            ..Default::default()
        };
        let mut minima: Vec<Vec<f64>> = Vec::new();
        let start = cpu_seconds();
        let report = basin_hop(&run, &potential, &options, &mut |_, m| {
            minima.push(m.point.position.clone());
            Ok(String::new())
        })
        .expect("it runs");
        println!("basin-hopping to {tolerance:e}: {:.0} steps/s, {report:?}", steps as f64 / (cpu_seconds() - start));
    }

    if wanted("basin-hopping on two threads") {
        two_cores();
    }

    // Many minima: from one to the next the work of a climb differs by a half.
    let mut minima = Vec::new();
    basin_hop(&run, &potential, &BasinHopOptions { steps: 300, seed: Some(2), ..Default::default() }, &mut |_, m| {
        minima.push(m.point.position.clone());
        Ok(String::new())
    })
    .expect("it runs");
    for &method in SaddleMethod::ALL {
        if !wanted(&format!("transition states {}", method.name())) {
            continue;
        }
        let (mut tried, mut good) = (0u64, 0u64);
        let mut ends = std::collections::BTreeMap::new();
        let start = cpu_seconds();
        while cpu_seconds() - start < 12.0 {
            let x = along_a_soft_mode(&potential, &minima[tried as usize % minima.len()], tried);
            tried += 1;
            let saddle = transition_state(
                &run,
                &potential,
                &x,
                &TransitionStateOptions { method, max_iterations: 100, ..Default::default() },
            )
            .expect("it runs");
            *ends.entry(saddle.termination.name()).or_insert(0) += 1;
            if saddle.termination != Termination::Converged {
                continue;
            }
            let way = pathway(&run, &potential, &saddle.point.position, &saddle.eigenvector, &PathwayOptions::default())
                .expect("it runs");
            good += u64::from(leads_down(&saddle, &way));
        }
        println!(
            "transition states, {:<22} {:.0} per minute, success {:.0} %, {ends:?}",
            method.name(),
            60.0 * good as f64 / (cpu_seconds() - start),
            100.0 * good as f64 / tried as f64
        );
    }
}

/// A minimum of a network displaced along one of its 12 softest modes by 1 to 3.
fn along_a_soft_mode(potential: &NetworkLoss, from: &[f64], number: u64) -> Vec<f64> {
    let modes = curvature::softest_modes(&Run::silent(), potential, from, 12).expect("it runs");
    let mut random = stream(11, number);
    let along = &modes[random.random_range(0..modes.len())];
    let size = (1.0 + 2.0 * random.random::<f64>()) * if random.random::<bool>() { 1.0 } else { -1.0 };
    from.iter().zip(along).map(|(x, m)| x + size * m).collect()
}

/// Whether both sides are minima below the transition state.
fn leads_down(saddle: &Saddle, way: &Pathway) -> bool {
    [&way.minus, &way.plus].iter().all(|m| m.termination == Termination::Converged && m.point.energy < saddle.point.energy)
}

/// Searches by products with the Hessian.
fn large_network() {
    if !wanted("MNIST") {
        return;
    }
    let named = std::env::args().find_map(|a| a.strip_prefix("--mnist=").map(PathBuf::from));
    let folder = named.unwrap_or_else(|| "../shared/data/mnist".into());
    if !folder.is_dir() {
        println!("MNIST: skipped, {} is not there (--mnist=DIR names another folder)", folder.display());
        return;
    }
    let run = Run::silent();
    let items = ImageSetOptions { train: Some(1000), test: Some(1) };
    let (train, _) = load_mnist(&folder, &items).expect("the files are MNIST's");
    let net = Network::new(&[784, 10, 10], &NetworkOptions::default()).expect("the network is sound");
    let seconds = |work: &mut dyn FnMut()| {
        let start = cpu_seconds();
        work();
        cpu_seconds() - start
    };
    let loss_of =
        |data: &Dataset| NetworkLoss::new(&net, data, &LossOptions { l2: 0.1, ..Default::default() }).expect("they fit");
    let labels: Vec<i64> = train.labels().expect("digits are classes").iter().map(|label| i64::from(*label)).collect();
    for (white, wrong, quenches) in [(1.0, 0.0, 15), (255.0, 0.0, 5), (255.0, 25.0, 5)] {
        let mut inputs = (*train.inputs).clone();
        inputs.data.iter_mut().for_each(|pixel| *pixel *= white);
        let data = Dataset::with_classes(inputs, &labels).expect("they are as many");
        let potential = loss_of(&data.mislabel(wrong, 0).expect("it has classes"));
        for preconditioned in [true, false] {
            let options = MinimiseOptions { preconditioned, max_iterations: 100_000, ..Default::default() };
            let (mut times, mut gradients, mut energies) = (Vec::new(), Vec::new(), Vec::new());
            for seed in 0..quenches {
                let x = potential.random(seed, 1.0);
                times.push(seconds(&mut || {
                    let found = minimise(&run, &potential, &x, &options).expect("it runs");
                    gradients.push(found.evaluations as f64);
                    energies.push(found.point.energy);
                }));
            }
            let how = if preconditioned { "" } else { ", not preconditioned" };
            let (time, gradients, energy) = (median(&mut times), median(&mut gradients), median(&mut energies));
            println!(
                "MNIST quench of random weights, pixels from 0 to {white}, {wrong} % wrong labels{how}: {time:.2} s, {gradients:.0} gradients, loss {energy:.4}"
            );
        }
    }

    let potential = loss_of(&train);
    let mut minima: Vec<Vec<f64>> = Vec::new();
    let hops = BasinHopOptions { steps: 20, step: Some(1.0), temperature: Some(2.0), seed: Some(1), ..Default::default() };
    let taken = seconds(&mut || {
        basin_hop(&run, &potential, &hops, &mut |_, m| {
            minima.push(m.point.position.clone());
            Ok(String::new())
        })
        .expect("it runs");
    });
    println!("MNIST basin-hopping, step 1, T 2: {:.0} steps per minute", 60.0 * 20.0 / taken);

    let (mut climbs, mut sides, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    let (mut good, mut tried) = (0, 0);
    let all = seconds(&mut || {
        for number in 0..25 {
            let x = along_a_soft_mode(&potential, &minima[number as usize % minima.len()], number);
            tried += 1;
            let mut saddle = None;
            climbs.push(seconds(&mut || {
                saddle = Some(transition_state(&run, &potential, &x, &TransitionStateOptions::default()).expect("it runs"))
            }));
            let Some(saddle) = saddle.filter(|s| s.termination == Termination::Converged) else { continue };
            asked.push(saddle.evaluations as f64);
            sides.push(seconds(&mut || {
                let way = pathway(&run, &potential, &saddle.point.position, &saddle.eigenvector, &PathwayOptions::default());
                good += usize::from(leads_down(&saddle, &way.expect("it runs")));
            }));
        }
    });
    println!(
        "MNIST transition states: {good} of {tried}, {:.0} gradients and products ({:.2} s), both sides {:.2} s, {:.0} per minute",
        median(&mut asked),
        median(&mut climbs),
        median(&mut sides),
        60.0 * good as f64 / all
    );
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
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
    let start = cpu_seconds();
    while cpu_seconds() - start < 3.0 {
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
        good += u64::from(leads_down(&saddle, &way));
    }
    let seconds = cpu_seconds() - start;
    let gradient = gradient_seconds(&potential, &minima[0]);
    println!(
        "{:<28} {:>12.0} {:>8.1}% {:>10.0} {:>9.0} ns {:>10.2}",
        format!("LJ{atoms} {}", method.name()),
        60.0 * good as f64 / seconds,
        100.0 * good as f64 / tried as f64,
        gradients as f64 / good as f64,
        1e9 * gradient,
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
    median(&mut times)
}
