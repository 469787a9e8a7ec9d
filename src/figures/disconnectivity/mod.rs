//! Draws disconnectivity graphs: the merge tree of a landscape as branches that hang from regular energy levels.
//!
//! Nodes stand at the levels only: two branches part at the lowest level at which their minima are still in one component, and reach
//! their own places one level below, by slanted lines that cannot cross (`arrange` says why). Each branch ends at the energy of its
//! minimum. Going down, every node stays above the lowest minimum it holds (or above the minimum asked for by `centre`), so that a funnel's
//! bottom lies straight under its top; the global minimum is the trunk, with about equally many minima on either side.
//! Where the levels end above a merge, the component stays one branch, which ends at its lowest minimum.
//!
//! The colour of a branch below its last merge is a property of its minimum; where that is NaN it is grey. In a dense graph the slanted
//! beginning of the branch stays grey as well.
//!
//! References: O. M. Becker, M. Karplus, J. Chem. Phys. 106, 1495 (1997), doi:10.1063/1.473299; D. J. Wales, M. A. Miller,
//! T. R. Walsh, Nature 394, 758 (1998), doi:10.1038/29487.

mod arrange;
#[cfg(test)]
pub(super) mod tests;
mod text;
mod trajectory;

use crate::analysis::basins::Visit;
use crate::base::{Error, Kind, OptionType, OptionValue, Result};
use crate::landscape::tree::MergeTree;
use crate::options;
use crate::plot::charts::Size;
use crate::plot::colour::{Colour, ColourMap};
use crate::plot::{ColourScale, Figure, Mark, Paint, Panel, Shape, TextPlace};
use arrange::{Arrangement, Part};
use std::collections::HashMap;
use std::sync::Arc;

options! {
    /// The options of `disconnectivity` that decide the drawing; those of the tree belong to the landscape.
    pub struct DrawingOptions {
        /// Title above the graph.
        title: String = String::new() => "none", ANY, "";
        /// Title of the energy axis.
        y_label: Option<String> = None => "\"loss\" for networks, \"energy\" otherwise", ANY, "";
        /// Title below the graph.
        x_label: String = String::new() => "none", ANY, "";
        /// Map from the numbers of `colour` to colours; NaN is grey.
        colour_map: ColourMap = ColourMap::Viridis, ANY, "";
        /// Name beside the colour bar.
        colour_label: Option<String> = None => "the name of the field", ANY, "";
        /// Numbers at the two ends of the colour map.
        colour_range: Option<crate::plot::charts::Interval> = None => "all numbers", ANY, "";
        /// Ids of the minima whose branches are labelled, or "all".
        label: Labels = Labels::These(Vec::new()) => "none", ANY, "";
        /// Id of the minimum whose branch is the trunk.
        centre: Option<usize> = None => "the global minimum", AT_LEAST_ONE, "";
        /// Width of the lines.
        width: Option<f64> = None => "by the number of branches", POSITIVE, "px";
        /// Width and height of the figure.
        size: Size = Size([800.0, 640.0]), ANY, "px";
    }
}

/// Which branches are labelled.
#[derive(Debug, Clone, PartialEq)]
pub enum Labels {
    All,
    These(Vec<usize>),
}

impl OptionType for Labels {
    fn takes() -> String {
        "an array of ids, or \"all\"".into()
    }
    fn read(value: &OptionValue) -> Option<Labels> {
        match value {
            OptionValue::Text(word) => (word == "all").then_some(Labels::All),
            OptionValue::Integer(_) => usize::read(value).map(|id| Labels::These(vec![id])),
            _ => Vec::<usize>::read(value).map(Labels::These),
        }
    }
    fn show(&self) -> String {
        match self {
            Labels::All => "\"all\"".into(),
            Labels::These(ids) => ids.show(),
        }
    }
}

/// A number for each leaf of the tree, and what it is.
#[derive(Debug, Clone)]
pub struct LeafColours {
    /// In the order of [`MergeTree::leaves`]; NaN is drawn grey.
    pub values: Vec<f64>,
    pub name: String,
}

/// A disconnectivity graph, drawn.
#[derive(Debug, Clone)]
pub struct DisconnectivityGraph {
    tree: Arc<MergeTree>,
    figure: Figure,
    arrangement: Arrangement,
    centre: Option<usize>,
    /// Of each leaf, whether its branch has a label.
    labelled: Vec<bool>,
    energy_title: String,
    title: String,
}

