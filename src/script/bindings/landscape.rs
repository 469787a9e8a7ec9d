//! Landscapes in the script language: the store, searches into it, databases of other programs.

use crate::algorithms::curvature::{curvature, lowest_mode};
use crate::algorithms::{BasinHopOptions, PathwayOptions, StationaryPoint, pathway};
use crate::base::{Error, Kind, Result};
use crate::landscape::formats::{Dinfo, TopSearchOptions, load_dinfo, load_pathsample, load_topsearch, save_pathsample};
use crate::landscape::tree::ConnectedTo;
use crate::landscape::{
    Added, ConnectOptions, ExploreOptions, ExploreReport, Landscape, LandscapeOptions, LowestPath, Minimum, TransitionState,
    basin_hop, connect, explore,
};
use crate::math::matrix::rms;
use crate::potentials::{Potential, energy_gradient};
use crate::script::api::{Arguments, Call, Dynamic, IntoValue, Native, Object, PotentialHandle, Type};
use crate::script::convert::{number, numbers};
use rhai::Map;
use std::sync::Arc;

crate::handle!(Landscape, "Landscape");

/// Types of values.
pub fn types() -> Vec<Type> {
    vec![
        Type::of::<Landscape>("The minima and transition states of a potential, in memory or in a file.")
            .field("minima", "Every minimum, in order of energy.", |_, l: &Landscape| {
                let fields = l.fields();
                Ok(l.minima().iter().map(|m| with_fields(l, &fields, m)).collect::<Vec<Object>>())
            })
            .field("transition_states", "Every transition state, in order of energy.", |_, l: &Landscape| {
                Ok(l.transition_states().iter().map(|t| transition_state_object(t)).collect::<Vec<Object>>())
            })
            .field("global_minimum", "The lowest minimum.", |_, l: &Landscape| Ok(minimum_object(l, &*l.global_minimum()?)))
            .field(
                "counts",
                "Numbers of minima, transition_states and components (minima that transition states join).",
                |_, l: &Landscape| Ok(counts_object(l)),
            )
            .field("potential", "The potential, () where only the points are known.", |_, l: &Landscape| {
                Ok(l.potential().cloned())
            })
            .field("file", "The file it lives in, () in memory.", |_, l: &Landscape| {
                Ok(l.path().map(|p| p.display().to_string()))
            })
            .field("fields", "Names of the annotated fields.", |_, l: &Landscape| Ok(l.fields()))
            .field("runs", "What was searched for with which options, seed and version, the oldest first.", |_, l: &Landscape| {
                Ok(l.runs()
                    .into_iter()
                    .map(|r| {
                        Object::new("Run")
                            .field("function", r.function)
                            .field("options", r.options)
                            .field("seed", r.seed)
                            .field("version", r.version)
                    })
                    .collect::<Vec<Object>>())
            })
            .show(show)
            .screen(crate::script::show::landscape::landscape)
            .json(counts_object),
    ]
}

/// `Landscape of lennard_jones: 4 minima, 12 transition states, 1 component; lowest -16.505384`.
fn show(l: &Landscape) -> String {
    let counts = l.counts();
    let plural = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let of = l.identity().map_or(String::new(), |identity| format!(" of {}", identity.name));
    let lowest = l.global_minimum().map_or(String::new(), |m| format!("; lowest {:.6}", m.energy));
    let file = l.path().map_or(String::new(), |path| format!("; in {}", path.display()));
    format!(
        "Landscape{of}: {}, {}, {}{lowest}{file}",
        plural(counts.minima, "minimum", "minima"),
        plural(counts.transition_states, "transition state", "transition states"),
        plural(counts.components, "component", "components"),
    )
}

fn counts_object(l: &Landscape) -> Object {
    let counts = l.counts();
    Object::new("Counts")
        .field("minima", counts.minima)
        .field("transition_states", counts.transition_states)
        .field("components", counts.components)
}

