//! Samplers on one thread beside the gradients they ask for, and walkers on two threads beside two separate runs.
//!
//! The floor of a step is the gradient it needs, timed in the same round through the same potential: of all items, of a loss that holds
//! only a minibatch, or, for images, the two matrix products of a perceptron (outputs, and sums over items) by the kernels that the
//! loss itself uses. What lies above is random numbers, moving and averaging, and for minibatches the gathering of items.
//! Every run is checked before it is timed: the kinetic temperature is the one asked for, within five per cent.
//! Run: `cargo bench --bench sampling`, or with a part of a row's name behind `--`.

use losscape::algorithms::sample::{Draw, Method, SampleOptions, Samples, Start, sample};
use losscape::base::Run;
use losscape::data::Dataset;
use losscape::math::Matrix;
use losscape::math::products::{Then, Weights, product};
use losscape::math::random::stream;
use losscape::math::simd::{Block, LANES};
use losscape::math::sums::gram;
use losscape::network::{Network, NetworkOptions};
use losscape::potentials::loss::{LossOptions, NetworkLoss};
use losscape::potentials::{Batch, Evaluations, Potential};
use rand::RngExt;
use std::hint::black_box;
use std::sync::Arc;
use timing::{median, nanoseconds, once};

mod timing;

/// Rounds over which the medians are taken.
const ROUNDS: usize = 9;

fn main() {
    let only = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");
    println!("{:<40} {:>12} {:>12} {:>8} {:>12}", "work", "a step", "floor", "x floor", "steps/s");
    let row = |work: &str, steps: usize, floor: &mut dyn FnMut() -> f64, call: &mut dyn FnMut()| {
        if !work.contains(&only) {
            return;
        }
        let rounds: Vec<[f64; 2]> = (0..ROUNDS).map(|_| [floor(), once(&mut *call) / steps as f64]).collect();
        let [floor, time] = [0, 1].map(|k| median(rounds.iter().map(|r| r[k])));
        let ratio = median(rounds.iter().map(|r| r[1] / r[0]));
        println!("{work:<40} {:>9.2} µs {:>9.2} µs {ratio:>8.3} {:>12.0}", time / 1e3, floor / 1e3, 1e9 / time);
    };
    one.install(|| {
        let (small, start) = potential(&[2, 10, 4], 1000);
        let (part, _) = potential(&[2, 10, 4], 100);
        let base = SampleOptions { temperature: 1e-3, every: 1000, seed: Some(1), ..Default::default() };
        for method in [Method::Baoab, Method::Obabo, Method::Sgnht] {
            let options = SampleOptions { method, step_size: Some(0.05), steps: 3000, ..base.clone() };
            let name = format!("{} full batch [2, 10, 4] 1000", method.name());
            if name.contains(&only) {
                check(&small, &start, &options);
            }
            row(&name, 3000, &mut || gradient(&small, &start), &mut || go(&small, &start, &options));
        }
        let options = SampleOptions {
            method: Method::Sgld,
            step_size: Some(1e-3),
            minibatch: Some(100),
            draw: Draw::Replacement,
            steps: 20_000,
            ..base.clone()
        };
        row("sgld minibatch 100 [2, 10, 4] 1000", 20_000, &mut || gradient(&part, &start), &mut || go(&small, &start, &options));
        let options = SampleOptions { draw: Draw::Epoch, ..options };
        row("sgld epochs of 100 [2, 10, 4] 1000", 20_000, &mut || gradient(&part, &start), &mut || go(&small, &start, &options));
        for (method, steps) in [(Method::Nuts, 60), (Method::Hmc, 300)] {
            let options = SampleOptions { method, step_size: Some(0.02), steps, every: 10, ..base.clone() };
            // Gradients that the run asks for, so that the floor is that of one step.
            let evaluations = run(&small, &start, &options).evaluations() as f64 / steps as f64;
            let name = format!("{} [2, 10, 4] 1000", method.name());
            row(&name, steps, &mut || evaluations * gradient(&small, &start), &mut || go(&small, &start, &options));
        }
        let (images, start) = potential(&[784, 10], 1000);
        let options = SampleOptions { step_size: Some(0.05), steps: 100, every: 100, ..base.clone() };
        let mut products = Products::new(784, 10, 1000);
        row("baoab full batch [784, 10] 1000", 100, &mut || products.time(&start), &mut || go(&images, &start, &options));
        row("baoab [784, 10] 1000 beside its gradient", 100, &mut || gradient(&images, &start), &mut || {
            go(&images, &start, &options)
        });
    });
    if "walkers on two threads".contains(&only) {
        two_threads();
    }
}

