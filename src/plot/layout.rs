//! Puts a panel on the sheet: room for what is written, then axes, marks, legend and colour bar.

use super::canvas::{Across, Along, Canvas, text_width};
use super::clip::{clip_area, clip_line};
use super::colour::Colour;
use super::mark::{Mark, Shape, TextPlace};
use super::panel::{ColourScale, Corner, Inset, Panel};
use super::scale::{Scale, Tick, drawable};

const TITLE: f64 = 16.0;
const TEXT: f64 = 13.0;
const SMALL: f64 = 12.0;
const TICK: f64 = 5.0;
const GAP: f64 = 6.0;
/// Nothing is written nearer than this to the edge of the picture.
const EDGE: f64 = 10.0;
/// From line to line of a text in several.
const LINE: f64 = 15.0;
const BAR_WIDTH: f64 = 14.0;
/// From entry to entry of a legend.
const LEGEND_LINE: f64 = 18.0;
/// Width of the paper round a text that stands on colours.
const HALO: f64 = 1.6;

/// A rectangle on the sheet in px: left, right, top, bottom.
pub type Room = [f64; 4];

/// A panel with everything measured.
struct Arranged<'a> {
    panel: &'a Panel,
    /// Where the marks go.
    inner: Room,
    x: Scale,
    y: Scale,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
    /// Names beside the x axis, in lines; they run upwards where they would overlap otherwise.
    names: Vec<Vec<String>>,
    upright_names: bool,
    legend: Option<Legend<'a>>,
    /// Where each inset of the panel goes.
    insets: Vec<Room>,
}

struct Legend<'a> {
    /// Name, mark, and the upper left corner of each entry.
    entries: Vec<(String, &'a Mark, [f64; 2])>,
}

/// Draws a panel into a part of the sheet.
pub fn draw_panel(canvas: &mut Canvas, panel: &Panel, room: Room) {
    let arranged = arrange(panel, room);
    let inner = arranged.inner;
    if !panel.title.is_empty() {
        let middle = [(inner[0] + inner[1]) / 2.0, room[2] + EDGE + TITLE / 2.0];
        let half = (middle[0] - room[0]).min(room[1] - middle[0]) - EDGE;
        let (title, size) = fitted(&panel.title, TITLE, 2.0 * half);
        canvas.text(middle, &title, size, Along::Middle, Across::Middle, Colour::INK);
    }
    for mark in &panel.marks {
        arranged.draw_mark(canvas, mark);
    }
    arranged.draw_axes(canvas, room);
    if let Some(colours) = &panel.colours {
        draw_colour_bar(canvas, colours, inner, room);
    }
    if let Some(legend) = &arranged.legend {
        legend.draw(canvas, panel);
    }
    for (inset, room) in panel.insets.iter().zip(&arranged.insets) {
        canvas.rectangle(*room, Colour::WHITE);
        inset.figure.draw(canvas, *room);
        let [left, right, top, bottom] = *room;
        canvas.line(&[[left, top], [right, top], [right, bottom], [left, bottom], [left, top]], Colour::MISSING, 1.0);
    }
}

