//! The store under kills, databases of other programs, and landscapes whose every point is known.

use losscape::algorithms::curvature::{curvature, softest_modes};
use losscape::algorithms::{
    BasinHopOptions, Curvature, MinimiseOptions, PathwayOptions, StationaryPoint, Termination, TransitionStateOptions, minimise,
    pathway, transition_state,
};
use losscape::analysis::outcomes::{Ljat3DatasetOptions, ljat3_dataset};
use losscape::base::Run;
use losscape::data::Dataset;
use losscape::data::generators::{GaussianMixtureOptions, XorOptions, gaussian_mixture, xor};
use losscape::data::idx::{ImageSetOptions, load_mnist};
use losscape::landscape::formats::{TopSearchOptions, load_dinfo, load_pathsample, load_topsearch, save_pathsample};
use losscape::landscape::{ExploreOptions, Landscape, LandscapeOptions, MergeTree, TreeOptions, basin_hop, explore};
use losscape::math::Matrix;
use losscape::math::eigen::symmetric_eigenvalues;
use losscape::math::random::stream;
use losscape::network::{Activation, Network, NetworkOptions};
use losscape::potentials::clusters::LennardJones;
use losscape::potentials::loss::{LossOptions, NetworkLoss, NetworkSymmetry};
use losscape::potentials::{Counted, Potential, Symmetry};
use rand::RngExt;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The folder of shared test data, or `None` with a line that says what is skipped.
fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("LOSSCAPE_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let path = root.join("data").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

fn lennard_jones(atoms: usize) -> Arc<LennardJones> {
    Arc::new(LennardJones::new(atoms))
}

fn energies(landscape: &Landscape) -> Vec<f64> {
    landscape.minima().iter().map(|m| m.energy).collect()
}

fn near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{found:?} against {expected:?}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance, "{found:?} against {expected:?}");
    }
}

/// Every minimum and transition state of LJ4 to LJ6 (LJ4 by algebra; exhaustive searches of others for the rest).
#[test]
fn small_clusters_are_complete() {
    let truth: [(usize, &[f64], &[f64]); 3] = [
        (4, &[-6.0], &[-5.07342086]),
        (5, &[-9.10385242], &[-8.48062016, -8.19788757]),
        (6, &[-12.71206226, -12.30292753], &[-12.07903127, -11.63030727, -11.33403263]),
    ];
    for (atoms, minima, transition_states) in truth {
        let run = Run::silent();
        let l = Landscape::new(lennard_jones(atoms), &LandscapeOptions::default());
        basin_hop(&run, &l, &BasinHopOptions { steps: 30, seed: Some(2), ..Default::default() }).unwrap();
        let options = ExploreOptions { searches: Some(200 * (atoms - 3)), seed: Some(3), ..Default::default() };
        let report = explore(&run, &l, &options).unwrap();
        println!("LJ{atoms}: {report:?}");
        near(&energies(&l), minima, 1e-7);
        let states: Vec<f64> = l.transition_states().iter().map(|t| t.energy).collect();
        near(&states, transition_states, 1e-7);
        assert_eq!(l.counts().components, 1);
    }
}

/// Doye & Wales, J. Chem. Phys. 116, 3777 (2002): four minima, twelve transition states, six of them into a copy of their minimum.
#[test]
fn seven_atoms_have_four_minima_and_twelve_transition_states() {
    let run = Run::silent();
    let l = Landscape::new(lennard_jones(7), &LandscapeOptions::default());
    let options = ExploreOptions { searches: Some(1500), seed: Some(1), ..Default::default() };
    let report = explore(&run, &l, &options).unwrap();
    println!("LJ7: {report:?}");
    near(&energies(&l), &[-16.50538417, -15.93504306, -15.59321094, -15.53306005], 1e-7);
    assert_eq!(l.counts().transition_states, 12);
    assert_eq!(l.transition_states().iter().filter(|t| t.degenerate()).count(), 6);
    assert_eq!(report.new_degenerate, 6);
    assert_eq!(l.verify(&run).unwrap().failed, []);
}

