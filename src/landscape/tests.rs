//! What a landscape promises, on a surface of two double wells whose stationary points are known.

use super::*;
use crate::algorithms::{
    BasinHopOptions, MinimiseOptions, PathwayOptions, TransitionStateOptions, minimise, pathway, transition_state,
};
use crate::base::Run;
use crate::potentials::{Batch, Evaluations, Family, Potential};
use std::any::Any;

/// (x² − 1)² + (y² − 1)² + tilt (x + y/2): four minima, four transition states, one maximum. Without tilt all minima have energy 0.
struct Wells {
    tilt: f64,
}

impl Potential for Wells {
    fn dimension(&self) -> usize {
        2
    }
    fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
        out.prepare(&batch);
        for r in 0..batch.rows {
            let [x, y] = [batch.row(r)[0], batch.row(r)[1]];
            out.energies[r] = (x * x - 1.0).powi(2) + (y * y - 1.0).powi(2) + self.tilt * (x + 0.5 * y);
            if out.wants_gradients {
                out.gradients[2 * r] = 4.0 * x * (x * x - 1.0) + self.tilt;
                out.gradients[2 * r + 1] = 4.0 * y * (y * y - 1.0) + 0.5 * self.tilt;
            }
        }
    }
    fn family(&self) -> Family {
        Family::Surface
    }
    fn identity(&self) -> Identity {
        Identity {
            name: "wells".into(),
            parts: vec![
                ("tilt".into(), self.tilt.to_string()),
                ("data".into(), "sha256:0123456789abcdef0123456789abcdef".into()),
            ],
        }
    }
    fn random(&self, seed: u64, scale: f64) -> Vec<f64> {
        use rand::RngExt;
        let mut random = crate::math::random::stream(seed, 0);
        (0..2).map(|_| scale * (3.0 * random.random::<f64>() - 1.5)).collect()
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn wells(tilt: f64) -> Landscape {
    Landscape::new(Arc::new(Wells { tilt }), &LandscapeOptions::default())
}

fn minimum(landscape: &Landscape, x: f64, y: f64) -> StationaryPoint {
    minimise(&Run::silent(), landscape.potential().unwrap().as_ref(), &[x, y], &MinimiseOptions::default()).unwrap().point
}

/// The transition state near a start, and both its sides.
fn saddle(landscape: &Landscape, x: f64, y: f64) -> [StationaryPoint; 3] {
    let (run, potential) = (Run::silent(), landscape.potential().unwrap().as_ref());
    let top = transition_state(&run, potential, &[x, y], &TransitionStateOptions::default()).unwrap();
    let way = pathway(&run, potential, &top.point.position, &top.eigenvector, &PathwayOptions::default()).unwrap();
    [top.point, way.minus.point, way.plus.point]
}

fn add_saddle(landscape: &Landscape, x: f64, y: f64) -> AddedConnection {
    let [top, minus, plus] = saddle(landscape, x, y);
    landscape.add_transition_state(&top, &minus, &plus).unwrap()
}

/// All four minima and transition states: ids 1 … 4 in order of adding.
fn complete(landscape: &Landscape) {
    for (x, y) in [(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)] {
        landscape.add_minimum(&minimum(landscape, x, y)).unwrap();
    }
    for (x, y) in [(0.0, 1.0), (-1.0, 0.0), (0.0, -1.0), (1.0, 0.0)] {
        add_saddle(landscape, x, y);
    }
}

#[test]
fn equal_energies_at_different_places_are_two() {
    let l = wells(0.0);
    let first = l.add_minimum(&minimum(&l, 1.2, 0.8)).unwrap();
    let other = l.add_minimum(&minimum(&l, -1.2, 0.8)).unwrap();
    let again = l.add_minimum(&minimum(&l, 0.8, 1.1)).unwrap();
    assert_eq!((first, other), (Added { id: 1, new: true }, Added { id: 2, new: true }));
    assert_eq!(again, Added { id: 1, new: false });
    assert_eq!(l.counts(), Counts { minima: 2, transition_states: 0, components: 2 });
}

#[test]
fn ids_follow_adding_and_lists_follow_energy() {
    let l = wells(0.2);
    complete(&l);
    let minima = l.minima();
    assert_eq!(minima.iter().map(|m| m.id).collect::<Vec<_>>(), [3, 2, 4, 1]);
    assert!(minima.windows(2).all(|w| w[0].energy <= w[1].energy));
    assert_eq!(l.global_minimum().unwrap().id, 3);
    assert_eq!(l.counts(), Counts { minima: 4, transition_states: 4, components: 1 });
    assert_eq!(l.minimum(99).unwrap_err().message, "minimum: there is no minimum 99");
    assert_eq!(l.minimum(0).unwrap_err().kind, Kind::Name);
    let known = add_saddle(&l, 0.05, 1.05);
    assert!(!known.transition_state.new && !known.minus.new && !known.plus.new);
}

#[test]
fn refuses_what_is_no_stationary_point_of_its_kind() {
    let l = wells(0.2);
    let [top, minus, plus] = saddle(&l, 0.0, 1.0);
    let said = l.add_minimum(&top).unwrap_err();
    assert!(said.kind == Kind::Landscape && said.message.contains("index 1"), "{said}");
    let loose = StationaryPoint { rms_gradient: 1e-4, ..minus.clone() };
    assert!(l.add_minimum(&loose).unwrap_err().message.contains("1.00e-4"));
    assert_eq!(l.add_transition_state(&minus, &minus, &plus).unwrap_err().kind, Kind::Landscape);
    let high = StationaryPoint { energy: 5.0, ..minus.clone() };
    assert!(l.add_transition_state(&top, &high, &plus).unwrap_err().message.contains("does not lie above"));
    let three = StationaryPoint { position: vec![0.0; 3], ..minus.clone() };
    assert_eq!(l.add_minimum(&three).unwrap_err().kind, Kind::Shape);
    let hole = StationaryPoint { energy: f64::NAN, ..minus.clone() };
    assert_eq!(l.add_minimum(&hole).unwrap_err().kind, Kind::Value);
    assert_eq!(l.counts().minima, 0);
    assert_eq!(l.check_tolerance("explore", 1e-6).unwrap_err().kind, Kind::Landscape);
    assert!(l.global_minimum().is_err());
}

#[test]
fn a_rearrangement_into_a_copy_is_kept() {
    let l = wells(0.2);
    let [top, minus, _] = saddle(&l, 0.0, 1.0);
    let added = l.add_transition_state(&top, &minus, &minus).unwrap();
    let point = l.transition_state(added.transition_state.id).unwrap();
    assert!(point.degenerate());
    assert_eq!(l.counts(), Counts { minima: 1, transition_states: 1, components: 1 });
}

#[test]
fn the_lowest_path_goes_round_the_higher_barrier() {
    let l = wells(0.2);
    complete(&l);
    // From 1 (+,+) to 3 (−,−): over 2 or over 4. The saddle (−1, 0) lies below (1, 0), (0, −1) below (0, 1).
    let path = l.lowest_path(1, 3).unwrap().unwrap();
    assert_eq!(path.energies.len(), 2 * path.transition_states.len() + 1);
    assert_eq!((path.minima[0], *path.minima.last().unwrap()), (1, 3));
    let top = path.energies.iter().fold(f64::MIN, |a, b| a.max(*b));
    assert!((path.barrier - (top - l.minimum(1).unwrap().energy)).abs() < 1e-15);
    let over = |sides: [usize; 2]| {
        l.transition_states().iter().find(|t| t.minima.contains(&sides[0]) && t.minima.contains(&sides[1])).unwrap().energy
    };
    let best = over([1, 2]).max(over([2, 3])).min(over([1, 4]).max(over([4, 3])));
    assert_eq!(top, best);
    // Straight from minimum to saddle is the shortest way there is.
    assert!(path.length > 3.9 && path.length < 4.1);
    let back = l.lowest_path(3, 1).unwrap().unwrap();
    assert_eq!(back.transition_states.iter().rev().copied().collect::<Vec<_>>(), path.transition_states);
    assert!(l.lowest_path(2, 2).is_err() && l.lowest_path(1, 7).unwrap_err().message.contains('7'));
    let apart = wells(0.2);
    apart.add_minimum(&minimum(&apart, 1.0, 1.0)).unwrap();
    apart.add_minimum(&minimum(&apart, -1.0, 1.0)).unwrap();
    assert_eq!(apart.lowest_path(1, 2).unwrap(), None);
}

#[test]
fn annotations_are_fields_all_or_none() {
    let l = wells(0.2);
    complete(&l);
    l.annotate("auc", &[1, 2, 3, 4], &[0.5, f64::NAN, 0.7, 0.8]).unwrap();
    assert_eq!((l.field("auc", 3), l.field("auc", 9), l.field("test", 1)), (Some(0.7), None, None));
    assert!(l.field("auc", 2).unwrap().is_nan());
    assert!(l.annotate("auc", &[1, 17], &[1.0, 1.0]).is_err());
    assert_eq!(l.field("auc", 1), Some(0.5));
    assert_eq!(l.annotate("energy", &[1], &[1.0]).unwrap_err().kind, Kind::Name);
    assert_eq!(l.fields(), ["auc"]);
}

#[test]
fn merging_adds_what_is_new_and_refuses_another_potential() {
    let (a, b) = (wells(0.2), wells(0.2));
    a.add_minimum(&minimum(&a, -1.0, -1.0)).unwrap();
    complete(&b);
    assert_eq!(a.merge(&b).unwrap(), (3, 4));
    assert_eq!(a.counts(), b.counts());
    assert_eq!(a.minimum(1).unwrap().energy, b.minimum(3).unwrap().energy);
    assert_eq!(a.merge(&b).unwrap(), (0, 0));
    assert_eq!(a.merge(&a.clone()).unwrap(), (0, 0));
    let said = a.merge(&wells(0.3)).unwrap_err().message;
    assert!(said.contains("`tilt` is 0.2 here, 0.3 there"), "{said}");
}

#[test]
fn verify_names_what_does_not_hold() {
    let l = wells(0.2);
    complete(&l);
    let run = Run::silent();
    assert_eq!(l.verify(&run).unwrap(), Verification { checked: 8, failed: vec![] });
    let wrong = StationaryPoint { energy: 0.123, ..minimum(&l, 1.0, 1.0) };
    let id = l.add_minimum(&wrong).unwrap().id;
    let failed = l.verify(&run).unwrap().failed;
    assert_eq!((failed.len(), failed[0].kind, failed[0].id), (1, "minimum", id));
    assert!(failed[0].reason.contains("0.123"));
}

#[test]
fn connect_finds_the_way_over_two_saddles() {
    let l = wells(0.2);
    let a = l.add_minimum(&minimum(&l, 1.0, 1.0)).unwrap().id;
    let b = l.add_minimum(&minimum(&l, -1.0, -1.0)).unwrap().id;
    // Without time there is no way, and that is no error.
    let hasty = ConnectOptions { seconds: Some(0.0), ..Default::default() };
    assert!(connect(&Run::silent(), &l, a, b, &hasty).unwrap().is_none());
    assert_eq!(l.counts().transition_states, 0);
    let path = connect(&Run::silent(), &l, a, b, &ConnectOptions::default()).unwrap().unwrap();
    assert_eq!(path.transition_states.len(), 2);
    // What is connected needs no time.
    assert_eq!(connect(&Run::silent(), &l, a, b, &hasty).unwrap().unwrap().transition_states.len(), 2);
    assert_eq!(l.counts().components, 1);
    assert!(connect(&Run::silent(), &l, a, a, &ConnectOptions::default()).is_err());
    let loose = ConnectOptions { tolerance: 1e-3, ..Default::default() };
    assert_eq!(connect(&Run::silent(), &l, a, b, &loose).unwrap_err().kind, Kind::Landscape);
}

#[test]
fn explore_finds_everything_whatever_the_number_of_threads() {
    let explored = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let l = wells(0.2);
            let options = ExploreOptions { searches: Some(160), seed: Some(3), ..Default::default() };
            let report = explore(&Run::silent(), &l, &options).unwrap();
            (l, report)
        })
    };
    let (one, report) = explored(1);
    assert_eq!(one.counts(), Counts { minima: 4, transition_states: 4, components: 1 });
    assert_eq!((report.searches, report.new_minima, report.new_transition_states), (160, 4, 4));
    assert_eq!(report.ended_by, "searches");
    assert_eq!(report.strategies.iter().map(|s| s.searches).sum::<usize>(), 160);
    assert!(report.strategies.iter().all(|s| s.searches > 0));
    let (three, _) = explored(3);
    for (p, q) in one.minima().iter().zip(three.minima()) {
        assert_eq!((p.id, &p.position), (q.id, &q.position));
    }
    assert_eq!(one.minima_found(), three.minima_found());
    let c = one.completeness();
    assert!(c.estimate >= 4.0 && c.low <= c.estimate && c.estimate <= c.high);
}

