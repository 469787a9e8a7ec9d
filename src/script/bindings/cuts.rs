//! Cuts through potentials in the script language: slices, surfaces, directions, paths, moving figures.

use super::figures::{Both, characters};
use crate::analysis::cuts::{self, Plane, SliceOptions, SurfaceOptions, zoomed};
use crate::analysis::directions::filter_normalised;
use crate::base::{Error, Kind, Result};
use crate::figures::cuts::{Overlay, SliceDrawing, SurfaceDrawing, SurfacePicture, draw_slice};
use crate::figures::profile::{Profile, ProfileOptions, draw_profile};
use crate::network::Network;
use crate::plot::Figure;
use crate::plot::animation::{AnimationOptions, animate};
use crate::plot::scale::short;
use crate::potentials::{Family, Potential};
use crate::script::api::{Arguments, Call, Dynamic, IntoValue, MatrixValue, Native, Object, Type};
use crate::script::convert::{integer, number, numbers};
use crate::script::show::picture;
use rhai::Array;
use std::sync::Arc;

/// A slice as scripts hold it: energies and their drawing.
#[derive(Clone)]
pub struct SliceFigure {
    slice: Arc<cuts::Slice>,
    pub(super) figure: Figure,
}

crate::handle!(SliceFigure, "Slice");

/// A surface as scripts hold it: energies, the plane they lie over, and their drawing.
#[derive(Clone)]
pub struct SurfaceFigure {
    picture: Arc<SurfacePicture>,
    plane: Arc<Plane>,
    overlay: Arc<Overlay>,
    pub(super) figure: Figure,
}

crate::handle!(SurfaceFigure, "Surface");

crate::options! {
    /// Options of `filter_normalised`.
    pub struct DirectionOptions {
        /// Decides what is drawn.
        seed: Option<u64> = None => "that of the run", ANY, "";
    }
}

/// Types of values.
pub fn types() -> Vec<Type> {
    vec![
        Type::of::<SliceFigure>("Energies along a line between two positions, and their drawing.")
            .field("energies", "The energies from `from` to `to`.", |_, s: &SliceFigure| Ok(s.slice.energies.clone()))
            .field("coordinates", "Where each stands: 0 at `from`, 1 at `to`.", |_, s: &SliceFigure| {
                Ok(s.slice.coordinates.clone())
            })
            .field("length", "The distance from `from` to `to`.", |_, s: &SliceFigure| Ok(s.slice.length))
            .field("figure", "The drawing alone.", |_, s: &SliceFigure| Ok(s.figure.clone()))
            .field("title", "The title of the drawing.", |_, s: &SliceFigure| Ok(s.figure.title().to_string()))
            .field("size", "Width and height of the drawing in px.", |_, s: &SliceFigure| Ok(s.figure.size().to_vec()))
            .field("svg", "The drawing as text in SVG.", |_, s: &SliceFigure| Ok(s.figure.svg()))
            .show(|s: &SliceFigure| {
                let [low, high] = ends(&s.slice.energies).map(short);
                let count = s.slice.energies.len();
                format!("Slice: {count} energies from {low} to {high} over a length of {}", short(s.slice.length))
            })
            .screen(|s: &SliceFigure, room| characters(s.figure.show(room.width, room.height)))
            .picture(|s: &SliceFigure| s.figure.clone())
            .json(|s: &SliceFigure| {
                Object::new("Slice")
                    .field("coordinates", s.slice.coordinates.clone())
                    .field("energies", s.slice.energies.clone())
                    .field("length", s.slice.length)
            }),
        Type::of::<SurfaceFigure>("Energies over a plane through a position, and their drawing.")
            .field("energies", "energies[i][j] belongs to coordinates_a[i] and coordinates_b[j].", |_, s: &SurfaceFigure| {
                Ok(s.picture.surface.energies.clone())
            })
            .field("coordinates_a", "How often a is added to the centre, for each row.", |_, s: &SurfaceFigure| {
                Ok(s.picture.surface.s.clone())
            })
            .field("coordinates_b", "How often b is added to the centre, for each column.", |_, s: &SurfaceFigure| {
                Ok(s.picture.surface.t.clone())
            })
            .field(
                "enlarged",
                "The part that `zoom` asked for: energies, coordinates_a, coordinates_b; () without it.",
                |_, s: &SurfaceFigure| Ok(s.picture.zoom.as_ref().map(surface_object).into_value()),
            )
            .field("figure", "The drawing alone.", |_, s: &SurfaceFigure| Ok(s.figure.clone()))
            .field("title", "The title of the drawing.", |_, s: &SurfaceFigure| Ok(s.figure.title().to_string()))
            .field("size", "Width and height of the drawing in px.", |_, s: &SurfaceFigure| Ok(s.figure.size().to_vec()))
            .field("svg", "The drawing as text in SVG.", |_, s: &SurfaceFigure| Ok(s.figure.svg()))
            .show(|s: &SurfaceFigure| {
                let surface = &s.picture.surface;
                let [low, high] = ends(&surface.energies.data).map(short);
                format!("Surface: {} × {} energies from {low} to {high}", surface.s.len(), surface.t.len())
            })
            .screen(|s: &SurfaceFigure, room| characters(s.figure.show(room.width, room.height)))
            .picture(|s: &SurfaceFigure| s.figure.clone())
            .json(|s: &SurfaceFigure| surface_object(&s.picture.surface)),
    ]
}

