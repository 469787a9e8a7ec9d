//! The drawing against what a disconnectivity graph must be: ends at energies, no crossings, everything readable.

use super::*;
use crate::landscape::tree::{TreeMinimum, TreeOptions, TreeTransitionState};
use crate::math::random::stream;
use proptest::prelude::*;
use rand::RngExt;

/// Minima and transition states of a made-up landscape: three funnels, in each of which a minimum hangs on lower ones.
pub fn made_up(count: usize, seed: u64) -> (Vec<TreeMinimum>, Vec<TreeTransitionState>) {
    let mut random = stream(seed, 0);
    let mut energies: Vec<f64> = (0..count).map(|_| random.random::<f64>().powf(0.5)).collect();
    energies.sort_by(f64::total_cmp);
    let minima: Vec<TreeMinimum> = energies.iter().enumerate().map(|(k, e)| (k + 1, *e)).collect();
    let mut states = Vec::new();
    for k in 1..count {
        for _ in 0..2 {
            let steps = 3 * (1 + (random.random::<f64>() * k as f64 / 3.0) as usize);
            let (other, extra) = if k < 3 || random.random::<f64>() < 0.02 {
                (random.random_range(0..k), 0.4)
            } else {
                (k.saturating_sub(steps), 0.0)
            };
            let energy = energies[k] + extra + 0.02 + 0.3 * random.random::<f64>().powi(2);
            states.push((states.len() + 1, energy, [k + 1, other + 1]));
        }
    }
    (minima, states)
}

fn tree(count: usize, seed: u64, options: &TreeOptions) -> Arc<MergeTree> {
    let (minima, states) = made_up(count, seed);
    Arc::new(MergeTree::new(minima, states, options).unwrap())
}

/// Every line of the drawing with the number of its part.
fn segments(graph: &DisconnectivityGraph) -> Vec<([f64; 2], [f64; 2])> {
    let lines = graph.arrangement.parts.iter().map(|p| p.line(&graph.tree));
    lines.flat_map(|l| l.windows(2).map(|w| (w[0], w[1])).collect::<Vec<_>>()).filter(|(a, b)| a != b).collect()
}

/// Whether two segments meet in a point that is an end of neither.
fn cross((a, b): ([f64; 2], [f64; 2]), (c, d): ([f64; 2], [f64; 2])) -> bool {
    let side = |p: [f64; 2], q: [f64; 2], r: [f64; 2]| (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
    let apart = |s: f64, t: f64| s * t < -1e-18;
    apart(side(a, b, c), side(a, b, d)) && apart(side(c, d, a), side(c, d, b))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 60, ..ProptestConfig::default() })]

    /// Whatever the tree and the levels: no two lines cross, places are distinct, the number of branches at a level is the one the tree counts.
    #[test]
    fn branches_never_cross(count in 1..60usize, seed in 0..1000u64, levels in 2..40usize, first in proptest::option::of(0.3..1.5f64)) {
        let options = TreeOptions { levels: Some(levels), first, ..TreeOptions::default() };
        let tree = tree(count, seed, &options);
        let graph = DisconnectivityGraph::new(tree.clone(), None, "energy", &DrawingOptions::default()).unwrap();
        let all = segments(&graph);
        for (k, s) in all.iter().enumerate() {
            for t in &all[k + 1..] {
                prop_assert!(!cross(*s, *t), "{s:?} crosses {t:?}");
            }
        }
        let mut places: Vec<f64> = graph.arrangement.parts.iter().filter(|p| p.splits_at.is_none()).map(|p| p.x).collect();
        prop_assert_eq!(places.len(), graph.arrangement.branches);
        places.sort_by(f64::total_cmp);
        for (k, x) in places.iter().enumerate() {
            prop_assert_eq!(*x, k as f64 + 0.5);
        }
        for part in &graph.arrangement.parts {
            prop_assert!((part.interval[0] as f64..part.interval[1] as f64).contains(&part.x));
        }
        // Lines that are cut just above a level, one below the first: as many as there are nodes at the level below.
        for (k, level) in tree.levels.iter().enumerate().skip(1) {
            let at = level + 1e-9;
            let cut = all.iter().filter(|(a, b)| a[1] > at && b[1] <= at).count();
            let alive = tree.nodes[k].saturating_sub(tree.leaves.iter().filter(|l| l.energy > at && l.energy < level + tree.delta).count());
            // Components that merge above the first level or have their minimum above it are drawn as often as the levels say.
            prop_assert_eq!(cut, alive, "at level {}", k);
        }
    }
}

