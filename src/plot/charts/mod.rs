//! Charts: numbers in, a figure out. Each kind has its file with its options.

mod boxes;
mod contours;
mod curves;
mod histogram;
mod maps;
mod relief;

pub use boxes::{BoxPlotOptions, box_plot};
pub use contours::{ContourOptions, Levels, contour, level_lines};
pub use curves::{CurveStyle, ErrorStyle, Lists, PlotOptions, ScatterOptions, Series, Tint, plot, scatter};
pub use histogram::{HistogramOptions, histogram};
pub use maps::{HeatmapOptions, heatmap};
pub use relief::{ReliefOptions, surface_plot};

use super::figure::{Figure, SIZE};
use super::scale::drawable;
use crate::base::{Error, OptionType, OptionValue, Result};
use crate::options;

options! {
    /// Options of a figure of several panels.
    pub struct FigureOptions {
        /// Title above all panels.
        title: String = String::new() => "none", ANY, "";
        /// Panels beside each other.
        columns: Option<usize> = None => "as square as possible", AT_LEAST_ONE, "";
        /// Width and height.
        size: Option<Size> = None => "four fifths of each panel's own", ANY, "px";
    }
}

/// Several figures in one: row by row, `columns` beside each other.
pub fn figure(figures: Vec<Figure>, options: &FigureOptions) -> Result<Figure> {
    let columns = options.columns.unwrap_or((figures.len() as f64).sqrt().ceil() as usize);
    Figure::grid(figures, columns, &options.title, options.size.map(|s| s.0))
}

/// A stretch of numbers as an option: `[low, high]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval(pub [f64; 2]);

impl OptionType for Interval {
    fn takes() -> String {
        "[low, high] with low below high".into()
    }
    fn read(value: &OptionValue) -> Option<Interval> {
        match Vec::<f64>::read(value)?[..] {
            [low, high] if low < high && low.abs() <= 1e300 && high.abs() <= 1e300 => Some(Interval([low, high])),
            _ => None,
        }
    }
    fn show(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// Width and height of a figure as an option, in px.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size(pub [f64; 2]);

impl Default for Size {
    fn default() -> Size {
        Size(SIZE)
    }
}

impl OptionType for Size {
    fn takes() -> String {
        "[width, height], each from 100 to 5000".into()
    }
    fn read(value: &OptionValue) -> Option<Size> {
        match Vec::<f64>::read(value)?[..] {
            [w, h] if (100.0..=5000.0).contains(&w) && (100.0..=5000.0).contains(&h) => Some(Size([w, h])),
            _ => None,
        }
    }
    fn show(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// A logarithmic axis shows no range that begins at or below zero.
fn check_range(function: &str, name: &str, range: Option<Interval>, log: bool) -> Result<Option<[f64; 2]>> {
    match range {
        Some(Interval([low, _])) if log && low <= 0.0 => {
            let message =
                format!("{function}: option `{name}` begins at {low}, and a logarithmic axis has only positive numbers");
            Err(Error::value(message).at(name))
        }
        other => Ok(other.map(|r| r.0)),
    }
}

/// An error unless at least one point can be drawn.
fn check_some(function: &str, points: impl Iterator<Item = [f64; 2]>, logs: [bool; 2]) -> Result<()> {
    let mut seen = 0usize;
    for [x, y] in points {
        seen += 1;
        if drawable(x, logs[0]) && drawable(y, logs[1]) {
            return Ok(());
        }
    }
    let (message, hint) = match (seen, logs[0] || logs[1]) {
        (0, _) => (format!("{function}: there are no numbers to draw"), "give at least one"),
        (_, true) => (
            format!("{function}: none of the {seen} points can stand on a logarithmic axis"),
            "logarithmic axes need positive numbers: leave x_log or y_log out",
        ),
        (_, false) => (format!("{function}: none of the {seen} points is finite"), "look for NaN and infinity in the data"),
    };
    Err(Error::value(message).hint(hint))
}

/// An error unless two lists have the same length.
fn check_equal(function: &str, a: (&str, usize), b: (&str, usize)) -> Result<()> {
    if a.1 == b.1 {
        return Ok(());
    }
    Err(Error::shape(format!("{function}: `{}` has {} numbers and `{}` has {}", a.0, a.1, b.0, b.1))
        .hint("they must be equally many"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Kind, Options};

    #[test]
    fn options_are_read_and_refused() {
        let mut options = PlotOptions::default();
        let list = |v: &[f64]| OptionValue::List(v.iter().map(|x| OptionValue::Real(*x)).collect());
        options.set("plot", "size", &list(&[300.0, 200.0])).unwrap();
        assert_eq!(options.size, Size([300.0, 200.0]));
        let wrong = options.set("plot", "x_range", &list(&[2.0, 1.0])).unwrap_err();
        assert!(wrong.to_string().contains("`x_range` takes [low, high] with low below high"), "{wrong}");
        assert!(options.set("plot", "size", &list(&[1e9, 1e9])).is_err());
    }

    #[test]
    fn nothing_to_draw_is_an_error() {
        let series = |x: &[f64], y: &[f64]| vec![Series { x: x.to_vec(), y: y.to_vec() }];
        let says = |s: Vec<Series>, o: &PlotOptions| plot(&s, o).unwrap_err().to_string();
        let plain = PlotOptions::default();
        let log = PlotOptions { y_log: true, ..PlotOptions::default() };
        assert!(says(series(&[], &[]), &plain).contains("plot: there are no numbers to draw"));
        assert!(says(series(&[1.0], &[f64::NAN]), &plain).contains("none of the 1 points is finite"));
        assert!(says(series(&[1.0], &[-1.0]), &log).contains("logarithmic"));
        assert_eq!(plot(&series(&[1.0, 2.0], &[1.0]), &plain).unwrap_err().kind, Kind::Shape);
        assert!(figure(Vec::new(), &FigureOptions::default()).is_err());
    }
}
