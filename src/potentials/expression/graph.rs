//! Expressions of coordinates as a graph in one flat list: every operation once, operands before their users.
//!
//! Numbers are folded, nothing else is simplified here: terms that differ only in their numbers keep one shape, so that `pack` can make
//! vectors of them; what a zero or a one makes superfluous goes there.

use crate::base::{Error, Kind, Result};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// The place of an operation in its graph.
pub type Node = u32;

/// Operations that one potential may have: tracing more takes minutes and gigabytes.
pub const MOST_NODES: usize = 4_000_000;

/// Functions of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    Negative,
    Sqrt,
    Exp,
    Ln,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Absolute,
    Sign,
    Floor,
    Ceiling,
    Round,
}

impl Unary {
    /// The function that a script calls by this name.
    pub fn named(name: &str) -> Option<Unary> {
        Some(match name {
            "sqrt" => Unary::Sqrt,
            "exp" => Unary::Exp,
            "ln" => Unary::Ln,
            "sin" => Unary::Sin,
            "cos" => Unary::Cos,
            "tan" => Unary::Tan,
            "asin" => Unary::Asin,
            "acos" => Unary::Acos,
            "atan" => Unary::Atan,
            "sinh" => Unary::Sinh,
            "cosh" => Unary::Cosh,
            "tanh" => Unary::Tanh,
            "asinh" => Unary::Asinh,
            "acosh" => Unary::Acosh,
            "atanh" => Unary::Atanh,
            "abs" => Unary::Absolute,
            "sign" => Unary::Sign,
            "floor" => Unary::Floor,
            "ceiling" => Unary::Ceiling,
            "round" => Unary::Round,
            _ => return None,
        })
    }

    pub fn apply(self, x: f64) -> f64 {
        match self {
            Unary::Negative => -x,
            Unary::Sqrt => x.sqrt(),
            Unary::Exp => x.exp(),
            Unary::Ln => x.ln(),
            Unary::Sin => x.sin(),
            Unary::Cos => x.cos(),
            Unary::Tan => x.tan(),
            Unary::Asin => x.asin(),
            Unary::Acos => x.acos(),
            Unary::Atan => x.atan(),
            Unary::Sinh => x.sinh(),
            Unary::Cosh => x.cosh(),
            Unary::Tanh => x.tanh(),
            Unary::Asinh => x.asinh(),
            Unary::Acosh => x.acosh(),
            Unary::Atanh => x.atanh(),
            Unary::Absolute => x.abs(),
            Unary::Sign if x == 0.0 => 0.0,
            Unary::Sign => x.signum(),
            Unary::Floor => x.floor(),
            Unary::Ceiling => x.ceil(),
            Unary::Round => x.round(),
        }
    }
}

/// Functions of two numbers. Conditions are 1 where they hold and 0 where they do not: `&` is a product, `|` the larger, `!c` is 1 − c.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    Add,
    Subtract,
    Multiply,
    /// The product, 0 where the left is 0 whatever the right: derivatives behind the branch of a `select` that was not taken.
    GuardedMultiply,
    Divide,
    Power,
    Minimum,
    Maximum,
    /// The angle of the point (right, left).
    Angle,
    Less,
    LessEqual,
    Equal,
}

impl Binary {
    pub fn apply(self, a: f64, b: f64) -> f64 {
        let truth = |holds: bool| if holds { 1.0 } else { 0.0 };
        match self {
            Binary::Add => a + b,
            Binary::Subtract => a - b,
            Binary::Multiply => a * b,
            Binary::GuardedMultiply if a == 0.0 => 0.0,
            Binary::GuardedMultiply => a * b,
            Binary::Divide => a / b,
            Binary::Power => a.powf(b),
            // The left where they are equal or either is not a number.
            Binary::Minimum => {
                if b < a {
                    b
                } else {
                    a
                }
            }
            Binary::Maximum => {
                if a < b {
                    b
                } else {
                    a
                }
            }
            Binary::Angle => a.atan2(b),
            Binary::Less => truth(a < b),
            Binary::LessEqual => truth(a <= b),
            Binary::Equal => truth(a == b),
        }
    }

    pub fn commutes(self) -> bool {
        matches!(self, Binary::Add | Binary::Multiply | Binary::Equal)
    }
}

