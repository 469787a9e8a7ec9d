//! A landscape on one screen: how much is known, and the lowest minima.

use super::grid::{Column, Keep, lay};
use super::numbers::Form;
use super::{CELL, Room};
use crate::base::text::Text;
use crate::landscape::Landscape;
use crate::plot::terminal::cut;

/// Numbers of points, completeness, the lowest minima with what is annotated, where it lives.
pub fn landscape(l: &Landscape, room: Room) -> Text {
    let mut text = Text::default();
    let counts = l.counts();
    let plural = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let of = l.identity().map_or(String::new(), |identity| format!(" of {}", identity.name));
    text.name(cut(&format!("Landscape{of}"), room.width));
    let mut line = |said: String| {
        text.line().plain(cut(&format!("  {said}"), room.width));
    };
    line(format!(
        "{}, {}, {}",
        plural(counts.minima, "minimum", "minima"),
        plural(counts.transition_states, "transition state", "transition states"),
        plural(counts.components, "component", "components"),
    ));
    if let Some(path) = l.path() {
        line(format!("in {}", path.display()));
    }
    if counts.minima == 0 {
        line("nothing found yet: basin_hop(landscape), explore(landscape) or .add(minimum)".into());
        return text;
    }
    let c = l.completeness();
    if c.estimate.is_finite() {
        line(format!(
            "completeness {:.1} %: about {:.0} minima (95 %: {:.0} to {:.0})",
            100.0 * c.fraction,
            c.estimate,
            c.low,
            c.high
        ));
    }
    let lines = text.0.iter().filter(|piece| matches!(piece, crate::base::text::Piece::NewLine)).count() + 1;
    let lowest = l.lowest_minima(room.height.saturating_sub(lines + 2).clamp(1, 8));
    let reals = |head: &str, values: Vec<f64>| {
        let form = Form::of(&values, false);
        Column { head: cut(head, CELL), cells: values.iter().map(|v| form.write(*v)).collect(), left: false }
    };
    let energies: Vec<f64> = lowest.iter().map(|m| m.energy).collect();
    let mut columns = vec![
        Column { head: "id".into(), cells: lowest.iter().map(|m| m.id.to_string()).collect(), left: false },
        Column { head: "energy".into(), cells: energies.iter().map(|e| format!("{e:.6}")).collect(), left: false },
        reals("above", energies.iter().map(|e| e - energies[0]).collect()),
    ];
    for field in l.fields() {
        columns.push(reals(&field, lowest.iter().map(|m| l.field(&field, m.id).unwrap_or(f64::NAN)).collect()));
    }
    text.line().plain(if lowest.len() < counts.minima { "  the lowest minima" } else { "  all minima" });
    for line in lay(columns, true, room.width, Keep::First) {
        text.line().plain(line);
    }
    text
}
