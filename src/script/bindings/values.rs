//! Vectors, matrices, tables, saving, as scripts see them.

use crate::base::{Error, Kind, Result};
use crate::data::table::{Column, Table as Columns};
use crate::data::write;
use crate::math::Matrix;
use crate::math::matrix::{dot, norm};
use crate::math::statistics;
use crate::script::api::{Arguments, Call, Dynamic, IntoValue, MatrixValue, Native, Object, Table, Type, Vector};
use crate::script::convert::{integer, number, numbers};
use crate::script::errors::{Raised, index_error};
use crate::script::json::to_json;
use crate::script::traced;
use rhai::{Array, Map};
use std::sync::Arc;

const VALUES: &str = "Values";
const NUMBERS: &str = "a vector or an array of numbers";

/// Functions and methods.
pub fn natives() -> Vec<Native> {
    let mut all = makers();
    all.extend(sums());
    all.extend(sequences());
    all.extend(matrices());
    all
}

fn makers() -> Vec<Native> {
    vec![
        Native::new("vector", "Makes a native vector of f64 numbers.")
            .group(VALUES)
            .takes("values", NUMBERS, "The numbers.")
            .returns("a vector")
            .example("vector([3, 4]).norm()", "5.0", 1e-15)
            .example("vector([1, 2]) + 0.5", "[1.5, 2.5]", 0.0)
            .run(|_, args| args.vector(0)),
        Native::new("matrix", "Makes a native matrix of f64 numbers.")
            .group(VALUES)
            .takes("rows", "an array of rows of equal length", "The numbers, row by row.")
            .returns("a matrix")
            .example("matrix([[1, 2], [3, 4]])[1][0]", "3.0", 0.0)
            .run(|_, args| args.matrix(0)),
        Native::new("zeros", "A vector, or with two numbers a matrix, of zeros.")
            .group(VALUES)
            .takes("rows", "a whole number", "Number of elements, or of rows.")
            .takes_optional("columns", "a whole number", "Number of columns.")
            .returns("a vector or a matrix")
            .example("zeros(3).len", "3", 0.0)
            .example("zeros(2, 3).columns", "3", 0.0)
            .run(|_, args| {
                let rows = size(&args, 0)?;
                if !args.has(1) {
                    return Ok(vec![0.0; rows].into_value());
                }
                let columns = size(&args, 1)?;
                limited(rows.saturating_mul(columns))?;
                Ok(Matrix::zeros(rows, columns).into_value())
            }),
        Native::new(
            "table",
            "Makes a table of columns of equal length; they come in alphabetical order unless another is given.",
        )
        .group(VALUES)
        .takes("columns", "a map of columns", "Arrays or vectors under their names.")
        .takes_optional("first", "an array of names", "The columns that come first, in this order.")
        .returns("a table: each column is a field")
        .example("table(#{a: [1, 2], b: [0.5, 0.7]}).b", "[0.5, 0.7]", 0.0)
        .example("table(#{a: [1, 2], name: [\"x\", \"y\"]}).len", "2", 0.0)
        .example(
            "table(#{b: [1], a: [2]}, [\"b\"]).save(\"FOLDER/b_a.csv\"); load_csv(\"FOLDER/b_a.csv\", #{target: ()}).inputs[0]",
            "[1.0, 2.0]",
            0.0,
        )
        .run(|_, args| {
            let columns = args.map(0)?.into_iter().map(|(name, value)| Ok((name.to_string(), column(&name, &value)?)));
            let mut columns = columns.collect::<Result<Vec<_>>>()?;
            let first = if args.has(1) { args.texts(1)? } else { Vec::new() };
            columns.sort_by_key(|(name, _)| first.iter().position(|f| f == name).unwrap_or(first.len()));
            Columns::new(columns)
        }),
        Native::new("save", "Writes a value to a file; the ending decides: .csv, .csv.gz, .npy, .npz, .json.")
            .group(VALUES)
            .takes("value", "a vector, a matrix, a table or, for .json, anything", "What to write.")
            .takes("path", "the path of a file", "Where.")
            .run(save),
        Native::method("table", "save", "Writes the table to a file by its ending: .csv, .csv.gz, .npy, .npz, .json.")
            .on("vector")
            .on("matrix")
            .on("array")
            .on("map")
            .takes("path", "the path of a file", "Where.")
            .run(save),
        Native::method("table", "show", "Prints the table.").run(|call, args| {
            call.print(&args.handle::<Table>(0)?.0.show());
            Ok(())
        }),
    ]
}

