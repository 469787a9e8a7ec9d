//! Disconnectivity graphs and plots in the script language.

use super::landscape::minimum_object;
use super::sampling::{Rows, SamplesHandle};
use crate::analysis::basins::{BasinOptions, Visit, occupation, visits};
use crate::base::names::listed;
use crate::base::options::unknown_option;
use crate::base::text::Text;
use crate::base::{Error, Kind, OptionEntry, OptionValue, Options, Result, nearest};
use crate::figures::disconnectivity::{DisconnectivityGraph, DrawingOptions, Labels, LeafColours};
use crate::landscape::Landscape;
use crate::landscape::tree::{MergeTree, Node, TreeOptions};
use crate::plot::Figure;
use crate::plot::charts::{
    BoxPlotOptions, ContourOptions, FigureOptions, HeatmapOptions, HistogramOptions, PlotOptions, ReliefOptions, ScatterOptions,
    Series, box_plot, contour, figure, heatmap, histogram, plot, scatter, surface_plot,
};
use crate::plot::figure::InsetOptions;
use crate::potentials::Family;
use crate::script::api::{Arguments, Call, Dynamic, IntoValue, MatrixValue, Native, Object, Table, Type};
use crate::script::convert::{number, numbers};
use crate::script::show::picture;
use rhai::{Array, FnPtr};
use std::sync::Arc;

crate::handle!(Figure, "Figure");

/// A disconnectivity graph as scripts hold it: the tree and its drawing.
#[derive(Clone)]
pub struct Tree {
    tree: Arc<MergeTree>,
    graph: Arc<DisconnectivityGraph>,
    /// Of a trajectory laid over it, the share of the visits at each minimum.
    occupation: Arc<Vec<(usize, f64)>>,
}

crate::handle!(Tree, "Tree");

crate::options! {
    /// Options of `show`.
    pub struct ShowOptions {
        /// Characters in a line.
        width: usize = 80, AT_LEAST_ONE, "";
        /// Lines.
        height: usize = 24, AT_LEAST_ONE, "";
    }
}

/// Two sets of options in one map: what is computed, and how it is drawn.
#[derive(Default)]
pub struct Both<A, B>(pub A, pub B);

impl<A: Options, B: Options> Options for Both<A, B> {
    fn entries() -> Vec<OptionEntry> {
        let mut all = A::entries();
        all.extend(B::entries());
        all
    }

    fn set(&mut self, function: &str, name: &str, value: &OptionValue) -> Result<()> {
        let holds = |entries: Vec<OptionEntry>| entries.iter().any(|e| e.name == name);
        if holds(A::entries()) {
            self.0.set(function, name, value)
        } else if holds(B::entries()) {
            self.1.set(function, name, value)
        } else {
            let known: Vec<&str> = Self::entries().iter().map(|e| e.name).collect();
            Err(unknown_option(function, name, &known))
        }
    }
}

/// The drawing of argument `k`.
fn figure_at(args: &Arguments, k: usize) -> Result<Figure> {
    picture(&args.value(k), args.catalogue).ok_or_else(|| args.wrong(k, "a figure"))
}

