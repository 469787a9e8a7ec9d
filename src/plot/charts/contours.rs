//! Contour lines: where a function on a grid takes given values.
//!
//! Marching squares: each cell between four places is crossed by none, one or two pieces of a line, whose ends stand on the cell's
//! sides in proportion to the values there. In a saddle cell, where two pieces are possible in two ways, the mean of the four values
//! decides. Pieces that share a side are joined to lines. Cells with a value that is not finite are left out.
//! Cost: one pass over the grid for each level.

use super::{Interval, Size, check_range, check_some, maps::places};
use crate::base::{Error, OptionType, OptionValue, Result};
use crate::math::matrix::Matrix;
use crate::options;
use crate::plot::colour::ColourMap;
use crate::plot::mark::extent;
use crate::plot::scale::Scale;
use crate::plot::{ColourScale, Figure, Mark, Paint, Panel, Shape};
use std::collections::HashMap;

options! {
    /// Options of `contour`.
    pub struct ContourOptions {
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
        /// About how many lines, at tidy values, or an array of values.
        levels: Levels = Levels::About(15), ANY, "";
        /// Lowest and highest value of lines at tidy values.
        range: Option<Interval> = None => "all numbers", ANY, "";
        /// Lines at equal ratios and colours by the logarithm; there is none where a value is not positive.
        log: bool = false, ANY, "";
        /// Map from numbers to colours.
        colour_map: ColourMap = ColourMap::Viridis, ANY, "";
        /// Name of the numbers beside the colour bar.
        colour_label: String = String::new() => "none", ANY, "";
        /// Width and height of the figure.
        size: Size = Size::default(), ANY, "px";
    }
}

/// Which lines to draw.
#[derive(Debug, Clone, PartialEq)]
pub enum Levels {
    About(usize),
    At(Vec<f64>),
}

impl OptionType for Levels {
    fn takes() -> String {
        "a whole number from 1 to 200, or an array of numbers".into()
    }
    fn read(value: &OptionValue) -> Option<Levels> {
        if let Some(values) = Vec::<f64>::read(value) {
            return (!values.is_empty() && values.iter().all(|v| v.is_finite())).then_some(Levels::At(values));
        }
        usize::read(value).filter(|n| (1..=200).contains(n)).map(Levels::About)
    }
    fn show(&self) -> String {
        match self {
            Levels::About(count) => count.to_string(),
            Levels::At(values) => values.show(),
        }
    }
}

/// Lines of equal `values[(i, j)]` over x\[i\], y\[j\]: the first index runs along x.
pub fn contour(values: &Matrix, options: &ContourOptions) -> Result<Figure> {
    check_some("contour", values.data.iter().map(|v| [0.0, *v]), [false, options.log])?;
    if values.rows < 2 || values.columns < 2 {
        let message = format!("contour: lines need a grid of at least 2 × 2 values, found {} × {}", values.rows, values.columns);
        return Err(Error::shape(message));
    }
    let x = places("contour", "x", &options.x, values.rows)?;
    let y = places("contour", "y", &options.y, values.columns)?;
    let levels = match &options.levels {
        Levels::At(levels) => levels.clone(),
        Levels::About(count) => {
            let everything = extent(values.data.iter().copied(), options.log).unwrap_or([0.1, 1.0]);
            let [low, high] = check_range("contour", "range", options.range, options.log)?.unwrap_or(everything);
            let scale = Scale::new(low, high, options.log, [0.0, 0.0]);
            if options.log { scale.ratios(*count) } else { scale.ticks(*count).into_iter().map(|t| t.value).collect() }
        }
    };
    let mut lines = Vec::new();
    let mut heights = Vec::new();
    for level in &levels {
        let found = level_lines(values, &x, &y, *level);
        heights.resize(heights.len() + found.len(), *level);
        lines.extend(found);
    }
    let mut panel = Panel::new(&options.x_label, &options.y_label);
    panel.title = options.title.clone();
    panel.x.range = Some([x[0], x[x.len() - 1]]);
    panel.y.range = Some([y[0], y[y.len() - 1]]);
    let scale = if options.log { ColourScale::log_over } else { ColourScale::over };
    panel.colours = Some(scale(&levels, options.colour_map, &options.colour_label));
    panel.marks.push(Mark::new(Shape::Lines(lines), Paint::Values(heights), 1.3));
    Ok(Figure::of(panel, options.size.0))
}

/// A side of a cell: from place (i, j) one further along x, or along y.
type Side = (usize, usize, bool);

