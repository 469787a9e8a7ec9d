//! Programs over rows of numbers: elementwise operations and sparse linear maps, simplified as they are written.
//!
//! A value has a width; one of width 1 stands for any number of equal ones. Gathering coordinates, summing terms and handing derivatives
//! back are all [`Step::Linear`], whose transpose is of the same kind: so derivatives of programs are programs.

use super::graph::{Binary, Unary};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The place of a value in its program.
pub type Value = u32;

/// One number of a sparse matrix: row `row` of the result takes `coefficient` times element `column` of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entry {
    pub row: u32,
    pub column: u32,
    /// Its bits: programs know equal steps again.
    pub coefficient: u64,
}

impl Entry {
    pub fn new(row: usize, column: usize, coefficient: f64) -> Entry {
        Entry { row: row as u32, column: column as u32, coefficient: coefficient.to_bits() }
    }
    pub fn factor(&self) -> f64 {
        f64::from_bits(self.coefficient)
    }
}

/// What a linear map takes from one source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    pub source: Value,
    pub entries: Vec<Entry>,
}

/// Operations of three values that `fuse` makes of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ternary {
    /// The second where the first is not zero, else the third.
    Select,
    /// a·b + c.
    MultiplyAdd,
    /// a·b − c.
    MultiplySubtract,
    /// c − a·b.
    SubtractProduct,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// 0: the position, 1: the direction of a Hessian-vector product.
    Input(usize),
    /// Numbers by their bits: one, or one for each element.
    Constant(Arc<[u64]>),
    Unary(Unary, Value),
    Binary(Binary, Value, Value),
    Ternary(Ternary, Value, Value, Value),
    Linear(Arc<[Part]>),
}

impl Step {
    pub fn operands(&self) -> Vec<Value> {
        match self {
            Step::Input(_) | Step::Constant(_) => Vec::new(),
            Step::Unary(_, a) => vec![*a],
            Step::Binary(_, a, b) => vec![*a, *b],
            Step::Ternary(_, a, b, c) => vec![*a, *b, *c],
            Step::Linear(parts) => parts.iter().map(|part| part.source).collect(),
        }
    }
}

/// A growing list of steps, operands before their users.
#[derive(Clone, Debug, Default)]
pub struct Program {
    pub steps: Vec<Step>,
    pub widths: Vec<usize>,
    known: HashMap<(Step, usize), Value>,
}

impl Program {
    fn add(&mut self, step: Step, width: usize) -> Value {
        let key = (step, width);
        if let Some(value) = self.known.get(&key) {
            return *value;
        }
        let value = self.steps.len() as Value;
        self.steps.push(key.0.clone());
        self.widths.push(width);
        self.known.insert(key, value);
        value
    }

    pub fn width(&self, value: Value) -> usize {
        self.widths[value as usize]
    }

    pub fn step(&self, value: Value) -> &Step {
        &self.steps[value as usize]
    }

    pub fn input(&mut self, which: usize, width: usize) -> Value {
        self.add(Step::Input(which), width)
    }

    pub fn number(&mut self, value: f64) -> Value {
        self.add(Step::Constant(vec![value.to_bits()].into()), 1)
    }

    /// Equal numbers become one.
    pub fn constant(&mut self, values: &[f64]) -> Value {
        match values {
            [first, rest @ ..] if rest.iter().any(|v| v.to_bits() != first.to_bits()) => {
                self.add(Step::Constant(values.iter().map(|v| v.to_bits()).collect()), values.len())
            }
            _ => self.number(values.first().copied().unwrap_or(0.0)),
        }
    }

    /// The numbers of a constant.
    pub fn numbers(&self, value: Value) -> Option<Vec<f64>> {
        match self.step(value) {
            Step::Constant(bits) => Some(bits.iter().map(|b| f64::from_bits(*b)).collect()),
            _ => None,
        }
    }

    /// The one number that a value is everywhere.
    pub fn uniform(&self, value: Value) -> Option<f64> {
        match self.step(value) {
            Step::Constant(bits) if bits.len() == 1 => Some(f64::from_bits(bits[0])),
            _ => None,
        }
    }