/// Types of values.
pub fn types() -> Vec<Type> {
    vec![
        Type::of::<Tree>("A disconnectivity graph: which minima meet at which energy, and its drawing.")
            .field("levels", "Energies of the levels from the top down.", |_, t: &Tree| Ok(t.tree.levels.clone()))
            .field("counts", "At each level the components that hold a minimum at or below it.", |_, t: &Tree| {
                Ok(t.tree.counts.clone())
            })
            .field(
                "nodes",
                "At each level the nodes of the drawing; a branch has one from the level above its minimum on.",
                |_, t: &Tree| Ok(t.tree.nodes.clone()),
            )
            .field(
                "merges",
                "Where components meet, in rising energy: energy, minima (the lowest of each side), transition_state.",
                |_, t: &Tree| {
                    let merge = |m: &crate::landscape::tree::Merge| {
                        Object::new("Merge")
                            .field("energy", m.energy)
                            .field("minima", m.minima.to_vec())
                            .field("transition_state", m.transition_state)
                    };
                    Ok(t.tree.merges.iter().map(merge).collect::<Vec<Object>>())
                },
            )
            .field("roots", "The components: minimum (the lowest of each), its energy, size (number of its minima drawn).", |_, t: &Tree| Ok(roots(&t.tree)))
            .field("minima", "Ids of the minima drawn, in rising energy.", |_, t: &Tree| {
                Ok(t.tree.leaves.iter().map(|l| l.minimum).collect::<Vec<usize>>())
            })
            .field(
                "occupation",
                "With `trajectory` the share of its visits at each minimum, the largest first; minimum 0 stands for unknown ones.",
                |_, t: &Tree| {
                    let share = |(minimum, share): &(usize, f64)| Object::new("Share").field("minimum", *minimum).field("share", *share);
                    Ok(t.occupation.iter().map(share).collect::<Vec<Object>>())
                },
            )
            .field("figure", "The drawing, for figure([…]).", |_, t: &Tree| Ok(t.graph.figure().clone()))
            .screen(|t: &Tree, room| characters(t.graph.show(room.width, room.height)))
            .picture(|t: &Tree| t.graph.figure().clone())
            .show(|t: &Tree| {
                let MergeTree { leaves, merges, roots, levels, .. } = &*t.tree;
                let ends = [levels.first(), levels.last()].map(|e| e.copied().unwrap_or(f64::NAN));
                format!(
                    "Tree: {} minima, {} merges, {} component{}, {} levels from {:.6} to {:.6}",
                    leaves.len(),
                    merges.len(),
                    roots.len(),
                    if roots.len() == 1 { "" } else { "s" },
                    levels.len(),
                    ends[0],
                    ends[1]
                )
            }),
        Type::of::<Figure>("A picture that can be saved as .svg, .png, .pdf or .html and shown in the terminal.")
            .field("title", "Its title.", |_, f: &Figure| Ok(f.title().to_string()))
            .field("size", "Width and height in px.", |_, f: &Figure| Ok(f.size().to_vec()))
            .field("svg", "The drawing as text in SVG.", |_, f: &Figure| Ok(f.svg()))
            .screen(|f: &Figure, room| characters(f.show(room.width, room.height)))
            .picture(|f: &Figure| f.clone())
            .show(|f: &Figure| {
                let [width, height] = f.size();
                let title = if f.title().is_empty() { String::new() } else { format!(" \"{}\"", f.title()) };
                format!("Figure{title}, {width} × {height} px: .show() draws it here, .save(\"file.svg\") writes it")
            }),
    ]
}

/// A drawing in characters as a text.
pub fn characters(drawing: String) -> Text {
    let mut text = Text::default();
    text.plain(drawing);
    text
}

/// The components.
fn roots(tree: &MergeTree) -> Vec<Object> {
    let object = |root: &Node| {
        let lowest = tree.lowest(*root);
        Object::new("Root").field("minimum", lowest.minimum).field("energy", lowest.energy).field("size", tree.size(*root))
    };
    tree.roots.iter().map(object).collect()
}

/// Functions and methods.
pub fn natives() -> Vec<Native> {
    let mut all = vec![disconnectivity_native()];
    all.extend(methods());
    all.extend(plots());
    all
}

fn disconnectivity_native() -> Native {
    Native::new("disconnectivity", "Draws which minima meet at which energy: the disconnectivity graph of a landscape.")
        .group("Figures")
        .takes("landscape", "a Landscape", "What to draw.")
        .options::<Both<TreeOptions, DrawingOptions>>()
        .special_option(
            "colour",
            "the name of a field, a closure |m| …, or a number for each minimum in the order of .minima",
            "()",
            "What colours the branch of each minimum below its last merge; NaN is grey.",
        )
        .special_option(
            "trajectory",
            "samples, a matrix of positions, or the table that basins(…) gives",
            "()",
            "Laid over the graph: below it, with time running downwards, a dot for each visit of a minimum; basins(…) says how they are found.",
        )
        .returns("a Tree: levels, counts, nodes, merges, roots, minima, figure")
        .example(
            "let p = muller_brown(); let l = landscape(p); l.add(minimise(p, [0.6, 0.0])); l.add(minimise(p, [-0.5, 1.4])); connect(l, 1, 2); disconnectivity(l, #{levels: 20, colour: |m| m.energy}).merges.len()",
            "2",
            0.0,
        )
        .reference("10.1063/1.473299")
        .run(|call, mut args| {
            let landscape = args.handle::<Landscape>(0)?;
            let colour = args.take_option("colour").filter(|c| !c.is_unit());
            let visits = match args.take_option("trajectory").filter(|t| !t.is_unit()) {
                Some(trajectory) => visits_of(call, &args, &landscape, &trajectory)?,
                None => Vec::new(),
            };
            let Both(tree, drawing): Both<TreeOptions, DrawingOptions> = args.options()?;
            if let Labels::These(ids) = &drawing.label {
                // One that the options leave out of the tree is no mistake, one that never was is.
                ids.iter().try_for_each(|id| landscape.minimum(*id).map(drop).map_err(|e| e.at("label")))?;
            }
            let tree = Arc::new(MergeTree::of(&landscape, &tree)?);
            let colours = colour.map(|colour| leaf_colours(call, &args, &landscape, &tree, &colour)).transpose()?;
            let network = landscape.potential().is_some_and(|p| p.family() == Family::Network);
            let energy = if network { "loss" } else { "energy" };
            let graph = Arc::new(DisconnectivityGraph::with_visits(tree.clone(), colours, &visits, energy, &drawing)?);
            Ok(Tree { tree, graph, occupation: Arc::new(occupation(&visits)) })
        })
}

