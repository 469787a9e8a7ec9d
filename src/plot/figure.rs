//! A figure: one panel or several beside each other; it saves itself in any format and shows itself in a terminal.

use super::canvas::{Across, Along, Canvas, draw_svg};
use super::colour::Colour;
use super::layout::{Room, draw_panel};
use super::panel::{Corner, Inset, Panel};
use super::{output, terminal};
use crate::base::{Error, Result};
use crate::options;
use std::path::Path;
use std::sync::Arc;

/// Width and height of a figure of one panel, in px.
pub const SIZE: [f64; 2] = [720.0, 520.0];
const GRID_TITLE: f64 = 32.0;

options! {
    /// Options of `inset`.
    pub struct InsetOptions {
        /// Where it stands.
        corner: Option<Corner> = None => "where it covers least", ANY, "";
        /// Its share of the width and the height.
        size: f64 = 0.4, FRACTION, "";
    }
}

/// A picture, ready to be saved or shown. Clones are cheap.
#[derive(Debug, Clone)]
pub struct Figure {
    content: Content,
    size: [f64; 2],
}

#[derive(Debug, Clone)]
enum Content {
    Panel(Arc<Panel>),
    /// Row by row.
    Grid {
        title: String,
        cells: Vec<Figure>,
        columns: usize,
    },
}

impl Figure {
    /// A figure of one panel, `size` in px.
    pub fn of(panel: Panel, size: [f64; 2]) -> Figure {
        Figure { content: Content::Panel(Arc::new(panel)), size }
    }

    /// Several figures beside and below each other. Without a size each keeps four fifths of its own.
    pub fn grid(cells: Vec<Figure>, columns: usize, title: &str, size: Option<[f64; 2]>) -> Result<Figure> {
        if cells.is_empty() {
            return Err(
                Error::value("figure: there is nothing in it").hint("give an array of figures, as in figure([plot(x, y)])")
            );
        }
        let columns = columns.clamp(1, cells.len());
        let rows = cells.len().div_ceil(columns);
        let cell = cells.iter().fold([0.0f64; 2], |m, f| [m[0].max(f.size[0]), m[1].max(f.size[1])]);
        let size = size.unwrap_or([0.8 * cell[0] * columns as f64, 0.8 * cell[1] * rows as f64]);
        Ok(Figure { content: Content::Grid { title: title.into(), cells, columns }, size })
    }

    /// This figure with the marks of another on top, in the axes of this one.
    pub fn with(&self, other: &Figure) -> Result<Figure> {
        let (Content::Panel(mine), Content::Panel(theirs)) = (&self.content, &other.content) else {
            return Err(Error::value("add: a figure of several panels has no one place for marks")
                .hint("add to its panels before figure([…])"));
        };
        if mine.colours.is_some() && theirs.colours.is_some() {
            return Err(Error::value("add: both figures colour by a value, and one panel has one colour bar")
                .hint("give the figure that is added one colour"));
        }
        if (mine.x.log, mine.y.log) != (theirs.x.log, theirs.y.log) {
            return Err(Error::value("add: one of the figures has a logarithmic axis where the other has none"));
        }
        let mut panel = Panel::clone(mine);
        panel.marks.extend(theirs.marks.iter().cloned());
        panel.colours = panel.colours.or_else(|| theirs.colours.clone());
        // A frame that fits a map exactly stays; another one grows with what is added.
        Ok(Figure::of(panel, self.size))
    }

    /// This figure with room above and below its data, as shares of their height, for what is written there.
    pub fn with_margins(mut self, margin: [f64; 2]) -> Figure {
        if let Content::Panel(panel) = &mut self.content {
            Arc::make_mut(panel).y.margin = margin;
        }
        self
    }

    /// This figure with another one in a corner of it.
    pub fn inset(&self, figure: &Figure, options: &InsetOptions) -> Result<Figure> {
        let Content::Panel(mine) = &self.content else {
            return Err(Error::value("inset: a figure of several panels has no one corner for an inset")
                .hint("put it into one of its panels before figure([…])"));
        };
        if !(0.15..=0.8).contains(&options.size) {
            return Err(Error::value(format!("inset: option `size` must be from 0.15 to 0.8, found {}", options.size)).at("size"));
        }
        let mut panel = Panel::clone(mine);
        panel.insets.push(Inset { figure: figure.clone(), corner: options.corner, size: options.size });
        Ok(Figure::of(panel, self.size))
    }

    pub fn title(&self) -> &str {
        match &self.content {
            Content::Panel(panel) => &panel.title,
            Content::Grid { title, .. } => title,
        }
    }

    /// Width and height in px.
    pub fn size(&self) -> [f64; 2] {
        self.size
    }

    /// The drawing as SVG.
    pub fn svg(&self) -> String {
        let [width, height] = self.size;
        draw_svg(width, height, |canvas| self.draw(canvas, [0.0, width, 0.0, height]))
    }

    /// Writes the drawing to a file: .svg, .png, .pdf or .html.
    pub fn save(&self, path: &Path) -> Result<()> {
        // Before drawing: a wrong ending is told at once.
        output::ending("save", path)?;
        output::save_svg_as(&self.svg(), path, self.title())
    }

    /// The drawing in characters, at most `width` wide and, for a single panel, `height` high.
    pub fn show(&self, width: usize, height: usize) -> String {
        self.lines(width.max(20), height.max(8)).join("\n")
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, [left, right, top, bottom]: Room) {
        match &self.content {
            Content::Panel(panel) => draw_panel(canvas, panel, [left, right, top, bottom]),
            Content::Grid { title, cells, columns } => {
                let top = if title.is_empty() { top } else { top + GRID_TITLE };
                if !title.is_empty() {
                    let at = [(left + right) / 2.0, top - GRID_TITLE / 2.0];
                    canvas.text(at, title, 18.0, Along::Middle, Across::Middle, Colour::INK);
                }
                let rows = cells.len().div_ceil(*columns);
                let (w, h) = ((right - left) / *columns as f64, (bottom - top) / rows as f64);
                for (k, cell) in cells.iter().enumerate() {
                    let (x, y) = (left + w * (k % columns) as f64, top + h * (k / columns) as f64);
                    cell.draw(canvas, [x, x + w, y, y + h]);
                }
            }
        }
    }

    fn lines(&self, width: usize, height: usize) -> Vec<String> {
        let (title, cells, columns) = match &self.content {
            Content::Panel(panel) => {
                let mut lines = terminal::show_panel(panel, width, height);
                // Characters are too coarse for a picture in a picture: insets come below.
                for inset in &panel.insets {
                    lines.extend(inset.figure.lines(width, height));
                }
                return lines;
            }
            Content::Grid { title, cells, columns } => (title, cells, *columns),
        };
        // As many beside each other as stay readable.
        let columns = columns.min(width / 36).max(1);
        let cell_width = (width - (columns - 1)) / columns;
        let mut out = Vec::new();
        if !title.is_empty() {
            out.push(terminal::centred(title, width));
        }
        for row in cells.chunks(columns) {
            let shown: Vec<Vec<String>> = row.iter().map(|cell| cell.lines(cell_width, height)).collect();
            for k in 0..shown.iter().map(Vec::len).max().unwrap_or(0) {
                let pieces: Vec<String> = shown
                    .iter()
                    .map(|lines| {
                        let line = lines.get(k).map_or("", String::as_str);
                        format!("{line}{}", " ".repeat(cell_width.saturating_sub(line.chars().count())))
                    })
                    .collect();
                out.push(pieces.join(" ").trim_end().to_string());
            }
        }
        out
    }
}
