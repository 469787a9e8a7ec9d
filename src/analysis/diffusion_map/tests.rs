//! Diffusion maps against closed forms: the circle, the Ornstein–Uhlenbeck process, the interval; and against themselves where that is a witness.

use super::*;
use crate::base::Kind;
use crate::math::random::stream;
use crate::potentials::{Batch, Evaluations, Potential};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::f64::consts::PI;

fn options(count: usize, bandwidth: f64, neighbours: Reach) -> DiffusionOptions {
    DiffusionOptions { count, bandwidth: Bandwidth::Given(bandwidth), neighbours, ..Default::default() }
}

fn map(points: &Matrix, target: Option<&[f64]>, options: &DiffusionOptions) -> DiffusionMap {
    diffusion_map(&Run::silent(), Arc::new(points.clone()), target, options).unwrap()
}

fn line(low: f64, high: f64, n: usize) -> Matrix {
    Matrix::from_rows(n, 1, (0..n).map(|i| low + (high - low) * i as f64 / (n - 1) as f64).collect())
}

fn circle(n: usize) -> Matrix {
    Matrix::from_rows(
        n,
        2,
        (0..n).flat_map(|i| [(2.0 * PI * i as f64 / n as f64).cos(), (2.0 * PI * i as f64 / n as f64).sin()]).collect(),
    )
}

fn gaussian(n: usize, d: usize, seed: u64) -> Matrix {
    let mut random = stream(seed, 1);
    Matrix::from_rows(n, d, (0..n * d).map(|_| random.sample::<f64, _>(StandardNormal)).collect())
}

/// I_k(x)/I_0(x) by the series of both.
fn bessel_ratio(k: i32, x: f64) -> f64 {
    let series = |k: i32| {
        let mut term = (1..=k).fold(1.0, |t, j| t * x / (2.0 * f64::from(j)));
        let mut sum = 0.0;
        for m in 1..2000 {
            sum += term;
            term *= x * x / 4.0 / (f64::from(m) * f64::from(m + k));
        }
        sum
    };
    series(k) / series(0)
}

#[test]
fn a_circle_has_every_eigenvalue_twice() {
    let (n, bandwidth) = (400, 0.01);
    // exp(−|x − y|²/4ε) = e^{−1/2ε} e^{cos φ/2ε}: the eigenvalues of P are I_k(1/2ε)/I_0(1/2ε) but for what 400 points alias, e^{-1600}.
    let closed = |k: i32| (1.0 - bessel_ratio(k, 0.5 / bandwidth)) / bandwidth;
    for reach in [Reach::All, Reach::Nearest(150)] {
        let found = map(&circle(n), None, &options(7, bandwidth, reach));
        // 75 neighbours to each side end at a distance of 1.11, where the kernel is 4e-14.
        for (k, value) in found.eigenvalues.iter().enumerate() {
            let expected = closed(k as i32 / 2 + 1);
            assert!((value - expected).abs() < 1e-9 * expected, "{k}: {value}, closed form {expected}");
        }
        for pair in [0, 2, 4] {
            for i in 0..n {
                let square = found.coordinates[(i, pair)].powi(2) + found.coordinates[(i, pair + 1)].powi(2);
                assert!((square - 2.0).abs() < 1e-7, "{square}");
            }
        }
        assert!(found.weights.iter().all(|w| (w - 1.0).abs() < 1e-9));
    }
}

#[test]
fn a_target_finds_the_spectrum_of_its_own_dynamics() {
    // Even points: the Ornstein–Uhlenbeck process has 0, 1, 2, 3 all the same.
    let points = line(-5.0, 5.0, 801);
    let energies: Vec<f64> = points.data.iter().map(|x| 0.5 * x * x).collect();
    let found = map(&points, Some(&energies), &options(4, 0.01, Reach::All));
    for (k, value) in found.eigenvalues.iter().enumerate() {
        // P steps by a Gaussian of mean x/(1 + ε): Mehler's formula gives (1 + ε)^−k, but for the ends at ±5, which high degrees feel.
        let expected = (1.0 - 1.01f64.powi(-(k as i32 + 1))) / 0.01;
        assert!((value - expected).abs() < 3e-3 * expected, "{k}: {value}, {expected}");
    }
    // scipy.linalg.eigvalsh of the dense matrix.
    for (value, expected) in found.eigenvalues.iter().zip([0.9901015820, 1.9704844219, 2.9422070703, 3.9111858746]) {
        assert!((value - expected).abs() < 1e-9, "{value}");
    }
    let shifted: Vec<f64> = energies.iter().map(|e| e + 1e3).collect();
    let again = map(&points, Some(&shifted), &options(4, 0.01, Reach::All));
    assert!(again.eigenvalues.iter().zip(&found.eigenvalues).all(|(a, b)| (a - b).abs() < 1e-9));
}