/// The visits of a trajectory: samples or positions are quenched, a table of visits is taken as it is.
fn visits_of(call: &Call, args: &Arguments, landscape: &Landscape, trajectory: &Dynamic) -> Result<Vec<Visit>> {
    if let Some(table) = trajectory.read_lock::<Table>() {
        let column = |name: &str| {
            let column = table.column(name).and_then(|column| numbers(&column));
            column.ok_or_else(|| {
                Error::new(
                    Kind::Name,
                    format!("disconnectivity: the table of option `trajectory` has no numbers in a column \"{name}\""),
                )
                .hint("basins(landscape, samples) gives one with row, walker, time, minimum")
                .at("trajectory")
            })
        };
        let [walkers, times, minima] = [column("walker")?, column("time")?, column("minimum")?];
        if let Some(k) = (0..walkers.len()).find(|&k| !(0.0..=walkers.len() as f64).contains(&walkers[k])) {
            let message =
                format!("disconnectivity: option `trajectory` counts walkers from 0 on, found {} in row {k}", walkers[k]);
            return Err(Error::value(message).at("trajectory"));
        }
        let visit = |k: usize| Visit {
            row: k,
            walker: walkers[k] as usize,
            time: times[k] as usize,
            minimum: minima[k] as usize,
            energy: f64::NAN,
        };
        return Ok((0..minima.len()).map(visit).collect());
    }
    let (rows, walkers) = match trajectory.read_lock::<SamplesHandle>() {
        Some(samples) => (Rows::Samples(samples.0.clone()), samples.0.walkers),
        None => match trajectory.read_lock::<MatrixValue>() {
            Some(matrix) => (Rows::Matrix(matrix.0.clone()), 1),
            None => {
                let expected = "samples, a matrix of positions, or the table that basins(…) gives";
                return Err(args.wrong_option("trajectory", expected, trajectory));
            }
        },
    };
    visits(call.run(), landscape, rows.matrix()?, walkers, &BasinOptions::default()).map_err(|e| e.at("trajectory"))
}

/// A number for each leaf from what the option `colour` says.
fn leaf_colours(call: &Call, args: &Arguments, landscape: &Landscape, tree: &MergeTree, colour: &Dynamic) -> Result<LeafColours> {
    if let Ok(field) = colour.as_immutable_string_ref() {
        return Ok(LeafColours { values: field_values(landscape, tree, &field)?, name: field.replace('_', " ") });
    }
    if let Some(closure) = colour.read_lock::<FnPtr>() {
        let task = call.run().task("disconnectivity", Some(tree.leaves.len() as u64));
        let mut values = Vec::with_capacity(tree.leaves.len());
        for leaf in &tree.leaves {
            let minimum = minimum_object(landscape, &*landscape.minimum(leaf.minimum)?);
            let value = call.real(&closure, [minimum.into_value()]).map_err(|mut error| {
                if !error.is_stop() {
                    error.message = format!("disconnectivity: option `colour` at minimum {}: {}", leaf.minimum, error.message);
                }
                error
            });
            values.push(value?);
            task.tick(1, String::new)?;
        }
        return Ok(LeafColours { values, name: String::new() });
    }
    let Some(given) = numbers(colour) else {
        return Err(args.wrong_option("colour", "the name of a field, a closure |m| … or an array of numbers", colour));
    };
    let minima = landscape.minima();
    if given.len() != minima.len() {
        let message = format!("disconnectivity: option `colour` has {} numbers for {} minima", given.len(), minima.len());
        return Err(Error::shape(message).at("colour").hint("one for each minimum, in the order of landscape.minima"));
    }
    let by_id: std::collections::HashMap<usize, f64> = minima.iter().map(|m| m.id).zip(given).collect();
    let values = tree.leaves.iter().map(|leaf| by_id.get(&leaf.minimum).copied().unwrap_or(f64::NAN)).collect();
    Ok(LeafColours { values, name: String::new() })
}

