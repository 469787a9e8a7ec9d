//! What a value looks like on screens of every size.

use super::*;
use crate::base::text::Piece;
use crate::script::{Environment, Language};
use std::time::{Duration, Instant};

fn value(language: &Language, script: &str) -> Dynamic {
    language.run(script).unwrap_or_else(|failure| panic!("{script}: {}", failure.error))
}

fn shown(script: &str, width: usize, height: usize) -> String {
    let language = Language::new(Environment::silent());
    screen(&value(&language, script), &language.catalogue, Room::new(width, height)).to_plain()
}

#[test]
fn plain_values_are_as_printed() {
    for (script, expected) in [
        ("3", "3"),
        ("7 / 2", "3.5"),
        ("()", ""),
        ("\"a text\\nof two lines\"", "a text\nof two lines"),
        ("[1, 2.5, \"a\", ()]", "[1, 2.5, \"a\", ()]"),
        ("#{a: 1, b: [2, 3]}", "#{a: 1, b: [2, 3]}"),
        ("vector([1, 2])", "[1.0, 2.0]"),
        ("[]", "[]"),
    ] {
        assert_eq!(shown(script, 80, 24), expected, "{script}");
    }
}

#[test]
fn matrices_have_aligned_columns_and_an_elided_middle() {
    assert_eq!(shown("matrix([[1, 2.25], [-3, 100]])", 80, 24), "matrix 2 × 2\n   1.0    2.25\n  -3.0  100.00");
    assert_eq!(
        shown("let m = zeros(100, 30); m", 30, 6),
        "matrix 100 × 30
  0.0  0.0  0.0  …  0.0  0.0
  0.0  0.0  0.0  …  0.0  0.0
    ⋮    ⋮    ⋮  …    ⋮    ⋮
  0.0  0.0  0.0  …  0.0  0.0
  0.0  0.0  0.0  …  0.0  0.0"
    );
}

#[test]
fn rows_of_numbers_name_their_indices() {
    assert_eq!(
        shown("let v = []; for k in 0..100 { v.push(k); } vector(v)", 30, 6),
        "vector of 100 numbers
  0   0.0   1.0   2.0   3.0
  4   4.0   5.0   6.0   7.0
  ⋮
 92  92.0  93.0  94.0  95.0
 96  96.0  97.0  98.0  99.0"
    );
    assert!(shown("let v = []; for k in 0..100 { v.push(k); } v", 30, 6).starts_with("array of 100 numbers\n  0   0   1   2"));
}

#[test]
fn tables_and_objects() {
    assert_eq!(
        shown("table(#{id: [1, 2], energy: [-44.5, 1.25], name: [\"a\", \"long\"]}, [\"id\"])", 80, 24),
        "table of 2 rows, 3 columns\n  id  energy  name\n   1  -44.50  a\n   2    1.25  long"
    );
    let narrow = shown("table(#{aaaaaaa: [1], bbbbbbbbb: [2], ccccccccc: [3]})", 20, 24);
    assert_eq!(narrow, "table of 1 row, 3 c…\n  aaaaaaa  …\n        1  …");
    let list = shown("let l = basin_hop(lennard_jones(4), #{steps: 5, seed: 1}); l.minima", 60, 24);
    assert!(list.starts_with("array of 1 Minimum\n  id  energy  position"), "{list}");
    let landscape = shown(
        "let l = landscape(lennard_jones(4)); explore(l, #{searches: 64, seed: 1}); l.annotate(\"half\", |m| m.energy / 2); l",
        60,
        24,
    );
    for words in [
        "Landscape of lennard_jones",
        "1 minimum, 1 transition state, 1 component",
        "completeness 100.0 %",
        "id     energy  above  half",
        "-6.000000",
        "-3.0",
    ] {
        assert!(landscape.contains(words), "{words} in\n{landscape}");
    }
    let tree = shown(
        "let p = muller_brown(); let l = landscape(p); l.add(minimise(p, [0.6, 0.0])); l.add(minimise(p, [-0.5, 1.4])); connect(l, 1, 2); disconnectivity(l)",
        60,
        20,
    );
    assert!(tree.contains('┤') && tree.lines().count() <= 20, "{tree}");
}

