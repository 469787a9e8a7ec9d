//! The values that a function sees while `potential` traces it: numbers, vectors and conditions that stand for operations in a graph.
//!
//! Every operator and function on them adds to the graph and gives another such value. What cannot be followed (an `if`, `&&`, a change of an
//! element) is an error that says what can.

use super::api::Arguments;
use super::convert::{number, numbers};
use super::errors::raise;
use super::operators::{Outcome, add, ends, place, span};
use super::values::Vector;
use crate::base::{Error, Kind, Result};
use crate::math::Matrix;
use crate::potentials::expression::{Binary, Expression, Graph, Node, Unary};
use rhai::{Array, Dynamic, Engine, INT, Module};
use std::any::TypeId;
use std::sync::{Arc, Mutex, MutexGuard};

type Shared = Arc<Mutex<Graph>>;

/// A number that depends on the coordinates.
#[derive(Clone)]
pub struct Traced {
    graph: Shared,
    node: Node,
}

/// Several such numbers in a row; the position is one.
#[derive(Clone)]
pub struct TracedVector {
    graph: Shared,
    nodes: Arc<[Node]>,
}

/// A condition that depends on the coordinates: 1 where it holds.
#[derive(Clone)]
pub struct Condition {
    graph: Shared,
    node: Node,
}

crate::handle!(Traced, "traced number");
crate::handle!(TracedVector, "traced vector");
crate::handle!(Condition, "traced condition");

/// What to do about something that cannot be traced.
pub const INSTEAD: &str = "cases are written select(condition, a, b), conditions joined with &, | and !; potential(n, f, #{trace: false}) calls f itself at every position";

/// The error where a truth value was wanted of something traced.
pub fn undecided() -> Error {
    let message = "what depends on the coordinates has no value yet while the potential is traced: `if`, `while`, `&&` and `||` cannot ask it";
    Error::new(Kind::Type, message).hint(INSTEAD)
}

/// The name of a type of this file for messages, if Rhai's name is that of one.
pub fn plain_name(type_name: &str) -> Option<&'static str> {
    match type_name.strip_prefix(module_path!())?.trim_start_matches("::") {
        "Traced" => Some("traced number"),
        "TracedVector" => Some("traced vector"),
        "Condition" => Some("traced condition"),
        _ => None,
    }
}

/// Whether a value is of this file.
pub fn is_traced(value: &Dynamic) -> bool {
    value.read_lock::<Traced>().is_some()
        || value.read_lock::<TracedVector>().is_some()
        || value.read_lock::<Condition>().is_some()
        || value.read_lock::<Array>().is_some_and(|array| array.iter().any(is_traced))
}

/// Traces a function of a position: `call` gets the position and gives what the script's function gave.
pub fn trace(
    dimension: usize,
    call: impl FnOnce(Dynamic) -> Result<Dynamic>,
) -> Result<std::result::Result<Expression, Dynamic>> {
    let graph: Shared = Arc::new(Mutex::new(Graph::new(dimension)));
    let nodes: Vec<Node> = (0..dimension).map(|i| lock(&graph)?.coordinate(i)).collect::<Result<_>>()?;
    let value = call(Dynamic::from(TracedVector { graph: graph.clone(), nodes: nodes.into() }))?;
    let Some(Operand::One(result)) = operand(&value, &graph)? else { return Ok(Err(value)) };
    let graph = lock(&graph)?;
    Ok(Ok(Expression::new(&graph, result)))
}

/// Traces a function that gives several numbers, as a vector or an array: a potential for each; a single number is one.
pub fn trace_all(
    dimension: usize,
    call: impl FnOnce(Dynamic) -> Result<Dynamic>,
) -> Result<std::result::Result<Vec<Expression>, Dynamic>> {
    let graph: Shared = Arc::new(Mutex::new(Graph::new(dimension)));
    let nodes: Vec<Node> = (0..dimension).map(|i| lock(&graph)?.coordinate(i)).collect::<Result<_>>()?;
    let value = call(Dynamic::from(TracedVector { graph: graph.clone(), nodes: nodes.into() }))?;
    let results = match operand(&value, &graph)? {
        Some(Operand::One(result)) => vec![result],
        Some(Operand::Many(results)) => results.to_vec(),
        None => return Ok(Err(value)),
    };
    let graph = lock(&graph)?;
    Ok(Ok(results.into_iter().map(|result| Expression::new(&graph, result)).collect()))
}

