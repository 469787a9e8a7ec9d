//! Diffusion maps in the script language.

use super::figures::characters;
use super::sampling::{Rows, SamplesHandle, samples_or_matrix};
use crate::analysis::diffusion_map::{self, DiffusionOptions, LevelOptions};
use crate::base::{Error, Result};
use crate::data::{Column, Table};
use crate::figures::diffusion_map::draw_diffusion_map;
use crate::math::Matrix;
use crate::plot::Figure;
use crate::plot::scale::short;
use crate::potentials::{Batch, Evaluations, Potential};
use crate::script::api::{Arguments, Call, Dynamic, Native, Object, PotentialHandle, Type, Vector};
use crate::script::convert::numbers;
use rhai::{FnPtr, Map};
use std::sync::Arc;

/// Rows of a batch: between them a stop is heard.
const BATCH: usize = 256;

/// A diffusion map as scripts hold it, with its drawing.
#[derive(Clone)]
pub struct DiffusionMap {
    pub map: Arc<diffusion_map::DiffusionMap>,
    figure: Figure,
}

crate::handle!(DiffusionMap, "DiffusionMap");

/// Types of values.
pub fn types() -> Vec<Type> {
    vec![
        Type::of::<DiffusionMap>("Slow coordinates of a cloud of points, their eigenvalues, and the drawing of the first two.")
            .field("eigenvalues", "Of the generator, in rising order, without the 0 of the constant.", |_, d: &DiffusionMap| {
                Ok(d.map.eigenvalues.clone())
            })
            .field(
                "coordinates",
                "A row for each point, a column for each eigenvalue: mean 0, mean square 1 by the weights.",
                |_, d: &DiffusionMap| Ok(d.map.coordinates.clone()),
            )
            .field("bandwidth", "ε of the kernel, length².", |_, d: &DiffusionMap| Ok(d.map.bandwidth))
            .field("dimension", "Twice the steepest slope of log ΣK over log ε.", |_, d: &DiffusionMap| Ok(d.map.dimension))
            .field("weights", "The stationary weight of each point, mean 1.", |_, d: &DiffusionMap| Ok(d.map.weights.clone()))
            .field("points", "The points, a row each.", |_, d: &DiffusionMap| Ok(d.map.points.clone()))
            .field("neighbours", "Neighbours of each point; () where all pairs count.", |_, d: &DiffusionMap| {
                Ok(d.map.neighbours)
            })
            .field("figure", "The points over the first two coordinates.", |_, d: &DiffusionMap| Ok(d.figure.clone()))
            .show(|d: &DiffusionMap| said(&d.map))
            .screen(|d: &DiffusionMap, room| {
                let mut text = characters(d.figure.show(room.width, room.height.saturating_sub(2)));
                text.line().plain(crate::plot::terminal::cut(&said(&d.map), room.width));
                text
            })
            .picture(|d: &DiffusionMap| d.figure.clone())
            .json(|d: &DiffusionMap| {
                Object::new("DiffusionMap")
                    .field("eigenvalues", d.map.eigenvalues.clone())
                    .field("bandwidth", d.map.bandwidth)
                    .field("dimension", d.map.dimension)
                    .field("coordinates", d.map.coordinates.clone())
                    .field("weights", d.map.weights.clone())
            }),
    ]
}

/// `DiffusionMap: 5 coordinates of 1000 points, eigenvalues 0.74 to 6.1, bandwidth 0.0625, dimension 2.1`.
fn said(map: &diffusion_map::DiffusionMap) -> String {
    let count = map.eigenvalues.len();
    let [first, last] = [map.eigenvalues[0], map.eigenvalues[count - 1]].map(short);
    let values = if count == 1 { format!("eigenvalue {first}") } else { format!("eigenvalues {first} to {last}") };
    format!(
        "DiffusionMap: {count} coordinate{} of {} points, {values}, bandwidth {}, dimension {}",
        if count == 1 { "" } else { "s" },
        map.points.rows,
        short(map.bandwidth),
        short(map.dimension)
    )
}

