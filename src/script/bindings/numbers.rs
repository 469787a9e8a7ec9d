//! Elementary functions: of whole and real numbers, and of every element of a vector or matrix; numbers as text.

use crate::base::Result;
use crate::math::Matrix;
use crate::script::api::{Arguments, Dynamic, IntoValue, MatrixValue, Native, Vector};
use crate::script::convert::{integer, number};
use crate::script::traced;

const NUMBERS: &str = "Numbers";

/// Functions of one number: name, sentence, function, example.
type Elementary = (&'static str, &'static str, fn(f64) -> f64, &'static str, &'static str);

const ELEMENTARY: &[Elementary] = &[
    ("sqrt", "The square root.", f64::sqrt, "sqrt(16)", "4.0"),
    ("exp", "e to the power x.", f64::exp, "exp(0)", "1.0"),
    ("ln", "The natural logarithm.", f64::ln, "ln(1)", "0.0"),
    ("sin", "The sine of an angle in radians.", f64::sin, "sin(0)", "0.0"),
    ("cos", "The cosine of an angle in radians.", f64::cos, "cos(0)", "1.0"),
    ("tan", "The tangent of an angle in radians.", f64::tan, "tan(0)", "0.0"),
    ("asin", "The angle whose sine is x.", f64::asin, "asin(0)", "0.0"),
    ("acos", "The angle whose cosine is x.", f64::acos, "acos(1)", "0.0"),
    ("sinh", "The hyperbolic sine.", f64::sinh, "sinh(0)", "0.0"),
    ("cosh", "The hyperbolic cosine.", f64::cosh, "cosh(0)", "1.0"),
    ("tanh", "The hyperbolic tangent.", f64::tanh, "tanh(0)", "0.0"),
    ("asinh", "The inverse of the hyperbolic sine.", f64::asinh, "asinh(0)", "0.0"),
    ("acosh", "The inverse of the hyperbolic cosine.", f64::acosh, "acosh(1)", "0.0"),
    ("atanh", "The inverse of the hyperbolic tangent.", f64::atanh, "atanh(0)", "0.0"),
];

/// Functions that leave whole numbers whole.
const ROUNDING: &[Elementary] = &[
    ("round", "The nearest whole number, halves away from zero.", f64::round, "round(2.5)", "3.0"),
    ("floor", "The largest whole number not above x.", f64::floor, "floor(2.7)", "2.0"),
    ("ceiling", "The smallest whole number not below x.", f64::ceil, "ceiling(2.1)", "3.0"),
    ("abs", "The size without the sign.", f64::abs, "abs(-3)", "3"),
];

