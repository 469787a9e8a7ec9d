//! Free energies in the script language: histograms, umbrella sampling, metadynamics, MBAR, and their drawings.

use super::figures::{Both, characters};
use super::sampling::{SamplesHandle, samples_or_matrix};
use super::variables::{self, VARIABLE};
use crate::analysis::free_energy::{
    self as free, Axis, Details, FreeEnergy, FreeEnergyOptions, MetadynamicsOptions, Method, SamplingOptions, UmbrellaOptions,
    Window, mbar,
};
use crate::base::{Error, Options, Result};
use crate::data::{Column, Table};
use crate::figures::free_energy::{FreeEnergyDrawing, draw_free_energy};
use crate::math::Matrix;
use crate::plot::Figure;
use crate::plot::scale::short;
use crate::script::api::{Arguments, Call, Dynamic, IntoValue, Native, Object, PotentialHandle, Type, Vector};
use crate::script::convert::numbers;
use rhai::Array;
use std::sync::Arc;

/// A free energy as scripts hold it, and its drawing.
#[derive(Clone)]
pub struct FreeEnergyHandle {
    pub curve: Arc<FreeEnergy>,
    figure: Figure,
}

crate::handle!(FreeEnergyHandle, "FreeEnergy");

type Everything = Both<FreeEnergyOptions, Both<SamplingOptions, Both<UmbrellaOptions, MetadynamicsOptions>>>;