impl DisconnectivityGraph {
    /// Draws a tree; see [`DisconnectivityGraph::with_visits`].
    pub fn new(
        tree: Arc<MergeTree>,
        colours: Option<LeafColours>,
        energy_title: &str,
        options: &DrawingOptions,
    ) -> Result<DisconnectivityGraph> {
        DisconnectivityGraph::with_visits(tree, colours, &[], energy_title, options)
    }

    /// Draws a tree, and below it the visits of a trajectory where there are any. `energy_title` stands beside the energy axis unless the options name another.
    ///
    /// A label of a minimum that the tree has left out is left out too.
    ///
    /// Errors: a number of colours that is not that of the leaves, a `centre` that is not in the tree.
    pub fn with_visits(
        tree: Arc<MergeTree>,
        colours: Option<LeafColours>,
        visits: &[Visit],
        energy_title: &str,
        options: &DrawingOptions,
    ) -> Result<DisconnectivityGraph> {
        if let Some(colours) = &colours
            && colours.values.len() != tree.leaves.len()
        {
            let message =
                format!("disconnectivity: option `colour` has {} numbers for {} minima", colours.values.len(), tree.leaves.len());
            return Err(Error::shape(message).at("colour").hint("one for each minimum that is drawn, in order of energy"));
        }
        let leaf_of = |id: usize| {
            tree.leaves.iter().position(|l| l.minimum == id).ok_or_else(|| {
                Error::new(
                    Kind::Name,
                    format!("disconnectivity: option `centre` asks for minimum {id}, which is not in the tree"),
                )
                .at("centre")
                .hint("ids are those of landscape.minima; options such as connected_to may have left it out")
            })
        };
        let centre = options.centre.map(leaf_of).transpose()?;
        let mut labelled = vec![options.label == Labels::All; tree.leaves.len()];
        if let Labels::These(ids) = &options.label {
            for (k, leaf) in tree.leaves.iter().enumerate() {
                labelled[k] = ids.contains(&leaf.minimum);
            }
        }
        let arrangement = Arrangement::of(&tree, centre);
        let energy_title = options.y_label.clone().unwrap_or_else(|| energy_title.to_string());
        let mut graph = DisconnectivityGraph {
            tree,
            figure: Figure::of(Panel::new("", ""), options.size.0),
            arrangement,
            centre,
            labelled,
            energy_title,
            title: options.title.clone(),
        };
        let mut panel = graph.panel(colours, options);
        if !visits.is_empty() {
            trajectory::add(&mut panel, &graph.tree, &graph.arrangement, visits, options.size.0[0]);
        }
        graph.figure = Figure::of(panel, options.size.0);
        Ok(graph)
    }

    /// The drawing: `save`, `svg`.
    pub fn figure(&self) -> &Figure {
        &self.figure
    }

    /// The graph in characters: every branch has its column, those of the lowest minima where there are too many.
    pub fn show(&self, width: usize, height: usize) -> String {
        text::show(self, width.max(20), height.max(8))
    }

