//! Landscapes: how fast `explore` and `connect` fill one, and what one of 200,000 minima costs.
//!
//! The network is [2, 10, 4] on 1000 items of LJAT3 (D1), λ = 1e-4, on one thread; times are CPU time. Rows:
//! *explore* gives the searches, the transition states found (with repeats) and the new points of some seconds beside the plain rate of
//! single-ended searches from the same minima, where nothing is stored. *survey* asks how much a short survey finds of what one six times
//! as long finds. *connect* gives attempts to join two minima (align, band, refine all candidates) and how many pairs of one component are
//! joined again in a landscape that has their minima only. *profile* tells evaluation from everything else. *add* puts points into a landscape of
//! 200,000 minima in a file, every other one a known one in another copy; the floor is one alignment and one insertion of the same bytes
//! into a bare table. *graph* draws 200,000 minima and 540,000 transition states of 72 parameters at 100 levels; peak memory is that of the whole
//! process, so ask for this row alone.
//! Run: `cargo bench --bench landscape`, or with a part of a row's name behind `--`. `survey hour` runs only when named, on all threads: 70 CPU
//! minutes for draw 1 (that of table 1, 250 minima) and as many for draw 5 (that of the other rows, 1,500).

use losscape::algorithms::transition_state::SaddleMethod;
use losscape::algorithms::{
    BasinHopOptions, Curvature, StationaryPoint, Termination, TransitionStateOptions, curvature, pathway, transition_state,
};
use losscape::analysis::outcomes::{Ljat3DatasetOptions, ljat3_dataset};
use losscape::base::Run;
use losscape::base::usage::{cpu_seconds, usage};
use losscape::figures::disconnectivity::{DisconnectivityGraph, DrawingOptions};
use losscape::landscape::{
    ConnectOptions, ExploreOptions, ExploreReport, Landscape, LandscapeOptions, MergeTree, Strategy, TreeOptions, basin_hop,
    connect, explore,
};
use losscape::math::Matrix;
use losscape::math::random::stream;
use losscape::network::{Network, NetworkOptions};
use losscape::potentials::clusters::LennardJones;
use losscape::potentials::loss::{LossOptions, NetworkLoss};
use losscape::potentials::{Batch, Evaluations, Family, Identity, Potential, Symmetry};
use rand::RngExt;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

fn main() {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");
    let rows: [(&str, fn()); 8] = [
        ("explore network", explore_network),
        ("explore LJ13", || explore_cluster(13)),
        ("profile", profile),
        ("connect attempts", connect_attempts),
        ("connect pairs", connect_pairs),
        ("survey", || survey("survey", 5, 20.0)),
        ("add to 200,000", add_points),
        ("graph of 200,000", draw_graph),
    ];
    for (name, row) in rows {
        if wanted(name) {
            one.install(row);
        }
    }
    if wanted("two threads") {
        two_threads();
    }
    if std::env::args().any(|a| a.starts_with("survey hour")) {
        for draw in [1, 5] {
            let name = format!("survey hour, draw {draw}");
            if wanted(&name) {
                survey(&name, draw, 600.0);
            }
        }
    }
}

/// Whether a row of this name was asked for.
fn wanted(name: &str) -> bool {
    std::env::args().skip(1).filter(|a| !a.starts_with('-')).all(|part| name.contains(&part))
}

/// The network's loss named at the head.
fn network(draw: u64) -> Arc<dyn Potential> {
    let options = Ljat3DatasetOptions { side: Some(2.0 * 3f64.sqrt()), count: 1000, seed: Some(draw), ..Default::default() };
    let data = ljat3_dataset(&Run::silent(), &options).expect("the data set is made");
    let net = Network::new(&[2, 10, 4], &NetworkOptions::default()).expect("the network is sound");
    Arc::new(NetworkLoss::new(&net, &data, &LossOptions { l2: 1e-4, ..Default::default() }).expect("they fit"))
}

fn empty(potential: Arc<dyn Potential>) -> Landscape {
    Landscape::new(potential, &LandscapeOptions::default())
}

/// Explores for some seconds on the clock.
fn explored(l: &Landscape, seconds: f64, seed: u64) -> ExploreReport {
    let options = ExploreOptions { seconds: Some(seconds), seed: Some(seed), ..Default::default() };
    explore(&Run::silent(), l, &options).expect("it runs")
}

