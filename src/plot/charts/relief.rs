//! Surfaces seen from the side: the numbers of a grid as heights of facets, the near ones over the far ones.
//!
//! The projection is parallel. Facets are painted from the far corner of the grid to the near one: for heights over a rectangular grid that
//! order hides exactly what is hidden. A facet with a corner that is not finite is left out. Cost: a facet for each cell of the grid, at most
//! 120 along each side.

use super::{Interval, Size, check_range, check_some, maps::places};
use crate::base::{Error, Result};
use crate::math::matrix::Matrix;
use crate::options;
use crate::plot::colour::{Colour, ColourMap};
use crate::plot::scale::{Scale, drawable};
use crate::plot::{ColourScale, Figure, Mark, Paint, Panel, Shape, TextPlace};

/// Facets along one side; more could not be told apart.
const MOST_FACETS: usize = 120;
/// Height of the box, where its base has sides of 1.
const HEIGHT: f64 = 0.72;
/// From an axis to its numbers and to its title, in sides of the base.
const TO_NUMBERS: f64 = 0.09;
const TO_TITLE: f64 = 0.27;
const TEXT: f64 = 12.0;
/// Places on the way to the eye where something may stand in between.
const SIGHT: usize = 150;
/// Pieces of a line's segment that lies on the surface, so that it follows the hills.
const PIECES: usize = 16;

options! {
    /// Options of `surface_plot`.
    pub struct ReliefOptions {
        /// Title above the plot.
        title: String = String::new() => "none", ANY, "";
        /// Title of the x axis.
        x_label: String = String::new() => "none", ANY, "";
        /// Title of the y axis.
        y_label: String = String::new() => "none", ANY, "";
        /// Places of the first index along x, rising.
        x: Vec<f64> = Vec::new() => "0, 1, 2, …", ANY, "";
        /// Places of the second index along y, rising.
        y: Vec<f64> = Vec::new() => "0, 1, 2, …", ANY, "";
        /// Lowest and highest number shown; what lies beyond is cut off level.
        range: Option<Interval> = None => "all numbers", ANY, "";
        /// Heights and colours by the logarithm; there is a gap where a number is not positive.
        log: bool = false, ANY, "";
        /// Where it is seen from: degrees from the x axis towards the y axis.
        azimuth: f64 = -60.0, ANY, "degrees";
        /// How high above the horizon it is seen from: 5 to 90 degrees.
        elevation: f64 = 32.0, ANY, "degrees";
        /// Map from numbers to colours.
        colour_map: ColourMap = ColourMap::Viridis, ANY, "";
        /// Name of the numbers beside the colour bar.
        colour_label: String = String::new() => "none", ANY, "";
        /// Width and height of the figure.
        size: Size = Size::default(), ANY, "px";
    }
}

/// The surface of `values[(i, j)]` over x\[i\], y\[j\], with marks that lie on it: theirs are the places in the base.
pub fn surface_plot(values: &Matrix, options: &ReliefOptions, marks: Vec<Mark>) -> Result<Figure> {
    check_some("surface_plot", values.data.iter().map(|v| [0.0, *v]), [false, options.log])?;
    if values.rows < 2 || values.columns < 2 {
        let message = format!("surface_plot: a surface needs at least 2 × 2 numbers, found {} × {}", values.rows, values.columns);
        return Err(Error::shape(message));
    }
    if !options.azimuth.is_finite() || !(5.0..=90.0).contains(&options.elevation) {
        let (option, found) =
            if options.azimuth.is_finite() { ("elevation", options.elevation) } else { ("azimuth", options.azimuth) };
        let range = if option == "elevation" { "from 5 to 90" } else { "finite" };
        return Err(Error::value(format!("surface_plot: option `{option}` must be {range}, found {found}")).at(option));
    }
    let x = places("surface_plot", "x", &options.x, values.rows)?;
    let y = places("surface_plot", "y", &options.y, values.columns)?;
    let scale = if options.log { ColourScale::log_over } else { ColourScale::over };
    let mut colours = scale(&values.data, options.colour_map, &options.colour_label);
    colours.range = check_range("surface_plot", "range", options.range, options.log)?.unwrap_or(colours.range);
    let view = View::new(values, x, y, colours.scale(), [options.azimuth, options.elevation]);

    let mut panel = Panel::new("", "");
    panel.title = options.title.clone();
    (panel.x.hidden, panel.y.hidden) = (true, true);
    let [low, high] = view.frame();
    (panel.x.range, panel.y.range) = (Some([low[0] - 0.15, high[0] + 0.14]), Some([low[1] - 0.2, high[1] + 0.04]));
    panel.colours = Some(colours);
    panel.marks = view.walls();
    panel.marks.push(view.facets());
    panel.marks.extend(view.axes(&options.x_label, &options.y_label));
    panel.marks.extend(marks.into_iter().flat_map(|mark| view.lifted(mark)));
    Ok(Figure::of(panel, options.size.0))
}

