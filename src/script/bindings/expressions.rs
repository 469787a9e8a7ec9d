//! Potentials that a script writes: `potential(n, |x| …)`, and what a function sees of its coordinates while it is traced.

use crate::base::{Error, Kind, Result};
use crate::potentials::Potential;
use crate::potentials::composed::{Frozen, Restraint, Sum, Walls};
use crate::script::api::{Arguments, Call, Dynamic, Native, Type};
use crate::script::called::Called;
use crate::script::traced::{self, Condition, Traced, TracedVector};
use std::sync::Arc;

crate::options! {
    /// Options of `potential`.
    pub struct PotentialOptions {
        /// Whether the function is traced; without it is called at every position, and derivatives are differences.
        trace: bool = true, ANY, "";
    }
}

crate::options! {
    /// Options of `walls`.
    pub struct WallsOptions {
        /// Energy at a distance of 1 outside.
        strength: f64 = 100.0, POSITIVE, "energy per length^power";
        /// Power of the distance outside with which the energy rises.
        power: f64 = 2.0, AT_LEAST_ONE, "";
    }
}

/// The types of this part of the language.
pub fn types() -> Vec<Type> {
    let unknown = "its value is not known while the potential is traced";
    vec![
        Type::of::<Traced>("A number that depends on the coordinates, seen by a function while `potential` traces it.")
            .show(move |_: &Traced| format!("a traced number ({unknown})")),
        Type::of::<TracedVector>("Traced numbers in a row; the position that `potential` hands to a function is one.")
            .field("len", "How many numbers.", |_, v: &TracedVector| Ok(v.len()))
            .show(move |v: &TracedVector| format!("a traced vector of {} numbers ({unknown})", v.len())),
        Type::of::<Condition>("A comparison of traced numbers: for `select`, joined with `&`, `|` and `!`.")
            .show(move |_: &Condition| format!("a traced condition ({unknown})")),
    ]
}