fn show(name: &str, l: &Landscape, report: &ExploreReport) {
    let counts = l.counts();
    println!(
        "{name}: {} searches in {:.1} CPU s, {} minima, {} transition states ({} new degenerate), {} components, {:.1} % failed, {:.2} + {:.2} new points a CPU second, Chao1 {:.0} ({:.0} to {:.0})",
        report.searches,
        report.cpu_seconds,
        counts.minima,
        counts.transition_states,
        report.new_degenerate,
        counts.components,
        100.0 * report.failed_searches as f64 / report.searches.max(1) as f64,
        report.new_minima as f64 / report.cpu_seconds,
        report.new_transition_states as f64 / report.cpu_seconds,
        report.completeness.estimate,
        report.completeness.low,
        report.completeness.high
    );
    for s in &report.strategies {
        println!(
            "  {:<14} {:>6} searches, {:>5.1} % of the time, {:>5} minima and {:>5} transition states new",
            s.strategy.name(),
            s.searches,
            100.0 * s.seconds / report.strategies.iter().map(|s| s.seconds).sum::<f64>(),
            s.new_minima,
            s.new_transition_states
        );
    }
}

/// Single-ended searches alone, from the minima of `l` in turn: converged ones per CPU second. Nothing is looked up or stored.
fn plain_rate(l: &Landscape, seconds: f64) -> f64 {
    let run = Run::silent();
    let potential = l.potential().expect("it has one").as_ref();
    let minima = l.minima();
    let network = potential.family() == Family::Network;
    let method = if network { SaddleMethod::EigenvectorFollowing } else { SaddleMethod::Hybrid };
    let start = cpu_seconds();
    let (mut tried, mut good) = (0u64, 0u64);
    while cpu_seconds() - start < seconds {
        let mut random = stream(11, tried);
        let from = &minima[tried as usize % minima.len()].position;
        tried += 1;
        let x: Vec<f64> = if network {
            let modes = curvature::softest_modes(&run, potential, from, 12).expect("it runs");
            let along = &modes[random.random_range(0..modes.len())];
            let size = (1.0 + 2.0 * random.random::<f64>()) * if random.random::<bool>() { 1.0 } else { -1.0 };
            from.iter().zip(along).map(|(x, m)| x + size * m).collect()
        } else {
            from.iter().map(|x| x + 0.6 * random.random::<f64>() - 0.3).collect()
        };
        let Ok(saddle) = transition_state(&run, potential, &x, &TransitionStateOptions { method, ..Default::default() }) else {
            continue;
        };
        if saddle.termination != Termination::Converged {
            continue;
        }
        let way = pathway(&run, potential, &saddle.point.position, &saddle.eigenvector, &Default::default()).expect("it runs");
        good += u64::from([&way.minus, &way.plus].iter().all(|side| side.termination == Termination::Converged));
    }
    good as f64 / (cpu_seconds() - start)
}

fn explore_row(name: &str, potential: Arc<dyn Potential>, seconds: f64) {
    let l = empty(potential);
    let report = explored(&l, seconds, 1);
    show(name, &l, &report);
    let single = report.strategies.iter().find(|s| s.strategy == Strategy::SingleEnded).expect("it takes part");
    let plain = plain_rate(&l, 0.25 * seconds);
    println!(
        "  single-ended searches that converged: {:.0} per busy minute, floor (alone, nothing stored): {:.0} per CPU minute",
        60.0 * (single.searches - single.failed) as f64 / single.seconds,
        60.0 * plain
    );
}

fn explore_network() {
    explore_row("explore network", network(5), 20.0);
}

fn explore_cluster(atoms: usize) {
    explore_row(&format!("explore LJ{atoms}"), Arc::new(LennardJones::new(atoms)), 8.0);
}

/// How much a survey of `seconds` of processor time finds of what is known after six times as long.
fn survey(name: &str, draw: u64, seconds: f64) {
    let potential = network(draw);
    let short = surveyed(name, "short", &potential, seconds, 1);
    let long = surveyed(name, "long", &potential, 6.0 * seconds, 2);
    // All that either found, so that the long one is not taken for the truth where the short one knows better.
    let (minima, states) = (long.counts().minima, long.counts().transition_states);
    let (more, more_states) = long.merge(&short).expect("the same potential");
    let all = long.counts();
    println!(
        "{name}: of {minima} minima and {states} transition states of the long one the short one has {:.1} % and {:.1} %; together {} and {}",
        100.0 * (short.counts().minima - more) as f64 / minima as f64,
        100.0 * (short.counts().transition_states - more_states) as f64 / states as f64,
        all.minima,
        all.transition_states
    );
}

