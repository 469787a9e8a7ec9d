//! Runs a tape on the vector units of the machine: one instruction after the other, each over whole blocks.

use super::graph::{Binary, Unary};
use super::program::Ternary;
use super::tape::{Chosen, Instruction, Layout, Operation, Run, Table, Tape};
use crate::math::simd::{self, Block, Kernel, LANES, Lanes, numbers, numbers_mut, scratch_blocks};

/// An input: the numbers of all rows; row r begins at r times the stride (0: the same for all).
#[derive(Clone, Copy)]
pub struct Input<'a> {
    pub data: &'a [f64],
    pub stride: usize,
}

impl Tape {
    /// Computes `rows` rows. Each output has its width times `rows` numbers, row after row.
    pub fn run(&self, rows: usize, inputs: &[Input], outputs: &mut [&mut [f64]], scratch: &mut Vec<f64>) {
        let work = scratch_blocks(scratch, self.memory);
        simd::dispatch(Pass { tape: self, rows, inputs, outputs, work });
    }
}

struct Pass<'a, 'b> {
    tape: &'a Tape,
    rows: usize,
    inputs: &'a [Input<'a>],
    outputs: &'a mut [&'b mut [f64]],
    work: &'a mut [Block],
}

impl Kernel for Pass<'_, '_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let Pass { tape, rows, inputs, outputs, work } = self;
        work.iter_mut().zip(&tape.constants).for_each(|(to, from)| V::load(from).store(to));
        let at_once = if tape.layout == Layout::Rows { LANES } else { 1 };
        let mut first = 0;
        while first < rows {
            let count = at_once.min(rows - first);
            for instruction in &tape.instructions {
                match instruction.operation {
                    Operation::Input(which) => load(tape.layout, instruction, inputs[which], first, count, work),
                    Operation::Map(table) => match tape.layout {
                        Layout::Lanes => map_lanes::<V>(&tape.tables[table as usize], instruction, work),
                        Layout::Rows => map_rows::<V>(&tape.tables[table as usize], instruction, work),
                    },
                    _ => elementwise::<V>(tape.layout, instruction, count, work),
                }
            }
            for (k, (place, width)) in tape.outputs.iter().enumerate() {
                for row in 0..count {
                    let out = &mut outputs[k][(first + row) * width..(first + row + 1) * width];
                    let from = &work[place.start as usize..];
                    match tape.layout {
                        _ if place.single => out.fill(from[0].0[row]),
                        Layout::Lanes => out.copy_from_slice(&numbers(from)[..*width]),
                        Layout::Rows => out.iter_mut().zip(from).for_each(|(out, block)| *out = block.0[row]),
                    }
                }
            }
            first += count;
        }
    }
}

/// Brings an input into the working memory; padding repeats what is there.
#[inline(always)]
fn load(layout: Layout, to: &Instruction, input: Input, first: usize, count: usize, work: &mut [Block]) {
    let width = to.width as usize;
    let row = |r: usize| &input.data[(first + r) * input.stride..][..width];
    let out = &mut work[to.out as usize..(to.out + to.blocks) as usize];
    match layout {
        Layout::Lanes => {
            let out = numbers_mut(out);
            out[..width].copy_from_slice(row(0));
            out[width..].fill(row(0)[0]);
        }
        Layout::Rows => {
            for lane in 0..LANES {
                for (block, x) in out.iter_mut().zip(row(lane.min(count - 1))) {
                    block.0[lane] = *x;
                }
            }
        }
    }
}

/// How an operation is put to use: `table` says what it computes, whoever implements this on what.
trait Apply<V: Lanes> {
    fn one(self, f: impl Fn(V) -> V);
    fn two(self, f: impl Fn(V, V) -> V);
    fn three(self, f: impl Fn(V, V, V) -> V);
    /// A function of the first two operands that is computed number by number.
    fn each(self, f: impl Fn(f64, f64) -> f64);
}

