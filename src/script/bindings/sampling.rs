//! Sampling in the script language: sample_langevin and what its samples answer.

use crate::algorithms::sample::tempering::Swaps;
use crate::algorithms::sample::{self, SampleOptions, Samples, Start, Stopped, file, sample_or_stop};
use crate::analysis::principal::covariance;
use crate::analysis::sampler_check::{AtStep, CheckOptions, Claim, StepSizeStudy, Verdict, check_sampler, step_size_study};
use crate::analysis::temperatures::configurational_temperature;
use crate::base::{Error, Result};
use crate::data::{Column, Table};
use crate::math::Matrix;
use crate::plot::scale::short;
use crate::potentials::Potential;
use crate::script::api::{Arguments, Call, Dynamic, FnPtr, IntoValue, MatrixValue, Native, Object, PotentialHandle, Type};
use crate::script::convert::integer;
use rhai::Array;
use std::sync::Arc;

/// Samples as scripts hold them.
#[derive(Clone)]
pub struct SamplesHandle(pub Arc<Samples>);

crate::handle!(SamplesHandle, "Samples");

impl From<Samples> for SamplesHandle {
    fn from(samples: Samples) -> SamplesHandle {
        SamplesHandle(Arc::new(samples))
    }
}

/// Rows of numbers from argument `k`, and how many walkers they belong to: samples, or a matrix, which counts as one walker.
pub fn samples_or_matrix(args: &Arguments, k: usize) -> Result<(Rows, usize)> {
    match args.try_handle::<SamplesHandle>(k) {
        Some(samples) => {
            samples.0.positions()?;
            let walkers = samples.0.walkers;
            Ok((Rows::Samples(samples.0), walkers))
        }
        None => Ok((Rows::Matrix(args.matrix(k).map_err(|_| args.wrong(k, "samples, a matrix or an array of rows"))?), 1)),
    }
}

/// Shared rows of numbers.
pub enum Rows {
    Samples(Arc<Samples>),
    Matrix(Arc<Matrix>),
}

impl Rows {
    /// The rows as a matrix.
    pub fn matrix(&self) -> Result<&Matrix> {
        match self {
            Rows::Samples(samples) => samples.positions(),
            Rows::Matrix(matrix) => Ok(matrix),
        }
    }
}