/// A landscape explored for this much processor time: what other programs on the machine took of it is made up for.
fn surveyed(name: &str, length: &str, potential: &Arc<dyn Potential>, seconds: f64, seed: u64) -> Landscape {
    let l = empty(potential.clone());
    let began = cpu_seconds();
    while cpu_seconds() - began < seconds {
        let left = began + seconds - cpu_seconds();
        let report = explored(&l, (left / rayon::current_num_threads() as f64).max(0.1), seed);
        show(&format!("{name}, {length}"), &l, &report);
    }
    let counts = l.counts();
    println!(
        "{name}, {length}: {:.0} CPU s, {} minima, {} transition states",
        cpu_seconds() - began,
        counts.minima,
        counts.transition_states
    );
    l
}

/// Attempts to join near minima.
fn connect_attempts() {
    let l = empty(network(5));
    basin_hop(&Run::silent(), &l, &BasinHopOptions { steps: 40, runs: 4, seed: Some(2), ..Default::default() }).expect("it runs");
    let options =
        ExploreOptions { seconds: Some(15.0), strategies: vec!["double_ended".into()], seed: Some(1), ..Default::default() };
    let before = l.counts().components;
    let report = explore(&Run::silent(), &l, &options).expect("it runs");
    let joined = report.strategies.iter().find(|s| s.strategy == Strategy::DoubleEnded).expect("it takes part");
    // The floor is the gradients alone (a Hessian counts as nine): the arithmetic that no bookkeeping can save.
    let (potential, x) = (l.potential().expect("it has one"), l.global_minimum().expect("it has minima").position.clone());
    let mut out = Evaluations::with_gradients();
    let (start, repeats) = (cpu_seconds(), 20_000);
    (0..repeats).for_each(|_| potential.evaluate(Batch::single(&x), &mut out));
    let gradient = (cpu_seconds() - start) / f64::from(repeats);
    println!(
        "connect attempts: {:.0} per CPU minute, floor {:.0} (gradients alone, {:.0} an attempt of {:.1} µs), {} transition states from {} attempts, components {before} -> {}",
        60.0 * joined.searches as f64 / joined.seconds,
        60.0 * joined.searches as f64 / (joined.evaluations as f64 * gradient),
        joined.evaluations as f64 / joined.searches as f64,
        1e6 * gradient,
        l.counts().transition_states,
        joined.searches,
        l.counts().components
    );
}

/// Pairs of minima of one component of a landscape, in one that has their two minima only.
fn connect_pairs() {
    let run = Run::silent();
    let l = empty(network(5));
    explore(&run, &l, &ExploreOptions { searches: Some(1000), seed: Some(1), ..Default::default() }).expect("it runs");
    let lowest = l.global_minimum().expect("it has minima").id;
    let joined: Vec<_> =
        l.minima().into_iter().filter(|m| m.id == lowest || l.lowest_path(lowest, m.id).is_ok_and(|p| p.is_some())).collect();
    let mut random = stream(3, 0);
    let (mut pairs, mut found) = (0, 0);
    let start = cpu_seconds();
    while pairs < 60 {
        let pick = |random: &mut losscape::math::random::Stream| joined[random.random_range(0..joined.len())].clone();
        let (a, b) = (pick(&mut random), pick(&mut random));
        if a.id == b.id {
            continue;
        }
        let bare = empty(l.potential().expect("it has one").clone());
        let ids = [&a, &b].map(|m| bare.add_minimum(&m.point()).expect("it is a minimum").id);
        pairs += 1;
        let way = connect(&run, &bare, ids[0], ids[1], &ConnectOptions::default()).expect("it runs");
        found += u32::from(way.is_some());
    }
    println!(
        "connect pairs: a way found for {found} of {pairs} pairs, {:.2} CPU s a pair",
        (cpu_seconds() - start) / f64::from(pairs)
    );
}

/// A potential that tells how long its evaluations took, in nanoseconds.
struct Timed {
    inner: Arc<dyn Potential>,
    gradients: AtomicU64,
    hessians: AtomicU64,
}

impl Timed {
    fn time<T>(counter: &AtomicU64, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        counter.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        result
    }
}

