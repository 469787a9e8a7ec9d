//! Collective variables in the script language: what may be given as one, and the variables of a path.

use super::cuts;
use crate::base::{Error, Kind, Result};
use crate::math::Matrix;
use crate::potentials::Potential;
use crate::potentials::path_variable::{PathVariable, evenly};
use crate::script::api::{Arguments, Call, Dynamic, MatrixValue, Native, Object, PotentialHandle, Vector};
use crate::script::called::Called;
use crate::script::convert::numbers;
use crate::script::traced;
use rhai::{Array, FnPtr};
use std::sync::Arc;

/// What a variable may be, in words.
pub const VARIABLE: &str =
    "a closure |x| … that gives one number or two, a Potential whose energy is the variable, or an array of two of these";

crate::options! {
    /// Options of `path_variable`.
    pub struct PathVariableOptions {
        /// Positions that the path is given anew, at equal distances along it.
        images: Option<usize> = None => "the positions as they are", AT_LEAST_TWO, "";
        /// λ: how sharply the nearest position decides.
        lambda: Option<f64> = None => "1.5 / mean squared distance of neighbours", POSITIVE, "1/length²";
    }
}

/// The functions of this part of the language.
pub fn natives() -> Vec<Native> {
    vec![
        Native::new(
            "path_variable",
            "Two collective variables of a path of positions: how far along it a position stands (0 to 1), and about the squared distance from it.",
        )
        .group("Sampling")
        .takes("path", "a matrix or an array of positions, or a value with `positions` such as a band", "Positions in order; for atoms each aligned to the one before.")
        .options::<PathVariableOptions>()
        .returns("progress and distance (Potentials whose energies they are: for free_energy), path (matrix), lambda")
        .example("path_variable([[0, 0], [1, 0], [2, 0]]).progress.energy([1, 0.5])", "0.5", 1e-12)
        .example("let b = dneb(muller_brown(), [-0.558, 1.442], [-0.05, 0.467]); path_variable(b, #{images: 20}).path.rows", "20", 0.0)
        .reference("10.1063/1.2432340")
        .run(|call, mut args| {
            let value = args.value(0);
            let dimension = first_length(&value).ok_or_else(|| {
                args.wrong(0, "a matrix or an array of positions, or a value with `positions`")
            })?;
            let rows = cuts::positions(call, "path", &value, dimension)?;
            let options: PathVariableOptions = args.options()?;
            let given = Matrix::from_rows(rows.len(), dimension, rows.concat());
            let path = match options.images {
                Some(count) if given.rows > 1 => evenly(&given, count),
                _ => given,
            };
            let [progress, distance] = PathVariable::both(path, options.lambda)?;
            let (path, lambda) = (progress.path().clone(), progress.lambda());
            Ok(Object::new("PathVariable")
                .field("progress", Arc::new(progress) as Arc<dyn Potential>)
                .field("distance", Arc::new(distance) as Arc<dyn Potential>)
                .field("path", path)
                .field("lambda", lambda))
        }),
    ]
}

/// The number of coordinates of the first of some positions.
fn first_length(value: &Dynamic) -> Option<usize> {
    if let Some(object) = value.read_lock::<Object>() {
        return match object.get("positions") {
            Some(inner) => first_length(inner),
            None => object.get("position").and_then(numbers).map(|p| p.len()),
        };
    }
    if let Some(matrix) = value.read_lock::<MatrixValue>() {
        return Some(matrix.0.columns);
    }
    let first = value.read_lock::<Array>()?.first()?.clone();
    numbers(&first).map(|p| p.len()).or_else(|| first_length(&first))
}

/// One or two functions of a position.
///
/// Errors: none of the things that a variable may be, more than two.
pub fn functions(call: &Call, args: &Arguments, k: usize, dimension: usize) -> Result<Vec<Arc<dyn Potential>>> {
    let value = args.value(k);
    let all = match value.read_lock::<Array>() {
        Some(array) => {
            let mut all = Vec::new();
            for element in array.iter() {
                all.extend(function(call, element, dimension).unwrap_or_else(|| Err(args.wrong(k, VARIABLE)))?);
            }
            all
        }
        None => function(call, &value, dimension).unwrap_or_else(|| Err(args.wrong(k, VARIABLE)))?,
    };
    if all.is_empty() || all.len() > 2 {
        let message = format!("{}: free energies are of one or two variables, found {}", call.name(), all.len());
        return Err(Error::value(message).at("variable"));
    }
    Ok(all)
}

/// One function of a position from an option.
///
/// Errors: none of the things that a variable may be, two at once.
pub fn single(call: &Call, value: &Dynamic, dimension: usize, option: &str) -> Result<Arc<dyn Potential>> {
    let wrong = || {
        let found = call.catalogue().describe(value);
        let message = format!("{}: option `{option}` takes a closure |x| … or a Potential, found {found}", call.name());
        Error::new(Kind::Type, message).at(option)
    };
    let mut all = function(call, value, dimension).unwrap_or_else(|| Err(wrong()))?;
    if all.len() != 1 {
        return Err(wrong());
    }
    Ok(all.remove(0))
}

