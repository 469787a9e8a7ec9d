//! Cuts, paths and films as scripts make them.

use losscape::script::{Environment, Language};
use std::path::Path;

fn run(script: &str) -> rhai::Dynamic {
    Language::new(Environment::silent()).run(script).unwrap_or_else(|f| panic!("{script}: {}", f.error))
}

fn fails(script: &str) -> String {
    match Language::new(Environment::silent()).run(script) {
        Ok(value) => panic!("{script} gave {value}"),
        Err(failure) => failure.error.to_string(),
    }
}

fn holds(script: &str) {
    assert_eq!(run(script).as_bool().ok(), Some(true), "{script}");
}

const FOUND: &str = "let p = muller_brown(); let l = landscape(p); l.add(minimise(p, [0.6, 0.0])); l.add(minimise(p, [-0.5, 1.4])); \
     let way = connect(l, 1, 2); let band = dneb(p, l.minimum(1).position, l.minimum(2).position); ";

/// Energies of Müller–Brown by 40-digit root finding; the middle by the formula itself.
#[test]
fn a_slice_has_the_energies_of_its_ends() {
    holds(
        "let a = [-0.558223634633024, 1.44172584180467]; let b = [0.623499404930877, 0.0280377585286857];
         let s = slice(muller_brown(), a, b, #{points: 21});
         let middle = muller_brown().energy([0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1])]);
         s.energies.len() == 21 && abs(s.energies[0] + 146.699517209954) < 1e-9 && abs(s.energies[20] + 108.166724116852) < 1e-9
           && abs(s.energies[10] - middle) < 1e-9 && s.coordinates[10] == 0.5 && abs(s.length - (vector(a) - b).norm()) < 1e-12",
    );
    holds("slice(double_well(), [-1.0], [1.0], #{range: [-0.5, 1.5], points: 5}).coordinates == [-0.5, 0.0, 0.5, 1.0, 1.5]");
}

/// ½|x|² over a skew plane is a polynomial of s and t that can be written down.
#[test]
fn the_surface_of_a_quadratic_is_exact() {
    holds(
        "let f = surface(harmonic(3), [1.0, 2.0, 3.0], [1.0, 0.0, 1.0], [0.0, 0.5, -1.0], #{range: [[-1.0, 1.0], [0.0, 2.0]], points: [5, 3]});
         let worst = 0.0;
         for i in 0..5 { for j in 0..3 {
             let s = -1.0 + 0.5 * i; let t = 1.0 * j;
             let x = [1.0 + s, 2.0 + 0.5 * t, 3.0 + s - t];
             worst = max(worst, abs(f.energies[i][j] - 0.5 * (x[0] * x[0] + x[1] * x[1] + x[2] * x[2])));
         } }
         f.energies.rows == 5 && f.energies.columns == 3 && worst < 1e-12
           && (f.project([1.0 + 0.25, 2.0 + 0.75, 3.0 + 0.25 - 1.5]) - [0.25, 1.5]).norm() < 1e-13",
    );
}

#[test]
fn threads_change_nothing() {
    let energies = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            run("let f = surface(lennard_jones(5), lennard_jones(5).random(#{seed: 1}), lennard_jones(5).random(#{seed: 2}), \
                 lennard_jones(5).random(#{seed: 3}), #{range: [-0.1, 0.1], points: 13}); `${f.energies.row(0)}${f.energies.row(12)}`")
            .to_string()
        })
    };
    assert_eq!(energies(1), energies(4));
}

