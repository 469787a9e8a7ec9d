//! Cuts through a potential: its energies along a line and over a plane of any position space.
//!
//! A slice runs from one position to another, x(t) = (1 − t) from + t to; a surface is centre + s a + t b. The directions a and b need be neither
//! of length 1 nor perpendicular: s and t count how often each is added. Energies that are not finite are values of the cut like all
//! others. Cost: one energy a point, in parallel; the number of threads changes nothing.
//!
//! Reference: I. J. Goodfellow, O. Vinyals, A. M. Saxe, arXiv:1412.6544 (the line); H. Li et al., arXiv:1712.09913 (the plane).

use crate::base::{Error, OptionType, OptionValue, Result, Run, Task};
use crate::math::Matrix;
use crate::math::matrix::{difference, dot, norm};
use crate::potentials::{Batch, Evaluations, Potential};
use rayon::prelude::*;

/// Positions in one call of a potential: few enough that Ctrl-C is heard within a second where one energy takes long.
const AT_ONCE: usize = 16;

/// More energies than this would fill the memory before anybody looks at them.
const MOST: usize = 10_000_000;

/// Of two directions, the squared sine of the angle between them below which they span no plane.
const PARALLEL: f64 = 1e-12;

crate::options! {
    /// Options of `slice` that decide where energies are computed.
    pub struct SliceOptions {
        /// Where it begins and ends: 0 is `from`, 1 is `to`; numbers beyond go on straight.
        range: Stretch = Stretch([0.0, 1.0]), ANY, "";
        /// Number of energies, both ends included.
        points: usize = 101, AT_LEAST_TWO, "";
    }
}

crate::options! {
    /// Options of `surface` that decide where energies are computed.
    pub struct SurfaceOptions {
        /// How often `a` and `b` are added to the centre; one stretch for both, or one for each.
        range: Stretches = Stretches([[-1.0, 1.0]; 2]), ANY, "";
        /// Number of energies along each direction; one for both, or one for each.
        points: Counts = Counts([51, 51]), AT_LEAST_TWO, "";
        /// A part that a second panel shows enlarged, with energies of its own: how many times it is enlarged about the centre, or its borders along a and b.
        zoom: Option<Zoom> = None => "none", ANY, "";
    }
}

/// Two numbers as an option: `[low, high]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch(pub [f64; 2]);