/// What the operations compute.
#[inline(always)]
fn table<V: Lanes>(operation: Operation, on: impl Apply<V>) {
    let (one, zero) = (V::splat(1.0), V::splat(0.0));
    match operation {
        Operation::Unary(operation) => match operation {
            Unary::Negative => on.one(|x| -x),
            Unary::Absolute => on.one(|x| x.abs()),
            Unary::Exp => on.one(|x| simd::exp(x)),
            Unary::Ln => on.one(|x| simd::log(x)),
            Unary::Tanh => on.one(|x| simd::tanh(x)),
            Unary::Sin => on.one(|x| simd::sin_cos(x).0),
            Unary::Cos => on.one(|x| simd::sin_cos(x).1),
            Unary::Sqrt => on.one(|x| root(x)),
            _ => on.each(|x, _| operation.apply(x)),
        },
        Operation::Binary(operation) => match operation {
            Binary::Add => on.two(|x, y| x + y),
            Binary::Subtract => on.two(|x, y| x - y),
            Binary::Multiply => on.two(|x, y| x * y),
            Binary::GuardedMultiply => {
                let least = V::splat(f64::from_bits(1));
                on.two(|x, y| V::select_less(x.abs(), least, zero, x * y));
            }
            Binary::Divide => on.two(|x, y| x / y),
            Binary::Minimum => on.two(|x, y| V::select_less(y, x, y, x)),
            Binary::Maximum => on.two(|x, y| V::select_less(x, y, y, x)),
            Binary::Less => on.two(|x, y| V::select_less(x, y, one, zero)),
            Binary::Power | Binary::Angle | Binary::LessEqual | Binary::Equal => on.each(|x, y| operation.apply(x, y)),
        },
        Operation::Ternary(operation) => match operation {
            Ternary::MultiplyAdd => on.three(|x, y, z| x.fma(y, z)),
            Ternary::MultiplySubtract => on.three(|x, y, z| x.fma(y, -z)),
            Ternary::SubtractProduct => on.three(|x, y, z| x.fnma(y, z)),
            Ternary::Select => {
                let half = V::splat(0.5);
                on.three(|x, y, z| V::select_less(half, x, y, z));
            }
        },
        Operation::Input(_) | Operation::Map(_) => {}
    }
}

/// The compiler makes a vector instruction of it.
#[inline(always)]
fn root<V: Lanes>(x: V) -> V {
    let mut block = Block::ZERO;
    x.store(&mut block);
    V::load(&Block(block.0.map(f64::sqrt)))
}

/// Which lanes of a block hold numbers that somebody asked for: functions that are computed one by one skip the padding.
#[inline(always)]
fn asked(layout: Layout, to: &Instruction, count: usize, block: usize) -> usize {
    if layout == Layout::Rows { count } else { LANES.min(to.width as usize - block * LANES) }
}

#[inline(always)]
fn each_lane(lanes: usize, a: &Block, b: &Block, f: impl Fn(f64, f64) -> f64) -> Block {
    let mut out = Block([f(a.0[0], b.0[0]); LANES]);
    (1..lanes).for_each(|k| out.0[k] = f(a.0[k], b.0[k]));
    out
}

/// Values of one block: most of the time of a small potential is on the way to them.
struct Lone<'a> {
    to: &'a Instruction,
    work: &'a mut [Block],
    lanes: usize,
}

impl Lone<'_> {
    #[inline(always)]
    fn at<V: Lanes>(&self, k: usize) -> V {
        V::load(&self.work[self.to.operands[k].start as usize])
    }
    #[inline(always)]
    fn put<V: Lanes>(self, value: V) {
        value.store(&mut self.work[self.to.out as usize]);
    }
}

