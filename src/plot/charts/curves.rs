//! Curves and clouds of points, with error bars or bands.

use super::{Interval, Size, check_equal, check_range, check_some};
use crate::base::{Error, OptionType, OptionValue, Result};
use crate::plot::colour::{Colour, ColourMap, kind_colour};
use crate::plot::{ColourScale, Figure, Mark, Paint, Panel, Shape, TextPlace};
use crate::{choices, options};

/// One curve: y over x.
#[derive(Debug, Clone)]
pub struct Series {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
}

choices! {
    /// How a curve is drawn.
    pub enum CurveStyle {
        /// A line through the points.
        Line = "line",
        /// The points alone.
        Points = "points",
        /// Points joined by a line.
        Both = "both",
    }
}

choices! {
    /// How errors are drawn.
    pub enum ErrorStyle {
        /// A vertical bar with caps at each point.
        Bars = "bars",
        /// A pale band behind the curve.
        Band = "band",
    }
}

options! {
    /// Options of `plot`.
    pub struct PlotOptions {
        /// Title above the plot.
        title: String = String::new() => "none", ANY, "";
        /// Title of the x axis.
        x_label: String = String::new() => "none", ANY, "";
        /// Title of the y axis.
        y_label: String = String::new() => "none", ANY, "";
        /// Logarithmic x axis; what is not positive is left out.
        x_log: bool = false, ANY, "";
        /// Logarithmic y axis; what is not positive is left out.
        y_log: bool = false, ANY, "";
        /// What the x axis shows.
        x_range: Option<Interval> = None => "all points", ANY, "";
        /// What the y axis shows.
        y_range: Option<Interval> = None => "all points", ANY, "";
        /// Line, points or both.
        style: CurveStyle = CurveStyle::Line, ANY, "";
        /// Half lengths of the error bars: one list, or one for each curve.
        errors: Lists = Lists(Vec::new()) => "none", ANY, "";
        /// Bars with caps, or a band behind the curve.
        error_style: ErrorStyle = ErrorStyle::Bars, ANY, "";
        /// Names of the curves, for the legend.
        labels: Vec<String> = Vec::new() => "none", ANY, "";
        /// Colour of a single curve.
        colour: Option<Colour> = None => "blue, then a colour for each curve", ANY, "";
        /// Width of the lines.
        width: f64 = 1.6, POSITIVE, "px";
        /// Width and height of the figure.
        size: Size = Size::default(), ANY, "px";
    }
}

options! {
    /// Options of `scatter`.
    pub struct ScatterOptions {
        /// Title above the plot.
        title: String = String::new() => "none", ANY, "";
        /// Title of the x axis.
        x_label: String = String::new() => "none", ANY, "";
        /// Title of the y axis.
        y_label: String = String::new() => "none", ANY, "";
        /// Logarithmic x axis; what is not positive is left out.
        x_log: bool = false, ANY, "";
        /// Logarithmic y axis; what is not positive is left out.
        y_log: bool = false, ANY, "";
        /// What the x axis shows.
        x_range: Option<Interval> = None => "all points", ANY, "";
        /// What the y axis shows.
        y_range: Option<Interval> = None => "all points", ANY, "";
        /// Half lengths of the error bars.
        errors: Vec<f64> = Vec::new() => "none", ANY, "";
        /// One colour, or a number for each point (NaN is grey).
        colour: Tint = Tint::Colour(kind_colour(0)) => "\"blue\"", ANY, "";
        /// Map from numbers to colours.
        colour_map: ColourMap = ColourMap::Viridis, ANY, "";
        /// Name of the numbers beside the colour bar.
        colour_label: String = String::new() => "none", ANY, "";
        /// Text beside each point.
        labels: Vec<String> = Vec::new() => "none", ANY, "";
        /// Diameter of the points.
        diameter: Option<f64> = None => "6 px, 3 px from 1,000 points", POSITIVE, "px";
        /// Width and height of the figure.
        size: Size = Size::default(), ANY, "px";
    }
}

/// Lists of numbers as an option: one, or several.
#[derive(Debug, Clone, PartialEq)]
pub struct Lists(pub Vec<Vec<f64>>);

