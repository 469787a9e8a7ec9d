//! Networks in the script language: their description and their loss.

use crate::base::{Error, Kind, Result};
use crate::data::Dataset;
use crate::data::table::{Column, Table};
use crate::network::{LayoutRow, Network, NetworkOptions};
use crate::potentials::Potential;
use crate::potentials::loss::{LossOptions, NetworkLoss};
use crate::script::api::{Arguments, Native, Object, Type};
use crate::script::convert;
use std::sync::Arc;

crate::handle!(Network, "Network");

crate::options! {
    /// Options of `initial`.
    pub struct InitialOptions {
        /// Decides what is drawn.
        seed: Option<u64> = None => "that of the run", ANY, "";
        /// Stretches the parameters; 1 gives weights of variance 1/inputs in each layer.
        scale: f64 = 1.0, POSITIVE, "";
    }
}

/// Types of values.
pub fn types() -> Vec<Type> {
    vec![
        Type::of::<Network>(
            "A feed-forward network of dense layers: which nodes and weights there are. It has no parameters of its own.",
        )
        .field("parameters", "Number of parameters, frozen ones included.", |_, n: &Network| Ok(n.parameters()))
        .field("layers", "Numbers of nodes from the inputs to the outputs.", |_, n: &Network| Ok(n.sizes().to_vec()))
        .field("activation", "Function of the hidden nodes.", |_, n: &Network| Ok(n.activation().name()))
        .field("output", "Function of the output nodes.", |_, n: &Network| Ok(n.output().name()))
        .field("bias", "Whether nodes have a bias.", |_, n: &Network| Ok(n.has_bias()))
        .field(
            "frozen",
            "Numbers of the parameters that stay at zero: what `neighbours` and `mask` took out.",
            |_, n: &Network| {
                let frozen = n.frozen().unwrap_or(&[]);
                Ok(frozen.iter().enumerate().filter(|(_, f)| **f).map(|(k, _)| k).collect::<Vec<usize>>())
            },
        )
        .field(
            "layout",
            "Where each weight matrix and each row of biases stands in a position: layer, part, from, to (half-open), shape.",
            |_, n: &Network| layout(n),
        )
        .show(Network::summary)
        .json(|n: &Network| {
            Object::new("Network")
                .field("layers", n.sizes().to_vec())
                .field("activation", n.activation().name())
                .field("output", n.output().name())
                .field("bias", n.has_bias())
                .field("parameters", n.parameters())
        }),
    ]
}

/// Functions and methods.
pub fn natives() -> Vec<Native> {
    const DATA: &str = "dataset([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0])";
    vec![
        Native::new(
            "network",
            "A feed-forward network of dense layers, described. Its parameters are one vector: layer by layer from the input, the weight \
             matrix (outputs × inputs, row after row), then the biases.",
        )
        .group("Networks")
        .takes("layers", "an array of numbers of nodes", "Inputs, hidden layers, outputs.")
        .options::<NetworkOptions>()
        .returns("a Network")
        .example("network([2, 10, 4]).parameters", "74", 0.0)
        .example("network([2, 10, 4], #{neighbours: 2}).frozen.len", "20", 0.0)
        .example("network([784, 10]).layout.from", "[0.0, 7840.0]", 0.0)
        .reference("10.1088/2632-2153/ab7aef")
        .run(|_, mut args| Network::new(&nodes(&args)?, &args.options()?)),
        Native::method("Network", "initial", "Random parameters: uniform, of variance 1/inputs in each layer (2/inputs for rectifiers); frozen ones are zero.")
            .options::<InitialOptions>()
            .returns("a vector")
            .example("network([2, 10, 4]).initial(#{seed: 1}).len", "74", 0.0)
            .run(|call, mut args| {
                let network: Network = args.handle(0)?;
                let options: InitialOptions = args.options()?;
                Ok(network.initial(call.run().seed(options.seed), options.scale))
            }),
        Native::new(
            "loss",
            "The loss of a network on a data set as a potential: the mean over the items plus λ times the sum of the squared parameters \
             (no factor 1/2).",
        )
        .group("Networks")
        .takes("network", "a Network", "Whose parameters are the coordinates.")
        .takes("dataset", "a Dataset", "Inputs and targets.")
        .options::<LossOptions>()
        .returns("a Potential")
        .example(&format!("loss(network([2, 2]), {DATA}).energy([0, 0, 0, 0, 0, 0])"), "0.6931471805599453", 1e-15)
        .example(
            &format!("loss(network([2, 1], #{{output: \"sigmoid\"}}), {DATA}, #{{kind: \"mean_squared_error\"}}).energy([0, 0, 0])"),
            "0.25",
            1e-15,
        )
        .reference("10.1088/2632-2153/ab7aef")
        .run(|_, mut args| {
            let network: Network = args.handle(0)?;
            let data: Dataset = args.handle(1)?;
            let potential: Arc<dyn Potential> = Arc::new(NetworkLoss::new(&network, &data, &args.options::<LossOptions>()?)?);
            Ok(potential)
        }),
    ]
}