impl<V: Lanes> Apply<V> for Lone<'_> {
    #[inline(always)]
    fn one(self, f: impl Fn(V) -> V) {
        let value = f(self.at(0));
        self.put(value);
    }
    #[inline(always)]
    fn two(self, f: impl Fn(V, V) -> V) {
        let value = f(self.at(0), self.at(1));
        self.put(value);
    }
    #[inline(always)]
    fn three(self, f: impl Fn(V, V, V) -> V) {
        let value = f(self.at(0), self.at(1), self.at(2));
        self.put(value);
    }
    #[inline(always)]
    fn each(self, f: impl Fn(f64, f64) -> f64) {
        let [a, b, _] = self.to.operands;
        self.work[self.to.out as usize] = each_lane(self.lanes, &self.work[a.start as usize], &self.work[b.start as usize], f);
    }
}

/// Values of several blocks; an operand of one block goes with all of them.
struct Blocks<'a> {
    to: &'a Instruction,
    out: &'a mut [Block],
    /// The working memory before and behind the result.
    before: &'a [Block],
    after: &'a [Block],
    lanes: &'a dyn Fn(usize) -> usize,
}

impl<'a> Blocks<'a> {
    #[inline(always)]
    fn at(&self, k: usize) -> &'a [Block] {
        let place = self.to.operands[k];
        let (start, end) = (place.start as usize, (self.to.out + self.to.blocks) as usize);
        let blocks = if place.single { 1 } else { self.to.blocks as usize };
        if start < end { &self.before[start..start + blocks] } else { &self.after[start - end..start - end + blocks] }
    }
}

impl<V: Lanes> Apply<V> for Blocks<'_> {
    #[inline(always)]
    fn one(self, f: impl Fn(V) -> V) {
        let a = self.at(0);
        for (out, a) in self.out.iter_mut().zip(a) {
            f(V::load(a)).store(out);
        }
    }

    #[inline(always)]
    fn two(self, f: impl Fn(V, V) -> V) {
        let (a, b) = (self.at(0), self.at(1));
        if a.len() == b.len() {
            for ((out, a), b) in self.out.iter_mut().zip(a).zip(b) {
                f(V::load(a), V::load(b)).store(out);
            }
        } else if a.len() == 1 {
            let a = V::load(&a[0]);
            for (out, b) in self.out.iter_mut().zip(b) {
                f(a, V::load(b)).store(out);
            }
        } else {
            let b = V::load(&b[0]);
            for (out, a) in self.out.iter_mut().zip(a) {
                f(V::load(a), b).store(out);
            }
        }
    }

    #[inline(always)]
    fn three(self, f: impl Fn(V, V, V) -> V) {
        let (a, b, c) = (self.at(0), self.at(1), self.at(2));
        let out = self.out;
        if a.len() == out.len() && b.len() == out.len() && c.len() == out.len() {
            for (((out, a), b), c) in out.iter_mut().zip(a).zip(b).zip(c) {
                f(V::load(a), V::load(b), V::load(c)).store(out);
            }
        } else {
            let step = |s: &[Block]| usize::from(s.len() > 1);
            let (i, j, k) = (step(a), step(b), step(c));
            for (m, out) in out.iter_mut().enumerate() {
                f(V::load(&a[i * m]), V::load(&b[j * m]), V::load(&c[k * m])).store(out);
            }
        }
    }

    #[inline(always)]
    fn each(self, f: impl Fn(f64, f64) -> f64) {
        let (a, b) = (self.at(0), if self.to.operands[1].single { &self.at(1)[..1] } else { self.at(1) });
        let step = |s: &[Block]| usize::from(s.len() > 1);
        let (i, j) = (step(a), step(b));
        for (m, out) in self.out.iter_mut().enumerate() {
            *out = each_lane((self.lanes)(m), &a[i * m], &b[j * m], &f);
        }
    }
}