/// Functions.
pub fn natives() -> Vec<Native> {
    let one = |(name, summary, function, example, expected): &Elementary, whole: bool| {
        let (name, function) = (*name, *function);
        Native::new(name, *summary)
            .group(NUMBERS)
            .takes("x", "a number, a vector or a matrix", "Where; for a vector or matrix every element.")
            .returns("a number, a vector or a matrix")
            .example(example, expected, 1e-15)
            .run(move |_, args| apply(name, &args, function, whole))
    };
    let mut all: Vec<Native> = ELEMENTARY.iter().map(|e| one(e, false)).collect();
    all.extend(ROUNDING.iter().map(|e| one(e, true)));
    all.extend([
        Native::new("atan", "The angle whose tangent is x; with two numbers that of the point (x, y) as in the rest of Rhai.")
            .group(NUMBERS)
            .takes("x", "a number, a vector or a matrix", "The tangent, or the abscissa.")
            .takes_optional("y", "a number", "The ordinate.")
            .example("atan(0)", "0.0", 0.0)
            .example("atan(1, 1)", "0.7853981633974483", 1e-15)
            .run(|_, args| match args.has(1) {
                true => two("atan", &args, f64::atan2),
                false => apply("atan", &args, f64::atan, false),
            }),
        Native::new("log", "The logarithm to base 10, or to another base.")
            .group(NUMBERS)
            .takes("x", "a number, a vector or a matrix", "Where.")
            .takes_optional("base", "a number", "The base.")
            .example("log(1000)", "3.0", 1e-14)
            .example("log(8, 2)", "3.0", 1e-14)
            .run(|_, args| match args.has(1) {
                true => two("log", &args, f64::log),
                false => match traced::binary("log", &args.value(0), &10.0.into()) {
                    Some(traced) => traced,
                    None => apply("log", &args, f64::log10, false),
                },
            }),
        Native::new("hypot", "The square root of x² + y².")
            .group(NUMBERS)
            .takes("x", "a number", "")
            .takes("y", "a number", "")
            .example("hypot(3, 4)", "5.0", 1e-15)
            .run(|_, args| two("hypot", &args, f64::hypot)),
        Native::new("min", "The smaller of two numbers.")
            .group(NUMBERS)
            .takes("a", "a number", "")
            .takes("b", "a number", "")
            .example("min(2, 1.5)", "1.5", 0.0)
            .run(|_, args| Ok(smaller("min", &args)?.0)),
        Native::new("max", "The larger of two numbers.")
            .group(NUMBERS)
            .takes("a", "a number", "")
            .takes("b", "a number", "")
            .example("max(2, 1.5)", "2", 0.0)
            .run(|_, args| Ok(smaller("max", &args)?.1)),
        Native::new("fixed", "A number as text with so many digits after the point; NaN is a dash.")
            .group(NUMBERS)
            .takes("x", "a number", "What to write.")
            .takes("digits", "a whole number from 0 to 30", "Digits after the point.")
            .returns("text")
            .example("fixed(0.75, 3)", "\"0.750\"", 0.0)
            .example("fixed(2.5e3, 0)", "\"2500\"", 0.0)
            .run(|_, args| {
                let (x, digits) = (args.real(0)?, args.whole(1)?);
                if digits > 30 {
                    return Err(args.bad(1, "a whole number from 0 to 30"));
                }
                Ok(if x.is_nan() { "–".to_string() } else { format!("{x:.digits$}") })
            }),
        Native::new("to_int", "The whole number, the fraction cut off.")
            .group(NUMBERS)
            .takes("x", "a number", "")
            .example("to_int(3)", "3", 0.0)
            .run(|_, args| match integer(&args.value(0)) {
                Some(whole) => Ok(whole),
                None => Ok(args.real(0)?.trunc() as i64),
            }),
    ]);
    all
}

/// The function of a number or of every element; `whole` functions give whole numbers for whole numbers.
fn apply(name: &str, args: &Arguments, function: fn(f64) -> f64, whole: bool) -> Result<Dynamic> {
    let value = args.value(0);
    if let Some(traced) = traced::unary(name, &value) {
        return traced;
    }
    if let (true, Ok(v)) = (whole, value.as_int()) {
        return Ok((function(v as f64) as i64).into());
    }
    if let Some(x) = number(&value) {
        return Ok(function(x).into());
    }
    if let Some(vector) = args.try_handle::<Vector>(0) {
        return Ok(vector.data.iter().map(|x| function(*x)).collect::<Vec<f64>>().into_value());
    }
    if let Some(matrix) = args.try_handle::<MatrixValue>(0) {
        let data = matrix.0.data.iter().map(|x| function(*x)).collect();
        return Ok(Matrix::from_rows(matrix.0.rows, matrix.0.columns, data).into_value());
    }
    Err(args.wrong(0, "a number, a vector or a matrix"))
}

/// The function of two numbers.
fn two(name: &str, args: &Arguments, function: fn(f64, f64) -> f64) -> Result<Dynamic> {
    match traced::binary(name, &args.value(0), &args.value(1)) {
        Some(traced) => traced,
        None => Ok(function(args.real(0)?, args.real(1)?).into()),
    }
}

/// Two numbers in order; each keeps its type. NaN is passed over, as Rust's `f64::min` does.
fn smaller(name: &str, args: &Arguments) -> Result<(Dynamic, Dynamic)> {
    if let Some(traced) = traced::binary(name, &args.value(0), &args.value(1)) {
        return traced.map(|value| (value.clone(), value));
    }
    let (a, b) = (args.real(0)?, args.real(1)?);
    let (left, right) = (args.value(0), args.value(1));
    if a.is_nan() {
        return Ok((right.clone(), right));
    }
    if b.is_nan() {
        return Ok((left.clone(), left));
    }
    Ok(if a <= b { (left, right) } else { (right, left) })
}
