//! A panel: marks between two axes, with a title and, where numbers became colours, a colour bar.

use super::colour::{Colour, ColourMap};
use super::figure::Figure;
use super::mark::{Mark, Paint, Shape, extent};
use super::scale::{Scale, drawable};
use crate::choices;

/// One axis of a panel.
#[derive(Debug, Clone)]
pub struct Axis {
    pub title: String,
    pub log: bool,
    /// What it shows; by default everything there is.
    pub range: Option<[f64; 2]>,
    /// Room beyond the data below and above, as shares of their length.
    pub margin: [f64; 2],
    /// Words in place of numbers, each at its value.
    pub names: Vec<(f64, String)>,
    /// Nothing of it is drawn: the direction means nothing.
    pub hidden: bool,
}

impl Axis {
    pub fn new(title: &str) -> Axis {
        Axis { title: title.into(), log: false, range: None, margin: [0.04, 0.04], names: Vec::new(), hidden: false }
    }

    fn scale(&self, data: Option<[f64; 2]>) -> Scale {
        match (self.range, data) {
            (Some([low, high]), _) => Scale::new(low, high, self.log, [0.0, 0.0]),
            (None, Some([low, high])) => Scale::new(low, high, self.log, self.margin),
            (None, None) => Scale { low: if self.log { 0.1 } else { 0.0 }, high: 1.0, log: self.log },
        }
    }
}

/// How numbers become colours, and the name of what they are.
#[derive(Debug, Clone)]
pub struct ColourScale {
    pub map: ColourMap,
    pub name: String,
    pub range: [f64; 2],
    /// Equal ratios are equal steps of colour; what is not positive has none.
    pub log: bool,
}

impl ColourScale {
    /// The scale over all finite values.
    pub fn over(values: &[f64], map: ColourMap, name: &str) -> ColourScale {
        ColourScale { map, name: name.into(), range: extent(values.iter().copied(), false).unwrap_or([0.0, 1.0]), log: false }
    }

    /// The logarithmic scale over all positive values.
    pub fn log_over(values: &[f64], map: ColourMap, name: &str) -> ColourScale {
        ColourScale { map, name: name.into(), range: extent(values.iter().copied(), true).unwrap_or([0.1, 1.0]), log: true }
    }

    /// The scale of the colour bar beside the panel.
    pub fn scale(&self) -> Scale {
        Scale::new(self.range[0], self.range[1], self.log, [0.0, 0.0])
    }

    /// One of 256 steps for a value; `None` when it has none (drawn grey).
    pub fn step(&self, scale: &Scale, value: f64) -> Option<u8> {
        if value.is_nan() || (self.log && value <= 0.0) {
            None
        } else {
            Some((scale.place(value).clamp(0.0, 1.0) * 255.0).round() as u8)
        }
    }

    pub fn colour(&self, step: Option<u8>) -> Colour {
        self.map.at(step.map_or(f64::NAN, |s| s as f64 / 255.0))
    }
}

choices! {
    /// A corner of a panel.
    pub enum Corner {
        /// Above, on the right.
        TopRight = "top_right",
        /// Above, on the left.
        TopLeft = "top_left",
        /// Below, on the right.
        BottomRight = "bottom_right",
        /// Below, on the left.
        BottomLeft = "bottom_left",
    }
}

impl Corner {
    pub fn is_right(self) -> bool {
        matches!(self, Corner::TopRight | Corner::BottomRight)
    }

    pub fn is_top(self) -> bool {
        matches!(self, Corner::TopRight | Corner::TopLeft)
    }
}

/// A figure in a corner of a panel.
#[derive(Debug, Clone)]
pub struct Inset {
    pub figure: Figure,
    /// Where it stands; without one where it covers least.
    pub corner: Option<Corner>,
    /// Its share of the panel's width and height.
    pub size: f64,
}

/// Marks between axes.
#[derive(Debug, Clone)]
pub struct Panel {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub marks: Vec<Mark>,
    pub colours: Option<ColourScale>,
    pub insets: Vec<Inset>,
}

impl Panel {
    pub fn new(x_title: &str, y_title: &str) -> Panel {
        Panel {
            title: String::new(),
            x: Axis::new(x_title),
            y: Axis::new(y_title),
            marks: Vec::new(),
            colours: None,
            insets: Vec::new(),
        }
    }

    /// The scales of both axes: their ranges, or what holds every mark.
    pub fn scales(&self) -> (Scale, Scale) {
        let (mut xs, mut ys) = (Vec::new(), Vec::new());
        for mark in &self.marks {
            let (mut x_range, mut y_range): (Option<[f64; 2]>, Option<[f64; 2]>) = (None, None);
            let widen = |range: &mut Option<[f64; 2]>, v: f64, log: bool| {
                if drawable(v, log) {
                    let [low, high] = range.unwrap_or([v, v]);
                    *range = Some([low.min(v), high.max(v)]);
                }
            };
            mark.each_corner(|x, y| {
                // A point that cannot be drawn in one direction says nothing about the other.
                let bars = matches!(mark.shape, Shape::Rectangles { .. } | Shape::Errors(_));
                if bars || (drawable(x, self.x.log) && drawable(y, self.y.log)) {
                    widen(&mut x_range, x, self.x.log);
                    widen(&mut y_range, y, self.y.log);
                }
            });
            xs.extend(x_range.into_iter().flatten());
            ys.extend(y_range.into_iter().flatten());
        }
        (self.x.scale(extent(xs, false)), self.y.scale(extent(ys, false)))
    }

    /// The colour of each part of a mark, as steps of the colour scale, or the one colour it has.
    pub fn paint<'a>(&'a self, mark: &'a Mark) -> Brush<'a> {
        match (&mark.paint, &self.colours) {
            (Paint::Plain(colour), _) => Brush::Plain(*colour),
            (Paint::Values(values), Some(colours)) => Brush::Steps { colours, scale: colours.scale(), values },
            (Paint::Values(_), None) => Brush::Plain(Colour::INK),
        }
    }

    /// Labels of the legend with the mark that shows each; marks of the same label are one entry.
    pub fn legend(&self) -> Vec<(&str, &Mark)> {
        let mut entries: Vec<(&str, &Mark)> = Vec::new();
        for mark in &self.marks {
            if let Some(label) = mark.label.as_deref().filter(|l| !entries.iter().any(|e| e.0 == *l)) {
                entries.push((label, mark));
            }
        }
        entries
    }
}

/// The colours of the parts of a mark.
pub enum Brush<'a> {
    Plain(Colour),
    Steps { colours: &'a ColourScale, scale: Scale, values: &'a [f64] },
}

impl Brush<'_> {
    pub fn colour(&self, part: usize) -> Colour {
        match self {
            Brush::Plain(colour) => *colour,
            Brush::Steps { colours, .. } => colours.colour(self.step(part)),
        }
    }

    pub fn step(&self, part: usize) -> Option<u8> {
        match self {
            Brush::Plain(_) => None,
            Brush::Steps { colours, scale, values } => colours.step(scale, values.get(part).copied().unwrap_or(f64::NAN)),
        }
    }

    /// The parts in an order that puts the same colours together, so that they become one path.
    pub fn by_colour(&self, parts: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..parts).collect();
        if let Brush::Steps { .. } = self {
            order.sort_by_cached_key(|part| self.step(*part));
        }
        order
    }
}