/// A minimum as scripts see it, its annotations among the fields.
pub fn minimum_object(landscape: &Landscape, minimum: &Minimum) -> Object {
    with_fields(landscape, &landscape.fields(), minimum)
}

fn with_fields(landscape: &Landscape, fields: &[String], minimum: &Minimum) -> Object {
    let mut object = Object::new("Minimum")
        .field("id", minimum.id)
        .field("energy", minimum.energy)
        .field("position", minimum.position.clone())
        .field("index", minimum.curvature.index)
        .field("near_zero", minimum.curvature.near_zero)
        .field("rms_gradient", minimum.rms_gradient)
        .field("eigenvalues", minimum.curvature.lowest.to_vec())
        .field("log_product", minimum.curvature.log_product);
    for name in fields {
        if let Some(value) = landscape.field(name, minimum.id) {
            object = object.field(name.clone(), value);
        }
    }
    object
}

fn transition_state_object(point: &TransitionState) -> Object {
    Object::new("TransitionState")
        .field("id", point.id)
        .field("energy", point.energy)
        .field("position", point.position.clone())
        .field("index", point.curvature.index)
        .field("near_zero", point.curvature.near_zero)
        .field("rms_gradient", point.rms_gradient)
        .field("eigenvalues", point.curvature.lowest.to_vec())
        .field("log_product", point.curvature.log_product)
        .field("minima", point.minima.to_vec())
}

fn path_object(path: LowestPath) -> Object {
    Object::new("Path")
        .field("energies", path.energies)
        .field("distances", path.distances)
        .field("minima", path.minima)
        .field("transition_states", path.transition_states)
        .field("barrier", path.barrier)
        .field("length", path.length)
}

/// Functions and methods.
pub fn natives() -> Vec<Native> {
    let mut natives = searches();
    natives.extend(methods());
    natives.extend(databases());
    natives
}

fn searches() -> Vec<Native> {
    vec![
        Native::new("landscape", "Opens a landscape in a file, or makes one there; without a path one in memory.")
            .group("Landscapes")
            .takes("potential", "a Potential", "What the points are stationary points of.")
            .takes_optional("file", "the path of a file", "Opened where it exists (another potential is refused), created otherwise.")
            .options::<LandscapeOptions>()
            .returns("a Landscape")
            .example("landscape(muller_brown()).counts.minima", "0", 0.0)
            .run(|call, mut args| {
                let potential = args.potential(0)?;
                let path = if args.has(1) { Some(args.path(1)?) } else { None };
                let options: LandscapeOptions = args.options()?;
                match path {
                    None => Ok(Landscape::new(potential, &options)),
                    Some(path) => {
                        call.may_write(&path)?;
                        Landscape::open(potential, &path, &options)
                    }
                }
            }),
        Native::new("basin_hop", "Hops from minimum to minimum at a temperature; every distinct minimum is kept.")
            .group("Search")
            .takes("landscape", "a Potential or a Landscape", "Where to search; a landscape is added to.")
            .options::<BasinHopOptions>()
            .returns("a Landscape")
            .example("basin_hop(lennard_jones(4), #{steps: 5, seed: 1}).global_minimum.energy", "-6.0", 1e-9)
            .reference("10.1021/jp970984n")
            .run(|call, mut args| {
                let landscape = match args.try_handle::<PotentialHandle>(0) {
                    Some(potential) => Landscape::new(potential.0, &LandscapeOptions::default()),
                    None => args.try_handle::<Landscape>(0).ok_or_else(|| args.wrong(0, "a Potential or a Landscape"))?,
                };
                let options: BasinHopOptions = args.options()?;
                call.keep_partial(basin_hop(call.run(), &landscape, &options), &landscape)?;
                Ok(landscape)
            }),
        Native::new("connect", "Looks for transition states until one minimum is connected to another (missing connections).")
            .group("Search")
            .takes("landscape", "a Landscape", "Where both minima are; everything found is added.")
            .takes("a", "the id of a minimum", "One end.")
            .takes("b", "the id of a minimum", "The other end.")
            .options::<ConnectOptions>()
            .returns("the path of lowest barrier: energies, distances, minima, transition_states, barrier, length; () when all attempts or seconds are spent")
            .example(
                "let p = muller_brown(); let l = landscape(p); l.add(minimise(p, [0.6, 0.0])); l.add(minimise(p, [-0.5, 1.4])); connect(l, 1, 2).transition_states.len()",
                "2",
                0.0,
            )
            .reference("10.1063/1.1931587")
            .run(|call, mut args| {
                let landscape = args.handle::<Landscape>(0)?;
                let (a, b) = (args.whole(1)?, args.whole(2)?);
                let options: ConnectOptions = args.options()?;
                Ok(call.keep_partial(connect(call.run(), &landscape, a, b, &options), &landscape)?.map(path_object))
            }),
        Native::new("explore", "Explores a landscape with a mixture of searches until the first target is reached.")
            .group("Search")
            .takes("landscape", "a Landscape", "What to explore; everything found is added.")
            .options::<ExploreOptions>()
            .returns("searches; new_minima, new_transition_states, of these new_degenerate (into a copy of the same minimum), twins (new, with another's energy to rounding); minima_per_cpu_second, transition_states_per_cpu_second; failed_share of the searches, failed (number by reason); ended_by, seconds, cpu_seconds; completeness of the minima (Chao1), estimate of their number, interval (95 %); strategies")
            .example("let l = landscape(lennard_jones(4)); explore(l, #{searches: 64, seed: 1}).new_transition_states", "1", 0.0)
            .reference("10.1080/00268970210162691")
            .run(|call, mut args| {
                let landscape = args.handle::<Landscape>(0)?;
                let options: ExploreOptions = args.options()?;
                call.keep_partial(explore(call.run(), &landscape, &options), &landscape).map(report_object)
            }),
    ]
}

