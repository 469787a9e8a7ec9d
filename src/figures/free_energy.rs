//! Draws free energies: curves with their error bands, maps with contour lines, minima and barriers marked; bins without samples stay gaps.

use crate::analysis::free_energy::{Barrier, FreeEnergy};
use crate::base::{Error, Result};
use crate::math::Matrix;
use crate::options;
use crate::plot::charts::{HeatmapOptions, Interval, Size, heatmap, level_lines};
use crate::plot::colour::{Colour, ColourMap, kind_colour};
use crate::plot::scale::{Scale, short};
use crate::plot::{Figure, Mark, Paint, Panel, Shape, TextPlace};

/// More marks than this would cover what they mark.
const MOST_NAMES: usize = 12;
const TEXT: f64 = 11.0;

options! {
    /// Options of `plot_free_energy`.
    pub struct FreeEnergyDrawing {
        /// Title above the plot.
        title: String = String::new() => "none", ANY, "";
        /// Title of the x axis.
        x_label: Option<String> = None => "\"collective variable\"", ANY, "";
        /// Title of the y axis.
        y_label: Option<String> = None => "\"free energy\"; \"second collective variable\" of a map", ANY, "";
        /// Names of several curves, for the legend.
        labels: Vec<String> = Vec::new() => "the methods", ANY, "";
        /// What the axis of free energies (the colours, of a map) shows.
        range: Option<Interval> = None => "everything", ANY, "energy";
        /// Whether minima and barriers are marked.
        marks: bool = true => "true for a single curve, and for maps", ANY, "";
        /// About how many contour lines a map has.
        levels: usize = 12, AT_LEAST_ONE, "";
        /// Map from free energies to colours.
        colour_map: ColourMap = ColourMap::Viridis, ANY, "";
        /// Width and height of the figure.
        size: Size = Size::default(), ANY, "px";
    }
}

/// A further curve without errors.
pub struct Curve {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub name: String,
}

/// One curve or several over each other, or one map.
///
/// Errors: nothing to draw, maps among several, names that do not fit.
pub fn draw_free_energy(all: &[&FreeEnergy], further: &[Curve], options: &FreeEnergyDrawing) -> Result<Figure> {
    let Some(first) = all.first() else {
        return Err(Error::value("plot_free_energy: there is nothing to draw"));
    };
    if all.iter().any(|f| f.grid.axes.len() != 1) {
        if all.len() + further.len() > 1 {
            let message = "plot_free_energy: maps of two variables cannot lie over each other";
            return Err(Error::value(message).hint("draw each and put them into figure([…])"));
        }
        return map(first, options);
    }
    if !options.labels.is_empty() && options.labels.len() != all.len() {
        let message = format!("plot_free_energy: option `labels` has {} names for {} curves", options.labels.len(), all.len());
        return Err(Error::shape(message).at("labels"));
    }
    let label = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.into());
    let mut panel = Panel::new(&label(&options.x_label, "collective variable"), &label(&options.y_label, "free energy"));
    panel.title = options.title.clone();
    panel.y.range = options.range.map(|r| r.0);
    panel.y.margin = [0.07, 0.12];
    let single = all.len() + further.len() == 1;
    let mut lines = Vec::new();
    for (k, f) in all.iter().enumerate() {
        let colour = kind_colour(if k < 1 { 0 } else { k + 2 });
        let name = options.labels.get(k).cloned().unwrap_or_else(|| f.method.name().into());
        let parts = stretches(f);
        let bands: Vec<Vec<[f64; 2]>> = parts.iter().filter(|p| p.len() > 1).map(|p| band(p)).collect();
        if !bands.is_empty() {
            let shape = Shape::Areas { corners: bands, joined: false };
            panel.marks.push(
                Mark::new(shape, Paint::Plain(colour.lighter(0.7)), 1.0).labelled(single.then_some("± one standard error")),
            );
        }
        let curves = parts.iter().filter(|p| p.len() > 1).map(|p| p.iter().map(|[x, y, _]| [*x, *y]).collect()).collect();
        lines.push(Mark::new(Shape::Lines(curves), Paint::Plain(colour), 1.8).labelled((!single).then_some(name.as_str())));
        // A bin between two empty ones has no line.
        let alone: Vec<[f64; 3]> = parts.iter().filter(|p| p.len() == 1).map(|p| p[0]).collect();
        if !alone.is_empty() {
            let bars = alone.iter().map(|[x, y, e]| [*x, y - e, y + e]).collect();
            lines.push(Mark::new(Shape::Errors(bars), Paint::Plain(colour.lighter(0.4)), 1.0));
            lines.push(Mark::new(Shape::Points(alone.iter().map(|[x, y, _]| [*x, *y]).collect()), Paint::Plain(colour), 4.0));
        }
    }
    for (k, curve) in further.iter().enumerate() {
        let points = curve.x.iter().zip(&curve.y).map(|(x, y)| [*x, *y]).collect();
        lines.push(Mark::new(Shape::Lines(vec![points]), Paint::Plain(kind_colour(k + 1)), 1.8).labelled(Some(&curve.name)));
    }
    if lines.iter().all(|m| matches!(&m.shape, Shape::Lines(l) if l.is_empty())) {
        return Err(Error::value("plot_free_energy: every bin is empty"));
    }
    panel.marks.extend(lines);
    if options.marks && single {
        panel.marks.extend(marked(first));
    }
    Ok(Figure::of(panel, options.size.0))
}