fn surface_object(surface: &cuts::Surface) -> Object {
    Object::new("Energies")
        .field("energies", surface.energies.clone())
        .field("coordinates_a", surface.s.clone())
        .field("coordinates_b", surface.t.clone())
}

/// The lowest and the highest finite number.
fn ends(energies: &[f64]) -> [f64; 2] {
    let finite = || energies.iter().copied().filter(|e| e.is_finite());
    [finite().fold(f64::NAN, f64::min), finite().fold(f64::NAN, f64::max)]
}

/// Functions and methods.
pub fn natives() -> Vec<Native> {
    vec![slice(), surface(), frames(), project(), direction(), plot_path(), animation()]
}

/// What energies of a potential are called.
fn energy_name(potential: &dyn Potential) -> &'static str {
    if potential.family() == Family::Network { "loss" } else { "energy" }
}

fn slice() -> Native {
    Native::new("slice", "Energies along the straight line from one position to another, drawn as a curve.")
        .group("Figures")
        .takes("potential", "a Potential", "What to cut.")
        .takes("from", "a position", "Where the line begins.")
        .takes("to", "a position", "Where it ends; for atoms bring it next to `from` first: potential.align(from, to).")
        .options::<Both<SliceOptions, SliceDrawing>>()
        .returns("a Slice, which is a figure with energies, coordinates, length")
        .example("slice(double_well(), [-1.0], [1.0], #{points: 3}).energies", "[0.0, 1.0, 0.0]", 1e-15)
        .reference("10.48550/arXiv.1412.6544")
        .run(|call, mut args| {
            let potential = args.potential(0)?;
            let from = args.position(1, potential.dimension())?;
            let to = args.position(2, potential.dimension())?;
            let Both(where_to, drawing): Both<SliceOptions, SliceDrawing> = args.options()?;
            let slice = cuts::slice(call.run(), &*potential, &from, &to, &where_to)?;
            let figure = draw_slice(&slice, energy_name(&*potential), &drawing)?;
            Ok(SliceFigure { slice: Arc::new(slice), figure })
        })
}