/// The functions that a value is; none where it is no closure and no potential.
fn function(call: &Call, value: &Dynamic, dimension: usize) -> Option<Result<Vec<Arc<dyn Potential>>>> {
    if let Some(potential) = value.read_lock::<PotentialHandle>() {
        return Some(Ok(vec![potential.0.clone()]));
    }
    let f = value.clone().try_cast::<FnPtr>()?;
    Some(match traced(call, &f, dimension) {
        Ok(Some(all)) => Ok(all),
        // What cannot be traced is called; mistakes show there as they are.
        _ => Called::new(call, dimension, f).map(|called| vec![Arc::new(called) as Arc<dyn Potential>]),
    })
}

/// The closure as expressions, where it can be traced.
fn traced(call: &Call, f: &FnPtr, dimension: usize) -> Result<Option<Vec<Arc<dyn Potential>>>> {
    let traced = traced::trace_all(dimension, |x| call.closure(f, [x]))?;
    Ok(traced.ok().map(|all| all.into_iter().map(|e| Arc::new(e) as Arc<dyn Potential>).collect()))
}

/// The values of one or two variables at rows of positions, and the functions they come from where they are known as such.
pub type Values = (Vec<Vec<f64>>, Vec<Arc<dyn Potential>>);

/// Values at every row: of functions, or given as they are (a vector, a matrix of one or two columns, or an array of two vectors).
///
/// Errors: a number of values that is not that of the rows, what a closure throws, values that are no numbers.
pub fn values(call: &Call, args: &Arguments, k: usize, rows: &Matrix) -> Result<Values> {
    let value = args.value(k);
    let count = rows.rows;
    let check = |columns: Vec<Vec<f64>>| match columns.iter().find(|c| c.len() != count) {
        Some(wrong) => {
            let message =
                format!("{}: the samples have {count} rows, but {} values of the variable were given", call.name(), wrong.len());
            Err(Error::shape(message).hint("give one value for each row, walker after walker").at("variable"))
        }
        None => Ok((columns, Vec::new())),
    };
    if let Some(column) = numbers(&value) {
        return check(vec![column]);
    }
    if let Some(matrix) = value.read_lock::<MatrixValue>() {
        if matrix.0.columns == 0 || matrix.0.columns > 2 {
            return Err(Error::shape(format!("{}: values need one or two columns, found {}", call.name(), matrix.0.columns))
                .at("variable"));
        }
        return check((0..matrix.0.columns).map(|j| matrix.0.column(j)).collect());
    }
    if let Some(array) = value.read_lock::<Array>() {
        let columns: Option<Vec<Vec<f64>>> = array.iter().map(numbers).collect();
        if let Some(columns) = columns.filter(|c| c.len() == 2) {
            return check(columns);
        }
    }
    if let Some(f) = value.clone().try_cast::<FnPtr>() {
        return match traced(call, &f, rows.columns) {
            Ok(Some(all)) if all.len() <= 2 => evaluated(call, all, rows),
            _ => each(call, &f, rows).map(|columns| (columns, Vec::new())),
        };
    }
    let all = functions(call, args, k, rows.columns)?;
    evaluated(call, all, rows)
}

fn evaluated(call: &Call, functions: Vec<Arc<dyn Potential>>, rows: &Matrix) -> Result<Values> {
    Ok((crate::analysis::free_energy::values_at(call.run(), &functions, rows)?, functions))
}

/// Calls a closure at every row.
fn each(call: &Call, f: &FnPtr, rows: &Matrix) -> Result<Vec<Vec<f64>>> {
    let mut columns: Vec<Vec<f64>> = Vec::new();
    let task = call.run().task("free_energy", Some(rows.rows as u64));
    for row in 0..rows.rows {
        let given = call.closure(f, [Dynamic::from(Vector::new(rows.row(row).to_vec()))])?;
        let found = crate::script::convert::number(&given).map(|v| vec![v]).or_else(|| numbers(&given));
        let wanted = if row == 0 { 1..=2 } else { columns.len()..=columns.len() };
        let Some(found) = found.filter(|v| wanted.contains(&v.len())) else {
            let found = call.catalogue().describe(&given);
            let message = format!("{}: the variable must give one number or two, found {found} at row {row}", call.name());
            return Err(Error::new(Kind::Type, message).at("variable"));
        };
        columns.resize(found.len(), Vec::with_capacity(rows.rows));
        columns.iter_mut().zip(found).for_each(|(c, v)| c.push(v));
        task.tick(1, String::new)?;
    }
    Ok(columns)
}
