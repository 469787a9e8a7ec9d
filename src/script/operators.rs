//! Operators and indexing of native values, and those of numbers where Rhai's differ from a calculator's.

use super::convert::IntoValue;
use super::convert::{number, numbers};
use super::errors::{index_error, raise};
use super::values::{MatrixValue, Object, PotentialHandle, Table, Vector};
use crate::base::{Error, Kind};
use crate::math::Matrix;
use crate::potentials::Potential;
use crate::potentials::composed::Sum;
use rhai::{Array, Dynamic, Engine, EvalAltResult, FuncRegistration, INT, Module, NativeCallContext, RhaiFunc};
use std::any::TypeId;
use std::sync::Arc;

pub(super) type Outcome = std::result::Result<Dynamic, Box<EvalAltResult>>;

/// Registers all of them.
pub fn register(engine: &mut Engine) {
    let mut module = Module::new();
    numbers_divide_really(&mut module);
    let vector = TypeId::of::<Vector>();
    let matrix = TypeId::of::<MatrixValue>();
    let array = TypeId::of::<Array>();
    let (int, real) = (TypeId::of::<INT>(), TypeId::of::<f64>());
    for operator in ["+", "-", "*", "/", "**"] {
        for (left, right) in [
            (vector, vector),
            (vector, array),
            (array, vector),
            (vector, int),
            (vector, real),
            (int, vector),
            (real, vector),
            (matrix, matrix),
            (matrix, int),
            (matrix, real),
            (int, matrix),
            (real, matrix),
        ] {
            add(&mut module, operator, &[left, right], move |arguments| combine(operator, arguments[0], arguments[1]));
        }
    }
    for operand in [vector, matrix] {
        add(&mut module, "-", &[operand], |arguments| combine("*", arguments[0], &Dynamic::from(-1.0)));
    }
    for (left, right) in [(vector, vector), (vector, array), (array, vector), (matrix, matrix), (matrix, array), (array, matrix)]
    {
        add(&mut module, "==", &[left, right], |arguments| Ok(equal(arguments[0], arguments[1]).into()));
        add(&mut module, "!=", &[left, right], |arguments| Ok((!equal(arguments[0], arguments[1])).into()));
    }
    let (object, table) = (TypeId::of::<Object>(), TypeId::of::<Table>());
    add(&mut module, "==", &[table, table], |arguments| {
        Ok((arguments[0].clone().try_cast::<Table>() == arguments[1].clone().try_cast::<Table>()).into())
    });
    for (operator, wanted) in [("==", true), ("!=", false)] {
        let body = move |context: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| -> Outcome {
            let (Some(a), Some(b)) = (arguments[0].clone().try_cast::<Object>(), arguments[1].clone().try_cast::<Object>())
            else {
                return Ok((!wanted).into());
            };
            let context = context.ok_or("objects are compared outside a script")?;
            let same = a.kind() == b.kind()
                && a.fields().count() == b.fields().count()
                && a.fields()
                    .zip(b.fields())
                    .all(|((n, x), (m, y))| n == m && context.call_fn::<bool>("==", (x.clone(), y.clone())).unwrap_or(false));
            Ok((same == wanted).into())
        };
        let function = RhaiFunc::Method { func: Arc::new(body), has_context: true, is_pure: true, is_volatile: false };
        FuncRegistration::new(operator).in_global_namespace().set_into_module_raw(&mut module, [object, object], function);
    }
    potentials(&mut module);
    indexing(&mut module);
    module.set_iter(vector, |value| match value.try_cast::<Vector>() {
        Some(v) => Box::new((0..v.data.len()).map(move |i| v.element(i))),
        None => Box::new(std::iter::empty()),
    });
    module.set_iter(matrix, |value| match value.try_cast::<MatrixValue>() {
        Some(m) => Box::new((0..m.0.rows).map(move |i| row(&m.0, i))),
        None => Box::new(std::iter::empty()),
    });
    engine.register_global_module(module.into());
}