/// The functions and methods of this part of the language.
pub fn natives() -> Vec<Native> {
    vec![
        Native::new(
            "potential",
            "A potential from a function of the position, traced once: what it reads from outside is captured then, energies are computed natively, \
             gradient and Hessian are exact. Loops, functions of the script and all elementary functions may be used; cases are written \
             `select(condition, a, b)`, conditions joined with `&`, `|` and `!`. At the kink of `abs`, `min` and `max` the derivative is that of one \
             side (right for `abs`, that of the first for equal operands).",
        )
        .group("Potentials")
        .takes("dimension", "a whole number from 1 on", "Number of coordinates.")
        .takes("f", "a closure |x| …", "Gives the energy at the position x, a vector.")
        .options::<PotentialOptions>()
        .returns("a Potential")
        .example("potential(2, |x| (x[0]**2 - 1)**2 + 0.5 * x[1]**2).gradient([2, 3])", "[24.0, 3.0]", 1e-12)
        .example("let k = 3; potential(4, |x| 0.5 * k * x.dot(x)).hessian([0, 0, 0, 0]).row(1)", "[0.0, 3.0, 0.0, 0.0]", 0.0)
        .example("let f = |x| if x[0] > 0 { x[0]**2 } else { 0 }; potential(1, f, #{trace: false}).gradient([1.5])", "[3.0]", 1e-9)
        .example("(2 * muller_brown() - potential(2, |x| x[0])).energy([0, 0]) - 2 * muller_brown().energy([0, 0])", "0.0", 1e-12)
        .example("potential(1, |x| select((x[0] > 0) & (x[0] < 2), x[0]**2, 0)).gradient([1.5])", "[3.0]", 1e-14)
        .run(potential),
        Native::new("select", "The second value where a condition holds, the third elsewhere: the `if` of traced functions.")
            .group("Potentials")
            .takes("condition", "a condition", "A comparison, or several joined with `&`, `|` and `!`.")
            .takes("a", "a number or a vector", "The value where it holds.")
            .takes("b", "a number or a vector", "The value elsewhere.")
            .returns("a number or a vector")
            .example("select(2 > 1, 5, 7)", "5", 0.0)
            .example("potential(1, |x| select(x[0] < 0, -x[0], x[0]**2)).energy([3])", "9.0", 0.0)
            .run(|_, args| {
                let (condition, a, b) = (args.value(0), args.value(1), args.value(2));
                match traced::select(&condition, &a, &b) {
                    Some(chosen) => chosen,
                    None => match condition.as_bool() {
                        Ok(holds) => Ok(if holds { a } else { b }),
                        Err(_) => Err(args.wrong(0, "a condition")),
                    },
                }
            }),
        Native::new("restrain", "A potential and a spring on its coordinates: V + ½ k Σ (x − c)².")
            .group("Potentials")
            .takes("potential", "a Potential", "What is restrained.")
            .takes("centre", "a vector or an array of numbers", "Where the spring pulls to: a number for every coordinate that it holds.")
            .takes("strength", "a number", "Force constant k, energy per length².")
            .takes_optional("coordinates", "an array of indices", "Which coordinates it holds; without it all.")
            .returns("a Potential")
            .example("restrain(muller_brown(), [0, 1], 10).gradient([0, 1])", "muller_brown().gradient([0, 1])", 1e-12)
            .example("restrain(harmonic(3), [2], 4, [1]).gradient([0, 1, 0])", "[0.0, -3.0, 0.0]", 1e-14)
            .run(restrain),
        Native::new("walls", "A potential between walls: V + s Σ dᵢ^p, dᵢ how far a coordinate is outside its interval. Keeps samplers where a prior is flat.")
            .group("Potentials")
            .takes("potential", "a Potential", "What is walled in.")
            .takes("lower", "a number, a vector or an array", "Lower ends: one for all coordinates or one for each.")
            .takes("upper", "a number, a vector or an array", "Upper ends.")
            .options::<WallsOptions>()
            .returns("a Potential")
            .example("walls(harmonic(2), -1, [1, 5], #{strength: 10}).energy([2, 2]) - harmonic(2).energy([2, 2])", "10.0", 1e-12)
            .example("walls(harmonic(1), -1, 1, #{strength: 10}).gradient([-2])", "[-22.0]", 1e-12)
            .run(walls),
        Native::new(
            "freeze",
            "A potential with some coordinates held: their gradient is zero, spectra and distances leave them out, positions have their values.",
        )
        .group("Potentials")
        .takes("potential", "a Potential", "What is held.")
        .takes("coordinates", "an array of indices", "Which coordinates.")
        .takes("values", "a vector or an array of numbers", "Where: a number for each of them, or a whole position to take them from.")
        .returns("a Potential")
        .example("freeze(harmonic(3), [1], [2]).gradient([1, 5, 1])", "[1.0, 0.0, 1.0]", 1e-14)
        .example("minimise(freeze(rosenbrock(2), [0], [0.5]), [0.5, 0]).position", "[0.5, 0.25]", 1e-8)
        .run(freeze),
        Native::method("traced number", "sign", "−1, 0 or 1 by the sign; its slope is 0.").run(|_, args| {
            traced::unary("sign", &args.value(0)).unwrap_or_else(|| Err(args.wrong(0, "a traced number")))
        }),
        Native::method("traced vector", "to_array", "The numbers as an array.")
            .run(|_, args| Ok(args.handle::<TracedVector>(0)?.elements())),
        Native::method("traced vector", "map", "Applies a closure to every number.")
            .takes("f", "a closure", "What to apply.")
            .returns("a vector or an array")
            .example("potential(3, |x| x.map(|v| v**2).sum()).energy([1, 2, 3])", "14.0", 1e-14)
            .run(|call, args| {
                let (vector, f) = (args.handle::<TracedVector>(0)?, args.closure(1)?);
                let mapped: Vec<Dynamic> =
                    vector.elements().into_iter().map(|element| call.closure(&f, [element])).collect::<Result<_>>()?;
                Ok(traced::gathered(&mapped).unwrap_or_else(|| mapped.into()))
            }),
    ]
}

