//! Potentials that scripts write: derivatives against differences on random expressions, batches, cases, composition, landscape files.

use losscape::math::Matrix;
use losscape::potentials::{Batch, Evaluations, Potential, difference_hessian, energy_gradient};
use losscape::script::api::PotentialHandle;
use losscape::script::{Environment, Language};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::sync::Arc;

fn language() -> Language {
    Language::new(Environment::silent())
}

fn made(language: &Language, script: &str) -> Arc<dyn Potential> {
    match language.run(script) {
        Ok(value) => value.cast::<PotentialHandle>().0,
        Err(failure) => panic!("{script}: {}", failure.error),
    }
}

fn holds(script: &str) {
    match language().run(script) {
        Ok(value) => assert_eq!(value.as_bool(), Ok(true), "{script}"),
        Err(failure) => panic!("{script}: {}", failure.error),
    }
}

fn message(script: &str) -> String {
    let failure = language().run(script).expect_err("a mistake");
    format!("{} at {:?}", failure.error, failure.place.map(|p| (p.line, p.column)))
}

/// Smooth expressions of x[0] to x[2], everywhere defined and of moderate size.
fn smooth() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (0..3usize).prop_map(|i| format!("x[{i}]")),
        (-20..20i32).prop_map(|v| format!("({:.1})", f64::from(v) / 10.0)),
    ];
    leaf.prop_recursive(5, 40, 2, |inner| {
        let one = inner.clone();
        prop_oneof![
            (inner.clone(), inner.clone(), prop_oneof![Just("+"), Just("-"), Just("*")])
                .prop_map(|(a, b, o)| format!("({a} {o} {b})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a} / (1.5 + sin({b})))")),
            (one, 0..16usize).prop_map(|(a, k)| match k {
                0 => format!("sin({a})"),
                1 => format!("cos({a})"),
                2 => format!("tanh({a})"),
                3 => format!("exp(sin({a}))"),
                4 => format!("ln(2 + cos({a}))"),
                5 => format!("sqrt(1 + ({a})**2)"),
                6 => format!("atan({a})"),
                7 => format!("asin(0.9 * sin({a}))"),
                8 => format!("acos(0.9 * cos({a}))"),
                9 => format!("sinh(sin({a}))"),
                10 => format!("cosh(tanh({a}))"),
                11 => format!("asinh({a})"),
                12 => format!("(1.5 + sin({a}))**-1.3"),
                13 => format!("(2 + sin({a}))**cos({a})"),
                14 => format!("atan({a}, 2 + sin({a}))"),
                _ => format!("tan(0.5 * tanh({a}))**3"),
            }),
        ]
    })
}

