//! Data sets in the language: readers, generators, parts.

use crate::base::{Error, Kind, Result};
use crate::data::csv::{CsvOptions, classes_of_words, load_csv};
use crate::data::generators::{
    GaussianMixtureOptions, SpiralsOptions, TeacherStudentOptions, TwoCirclesOptions, TwoClustersOptions, XorOptions,
    gaussian_mixture, spirals, teacher_student, two_circles, two_clusters, xor,
};
use crate::data::idx::{IdxOptions, ImageSetOptions, load_idx, load_mnist};
use crate::data::npy::{Array, Values, dataset_of_arrays, load_npz, read_npy};
use crate::data::parts::{DrawOptions, StandardiseOptions};
use crate::data::{Dataset, Targets};
use crate::math::Matrix;
use crate::script::api::{Arguments, Call, Dynamic, IntoValue, Native, Object, Type, Vector};
use std::path::Path;

crate::handle!(Dataset, "Dataset");

/// The types of this part of the language.
pub fn types() -> Vec<Type> {
    vec![
        Type::of::<Dataset>("Inputs, and the class or the values that belong to each item.")
            .field("len", "Number of items.", |_, data: &Dataset| Ok(data.len()))
            .field("inputs", "The inputs, a row for each item.", |_, data: &Dataset| Ok(data.inputs.clone()))
            .field(
                "targets",
                "The class number of each item; real targets as a vector, or a matrix where there are several; () without.",
                |_, data: &Dataset| Ok(targets(data)),
            )
            .field("classes", "Number of classes; 0 for real targets.", |_, data: &Dataset| Ok(data.classes()))
            .field("class_names", "Names of the classes, by number.", |_, data: &Dataset| Ok(data.class_names().to_vec()))
            .field("class_counts", "Number of items of each class.", |_, data: &Dataset| Ok(data.class_counts()))
            .field("correct_part", "The items whose class `mislabel` left alone.", |_, data: &Dataset| Ok(data.correct_part()))
            .field("incorrect_part", "The items that `mislabel` gave a wrong class.", |_, data: &Dataset| {
                Ok(data.incorrect_part())
            })
            .show(show)
            .json(|data: &Dataset| {
                Object::new("Dataset")
                    .field("items", data.len())
                    .field("inputs", data.inputs.columns)
                    .field("classes", data.classes())
                    .field("class_names", data.class_names().to_vec())
                    .field("class_counts", data.class_counts())
            }),
    ]
}

fn targets(data: &Dataset) -> Dynamic {
    match &data.targets {
        Targets::None => Dynamic::UNIT,
        Targets::Classes { labels, .. } => labels.iter().map(|&l| Dynamic::from(l as i64)).collect::<Vec<_>>().into(),
        Targets::Values(values) if values.columns == 1 => values.data.clone().into_value(),
        Targets::Values(values) => values.clone().into_value(),
    }
}

/// `150 items, 4 inputs, 3 classes (setosa 50, versicolor 50, virginica 50)`.
fn show(data: &Dataset) -> String {
    let plural = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let what = match &data.targets {
        Targets::None => "no targets".into(),
        Targets::Values(values) => plural(values.columns, "real target", "real targets"),
        Targets::Classes { names, .. } => {
            let counts = data.class_counts();
            let mut listed: Vec<String> =
                names.iter().zip(&counts).take(12).map(|(name, count)| format!("{name}: {count}")).collect();
            if names.len() > 12 {
                listed.push("…".into());
            }
            format!("{} ({})", plural(names.len(), "class", "classes"), listed.join(", "))
        }
    };
    let wrong = data.wrong.as_ref().map_or(0, |wrong| wrong.iter().filter(|w| **w).count());
    let wrong = if wrong > 0 { format!(", {wrong} of them wrong") } else { String::new() };
    format!("{}, {}, {what}{wrong}", plural(data.len(), "item", "items"), plural(data.inputs.columns, "input", "inputs"))
}

/// The functions and methods of this part of the language.
pub fn natives() -> Vec<Native> {
    let mut natives = readers();
    natives.extend(generators());
    natives.extend(methods());
    natives
}

