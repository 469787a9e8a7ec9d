//! The shape of a set of like atoms: moments of inertia, the order of the point group, superposition of one geometry onto another.
//!
//! Two geometries are superposed exactly by frames: an atom and a second one span, with the centroid, a coordinate frame; every pair of the other
//! geometry with the same two radii and the same distance spans a candidate for its image, once right-handed and once left-handed. All atoms are
//! then matched one by one. The pair is taken from the smallest shells (atoms at one radius), so that a geometry without symmetry has a single
//! candidate and an icosahedron 120. Cost: candidates × n², with n² replaced by a few comparisons for nearly all that fail.
//! Fails (says so by `None`) when the pair would be too nearly parallel or atoms too close for the tolerance; linear geometries are matched along their axis.

use crate::math::rotation::{self, Mat3, Vec3};

/// Atoms relative to their centroid, and the centroid.
pub(super) fn centred(x: &[f64]) -> (Vec<Vec3>, Vec3) {
    let mut atoms: Vec<Vec3> = x.as_chunks::<3>().0.iter().map(|&a| a.into()).collect();
    let centre = atoms.iter().sum::<Vec3>() / atoms.len().max(1) as f64;
    atoms.iter_mut().for_each(|a| *a -= centre);
    (atoms, centre)
}

/// Principal moments of inertia (ascending, unit masses) and their axes (a column each) of atoms around the origin.
pub(super) fn inertia(points: &[Vec3]) -> (Vec3, Mat3) {
    let tensor = points.iter().map(|p| Mat3::from_diagonal_element(p.norm_squared()) - p * p.transpose()).sum();
    rotation::eigen(&tensor)
}

/// Principal moments of inertia of atoms at `x` around their centroid, ascending, for unit masses (σ²).
pub fn moments_of_inertia(x: &[f64]) -> [f64; 3] {
    inertia(&centred(x).0).0.into()
}

/// One geometry laid onto another: a_i ≈ rotation · b_(order i).
pub(super) struct Match {
    /// Proper or improper.
    pub rotation: Mat3,
    pub order: Vec<usize>,
    /// √Σ|a_i − R b_(order i)|².
    pub distance: f64,
}

/// The least distance for a given pairing of atoms and chirality.
pub(super) fn superpose(a: &[Vec3], b: &[Vec3], order: &[usize], mirror: bool) -> Match {
    let sign = if mirror { -1.0 } else { 1.0 };
    let sums: Mat3 = a.iter().zip(order).map(|(p, &j)| b[j] * p.transpose()).sum();
    let rotation = sign * rotation::superposition(&(sign * sums));
    let square: f64 = a.iter().zip(order).map(|(p, &j)| (p - rotation * b[j]).norm_squared()).sum();
    Match { rotation, order: order.to_vec(), distance: square.sqrt() }
}

/// A lower bound of the distance between two geometries under every rotation and permutation: their sorted radii.
pub(super) fn radial_distance(a: &[Vec3], b: &[Vec3]) -> f64 {
    let sorted = |points: &[Vec3]| {
        let mut radii: Vec<f64> = points.iter().map(|p| p.norm()).collect();
        radii.sort_by(f64::total_cmp);
        radii
    };
    sorted(a).iter().zip(sorted(b)).map(|(r, s)| (r - s) * (r - s)).sum::<f64>().sqrt()
}

/// Atoms i and j of a geometry that span a frame with the centroid, with as few candidates for their images as can be.
/// `None` when the geometry is a point or nearly linear.
fn frame_pair(points: &[Vec3], tolerance: f64) -> Option<(usize, usize)> {
    let radii: Vec<f64> = points.iter().map(|p| p.norm()).collect();
    let largest = radii.iter().fold(0.0f64, |a, &r| a.max(r));
    let shell: Vec<usize> = radii.iter().map(|r| radii.iter().filter(|s| (*s - r).abs() <= 2.0 * tolerance).count()).collect();
    // The image of the pair is off by up to the tolerance; these bounds keep the error that follows at the outermost atom within ten of it.
    let i = (0..points.len()).filter(|&i| radii[i] >= 0.4 * largest && radii[i] > 0.0).min_by_key(|&i| shell[i])?;
    let off_axis = |j: usize| points[i].cross(&points[j]).norm() / radii[i];
    let j = (0..points.len()).filter(|&j| j != i && off_axis(j) >= 0.3 * largest).min_by_key(|&j| shell[j])?;
    Some((i, j))
}

