//! Searches against what is known from elsewhere: stationary points of textbook surfaces, clusters, and what must not depend on threads.

use losscape::algorithms::minimise::Method;
use losscape::algorithms::transition_state::SaddleMethod;
use losscape::algorithms::*;
use losscape::base::Run;
use losscape::data::{Dataset, Targets};
use losscape::landscape::{ExploreOptions, Landscape, LandscapeOptions, basin_hop as hop_into, explore};
use losscape::math::Matrix;
use losscape::math::matrix::distance;
use losscape::network::{Network, NetworkOptions};
use losscape::potentials::catalogue::entry;
use losscape::potentials::loss::{LossOptions, NetworkLoss};
use losscape::potentials::{Potential, energy};
use std::sync::Arc;

fn potential(name: &str, parameters: &[f64]) -> Arc<dyn Potential> {
    entry(name).unwrap().build(parameters).unwrap()
}

/// Müller–Brown's stationary points by 40-digit root finding outside this project.
const MINIMA: [([f64; 2], f64); 3] = [
    ([-0.558223634633024, 1.44172584180467], -146.699517209954),
    ([0.623499404930877, 0.0280377585286857], -108.166724116852),
    ([-0.0500108229982061, 0.466694104871972], -80.767818129659),
];
const SADDLES: [([f64; 2], f64, f64); 2] = [
    ([-0.822001558732732, 0.624312802814871], -40.6648435086574, -750.862662839),
    ([0.212486582000662, 0.292988325107368], -72.2489401123252, -735.247262111),
];

#[test]
fn every_method_reaches_rosenbrocks_minimum() {
    let valley = potential("rosenbrock", &[2.0]);
    for &method in Method::ALL {
        let (tolerance, reach) = match method {
            Method::GradientDescent | Method::Adam => (1e-6, 1e-3),
            Method::Fire => (1e-8, 1e-6),
            _ => (1e-9, 1e-7),
        };
        let options = MinimiseOptions { method, tolerance, max_iterations: 400_000, ..Default::default() };
        let found = minimise(&Run::silent(), &*valley, &[-1.2, 1.0], &options).unwrap();
        assert_eq!(found.termination, Termination::Converged, "{method:?}");
        assert!(distance(&found.point.position, &[1.0, 1.0]) < reach, "{method:?}: {:?}", found.point.position);
    }
}

#[test]
fn newton_without_a_dense_hessian_reaches_it_too() {
    // 500 coordinates are past the dense limit: conjugate gradients on Hessian-vector products.
    let valley = potential("rosenbrock", &[500.0]);
    let options = MinimiseOptions { method: Method::Newton, max_iterations: 3000, ..Default::default() };
    let start = vec![0.9; 500];
    let found = minimise(&Run::silent(), &*valley, &start, &options).unwrap();
    assert_eq!(found.termination, Termination::Converged);
    assert!(distance(&found.point.position, &[1.0; 500]) < 1e-5, "{}", found.point.energy);
    assert_eq!(found.point.curvature.index, 0);
}

#[test]
fn a_wall_makes_lbfgs_cut_its_steps() {
    let found = minimise(&Run::silent(), &*potential("rosenbrock", &[2.0]), &[-1.2, 1.0], &MinimiseOptions::default()).unwrap();
    assert!(found.step_cuts > 0);
}