fn report_object(report: ExploreReport) -> Object {
    let failed: Map = report.failed.into_iter().map(|(reason, count)| (reason.into(), count.into_value())).collect();
    let strategies: Vec<Object> = report
        .strategies
        .iter()
        .map(|s| {
            Object::new("StrategyReport")
                .field("strategy", s.strategy.name())
                .field("searches", s.searches)
                .field("failed", s.failed)
                .field("new_minima", s.new_minima)
                .field("new_transition_states", s.new_transition_states)
                .field("evaluations", s.evaluations)
                .field("seconds", s.seconds)
        })
        .collect();
    let each_second = |count: usize| if report.cpu_seconds > 0.0 { count as f64 / report.cpu_seconds } else { 0.0 };
    let all = report.completeness;
    Object::new("Exploration")
        .field("searches", report.searches)
        .field("new_minima", report.new_minima)
        .field("new_transition_states", report.new_transition_states)
        .field("new_degenerate", report.new_degenerate)
        .field("twins", report.twins)
        .field("minima_per_cpu_second", each_second(report.new_minima))
        .field("transition_states_per_cpu_second", each_second(report.new_transition_states))
        .field("failed_share", report.failed_searches as f64 / report.searches.max(1) as f64)
        .field("failed", failed)
        .field("ended_by", report.ended_by)
        .field("seconds", report.seconds)
        .field("cpu_seconds", report.cpu_seconds)
        .field("completeness", all.fraction)
        .field("estimate", all.estimate)
        .field("interval", vec![all.low, all.high])
        .field("strategies", strategies)
}

