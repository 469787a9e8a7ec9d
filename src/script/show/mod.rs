//! A value on one screen: what people see of the last value. What `print` gives is [`Catalogue::show`].
//!
//! Only what is seen is looked at: a matrix of 10⁷ numbers costs what its visible corner costs.

pub mod advice;
pub mod brief;
mod grid;
pub mod landscape;
mod numbers;
pub mod summary;

use super::catalogue::Catalogue;
use super::values::{MatrixValue, Object, Table, Vector};
use crate::base::text::Text;
use crate::data::table::Column as TableColumn;
use crate::plot::Figure;
use crate::plot::terminal::cut;
use brief::brief;
use grid::{Column, Keep, elided, lay};
use numbers::Form;
use rhai::{Array, Dynamic, Map};

/// Characters in a line and lines that a value may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub width: usize,
    pub height: usize,
}

/// Lines that stay free below an object for advice.
const ADVICE_LINES: usize = 2;
/// Widest cell of a table.
const CELL: usize = 24;

impl Room {
    /// At least 20 × 6: below that nothing can be read.
    pub fn new(width: usize, height: usize) -> Room {
        Room { width: width.max(20), height: height.max(6) }
    }
}

/// The value in at most this room; nothing for `()`.
pub fn screen(value: &Dynamic, catalogue: &Catalogue, room: Room) -> Text {
    let room = Room::new(room.width, room.height);
    let mut text = Text::default();
    if value.is_unit() {
        return text;
    }
    if let Ok(whole) = value.as_immutable_string_ref() {
        long_text(&whole, room, &mut text);
    } else if let Some(object) = value.read_lock::<Object>() {
        let fields: Vec<(&str, &Dynamic)> = object.fields().collect();
        fielded(object.kind(), &fields, catalogue, room, &mut text);
        let lines = advice::advice(value).into_iter().flat_map(|line| wrapped(&line, room.width - 2));
        for line in lines.take(ADVICE_LINES) {
            text.line().plain("  ").warning(line);
        }
    } else if value.is_fnptr() {
        text.plain(brief(value, catalogue, room.width).0);
    } else if let Some(vector) = value.read_lock::<Vector>() {
        let get = |i: usize| vector.data[i];
        numbers_in_a_row("vector", vector.data.len(), &get, vector.whole, room, &mut text);
    } else if let Some(matrix) = value.read_lock::<MatrixValue>() {
        show_matrix(&matrix, room, &mut text);
    } else if let Some(table) = value.read_lock::<Table>() {
        show_table(&table, room, &mut text);
    } else if let Some(array) = value.read_lock::<Array>() {
        show_array(&array, value, catalogue, room, &mut text);
    } else if let Some(map) = value.read_lock::<Map>() {
        match brief(value, catalogue, room.width) {
            (line, true) => text.plain(line),
            _ => {
                // Of a huge map only what may be seen is gathered.
                let seen: Vec<(&str, &Dynamic)> = map.iter().take(room.height).map(|(k, v)| (k.as_str(), v)).collect();
                let title = format!("map of {} fields", map.len());
                fielded(&title, &seen, catalogue, room, &mut text);
                &mut text
            }
        };
    } else {
        match catalogue.type_of(value).and_then(|known| known.screen.as_ref()) {
            Some(screen) => return screen(value, room),
            None => {
                let lines: Vec<String> = catalogue.show(value).lines().flat_map(|line| wrapped(line, room.width)).collect();
                long_text(&lines.join("\n"), room, &mut text);
            }
        }
    }
    text
}

/// The picture that a value is, where it is one.
pub fn picture(value: &Dynamic, catalogue: &Catalogue) -> Option<Figure> {
    let picture = catalogue.type_of(value)?.picture.clone()?;
    picture(value)
}

/// A text as it is, as far as the screen goes; what would move the cursor is left out.
fn long_text(whole: &str, room: Room, text: &mut Text) {
    // A character takes at most four bytes: what lies behind is never seen.
    let most = room.width * room.height;
    let mut end = whole.len().min(4 * most);
    while !whole.is_char_boundary(end) {
        end -= 1;
    }
    let (mut lines, mut used, mut complete) = (Vec::new(), 0, end == whole.len());
    for line in whole[..end].lines() {
        let clean: String = line.chars().map(|c| if c == '\t' || !c.is_control() { c } else { ' ' }).collect();
        let rows = clean.chars().count().div_ceil(room.width).max(1);
        if used + rows > room.height {
            let left = (room.height - used).saturating_sub(1) * room.width;
            lines.extend((left > 0).then(|| clean.chars().take(left).collect::<String>()));
            complete = false;
            break;
        }
        used += rows;
        lines.push(clean);
    }
    if !complete && used == room.height {
        lines.pop();
    }
    text.plain(lines.join("\n"));
    if !complete {
        text.line().plain(cut(&format!("… (text of {} bytes)", whole.len()), room.width));
    }
}