/// The field of every leaf: an annotated one, or a number that each minimum has by itself.
fn field_values(landscape: &Landscape, tree: &MergeTree, field: &str) -> Result<Vec<f64>> {
    let annotated = landscape.fields();
    if annotated.iter().any(|name| name == field) {
        return Ok(tree.leaves.iter().map(|leaf| landscape.field(field, leaf.minimum).unwrap_or(f64::NAN)).collect());
    }
    let own = |id: usize| {
        minimum_object(landscape, &*landscape.minimum(id)?).get(field).and_then(number).ok_or_else(|| unknown(&annotated, field))
    };
    tree.leaves.iter().map(|leaf| own(leaf.minimum)).collect()
}

fn unknown(annotated: &[String], field: &str) -> Error {
    const OWN: [&str; 5] = ["energy", "id", "index", "log_product", "rms_gradient"];
    let names: Vec<&str> = annotated.iter().map(String::as_str).chain(OWN).collect();
    let error = Error::new(
        Kind::Name,
        format!("disconnectivity: option `colour` names the field \"{field}\", which the minima do not have"),
    );
    let known =
        format!("their fields are {}; landscape.annotate adds one", listed(names.iter().copied()).replace(" or ", " and "));
    match nearest(field, names) {
        Some(near) => error.hint(format!("did you mean \"{near}\"? {known}")),
        None => error.hint(known),
    }
    .at("colour")
}

fn methods() -> Vec<Native> {
    vec![
        Native::method("Figure", "save", "Writes the drawing; the ending of the file decides: .svg, .png, .pdf or .html.")
            .on("Tree")
            .on("Slice")
            .on("Surface")
            .on("Summary")
            .on("SpectralDensity")
            .on("FreeEnergy")
            .on("Comparison")
            .on("DiffusionMap")
            .group("Figures")
            .takes("path", "the path of a file", "Written whole or not at all.")
            .run(|call, args| {
                let path = args.path(1)?;
                call.may_write(&path)?;
                figure_at(&args, 0)?.save(&path)
            }),
        Native::method(
            "Figure",
            "show",
            "Draws it in the terminal: a picture where the terminal can show one, characters otherwise.",
        )
        .on("Tree")
        .on("Slice")
        .on("Surface")
        .on("Summary")
        .on("SpectralDensity")
        .on("FreeEnergy")
        .on("Comparison")
        .on("DiffusionMap")
        .group("Figures")
        .options::<ShowOptions>()
        .run(|call, mut args| {
            let options: ShowOptions = args.options()?;
            let (width, height) = (options.width.min(1000), options.height.min(1000));
            match args.try_handle::<Tree>(0) {
                Some(tree) => call.draw(tree.graph.figure(), width, height, || tree.graph.show(width, height)),
                None => {
                    let figure = figure_at(&args, 0)?;
                    call.draw(&figure, width, height, || figure.show(width, height));
                }
            }
            Ok(())
        }),
        Native::method("Figure", "add", "This figure with the curves, points or lines of another one on top.")
            .group("Figures")
            .on("Slice")
            .on("Surface")
            .takes("other", "a figure", "What to draw on top.")
            .returns("a Figure")
            .example("contour([[1, 2], [2, 3]]).add(plot([0, 1], [0, 1], #{title: \"on top\"})).title", "\"\"", 0.0)
            .run(|_, args| figure_at(&args, 0)?.with(&figure_at(&args, 1)?)),
        Native::method("Figure", "inset", "This figure with another one in a corner of it.")
            .on("Slice")
            .on("Surface")
            .group("Figures")
            .takes("other", "a figure", "What stands in the corner.")
            .options::<InsetOptions>()
            .returns("a Figure")
            .example(
                "plot([1, 2], [1, 2], #{title: \"all\"}).inset(plot([1, 2], [2, 1]), #{corner: \"top_left\"}).title",
                "\"all\"",
                0.0,
            )
            .run(|_, mut args| {
                let options: InsetOptions = args.options()?;
                figure_at(&args, 0)?.inset(&figure_at(&args, 1)?, &options)
            }),
    ]
}