    fn negated(&self, value: Value) -> Option<Value> {
        match self.step(value) {
            Step::Unary(Unary::Negative, inner) => Some(*inner),
            _ => None,
        }
    }

    pub fn unary(&mut self, operation: Unary, a: Value) -> Value {
        if let Some(values) = self.numbers(a) {
            return self.constant(&values.iter().map(|v| operation.apply(*v)).collect::<Vec<_>>());
        }
        if operation == Unary::Negative {
            if let Some(inner) = self.negated(a) {
                return inner;
            }
            if let Step::Binary(Binary::Subtract, x, y) = *self.step(a) {
                return self.binary(Binary::Subtract, y, x);
            }
        }
        self.add(Step::Unary(operation, a), self.width(a))
    }

    pub fn negative(&mut self, a: Value) -> Value {
        self.unary(Unary::Negative, a)
    }
    pub fn plus(&mut self, a: Value, b: Value) -> Value {
        self.binary(Binary::Add, a, b)
    }
    pub fn minus(&mut self, a: Value, b: Value) -> Value {
        self.binary(Binary::Subtract, a, b)
    }
    pub fn times(&mut self, a: Value, b: Value) -> Value {
        self.binary(Binary::Multiply, a, b)
    }
    pub fn over(&mut self, a: Value, b: Value) -> Value {
        self.binary(Binary::Divide, a, b)
    }

    pub fn binary(&mut self, operation: Binary, a: Value, b: Value) -> Value {
        let width = self.width(a).max(self.width(b));
        if let (Some(x), Some(y)) = (self.numbers(a), self.numbers(b)) {
            let at = |v: &[f64], i: usize| v[i % v.len()];
            return self.constant(&(0..width).map(|i| operation.apply(at(&x, i), at(&y, i))).collect::<Vec<_>>());
        }
        if let Some(simple) = self.simplified(operation, a, b) {
            return simple;
        }
        // Numbers first, then in the order of birth.
        let turn = operation.commutes()
            && match (self.numbers(a).is_some(), self.numbers(b).is_some()) {
                (false, false) => a > b,
                (is_number, _) => !is_number,
            };
        self.add(if turn { Step::Binary(operation, b, a) } else { Step::Binary(operation, a, b) }, width)
    }

    /// What zeros, ones and signs make simpler. A value of width 1 may stand for a wider one: it stands for equal ones.
    fn simplified(&mut self, operation: Binary, a: Value, b: Value) -> Option<Value> {
        let (left, right) = (self.uniform(a), self.uniform(b));
        let (minus_a, minus_b) = (self.negated(a), self.negated(b));
        match operation {
            Binary::Add => match (left, right, minus_a, minus_b) {
                (Some(0.0), ..) => Some(b),
                (_, Some(0.0), ..) => Some(a),
                (.., Some(b)) => Some(self.minus(a, b)),
                (_, _, Some(a), _) => Some(self.minus(b, a)),
                _ => None,
            },
            Binary::Subtract => match (left, right, minus_a, minus_b) {
                _ if a == b => Some(self.number(0.0)),
                (Some(0.0), ..) => Some(self.negative(b)),
                (_, Some(0.0), ..) => Some(a),
                (.., Some(b)) => Some(self.plus(a, b)),
                (_, _, Some(a), None) => {
                    let sum = self.plus(a, b);
                    Some(self.negative(sum))
                }
                _ => None,
            },
            Binary::Multiply | Binary::GuardedMultiply => {
                match (left, right, minus_a, minus_b) {
                    (Some(0.0), ..) | (_, Some(0.0), ..) => return Some(self.number(0.0)),
                    (Some(1.0), ..) => return Some(b),
                    (_, Some(1.0), ..) => return Some(a),
                    (Some(-1.0), ..) => return Some(self.negative(b)),
                    (_, Some(-1.0), ..) => return Some(self.negative(a)),
                    (.., Some(b)) => {
                        let product = self.binary(operation, a, b);
                        return Some(self.negative(product));
                    }
                    (_, _, Some(a), _) => {
                        let product = self.binary(operation, a, b);
                        return Some(self.negative(product));
                    }
                    _ => {}
                }
                // Two numbers on the way become one.
                for (number, other) in [(a, b), (b, a)] {
                    if self.numbers(number).is_some()
                        && let Step::Binary(Binary::Multiply, x, y) = *self.step(other)
                        && self.numbers(x).is_some()
                    {
                        let both = self.times(number, x);
                        return Some(self.times(both, y));
                    }
                }
                None
            }
            Binary::Divide => match (left, right, minus_a, minus_b) {
                (Some(0.0), ..) => Some(a),
                (_, Some(1.0), ..) => Some(a),
                (_, _, Some(a), _) => {
                    let quotient = self.over(a, b);
                    Some(self.negative(quotient))
                }
                _ => None,
            },
            _ => None,
        }
    }