/// Functions and methods.
pub fn natives() -> Vec<Native> {
    // Twelve points on a line: the first coordinate tells its ends apart.
    const LINE: &str =
        "let line = []; for i in 0..12 { line.push([i / 11]); } let d = diffusion_map(line, #{count: 2, bandwidth: 0.02});";
    let line = |rest: &str| format!("{LINE} {rest}");
    vec![
        Native::new(
            "diffusion_map",
            "Slow coordinates of a cloud of points, slowest first: right eigenvectors of a diffusion from neighbour to neighbour, with the \
             eigenvalues of its generator, (1 − μ)/ε. With `target` it is the overdamped Langevin dynamics of those energies, wherever the points are from.",
        )
        .group("Sampling")
        .takes("samples", "Samples, a matrix or an array of rows", "The points, a row each; in any number of dimensions.")
        .options::<DiffusionOptions>()
        .special_option(
            "target",
            "energies βE at the points, a closure |x| … that gives them, a Potential, or true for the energies of Samples over their temperature",
            "none",
            "Whose density exp(−βE) the dynamics has; a constant in it changes nothing. `alpha` is 1 then.",
        )
        .returns("a DiffusionMap: eigenvalues, coordinates (matrix), bandwidth, dimension, weights, extend(points), coordinate(k), correlations(…), levels(k)")
        .example(
            "let c = []; for i in 0..60 { let t = 2 * PI() * i / 60; c.push([cos(t), sin(t)]); } diffusion_map(c, #{count: 4, bandwidth: 0.01}).eigenvalues",
            "[1.0051032622, 1.0051032622, 3.9597958695, 3.9597958695]",
            1e-6,
        )
        .example(
            "let x = []; for i in 0..201 { x.push([0.04 * i - 4]); } diffusion_map(x, #{count: 2, bandwidth: 0.01, target: |x| 0.5 * x[0]**2}).eigenvalues",
            "[1.0, 2.0]",
            0.05,
        )
        .reference("10.1016/j.acha.2006.04.006")
        .reference("10.1103/PhysRevE.91.032915")
        .reference("10.1016/j.acha.2015.01.001")
        .reference("10.1016/j.acha.2018.05.001")
        .run(make),
        Native::method(
            "DiffusionMap",
            "extend",
            "The coordinates of other points by Nyström's extension; the map's own points get theirs back.",
        )
        .takes("points", "a matrix or an array of rows", "The points, a row each.")
        .returns("a matrix: a row a point, a column a coordinate")
        .example(&line("d.extend([[0.5]])[0][0]"), "0.0", 1e-9)
        .run(|call, args| {
            let map = args.handle::<DiffusionMap>(0)?.map;
            let points = args.matrix(1)?;
            map.extend(call.run(), &points)
        }),
        Native::method(
            "DiffusionMap",
            "coordinate",
            "One coordinate as a function of the position, with an exact gradient: a collective variable. With `neighbours` its kernel fades out \
             smoothly where the map's ends, so that its values differ a little from those of extend(…).",
        )
        .takes("k", "a whole number from 0 on", "Which one.")
        .returns("a Potential whose energy is the coordinate")
        .example(&line("abs(d.coordinate(0).gradient([0.5])[0]) > 1"), "true", 0.0)
        .example(&line("d.coordinate(1).energy([0.25]) - d.extend([[0.25]])[0][1]"), "0.0", 1e-9)
        .reference("10.1016/j.acha.2005.07.005")
        .run(|_, args| {
            let coordinate = args.handle::<DiffusionMap>(0)?.map.coordinate(args.whole(1)?)?;
            Ok(Arc::new(coordinate) as Arc<dyn Potential>)
        }),
        Native::method(
            "DiffusionMap",
            "correlations",
            "How the coordinates go with observables: Pearson's correlation of each with each, the strongest first; NaN for a constant.",
        )
        .takes(
            "observables",
            "a map of them, or one: a closure |x| …, a number for each point, or a Potential",
            "What the coordinates may mean.",
        )
        .returns("a table: coordinate, observable, correlation")
        .example(&line("d.correlations(#{x: |x| x[0]}).coordinate"), "[0, 1]", 0.0)
        .run(correlations),
        Native::method(
            "DiffusionMap",
            "levels",
            "Cuts a coordinate into pieces of equal length and says which points lie on each; the landmark is the point nearest to its middle.",
        )
        .takes("k", "a whole number from 0 on", "Which coordinate.")
        .options::<LevelOptions>()
        .returns("a table: low, high, count, share (of the stationary weight), landmark (the number of a point, −1 where there is none)")
        .example(&line("d.levels(0, #{bins: 3}).count"), "[5, 2, 5]", 0.0)
        .run(|_, mut args| {
            let map = args.handle::<DiffusionMap>(0)?.map;
            let k = args.whole(1)?;
            let levels = map.levels(k, &args.options::<LevelOptions>()?)?;
            let reals = |of: &dyn Fn(&diffusion_map::Level) -> f64| Column::Numbers(levels.iter().map(of).collect());
            let wholes = |of: &dyn Fn(&diffusion_map::Level) -> i64| Column::Integers(levels.iter().map(of).collect());
            Table::new(vec![
                ("low".into(), reals(&|l| l.low)),
                ("high".into(), reals(&|l| l.high)),
                ("count".into(), wholes(&|l| l.count as i64)),
                ("share".into(), reals(&|l| l.share)),
                ("landmark".into(), wholes(&|l| l.landmark.map_or(-1, |i| i as i64))),
            ])
        }),
    ]
}

