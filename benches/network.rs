//! Loss, gradient, Hessian and Hessian-vector product of network losses on one thread, beside the floor of the same run.
//!
//! [A, B, …, C, D]: inputs, hidden nodes, outputs, items. The floor of a gradient is the time of its tanh (vector tanh over a slice in the first
//! cache), its exp, and its multiplications at the speed of independent fused multiplications in registers; that of the Hessian
//! adds one fused multiplication for each entry of a triangle and block of eight items. Times are those of the fastest tenth
//! of 300 batches.
//! Every answer is checked before it is timed: the gradient against differences of the energy along a direction, the Hessian against
//! differences of the gradient.
//! Run: `cargo bench --bench network`, or with a part of a row's name behind `--`.

use losscape::data::Dataset;
use losscape::math::Matrix;
use losscape::math::matrix::dot;
use losscape::math::random::stream;
use losscape::math::simd::{Block, Kernel, LANES, Lanes, Width, dispatch, exp_slice, tanh_slice};
use losscape::network::{Network, NetworkOptions};
use losscape::potentials::loss::{LossOptions, NetworkLoss};
use losscape::potentials::{Batch, Evaluations, Potential};
use rand::RngExt;
use std::hint::black_box;
use std::time::Instant;

fn main() {
    let floor = Floor::measure();
    println!(
        "vectors: {}; tanh {:.2} ns a value, exp {:.2} ns, {:.1} GFLOP/s of fused multiplications",
        Width::widest().name(),
        floor.tanh,
        floor.exp,
        2.0 / floor.multiplication
    );
    for &width in &Width::available() {
        let (tanh, exp) = (per_value(|v| tanh_slice(v, width)), per_value(|v| exp_slice(v, width)));
        println!("  {:<9} tanh {tanh:.2} ns, exp {exp:.2} ns", width.name());
    }
    println!("{:<34} {:>12} {:>12} {:>8}", "work", "time", "floor", "x floor");
    let only = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    for nodes in [&[2, 10, 4][..], &[2, 5, 5, 4], &[2, 4, 4, 4, 4], &[784, 10, 10]] {
        let case = Case::new(nodes, 1000);
        case.check();
        let gradient = floor.gradient(nodes, 1000);
        let report = |work: &str, floor: f64, call: &mut dyn FnMut()| {
            let work = format!("{work} {nodes:?} 1000");
            if work.contains(&only) {
                report(&work, floor, call);
            }
        };
        report("loss + gradient", gradient, &mut || case.gradient());
        report("loss", floor.loss(nodes, 1000), &mut || case.energy());
        // Forward and backward twice, and the sums twice.
        report("Hessian-vector", gradient + floor.products(nodes, 1000) * 5.0 / 3.0, &mut || case.product());
        if nodes[0] < 100 {
            let triangle = case.x.len() * (case.x.len() + 1) / 2;
            let sums = triangle as f64 * 1000.0 * floor.multiplication;
            report("Hessian", gradient + sums, &mut || case.hessian());
        }
    }
}

struct Case {
    loss: NetworkLoss,
    x: Vec<f64>,
    v: Vec<f64>,
    out: std::cell::RefCell<(Evaluations, Matrix, Vec<f64>)>,
}

impl Case {
    fn new(nodes: &[i64], items: usize) -> Case {
        let mut random = stream(1, 0);
        let inputs = nodes[0] as usize;
        let rows: Vec<f64> = (0..items * inputs).map(|_| random.random::<f64>() * 2.0).collect();
        let classes = nodes[nodes.len() - 1];
        let labels: Vec<i64> = (0..items as i64).map(|i| (i * i + i / 3) % classes).collect();
        let data = Dataset::with_classes(Matrix::from_rows(items, inputs, rows), &labels).expect("the data are whole");
        let network = Network::new(nodes, &NetworkOptions::default()).expect("the layers are positive");
        let options = LossOptions { l2: 1e-4, ..Default::default() };
        let loss = NetworkLoss::new(&network, &data, &options).expect("network and data fit");
        let (x, v) = (network.initial(1, 1.0), network.initial(2, 1.0));
        let out = (Evaluations::with_gradients(), Matrix::default(), vec![0.0; x.len()]);
        Case { loss, x, v, out: out.into() }
    }

    fn gradient(&self) {
        let out = &mut self.out.borrow_mut().0;
        out.wants_gradients = true;
        self.loss.evaluate(Batch::single(black_box(&self.x)), out);
    }
    fn energy(&self) {
        let out = &mut self.out.borrow_mut().0;
        out.wants_gradients = false;
        self.loss.evaluate(Batch::single(black_box(&self.x)), out);
    }
    fn hessian(&self) {
        self.loss.hessian(black_box(&self.x), &mut self.out.borrow_mut().1);
    }
    fn product(&self) {
        self.loss.hessian_vector(black_box(&self.x), &self.v, &mut self.out.borrow_mut().2);
    }