fn methods() -> Vec<Native> {
    vec![
        Native::method("Landscape", "minimum", "The minimum with an id.")
            .takes("id", "a whole number from 1", "Ids follow the order of adding and never change.")
            .returns("id, energy, position, index, …")
            .run(|_, args| {
                let landscape = args.handle::<Landscape>(0)?;
                let minimum = landscape.minimum(args.whole(1)?)?;
                Ok(minimum_object(&landscape, &minimum))
            }),
        Native::method("Landscape", "transition_state", "The transition state with an id.")
            .takes("id", "a whole number from 1", "Ids follow the order of adding and never change.")
            .returns("id, energy, position, index, minima, …")
            .run(|_, args| Ok(transition_state_object(&*args.handle::<Landscape>(0)?.transition_state(args.whole(1)?)?))),
        Native::method("Landscape", "add", "Adds a minimum; a known one changes nothing.")
            .takes("minimum", "a minimum (of minimise, pathway, a landscape) or its position", "Energy, gradient and Hessian are computed again.")
            .returns("the minimum as the landscape has it")
            .example("let l = landscape(muller_brown()); l.add(minimise(muller_brown(), [0.6, 0.0])).id", "1", 0.0)
            .run(add),
        Native::method("Landscape", "add_transition_state", "Follows a transition state down on both sides and adds all three points.")
            .takes("transition_state", "a transition state or its position", "Computed again before it is added.")
            .options::<PathwayOptions>()
            .returns("the transition state as the landscape has it")
            .run(add_transition_state),
        Native::method("Landscape", "completeness", "How much of the minima has been found: the Chao1 estimate from how often independent searches found each.")
            .returns("fraction, estimate, low, high (95 %), singletons, doubletons")
            .reference("10.2307/2531532")
            .run(|_, args| {
                let c = args.handle::<Landscape>(0)?.completeness();
                Ok(Object::new("Completeness")
                    .field("fraction", c.fraction)
                    .field("estimate", c.estimate)
                    .field("low", c.low)
                    .field("high", c.high)
                    .field("singletons", c.singletons)
                    .field("doubletons", c.doubletons))
            }),
        Native::method("Landscape", "verify", "Computes energy, gradient and Hessian index of every point again.")
            .returns("checked (number), failed (array of kind, id, reason)")
            .run(|call, args| {
                let found = args.handle::<Landscape>(0)?.verify(call.run())?;
                let failed: Vec<Object> = found
                    .failed
                    .into_iter()
                    .map(|f| Object::new("Failure").field("kind", f.kind).field("id", f.id).field("reason", f.reason))
                    .collect();
                Ok(Object::new("Verification").field("checked", found.checked).field("failed", failed))
            }),
        Native::method("Landscape", "annotate", "Gives every minimum a real field; a closure that fails changes nothing.")
            .takes("name", "text", "The name of the field.")
            .takes("values", "a closure |m| … or a number for each minimum in the order of .minima", "The values; NaN is allowed.")
            .example("let l = basin_hop(lennard_jones(4), #{steps: 1, seed: 1}); l.annotate(\"double\", |m| 2.0 * m.energy); l.minima[0].double", "-12.0", 1e-8)
            .run(annotate),
        Native::method("Landscape", "merge", "Adds every point of another landscape of the same potential; own ids stay.")
            .takes("other", "a Landscape", "What to add.")
            .returns("new_minima, new_transition_states")
            .run(|_, args| {
                let (minima, transition_states) = args.handle::<Landscape>(0)?.merge(&args.handle::<Landscape>(1)?)?;
                Ok(Object::new("Merged").field("new_minima", minima).field("new_transition_states", transition_states))
            }),
        Native::method("Landscape", "path", "The way of lowest barrier from one minimum to another.")
            .takes("a", "the id of a minimum", "Where it begins.")
            .takes("b", "the id of a minimum", "Where it ends.")
            .returns("energies (minimum, transition state, minimum, …), distances (from the first to each), minima, transition_states (ids), barrier, length; () without a way")
            .reference("10.1090/S0002-9939-1956-0078686-7")
            .run(|_, args| {
                let landscape = args.handle::<Landscape>(0)?;
                Ok(landscape.lowest_path(args.whole(1)?, args.whole(2)?)?.map(path_object))
            }),
    ]
}