fn lock(graph: &Shared) -> Result<MutexGuard<'_, Graph>> {
    graph.lock().map_err(|_| Error::new(Kind::Script, "the potential's graph was left in the middle of a change"))
}

/// What takes part in an operation.
enum Operand {
    One(Node),
    Many(Arc<[Node]>),
}

fn graph_of(value: &Dynamic) -> Option<Shared> {
    if let Some(traced) = value.read_lock::<Traced>() {
        return Some(traced.graph.clone());
    }
    if let Some(vector) = value.read_lock::<TracedVector>() {
        return Some(vector.graph.clone());
    }
    if let Some(condition) = value.read_lock::<Condition>() {
        return Some(condition.graph.clone());
    }
    value.read_lock::<Array>().and_then(|array| array.iter().find_map(graph_of))
}

/// What belongs to another potential cannot take part.
fn same_function(other: &Shared, graph: &Shared) -> Result<()> {
    if Arc::ptr_eq(other, graph) {
        return Ok(());
    }
    let message = "a traced value lives only within its own function: this one was kept from another potential";
    Err(Error::new(Kind::Value, message).hint("keep numbers outside, not what was made of x"))
}

/// The value as part of an expression; none where it is neither number nor vector. What belongs to another potential is an error.
fn operand(value: &Dynamic, graph: &Shared) -> Result<Option<Operand>> {
    if let Some(number) = number(value) {
        return Ok(Some(Operand::One(lock(graph)?.constant(number)?)));
    }
    if let Some(traced) = value.read_lock::<Traced>() {
        return same_function(&traced.graph, graph).map(|()| Some(Operand::One(traced.node)));
    }
    if let Some(vector) = value.read_lock::<TracedVector>() {
        return same_function(&vector.graph, graph).map(|()| Some(Operand::Many(vector.nodes.clone())));
    }
    if let Some(values) = numbers(value) {
        let nodes = values.iter().map(|v| lock(graph)?.constant(*v)).collect::<Result<Vec<_>>>()?;
        return Ok(Some(Operand::Many(nodes.into())));
    }
    let Some(array) = value.read_lock::<Array>() else { return Ok(None) };
    let mut nodes = Vec::with_capacity(array.len());
    for element in array.iter() {
        match operand(element, graph)? {
            Some(Operand::One(node)) => nodes.push(node),
            _ => return Ok(None),
        }
    }
    Ok(Some(Operand::Many(nodes.into())))
}

fn one(graph: &Shared, node: Node) -> Dynamic {
    Dynamic::from(Traced { graph: graph.clone(), node })
}

fn many(graph: &Shared, nodes: Vec<Node>) -> Dynamic {
    Dynamic::from(TracedVector { graph: graph.clone(), nodes: nodes.into() })
}

/// Applies a function of two numbers; a number goes with every element of a vector.
fn combine(name: &str, left: &Dynamic, right: &Dynamic, f: impl Fn(&mut Graph, Node, Node) -> Result<Node>) -> Result<Dynamic> {
    let wrong = || Error::new(Kind::Type, format!("{name} needs numbers or vectors of numbers on both sides")).hint(INSTEAD);
    let graph = graph_of(left).or_else(|| graph_of(right)).ok_or_else(wrong)?;
    let (left, right) = (operand(left, &graph)?.ok_or_else(wrong)?, operand(right, &graph)?.ok_or_else(wrong)?);
    let mut inner = lock(&graph)?;
    let nodes = match (left, right) {
        (Operand::One(a), Operand::One(b)) => return f(&mut inner, a, b).map(|node| one(&graph, node)),
        (Operand::Many(a), Operand::One(b)) => a.iter().map(|a| f(&mut inner, *a, b)).collect::<Result<Vec<_>>>()?,
        (Operand::One(a), Operand::Many(b)) => b.iter().map(|b| f(&mut inner, a, *b)).collect::<Result<Vec<_>>>()?,
        (Operand::Many(a), Operand::Many(b)) if a.len() == b.len() => {
            a.iter().zip(b.iter()).map(|(a, b)| f(&mut inner, *a, *b)).collect::<Result<Vec<_>>>()?
        }
        (Operand::Many(a), Operand::Many(b)) => {
            return Err(Error::shape(format!("{name} needs vectors of equal length, found {} and {}", a.len(), b.len())));
        }
    };
    Ok(many(&graph, nodes))
}

