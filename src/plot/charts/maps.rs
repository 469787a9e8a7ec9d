//! Heat maps: a number on each place of a grid, as a colour.

use super::{Size, check_range, check_some};
use crate::base::{Error, Result};
use crate::math::matrix::Matrix;
use crate::options;
use crate::plot::colour::ColourMap;
use crate::plot::{ColourScale, Figure, Mark, Paint, Panel, Shape};

options! {
    /// Options of `heatmap`.
    pub struct HeatmapOptions {
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
        /// Numbers at the two ends of the colour map; what lies outside takes the colour of the end.
        range: Option<super::Interval> = None => "all numbers", ANY, "";
        /// Colours by the logarithm; what is not positive is grey.
        log: bool = false, ANY, "";
        /// Map from numbers to colours; NaN is grey.
        colour_map: ColourMap = ColourMap::Viridis, ANY, "";
        /// Name of the numbers beside the colour bar.
        colour_label: String = String::new() => "none", ANY, "";
        /// Width and height of the figure.
        size: Size = Size::default(), ANY, "px";
    }
}

/// `values[(i, j)]` as a coloured cell around x\[i\], y\[j\]: the first index runs along x.
pub fn heatmap(values: &Matrix, options: &HeatmapOptions) -> Result<Figure> {
    check_some("heatmap", values.data.iter().map(|v| [0.0, *v]), [false, options.log])?;
    let x = places("heatmap", "x", &options.x, values.rows)?;
    let y = places("heatmap", "y", &options.y, values.columns)?;
    let (x_edges, y_edges) = (edges(&x), edges(&y));
    let mut corners = Vec::with_capacity(values.data.len());
    for i in 0..values.rows {
        for j in 0..values.columns {
            corners.push([x_edges[i], x_edges[i + 1], y_edges[j], y_edges[j + 1]]);
        }
    }
    let mut panel = Panel::new(&options.x_label, &options.y_label);
    panel.title = options.title.clone();
    // The frame fits the cells, whatever is laid over them.
    panel.x.range = Some([x_edges[0], x_edges[x.len()]]);
    panel.y.range = Some([y_edges[0], y_edges[y.len()]]);
    let scale = if options.log { ColourScale::log_over } else { ColourScale::over };
    let mut colours = scale(&values.data, options.colour_map, &options.colour_label);
    colours.range = check_range("heatmap", "range", options.range, options.log)?.unwrap_or(colours.range);
    panel.colours = Some(colours);
    panel.marks.push(Mark::new(Shape::Rectangles { corners, joined: true }, Paint::Values(values.data.clone()), 1.0));
    Ok(Figure::of(panel, options.size.0))
}

/// The places of a grid along one axis: those given, which must rise, or 0, 1, 2, …
pub(super) fn places(function: &str, name: &str, given: &[f64], count: usize) -> Result<Vec<f64>> {
    if given.is_empty() {
        return Ok((0..count).map(|k| k as f64).collect());
    }
    if given.len() != count {
        let (what, index) = if name == "x" { ("rows", "first") } else { ("columns", "second") };
        let message = format!("{function}: option `{name}` has {} places for {count} {what}", given.len());
        return Err(Error::shape(message).at(name).hint(format!("the {index} index of the values runs along {name}")));
    }
    if !given.windows(2).all(|w| w[0] < w[1]) || !given.iter().all(|v| v.is_finite()) {
        return Err(Error::value(format!("{function}: the places in option `{name}` must be finite and rise")).at(name));
    }
    Ok(given.to_vec())
}

/// Borders of the cells: half-way between places, as far out at the ends.
fn edges(places: &[f64]) -> Vec<f64> {
    let n = places.len();
    if n == 1 {
        return vec![places[0] - 0.5, places[0] + 0.5];
    }
    let mut edges = vec![places[0] - (places[1] - places[0]) / 2.0];
    edges.extend(places.windows(2).map(|w| (w[0] + w[1]) / 2.0));
    edges.push(places[n - 1] + (places[n - 1] - places[n - 2]) / 2.0);
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_meet_half_way() {
        assert_eq!(edges(&[0.0, 1.0, 3.0]), [-0.5, 0.5, 2.0, 4.0]);
        assert_eq!(edges(&[7.0]), [6.5, 7.5]);
    }

    #[test]
    fn wrong_places_are_refused() {
        let values = Matrix::zeros(2, 3);
        let says = |o: HeatmapOptions| heatmap(&values, &o).unwrap_err().to_string();
        let short = says(HeatmapOptions { y: vec![1.0, 2.0], ..HeatmapOptions::default() });
        assert!(short.contains("`y` has 2 places for 3 columns") && short.contains("second index"), "{short}");
        assert!(says(HeatmapOptions { x: vec![1.0, 1.0], ..HeatmapOptions::default() }).contains("must be finite and rise"));
    }
}