/// Without an L2 term whole valleys are flat: softmax shifts, scales and dead nodes of ReLU networks. Searches end anywhere along them, yet
/// every end of one valley is one minimum. Two ends lie in one valley here when they agree in energy and, for ReLU, in how many items each node is
/// on for: three nodes that are on everywhere beside a dead one and four that are make the same linear map, yet no stationary way leads over.
#[test]
fn a_flat_valley_is_one_minimum() {
    let run = Run::silent();
    let noisy = xor(&XorOptions { count: 100, noise: 0.8, ..Default::default() }, 2).unwrap();
    let outcomes = Ljat3DatasetOptions { side: Some(2.0 * 3f64.sqrt()), count: 100, seed: Some(1), ..Default::default() };
    let outcomes = ljat3_dataset(&run, &outcomes).unwrap();
    // At least the shifts (one a hidden node and one of the biases) are flat; for ReLU the scale of each node is, too.
    for (data, nodes, activation, flat) in [(noisy, [2, 3, 2], Activation::Tanh, 4), (outcomes, [2, 4, 4], Activation::Relu, 9)] {
        let net = Network::new(&nodes, &NetworkOptions { activation, ..Default::default() }).unwrap();
        let potential: Arc<dyn Potential> = Arc::new(NetworkLoss::new(&net, &data, &LossOptions::default()).unwrap());
        let l = Landscape::new(potential.clone(), &LandscapeOptions::default());
        let (mut ends, mut apart) = (0, 0);
        let mut valleys: Vec<(f64, Vec<usize>)> = Vec::new();
        let on = |x: &[f64]| -> Vec<usize> {
            let hidden = nodes[1] as usize;
            let fires = |h: usize, item: usize| {
                let inputs = data.inputs.row(item);
                x[2 * h] * inputs[0] + x[2 * h + 1] * inputs[1] + x[2 * hidden + h] > 0.0
            };
            let mut counts: Vec<usize> = (0..hidden).map(|h| (0..data.len()).filter(|&k| fires(h, k)).count()).collect();
            counts.sort_unstable();
            if activation == Activation::Relu { counts } else { Vec::new() }
        };
        for seed in 0..40 {
            let options = MinimiseOptions { max_iterations: 2000, ..Default::default() };
            let found = minimise(&run, potential.as_ref(), &potential.random(seed, 1.0), &options).unwrap();
            if found.termination != Termination::Converged {
                continue;
            }
            assert_eq!(found.point.curvature.index, 0);
            assert!(found.point.curvature.near_zero >= flat, "{:?}", found.point.curvature);
            let known = l.minimum(l.add_minimum(&found.point).unwrap().id).unwrap();
            // The distance after permutations and signs alone is what counted a valley many times.
            apart += usize::from(NetworkSymmetry::new(&net).distance(&known.position, &found.point.position) > 0.1);
            ends += 1;
            let end = (found.point.energy, on(&found.point.position));
            if valleys.iter().all(|v| (v.0 - end.0).abs() > 1e-8 || v.1 != end.1) {
                valleys.push(end);
            }
        }
        println!("{activation:?}: {ends} ends, {apart} of them far from the stored point, {} valleys", valleys.len());
        assert!(ends >= 10 && apart >= 4 && valleys.len() >= 2);
        assert_eq!(l.counts().minima, valleys.len());
        assert_eq!(l.verify(&run).unwrap().failed, []);
    }
}