fn make(call: &Call, mut args: Arguments) -> Result<DiffusionMap> {
    let target = args.take_option("target").filter(|t| !t.is_unit());
    let samples = args.try_handle::<SamplesHandle>(0);
    let points = match samples_or_matrix(&args, 0)?.0 {
        Rows::Matrix(matrix) => matrix,
        rows => Arc::new(rows.matrix()?.clone()),
    };
    let options: DiffusionOptions = args.options()?;
    let energies = match &target {
        None => None,
        Some(target) => Some(energies(call, &args, target, &points, samples.as_ref())?),
    };
    let map = diffusion_map::diffusion_map(call.run(), points, energies.as_deref(), &options)?;
    let lonely = map.lonely();
    if !lonely.is_empty() {
        let which: Vec<String> = lonely.iter().map(usize::to_string).collect();
        call.run().warn(&format!(
            "diffusion_map: coordinate {} tells a handful of outliers from all other points, which they hardly reach at a bandwidth of {}; a larger `bandwidth`, \
             more `neighbours` or `variable_bandwidth: true` gives coordinates of the whole",
            which.join(", "),
            map.bandwidth
        ));
    }
    let colours = samples.as_ref().map(|s| s.0.energies.as_slice()).or(energies.as_deref());
    let figure = draw_diffusion_map(&map, colours)?;
    Ok(DiffusionMap { map: Arc::new(map), figure })
}

/// βE at the points from what the option `target` says.
fn energies(
    call: &Call,
    args: &Arguments,
    target: &Dynamic,
    points: &Matrix,
    samples: Option<&SamplesHandle>,
) -> Result<Vec<f64>> {
    const TAKES: &str = "energies βE at the points, a closure |x| …, a Potential or, for Samples, true";
    if target.as_bool() == Ok(true) {
        let Some(SamplesHandle(samples)) = samples else {
            let message =
                "diffusion_map: option `target` may be true for Samples only, which know their energies and temperature";
            return Err(Error::value(message).at("target").hint("give the energies βE at the points"));
        };
        return Ok(samples.energies.iter().map(|e| e / samples.temperature).collect());
    }
    match at_points(call, "target", target, points)? {
        Some(values) => Ok(values),
        None => Err(args.wrong_option("target", TAKES, target)),
    }
}

/// The values at the points of what a script gave: numbers, a closure, a potential; none where it is something else.
fn at_points(call: &Call, name: &str, given: &Dynamic, points: &Matrix) -> Result<Option<Vec<f64>>> {
    if let Some(values) = numbers(given) {
        return Ok(Some(values));
    }
    let task = call.run().task("values at the points", Some(points.rows as u64));
    if let Some(PotentialHandle(potential)) = given.read_lock::<PotentialHandle>().map(|p| p.clone()) {
        let d = potential.dimension();
        if d != points.columns {
            let message =
                format!("{}: the potential of `{name}` has {d} coordinates, the points have {}", call.name(), points.columns);
            return Err(Error::shape(message).at(name));
        }
        let (mut values, mut out) = (Vec::with_capacity(points.rows), Evaluations::default());
        for rows in points.data.chunks(BATCH * d) {
            potential.evaluate(Batch::new(rows, d), &mut out);
            values.extend_from_slice(&out.energies);
            task.tick((rows.len() / d) as u64, String::new)?;
        }
        return Ok(Some(values));
    }
    let Some(closure) = given.read_lock::<FnPtr>().map(|f| f.clone()) else { return Ok(None) };
    let mut values = Vec::with_capacity(points.rows);
    for i in 0..points.rows {
        let value = call.real(&closure, [Dynamic::from(Vector::new(points.row(i).to_vec()))]).map_err(|mut error| {
            if !error.is_stop() {
                error.message = format!("{}: `{name}` at point {i}: {}", call.name(), error.message);
            }
            error
        });
        values.push(value?);
        task.tick(1, String::new)?;
    }
    Ok(Some(values))
}

fn correlations(call: &Call, args: Arguments) -> Result<Table> {
    const TAKES: &str = "a map of observables, or one: a closure |x| …, a number for each point, or a Potential";
    let map = args.handle::<DiffusionMap>(0)?.map;
    let given = args.value(1);
    let named: Vec<(String, Dynamic)> = match given.read_lock::<Map>() {
        Some(named) => named.iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
        None => vec![("observable".into(), given.clone())],
    };
    let mut observables = Vec::with_capacity(named.len());
    for (name, value) in named {
        let values = at_points(call, &name, &value, &map.points)?.ok_or_else(|| args.wrong(1, TAKES))?;
        observables.push((name, values));
    }
    let found = map.correlations(&observables)?;
    Table::new(vec![
        ("coordinate".into(), Column::Integers(found.iter().map(|c| c.coordinate as i64).collect())),
        ("observable".into(), Column::Texts(found.iter().map(|c| c.observable.clone()).collect())),
        ("correlation".into(), Column::Numbers(found.iter().map(|c| c.correlation).collect())),
    ])
}