impl OptionType for Stretch {
    fn takes() -> String {
        "[low, high] with low below high".into()
    }
    fn read(value: &OptionValue) -> Option<Stretch> {
        match Vec::<f64>::read(value)?[..] {
            [low, high] if low < high && low.is_finite() && high.is_finite() => Some(Stretch([low, high])),
            _ => None,
        }
    }
    fn show(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// A stretch for each direction as an option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretches(pub [[f64; 2]; 2]);

impl OptionType for Stretches {
    fn takes() -> String {
        "[low, high] with low below high, or two of them".into()
    }
    fn read(value: &OptionValue) -> Option<Stretches> {
        if let Some(Stretch(both)) = Stretch::read(value) {
            return Some(Stretches([both; 2]));
        }
        match value {
            OptionValue::List(pair) if pair.len() == 2 => {
                Some(Stretches([Stretch::read(&pair[0])?.0, Stretch::read(&pair[1])?.0]))
            }
            _ => None,
        }
    }
    fn show(&self) -> String {
        if self.0[0] == self.0[1] { format!("{:?}", self.0[0]) } else { format!("{:?}", self.0) }
    }
}

/// A number of points for each direction as an option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counts(pub [usize; 2]);

impl OptionType for Counts {
    fn takes() -> String {
        "a whole number from 2 on, or two of them".into()
    }
    fn read(value: &OptionValue) -> Option<Counts> {
        if let Some(both) = usize::read(value) {
            return Some(Counts([both; 2]));
        }
        match Vec::<usize>::read(value)?[..] {
            [a, b] => Some(Counts([a, b])),
            _ => None,
        }
    }
    fn show(&self) -> String {
        if self.0[0] == self.0[1] { self.0[0].to_string() } else { format!("{:?}", self.0) }
    }
}

/// The part of a surface that a second panel shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Zoom {
    /// This many times enlarged, about the centre.
    Times(f64),
    /// From where to where along a and along b.
    Part([f64; 4]),
}

impl OptionType for Zoom {
    fn takes() -> String {
        "a number above 1, or [a_low, a_high, b_low, b_high]".into()
    }
    fn read(value: &OptionValue) -> Option<Zoom> {
        if let Some(times) = value.number() {
            return (times > 1.0 && times.is_finite()).then_some(Zoom::Times(times));
        }
        match Vec::<f64>::read(value)?[..] {
            [a, b, c, d] if a < b && c < d && [a, b, c, d].iter().all(|v| v.is_finite()) => Some(Zoom::Part([a, b, c, d])),
            _ => None,
        }
    }
    fn show(&self) -> String {
        match self {
            Zoom::Times(times) => times.show(),
            Zoom::Part(part) => format!("{part:?}"),
        }
    }
}

/// Energies along a line.
#[derive(Debug, Clone)]
pub struct Slice {
    /// 0 at `from`, 1 at `to`.
    pub coordinates: Vec<f64>,
    pub energies: Vec<f64>,
    /// From `from` to `to`.
    pub length: f64,
}

/// Energies over a plane.
#[derive(Debug, Clone)]
pub struct Surface {
    /// How often a is added to the centre.
    pub s: Vec<f64>,
    /// How often b is added to the centre.
    pub t: Vec<f64>,
    /// Row i belongs to s\[i\], column j to t\[j\].
    pub energies: Matrix,
}

/// The energies from one position to another.
///
/// Errors: positions that do not fit or are the same, too many points, a run that is stopped.
pub fn slice(run: &Run, potential: &dyn Potential, from: &[f64], to: &[f64], options: &SliceOptions) -> Result<Slice> {
    let length = norm(&difference(to, from));
    if length == 0.0 {
        return Err(Error::value("slice: `from` and `to` are the same position, so no line joins them").at("to"));
    }
    if options.points > MOST {
        return Err(Error::value(format!("slice: option `points` must be at most {MOST}, found {}", options.points)).at("points"));
    }
    let coordinates = evenly(options.range.0, options.points);
    let task = run.task("slice", Some(coordinates.len() as u64));
    let energies = energies(&task, potential, coordinates.len(), |k, x| {
        let t = coordinates[k];
        // In this form both ends come out exactly.
        x.iter_mut().zip(from.iter().zip(to)).for_each(|(x, (from, to))| *x = (1.0 - t) * from + t * to);
    })?;
    Ok(Slice { coordinates, energies, length })
}

/// A plane in the space of positions: centre + s a + t b.
#[derive(Debug, Clone)]
pub struct Plane {
    centre: Vec<f64>,
    a: Vec<f64>,
    b: Vec<f64>,
    /// a·a, a·b, b·b.
    products: [f64; 3],
}

impl Plane {
    /// Errors: a direction without length, parallel directions.
    pub fn new(centre: &[f64], a: &[f64], b: &[f64]) -> Result<Plane> {
        for (name, direction) in [("a", a), ("b", b)] {
            if norm(direction) == 0.0 {
                return Err(Error::value(format!("surface: the direction `{name}` has length 0"))
                    .hint("a direction is what is added to the centre: the difference of two positions, an eigenvector, filter_normalised(…)")
                    .at(name));
            }
        }
        let products = [dot(a, a), dot(a, b), dot(b, b)];
        if products[0] * products[2] - products[1] * products[1] <= PARALLEL * products[0] * products[2] {
            return Err(Error::value("surface: the directions `a` and `b` are parallel and so span no plane")
                .hint("give another direction, or slice(potential, from, to) for the line")
                .at("b"));
        }
        Ok(Plane { centre: centre.to_vec(), a: a.to_vec(), b: b.to_vec(), products })
    }

    /// Number of coordinates of a position.
    pub fn dimension(&self) -> usize {
        self.centre.len()
    }

    /// Length of a and of b.
    pub fn lengths(&self) -> [f64; 2] {
        [self.products[0].sqrt(), self.products[2].sqrt()]
    }