/// How far images of matched atoms may be from where the frame puts them, in units of the tolerance: see `frame_pair`.
const AMPLIFICATION: f64 = 10.0;

/// What a search for superpositions can answer.
pub(super) enum Superposition {
    /// Every one found (only the first where one was enough).
    Exactly(Vec<Match>),
    /// The method does not apply to this geometry at this tolerance.
    Undecided,
}

/// All superpositions of `b` onto `a`, mirror images included, whose distance is at most `tolerance`; stops at the first unless `all`.
/// Both are centred and have the same number of atoms. A linear geometry has its whole circle of rotations counted once.
pub(super) fn superpositions(a: &[Vec3], b: &[Vec3], tolerance: f64, all: bool) -> Superposition {
    if radial_distance(a, b) > tolerance {
        return Superposition::Exactly(Vec::new());
    }
    let Some((i, j)) = frame_pair(a, tolerance) else {
        return linear_superpositions(a, b, tolerance);
    };
    let closest = closest_pair(a);
    if 2.0 * AMPLIFICATION * tolerance > closest {
        return Superposition::Undecided;
    }
    let (ri, rj, rij) = (a[i].norm(), a[j].norm(), a[i].metric_distance(&a[j]));
    let target = rotation::frame(&a[i], &a[j], false).transpose();
    let mut found = Vec::new();
    let mut order = vec![0; a.len()];
    let mut used = vec![false; a.len()];
    for p in 0..b.len() {
        if (b[p].norm() - ri).abs() > tolerance {
            continue;
        }
        for q in 0..b.len() {
            if q == p || (b[q].norm() - rj).abs() > tolerance || (b[p].metric_distance(&b[q]) - rij).abs() > 2.0 * tolerance {
                continue;
            }
            for mirror in [false, true] {
                let map = target * rotation::frame(&b[p], &b[q], mirror);
                if !match_atoms(a, b, &map, AMPLIFICATION * tolerance, &mut order, &mut used) {
                    continue;
                }
                let refined = superpose(a, b, &order, mirror);
                if refined.distance <= tolerance {
                    found.push(refined);
                    if !all {
                        return Superposition::Exactly(found);
                    }
                }
            }
        }
    }
    Superposition::Exactly(found)
}

/// Pairs each atom of `a` with the atom of `b` whose image is within `reach`; false when one has none.
fn match_atoms(a: &[Vec3], b: &[Vec3], map: &Mat3, reach: f64, order: &mut [usize], used: &mut [bool]) -> bool {
    used.fill(false);
    for (k, q) in b.iter().enumerate() {
        let image = map * q;
        let near = a.iter().enumerate().find(|&(i, p)| !used[i] && (p - image).norm_squared() <= reach * reach);
        match near {
            Some((i, _)) => {
                used[i] = true;
                order[i] = k;
            }
            None => return false,
        }
    }
    true
}

/// The smallest distance between two atoms.
fn closest_pair(points: &[Vec3]) -> f64 {
    let mut least = f64::INFINITY;
    for (i, p) in points.iter().enumerate() {
        for q in &points[..i] {
            least = least.min((p - q).norm_squared());
        }
    }
    least.sqrt()
}

/// A geometry on a line: atoms are matched in their order along it and against it, each with and without a mirror.
fn linear_superpositions(a: &[Vec3], b: &[Vec3], tolerance: f64) -> Superposition {
    let along = |points: &[Vec3]| -> Option<Vec<usize>> {
        let far = points.iter().max_by(|p, q| p.norm_squared().total_cmp(&q.norm_squared()))?;
        let radius = far.norm();
        if points.iter().any(|p| p.cross(far).norm() > tolerance.max(1e-9) * radius) {
            return None;
        }
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by(|&i, &j| points[i].dot(far).total_cmp(&points[j].dot(far)));
        Some(order)
    };
    let (Some(first), Some(second)) = (along(a), along(b)) else {
        return Superposition::Undecided;
    };
    let mut found = Vec::new();
    let ways: &[bool] = if a.len() < 2 { &[false] } else { &[false, true] };
    for &backwards in ways {
        let mut order = vec![0; a.len()];
        for (k, &i) in first.iter().enumerate() {
            order[i] = second[if backwards { a.len() - 1 - k } else { k }];
        }
        for mirror in [false, true] {
            let refined = superpose(a, b, &order, mirror);
            if refined.distance <= tolerance {
                found.push(refined);
            }
        }
    }
    Superposition::Exactly(found)
}