#[test]
fn explore_ends_at_its_targets_and_in_time() {
    let run = Run::silent();
    let l = wells(0.2);
    let two = ExploreOptions { minima: Some(2), seed: Some(1), ..Default::default() };
    assert_eq!(explore(&run, &l, &two).unwrap().ended_by, "minima");
    let all = ExploreOptions { completeness: Some(1.0), seed: Some(1), ..Default::default() };
    assert_eq!(explore(&run, &l, &all).unwrap().ended_by, "completeness");
    let soon = ExploreOptions { seconds: Some(0.05), ..Default::default() };
    let report = explore(&run, &l, &soon).unwrap();
    assert!(report.ended_by == "seconds" && report.seconds < 1.0);
    let odd = ExploreOptions { strategies: vec!["single-ended".into()], ..Default::default() };
    assert!(explore(&run, &l, &odd).unwrap_err().to_string().contains("single_ended"));
}

#[test]
fn basin_hopping_counts_a_chain_once() {
    let l = wells(0.2);
    let options = BasinHopOptions { steps: 60, runs: 2, step: Some(1.3), seed: Some(1), ..Default::default() };
    basin_hop(&Run::silent(), &l, &options).unwrap();
    assert!(l.counts().minima >= 2);
    assert!(l.minima_found().iter().all(|&f| (1..=2).contains(&f)));
    assert_eq!(l.runs()[0].function, "basin_hop");
}

