//! Scores in the language: what a network says of items, and how good that is.

use crate::analysis::scores::{self, ScoreOptions};
use crate::base::{Error, Result};
use crate::data::Dataset;
use crate::math::Matrix;
use crate::network::Network;
use crate::potentials::loss::probabilities;
use crate::script::api::{Arguments, Native, Object, Type};

/// The types of this part of the language: scores are numbers.
pub fn types() -> Vec<Type> {
    Vec::new()
}

/// A score of a network on a data set.
fn score(name: &'static str, text: &'static str) -> Native {
    Native::new(name, text)
        .group("Scores")
        .takes("network", "a Network", "Whose answers are judged.")
        .takes("x", "a position", "Its parameters.")
        .takes("dataset", "a Dataset", "The items.")
}

/// The probabilities of the classes (items × classes) and the data set of a call.
fn answers(args: &Arguments) -> Result<(Matrix, Dataset)> {
    let network =
        args.value(0).read_lock::<Network>().map(|network| network.clone()).ok_or_else(|| args.wrong(0, "a Network"))?;
    let x = args.position(1, network.parameters())?;
    let data: Dataset = args.handle(2)?;
    // The layer below speaks of `predict`; the keystone puts the name of this call before the message.
    let here = |mut e: Error| {
        e.message = e.message.strip_prefix("predict: ").map(String::from).unwrap_or(e.message);
        e
    };
    Ok((probabilities(&network, &x, &data).map_err(here)?, data))
}

/// The functions of this part of the language.
pub fn natives() -> Vec<Native> {
    const EXAMPLE: &str = "dataset([[0.0], [1.0], [1.0], [2.0]], [1, 0, 1, 0])";
    vec![
        score("predict", "The probability of each class for each item.")
            .returns("a matrix: a row an item, a column a class")
            .example(&format!("predict(network([1, 2]), [0.0, 0.0, 0.0, 0.0], {EXAMPLE})[0][1]"), "0.5", 1e-15)
            .run(|_, args| answers(&args).map(|(probabilities, _)| probabilities)),
        score("accuracy", "The fraction of items whose most probable class is their own.")
            .returns("a number from 0 to 1")
            .example(&format!("accuracy(network([1, 2]), [1.0, 0.0, 0.0, 0.5], {EXAMPLE})"), "0.75", 1e-15)
            .run(|_, args| {
                let (probabilities, data) = answers(&args)?;
                scores::accuracy(&probabilities, &data)
            }),
        score(
            "auc",
            "The area under the ROC curve of one class against the others: 1 is perfect, 0.5 is chance; ties count one half.",
        )
        .options::<ScoreOptions>()
        .returns("a number from 0 to 1")
        .example(&format!("auc(network([1, 2]), [1.0, 0.0, 0.0, 0.0], {EXAMPLE})"), "0.875", 1e-14)
        .reference("10.1148/radiology.143.1.7063747")
        .run(|_, mut args| {
            let options: ScoreOptions = args.options()?;
            let (probabilities, data) = answers(&args)?;
            scores::auc(&probabilities, &data, &options)
        }),
        score(
            "auc_by_class",
            "The area under the ROC curve of every class against the others; NaN for a class that has no item, or all of them.",
        )
        .returns("a vector: a number from 0 to 1 for each class")
        .example(&format!("auc_by_class(network([1, 2]), [1.0, 0.0, 0.0, 0.0], {EXAMPLE})"), "[0.875, 0.875]", 1e-14)
        .reference("10.1148/radiology.143.1.7063747")
        .run(|_, args| {
            let (probabilities, data) = answers(&args)?;
            scores::auc_by_class(&probabilities, &data)
        }),
        score("roc", "The ROC curve of one class against the others.")
            .options::<ScoreOptions>()
            .returns("an object: false_positive_rates, true_positive_rates, thresholds, area")
            .example(&format!("roc(network([1, 2]), [1.0, 0.0, 0.0, 0.0], {EXAMPLE}).area"), "0.875", 1e-14)
            .run(|_, mut args| {
                let options: ScoreOptions = args.options()?;
                let (probabilities, data) = answers(&args)?;
                let curve = scores::roc(&probabilities, &data, &options)?;
                Ok(Object::new("Roc")
                    .field("false_positive_rates", curve.false_positive_rates)
                    .field("true_positive_rates", curve.true_positive_rates)
                    .field("thresholds", curve.thresholds)
                    .field("area", curve.area))
            }),
    ]
}