/// A part shows energies of its own, the whole is outlined there, and what is not finite is said to be so.
#[test]
fn zooms_gaps_and_kinds_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    for kind in ["contour", "heatmap", "surface"] {
        let _ = run(&format!(
            "{FOUND} let f = surface(p, [0, 0], [1, 0], [0, 1], #{{range: [-1.5, 1.5], points: 21, kind: \"{kind}\", zoom: 3, path: band,
                 marks: l.minima + l.transition_states, title: \"all at once\"}});
             if f.enlarged.coordinates_a[0] != -0.5 || f.enlarged.energies.rows != 21 {{ throw \"zoom\"; }}
             if abs(f.enlarged.energies[10][10] - p.energy([0, 0])) > 1e-12 {{ throw \"centre\"; }}
             f.save(\"{path}/{kind}.svg\"); f.save(\"{path}/{kind}.png\"); f.show(#{{width: 90}});"
        ));
        let svg = std::fs::read_to_string(folder.path().join(format!("{kind}.svg"))).unwrap();
        for words in ["all at once", "enlarged", "the part on the right", "path", "‡1", "along a"] {
            assert!(svg.contains(words), "{kind}: {words}");
        }
        // Atoms upon each other: infinite energies.
        let _ = run(&format!(
            "let p = lennard_jones(2); surface(p, [0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0], #{{range: [-2, 2], points: 21,
                 energy_range: [-1, 1], log: false, kind: \"{kind}\"}}).save(\"{path}/gap.svg\")"
        ));
    }
    holds(
        "let f = surface(lennard_jones(2), [0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0], #{points: 3, range: [-2, 2]}); !(f.energies[1][1] < 1e300)",
    );
    holds(
        "let f = slice(muller_brown(), [0, 0], [1, 1]); figure([f, surface(harmonic(2), [0, 0], [1, 0], [0, 1], #{points: 5})]).size[0] > 1000",
    );
}

#[test]
fn paths_of_all_kinds_are_drawn() {
    let named = |script: &str| run(&format!("{FOUND} plot_path({script}).svg")).to_string();
    let path = named("way");
    for words in ["min 1", "min 2", "min 3", "ts 1", "ts 2", "transition states", "length of the path"] {
        assert!(path.contains(words), "{words}");
    }
    // The highest energy of the pathway is that of its transition state.
    assert!(named("pathway(p, l.transition_states[0])").contains("−72.25"));
    assert!(named("band, #{x: \"step\", relative: true}").contains("energy above the start"));
    assert!(named("slice(p, [0.6, 0], [-0.5, 1.4])").contains("length of the path"));
    assert!(named("[0, 2, 1]").contains("step"));
    holds(&format!("{FOUND} way.distances.len() == way.energies.len() && abs(way.distances[4] - way.length) < 1e-12"));
}

/// Every frame of the size asked for, as many as the band has images.
#[test]
fn a_band_becomes_a_film() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("band.gif");
    let _ = run(&format!(
        "{FOUND} let f = surface(p, [0, 0], [1, 0], [0, 1], #{{range: [-1.5, 2], points: 15, size: [300, 240]}});
         let frames = f.frames(band.positions);
         if frames.len() != band.energies.len() {{ throw \"frames\"; }}
         animate(frames, \"{}\", #{{seconds_per_frame: 0.05}});",
        path.display()
    ));
    let images = run(&format!("{FOUND} band.energies.len()")).as_int().unwrap();
    let mut decoder = gif::DecodeOptions::new().read_info(std::fs::File::open(Path::new(&path)).unwrap()).unwrap();
    assert_eq!((decoder.width(), decoder.height()), (300, 240));
    let mut frames = 0;
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        assert_eq!((frame.width, frame.height), (300, 240));
        frames += 1;
    }
    assert_eq!(frames, images);
}

#[test]
fn mistakes_are_named() {
    for (script, said) in [
        ("slice(p, [0, 0], [1, 1, 1])", "`to` must have 2 coordinates, found 3"),
        ("slice(p, [0, 0], [0, 0])", "the same position"),
        ("slice(p, [0, 0], [1, 1], #{points: 1})", "`points` must be at least 2, found 1"),
        ("slice(p, [0, 0], [1, 1], #{range: [1, 0]})", "takes [low, high] with low below high"),
        ("surface(p, [0, 0], [1, 0, 0], [0, 1])", "`a` must have 2 coordinates, found 3"),
        ("surface(p, [0, 0], [1, 0], [0, 0])", "the direction `b` has length 0"),
        ("surface(p, [0, 0], [1, 2], [2, 4])", "parallel"),
        ("surface(p, [0, 0], [1, 0], [0, 1], #{point: 5})", "did you mean `points`?"),
        ("surface(p, [0, 0], [1, 0], [0, 1], #{points: 100000})", "more than 10000000"),
        ("surface(p, [0, 0], [1, 0], [0, 1], #{kind: \"conture\"})", "did you mean \"contour\"?"),
        ("surface(p, [0, 0], [1, 0], [0, 1], #{zoom: [3, 4, 0, 1]})", "lies outside"),
        ("surface(p, [0, 0], [1, 0], [0, 1], #{zoom: 0.5})", "takes a number above 1"),
        ("surface(p, [0, 0], [1, 0], [0, 1], #{path: [[1, 2], [3]]})", "must have 2 coordinates, found 1 at index 1"),
        ("surface(p, [0, 0], [1, 0], [0, 1], #{marks: 7})", "`marks` must hold positions, found 7"),
        ("surface(p, [0, 0], [1, 0], [0, 1], #{kind: \"surface\", elevation: 2, points: 3})", "`elevation` must be from 5 to 90"),
        ("surface(p, [0, 0], [1, 0], [0, 1], #{points: 3}).frames(\"band\")", "must hold positions"),
        ("filter_normalised(network([2, 2]), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])", "6 parameters, the position 7"),
        ("plot_path(7)", "`path` must be what landscape.path"),
        ("plot_path([1, 2], #{x: \"length\"})", "how long its steps are"),
        ("animate([1], \"a.gif\")", "found 1 at index 0"),
        ("animate([plot([1, 2], [1, 2])], \"a.png\")", "does not end in .gif"),
        ("animate([], \"a.gif\")", "no frames"),
    ] {
        let message = fails(&format!("let p = muller_brown(); {script}"));
        assert!(message.contains(said), "{script}: {message}");
    }
}