fn open(path: &Path, tilt: f64) -> Result<Landscape> {
    Landscape::open(Arc::new(Wells { tilt }), path, &LandscapeOptions::default())
}

#[test]
fn a_file_gives_back_what_was_put_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wells.db");
    let first = open(&path, 0.2).unwrap();
    complete(&first);
    first.annotate("auc", &[1, 2], &[0.25, f64::NAN]).unwrap();
    (0..3).for_each(|_| first.count_found(2).unwrap());
    first.record_run("test", "steps: 3", u64::MAX).unwrap();
    first.flush().unwrap();
    let said = match open(&path, 0.2).unwrap().record_run("second", "", 1) {
        Ok(()) => panic!("a second writer was let in"),
        Err(error) => error.message,
    };
    assert!(said.contains("being written by somebody else"), "{said}");
    let (minima, states) = (first.minima(), first.transition_states());
    drop(first);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside the file");
    let again = open(&path, 0.2).unwrap();
    for (old, new) in minima.iter().zip(again.minima()) {
        assert_eq!((old.id, &old.position, old.energy, old.curvature), (new.id, &new.position, new.energy, new.curvature));
    }
    for (old, new) in states.iter().zip(again.transition_states()) {
        assert_eq!((old.id, old.minima, &old.position), (new.id, new.minima, &new.position));
    }
    assert_eq!(again.minima_found(), [1, 4, 1, 1]);
    assert_eq!((again.field("auc", 1), again.field("auc", 3)), (Some(0.25), None));
    assert!(again.field("auc", 2).unwrap().is_nan());
    assert_eq!((again.runs().len(), again.runs()[0].seed), (1, u64::MAX));
    assert!(!again.add_minimum(&minimum(&again, 1.0, 1.0)).unwrap().new);
    assert_eq!(again.counts().components, 1);
}

