//! From a program to a tape: operations fused, memory assigned, sparse maps turned into tables.
//!
//! A tape exists in two layouts with the same results, bit for bit. In [`Layout::Lanes`] a value of width w fills the lanes of w/8 blocks, for
//! one position at a time; in [`Layout::Rows`] each of its elements is a block of its own that holds eight positions.

use super::graph::{Binary, Unary};
use super::program::{Part, Program, Step, Ternary, Value};
use crate::math::gather::Indices;
use crate::math::simd::{Block, LANES};
use std::collections::{BTreeMap, HashMap};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    Lanes,
    Rows,
}

/// Where every working memory holds a zero: its first block.
const ZERO: u32 = 0;

/// Where a value stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// The first block.
    pub start: u32,
    /// One block stands for all.
    pub single: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Operation {
    Input(usize),
    Unary(Unary),
    Binary(Binary),
    Ternary(Ternary),
    /// A sparse map, by its place among the tables.
    Map(u32),
}

#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    pub operation: Operation,
    pub out: u32,
    pub blocks: u32,
    /// Number of elements.
    pub width: u32,
    pub operands: [Place; 3],
}

/// `length` rows from `row` on take `factor` times as many elements from `from` on; in a total all go to its one row.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub row: u32,
    pub from: u32,
    pub length: u32,
    pub factor: f64,
}

/// A sparse map. Elements are counted through the working memory, in numbers or (layout of rows) in blocks.
#[derive(Clone, Debug)]
pub enum Table {
    /// One element each.
    Gather(Chosen),
    /// The first less the second.
    Difference(Chosen, Chosen),
    /// What is added less what is subtracted, for each eight rows (layout of rows: each row) as many of both, which come one after the other.
    /// Rows with fewer take the zero that every working memory begins with.
    Signed(Vec<[u32; 2]>, Chosen),
    /// For each row how many; which, with their factors.
    Weighted(Vec<u32>, Vec<(u32, f64)>),
    Runs(Vec<Run>),
    /// One row: sums over stretches.
    Total(Vec<Run>),
}

/// Elements of the working memory: numbers, eight at a time, or (layout of rows) blocks.
#[derive(Clone, Debug)]
pub enum Chosen {
    Numbers(Indices),
    Blocks(Vec<u32>),
}

impl Chosen {
    fn of(all: &[u32], layout: Layout) -> Chosen {
        match layout {
            Layout::Lanes => Chosen::Numbers(Indices::new(all)),
            Layout::Rows => Chosen::Blocks(all.to_vec()),
        }
    }
}

/// What is computed, ready to run.
pub struct Tape {
    pub layout: Layout,
    pub instructions: Vec<Instruction>,
    pub tables: Vec<Table>,
    /// What the working memory begins with: a zero, then the constants.
    pub constants: Vec<Block>,
    /// Blocks of working memory.
    pub memory: usize,
    /// Results, each with as many numbers as are wanted of it: one place may stand for many.
    pub outputs: Vec<(Place, usize)>,
}

/// A program whose operations are fused, for several results.
pub struct Fused {
    steps: Vec<Step>,
    widths: Vec<usize>,
}

fn needed(steps: &[Step], results: &[Value]) -> (Vec<bool>, Vec<u32>) {
    let (mut needed, mut uses) = (vec![false; steps.len()], vec![0; steps.len()]);
    for result in results {
        needed[*result as usize] = true;
        uses[*result as usize] += 1;
    }
    for value in (0..steps.len()).rev().filter(|v| !steps[*v].operands().is_empty()).collect::<Vec<_>>() {
        if needed[value] {
            for operand in steps[value].operands() {
                needed[operand as usize] = true;
                uses[operand as usize] += 1;
            }
        }
    }
    (needed, uses)
}

impl Fused {
    /// Products go into the additions that alone need them, differences of gathered elements become one map.
    pub fn of(program: &Program, results: &[Value]) -> Fused {
        let (needed, uses) = needed(&program.steps, results);
        let mut steps = program.steps.clone();
        for value in 0..steps.len() {
            let Step::Binary(operation @ (Binary::Add | Binary::Subtract), a, b) = steps[value] else { continue };
            if !needed[value] {
                continue;
            }
            let width = program.widths[value];
            let gathered = |v: Value| match &steps[v as usize] {
                Step::Linear(parts)
                    if uses[v as usize] == 1
                        && program.width(v) == width
                        && parts.iter().map(|p| p.entries.len()).sum::<usize>() == width =>
                {
                    Some(parts.clone())
                }
                _ => None,
            };
            let product = |v: Value| match steps[v as usize] {
                Step::Binary(Binary::Multiply, x, y) if uses[v as usize] == 1 => Some((x, y)),
                _ => None,
            };
            let step = match (operation, gathered(a), gathered(b), product(a), product(b)) {
                (_, Some(left), Some(right), ..) if a != b => {
                    let sign = if operation == Binary::Add { 1.0 } else { -1.0 };
                    Step::Linear(merged(&left, &right, sign).into())
                }
                (Binary::Add, .., Some((x, y))) => Step::Ternary(Ternary::MultiplyAdd, x, y, a),
                (Binary::Add, .., Some((x, y)), None) => Step::Ternary(Ternary::MultiplyAdd, x, y, b),
                (.., Some((x, y))) => Step::Ternary(Ternary::SubtractProduct, x, y, a),
                (.., Some((x, y)), None) => Step::Ternary(Ternary::MultiplySubtract, x, y, b),
                _ => continue,
            };
            steps[value] = step;
        }
        Fused { steps, widths: program.widths.clone() }
    }
}