impl OptionType for Lists {
    fn takes() -> String {
        "an array of numbers, or several of them".into()
    }
    fn read(value: &OptionValue) -> Option<Lists> {
        if let Some(one) = Vec::<f64>::read(value) {
            return Some(Lists(if one.is_empty() { Vec::new() } else { vec![one] }));
        }
        match value {
            OptionValue::List(lists) => lists.iter().map(Vec::<f64>::read).collect::<Option<Vec<_>>>().map(Lists),
            _ => None,
        }
    }
    fn show(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// What colours points: one colour, or a number for each.
#[derive(Debug, Clone, PartialEq)]
pub enum Tint {
    Colour(Colour),
    Values(Vec<f64>),
}

impl OptionType for Tint {
    fn takes() -> String {
        format!("{}, or an array of numbers", Colour::takes())
    }
    fn read(value: &OptionValue) -> Option<Tint> {
        Colour::read(value).map(Tint::Colour).or_else(|| Vec::<f64>::read(value).map(Tint::Values))
    }
    fn show(&self) -> String {
        match self {
            Tint::Colour(colour) => colour.show(),
            Tint::Values(values) => values.show(),
        }
    }
}

/// Curves through points; NaN makes a gap.
pub fn plot(series: &[Series], options: &PlotOptions) -> Result<Figure> {
    for s in series {
        check_equal("plot", ("x", s.x.len()), ("y", s.y.len()))?;
    }
    let all = series.iter().flat_map(|s| s.x.iter().zip(&s.y).map(|(x, y)| [*x, *y]));
    check_some("plot", all, [options.x_log, options.y_log])?;
    if !options.labels.is_empty() && options.labels.len() != series.len() {
        let message = format!("plot: option `labels` has {} names for {} curves", options.labels.len(), series.len());
        return Err(Error::shape(message).at("labels"));
    }
    if options.errors.0.len() > 1 && options.errors.0.len() != series.len() {
        let message = format!("plot: option `errors` has {} lists for {} curves", options.errors.0.len(), series.len());
        return Err(Error::shape(message).at("errors"));
    }
    let mut panel = Panel::new(&options.x_label, &options.y_label);
    panel.title = options.title.clone();
    (panel.x.log, panel.y.log) = (options.x_log, options.y_log);
    panel.x.range = check_range("plot", "x_range", options.x_range, options.x_log)?;
    panel.y.range = check_range("plot", "y_range", options.y_range, options.y_log)?;
    let mut bands = Vec::new();
    let mut lines = Vec::new();
    for (k, s) in series.iter().enumerate() {
        let colour = options.colour.unwrap_or_else(|| kind_colour(k));
        let points: Vec<[f64; 2]> = s.x.iter().zip(&s.y).map(|(x, y)| [*x, *y]).collect();
        let label = options.labels.get(k).map(String::as_str);
        if let Some(errors) = options.errors.0.get(k).or(options.errors.0.first()) {
            check_equal("plot", ("y", points.len()), ("errors", errors.len()))?;
            let shape = match options.error_style {
                ErrorStyle::Bars => Shape::Errors(bars(&points, errors)),
                ErrorStyle::Band => Shape::Areas { corners: vec![band(&points, errors)], joined: false },
            };
            let paint = if options.error_style == ErrorStyle::Band { colour.lighter(0.75) } else { colour };
            bands.push(Mark::new(shape, Paint::Plain(paint), 1.0));
        }
        let alone = points.len() == 1;
        if options.style != CurveStyle::Points && !alone {
            lines.push(Mark::new(Shape::Lines(vec![points.clone()]), Paint::Plain(colour), options.width).labelled(label));
        }
        if options.style != CurveStyle::Line || alone {
            lines.push(Mark::new(Shape::Points(points), Paint::Plain(colour), 5.0).labelled(label));
        }
    }
    panel.marks = bands;
    panel.marks.extend(lines);
    Ok(Figure::of(panel, options.size.0))
}

/// A cloud of points, coloured by numbers where asked.
pub fn scatter(x: &[f64], y: &[f64], options: &ScatterOptions) -> Result<Figure> {
    check_equal("scatter", ("x", x.len()), ("y", y.len()))?;
    let points: Vec<[f64; 2]> = x.iter().zip(y).map(|(x, y)| [*x, *y]).collect();
    check_some("scatter", points.iter().copied(), [options.x_log, options.y_log])?;
    let mut panel = Panel::new(&options.x_label, &options.y_label);
    panel.title = options.title.clone();
    (panel.x.log, panel.y.log) = (options.x_log, options.y_log);
    panel.x.range = check_range("scatter", "x_range", options.x_range, options.x_log)?;
    panel.y.range = check_range("scatter", "y_range", options.y_range, options.y_log)?;
    let paint = match &options.colour {
        Tint::Colour(colour) => Paint::Plain(*colour),
        Tint::Values(values) => {
            check_equal("scatter", ("x", x.len()), ("colour", values.len()))?;
            panel.colours = Some(ColourScale::over(values, options.colour_map, &options.colour_label));
            Paint::Values(values.clone())
        }
    };
    if !options.errors.is_empty() {
        check_equal("scatter", ("y", y.len()), ("errors", options.errors.len()))?;
        panel.marks.push(Mark::new(Shape::Errors(bars(&points, &options.errors)), paint.clone(), 1.0));
    }
    let diameter = options.diameter.unwrap_or(if points.len() < 1000 { 6.0 } else { 3.0 });
    panel.marks.push(Mark::new(Shape::Points(points.clone()), paint, diameter));
    if !options.labels.is_empty() {
        check_equal("scatter", ("x", x.len()), ("labels", options.labels.len()))?;
        let texts = points.into_iter().zip(options.labels.iter().cloned()).collect();
        panel.marks.push(Mark::new(
            Shape::Texts { texts, place: TextPlace::Beside, halo: true },
            Paint::Plain(Colour::INK),
            11.0,
        ));
    }
    Ok(Figure::of(panel, options.size.0))
}

fn bars(points: &[[f64; 2]], errors: &[f64]) -> Vec<[f64; 3]> {
    points
        .iter()
        .zip(errors)
        .filter(|(p, e)| p[1].is_finite() && e.is_finite())
        .map(|(p, e)| [p[0], p[1] - e, p[1] + e])
        .collect()
}

/// There along the upper ends, back along the lower ones.
fn band(points: &[[f64; 2]], errors: &[f64]) -> Vec<[f64; 2]> {
    let bars = bars(points, errors);
    bars.iter().map(|b| [b[0], b[2]]).chain(bars.iter().rev().map(|b| [b[0], b[1]])).collect()
}