/// A minimum and a transition state with both its sides without any dense Hessian; what Lanczos says of them holds within its bound.
fn search_by_products(what: &str, data: &Dataset, nodes: &[i64], l2: f64) {
    let run = Run::silent();
    let net = Network::new(nodes, &NetworkOptions::default()).unwrap();
    let potential = NetworkLoss::new(&net, data, &LossOptions { l2, ..Default::default() }).unwrap();
    assert!(!potential.prefers_dense_hessian());
    let low = minimise(&run, &potential, &potential.random(1, 1.0), &MinimiseOptions::default()).unwrap();
    assert_eq!((low.termination, low.point.curvature.index), (Termination::Converged, 0), "{:?}", low.point.curvature);
    let modes = softest_modes(&run, &potential, &low.point.position, 4).unwrap();
    let mut found = 0;
    for (k, mode) in modes.iter().enumerate() {
        let start: Vec<f64> = low.point.position.iter().zip(mode).map(|(x, m)| x + (0.8 + 0.2 * k as f64) * m).collect();
        let top = transition_state(&run, &potential, &start, &TransitionStateOptions::default()).unwrap();
        if top.termination != Termination::Converged {
            continue;
        }
        found += 1;
        let way = pathway(&run, &potential, &top.point.position, &top.eigenvector, &PathwayOptions::default()).unwrap();
        assert!(way.minus.point.energy < top.point.energy && way.plus.point.energy < top.point.energy);
        let here = top.point.curvature;
        println!("{what}: transition state of energy {}, {} products and gradients, {here:?}", top.point.energy, top.evaluations);
        // The outside witness: the whole spectrum, where the network is small enough for it.
        if potential.dimension() < 1000 {
            let mut hessian = Matrix::default();
            potential.hessian(&top.point.position, &mut hessian);
            let truth = symmetric_eigenvalues(&hessian);
            assert_eq!(truth.iter().filter(|h| **h < -1e-7 * truth[truth.len() - 1]).count(), 1);
            for (value, truth) in here.lowest.iter().zip(&truth) {
                assert!((value - truth).abs() <= here.bound + 1e-12, "{value} for {truth} within {}", here.bound);
            }
        }
        assert!(here.bound > 0.0 && here.bound < here.lowest[0].abs());
    }
    assert!(found >= 1, "{what}: no transition state in {} tries", modes.len());
}

/// 698 parameters on random items: small enough to look at the dense Hessian as well.
#[test]
fn large_networks_are_searched_by_products() {
    let options = GaussianMixtureOptions { count: 60, classes: 10, inputs: 57, spread: 0.5, ..Default::default() };
    search_by_products("random items", &gaussian_mixture(&options, 3).unwrap(), &[57, 10, 10], 0.02);
}

/// Inputs that differ in size and go together, as pixels do: the valleys are long and narrow, and the preconditioner knows them.
#[test]
fn many_large_inputs_are_preconditioned() {
    let mut random = stream(5, 0);
    let (mut rows, mut labels) = (Matrix::zeros(150, 60), Vec::new());
    for i in 0..150 {
        let (a, b) = (random.random_range(0.0..6.0), random.random_range(0.0..6.0));
        for j in 0..60 {
            let at = j as f64 / 60.0;
            rows[(i, j)] = 20.0 * at * (0.5 + 0.25 * ((3.0 * at + a).sin() + (11.0 * at + b).sin()));
        }
        labels.push((a + 0.3 * b) as i64 % 3);
    }
    let data = Dataset::with_classes(rows, &labels).unwrap();
    let net = Network::new(&[60, 8, 3], &NetworkOptions::default()).unwrap();
    let loss = NetworkLoss::new(&net, &data, &LossOptions { l2: 1e-3, ..Default::default() }).unwrap();
    let run = Run::silent();
    // Seen through a wrapper, as scripts see it.
    let loss = Counted::of(Arc::new(loss));
    let plain = MinimiseOptions { preconditioned: false, ..Default::default() };
    let (mut gradients, mut plain_gradients) = (0, 0);
    for seed in 0..3 {
        let start = loss.random(seed, 1.0);
        let found = minimise(&run, &*loss, &start, &MinimiseOptions::default()).unwrap();
        let other = minimise(&run, &*loss, &start, &plain).unwrap();
        assert_eq!((found.termination, other.termination), (Termination::Converged, Termination::Converged));
        gradients += found.evaluations;
        plain_gradients += other.evaluations;
        // At the minimum, and at the start, which has ways down: index and lowest eigenvalues are those of the whole spectrum.
        for x in [&found.point.position, &start] {
            assert!(loss.preconditioner(x).unwrap().spread() > 1e4);
            let mut hessian = Matrix::default();
            loss.hessian(x, &mut hessian);
            let exact = symmetric_eigenvalues(&hessian);
            let told = curvature(&run, &*loss, x).unwrap();
            println!("{told:?}, exact {:?} to {}", &exact[..3], exact[exact.len() - 1]);
            assert_eq!(told.index, exact.iter().filter(|h| **h < 0.0).count());
            let rounding = 1e-14 * exact[exact.len() - 1];
            for (value, exact) in told.lowest.iter().zip(&exact) {
                assert!((value - exact).abs() <= told.bound + rounding, "{value} for {exact} within {}", told.bound);
            }
        }
    }
    println!("{gradients} gradients in all, {plain_gradients} without preconditioner");
    assert!(2 * gradients < plain_gradients);
}