/// The function of one number by its name, of a traced number or of every element; none where the value is not traced.
pub fn unary(name: &str, value: &Dynamic) -> Option<Result<Dynamic>> {
    let graph = graph_of(value)?;
    let apply = || {
        let wrong = || Error::new(Kind::Type, format!("{name} cannot be traced here")).hint(INSTEAD);
        let operation = Unary::named(name).ok_or_else(wrong)?;
        match operand(value, &graph)?.ok_or_else(wrong)? {
            Operand::One(a) => Ok(one(&graph, lock(&graph)?.unary(operation, a)?)),
            Operand::Many(a) => {
                Ok(many(&graph, a.iter().map(|a| lock(&graph)?.unary(operation, *a)).collect::<Result<Vec<_>>>()?))
            }
        }
    };
    Some(apply())
}

/// The function of two numbers by its name; none where neither is traced.
pub fn binary(name: &str, left: &Dynamic, right: &Dynamic) -> Option<Result<Dynamic>> {
    if !is_traced(left) && !is_traced(right) {
        return None;
    }
    Some(combine(name, left, right, |graph, a, b| match name {
        "min" => graph.binary(Binary::Minimum, a, b),
        "max" => graph.binary(Binary::Maximum, a, b),
        "atan" => graph.binary(Binary::Angle, a, b),
        "log" => {
            let (a, b) = (graph.unary(Unary::Ln, a)?, graph.unary(Unary::Ln, b)?);
            graph.binary(Binary::Divide, a, b)
        }
        _ => {
            let (a, b) = (graph.binary(Binary::Multiply, a, a)?, graph.binary(Binary::Multiply, b, b)?);
            let square = graph.binary(Binary::Add, a, b)?;
            graph.unary(Unary::Sqrt, square)
        }
    }))
}

/// Sums and the like over vectors of which one at least is traced; none where none is.
pub fn total(name: &str, args: &Arguments) -> Option<Result<Dynamic>> {
    let values: Vec<Dynamic> = (0..args.count()).map(|k| args.value(k)).collect();
    let graph = values.iter().find_map(graph_of)?;
    let apply = || -> Result<Dynamic> {
        let mut vectors = Vec::new();
        for (k, value) in values.iter().enumerate() {
            match operand(value, &graph)? {
                Some(Operand::Many(nodes)) => vectors.push(nodes),
                _ => return Err(args.wrong(k, "a vector or an array of numbers")),
            }
        }
        if let [a, b] = vectors.as_slice()
            && a.len() != b.len()
        {
            return Err(
                Error::shape(format!("{name} needs vectors of equal length, found {} and {}", a.len(), b.len())).at("other")
            );
        }
        let mut inner = lock(&graph)?;
        let first = &vectors[0];
        if first.is_empty() && matches!(name, "mean" | "min" | "max") {
            return Err(Error::value("there are no numbers"));
        }
        let second = vectors.get(1).unwrap_or(first);
        let mut sum = None;
        for (a, b) in first.iter().zip(second.iter()) {
            let term = if matches!(name, "dot" | "norm") { inner.binary(Binary::Multiply, *a, *b)? } else { *a };
            let join = match name {
                "min" => Binary::Minimum,
                "max" => Binary::Maximum,
                _ => Binary::Add,
            };
            sum = Some(match sum {
                Some(sum) => inner.binary(join, sum, term)?,
                None => term,
            });
        }
        let sum = match sum {
            Some(sum) => sum,
            None => inner.constant(0.0)?,
        };
        let node = match name {
            "norm" => inner.unary(Unary::Sqrt, sum)?,
            "mean" => {
                let count = inner.constant(first.len() as f64)?;
                inner.binary(Binary::Divide, sum, count)?
            }
            _ => sum,
        };
        Ok(one(&graph, node))
    };
    Some(apply())
}