/// `p + q`, `p - q`, `2.0 * p`, `p / 2`, `-p`.
fn potentials(module: &mut Module) {
    let (potential, int, real) = (TypeId::of::<PotentialHandle>(), TypeId::of::<INT>(), TypeId::of::<f64>());
    let weighted = |parts: &[(f64, &Dynamic)]| -> Outcome {
        let handles = parts.iter().map(|(weight, value)| value.read_lock::<PotentialHandle>().map(|p| (*weight, p.0.clone())));
        let parts = handles.collect::<Option<Vec<_>>>().ok_or("no potential")?;
        let sum = Sum::new(parts).map_err(|error| raise(error, ""))?;
        Ok((Arc::new(sum) as Arc<dyn Potential>).into_value())
    };
    add(module, "+", &[potential, potential], move |arguments| weighted(&[(1.0, arguments[0]), (1.0, arguments[1])]));
    add(module, "-", &[potential, potential], move |arguments| weighted(&[(1.0, arguments[0]), (-1.0, arguments[1])]));
    add(module, "-", &[potential], move |arguments| weighted(&[(-1.0, arguments[0])]));
    for kind in [int, real] {
        let factor = |value: &Dynamic| number(value).unwrap_or(f64::NAN);
        add(module, "*", &[kind, potential], move |arguments| weighted(&[(factor(arguments[0]), arguments[1])]));
        add(module, "*", &[potential, kind], move |arguments| weighted(&[(factor(arguments[1]), arguments[0])]));
        add(module, "/", &[potential, kind], move |arguments| weighted(&[(1.0 / factor(arguments[1]), arguments[0])]));
    }
}

/// Registers an operator that leaves its operands as they are.
pub(super) fn add(
    module: &mut Module,
    name: &str,
    types: &[TypeId],
    body: impl Fn(&mut [&mut Dynamic]) -> Outcome + Send + Sync + 'static,
) {
    let method = move |_: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| body(arguments);
    let function = RhaiFunc::Method { func: Arc::new(method), has_context: false, is_pure: true, is_volatile: false };
    FuncRegistration::new(name).in_global_namespace().set_into_module_raw(module, types, function);
}

/// `7 / 2` is 3.5, `2 ** -1` is 0.5, a power too large for a whole number is real, dividing by zero gives infinity.
fn numbers_divide_really(module: &mut Module) {
    let int = TypeId::of::<INT>();
    let two = |arguments: &mut [&mut Dynamic]| -> (INT, INT) {
        (arguments[0].as_int().unwrap_or(0), arguments[1].as_int().unwrap_or(0))
    };
    let divide = move |arguments: &mut [&mut Dynamic]| {
        let (a, b) = two(arguments);
        Dynamic::from(a as f64 / b as f64)
    };
    let power = move |arguments: &mut [&mut Dynamic]| {
        let (a, b) = two(arguments);
        match u32::try_from(b).ok().and_then(|b| a.checked_pow(b)) {
            Some(whole) => Dynamic::from(whole),
            None => Dynamic::from((a as f64).powf(b as f64)),
        }
    };
    add(module, "/", &[int, int], move |arguments| Ok(divide(arguments)));
    add(module, "**", &[int, int], move |arguments| Ok(power(arguments)));
    assign(module, "/=", move |arguments| divide(arguments));
    assign(module, "**=", move |arguments| power(arguments));
}

/// An assignment operator of two whole numbers that may give a real one.
fn assign(module: &mut Module, name: &str, body: impl Fn(&mut [&mut Dynamic]) -> Dynamic + Send + Sync + 'static) {
    let int = TypeId::of::<INT>();
    let method = move |_: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| -> Outcome {
        *arguments[0] = body(arguments);
        Ok(Dynamic::UNIT)
    };
    let function = RhaiFunc::Method { func: Arc::new(method), has_context: false, is_pure: false, is_volatile: false };
    FuncRegistration::new(name).in_global_namespace().set_into_module_raw(module, [int, int], function);
}