#[test]
fn what_has_not_converged_says_what_to_try() {
    let language = Language::new(Environment::silent());
    let found = value(&language, "minimise(rosenbrock(2), [-1.2, 1.0], #{max_iterations: 3})");
    let text = screen(&found, &language.catalogue, Room::new(80, 24));
    let warnings: Vec<&Piece> = text.0.iter().filter(|piece| matches!(piece, Piece::Warning(_))).collect();
    assert_eq!(warnings[0], &Piece::Warning("\"max_iterations\"".into()));
    assert!(text.to_plain().contains("not converged: raise `max_iterations`"), "{}", text.to_plain());
    let converged = value(&language, "minimise(rosenbrock(2), [-1.2, 1.0])");
    assert!(!screen(&converged, &language.catalogue, Room::new(80, 24)).to_plain().contains("not converged"));
}

#[test]
fn advice_names_options_that_are_there() {
    let language = Language::new(Environment::silent());
    for (_, function, _, advice) in advice::ADVICE {
        let native = language.catalogue.find(function, None).expect("the function");
        for option in advice.split('`').skip(1).step_by(2) {
            assert!(native.options.iter().any(|o| o.name == option), "{function} has no option {option}");
        }
    }
}

#[test]
fn everything_fits_every_screen() {
    let language = Language::new(Environment::silent());
    let makers = [
        "zeros(500, 400)",
        "zeros(5000)",
        "let a = []; for k in 0..3000 { a.push(`text ${k}`); } a",
        "let a = []; for k in 0..300 { a.push([k, [k, \"a\"], #{b: k}]); } a",
        "let a = [1]; for k in 0..60 { a = [a, k]; } a",
        "let m = #{}; for k in 0..300 { m[`a_field_with_a_long_name_${k}`] = [k, 1e-300 * k]; } m",
        "let s = \"\"; for k in 0..3000 { s += `a line ${k} äöü ⋮\\n`; } s",
        "let s = \"é\"; for k in 0..12 { s += s; } s",
        "\"\\u001b[2J\\t\\u0007\"",
        "minimise(lennard_jones(13), lennard_jones(13).random(#{seed: 1}), #{max_iterations: 1})",
        "explore(landscape(muller_brown()), #{searches: 4})",
        "basin_hop(lennard_jones(7), #{steps: 20, seed: 1})",
        "basin_hop(lennard_jones(7), #{steps: 20, seed: 1}).minima",
        "two_clusters(#{count: 20, seed: 1})",
        "network([2, 3, 2])",
        "lennard_jones(5)",
        "plot([1, 2, 3], [1, 4, 9], #{title: \"squares\"})",
        "|x| x + 1",
        "0..10",
    ];
    for script in makers {
        let value = value(&language, script);
        for (width, height) in [(0, 0), (20, 6), (33, 10), (80, 24), (200, 50)] {
            let room = Room::new(width, height);
            let text = screen(&value, &language.catalogue, room).to_plain();
            let lines: Vec<&str> = text.lines().collect();
            let widest = lines.iter().map(|l| l.chars().count()).max().unwrap_or(0);
            let wrapped: usize = lines.iter().map(|l| l.chars().count().div_ceil(room.width).max(1)).sum();
            let is_text = value.is_string();
            assert!(is_text || widest <= room.width, "{script}: {widest} characters for {room:?}\n{text}");
            // Drawings keep the least height that can be read.
            let most = if value.type_name().ends_with("Figure") { room.height.max(12) } else { room.height };
            assert!(wrapped <= most, "{script}: {wrapped} lines for {room:?}\n{text}");
            assert!(!text.contains('\u{1b}'), "{script}");
        }
    }
}

#[test]
fn huge_values_are_shown_at_once() {
    let language = Language::new(Environment::silent());
    for script in [
        "zeros(5000, 2000)",
        "zeros(10000000)",
        "let a = []; a.pad(1000000, 1.5); a",
        "let a = []; a.pad(1000000, \"x\"); a",
        "let s = \"0123456789\"; for k in 0..20 { s += s; } s",
    ] {
        let value = value(&language, script);
        let start = Instant::now();
        screen(&value, &language.catalogue, Room::new(120, 50));
        // Milliseconds; the bound leaves room for a machine that does much else.
        assert!(start.elapsed() < Duration::from_millis(100), "{script}: {:?}", start.elapsed());
    }
}