    pub fn select(&mut self, condition: Value, a: Value, b: Value) -> Value {
        if a == b {
            return a;
        }
        if let Some(c) = self.uniform(condition) {
            return if c != 0.0 { a } else { b };
        }
        let width = self.width(condition).max(self.width(a)).max(self.width(b));
        self.add(Step::Ternary(Ternary::Select, condition, a, b), width)
    }

    /// The sparse linear map: signs and factors of the sources go into the coefficients, what meets is added up, an identity is its source.
    pub fn linear(&mut self, width: usize, parts: Vec<Part>) -> Value {
        let mut sources: BTreeMap<Value, BTreeMap<(u32, u32), f64>> = BTreeMap::new();
        let mut offsets = vec![0.0; width];
        let mut has_offset = false;
        for part in parts {
            let (mut source, mut factor) = (part.source, 1.0);
            loop {
                match *self.step(source) {
                    Step::Unary(Unary::Negative, inner) => (source, factor) = (inner, -factor),
                    Step::Binary(Binary::Multiply, number, inner)
                        if self.uniform(number).is_some() && self.width(inner) == self.width(source) =>
                    {
                        factor *= self.uniform(number).unwrap_or(1.0);
                        source = inner;
                    }
                    _ => break,
                }
            }
            let narrow = self.width(source) == 1;
            let numbers = self.numbers(source);
            let into = sources.entry(source).or_default();
            for entry in part.entries {
                let column = if narrow { 0 } else { entry.column };
                match &numbers {
                    Some(numbers) => {
                        offsets[entry.row as usize] += factor * entry.factor() * numbers[column as usize];
                        has_offset = true;
                    }
                    None => *into.entry((entry.row, column)).or_insert(0.0) += factor * entry.factor(),
                }
            }
        }
        let parts: Vec<Part> = sources
            .into_iter()
            .map(|(source, entries)| Part {
                source,
                entries: entries
                    .into_iter()
                    .filter(|(_, factor)| *factor != 0.0)
                    .map(|((row, column), factor)| Entry::new(row as usize, column as usize, factor))
                    .collect(),
            })
            .filter(|part| !part.entries.is_empty())
            .collect();
        let offset = if has_offset { self.constant(&offsets) } else { self.number(0.0) };
        let sum = match parts.as_slice() {
            [] => return offset,
            [only] if self.scaled_identity(only, width).is_some() => {
                let factor = self.number(only.entries[0].factor());
                self.times(factor, only.source)
            }
            _ => self.add(Step::Linear(parts.into()), width),
        };
        self.plus(offset, sum)
    }

    fn scaled_identity(&self, part: &Part, width: usize) -> Option<f64> {
        let factor = part.entries.first()?.coefficient;
        let own = self.width(part.source);
        // All rows from the one element of a narrow source: equal numbers, so the source itself.
        let place = |k: usize, e: &Entry| e.row as usize == k && e.column as usize == if own == 1 { 0 } else { k };
        let fits = part.entries.len() == width && (own == width || own == 1);
        (fits && part.entries.iter().enumerate().all(|(k, e)| place(k, e) && e.coefficient == factor))
            .then(|| f64::from_bits(factor))
    }

    /// The sum of the elements of a value that stands for `width` of them.
    pub fn sum(&mut self, value: Value, width: usize) -> Value {
        let entries = (0..width).map(|k| Entry::new(0, k, 1.0)).collect();
        self.linear(1, vec![Part { source: value, entries }])
    }
}