#[test]
fn muller_browns_minima_and_transition_states() {
    let run = Run::silent();
    let surface = potential("muller_brown", &[]);
    for ((position, energy), start) in MINIMA.iter().zip([[-0.5, 1.4], [0.6, 0.0], [-0.05, 0.45]]) {
        let found = minimise(&run, &*surface, &start, &MinimiseOptions::default()).unwrap();
        assert!(distance(&found.point.position, position) < 1e-7);
        assert!((found.point.energy - energy).abs() < 1e-9);
        assert_eq!(found.point.curvature.index, 0);
    }
    for ((from, to), (position, energy, eigenvalue)) in [(0, 2), (2, 1)].into_iter().zip(SADDLES) {
        let band = dneb(&run, &*surface, &MINIMA[from].0, &MINIMA[to].0, &DnebOptions::default()).unwrap();
        assert_eq!(band.positions.rows, 27);
        for &method in SaddleMethod::ALL {
            let options = TransitionStateOptions { method, ..Default::default() };
            let saddle = transition_state(&run, &*surface, &band.candidates[0], &options).unwrap();
            assert_eq!(saddle.termination, Termination::Converged);
            assert!(distance(&saddle.point.position, &position) < 1e-8, "{method:?}");
            assert!((saddle.point.energy - energy).abs() < 1e-9);
            assert!((saddle.eigenvalue - eigenvalue).abs() < 1e-5);
            let way = pathway(&run, &*surface, &saddle.point.position, &saddle.eigenvector, &PathwayOptions::default()).unwrap();
            let mut ends = [way.minus.point.energy, way.plus.point.energy];
            ends.sort_by(f64::total_cmp);
            let mut expected = [MINIMA[from].1, MINIMA[to].1];
            expected.sort_by(f64::total_cmp);
            assert!((ends[0] - expected[0]).abs() < 1e-8 && (ends[1] - expected[1]).abs() < 1e-8, "{ends:?}");
            let straight = distance(&way.minus.point.position, &position) + distance(&way.plus.point.position, &position);
            assert!(way.length > straight - 1e-6 && way.length < 2.0 * straight, "{} {straight}", way.length);
        }
    }
}

#[test]
fn a_climb_that_ends_on_a_maximum_says_so() {
    // x⁴ wells in two dimensions: the origin is a maximum of both, index 2.
    let surface = potential("styblinski_tang", &[2.0]);
    let top = minimise_negative_start(&*surface);
    let saddle = transition_state(&Run::silent(), &*surface, &top, &TransitionStateOptions::default()).unwrap();
    assert_eq!(saddle.termination, Termination::Index(2));
    assert_eq!(saddle.termination.name(), "index 2");
}

/// The maximum of Styblinski–Tang between its wells: the middle root of 4x³ − 32x + 5 in every coordinate.
fn minimise_negative_start(surface: &dyn Potential) -> Vec<f64> {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..200 {
        let x: f64 = 0.5 * (low + high);
        if 4.0 * x.powi(3) - 32.0 * x + 5.0 > 0.0 { low = x } else { high = x }
    }
    let top = vec![low; 2];
    assert!(energy(surface, &top).is_finite());
    top
}

#[test]
fn thirteen_atoms_make_an_icosahedron() {
    // Cambridge Cluster Database: −44.326801.
    let mut lowest = f64::INFINITY;
    let options =
        BasinHopOptions { steps: 200, runs: 2, temperature: Some(1.0), step: Some(0.4), seed: Some(1), ..Default::default() };
    let report = basin_hop(&Run::silent(), &*potential("lennard_jones", &[13.0]), &options, &mut |_, m| {
        assert_eq!(m.point.curvature.index, 0);
        lowest = lowest.min(m.point.energy);
        Ok(String::new())
    })
    .unwrap();
    assert!((lowest + 44.326801).abs() < 1e-6, "{lowest}");
    assert!(report.accepted > 0);
}

#[test]
fn seven_atoms_have_four_minima_and_twelve_transition_states() {
    // J. P. K. Doye, D. J. Wales, J. Chem. Phys. 116, 3777 (2002), table I.
    let landscape = Landscape::new(potential("lennard_jones", &[7.0]), &LandscapeOptions::default());
    hop_into(&Run::silent(), &landscape, &BasinHopOptions { steps: 40, seed: Some(1), ..Default::default() }).unwrap();
    explore(&Run::silent(), &landscape, &ExploreOptions { searches: Some(1200), seed: Some(1), ..Default::default() }).unwrap();
    let counts = landscape.counts();
    assert_eq!((counts.minima, counts.transition_states, counts.components), (4, 12, 1));
}

