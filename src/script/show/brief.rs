//! A value on part of a line: a cell of a table, a field of an object.

use crate::plot::terminal::cut;
use crate::script::catalogue::Catalogue;
use crate::script::values::{MatrixValue, Object, Table, Vector, number_text};
use rhai::{Array, Dynamic, Map};

/// At most `width` characters, and whether they say all there is. Where the digits of numbers leave no room for the others they are rounded.
pub fn brief(value: &Dynamic, catalogue: &Catalogue, width: usize) -> (String, bool) {
    match write(value, catalogue, width, &number_text) {
        (_, false) => (write(value, catalogue, width, &few_digits).0, false),
        whole => whole,
    }
}

/// Four digits.
fn few_digits(v: f64) -> String {
    let size = v.abs();
    if v == 0.0 || !v.is_finite() {
        return number_text(v);
    }
    if !(1e-3..1e6).contains(&size) {
        return format!("{v:.3e}");
    }
    let decimals = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
    let text = format!("{v:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

fn write(value: &Dynamic, catalogue: &Catalogue, width: usize, number: &dyn Fn(f64) -> String) -> (String, bool) {
    if let Ok(real) = value.as_float() {
        let text = number(real);
        return (cut(&text, width), text.chars().count() <= width);
    }
    if value.is_fnptr() {
        return (cut("a closure", width), true);
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        let seen: String = text.chars().take(width + 1).collect();
        let quoted = format!("{seen:?}");
        let whole = seen.len() == text.len() && quoted.chars().count() <= width;
        return (cut(&quoted, width), whole);
    }
    if let Some(vector) = value.read_lock::<Vector>() {
        let element = |i: usize| {
            let v = vector.data[i];
            (if vector.whole { format!("{}", v as i64) } else { number(v) }, true)
        };
        let count = vector.data.len();
        // Two characters a number at least: more cannot fit.
        if count <= width / 2 {
            let all = format!("[{}]", (0..count).map(|i| element(i).0).collect::<Vec<_>>().join(", "));
            if all.chars().count() <= width {
                return (all, true);
            }
        }
        return listed(["[", "]"], count, width, |i, _| element(i));
    }
    if let Some(array) = value.read_lock::<Array>() {
        return listed(["[", "]"], array.len(), width, |i, room| write(&array[i], catalogue, room, number));
    }
    if let Some(map) = value.read_lock::<Map>() {
        let mut entries = map.iter();
        return listed(["#{", "}"], map.len(), width, |_, room| {
            entries.next().map_or_else(Default::default, |(name, value)| named(name, value, catalogue, room, number))
        });
    }
    if let Some(object) = value.read_lock::<Object>() {
        let fields: Vec<(&str, &Dynamic)> = object.fields().collect();
        let start = format!("{} {{", object.kind());
        let (text, _) =
            listed([&start, "}"], fields.len(), width, |i, room| named(fields[i].0, fields[i].1, catalogue, room, number));
        return (text, false);
    }
    if let Some(matrix) = value.read_lock::<MatrixValue>() {
        return (cut(&format!("matrix {} × {}", matrix.0.rows, matrix.0.columns), width), false);
    }
    if let Some(table) = value.read_lock::<Table>() {
        let names: Vec<&str> = table.0.names().take(width).collect();
        return (cut(&format!("table of {} rows: {}", table.0.len(), names.join(", ")), width), false);
    }
    let whole = catalogue.show(value);
    let line = whole.lines().next().unwrap_or_default();
    (cut(line, width), line.len() == whole.len() && line.chars().count() <= width)
}

fn named(name: &str, value: &Dynamic, catalogue: &Catalogue, room: usize, number: &dyn Fn(f64) -> String) -> (String, bool) {
    let start = format!("{name}: ");
    let (text, whole) = write(value, catalogue, room.saturating_sub(start.chars().count()).max(1), number);
    (format!("{start}{text}"), whole)
}

/// `[a, b, … 97 more]`: as many as find room.
fn listed(
    [start, end]: [&str; 2],
    count: usize,
    width: usize,
    mut item: impl FnMut(usize, usize) -> (String, bool),
) -> (String, bool) {
    let mut text = start.to_string();
    let mut used = start.chars().count();
    let mut complete = true;
    for i in 0..count {
        let left = count - i;
        let more = format!("… {left} more{end}");
        let comma = if i > 0 { ", " } else { "" };
        // An item may take the rest of the line where it is the last, else what leaves room to say how many follow.
        let behind = if left == 1 { end.chars().count() } else { ", ".len() + more.chars().count() };
        let room = width.saturating_sub(used + comma.len() + behind);
        let (next, whole) = if room == 0 { (String::new(), false) } else { item(i, room) };
        let length = next.chars().count();
        // Half an item is worth its room only where it is the first.
        if room == 0 || length > room || (!whole && i > 0 && length + 6 > room) {
            return (cut(&format!("{text}{comma}{more}"), width), false);
        }
        text.push_str(comma);
        text.push_str(&next);
        used += comma.len() + length;
        complete &= whole;
    }
    text.push_str(end);
    let fits = text.chars().count() <= width;
    (cut(&text, width), complete && fits)
}
