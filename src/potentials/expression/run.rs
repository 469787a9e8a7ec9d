//! Runs a tape on the vector units of the machine: one instruction after the other, each over whole blocks.

use super::graph::{Binary, Unary};
use super::program::Ternary;
use super::tape::{Instruction, Layout, Operation, Place, Run, Table, Tape};
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
        let at_once = if tape.layout == Layout::Rows { LANES } else { 1 };
        for first in (0..rows).step_by(at_once) {
            let count = at_once.min(rows - first);
            for instruction in &tape.instructions {
                match instruction.operation {
                    Operation::Input(which) => load(tape.layout, instruction, inputs[which], first, count, work),
                    Operation::Map(table) => match tape.layout {
                        Layout::Lanes => map_lanes::<V>(&tape.tables[table as usize], instruction, work),
                        Layout::Rows => map_rows::<V>(&tape.tables[table as usize], instruction, work),
                    },
                    _ => elementwise::<V>(tape, instruction, count, work),
                }
            }
            for (k, (place, width)) in tape.outputs.iter().enumerate() {
                let from = if place.constant { &tape.constants } else { &*work };
                for row in 0..count {
                    let out = &mut outputs[k][(first + row) * width..(first + row + 1) * width];
                    let from = &from[place.start as usize..];
                    match tape.layout {
                        _ if place.single => out.fill(from[0].0[row]),
                        Layout::Lanes => out.copy_from_slice(&numbers(from)[..*width]),
                        Layout::Rows => out.iter_mut().zip(from).for_each(|(out, block)| *out = block.0[row]),
                    }
                }
            }
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

/// The working memory around the result of an instruction.
struct Around<'a> {
    before: &'a [Block],
    after: &'a [Block],
    /// Where `after` begins.
    end: usize,
    constants: &'a [Block],
    blocks: usize,
}

impl<'a> Around<'a> {
    #[inline(always)]
    fn of(tape: &'a Tape, to: &Instruction, work: &'a mut [Block]) -> (&'a mut [Block], Around<'a>) {
        let (start, blocks) = (to.out as usize, to.blocks as usize);
        let (before, rest) = work.split_at_mut(start);
        let (out, after) = rest.split_at_mut(blocks);
        (out, Around { before, after, end: start + blocks, constants: &tape.constants, blocks })
    }

    #[inline(always)]
    fn at(&self, place: Place) -> &'a [Block] {
        let start = place.start as usize;
        let blocks = if place.single { 1 } else { self.blocks };
        if place.constant {
            &self.constants[start..start + blocks]
        } else if start < self.end {
            &self.before[start..start + blocks]
        } else {
            &self.after[start - self.end..start - self.end + blocks]
        }
    }
}