fn potential(call: &Call, mut args: Arguments) -> Result<Arc<dyn Potential>> {
    let dimension = args.at_least(0, 1)?;
    let f = args.closure(1)?;
    let options: PotentialOptions = args.options()?;
    if !options.trace {
        return Ok(Arc::new(Called::new(call, dimension, f).map_err(explained)?));
    }
    let traced = traced::trace(dimension, |x| call.closure(&f, [x])).map_err(explained)?;
    match traced {
        Ok(expression) => Ok(Arc::new(expression)),
        Err(value) => Err(wrong_result(call, &value)),
    }
}

/// Which coordinates an argument names: a place among them for each, the first wrong one is an error.
fn coordinates(args: &Arguments, k: usize, dimension: usize) -> Result<Vec<usize>> {
    let chosen = args.wholes(k)?;
    match chosen.iter().find(|i| **i >= dimension) {
        Some(wrong) => {
            let message = format!("coordinate {wrong} is outside a potential of {dimension} coordinates");
            Err(Error::value(message).hint(format!("they go from 0 to {}", dimension - 1)).at("coordinates"))
        }
        None => Ok(chosen),
    }
}

fn restrain(_: &Call, args: Arguments) -> Result<Arc<dyn Potential>> {
    let potential = args.potential(0)?;
    let n = potential.dimension();
    let chosen = if args.has(3) { coordinates(&args, 3, n)? } else { (0..n).collect() };
    let given = args.position(1, chosen.len())?;
    let strength = args.real(2)?;
    if !strength.is_finite() {
        return Err(args.bad(2, "a finite number"));
    }
    let (mut centre, mut strengths) = (vec![0.0; n], vec![0.0; n]);
    for (i, value) in chosen.iter().zip(given.iter()) {
        (centre[*i], strengths[*i]) = (*value, strength);
    }
    let spring: Arc<dyn Potential> = Arc::new(Restraint { centre, strengths });
    Ok(Arc::new(Sum::new(vec![(1.0, potential), (1.0, spring)])?))
}

fn walls(_: &Call, mut args: Arguments) -> Result<Arc<dyn Potential>> {
    let potential = args.potential(0)?;
    let n = potential.dimension();
    let ends = |k: usize| -> Result<Vec<f64>> {
        match args.real(k) {
            Ok(end) => Ok(vec![end; n]),
            Err(_) => Ok(args.position(k, n)?.to_vec()),
        }
    };
    let (lower, upper) = (ends(1)?, ends(2)?);
    if let Some(i) = (0..n).find(|i| !(lower[*i] < upper[*i])) {
        let message =
            format!("walls: coordinate {i} must have a lower end below the upper one, found {} and {}", lower[i], upper[i]);
        return Err(Error::value(message).at("upper"));
    }
    let WallsOptions { strength, power } = args.options()?;
    let walls: Arc<dyn Potential> = Arc::new(Walls { lower, upper, strength, power });
    Ok(Arc::new(Sum::new(vec![(1.0, potential), (1.0, walls)])?))
}

fn freeze(_: &Call, args: Arguments) -> Result<Arc<dyn Potential>> {
    let potential = args.potential(0)?;
    let n = potential.dimension();
    let chosen = coordinates(&args, 1, n)?;
    let whole = args.vector(2)?.len() == n;
    let given = args.position(2, if whole { n } else { chosen.len() })?;
    let (mut mask, mut values) = (vec![false; n], vec![0.0; n]);
    for (k, i) in chosen.iter().enumerate() {
        (mask[*i], values[*i]) = (true, given[if whole { *i } else { k }]);
    }
    Ok(Arc::new(Frozen::new(potential, mask, values)))
}

fn wrong_result(call: &Call, value: &Dynamic) -> Error {
    let found = call.catalogue().describe(value);
    Error::new(Kind::Type, format!("potential: the function must give a number, found {found}")).at("f")
}

/// A function of another number of arguments is not found by Rhai, under a name that nobody has given.
fn explained(error: Error) -> Error {
    if error.kind == Kind::Name && error.message.contains("anon$") {
        return Error::new(Kind::Type, "potential: the function must take one argument, the position: |x| …").at("f");
    }
    error
}