/// The numbers of nodes; their signs are looked at by the network itself, which names the layer.
fn nodes(args: &Arguments) -> Result<Vec<i64>> {
    let array = args.array(0).map_err(|_| args.wrong(0, "an array of numbers of nodes such as [2, 10, 4]"))?;
    let whole = |(k, value): (usize, &rhai::Dynamic)| {
        convert::integer(value).ok_or_else(|| {
            let kind = if convert::number(value).is_some() { Kind::Value } else { Kind::Type };
            Error::new(kind, format!("network: layer {k} must be a whole number of nodes, found {value}")).at("layers")
        })
    };
    array.iter().enumerate().map(whole).collect()
}

fn layout(network: &Network) -> Result<Table> {
    let rows = network.layout();
    let whole = |of: fn(&LayoutRow) -> usize| Column::Integers(rows.iter().map(|r| of(r) as i64).collect());
    let text = |of: fn(&LayoutRow) -> String| Column::Texts(rows.iter().map(of).collect());
    Table::new(vec![
        ("layer".into(), whole(|r| r.layer)),
        ("part".into(), text(|r| r.part.into())),
        ("from".into(), whole(|r| r.from)),
        ("to".into(), whole(|r| r.to)),
        ("shape".into(), text(|r| r.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × "))),
    ])
}

#[cfg(test)]
mod tests {
    use crate::script::{Environment, Language};

    fn run(script: &str) -> String {
        let language = Language::new(Environment::silent());
        language.run(script).map_or_else(|e| format!("error: {}", e.error), |v| v.to_string())
    }

    #[test]
    fn fields_answer_with_and_without_brackets() {
        assert_eq!(run("network([2, 10, 4]).parameters"), "74");
        assert_eq!(run("network([2, 10, 4]).parameters()"), "74");
        assert_eq!(run("network([2, 4], #{output: \"sine\"}).output"), "sine");
        assert_eq!(run("network([1, 1], #{mask: [true, false]}).frozen[0]"), "1");
        let start = "let w = network([2, 10, 4]).initial(#{seed: 1});";
        assert_eq!(run(&format!("{start} w.len")), "74");
        assert_eq!(run(&format!("{start} loss(network([2, 10, 4]), xor(#{{count: 9}})).distance(w, w)")), "0.0");
    }

    #[test]
    fn mistakes_are_explained() {
        const TWO: &str = "dataset([[0.0, 1.0], [1.0, 0.0]], [0, 1])";
        for (script, words) in [
            ("network([])", "network: needs the numbers of nodes of at least two layers"),
            ("network([2, 0, 4])", "network: layer 1 must have at least one node, found 0"),
            ("network([2, -3, 4])", "network: layer 1 must have at least one node, found -3"),
            ("network([2, 2.5, 4])", "network: layer 1 must be a whole number of nodes, found 2.5"),
            ("network(\"2, 10, 4\")", "network: `layers` must be an array of numbers of nodes"),
            ("network([2, 10, 4], #{neighbours: -1})", "network: option `neighbours` must be at least 1, found -1"),
            ("network([2, 5, 3], #{activaton: \"tanh\"})", "network has no option `activaton`; did you mean `activation`?"),
            (
                "network([2, 5, 3], #{activation: \"tahn\"})",
                "network: option `activation` cannot be \"tahn\"; did you mean \"tanh\"?",
            ),
            (&format!("loss(network([2, 3, 2]), {TWO}, #{{l2: -1.0}})"), "loss: option `l2` must be at least 0, found -1"),
            (
                &format!("loss(network([2, 3, 2]), {TWO}, #{{kind: \"cross_entrophy\"}})"),
                "loss: option `kind` cannot be \"cross_entrophy\"; did you mean \"cross_entropy\"?",
            ),
            (&format!("loss(network([3, 4, 2]), {TWO})"), "loss: the network has 3 inputs, the dataset 2 columns"),
            (&format!("loss({TWO}, network([3, 4, 2]))"), "loss: `network` must be a Network, found a Dataset"),
        ] {
            let text = run(script);
            assert!(text.starts_with(&format!("error: {words}")), "{script}: {text}");
        }
    }
}
