//! A sheet of SVG to draw on, in px with fractions: the one place that speaks to plotters.
//!
//! plotters rounds every coordinate to whole units, so that curves would come out as stairs: the sheet is ten times as large as the
//! picture, and `width`, `height` and `viewBox` say so. Neighbouring elements of the same style are merged into one path, since a
//! disconnectivity graph of 200,000 minima would otherwise be 200,000 elements.

use super::colour::Colour;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontTransform, register_font};

/// Units of the sheet in one px.
const FINE: f64 = 10.0;
/// The font in the crate, and what programs that open the SVG elsewhere may take instead.
const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";
/// plotters writes a font size of the size asked for divided by this.
const PLOTTERS_EM: f64 = 1.24;
/// Ascent plus descent of DejaVu Sans in ems: what the text measuring of plotters takes as the size.
const FONT_HEIGHT: f64 = 2384.0 / 2048.0;

/// Where a text stands relative to its point, along the line of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Along {
    Start,
    Middle,
    End,
}

/// Where a text stands relative to its point, across the line of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Across {
    /// The point is above the text.
    Below,
    Middle,
}

/// A sheet being drawn on. All coordinates and widths in px, y downwards.
pub struct Canvas<'a> {
    backend: SVGBackend<'a>,
}

/// Draws a picture of `width` × `height` px and returns it as SVG.
pub fn draw_svg(width: f64, height: f64, draw: impl FnOnce(&mut Canvas)) -> String {
    let mut text = String::new();
    let size = (fine(width).max(1) as u32, fine(height).max(1) as u32);
    let mut canvas = Canvas { backend: SVGBackend::with_string(&mut text, size) };
    canvas.rectangle([0.0, width, 0.0, height], Colour::WHITE);
    draw(&mut canvas);
    sure(canvas.backend.present());
    drop(canvas);
    finish(&text, width, height)
}

/// The width of a text in px. Known without drawing, since the font travels in the program.
pub fn text_width(text: &str, size: f64) -> f64 {
    // Registering twice is harmless and costs microseconds: no state of ours is needed.
    let _ = register_font(FAMILY, FontStyle::Normal, dejavu::sans::regular());
    let thousand = (FAMILY, 1000.0 * FONT_HEIGHT).into_font().box_size(&tidy(text));
    thousand.map_or(0.6 * text.chars().count() as f64, |(w, _)| w as f64 / 1000.0) * size
}

impl Canvas<'_> {
    /// A line through points; nothing below two.
    pub fn line(&mut self, points: &[[f64; 2]], colour: Colour, width: f64) {
        if points.len() >= 2 {
            let style = rgb(colour).stroke_width(fine(width).max(1) as u32);
            sure(self.backend.draw_path(points.iter().map(|p| (fine(p[0]), fine(p[1]))), &style));
        }
    }

    /// A filled polygon.
    pub fn area(&mut self, points: &[[f64; 2]], colour: Colour) {
        if points.len() >= 3 {
            sure(self.backend.fill_polygon(points.iter().map(|p| (fine(p[0]), fine(p[1]))), &rgb(colour).filled()));
        }
    }

    /// A filled rectangle `[left, right, top, bottom]`.
    pub fn rectangle(&mut self, [left, right, top, bottom]: [f64; 4], colour: Colour) {
        let (a, b) = ((fine(left), fine(top)), (fine(right), fine(bottom)));
        sure(self.backend.draw_rect(a, b, &rgb(colour).filled(), true));
    }

    /// A filled circle.
    pub fn circle(&mut self, at: [f64; 2], radius: f64, colour: Colour) {
        let radius = fine(radius).max(1) as u32;
        sure(self.backend.draw_circle((fine(at[0]), fine(at[1])), radius, &rgb(colour).filled(), true));
    }

    /// A text at a point.
    pub fn text(&mut self, at: [f64; 2], text: &str, size: f64, along: Along, across: Across, colour: Colour) {
        self.write(at, text, size, along, across, colour, FontTransform::None);
    }

    /// A text that runs upwards, its point in the middle of it.
    pub fn upright_text(&mut self, at: [f64; 2], text: &str, size: f64, colour: Colour) {
        self.write(at, text, size, Along::Middle, Across::Middle, colour, FontTransform::Rotate270);
    }

    #[allow(clippy::too_many_arguments, reason = "the two public forms name them")]
    fn write(&mut self, at: [f64; 2], text: &str, size: f64, along: Along, across: Across, colour: Colour, turn: FontTransform) {
        let text = tidy(text);
        if text.is_empty() {
            return;
        }
        // From the point to the base line, in ems: digits are 0.73 high.
        let down = match across {
            Across::Below => 0.76,
            Across::Middle => 0.365,
        } * size;
        // plotters puts the base line 0.76 em below the point of a text anchored at its top.
        let shift = down - 0.76 * size;
        let at = if matches!(turn, FontTransform::None) { [at[0], at[1] + shift] } else { [at[0] + shift, at[1]] };
        let horizontal = match along {
            Along::Start => HPos::Left,
            Along::Middle => HPos::Center,
            Along::End => HPos::Right,
        };
        let font = (FAMILY, size * FINE * PLOTTERS_EM).into_font().transform(turn);
        let ink = RGBColor(colour.0, colour.1, colour.2);
        let style = TextStyle::from(font).color(&ink).pos(Pos::new(horizontal, VPos::Top));
        sure(self.backend.draw_text(&text, &style, (fine(at[0]), fine(at[1]))));
    }
}