fn arrange(panel: &Panel, room: Room) -> Arranged<'_> {
    let (x, y) = panel.scales();
    let mut inner = [room[0] + EDGE, room[1] - EDGE, room[2] + EDGE, room[3] - EDGE];
    if !panel.title.is_empty() {
        inner[2] += TITLE + GAP + 4.0;
    } else {
        inner[2] += SMALL / 2.0;
    }
    if !panel.x.title.is_empty() {
        inner[3] -= TEXT + GAP;
    }
    if !panel.y.title.is_empty() {
        inner[0] += TEXT + GAP;
    }
    // Heights first: the y ticks decide how wide their labels are.
    let spacing = (inner[1] - inner[0] - 60.0) / panel.x.names.len().max(1) as f64 - 8.0;
    let mut names: Vec<Vec<String>> = panel.x.names.iter().map(|n| wrapped(&n.1, spacing)).collect();
    let upright_names = names.iter().any(|lines| lines.len() > 3 || lines.iter().any(|l| text_width(l, SMALL) > spacing));
    if upright_names {
        names = panel.x.names.iter().map(|n| vec![shortened(&n.1, 110.0, SMALL)]).collect();
    }
    if !panel.x.hidden {
        let lines = names.iter().map(Vec::len).max().unwrap_or(1).max(1) as f64;
        let longest = names.iter().flatten().map(|n| text_width(n, SMALL)).fold(0.0, f64::max);
        inner[3] -= TICK + GAP + if upright_names { longest } else { SMALL + (lines - 1.0) * LINE };
    } else {
        inner[3] -= SMALL / 2.0;
    }
    let height = (inner[3] - inner[2]).max(20.0);
    let y_ticks = match &panel.y.names[..] {
        _ if panel.y.hidden => Vec::new(),
        [] => y.ticks((height / 42.0) as usize),
        names => named_ticks(names, &y),
    };
    inner[0] += if panel.y.hidden { 0.0 } else { TICK + GAP + widest(&y_ticks) };
    if let Some(colours) = &panel.colours {
        inner[1] -= bar_room(colours, height);
    }
    let entries: Vec<(String, &Mark)> =
        panel.legend().into_iter().map(|(label, mark)| (shortened(label, 180.0, SMALL), mark)).collect();
    let x_ticks_in = |inner: &Room| match &panel.x.names[..] {
        _ if panel.x.hidden => Vec::new(),
        [] => fitting_ticks(&x, inner[1] - inner[0]),
        named => named_ticks(named, &x),
    };
    let x_ticks = x_ticks_in(&inner);
    let insets = Vec::new();
    let mut arranged = Arranged { panel, inner, x, y, x_ticks, y_ticks, names, upright_names, legend: None, insets };
    arranged.make_room_for_last_label(room);
    for inset in &panel.insets {
        let place = arranged.inset_room(inset);
        arranged.insets.push(place);
    }
    if !entries.is_empty() {
        let right = arranged.inner[1];
        arranged.place_legend(entries);
        if arranged.inner[1] < right {
            arranged.x_ticks = x_ticks_in(&arranged.inner);
        }
    }
    arranged
}

impl<'a> Arranged<'a> {
    /// Half of the last x label reaches beyond the axis.
    fn make_room_for_last_label(&mut self, room: Room) {
        let Some(last) = self.x_ticks.last() else { return };
        if self.panel.colours.is_some() || self.upright_names {
            return;
        }
        let half = text_width(&last.label, SMALL) / 2.0;
        let beyond = self.inner[0] + self.x.place(last.value) * (self.inner[1] - self.inner[0]) + half + 2.0 - room[1];
        if beyond > 0.0 {
            self.inner[1] -= beyond;
        }
    }

    /// Where a point stands on the sheet; `None` when it cannot be drawn.
    fn at(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        let [left, right, top, bottom] = self.inner;
        (drawable(x, self.x.log) && drawable(y, self.y.log))
            .then(|| [left + self.x.place(x) * (right - left), bottom - self.y.place(y) * (bottom - top)])
    }

    fn is_inside(&self, p: [f64; 2]) -> bool {
        let [left, right, top, bottom] = self.inner;
        p[0] >= left - 0.01 && p[0] <= right + 0.01 && p[1] >= top - 0.01 && p[1] <= bottom + 0.01
    }

    /// The four sides of a rectangle of the data, cut to the axes; on a logarithmic axis zero is its lower end.
    fn sides(&self, [x0, x1, y0, y1]: [f64; 4]) -> Option<Room> {
        let [left, right, top, bottom] = self.inner;
        let share = |scale: &Scale, v: f64| {
            if v.is_nan() {
                None
            } else if scale.log && v <= 0.0 {
                Some(0.0)
            } else {
                Some(scale.place(v).clamp(0.0, 1.0))
            }
        };
        let (a, b) = (share(&self.x, x0.min(x1))?, share(&self.x, x0.max(x1))?);
        let (c, d) = (share(&self.y, y0.max(y1))?, share(&self.y, y0.min(y1))?);
        let height = bottom - top;
        Some([left + a * (right - left), left + b * (right - left), bottom - c * height, bottom - d * height])
    }

