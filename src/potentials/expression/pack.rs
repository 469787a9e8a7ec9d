//! From a graph of single numbers to a program over rows of them: operations of one shape and one purpose become one vector.
//!
//! The shape of an operation is the tree below it with every number and every coordinate taken for any other. From the result downwards
//! operations of one height are grouped by shape and by what they are for (the same operand of the same group), in the order in
//! which they are asked for: so the operands of a vector are vectors themselves, side by side, and only coordinates are gathered. The terms of a
//! long sum have one purpose, which makes a vector of the pairs of a cluster or of the terms of a loop.

use super::graph::{Binary, Graph, Item, Node};
use super::program::{Entry, Part, Program, Value};
use std::collections::{BTreeMap, HashMap};

/// From how many terms on a chain of additions is one sum.
const LONG_SUM: usize = 4;
/// Sums of as many terms of one shape are added elementwise where there are at least as many such sums.
const FEW_TERMS: usize = 8;

/// The part of a node in packing.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// Not needed, or inside a long sum.
    None,
    Leaf,
    Plain,
    Sum,
}

#[derive(PartialEq, Eq, Hash)]
enum Shape {
    Constant,
    Coordinate,
    /// The operation without its operands, and their shapes.
    Operation(Item, [u32; 3]),
    /// The shapes that the terms have.
    Sum(Vec<u32>),
}

/// Terms of one shape and sign.
type Group = (u32, bool);

/// What is known of the graph before vectors are made.
struct Survey<'a> {
    graph: &'a Graph,
    roles: Vec<Role>,
    heights: Vec<usize>,
    shapes: Vec<u32>,
    /// Of sums: terms by shape and whether they are subtracted.
    terms: HashMap<Node, BTreeMap<Group, Vec<Node>>>,
}

fn is_addition(item: Item) -> bool {
    matches!(item, Item::Binary(Binary::Add | Binary::Subtract, ..))
}