/// Places, values and errors of bins in a row that have samples.
fn stretches(f: &FreeEnergy) -> Vec<Vec<[f64; 3]>> {
    let axis = &f.grid.axes[0];
    let mut all: Vec<Vec<[f64; 3]>> = vec![Vec::new()];
    for bin in 0..axis.bins {
        match (f.values[bin].is_finite(), all.last_mut()) {
            (true, Some(last)) => {
                let error = f.errors[bin];
                last.push([axis.centre(bin), f.values[bin], if error.is_finite() { error } else { 0.0 }]);
            }
            _ => all.push(Vec::new()),
        }
    }
    all.retain(|p| !p.is_empty());
    all
}

/// There along the upper ends, back along the lower ones.
fn band(part: &[[f64; 3]]) -> Vec<[f64; 2]> {
    part.iter().map(|[x, y, e]| [*x, y + e]).chain(part.iter().rev().map(|[x, y, e]| [*x, y - e])).collect()
}

/// Minima and barriers of a curve, named by their heights.
fn marked(f: &FreeEnergy) -> Vec<Mark> {
    let mut marks = Vec::new();
    let names = f.minima.len() <= MOST_NAMES;
    let mut put = |points: Vec<([f64; 2], String)>, colour: Colour, place: TextPlace, label: &str| {
        if points.is_empty() {
            return;
        }
        let dots = Shape::Points(points.iter().map(|p| p.0).collect());
        marks.push(Mark::new(dots, Paint::Plain(colour), 8.0).labelled(Some(label)));
        if names {
            marks.push(Mark::new(Shape::Texts { texts: points, place, halo: true }, Paint::Plain(Colour::INK), TEXT));
        }
    };
    let minima = f.minima.iter().map(|m| ([m.position[0], m.value], short(m.value))).collect();
    put(minima, kind_colour(2), TextPlace::Under, "minima");
    let of = |sampled: bool| -> Vec<([f64; 2], String)> {
        let wanted = f.barriers.iter().filter(|b| b.sampled == sampled);
        wanted.map(|b| ([b.position[0], b.value], format!("{}{}", if sampled { "" } else { "≥ " }, short(b.value)))).collect()
    };
    put(of(true), kind_colour(1), TextPlace::Above, "barriers");
    put(of(false), Colour::MISSING, TextPlace::Above, "barriers never seen");
    marks
}