#[test]
fn a_file_refuses_what_does_not_belong_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wells.db");
    drop(open(&path, 0.2).unwrap());
    let says = |path: &Path, tilt: f64| match open(path, tilt) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error.to_string(),
    };
    assert!(says(&path, 0.5).contains("`tilt` is 0.5 as given, 0.2 in the file"), "{}", says(&path, 0.5));
    let text = folder.path().join("note.csv");
    std::fs::write(&text, "a,label\n1,0\n".repeat(100)).unwrap();
    assert!(says(&text, 0.2).contains("note.csv") && says(&text, 0.2).contains("not a landscape"));
    let foreign = folder.path().join("other.db");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    assert!(says(&foreign, 0.2).contains("another program"));
    assert!(says(&folder.path().join("no/where.db"), 0.2).contains("does not exist"));
    assert!(says(folder.path(), 0.2).contains("folder"));
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let newer = says(&path, 0.2);
    assert!(newer.contains("99") && newer.contains("newer"), "{newer}");
}

#[test]
fn tolerances_stay_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wells.db");
    let loose = LandscapeOptions { tolerance: Some(1e-6), ..Default::default() };
    drop(Landscape::open(Arc::new(Wells { tilt: 0.2 }), &path, &loose).unwrap());
    assert_eq!(open(&path, 0.2).unwrap().tolerances().tolerance, 1e-6);
    let other = LandscapeOptions { tolerance: Some(1e-8), ..Default::default() };
    let Err(error) = Landscape::open(Arc::new(Wells { tilt: 0.2 }), &path, &other) else { panic!("another tolerance was taken") };
    assert!(error.message.contains("1e-6") && error.message.contains("1e-8"), "{error}");
}