    /// The gradient against the energy, H v against the gradient, the Hessian against H v.
    fn check(&self) {
        let step = 1e-5;
        let rows: Vec<f64> = [step, -step].iter().flat_map(|s| self.x.iter().zip(&self.v).map(move |(x, v)| x + s * v)).collect();
        let mut ends = Evaluations::with_gradients();
        self.loss.evaluate(Batch::new(&rows, self.x.len()), &mut ends);
        self.gradient();
        self.product();
        let out = self.out.borrow();
        let slope = dot(&out.0.gradients, &self.v);
        assert!((slope - (ends.energies[0] - ends.energies[1]) / (2.0 * step)).abs() < 1e-8 * (1.0 + slope.abs()), "gradient");
        let (up, down) = ends.gradients.split_at(self.x.len());
        for ((up, down), product) in up.iter().zip(down).zip(&out.2) {
            assert!(((up - down) / (2.0 * step) - product).abs() < 1e-7, "Hessian-vector product");
        }
        drop(out);
        if self.x.len() < 100 {
            self.hessian();
            let out = self.out.borrow();
            for i in 0..self.x.len() {
                assert!((dot(out.1.row(i), &self.v) - out.2[i]).abs() < 1e-10, "Hessian");
            }
        }
    }
}

/// Nanoseconds of one unit of each kind of work.
struct Floor {
    tanh: f64,
    exp: f64,
    multiplication: f64,
}

impl Floor {
    fn measure() -> Floor {
        let width = Width::widest();
        let multiplications = nanoseconds(|| {
            black_box(dispatch(Multiplications));
        });
        Floor {
            tanh: per_value(|v| tanh_slice(v, width)),
            exp: per_value(|v| exp_slice(v, width)),
            multiplication: multiplications / (ROUNDS * CHAINS * LANES) as f64,
        }
    }

    fn functions(&self, nodes: &[i64], items: usize) -> f64 {
        let hidden: i64 = nodes[1..nodes.len() - 1].iter().sum();
        items as f64 * (hidden as f64 * self.tanh + nodes[nodes.len() - 1] as f64 * self.exp)
    }
    /// Forward, backward (not into the inputs) and sums.
    fn products(&self, nodes: &[i64], items: usize) -> f64 {
        let weights: i64 = nodes.windows(2).map(|p| p[0] * p[1]).sum();
        let all = 3 * weights - nodes[0] * nodes[1];
        (items as i64 * all) as f64 * self.multiplication
    }
    fn gradient(&self, nodes: &[i64], items: usize) -> f64 {
        self.functions(nodes, items) + self.products(nodes, items)
    }
    fn loss(&self, nodes: &[i64], items: usize) -> f64 {
        let weights: i64 = nodes.windows(2).map(|p| p[0] * p[1]).sum();
        self.functions(nodes, items) + (items as i64 * weights) as f64 * self.multiplication
    }
}

const ROUNDS: usize = 1000;
const CHAINS: usize = 12;

/// Twelve independent chains of fused multiplications.
struct Multiplications;

impl Kernel for Multiplications {
    type Output = f64;
    #[inline(always)]
    fn run<V: Lanes>(self) -> f64 {
        let mut chains = [V::splat(black_box(1.0)); CHAINS];
        let (a, b) = (V::splat(black_box(0.999)), V::splat(black_box(0.001)));
        for _ in 0..ROUNDS {
            for chain in &mut chains {
                *chain = chain.fma(a, b);
            }
        }
        let mut block = Block::ZERO;
        chains.into_iter().fold(V::splat(0.0), |sum, c| sum + c).store(&mut block);
        block.0[0]
    }
}

/// Nanoseconds a value of a function over 1024 values from −3 to 3.
fn per_value(mut function: impl FnMut(&mut [f64])) -> f64 {
    let start: Vec<f64> = (0..1024).map(|i| -3.0 + 6.0 * i as f64 / 1024.0).collect();
    let mut values = start.clone();
    let copy = nanoseconds(|| black_box(&mut values).copy_from_slice(&start));
    let both = nanoseconds(|| {
        black_box(&mut values).copy_from_slice(&start);
        function(&mut values);
    });
    (both - copy) / 1024.0
}

/// Nanoseconds of a call: the fastest tenth of 300 batches of about a millisecond, so that other programs on the machine do not count.
fn nanoseconds(mut work: impl FnMut()) -> f64 {
    let begin = Instant::now();
    let mut calls = 0usize;
    while begin.elapsed().as_millis() < 5 {
        work();
        calls += 1;
    }
    let calls = calls.div_ceil(5);
    let mut times: Vec<f64> = (0..300)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..calls {
                work();
            }
            start.elapsed().as_nanos() as f64 / calls as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 10]
}

fn report(work: &str, floor: f64, call: impl FnMut()) {
    let time = nanoseconds(call);
    println!("{work:<34} {:>9.2} µs {:>9.2} µs {:>8.2}", time / 1e3, floor / 1e3, time / floor);
}
