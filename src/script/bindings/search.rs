//! Searches in the script language: minimise, basin_hop, dneb, transition_state, pathway.

use crate::algorithms::curvature::lowest_mode;
use crate::algorithms::{self, *};
use crate::base::Result;
use crate::script::api::{Arguments, IntoValue, Native, Object, Type};
use crate::script::convert::numbers;
use std::sync::Arc;

/// Functions and methods.
pub fn natives() -> Vec<Native> {
    vec![
        Native::new("minimise", "Follows the energy downhill from a start to a minimum.")
            .group("Search")
            .takes("potential", "a Potential", "What to minimise.")
            .takes("start", "a position", "Where to begin.")
            .options::<MinimiseOptions>()
            .returns("position, energy, rms_gradient, index, near_zero, eigenvalues (the two lowest), eigenvalue_bound (what they may be off by: 0 from a dense Hessian), iterations, evaluations, step_cuts, resets, termination")
            .example("minimise(muller_brown(), [-0.5, 1.4]).energy", "-146.699517209954", 1e-9)
            .example("minimise(rosenbrock(2), [-1.2, 1.0], #{method: \"newton\"}).position", "[1.0, 1.0]", 1e-7)
            .reference("10.1007/BF01589116")
            .run(|call, mut args| {
                let potential = args.potential(0)?;
                let start = args.position(1, potential.dimension())?;
                let options: MinimiseOptions = args.options()?;
                match algorithms::minimise_or_stop(call.run(), &*potential, &start, &options)? {
                    Ok(found) => Ok(minimised(&found)),
                    Err(stopped) => call.keep_partial(Err(stopped.error.clone()), &stopped_at(&stopped)),
                }
            }),
        Native::new("dneb", "Relaxes a doubly nudged elastic band between two minima; its tops are candidates for transition states.")
            .group("Search")
            .takes("potential", "a Potential", "The surface.")
            .takes("from", "a position", "One end: a minimum.")
            .takes("to", "a position", "The other end; first brought onto the copy nearest to `from`.")
            .options::<DnebOptions>()
            .returns("positions (matrix, a row each, end points included), energies, distances, candidates (highest first), iterations, termination")
            .example("dneb(muller_brown(), [-0.558, 1.442], [-0.05, 0.467]).candidates.len()", "1", 0.0)
            .reference("10.1063/1.1636455")
            .run(|call, mut args| {
                let potential = args.potential(0)?;
                let from = args.position(1, potential.dimension())?;
                let to = args.position(2, potential.dimension())?;
                let options: DnebOptions = args.options()?;
                let band = algorithms::dneb(call.run(), &*potential, &from, &to, &options)?;
                let candidates: rhai::Array = band.candidates.into_iter().map(IntoValue::into_value).collect();
                Ok(Object::new("Band")
                    .field("positions", band.positions)
                    .field("energies", band.energies)
                    .field("distances", band.distances)
                    .field("candidates", candidates)
                    .field("iterations", band.iterations)
                    .field("termination", band.termination.name()))
            }),
        Native::new("transition_state", "Climbs to a stationary point with exactly one negative Hessian eigenvalue (or `index` of them).")
            .group("Search")
            .takes("potential", "a Potential", "The surface.")
            .takes("start", "a position", "Where to begin: a candidate of a band, or a displaced minimum.")
            .options::<TransitionStateOptions>()
            .returns("position, energy, rms_gradient, index, near_zero, eigenvalue, eigenvector, eigenvalue_bound (what the two lowest may be off by: 0 from a dense Hessian), iterations, evaluations, termination")
            .example("transition_state(muller_brown(), [-0.8, 0.6]).energy", "-40.6648435086574", 1e-9)
            .example("transition_state(styblinski_tang(2), [0.3, 0.4], #{index: 2}).position", "[0.156731, 0.156731]", 1e-6)
            .reference("10.1103/PhysRevB.59.3969")
            .run(|call, mut args| {
                let potential = args.potential(0)?;
                let start = args.position(1, potential.dimension())?;
                let options: TransitionStateOptions = args.options()?;
                let saddle = algorithms::transition_state(call.run(), &*potential, &start, &options)?;
                Ok(Object::new("Saddle")
                    .field("position", saddle.point.position)
                    .field("energy", saddle.point.energy)
                    .field("rms_gradient", saddle.point.rms_gradient)
                    .field("index", saddle.point.curvature.index)
                    .field("near_zero", saddle.point.curvature.near_zero)
                    .field("eigenvalue", saddle.eigenvalue)
                    .field("eigenvector", saddle.eigenvector)
                    .field("eigenvalue_bound", saddle.point.curvature.bound)
                    .field("iterations", saddle.iterations)
                    .field("evaluations", saddle.evaluations)
                    .field("termination", saddle.termination.name()))
            }),
        Native::new("pathway", "Follows both sides of a transition state down to the minima it connects.")
            .group("Search")
            .takes("potential", "a Potential", "The surface.")
            .takes("transition_state", "a transition state or its position", "Where to begin.")
            .options::<PathwayOptions>()
            .returns("minus, plus (minima), energies and distances (arc length so far) along the way, length")
            .example("let mb = muller_brown(); pathway(mb, transition_state(mb, [-0.8, 0.6])).length", "1.81", 0.02)
            .reference("10.1017/CBO9780511721724")
            .run(|call, mut args| {
                let potential = args.potential(0)?;
                let (position, mode) = saddle_of(&args, 1, potential.dimension())?;
                let options: PathwayOptions = args.options()?;
                let mode = match mode {
                    Some(mode) => mode,
                    None => lowest_mode(call.run(), &*potential, &position)?.1.into(),
                };
                let way = algorithms::pathway(call.run(), &*potential, &position, &mode, &options)?;
                Ok(Object::new("Pathway")
                    .field("minus", minimised(&way.minus))
                    .field("plus", minimised(&way.plus))
                    .field("energies", way.energies)
                    .field("distances", way.distances)
                    .field("length", way.length))
            }),
    ]
}

