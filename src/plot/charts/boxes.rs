//! Box plots: median, quartiles, whiskers to the farthest point within 1.5 boxes, and every point beyond (Tukey 1977).

use super::{Size, check_some};
use crate::base::{Error, Result};
use crate::options;
use crate::plot::colour::{Colour, kind_colour};
use crate::plot::{Figure, Mark, Paint, Panel, Shape};

options! {
    /// Options of `box_plot`.
    pub struct BoxPlotOptions {
        /// Title above the plot.
        title: String = String::new() => "none", ANY, "";
        /// Title of the x axis.
        x_label: String = String::new() => "none", ANY, "";
        /// Title of the y axis.
        y_label: String = String::new() => "none", ANY, "";
        /// Logarithmic y axis; what is not positive is left out.
        y_log: bool = false, ANY, "";
        /// Names of the groups, below them.
        labels: Vec<String> = Vec::new() => "1, 2, …", ANY, "";
        /// Colour of the boxes.
        colour: Colour = kind_colour(0) => "\"blue\"", ANY, "";
        /// Width and height of the figure.
        size: Size = Size::default(), ANY, "px";
    }
}

/// What a box shows of a group of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxSummary {
    /// 25 %, 50 % and 75 %.
    pub quartiles: [f64; 3],
    /// The farthest numbers within 1.5 times the height of the box.
    pub whiskers: [f64; 2],
    pub outliers: Vec<f64>,
}

/// A box for each group; numbers that are not finite are left out.
pub fn box_plot(groups: &[Vec<f64>], options: &BoxPlotOptions) -> Result<Figure> {
    check_some("box_plot", groups.iter().flatten().map(|v| [0.0, *v]), [false, options.y_log])?;
    if !options.labels.is_empty() && options.labels.len() != groups.len() {
        let message = format!("box_plot: option `labels` has {} names for {} groups", options.labels.len(), groups.len());
        return Err(Error::shape(message).at("labels"));
    }
    let (mut bodies, mut lines, mut medians, mut points) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (k, group) in groups.iter().enumerate() {
        let drawn = group.iter().copied().filter(|v| v.is_finite() && (!options.y_log || *v > 0.0)).collect();
        let Some(BoxSummary { quartiles: [q1, q2, q3], whiskers: [low, high], outliers }) = summary(drawn) else { continue };
        let x = k as f64;
        bodies.push([x - 0.3, x + 0.3, q1, q3]);
        lines.push(vec![[x - 0.3, q1], [x + 0.3, q1], [x + 0.3, q3], [x - 0.3, q3], [x - 0.3, q1]]);
        medians.push(vec![[x - 0.3, q2], [x + 0.3, q2]]);
        for (from, to) in [(q1, low), (q3, high)] {
            lines.push(vec![[x, from], [x, to]]);
            lines.push(vec![[x - 0.12, to], [x + 0.12, to]]);
        }
        points.extend(outliers.into_iter().map(|v| [x, v]));
    }
    let mut panel = Panel::new(&options.x_label, &options.y_label);
    panel.title = options.title.clone();
    panel.y.log = options.y_log;
    panel.x.range = Some([-0.6, groups.len() as f64 - 0.4]);
    let name = |k: usize| options.labels.get(k).cloned().unwrap_or_else(|| (k + 1).to_string());
    panel.x.names = (0..groups.len()).map(|k| (k as f64, name(k))).collect();
    let plain = Paint::Plain(options.colour);
    panel.marks = vec![
        Mark::new(Shape::Rectangles { corners: bodies, joined: false }, Paint::Plain(options.colour.lighter(0.75)), 1.0),
        Mark::new(Shape::Lines(lines), plain.clone(), 1.2),
        Mark::new(Shape::Lines(medians), Paint::Plain(Colour::INK), 2.0),
        Mark::new(Shape::Points(points), plain, 4.0),
    ];
    Ok(Figure::of(panel, options.size.0))
}

/// Quartiles, whiskers and outliers; `None` without numbers.
fn summary(mut values: Vec<f64>) -> Option<BoxSummary> {
    values.sort_by(f64::total_cmp);
    values.first()?;
    let quartiles = [0.25, 0.5, 0.75].map(|q| quantile(&values, q));
    let reach = 1.5 * (quartiles[2] - quartiles[0]);
    let within = |v: &f64| (quartiles[0] - reach..=quartiles[2] + reach).contains(v);
    let low = values.iter().copied().find(within).unwrap_or(quartiles[0]).min(quartiles[0]);
    let high = values.iter().copied().rev().find(within).unwrap_or(quartiles[2]).max(quartiles[2]);
    let outliers = values.iter().copied().filter(|v| !within(v)).collect();
    Some(BoxSummary { quartiles, whiskers: [low, high], outliers })
}

/// The value below which a share of sorted numbers lies, between neighbours in proportion (Hyndman and Fan's type 7).
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let left = place as usize;
    let right = (left + 1).min(sorted.len() - 1);
    sorted[left] + (place - left as f64) * (sorted[right] - sorted[left])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_of_a_known_group() {
        // R: quantile(c(1:9, 30)) gives 3.25, 5.5, 7.75; 1.5 boxes above is 14.5
        let found = summary(vec![30.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]).unwrap();
        assert_eq!(found, BoxSummary { quartiles: [3.25, 5.5, 7.75], whiskers: [1.0, 9.0], outliers: vec![30.0] });
        assert_eq!(summary(vec![2.0]).unwrap().whiskers, [2.0, 2.0]);
        assert_eq!(summary(vec![]), None);
    }
}