#[inline(always)]
fn elementwise<V: Lanes>(layout: Layout, to: &Instruction, count: usize, work: &mut [Block]) {
    if to.blocks == 1 {
        return table::<V>(to.operation, Lone { to, work, lanes: asked(layout, to, count, 0) });
    }
    let (before, rest) = work.split_at_mut(to.out as usize);
    let (out, after) = rest.split_at_mut(to.blocks as usize);
    table::<V>(to.operation, Blocks { to, out, before, after, lanes: &|block| asked(layout, to, count, block) });
}

/// A sparse map where values lie along the lanes.
#[inline(always)]
fn map_lanes<V: Lanes>(table: &Table, to: &Instruction, work: &mut [Block]) {
    let (start, width) = (to.out as usize, to.width as usize);
    match table {
        // Whole blocks are written at once: the next instruction reads them so, and must not wait for eight small stores.
        Table::Gather(Chosen::Numbers(from)) if width == 1 => V::splat(from.first(numbers(work))).store(&mut work[start]),
        Table::Gather(Chosen::Numbers(from)) => {
            for b in 0..from.len() {
                V::load(&from.collect(b, numbers(work))).store(&mut work[start + b]);
            }
        }
        Table::Difference(Chosen::Numbers(from), Chosen::Numbers(less)) => {
            for b in 0..from.len() {
                let all = numbers(work);
                let difference = V::load(&from.collect(b, all)) - V::load(&less.collect(b, all));
                difference.store(&mut work[start + b]);
            }
        }
        Table::Signed(counts, Chosen::Numbers(from)) => {
            let mut next = 0;
            for (b, [added, subtracted]) in counts.iter().enumerate() {
                let all = numbers(work);
                let mut sum = V::splat(0.0);
                for k in 0..*added as usize {
                    sum = sum + V::load(&from.collect(next + k, all));
                }
                next += *added as usize;
                for k in 0..*subtracted as usize {
                    sum = sum - V::load(&from.collect(next + k, all));
                }
                next += *subtracted as usize;
                sum.store(&mut work[start + b]);
            }
            // One number stands for all.
            if width == 1 {
                work[start] = Block([work[start].0[0]; LANES]);
            }
        }
        Table::Weighted(counts, terms) => {
            let mut rest = terms.as_slice();
            for (b, eight) in counts.chunks(LANES).enumerate() {
                let all = numbers(work);
                let mut block = Block::ZERO;
                for (k, count) in eight.iter().enumerate() {
                    let (own, tail) = rest.split_at(*count as usize);
                    rest = tail;
                    block.0[k] = own.iter().fold(0.0, |sum, (from, factor)| sum + factor * all[*from as usize]);
                }
                let first = block.0[0];
                block.0[eight.len()..].fill(first);
                work[start + b] = block;
            }
        }
        Table::Runs(runs) => {
            let end = (start + to.blocks as usize) * LANES;
            let (before, rest) = numbers_mut(work).split_at_mut(start * LANES);
            let (out, after) = rest.split_at_mut(end - start * LANES);
            out.fill(0.0);
            for run in runs {
                let (from, length) = (run.from as usize, run.length as usize);
                let source = if from < end { &before[from..from + length] } else { &after[from - end..from - end + length] };
                let out = &mut out[run.row as usize..run.row as usize + length];
                out.iter_mut().zip(source).for_each(|(out, x)| *out += run.factor * x);
            }
        }
        Table::Total(runs) => {
            let mut total = 0.0;
            for run in runs {
                total += run.factor * stretch::<V>(work, run.from as usize, run.length as usize);
            }
            V::splat(total).store(&mut work[start]);
        }
        // Tables of the other layout.
        Table::Gather(_) | Table::Difference(..) | Table::Signed(..) => {}
    }
}