/// A map: colours, lines of equal height over them, minima and saddles.
fn map(f: &FreeEnergy, options: &FreeEnergyDrawing) -> Result<Figure> {
    let [first, second] = &f.grid.axes[..] else {
        return Err(Error::value("plot_free_energy: only one or two variables can be drawn"));
    };
    let (x, y) = (first.centres(), second.centres());
    let values = Matrix::from_rows(x.len(), y.len(), f.values.clone());
    let drawing = HeatmapOptions {
        title: options.title.clone(),
        x_label: options.x_label.clone().unwrap_or_else(|| "first collective variable".into()),
        y_label: options.y_label.clone().unwrap_or_else(|| "second collective variable".into()),
        x: x.clone(),
        y: y.clone(),
        range: options.range,
        colour_map: options.colour_map,
        colour_label: "free energy".into(),
        size: options.size,
        ..HeatmapOptions::default()
    };
    let mut over = Panel::new("", "");
    let highest = f.values.iter().copied().filter(|v| v.is_finite()).fold(0.0, f64::max);
    let [low, high] = options.range.map_or([0.0, highest], |r| r.0);
    for tick in Scale::new(low, high, false, [0.0, 0.0]).ticks(options.levels) {
        let lines = level_lines(&values, &x, &y, tick.value);
        over.marks.push(Mark::new(Shape::Lines(lines), Paint::Plain(Colour::WHITE), 0.8));
    }
    if options.marks {
        let place = |position: &[f64]| [position[0], position[1]];
        let mut dots = |points: Vec<[f64; 2]>, colour: Colour, label: &str| {
            if !points.is_empty() {
                over.marks.push(Mark::new(Shape::Points(points.clone()), Paint::Plain(Colour::WHITE), 11.0));
                over.marks.push(Mark::new(Shape::Points(points), Paint::Plain(colour), 8.0).labelled(Some(label)));
            }
        };
        let saddles = |sampled: bool| -> Vec<[f64; 2]> {
            f.barriers.iter().filter(|b: &&Barrier| b.sampled == sampled).map(|b| place(&b.position)).collect()
        };
        dots(saddles(true), Colour(0xe6, 0x9f, 0x00), "saddles");
        dots(saddles(false), Colour::MISSING, "saddles never seen");
        dots(f.minima.iter().map(|m| place(&m.position)).collect(), Colour(0xd5, 0x5e, 0x00), "minima");
        if f.minima.len() <= MOST_NAMES {
            let texts = f.minima.iter().map(|m| (place(&m.position), short(m.value))).collect();
            let shape = Shape::Texts { texts, place: TextPlace::Under, halo: true };
            over.marks.push(Mark::new(shape, Paint::Plain(Colour::INK), TEXT));
        }
    }
    heatmap(&values, &drawing)?.with(&Figure::of(over, options.size.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::free_energy::{FreeEnergyOptions, histogram};
    use crate::base::Run;

    #[test]
    fn gaps_stay_gaps_and_what_was_never_seen_is_called_so() {
        let values: Vec<f64> = (0..4000).map(|i| [0.1, 0.9][(i / 3) % 2] + 0.01 * (i % 7) as f64).collect();
        let of = |columns: &[Vec<f64>]| {
            let options = FreeEnergyOptions { seed: Some(1), ..FreeEnergyOptions::default() };
            histogram(&Run::silent(), columns, 1, 1.0, &[], None, &options).unwrap()
        };
        let f = of(std::slice::from_ref(&values));
        assert!(stretches(&f).len() > 1, "empty bins part the curve");
        let svg = draw_free_energy(&[&f], &[], &FreeEnergyDrawing::default()).unwrap().svg();
        assert!(svg.contains("barriers never seen") && svg.contains("≥ "));
        let map = of(&[values.clone(), values]);
        let drawn = draw_free_energy(&[&map], &[], &FreeEnergyDrawing::default()).unwrap();
        assert!(drawn.svg().contains("second collective variable"));
        let both = draw_free_energy(&[&f, &map], &[], &FreeEnergyDrawing::default());
        assert!(both.unwrap_err().to_string().contains("maps of two variables cannot lie over each other"));
    }
}