/// Types of values.
pub fn types() -> Vec<Type> {
    vec![
        Type::of::<SamplesHandle>("Positions that a sampler kept, walker after walker, and how it went.")
            .field("positions", "All positions: a row each, those of the first walker first.", |_, s: &SamplesHandle| {
                Ok(s.0.positions()?.clone())
            })
            .field("energies", "The energy of each row; with `minibatch` that of the minibatch.", |_, s: &SamplesHandle| {
                Ok(s.0.energies.clone())
            })
            .field("len", "Number of rows of all walkers.", |_, s: &SamplesHandle| Ok(s.0.walkers * s.0.rows))
            .field("walkers", "Number of walkers.", |_, s: &SamplesHandle| Ok(s.0.walkers))
            .field("rows", "Rows of each walker.", |_, s: &SamplesHandle| Ok(s.0.rows))
            .field("dimension", "Number of coordinates.", |_, s: &SamplesHandle| Ok(s.0.dimension))
            .field("temperature", "The temperature asked for.", |_, s: &SamplesHandle| Ok(s.0.temperature))
            .field("method", "The method.", |_, s: &SamplesHandle| Ok(s.0.options.method.name()))
            .field("seed", "The seed that decided every random number.", |_, s: &SamplesHandle| Ok(s.0.seed as i64))
            .field(
                "step_size",
                "The step size; the mean over the walkers where each has learnt its own.",
                |_, s: &SamplesHandle| Ok(mean(&s.0.step_sizes)),
            )
            .field("step_sizes", "The step size of each walker.", |_, s: &SamplesHandle| Ok(s.0.step_sizes.clone()))
            .field("potential", "What was sampled.", |_, s: &SamplesHandle| Ok(PotentialHandle(s.0.potential.clone())))
            .field("mean", "The mean position.", |_, s: &SamplesHandle| s.0.mean_position())
            .field("covariance", "The covariance of the coordinates, divided by rows − 1.", |call, s: &SamplesHandle| {
                covariance(call.run(), s.0.positions()?)
            })
            .field(
                "kinetic_temperature",
                "⟨p²⟩ over all steps and coordinates; () for methods without momenta.",
                |_, s: &SamplesHandle| Ok(given(s.0.kinetic_temperature())),
            )
            .field(
                "configurational_temperature",
                "⟨|∇E|²⟩ / ⟨ΔE⟩ over up to 20,000 of the rows.",
                |call, s: &SamplesHandle| Ok(configurational_temperature(call.run(), &s.0)?[0]),
            )
            .field(
                "virial_temperature",
                "⟨x·∇E⟩ / coordinates over all steps: T where the density falls off to all sides.",
                |_, s: &SamplesHandle| Ok(s.0.virial_temperature()),
            )
            .field(
                "averages",
                "TATi's averages over all steps: loss, kinetic_energy, virial (½ x·∇E), and total_energy.",
                |_, s: &SamplesHandle| Ok(averages(&s.0)),
            )
            .field("kinetic_temperatures", "2 K / coordinates of each row.", |_, s: &SamplesHandle| Ok(s.0.kinetic.clone()))
            .field("virials", "x·∇E / coordinates of each row.", |_, s: &SamplesHandle| Ok(s.0.virials.clone()))
            .field(
                "acceptance",
                "The mean probability of acceptance; () where a method does not accept.",
                |_, s: &SamplesHandle| Ok(given(s.0.acceptance())),
            )
            .field("divergences", "Trajectories whose energy went astray: walker, step, error.", |_, s: &SamplesHandle| {
                divergences(&s.0)
            })
            .field("evaluations", "Gradients computed, burn-in included.", |_, s: &SamplesHandle| Ok(s.0.evaluations() as i64))
            .field("last", "The last position of each walker, a row each.", |_, s: &SamplesHandle| s.0.last())
            .field("rungs", "Parallel tempering: the samples at every temperature, lowest first.", |_, s: &SamplesHandle| {
                let hotter = s.0.hotter.iter().cloned().map(SamplesHandle::from);
                Ok(std::iter::once(s.clone()).chain(hotter).map(IntoValue::into_value).collect::<Array>())
            })
            .field(
                "swaps",
                "Parallel tempering: lower, higher, attempts, accepted and rate for each two neighbours.",
                |_, s: &SamplesHandle| swaps(&s.0.swaps),
            )
            .field(
                "round_trips",
                "How often walkers went from the lowest temperature to the highest and back.",
                |_, s: &SamplesHandle| Ok(s.0.round_trips as i64),
            )
            .show(|s: &SamplesHandle| said(&s.0))
            .json(|s: &SamplesHandle| {
                Object::new("Samples")
                    .field("method", s.0.options.method.name())
                    .field("temperature", s.0.temperature)
                    .field("walkers", s.0.walkers)
                    .field("rows", s.0.rows)
                    .field("dimension", s.0.dimension)
                    .field("energies", s.0.energies.clone())
                    .field("positions", s.0.positions().cloned().unwrap_or_default())
            }),
    ]
}