fn readers() -> Vec<Native> {
    vec![
        Native::new("load_csv", "Reads a data set from a table: fields between , ; or tab, plain or .gz, every input a number.")
            .group("Data")
            .takes("path", "the path of a file", "The table.")
            .options::<CsvOptions>()
            .returns("a Dataset")
            .run(|call, mut args| {
                let path = args.path(0)?;
                call.may_read(&path)?;
                load_csv(&path, &args.options::<CsvOptions>()?)
            }),
        Native::new("load_idx", "Reads images and their labels from two IDX files, plain or .gz; bytes come as 0 to 1.")
            .group("Data")
            .takes("images", "the path of a file", "The images: items × rows × columns.")
            .takes("labels", "the path of a file", "One class number an image.")
            .options::<IdxOptions>()
            .returns("a Dataset")
            .run(|call, mut args| {
                let (images, labels) = (args.path(0)?, args.path(1)?);
                call.may_read(&images)?;
                call.may_read(&labels)?;
                load_idx(&images, &labels, &args.options::<IdxOptions>()?)
            }),
        Native::new("load_mnist", "Reads MNIST from the folder of its four original files, plain or .gz.")
            .group("Data")
            .takes("dir", "the path of a folder", "Where the four files are.")
            .options::<ImageSetOptions>()
            .returns("an object with the Datasets train and test")
            .run(|call, mut args| {
                let folder = args.path(0)?;
                call.may_read(&folder)?;
                let (train, test) = load_mnist(&folder, &args.options::<ImageSetOptions>()?)?;
                Ok(Object::new("ImageSet").field("train", train).field("test", test))
            }),
        Native::new(
            "dataset",
            "Makes a data set of arrays, matrices or .npy files; whole numbers (or words) as targets are classes, reals values.",
        )
        .group("Data")
        .takes("inputs", "a matrix, an array of rows, or the path of a .npy or .npz file", "A row for each item.")
        .takes_optional(
            "targets",
            "an array, a matrix, or the path of a .npy file",
            "A class number, a word, a number or a row of numbers for each item.",
        )
        .returns("a Dataset")
        .example("dataset([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 0, 1]).class_counts()", "[2, 1]", 0.0)
        .run(dataset),
    ]
}

fn dataset(call: &Call, args: Arguments) -> Result<Dataset> {
    if let Ok(path) = args.text(0)
        && path.to_lowercase().ends_with(".npz")
    {
        if args.has(1) {
            return Err(
                Error::new(Kind::Type, format!("dataset: {path} holds inputs and targets; targets were given too")).at("targets")
            );
        }
        call.may_read(&path)?;
        return load_npz("dataset", Path::new(&path));
    }
    let inputs = match file(call, &args, 0)? {
        Some(array) => array,
        None => reals(inputs(&args)?),
    };
    let targets = match args.has(1) {
        false => None,
        true => match file(call, &args, 1)? {
            Some(array) => Some(array),
            None => match words(&args)? {
                Some(targets) => return Dataset::new(matrix(inputs)?, targets),
                None => Some(targets_argument(&args)?),
            },
        },
    };
    dataset_of_arrays(inputs, targets)
}

fn reals(matrix: Matrix) -> Array {
    Array { shape: vec![matrix.rows, matrix.columns], values: Values::Reals(matrix.data) }
}

fn matrix(array: Array) -> Result<Matrix> {
    array.into_matrix().map_err(|what| Error::data(format!("dataset: the array of inputs {what}")).at("inputs"))
}

/// The array in a .npy file, where argument `k` is the path of one.
fn file(call: &Call, args: &Arguments, k: usize) -> Result<Option<Array>> {
    let Ok(path) = args.text(k) else { return Ok(None) };
    call.may_read(&path)?;
    read_npy("dataset", Path::new(&path)).map(Some)
}

/// Rows of numbers; plain numbers are a single input.
fn inputs(args: &Arguments) -> Result<Matrix> {
    let value = args.value(0);
    let flat = value.read_lock::<Vector>().is_some()
        || value.read_lock::<rhai::Array>().is_some_and(|a| a.first().is_some_and(|v| v.is_int() || v.is_float()));
    if flat {
        let numbers = args.vector(0)?.to_vec();
        return Ok(Matrix::from_rows(numbers.len(), 1, numbers));
    }
    args.matrix(0).map(|matrix| (*matrix).clone())
}

/// Classes, where the targets are words.
fn words(args: &Arguments) -> Result<Option<Targets>> {
    let value = args.value(1);
    if !value.read_lock::<rhai::Array>().is_some_and(|a| a.first().is_some_and(Dynamic::is_string)) {
        return Ok(None);
    }
    let words = args.texts(1)?;
    classes_of_words(&words).map(Some).map_err(|what| Error::data(format!("dataset: {what}")).at("targets"))
}