/// An operation with its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    /// A number, by its bits: equal numbers are one node.
    Constant(u64),
    Coordinate(u32),
    Unary(Unary, Node),
    Binary(Binary, Node, Node),
    /// The second where the first is not zero, else the third.
    Select(Node, Node, Node),
}

impl Item {
    /// The operands, in order.
    pub fn operands(self) -> impl Iterator<Item = Node> {
        let all = match self {
            Item::Constant(_) | Item::Coordinate(_) => [None; 3],
            Item::Unary(_, a) => [Some(a), None, None],
            Item::Binary(_, a, b) => [Some(a), Some(b), None],
            Item::Select(c, a, b) => [Some(c), Some(a), Some(b)],
        };
        all.into_iter().flatten()
    }

    pub fn is_leaf(self) -> bool {
        matches!(self, Item::Constant(_) | Item::Coordinate(_))
    }
}

/// A growing expression of a number of coordinates.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub dimension: usize,
    pub items: Vec<Item>,
    known: HashMap<Item, Node>,
}

impl Graph {
    pub fn new(dimension: usize) -> Graph {
        Graph { dimension, ..Graph::default() }
    }

    fn add(&mut self, item: Item) -> Result<Node> {
        if let Some(node) = self.known.get(&item) {
            return Ok(*node);
        }
        if self.items.len() >= MOST_NODES {
            let message = format!("potential: the function has more than {MOST_NODES} operations, too many to trace");
            return Err(Error::new(Kind::Limit, message).hint("potential(n, f, #{trace: false}) calls the function itself"));
        }
        let node = self.items.len() as Node;
        self.items.push(item);
        self.known.insert(item, node);
        Ok(node)
    }

    pub fn constant(&mut self, value: f64) -> Result<Node> {
        // One zero: −0 differs from 0 in no energy.
        self.add(Item::Constant(if value == 0.0 { 0 } else { value.to_bits() }))
    }

    pub fn coordinate(&mut self, index: usize) -> Result<Node> {
        self.add(Item::Coordinate(index as u32))
    }