/// Functions and methods.
pub fn natives() -> Vec<Native> {
    vec![
        Native::new(
            "sample_langevin",
            "Samples the density exp(−E/T) of a potential. Walkers begin together and go their own ways; each keeps its position every `every` \
             steps. With `temperatures` the ways at several temperatures change places now and then.",
        )
        .group("Sampling")
        .takes("potential", "a Potential", "What to sample.")
        .takes("start", "a position, a matrix, or Samples", "Where all walkers begin; a row for each; or where earlier ones ended.")
        .options::<SampleOptions>()
        .returns("Samples: positions (walkers × steps / every rows), energies, mean, covariance, summary(), temperatures, save(path), more(steps)")
        .example(
            "sample_langevin(harmonic(2), [0, 0], #{step_size: 0.5, steps: 4000, walkers: 4, burn_in: 100, seed: 1}).kinetic_temperature",
            "1.0",
            0.2,
        )
        .example("sample_langevin(double_well(), [1], #{method: \"nuts\", steps: 50, burn_in: 200, seed: 1}).len", "50", 0.0)
        .reference("10.1093/amrx/abs010")
        .reference("10.48550/arXiv.1903.08640")
        .run(sample_langevin),
        Native::new(
            "check_sampler",
            "Whether samples have what was asked for: kinetic, configurational and virial temperature, and the distribution of energies beside that \
             of a second run at a higher temperature. A claim for which there are too few samples is said to be none.",
        )
        .group("Sampling")
        .takes("samples", "Samples", "What to judge.")
        .options::<CheckOptions>()
        .returns("agrees (true, false, or () where a claim could not be judged), claims (a table: quantity, expected, found, error, verdict)")
        .example(
            "check_sampler(sample_langevin(harmonic(2), [0, 0], #{step_size: 0.3, steps: 5000, walkers: 4, burn_in: 200, seed: 1})).agrees",
            "true",
            0.0,
        )
        .reference("10.1021/ct300688p")
        .run(|call, mut args| {
            let samples = args.handle::<SamplesHandle>(0)?;
            let options: CheckOptions = args.options()?;
            checked(&check_sampler(call.run(), &samples.0, &options)?)
        }),
        Native::new(
            "step_size_study",
            "What the size of the steps costs: samples with `step_size`, half of it and so on over the same time, and fits the mean of an observable.",
        )
        .group("Sampling")
        .takes("potential", "a Potential", "What to sample.")
        .takes("start", "a position, a matrix, or Samples", "Where walkers begin.")
        .options::<SampleOptions>()
        .special_option("observable", "a closure |x| …", "the energy", "What is averaged.")
        .special_option("halvings", "a whole number from 2 to 6", "2", "How often the step is halved.")
        .returns("steps (a table: step_size, mean, error), order and order_error (() where the differences are within their errors), expected_order, extrapolated, extrapolated_error")
        .example(
            "step_size_study(harmonic(1), [0], #{method: \"sgld\", step_size: 0.8, steps: 4000, walkers: 8, burn_in: 100, seed: 1}).extrapolated",
            "0.5",
            0.1,
        )
        .reference("10.1093/imanum/dru056")
        .run(study),
        Native::new("load_samples", "Reads samples that `.save` or the option `save` has written.")
            .group("Sampling")
            .takes("path", "the path of a file", "A .npz file.")
            .takes("potential", "a Potential", "What they were sampled from; another one is refused.")
            .returns("Samples")
            .run(|call, args| {
                let path = args.path(0)?;
                call.may_read(&path)?;
                Ok(SamplesHandle::from(file::load(&path, &args.potential(1)?)?))
            }),
        Native::method("Samples", "walker", "The rows of one walker.")
            .takes("k", "a whole number from 0 on", "Which one.")
            .returns("Samples")
            .example("sample_langevin(harmonic(1), [0], #{steps: 10, walkers: 2, seed: 1}).walker(1).len", "10", 0.0)
            .run(|_, args| Ok(SamplesHandle::from(args.handle::<SamplesHandle>(0)?.0.walker(args.whole(1)?)?))),
        Native::method("Samples", "more", "Goes on from where the samples ended: the result is that of one longer run, number for number.")
            .takes("steps", "a whole number from 1 on", "Steps to go on for.")
            .returns("Samples: the earlier rows and the new ones")
            .example(
                "let o = #{step_size: 0.3, seed: 1}; let p = harmonic(1); let long = sample_langevin(p, [0], o + #{steps: 60}); \
                 let two = sample_langevin(p, [0], o + #{steps: 20}).more(40); two.positions[59][0] - long.positions[59][0]",
                "0.0",
                0.0,
            )
            .run(|call, args| {
                let samples = args.handle::<SamplesHandle>(0)?;
                finished(call, samples.0.more(call.run(), args.at_least(1, 1)?)?)
            }),
        Native::method("Samples", "save", "Writes the samples to a .npz file (positions, energies, kinetic, virials, about), or the positions alone to .csv or .npy.")
            .takes("path", "the path of a file", "Ends in .npz, .csv or .npy.")
            .run(|call, args| {
                let samples = args.handle::<SamplesHandle>(0)?;
                let path = args.path(1)?;
                call.may_write(&path)?;
                match path.extension().and_then(|e| e.to_str()) {
                    Some("npz") => file::save(&samples.0, &path),
                    Some("csv" | "npy") => crate::data::write::save_matrix(samples.0.positions()?, &path),
                    _ => Err(Error::value(format!("save: samples go to .npz, .csv or .npy, found {}", path.display())).at("path")),
                }
            }),
    ]
}

/// Where walkers begin, as a script says it.
enum Begin {
    Position(Arc<[f64]>),
    Rows(Matrix),
}