fn save(call: &Call, args: Arguments) -> Result<()> {
    let path = args.path(1)?;
    call.may_write(&path)?;
    let value = args.value(0);
    if let Some(table) = args.try_handle::<Table>(0) {
        return write::save_table(&table.0, &path);
    }
    if let Some(matrix) = args.try_handle::<MatrixValue>(0) {
        return write::save_matrix(&matrix.0, &path);
    }
    let is_json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    if !is_json && let Some(vector) = numbers(&value) {
        return write::save_vector(&vector, &path);
    }
    if !is_json && value.is_array() {
        return write::save_matrix(&*args.matrix(0)?, &path);
    }
    write::save_json(&to_json(&value, call.catalogue()), &path)
}

fn column(name: &str, value: &Dynamic) -> Result<Column> {
    if let Some(vector) = value.read_lock::<Vector>() {
        let whole = || vector.data.iter().map(|v| *v as i64).collect();
        return Ok(if vector.whole { Column::Integers(whole()) } else { Column::Numbers(vector.data.to_vec()) });
    }
    let wrong = || {
        Error::new(
            Kind::Type,
            format!("table: column `{name}` must be an array of numbers or of texts, found {}", value.type_name()),
        )
        .at("columns")
    };
    let array = value.read_lock::<Array>().ok_or_else(wrong)?;
    if array.iter().all(|v| v.is_int()) {
        return Ok(Column::Integers(array.iter().filter_map(integer).collect()));
    }
    if let Some(values) = array.iter().map(number).collect() {
        return Ok(Column::Numbers(values));
    }
    let texts: Option<Vec<String>> = array.iter().map(|v| v.clone().into_string().ok()).collect();
    texts.map(Column::Texts).ok_or_else(wrong)
}

/// A vector of this many numbers would not fit.
fn limited(count: usize) -> Result<()> {
    const MOST: usize = 1 << 30;
    if count > MOST {
        return Err(Error::new(Kind::Limit, format!("{count} numbers are more than a value may hold ({MOST})")));
    }
    Ok(())
}

fn size(args: &Arguments, k: usize) -> Result<usize> {
    let size = args.whole(k)?;
    limited(size).map(|()| size)
}

/// A method of vectors and arrays of numbers.
fn of_numbers(name: &'static str, summary: &'static str) -> Native {
    Native::method("vector", name, summary).on("array").on("traced vector").group(VALUES)
}

/// The result for traced numbers, or that for plain ones.
fn total(name: &str, args: &Arguments, plain: impl FnOnce() -> Result<f64>) -> Result<Dynamic> {
    match traced::total(name, args) {
        Some(traced) => traced,
        None => plain().map(Dynamic::from),
    }
}

fn not_empty(args: &Arguments) -> Result<Arc<[f64]>> {
    let values = args.vector(0)?;
    if values.is_empty() { Err(Error::value("there are no numbers")) } else { Ok(values) }
}

fn sums() -> Vec<Native> {
    vec![
        of_numbers("sum", "The sum of the numbers.")
            .returns("a number")
            .example("vector([1, 2, 3.5]).sum()", "6.5", 1e-15)
            .run(|_, args| total("sum", &args, || Ok(args.vector(0)?.iter().sum::<f64>()))),
        of_numbers("mean", "The mean of the numbers.")
            .returns("a number")
            .example("[1, 2, 6].mean()", "3.0", 1e-15)
            .run(|_, args| total("mean", &args, || Ok(statistics::mean(&not_empty(&args)?)))),
        of_numbers("variance", "The population variance: the mean squared deviation from the mean.")
            .returns("a number")
            .example("vector([1, 3]).variance()", "1.0", 1e-15)
            .run(|_, args| Ok(statistics::variance(&not_empty(&args)?))),
        of_numbers("standard_deviation", "The square root of the population variance.")
            .returns("a number")
            .example("vector([1, 3]).standard_deviation()", "1.0", 1e-15)
            .run(|_, args| Ok(statistics::variance(&not_empty(&args)?).sqrt())),
        of_numbers("median", "The middle of the ordered numbers.")
            .returns("a number")
            .example("vector([5, 1, 2]).median()", "2.0", 1e-15)
            .run(|_, args| Ok(statistics::median(&not_empty(&args)?))),
        of_numbers("min", "The smallest number; NaN is passed over.")
            .returns("a number")
            .example("vector([3, 1, 2]).min()", "1.0", 0.0)
            .run(|_, args| total("min", &args, || Ok(not_empty(&args)?.iter().copied().fold(f64::NAN, f64::min)))),
        of_numbers("max", "The largest number; NaN is passed over.")
            .returns("a number")
            .example("vector([3, 1, 2]).max()", "3.0", 0.0)
            .run(|_, args| total("max", &args, || Ok(not_empty(&args)?.iter().copied().fold(f64::NAN, f64::max)))),
        of_numbers("norm", "The Euclidean length.")
            .returns("a number")
            .example("[3, 4].norm()", "5.0", 1e-15)
            .run(|_, args| total("norm", &args, || Ok(norm(&args.vector(0)?)))),
        of_numbers("dot", "The scalar product with another vector.")
            .takes("other", NUMBERS, "As many numbers.")
            .returns("a number")
            .example("vector([1, 2]).dot([3, 4])", "11.0", 1e-15)
            .run(|_, args| {
                total("dot", &args, || {
                    let (a, b) = (args.vector(0)?, args.vector(1)?);
                    if a.len() != b.len() {
                        let message = format!("dot needs vectors of equal length, found {} and {}", a.len(), b.len());
                        return Err(Error::shape(message).at("other"));
                    }
                    Ok(dot(&a, &b))
                })
            }),
    ]
}

