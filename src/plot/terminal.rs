//! A panel in characters: Braille dots for curves and points, shades for maps, ordinary letters for everything written.
//!
//! A Braille character holds 2 × 4 dots, so that 80 × 24 characters are a picture of about 140 × 70 dots. Where a legend must tell
//! several curves apart without colour, each has a symbol of its own instead.

use super::mark::{Mark, Paint, Shape, TextPlace};
use super::panel::{Brush, Panel};
use super::scale::{Scale, Tick, drawable, short};

/// Symbols of the kinds in a legend.
const SYMBOLS: [char; 7] = ['*', '+', 'o', 'x', '#', '@', '%'];
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

/// The panel as lines of at most `width` characters, at most `height` of them.
pub fn show_panel(panel: &Panel, width: usize, height: usize) -> Vec<String> {
    let (x, y) = panel.scales();
    let legend = panel.legend();
    let mut above = Vec::new();
    if !panel.title.is_empty() {
        above.push(centred(&panel.title, width));
    }
    if !panel.y.title.is_empty() {
        above.push(cut(&panel.y.title, width));
    }
    let shaded = panel.marks.iter().any(|m| {
        matches!(m.shape, Shape::Rectangles { joined: true, .. } | Shape::Areas { joined: true, .. }) && !m.values().is_empty()
    });
    let below = if panel.x.hidden { 0 } else { 2 }
        + usize::from(!panel.x.title.is_empty())
        + usize::from(legend.len() > 1)
        + usize::from(shaded);
    let rows = height.saturating_sub(above.len() + below).max(4);
    let y_ticks = if panel.y.hidden {
        Vec::new()
    } else if panel.y.names.is_empty() {
        y.ticks((rows / 4).max(2))
    } else {
        named(&panel.y.names, &y)
    };
    let labels = y_ticks.iter().map(|t| t.label.chars().count()).max().unwrap_or(0).min(width / 3);
    let columns = width.saturating_sub(labels + 2).max(8);

    let mut sheet = Sheet::new(columns, rows, x, y);
    for mark in &panel.marks {
        let symbol = (legend.len() > 1)
            .then(|| legend.iter().position(|(label, _)| mark.label.as_deref() == Some(label)))
            .flatten()
            .map(|k| SYMBOLS[k % SYMBOLS.len()]);
        sheet.draw(panel, mark, symbol);
    }

    let mut out = above;
    let mut at_row = vec![None; rows];
    for tick in &y_ticks {
        at_row[row_of(&y, tick.value, rows)].get_or_insert(tick.label.as_str());
    }
    for (row, label) in at_row.into_iter().enumerate() {
        let label_text = label.map(|l| cut(l, labels)).unwrap_or_default();
        let axis = match (panel.y.hidden, label.is_some()) {
            (true, _) => ' ',
            (_, true) => '┤',
            (_, false) => '│',
        };
        out.push(format!("{label_text:>labels$} {axis}{}", sheet.line(row)).trim_end().to_string());
    }
    if !panel.x.hidden {
        out.extend(x_axis(panel, &x, labels + 1, columns));
    }
    if !panel.x.title.is_empty() {
        out.push(format!("{}{}", " ".repeat(labels + 2), centred(&panel.x.title, columns)));
    }
    if legend.len() > 1 {
        let entries: Vec<String> =
            legend.iter().enumerate().map(|(k, (label, _))| format!("{} {label}", SYMBOLS[k % SYMBOLS.len()])).collect();
        out.push(centred(&entries.join("   "), width));
    }
    if let (true, Some(colours)) = (shaded, &panel.colours) {
        let scale = colours.scale();
        let ends = [scale.low, scale.high].map(short);
        out.push(centred(&format!("{} {} ░▒▓█ {}", colours.name, ends[0], ends[1]), width));
    }
    out
}

/// A text in the middle of `width` characters, without spaces behind it.
pub fn centred(text: &str, width: usize) -> String {
    let text = cut(text.trim(), width);
    format!("{}{text}", " ".repeat((width - text.chars().count().min(width)) / 2))
}

/// A text of at most `width` characters on one line.
pub fn cut(text: &str, width: usize) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    if text.chars().count() <= width {
        return plain.collect();
    }
    plain.take(width.saturating_sub(1)).chain(std::iter::once('…')).take(width).collect()
}

fn row_of(scale: &Scale, value: f64, rows: usize) -> usize {
    ((1.0 - scale.place(value).clamp(0.0, 1.0)) * (rows - 1) as f64).round() as usize
}