/// The sum of numbers that stand side by side, lane by lane first.
#[inline(always)]
fn stretch<V: Lanes>(work: &[Block], from: usize, length: usize) -> f64 {
    const LANE: Block = Block([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    let mut sums = V::splat(0.0);
    let rest = length % LANES;
    if from.is_multiple_of(LANES) {
        let (whole, tail) = work[from / LANES..].split_at(length / LANES);
        whole.iter().for_each(|block| sums = sums + V::load(block));
        // What stands behind the last number is left out.
        if rest > 0 {
            let zero = V::splat(0.0);
            sums = sums + V::select_less(V::load(&LANE), V::splat(rest as f64), V::load(&tail[0]), zero);
        }
        return sums.sum();
    }
    let (eights, tail) = numbers(work)[from..from + length].as_chunks::<LANES>();
    for eight in eights {
        sums = sums + V::load(&Block(*eight));
    }
    let mut last = Block::ZERO;
    last.0[..rest].copy_from_slice(tail);
    (sums + V::load(&last)).sum()
}

/// The same where every element is a block of positions: the same additions in the same order.
#[inline(always)]
fn map_rows<V: Lanes>(table: &Table, to: &Instruction, work: &mut [Block]) {
    let start = to.out as usize;
    let at = |work: &[Block], k: u32| V::load(&work[k as usize]);
    match table {
        Table::Gather(Chosen::Blocks(from)) => from.iter().enumerate().for_each(|(row, k)| work[start + row] = work[*k as usize]),
        Table::Difference(Chosen::Blocks(from), Chosen::Blocks(less)) => {
            for (row, (a, b)) in from.iter().zip(less).enumerate() {
                (at(work, *a) - at(work, *b)).store(&mut work[start + row]);
            }
        }
        Table::Signed(counts, Chosen::Blocks(from)) => {
            let mut rest = from.as_slice();
            for (row, [added, subtracted]) in counts.iter().enumerate() {
                let (plus, tail) = rest.split_at(*added as usize);
                let (minus, tail) = tail.split_at(*subtracted as usize);
                rest = tail;
                let mut sum = V::splat(0.0);
                plus.iter().for_each(|p| sum = sum + at(work, *p));
                minus.iter().for_each(|m| sum = sum - at(work, *m));
                sum.store(&mut work[start + row]);
            }
        }
        Table::Weighted(counts, terms) => {
            let mut rest = terms.as_slice();
            for (row, count) in counts.iter().enumerate() {
                let (own, tail) = rest.split_at(*count as usize);
                rest = tail;
                let add = |sum: V, (from, factor): &(u32, f64)| sum + V::splat(*factor) * at(work, *from);
                let sum = own.iter().fold(V::splat(0.0), add);
                sum.store(&mut work[start + row]);
            }
        }
        Table::Runs(runs) => {
            work[start..start + to.blocks as usize].fill(Block::ZERO);
            for Run { row, from, length, factor } in runs {
                for k in 0..*length {
                    let place = start + (row + k) as usize;
                    let sum = V::load(&work[place]) + V::splat(*factor) * at(work, from + k);
                    sum.store(&mut work[place]);
                }
            }
        }
        Table::Total(runs) => {
            let mut total = V::splat(0.0);
            for run in runs {
                let whole = run.length / LANES as u32 * LANES as u32;
                let mut lanes = [V::splat(0.0); LANES];
                for k in 0..run.length {
                    if k == whole {
                        break;
                    }
                    let lane = k as usize % LANES;
                    lanes[lane] = lanes[lane] + at(work, run.from + k);
                }
                for (lane, sum) in lanes.iter_mut().enumerate() {
                    let k = whole + lane as u32;
                    *sum = *sum + if k < run.length { at(work, run.from + k) } else { V::splat(0.0) };
                }
                let l = lanes;
                let sum = ((l[0] + l[1]) + (l[2] + l[3])) + ((l[4] + l[5]) + (l[6] + l[7]));
                total = total + V::splat(run.factor) * sum;
            }
            total.store(&mut work[start]);
        }
        // Tables of the other layout.
        Table::Gather(_) | Table::Difference(..) | Table::Signed(..) => {}
    }
}