/// A sentence in lines of at most `width` characters, broken between words.
fn wrapped(sentence: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in sentence.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(cut(word, width)),
        }
    }
    lines
}

/// A title, then a field a line; long ones end in dots, and of many fields the middle is left out.
fn fielded(title: &str, fields: &[(&str, &Dynamic)], catalogue: &Catalogue, room: Room, text: &mut Text) {
    text.name(cut(title, room.width));
    let name_width = fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(room.width / 2);
    let value_width = room.width.saturating_sub(name_width + 4).max(4);
    let most = room.height - 1 - ADVICE_LINES;
    let rows = elided(fields.len(), most);
    let mut left = most.saturating_sub(rows.len());
    for row in rows {
        text.line().plain("  ");
        let Some((name, value)) = row.map(|k| fields[k]) else {
            text.plain("⋮");
            continue;
        };
        let shown = cut(name, name_width);
        let pad = " ".repeat(name_width - shown.chars().count());
        text.name(shown).plain(pad).plain("  ");
        if name == "termination" && value.as_immutable_string_ref().is_ok_and(|word| word.as_str() != "converged") {
            text.warning(brief(value, catalogue, value_width).0);
            continue;
        }
        let table = value.read_lock::<Array>().filter(|array| !array.is_empty() && array.len() < left);
        if let Some(lines) = table.and_then(|array| objects(&array, catalogue, Room::new(room.width - 4, array.len() + 2))) {
            left = left.saturating_sub(lines.len());
            for line in lines {
                text.line().plain("    ").plain(line);
            }
            continue;
        }
        text.plain(brief(value, catalogue, value_width).0);
    }
}

/// Numbers one after the other: on one line where they fit, else in aligned lines with the index of the first at the left.
fn numbers_in_a_row(what: &str, count: usize, get: &dyn Fn(usize) -> f64, whole: bool, room: Room, text: &mut Text) {
    // Two characters a number at least: more cannot fit.
    if count <= room.width / 2 {
        let write = |v: f64| if whole { format!("{}", v as i64) } else { super::values::number_text(v) };
        let line = format!("[{}]", (0..count).map(|i| write(get(i))).collect::<Vec<_>>().join(", "));
        if line.chars().count() <= room.width {
            text.plain(line);
            return;
        }
    }
    text.name(cut(&format!("{what} of {count} numbers"), room.width));
    let index_width = count.to_string().len();
    // Which are seen depends on how wide they are, and the other way round: the ends of the whole tell the width.
    let most = room.width * room.height / 2;
    let sample: Vec<f64> = elided(count, most).into_iter().flatten().map(get).collect();
    let form = Form::of(&sample, whole);
    let width = sample.iter().map(|v| form.write(*v).chars().count()).max().unwrap_or(1);
    let each = (room.width.saturating_sub(index_width + 2) / (width + 2)).max(1);
    for row in elided(count.div_ceil(each), room.height - 1) {
        let Some(row) = row else {
            text.line().plain(format!("{:>index_width$}", "⋮"));
            continue;
        };
        let cells: String =
            (row * each..count.min((row + 1) * each)).map(|i| format!("  {:>width$}", form.write(get(i)))).collect();
        text.line().plain(cut(&format!("{:>index_width$}{cells}", row * each), room.width));
    }
}

fn show_matrix(matrix: &MatrixValue, room: Room, text: &mut Text) {
    let matrix = &matrix.0;
    text.name(cut(&format!("matrix {} × {}", matrix.rows, matrix.columns), room.width));
    let rows = elided(matrix.rows, room.height - 1);
    // Three characters a column at least.
    let places = elided(matrix.columns, room.width / 3 + 1);
    let all_columns = places.len() == matrix.columns && !places.contains(&None);
    let columns = places.iter().flatten().map(|j| {
        let seen: Vec<f64> = rows.iter().flatten().map(|i| matrix.row(*i)[*j]).collect();
        let form = Form::of(&seen, false);
        let cell = |row: &Option<usize>| row.map_or_else(|| "⋮".into(), |i| form.write(matrix.row(i)[*j]));
        Column { head: String::new(), cells: rows.iter().map(cell).collect(), left: false }
    });
    for line in lay(columns.collect(), all_columns, room.width, Keep::Ends) {
        text.line().plain(line);
    }
}