fn merged(left: &[Part], right: &[Part], sign: f64) -> Vec<Part> {
    let mut parts = left.to_vec();
    for part in right {
        let mut entries = part.entries.clone();
        entries.iter_mut().for_each(|e| e.coefficient = (sign * e.factor()).to_bits());
        parts.push(Part { source: part.source, entries });
    }
    parts
}

/// Free stretches of the working memory.
#[derive(Default)]
struct Memory {
    free: BTreeMap<usize, Vec<u32>>,
    end: u32,
}

impl Memory {
    /// A stretch of this size: the smallest free one that holds it, or a new one.
    fn take(&mut self, blocks: usize) -> u32 {
        let fitting = self.free.range(blocks..).next().map(|(size, _)| *size).filter(|size| *size <= 2 * blocks);
        let stretch = fitting.and_then(|size| self.free.get_mut(&size)?.pop().map(|start| (size, start)));
        let Some((size, start)) = stretch else {
            self.end += blocks as u32;
            return self.end - blocks as u32;
        };
        if self.free.get(&size).is_some_and(Vec::is_empty) {
            self.free.remove(&size);
        }
        self.give(start + blocks as u32, size - blocks);
        start
    }

    fn give(&mut self, start: u32, blocks: usize) {
        if blocks > 0 {
            self.free.entry(blocks).or_default().push(start);
        }
    }
}

impl Tape {
    /// The tape that computes these results, so many numbers of each.
    pub fn of(fused: &Fused, results: &[(Value, usize)], layout: Layout) -> Tape {
        let blocks = |width: usize| if layout == Layout::Rows { width } else { width.div_ceil(LANES) };
        let (needed, mut uses) = needed(&fused.steps, &results.iter().map(|(value, _)| *value).collect::<Vec<_>>());
        let mut tape = Tape {
            layout,
            instructions: Vec::new(),
            tables: Vec::new(),
            constants: vec![Block::ZERO],
            memory: 0,
            outputs: Vec::new(),
        };
        let mut places: Vec<Place> = vec![Place::default(); fused.steps.len()];
        for value in (0..fused.steps.len()).filter(|v| needed[*v]) {
            if let Step::Constant(bits) = &fused.steps[value] {
                places[value] = Place { start: tape.constants.len() as u32, single: bits.len() == 1 };
                tape.constants.extend(constant_blocks(bits, layout));
            }
        }
        let mut memory = Memory { end: tape.constants.len() as u32, ..Memory::default() };
        for value in (0..fused.steps.len()).filter(|v| needed[*v]) {
            let (step, width) = (&fused.steps[value], fused.widths[value]);
            if matches!(step, Step::Constant(_)) {
                continue;
            }
            let out = memory.take(blocks(width));
            places[value] = Place { start: out, single: width == 1 };
            let place = |v: Value| places[v as usize];
            let none = Place::default();
            let (operation, operands) = match step {
                Step::Input(which) => (Operation::Input(*which), [none; 3]),
                Step::Unary(operation, a) => (Operation::Unary(*operation), [place(*a), none, none]),
                Step::Binary(operation, a, b) => (Operation::Binary(*operation), [place(*a), place(*b), none]),
                Step::Ternary(operation, a, b, c) => (Operation::Ternary(*operation), [place(*a), place(*b), place(*c)]),
                Step::Linear(parts) => {
                    tape.tables.push(table(parts, width, layout, &|v| place(v).start));
                    (Operation::Map(tape.tables.len() as u32 - 1), [none; 3])
                }
                Step::Constant(_) => continue,
            };
            let instruction = Instruction { operation, out, blocks: blocks(width) as u32, width: width as u32, operands };
            tape.instructions.push(instruction);
            for operand in step.operands() {
                let uses = &mut uses[operand as usize];
                *uses -= 1;
                if *uses == 0 && !matches!(fused.steps[operand as usize], Step::Constant(_)) {
                    memory.give(places[operand as usize].start, blocks(fused.widths[operand as usize]));
                }
            }
        }
        tape.memory = memory.end as usize;
        tape.outputs = results.iter().map(|(value, width)| (places[*value as usize], *width)).collect();
        tape
    }

