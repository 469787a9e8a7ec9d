//! Cells in aligned columns; rows and columns that find no room are left out in the middle or at the end.

use crate::plot::terminal::cut;

/// Spaces between two columns.
const GAP: usize = 2;

/// A column of cells, its lines all there.
pub struct Column {
    /// Stands above the cells; empty in all columns where nothing does.
    pub head: String,
    pub cells: Vec<String>,
    /// Words begin at the left, numbers end at the right.
    pub left: bool,
}

/// Which columns stay where not all fit.
#[derive(Clone, Copy, PartialEq)]
pub enum Keep {
    First,
    Ends,
}

/// The numbers below `count` that are seen in `room` places: all, or the first and last with `None` for those between.
pub fn elided(count: usize, room: usize) -> Vec<Option<usize>> {
    let room = room.max(3);
    if count <= room {
        return (0..count).map(Some).collect();
    }
    let front = room / 2;
    let back = room - 1 - front;
    (0..front).map(Some).chain([None]).chain((count - back..count).map(Some)).collect()
}

/// The lines of the grid. `all` says that the columns given are all there are; otherwise some are missing where `keep` leaves out.
pub fn lay(columns: Vec<Column>, all: bool, width: usize, keep: Keep) -> Vec<String> {
    let headed = columns.iter().any(|c| !c.head.is_empty());
    let widths: Vec<usize> =
        columns.iter().map(|c| c.cells.iter().chain([&c.head]).map(|cell| cell.chars().count()).max().unwrap_or(0)).collect();
    let (front, back) = fit(&widths, all, width, keep);
    let dots = (!all || front + back < columns.len()).then_some("…");
    let rows = columns.first().map_or(0, |c| c.cells.len());
    let line = |text: &dyn Fn(&Column) -> String| {
        let cell = |k: usize| {
            let text = text(&columns[k]);
            let w = widths[k];
            if columns[k].left { format!("{text:<w$}") } else { format!("{text:>w$}") }
        };
        let cells: Vec<String> =
            (0..front).map(cell).chain(dots.map(String::from)).chain((columns.len() - back..columns.len()).map(cell)).collect();
        let line = format!("{}{}", " ".repeat(GAP), cells.join(&" ".repeat(GAP)));
        cut(line.trim_end(), width)
    };
    let mut lines = Vec::with_capacity(rows + 1);
    if headed {
        lines.push(line(&|column| column.head.clone()));
    }
    lines.extend((0..rows).map(|row| line(&|column| column.cells[row].clone())));
    lines
}

/// How many columns stand at the front and at the back of a line.
fn fit(widths: &[usize], all: bool, room: usize, keep: Keep) -> (usize, usize) {
    if all && widths.iter().map(|w| w + GAP).sum::<usize>() <= room {
        return (widths.len(), 0);
    }
    let room = room.saturating_sub(GAP + 1);
    let (mut front, mut back, mut used) = (0, 0, 0);
    while front + back < widths.len() {
        let at_back = keep == Keep::Ends && back < front;
        let next = GAP + if at_back { widths[widths.len() - 1 - back] } else { widths[front] };
        if used + next > room && front > 0 {
            break;
        }
        used += next;
        if at_back { back += 1 } else { front += 1 }
    }
    (front, back)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(count: usize) -> Vec<Column> {
        (0..count).map(|k| Column { head: String::new(), cells: vec![k.to_string(), format!("{k}0")], left: false }).collect()
    }

    #[test]
    fn what_does_not_fit_is_left_out_in_the_middle() {
        assert_eq!(elided(3, 5), [Some(0), Some(1), Some(2)]);
        assert_eq!(elided(10, 5), [Some(0), Some(1), None, Some(8), Some(9)]);
        assert_eq!(lay(columns(3), true, 20, Keep::Ends), ["   0   1   2", "  00  10  20"]);
        assert_eq!(lay(columns(9), true, 20, Keep::Ends), ["   0   1  …   7   8", "  00  10  …  70  80"]);
        assert_eq!(lay(columns(9), true, 20, Keep::First), ["   0   1   2   3  …", "  00  10  20  30  …"]);
        assert!(lay(columns(0), true, 20, Keep::First).is_empty());
    }
}