impl<'a> Survey<'a> {
    fn of(graph: &'a Graph, root: Node) -> Survey<'a> {
        let count = root as usize + 1;
        let needed = graph.needed(root);
        let mut users = vec![0u32; count];
        let mut last_user = vec![root; count];
        for node in (0..count).filter(|n| needed[*n]) {
            for operand in graph.items[node].operands() {
                users[operand as usize] += 1;
                last_user[operand as usize] = node as Node;
            }
        }
        let item = |node: usize| graph.items[node];
        // Additions with one user that is an addition are inside the sum of that.
        let inside =
            |n: usize| n != root as usize && is_addition(item(n)) && users[n] == 1 && is_addition(item(last_user[n] as usize));
        let mut leaves = vec![1usize; count];
        let mut long = vec![false; count];
        for node in (0..count).filter(|n| needed[*n] && is_addition(item(*n))) {
            leaves[node] = item(node).operands().map(|o| if inside(o as usize) { leaves[o as usize] } else { 1 }).sum();
        }
        for node in (0..count).rev().filter(|n| needed[*n] && is_addition(item(*n))) {
            long[node] = if inside(node) { long[last_user[node] as usize] } else { leaves[node] >= LONG_SUM };
        }
        let roles = (0..count)
            .map(|n| match item(n) {
                _ if !needed[n] => Role::None,
                item if item.is_leaf() => Role::Leaf,
                _ if !long[n] => Role::Plain,
                _ if inside(n) => Role::None,
                _ => Role::Sum,
            })
            .collect();
        let mut survey = Survey { graph, roles, heights: vec![0; count], shapes: vec![0; count], terms: HashMap::new() };
        survey.measure(&zeros(graph, count), &|n| inside(n) && long[n]);
        survey
    }

    /// Heights, shapes and the terms of sums, operands first.
    fn measure(&mut self, zero: &[bool], inside: &dyn Fn(usize) -> bool) {
        let mut known: HashMap<Shape, u32> = HashMap::new();
        for node in 0..self.roles.len() {
            let item = self.graph.items[node];
            let shape = match self.roles[node] {
                Role::None => continue,
                Role::Leaf if matches!(item, Item::Constant(_)) => Shape::Constant,
                Role::Leaf => Shape::Coordinate,
                Role::Plain => {
                    let mut below = [u32::MAX; 3];
                    for (place, operand) in item.operands().enumerate() {
                        below[place] = self.shapes[operand as usize];
                        self.heights[node] = self.heights[node].max(1 + self.heights[operand as usize]);
                    }
                    Shape::Operation(without_operands(item), below)
                }
                Role::Sum => {
                    let mut terms: BTreeMap<Group, Vec<Node>> = BTreeMap::new();
                    self.heights[node] = 1;
                    let mut waiting = vec![(node as Node, false)];
                    while let Some((n, minus)) = waiting.pop() {
                        match self.graph.items[n as usize] {
                            Item::Binary(operation @ (Binary::Add | Binary::Subtract), a, b)
                                if n as usize == node || inside(n as usize) =>
                            {
                                // The left is wanted first.
                                waiting.push((b, minus != (operation == Binary::Subtract)));
                                waiting.push((a, minus));
                            }
                            _ if zero[n as usize] => {}
                            _ => {
                                self.heights[node] = self.heights[node].max(1 + self.heights[n as usize]);
                                terms.entry((self.shapes[n as usize], minus)).or_default().push(n);
                            }
                        }
                    }
                    let mut shapes: Vec<u32> = terms.keys().map(|(shape, _)| *shape).collect();
                    shapes.dedup();
                    self.terms.insert(node as Node, terms);
                    Shape::Sum(shapes)
                }
            };
            let next = known.len() as u32;
            self.shapes[node] = *known.entry(shape).or_insert(next);
        }
    }
}

/// Products with the number zero, and what is made of them: as terms of long sums they can be left out.
fn zeros(graph: &Graph, count: usize) -> Vec<bool> {
    let mut zero = vec![false; count];
    for node in 0..count {
        let is = |n: Node| zero[n as usize];
        zero[node] = match graph.items[node] {
            Item::Constant(bits) => bits == 0,
            Item::Binary(Binary::Multiply, a, b) => is(a) || is(b),
            Item::Binary(Binary::Add | Binary::Subtract, a, b) => is(a) && is(b),
            _ => false,
        };
    }
    zero
}

fn without_operands(item: Item) -> Item {
    match item {
        Item::Unary(operation, _) => Item::Unary(operation, 0),
        Item::Binary(operation, ..) => Item::Binary(operation, 0, 0),
        Item::Select(..) => Item::Select(0, 0, 0),
        leaf => leaf,
    }
}

/// Nodes that become one vector.
struct Class {
    members: Vec<Node>,
    /// Whether the terms of its sums are added elementwise.
    elementwise: bool,
}

/// Packs the graph below `root`: the program, the position, the result.
pub fn pack(graph: &Graph, root: Node) -> (Program, Value, Value) {
    let survey = Survey::of(graph, root);
    let mut program = Program::default();
    let position = program.input(0, graph.dimension);
    let (classes, places) = group(&survey, root);
    let mut packer = Packer { survey: &survey, program, position, places, values: vec![0; classes.len()] };
    // Groups stand with the highest first: a group's operands come behind it.
    for (index, class) in classes.iter().enumerate().rev() {
        packer.values[index] = packer.class(class);
    }
    let result = packer.fetch(&[root]);
    (packer.program, position, result)
}

/// Groups, the highest first, and the group and lane of every node.
fn group(survey: &Survey, root: Node) -> (Vec<Class>, Vec<(u32, u32)>) {
    const NOWHERE: u32 = u32::MAX;
    let count = survey.roles.len();
    let mut by_height: Vec<Vec<Node>> = vec![Vec::new(); survey.heights[root as usize] + 1];
    let mut purposes: Vec<u32> = vec![NOWHERE; count];
    let mut known: HashMap<(u32, Group, usize), u32> = HashMap::new();
    let mut places = vec![(NOWHERE, 0); count];
    let mut classes: Vec<Class> = Vec::new();
    let is_made = |n: Node| matches!(survey.roles[n as usize], Role::Plain | Role::Sum);
    if is_made(root) {
        purposes[root as usize] = 0;
        by_height[survey.heights[root as usize]].push(root);
    }
    for height in (1..by_height.len()).rev() {
        let mut own: HashMap<(u32, u32), usize> = HashMap::new();
        let first = classes.len();
        for &node in &by_height[height].clone() {
            let key = (survey.shapes[node as usize], purposes[node as usize]);
            let index = *own.entry(key).or_insert_with(|| {
                classes.push(Class { members: Vec::new(), elementwise: false });
                classes.len() - 1
            });
            places[node as usize] = (index as u32, classes[index].members.len() as u32);
            classes[index].members.push(node);
        }
        for index in first..classes.len() {
            let mut ask = |node: Node, group: Group, place: usize| {
                if is_made(node) && purposes[node as usize] == NOWHERE {
                    let next = known.len() as u32 + 1;
                    purposes[node as usize] = *known.entry((index as u32, group, place)).or_insert(next);
                    by_height[survey.heights[node as usize]].push(node);
                }
            };
            let class = &mut classes[index];
            if survey.roles[class.members[0] as usize] == Role::Plain {
                for place in 0..3 {
                    for &node in &class.members {
                        if let Some(operand) = survey.graph.items[node as usize].operands().nth(place) {
                            ask(operand, (0, false), place);
                        }
                    }
                }
                continue;
            }
            let sums: Vec<_> = class.members.iter().map(|node| &survey.terms[node]).collect();
            let counts = |sum: &BTreeMap<Group, Vec<Node>>| sum.iter().map(|(g, t)| (*g, t.len())).collect::<Vec<_>>();
            class.elementwise = sums.len() > 1
                && sums.iter().all(|sum| counts(sum) == counts(sums[0]))
                && sums[0].values().all(|terms| terms.len() <= FEW_TERMS.min(sums.len()));
            let elementwise = class.elementwise;
            for sum in sums {
                for (group, terms) in sum {
                    terms.iter().enumerate().for_each(|(k, term)| ask(*term, *group, if elementwise { k } else { 0 }));
                }
            }
        }
    }
    (classes, places)
}

struct Packer<'a> {
    survey: &'a Survey<'a>,
    program: Program,
    position: Value,
    places: Vec<(u32, u32)>,
    values: Vec<Value>,
}