fn named(names: &[(f64, String)], scale: &Scale) -> Vec<Tick> {
    let inside = names.iter().filter(|(value, _)| (0.0..=1.0).contains(&scale.place(*value)));
    inside.map(|(value, label)| Tick { value: *value, label: label.clone() }).collect()
}

/// The line of the axis and the line of its labels.
fn x_axis(panel: &Panel, scale: &Scale, indent: usize, columns: usize) -> [String; 2] {
    let column = |value: f64| (scale.place(value).clamp(0.0, 1.0) * (columns - 1) as f64).round() as usize;
    let mut most = (columns / 10).clamp(2, 10);
    let ticks = loop {
        let ticks = if panel.x.names.is_empty() { scale.ticks(most) } else { named(&panel.x.names, scale) };
        let apart = ticks.windows(2).all(|pair| {
            let needed = (pair[0].label.chars().count() + pair[1].label.chars().count()) / 2 + 2;
            column(pair[1].value) - column(pair[0].value) >= needed
        });
        if apart || most <= 2 || !panel.x.names.is_empty() {
            break ticks;
        }
        most -= 1;
    };
    let mut line: Vec<char> = vec!['─'; columns];
    let mut labels: Vec<char> = vec![' '; indent + 1 + columns];
    let mut free_from = 0;
    for tick in ticks {
        let at = column(tick.value);
        line[at] = '┬';
        let label = cut(&tick.label, 16);
        let length = label.chars().count();
        let start = (indent + 1 + at).saturating_sub(length / 2).min(labels.len().saturating_sub(length));
        // A name that would run into the one before it is left out.
        if start < free_from {
            continue;
        }
        for (k, c) in label.chars().enumerate() {
            labels[start + k] = c;
        }
        free_from = start + length + 1;
    }
    let line: String = line.into_iter().collect();
    let labels: String = labels.into_iter().collect();
    [format!("{}└{line}", " ".repeat(indent)), labels.trim_end().to_string()]
}

/// Characters with eight dots each.
struct Sheet {
    columns: usize,
    rows: usize,
    x: Scale,
    y: Scale,
    dots: Vec<u8>,
    /// What stands in place of the dots.
    over: Vec<Option<char>>,
}

impl Sheet {
    fn new(columns: usize, rows: usize, x: Scale, y: Scale) -> Sheet {
        Sheet { columns, rows, x, y, dots: vec![0; columns * rows], over: vec![None; columns * rows] }
    }

    /// Column and row in dots, with fractions; a point far outside stays countable.
    fn at(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        (drawable(x, self.x.log) && drawable(y, self.y.log)).then(|| {
            let column = self.x.place(x).clamp(-10.0, 11.0) * (2 * self.columns - 1) as f64;
            let row = (1.0 - self.y.place(y)).clamp(-10.0, 11.0) * (4 * self.rows - 1) as f64;
            [column, row]
        })
    }