/// Drawing into a string only appends to it: the error that plotters provides for files cannot occur.
fn sure<E>(drawn: Result<(), E>) {
    debug_assert!(drawn.is_ok());
}

fn rgb(colour: Colour) -> ShapeStyle {
    ShapeStyle { color: RGBColor(colour.0, colour.1, colour.2).to_rgba(), filled: false, stroke_width: 1 }
}

fn fine(px: f64) -> i32 {
    (px * FINE).round() as i32
}

/// Without what XML forbids: control characters and the two non-characters become spaces.
fn tidy(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() || c == '\u{fffe}' || c == '\u{ffff}' { ' ' } else { c }).collect();
    text.trim().to_string()
}

/// Gives the sheet its real size and merges neighbours of the same style.
fn finish(raw: &str, width: f64, height: f64) -> String {
    let mut out = String::with_capacity(raw.len());
    let (w, h) = (fine(width), fine(height));
    out.push_str(&format!(
        "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {w} {h}\" xmlns=\"http://www.w3.org/2000/svg\" stroke-linejoin=\"round\">\n"
    ));
    // The style of the path that is open, if any.
    let mut open: Option<&str> = None;
    for line in raw.lines().skip(1) {
        let (style, path) = match element(line) {
            Some(found) => found,
            None => {
                if open.take().is_some() {
                    out.push_str("\"/>\n");
                }
                out.push_str(line);
                out.push('\n');
                continue;
            }
        };
        if open != Some(style) {
            if open.is_some() {
                out.push_str("\"/>\n");
            }
            out.push_str("<path ");
            // Smoothed borders of cells that touch would show the paper between them.
            if matches!(path, Outline::Rectangle(_)) {
                out.push_str("shape-rendering=\"crispEdges\" ");
            }
            out.push_str(style);
            out.push_str(" d=\"");
            open = Some(style);
        }
        path.write(&mut out);
    }
    if open.is_some() {
        out.push_str("\"/>\n");
    }
    out
}

/// The geometry of an element that can join others in a path.
enum Outline<'a> {
    Points(&'a str),
    /// x, y, width, height
    Rectangle([&'a str; 4]),
}

impl Outline<'_> {
    fn write(&self, out: &mut String) {
        match self {
            Outline::Points(points) => {
                out.push('M');
                out.push_str(points.trim_end());
            }
            Outline::Rectangle([x, y, w, h]) => {
                for piece in ["M", x, ",", y, "h", w, "v", h, "H", x, "z"] {
                    out.push_str(piece);
                }
            }
        }
    }
}

/// Splits a line of plotters' SVG into style and geometry, where it is a polyline or a rectangle.
fn element(line: &str) -> Option<(&str, Outline<'_>)> {
    if let Some(rest) = line.strip_prefix("<polyline ") {
        let (style, points) = rest.split_once(" points=\"")?;
        return Some((style, Outline::Points(points.strip_suffix("\"/>")?)));
    }
    let mut rest = line.strip_prefix("<rect ")?;
    let mut numbers = [""; 4];
    for (number, name) in numbers.iter_mut().zip(["x=\"", "y=\"", "width=\"", "height=\""]) {
        (*number, rest) = rest.strip_prefix(name)?.split_once("\" ")?;
    }
    Some((rest.strip_suffix("/>")?, Outline::Rectangle(numbers)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_neighbours_and_keeps_the_rest() {
        let svg = draw_svg(20.0, 10.0, |c| {
            c.line(&[[0.0, 1.0], [2.06, 3.0]], Colour(1, 2, 3), 1.5);
            c.line(&[[4.0, 1.0], [5.0, 3.0]], Colour(1, 2, 3), 1.5);
            c.line(&[[4.0, 1.0], [5.0, 3.0]], Colour::BLACK, 1.5);
            c.text([1.0, 1.0], "a <b> & \u{1b}\"c\"\n<rect x=\"", 12.0, Along::Start, Across::Middle, Colour::INK);
        });
        assert!(svg.starts_with("<svg width=\"20\" height=\"10\" viewBox=\"0 0 200 100\""), "{svg}");
        assert!(svg.contains("d=\"M0,10 21,30M40,10 50,30\""), "{svg}");
        assert!(svg.contains("d=\"M0,0h200v100H0z\""), "{svg}");
        assert!(svg.contains("a &lt;b&gt; &amp;"), "{svg}");
        assert_eq!(svg.matches("<path").count(), 3);
        assert!(svg.contains("font-family=\"DejaVu Sans, Verdana, sans-serif\""));
    }

    #[test]
    fn measures_text_as_the_font_has_it() {
        // DejaVu Sans: every digit is 1303 of 2048 wide.
        let wide = text_width("12345678", 100.0);
        assert!((wide - 800.0 * 1303.0 / 2048.0).abs() < 2.0, "{wide}");
        assert_eq!(text_width("", 10.0), 0.0);
    }
}