fn targets_argument(args: &Arguments) -> Result<Array> {
    let value = args.value(1);
    if let Some(array) = value.read_lock::<rhai::Array>() {
        let classes: Option<Vec<i64>> = array.iter().map(|v| v.as_int().ok()).collect();
        if let Some(classes) = classes {
            return Ok(Array { shape: vec![classes.len()], values: Values::Integers(classes) });
        }
        if !array.first().is_some_and(|v| v.is_int() || v.is_float()) {
            return args.matrix(1).map(|matrix| reals((*matrix).clone()));
        }
    }
    if value.read_lock::<crate::script::api::MatrixValue>().is_some() {
        return args.matrix(1).map(|matrix| reals((*matrix).clone()));
    }
    let numbers = args.vector(1)?.to_vec();
    Ok(Array { shape: vec![numbers.len(), 1], values: Values::Reals(numbers) })
}

/// A generator: its name, its sentence, its options and its function.
macro_rules! generator {
    ($function:ident, $Options:ty, $text:literal, $example:literal => $expected:literal) => {
        Native::new(stringify!($function), $text)
            .group("Data")
            .options::<$Options>()
            .returns("a Dataset")
            .example($example, $expected, 0.0)
            .run(|call, mut args| {
                let options: $Options = args.options()?;
                $function(&options, call.run().seed(options.seed))
            })
    };
}

fn generators() -> Vec<Native> {
    vec![
        generator!(two_clusters, TwoClustersOptions, "Two normal clusters in the plane, a class each.",
            "two_clusters(#{count: 20, seed: 1}).class_counts()" => "[10, 10]"),
        generator!(two_circles, TwoCirclesOptions, "A circle (class 0) within another (class 1).",
            "two_circles(#{count: 20, seed: 1}).class_counts()" => "[10, 10]"),
        generator!(xor, XorOptions, "Points of a square; class 1 where exactly one coordinate is positive.",
            "xor(#{count: 20, seed: 1}).len" => "20"),
        generator!(spirals, SpiralsOptions, "Arms that wind about each other, a class each.",
            "spirals(#{count: 30, classes: 3, seed: 1}).class_counts()" => "[10, 10, 10]"),
        generator!(teacher_student, TeacherStudentOptions, "Normal inputs and what a random teacher says of them.",
            "teacher_student(#{count: 20, inputs: 5, seed: 1}).inputs.columns" => "5"),
        generator!(gaussian_mixture, GaussianMixtureOptions, "Normal clusters about random centres, a class each.",
            "gaussian_mixture(#{count: 20, classes: 5, seed: 1}).class_counts()" => "[4, 4, 4, 4, 4]"),
    ]
}

fn methods() -> Vec<Native> {
    const DATA: &str = "two_clusters(#{count: 20, seed: 1})";
    vec![
        Native::method("Dataset", "rows", "The items from one number up to another, which is left out.")
            .takes("from", "a whole number", "The first item, from 0.")
            .takes("to", "a whole number", "The item after the last.")
            .returns("a Dataset with the classes of the whole")
            .example(&format!("{DATA}.rows(5, 8).len"), "3", 0.0)
            .run(|_, args| args.handle::<Dataset>(0)?.rows(args.integer(1)?, args.integer(2)?)),
        Native::method("Dataset", "take", "The first items.")
            .takes("count", "a whole number", "How many.")
            .returns("a Dataset with the classes of the whole")
            .example(&format!("{DATA}.take(3).len"), "3", 0.0)
            .run(|_, args| args.handle::<Dataset>(0)?.take(args.integer(1)?)),
        Native::method("Dataset", "sample", "Items drawn at random without replacement.")
            .takes("count", "a whole number", "How many.")
            .options::<DrawOptions>()
            .returns("a Dataset with the classes of the whole")
            .example(&format!("{DATA}.sample(7, #{{seed: 2}}).len"), "7", 0.0)
            .run(|call, mut args| {
                let options: DrawOptions = args.options()?;
                args.handle::<Dataset>(0)?.sample(args.integer(1)?, call.run().seed(options.seed))
            }),
        Native::method("Dataset", "split", "Two parts at random: a fraction of the items, and the rest.")
            .takes("fraction", "a number from 0 to 1", "What part of the items goes into the first.")
            .options::<DrawOptions>()
            .returns("an array of two Datasets")
            .example(&format!("{DATA}.split(0.6, #{{seed: 2}})[1].len"), "8", 0.0)
            .run(|call, mut args| {
                let options: DrawOptions = args.options()?;
                let (first, rest) = args.handle::<Dataset>(0)?.split(args.real(1)?, call.run().seed(options.seed))?;
                Ok(vec![first.into_value(), rest.into_value()])
            }),
        Native::method(
            "Dataset",
            "standardise",
            "Each input less its mean, divided by its population deviation; a constant input becomes 0.",
        )
        .alias("standardize")
        .options::<StandardiseOptions>()
        .returns("a Dataset")
        .example(&format!("{DATA}.standardise().inputs.column(0).mean()"), "0.0", 1e-12)
        .run(|_, mut args| {
            let options: StandardiseOptions = args.options()?;
            args.handle::<Dataset>(0)?.standardise(options.like.as_ref())
        }),
        Native::method(
            "Dataset",
            "mislabel",
            "Gives exactly this percentage of the items another class, uniform over the others, and keeps which.",
        )
        .takes("percent", "a number from 0 to 100", "What part of the items gets a wrong class.")
        .options::<DrawOptions>()
        .returns("a Dataset; .correct_part() and .incorrect_part() tell them apart")
        .example(&format!("{DATA}.mislabel(25, #{{seed: 3}}).incorrect_part().len"), "5", 0.0)
        .run(|call, mut args| {
            let options: DrawOptions = args.options()?;
            args.handle::<Dataset>(0)?.mislabel(args.real(1)?, call.run().seed(options.seed))
        }),
        Native::method("Dataset", "save", "Writes the data set: .csv, .csv.gz and .json as a table, .npz as arrays.")
            .takes("path", "the path of a file", "Where to; the ending decides the format.")
            .run(|call, args| {
                let path = args.path(1)?;
                call.may_write(&path)?;
                args.handle::<Dataset>(0)?.save(&path)
            }),
    ]
}