#[inline(always)]
fn elementwise<V: Lanes>(tape: &Tape, to: &Instruction, count: usize, work: &mut [Block]) {
    let (out, around) = Around::of(tape, to, work);
    let [a, b, c] = to.operands;
    let lanes = Real { layout: tape.layout, width: to.width as usize, count };
    match to.operation {
        Operation::Unary(operation) => {
            let a = around.at(a);
            match operation {
                Unary::Negative => one::<V>(out, a, |x| -x),
                Unary::Absolute => one::<V>(out, a, V::abs),
                Unary::Exp => one::<V>(out, a, simd::exp),
                Unary::Ln => one::<V>(out, a, simd::log),
                Unary::Tanh => one::<V>(out, a, simd::tanh),
                Unary::Sin => one::<V>(out, a, |x| simd::sin_cos(x).0),
                Unary::Cos => one::<V>(out, a, |x| simd::sin_cos(x).1),
                // The compiler makes a vector instruction of it.
                Unary::Sqrt => out.iter_mut().zip(a).for_each(|(out, a)| *out = Block(a.0.map(f64::sqrt))),
                _ => lanes.each(out, |i, k| operation.apply(a[i].0[k])),
            }
        }
        Operation::Binary(operation) => {
            let (a, b) = (around.at(a), around.at(b));
            let (one, zero) = (V::splat(1.0), V::splat(0.0));
            match operation {
                Binary::Add => two::<V>(out, a, b, |x, y| x + y),
                Binary::Subtract => two::<V>(out, a, b, |x, y| x - y),
                Binary::Multiply => two::<V>(out, a, b, |x, y| x * y),
                Binary::GuardedMultiply => {
                    let least = V::splat(f64::from_bits(1));
                    two::<V>(out, a, b, |x, y| V::select_less(x.abs(), least, zero, x * y));
                }
                Binary::Divide => two::<V>(out, a, b, |x, y| x / y),
                Binary::Minimum => two::<V>(out, a, b, |x, y| V::select_less(y, x, y, x)),
                Binary::Maximum => two::<V>(out, a, b, |x, y| V::select_less(x, y, y, x)),
                Binary::Less => two::<V>(out, a, b, |x, y| V::select_less(x, y, one, zero)),
                Binary::Power | Binary::Angle | Binary::LessEqual | Binary::Equal => {
                    let at = |s: &[Block], i: usize, k: usize| s[if s.len() == 1 { 0 } else { i }].0[k];
                    lanes.each(out, |i, k| operation.apply(at(a, i, k), at(b, i, k)));
                }
            }
        }
        Operation::Ternary(operation) => {
            let (a, b, c) = (around.at(a), around.at(b), around.at(c));
            match operation {
                Ternary::MultiplyAdd => three::<V>(out, a, b, c, |x, y, z| x.fma(y, z)),
                Ternary::MultiplySubtract => three::<V>(out, a, b, c, |x, y, z| x.fma(y, -z)),
                Ternary::SubtractProduct => three::<V>(out, a, b, c, |x, y, z| x.fnma(y, z)),
                Ternary::Select => {
                    let half = V::splat(0.5);
                    three::<V>(out, a, b, c, |x, y, z| V::select_less(half, x, y, z));
                }
            }
        }
        Operation::Input(_) | Operation::Map(_) => {}
    }
}

#[inline(always)]
fn one<V: Lanes>(out: &mut [Block], a: &[Block], f: impl Fn(V) -> V) {
    for (out, a) in out.iter_mut().zip(a) {
        f(V::load(a)).store(out);
    }
}

#[inline(always)]
fn two<V: Lanes>(out: &mut [Block], a: &[Block], b: &[Block], f: impl Fn(V, V) -> V) {
    if a.len() == b.len() {
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            f(V::load(a), V::load(b)).store(out);
        }
    } else if a.len() == 1 {
        let a = V::load(&a[0]);
        for (out, b) in out.iter_mut().zip(b) {
            f(a, V::load(b)).store(out);
        }
    } else {
        let b = V::load(&b[0]);
        for (out, a) in out.iter_mut().zip(a) {
            f(V::load(a), b).store(out);
        }
    }
}

#[inline(always)]
fn three<V: Lanes>(out: &mut [Block], a: &[Block], b: &[Block], c: &[Block], f: impl Fn(V, V, V) -> V) {
    let n = out.len();
    let step = |s: &[Block]| usize::from(s.len() > 1);
    let (i, j, k) = (step(a), step(b), step(c));
    let (first_a, first_c) = (V::load(&a[0]), V::load(&c[0]));
    match (i, j, k) {
        (1, 1, 1) => {
            for (((out, a), b), c) in out.iter_mut().zip(a).zip(b).zip(c) {
                f(V::load(a), V::load(b), V::load(c)).store(out);
            }
        }
        (0, 1, 1) => {
            for ((out, b), c) in out.iter_mut().zip(b).zip(c) {
                f(first_a, V::load(b), V::load(c)).store(out);
            }
        }
        (1, 1, 0) => {
            for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                f(V::load(a), V::load(b), first_c).store(out);
            }
        }
        (0, 1, 0) => {
            for (out, b) in out.iter_mut().zip(b) {
                f(first_a, V::load(b), first_c).store(out);
            }
        }
        _ => {
            for m in 0..n {
                f(V::load(&a[i * m]), V::load(&b[j * m]), V::load(&c[k * m])).store(&mut out[m]);
            }
        }
    }
}