fn plots() -> Vec<Native> {
    vec![
        Native::new("plot", "Draws curves: y over x.")
            .group("Figures")
            .takes("x", "numbers, or numbers for each curve", "Places along x.")
            .takes("y", "numbers, or numbers for each curve", "Heights; NaN makes a gap.")
            .options::<PlotOptions>()
            .returns("a Figure")
            .example("plot([1, 2, 3], [1, 4, 9], #{title: \"squares\"}).title", "\"squares\"", 0.0)
            .run(|call, mut args| {
                let (x, y) = (lists(&args, 0)?, lists(&args, 1)?);
                let options: PlotOptions = args.options()?;
                if x.len() != 1 && x.len() != y.len() {
                    let message = format!("plot: `x` has {} lists of numbers and `y` has {}", x.len(), y.len());
                    return Err(Error::shape(message).at("x").hint("give one x for all curves, or one for each"));
                }
                let series: Vec<Series> = y
                    .into_iter()
                    .enumerate()
                    .map(|(k, y)| Series { x: x[if x.len() == 1 { 0 } else { k }].clone(), y })
                    .collect();
                let drawn = plot(&series, &options)?;
                let points = series.iter().flat_map(|s| s.x.iter().zip(&s.y));
                warn_of_logs(call, points, [options.x_log, options.y_log]);
                Ok(drawn)
            }),
        Native::new("scatter", "Draws points, coloured by numbers where asked.")
            .group("Figures")
            .takes("x", "a vector or an array of numbers", "Places along x.")
            .takes("y", "a vector or an array of numbers", "Places along y.")
            .options::<ScatterOptions>()
            .returns("a Figure")
            .example("scatter([1, 2], [3, 4], #{colour: [0.1, 0.9], size: [400, 300]}).size", "[400.0, 300.0]", 0.0)
            .run(|call, mut args| {
                let (x, y) = (args.vector(0)?, args.vector(1)?);
                let options: ScatterOptions = args.options()?;
                let drawn = scatter(&x, &y, &options)?;
                warn_of_logs(call, x.iter().zip(y.iter()), [options.x_log, options.y_log]);
                Ok(drawn)
            }),
        Native::new("histogram", "Draws how often numbers fall where.")
            .group("Figures")
            .takes("values", "a vector or an array of numbers", "What is counted; what is not finite is left out.")
            .options::<HistogramOptions>()
            .returns("a Figure")
            .example("histogram([1, 2, 2, 3], #{bins: 3, title: \"counts\"}).title", "\"counts\"", 0.0)
            .reference("10.1007/BF01025868")
            .run(|_, mut args| {
                let values = args.vector(0)?;
                let options: HistogramOptions = args.options()?;
                histogram(&values, &options)
            }),
        Native::new("heatmap", "Draws the numbers of a grid as colours.")
            .group("Figures")
            .takes(
                "values",
                "a matrix or an array of arrays",
                "values[i][j] belongs to x[i], y[j]: the first index runs along x.",
            )
            .options::<HeatmapOptions>()
            .returns("a Figure")
            .example("heatmap([[1, 2], [3, 4]], #{title: \"four\"}).title", "\"four\"", 0.0)
            .run(|_, mut args| {
                let values = args.matrix(0)?;
                let options: HeatmapOptions = args.options()?;
                heatmap(&values, &options)
            }),
        Native::new("contour", "Draws lines of equal height of a function on a grid.")
            .group("Figures")
            .takes(
                "values",
                "a matrix or an array of arrays",
                "values[i][j] belongs to x[i], y[j]: the first index runs along x.",
            )
            .options::<ContourOptions>()
            .returns("a Figure")
            .example("contour([[1, 2], [3, 4]], #{levels: [2.5], title: \"one line\"}).title", "\"one line\"", 0.0)
            .run(|_, mut args| {
                let values = args.matrix(0)?;
                let options: ContourOptions = args.options()?;
                contour(&values, &options)
            }),
        Native::new("surface_plot", "Draws the numbers of a grid as a surface seen from the side.")
            .group("Figures")
            .takes(
                "values",
                "a matrix or an array of arrays",
                "values[i][j] belongs to x[i], y[j]: the first index runs along x.",
            )
            .options::<ReliefOptions>()
            .returns("a Figure")
            .example("surface_plot([[1, 2], [3, 4]], #{title: \"a slope\"}).title", "\"a slope\"", 0.0)
            .run(|_, mut args| {
                let values = args.matrix(0)?;
                let options: ReliefOptions = args.options()?;
                surface_plot(&values, &options, Vec::new())
            }),
        Native::new("box_plot", "Draws median, quartiles, whiskers and outliers of groups of numbers.")
            .group("Figures")
            .takes("groups", "numbers, or numbers for each group", "What each box shows.")
            .options::<BoxPlotOptions>()
            .returns("a Figure")
            .example("box_plot([[1, 2, 3], [2, 3, 9]], #{labels: [\"a\", \"b\"], title: \"two\"}).title", "\"two\"", 0.0)
            .run(|_, mut args| {
                let groups = lists(&args, 0)?;
                let options: BoxPlotOptions = args.options()?;
                box_plot(&groups, &options)
            }),
        Native::new("figure", "Puts several figures beside and below each other.")
            .group("Figures")
            .takes("figures", "an array of figures", "Row by row.")
            .options::<FigureOptions>()
            .returns("a Figure")
            .example("figure([plot([1, 2], [1, 2]), histogram([1, 2])], #{title: \"both\"}).title", "\"both\"", 0.0)
            .run(|call, mut args| {
                let mut figures = Vec::new();
                for (k, value) in args.array(0)?.into_iter().enumerate() {
                    figures.push(picture(&value, args.catalogue).ok_or_else(|| {
                        let found = call.catalogue().describe(&value);
                        let message = format!("figure: `figures` must hold figures, found {found} at index {k}");
                        Error::new(Kind::Type, message).at("figures")
                    })?);
                }
                let options: FigureOptions = args.options()?;
                figure(figures, &options)
            }),
    ]
}

