//! Potentials in the script language: a constructor for each catalogue entry, and what every potential answers.

use crate::analysis::outcomes::{Ljat3DatasetOptions, ljat3_dataset};
use crate::base::{Error, OptionValue, Result};
use crate::math::Matrix;
use crate::math::eigen::symmetric_eigen;
use crate::math::lanczos::Iteration;
use crate::potentials::catalogue::{CATALOGUE, Entry};
use crate::potentials::{Potential, energy, energy_gradient};
use crate::script::api::{Arguments, Call, Native, Object, PotentialHandle, Type};
use crate::script::convert;
use std::sync::Arc;

crate::choices! {
    /// Which end of a spectrum.
    pub enum Which {
        /// The lowest eigenvalues.
        Lowest = "lowest",
        /// The highest eigenvalues.
        Highest = "highest",
        /// `count` of each end.
        Both = "both",
    }
}

crate::options! {
    /// Options of `spectrum`.
    pub struct SpectrumOptions {
        /// How many eigenvalues; must be given above 2,000 parameters.
        count: Option<usize> = None => "all", AT_LEAST_ONE, "";
        /// Which end of the spectrum.
        which: Which = Which::Lowest, ANY, "";
    }
}

crate::options! {
    /// Options of `random`.
    pub struct RandomOptions {
        /// Decides what is drawn.
        seed: Option<u64> = None => "that of the run", ANY, "";
        /// Stretches the start; 1 is the usual size.
        scale: f64 = 1.0, POSITIVE, "";
    }
}

/// Above this number of parameters eigenpairs are found one by one from Hessian-vector products.
const LARGEST_DENSE: usize = 2000;

/// The types of this part of the language.
pub fn types() -> Vec<Type> {
    vec![
        Type::of::<PotentialHandle>("An energy surface: gives an energy, a gradient and a Hessian to every position.")
            .field("dimension", "Number of coordinates.", |_, p: &PotentialHandle| Ok(p.0.dimension()))
            .field(
                "evaluations",
                "Energies, gradients and Hessian-vector products computed so far; Hessians are not counted.",
                |_, p: &PotentialHandle| Ok(p.0.evaluations().unwrap_or(0)),
            )
            .show(|p: &PotentialHandle| show(&*p.0))
            .json(|p: &PotentialHandle| {
                let identity = p.0.identity();
                let object = Object::new("Potential").field("name", identity.name).field("dimension", p.0.dimension());
                identity
                    .parts
                    .into_iter()
                    .filter(|(name, _)| name != "dimension")
                    .fold(object, |o, (name, text)| o.field(name, text))
            }),
    ]
}

/// `lennard_jones: 39 coordinates (atoms 13)`.
fn show(potential: &dyn Potential) -> String {
    let identity = potential.identity();
    let n = potential.dimension();
    let parts: Vec<String> =
        identity.parts.iter().filter(|(name, _)| name != "dimension").map(|(name, text)| format!("{name} {text}")).collect();
    let plural = if n == 1 { "coordinate" } else { "coordinates" };
    let more = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
    format!("{}: {n} {plural}{more}", identity.name)
}

/// The functions and methods of this part of the language.
pub fn natives() -> Vec<Native> {
    let mut all: Vec<Native> = CATALOGUE.iter().map(constructor).collect();
    all.extend(methods());
    all.push(
        Native::new(
            "ljat3_dataset",
            "Where three atoms put at random into a cube end: the distances r12 and r13 of the start, and the class 0 (triangle) or 1, 2, 3 \
             (a chain with that atom in the centre).",
        )
        .group("Data")
        .options::<Ljat3DatasetOptions>()
        .returns("a Dataset")
        .example("ljat3_dataset(#{side: 1.385, count: 50, seed: 1}).inputs.columns", "2", 0.0)
        .example("ljat3_dataset(#{side: 1.385, count: 50, seed: 1, minimiser: \"gradient_flow\"}).classes", "4", 0.0)
        .reference("10.1088/2632-2153/ab7aef")
        .run(|call, mut args| ljat3_dataset(call.run(), &args.options()?)),
    );
    all
}

/// The constructor of a catalogue entry.
fn constructor(entry: &'static Entry) -> Native {
    let mut native =
        Native::new(entry.name, format!("{} V = {}.", entry.text, entry.formula)).group("Potentials").returns("a Potential");
    for parameter in entry.arguments() {
        native = native.takes(parameter.name, parameter.takes(), parameter.text);
    }
    native.options = entry.options();
    native.takes_options = !native.options.is_empty();
    if let Some((_, doi)) = entry.reference.split_once("doi:") {
        native = native.reference(doi.split([',', ' ']).next().unwrap_or(doi));
    }
    native.example(entry.example, &format!("{:?}", entry.result), entry.tolerance).run(move |_, mut args| {
        let count = entry.arguments().count();
        let given: Vec<OptionValue> = (0..count).map(|k| read(&args, k, entry)).collect::<Result<_>>()?;
        let mut options = Vec::new();
        for option in entry.options() {
            if let Some(value) = args.take_option(option.name) {
                let read = convert::option_value(&value).ok_or_else(|| args.wrong_option(option.name, &option.takes, &value))?;
                options.push((option.name, read));
            }
        }
        entry.construct(&given, &options)
    })
}