/// The position in an object or bare, with the eigenvector that a saddle carries.
fn position_of(args: &Arguments, dimension: usize) -> Result<(Vec<f64>, Option<Vec<f64>>)> {
    let Some(object) = args.try_handle::<Object>(1) else {
        return Ok((args.position(1, dimension)?.to_vec(), None));
    };
    let field = |name: &str| object.get(name).and_then(numbers);
    let position = field("position").ok_or_else(|| args.wrong(1, "a point with a position"))?;
    if position.len() != dimension {
        return Err(Error::shape(format!(
            "add: the point has {} coordinates, but the landscape has {dimension}",
            position.len()
        ))
        .at("minimum"));
    }
    Ok((position, field("eigenvector")))
}

/// Energy, gradient and curvature at a position: what is added is what holds there, whatever an object says.
fn point_at(call: &Call, potential: &dyn Potential, position: Vec<f64>) -> Result<StationaryPoint> {
    let (energy, gradient) = energy_gradient(potential, &position);
    if !energy.is_finite() {
        return Err(Error::value(format!("add: the energy at this position is {energy}")).at("minimum"));
    }
    let curvature = curvature(call.run(), potential, &position)?;
    Ok(StationaryPoint { position, energy, rms_gradient: rms(&gradient), curvature })
}

fn add(call: &Call, args: Arguments) -> Result<Object> {
    let landscape = args.handle::<Landscape>(0)?;
    let potential = landscape.needs_potential("add")?.clone();
    let (position, _) = position_of(&args, landscape.dimension())?;
    let Added { id, .. } = landscape.add_minimum(&point_at(call, potential.as_ref(), position)?)?;
    landscape.flush()?;
    Ok(minimum_object(&landscape, &*landscape.minimum(id)?))
}

fn add_transition_state(call: &Call, mut args: Arguments) -> Result<Object> {
    let landscape = args.handle::<Landscape>(0)?;
    let potential = landscape.needs_potential("add_transition_state")?.clone();
    let (position, mode) = position_of(&args, landscape.dimension())?;
    let options: PathwayOptions = args.options()?;
    landscape.check_tolerance("add_transition_state", options.tolerance)?;
    let top = point_at(call, potential.as_ref(), position)?;
    let mode = match mode {
        Some(mode) => mode,
        None => lowest_mode(call.run(), potential.as_ref(), &top.position)?.1,
    };
    let way = pathway(call.run(), potential.as_ref(), &top.position, &mode, &options)?;
    let added = landscape.add_transition_state(&top, &way.minus.point, &way.plus.point)?;
    landscape.flush()?;
    Ok(transition_state_object(&*landscape.transition_state(added.transition_state.id)?))
}

fn annotate(call: &Call, args: Arguments) -> Result<()> {
    let landscape = args.handle::<Landscape>(0)?;
    let name = args.text(1)?;
    let minima: Vec<Arc<Minimum>> = landscape.minima();
    let ids: Vec<usize> = minima.iter().map(|m| m.id).collect();
    let values = match args.closure(2) {
        Ok(closure) => {
            let task = call.run().task("annotate", Some(minima.len() as u64));
            let mut values = Vec::with_capacity(minima.len());
            for minimum in &minima {
                let value = call.closure(&closure, [minimum_object(&landscape, minimum).into_value()]);
                let value = value.and_then(|value| {
                    let found = number(&value).ok_or_else(|| call.catalogue().describe(&value));
                    found.map_err(|found| Error::new(Kind::Type, format!("the closure must give a number, found {found}")))
                });
                values.push(value.map_err(|error| named(error, minimum.id))?);
                task.tick(1, String::new)?;
            }
            values
        }
        Err(_) if args.value(2).is_array() || numbers(&args.value(2)).is_some() => args.vector(2)?.to_vec(),
        Err(_) => return Err(args.wrong(2, "a closure |m| … or a number for each minimum")),
    };
    if values.len() != ids.len() {
        return Err(Error::shape(format!("annotate: {} values for {} minima", values.len(), ids.len())).at("values"));
    }
    landscape.annotate(&name, &ids, &values)
}