/// Types of values.
pub fn types() -> Vec<Type> {
    Vec::new()
}

/// How far a search came that was stopped.
fn stopped_at(stopped: &Stopped) -> Object {
    Object::new("Minimised")
        .field("position", stopped.state.x.clone())
        .field("energy", stopped.state.energy)
        .field("rms_gradient", stopped.state.rms())
        .field("iterations", stopped.state.iterations)
        .field("evaluations", stopped.evaluations)
        .field("termination", stopped.error.kind.name())
}

/// A minimum as scripts see it.
fn minimised(found: &Minimised) -> Object {
    let point = &found.point;
    Object::new("Minimised")
        .field("position", point.position.clone())
        .field("energy", point.energy)
        .field("rms_gradient", point.rms_gradient)
        .field("index", point.curvature.index)
        .field("near_zero", point.curvature.near_zero)
        .field("eigenvalues", point.curvature.lowest.to_vec())
        .field("eigenvalue_bound", point.curvature.bound)
        .field("iterations", found.iterations)
        .field("evaluations", found.evaluations)
        .field("step_cuts", found.step_cuts)
        .field("resets", found.resets)
        .field("termination", found.termination.name())
}

/// Position and, where the value has one, eigenvector of argument `k`: an object with these fields, or a bare position.
fn saddle_of(args: &Arguments, k: usize, dimension: usize) -> Result<(Arc<[f64]>, Option<Arc<[f64]>>)> {
    let Some(object) = args.try_handle::<Object>(k) else {
        return Ok((args.position(k, dimension)?, None));
    };
    let field = |name: &str| object.get(name).and_then(numbers).map(Arc::from);
    match field("position") {
        Some(position) => Ok((position, field("eigenvector"))),
        None => Err(args.wrong(k, "a transition state or its position")),
    }
}