/// Types of values.
pub fn types() -> Vec<Type> {
    vec![
        Type::of::<FreeEnergyHandle>("A free energy along one or two collective variables, with errors, minima and barriers, and its drawing.")
            .field("centres", "The middles of the bins; of a map an array of two vectors.", |_, f: &FreeEnergyHandle| {
                let mut all: Vec<Vec<f64>> = f.curve.grid.axes.iter().map(Axis::centres).collect();
                Ok(match all.len() {
                    1 => all.remove(0).into_value(),
                    _ => all.into_iter().map(IntoValue::into_value).collect::<Array>().into_value(),
                })
            })
            .field("values", "F in each bin, lowest 0, NaN where there are no samples; of a map values[i][j].", |_, f: &FreeEnergyHandle| {
                Ok(shaped(&f.curve, f.curve.values.clone()))
            })
            .field("errors", "The standard error of −T ln p in each bin.", |_, f: &FreeEnergyHandle| {
                Ok(shaped(&f.curve, f.curve.errors.clone()))
            })
            .field("counts", "Samples in each bin.", |_, f: &FreeEnergyHandle| {
                let counts = &f.curve.counts;
                Ok(match f.curve.grid.axes.len() {
                    1 => Dynamic::from(Vector::whole(counts.iter().map(|c| *c as i64))),
                    _ => shaped(&f.curve, counts.iter().map(|c| *c as f64).collect()),
                })
            })
            .field("minima", "The significant minima in order: position, value, error.", |_, f: &FreeEnergyHandle| {
                Ok(minima(&f.curve))
            })
            .field(
                "barriers",
                "The lowest way between neighbouring minima: position, value, from_left, from_right, errors, between (their places in minima), sampled (false: no sample lay there, heights are lower bounds).",
                |_, f: &FreeEnergyHandle| Ok(barriers(&f.curve)),
            )
            .field("temperature", "The temperature, in units of energy.", |_, f: &FreeEnergyHandle| Ok(f.curve.temperature))
            .field("method", "How it was computed.", |_, f: &FreeEnergyHandle| Ok(f.curve.method.name()))
            .field("empty", "Number of bins without samples.", |_, f: &FreeEnergyHandle| Ok(f.curve.empty()))
            .field("samples", "Number of samples.", |_, f: &FreeEnergyHandle| Ok(f.curve.samples))
            .field("independent", "How many independent ones they are worth.", |_, f: &FreeEnergyHandle| Ok(f.curve.independent))
            .field("outside", "Samples outside the range.", |_, f: &FreeEnergyHandle| Ok(f.curve.outside))
            .field("notes", "What has to be said about it: too few samples, windows without overlap.", |_, f: &FreeEnergyHandle| {
                Ok(f.curve.notes.clone())
            })
            .field("mass", "Effective mass of the variable, 1/⟨|∇ξ|²⟩ for unit masses; () where its gradient is not known.", |_, f: &FreeEnergyHandle| {
                Ok(f.curve.mass.into_value())
            })
            .field("windows", "Umbrella sampling: a table of the windows; () otherwise.", |_, f: &FreeEnergyHandle| {
                match &f.curve.details {
                    Details::Umbrella { windows, .. } => Ok(window_table(windows)?.into_value()),
                    _ => Ok(Dynamic::UNIT),
                }
            })
            .field(
                "overlap",
                "Umbrella sampling: the chance that a sample of window i is taken for one of window j; () otherwise.",
                |_, f: &FreeEnergyHandle| match &f.curve.details {
                    Details::Umbrella { overlap, .. } => Ok(overlap.clone().into_value()),
                    _ => Ok(Dynamic::UNIT),
                },
            )
            .field("from_bias", "Metadynamics: F by the bias alone, −γ/(γ − 1) V; () otherwise.", |_, f: &FreeEnergyHandle| {
                match &f.curve.details {
                    Details::Metadynamics { from_bias, .. } => Ok(shaped(&f.curve, from_bias.clone())),
                    _ => Ok(Dynamic::UNIT),
                }
            })
            .field("hills", "Metadynamics: number of hills; () otherwise.", |_, f: &FreeEnergyHandle| match &f.curve.details {
                Details::Metadynamics { hills, .. } => Ok((*hills).into_value()),
                _ => Ok(Dynamic::UNIT),
            })
            .field("figure", "The drawing alone.", |_, f: &FreeEnergyHandle| Ok(f.figure.clone()))
            .show(|f: &FreeEnergyHandle| said(&f.curve))
            .screen(|f: &FreeEnergyHandle, room| {
                let mut text = characters(f.figure.show(room.width, room.height.saturating_sub(f.curve.notes.len() + 1)));
                for note in &f.curve.notes {
                    text.line().warning(note.clone());
                }
                text
            })
            .picture(|f: &FreeEnergyHandle| f.figure.clone())
            .json(|f: &FreeEnergyHandle| {
                let centres: Array = f.curve.grid.axes.iter().map(|a| a.centres().into_value()).collect();
                Object::new("FreeEnergy")
                    .field("method", f.curve.method.name())
                    .field("temperature", f.curve.temperature)
                    .field("centres", centres)
                    .field("values", f.curve.values.clone())
                    .field("errors", f.curve.errors.clone())
                    .field("minima", minima(&f.curve))
                    .field("barriers", barriers(&f.curve))
            }),
    ]
}

/// A vector, or the matrix of a map.
fn shaped(f: &FreeEnergy, values: Vec<f64>) -> Dynamic {
    match &f.grid.axes[..] {
        [a, b] => Matrix::from_rows(a.bins, b.bins, values).into_value(),
        _ => values.into_value(),
    }
}

/// A number, or the vector of a map.
fn place(position: &[f64]) -> Dynamic {
    if let [one] = position { (*one).into_value() } else { position.to_vec().into_value() }
}

fn minima(f: &FreeEnergy) -> Vec<Object> {
    let object = |m: &free::Well| {
        Object::new("Well").field("position", place(&m.position)).field("value", m.value).field("error", m.error)
    };
    f.minima.iter().map(object).collect()
}

fn barriers(f: &FreeEnergy) -> Vec<Object> {
    let object = |b: &free::Barrier| {
        Object::new("Barrier")
            .field("position", place(&b.position))
            .field("value", b.value)
            .field("from_left", b.heights[0])
            .field("from_right", b.heights[1])
            .field("errors", b.errors.to_vec())
            .field("between", b.between.to_vec())
            .field("sampled", b.sampled)
    };
    f.barriers.iter().map(object).collect()
}