fn read(args: &Arguments, k: usize, entry: &Entry) -> Result<OptionValue> {
    let takes = entry.arguments().nth(k).map_or("a number", |p| p.takes());
    convert::option_value(&args.value(k)).ok_or_else(|| args.wrong(k, takes))
}

/// A method whose first argument is a position.
fn at_position(name: &'static str, summary: &str) -> Native {
    Native::method("Potential", name, summary).takes("x", "a position", "Where.")
}

fn methods() -> Vec<Native> {
    vec![
        at_position("energy", "The energy at a position.")
            .returns("a number")
            .example("rosenbrock(2).energy([-1.2, 1])", "24.2", 1e-12)
            .run(|_, args| {
                let potential = args.potential(0)?;
                Ok(energy(&*potential, &args.position(1, potential.dimension())?))
            }),
        at_position("gradient", "The gradient of the energy at a position.")
            .returns("a vector")
            .example("rosenbrock(2).gradient([-1.2, 1])", "[-215.6, -88.0]", 1e-10)
            .run(|_, args| {
                let potential = args.potential(0)?;
                Ok(energy_gradient(&*potential, &args.position(1, potential.dimension())?).1)
            }),
        at_position("hessian", "The matrix of second derivatives of the energy at a position.")
            .returns("a matrix")
            .example("harmonic(2, #{stiffness: 3}).hessian([1, 1]).row(0)", "[3.0, 0.0]", 0.0)
            .run(|_, args| {
                let potential = args.potential(0)?;
                let x = args.position(1, potential.dimension())?;
                require_dense(&*potential, "hessian", "ask for `spectrum(x, #{count: 10})` instead")?;
                let mut hessian = Matrix::default();
                potential.hessian(&x, &mut hessian);
                Ok(hessian)
            }),
        at_position("spectrum", "Eigenvalues and eigenvectors of the Hessian at a position; frozen coordinates are left out.")
            .options::<SpectrumOptions>()
            .returns("`eigenvalues` (ascending) and `eigenvectors` (a column each, of length 1)")
            .example("muller_brown().spectrum([0.212486582000662, 0.292988325107368]).eigenvalues[0]", "-735.247262111", 1e-5)
            .example("harmonic(5).spectrum([0, 0, 0, 0, 0], #{count: 2, which: \"highest\"}).eigenvalues", "[1.0, 1.0]", 1e-14)
            .run(spectrum),
        Native::method(
            "Potential",
            "random",
            "A start that suits the potential: initial weights, atoms in a ball, a point of the surface's region.",
        )
        .options::<RandomOptions>()
        .returns("a vector")
        .example("lennard_jones(13).random(#{seed: 1}).len", "39", 0.0)
        .run(|call, mut args| {
            let potential = args.potential(0)?;
            let options: RandomOptions = args.options()?;
            Ok(potential.random(call.run().seed(options.seed), options.scale))
        }),
        Native::method(
            "Potential",
            "align",
            "The copy of `b` nearest to `a` under the symmetry of the potential: renumbered, rotated, signs turned.",
        )
        .takes("a", "a position", "What to come near to.")
        .takes("b", "a position", "What is brought near.")
        .returns("a vector")
        .example("lennard_jones(2).align([0, 0, 0, 1, 0, 0], [5, 6, 5, 5, 5, 5])", "[0.0, 0.0, 0.0, 1.0, 0.0, 0.0]", 1e-12)
        .run(|_, args| {
            let (potential, a, b) = two_positions(&args)?;
            let mut aligned = vec![0.0; b.len()];
            potential.symmetry().align(&a, &b, &mut aligned);
            Ok(aligned)
        }),
        Native::method("Potential", "distance", "The distance between two positions after alignment.")
            .takes("a", "a position", "One.")
            .takes("b", "a position", "The other.")
            .returns("a number")
            .example("lennard_jones(2).distance([0, 0, 0, 1, 0, 0], [5, 6, 5, 5, 5, 5])", "0.0", 1e-12)
            .run(|_, args| {
                let (potential, a, b) = two_positions(&args)?;
                Ok(potential.symmetry().distance(&a, &b))
            }),
        at_position("canonical", "The representative of all copies of a position: equal for equal points.")
            .returns("a vector")
            .example("let p = lennard_jones(2); p.distance(p.canonical([0, 0, 0, 1, 0, 0]), [3, 0, 0, 3, 0, 1])", "0.0", 1e-12)
            .run(|_, args| {
                let potential = args.potential(0)?;
                Ok(potential.symmetry().canonical(&args.position(1, potential.dimension())?))
            }),
    ]
}