    /// The number that a node is, if it is one.
    pub fn value(&self, node: Node) -> Option<f64> {
        match self.items[node as usize] {
            Item::Constant(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    pub fn unary(&mut self, operation: Unary, a: Node) -> Result<Node> {
        match self.value(a) {
            Some(a) => self.constant(operation.apply(a)),
            None => self.add(Item::Unary(operation, a)),
        }
    }

    pub fn binary(&mut self, operation: Binary, a: Node, b: Node) -> Result<Node> {
        match (self.value(a), self.value(b)) {
            (Some(a), Some(b)) => return self.constant(operation.apply(a, b)),
            // A product is several times as fast as a division; one rounding more.
            (None, Some(b)) if operation == Binary::Divide && (1.0 / b).is_normal() => {
                let inverse = self.constant(1.0 / b)?;
                return self.binary(Binary::Multiply, a, inverse);
            }
            _ => {}
        }
        // Numbers first, then in the order of birth.
        let turn = operation.commutes() && (self.value(b).is_some() || (a > b && self.value(a).is_none()));
        self.add(if turn { Item::Binary(operation, b, a) } else { Item::Binary(operation, a, b) })
    }

    pub fn select(&mut self, condition: Node, a: Node, b: Node) -> Result<Node> {
        match self.value(condition) {
            Some(c) => Ok(if c != 0.0 { a } else { b }),
            None if a == b => Ok(a),
            None => self.add(Item::Select(condition, a, b)),
        }
    }

    /// a to the power b; whole powers are products, so that they take negative bases and cost little.
    pub fn power(&mut self, a: Node, b: Node) -> Result<Node> {
        const LARGEST_PRODUCT: f64 = 64.0;
        let (None, Some(exponent)) = (self.value(a), self.value(b)) else { return self.binary(Binary::Power, a, b) };
        let size = exponent.abs();
        let positive = if size.fract() == 0.0 && size <= LARGEST_PRODUCT {
            self.whole_power(a, size as u32)?
        } else if size == 0.5 {
            self.unary(Unary::Sqrt, a)?
        } else {
            return self.binary(Binary::Power, a, b);
        };
        if exponent >= 0.0 {
            return Ok(positive);
        }
        let one = self.constant(1.0)?;
        self.binary(Binary::Divide, one, positive)
    }

    fn whole_power(&mut self, a: Node, exponent: u32) -> Result<Node> {
        if exponent == 0 {
            return self.constant(1.0);
        }
        // Squares, and the base once more where a binary digit is one.
        let mut power = a;
        for digit in (0..exponent.ilog2()).rev() {
            power = self.binary(Binary::Multiply, power, power)?;
            if exponent >> digit & 1 == 1 {
                power = self.binary(Binary::Multiply, power, a)?;
            }
        }
        Ok(power)
    }

    /// Which nodes the result needs: operands before users, as in the list itself.
    pub fn needed(&self, root: Node) -> Vec<bool> {
        let mut needed = vec![false; self.items.len()];
        needed[root as usize] = true;
        for node in (0..=root as usize).rev() {
            if needed[node] {
                self.items[node].operands().for_each(|operand| needed[operand as usize] = true);
            }
        }
        needed
    }

    /// What stays the same from run to run for the same function: the digest of its operations without the unused ones.
    pub fn digest(&self, root: Node) -> String {
        let needed = self.needed(root);
        let mut place = vec![0u32; self.items.len()];
        let mut digest = Sha256::new();
        let used = self.items.iter().enumerate().filter(|(node, _)| needed[*node]);
        for (count, (node, item)) in used.enumerate() {
            let name = match item {
                Item::Constant(bits) => format!("number {bits:x}"),
                Item::Coordinate(index) => format!("coordinate {index}"),
                Item::Unary(operation, _) => format!("{operation:?}"),
                Item::Binary(operation, ..) => format!("{operation:?}"),
                Item::Select(..) => "Select".into(),
            };
            digest.update(name);
            item.operands().for_each(|operand| digest.update(format!(" {}", place[operand as usize])));
            digest.update("\n");
            place[node] = count as u32;
        }
        digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Which pairs of coordinates can have a second derivative: for each coordinate the others, itself included where it is not linear.
    /// Sets of coordinates go from operands to users; a function that is not linear adds the pairs of its set.
    pub fn interactions(&self, root: Node) -> Vec<Vec<bool>> {
        let n = self.dimension;
        let words = n.div_ceil(64);
        let mut pairs = vec![vec![false; n]; n];
        let needed = self.needed(root);
        // Sets would need gigabytes: everything may interact.
        if words * self.items.len() > 1 << 27 {
            return vec![vec![true; n]; n];
        }
        let mut sets = vec![0u64; words * self.items.len()];
        let members = |set: &[u64]| -> Vec<usize> {
            let mut found = Vec::new();
            for (word, mut bits) in set.iter().copied().enumerate() {
                while bits != 0 {
                    found.push(64 * word + bits.trailing_zeros() as usize);
                    bits &= bits - 1;
                }
            }
            found
        };
        for (node, item) in self.items.iter().enumerate().filter(|(node, _)| needed[*node]) {
            let (before, own) = sets.split_at_mut(node * words);
            let own = &mut own[..words];
            let of = |operand: Node| &before[operand as usize * words..(operand as usize + 1) * words];
            if let Item::Coordinate(i) = item {
                own[*i as usize / 64] |= 1 << (i % 64);
            }
            let zero = |operand: Node| self.value(operand) == Some(0.0);
            if let Item::Binary(Binary::Multiply, a, b) = item
                && (zero(*a) || zero(*b))
            {
                continue;
            }
            for operand in item.operands() {
                own.iter_mut().zip(of(operand)).for_each(|(own, other)| *own |= other);
            }
            let mut add = |left: &[usize], right: &[usize]| {
                for &i in left {
                    for &j in right {
                        pairs[i][j] = true;
                        pairs[j][i] = true;
                    }
                }
            };
            match item {
                Item::Constant(_) | Item::Coordinate(_) | Item::Select(..) => {}
                Item::Unary(Unary::Negative | Unary::Absolute | Unary::Sign, _)
                | Item::Unary(Unary::Floor | Unary::Ceiling | Unary::Round, _)
                | Item::Binary(
                    Binary::Add
                    | Binary::Subtract
                    | Binary::Minimum
                    | Binary::Maximum
                    | Binary::Less
                    | Binary::LessEqual
                    | Binary::Equal,
                    ..,
                ) => {}
                Item::Binary(Binary::Multiply, a, b) => add(&members(of(*a)), &members(of(*b))),
                _ => {
                    let all = members(own);
                    add(&all, &all);
                }
            }
        }
        pairs
    }
}