/// The error of a closure, with the minimum at which it arose.
fn named(mut error: Error, id: usize) -> Error {
    if !error.is_stop() {
        error.message = format!("annotate: at minimum {id}: {}; nothing was changed", error.message);
    }
    error
}

fn databases() -> Vec<Native> {
    vec![
        Native::new("load_pathsample", "Reads a PATHSAMPLE database: min.data, ts.data, points.min, points.ts.")
            .group("Landscapes")
            .takes("dir", "the path of a folder", "Where the files are.")
            .special_option("potential", "a Potential", "()", "What the points belong to, for searches and alignment.")
            .returns("a Landscape; ids are the lines of the files")
            .run(|call, mut args| {
                let folder = args.path(0)?;
                call.may_read(&folder)?;
                let potential = potential_option(&mut args)?;
                load_pathsample(&folder, potential)
            }),
        Native::method(
            "Landscape",
            "save_pathsample",
            "Writes a PATHSAMPLE database; what was read from one is written unchanged.",
        )
        .takes("dir", "the path of a folder", "Made where it is missing.")
        .run(|call, args| {
            let landscape = args.handle::<Landscape>(0)?;
            let folder = args.path(1)?;
            call.may_write(&folder)?;
            save_pathsample(&landscape, &folder)
        }),
        Native::new(
            "load_topsearch",
            "Reads a TopSearch database: min.data, min.coords, ts.data, ts.coords, with or without a prefix.",
        )
        .group("Landscapes")
        .takes("dir", "the path of a folder", "Where the files are.")
        .options::<TopSearchOptions>()
        .special_option("potential", "a Potential", "()", "What the points belong to, for searches and alignment.")
        .returns("a Landscape; ids are the lines of the files")
        .reference("10.21105/joss.06711")
        .run(|call, mut args| {
            let folder = args.path(0)?;
            call.may_read(&folder)?;
            let potential = potential_option(&mut args)?;
            load_topsearch(&folder, &args.options()?, potential)
        }),
        Native::new(
            "load_dinfo",
            "Reads an input file of disconnectionDPS as the options of disconnectivity; unknown keywords are warnings.",
        )
        .group("Landscapes")
        .takes("path", "the path of a file", "The dinfo file.")
        .returns("a map of options")
        .run(|call, args| {
            let path = args.path(0)?;
            call.may_read(&path)?;
            load_dinfo(call.run(), &path).map(dinfo_map)
        }),
    ]
}

fn potential_option(args: &mut Arguments) -> Result<Option<Arc<dyn Potential>>> {
    match args.take_option("potential") {
        None => Ok(None),
        Some(value) if value.is_unit() => Ok(None),
        Some(value) => match value.clone().try_cast::<PotentialHandle>() {
            Some(potential) => Ok(Some(potential.0)),
            None => Err(args.wrong_option("potential", "a Potential", &value)),
        },
    }
}

/// Only what the file asks for: the rest keeps the defaults of `disconnectivity`.
fn dinfo_map(dinfo: Dinfo) -> Map {
    let tree = dinfo.tree;
    let mut map = Map::new();
    let mut put = |name: &str, value: Option<Dynamic>| {
        if let Some(value) = value {
            map.insert(name.into(), value);
        }
    };
    put("first", tree.first.map(IntoValue::into_value));
    put("delta", tree.delta.map(IntoValue::into_value));
    put("levels", tree.levels.map(IntoValue::into_value));
    put("max_energy", tree.max_energy.map(IntoValue::into_value));
    put("min_connections", tree.min_connections.map(IntoValue::into_value));
    put("lowest", tree.lowest.map(IntoValue::into_value));
    put(
        "connected_to",
        match tree.connected_to {
            ConnectedTo::All => None,
            ConnectedTo::Global => Some("global".into_value()),
            ConnectedTo::Minimum(id) => Some(id.into_value()),
        },
    );
    put("label", (!dinfo.label.is_empty()).then(|| dinfo.label.into_value()));
    map
}

#[cfg(test)]
mod tests {
    use crate::script::Language;
    use crate::script::api::{Dynamic, Environment};