    fn panel(&self, colours: Option<LeafColours>, options: &DrawingOptions) -> Panel {
        let mut panel = Panel::new(&options.x_label, &self.energy_title);
        panel.title = self.title.clone();
        panel.x.hidden = true;
        let count = self.arrangement.branches as f64;
        panel.x.range = Some([-0.02 * count, 1.02 * count]);
        let width = options.width.unwrap_or_else(|| line_width(options.size.0[0] / count.max(1.0)));

        let room = options.size.0[0] / count.max(1.0);
        // Slanted lines lie on one another long before the branches do. Coloured, those drawn last would hide the others.
        let dense = room < 3.0;
        let (mut stems, mut branches, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for part in self.visible_parts(room) {
            let mut line = part.line(&self.tree);
            if part.splits_at.is_some() {
                stems.push(line);
                continue;
            }
            if dense && line.len() == 3 {
                stems.push(line[..2].to_vec());
                line.remove(0);
            }
            branches.push(line);
            values.push(colours.as_ref().map_or(f64::NAN, |c| c.values[part.leaf]));
        }
        let ink = Paint::Plain(Colour::INK);
        let stem = if dense && colours.is_some() { Colour::MISSING } else { Colour::INK };
        panel.marks.push(Mark::new(Shape::Lines(stems), Paint::Plain(stem), width));
        let paint = match colours {
            Some(LeafColours { values: all, name }) => {
                let name = options.colour_label.clone().unwrap_or(name);
                let mut scale = ColourScale::over(&all, options.colour_map, &name);
                scale.range = options.colour_range.map_or(scale.range, |r| r.0);
                panel.colours = Some(scale);
                Paint::Values(values)
            }
            None => ink.clone(),
        };
        panel.marks.push(Mark::new(Shape::Lines(branches), paint, width));
        let texts = self.label_places(options.size.0);
        if !texts.is_empty() {
            // Room for the row of labels below the lowest branch.
            panel.y.margin[0] = 0.06;
            panel.marks.push(Mark::new(Shape::Texts { texts, place: TextPlace::Below, halo: false }, ink, LABEL_SIZE));
        }
        panel
    }

    /// The parts that can be told apart on the sheet. Of branches that leave the same level within a third of a px the lowest is drawn, and
    /// of lines between nodes that coincide to that precision one: a renderer would otherwise spend minutes on 200,000 minima to paint
    /// the same pixels again and again.
    fn visible_parts(&self, room: f64) -> Vec<&Part> {
        let parts = &self.arrangement.parts;
        if room > FINEST {
            return parts.iter().collect();
        }
        let column = |x: f64| (x * room / FINEST) as u32;
        let mut lowest: HashMap<(u32, Option<(u32, usize)>, Option<usize>), &Part> = HashMap::new();
        for part in parts {
            // Branches from one level: wherever they come from. Lines between nodes: the nodes count.
            let parent = part.parent.map(|(x, level)| (if part.splits_at.is_some() { column(x) } else { 0 }, level));
            let seen = lowest.entry((column(part.x), parent, part.splits_at)).or_insert(part);
            // Leaves are in rising energy.
            if part.leaf < seen.leaf || (self.labelled[part.leaf] && !self.labelled[seen.leaf]) {
                *seen = part;
            }
        }
        let mut visible: Vec<&Part> = lowest.into_values().collect();
        visible.sort_by(|a, b| a.interval.cmp(&b.interval).then(a.splits_at.cmp(&b.splits_at)));
        visible
    }

    /// Labels below the ends of their branches, moved down where they would stand on one another.
    fn label_places(&self, size: [f64; 2]) -> Vec<([f64; 2], String)> {
        let mut wanted: Vec<(f64, f64, String)> = Vec::new();
        for part in self.arrangement.parts.iter().filter(|p| p.splits_at.is_none() && self.labelled[p.leaf]) {
            let leaf = self.tree.leaves[part.leaf];
            wanted.push((part.x, leaf.energy, leaf.minimum.to_string()));
        }
        wanted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let top = self.tree.levels.first().copied().unwrap_or(0.0);
        let bottom = self.tree.leaves.first().map_or(0.0, |l| l.energy);
        // Units of the data in one px, roughly: what the axis and the bar take is not known yet.
        let unit_x = self.arrangement.branches as f64 / (0.8 * size[0]);
        let unit_y = (top - bottom).max(1e-300) / (0.85 * size[1]);
        let mut placed: Vec<([f64; 2], f64)> = Vec::new();
        let mut out = Vec::new();
        for (x, energy, text) in wanted {
            let half = (0.32 * LABEL_SIZE * text.len() as f64 + 2.0) * unit_x;
            let mut y = energy;
            let row = (LABEL_SIZE + 2.0) * unit_y;
            // Only the last ones can be in the way: labels come from left to right.
            for _ in 0..40 {
                let hit = |(p, h): &&([f64; 2], f64)| (p[0] - x).abs() < half + h && (p[1] - y).abs() < row;
                match placed.iter().rev().take(80).find(hit) {
                    Some((p, _)) => y = p[1] - row * 1.001,
                    None => break,
                }
            }
            placed.push(([x, y], half));
            out.push(([x, y], text));
        }
        out
    }
}

const LABEL_SIZE: f64 = 11.0;
/// Places closer than this, in px, cannot be told apart.
const FINEST: f64 = 1.0 / 3.0;

/// Thick enough to be seen, thin enough that neighbours stay apart while they can.
fn line_width(room: f64) -> f64 {
    (0.22 * room).clamp(0.35, 1.6)
}

impl Part {
    /// The part as a line in places and energies: from its parent's level to its own place one level below, then down to its end.
    fn line(&self, tree: &MergeTree) -> Vec<[f64; 2]> {
        let levels = &tree.levels;
        let end = match self.splits_at {
            Some(level) => levels[level],
            None => tree.leaves[self.leaf].energy,
        };
        let Some((from, level)) = self.parent else {
            // A root hangs from half a level above the first one.
            return vec![[self.x, (levels[0] + tree.delta / 2.0).max(end)], [self.x, end]];
        };
        let start = [from, levels[level]];
        match levels.get(level + 1).copied().filter(|next| *next > end) {
            Some(next) if from != self.x => vec![start, [self.x, next], [self.x, end]],
            _ => vec![start, [self.x, end]],
        }
    }
}