/// The network of Chitturi et al. 2020, Table 3, on fewer items than theirs.
#[test]
fn mnist_networks_are_searched_by_products() {
    let Some(folder) = shared("mnist") else { return };
    let options = ImageSetOptions { train: Some(150), test: Some(1) };
    let (train, _) = load_mnist(&folder, &options).unwrap();
    search_by_products("MNIST", &train, &[784, 10, 10], 0.1);
}

/// What a child of the kill test does: adds points and says each one's id once it is on the disk.
#[test]
#[ignore = "a part of survives_kills, which starts it"]
fn child_that_is_killed() {
    let Some(path) = std::env::var_os("LOSSCAPE_TEST_STORE") else { return };
    let l = Landscape::open(lennard_jones(4), Path::new(&path), &LandscapeOptions::default()).unwrap();
    for k in 0..100_000 {
        let added = l.add_minimum(&numbered(l.counts().minima + k % 2)).unwrap();
        l.flush().unwrap();
        println!("accepted {}", added.id);
    }
}

/// A point that no other number has.
fn numbered(k: usize) -> StationaryPoint {
    let curvature = Curvature { index: 0, near_zero: 0, lowest: [1.0, 2.0], bound: 0.0, log_product: 3.0 };
    let mut position = LennardJonesStart::tetrahedron();
    position[0] += 1e-4 * k as f64;
    StationaryPoint { position, energy: k as f64, rms_gradient: 1e-12, curvature }
}

struct LennardJonesStart;
impl LennardJonesStart {
    fn tetrahedron() -> Vec<f64> {
        vec![1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, 1.0, -1.0, -1.0, -1.0, 1.0].into_iter().map(|x: f64| 0.4 * x).collect()
    }
}