    fn run(script: &str) -> Dynamic {
        Language::new(Environment::silent()).run(script).unwrap_or_else(|e| panic!("{script}: {}", e.error))
    }

    fn fails(script: &str) -> String {
        match Language::new(Environment::silent()).run(script) {
            Ok(value) => panic!("{script} gave {value}"),
            Err(error) => error.error.to_string(),
        }
    }

    const TWO: &str =
        "let p = muller_brown(); let l = landscape(p); l.add(minimise(p, [0.6, 0.0])); l.add(minimise(p, [-0.5, 1.4])); ";

    #[test]
    fn a_landscape_in_a_script() {
        assert_eq!(run(&format!("{TWO} let path = connect(l, 1, 2).transition_states; path.len()")).as_int(), Ok(2));
        assert_eq!(run(&format!("{TWO} l.add(l.minimum(2)); l.counts.minima")).as_int(), Ok(2));
        assert_eq!(run(&format!("{TWO} l.annotate(\"number\", |m| m.id); l.minima[0].number")).as_float(), Ok(2.0));
        assert_eq!(run(&format!("{TWO} l.annotate(\"gap\", [0.5, 1.5]); l.global_minimum.gap")).as_float(), Ok(0.5));
        assert_eq!(run(&format!("{TWO} l.global_minimum().id")).as_int(), Ok(2));
        assert!(run(&format!("{TWO} l.path(1, 2)")).is_unit());
        assert_eq!(run(&format!("{TWO} l.verify().checked")).as_int(), Ok(2));
        let saddle = "l.add_transition_state(transition_state(p, [-0.8, 0.6])); [l.counts.minima, l.counts.transition_states]";
        assert_eq!(run(&format!("{TWO} {saddle}")).into_array().unwrap()[0].as_int(), Ok(3));
    }

    #[test]
    fn connect_gives_up_where_there_is_no_way() {
        // A pole lies between the two minima; the attempts are all that ends it.
        let pole = "let p = potential(1, |x| x[0] * x[0] + 1 / (x[0] * x[0])); let l = landscape(p); l.add(minimise(p, [0.9])); l.add(minimise(p, [-0.9]));";
        assert!(run(&format!("{pole} connect(l, 1, 2, #{{attempts: 3}})")).is_unit());
        assert_eq!(run(&format!("{pole} connect(l, 1, 2, #{{attempts: 3}}); l.counts.components")).as_int(), Ok(2));
    }

    #[test]
    fn what_bad_input_gets() {
        assert!(fails("landscape(muller_brown()).minimum(99)").contains("99"));
        let top = fails(&format!("{TWO} l.add(transition_state(p, [-0.8, 0.6]))"));
        assert!(top.contains("index 1"), "{top}");
        assert!(fails(&format!("{TWO} l.add([0.6, 0.0])")).contains("not converged"));
        assert!(fails(&format!("{TWO} connect(l, 1, 1)")).contains("both ends"));
        assert!(fails(&format!("{TWO} l.path(2, 2)")).contains("both ends"));
        assert!(fails(&format!("{TWO} explore(l, #{{tolerance: 1e-3}})")).contains("looser"));
        let thrown = fails(&format!("{TWO} l.annotate(\"x\", |m| if m.id == 1 {{ throw \"no\" }} else {{ 1.0 }})"));
        assert!(thrown.contains("minimum 1") && thrown.contains("no"), "{thrown}");
        let nothing = format!(
            "{TWO} try {{ l.annotate(\"x\", |m| if m.id == 1 {{ throw 1 }} else {{ 1.0 }}) }} catch {{}} let names = l.fields; names.len()"
        );
        assert_eq!(run(&nothing).as_int(), Ok(0));
        assert!(fails("load_pathsample(\"nowhere\")").contains("nowhere"));
        assert!(fails("landscape(muller_brown()).minina").contains("minima"));
        assert!(fails("basin_hop(3)").contains("Potential"));
    }
}