    /// The coordinates (s, t) of the place of the plane that is nearest to a position.
    pub fn project(&self, x: &[f64]) -> [f64; 2] {
        let from_centre = difference(x, &self.centre);
        let (along_a, along_b) = (dot(&from_centre, &self.a), dot(&from_centre, &self.b));
        let [aa, ab, bb] = self.products;
        let determinant = aa * bb - ab * ab;
        [(along_a * bb - along_b * ab) / determinant, (along_b * aa - along_a * ab) / determinant]
    }

    /// The energies over a part of the plane, `points` along each direction.
    ///
    /// Errors: too many points, a run that is stopped.
    pub fn energies(
        &self,
        run: &Run,
        potential: &dyn Potential,
        [along_a, along_b]: [[f64; 2]; 2],
        points: [usize; 2],
    ) -> Result<Surface> {
        let count = points[0].saturating_mul(points[1]);
        if count > MOST {
            let message = format!("surface: option `points` asks for {} × {} energies, more than {MOST}", points[0], points[1]);
            return Err(Error::value(message).at("points"));
        }
        let (s, t) = (evenly(along_a, points[0]), evenly(along_b, points[1]));
        let task = run.task("surface", Some(count as u64));
        let energies = energies(&task, potential, count, |k, x| {
            let (s, t) = (s[k / t.len()], t[k % t.len()]);
            for (i, x) in x.iter_mut().enumerate() {
                *x = self.centre[i] + s * self.a[i] + t * self.b[i];
            }
        })?;
        Ok(Surface { energies: Matrix::from_rows(s.len(), t.len(), energies), s, t })
    }
}

/// The part that `zoom` asks for, as stretches along a and b.
///
/// Errors: a part outside of the surface.
pub fn zoomed(zoom: Zoom, range: [[f64; 2]; 2]) -> Result<[[f64; 2]; 2]> {
    let outside = |message: String| {
        let [[a, b], [c, d]] = range;
        Error::value(message).hint(format!("the surface goes from {a} to {b} along a and from {c} to {d} along b")).at("zoom")
    };
    let part = match zoom {
        Zoom::Part([a, b, c, d]) => [[a, b], [c, d]],
        Zoom::Times(times) => range.map(|[low, high]| {
            let half = (high - low) / times / 2.0;
            [-half, half]
        }),
    };
    // A part that reaches beyond the border is cut there.
    let cut = [0, 1].map(|k: usize| [part[k][0].max(range[k][0]), part[k][1].min(range[k][1])]);
    match (cut.iter().all(|[low, high]| low < high), zoom) {
        (true, _) => Ok(cut),
        (false, Zoom::Part(part)) => Err(outside(format!("surface: option `zoom` asks for {part:?}, which lies outside"))),
        (false, Zoom::Times(_)) => Err(outside(
            "surface: option `zoom` enlarges about the centre, which lies outside; give the borders of a part".to_string(),
        )),
    }
}

/// `count` numbers from low to high, both included.
fn evenly([low, high]: [f64; 2], count: usize) -> Vec<f64> {
    let last = count - 1;
    (0..count).map(|k| if k == last { high } else { low + (high - low) * k as f64 / last as f64 }).collect()
}

/// The energies of `count` positions, each written by `place(k, position)`.
fn energies(task: &Task, potential: &dyn Potential, count: usize, place: impl Fn(usize, &mut [f64]) + Sync) -> Result<Vec<f64>> {
    let dimension = potential.dimension();
    let parts: Vec<Vec<f64>> = (0..count.div_ceil(AT_ONCE))
        .into_par_iter()
        .map_init(Evaluations::default, |out, part| {
            let (first, end) = (part * AT_ONCE, ((part + 1) * AT_ONCE).min(count));
            let mut positions = vec![0.0; (end - first) * dimension];
            for (position, k) in positions.chunks_exact_mut(dimension).zip(first..end) {
                place(k, position);
            }
            potential.evaluate(Batch::new(&positions, dimension), out);
            task.tick((end - first) as u64, String::new)?;
            Ok(out.energies.clone())
        })
        .collect::<Result<_>>()?;
    Ok(parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::potentials::catalogue::entry;

    fn muller_brown() -> std::sync::Arc<dyn Potential> {
        entry("muller_brown").unwrap().build(&[]).unwrap()
    }

    /// Stationary points by 40-digit root finding (Müller and Brown 1979 print them to three digits).
    const MINIMA: [([f64; 2], f64); 2] = [
        ([-0.558223634633024, 1.44172584180467], -146.699517209954),
        ([0.623499404930877, 0.0280377585286857], -108.166724116852),
    ];

    #[test]
    fn a_slice_begins_and_ends_at_its_ends() {
        let [(from, low), (to, high)] = MINIMA;
        let cut = slice(&Run::silent(), &*muller_brown(), &from, &to, &SliceOptions::default()).unwrap();
        assert_eq!(cut.coordinates.len(), 101);
        assert!((cut.energies[0] - low).abs() < 1e-9 && (cut.energies[100] - high).abs() < 1e-9);
        assert!((cut.length - (from[0] - to[0]).hypot(from[1] - to[1])).abs() < 1e-12);
        let same = slice(&Run::silent(), &*muller_brown(), &from, &from, &SliceOptions::default()).unwrap_err();
        assert!(same.to_string().contains("same position"), "{same}");
    }

    /// The lowest energy of a grid stands at the place next to the published minimum, with either direction as the first.
    #[test]
    fn the_minimum_of_a_surface_is_where_the_literature_has_it() {
        let potential = muller_brown();
        let plane = Plane::new(&[0.0, 0.0], &[1.0, 0.0], &[1.0, 1.0]).unwrap();
        let surface = plane.energies(&Run::silent(), &*potential, [[-3.0, 1.0], [-0.5, 2.0]], [401, 251]).unwrap();
        let lowest = (0..surface.energies.data.len())
            .min_by(|a, b| surface.energies.data[*a].total_cmp(&surface.energies.data[*b]))
            .unwrap();
        let (s, t) = (surface.s[lowest / 251], surface.t[lowest % 251]);
        let [(place, energy), _] = MINIMA;
        assert!((s + t - place[0]).abs() <= 0.01 && (t - place[1]).abs() <= 0.01, "{s} {t}");
        // A step of at most 0.007 from the minimum, whose curvatures are below 5000.
        assert!((surface.energies.data[lowest] - energy).abs() < 0.25);
        let [s, t] = plane.project(&place);
        assert!((s + t - place[0]).abs() < 1e-14 && (t - place[1]).abs() < 1e-14);
    }

    #[test]
    fn projection_is_the_nearest_place() {
        let plane = Plane::new(&[1.0, 2.0, 3.0], &[1.0, 1.0, 0.0], &[0.0, 2.0, 0.0]).unwrap();
        // The part across the plane is lost, the rest comes back.
        let [s, t] = plane.project(&[1.0 + 0.5, 2.0 + 0.5 - 0.6, 3.0 + 7.0]);
        assert!((s - 0.5).abs() < 1e-14 && (t + 0.3).abs() < 1e-14, "{s} {t}");
    }

    #[test]
    fn directions_that_span_no_plane_are_refused() {
        let says = |a: [f64; 2], b: [f64; 2]| Plane::new(&[0.0; 2], &a, &b).unwrap_err().to_string();
        assert!(says([0.0, 0.0], [1.0, 0.0]).contains("`a` has length 0"));
        assert!(says([1.0, 1.0], [1.0, 1.0]).contains("parallel"));
        assert!(says([1.0, 1.0], [-2.0, -2.0]).contains("parallel"));
    }

    #[test]
    fn zooms_are_cut_at_the_border() {
        let range = [[-1.0, 1.0], [0.0, 4.0]];
        assert_eq!(zoomed(Zoom::Times(4.0), range).unwrap(), [[-0.25, 0.25], [0.0, 0.5]]);
        assert_eq!(zoomed(Zoom::Part([0.5, 2.0, 1.0, 2.0]), range).unwrap(), [[0.5, 1.0], [1.0, 2.0]]);
        assert!(zoomed(Zoom::Part([2.0, 3.0, 1.0, 2.0]), range).unwrap_err().to_string().contains("outside"));
    }

    #[test]
    fn a_stopped_run_ends_it() {
        let run = Run::silent().until(std::time::Instant::now());
        let plane = Plane::new(&[0.0, 0.0], &[1.0, 0.0], &[0.0, 1.0]).unwrap();
        assert!(plane.energies(&run, &*muller_brown(), [[-1.0, 1.0]; 2], [51, 51]).unwrap_err().is_stop());
    }
}