fn surface() -> Native {
    Native::new(
        "surface",
        "Energies over the plane centre + s a + t b, drawn as contour lines, as colours or as a surface; a and b need be neither perpendicular nor of length 1.",
    )
    .group("Figures")
    .takes("potential", "a Potential", "What to cut.")
    .takes("centre", "a position", "Where s and t are 0.")
    .takes("a", "a direction", "What is added s times: along the x axis, and along the rows of the energies.")
    .takes("b", "a direction", "What is added t times: along the y axis.")
    .options::<Both<SurfaceOptions, SurfaceDrawing>>()
    .special_option(
        "path",
        "a matrix or an array of positions, or a value with `positions` such as a band",
        "none",
        "A path laid over it: each position at the nearest place of the plane.",
    )
    .special_option(
        "marks",
        "an array of positions, or of minima and transition states",
        "none",
        "Positions marked on it, each at the nearest place of the plane; minima carry their ids, transition states theirs after ‡.",
    )
    .returns("a Surface, which is a figure with energies, coordinates_a, coordinates_b, enlarged")
    .example(
        "surface(harmonic(2), [0.0, 0.0], [1.0, 0.0], [0.0, 1.0], #{points: 3}).energies.row(0)",
        "[1.0, 0.5, 1.0]",
        1e-15,
    )
    .reference("10.48550/arXiv.1712.09913")
    .run(|call, mut args| {
        let potential = args.potential(0)?;
        let n = potential.dimension();
        let (centre, a, b) = (args.position(1, n)?, args.position(2, n)?, args.position(3, n)?);
        let plane = Plane::new(&centre, &a, &b)?;
        let given = |value: Option<Dynamic>| value.filter(|v| !v.is_unit());
        let path = match given(args.take_option("path")) {
            Some(path) => project_all(&plane, &positions(call, "path", &path, n)?),
            None => Vec::new(),
        };
        let marks = match given(args.take_option("marks")) {
            Some(marks) => marked(call, &plane, &marks, n)?,
            None => Vec::new(),
        };
        let Both(place, drawing): Both<SurfaceOptions, SurfaceDrawing> = args.options()?;
        let part = place.zoom.map(|zoom| zoomed(zoom, place.range.0)).transpose()?;
        let energies = |part| plane.energies(call.run(), &*potential, part, place.points.0);
        let picture = SurfacePicture {
            surface: energies(place.range.0)?,
            zoom: part.map(energies).transpose()?,
            energy: energy_name(&*potential),
            lengths: plane.lengths(),
            options: drawing,
        };
        let overlay = Overlay { path, marks, here: None };
        let figure = picture.draw(&overlay)?;
        Ok(SurfaceFigure { picture: Arc::new(picture), plane: Arc::new(plane), overlay: Arc::new(overlay), figure })
    })
}

fn frames() -> Native {
    Native::method("Surface", "frames", "The figures of a film in which a point walks along a path over the surface.")
        .group("Figures")
        .takes("path", "a matrix or an array of positions, or a value with `positions` such as a band", "Where it walks.")
        .returns("an array of Figures, one for each position, for animate(…)")
        .example(
            "surface(harmonic(2), [0.0, 0.0], [1.0, 0.0], [0.0, 1.0], #{points: 3}).frames([[0, 0], [0.5, 0], [1, 1]]).len",
            "3",
            0.0,
        )
        .run(|call, args| {
            let surface = args.handle::<SurfaceFigure>(0)?;
            let way = positions(call, "path", &args.value(1), surface.plane.dimension())?;
            let places = project_all(&surface.plane, &way);
            let task = call.run().task("frames", Some(places.len() as u64));
            let mut frames = Array::with_capacity(places.len());
            for k in 0..places.len() {
                task.tick(1, String::new)?;
                let marks = surface.overlay.marks.clone();
                let overlay = Overlay { path: places[..=k].to_vec(), marks, here: Some(places[k]) };
                frames.push(surface.picture.draw(&overlay)?.into_value());
            }
            Ok(frames)
        })
}

fn project() -> Native {
    Native::method(
        "Surface",
        "project",
        "Where a position stands on the surface: the coordinates of the nearest place of the plane.",
    )
    .group("Figures")
    .takes("position", "a position", "What to look for.")
    .returns("a vector of two numbers: how often a and how often b is added to the centre")
    .example("surface(harmonic(2), [0.0, 1.0], [2.0, 0.0], [1.0, 1.0], #{points: 2}).project([3.0, 2.0])", "[1.0, 1.0]", 1e-15)
    .run(|_, args| {
        let plane = args.handle::<SurfaceFigure>(0)?.plane;
        Ok(plane.project(&args.position(1, plane.dimension())?).to_vec())
    })
}

