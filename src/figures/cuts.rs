//! Draws cuts through potentials: slices as curves; surfaces as contour lines, colours or seen from the side, with paths and marks on them and a part
//! enlarged beside them.
//!
//! Where few energies lie far above all others they would take all lines and colours for themselves: positive ones (losses) are then drawn by the
//! logarithm, others up to a height that is named beside the colours. What is not finite is grey or a gap.

use crate::analysis::cuts::{Slice, Surface};
use crate::base::{Error, Result};
use crate::math::Matrix;
use crate::math::statistics::median;
use crate::plot::charts::{
    ContourOptions, FigureOptions, HeatmapOptions, Interval, Levels, PlotOptions, ReliefOptions, Series, Size, contour, figure,
    heatmap, plot, surface_plot,
};
use crate::plot::colour::{Colour, ColourMap};
use crate::plot::mark::extent;
use crate::plot::scale::short;
use crate::plot::{Figure, Mark, Paint, Panel, Shape, TextPlace};
use crate::{choices, options};

/// Colour of what marks the enlarged part.
const RED: Colour = Colour(0xd5, 0x5e, 0x00);
/// Few energies lie far above all others when the highest lies this many times further above the lowest than the median does.
const SPREAD: f64 = 20.0;
/// The height at which they are then cut off, in heights of the median.
const CUT: f64 = 2.0;
/// Heights above the lowest energy below this share of the highest are drawn as if they were it: rounding has no decades to show.
const SMALLEST_HEIGHT: f64 = 1e-6;

choices! {
    /// How a surface is drawn.
    pub enum SurfaceKind {
        /// Lines of equal energy.
        Contour = "contour",
        /// Energies as colours.
        Heatmap = "heatmap",
        /// Energies as heights, seen from the side.
        Surface = "surface",
    }
}

options! {
    /// The options of `slice` that decide the drawing.
    pub struct SliceDrawing {
        /// Title above the plot.
        title: String = String::new() => "none", ANY, "";
        /// Title of the x axis.
        x_label: String = "share of the way".to_string(), ANY, "";
        /// Title of the y axis.
        y_label: Option<String> = None => "\"loss\" for networks, \"energy\" otherwise", ANY, "";
        /// Logarithmic energies; what is not positive is left out.
        log: bool = false, ANY, "";
        /// Colour of the curve.
        colour: Option<Colour> = None => "\"blue\"", ANY, "";
        /// Width and height of the figure.
        size: Size = Size::default(), ANY, "px";
    }
}

options! {
    /// The options of `surface` that decide the drawing.
    pub struct SurfaceDrawing {
        /// Lines, colours, or seen from the side.
        kind: SurfaceKind = SurfaceKind::Contour, ANY, "";
        /// Title above the figure.
        title: String = String::new() => "none", ANY, "";
        /// Title of the axis along a.
        x_label: Option<String> = None => "\"along a\" with its length", ANY, "";
        /// Title of the axis along b.
        y_label: Option<String> = None => "\"along b\" with its length", ANY, "";
        /// Name beside the colour bar.
        colour_label: Option<String> = None => "\"loss\" for networks, \"energy\" otherwise", ANY, "";
        /// Whether lines, colours and heights go by the logarithm: of the energy, or of the height above the lowest one where some are not positive.
        log: Option<bool> = None => "true where all are positive and few lie far above the others", ANY, "";
        /// Lowest and highest energy of lines, colours and heights.
        energy_range: Option<Interval> = None => "all energies; where few lie far above the others, up to twice as far above the lowest as their median", ANY, "";
        /// About how many lines, at tidy energies, or an array of energies.
        levels: Levels = Levels::About(20), ANY, "";
        /// Map from energies to colours.
        colour_map: ColourMap = ColourMap::Viridis, ANY, "";
        /// Where a surface is seen from: degrees from a towards b.
        azimuth: f64 = -60.0, ANY, "degrees";
        /// How high above the horizon a surface is seen from: 5 to 90 degrees.
        elevation: f64 = 32.0, ANY, "degrees";
        /// Width and height of each panel.
        size: Size = Size::default(), ANY, "px";
    }
}