/// Everything that was accepted is there after `kill -9`, the file is sound, and no id is there twice.
#[test]
fn survives_kills() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("killed.db");
    let mut accepted = 0;
    for round in 0..5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "landscape::child_that_is_killed", "--ignored", "--nocapture"])
            .env("LOSSCAPE_TEST_STORE", &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let wanted = 3 + 4 * round;
        let mut heard = 0;
        while let Some(Ok(line)) = lines.next() {
            // The harness writes its own words before the first line.
            if let Some(id) = line.split("accepted ").nth(1) {
                accepted = accepted.max(id.trim().parse::<usize>().unwrap());
                heard += 1;
                if heard == wanted {
                    break;
                }
            }
        }
        // Somewhere within a commit.
        std::thread::sleep(Duration::from_micros(700 * round as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(heard > 0, "the child of round {round} accepted nothing");
        let l = Landscape::open(lennard_jones(4), &path, &LandscapeOptions::default()).unwrap();
        assert!(l.counts().minima >= accepted, "{} of {accepted} points are left", l.counts().minima);
    }
    assert!(accepted >= 20);
}

/// The database of LJ38 that the Wales group's tutorial builds, and what disconnectionDPS printed for it.
#[test]
fn lj38_is_drawn_as_disconnection_dps_draws_it() {
    let Some(folder) = shared("lj38_pathsample") else { return };
    let l = load_pathsample(&folder, None).unwrap();
    let counts = l.counts();
    assert_eq!((counts.minima, counts.transition_states, counts.components), (12, 11, 1));
    assert_eq!(l.global_minimum().unwrap().id, 2);
    let printed = std::fs::read_to_string(folder.join("disconnectionDPS.out")).unwrap();
    let expected: Vec<usize> = printed
        .lines()
        .filter_map(|line| line.strip_prefix("Nodes remaining at level")?.split(':').nth(1)?.trim().parse().ok())
        .collect();
    assert_eq!(expected.len(), 29);
    let dinfo = load_dinfo(&Run::silent(), &folder.join("dinfo")).unwrap();
    assert_eq!(dinfo.label, [2, 8]);
    let tree = MergeTree::of(&l, &dinfo.tree).unwrap();
    assert_eq!(tree.nodes, expected);
    assert_eq!(tree.counts, [1, 1, 2, 4, 3, 2, 2, 2, 2, 2, 2, 2, 4, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 1, 1, 1, 1, 0]);
    assert_eq!(tree.leaves.len(), 10);
    let whole = MergeTree::of(&l, &TreeOptions::default()).unwrap();
    assert_eq!((whole.merges.len(), whole.roots.len()), (11, 1));
    // PATHSAMPLE's own Dijkstra path (Epath).
    let path = l.lowest_path(2, 8).unwrap().unwrap();
    assert_eq!(path.transition_states, [1, 9, 2, 11, 8, 10, 6, 5]);
    assert!((path.barrier - 5.169318831078).abs() < 1e-9);
    let printed = std::fs::read_to_string(folder.join("Epath")).unwrap();
    let steps: Vec<f64> = printed.lines().filter_map(|line| line.split_whitespace().nth(1)?.parse().ok()).collect();
    near(&path.energies, &steps, 1e-6);
}

#[test]
fn a_pathsample_database_is_written_as_it_was_read() {
    let Some(folder) = shared("lj38_pathsample") else { return };
    let copy = tempfile::tempdir().unwrap();
    save_pathsample(&load_pathsample(&folder, None).unwrap(), copy.path()).unwrap();
    for name in ["min.data", "ts.data", "points.min", "points.ts", "min.A", "min.B"] {
        let (was, is) = (std::fs::read(folder.join(name)).unwrap(), std::fs::read(copy.path().join(name)).unwrap());
        assert!(was == is, "{name} was changed");
    }
}

#[test]
fn our_own_points_go_through_pathsample_files() {
    let run = Run::silent();
    let l = Landscape::new(lennard_jones(6), &LandscapeOptions::default());
    explore(&run, &l, &ExploreOptions { searches: Some(120), seed: Some(4), ..Default::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    save_pathsample(&l, folder.path()).unwrap();
    let back = load_pathsample(folder.path(), Some(lennard_jones(6))).unwrap();
    assert_eq!(back.counts(), l.counts());
    for (ours, read) in l.minima().iter().zip(back.minima()) {
        assert_eq!((ours.id, &ours.position), (read.id, &read.position));
        assert!((ours.energy - read.energy).abs() < 1e-14);
        assert!((ours.curvature.log_product - read.curvature.log_product).abs() < 1e-12);
    }
    assert_eq!(back.verify(&run).unwrap().failed, []);
    // The octahedron: 48 operations; all three moments are equal.
    let text = std::fs::read_to_string(folder.path().join("min.data")).unwrap();
    let line = text.lines().nth(l.global_minimum().unwrap().id - 1).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!((words.len(), words[2]), (6, "48"));
    assert!((words[3].parse::<f64>().unwrap() - words[5].parse::<f64>().unwrap()).abs() < 1e-5);
    assert_eq!((line.find('.'), line.len()), (Some(9), 25 + 25 + 6 + 60), "the columns of PATHSAMPLE");
}

#[test]
fn broken_databases_name_file_and_line() {
    let run = Run::silent();
    let l = Landscape::new(lennard_jones(6), &LandscapeOptions::default());
    explore(&run, &l, &ExploreOptions { searches: Some(60), seed: Some(4), ..Default::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    save_pathsample(&l, folder.path()).unwrap();
    let whole = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let says = |name: &str, content: &[u8]| {
        let was = whole(name);
        std::fs::write(folder.path().join(name), content).unwrap();
        let said = match load_pathsample(folder.path(), None) {
            Ok(_) => panic!("{name} was accepted"),
            Err(error) => error.to_string(),
        };
        std::fs::write(folder.path().join(name), was).unwrap();
        said
    };
    let points = whole("points.min");
    assert!(says("points.min", &points[..points.len() - 1]).contains("points.min"));
    assert!(says("points.ts", &points[..8]).contains("points.ts"));
    let text = String::from_utf8(whole("min.data")).unwrap();
    let broken = text.replacen("48", "4 8 x", 1).replacen("-12.3", "-12,3", 1);
    let said = says("min.data", broken.as_bytes());
    assert!(said.contains("min.data") && said.contains("line "), "{said}");
    let said = says("ts.data", b"-12.0 5.0 1 1 99 1 1 1\n");
    assert!(said.contains("ts.data") || said.contains("points.ts"), "{said}");
    assert!(says("min.data", b"0 -12.7\n1 -12.3\n").contains("load_topsearch"));
    assert!(says("min.data", b"").contains("min.data"));
    // Bytes at random never bring it down.
    for seed in 0..200u64 {
        for name in ["min.data", "ts.data", "points.min", "points.ts"] {
            let mut bytes = whole(name);
            let place = (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 7) as usize % bytes.len();
            bytes[place] = bytes[place].wrapping_add(1 + seed as u8);
            std::fs::write(folder.path().join("broken"), &bytes).unwrap();
            let was = whole(name);
            std::fs::write(folder.path().join(name), &bytes).unwrap();
            let _ = load_pathsample(folder.path(), None);
            std::fs::write(folder.path().join(name), was).unwrap();
        }
    }
}

#[test]
fn topsearch_databases_are_read() {
    let Some(folder) = shared("topsearch") else { return };
    let l = load_topsearch(&folder, &TopSearchOptions::default(), None).unwrap();
    assert_eq!((l.counts().minima, l.counts().transition_states), (4, 3));
    near(&energies(&l), &[-16.50538, -15.93504, -15.59321, -15.53306], 2e-5);
    assert_eq!(l.global_minimum().unwrap().id, 3);
    assert_eq!(l.transition_states()[0].minima, [3, 4]);
    let energy = losscape::potentials::energy(lennard_jones(7).as_ref(), &l.global_minimum().unwrap().position);
    assert!((energy + 16.50538417).abs() < 1e-6);
}

/// The targets of speed for large landscapes, with room for an unoptimised build on a busy machine.
#[test]
fn large_landscapes_stay_quick() {
    let l = Landscape::new(lennard_jones(4), &LandscapeOptions::default());
    let began = Instant::now();
    let count = 20_000;
    for k in 0..count {
        l.add_minimum(&numbered(k)).unwrap();
    }
    let each = began.elapsed().as_secs_f64() / count as f64;
    println!("{:.1} µs to add a minimum", 1e6 * each);
    assert!(each < 2e-4, "{each} s to add a minimum");
    let n = 200_000usize;
    let minima = (1..=n).map(|id| (id, (id as f64 * 0.618_033_988_75).fract())).collect();
    let states = (1..=540_000usize)
        .map(|id| {
            let pick = |salt: u64| ((id as u64).wrapping_mul(salt) >> 20) as usize % n + 1;
            (id, 1.0 + (id as f64 * 0.414_213_562_37).fract(), [pick(0x9E37_79B9_7F4A_7C15), pick(0xD1B5_4A32_D192_ED03)])
        })
        .collect();
    let began = Instant::now();
    let tree = MergeTree::new(minima, states, &TreeOptions { levels: Some(100), ..Default::default() }).unwrap();
    println!("{:.2} s for the tree of {n} minima", began.elapsed().as_secs_f64());
    assert_eq!(tree.merges.len() + tree.roots.len(), n);
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// A landscape on disk: the searches of one that was closed in between give the same points as in memory.
#[test]
fn a_store_of_a_search_is_complete_and_continues() {
    let run = Run::silent();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lj5.db");
    let options = ExploreOptions { searches: Some(64), seed: Some(1), ..Default::default() };
    let stored = Landscape::open(lennard_jones(5), &path, &LandscapeOptions::default()).unwrap();
    explore(&run, &stored, &options).unwrap();
    drop(stored);
    let memory = Landscape::new(lennard_jones(5), &LandscapeOptions::default());
    explore(&run, &memory, &options).unwrap();
    let again = Landscape::open(lennard_jones(5), &path, &LandscapeOptions::default()).unwrap();
    assert_eq!(again.counts(), memory.counts());
    assert_eq!(again.minima_found(), memory.minima_found());
    for (a, b) in again.transition_states().iter().zip(memory.transition_states()) {
        assert_eq!((a.id, &a.position, a.minima), (b.id, &b.position, b.minima));
    }
    let start = again.global_minimum().unwrap().position.clone();
    let found = minimise(&run, lennard_jones(5).as_ref(), &start, &MinimiseOptions::default()).unwrap();
    assert!(!again.add_minimum(&found.point).unwrap().new);
}
