//! A disconnectivity graph in characters, where every branch has a column of its own.

use super::DisconnectivityGraph;
use super::arrange::{Arrangement, lowest_part};
use crate::plot::scale::Scale;
use crate::plot::terminal::{centred, cut};

/// Sides of a character that a line leaves through.
const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

/// The graph as lines of a tree, at most `width` × `height` characters.
pub fn show(graph: &DisconnectivityGraph, width: usize, height: usize) -> String {
    let tree = &graph.tree;
    let first = tree.levels.first().copied().unwrap_or(0.0);
    let bottom = tree.leaves.first().map_or(first, |l| l.energy).min(first);
    let mut out = Vec::new();
    if !graph.title.is_empty() {
        out.push(centred(&graph.title, width));
    }
    out.push(String::new());
    let rows = height.saturating_sub(out.len()).max(5);
    let scale = Scale::new(bottom, first, false, [0.0, 0.0]);
    let ticks = scale.ticks((rows / 4).max(2));
    let margin = ticks.iter().map(|t| t.label.chars().count()).max().unwrap_or(0) + 2;
    let columns = width.saturating_sub(margin).max(4);

    // Two columns for a branch: as many branches as that gives, the lowest ones.
    let most = columns / 2;
    let part;
    let arrangement = if graph.arrangement.branches <= most {
        &graph.arrangement
    } else {
        part = Arrangement::of(&lowest_part(tree, most), graph.centre.filter(|leaf| *leaf < most));
        &part
    };
    let energy = cut(&graph.energy_title, width);
    out.pop();
    out.push(if arrangement.branches < graph.arrangement.branches {
        let note = format!("the {} lowest of {} minima", arrangement.branches, graph.arrangement.branches);
        cut(&format!("{energy}   ({note})"), width)
    } else {
        energy
    });
    // As far apart as there is room, but never so far that the eye loses the row.
    let apart = (columns / arrangement.branches.max(1)).clamp(2, 9);

    // The last row is for labels.
    let row = |energy: f64| ((1.0 - scale.place(energy).clamp(0.0, 1.0)) * (rows - 2) as f64).round() as usize;
    let column = |x: f64| ((x - 0.5) * apart as f64).round() as usize + apart / 2;
    let mut sides = vec![0u8; rows * columns];
    let mut over: Vec<Option<char>> = vec![None; rows * columns];
    let asked = graph.labelled.contains(&true);
    for part in &arrangement.parts {
        let leaf = tree.leaves[part.leaf];
        let end = row(part.splits_at.map_or(leaf.energy, |level| tree.levels[level]));
        let at = column(part.x);
        let start = match part.parent {
            None => 0,
            Some((from, level)) => {
                let (start, from) = (row(tree.levels[level]), column(from));
                for c in from.min(at)..=from.max(at) {
                    sides[start * columns + c] |=
                        if c > from.min(at) { LEFT } else { 0 } | if c < from.max(at) { RIGHT } else { 0 };
                }
                // A branch shorter than a row is one row long.
                start.min(end)
            }
        };
        let end = if part.splits_at.is_none() { end.max(start + 1).min(rows - 2) } else { end };
        for r in start..=end {
            sides[r * columns + at] |= if r > start { UP } else { 0 } | if r < end { DOWN } else { 0 };
        }
        // Without being asked, every branch whose label has room.
        if part.splits_at.is_none() && (graph.labelled[part.leaf] || !asked) {
            let label = leaf.minimum.to_string();
            let left = (at + 1).saturating_sub(label.len().div_ceil(2));
            if label.len() < apart && left + label.len() <= columns {
                for (k, c) in label.chars().enumerate() {
                    over[(end + 1) * columns + left + k] = Some(c);
                }
            }
        }
    }
    let mut at_row = vec![None; rows];
    for tick in &ticks {
        at_row[row(tick.value)].get_or_insert(tick.label.as_str());
    }
    for (r, label) in at_row.into_iter().enumerate() {
        let axis = if label.is_some() { '┤' } else { '│' };
        let place = |c: usize| r * columns + c;
        // A line is never hidden by a label.
        let cells: String = (0..columns)
            .map(|c| match (sides[place(c)], over[place(c)]) {
                (0, Some(letter)) => letter,
                (sides, _) => line(sides),
            })
            .collect();
        out.push(format!("{:>w$} {axis}{cells}", label.unwrap_or(""), w = margin - 2).trim_end().to_string());
    }
    out.join("\n")
}

/// The character whose lines leave through these sides.
fn line(sides: u8) -> char {
    const BOXES: [char; 16] = [' ', '╵', '╷', '│', '╴', '┘', '┐', '┤', '╶', '└', '┌', '├', '─', '┴', '┬', '┼'];
    BOXES[(sides & (UP | DOWN | LEFT | RIGHT)) as usize]
}
