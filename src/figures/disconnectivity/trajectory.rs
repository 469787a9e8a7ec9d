//! A trajectory laid over a disconnectivity graph: below the branches time runs downwards, and each visit is a dot below its minimum.
//!
//! Graph and visits share the places of the branches, so they are one panel whose axis has energies above and rows of the walkers below.
//! Visits of minima that are not drawn stand in a column of their own on the right. Shares of all visits are written at the end.

use super::arrange::Arrangement;
use crate::analysis::basins::{Visit, occupation};
use crate::landscape::tree::MergeTree;
use crate::plot::colour::{Colour, ColourMap, kind_colour};
use crate::plot::scale::Scale;
use crate::plot::{Mark, Paint, Panel, Shape, TextPlace};
use std::collections::HashMap;

/// In heights of the graph: from its lowest minimum to the first row, from there to the last, and the room for shares.
const GAP: f64 = 0.10;
const TIME: f64 = 0.70;
const SHARES: f64 = 0.08;
/// Walkers that still have colours of their own, and whose ways are drawn.
const NAMED: usize = 6;
const WAYS: usize = 2;
/// Shares below this are not written.
const SMALLEST: f64 = 0.005;
const TEXT: f64 = 11.0;
/// Px between walkers.
const BESIDE: f64 = 9.0;

/// Adds the visits to the panel of a graph that is `width` px wide.
pub fn add(panel: &mut Panel, tree: &MergeTree, arrangement: &Arrangement, visits: &[Visit], width: f64) {
    let branches = arrangement.branches as f64;
    let leaves = arrangement.parts.iter().filter(|p| p.splits_at.is_none());
    let places: HashMap<usize, f64> = leaves.map(|p| (tree.leaves[p.leaf].minimum, p.x)).collect();
    let apart = 1.02 * branches + (0.05 * branches).max(0.5);
    let place = |minimum: usize| places.get(&minimum).copied().unwrap_or(apart);
    if visits.iter().any(|v| !places.contains_key(&v.minimum)) {
        panel.x.range = Some([-0.02 * branches, apart + (0.04 * branches).max(0.4)]);
    }

    let bottom = tree.leaves.first().map_or(0.0, |l| l.energy);
    let top = (tree.levels.first().copied().unwrap_or(bottom) + 0.5 * tree.delta).max(bottom);
    let height = if top > bottom { top - bottom } else { 1.0 };
    let first = bottom - GAP * height;
    let last = visits.iter().map(|v| v.time).max().unwrap_or(0).max(1);
    let at = |time: usize| first - TIME * height * time as f64 / last as f64;
    panel.y.range = Some([at(last) - SHARES * height, top + 0.04 * height]);
    let energies = Scale::new(bottom, top, false, [0.0, 0.02]).ticks(6);
    panel.y.names = energies.into_iter().filter(|t| t.value >= bottom).map(|t| (t.value, t.label)).collect();
    let times = Scale::new(0.0, last as f64, false, [0.0, 0.0]).ticks(4);
    panel.y.names.extend(times.into_iter().map(|t| (at(t.value.round() as usize), format!("row {}", t.label))));
    let from_to = panel.x.range.unwrap_or([0.0, branches]);
    let border = Shape::Lines(vec![vec![[from_to[0], bottom - 0.5 * GAP * height], [from_to[1], bottom - 0.5 * GAP * height]]]);
    panel.marks.push(Mark::new(border, Paint::Plain(Colour::FAINT), 1.0));

    // The length of a px, roughly: what the axis takes is not known yet.
    let unit = (from_to[1] - from_to[0]) / (0.85 * width);
    let walkers = visits.iter().map(|v| v.walker).max().map_or(0, |w| w + 1);
    let colour = |k: usize| match walkers {
        1..=NAMED => kind_colour(k),
        _ => ColourMap::Viridis.at(k as f64 / (walkers - 1).max(1) as f64),
    };
    for walker in 0..walkers {
        // Walkers side by side below one minimum, never as far as the next one.
        let spread = (BESIDE * unit * (walkers - 1) as f64).min(0.5);
        let aside = if walkers > 1 { spread * (walker as f64 / (walkers - 1) as f64 - 0.5) } else { 0.0 };
        let own = visits.iter().filter(|v| v.walker == walker);
        let points: Vec<[f64; 2]> = own.map(|v| [place(v.minimum) + aside, at(v.time)]).collect();
        if walkers <= WAYS {
            let way = Mark::new(Shape::Lines(vec![points.clone()]), Paint::Plain(colour(walker).lighter(0.7)), 0.6);
            panel.marks.push(way);
        }
        let diameter = if visits.len() < 500 { 4.0 } else { 2.5 };
        let label = (2..=NAMED).contains(&walkers).then(|| format!("walker {walker}"));
        panel.marks.push(Mark::new(Shape::Points(points), Paint::Plain(colour(walker)), diameter).labelled(label.as_deref()));
    }

    let texts = shares(visits, &place, &places, unit, at(last) - 0.01 * height);
    panel.marks.push(Mark::new(Shape::Texts { texts, place: TextPlace::Below, halo: false }, Paint::Plain(Colour::INK), TEXT));
}