/// Element by element; a number goes with every element.
fn combine(operator: &'static str, left: &Dynamic, right: &Dynamic) -> Outcome {
    let apply = |a: f64, b: f64| match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        _ => a.powf(b),
    };
    let matrices = (matrix_of(left), matrix_of(right));
    match (matrices, number(left), number(right)) {
        ((Some(a), Some(b)), ..) => {
            if (a.rows, a.columns) != (b.rows, b.columns) {
                let message = format!(
                    "{operator} needs matrices of equal shape, found {} × {} and {} × {}",
                    a.rows, a.columns, b.rows, b.columns
                );
                return Err(raise(Error::shape(message), ""));
            }
            let data = a.data.iter().zip(&b.data).map(|(a, b)| apply(*a, *b)).collect();
            return Ok(matrix_value(a.rows, a.columns, data));
        }
        ((Some(a), None), _, Some(b)) => {
            return Ok(matrix_value(a.rows, a.columns, a.data.iter().map(|a| apply(*a, b)).collect()));
        }
        ((None, Some(b)), Some(a), _) => {
            return Ok(matrix_value(b.rows, b.columns, b.data.iter().map(|b| apply(a, *b)).collect()));
        }
        _ => {}
    }
    let result: Vec<f64> = match (numbers(left), numbers(right), number(left), number(right)) {
        (Some(a), Some(b), ..) => {
            if a.len() != b.len() {
                let message = format!("{operator} needs vectors of equal length, found {} and {}", a.len(), b.len());
                return Err(raise(Error::shape(message), ""));
            }
            a.iter().zip(&b).map(|(a, b)| apply(*a, *b)).collect()
        }
        (Some(a), _, _, Some(b)) => a.iter().map(|a| apply(*a, b)).collect(),
        (_, Some(b), Some(a), _) => b.iter().map(|b| apply(a, *b)).collect(),
        _ => return Err(raise(Error::new(Kind::Type, format!("{operator} needs numbers on both sides")), "")),
    };
    Ok(Dynamic::from(Vector::new(result)))
}

fn matrix_of(value: &Dynamic) -> Option<Arc<Matrix>> {
    value.read_lock::<MatrixValue>().map(|m| m.0.clone())
}

fn matrix_value(rows: usize, columns: usize, data: Vec<f64>) -> Dynamic {
    Dynamic::from(MatrixValue(Arc::new(Matrix::from_rows(rows, columns, data))))
}

fn row(matrix: &Matrix, i: usize) -> Dynamic {
    Dynamic::from(Vector::new(matrix.row(i).to_vec()))
}

/// Whether two vectors, matrices or arrays of such hold the same numbers.
fn equal(left: &Dynamic, right: &Dynamic) -> bool {
    let rows = |value: &Dynamic| -> Option<Vec<Vec<f64>>> {
        if let Some(m) = matrix_of(value) {
            return Some((0..m.rows).map(|i| m.row(i).to_vec()).collect());
        }
        value.read_lock::<Array>().and_then(|array| array.iter().map(numbers).collect())
    };
    match (numbers(left), numbers(right)) {
        (Some(a), Some(b)) => a == b,
        _ => matches!((rows(left), rows(right)), (Some(a), Some(b)) if a == b),
    }
}

/// The place that an index means; negative ones count from the end.
pub(super) fn place(what: &str, len: usize, index: INT) -> std::result::Result<usize, Box<EvalAltResult>> {
    let from_start = if index < 0 { index.saturating_add(len as INT) } else { index };
    match usize::try_from(from_start) {
        Ok(i) if i < len => Ok(i),
        _ => Err(raise(index_error(what, len, index), "")),
    }
}

/// The half-open range that a slice means, within the length.
pub(super) fn span(
    what: &str,
    len: usize,
    from: INT,
    to: INT,
) -> std::result::Result<std::ops::Range<usize>, Box<EvalAltResult>> {
    if from < 0 || to < from || to > len as INT {
        let message =
            format!("the slice {from}..{to} does not lie within {} of {len} elements", super::convert::with_article(what));
        return Err(raise(Error::value(message).hint(format!("it goes from 0 to {len}")), ""));
    }
    Ok(from as usize..to as usize)
}