fn two_positions(args: &Arguments) -> Result<(Arc<dyn Potential>, Arc<[f64]>, Arc<[f64]>)> {
    let potential = args.potential(0)?;
    let n = potential.dimension();
    Ok((potential, args.position(1, n)?, args.position(2, n)?))
}

/// Refuses matrices that would not fit into memory.
fn require_dense(potential: &dyn Potential, function: &str, hint: &str) -> Result<()> {
    let n = potential.dimension();
    if n <= 20_000 {
        return Ok(());
    }
    Err(Error::value(format!("{function}: the Hessian of {n} coordinates has {n}² entries, found more than 20000²")).hint(hint))
}

fn spectrum(call: &Call, mut args: Arguments) -> Result<Object> {
    let potential = args.potential(0)?;
    let x = args.position(1, potential.dimension())?;
    let options: SpectrumOptions = args.options()?;
    let active: Vec<usize> = match potential.frozen() {
        Some(frozen) => (0..x.len()).filter(|&i| !frozen[i]).collect(),
        None => (0..x.len()).collect(),
    };
    let n = active.len();
    if options.count.is_none() && n > LARGEST_DENSE {
        return Err(Error::value(format!("spectrum: option `count` must be given above {LARGEST_DENSE} parameters, found {n}"))
            .hint("for example #{count: 10}")
            .at("count"));
    }
    let ends: &[Which] = match options.which {
        Which::Both => &[Which::Lowest, Which::Highest],
        Which::Lowest => &[Which::Lowest],
        Which::Highest => &[Which::Highest],
    };
    let count = options.count.unwrap_or(n).min(n);
    let mut pairs: Vec<(f64, Vec<f64>)> = Vec::new();
    if n <= LARGEST_DENSE {
        let mut hessian = Matrix::default();
        potential.hessian(&x, &mut hessian);
        let part = if n == x.len() {
            hessian
        } else {
            Matrix::from_rows(
                n,
                n,
                active.iter().flat_map(|&i| active.iter().map(|&j| hessian[(i, j)]).collect::<Vec<_>>()).collect(),
            )
        };
        if part.data.iter().any(|h| !h.is_finite()) {
            return Err(Error::value("spectrum: the Hessian is not finite there").at("x"));
        }
        let (values, vectors) = symmetric_eigen(&part);
        let wanted = |k: usize| ends.iter().any(|end| if *end == Which::Lowest { k < count } else { k + count >= n });
        pairs.extend((0..n).filter(|&k| wanted(k)).map(|k| (values[k], vectors.column(k))));
    } else {
        for end in ends {
            let (mut found, converged) = iterative(call, &*potential, &x, &active, count, *end)?;
            if !converged {
                call.run().warn("spectrum: some eigenvalues are not converged to 1e-8 of the largest");
            }
            pairs.append(&mut found);
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    let mut eigenvectors = Matrix::zeros(x.len(), pairs.len());
    for (column, (_, vector)) in pairs.iter().enumerate() {
        for (&row, v) in active.iter().zip(vector) {
            eigenvectors[(row, column)] = *v;
        }
    }
    let eigenvalues: Vec<f64> = pairs.into_iter().map(|(value, _)| value).collect();
    Ok(Object::new("Spectrum").field("eigenvalues", eigenvalues).field("eigenvectors", eigenvectors))
}

/// Eigenpairs from Hessian-vector products over the active coordinates, and whether all have converged.
fn iterative(
    call: &Call,
    potential: &dyn Potential,
    x: &[f64],
    active: &[usize],
    count: usize,
    end: Which,
) -> Result<(Vec<(f64, Vec<f64>)>, bool)> {
    let n = active.len();
    let most = (20 * count + 500).min(n);
    let mut iteration = match end {
        Which::Highest => Iteration::highest(n, count, 1e-8, None, &[], most),
        _ => Iteration::lowest(n, count, 1e-8, None, &[], most),
    };
    let (mut direction, mut image) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    let mut product = vec![0.0; n];
    let task = call.run().task("spectrum", None);
    while let Some(v) = iteration.wanted() {
        for (&i, v) in active.iter().zip(v) {
            direction[i] = *v;
        }
        potential.hessian_vector(x, &direction, &mut image);
        for (p, &i) in product.iter_mut().zip(active) {
            *p = image[i];
        }
        iteration.supply(&product);
        task.tick(1, String::new)?;
    }
    let found = iteration.finish();
    Ok((found.values.into_iter().zip(found.vectors).collect(), found.converged))
}

#[cfg(test)]
mod tests {
    use crate::script::api::{MatrixValue, Object};
    use crate::script::{Environment, Language, convert};

    fn run(script: &str) -> String {
        let language = Language::new(Environment::silent());
        language.run(script).map_or_else(|e| format!("error: {}", e.error), |v| v.to_string())
    }

    #[test]
    fn evaluations_are_counted() {
        assert_eq!(run("let p = rosenbrock(2); p.energy([0, 0]); p.gradient([1, 1]); p.hessian([1, 1]); p.evaluations"), "2");
        assert_eq!(run("let p = rosenbrock(2); let q = p; p.energy([0, 0]); q.evaluations()"), "1");
    }

    #[test]
    fn mistakes_are_explained() {
        for (script, words) in [
            ("lennard_jones(-3)", "lennard_jones: `atoms` must be from 2 to 10000, found -3"),
            ("lennard_jones(\"13\")", "lennard_jones: `atoms` takes a whole number, found the text \"13\""),
            ("rosenbrock(0)", "rosenbrock: `dimension` must be from 2 to 1000000, found 0"),
            ("lennard_jones([1])", "lennard_jones: `atoms` takes a whole number, found an array of 1 values"),
            ("ljat3(#{y: 1})", "ljat3 has no option `y`"),
            ("muller_brown().energy([0.5])", "energy: `x` must have 2 coordinates, found 1"),
            (
                "harmonic(3000).spectrum(harmonic(3000).random(#{seed: 1}))",
                "spectrum: option `count` must be given above 2000 parameters, found 3000",
            ),
            ("ljat3_dataset(#{count: 10})", "ljat3_dataset: option `side` is missing"),
            ("ljat3_dataset(#{side: -1.0, count: 10})", "ljat3_dataset: option `side` must be above 0, found -1"),
        ] {
            let text = run(script);
            assert!(text.starts_with(&format!("error: {words}")), "{script}: {text}");
        }
    }

    #[test]
    fn the_top_of_a_perceptron_of_7850_parameters_is_that_of_its_inputs() {
        // Cross entropy at equal probabilities p = 1/10 has the Hessian (diag p − p pᵀ) ⊗ XᵀX/N, X with a column of ones for the biases: its highest
        // eigenvalue is a tenth of that of the 10 × 10 matrix XXᵀ/N (numpy), its trace 9/10 of that matrix's, 35.55.
        let script = "let rows = []; let classes = [];
                      for i in 0..10 { let row = []; row.pad(784, 0.0); row[70*i] = 1.0 + i; rows.push(row); classes.push(i); }
                      let l = loss(network([784, 10]), dataset(rows, classes), #{l2: 0.0});
                      let x = []; x.pad(l.dimension, 0.0);
                      let d = hessian_density(l, x, #{probes: 4, lanczos_steps: 20, seed: 1});
                      [l.spectrum(x, #{count: 1, which: \"highest\"}).eigenvalues[0], d.eigenvalues[d.eigenvalues.len - 1],
                       d.trace, d.trace_error, l.trace(x, #{seed: 2}), l.dimension]";
        let value = Language::new(Environment::silent()).run(script).unwrap_or_else(|e| panic!("{}", e.error));
        let found = convert::numbers(&value).expect("numbers");
        assert_eq!(found[5], 7850.0);
        assert!(found[..2].iter().all(|v| (v - 1.012002705856152).abs() < 1e-9), "{found:?}");
        assert!((found[2] - 35.55).abs() < 5.0 * found[3] && found[3] < 1.0 && (found[4] - 35.55).abs() < 0.5, "{found:?}");
    }

    #[test]
    fn a_large_spectrum_is_found_by_products() {
        let script = "let p = styblinski_tang(2500); let x = []; x.pad(2500, 0.5); x[7] = 3.0; x[9] = 0.1;
                      p.spectrum(x, #{count: 1, which: \"both\"})";
        let value = Language::new(Environment::silent()).run(script).unwrap_or_else(|e| panic!("{}", e.error));
        let spectrum = value.cast::<Object>();
        let values = spectrum.get("eigenvalues").and_then(convert::numbers).expect("a vector");
        // 6x² − 16 at 0.1 and at 3.
        assert!(values.len() == 2 && (values[0] + 15.94).abs() < 1e-7 && (values[1] - 38.0).abs() < 1e-7, "{values:?}");
        let vectors = spectrum.get("eigenvectors").cloned().expect("a matrix").cast::<MatrixValue>().0;
        assert!((vectors[(9, 0)].abs() - 1.0).abs() < 1e-6 && (vectors[(7, 1)].abs() - 1.0).abs() < 1e-6);
    }
}