/// 16 walkers on two threads beside two runs of 8 on a thread each, at the same time.
fn two_threads() {
    let (small, start) = potential(&[2, 10, 4], 1000);
    let options = |walkers| SampleOptions {
        temperature: 1e-3,
        step_size: Some(0.05),
        steps: 6000,
        every: 1000,
        walkers,
        seed: Some(1),
        ..Default::default()
    };
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let (both, apart) = (pool(2), [pool(1), pool(1)]);
    let rounds: Vec<[f64; 2]> = (0..ROUNDS)
        .map(|_| {
            let shared = once(|| both.install(|| go(&small, &start, &options(16))));
            let separate = once(|| {
                std::thread::scope(|scope| {
                    for pool in &apart {
                        scope.spawn(|| pool.install(|| go(&small, &start, &options(8))));
                    }
                })
            });
            [shared, separate]
        })
        .collect();
    let ratio = median(rounds.iter().map(|r| 2.0 * r[1] / r[0]));
    println!("walkers on two threads reach {ratio:.2} times what one of two separate runs reaches (2 is the most)");
}

fn potential(nodes: &[i64], items: usize) -> (Arc<dyn Potential>, Vec<f64>) {
    let mut random = stream(1, 0);
    let inputs = nodes[0] as usize;
    let rows: Vec<f64> = (0..items * inputs).map(|_| random.random::<f64>() * 2.0).collect();
    let classes = nodes[nodes.len() - 1];
    let labels: Vec<i64> = (0..items as i64).map(|i| (i * i + i / 3) % classes).collect();
    let data = Dataset::with_classes(Matrix::from_rows(items, inputs, rows), &labels).expect("the data are whole");
    let network = Network::new(nodes, &NetworkOptions::default()).expect("the layers are positive");
    let loss = NetworkLoss::new(&network, &data, &LossOptions { l2: 1e-4, ..Default::default() }).expect("network and data fit");
    let start = network.initial(1, 1.0);
    (Arc::new(loss), start)
}

fn run(potential: &Arc<dyn Potential>, start: &[f64], options: &SampleOptions) -> Samples {
    sample(&Run::silent(), potential, &Start::Position(start), options).expect("nobody stops it")
}

fn go(potential: &Arc<dyn Potential>, start: &[f64], options: &SampleOptions) {
    black_box(run(potential, start, options));
}

/// The sampler does what it should before it is timed.
fn check(potential: &Arc<dyn Potential>, start: &[f64], options: &SampleOptions) {
    let long = SampleOptions { steps: 20_000, burn_in: 2000, ..options.clone() };
    let kinetic = run(potential, start, &long).kinetic_temperature();
    assert!((kinetic / options.temperature - 1.0).abs() < 0.05, "{}: kinetic temperature {kinetic}", options.method.name());
}

/// Nanoseconds of a gradient.
fn gradient(potential: &Arc<dyn Potential>, x: &[f64]) -> f64 {
    let mut out = Evaluations::with_gradients();
    let mut work = || potential.evaluate(Batch::single(black_box(x)), &mut out);
    nanoseconds(2e6, &mut work)
}

/// The two matrix products of a perceptron, in chunks of items as the loss takes them.
struct Products {
    inputs: usize,
    outputs: usize,
    items: Vec<Block>,
    values: Vec<Block>,
    sums: Vec<f64>,
}

impl Products {
    fn new(inputs: usize, outputs: usize, items: usize) -> Products {
        let blocks = items / LANES;
        Products {
            inputs,
            outputs,
            items: vec![Block([0.3; LANES]); blocks * inputs],
            values: vec![Block::ZERO; blocks * outputs],
            sums: vec![0.0; inputs * outputs],
        }
    }

    fn time(&mut self, x: &[f64]) -> f64 {
        const CHUNK: usize = 16;
        let weights = &x[..self.inputs * self.outputs];
        let mut work = || {
            let chunks = self.items.chunks(CHUNK * self.inputs).zip(self.values.chunks_mut(CHUNK * self.outputs));
            for (items, values) in chunks {
                product(Weights::new(black_box(weights), self.outputs, self.inputs), items, Then::Set, values);
                gram(values, self.outputs, items, self.inputs, &mut self.sums);
            }
        };
        work();
        once(|| (0..5).for_each(|_| work())) / 5.0
    }
}