#[test]
fn a_locked_file_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wells.db");
    drop(open(&path, 0.2).unwrap());
    let l = open(&path, 0.2).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute("UPDATE setting SET value = 77 WHERE name = 'revision'", []).unwrap();
    let said = l.add_minimum(&minimum(&l, 1.0, 1.0)).unwrap_err().message;
    assert!(said.contains("changed by somebody else"), "{said}");
}

/// Along a mode of curvature 1e-6 an RMS gradient of 8e-10 leaves a doubt of 1e-3 about the position: one point, however often it is found.
#[test]
fn a_soft_mode_makes_no_second_point() {
    let l = wells(0.2);
    let exact = minimum(&l, 1.0, 1.0);
    let at = |shift: f64, softest: f64| {
        let mut point = StationaryPoint { rms_gradient: 8e-10, ..exact.clone() };
        point.position[0] += shift;
        point.curvature.lowest[0] = softest;
        point
    };
    assert_eq!(l.add_minimum(&at(0.0, 1e-6)).unwrap(), Added { id: 1, new: true });
    assert_eq!(l.add_minimum(&at(2e-3, 1e-6)).unwrap(), Added { id: 1, new: false });
    // What the soft mode does not explain is another point, and a twin.
    assert_eq!(l.add_minimum(&at(1e-2, 1e-6)).unwrap(), Added { id: 2, new: true });
    assert_eq!(l.add_minimum(&at(-4e-3, 8.0)).unwrap(), Added { id: 3, new: true });
    assert!(l.minimum_has_twin(3));
    // Energies that differ by more than rounding are those of two points.
    let higher = StationaryPoint { energy: exact.energy + 5e-9, ..at(2e-3, 1e-6) };
    assert!(l.add_minimum(&higher).unwrap().new);
    assert!(!l.minimum_has_twin(4));
}