#[test]
fn branches_end_at_their_energies_in_the_svg() {
    let tree = tree(40, 3, &TreeOptions::default());
    let colours = LeafColours { values: (0..40).map(f64::from).collect(), name: "number".into() };
    let graph = DisconnectivityGraph::new(tree.clone(), Some(colours), "energy", &DrawingOptions::default()).unwrap();
    let svg = graph.figure().svg();
    // The y of a place is found from two ticks of the axis: their labels are energies.
    let ticks: Vec<(f64, f64)> = svg
        .split("<text ")
        .filter(|t| t.contains("text-anchor=\"end\""))
        .filter_map(|t| {
            let y: f64 = t.split(" y=\"").nth(1)?.split('"').next()?.parse().ok()?;
            let label = t.split('>').nth(1)?.split('<').next()?.trim().replace('−', "-");
            // Written 0.365 em of 12 px below its tick, anchored 0.76 em above that.
            Some((label.parse().ok()?, y + (0.76 - 0.365) * 120.0))
        })
        .collect();
    assert!(ticks.len() >= 3, "{ticks:?}");
    let (low, high) = (ticks[0], ticks[ticks.len() - 1]);
    let energy_at = |y: f64| low.0 + (y - low.1) / (high.1 - low.1) * (high.0 - low.0);
    // Lowest points of all coloured paths.
    let mut ends: Vec<f64> = Vec::new();
    for path in svg.split("<path fill=\"none\"").skip(1) {
        let d = path.split(" d=\"").nth(1).unwrap().split('"').next().unwrap();
        for line in d.split('M').filter(|l| !l.is_empty()) {
            let points: Vec<f64> = line.split(' ').map(|p| p.split(',').nth(1).unwrap().parse().unwrap()).collect();
            ends.push(energy_at(points.iter().copied().fold(0.0, f64::max)));
        }
    }
    for leaf in &tree.leaves {
        let nearest = ends.iter().map(|e| (e - leaf.energy).abs()).fold(f64::INFINITY, f64::min);
        // The sheet has tenths of a px; 640 px show an energy range of about 1.3: 0.0002 each.
        assert!(nearest < 5e-4, "minimum {} at {}: nearest end {nearest} away", leaf.minimum, leaf.energy);
    }
}

#[test]
fn the_global_minimum_is_the_trunk() {
    let tree = tree(200, 5, &TreeOptions::default());
    let graph = DisconnectivityGraph::new(tree.clone(), None, "energy", &DrawingOptions::default()).unwrap();
    let trunk: Vec<&Part> = graph.arrangement.parts.iter().filter(|p| p.leaf == 0).collect();
    assert!(trunk.len() > 5 && trunk.iter().all(|p| p.x == trunk[0].x), "one straight line from the top to the end");
    // Branches come off whole: a tenth of them may be too many on one side.
    assert!((trunk[0].x - 100.0).abs() < 20.0, "{}", trunk[0].x);
    let other = DrawingOptions { centre: Some(7), ..DrawingOptions::default() };
    let graph = DisconnectivityGraph::new(tree.clone(), None, "energy", &other).unwrap();
    assert!(graph.arrangement.parts.iter().filter(|p| p.leaf == 6).count() > 3);
}

#[test]
fn wrong_options_are_refused() {
    let tree = tree(5, 1, &TreeOptions::default());
    let says =
        |options: DrawingOptions| DisconnectivityGraph::new(tree.clone(), None, "energy", &options).unwrap_err().to_string();
    assert!(says(DrawingOptions { centre: Some(6), ..Default::default() }).contains("`centre` asks for minimum 6"));
    let few = LeafColours { values: vec![1.0], name: String::new() };
    let wrong = DisconnectivityGraph::new(tree.clone(), Some(few), "energy", &DrawingOptions::default()).unwrap_err();
    assert!(wrong.to_string().contains("1 numbers for 5 minima"));
}