#[test]
fn coordinates_hold_where_the_target_is_all_but_zero() {
    // Of U = 10 x² the first coordinate is x/σ, also at x = 4 where its density is e^{-160}; 1e-16 of y = ψ √weight would be e^{43} there.
    let points = line(-4.5, 4.5, 901);
    let energies: Vec<f64> = points.data.iter().map(|x| 10.0 * x * x).collect();
    for reach in [Reach::All, Reach::Nearest(60)] {
        let found = map(&points, Some(&energies), &options(2, 2e-4, reach));
        let slope = found.coordinates[(500, 0)] / points.data[500];
        assert!((slope.abs() / 20f64.sqrt() - 1.0).abs() < 0.02, "{slope}");
        for i in (0..901).filter(|i| points.data[*i].abs() < 4.0 && points.data[*i].abs() > 0.01) {
            let own = found.coordinates[(i, 0)] / points.data[i] / slope;
            assert!((own - 1.0).abs() < 1e-3, "at {}: {own}", points.data[i]);
        }
    }
}

#[test]
fn neighbours_far_enough_are_as_good_as_all() {
    // Half of the points are within 0.37 of one in the middle, where the kernel is 1e-15.
    let mut random = stream(3, 2);
    let points = Matrix::from_rows(700, 2, (0..1400).map(|_| random.random::<f64>()).collect());
    let all = map(&points, None, &options(4, 0.001, Reach::All));
    let some = map(&points, None, &options(4, 0.001, Reach::Nearest(350)));
    for k in 0..4 {
        assert!((all.eigenvalues[k] - some.eigenvalues[k]).abs() < 1e-9 * all.eigenvalues[k]);
        for i in 0..700 {
            assert!((all.coordinates[(i, k)] - some.coordinates[(i, k)]).abs() < 1e-7, "{i}, {k}");
        }
    }
    // Mean 0, mean square 1, orthogonal by the stationary weights.
    for k in 0..4 {
        for l in 0..=k {
            let product: f64 =
                (0..700).map(|i| some.weights[i] * some.coordinates[(i, k)] * some.coordinates[(i, l)]).sum::<f64>() / 700.0;
            assert!((product - f64::from(k == l)).abs() < 1e-9);
        }
        assert!((0..700).map(|i| some.weights[i] * some.coordinates[(i, k)]).sum::<f64>().abs() < 1e-7);
    }
}

/// Φ⁻¹ by bisection of the error function's integral.
fn normal_quantiles(n: usize) -> Vec<f64> {
    let step = 1e-4;
    let (mut x, mut sum, mut next) = (-6.0f64, 0.0, 0);
    let mut found = Vec::new();
    while next < n && x < 6.0 {
        sum += step * (-0.5 * (x + 0.5 * step) * (x + 0.5 * step)).exp() / (2.0 * PI).sqrt();
        x += step;
        while next < n && sum >= (next as f64 + 0.5) / n as f64 {
            found.push(x);
            next += 1;
        }
    }
    found
}