impl Begin {
    fn start(&self) -> Start<'_> {
        match self {
            Begin::Position(x) => Start::Position(x),
            Begin::Rows(rows) => Start::Rows(rows),
        }
    }
}

/// Potential, start and options of a call that samples.
fn asked(call: &Call, args: &mut Arguments) -> Result<(Arc<dyn Potential>, Begin, SampleOptions)> {
    let potential = args.potential(0)?;
    let n = potential.dimension();
    let given = |name: &str| args.has_option(name);
    let (names_friction, names_temperature) = (given("friction"), given("temperature"));
    let ladder = given("temperatures");
    // Rows of a matrix or earlier samples, a walker each; or one position for all.
    let rows: Option<Matrix> = match args.try_handle::<SamplesHandle>(1) {
        Some(samples) => Some(samples.0.last()?),
        None => match args.value(1) {
            v if v.read_lock::<MatrixValue>().is_some() => Some((*args.matrix(1)?).clone()),
            v if v
                .read_lock::<Array>()
                .is_some_and(|a| a.first().is_some_and(|row| crate::script::convert::numbers(row).is_some())) =>
            {
                Some((*args.matrix(1)?).clone())
            }
            _ => None,
        },
    };
    let names_walkers = given("walkers");
    let begin = match rows {
        Some(rows) => Begin::Rows(rows),
        None => Begin::Position(args.position(1, n)?),
    };
    let mut options: SampleOptions = args.options()?;
    if let (Begin::Rows(rows), false) = (&begin, names_walkers) {
        options.walkers = rows.rows.max(1);
    }
    if let Some(path) = &options.save {
        call.may_write(path)?;
        if !path.ends_with(".npz") {
            return Err(Error::value(format!("sample_langevin: option `save` takes a .npz file, found \"{path}\"")).at("save"));
        }
    }
    if names_friction && !options.method.has_friction() {
        call.run().warn(&format!(
            "sample_langevin: \"{}\" knows no friction; option `friction` changes nothing",
            options.method.name()
        ));
    }
    if ladder && names_temperature {
        let both = "sample_langevin: option `temperature` says one temperature and `temperatures` several";
        return Err(Error::value(both).hint("leave one of them out").at("temperature"));
    }
    Ok((potential, begin, options))
}

fn sample_langevin(call: &Call, mut args: Arguments) -> Result<SamplesHandle> {
    let (potential, begin, options) = asked(call, &mut args)?;
    finished(call, sample_or_stop(call.run(), &potential, &begin.start(), &options)?)
}

fn study(call: &Call, mut args: Arguments) -> Result<Object> {
    let halvings = match args.take_option("halvings") {
        None => 2,
        Some(value) => match integer(&value) {
            Some(count @ 2..=6) => count as usize,
            _ => return Err(args.wrong_option("halvings", "a whole number from 2 to 6", &value)),
        },
    };
    let closure = match args.take_option("observable").filter(|value| !value.is_unit()) {
        None => None,
        Some(value) => match value.clone().try_cast::<FnPtr>() {
            Some(closure) => Some(closure),
            None => return Err(args.wrong_option("observable", "a closure |x| …", &value)),
        },
    };
    let (potential, begin, options) = asked(call, &mut args)?;
    let observe = |samples: &Samples| -> Result<Vec<f64>> {
        let Some(closure) = &closure else { return Ok(samples.energies.clone()) };
        let positions = samples.positions()?;
        (0..positions.rows).map(|r| call.real(closure, [positions.row(r).to_vec().into_value()])).collect()
    };
    let found = step_size_study(call.run(), &potential, &begin.start(), &options, halvings, &observe)?;
    study_object(call, &found)
}

fn study_object(call: &Call, found: &StepSizeStudy) -> Result<Object> {
    if found.order.is_nan() && found.expected_order > 0 {
        call.run().warn("step_size_study: the means differ by less than their errors; no order follows (more steps, more walkers or a larger step_size)");
    }
    let column = |f: fn(&AtStep) -> f64| Column::Numbers(found.steps.iter().map(f).collect());
    let table = Table::new(vec![
        ("step_size".into(), column(|s| s.step_size)),
        ("mean".into(), column(|s| s.mean)),
        ("error".into(), column(|s| s.error)),
    ])?;
    Ok(Object::new("StepSizeStudy")
        .field("steps", table)
        .field("order", given(found.order))
        .field("order_error", given(found.order_error))
        .field("expected_order", found.expected_order)
        .field("extrapolated", found.extrapolated)
        .field("extrapolated_error", found.extrapolated_error))
}