/// A surface in its box, and from where it is seen.
struct View<'a> {
    values: &'a Matrix,
    x: Vec<f64>,
    y: Vec<f64>,
    x_scale: Scale,
    y_scale: Scale,
    z_scale: Scale,
    /// Sine and cosine of the azimuth and of the elevation.
    azimuth: [f64; 2],
    elevation: [f64; 2],
}

impl View<'_> {
    fn new(values: &Matrix, x: Vec<f64>, y: Vec<f64>, z_scale: Scale, [azimuth, elevation]: [f64; 2]) -> View<'_> {
        let over = |places: &[f64]| Scale { low: places[0], high: places[places.len() - 1], log: false };
        let of = |degrees: f64| [degrees.to_radians().sin(), degrees.to_radians().cos()];
        let (x_scale, y_scale) = (over(&x), over(&y));
        View { values, x_scale, y_scale, z_scale, x, y, azimuth: of(azimuth), elevation: of(elevation) }
    }

    /// A place of the box, the middle of whose base is the origin, on the sheet.
    fn project(&self, [u, v, w]: [f64; 3]) -> [f64; 2] {
        let ([sin_a, cos_a], [sin_e, cos_e]) = (self.azimuth, self.elevation);
        [v * cos_a - u * sin_a, w * cos_e - (u * cos_a + v * sin_a) * sin_e]
    }

    fn place(&self, x: f64, y: f64, z: f64) -> [f64; 2] {
        let height = if drawable(z, self.z_scale.log) { self.z_scale.place(z).clamp(0.0, 1.0) } else { f64::NAN };
        self.project([self.x_scale.place(x) - 0.5, self.y_scale.place(y) - 0.5, HEIGHT * height])
    }

    /// The sides of the base that are near: ±0.5 along x and along y.
    fn near(&self) -> [f64; 2] {
        let [sin_a, cos_a] = self.azimuth;
        [if cos_a > 0.0 { 0.5 } else { -0.5 }, if sin_a > 0.0 { 0.5 } else { -0.5 }]
    }

    /// Lower left and upper right of the box on the sheet.
    fn frame(&self) -> [[f64; 2]; 2] {
        let mut frame = [[f64::INFINITY; 2], [f64::NEG_INFINITY; 2]];
        for (u, v, w) in
            [-0.5, 0.5].iter().flat_map(|u| [-0.5, 0.5].map(|v| (*u, v))).flat_map(|(u, v)| [0.0, HEIGHT].map(|w| (u, v, w)))
        {
            let p = self.project([u, v, w]);
            for k in 0..2 {
                frame[0][k] = frame[0][k].min(p[k]);
                frame[1][k] = frame[1][k].max(p[k]);
            }
        }
        frame
    }

    /// Pale lines on the floor and the far walls, at the numbers of the axes.
    fn walls(&self) -> Vec<Mark> {
        let [u, v] = self.near();
        let mut lines = Vec::new();
        let mut line = |places: &[[f64; 3]]| lines.push(places.iter().map(|p| self.project(*p)).collect());
        for tick in self.x_scale.ticks(5) {
            let at = self.x_scale.place(tick.value) - 0.5;
            line(&[[at, v, 0.0], [at, -v, 0.0], [at, -v, HEIGHT]]);
        }
        for tick in self.y_scale.ticks(5) {
            let at = self.y_scale.place(tick.value) - 0.5;
            line(&[[u, at, 0.0], [-u, at, 0.0], [-u, at, HEIGHT]]);
        }
        for tick in self.z_scale.ticks(5) {
            let at = HEIGHT * self.z_scale.place(tick.value);
            line(&[[u, -v, at], [-u, -v, at], [-u, v, at]]);
        }
        vec![Mark::new(Shape::Lines(lines), Paint::Plain(Colour::FAINT), 1.0)]
    }

    fn facets(&self) -> Mark {
        let [sin_a, cos_a] = self.azimuth;
        let from_far = |count: usize, rises: bool| -> Vec<[usize; 2]> {
            let stride = (count - 1).div_ceil(MOST_FACETS);
            let mut steps: Vec<[usize; 2]> = (0..count - 1).step_by(stride).map(|k| [k, (k + stride).min(count - 1)]).collect();
            if !rises {
                steps.reverse();
            }
            steps
        };
        let (mut corners, mut heights) = (Vec::new(), Vec::new());
        for [i, k] in from_far(self.x.len(), cos_a > 0.0) {
            for [j, l] in from_far(self.y.len(), sin_a > 0.0) {
                let cell = [(i, j), (k, j), (k, l), (i, l)];
                let values = cell.map(|at| self.values[at]);
                if values.iter().all(|z| drawable(*z, self.z_scale.log)) {
                    corners.push(cell.map(|(i, j)| self.place(self.x[i], self.y[j], self.values[(i, j)])).to_vec());
                    heights.push(if self.z_scale.log {
                        (values.iter().map(|z| z.ln()).sum::<f64>() / 4.0).exp()
                    } else {
                        values.iter().map(|z| z / 4.0).sum()
                    });
                }
            }
        }
        Mark::new(Shape::Areas { corners, joined: true }, Paint::Values(heights), 0.5)
    }

    /// The near edges of the base and the leftmost upright one, with numbers and titles.
    fn axes(&self, x_title: &str, y_title: &str) -> Vec<Mark> {
        let [u, v] = self.near();
        let mut lines: Vec<Vec<[f64; 2]>> = vec![vec![self.project([-0.5, v, 0.0]), self.project([0.5, v, 0.0])]];
        lines.push(vec![self.project([u, -0.5, 0.0]), self.project([u, 0.5, 0.0])]);
        let mut texts = Vec::new();
        let outwards = |side: f64, by: f64| side + by * side.signum();
        for tick in self.x_scale.ticks(5) {
            let at = self.x_scale.place(tick.value) - 0.5;
            lines.push(vec![self.project([at, v, 0.0]), self.project([at, outwards(v, 0.025), 0.0])]);
            texts.push((self.project([at, outwards(v, TO_NUMBERS), 0.0]), tick.label));
        }
        for tick in self.y_scale.ticks(5) {
            let at = self.y_scale.place(tick.value) - 0.5;
            lines.push(vec![self.project([u, at, 0.0]), self.project([outwards(u, 0.025), at, 0.0])]);
            texts.push((self.project([outwards(u, TO_NUMBERS), at, 0.0]), tick.label));
        }
        // A little from the middle of the axis towards that of the sheet, where there is room.
        let inner =
            |places: [[f64; 3]; 2]| places.map(|p| self.project(p)).into_iter().min_by(|a, b| a[0].abs().total_cmp(&b[0].abs()));
        let x_place = inner([-0.15, 0.15].map(|at| [at, outwards(v, TO_TITLE), 0.0]));
        let y_place = inner([-0.15, 0.15].map(|at| [outwards(u, TO_TITLE), at, 0.0]));
        texts.extend(x_place.map(|place| (place, x_title.to_string())));
        texts.extend(y_place.map(|place| (place, y_title.to_string())));
        let upright = if self.project([-u, v, 0.0])[0] < self.project([u, -v, 0.0])[0] { [-u, v] } else { [u, -v] };
        let along = |w: f64| self.project([upright[0], upright[1], w]);
        lines.push(vec![along(0.0), along(HEIGHT)]);
        let mut numbers = Vec::new();
        for tick in self.z_scale.ticks(5) {
            let [x, y] = along(HEIGHT * self.z_scale.place(tick.value));
            lines.push(vec![[x, y], [x - 0.015, y]]);
            numbers.push(([x - 0.025, y], tick.label));
        }
        let ink = || Paint::Plain(Colour::INK);
        vec![
            Mark::new(Shape::Lines(lines), ink(), 1.0),
            Mark::new(Shape::Texts { texts, place: TextPlace::On, halo: false }, ink(), TEXT),
            Mark::new(Shape::Texts { texts: numbers, place: TextPlace::Before, halo: false }, ink(), TEXT),
        ]
    }

    /// The height of the surface at a place, between the four numbers round it; NaN outside.
    fn height(&self, x: f64, y: f64) -> f64 {
        let cell = |places: &[f64], at: f64| -> Option<(usize, f64)> {
            let k = places.partition_point(|p| *p <= at).clamp(1, places.len() - 1) - 1;
            let share = (at - places[k]) / (places[k + 1] - places[k]);
            (-1e-9..=1.0 + 1e-9).contains(&share).then_some((k, share))
        };
        let (Some((i, s)), Some((j, t))) = (cell(&self.x, x), cell(&self.y, y)) else { return f64::NAN };
        let value = |i, j| -> f64 { if self.z_scale.log { f64::ln(self.values[(i, j)]) } else { self.values[(i, j)] } };
        let along = |j| (1.0 - s) * value(i, j) + s * value(i + 1, j);
        let height = (1.0 - t) * along(j) + t * along(j + 1);
        if self.z_scale.log { height.exp() } else { height }
    }

    /// Whether the surface stands between a place on it and the eye.
    fn is_hidden(&self, [x, y]: [f64; 2], z: f64) -> bool {
        let ([sin_a, cos_a], [sin_e, cos_e]) = (self.azimuth, self.elevation);
        let (u, v, w) = (self.x_scale.place(x), self.y_scale.place(y), HEIGHT * self.z_scale.place(z).clamp(0.0, 1.0));
        let span = |scale: &Scale, share: f64| scale.low + share * (scale.high - scale.low);
        (2..SIGHT).any(|k| {
            let far = 1.5 * k as f64 / SIGHT as f64;
            let (u, v, w) = (u + far * cos_a * cos_e, v + far * sin_a * cos_e, w + far * sin_e);
            let ground = self.height(span(&self.x_scale, u), span(&self.y_scale, v));
            // A hair of tolerance: the facets are flat, the place lies on one.
            drawable(ground, self.z_scale.log) && HEIGHT * self.z_scale.place(ground).clamp(0.0, 1.0) > w + 0.01
        })
    }

    /// A mark of the base, on the surface; what stands behind a hill is pale. Shapes other than lines, points and texts stay out.
    fn lifted(&self, mark: Mark) -> Vec<Mark> {
        let on = |[x, y]: [f64; 2]| self.place(x, y, self.height(x, y));
        let hidden = |p: &[f64; 2]| self.is_hidden(*p, self.height(p[0], p[1]));
        let pale = match mark.paint {
            Paint::Plain(colour) => Paint::Plain(colour.lighter(0.55)),
            ref values => values.clone(),
        };
        match &mark.shape {
            Shape::Lines(paths) => {
                let [mut seen, mut behind]: [Vec<Vec<[f64; 2]>>; 2] = [Vec::new(), Vec::new()];
                for path in paths {
                    let fine = finely(path);
                    let is_hidden: Vec<bool> = fine.iter().map(hidden).collect();
                    for k in 1..fine.len() {
                        let (list, kind) = if is_hidden[k] { (&mut behind, true) } else { (&mut seen, false) };
                        match list.last_mut() {
                            Some(line) if k > 1 && is_hidden[k - 1] == kind => line.push(on(fine[k])),
                            _ => list.push(vec![on(fine[k - 1]), on(fine[k])]),
                        }
                    }
                }
                let with = |lines: Vec<Vec<[f64; 2]>>, paint: Paint| Mark { shape: Shape::Lines(lines), paint, ..mark.clone() };
                vec![with(behind, pale).labelled(None), with(seen, mark.paint.clone())]
            }
            Shape::Points(points) => {
                let (behind, seen): (Vec<[f64; 2]>, Vec<[f64; 2]>) = points.iter().partition(|p| hidden(p));
                let with = |points: Vec<[f64; 2]>, paint: Paint| Mark {
                    shape: Shape::Points(points.into_iter().map(on).collect()),
                    paint,
                    ..mark.clone()
                };
                vec![with(behind, pale).labelled(None), with(seen, mark.paint.clone())]
            }
            Shape::Texts { texts, place, halo } => {
                let texts = texts.iter().map(|(p, text)| (on(*p), text.clone())).collect();
                vec![Mark { shape: Shape::Texts { texts, place: *place, halo: *halo }, ..mark }]
            }
            _ => Vec::new(),
        }
    }
}