/// A known transition state is not followed down again: its sides are those that the landscape has.
#[test]
fn what_is_found_again_costs_less_and_is_counted() {
    let run = Run::silent();
    let l = wells(0.2);
    complete(&l);
    let options =
        ExploreOptions { searches: Some(80), strategies: vec!["single_ended".into()], seed: Some(2), ..Default::default() };
    let report = explore(&run, &l, &options).unwrap();
    assert_eq!((report.new_minima, report.new_transition_states, report.twins), (0, 0, 0));
    assert_eq!(report.strategies.iter().map(|s| s.searches).collect::<Vec<_>>(), [0, 80]);
    assert_eq!(report.failed_searches, report.strategies[1].failed);
    assert!(report.failed_searches < 20 && report.cpu_seconds >= 0.0, "{report:?}");
    let again: u64 = l.state().transition_states_found.iter().sum();
    assert!(again as usize > 4 + 40, "{again}");
    // Each search from a minimum found the one on the other side once more.
    assert!(l.minima_found().iter().sum::<u64>() > 40);
    // One search that finds, followed down: gradients of both sides on top of those of the climb.
    let fresh = wells(0.2);
    fresh.add_minimum(&minimum(&fresh, 1.0, 1.0)).unwrap();
    let first = explore(&run, &fresh, &ExploreOptions { searches: Some(8), ..options }).unwrap();
    let each = |r: &ExploreReport| r.strategies[1].evaluations as f64 / r.strategies[1].searches as f64;
    assert!(each(&report) < 0.8 * each(&first), "{} {}", each(&report), each(&first));
}

/// A row of wells, more than take part in a search for gaps: the way from one to the third beside it crosses those between.
#[test]
fn connect_crosses_a_large_landscape_by_short_gaps() {
    let l = Landscape::new(Arc::new(Row), &LandscapeOptions::default());
    let ids: Vec<usize> = (-200..200).map(|k| l.add_minimum(&minimum(&l, f64::from(k), 0.0)).unwrap().id).collect();
    let way = connect(&Run::silent(), &l, ids[250], ids[253], &ConnectOptions::default()).unwrap().unwrap();
    assert_eq!(way.minima, ids[250..=253]);
    assert_eq!(l.counts(), Counts { minima: 400, transition_states: 3, components: 397 });
}

/// E = −cos 2πx + y²: wells at whole x.
struct Row;

impl Potential for Row {
    fn dimension(&self) -> usize {
        2
    }
    fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
        out.prepare(&batch);
        let turn = std::f64::consts::TAU;
        for r in 0..batch.rows {
            let [x, y] = [batch.row(r)[0], batch.row(r)[1]];
            // A slope of its own for each well, so that no two energies agree.
            out.energies[r] = -(turn * x).cos() + y * y + 1e-4 * x;
            if out.wants_gradients {
                out.gradients[2 * r] = turn * (turn * x).sin() + 1e-4;
                out.gradients[2 * r + 1] = 2.0 * y;
            }
        }
    }
    fn family(&self) -> Family {
        Family::Surface
    }
    fn identity(&self) -> Identity {
        Identity { name: "row".into(), parts: Vec::new() }
    }
    fn random(&self, seed: u64, scale: f64) -> Vec<f64> {
        vec![scale * seed as f64, 0.0]
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}