/// Tells of points that a logarithmic axis has no place for.
fn warn_of_logs<'a>(call: &Call, points: impl Iterator<Item = (&'a f64, &'a f64)>, [x_log, y_log]: [bool; 2]) {
    let (mut all, mut lost) = (0usize, 0usize);
    for (x, y) in points {
        all += 1;
        lost += usize::from((x_log && *x <= 0.0) || (y_log && *y <= 0.0));
    }
    if lost > 0 {
        let name = call.name();
        call.run().warn(&format!("{name}: {lost} of {all} points are not positive and so not drawn on the logarithmic axis"));
    }
}

/// Numbers, or several lists of them: arrays, vectors, the rows of a matrix.
fn lists(args: &Arguments, k: usize) -> Result<Vec<Vec<f64>>> {
    let value = args.value(k);
    if let Some(matrix) = value.read_lock::<MatrixValue>() {
        return Ok((0..matrix.0.rows).map(|i| matrix.0.row(i).to_vec()).collect());
    }
    let all = value.read_lock::<Array>().map(|array| array.iter().map(numbers).collect::<Option<Vec<Vec<f64>>>>());
    match all.flatten() {
        Some(several) if !several.is_empty() => Ok(several),
        _ => Ok(vec![args.vector(k)?.to_vec()]),
    }
}

#[cfg(test)]
mod tests {
    use crate::script::Language;
    use crate::script::api::{Dynamic, Environment};
    use std::sync::{Arc, Mutex};

    const LANDSCAPE: &str = "let p = muller_brown(); let l = landscape(p); l.add(minimise(p, [0.6, 0.0])); \
         l.add(minimise(p, [-0.5, 1.4])); connect(l, 1, 2); ";

    fn run(script: &str) -> Dynamic {
        Language::new(Environment::silent()).run(script).unwrap_or_else(|e| panic!("{script}: {}", e.error))
    }