impl Potential for Timed {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }
    fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
        Timed::time(&self.gradients, || self.inner.evaluate(batch, out));
    }
    fn family(&self) -> Family {
        self.inner.family()
    }
    fn identity(&self) -> Identity {
        self.inner.identity()
    }
    fn hessian(&self, x: &[f64], hessian: &mut Matrix) {
        Timed::time(&self.hessians, || self.inner.hessian(x, hessian));
    }
    fn hessian_vector(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        Timed::time(&self.gradients, || self.inner.hessian_vector(x, v, out));
    }
    fn prefers_dense_hessian(&self) -> bool {
        self.inner.prefers_dense_hessian()
    }
    fn symmetry(&self) -> &dyn Symmetry {
        self.inner.symmetry()
    }
    fn frozen(&self) -> Option<&[bool]> {
        self.inner.frozen()
    }
    fn random(&self, seed: u64, scale: f64) -> Vec<f64> {
        self.inner.random(seed, scale)
    }
    fn contain(&self, x: &mut [f64]) {
        self.inner.contain(x);
    }
    fn evaporated(&self, x: &[f64]) -> bool {
        self.inner.evaporated(x)
    }
    fn as_any(&self) -> &dyn Any {
        self.inner.as_any()
    }
}

/// Shares of the time of `explore` into a file. `perf` tells linear algebra from the rest: see docs/benchmarks.md.
fn profile() {
    let timed = Arc::new(Timed { inner: network(5), gradients: AtomicU64::new(0), hessians: AtomicU64::new(0) });
    let folder = tempfile::tempdir().expect("a folder");
    let l = Landscape::open(timed.clone(), &folder.path().join("profile.db"), &LandscapeOptions::default()).expect("it opens");
    let report = explored(&l, 20.0, 1);
    // All on one clock: one thread, so that another program on the machine lengthens every part alike.
    let share = |seconds: f64| 100.0 * seconds / report.seconds;
    let of = |counter: &AtomicU64| share(1e-9 * counter.load(Ordering::Relaxed) as f64);
    let searching = share(report.strategies.iter().map(|s| s.seconds).sum());
    println!(
        "profile: gradients {:.1} %, Hessians {:.1} %, the rest of the searches {:.1} %, outside searches {:.1} % of {:.1} s",
        of(&timed.gradients),
        of(&timed.hessians),
        searching - of(&timed.gradients) - of(&timed.hessians),
        100.0 - searching,
        report.seconds
    );
}

/// How long two threads wait for each other.
fn two_threads() {
    let pool = |threads: usize| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let finish = |threads: usize| {
        pool(threads).install(|| {
            let l = empty(network(5));
            let options = ExploreOptions { searches: Some(400), seed: Some(1), ..Default::default() };
            let report = explore(&Run::silent(), &l, &options).expect("it runs");
            let busy: f64 = report.strategies.iter().map(|s| s.seconds).sum();
            (l.counts(), report.seconds, busy)
        })
    };
    let (counts, seconds, _) = finish(1);
    let (same, quicker, busy) = finish(2);
    assert_eq!(counts, same, "the number of threads changes what is found");
    println!(
        "two threads: {seconds:.2} s on one, {quicker:.2} s on two ({:.2} times); threads idle for {:.1} % of the time",
        seconds / quicker,
        100.0 * (1.0 - busy / (2.0 * quicker))
    );
}

/// 72 parameters, three hidden layers: the largest database of the paper.
fn deep() -> Arc<dyn Potential> {
    let options = Ljat3DatasetOptions { side: Some(2.0 * 3f64.sqrt()), count: 100, seed: Some(5), ..Default::default() };
    let data = ljat3_dataset(&Run::silent(), &options).expect("the data set is made");
    let net = Network::new(&[2, 4, 4, 4, 4], &NetworkOptions::default()).expect("the network is sound");
    let potential = NetworkLoss::new(&net, &data, &LossOptions { l2: 1e-4, ..Default::default() }).expect("they fit");
    assert_eq!(potential.dimension(), 72);
    Arc::new(potential)
}

const MINIMA: usize = 200_000;
const TRANSITION_STATES: usize = 540_000;

/// A point that looks converged at a place that no other number has.
fn synthetic(number: usize, index: usize, energy: f64) -> StationaryPoint {
    let mut random = stream(17, (number + index * MINIMA) as u64);
    let position = (0..72).map(|_| 2.0 * random.random::<f64>() - 1.0).collect();
    let lowest = if index == 0 { [1e-3, 2e-3] } else { [-1e-3, 2e-3] };
    StationaryPoint {
        position,
        energy,
        rms_gradient: 1e-12,
        curvature: Curvature { index, near_zero: 0, lowest, bound: 0.0, log_product: 0.0 },
    }
}