#[test]
fn alpha_keeps_its_meaning_where_the_bandwidth_varies() {
    // Points with the density of a Gaussian: α = ½ finds the Ornstein–Uhlenbeck process, 0, 1, 2, 3; α = 0 twice its drift, 0, 2, 4.
    let n = 2000;
    let points = Matrix::from_rows(n, 1, normal_quantiles(n));
    for (alpha, first) in [(0.5, 1.0), (0.0, 2.0)] {
        let chosen =
            DiffusionOptions { count: 3, neighbours: Reach::Nearest(128), alpha, variable_bandwidth: true, ..Default::default() };
        let found = map(&points, None, &chosen);
        assert!((found.dimension - 1.0).abs() < 0.2, "{}", found.dimension);
        for (k, value) in found.eigenvalues.iter().enumerate() {
            let expected = first * (k + 1) as f64;
            assert!((value / expected - 1.0).abs() < 0.1, "α = {alpha}, {k}: {value}");
        }
        // The new point's own bandwidth comes from its own neighbours.
        let extended = found.extend(&Run::silent(), &Matrix::from_rows(2, 1, vec![0.5, points.data[77]])).unwrap();
        assert_eq!(extended.row(1), found.coordinates.row(77));
        let nearest = (0..n).min_by(|a, b| (points.data[*a] - 0.5).abs().total_cmp(&(points.data[*b] - 0.5).abs())).unwrap();
        assert!((extended[(0, 0)] - found.coordinates[(nearest, 0)]).abs() < 0.01);
        assert!(found.coordinate(0).is_err_and(|e| e.to_string().contains("variable_bandwidth")));
    }
}

#[test]
fn extension_gives_the_points_their_own_coordinates() {
    let points = gaussian(400, 3, 8);
    let run = Run::silent();
    for reach in [Reach::All, Reach::Nearest(20)] {
        let found = map(&points, None, &DiffusionOptions { count: 3, neighbours: reach, ..Default::default() });
        let same = found.extend(&run, &points).unwrap();
        // A hair beside a point the neighbours are the same ones: no tie among random points is so close.
        let mut moved = points.clone();
        moved.data.iter_mut().for_each(|x| *x += 1e-9);
        let beside = found.extend(&run, &moved).unwrap();
        for k in 0..400 * 3 {
            assert!((same.data[k] - found.coordinates.data[k]).abs() < 1e-8 * (1.0 + found.coordinates.data[k].abs()));
            assert!((beside.data[k] - found.coordinates.data[k]).abs() < 1e-6 * (1.0 + found.coordinates.data[k].abs()), "{k}");
        }
        let far = found.extend(&run, &Matrix::from_rows(1, 3, vec![1e3, 0.0, 0.0])).unwrap();
        assert!(far.data.iter().all(|psi| psi.is_finite()));
        assert!(
            found
                .extend(&run, &line(0.0, 1.0, 3))
                .is_err_and(|e| e.to_string().contains("3 coordinates") && e.to_string().contains("found 1"))
        );
    }
}

#[test]
fn a_coordinate_is_a_potential_with_an_exact_gradient() {
    let points = gaussian(300, 3, 5);
    for reach in [Reach::All, Reach::Nearest(25)] {
        let found = map(&points, None, &DiffusionOptions { count: 2, neighbours: reach, ..Default::default() });
        let coordinate = found.coordinate(1).unwrap();
        let value = |x: &[f64]| crate::potentials::energy(&coordinate, x);
        let mut random = stream(2, 0);
        for _ in 0..20 {
            let x: Vec<f64> = (0..3).map(|_| random.sample::<f64, _>(StandardNormal)).collect();
            let mut out = Evaluations::with_gradients();
            coordinate.evaluate(Batch::single(&x), &mut out);
            for i in 0..3 {
                let at = |step: f64| {
                    let mut moved = x.clone();
                    moved[i] += step;
                    value(&moved)
                };
                // Fourth order: the error is h⁴ of a function that changes over some tenths.
                let h = 1e-3;
                let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                assert!((out.gradients[i] - slope).abs() < 1e-6 * (1.0 + slope.abs()), "{} {slope}", out.gradients[i]);
            }
            if reach == Reach::All {
                let extended = found.extend(&Run::silent(), &Matrix::from_rows(1, 3, x.clone())).unwrap();
                assert!((extended[(0, 1)] - out.energies[0]).abs() < 1e-10);
            }
        }
        // Where it fades out it stays close to the coordinates of the map.
        let (mut gap, mut size) = (0.0, 0.0);
        for i in 0..300 {
            gap += (value(points.row(i)) - found.coordinates[(i, 1)]).powi(2);
            size += found.coordinates[(i, 1)].powi(2);
        }
        assert!(gap < 0.01 * size, "{}", gap / size);
        assert!(value(&[1e4, 0.0, 0.0]).is_finite());
        assert!(found.coordinate(2).is_err_and(|e| e.to_string().contains("from 0 to 1")));
    }
}