    fn draw_mark(&self, canvas: &mut Canvas, mark: &Mark) {
        let brush = self.panel.paint(mark);
        match &mark.shape {
            Shape::Lines(paths) => {
                for k in brush.by_colour(paths.len()) {
                    let colour = brush.colour(k);
                    let points = paths[k].iter().map(|p| self.at(*p));
                    clip_line(points, self.inner, |piece| canvas.line(piece, colour, mark.width));
                }
            }
            Shape::Points(points) => {
                for (k, p) in points.iter().enumerate() {
                    if let Some(p) = self.at(*p).filter(|p| self.is_inside(*p)) {
                        canvas.circle(p, mark.width / 2.0, brush.colour(k));
                    }
                }
            }
            Shape::Rectangles { corners, joined } => {
                for k in brush.by_colour(corners.len()) {
                    let Some(mut sides) = self.sides(corners[k]) else { continue };
                    if *joined {
                        // Half a px under the next cell: no hairlines where renderers smooth both borders.
                        sides[1] = (sides[1] + 0.5).min(self.inner[1]);
                        sides[3] = (sides[3] + 0.5).min(self.inner[3]);
                    }
                    canvas.rectangle(sides, brush.colour(k));
                }
            }
            Shape::Areas { corners, joined } => {
                for (k, area) in corners.iter().enumerate() {
                    let points: Vec<[f64; 2]> = area.iter().filter_map(|p| self.at(*p)).collect();
                    let mut cut = clip_area(&points, self.inner);
                    canvas.area(&cut, brush.colour(k));
                    if let (true, Some(first)) = (*joined, cut.first().copied()) {
                        cut.push(first);
                        canvas.line(&cut, brush.colour(k).darker(0.2), mark.width);
                    }
                }
            }
            Shape::Errors(bars) => {
                for (k, [x, low, high]) in bars.iter().enumerate() {
                    self.draw_error(canvas, *x, *low, *high, brush.colour(k), mark.width);
                }
            }
            Shape::Texts { texts, place, halo } => {
                let places = texts.iter().map(|(p, _)| self.at(*p).filter(|p| self.is_inside(*p)));
                let places: Vec<Option<[f64; 2]>> = places.collect();
                // What texts beside points must not cover: the points, and the texts before them.
                let mut taken: Vec<Room> = places.iter().flatten().map(|p| around(*p, 8.0, 8.0)).collect();
                for (k, (p, (_, text))) in places.iter().zip(texts).enumerate() {
                    let Some(p) = *p else { continue };
                    let (at, along, across) = match place {
                        TextPlace::Below => ([p[0], p[1] + 3.0], Along::Middle, Across::Below),
                        TextPlace::Under => ([p[0], p[1] + 7.0], Along::Middle, Across::Below),
                        TextPlace::Above => ([p[0], p[1] - 7.0 - 0.76 * mark.width], Along::Middle, Across::Below),
                        TextPlace::Beside => {
                            let middle = self.beside(p, [text_width(text, mark.width), mark.width], &mut taken);
                            (middle, Along::Middle, Across::Middle)
                        }
                        TextPlace::Before => (p, Along::End, Across::Middle),
                        TextPlace::After => (p, Along::Start, Across::Middle),
                        TextPlace::On => (p, Along::Middle, Across::Middle),
                    };
                    if *halo {
                        for (x, y) in
                            [(-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0), (-0.7, -0.7), (0.7, 0.7), (-0.7, 0.7), (0.7, -0.7)]
                        {
                            let beside = [at[0] + HALO * x, at[1] + HALO * y];
                            canvas.text(beside, text, mark.width, along, across, Colour::WHITE);
                        }
                    }
                    canvas.text(at, text, mark.width, along, across, brush.colour(k));
                }
            }
        }
    }

