//! Loss, gradient, Hessian and Hessian-vector product of network losses on one thread, beside the floor; searches gathered and one by one.
//!
//! [A, B, …, C, D]: inputs, hidden nodes, outputs, items. The floor of a gradient is the time of its tanh (vector tanh over a slice in the first
//! cache), its exp, and its multiplications at the speed of independent fused multiplications in registers; that of the Hessian
//! adds one fused multiplication for each entry of a triangle and block of eight items. The speed of a machine wanders: tanh, exp and
//! multiplications are timed anew beside each round of a row, and what is shown are medians over the rounds, of the ratio too.
//! Every answer is checked before it is timed: the gradient against differences of the energy along a direction, the Hessian against
//! differences of the gradient, gathered searches against those one by one.
//! Run: `cargo bench --bench network`, or with a part of a row's name behind `--`.

use losscape::algorithms::MinimiseOptions;
use losscape::algorithms::minimise::{quench, quench_batch};
use losscape::base::Run;
use losscape::data::Dataset;
use losscape::math::Matrix;
use losscape::math::eigen::Tridiagonal;
use losscape::math::matrix::dot;
use losscape::math::random::stream;
use losscape::math::simd::Width;
use losscape::network::{Network, NetworkOptions};
use losscape::potentials::loss::{LossOptions, NetworkLoss};
use losscape::potentials::{Batch, Evaluations, Potential};
use rand::RngExt;
use std::cell::RefCell;
use std::hint::black_box;
use timing::{Units, median, nanoseconds, once};

mod timing;

/// Rounds over which the medians are taken.
const ROUNDS: usize = 60;

fn main() {
    for &width in &Width::available() {
        let Units { tanh, exp, .. } = Units::on(width);
        println!("{:<9} tanh {tanh:.2} ns a value, exp {exp:.2} ns", width.name());
    }
    let only = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    println!("{:<36} {:>12} {:>12} {:>8}", "work", "time", "floor", "x floor");
    for nodes in [&[2, 10, 4][..], &[2, 5, 5, 4], &[2, 4, 4, 4, 4], &[784, 10, 10]] {
        let case = Case::new(nodes, 1000);
        case.check();
        let n = case.x.len();
        let row = |work: &str, floor: &dyn Fn(&Units) -> f64, call: &mut dyn FnMut()| {
            let work = format!("{work} {nodes:?} 1000");
            if work.contains(&only) {
                report(&work, floor, call);
            }
        };
        row("loss + gradient", &|u| u.gradient(nodes, 1000), &mut || case.gradient());
        row("loss", &|u| u.loss(nodes, 1000), &mut || case.energy());
        // Forward and backward twice, and the sums twice.
        let twice = |u: &Units| u.gradient(nodes, 1000) + u.products(nodes, 1000) * 5.0 / 3.0;
        row("Hessian-vector", &twice, &mut || case.product());
        if nodes[0] < 100 {
            let triangle = (n * (n + 1) / 2) as f64 * 1000.0;
            let hessian = |u: &Units| u.gradient(nodes, 1000) + triangle * u.multiplication;
            row("Hessian", &hessian, &mut || case.hessian());
            row("Hessian and index", &hessian, &mut || case.index());
        }
    }
    println!("{:<36} {:>12} {:>12} {:>8}", "searches", "gathered", "one by one", "ratio");
    for (nodes, searches) in [(&[2, 10, 4][..], 16), (&[784, 10, 10], 16), (&[784, 10, 10], 64)] {
        let work = format!("{searches} quenches {nodes:?} 1000");
        if work.contains(&only) {
            quenches(&work, nodes, searches);
        }
    }
}

/// Some LBFGS iterations from several starts: all searches gathered beside one after another.
fn quenches(work: &str, nodes: &[i64], searches: u64) {
    let case = Case::new(nodes, 1000);
    let starts: Vec<Vec<f64>> = (0..searches).map(|seed| case.loss.random(seed, 1.0)).collect();
    let run = Run::silent();
    let options = MinimiseOptions { max_iterations: 12, newton_below: Some(0.0), ..Default::default() };
    let gathered = || quench_batch(&run, &case.loss, &starts, &options).expect("nobody stops it");
    let alone = || starts.iter().map(|start| quench(&run, &case.loss, start, &options).expect("nobody stops it")).collect();
    let check: Vec<_> = alone();
    let mut evaluations = 0;
    for (one, other) in gathered().iter().zip(&check) {
        assert_eq!((&one.0.x, one.0.energy, one.2), (&other.0.x, other.0.energy, other.2), "gathered is not alone");
        evaluations += one.2;
    }
    let rounds: Vec<[f64; 2]> = (0..7).map(|_| [once(|| drop(gathered())), once(|| drop::<Vec<_>>(alone()))]).collect();
    let each = |k: usize| median(rounds.iter().map(|r| r[k] / evaluations as f64)) / 1e3;
    let ratio = median(rounds.iter().map(|r| r[0] / r[1]));
    println!("{work:<36} {:>9.2} µs {:>9.2} µs {ratio:>8.3}  (an evaluation)", each(0), each(1));
}

struct Case {
    loss: NetworkLoss,
    x: Vec<f64>,
    v: Vec<f64>,
    out: RefCell<(Evaluations, Matrix, Vec<f64>)>,
    tridiagonal: RefCell<Tridiagonal>,
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
        Case { loss, x, v, out: out.into(), tridiagonal: Tridiagonal::new().into() }
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
    /// How many eigenvalues are negative: the Hessian's reduction to three diagonals and counts there.
    fn index(&self) {
        self.hessian();
        let mut tridiagonal = self.tridiagonal.borrow_mut();
        tridiagonal.reduce(&self.out.borrow().1);
        black_box(tridiagonal.index());
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

/// What passes over a network's layers take at least.
impl Units {
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

fn report(work: &str, floor: &dyn Fn(&Units) -> f64, call: &mut dyn FnMut()) {
    let rounds: Vec<[f64; 2]> = (0..ROUNDS).map(|_| [floor(&Units::measure()), nanoseconds(2e5, &mut *call)]).collect();
    let [floor, time] = [0, 1].map(|k| median(rounds.iter().map(|r| r[k])) / 1e3);
    let ratio = median(rounds.iter().map(|r| r[1] / r[0]));
    println!("{work:<36} {time:>9.2} µs {floor:>9.2} µs {ratio:>8.2}");
}