#[test]
fn derivatives_of_random_expressions_are_those_of_differences() {
    let language = language();
    let mut runner = TestRunner::new(ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() });
    let positions = prop::collection::vec(-1.5..1.5f64, 3 * 11);
    let outcome = runner.run(&(smooth(), positions), |(text, positions)| {
        let potential = made(&language, &format!("potential(3, |x| {text})"));
        // Energies as Rhai computes them number by number.
        let plain =
            language.run(format!("let x = {:?}; 1.0 * ({text})", &positions[..3]).as_str()).map_err(|f| f.error.to_string());
        let plain = plain.map_err(TestCaseError::fail)?.as_float().expect("a number");
        let (energy, gradient) = energy_gradient(&*potential, &positions[..3]);
        prop_assert!((energy - plain).abs() <= 1e-12 * (1.0 + plain.abs()) * 10.0, "{text}: {energy}, expected {plain}");
        // Fourth order: the error is about h⁴ f⁗′/30 + 1e-16 f/h.
        let step = 1e-3;
        let at = |i: usize, h: f64| {
            let mut x = positions[..3].to_vec();
            x[i] += h;
            energy_gradient(&*potential, &x)
        };
        for i in 0..3 {
            let d = (8.0 * (at(i, step).0 - at(i, -step).0) - (at(i, 2.0 * step).0 - at(i, -2.0 * step).0)) / (12.0 * step);
            let steep = (at(i, 0.1).0.abs() + at(i, -0.1).0.abs() + energy.abs()).max(1.0);
            prop_assert!(
                (gradient[i] - d).abs() <= 1e-6 * (steep + d.abs()),
                "{text}: slope {i} {}, differences {d}",
                gradient[i]
            );
        }
        let (mut exact, mut differences) = (Matrix::default(), Matrix::default());
        potential.hessian(&positions[..3], &mut exact);
        difference_hessian(&*potential, &positions[..3], &mut differences);
        let size = exact.data.iter().fold(1.0 + energy.abs(), |a: f64, h| a.max(h.abs()));
        for (h, d) in exact.data.iter().zip(&differences.data) {
            prop_assert!((h - d).abs() <= 1e-4 * size, "{text}: Hessian {h}, differences {d}");
        }
        let v = &positions[3..6];
        let mut product = [0.0; 3];
        potential.hessian_vector(&positions[..3], v, &mut product);
        for i in 0..3 {
            let expected: f64 = (0..3).map(|j| exact[(i, j)] * v[j]).sum();
            prop_assert!((product[i] - expected).abs() <= 1e-10 * size, "{text}: H v {}, expected {expected}", product[i]);
        }
        // Rows do not know of each other, and energies do not know of gradients.
        let (mut all, mut energies) = (Evaluations::with_gradients(), Evaluations::default());
        potential.evaluate(Batch::new(&positions, 3), &mut all);
        potential.evaluate(Batch::new(&positions, 3), &mut energies);
        prop_assert_eq!(&all.energies, &energies.energies);
        for (row, x) in positions.chunks(3).enumerate() {
            let (energy, gradient) = energy_gradient(&*potential, x);
            prop_assert_eq!(energy.to_bits(), all.energies[row].to_bits(), "{} row {}", text, row);
            prop_assert_eq!(&gradient, &all.gradients[3 * row..3 * row + 3].to_vec(), "{} row {}", text, row);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn loops_are_the_built_in_surfaces() {
    let language = language();
    let pairs = "potential(39, |x| { let e = 0; for i in 0..13 { for j in 0..i { let d = x[3*i..3*i + 3] - x[3*j..3*j + 3]; \
                 let s = 1 / d.dot(d)**3; e += 4*(s*s - s); } } e })";
    let valley = "potential(100, |x| { let e = 0; for i in 0..99 { e += 100*(x[i + 1] - x[i]**2)**2 + (1 - x[i])**2; } e })";
    for (script, built_in, scale) in [(pairs, "lennard_jones(13)", 1.0), (valley, "rosenbrock(100)", 1.0)] {
        let (mine, theirs) = (made(&language, script), made(&language, built_in));
        for seed in 0..5 {
            let x = theirs.random(seed, scale);
            let ((e, g), (f, h)) = (energy_gradient(&*mine, &x), energy_gradient(&*theirs, &x));
            let size = h.iter().fold(f.abs(), |a, g| a.max(g.abs()));
            assert!((e - f).abs() <= 1e-12 * size, "{built_in}: {e}, expected {f}");
            // Sums of a dozen terms that nearly cancel: some hundred roundings of the largest.
            assert!(g.iter().zip(&h).all(|(g, h)| (g - h).abs() <= 1e-13 * size), "{built_in}");
            let (mut a, mut b) = (Matrix::default(), Matrix::default());
            mine.hessian(&x, &mut a);
            theirs.hessian(&x, &mut b);
            let size = b.data.iter().fold(0.0f64, |a, h| a.max(h.abs()));
            assert!(a.data.iter().zip(&b.data).all(|(a, b)| (a - b).abs() <= 1e-13 * size), "{built_in}");
            assert!((0..a.rows).all(|i| (0..i).all(|j| a[(i, j)] == a[(j, i)])), "{built_in}: a Hessian is symmetric");
        }
    }
}

#[test]
fn cases_take_one_side() {
    // The branch that is not taken may be undefined: neither slope nor curvature sees it.
    holds(
        "let p = potential(1, |x| select(x[0] > 0, sqrt(x[0]) + ln(x[0]), x[0]**2)); \
           p.gradient([-3])[0] == -6 && p.hessian([-3])[0][0] == 2 && abs(p.gradient([4])[0] - 0.5) < 1e-15 && abs(p.hessian([4])[0][0] + 0.09375) < 1e-15",
    );
    holds(
        "let p = potential(2, |x| select(!(x[0] < 1) | (x[1] == 2) & (x[0] >= -1), 10, 20)); \
           p.energy([1, 0]) == 10 && p.energy([0, 2]) == 10 && p.energy([-2, 2]) == 20 && p.energy([0, 1]) == 20",
    );
    // Kinks: right of 0 for abs, the first of equals for min and max.
    holds("potential(1, |x| abs(x[0])).gradient([0]) == [1.0]");
    holds(
        "potential(2, |x| min(x[0], x[1])).gradient([1, 1]) == [1.0, 0.0] && potential(2, |x| max(x[0], x[1])).gradient([1, 1]) == [1.0, 0.0]",
    );
    holds(
        "let p = potential(1, |x| floor(x[0]) + 10*round(x[0]) + 100*ceiling(x[0]) + 1000*x[0].sign()); p.energy([1.25]) == 1211 && p.gradient([1.25]) == [0.0]",
    );
}

#[test]
fn vectors_do_what_numbers_do() {
    holds(
        "let a = [1.0, 2.0, 4.0]; let p = potential(3, |x| { let d = x - a; d.dot(d) + (2 * x).sum() + x[0..2].norm() + x.max() - [x[0], 3].min() \
           + exp(x).mean() + x.len }); let x = [3.0, 4.0, 5.0]; \
           abs(p.energy(x) - (4 + 4 + 1 + 24 + 5 + 5 - 3 + (exp(3) + exp(4) + exp(5))/3 + 3)) < 1e-12",
    );
    holds("let m = matrix([[2, 1], [1, 3]]); potential(2, |x| 0.5 * x.dot(m.dot(x))).hessian([1, 1]) == m");
    holds("let n = 0; let p = potential(3, |x| { let e = 0; for v in x { e += v**2; } e }); p.energy([1, 2, 3]) == 14");
    // A potential is complete when it is made.
    holds("let k = 2; let p = potential(1, |x| k * x[0]); k = 5; p.energy([1]) == 2");
}

#[test]
fn what_cannot_be_traced_says_what_can() {
    for script in [
        "potential(1, |x| if x[0] > 0 { 1 } else { 2 })",
        "potential(1, |x| select(x[0] > 0 && x[0] < 2, 1, 2))",
        "potential(1, |x| select((x[0] > 0) || (x[0] < -1), 1, 2))",
        "potential(1, |x| { let e = 0; while x[0] > e { e += 1; } e })",
        "potential(1, |x| fixed(x[0], 2).len())",
        "potential(1, |x| x[0] % 2)",
    ] {
        let said = message(script);
        assert!(said.contains("select(") && said.contains("trace: false"), "{script}: {said}");
    }
    let said = message("let p = 1;\npotential(1, |x| {\n  if x[0] > 0 { 1 } else { 2 }\n})");
    assert!(said.contains("Some((3, "), "the place is that of the `if`: {said}");
    assert!(
        message("let kept = []; potential(1, |x| { kept.push(x[0]); x[0] }); potential(1, |x| x[0] + kept[0])")
            .contains("another potential")
    );
}

#[test]
fn a_function_that_is_called_gives_the_same() {
    let language = language();
    let f = "|x| if x[0] > 0 { exp(-x[0]) * x[1]**2 } else { 1 + x[1]**2 }";
    let g = "|x| select(x[0] > 0, exp(-x[0]) * x[1]**2, 1 + x[1]**2)";
    let (called, traced) =
        (made(&language, &format!("potential(2, {f}, #{{trace: false}})")), made(&language, &format!("potential(2, {g})")));
    for x in [[0.7, -1.3], [-0.4, 2.0]] {
        let ((e, a), (f, b)) = (energy_gradient(&*called, &x), energy_gradient(&*traced, &x));
        assert!((e - f).abs() <= 1e-15 * f.abs());
        // Roundings of 1e-16 over steps of 3e-4, and h⁴ of the fifth derivative.
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-10), "{a:?}, expected {b:?}");
    }
    holds(
        "let p = potential(2, |x| { let s = 0; for v in x { if v > 0 { s += (v - 1)**2 } else { s += (v + 1)**2 } } s }, #{trace: false}); \
           let m = minimise(p, [0.7, -0.3]); (m.position - [1, -1]).norm() < 1e-6",
    );
    assert!(message("potential(1, |x| \"high\", #{trace: false})").contains("number"));
}

#[test]
fn potentials_add_up() {
    holds(
        "let p = muller_brown(); let q = potential(2, |x| x[0]**2 * x[1]); let s = 2*p - q/4 + q; let x = [0.3, 0.4]; \
           abs(s.energy(x) - 2*p.energy(x) - 0.75*q.energy(x)) < 1e-11 && (s.gradient(x) - 2*p.gradient(x) - 0.75*q.gradient(x)).norm() < 1e-11 \
           && abs(s.hessian(x)[0][1] - 2*p.hessian(x)[0][1] - 0.75*q.hessian(x)[0][1]) < 1e-10 && (-p).energy(x) == -1*p.energy(x)",
    );
    // Two copies turned against each other are one point of a cluster alone, but not with a term that knows directions.
    let turned = "let a = [0.0,0,0, 1,0,0, 0,1,0]; let b = [0.0,0,0, 0,1,0, -1,0,0]; ";
    holds(&format!("{turned} (3*lennard_jones(3)).distance(a, b) < 1e-12"));
    holds(&format!("{turned} (lennard_jones(3) + potential(9, |x| x[0]**2)).distance(a, b) > 0.5"));
    assert!(message("rosenbrock(2) + rosenbrock(3)").contains("2 and 3"));
    // A frozen coordinate: half as many modes, no slope, and its value in every position.
    holds(
        "let p = freeze(rosenbrock(3), [1], [0.25]); p.spectrum([0, 9, 0]).eigenvalues.len() == 2 && p.gradient([1, 9, 1])[1] == 0 \
           && p.energy([1, 9, 1]) == rosenbrock(3).energy([1, 0.25, 1]) && p.random()[1] == 0.25 && p.distance([0, 1, 0], [0, 2, 0]) == 0",
    );
    holds(
        "minimise(freeze(lennard_jones(2), [0, 1, 2, 4, 5], [0, 0, 0, 0, 0]), [0, 0, 0, 1.3, 0, 0]).position[3] - 2**(1/6) < 1e-7",
    );
    assert!(message("freeze(rosenbrock(2), [2], [0])").contains("from 0 to 1"));
}

#[test]
fn a_landscape_file_knows_its_function_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wells.db");
    let open =
        |f: &str| language().run(format!("landscape(potential(1, |x| {f}), {:?}).minima.len()", file.to_str().unwrap()).as_str());
    let found = language().run(
        format!("let l = landscape(potential(1, |x| (x[0]**2 - 1)**2), {:?}); basin_hop(l, #{{steps: 20, step: 2.0, seed: 1}}).minima.len()", file.to_str().unwrap())
            .as_str(),
    );
    assert_eq!(found.map_err(|f| f.error.to_string()).unwrap().as_int(), Ok(2));
    // The same function in other words, in another process: the digest knows operations, not text.
    assert_eq!(open("{ let s = x[0]*x[0] - 1.0; s*s }").map_err(|f| f.error.to_string()).unwrap().as_int(), Ok(2));
    let said = open("(x[0]**2 - 2)**2").expect_err("another potential").error.to_string();
    assert!(said.contains("potential"), "{said}");
}