    fn set(&mut self, at: [f64; 2], symbol: Option<char>) {
        let (column, row) = (at[0].round(), at[1].round());
        if column < 0.0 || row < 0.0 || column >= (2 * self.columns) as f64 || row >= (4 * self.rows) as f64 {
            return;
        }
        let (column, row) = (column as usize, row as usize);
        let cell = row / 4 * self.columns + column / 2;
        match symbol {
            Some(symbol) => self.over[cell] = Some(symbol),
            // The bits of a Braille character go down the left column, then the right; the lowest row came later.
            None => self.dots[cell] |= [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]][row % 4][column % 2],
        }
    }

    fn segment(&mut self, a: [f64; 2], b: [f64; 2], symbol: Option<char>) {
        let steps = (a[0] - b[0]).abs().max((a[1] - b[1]).abs()).ceil().clamp(1.0, 20_000.0) as usize;
        for k in 0..=steps {
            let t = k as f64 / steps as f64;
            self.set([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])], symbol);
        }
    }

    fn draw(&mut self, panel: &Panel, mark: &Mark, symbol: Option<char>) {
        match &mark.shape {
            Shape::Lines(paths) => {
                for path in paths {
                    for pair in path.windows(2) {
                        if let (Some(a), Some(b)) = (self.at(pair[0]), self.at(pair[1])) {
                            self.segment(a, b, symbol);
                        }
                    }
                }
            }
            Shape::Points(points) => {
                for p in points {
                    if let Some(at) = self.at(*p) {
                        self.set(at, symbol);
                    }
                }
            }
            Shape::Errors(bars) => {
                for [x, low, high] in bars {
                    if let (Some(a), Some(b)) = (self.at([*x, *low]), self.at([*x, *high])) {
                        self.segment(a, b, None);
                    }
                }
            }
            Shape::Rectangles { corners, joined } => self.rectangles(corners, *joined, panel, mark),
            // A band would hide the curve that it belongs to.
            Shape::Areas { joined: false, .. } => {}
            Shape::Areas { corners, joined: true } => {
                let brush = panel.paint(mark);
                for (k, area) in corners.iter().enumerate() {
                    self.facet(area, &brush, k);
                }
            }
            Shape::Texts { texts, place, .. } => {
                for (p, text) in texts {
                    if let Some(at) = self.at(*p) {
                        self.write(at, text, *place);
                    }
                }
            }
        }
    }

    fn rectangles(&mut self, corners: &[[f64; 4]], joined: bool, panel: &Panel, mark: &Mark) {
        let brush = panel.paint(mark);
        // Light fills are dotted, so that lines on them can be seen.
        let light = matches!(&mark.paint, Paint::Plain(c) if c.0 as u32 + c.1 as u32 + c.2 as u32 > 500);
        for (k, [x0, x1, y0, y1]) in corners.iter().enumerate() {
            let base = if self.y.log && *y0 <= 0.0 { self.y.low } else { *y0 };
            let (Some(a), Some(b)) = (self.at([*x0, *y1]), self.at([*x1, base])) else { continue };
            let (left, right) = (a[0].min(b[0]).max(0.0), a[0].max(b[0]).min((2 * self.columns) as f64));
            let (top, bottom) = (a[1].min(b[1]).max(0.0), a[1].max(b[1]).min((4 * self.rows) as f64));
            for row in top.round() as usize..=bottom.round() as usize {
                for column in left.round() as usize..=right.round() as usize {
                    if joined {
                        self.shade(column / 2, row / 4, &brush, k);
                    } else if !light || (row + column) % 2 == 0 {
                        self.set([column as f64, row as f64], None);
                    }
                }
            }
        }
    }

    fn shade(&mut self, column: usize, row: usize, brush: &Brush, part: usize) {
        if column < self.columns && row < self.rows {
            let shade = brush.step(part).map_or('·', |step| SHADES[step as usize * SHADES.len() / 256]);
            self.over[row * self.columns + column] = Some(shade);
        }
    }

    /// Shades the characters whose middles lie in a polygon.
    fn facet(&mut self, area: &[[f64; 2]], brush: &Brush, part: usize) {
        let corners: Vec<[f64; 2]> = area.iter().filter_map(|p| self.at(*p)).map(|[x, y]| [x / 2.0, y / 4.0]).collect();
        let across = |k: usize, most: usize| {
            let ends = corners.iter().fold([f64::INFINITY, 0.0f64], |e, c| [e[0].min(c[k]), e[1].max(c[k])]);
            ends[0].max(0.0) as usize..(ends[1] as usize + 1).min(most)
        };
        for row in across(1, self.rows) {
            for column in across(0, self.columns) {
                let (x, y) = (column as f64 + 0.5, row as f64 + 0.5);
                // A point is inside when a ray from it crosses the border an odd number of times.
                let crossed = (0..corners.len()).filter(|&k| {
                    let (a, b) = (corners[k], corners[(k + 1) % corners.len()]);
                    (a[1] > y) != (b[1] > y) && x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
                });
                if crossed.count() % 2 == 1 {
                    self.shade(column, row, brush, part);
                }
            }
        }
    }

    /// Writes a text at a point: below it, or where its place puts it.
    fn write(&mut self, at: [f64; 2], text: &str, place: TextPlace) {
        let row = (at[1] / 4.0).floor()
            + match place {
                TextPlace::Below | TextPlace::Under => 1.0,
                TextPlace::Above => -1.0,
                _ => 0.0,
            };
        let length = text.chars().count();
        if row < 0.0 || length > self.columns {
            return;
        }
        let row = (row as usize).min(self.rows - 1);
        let column = (at[0].max(0.0) / 2.0) as usize;
        let start = match place {
            TextPlace::Below | TextPlace::Under | TextPlace::Above | TextPlace::On => column.saturating_sub(length / 2),
            TextPlace::Beside | TextPlace::After => column + 2,
            TextPlace::Before => column.saturating_sub(length + 1),
        };
        let start = start.min(self.columns - length);
        for (k, c) in cut(text, length).chars().enumerate() {
            self.over[row * self.columns + start + k] = Some(c);
        }
    }

    fn line(&self, row: usize) -> String {
        let cells = row * self.columns..(row + 1) * self.columns;
        cells
            .map(|cell| match (self.over[cell], self.dots[cell]) {
                (Some(c), _) => c,
                (None, 0) => ' ',
                (None, dots) => char::from_u32(0x2800 + dots as u32).unwrap_or('?'),
            })
            .collect()
    }
}
