//! Derivatives of programs, as more steps of the same program: reverse mode.
//!
//! Every value hands what it contributes to the result down to its operands, last value first; what a linear map handed on comes back
//! through its transpose. Where a function has a kink (`abs`, `min`, `max` of equals) the derivative is that of one side: for `abs` at 0 that of
//! the right, for equal operands of `min` and `max` that of the first. `floor`, `ceiling`, `round`, `sign` and conditions have slope 0.
//! Reference: A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, chapter 3, doi:10.1137/1.9780898717761.

use super::graph::{Binary, Unary};
use super::program::{Entry, Part, Program, Step, Ternary, Value};

/// What has come back to a value so far: plain values, and parts of linear maps.
#[derive(Clone, Default)]
struct Slope {
    plain: Option<Value>,
    parts: Vec<Part>,
}

/// The derivative of a value of width 1 with respect to each element of an input.
pub fn gradient(program: &mut Program, result: Value, input: Value) -> Value {
    let count = result as usize + 1;
    let mut depends = vec![false; count];
    for value in 0..count {
        depends[value] = value == input as usize || program.steps[value].operands().iter().any(|v| depends[*v as usize]);
    }
    let guarded = behind_branches(program, count);
    let mut slopes: Vec<Slope> = vec![Slope::default(); count];
    slopes[result as usize].plain = Some(program.number(1.0));
    for value in (0..count).rev().filter(|value| depends[*value]) {
        let Some(up) = collect(program, std::mem::take(&mut slopes[value]), value as Value) else { continue };
        if value == input as usize {
            return up;
        }
        let step = program.steps[value].clone();
        if let Step::Linear(parts) = &step {
            for part in parts.iter().filter(|part| depends[part.source as usize]) {
                let turned = |e: &Entry| Entry { row: e.column, column: e.row, coefficient: e.coefficient };
                let entries = part.entries.iter().map(turned).collect();
                slopes[part.source as usize].parts.push(Part { source: up, entries });
            }
            continue;
        }
        let width = program.widths[value];
        for (operand, slope) in downwards(program, value as Value, &step, up, guarded[value]) {
            if !depends[operand as usize] {
                continue;
            }
            // One number that stands for many gets what each of them gets.
            let slope = if program.width(operand) == 1 && width > 1 { program.sum(slope, width) } else { slope };
            let place = &mut slopes[operand as usize].plain;
            *place = Some(match *place {
                Some(before) => program.plus(before, slope),
                None => slope,
            });
        }
    }
    program.number(0.0)
}

/// Everything that has come back to a value, added up.
fn collect(program: &mut Program, slope: Slope, value: Value) -> Option<Value> {
    if slope.parts.is_empty() {
        return slope.plain;
    }
    let mapped = program.linear(program.width(value), slope.parts);
    Some(match slope.plain {
        Some(plain) => program.plus(plain, mapped),
        None => mapped,
    })
}

/// Values whose derivatives may be undefined without harm: they stand behind a branch that may not be taken.
fn behind_branches(program: &Program, count: usize) -> Vec<bool> {
    let mut behind = vec![false; count];
    for value in (0..count).rev() {
        let mark: Vec<Value> = match &program.steps[value] {
            Step::Ternary(Ternary::Select, _, a, b) => vec![*a, *b],
            step @ Step::Binary(Binary::GuardedMultiply, ..) => step.operands(),
            step if behind[value] => step.operands(),
            _ => continue,
        };
        mark.iter().for_each(|v| behind[*v as usize] = true);
    }
    behind
}