fn sequences() -> Vec<Native> {
    vec![
        Native::method(
            "vector",
            "map",
            "Applies a closure to every number; numbers come back as a vector, anything else as an array.",
        )
        .group(VALUES)
        .takes("f", "a closure", "What to apply.")
        .returns("a vector or an array")
        .example("vector([1, 2]).map(|x| x * x)", "[1.0, 4.0]", 0.0)
        .run(|call, args| {
            let (vector, f) = (args.handle::<Vector>(0)?, args.closure(1)?);
            let mapped: Vec<Dynamic> =
                (0..vector.data.len()).map(|i| call.closure(&f, [vector.element(i)])).collect::<Result<_>>()?;
            match mapped.iter().map(number).collect::<Option<Vec<f64>>>() {
                Some(numbers) => Ok(numbers.into_value()),
                None => Ok(mapped.into_value()),
            }
        }),
        Native::method("vector", "filter", "The numbers for which a closure is true.")
            .group(VALUES)
            .takes("f", "a closure", "The condition.")
            .returns("a vector")
            .example("vector([1, 5, 2]).filter(|x| x > 1)", "[5.0, 2.0]", 0.0)
            .run(|call, args| {
                let (vector, f) = (args.handle::<Vector>(0)?, args.closure(1)?);
                let mut kept = Vec::new();
                for i in 0..vector.data.len() {
                    if call.truth(&f, [vector.element(i)])? {
                        kept.push(vector.data[i]);
                    }
                }
                Ok(Vector { data: kept.into(), whole: vector.whole })
            }),
        Native::method("vector", "all", "Whether a closure is true for every number.")
            .group(VALUES)
            .takes("f", "a closure", "The condition.")
            .example("vector([1, 5]).all(|x| x > 0)", "true", 0.0)
            .run(|call, args| {
                let (vector, f) = (args.handle::<Vector>(0)?, args.closure(1)?);
                for i in 0..vector.data.len() {
                    if !call.truth(&f, [vector.element(i)])? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }),
        Native::method("vector", "some", "Whether a closure is true for any number.")
            .group(VALUES)
            .takes("f", "a closure", "The condition.")
            .example("vector([1, 5]).some(|x| x > 4)", "true", 0.0)
            .run(|call, args| {
                let (vector, f) = (args.handle::<Vector>(0)?, args.closure(1)?);
                for i in 0..vector.data.len() {
                    if call.truth(&f, [vector.element(i)])? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }),
        Native::method("vector", "contains", "Whether the number is among them.")
            .group(VALUES)
            .takes("value", "a number", "What to look for.")
            .example("vector([1, 5]).contains(5)", "true", 0.0)
            .run(|_, args| {
                let value = args.real(1)?;
                Ok(args.vector(0)?.contains(&value))
            }),
        Native::method("vector", "to_array", "The numbers as an array.")
            .group(VALUES)
            .example("vector([1, 2]).to_array().len()", "2", 0.0)
            .run(|_, args| Ok(args.handle::<Vector>(0)?.elements())),
        Native::method("array", "to_array", "The array itself.").group(VALUES).run(|_, args| args.array(0)),
        Native::method("vector", "sorted", "The numbers in rising order; NaN stands last.")
            .on("array")
            .group(VALUES)
            .example("vector([3, 1, 2]).sorted()", "[1.0, 2.0, 3.0]", 0.0)
            .run(|_, args| {
                let mut values = args.vector(0)?.to_vec();
                values.sort_by(f64::total_cmp);
                Ok(values)
            }),
    ]
}

fn matrices() -> Vec<Native> {
    vec![
        Native::method("matrix", "row", "One row as a vector; m[i] is the same.")
            .takes("i", "a whole number", "Index from 0.")
            .example("matrix([[1, 2], [3, 4]]).row(1)", "[3.0, 4.0]", 0.0)
            .run(|_, args| {
                let m = args.matrix(0)?;
                Ok(m.row(index("matrix", m.rows, args.integer(1)?)?).to_vec())
            }),
        Native::method("matrix", "column", "One column as a vector.")
            .takes("j", "a whole number", "Index from 0.")
            .example("matrix([[1, 2], [3, 4]]).column(1)", "[2.0, 4.0]", 0.0)
            .run(|_, args| {
                let m = args.matrix(0)?;
                Ok(m.column(index("matrix row", m.columns, args.integer(1)?)?))
            }),
        Native::method("matrix", "transpose", "Rows become columns.")
            .example("matrix([[1, 2], [3, 4]]).transpose()[0]", "[1.0, 3.0]", 0.0)
            .run(|_, args| Ok(args.matrix(0)?.transpose())),
        Native::method("matrix", "dot", "The product with a vector or a matrix.")
            .takes("other", "a vector or a matrix", "As many rows as this has columns.")
            .returns("a vector or a matrix")
            .example("matrix([[1, 2], [3, 4]]).dot([1, 1])", "[3.0, 7.0]", 1e-15)
            .example("matrix([[1, 2], [3, 4]]).dot(matrix([[0, 1], [1, 0]]))[0]", "[2.0, 1.0]", 1e-15)
            .run(|_, args| {
                let a = args.matrix(0)?;
                if let Some(traced) = traced::matrix_dot(&a, &args.value(1)) {
                    return traced;
                }
                let fits = |rows: usize| match rows == a.columns {
                    true => Ok(()),
                    false => {
                        Err(Error::shape(format!("dot: the matrix has {} columns, the other {rows} rows", a.columns)).at("other"))
                    }
                };
                if let Some(v) = numbers(&args.value(1)) {
                    fits(v.len())?;
                    return Ok((0..a.rows).map(|i| dot(a.row(i), &v)).collect::<Vec<f64>>().into_value());
                }
                let b = args.matrix(1)?;
                fits(b.rows)?;
                let columns = b.transpose();
                let mut product = Matrix::zeros(a.rows, b.columns);
                for i in 0..a.rows {
                    for j in 0..b.columns {
                        product[(i, j)] = dot(a.row(i), columns.row(j));
                    }
                }
                Ok(product.into_value())
            }),
        Native::method("matrix", "to_array", "The rows as arrays.").run(|_, args| {
            let m = args.matrix(0)?;
            Ok((0..m.rows).map(|i| m.row(i).iter().copied().map(Dynamic::from).collect::<Array>().into()).collect::<Array>())
        }),
        Native::method("matrix", "sum", "The sum of all numbers.").run(|_, args| Ok(args.matrix(0)?.data.iter().sum::<f64>())),
    ]
}

fn index(what: &str, len: usize, index: i64) -> Result<usize> {
    usize::try_from(index).ok().filter(|i| *i < len).ok_or_else(|| index_error(what, len, index))
}

/// Types of values.
pub fn types() -> Vec<Type> {
    vec![
        Type::of::<Vector>("Numbers in a row, native and fast; written to, it becomes a copy of its own.")
            .field("len", "How many numbers.", |_, v: &Vector| Ok(v.data.len()))
            .show(Vector::text),
        Type::of::<MatrixValue>("Numbers in rows and columns.")
            .field("rows", "Number of rows.", |_, m: &MatrixValue| Ok(m.0.rows))
            .field("columns", "Number of columns.", |_, m: &MatrixValue| Ok(m.0.columns))
            .field("len", "Number of rows.", |_, m: &MatrixValue| Ok(m.0.rows))
            .show(MatrixValue::text),
        Type::of::<Table>("Columns of equal length; each is a field.")
            .field("len", "Number of rows.", |_, t: &Table| Ok(t.0.len()))
            .field("columns", "Names of the columns.", |_, t: &Table| Ok(t.0.names().map(String::from).collect::<Vec<_>>()))
            .show(|t: &Table| t.0.show()),
        Type::of::<Object>("What a function found: named fields, read only.").field(
            "kind",
            "What it calls itself.",
            |_, o: &Object| Ok(o.kind()),
        ),
        Type::of::<Raised>("A caught error.")
            .field(
                "kind",
                "A word that stays the same: name, type, value, shape, file, format, data, landscape, limit, permission, thrown.",
                |_, e: &Raised| Ok(e.error.kind.name()),
            )
            .field("message", "What was asked and what was found.", |_, e: &Raised| Ok(e.error.message.clone()))
            .field("hint", "What to do, or ().", |_, e: &Raised| Ok(e.error.hint.clone()))
            .field("function", "The function that raised it.", |_, e: &Raised| Ok(e.function.to_string()))
            .show(|e: &Raised| e.error.to_string())
            .json(|e: &Raised| {
                let error = &e.error;
                Map::from([
                    ("kind".into(), error.kind.name().into()),
                    ("message".into(), error.message.clone().into()),
                    ("hint".into(), error.hint.clone().into_value()),
                ])
            }),
    ]
}