/// A line with places between its corners.
fn finely(path: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut fine: Vec<[f64; 2]> = path.first().copied().into_iter().collect();
    for pair in path.windows(2) {
        let between = |k: usize| [0, 1].map(|c: usize| pair[0][c] + (pair[1][c] - pair[0][c]) * k as f64 / PIECES as f64);
        fine.extend((1..=PIECES).map(between));
    }
    fine
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane() -> Matrix {
        Matrix::from_rows(3, 4, (0..12).map(|k| f64::from(k / 4) + 10.0 * f64::from(k % 4)).collect())
    }

    fn view(values: &Matrix, azimuth: f64) -> View<'_> {
        let places = |n: usize| (0..n).map(|k| k as f64).collect();
        let scale = Scale { low: 0.0, high: 32.0, log: false };
        View::new(values, places(values.rows), places(values.columns), scale, [azimuth, 30.0])
    }

    #[test]
    fn heights_between_places_are_those_of_a_plane() {
        let values = plane();
        let view = view(&values, -60.0);
        for (x, y) in [(0.0, 0.0), (0.5, 1.25), (2.0, 3.0), (1.0, 2.9)] {
            assert!((view.height(x, y) - (x + 10.0 * y)).abs() < 1e-12);
        }
        assert!(view.height(2.1, 0.0).is_nan() && view.height(0.0, -0.1).is_nan());
    }

    /// Whatever it is seen from, a facet is painted after all those behind it.
    #[test]
    fn the_near_facets_come_last() {
        let values = plane();
        for azimuth in [-60.0, 30.0, 120.0, 200.0] {
            let view = view(&values, azimuth);
            let Shape::Areas { corners, .. } = view.facets().shape else { panic!("areas") };
            assert_eq!(corners.len(), 6);
            // With all heights equal, near is low on the sheet.
            let flat = Matrix::zeros(3, 4);
            let view = View { values: &flat, ..view };
            let Shape::Areas { corners, .. } = view.facets().shape else { panic!("areas") };
            let lowest = |area: &Vec<[f64; 2]>| area.iter().map(|p| p[1]).fold(f64::INFINITY, f64::min);
            let (first, last) = (lowest(&corners[0]), lowest(&corners[5]));
            assert!(corners.iter().all(|c| lowest(c) <= first + 1e-12 && lowest(c) >= last - 1e-12), "{azimuth}");
        }
    }

    /// A ridge hides what is close behind it and nothing in front of it.
    #[test]
    fn a_ridge_hides_what_is_behind_it() {
        let ridge = Matrix::from_rows(21, 2, (0..42).map(|k| if k / 2 == 10 { 32.0 } else { 0.0 }).collect());
        // Seen along x, from its high end.
        let view = view(&ridge, 0.0);
        assert!(view.is_hidden([8.0, 0.5], 0.0) && !view.is_hidden([12.0, 0.5], 0.0) && !view.is_hidden([10.0, 0.5], 32.0));
        let line = Mark::new(Shape::Lines(vec![vec![[5.0, 0.5], [15.0, 0.5]]]), Paint::Plain(Colour::BLACK), 2.0);
        let parts: Vec<usize> =
            view.lifted(line).iter().map(|m| if let Shape::Lines(l) = &m.shape { l.len() } else { 0 }).collect();
        assert_eq!(parts, [1, 1]);
    }

    #[test]
    fn gaps_are_left_out_and_mistakes_named() {
        let mut values = plane();
        values[(1, 1)] = f64::INFINITY;
        let Shape::Areas { corners, .. } = view(&values, -60.0).facets().shape else { panic!("areas") };
        assert_eq!(corners.len(), 2);
        let flat = ReliefOptions { elevation: 0.0, ..ReliefOptions::default() };
        assert!(surface_plot(&values, &flat, Vec::new()).unwrap_err().to_string().contains("`elevation` must be from 5 to 90"));
        assert!(surface_plot(&Matrix::zeros(1, 4), &ReliefOptions::default(), Vec::new()).is_err());
    }
}