/// The shares of the visits below their columns, the largest first; one that would stand on another is left out. `unit` is the length of a px.
fn shares(
    visits: &[Visit],
    place: &dyn Fn(usize) -> f64,
    drawn: &HashMap<usize, f64>,
    unit: f64,
    y: f64,
) -> Vec<([f64; 2], String)> {
    let mut columns: Vec<(f64, f64, bool)> = Vec::new();
    for (minimum, share) in occupation(visits) {
        let known = drawn.contains_key(&minimum);
        match columns.iter_mut().find(|c| !known && !c.2) {
            Some(others) => others.1 += share,
            None => columns.push((place(minimum), share, known)),
        }
    }
    columns.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut placed: Vec<[f64; 2]> = Vec::new();
    let mut out = Vec::new();
    for (x, share, known) in columns.into_iter().filter(|c| c.1 >= SMALLEST) {
        let text = format!("{:.0} %{}", 100.0 * share, if known { "" } else { " others" });
        let half = (0.32 * TEXT * text.chars().count() as f64 + 3.0) * unit;
        if placed.iter().all(|[p, h]| (p - x).abs() >= half + h) {
            placed.push([x, half]);
            out.push(([x, y], text));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::made_up;
    use super::super::{DisconnectivityGraph, DrawingOptions};
    use super::*;
    use crate::landscape::tree::TreeOptions;
    use std::sync::Arc;

    #[test]
    fn visits_stand_below_their_minima_in_order_of_time() {
        let (minima, states) = made_up(6, 1);
        let tree = Arc::new(MergeTree::new(minima, states, &TreeOptions::default()).unwrap());
        let visit = |time: usize, minimum| Visit { row: time, walker: 0, time, minimum, energy: f64::NAN };
        let visits = [visit(0, 3), visit(1, 1), visit(2, 1), visit(3, 0)];
        let arrangement = Arrangement::of(&tree, None);
        let mut panel = Panel::new("", "energy");
        add(&mut panel, &tree, &arrangement, &visits, 800.0);
        let x_of = |minimum: usize| {
            let ends = arrangement.parts.iter().find(|p| p.splits_at.is_none() && tree.leaves[p.leaf].minimum == minimum);
            ends.map(|p| p.x).unwrap()
        };
        let points = panel.marks.iter().find_map(|m| match &m.shape {
            Shape::Points(points) => Some(points.clone()),
            _ => None,
        });
        let points = points.unwrap();
        assert_eq!(points[..3].iter().map(|p| p[0]).collect::<Vec<_>>(), [x_of(3), x_of(1), x_of(1)]);
        // What the landscape does not have stands to the right of every branch.
        assert!(points[3][0] > arrangement.branches as f64);
        let bottom = tree.leaves[0].energy;
        assert!(points[0][1] < bottom && points.windows(2).all(|w| w[1][1] < w[0][1]), "{points:?}");
        let graph = DisconnectivityGraph::with_visits(tree, None, &visits, "energy", &DrawingOptions::default()).unwrap();
        let svg = graph.figure().svg();
        assert!(svg.contains("50 %") && svg.contains("25 % others") && svg.contains("row 0"));
    }
}