fn show_table(table: &Table, room: Room, text: &mut Text) {
    let table = &table.0;
    let count = table.len();
    text.name(cut(
        &format!("table of {count} row{}, {} columns", if count == 1 { "" } else { "s" }, table.columns().len()),
        room.width,
    ));
    let rows = elided(count, room.height - 2);
    let most = room.width / 3 + 1;
    let columns = table.columns().iter().take(most).map(|(name, column)| {
        let numbers = |values: &[f64]| Form::of(&rows.iter().flatten().map(|i| values[*i]).collect::<Vec<f64>>(), false);
        let write: Box<dyn Fn(usize) -> String> = match column {
            TableColumn::Numbers(values) => {
                let form = numbers(values);
                Box::new(move |i| form.write(values[i]))
            }
            TableColumn::Integers(values) => Box::new(|i| values[i].to_string()),
            TableColumn::Texts(values) => Box::new(|i| cut(&values[i], CELL)),
        };
        let cells = rows.iter().map(|row| row.map_or_else(|| "⋮".into(), &write)).collect();
        Column { head: cut(name, CELL), cells, left: matches!(column, TableColumn::Texts(_)) }
    });
    for line in lay(columns.collect(), table.columns().len() <= most, room.width, Keep::First) {
        text.line().plain(line);
    }
}

fn show_array(array: &Array, value: &Dynamic, catalogue: &Catalogue, room: Room, text: &mut Text) {
    if let (line, true) = brief(value, catalogue, room.width) {
        text.plain(line);
        return;
    }
    let count = array.len();
    let seen = elided(count, room.width * room.height / 2);
    let mut numbers = seen.iter().flatten().map(|i| super::convert::number(&array[*i]));
    if numbers.all(|number| number.is_some()) {
        let whole = seen.iter().flatten().all(|i| array[*i].is_int());
        let get = |i: usize| super::convert::number(&array[i]).unwrap_or(f64::NAN);
        return numbers_in_a_row("array", count, &get, whole, room, text);
    }
    if let Some(lines) = objects(array, catalogue, Room { height: room.height - 1, ..room }) {
        let kind = array[0].read_lock::<Object>().map_or("object", |object| object.kind());
        text.name(cut(&format!("array of {count} {kind}"), room.width));
        for line in lines {
            text.line().plain(line);
        }
        return;
    }
    text.name(cut(&format!("array of {count} value{}", if count == 1 { "" } else { "s" }), room.width));
    let index_width = count.to_string().len() + 1;
    for row in elided(count, room.height - 1) {
        let line = match row {
            Some(i) => format!("{i:>index_width$}  {}", brief(&array[i], catalogue, room.width - index_width - 2).0),
            None => format!("{:>index_width$}", "⋮"),
        };
        text.line().plain(line);
    }
}

/// Objects of one kind as a table, a line each; none where those that would be seen are something else.
fn objects(array: &Array, catalogue: &Catalogue, room: Room) -> Option<Vec<String>> {
    let rows = elided(array.len(), room.height - 1);
    let seen: Vec<Option<Object>> = rows
        .iter()
        .map(|row| match row {
            None => Some(None),
            Some(i) => array[*i].read_lock::<Object>().map(|object| Some(object.clone())),
        })
        .collect::<Option<_>>()?;
    let first = seen.first()?.as_ref()?;
    if seen.iter().flatten().any(|object| object.kind() != first.kind()) {
        return None;
    }
    let most = room.width / 3 + 1;
    let fields: Vec<&str> = first.fields().map(|(name, _)| name).take(most).collect();
    let columns = fields.iter().map(|field| {
        let values: Vec<Option<&Dynamic>> = seen.iter().flatten().map(|object| object.get(field)).collect();
        let reals: Vec<f64> = values.iter().flatten().filter_map(|v| v.as_float().ok()).collect();
        let form = Form::of(&reals, false);
        let write = |value: &Dynamic| match value.as_float() {
            Ok(real) => form.write(real),
            Err(_) if value.is_string() => cut(&value.to_string(), CELL),
            Err(_) => brief(value, catalogue, CELL).0,
        };
        let cell = |object: &Option<Object>| match object {
            Some(object) => object.get(field).map_or_else(String::new, write),
            None => "⋮".into(),
        };
        let left = values.iter().flatten().all(|v| !v.is_float() && !v.is_int());
        Column { head: cut(field, CELL), cells: seen.iter().map(cell).collect(), left }
    });
    Some(lay(columns.collect(), first.fields().count() <= most, room.width, Keep::First))
}

#[cfg(test)]
mod tests;