#[test]
fn eight_atoms_have_eight_minima_and_42_transition_states() {
    // J. P. K. Doye, D. J. Wales, J. Chem. Phys. 116, 3777 (2002), table I.
    let landscape = Landscape::new(potential("lennard_jones", &[8.0]), &LandscapeOptions::default());
    let options = ExploreOptions { searches: Some(2500), seed: Some(2), ..Default::default() };
    let report = explore(&Run::silent(), &landscape, &options).unwrap();
    let counts = landscape.counts();
    assert_eq!((counts.minima, counts.transition_states, counts.components), (8, 42, 1), "{report:?}");
    assert_eq!(report.twins, 0);
}

/// The numbers of minima of C. J. Tsai, K. D. Jordan, J. Phys. Chem. 97, 11227 (1993), as completed by Doye and Wales (2002).
#[test]
#[ignore = "half a minute on two cores: cargo test --release --test all -- --ignored nine_to_eleven"]
fn nine_to_eleven_atoms_have_all_their_minima() {
    for (atoms, minima) in [(9.0, 21), (10.0, 64), (11.0, 170)] {
        let landscape = Landscape::new(potential("lennard_jones", &[atoms]), &LandscapeOptions::default());
        // Twice as many searches as it takes to find the last one: a further one would be too many.
        let options = ExploreOptions { minima: Some(minima), seed: Some(1), ..Default::default() };
        let report = explore(&Run::silent(), &landscape, &options).unwrap();
        let again = ExploreOptions { searches: Some(report.searches), seed: Some(2), ..Default::default() };
        explore(&Run::silent(), &landscape, &again).unwrap();
        println!("LJ{atoms}: {} CPU s, {:?}", report.cpu_seconds, landscape.counts());
        assert_eq!(landscape.counts().minima, minima);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let found = |threads: usize| -> Vec<(u64, u64)> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let landscape = Landscape::new(potential("lennard_jones", &[8.0]), &LandscapeOptions::default());
            hop_into(&Run::silent(), &landscape, &BasinHopOptions { steps: 20, runs: 3, seed: Some(4), ..Default::default() })
                .unwrap();
            explore(&Run::silent(), &landscape, &ExploreOptions { searches: Some(64), seed: Some(4), ..Default::default() })
                .unwrap();
            let minima = landscape.minima().into_iter().map(|m| (m.id as u64, m.energy.to_bits()));
            minima.chain(landscape.transition_states().into_iter().map(|t| (t.id as u64, t.energy.to_bits()))).collect()
        })
    };
    let one = found(1);
    assert!(one.len() > 8);
    assert_eq!(one, found(2));
    assert_eq!(one, found(3));
}

#[test]
fn without_a_hidden_layer_there_is_one_minimum() {
    // The loss is strictly convex with L2: whatever the start, the end is the same.
    let inputs: Vec<f64> = (0..40).map(|i| (1.7 * i as f64 + 0.3 * (i * i) as f64).sin()).collect();
    let labels: Vec<u32> = (0..20).map(|i| (i * 7 % 3) as u32).collect();
    let names: Vec<String> = (0..3).map(|c| c.to_string()).collect();
    let data = Dataset {
        inputs: Arc::new(Matrix::from_rows(20, 2, inputs)),
        targets: Targets::Classes { labels: labels.into(), names: names.into() },
        wrong: None,
    };
    let network = Network::new(&[2, 3], &NetworkOptions::default()).unwrap();
    let loss = NetworkLoss::new(&network, &data, &LossOptions { l2: 0.01, ..Default::default() }).unwrap();
    let ends: Vec<Minimised> = (0..4)
        .map(|seed| minimise(&Run::silent(), &loss, &loss.random(seed, 3.0), &MinimiseOptions::default()).unwrap())
        .collect();
    for end in &ends {
        assert_eq!(end.termination, Termination::Converged);
        assert!((end.point.energy - ends[0].point.energy).abs() < 1e-13);
        assert!(distance(&end.point.position, &ends[0].point.position) < 1e-6);
        // A constant added to the biases, or a vector to the weights of every class, changes the L2 term alone: 2λ, three times.
        assert!((end.point.curvature.lowest[0] - 0.02).abs() < 1e-10);
    }
}