fn window_table(windows: &[Window]) -> Result<Table> {
    let mut columns = Vec::new();
    let several = windows.first().is_some_and(|w| w.centre.len() > 1);
    for k in 0..windows.first().map_or(0, |w| w.centre.len()) {
        let name = |name: &str| if several { format!("{name}_{}", k + 1) } else { name.to_string() };
        let mut add = |label: &str, of: &dyn Fn(&Window) -> f64| {
            columns.push((name(label), Column::Numbers(windows.iter().map(of).collect())));
        };
        add("centre", &|w| w.centre[k]);
        add("spring", &|w| w.spring[k]);
        add("mean", &|w| w.mean[k]);
        add("deviation", &|w| w.deviation[k]);
    }
    columns.push(("samples".into(), Column::Integers(windows.iter().map(|w| w.samples as i64).collect())));
    columns.push(("inefficiency".into(), Column::Numbers(windows.iter().map(|w| w.inefficiency).collect())));
    columns.push(("free_energy".into(), Column::Numbers(windows.iter().map(|w| w.free_energy).collect())));
    Table::new(columns)
}

/// The lines that `print` gives.
fn said(f: &FreeEnergy) -> String {
    let axes: Vec<String> =
        f.grid.axes.iter().map(|a| format!("{} bins from {} to {}", a.bins, short(a.low), short(a.high))).collect();
    let mut text = format!(
        "FreeEnergy by {} at T = {}: {}; {} samples, worth {:.0} independent ones",
        f.method.name(),
        short(f.temperature),
        axes.join(" × "),
        f.samples,
        f.independent
    );
    match f.empty() {
        0 => {}
        1 => text.push_str("; 1 bin without samples"),
        empty => text.push_str(&format!("; {empty} bins without samples")),
    }
    if f.outside > 0 {
        text.push_str(&format!("; {} samples outside", f.outside));
    }
    let at = |p: &[f64]| {
        if p.len() == 1 { short(p[0]) } else { format!("[{}]", p.iter().map(|v| short(*v)).collect::<Vec<_>>().join(", ")) }
    };
    for m in &f.minima {
        text.push_str(&format!("\n  minimum {} ± {} at {}", short(m.value), short(m.error), at(&m.position)));
    }
    for b in &f.barriers {
        let least = if b.sampled { "" } else { "at least " };
        text.push_str(&format!(
            "\n  barrier {least}{} ± {} from {} and {} ± {} from {}, at {}",
            short(b.heights[0]),
            short(b.errors[0]),
            at(&f.minima[b.between[0]].position),
            short(b.heights[1]),
            short(b.errors[1]),
            at(&f.minima[b.between[1]].position),
            at(&b.position)
        ));
    }
    for note in &f.notes {
        text.push_str(&format!("\n  {note}"));
    }
    text
}

/// Functions and methods.
pub fn natives() -> Vec<Native> {
    let mut all = variables::natives();
    all.extend([free_energy(), plot_free_energy(), mbar_native()]);
    all
}