/// The curve of a slice. `energy` is what energies are called.
///
/// Errors: no energy that can be drawn.
pub fn draw_slice(slice: &Slice, energy: &str, options: &SliceDrawing) -> Result<Figure> {
    let curve = Series { x: slice.coordinates.clone(), y: slice.energies.clone() };
    let drawing = PlotOptions {
        title: options.title.clone(),
        x_label: options.x_label.clone(),
        y_label: options.y_label.clone().unwrap_or_else(|| energy.to_string()),
        y_log: options.log,
        colour: options.colour,
        size: options.size,
        ..PlotOptions::default()
    };
    plot(&[curve], &drawing).map_err(|error| as_of("slice", error))
}

/// What lies on a surface, in its coordinates (s, t).
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    /// A path from place to place, with its name in the legend.
    pub path: Vec<[f64; 2]>,
    /// Single places with what is written beside them.
    pub marks: Vec<([f64; 2], String)>,
    /// Where a walker stands, in the frames of an animation.
    pub here: Option<[f64; 2]>,
}

/// A surface, what it is called, and how to draw it.
#[derive(Debug, Clone)]
pub struct SurfacePicture {
    pub surface: Surface,
    /// The enlarged part.
    pub zoom: Option<Surface>,
    /// What energies are called: `loss`, `energy`.
    pub energy: &'static str,
    /// Lengths of the directions.
    pub lengths: [f64; 2],
    pub options: SurfaceDrawing,
}

/// How energies become what is drawn.
struct Heights {
    log: bool,
    /// Subtracted from every energy.
    base: f64,
    /// Lowest and highest energy of the drawing, where it does not hold all.
    range: Option<[f64; 2]>,
    name: String,
}

impl SurfacePicture {
    /// The figure: one panel, or two when a part is enlarged.
    ///
    /// Errors: no finite energy, a range without positive numbers for a logarithm.
    pub fn draw(&self, overlay: &Overlay) -> Result<Figure> {
        let heights = self.heights()?;
        let Some(zoom) = &self.zoom else {
            let marks = marks_of(overlay);
            return self.panel(&self.surface, &heights, &self.options.title, marks);
        };
        let mut marks = outline(zoom, 2.0, Some("the part on the right"));
        marks.extend(marks_of(overlay));
        let whole = self.panel(&self.surface, &heights, "whole", marks)?;
        let mut marks = outline(zoom, 4.0, None);
        // The legend of the whole says what the path is.
        marks.extend(marks_of(overlay).into_iter().map(|mark| mark.labelled(None)));
        let part = self.panel(zoom, &heights, "enlarged", marks)?;
        figure(vec![whole, part], &FigureOptions { title: self.options.title.clone(), columns: Some(2), size: None })
    }

    fn heights(&self) -> Result<Heights> {
        let all = || self.surface.energies.data.iter().chain(self.zoom.iter().flat_map(|z| &z.energies.data));
        let mut finite: Vec<f64> = all().copied().filter(|e| e.is_finite()).collect();
        if finite.is_empty() {
            let count = self.surface.energies.data.len();
            return Err(Error::value(format!("surface: none of the {count} energies is finite"))
                .hint("look at the centre, the directions and the range"));
        }
        finite.sort_by(f64::total_cmp);
        let (low, high) = (finite[0], finite[finite.len() - 1]);
        let spreads = high - low > SPREAD * (median(&finite) - low);
        let name = self.options.colour_label.clone().unwrap_or_else(|| self.energy.to_string());
        let range = self.options.energy_range.map(|r| r.0);
        Ok(match self.options.log {
            Some(true) if low <= 0.0 => Heights { log: true, base: low, range, name: format!("{name} above {}", short(low)) },
            Some(log) => Heights { log, base: 0.0, range, name },
            None if spreads && low > 0.0 => Heights { log: true, base: 0.0, range, name },
            None if spreads && median(&finite) > low && range.is_none() => {
                let top = low + CUT * (median(&finite) - low);
                Heights { log: false, base: 0.0, range: Some([low, top]), name: format!("{name}, cut off at {}", short(top)) }
            }
            None => Heights { log: false, base: 0.0, range, name },
        })
    }

