//! Marks: what stands between the axes, in the units of the data. Every chart is made of these six shapes.

use super::colour::Colour;
use super::scale::drawable;

/// A shape with its colour and, where it is named in the legend, its label.
#[derive(Debug, Clone)]
pub struct Mark {
    pub shape: Shape,
    pub paint: Paint,
    /// The name in the legend.
    pub label: Option<String>,
    /// Width of lines, diameter of points, height of texts, in px.
    pub width: f64,
}

/// Shapes in data units, `[x, y]`. What is not finite (or not positive on a logarithmic axis) is left out; in a line it is a gap.
#[derive(Debug, Clone)]
pub enum Shape {
    /// Lines through points, a colour each.
    Lines(Vec<Vec<[f64; 2]>>),
    /// Filled circles.
    Points(Vec<[f64; 2]>),
    /// Filled rectangles `[x0, x1, y0, y1]`: bars, cells, boxes. `joined` cells share their borders and show no gaps.
    Rectangles { corners: Vec<[f64; 4]>, joined: bool },
    /// Filled polygons, each over those before it. `joined` ones have a thin darker border of their own: the facets of a surface.
    Areas { corners: Vec<Vec<[f64; 2]>>, joined: bool },
    /// Vertical bars with caps, `[x, low, high]`.
    Errors(Vec<[f64; 3]>),
    /// Texts at points. With a halo they can be read on any colour.
    Texts { texts: Vec<([f64; 2], String)>, place: TextPlace, halo: bool },
}

/// Where a text stands relative to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextPlace {
    /// Centred below it: the end of a line.
    Below,
    /// Centred below it: a filled circle.
    Under,
    /// Centred above it.
    Above,
    /// To its right, or where there is room: to its left, above or below.
    Beside,
    /// Ends at it.
    Before,
    /// Begins at it.
    After,
    /// In the middle on it.
    On,
}

/// What colours a mark: one colour, or a number for each of its parts that the panel's colour scale turns into one.
#[derive(Debug, Clone)]
pub enum Paint {
    Plain(Colour),
    Values(Vec<f64>),
}

impl Mark {
    pub fn new(shape: Shape, paint: Paint, width: f64) -> Mark {
        Mark { shape, paint, label: None, width }
    }

    pub fn labelled(mut self, label: Option<&str>) -> Mark {
        self.label = label.map(str::to_string);
        self
    }

    /// Calls `see` with every point that the axes must hold.
    pub fn each_corner(&self, mut see: impl FnMut(f64, f64)) {
        match &self.shape {
            Shape::Lines(paths) | Shape::Areas { corners: paths, .. } => paths.iter().flatten().for_each(|p| see(p[0], p[1])),
            Shape::Points(points) => points.iter().for_each(|p| see(p[0], p[1])),
            Shape::Rectangles { corners, .. } => corners.iter().for_each(|r| {
                see(r[0], r[2]);
                see(r[1], r[3]);
            }),
            Shape::Errors(bars) => bars.iter().for_each(|b| {
                see(b[0], b[1]);
                see(b[0], b[2]);
            }),
            Shape::Texts { texts, .. } => texts.iter().for_each(|(p, _)| see(p[0], p[1])),
        }
    }

    /// The values that colour it, where it has any.
    pub fn values(&self) -> &[f64] {
        match &self.paint {
            Paint::Values(values) => values,
            Paint::Plain(_) => &[],
        }
    }
}

/// The smallest and the largest of the numbers that can be drawn.
pub fn extent(values: impl IntoIterator<Item = f64>, log: bool) -> Option<[f64; 2]> {
    values.into_iter().filter(|v| drawable(*v, log)).fold(None, |range, v| match range {
        None => Some([v, v]),
        Some([low, high]) => Some([low.min(v), high.max(v)]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_leave_out_what_cannot_be_drawn() {
        let values = [f64::NAN, 3.0, -1.0, f64::INFINITY, 0.0];
        assert_eq!(extent(values, false), Some([-1.0, 3.0]));
        assert_eq!(extent(values, true), Some([3.0, 3.0]));
        assert_eq!(extent([f64::NAN], false), None);
    }
}