    /// The middle of a text of this size beside a point: to the right, to the left, above or below, where nothing stands yet; to the right where all is
    /// taken.
    fn beside(&self, p: [f64; 2], [width, height]: [f64; 2], taken: &mut Vec<Room>) -> [f64; 2] {
        let (dx, dy) = (7.0 + 0.5 * width, 6.0 + 0.5 * height);
        let middles = [[p[0] + dx, p[1]], [p[0] - dx, p[1]], [p[0], p[1] - dy], [p[0], p[1] + dy]];
        let free = |middle: &[f64; 2]| {
            let [left, right, top, bottom] = around(*middle, width, height);
            let apart = |other: &Room| right <= other[0] || left >= other[1] || bottom <= other[2] || top >= other[3];
            let inside =
                left > self.inner[0] - EDGE && right < self.inner[1] + EDGE && top > self.inner[2] && bottom < self.inner[3];
            inside && taken.iter().all(apart)
        };
        let right_has_room = p[0] + 7.0 + width < self.inner[1] + EDGE;
        let middle = middles.into_iter().find(free).unwrap_or(middles[usize::from(!right_has_room)]);
        taken.push(around(middle, width, height));
        middle
    }

    fn draw_error(&self, canvas: &mut Canvas, x: f64, low: f64, high: f64, colour: Colour, width: f64) {
        let Some([left, _, top, bottom]) = self.sides([x, x, low, high]) else { return };
        if self.x.place(x) < 0.0 || self.x.place(x) > 1.0 || !drawable(x, self.x.log) {
            return;
        }
        canvas.line(&[[left, top], [left, bottom]], colour, width);
        let within = |v: f64| drawable(v, self.y.log) && (0.0..=1.0).contains(&self.y.place(v));
        for (value, y) in [(high, top), (low, bottom)] {
            if within(value) {
                let ends = [(left - 3.0).max(self.inner[0]), (left + 3.0).min(self.inner[1])];
                canvas.line(&[[ends[0], y], [ends[1], y]], colour, width);
            }
        }
    }

    fn draw_axes(&self, canvas: &mut Canvas, room: Room) {
        let [left, right, top, bottom] = self.inner;
        let (x, y) = (&self.panel.x, &self.panel.y);
        if !x.hidden {
            canvas.line(&[[left, bottom], [right, bottom]], Colour::INK, 1.0);
            for tick in &self.x_ticks {
                let at = left + self.x.place(tick.value) * (right - left);
                canvas.line(&[[at, bottom], [at, bottom + TICK]], Colour::INK, 1.0);
                if x.names.is_empty() {
                    canvas.text([at, bottom + TICK + 3.0], &tick.label, SMALL, Along::Middle, Across::Below, Colour::INK);
                }
            }
            for ((value, _), lines) in x.names.iter().zip(&self.names) {
                let at = left + self.x.place(*value) * (right - left);
                for (k, line) in lines.iter().enumerate() {
                    let below = bottom + TICK + 3.0 + LINE * k as f64;
                    if self.upright_names {
                        canvas.upright_text([at, below + text_width(line, SMALL) / 2.0], line, SMALL, Colour::INK);
                    } else {
                        canvas.text([at, below], line, SMALL, Along::Middle, Across::Below, Colour::INK);
                    }
                }
            }
            for value in if x.names.is_empty() { self.x.minor_ticks() } else { Vec::new() } {
                let at = left + self.x.place(value) * (right - left);
                canvas.line(&[[at, bottom], [at, bottom + TICK / 2.0]], Colour::INK, 0.7);
            }
        }
        if !y.hidden {
            canvas.line(&[[left, top], [left, bottom]], Colour::INK, 1.0);
            for tick in &self.y_ticks {
                let at = bottom - self.y.place(tick.value) * (bottom - top);
                canvas.line(&[[left - TICK, at], [left, at]], Colour::INK, 1.0);
                canvas.text([left - TICK - 3.0, at], &tick.label, SMALL, Along::End, Across::Middle, Colour::INK);
            }
            for value in if y.names.is_empty() { self.y.minor_ticks() } else { Vec::new() } {
                let at = bottom - self.y.place(value) * (bottom - top);
                canvas.line(&[[left - TICK / 2.0, at], [left, at]], Colour::INK, 0.7);
            }
        }
        if !x.title.is_empty() {
            let (title, size) = fitted(&x.title, TEXT, right - left);
            let middle = [(left + right) / 2.0, room[3] - EDGE - TEXT / 2.0];
            canvas.text(middle, &title, size, Along::Middle, Across::Middle, Colour::INK);
        }
        if !y.title.is_empty() {
            let (title, size) = fitted(&y.title, TEXT, bottom - top);
            canvas.upright_text([room[0] + EDGE + TEXT / 2.0, (top + bottom) / 2.0], &title, size, Colour::INK);
        }
    }