    /// One panel of the figure.
    fn panel(&self, part: &Surface, heights: &Heights, title: &str, marks: Vec<Mark>) -> Result<Figure> {
        let options = &self.options;
        let values = heights.of(&part.energies);
        let label = |given: &Option<String>, name: &str, length: f64| {
            given.clone().unwrap_or_else(|| match (length - 1.0).abs() < 1e-9 {
                true => format!("along {name}"),
                false => format!("along {name}, |{name}| = {}", short(length)),
            })
        };
        let (title, size, colour_map) = (title.to_string(), options.size, options.colour_map);
        let x_label = label(&options.x_label, "a", self.lengths[0]);
        let y_label = label(&options.y_label, "b", self.lengths[1]);
        let (x, y, log, colour_label) = (part.s.clone(), part.t.clone(), heights.log, heights.name.clone());
        let range = heights.range_of(&part.energies)?;
        let drawn = match options.kind {
            SurfaceKind::Contour => {
                let levels = match &options.levels {
                    Levels::At(energies) => Levels::At(energies.iter().map(|e| e - heights.base).collect()),
                    about => about.clone(),
                };
                let drawing =
                    ContourOptions { title, x_label, y_label, x, y, levels, range, log, colour_map, colour_label, size };
                let below = Figure::of(overlay_panel(gaps(&values, &part.s, &part.t)), size.0);
                contour(&values, &drawing).and_then(|lines| lines.with(&below))
            }
            SurfaceKind::Heatmap => {
                heatmap(&values, &HeatmapOptions { title, x_label, y_label, x, y, range, log, colour_map, colour_label, size })
            }
            SurfaceKind::Surface => {
                let (azimuth, elevation) = (options.azimuth, options.elevation);
                let drawing = ReliefOptions {
                    title,
                    x_label,
                    y_label,
                    x,
                    y,
                    range,
                    log,
                    azimuth,
                    elevation,
                    colour_map,
                    colour_label,
                    size,
                };
                return surface_plot(&values, &drawing, marks).map_err(|error| as_of("surface", error));
            }
        };
        let over = Figure::of(overlay_panel(marks), size.0);
        drawn.and_then(|figure| figure.with(&over)).map_err(|error| as_of("surface", error))
    }
}

impl Heights {
    /// What is drawn for each energy; NaN where it is not finite.
    fn of(&self, energies: &Matrix) -> Matrix {
        let highest = energies.data.iter().copied().filter(|e| e.is_finite()).fold(f64::NEG_INFINITY, f64::max) - self.base;
        let drawn = |e: f64| match (e.is_finite(), self.log && self.base != 0.0) {
            (false, _) => f64::NAN,
            (true, true) => (e - self.base).max(SMALLEST_HEIGHT * highest),
            (true, false) => e,
        };
        Matrix::from_rows(energies.rows, energies.columns, energies.data.iter().map(|e| drawn(*e)).collect())
    }

    /// The range of energies as one of what is drawn, no wider than these energies need: a part shows its own.
    fn range_of(&self, energies: &Matrix) -> Result<Option<Interval>> {
        let (Some([low, high]), Some([lowest, highest])) = (self.range, extent(energies.data.iter().copied(), false)) else {
            return Ok(None);
        };
        let (low, high) = if low.max(lowest) < high.min(highest) { (low.max(lowest), high.min(highest)) } else { (low, high) };
        let (low, high) = (low - self.base, high - self.base);
        if !self.log {
            return Ok(Some(Interval([low, high])));
        }
        if high <= 0.0 {
            let message = format!("surface: option `energy_range` ends at {}, not above the lowest energy", high + self.base);
            return Err(Error::value(message).at("energy_range"));
        }
        Ok(Some(Interval([low.max(SMALLEST_HEIGHT * high), high])))
    }
}