#[test]
fn one_minimum_and_equal_energies_can_be_drawn() {
    let all = DrawingOptions { label: Labels::All, ..Default::default() };
    let alone = MergeTree::new(vec![(1, -3.0)], vec![], &TreeOptions::default()).unwrap();
    let graph = DisconnectivityGraph::new(Arc::new(alone), None, "energy", &all).unwrap();
    assert_eq!(graph.arrangement.branches, 1);
    assert!(graph.show(80, 24).lines().last().unwrap().contains('1'), "{}", graph.show(80, 24));
    let level = vec![(1, 0.0), (2, 0.0), (3, 0.0)];
    let flat = MergeTree::new(level, vec![(1, 0.0, [1, 2])], &TreeOptions::default()).unwrap();
    let graph = DisconnectivityGraph::new(Arc::new(flat), None, "energy", &all).unwrap();
    assert_eq!(graph.arrangement.branches, 3);
    assert!(graph.figure().svg().ends_with("</svg>\n"));
}

#[test]
fn the_terminal_shows_it_within_its_width() {
    for (count, title) in [(1, ""), (4, "LJ7"), (12, "a tree"), (30, ""), (400, "many")] {
        let tree = tree(count, 2, &TreeOptions::default());
        let options = DrawingOptions { title: title.into(), label: Labels::All, ..Default::default() };
        let graph = DisconnectivityGraph::new(tree.clone(), None, "energy", &options).unwrap();
        for (width, height) in [(80, 24), (40, 15), (20, 8)] {
            let shown = graph.show(width, height);
            assert!(shown.lines().all(|l| l.chars().count() <= width), "{shown}");
            assert!(shown.lines().count() <= height, "{} lines\n{shown}", shown.lines().count());
        }
    }
}

#[test]
fn a_large_graph_stays_small() {
    let tree = tree(50_000, 4, &TreeOptions::default());
    let graph = DisconnectivityGraph::new(tree, None, "energy", &DrawingOptions::default()).unwrap();
    let visible = graph.visible_parts(800.0 / 50_000.0).len();
    // At most a branch for each level and third of a px; far fewer, since neighbours leave the same level.
    assert!((2_000..25_000).contains(&visible), "{visible}");
    assert!(graph.figure().svg().len() < 1_500_000);
}

/// Not a check: draws trees of several sizes into LOSSCAPE_GALLERY and says how long it took.
#[test]
#[ignore = "draws for the eye; LOSSCAPE_GALLERY=folder cargo test --lib trees_for_the_eye -- --ignored"]
fn trees_for_the_eye() {
    let folder = std::path::PathBuf::from(std::env::var("LOSSCAPE_GALLERY").unwrap_or_else(|_| "target/gallery".into()));
    std::fs::create_dir_all(&folder).unwrap();
    for count in [10, 100, 5000, 200_000] {
        let tree = tree(count, 11, &TreeOptions { levels: Some(100), ..TreeOptions::default() });
        let values =
            (0..count).map(|k| if k % 29 == 3 { f64::NAN } else { 0.3 + 0.6 * ((k * 7919) % 1000) as f64 / 1000.0 }).collect();
        let colours = LeafColours { values, name: "test AUC".into() };
        let options =
            DrawingOptions { title: format!("{count} minima"), label: Labels::These(vec![1, 2, 3, 4, 5]), ..Default::default() };
        let start = std::time::Instant::now();
        let graph = DisconnectivityGraph::new(tree.clone(), Some(colours), "loss", &options).unwrap();
        let svg = graph.figure().svg();
        println!("{count}: {} kB of SVG in {:?}", svg.len() / 1024, start.elapsed());
        graph.figure().save(&folder.join(format!("tree_{count}.svg"))).unwrap();
        graph.figure().save(&folder.join(format!("tree_{count}.png"))).unwrap();
        println!("{count}: PNG and all in {:?}", start.elapsed());
        std::fs::write(folder.join(format!("tree_{count}.txt")), graph.show(80, 24)).unwrap();
    }
}