fn free_energy() -> Native {
    Native::new(
        "free_energy",
        "The free energy F = −T ln p along one or two collective variables: from samples that are there, or, for a potential, by umbrella sampling or \
         metadynamics. Errors count the correlation between steps; bins without samples are NaN; only minima and barriers that the errors allow are listed.",
    )
    .group("Sampling")
    .takes("samples", "Samples, a matrix of positions, or a Potential", "What is looked at; a Potential is sampled by \"umbrella\" or \"metadynamics\".")
    .takes("variable", VARIABLE, "The variable ξ(x), differentiated by tracing; for samples also its values: a vector, a matrix of two columns, an array of two vectors.")
    .options::<Everything>()
    .special_option("start", "a position", "a minimum near a random position", "Where walkers begin (umbrella sampling, metadynamics).")
    .returns("a FreeEnergy: centres, values, errors, counts, minima (position, value, error), barriers (position, from_left, from_right, …), and a figure")
    .example("let f = free_energy([[0], [0], [0], [1]], |x| x[0], #{bins: 2, temperature: 0.5}); f.values[1] - 0.5 * ln(3)", "0.0", 1e-12)
    .example(
        "let w = double_well(); let f = free_energy(w, |x| x[0], #{method: \"umbrella\", temperature: 0.2, range: [-1.3, 1.3], bins: 26, steps: 2000, seed: 1}); f.minima.len()",
        "2",
        0.0,
    )
    .example(
        "free_energy(double_well(), |x| x[0], #{method: \"metadynamics\", temperature: 0.2, range: [-1.4, 1.4], bins: 28, steps: 5000, seed: 1}).barriers[0].from_left",
        "1.0",
        0.15,
    )
    .reference("10.1063/1.2978177")
    .run(|call, mut args| {
        let start = args.take_option("start").filter(|s| !s.is_unit());
        let given: Vec<&'static str> = Everything::entries().iter().map(|o| o.name).filter(|name| args.has_option(name)).collect();
        let Both(options, Both(sampling, Both(umbrella, metadynamics))): Everything = args.options()?;
        check_options(options.method, &given, start.is_some())?;
        let curve = match (options.method, args.try_handle::<PotentialHandle>(0)) {
            (Method::Histogram, Some(_)) => {
                return Err(Error::value("free_energy: a Potential has no samples to put into bins")
                    .hint("say #{method: \"umbrella\", range: [low, high]} or \"metadynamics\", or give what sample_langevin found")
                    .at("samples"));
            }
            (Method::Histogram, None) => histogram(call, &args, &options)?,
            (method, Some(potential)) => {
                let potential = potential.0;
                let n = potential.dimension();
                let variables = variables::functions(call, &args, 1, n)?;
                let start = start.map(|value| position(call, &value, n)).transpose()?;
                let task = free::Task {
                    potential: &*potential,
                    variables: &variables,
                    options: &options,
                    sampling: &sampling,
                    start: start.as_deref(),
                };
                match method {
                    Method::Umbrella => free::umbrella(call.run(), &task, &umbrella)?,
                    _ => free::metadynamics(call.run(), &task, &metadynamics)?,
                }
            }
            (method, None) => {
                let message = format!("free_energy: method \"{}\" makes samples itself and needs a Potential", method.name());
                return Err(Error::value(message)
                    .hint("give the potential (samples.potential), or leave `method` out for a histogram of the samples")
                    .at("samples"));
            }
        };
        curve.notes.iter().for_each(|note| call.run().warn(&format!("free_energy: {note}")));
        let figure = draw_free_energy(&[&curve], &[], &FreeEnergyDrawing::default())?;
        Ok(FreeEnergyHandle { curve: Arc::new(curve), figure })
    })
}