fn direction() -> Native {
    Native::new(
        "filter_normalised",
        "A random direction through the parameters of a network: each node's row of weights is Gaussian and as long as that row of x; biases stay.",
    )
    .group("Networks")
    .takes("network", "a Network", "Whose rows of weights count.")
    .takes("x", "a position", "The parameters that the direction is made for.")
    .options::<DirectionOptions>()
    .returns("a vector, for surface(…) and slice(…)")
    .example("let n = network([1, 2]); filter_normalised(n, [3, -4, 1, 1], #{seed: 1}).map(|d| abs(d))", "[3.0, 4.0, 0.0, 0.0]", 1e-14)
    .reference("10.48550/arXiv.1712.09913")
    .run(|call, mut args| {
        let network: Network = args.handle(0)?;
        let x = args.vector(1)?;
        network.check_position("filter_normalised", &x)?;
        let x = args.position(1, network.parameters())?;
        let options: DirectionOptions = args.options()?;
        filter_normalised(&network, &x, call.run().seed(options.seed))
    })
}

fn plot_path() -> Native {
    Native::new("plot_path", "Draws the energies along a path, its stationary points named.")
        .group("Figures")
        .takes("path", "what landscape.path, connect, pathway, dneb or slice give, or an array of energies", "What to draw.")
        .options::<ProfileOptions>()
        .returns("a Figure")
        .example(
            "let mb = muller_brown(); plot_path(dneb(mb, [-0.558, 1.442], [-0.05, 0.467]), #{title: \"over the barrier\"}).title",
            "\"over the barrier\"",
            0.0,
        )
        .run(|_, mut args| {
            let profile = profile(&args)?;
            let options: ProfileOptions = args.options()?;
            draw_profile(&profile, &options)
        })
}

fn animation() -> Native {
    Native::new("animate", "Writes figures as the frames of a film: a GIF.")
        .group("Figures")
        .takes("frames", "an array of figures of the same size", "In their order; surface(…).frames(path) makes some.")
        .takes("path", "the path of a file", "Ends in .gif; written whole or not at all.")
        .options::<AnimationOptions>()
        .example(
            "let f = [1, 2, 3].map(|n| plot([0, n], [0, n], #{size: [200, 150]})); animate(f, \"FOLDER/line.gif\", #{seconds_per_frame: 0.5})",
            "()",
            0.0,
        )
        .run(|call, mut args| {
            let mut frames = Vec::new();
            for (k, value) in args.array(0)?.iter().enumerate() {
                frames.push(picture(value, args.catalogue).ok_or_else(|| {
                    let found = call.catalogue().describe(value);
                    Error::new(Kind::Type, format!("animate: `frames` must hold figures, found {found} at index {k}")).at("frames")
                })?);
            }
            let path = args.path(1)?;
            call.may_write(&path)?;
            animate(call.run(), &frames, &path, &args.options::<AnimationOptions>()?)
        })
}