/// Which lanes hold numbers that somebody asked for: functions that are computed one by one skip the padding.
struct Real {
    layout: Layout,
    width: usize,
    count: usize,
}

impl Real {
    #[inline(always)]
    fn each(&self, out: &mut [Block], f: impl Fn(usize, usize) -> f64) {
        for (i, block) in out.iter_mut().enumerate() {
            let lanes = if self.layout == Layout::Rows { self.count } else { LANES.min(self.width - i * LANES) };
            let first = f(i, 0);
            block.0 = [first; LANES];
            (1..lanes).for_each(|k| block.0[k] = f(i, k));
        }
    }
}

/// A sparse map where values lie along the lanes.
#[inline(always)]
fn map_lanes<V: Lanes>(table: &Table, to: &Instruction, work: &mut [Block]) {
    let (start, width) = (to.out as usize, to.width as usize);
    match table {
        Table::Gather(from) => {
            for (b, eight) in from.chunks(LANES).enumerate() {
                let all = numbers(work);
                let mut block = Block([all[eight[0] as usize]; LANES]);
                block.0.iter_mut().zip(eight).for_each(|(out, k)| *out = all[*k as usize]);
                work[start + b] = block;
            }
        }
        Table::Difference(from) => {
            for (b, eight) in from.chunks(LANES).enumerate() {
                let all = numbers(work);
                let difference = |pair: &[u32; 2]| all[pair[0] as usize] - all[pair[1] as usize];
                let mut block = Block([difference(&eight[0]); LANES]);
                block.0.iter_mut().zip(eight).for_each(|(out, pair)| *out = difference(pair));
                work[start + b] = block;
            }
        }
        Table::Signed(rows) => {
            let mut rest = rows.as_slice();
            for b in 0..to.blocks as usize {
                let all = numbers(work);
                let lanes = LANES.min(width - b * LANES);
                let mut block = Block::ZERO;
                for k in 0..lanes {
                    let [added, subtracted, tail @ ..] = rest else { break };
                    let (plus, tail) = tail.split_at(*added as usize);
                    let (minus, tail) = tail.split_at(*subtracted as usize);
                    rest = tail;
                    let mut sum = 0.0;
                    plus.iter().for_each(|p| sum += all[*p as usize]);
                    minus.iter().for_each(|m| sum -= all[*m as usize]);
                    block.0[k] = sum;
                }
                let first = block.0[0];
                block.0[lanes..].fill(first);
                work[start + b] = block;
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
            let all = numbers(work);
            let mut total = 0.0;
            for run in runs {
                let (eights, rest) = all[run.from as usize..(run.from + run.length) as usize].as_chunks::<LANES>();
                let mut sums = V::splat(0.0);
                for eight in eights {
                    sums = sums + V::load(&Block(*eight));
                }
                let mut last = Block::ZERO;
                last.0[..rest.len()].copy_from_slice(rest);
                total += run.factor * (sums + V::load(&last)).sum();
            }
            work[start] = Block([total; LANES]);
        }
    }
}

/// The same where every element is a block of positions: the same additions in the same order.
#[inline(always)]
fn map_rows<V: Lanes>(table: &Table, to: &Instruction, work: &mut [Block]) {
    let start = to.out as usize;
    let at = |work: &[Block], k: u32| V::load(&work[k as usize]);
    match table {
        Table::Gather(from) => from.iter().enumerate().for_each(|(row, k)| work[start + row] = work[*k as usize]),
        Table::Difference(from) => {
            for (row, [a, b]) in from.iter().enumerate() {
                (at(work, *a) - at(work, *b)).store(&mut work[start + row]);
            }
        }
        Table::Signed(rows) => {
            let mut rest = rows.as_slice();
            for row in 0..to.width as usize {
                let [added, subtracted, tail @ ..] = rest else { break };
                let (plus, tail) = tail.split_at(*added as usize);
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
    }
}