/// An option of another method would change nothing: an error.
fn check_options(method: Method, given: &[&'static str], start: bool) -> Result<()> {
    let holds = |entries: Vec<crate::base::OptionEntry>, name: &str| entries.iter().any(|e| e.name == name);
    let given = given.iter().copied().chain(start.then_some("start"));
    for name in given.filter(|name| !holds(FreeEnergyOptions::entries(), name)) {
        let belongs = match name {
            name if holds(UmbrellaOptions::entries(), name) => "\"umbrella\"",
            name if holds(MetadynamicsOptions::entries(), name) => "\"metadynamics\"",
            _ => "\"umbrella\" and \"metadynamics\"",
        };
        if !belongs.contains(method.name()) {
            let message = format!("free_energy: option `{name}` belongs to method {belongs}, not to \"{}\"", method.name());
            return Err(Error::value(message).at(name));
        }
    }
    Ok(())
}

fn histogram(call: &Call, args: &Arguments, options: &FreeEnergyOptions) -> Result<FreeEnergy> {
    let (rows, walkers) = samples_or_matrix(args, 0).map_err(|error| match error.kind {
        crate::base::Kind::Type => args.wrong(0, "Samples, a matrix of positions, or a Potential"),
        _ => error,
    })?;
    let positions = rows.matrix()?;
    let own = args.try_handle::<SamplesHandle>(0).map(|s| s.0.temperature);
    let temperature = options.temperature.or(own).unwrap_or(1.0);
    let (values, functions) = variables::values(call, args, 1, positions)?;
    free::histogram(call.run(), &values, walkers, temperature, &functions, Some(positions), options)
}

fn position(call: &Call, value: &Dynamic, dimension: usize) -> Result<Vec<f64>> {
    let found = match value.read_lock::<Object>() {
        Some(object) => object.get("position").and_then(numbers),
        None => numbers(value),
    };
    match found {
        Some(position) if position.len() == dimension => Ok(position),
        Some(position) => {
            let message = format!("free_energy: option `start` needs {dimension} coordinates, found {}", position.len());
            Err(Error::shape(message).at("start"))
        }
        None => {
            let message = format!("free_energy: option `start` takes a position, found {}", call.catalogue().describe(value));
            Err(Error::new(crate::base::Kind::Type, message).at("start"))
        }
    }
}

fn plot_free_energy() -> Native {
    Native::new("plot_free_energy", "Draws a free energy, several curves over each other, or a map.")
        .group("Figures")
        .takes("curves", "a FreeEnergy, or an array of them", "What to draw.")
        .options::<FreeEnergyDrawing>()
        .returns("a Figure")
        .example(
            "let f = free_energy([[0], [0.1], [0], [1]], |x| x[0], #{bins: 4}); plot_free_energy([f, f], #{labels: [\"a\", \"b\"], title: \"twice\"}).title",
            "\"twice\"",
            0.0,
        )
        .run(|_, mut args| {
            let expected = "a FreeEnergy, or an array of them";
            let all = match args.try_handle::<FreeEnergyHandle>(0) {
                Some(one) => vec![one],
                None => {
                    let array = args.array(0).map_err(|_| args.wrong(0, expected))?;
                    let read = |v: &Dynamic| v.read_lock::<FreeEnergyHandle>().map(|f| f.clone());
                    array.iter().map(read).collect::<Option<Vec<_>>>().ok_or_else(|| args.wrong(0, expected))?
                }
            };
            let curves: Vec<&FreeEnergy> = all.iter().map(|f| &*f.curve).collect();
            draw_free_energy(&curves, &[], &args.options()?)
        })
}

fn mbar_native() -> Native {
    Native::new(
        "mbar",
        "Reduced free energies of biased ensembles from all their samples together, the weight of each sample without bias, and the overlap of the ensembles.",
    )
    .group("Sampling")
    .takes("reduced", "a matrix", "The reduced bias of every sample (a row) in every ensemble (a column): energies divided by the temperature.")
    .takes("counts", "an array of whole numbers", "How many of the rows stem from each ensemble.")
    .returns("free_energies (the first is 0), weights (of the unbiased ensemble; they add up to 1), overlap (matrix)")
    .example("mbar([[0, 0.5], [0, 2], [0, 0.5], [0, 0.5]], [2, 2]).free_energies[1]", "0.84962444", 1e-8)
    .reference("10.1063/1.2978177")
    .run(|call, args| {
        let reduced = args.matrix(0)?;
        let counts: Vec<f64> = args.wholes(1)?.into_iter().map(|c| c as f64).collect();
        let found = mbar::solve(call.run(), &reduced, &counts)?;
        let lowest = found.log_denominators.iter().copied().fold(f64::INFINITY, f64::min);
        let mut weights: Vec<f64> = found.log_denominators.iter().map(|l| (lowest - l).exp()).collect();
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= total);
        Ok(Object::new("Mbar").field("overlap", found.overlap()).field("free_energies", found.free_energies).field("weights", weights))
    })
}