/// The lines where a function with `values[(i, j)]` at x\[i\], y\[j\] is `level`.
pub fn level_lines(values: &Matrix, x: &[f64], y: &[f64], level: f64) -> Vec<Vec<[f64; 2]>> {
    let mut joined: HashMap<Side, Vec<Side>> = HashMap::new();
    // In the order of finding, so that the same grid gives the same drawing.
    let mut sides = Vec::new();
    let mut join = |a: Side, b: Side| {
        for (from, to) in [(a, b), (b, a)] {
            joined.entry(from).or_insert_with(|| {
                sides.push(from);
                Vec::new()
            });
            joined.entry(from).and_modify(|list| list.push(to));
        }
    };
    for i in 0..values.rows - 1 {
        for j in 0..values.columns - 1 {
            for (a, b) in cell_pieces(values, i, j, level) {
                join(a, b);
            }
        }
    }
    let mut lines = Vec::new();
    // Open lines first, from their ends; what is left then are rings.
    for want_end in [true, false] {
        for &start in &sides {
            let ends = joined.get(&start).map_or(0, Vec::len);
            if ends == 0 || (want_end && ends != 1) {
                continue;
            }
            let mut line = vec![crossing(values, x, y, level, start)];
            let mut at = start;
            while let Some(next) = joined.get_mut(&at).and_then(Vec::pop) {
                if let Some(back) = joined.get_mut(&next)
                    && let Some(k) = back.iter().position(|s| *s == at)
                {
                    back.swap_remove(k);
                }
                line.push(crossing(values, x, y, level, next));
                at = next;
            }
            lines.push(line);
        }
    }
    lines
}

/// The pieces of the line within the cell whose lowest corner is (i, j), each from side to side.
fn cell_pieces(values: &Matrix, i: usize, j: usize, level: f64) -> Vec<(Side, Side)> {
    let corners = [values[(i, j)], values[(i + 1, j)], values[(i + 1, j + 1)], values[(i, j + 1)]];
    if !corners.iter().all(|v| v.is_finite()) {
        return Vec::new();
    }
    // Sides in the order of the corners they begin at, round the cell.
    let round: [Side; 4] = [(i, j, true), (i + 1, j, false), (i, j + 1, true), (i, j, false)];
    let above = corners.map(|v| v >= level);
    let crossed: Vec<usize> = (0..4).filter(|k| above[*k] != above[(k + 1) % 4]).collect();
    match crossed[..] {
        [a, b] => vec![(round[a], round[b])],
        [_, _, _, _] => {
            let mean_above = corners.iter().sum::<f64>() / 4.0 >= level;
            // The pieces cut off the two corners that differ from the middle.
            if above[0] == mean_above {
                vec![(round[0], round[1]), (round[2], round[3])]
            } else {
                vec![(round[3], round[0]), (round[1], round[2])]
            }
        }
        _ => Vec::new(),
    }
}

/// Where the line crosses a side.
fn crossing(values: &Matrix, x: &[f64], y: &[f64], level: f64, (i, j, along_x): Side) -> [f64; 2] {
    let (k, l) = if along_x { (i + 1, j) } else { (i, j + 1) };
    let (a, b) = (values[(i, j)], values[(k, l)]);
    let t = (level - a) / (b - a);
    [x[i] + t * (x[k] - x[i]), y[j] + t * (y[l] - y[j])]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(n: usize, f: impl Fn(f64, f64) -> f64) -> (Matrix, Vec<f64>) {
        let x: Vec<f64> = (0..n).map(|k| -2.0 + 4.0 * k as f64 / (n - 1) as f64).collect();
        let data = x.iter().flat_map(|a| x.iter().map(|b| f(*a, *b)).collect::<Vec<_>>()).collect();
        (Matrix::from_rows(n, n, data), x)
    }

    #[test]
    fn a_circle_is_one_ring() {
        let (values, x) = grid(81, |a, b| a * a + b * b);
        let lines = level_lines(&values, &x, &x, 1.0);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].first(), lines[0].last());
        for [a, b] in &lines[0] {
            // linear interpolation of a² over a step of 0.05: off by at most 0.05²/8
            assert!((a * a + b * b - 1.0).abs() < 1e-3, "{a} {b}");
        }
    }

    #[test]
    fn open_lines_end_at_the_border_and_the_first_index_is_x() {
        let (values, x) = grid(41, |a, _| a);
        let lines = level_lines(&values, &x, &x, 0.52);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].len(), 41);
        assert!(lines[0].iter().all(|p| (p[0] - 0.52).abs() < 1e-12));
    }

    #[test]
    fn saddles_and_missing_values() {
        let (values, x) = grid(4, |a, b| a * b);
        // Through the middle cell of a saddle go two pieces, which belong to two different lines.
        assert_eq!(level_lines(&values, &x, &x, 0.1).len(), 2);
        let (mut holes, x) = grid(41, |a, b| a * a + b * b);
        holes[(30, 20)] = f64::NAN;
        assert_eq!(level_lines(&holes, &x, &x, 1.0).len(), 1);
        assert!(level_lines(&holes, &x, &x, 1.0)[0].len() < level_lines(&grid(41, |a, b| a * a + b * b).0, &x, &x, 1.0)[0].len());
    }
}