    fn fails(script: &str) -> String {
        match Language::new(Environment::silent()).run(script) {
            Ok(value) => panic!("{script} gave {value}"),
            Err(error) => error.error.to_string(),
        }
    }

    #[test]
    fn a_tree_has_its_fields_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        let _ = run(&format!(
            "{LANDSCAPE} l.annotate(\"number\", |m| 1.0 * m.id);
             let t = disconnectivity(l, #{{levels: 30, colour: \"number\", color_map: \"cividis\", title: \"Müller–Brown\", label: \"all\"}});
             if t.counts.len() != 30 || t.nodes.len() != 30 {{ throw \"levels\"; }}
             if t.merges.len() != 2 || t.roots.len() != 1 || t.roots[0].minimum != l.global_minimum.id {{ throw \"merges\"; }}
             if t.merges[0].minima.len() != 2 {{ throw \"minima\"; }}
             for ending in [\"svg\", \"png\", \"pdf\", \"html\"] {{ t.save(`{path}/tree.${{ending}}`); }}
             disconnectivity(l, #{{colour: |m| m.energy}}).save(\"{path}/closure.svg\");
             disconnectivity(l, #{{colour: [1, 2, 3], connected_to: \"global\"}}).save(\"{path}/array.svg\");
             figure([t, plot([1, 2], [[1, 2], [2, 1]], #{{labels: [\"a\", \"b\"]}})]).save(\"{path}/both.svg\");"
        ));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 7);
        let svg = std::fs::read_to_string(folder.path().join("tree.svg")).unwrap();
        assert!(svg.contains("number") && svg.contains("Müller–Brown") && svg.contains("energy"));
    }

    #[test]
    fn show_prints_within_its_width() {
        let printed = Arc::new(Mutex::new(String::new()));
        let sink = printed.clone();
        let print: Arc<dyn Fn(&str) + Send + Sync> = Arc::new(move |text| *sink.lock().unwrap() += &format!("{text}\n"));
        let language = Language::new(Environment { print, ..Environment::silent() });
        let script = format!("{LANDSCAPE} disconnectivity(l).show(#{{width: 50, height: 20}}); plot([1, 2], [1, 2]).show();");
        let _ = language.run(script.as_str()).unwrap_or_else(|e| panic!("{}", e.error));
        let text = printed.lock().unwrap().clone();
        assert!(text.contains('┐') && text.lines().count() > 30, "{text}");
        assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
    }

    #[test]
    fn mistakes_are_named() {
        for (script, said) in [
            ("disconnectivity(l, #{colour: \"test_auc\"})", "their fields are \"number\", \"energy\""),
            ("disconnectivity(l, #{colour: \"numbr\"})", "did you mean \"number\"?"),
            ("disconnectivity(l, #{colour: |m| m.nothing})", "at minimum"),
            ("disconnectivity(l, #{colour: [1, 2]})", "2 numbers for 3 minima"),
            ("disconnectivity(l, #{colour: true})", "takes the name of a field"),
            ("disconnectivity(l, #{label: [9]})", "9"),
            ("disconnectivity(l, #{trajectory: 3})", "takes samples, a matrix of positions"),
            ("disconnectivity(l, #{levls: 3})", "did you mean `levels`?"),
            ("disconnectivity(l, #{colour_map: \"jet\"})", "\"viridis\""),
            ("disconnectivity(landscape(p))", "no minimum"),
            ("disconnectivity(l).save(\"tree.xyz\")", ".xyz"),
            ("plot([1, 2], [1, 2, 3])", "`x` has 2 numbers and `y` has 3"),
            ("plot([1, 2], [1, \"a\"])", "index 1"),
            ("plot([], [])", "no numbers to draw"),
            ("heatmap([[1, 2], [3]])", "equal lengths"),
            ("figure([1])", "found 1 at index 0"),
            ("plot([1, 2], [1, 2]).inset(plot([1], [1]), #{size: 0.01})", "`size` must be from 0.15 to 0.8"),
            ("figure([])", "nothing in it"),
            ("histogram([1, 2], #{bins: 0})", "`bins` must be at least 1"),
            ("scatter([1], [2], #{colour: \"blu\"})", "takes a colour"),
        ] {
            let message = fails(&format!("{LANDSCAPE} l.annotate(\"number\", |m| 1.0 * m.id); {script}"));
            assert!(message.contains(said), "{script}: {message}");
        }
    }
}