/// Claims as a table, and whether all hold: () when one was not judged and none differs.
fn checked(claims: &[Claim]) -> Result<Object> {
    let column = |f: fn(&Claim) -> f64| Column::Numbers(claims.iter().map(f).collect());
    let any = |verdict: Verdict| claims.iter().any(|claim| claim.verdict == verdict);
    let agrees: Dynamic = if any(Verdict::Differs) {
        false.into()
    } else if any(Verdict::TooFew) {
        Dynamic::UNIT
    } else {
        true.into()
    };
    let table = Table::new(vec![
        ("quantity".into(), Column::Texts(claims.iter().map(|c| c.quantity.into()).collect())),
        ("expected".into(), column(|c| c.expected)),
        ("found".into(), column(|c| c.found)),
        ("error".into(), column(|c| c.error)),
        ("verdict".into(), Column::Texts(claims.iter().map(|c| c.verdict.name().into()).collect())),
    ])?;
    Ok(Object::new("SamplerCheck").field("agrees", agrees).field("claims", table))
}

/// Samples; of a run that was ended before its time those that were kept go to the session, and the reason to the script.
fn finished(call: &Call, outcome: std::result::Result<Samples, Box<Stopped>>) -> Result<SamplesHandle> {
    match outcome {
        Ok(samples) => Ok(samples.into()),
        Err(stopped) => {
            let sample::Stopped { error, samples } = *stopped;
            call.keep_found(SamplesHandle::from(samples));
            Err(error)
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// () for what is not a number.
fn given(value: f64) -> Dynamic {
    if value.is_nan() { Dynamic::UNIT } else { value.into() }
}

fn averages(samples: &Samples) -> Object {
    let found = samples.averages();
    Object::new("Averages")
        .field("loss", found.loss)
        .field("kinetic_energy", given(found.kinetic_energy))
        .field("virial", found.virial)
        .field("total_energy", given(found.total_energy))
}

fn divergences(samples: &Samples) -> Result<Table> {
    let all = || samples.courses.iter().enumerate().flat_map(|(walker, c)| c.diverged.iter().map(move |d| (walker, d.0, d.1)));
    Table::new(vec![
        ("walker".into(), Column::Integers(all().map(|d| d.0 as i64).collect())),
        ("step".into(), Column::Integers(all().map(|d| d.1 as i64).collect())),
        ("error".into(), Column::Numbers(all().map(|d| d.2).collect())),
    ])
}

fn swaps(swaps: &[Swaps]) -> Result<Table> {
    let rate = |s: &Swaps| s.accepted as f64 / s.attempts as f64;
    Table::new(vec![
        ("lower".into(), Column::Numbers(swaps.iter().map(|s| s.lower).collect())),
        ("higher".into(), Column::Numbers(swaps.iter().map(|s| s.higher).collect())),
        ("attempts".into(), Column::Integers(swaps.iter().map(|s| s.attempts as i64).collect())),
        ("accepted".into(), Column::Integers(swaps.iter().map(|s| s.accepted as i64).collect())),
        ("rate".into(), Column::Numbers(swaps.iter().map(rate).collect())),
    ])
}

/// `Samples: 4 × 1000 rows of 74 by baoab at T = 0.01 (kinetic 0.0101), mean energy 0.83`.
fn said(samples: &Samples) -> String {
    let mut text = format!(
        "Samples: {} × {} rows of {} by {} at T = {}",
        samples.walkers,
        samples.rows,
        samples.dimension,
        samples.options.method.name(),
        short(samples.temperature)
    );
    let kinetic = samples.kinetic_temperature();
    if kinetic.is_finite() {
        text.push_str(&format!(" (kinetic {})", short(kinetic)));
    }
    text.push_str(&format!(", mean energy {}", short(samples.mean_energy())));
    if samples.options.method.accepts() {
        text.push_str(&format!(", acceptance {:.2}", samples.acceptance()));
    }
    if samples.divergences() > 0 {
        text.push_str(&format!(", {} divergences", samples.divergences()));
    }
    if !samples.swaps.is_empty() {
        text.push_str(&format!(", {} temperatures", samples.swaps.len() + 1));
    }
    if let Some(path) = samples.path() {
        text.push_str(&format!(", in {}", path.display()));
    }
    text
}
