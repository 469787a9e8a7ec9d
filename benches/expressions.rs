//! Energy and gradient of functions written in a script against the same surfaces written in Rust, in one run.
//!
//! Rosenbrock in 100 dimensions, Müller–Brown, Lennard-Jones with 13 and 38 atoms, each as a plain script loop; for one position and for 64 at once,
//! and the dense Hessian. The answer before the time: both must agree. The floor is the surface in Rust, the target at most 3 times it.
//! Times are medians of 41 stretches, the two potentials in turn. Run: `cargo bench --bench expressions`.

use losscape::math::Matrix;
use losscape::potentials::{Batch, Evaluations, Potential};
use losscape::script::api::PotentialHandle;
use losscape::script::{Environment, Language};
use std::sync::Arc;
use std::time::Instant;

const ROSENBROCK: &str = "potential(100, |x| {
    let e = 0.0;
    for i in 0..99 { let a = x[i + 1] - x[i]*x[i]; let b = 1.0 - x[i]; e += 100.0*a*a + b*b; }
    e
})";

const MULLER_BROWN: &str = "
let A = [-200.0, -100.0, -170.0, 15.0];
let a = [-1.0, -1.0, -6.5, 0.7];
let b = [0.0, 0.0, 11.0, 0.6];
let c = [-10.0, -10.0, -6.5, 0.7];
let x0 = [1.0, 0.0, -0.5, -1.0];
let y0 = [0.0, 0.5, 1.5, 1.0];
potential(2, |x| {
    let e = 0.0;
    for k in 0..4 {
        let u = x[0] - x0[k];
        let v = x[1] - y0[k];
        e += A[k]*exp(a[k]*u*u + b[k]*u*v + c[k]*v*v);
    }
    e
})";

const LENNARD_JONES: &str = "
fn pair(r2) { let s = 1.0/(r2*r2*r2); 4.0*(s*s - s) }
potential(3*n, |x| {
    let e = 0.0;
    for i in 0..n { for j in (i + 1)..n {
        let dx = x[3*i] - x[3*j];
        let dy = x[3*i + 1] - x[3*j + 1];
        let dz = x[3*i + 2] - x[3*j + 2];
        e += pair(dx*dx + dy*dy + dz*dz);
    } }
    e
})";

fn made(script: &str) -> Arc<dyn Potential> {
    let value = Language::new(Environment::silent()).run(script).expect("the script runs");
    value.cast::<PotentialHandle>().0
}

fn main() {
    println!("{:<18} {:>5} {:>12} {:>12} {:>7} {:>12}", "surface", "rows", "script, ns", "Rust, ns", "ratio", "traced in ms");
    let lj = |n: usize| (format!("let n = {n}; {LENNARD_JONES}"), format!("lennard_jones({n})"));
    let (lj13, lj38) = (lj(13), lj(38));
    let cases = [
        ("Rosenbrock 100", ROSENBROCK, "rosenbrock(100)", 1.0),
        ("Müller–Brown", MULLER_BROWN, "muller_brown()", 1.0),
        ("Lennard-Jones 13", lj13.0.as_str(), lj13.1.as_str(), 0.9),
        ("Lennard-Jones 38", lj38.0.as_str(), lj38.1.as_str(), 0.9),
    ];
    for (name, script, built_in, scale) in cases {
        let start = Instant::now();
        let mine = made(script);
        let tracing = 1e3 * start.elapsed().as_secs_f64();
        let theirs = made(built_in);
        let n = mine.dimension();
        for rows in [1, 64] {
            let x: Vec<f64> = (0..rows).flat_map(|seed| theirs.random(seed as u64 + 1, scale)).collect();
            agree(name, &*mine, &*theirs, &x);
            let [own, floor] = times([&*mine, &*theirs], &x, rows);
            println!("{name:<18} {rows:>5} {own:>12.0} {floor:>12.0} {:>7.2} {tracing:>12.1}", own / floor);
        }
        let x = theirs.random(1, scale);
        let mut hessian = Matrix::default();
        let mut seconds = |potential: &dyn Potential| {
            let mut times: Vec<f64> = (0..11)
                .map(|_| {
                    let start = Instant::now();
                    potential.hessian(&x, &mut hessian);
                    1e9 * start.elapsed().as_secs_f64()
                })
                .collect();
            times.sort_by(f64::total_cmp);
            times[5]
        };
        let (own, floor) = (seconds(&*mine), seconds(&*theirs));
        println!("{:<18} {n:>5} {own:>12.0} {floor:>12.0} {:>7.2}", "  its Hessian", own / floor);
    }
}

/// Both potentials give the same to 11 digits of the largest number there is.
fn agree(name: &str, mine: &dyn Potential, theirs: &dyn Potential, x: &[f64]) {
    let (mut a, mut b) = (Evaluations::with_gradients(), Evaluations::with_gradients());
    mine.evaluate(Batch::new(x, mine.dimension()), &mut a);
    theirs.evaluate(Batch::new(x, mine.dimension()), &mut b);
    for (mine, theirs) in [(&a.energies, &b.energies), (&a.gradients, &b.gradients)] {
        for (row, (mine, theirs)) in
            mine.chunks(mine.len() / a.energies.len()).zip(theirs.chunks(theirs.len() / a.energies.len())).enumerate()
        {
            let size = theirs.iter().fold(1.0f64, |size, v| size.max(v.abs()));
            for (mine, theirs) in mine.iter().zip(theirs) {
                assert!((mine - theirs).abs() <= 1e-11 * size, "{name}, row {row}: {mine}, expected {theirs}");
            }
        }
    }
}

/// Nanoseconds a row: medians of stretches that are taken in turn.
fn times(both: [&dyn Potential; 2], x: &[f64], rows: usize) -> [f64; 2] {
    let mut out = Evaluations::with_gradients();
    let repeats = 20_000 / (rows * both[0].dimension()) + 1;
    let mut found = [Vec::new(), Vec::new()];
    for _ in 0..41 {
        for (potential, found) in both.iter().zip(&mut found) {
            let start = Instant::now();
            for _ in 0..repeats {
                potential.evaluate(Batch::new(x, potential.dimension()), &mut out);
            }
            found.push(1e9 * start.elapsed().as_secs_f64() / (repeats * rows) as f64);
        }
    }
    found.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[20]
    })
}
