//! How often numbers fall where.

use super::{Interval, Size, check_some};
use crate::base::{Error, Result};
use crate::options;
use crate::plot::colour::{Colour, kind_colour};
use crate::plot::mark::extent;
use crate::plot::{Figure, Mark, Paint, Panel, Shape};

options! {
    /// Options of `histogram`.
    pub struct HistogramOptions {
        /// Title above the plot.
        title: String = String::new() => "none", ANY, "";
        /// Title of the x axis.
        x_label: String = String::new() => "none", ANY, "";
        /// Title of the y axis.
        y_label: Option<String> = None => "\"count\" or \"density\"", ANY, "";
        /// Logarithmic y axis.
        y_log: bool = false, ANY, "";
        /// Number of bins.
        bins: Option<usize> = None => "by Freedman and Diaconis, 5 to 200", AT_LEAST_ONE, "";
        /// Where the first bin begins and the last one ends; what lies outside is not counted.
        range: Option<Interval> = None => "all numbers", ANY, "";
        /// Heights whose area is 1, in place of counts.
        density: bool = false, ANY, "";
        /// Colour of the bars.
        colour: Colour = kind_colour(0) => "\"blue\"", ANY, "";
        /// Width and height of the figure.
        size: Size = Size::default(), ANY, "px";
    }
}

/// A histogram of the finite ones among `values`.
pub fn histogram(values: &[f64], options: &HistogramOptions) -> Result<Figure> {
    check_some("histogram", values.iter().map(|v| [*v, 0.0]), [false, false])?;
    let [low, high] = match options.range {
        Some(range) => range.0,
        None => extent(values.iter().copied(), false).unwrap_or([0.0, 1.0]),
    };
    // Numbers that are all the same get a bin around them.
    let (low, high) = if high - low > low.abs().max(high.abs()) * 1e-12 {
        (low, high)
    } else {
        let room = if low == 0.0 { 0.5 } else { low.abs() * 0.05 };
        (low - room, high + room)
    };
    let inside: Vec<f64> = values.iter().copied().filter(|v| (low..=high).contains(v)).collect();
    if inside.is_empty() {
        return Err(
            Error::value(format!("histogram: none of the {} numbers lies from {low} to {high}", values.len())).at("range")
        );
    }
    let bins = options.bins.unwrap_or_else(|| freedman_diaconis(&inside, high - low));
    if bins > 100_000 {
        return Err(Error::value(format!("histogram: option `bins` must be at most 100000, found {bins}")).at("bins"));
    }
    let counts = count(&inside, low, high, bins);
    let width = (high - low) / bins as f64;
    let unit = if options.density { 1.0 / (inside.len() as f64 * width) } else { 1.0 };
    let bars: Vec<[f64; 4]> = (0..bins)
        .filter(|k| counts[*k] > 0)
        .map(|k| [low + k as f64 * width, low + (k + 1) as f64 * width, 0.0, counts[k] as f64 * unit])
        .collect();

    let heights = if options.density { "density" } else { "count" };
    let mut panel = Panel::new(&options.x_label, options.y_label.as_deref().unwrap_or(heights));
    panel.title = options.title.clone();
    panel.y.log = options.y_log;
    panel.y.margin = if options.y_log { [0.1, 0.05] } else { [0.0, 0.05] };
    panel.x.range = options.range.map(|r| r.0);
    // A white hair between the bars, where they are wide enough to have one.
    let hair = width * if bins <= 120 { 0.03 } else { 0.0 };
    let bars = bars.into_iter().map(|[a, b, c, d]| [a + hair, b - hair, c, d]).collect();
    panel.marks.push(Mark::new(Shape::Rectangles { corners: bars, joined: false }, Paint::Plain(options.colour), 1.0));
    Ok(Figure::of(panel, options.size.0))
}

/// Counts in equal bins; the last one holds its upper end.
fn count(values: &[f64], low: f64, high: f64, bins: usize) -> Vec<u64> {
    let mut counts = vec![0; bins];
    for v in values {
        let bin = ((v - low) / (high - low) * bins as f64) as usize;
        counts[bin.min(bins - 1)] += 1;
    }
    counts
}

/// Bins of width 2·IQR/n^⅓ (Freedman and Diaconis 1981, doi:10.1007/BF01025868), 5 to 200 of them.
fn freedman_diaconis(values: &[f64], span: f64) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let width =
        2.0 * (super::boxes::quantile(&sorted, 0.75) - super::boxes::quantile(&sorted, 0.25)) / (values.len() as f64).cbrt();
    if width > 0.0 { ((span / width).ceil() as usize).clamp(5, 200) } else { 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_everything_once() {
        assert_eq!(count(&[0.0, 0.5, 0.99, 1.0], 0.0, 1.0, 2), [1, 3]);
        let values: Vec<f64> = (0..1000).map(|k| (k as f64 * 0.7).sin()).collect();
        assert_eq!(count(&values, -1.0, 1.0, 17).iter().sum::<u64>(), 1000);
    }

    #[test]
    fn bins_follow_the_rule() {
        // 0 … 999: IQR 499.5, width 2 · 499.5 / 10 = 99.9, 999 / 99.9 = 10 bins
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(freedman_diaconis(&values, 999.0), 10);
    }

    #[test]
    fn equal_numbers_and_empty_ranges() {
        assert!(histogram(&[2.0; 5], &HistogramOptions::default()).is_ok());
        let away = HistogramOptions { range: Some(Interval([5.0, 6.0])), ..HistogramOptions::default() };
        assert!(histogram(&[1.0, 2.0], &away).unwrap_err().to_string().contains("none of the 2 numbers lies from 5 to 6"));
    }
}