/// A matrix of numbers times a traced vector; none where the vector is not traced.
pub fn matrix_dot(matrix: &Matrix, vector: &Dynamic) -> Option<Result<Dynamic>> {
    let graph = graph_of(vector)?;
    let apply = || {
        let Some(Operand::Many(x)) = operand(vector, &graph)? else {
            return Err(Error::new(Kind::Type, "dot needs a vector").hint(INSTEAD));
        };
        if x.len() != matrix.columns {
            let message = format!("dot: the matrix has {} columns, the vector {} elements", matrix.columns, x.len());
            return Err(Error::shape(message).at("other"));
        }
        let mut inner = lock(&graph)?;
        let mut nodes = Vec::with_capacity(matrix.rows);
        for i in 0..matrix.rows {
            let mut sum = inner.constant(0.0)?;
            for (factor, x) in matrix.row(i).iter().zip(x.iter()).filter(|(factor, _)| **factor != 0.0) {
                let factor = inner.constant(*factor)?;
                let term = inner.binary(Binary::Multiply, factor, *x)?;
                sum = inner.binary(Binary::Add, sum, term)?;
            }
            nodes.push(sum);
        }
        Ok(many(&graph, nodes))
    };
    Some(apply())
}

/// One of two values by a condition; vectors element by element.
pub fn select(condition: &Dynamic, a: &Dynamic, b: &Dynamic) -> Option<Result<Dynamic>> {
    let condition = condition.read_lock::<Condition>()?.clone();
    let choose = || {
        if let Some(other) = graph_of(a).or_else(|| graph_of(b)) {
            same_function(&other, &condition.graph)?;
            return combine("select", a, b, |graph, a, b| graph.select(condition.node, a, b));
        }
        let graph = &condition.graph;
        match (operand(a, graph)?, operand(b, graph)?) {
            (Some(Operand::One(a)), Some(Operand::One(b))) => Ok(one(graph, lock(graph)?.select(condition.node, a, b)?)),
            _ => Err(Error::new(Kind::Type, "select needs numbers or vectors of numbers to choose from").hint(INSTEAD)),
        }
    };
    Some(choose())
}

impl TracedVector {
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn elements(&self) -> Array {
        self.nodes.iter().map(|node| one(&self.graph, *node)).collect()
    }
}

/// The values as one traced vector where each is a number and one at least is traced.
pub fn gathered(values: &[Dynamic]) -> Option<Dynamic> {
    let graph = values.iter().find_map(graph_of)?;
    let nodes = values.iter().map(|value| match operand(value, &graph) {
        Ok(Some(Operand::One(node))) => Some(node),
        _ => None,
    });
    nodes.collect::<Option<Vec<Node>>>().map(|nodes| many(&graph, nodes))
}

/// Registers operators, comparisons, indexing and iteration.
pub fn register(engine: &mut Engine) {
    let mut module = Module::new();
    let (traced, vector, condition) = (TypeId::of::<Traced>(), TypeId::of::<TracedVector>(), TypeId::of::<Condition>());
    let (int, real, truth) = (TypeId::of::<INT>(), TypeId::of::<f64>(), TypeId::of::<bool>());
    let others = [int, real, TypeId::of::<Vector>(), TypeId::of::<Array>()];
    let own = [traced, vector];
    let mut pairs: Vec<[TypeId; 2]> = own.iter().flat_map(|a| own.iter().map(|b| [*a, *b])).collect();
    pairs.extend(own.iter().flat_map(|a| others.iter().flat_map(|b| [[*a, *b], [*b, *a]])));
    for pair in &pairs {
        for (symbol, operation) in
            [("+", Binary::Add), ("-", Binary::Subtract), ("*", Binary::Multiply), ("/", Binary::Divide), ("**", Binary::Power)]
        {
            add(&mut module, symbol, pair, move |arguments| {
                passed(combine(symbol, arguments[0], arguments[1], |graph, a, b| match operation {
                    Binary::Power => graph.power(a, b),
                    _ => graph.binary(operation, a, b),
                }))
            });
        }
        for symbol in ["==", "!=", "<", "<=", ">", ">="] {
            add(&mut module, symbol, pair, move |arguments| passed(compare(symbol, arguments[0], arguments[1])));
        }
    }
    for operand in own {
        add(&mut module, "-", &[operand], |arguments| passed(negative(arguments[0])));
        add(&mut module, "+", &[operand], |arguments| Ok(arguments[0].clone()));
    }
    for pair in [[condition, condition], [condition, truth], [truth, condition]] {
        for (symbol, operation) in [("&", Binary::Multiply), ("|", Binary::Maximum), ("==", Binary::Equal)] {
            add(&mut module, symbol, &pair, move |arguments| passed(join(operation, arguments[0], arguments[1])));
        }
        add(&mut module, "!=", &pair, move |arguments| {
            passed(join(Binary::Equal, arguments[0], arguments[1]).and_then(|c| not(&c)))
        });
    }
    add(&mut module, "!", &[condition], |arguments| passed(not(arguments[0])));
    indexing(&mut module);
    module.set_iter(vector, |value| match value.try_cast::<TracedVector>() {
        Some(v) => Box::new(v.elements().into_iter()),
        None => Box::new(std::iter::empty()),
    });
    engine.register_global_module(module.into());
}