/// Order of the point group of like atoms at `x`, improper operations included; positions count as equal within `tolerance` (σ; 1e-3 is usual).
///
/// For a linear geometry the number of permutation–inversions is meant that rotations undo (4 with a centre, 2 without), so that 2 n!/order is
/// the number of distinct copies for every geometry. 1 where the question has no answer at this tolerance.
pub fn point_group_order(x: &[f64], tolerance: f64) -> usize {
    let (points, _) = centred(x);
    // The tolerance holds for each atom; superpositions measure the whole.
    match superpositions(&points, &points, tolerance * (points.len() as f64).sqrt(), true) {
        Superposition::Exactly(found) => found.len().max(1),
        Superposition::Undecided => 1,
    }
}

/// The representative of all copies of a centred geometry: of all frames spanned by pairs of atoms from the two smallest shells, both
/// chiralities, the one whose sorted list of atoms comes first.
pub(super) fn canonical(points: &[Vec3]) -> Vec<Vec3> {
    const RESOLUTION: f64 = 1e-5;
    // A grid that no symmetric coordinate falls on the edge of.
    let cell = |c: f64| (c / RESOLUTION + 0.287_134_5).floor();
    let sorted = |mut list: Vec<Vec3>| {
        list.sort_by(|p, q| {
            (0..3).map(|k| cell(q[k]).total_cmp(&cell(p[k]))).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        list
    };
    let comes_first = |p: &[Vec3], q: &[Vec3]| {
        p.iter()
            .zip(q)
            .flat_map(|(p, q)| (0..3).map(move |k| (p[k], q[k])))
            .map(|(s, t)| cell(t).total_cmp(&cell(s)))
            .find(|o| o.is_ne())
            == Some(std::cmp::Ordering::Less)
    };
    let Some((i, j)) = canonical_shells(points, 1e-4) else {
        // On a line: along x, the end with the larger radius first.
        let far = points.iter().map(|p| p.norm()).fold(0.0, f64::max);
        let Some(axis) = points.iter().find(|p| p.norm() >= far * (1.0 - 1e-9)) else {
            return Vec::new();
        };
        let ways =
            [1.0, -1.0].map(|s| sorted(points.iter().map(|p| Vec3::new(s * p.dot(axis) / far.max(1e-300), 0.0, 0.0)).collect()));
        let [one, other] = ways;
        return if comes_first(&other, &one) { other } else { one };
    };
    let mut best: Option<Vec<Vec3>> = None;
    for &p in &i {
        for &q in &j {
            if points[p].cross(&points[q]).norm() < 0.1 * points[p].norm() * points[q].norm() {
                continue;
            }
            for mirror in [false, true] {
                let frame = rotation::frame(&points[p], &points[q], mirror);
                let list = sorted(points.iter().map(|r| frame * r).collect());
                if best.as_ref().is_none_or(|b| comes_first(&list, b)) {
                    best = Some(list);
                }
            }
        }
    }
    best.unwrap_or_else(|| points.to_vec())
}

/// The atoms of two shells with as few pairs as can be among those that span a frame; chosen by radii alone, so that no numbering matters.
fn canonical_shells(points: &[Vec3], tolerance: f64) -> Option<(Vec<usize>, Vec<usize>)> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&i, &j| points[i].norm().total_cmp(&points[j].norm()));
    let mut shells: Vec<Vec<usize>> = Vec::new();
    for i in order {
        match shells.last_mut() {
            Some(shell) if points[i].norm() - shell.last().map_or(0.0, |&l| points[l].norm()) <= tolerance => shell.push(i),
            _ => shells.push(vec![i]),
        }
    }
    let largest = points.iter().map(|p| p.norm()).fold(0.0, f64::max);
    let mut best: Option<(usize, &Vec<usize>, &Vec<usize>)> = None;
    for first in &shells {
        for second in &shells {
            let spans = |&(p, q): &(usize, usize)| {
                let (r, s) = (points[p].norm(), points[q].norm());
                r >= 0.3 * largest && s >= 0.3 * largest && points[p].cross(&points[q]).norm() >= 0.101 * r * s
            };
            let any = first.iter().flat_map(|&p| second.iter().map(move |&q| (p, q))).any(|pair| spans(&pair));
            let size = first.len() * second.len();
            if any && best.is_none_or(|(least, _, _)| size < least) {
                best = Some((size, first, second));
            }
        }
    }
    best.map(|(_, first, second)| (first.clone(), second.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::potentials::clusters::ClusterSymmetry;
    use crate::potentials::{Symmetry, catalogue};

    fn known(atoms: usize, name: &str) -> Vec<f64> {
        let case = [atoms as f64];
        let entry = catalogue::entry("lennard_jones").expect("it is in the catalogue");
        (entry.known)(&case).into_iter().find(|p| p.name == name).expect("a known point").position
    }

    #[test]
    fn orders_of_well_known_groups() {
        for (atoms, name, order) in [
            (2, "dimer", 4),
            (3, "triangle", 12),
            (3, "chain", 4),
            (4, "tetrahedron", 24),
            (6, "octahedron", 48),
            (13, "icosahedron", 120),
        ] {
            let x = known(atoms, name);
            assert_eq!(point_group_order(&x, 1e-3), order, "{name}");
            let factorial: f64 = (1..=atoms).map(|k| k as f64).product();
            assert!((ClusterSymmetry::default().log_copies(&x).exp() * order as f64 / (2.0 * factorial) - 1.0).abs() < 1e-12);
        }
        // A bent chain of unlike legs keeps its plane only; a chain of unlike links has no centre; four atoms anyhow keep nothing.
        assert_eq!(point_group_order(&[0.0, 0.0, 0.0, 1.1, 0.0, 0.0, 0.2, 1.4, 0.0], 1e-3), 2);
        assert_eq!(point_group_order(&[0.0, 0.0, 0.0, 1.1, 0.0, 0.0, 2.5, 0.0, 0.0], 1e-3), 2);
        assert_eq!(point_group_order(&[0.0, 0.0, 0.0, 1.1, 0.0, 0.0, 0.2, 1.4, 0.0, 0.3, 0.4, 0.9], 1e-3), 1);
    }

    #[test]
    fn mirror_images_are_one_point_and_linear_chains_too() {
        let symmetry = ClusterSymmetry::default();
        let chiral = [0.0, 0.0, 0.0, 1.1, 0.0, 0.0, 0.2, 1.4, 0.0, 0.3, 0.4, 0.9];
        let image: Vec<f64> = chiral.iter().enumerate().map(|(i, c)| if i % 3 == 2 { 5.0 - c } else { *c }).collect();
        assert!(symmetry.same(&chiral, &image, 1e-9) && symmetry.distance(&chiral, &image) < 1e-12);
        let chain = known(3, "chain");
        let along_y: Vec<f64> = [0.0, chain[0], 0.0, 0.0, chain[6], 0.0, 0.0, chain[3], 0.0].to_vec();
        assert!(symmetry.same(&chain, &along_y, 1e-9));
        assert!(!symmetry.same(&chain, &known(3, "triangle"), 1e-3));
        assert_eq!((symmetry.zero_modes(&chain).len(), symmetry.zero_modes(&known(3, "triangle")).len()), (5, 6));
    }

    #[test]
    fn a_large_tolerance_still_gets_an_answer() {
        let symmetry = ClusterSymmetry::default();
        let x = known(13, "icosahedron");
        let mut moved = x.clone();
        moved[5] += 0.3;
        assert!(symmetry.same(&x, &moved, 0.5) && !symmetry.same(&x, &moved, 0.1));
    }

    /// PATHSAMPLE's own columns for LJ38: order of the point group, moments of inertia.
    #[test]
    fn agrees_with_pathsample() {
        let shared = std::env::var("LOSSCAPE_SHARED").unwrap_or_else(|_| "../shared".into());
        let folder = std::path::Path::new(&shared).join("data/lj38_pathsample");
        let (Ok(table), Ok(raw)) = (std::fs::read_to_string(folder.join("min.data")), std::fs::read(folder.join("points.min")))
        else {
            println!("skipped: agrees_with_pathsample: {} is not there", folder.display());
            return;
        };
        let numbers: Vec<f64> = raw.as_chunks::<8>().0.iter().map(|&b| f64::from_le_bytes(b)).collect();
        let mut seen = 0;
        for (line, x) in table.lines().zip(numbers.chunks_exact(38 * 3)) {
            let columns: Vec<f64> = line.split_whitespace().map(|w| w.parse().expect("a number")).collect();
            assert_eq!(point_group_order(x, 1e-3), columns[2] as usize, "{line}");
            for (moment, expected) in moments_of_inertia(x).iter().zip(&columns[3..]) {
                // The table has ten digits behind the point.
                assert!((moment - expected).abs() < 2e-6, "{moment}, expected {expected}");
            }
            seen += 1;
        }
        assert_eq!(seen, 12);
    }
}