fn minimum(number: usize) -> StationaryPoint {
    synthetic(number, 0, (number as f64 * 0.618_033_988_749_895).fract())
}

fn add_points() {
    let folder = tempfile::tempdir().expect("a folder");
    let potential = deep();
    let l = Landscape::open(potential.clone(), &folder.path().join("large.db"), &LandscapeOptions::default()).expect("it opens");
    for k in 0..MINIMA {
        l.add_minimum(&minimum(k)).expect("it is a minimum");
    }
    l.flush().expect("the disk takes it");
    const MORE: usize = 10_000;
    let symmetry = potential.symmetry();
    // Every other one in another copy: its canonical one.
    let known = |k: usize| {
        let point = minimum(k * 19 % MINIMA);
        StationaryPoint { position: symmetry.canonical(&point.position), ..point }
    };
    let points: Vec<StationaryPoint> = (0..MORE).map(|k| if k % 2 == 0 { minimum(MINIMA + k) } else { known(k) }).collect();
    let start = cpu_seconds();
    let new = points.iter().filter(|p| l.add_minimum(p).expect("it is a minimum").new).count();
    l.flush().expect("the disk takes it");
    let each = (cpu_seconds() - start) / MORE as f64;
    assert_eq!(new, MORE / 2, "a copy was taken for a new point");

    let connection = rusqlite::Connection::open(folder.path().join("floor.db")).expect("it opens");
    connection.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY, position BLOB)").expect("SQL");
    let start = cpu_seconds();
    let transaction = connection.unchecked_transaction().expect("it begins");
    for (k, point) in points.iter().enumerate() {
        let bytes: Vec<u8> = point.position.iter().flat_map(|x| x.to_le_bytes()).collect();
        let mut insert = transaction.prepare_cached("INSERT INTO t VALUES (?1, ?2)").expect("SQL");
        insert.execute(rusqlite::params![k as i64, bytes]).expect("it is inserted");
        std::hint::black_box(symmetry.distance(&points[0].position, &point.position));
    }
    transaction.commit().expect("the disk takes it");
    let floor = (cpu_seconds() - start) / MORE as f64;
    println!(
        "add to 200,000: {:.1} µs a point, floor {:.1} µs (one alignment, one insertion), ratio {:.2}, {:.0} MiB",
        1e6 * each,
        1e6 * floor,
        each / floor,
        usage().peak_memory
    );
}

fn draw_graph() {
    let l = empty(deep());
    let start = cpu_seconds();
    for k in 0..MINIMA {
        l.add_minimum(&minimum(k)).expect("it is a minimum");
    }
    let mut random = stream(23, 0);
    for k in 0..TRANSITION_STATES {
        // Each minimum but the first hangs on an earlier one, so that all are joined; the others go anywhere.
        let a = if k + 1 < MINIMA { k + 1 } else { random.random_range(1..MINIMA) };
        let b = if k + 1 < MINIMA { random.random_range(0..a) } else { random.random_range(0..MINIMA) };
        let (one, other) = (minimum(a), minimum(b));
        let energy = one.energy.max(other.energy) + 0.3 * random.random::<f64>() + 1e-3;
        l.add_transition_state(&synthetic(k, 1, energy), &one, &other).expect("it lies above both");
    }
    let (made, memory) = (cpu_seconds() - start, usage().peak_memory);
    let start = cpu_seconds();
    let tree = MergeTree::of(&l, &TreeOptions { levels: Some(100), ..Default::default() }).expect("it has minima");
    let grown = cpu_seconds() - start;
    let graph = DisconnectivityGraph::new(Arc::new(tree), None, "loss", &DrawingOptions::default()).expect("it is drawn");
    let drawn = cpu_seconds() - start - grown;
    let svg = graph.figure().svg();
    println!(
        "graph of 200,000: {:.2} s (tree {grown:.2}, drawing {drawn:.2}, SVG {:.2}; {:.1} MB), peak {:.0} MiB, of which {memory:.0} MiB the landscape (made in {made:.1} s)",
        cpu_seconds() - start,
        cpu_seconds() - start - grown - drawn,
        svg.len() as f64 / 1e6,
        usage().peak_memory
    );
}