fn indexing(module: &mut Module) {
    let vector = TypeId::of::<Vector>();
    let matrix = TypeId::of::<MatrixValue>();
    let (int, any) = (TypeId::of::<INT>(), TypeId::of::<Dynamic>());
    let (range, closed) = (TypeId::of::<std::ops::Range<INT>>(), TypeId::of::<std::ops::RangeInclusive<INT>>());
    add(module, "index$get$", &[vector, int], |arguments| {
        let v = arguments[0].read_lock::<Vector>().ok_or("no vector")?;
        Ok(v.element(place("vector", v.data.len(), arguments[1].as_int()?)?))
    });
    add(module, "index$get$", &[matrix, int], |arguments| {
        let m = matrix_of(arguments[0]).ok_or("no matrix")?;
        Ok(row(&m, place("matrix", m.rows, arguments[1].as_int()?)?))
    });
    for kind in [range, closed] {
        add(module, "index$get$", &[vector, kind], |arguments| {
            let v = arguments[0].read_lock::<Vector>().ok_or("no vector")?;
            let (from, to) = ends(arguments[1]);
            let part = span("vector", v.data.len(), from, to.unwrap_or(v.data.len() as INT))?;
            Ok(Dynamic::from(Vector { data: v.data[part].into(), whole: v.whole }))
        });
        add(module, "index$get$", &[matrix, kind], |arguments| {
            let m = matrix_of(arguments[0]).ok_or("no matrix")?;
            let (from, to) = ends(arguments[1]);
            let part = span("matrix", m.rows, from, to.unwrap_or(m.rows as INT))?;
            let data = m.data[part.start * m.columns..part.end * m.columns].to_vec();
            Ok(matrix_value(part.len(), m.columns, data))
        });
    }
    let set_element = |arguments: &mut [&mut Dynamic]| -> Outcome {
        let index = arguments[1].as_int()?;
        let Some(value) = number(arguments[2]) else {
            let found = match arguments[2].as_immutable_string_ref() {
                Ok(text) => format!("the text {:?}", text.as_str()),
                Err(_) => super::values::plain_text(arguments[2], &|v| v.to_string()),
            };
            let message = format!("an element of a vector must be a number, found {found}");
            return Err(raise(Error::new(Kind::Type, message), ""));
        };
        let mut v = arguments[0].write_lock::<Vector>().ok_or("no vector")?;
        let i = place("vector", v.data.len(), index)?;
        Arc::make_mut(&mut v.data)[i] = value;
        v.whole &= value.fract() == 0.0;
        Ok(Dynamic::UNIT)
    };
    let set_row = |arguments: &mut [&mut Dynamic]| -> Outcome {
        let index = arguments[1].as_int()?;
        let Some(new) = numbers(arguments[2]) else {
            return Err(raise(Error::new(Kind::Type, "a row of a matrix must be a vector or an array of numbers"), ""));
        };
        let mut m = arguments[0].write_lock::<MatrixValue>().ok_or("no matrix")?;
        let i = place("matrix", m.0.rows, index)?;
        if new.len() != m.0.columns {
            let message = format!("a row of this matrix has {} numbers, found {}", m.0.columns, new.len());
            return Err(raise(Error::shape(message), ""));
        }
        Arc::make_mut(&mut m.0).row_mut(i).copy_from_slice(&new);
        Ok(Dynamic::UNIT)
    };
    for (kind, set) in [(vector, set_element as fn(&mut [&mut Dynamic]) -> Outcome), (matrix, set_row)] {
        let method = move |_: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| set(arguments);
        let function = RhaiFunc::Method { func: Arc::new(method), has_context: false, is_pure: false, is_volatile: false };
        FuncRegistration::new("index$set$").in_global_namespace().set_into_module_raw(module, [kind, int, any], function);
    }
}

/// Begin and end of a range; `None` for an open end.
pub(super) fn ends(range: &Dynamic) -> (INT, Option<INT>) {
    if let Some(r) = range.read_lock::<std::ops::Range<INT>>() {
        return (r.start, (r.end != INT::MAX).then_some(r.end));
    }
    match range.read_lock::<std::ops::RangeInclusive<INT>>() {
        Some(r) => (*r.start(), Some(r.end().saturating_add(1))),
        None => (0, None),
    }
}