/// An error of a chart as one of the function that the script called; what options of the chart it names belong to nobody.
fn as_of(function: &str, mut error: Error) -> Error {
    if let Some((_, rest)) = error.message.split_once(": ") {
        error.message = format!("{function}: {rest}");
    }
    error
}

fn overlay_panel(marks: Vec<Mark>) -> Panel {
    let mut panel = Panel::new("", "");
    panel.marks = marks;
    panel
}

/// Grey cells round the places that have no energy: a contour plot would not tell them from flat ground.
fn gaps(values: &Matrix, s: &[f64], t: &[f64]) -> Vec<Mark> {
    let reach = |places: &[f64], k: usize| {
        let (before, after) = (places[k.saturating_sub(1)], places[(k + 1).min(places.len() - 1)]);
        [(before + places[k]) / 2.0, (places[k] + after) / 2.0]
    };
    let mut corners = Vec::new();
    for i in 0..values.rows {
        for j in 0..values.columns {
            if !values[(i, j)].is_finite() {
                let ([left, right], [low, high]) = (reach(s, i), reach(t, j));
                corners.push([left, right, low, high]);
            }
        }
    }
    if corners.is_empty() {
        return Vec::new();
    }
    let cells = Mark::new(Shape::Rectangles { corners, joined: true }, Paint::Plain(Colour::MISSING), 1.0);
    vec![cells.labelled(Some("not finite"))]
}

/// The border of a part: red on a white line, so that it stands out from any colour.
fn outline(part: &Surface, width: f64, label: Option<&str>) -> Vec<Mark> {
    let ends = |places: &[f64]| [places[0], places[places.len() - 1]];
    let ([left, right], [low, high]) = (ends(&part.s), ends(&part.t));
    over_white(vec![vec![[left, low], [right, low], [right, high], [left, high], [left, low]]], RED, width, label)
}

fn over_white(lines: Vec<Vec<[f64; 2]>>, colour: Colour, width: f64, label: Option<&str>) -> Vec<Mark> {
    vec![
        Mark::new(Shape::Lines(lines.clone()), Paint::Plain(Colour::WHITE), width + 2.0),
        Mark::new(Shape::Lines(lines), Paint::Plain(colour), width).labelled(label),
    ]
}

/// Path, marks and walker.
fn marks_of(overlay: &Overlay) -> Vec<Mark> {
    let disc = |places: &[[f64; 2]], colour: Colour, diameter: f64| {
        [(Colour::WHITE, diameter + 3.0), (Colour::INK, diameter + 1.5), (colour, diameter - 1.0)]
            .map(|(colour, diameter)| Mark::new(Shape::Points(places.to_vec()), Paint::Plain(colour), diameter))
    };
    let mut marks = Vec::new();
    if overlay.path.len() > 1 {
        marks.extend(over_white(vec![overlay.path.clone()], Colour::INK, 2.0, Some("path")));
    }
    if !overlay.marks.is_empty() {
        let places: Vec<[f64; 2]> = overlay.marks.iter().map(|m| m.0).collect();
        marks.extend(disc(&places, Colour::WHITE, 7.0));
        let texts: Vec<([f64; 2], String)> = overlay.marks.iter().filter(|m| !m.1.is_empty()).cloned().collect();
        let texts = Shape::Texts { texts, place: TextPlace::Beside, halo: true };
        marks.push(Mark::new(texts, Paint::Plain(Colour::INK), 12.0));
    }
    if let Some(here) = overlay.here {
        marks.extend(disc(&[here], RED, 11.0));
    }
    marks
}
