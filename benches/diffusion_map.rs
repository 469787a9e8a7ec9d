//! Nearest neighbours and diffusion maps beside the floor, on the threads that RAYON_NUM_THREADS gives (1 without it).
//!
//! Points are drawn: "walk" is a random walk in a harmonic well, as samplers give them (correlated, of few dimensions in effect), "cloud" a Gaussian
//! cloud. The floor of neighbours by all distances is n² d fused multiplications at the speed of independent ones in registers; that of a
//! map adds to its neighbours the exponentials of its kernel and its products with the sparse matrix, a block of eight numbers an element.
//! The speed of a machine wanders: multiplications and exponentials are timed anew beside each round, and what is shown are medians.
//! Every answer is checked before it is timed: neighbours of some points against a plain loop, coordinates as eigenvectors by extension.
//! Run: `cargo bench --bench diffusion_map`, or with a part of a row's name behind `--`. `-- --memory` makes the map of 200,000 samples in 74
//! dimensions and says how much memory the process took (minutes).

use losscape::analysis::diffusion_map::{DiffusionMap, DiffusionOptions, diffusion_map};
use losscape::base::Run;
use losscape::math::Matrix;
use losscape::math::neighbours::nearest;
use losscape::math::random::stream;
use losscape::math::simd::LANES;
use rand::RngExt;
use rand_distr::StandardNormal;
use std::sync::Arc;
use std::time::Instant;
use timing::{Units, median, once};

mod timing;

const ROUNDS: usize = 5;

fn main() {
    let threads = std::env::var("RAYON_NUM_THREADS").ok().and_then(|t| t.parse().ok()).unwrap_or(1);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("the pool is not there yet");
    if std::env::args().any(|a| a == "--memory") {
        memory();
        return;
    }
    let only = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    println!("{:<36} {:>10} {:>10} {:>8}", "work", "time", "floor", "x floor");
    for (kind, n, d) in
        [("walk", 5_000, 74), ("cloud", 5_000, 74), ("walk", 20_000, 10), ("cloud", 20_000, 10), ("walk", 100_000, 10)]
    {
        let rounds = if n > 50_000 { 1 } else { ROUNDS };
        let points = Arc::new(if kind == "walk" { walk(n, d) } else { cloud(n, d) });
        let work = format!("neighbours {kind} {n} × {d}");
        if work.contains(&only) {
            check_neighbours(&points);
            let floor = |u: &Units| (n * n * d) as f64 * u.multiplication;
            report(&work, rounds, &floor, &mut || drop(nearest(&Run::silent(), &points, 64)));
        }
        let work = format!("map {kind} {n} × {d}");
        if work.contains(&only) {
            let found = map(&points);
            check_map(&found);
            let pairs = (n * 64) as f64;
            let products = found.products as f64 * pairs * LANES as f64;
            let floor = |u: &Units| (n * n * d) as f64 * u.multiplication + pairs * u.exp + products * u.multiplication;
            report(&work, rounds, &floor, &mut || drop(map(&points)));
        }
    }
}

fn map(points: &Arc<Matrix>) -> DiffusionMap {
    diffusion_map(&Run::silent(), points.clone(), None, &DiffusionOptions::default()).expect("the cloud hangs together")
}

/// x ← 0.98 x + 0.2 ξ, every fifth step.
fn walk(n: usize, d: usize) -> Matrix {
    let mut random = stream(1, 0);
    let mut x = vec![0.0; d];
    let rows = (0..n).flat_map(|_| {
        for _ in 0..5 {
            x.iter_mut().for_each(|x| *x = 0.98 * *x + 0.2 * random.sample::<f64, _>(StandardNormal));
        }
        x.clone()
    });
    let rows: Vec<f64> = rows.collect();
    Matrix::from_rows(n, d, rows)
}

fn cloud(n: usize, d: usize) -> Matrix {
    let mut random = stream(2, 0);
    Matrix::from_rows(n, d, (0..n * d).map(|_| random.sample(StandardNormal)).collect())
}

fn check_neighbours(points: &Matrix) {
    let found = nearest(&Run::silent(), points, 64).expect("nobody stops it");
    for i in [0, points.rows / 3, points.rows - 1] {
        let square = |j: usize| points.row(i).iter().zip(points.row(j)).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        let mut all: Vec<f64> = (0..points.rows).filter(|j| *j != i).map(square).collect();
        all.sort_by(f64::total_cmp);
        for (found, plain) in found.of(i).1.iter().zip(all) {
            assert!((found - plain).abs() < 1e-12 * plain, "a neighbour at {found}, by a plain loop {plain}");
        }
    }
}

/// Beside a point the extension is what the eigenvector has there.
fn check_map(found: &DiffusionMap) {
    let places = [0, found.points.rows / 2];
    let beside: Vec<f64> = places.iter().flat_map(|i| found.points.row(*i).iter().map(|x| x + 1e-10)).collect();
    let extended = found.extend(&Run::silent(), &Matrix::from_rows(2, found.points.columns, beside)).expect("they fit");
    for (row, i) in places.into_iter().enumerate() {
        for k in 0..found.eigenvalues.len() {
            let (new, own) = (extended[(row, k)], found.coordinates[(i, k)]);
            assert!((new - own).abs() < 1e-5 * (1.0 + own.abs()), "{new} beside {own}");
        }
    }
}

fn memory() {
    let points = Arc::new(walk(200_000, 74));
    let start = Instant::now();
    let found = map(&points);
    let peak = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = peak.lines().find_map(|l| l.strip_prefix("VmHWM:")).map_or("unknown".into(), |l| l.trim().to_string());
    println!("map 200000 × 74: {:.0} s, {} products, peak memory {peak}", start.elapsed().as_secs_f64(), found.products);
}

fn report(work: &str, rounds: usize, floor: &dyn Fn(&Units) -> f64, call: &mut dyn FnMut()) {
    let rounds: Vec<[f64; 2]> = (0..rounds).map(|_| [floor(&Units::measure()), once(&mut *call)]).collect();
    let [floor, time] = [0, 1].map(|k| median(rounds.iter().map(|r| r[k])) / 1e9);
    let ratio = median(rounds.iter().map(|r| r[1] / r[0]));
    println!("{work:<36} {time:>8.3} s {floor:>8.3} s {ratio:>8.2}");
}