#[test]
fn a_graph_in_parts_is_an_error_with_their_sizes() {
    let fails = |points: Matrix, options: &DiffusionOptions| {
        diffusion_map(&Run::silent(), Arc::new(points), None, options).map(drop).unwrap_err()
    };
    let two = Matrix::from_rows(40, 1, (0..40).map(|i| 0.01 * f64::from(i) + if i < 25 { 0.0 } else { 90.0 }).collect());
    let error = fails(two.clone(), &options(2, 0.001, Reach::Nearest(5)));
    assert!(error.kind == Kind::Data && error.to_string().contains("2 parts of 25, 15 of 40 points"), "{error}");
    assert_eq!(error.parameter.as_deref(), Some("neighbours"));
    let error = fails(two, &options(2, 0.001, Reach::All));
    assert!(error.to_string().contains("2 parts") && error.parameter.as_deref() == Some("bandwidth"), "{error}");
    let error = fails(Matrix::from_rows(9, 2, vec![0.5; 18]), &DiffusionOptions { count: 2, ..Default::default() });
    assert!(error.to_string().contains("all 9 points lie in one place"), "{error}");
    let mut bad = line(0.0, 1.0, 5);
    bad.data[3] = f64::NAN;
    assert!(fails(bad, &options(1, 0.1, Reach::All)).to_string().contains("row 3"));
    assert!(fails(line(0.0, 1.0, 3), &options(9, 0.1, Reach::All)).to_string().contains("at most 1 for 3 points, found 9"));
    let wrong =
        diffusion_map(&Run::silent(), Arc::new(line(0.0, 1.0, 3)), Some(&[0.0, 1.0]), &options(1, 0.1, Reach::All)).map(drop);
    assert!(wrong.unwrap_err().to_string().contains("2 energies for 3 points"));
}

#[test]
fn threads_change_nothing() {
    let points = gaussian(1500, 4, 1);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| map(&points, None, &DiffusionOptions { count: 4, neighbours: Reach::Nearest(30), ..Default::default() }))
    };
    let (one, three) = (with(1), with(3));
    assert_eq!((one.eigenvalues, one.bandwidth, one.dimension), (three.eigenvalues, three.bandwidth, three.dimension));
    assert_eq!(one.coordinates, three.coordinates);
}

#[test]
fn observables_and_levels_describe_a_coordinate() {
    let points = line(0.0, 1.0, 201);
    let found = map(&points, None, &options(2, 1e-3, Reach::All));
    // Of an interval the coordinates are cos πx and cos 2πx. Its correlation with x is −√96/π² = −0.9927…, that of cos 2πx 0 by symmetry.
    let x = points.data.clone();
    let wave = x.iter().map(|x| (2.0 * PI * x).cos()).collect();
    let table = found.correlations(&[("x".into(), x), ("wave".into(), wave), ("one".into(), vec![3.3; 201])]).unwrap();
    assert_eq!(table.len(), 6);
    assert_eq!((table[0].coordinate, table[0].observable.as_str()), (1, "wave"));
    assert!(table[0].correlation.abs() > 0.999);
    let with_x = table.iter().find(|c| c.coordinate == 0 && c.observable == "x").unwrap();
    assert!((with_x.correlation.abs() - 96f64.sqrt() / (PI * PI)).abs() < 3e-3, "{with_x:?}");
    assert!(table[4].correlation.is_nan() && table[5].correlation.is_nan());
    let levels = found.levels(0, &LevelOptions { bins: 4 }).unwrap();
    assert_eq!(levels.iter().map(|l| l.count).sum::<usize>(), 201);
    assert!((levels.iter().map(|l| l.share).sum::<f64>() - 1.0).abs() < 1e-12);
    // cos πx is steep in the middle: few points there. The middle of the second quarter is where it is ±¼.
    assert!(levels[0].count > levels[1].count && levels[3].count > levels[2].count);
    let landmark = points.data[levels[1].landmark.unwrap()];
    assert!(((PI * landmark).cos().abs() - 0.25).abs() < 0.02, "{landmark}");
    assert!(found.levels(2, &LevelOptions::default()).is_err());
}