/// What a value with the slope `up` hands down to each operand.
fn downwards(p: &mut Program, value: Value, step: &Step, up: Value, guarded: bool) -> Vec<(Value, Value)> {
    let product =
        |p: &mut Program, slope: Value| p.binary(if guarded { Binary::GuardedMultiply } else { Binary::Multiply }, up, slope);
    match *step {
        Step::Input(_) | Step::Constant(_) | Step::Linear(_) => Vec::new(),
        Step::Unary(operation, a) => match slope_of(p, operation, a, value) {
            Some(slope) => {
                let down = product(p, slope);
                vec![(a, down)]
            }
            None => Vec::new(),
        },
        Step::Binary(operation, a, b) => match operation {
            Binary::Add => vec![(a, up), (b, up)],
            Binary::Subtract => {
                let minus = p.negative(up);
                vec![(a, up), (b, minus)]
            }
            Binary::Multiply | Binary::GuardedMultiply if a == b => {
                let two = p.number(2.0);
                let twice = p.times(two, up);
                let down = p.binary(if guarded { Binary::GuardedMultiply } else { Binary::Multiply }, twice, a);
                vec![(a, down)]
            }
            Binary::Multiply | Binary::GuardedMultiply => {
                let (to_a, to_b) = (product(p, b), product(p, a));
                vec![(a, to_a), (b, to_b)]
            }
            Binary::Divide => {
                let one = p.number(1.0);
                let inverse = p.over(one, b);
                let to_a = product(p, inverse);
                let slope = p.times(value, inverse);
                let to_b = product(p, slope);
                let to_b = p.negative(to_b);
                vec![(a, to_a), (b, to_b)]
            }
            Binary::Power => {
                let one = p.number(1.0);
                let less = p.minus(b, one);
                let below = p.binary(Binary::Power, a, less);
                let slope = p.times(b, below);
                let to_a = product(p, slope);
                if p.numbers(b).is_some() {
                    return vec![(a, to_a)];
                }
                // 0 to a positive power stays 0 when the power changes.
                let (zero, logarithm) = (p.number(0.0), p.unary(Unary::Ln, a));
                let positive = p.binary(Binary::Less, zero, a);
                let steep = p.times(value, logarithm);
                let slope = p.select(positive, steep, zero);
                let to_b = product(p, slope);
                vec![(a, to_a), (b, to_b)]
            }
            Binary::Minimum | Binary::Maximum => {
                let second =
                    if operation == Binary::Minimum { p.binary(Binary::Less, b, a) } else { p.binary(Binary::Less, a, b) };
                let zero = p.number(0.0);
                let (to_a, to_b) = (p.select(second, zero, up), p.select(second, up, zero));
                vec![(a, to_a), (b, to_b)]
            }
            Binary::Angle => {
                let (aa, bb) = (p.times(a, a), p.times(b, b));
                let square = p.plus(aa, bb);
                let (x, y) = (p.over(b, square), p.over(a, square));
                let (to_a, to_b) = (product(p, x), product(p, y));
                let to_b = p.negative(to_b);
                vec![(a, to_a), (b, to_b)]
            }
            Binary::Less | Binary::LessEqual | Binary::Equal => Vec::new(),
        },
        Step::Ternary(Ternary::Select, condition, a, b) => {
            let zero = p.number(0.0);
            let (to_a, to_b) = (p.select(condition, up, zero), p.select(condition, zero, up));
            vec![(a, to_a), (b, to_b)]
        }
        // Only `fuse` makes these, after all derivatives.
        Step::Ternary(..) => Vec::new(),
    }
}

/// The derivative of a function of one number; none where it is 0 everywhere.
fn slope_of(p: &mut Program, operation: Unary, a: Value, value: Value) -> Option<Value> {
    let one = p.number(1.0);
    let square = |p: &mut Program, x: Value| p.times(x, x);
    let over_root = |p: &mut Program, inside: Value| {
        let root = p.unary(Unary::Sqrt, inside);
        let one = p.number(1.0);
        p.over(one, root)
    };
    Some(match operation {
        Unary::Negative => p.number(-1.0),
        Unary::Sqrt => {
            let half = p.number(0.5);
            p.over(half, value)
        }
        Unary::Exp => value,
        Unary::Ln => p.over(one, a),
        Unary::Sin => p.unary(Unary::Cos, a),
        Unary::Cos => {
            let sine = p.unary(Unary::Sin, a);
            p.negative(sine)
        }
        Unary::Tan => {
            let s = square(p, value);
            p.plus(one, s)
        }
        Unary::Asin | Unary::Acos => {
            let s = square(p, a);
            let inside = p.minus(one, s);
            let slope = over_root(p, inside);
            if operation == Unary::Asin { slope } else { p.negative(slope) }
        }
        Unary::Atan => {
            let s = square(p, a);
            let below = p.plus(one, s);
            p.over(one, below)
        }
        Unary::Sinh => p.unary(Unary::Cosh, a),
        Unary::Cosh => p.unary(Unary::Sinh, a),
        Unary::Tanh => {
            let s = square(p, value);
            p.minus(one, s)
        }
        Unary::Asinh | Unary::Acosh => {
            let s = square(p, a);
            let inside = if operation == Unary::Asinh { p.plus(s, one) } else { p.minus(s, one) };
            over_root(p, inside)
        }
        Unary::Atanh => {
            let s = square(p, a);
            let below = p.minus(one, s);
            p.over(one, below)
        }
        Unary::Absolute => {
            let zero = p.number(0.0);
            let minus = p.number(-1.0);
            let negative = p.binary(Binary::Less, a, zero);
            p.select(negative, minus, one)
        }
        Unary::Sign | Unary::Floor | Unary::Ceiling | Unary::Round => return None,
    })
}

/// H v as more steps: the gradient of g·v.
pub fn hessian_vector(program: &mut Program, slope: Value, position: Value, direction: Value) -> Value {
    let n = program.width(position);
    let along = program.times(slope, direction);
    let scalar = program.sum(along, n);
    gradient(program, scalar, position)
}