fn passed(outcome: Result<Dynamic>) -> Outcome {
    outcome.map_err(|error| raise(error, ""))
}

fn negative(value: &Dynamic) -> Result<Dynamic> {
    let minus = Dynamic::from(-1.0);
    combine("-", &minus, value, |graph, minus, a| match graph.value(minus) {
        Some(_) => graph.unary(Unary::Negative, a),
        None => graph.binary(Binary::Multiply, minus, a),
    })
}

fn compare(symbol: &str, left: &Dynamic, right: &Dynamic) -> Result<Dynamic> {
    let value = combine(symbol, left, right, |graph, a, b| match symbol {
        "<" => graph.binary(Binary::Less, a, b),
        ">" => graph.binary(Binary::Less, b, a),
        "<=" => graph.binary(Binary::LessEqual, a, b),
        ">=" => graph.binary(Binary::LessEqual, b, a),
        "==" => graph.binary(Binary::Equal, a, b),
        _ => {
            let (one, equal) = (graph.constant(1.0)?, graph.binary(Binary::Equal, a, b)?);
            graph.binary(Binary::Subtract, one, equal)
        }
    })?;
    match value.try_cast::<Traced>() {
        Some(Traced { graph, node }) => Ok(Dynamic::from(Condition { graph, node })),
        None => Err(Error::new(Kind::Type, format!("`{symbol}` compares numbers, not vectors")).hint("compare their elements")),
    }
}

fn join(operation: Binary, left: &Dynamic, right: &Dynamic) -> Result<Dynamic> {
    let graph = graph_of(left).or_else(|| graph_of(right)).ok_or_else(undecided)?;
    let node = |value: &Dynamic| -> Result<Node> {
        match (value.as_bool(), value.read_lock::<Condition>()) {
            (Ok(holds), _) => lock(&graph)?.constant(if holds { 1.0 } else { 0.0 }),
            (_, Some(condition)) if Arc::ptr_eq(&condition.graph, &graph) => Ok(condition.node),
            _ => Err(undecided()),
        }
    };
    let (a, b) = (node(left)?, node(right)?);
    let node = lock(&graph)?.binary(operation, a, b)?;
    Ok(Dynamic::from(Condition { graph, node }))
}

fn not(condition: &Dynamic) -> Result<Dynamic> {
    let Condition { graph, node } = condition.read_lock::<Condition>().ok_or_else(undecided)?.clone();
    let node = {
        let mut inner = lock(&graph)?;
        let one = inner.constant(1.0)?;
        inner.binary(Binary::Subtract, one, node)?
    };
    Ok(Dynamic::from(Condition { graph, node }))
}

fn indexing(module: &mut Module) {
    let vector = TypeId::of::<TracedVector>();
    add(module, "index$get$", &[vector, TypeId::of::<INT>()], |arguments| -> Outcome {
        let v = arguments[0].read_lock::<TracedVector>().ok_or("no traced vector")?;
        let node = v.nodes[place("traced vector", v.nodes.len(), arguments[1].as_int()?)?];
        Ok(one(&v.graph, node))
    });
    for kind in [TypeId::of::<std::ops::Range<INT>>(), TypeId::of::<std::ops::RangeInclusive<INT>>()] {
        add(module, "index$get$", &[vector, kind], |arguments| -> Outcome {
            let v = arguments[0].read_lock::<TracedVector>().ok_or("no traced vector")?;
            let (from, to) = ends(arguments[1]);
            let part = span("traced vector", v.nodes.len(), from, to.unwrap_or(v.nodes.len() as INT))?;
            Ok(many(&v.graph, v.nodes[part].to_vec()))
        });
    }
}