impl Packer<'_> {
    /// The value whose elements are these nodes.
    fn fetch(&mut self, nodes: &[Node]) -> Value {
        let graph = self.survey.graph;
        let nodes = if nodes.iter().all(|n| *n == nodes[0]) { &nodes[..1] } else { nodes };
        if let Some(numbers) = nodes.iter().map(|n| graph.value(*n)).collect::<Option<Vec<f64>>>() {
            return self.program.constant(&numbers);
        }
        let terms = nodes.iter().enumerate().map(|(row, node)| (row, *node, 1.0));
        let parts = self.parts(terms);
        self.program.linear(nodes.len(), parts)
    }

    /// Terms, each with the row it is added to and its factor, by where they come from.
    fn parts(&mut self, terms: impl Iterator<Item = (usize, Node, f64)>) -> Vec<Part> {
        let mut by_source: BTreeMap<Value, Vec<Entry>> = BTreeMap::new();
        for (row, node, factor) in terms {
            let (source, column) = match self.survey.graph.items[node as usize] {
                Item::Coordinate(index) => (self.position, index as usize),
                Item::Constant(bits) => (self.program.number(f64::from_bits(bits)), 0),
                _ => {
                    let (class, lane) = self.places[node as usize];
                    (self.values[class as usize], lane as usize)
                }
            };
            by_source.entry(source).or_default().push(Entry::new(row, column, factor));
        }
        by_source.into_iter().map(|(source, entries)| Part { source, entries }).collect()
    }

    fn class(&mut self, class: &Class) -> Value {
        let graph = self.survey.graph;
        let first = graph.items[class.members[0] as usize];
        if self.survey.roles[class.members[0] as usize] == Role::Sum {
            return self.sum(class);
        }
        let operands: Vec<Value> = (0..first.operands().count())
            .map(|place| {
                let nodes: Vec<Node> =
                    class.members.iter().filter_map(|n| graph.items[*n as usize].operands().nth(place)).collect();
                self.fetch(&nodes)
            })
            .collect();
        match (first, operands.as_slice()) {
            (Item::Unary(operation, _), [a]) => self.program.unary(operation, *a),
            (Item::Binary(operation, ..), [a, b]) => self.program.binary(operation, *a, *b),
            (_, [condition, a, b]) => self.program.select(*condition, *a, *b),
            // Leaves make no group.
            _ => self.program.number(f64::NAN),
        }
    }

    fn sum(&mut self, class: &Class) -> Value {
        let survey = self.survey;
        let sums: Vec<_> = class.members.iter().map(|node| &survey.terms[node]).collect();
        if !class.elementwise {
            let sign = |minus: bool| if minus { -1.0 } else { 1.0 };
            let terms = sums.iter().enumerate().flat_map(|(row, sum)| {
                sum.iter().flat_map(move |((_, minus), terms)| terms.iter().map(move |term| (row, *term, sign(*minus))))
            });
            let parts = self.parts(terms);
            return self.program.linear(class.members.len(), parts);
        }
        let mut total = self.program.number(0.0);
        for (group, terms) in sums[0] {
            for k in 0..terms.len() {
                let nodes: Vec<Node> = sums.iter().map(|sum| sum[group][k]).collect();
                let value = self.fetch(&nodes);
                total = if group.1 { self.program.minus(total, value) } else { self.program.plus(total, value) };
            }
        }
        total
    }
}