/// The profile that argument 0 holds.
fn profile(args: &Arguments) -> Result<Profile> {
    let value = args.value(0);
    if let Some(slice) = value.read_lock::<SliceFigure>() {
        let distances = slice.slice.coordinates.iter().map(|t| t * slice.slice.length).collect();
        return Ok(Profile { energies: slice.slice.energies.clone(), distances: Some(distances), stationary: None });
    }
    let expected = "what landscape.path, pathway, dneb or slice give, or an array of energies";
    let Some(object) = value.read_lock::<Object>() else {
        let energies = numbers(&value).ok_or_else(|| args.wrong(0, expected))?;
        return Ok(Profile { energies, ..Profile::default() });
    };
    let list = |name: &str| object.get(name).and_then(numbers);
    let energies = list("energies").ok_or_else(|| args.wrong(0, expected))?;
    let ids = |name: &str| -> Option<Vec<i64>> {
        object.get(name)?.read_lock::<Array>().and_then(|ids| ids.iter().map(integer).collect())
    };
    let stationary = ids("minima").zip(ids("transition_states")).map(|(minima, tops)| {
        let mut names = Vec::with_capacity(energies.len());
        for (k, minimum) in minima.iter().enumerate() {
            names.push(format!("min {minimum}"));
            names.extend(tops.get(k).map(|top| format!("ts {top}")));
        }
        names
    });
    Ok(Profile { energies, distances: list("distances"), stationary })
}

fn project_all(plane: &Plane, positions: &[Vec<f64>]) -> Vec<[f64; 2]> {
    positions.iter().map(|x| plane.project(x)).collect()
}

/// Positions from a matrix, an array of positions, or a value with `positions`.
pub(super) fn positions(call: &Call, name: &'static str, value: &Dynamic, dimension: usize) -> Result<Vec<Vec<f64>>> {
    let wrong =
        |what: String| Error::new(Kind::Type, format!("{}: `{name}` must hold positions, found {what}", call.name())).at(name);
    if let Some(found) = value.read_lock::<Object>().map(|object| object.get("positions").cloned()) {
        let found = found.ok_or_else(|| {
            wrong(format!("{} without the field `positions`", call.catalogue().describe(value)))
                .hint("a band has one: dneb(potential, from, to); positions of a landscape's path are those of its minima and transition states")
        })?;
        return positions(call, name, &found, dimension);
    }
    let rows: Vec<Vec<f64>> = if let Some(matrix) = value.read_lock::<MatrixValue>() {
        (0..matrix.0.rows).map(|i| matrix.0.row(i).to_vec()).collect()
    } else if let Some(array) = value.read_lock::<Array>() {
        let row = |(k, v): (usize, &Dynamic)| {
            position_of(v).ok_or_else(|| wrong(format!("{} at index {k}", call.catalogue().describe(v))))
        };
        array.iter().enumerate().map(row).collect::<Result<_>>()?
    } else {
        return Err(wrong(call.catalogue().describe(value)));
    };
    for (k, row) in rows.iter().enumerate() {
        if row.len() != dimension {
            let message = format!(
                "{}: the positions of `{name}` must have {dimension} coordinates, found {} at index {k}",
                call.name(),
                row.len()
            );
            return Err(Error::shape(message).at(name));
        }
    }
    if rows.is_empty() {
        return Err(wrong("none".into()));
    }
    Ok(rows)
}

/// The numbers of a position, or of the field `position` of a minimum.
fn position_of(value: &Dynamic) -> Option<Vec<f64>> {
    match value.read_lock::<Object>() {
        Some(object) => object.get("position").and_then(numbers),
        None => numbers(value),
    }
}

/// Places to mark, with what is written beside them.
fn marked(call: &Call, plane: &Plane, value: &Dynamic, dimension: usize) -> Result<Vec<([f64; 2], String)>> {
    let single = position_of(value).is_some();
    let all: Array = if single { vec![value.clone()] } else { value.read_lock::<Array>().map(|a| a.clone()).unwrap_or_default() };
    let places = if single || !all.is_empty() {
        positions(call, "marks", &all.clone().into(), dimension)?
    } else {
        positions(call, "marks", value, dimension)?
    };
    let name = |value: Option<&Dynamic>| -> String {
        let Some(object) = value.and_then(|v| v.read_lock::<Object>()) else { return String::new() };
        let id = object.get("id").and_then(number).map_or_else(String::new, |id| id.to_string());
        if object.get("index").and_then(integer).is_some_and(|index| index > 0) { format!("‡{id}") } else { id }
    };
    Ok(places.iter().enumerate().map(|(k, x)| (plane.project(x), name(all.get(k)))).collect())
}