    /// The corner that an inset asks for, or else the one where it covers least.
    fn inset_room(&self, inset: &Inset) -> Room {
        let [left, right, top, bottom] = self.inner;
        let (width, height) = (inset.size * (right - left), inset.size * (bottom - top));
        let rooms = Corner::ALL.iter().map(|corner| {
            let left = if corner.is_right() { right - width - 6.0 } else { left + 10.0 };
            let top = if corner.is_top() { top + 4.0 } else { bottom - height - 10.0 };
            (*corner, [left, left + width, top, top + height])
        });
        let mut covered: Vec<(Corner, Room, usize)> = rooms.map(|(corner, room)| (corner, room, 0)).collect();
        self.each_place(|p| {
            for (_, room, count) in &mut covered {
                *count += usize::from(p[0] > room[0] && p[0] < room[1] && p[1] > room[2] && p[1] < room[3]);
            }
        });
        let asked = covered.iter().find(|(corner, _, _)| inset.corner == Some(*corner));
        asked.or_else(|| covered.iter().min_by_key(|(_, _, count)| *count)).map_or(self.inner, |(_, room, _)| *room)
    }

    /// Puts the legend into the corner that holds nothing. When all four hold something it goes to the right of the panel, or above it where
    /// the colour bar stands on the right.
    fn place_legend(&mut self, entries: Vec<(String, &'a Mark)>) {
        let [left, right, top, bottom] = self.inner;
        let (width, height) = legend_size(&entries);
        let corners = [
            [right - width - 4.0, top + 2.0],
            [left + 8.0, top + 2.0],
            [right - width - 4.0, bottom - height - 6.0],
            [left + 8.0, bottom - height - 6.0],
        ];
        let fits = width < 0.6 * (right - left) && height < 0.6 * (bottom - top);
        let mut taken = [!fits; 4];
        self.each_place(|p| {
            for (corner, taken) in corners.iter().zip(&mut taken) {
                let inside = |at: f64, from: f64, size: f64| at > from - 6.0 && at < from + size + 6.0;
                *taken |= inside(p[0], corner[0], width) && inside(p[1], corner[1], height);
            }
        });
        let free = taken.iter().position(|t| !t);
        let [x, y] = match free {
            Some(k) => corners[k],
            None if self.panel.colours.is_some() => {
                let legend = Legend::in_rows(entries, [left, right, top]);
                self.inner[2] += legend.height();
                self.legend = Some(legend);
                return;
            }
            None => {
                self.inner[1] -= width + 12.0;
                [self.inner[1] + 12.0, top]
            }
        };
        let below = |(k, (label, mark)): (usize, (String, &'a Mark))| (label, mark, [x, y + LEGEND_LINE * k as f64]);
        self.legend = Some(Legend { entries: entries.into_iter().enumerate().map(below).collect() });
    }

    /// Calls `see` with places that marks cover, close enough together that no legend slips between them.
    fn each_place(&self, mut see: impl FnMut([f64; 2])) {
        for [left, right, top, bottom] in &self.insets {
            for (k, l) in (0..=8).flat_map(|k| (0..=8).map(move |l| (k, l))) {
                see([left + (right - left) * k as f64 / 8.0, top + (bottom - top) * l as f64 / 8.0]);
            }
        }
        let mut stretch = |a: [f64; 2], b: [f64; 2]| {
            let steps = ((a[0] - b[0]).hypot(a[1] - b[1]) / 8.0).clamp(1.0, 2000.0) as usize;
            for k in 0..=steps {
                let t = k as f64 / steps as f64;
                see([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]);
            }
        };
        for mark in &self.panel.marks {
            match &mark.shape {
                Shape::Lines(paths) | Shape::Areas { corners: paths, .. } => {
                    for path in paths {
                        for pair in path.windows(2) {
                            if let (Some(a), Some(b)) = (self.at(pair[0]), self.at(pair[1])) {
                                stretch(a, b);
                            }
                        }
                    }
                }
                Shape::Points(points) => points.iter().filter_map(|p| self.at(*p)).for_each(|p| stretch(p, p)),
                Shape::Texts { texts, .. } => texts.iter().filter_map(|t| self.at(t.0)).for_each(|p| stretch(p, p)),
                Shape::Errors(bars) => {
                    for [x, low, high] in bars {
                        if let Some([left, _, top, bottom]) = self.sides([*x, *x, *low, *high]) {
                            stretch([left, top], [left, bottom]);
                        }
                    }
                }
                Shape::Rectangles { corners, .. } => {
                    for [left, right, top, bottom] in corners.iter().filter_map(|c| self.sides(*c)) {
                        for k in 0..=8 {
                            let at = left + (right - left) * k as f64 / 8.0;
                            stretch([at, top], [at, bottom]);
                        }
                    }
                }
            }
        }
    }
}

impl<'a> Legend<'a> {
    /// Entries beside each other, in as many rows as they need between left and right.
    fn in_rows(entries: Vec<(String, &'a Mark)>, [left, right, top]: [f64; 3]) -> Legend<'a> {
        let (mut x, mut y) = (left, top - 6.0);
        let mut placed = Vec::with_capacity(entries.len());
        for (label, mark) in entries {
            let width = 26.0 + text_width(&label, SMALL);
            if x > left && x + width > right {
                (x, y) = (left, y + LEGEND_LINE);
            }
            placed.push((label, mark, [x, y]));
            x += width + 20.0;
        }
        Legend { entries: placed }
    }

    /// What entries in rows take above the panel.
    fn height(&self) -> f64 {
        let rows = |e: &(String, &Mark, [f64; 2])| e.2[1];
        let first = self.entries.first().map_or(0.0, rows);
        self.entries.last().map_or(0.0, rows) - first + LEGEND_LINE
    }

    fn draw(&self, canvas: &mut Canvas, panel: &Panel) {
        for (label, mark, [left, top]) in &self.entries {
            let (left, y) = (*left, top + 10.0);
            let colour = panel.paint(mark).colour(0);
            match mark.shape {
                Shape::Lines(_) | Shape::Errors(_) => {
                    canvas.line(&[[left, y], [left + 20.0, y]], colour, mark.width.max(1.5));
                }
                Shape::Points(_) | Shape::Texts { .. } => canvas.circle([left + 10.0, y], 4.0, colour),
                Shape::Rectangles { .. } | Shape::Areas { .. } => {
                    canvas.rectangle([left + 3.0, left + 17.0, y - 5.0, y + 5.0], colour);
                }
            }
            canvas.text([left + 26.0, y], label, SMALL, Along::Start, Across::Middle, Colour::INK);
        }
    }
}

fn legend_size(entries: &[(String, &Mark)]) -> (f64, f64) {
    let widest = entries.iter().map(|(label, _)| text_width(label, SMALL)).fold(0.0, f64::max);
    (26.0 + widest, LEGEND_LINE * entries.len() as f64 + 2.0)
}

/// How much of the width a colour bar takes.
fn bar_room(colours: &ColourScale, height: f64) -> f64 {
    let name = if colours.name.is_empty() { 0.0 } else { TEXT + GAP };
    18.0 + BAR_WIDTH + TICK + GAP + widest(&colours.scale().ticks((height / 50.0) as usize)) + name
}

fn draw_colour_bar(canvas: &mut Canvas, colours: &ColourScale, inner: Room, room: Room) {
    let [_, right, top, bottom] = inner;
    let (left, scale) = (right + 18.0, colours.scale());
    let steps = 128;
    for k in 0..steps {
        let (from, to) = (k as f64 / steps as f64, (k + 1) as f64 / steps as f64);
        let colour = colours.map.at((from + to) / 2.0);
        // Each step reaches up to the end, under all that follow: no hairlines at any size.
        canvas.rectangle([left, left + BAR_WIDTH, top, bottom - from * (bottom - top)], colour);
    }
    let edge = left + BAR_WIDTH;
    for tick in scale.ticks(((bottom - top) / 50.0) as usize) {
        let at = bottom - scale.place(tick.value) * (bottom - top);
        canvas.line(&[[edge, at], [edge + TICK, at]], Colour::INK, 1.0);
        canvas.text([edge + TICK + 3.0, at], &tick.label, SMALL, Along::Start, Across::Middle, Colour::INK);
    }
    if !colours.name.is_empty() {
        let (name, size) = fitted(&colours.name, TEXT, bottom - top);
        canvas.upright_text([room[1] - EDGE - TEXT / 2.0, (top + bottom) / 2.0], &name, size, Colour::INK);
    }
}

fn named_ticks(names: &[(f64, String)], scale: &Scale) -> Vec<Tick> {
    let inside = names.iter().filter(|(value, _)| (0.0..=1.0).contains(&scale.place(*value)));
    inside.map(|(value, name)| Tick { value: *value, label: shortened(name, 160.0, SMALL) }).collect()
}

/// As many ticks as stand beside each other without touching.
fn fitting_ticks(scale: &Scale, width: f64) -> Vec<Tick> {
    let mut most = ((width / 60.0) as usize).clamp(2, 12);
    loop {
        let ticks = scale.ticks(most);
        let apart = ticks.windows(2).all(|pair| {
            let needed = (text_width(&pair[0].label, SMALL) + text_width(&pair[1].label, SMALL)) / 2.0 + 12.0;
            (scale.place(pair[1].value) - scale.place(pair[0].value)) * width >= needed
        });
        if apart || most <= 2 {
            return ticks;
        }
        most -= 1;
    }
}

fn widest(ticks: &[Tick]) -> f64 {
    ticks.iter().map(|t| text_width(&t.label, SMALL)).fold(0.0, f64::max)
}

/// A text no wider than `width`: written smaller down to 10 px, then cut.
fn fitted(text: &str, size: f64, width: f64) -> (String, f64) {
    let needed = text_width(text, size);
    if needed <= width {
        return (text.to_string(), size);
    }
    let smaller = (size * width / needed).max(10.0_f64.min(size));
    (shortened(text, width, smaller), smaller)
}

/// A text in lines no wider than `width` where its words allow.
fn wrapped(text: &str, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line} {word}"), SMALL) <= width => *line = format!("{line} {word}"),
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

/// A text cut to a width, with an ellipsis where something is missing.
fn shortened(text: &str, width: f64, size: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_string();
    }
    let mut kept: Vec<char> = text.chars().take(400).collect();
    while !kept.is_empty() {
        kept.pop();
        let cut: String = kept.iter().collect::<String>().trim_end().to_string() + "…";
        if text_width(&cut, size) <= width {
            return cut;
        }
    }
    String::new()
}

/// Left, right, top and bottom of a rectangle about a point.
fn around(p: [f64; 2], width: f64, height: f64) -> Room {
    [p[0] - 0.5 * width, p[0] + 0.5 * width, p[1] - 0.5 * height, p[1] + 0.5 * height]
}