    /// Roughly what so many positions cost, in blocks: gathering goes element by element.
    pub fn cost(&self, rows: usize) -> usize {
        let one = |i: &Instruction| match i.operation {
            Operation::Map(_) => i.width as usize,
            _ => i.blocks as usize,
        };
        let runs = if self.layout == Layout::Rows { rows.div_ceil(LANES) } else { rows };
        runs * self.instructions.iter().map(one).sum::<usize>()
    }
}

fn constant_blocks(bits: &[u64], layout: Layout) -> Vec<Block> {
    let number = |k: usize| f64::from_bits(bits[k.min(bits.len() - 1)]);
    if bits.len() == 1 || layout == Layout::Rows {
        return (0..bits.len()).map(|k| Block([number(k); LANES])).collect();
    }
    (0..bits.len().div_ceil(LANES)).map(|b| Block(std::array::from_fn(|k| number(b * LANES + k)))).collect()
}

/// The table of a sparse map; `start` gives the first block of a source. The order in which a row adds up is the same in both layouts.
fn table(parts: &[Part], width: usize, layout: Layout, start: &dyn Fn(Value) -> u32) -> Table {
    /// From how many elements on a stretch pays.
    const LONG_RUN: usize = 4;
    let step = if layout == Layout::Rows { 1 } else { LANES as u32 };
    let total: usize = parts.iter().map(|p| p.entries.len()).sum();
    // Diagonal stretches; of a total, horizontal ones.
    let mut runs: Vec<Run> = Vec::new();
    for part in parts {
        let base = start(part.source) * step;
        let mut open: HashMap<(u32, u32, u64), usize> = HashMap::new();
        for entry in &part.entries {
            let row = if width == 1 { 0 } else { entry.row + 1 };
            let continued = open.remove(&(entry.row, entry.column, entry.coefficient));
            let index = continued.unwrap_or_else(|| {
                runs.push(Run { row: entry.row, from: base + entry.column, length: 0, factor: entry.factor() });
                runs.len() - 1
            });
            runs[index].length += 1;
            open.insert((row, entry.column + 1, entry.coefficient), index);
        }
    }
    if total >= LONG_RUN * runs.len() {
        return if width == 1 { Table::Total(runs) } else { Table::Runs(runs) };
    }
    let mut rows: Vec<Vec<(u32, f64)>> = vec![Vec::new(); width];
    for part in parts {
        let base = start(part.source) * step;
        part.entries.iter().for_each(|e| rows[e.row as usize].push((base + e.column, e.factor())));
    }
    if rows.iter().all(|row| matches!(row.as_slice(), [(_, 1.0)])) {
        return Table::Gather(Chosen::of(&rows.iter().map(|row| row[0].0).collect::<Vec<_>>(), layout));
    }
    if rows.iter().all(|row| matches!(row.as_slice(), [(_, 1.0), (_, -1.0)] | [(_, -1.0), (_, 1.0)])) {
        let of = |positive: bool| {
            let all = rows.iter().flatten().filter(|(_, factor)| (*factor > 0.0) == positive);
            Chosen::of(&all.map(|(from, _)| *from).collect::<Vec<_>>(), layout)
        };
        return Table::Difference(of(true), of(false));
    }
    if rows.iter().flatten().all(|(_, factor)| factor.abs() == 1.0) {
        return signed(&rows, layout);
    }
    Table::Weighted(rows.iter().map(|row| row.len() as u32).collect(), rows.concat())
}

/// The table of sums and differences: elements of eight rows stand side by side.
fn signed(rows: &[Vec<(u32, f64)>], layout: Layout) -> Table {
    let together = if layout == Layout::Rows { 1 } else { LANES };
    let (mut counts, mut blocks, mut numbers) = (Vec::new(), Vec::new(), Indices::default());
    for rows in rows.chunks(together) {
        let of = |positive: bool| -> Vec<Vec<u32>> {
            let own = |row: &Vec<(u32, f64)>| row.iter().filter(|(_, f)| (*f > 0.0) == positive).map(|(from, _)| *from).collect();
            rows.iter().map(own).collect()
        };
        let mut count = [0; 2];
        for (count, columns) in count.iter_mut().zip([of(true), of(false)]) {
            *count = columns.iter().map(Vec::len).max().unwrap_or(0) as u32;
            for k in 0..*count as usize {
                let at = |row: usize| columns.get(row).and_then(|column| column.get(k)).copied().unwrap_or(ZERO);
                match layout {
                    Layout::Lanes => numbers.push(std::array::from_fn(at)),
                    Layout::Rows => blocks.push(at(0)),
                }
            }
        }
        counts.push(count);
    }
    Table::Signed(counts, if layout == Layout::Rows { Chosen::Blocks(blocks) } else { Chosen::Numbers(numbers) })
}