#[cfg(test)]
mod tests {
    use crate::script::{Environment, Language};

    fn gives(script: &str, expected: &str) {
        let language = Language::new(Environment::silent());
        let shown = language.run(script).map(|v| language.catalogue.show(&v));
        assert_eq!(shown.unwrap_or_else(|e| format!("{e:?}")), expected, "{script}");
    }

    fn refuses(script: &str, words: &[&str]) {
        let language = Language::new(Environment::silent());
        let said = format!("{:?}", language.run(script).map(|v| language.catalogue.show(&v)).unwrap_err());
        words.iter().for_each(|word| assert!(said.contains(word), "{said} lacks {word}"));
    }

    #[test]
    fn targets_of_every_kind() {
        gives("dataset([[0, 1.5], [1, 0]], [0, 1]).targets", "[0, 1]");
        gives("dataset([[0, 1.5], [1, 0]], [0, 1]).class_counts()", "[1, 1]");
        gives("dataset([1.0, 2.0], [\"b\", \"a\"]).class_names", "[\"a\", \"b\"]");
        gives("dataset([1.0, 2.0]).targets", "()");
        gives("dataset([1.0, 2.0], [1, 0])", "2 items, 1 input, 2 classes (0: 1, 1: 1)");
    }

    #[test]
    fn parts_and_variants() {
        let data = "let d = two_clusters(#{count: 20, seed: 1}); ";
        gives(&format!("{data} [d.rows(5, 8).len, d.take(2).len(), d.len, d.sample(3, #{{seed: 1}}).len]"), "[3, 2, 20, 3]");
        gives(&format!("{data} d.split(0.6, #{{seed: 1}}).map(|p| p.len)"), "[12, 8]");
        gives(&format!("{data} d.mislabel(25, #{{seed: 1}}).incorrect_part().len"), "5");
    }

    #[test]
    fn mistakes_say_what_was_asked_and_found() {
        refuses("dataset([[0.0, 1.0], [1.0]], [0, 1])", &["dataset"]);
        refuses("dataset([], [])", &["dataset", "no items"]);
        refuses("dataset([[0.0, 0.0 / 0.0], [1.0, 0.0]], [0, 1])", &["dataset", "not a finite number"]);
        refuses("dataset([[0.0, 1.0], [1.0, 0.0]], [0, 1, 1])", &["2", "3"]);
        refuses("dataset(3)", &["inputs", "matrix", "3"]);
        refuses("two_clusters(#{count: -5, seed: 1})", &["count", "-5"]);
        refuses("two_clusters(#{cuont: 5})", &["`count`"]);
        refuses("two_clusters(#{count: 20, seed: 1}).mislabel(120, #{seed: 1})", &["mislabel", "120", "100"]);
        refuses("two_clusters(#{count: 20, seed: 1}).rows(10, 500)", &["20"]);
        refuses("two_clusters().standardise(#{like: 3})", &["like", "a Dataset", "3"]);
        refuses("load_csv(\"none.csv\", #{target: 1.5})", &["target"]);
        refuses("load_csv(\"none.csv\")", &["none.csv", "no such file"]);
        refuses("load_mnist(\"nowhere\")", &["nowhere", "https://"]);
    }
}
