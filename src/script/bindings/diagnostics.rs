//! What samples and Hessians say, in the script language: summary, autocorrelation_time, principal_directions, hessian_density, trace.

use super::figures::characters;
use super::sampling::{Rows, samples_or_matrix};
use crate::analysis::basins::{BasinOptions, Visit, visits};
use crate::analysis::diagnostics::{Summary, TimeOptions, autocorrelation_times, check_walkers, summarise};
use crate::analysis::learning_coefficient::{LearningOptions, learning_coefficient};
use crate::analysis::portraits::{Portrait, portrait};
use crate::analysis::principal::{PrincipalDirections, PrincipalOptions, principal_directions};
use crate::analysis::spectral_density::{DensityOptions, SpectralDensity, TraceOptions, hessian_density, hessian_trace};
use crate::base::{Error, Result};
use crate::data::{Column, Table};
use crate::figures::sampling::draw_report;
use crate::figures::spectral_density::draw_density;
use crate::landscape::Landscape;
use crate::math::Matrix;
use crate::plot::scale::short;
use crate::plot::{Figure, Panel};
use crate::script::api::{Arguments, IntoValue, Native, Object, Type};
use crate::script::convert::numbers;
use crate::script::show::summary::{headline, summary as on_screen};
use std::sync::Arc;

/// Coordinates that a report draws, the worst ones.
const DRAWN: usize = 3;

/// A summary with the sample it is of, so that it can draw itself.
#[derive(Clone)]
pub struct SummaryHandle {
    summary: Arc<Summary>,
    rows: Arc<Rows>,
}

crate::handle!(SummaryHandle, "Summary");
crate::handle!(Arc<PrincipalDirections>, "PrincipalDirections");
crate::handle!(Arc<SpectralDensity>, "SpectralDensity");

crate::options! {
    /// Options of `summary`.
    pub struct SummaryOptions {
        /// Walkers that the rows of a matrix belong to, equally many each, one walker after another.
        walkers: Option<usize> = None => "those of the samples, 1 for a matrix", AT_LEAST_ONE, "";
    }
}

/// Types of values.
pub fn types() -> Vec<Type> {
    vec![summary_type(), directions_type(), density_type()]
}

fn summary_type() -> Type {
    type S = SummaryHandle;
    let columns: [(&str, &str, fn(&Summary) -> &Vec<f64>); 8] = [
        ("mean", "The mean of each coordinate.", |s| &s.mean),
        ("sd", "The standard deviation, divided by rows − 1.", |s| &s.sd),
        ("mcse", "Monte Carlo standard error of the mean.", |s| &s.mcse),
        ("mcse_sd", "Monte Carlo standard error of the standard deviation.", |s| &s.mcse_sd),
        ("ess_bulk", "Effective sample size of the bulk.", |s| &s.ess_bulk),
        ("ess_tail", "The smaller effective sample size of the 5 % and the 95 % quantile.", |s| &s.ess_tail),
        ("r_hat", "Split rank-normalised R̂: above 1.01 the walkers have not mixed; NaN of a single walker.", |s| &s.r_hat),
        ("autocorrelation_time", "Rows that count as one independent value of the mean.", |s| &s.autocorrelation_time),
    ];
    let mut made = Type::of::<S>("What a sample says of each coordinate, and how far that can be trusted; as a figure a report.");
    for (name, text, get) in columns {
        made = made.field(name, text, move |_, s: &S| Ok(get(&s.summary).clone()));
    }
    made.field("rows", "Rows of all walkers.", |_, s: &S| Ok(s.summary.rows))
        .field("walkers", "Number of walkers.", |_, s: &S| Ok(s.summary.walkers))
        .field("worst", "The coordinates from the worst to the best: by R̂, then by the effective sizes.", |_, s: &S| {
            Ok(s.summary.worst())
        })
        .field("warnings", "What should not be overlooked, a sentence each.", |_, s: &S| Ok(s.summary.warnings()))
        .field("figure", "The drawing alone.", |_, s: &S| Ok(report(s)))
        .show(|s: &S| headline(&s.summary))
        .screen(|s: &S, room| on_screen(&s.summary, room))
        .picture(report)
        .json(move |s: &S| {
            let object = Object::new("Summary").field("rows", s.summary.rows).field("walkers", s.summary.walkers);
            columns.iter().fold(object, |o, (name, _, get)| o.field(*name, get(&s.summary).clone()))
        })
}

/// The worst coordinates, and the energy where it is known.
fn report(s: &SummaryHandle) -> Figure {
    let drawn = || -> Result<Figure> {
        let rows = s.rows.matrix()?;
        let worst: Vec<usize> = s.summary.worst().into_iter().take(DRAWN).collect();
        let mut portraits: Vec<Portrait> = Vec::new();
        if let Rows::Samples(samples) = &*s.rows {
            portraits.push(portrait("energy", &samples.energies, s.summary.walkers)?);
        }
        for &k in &worst {
            portraits.push(portrait(&format!("x[{k}]"), &rows.column(k), s.summary.walkers)?);
        }
        let all = s.summary.mean.len();
        let title = if worst.len() < all { format!("the worst {} of {all} coordinates", worst.len()) } else { String::new() };
        draw_report(&title, &portraits)
    };
    // The rows were there when the summary was made; a file of them that has gone since leaves an empty sheet.
    drawn().unwrap_or_else(|error| {
        let mut panel = Panel::new("", "");
        panel.title = error.to_string();
        Figure::of(panel, crate::plot::figure::SIZE)
    })
}

fn directions_type() -> Type {
    type P = Arc<PrincipalDirections>;
    Type::of::<P>("Directions along which a sample spreads most.")
        .field("directions", "A column each, of length 1, the largest component positive.", |_, p: &P| Ok(p.directions.clone()))
        .field("variances", "The variance along each, descending.", |_, p: &P| Ok(p.variances.clone()))
        .field("explained", "The part of the whole variance along each.", |_, p: &P| Ok(p.explained()))
        .field("mean", "The mean position.", |_, p: &P| Ok(p.mean.clone()))
        .field("total_variance", "The sum of the variances of all coordinates.", |_, p: &P| Ok(p.total_variance))
        .field("count", "Number of directions.", |_, p: &P| Ok(p.variances.len()))
        .show(|p: &P| {
            let shares: Vec<String> = p.explained().iter().take(5).map(|s| format!("{:.1} %", 100.0 * s)).collect();
            let dots = if p.variances.len() > 5 { " …" } else { "" };
            let (count, n) = (p.variances.len(), p.mean.len());
            format!("PrincipalDirections: {count} in {n} coordinates, {}{dots} of the variance", shares.join(", "))
        })
        .json(|p: &P| {
            Object::new("PrincipalDirections")
                .field("variances", p.variances.clone())
                .field("explained", p.explained())
                .field("mean", p.mean.clone())
                .field("directions", p.directions.clone())
        })
}

fn density_type() -> Type {
    type D = Arc<SpectralDensity>;
    Type::of::<D>("How the eigenvalues of a Hessian are distributed; as a figure their density.")
        .field("centres", "Places along the spectrum.", |_, d: &D| Ok(d.centres.clone()))
        .field("density", "The density at each; its integral is 1.", |_, d: &D| Ok(d.density.clone()))
        .field("trace", "The sum of the eigenvalues.", |_, d: &D| Ok(d.trace))
        .field("trace_error", "Its standard error: 0 where it is exact, NaN of a single probe.", |_, d: &D| Ok(d.trace_error))
        .field("eigenvalues", "The points of the quadrature, ascending; where it is exact the eigenvalues.", |_, d: &D| {
            Ok(d.eigenvalues.clone())
        })
        .field("weights", "The weight of each point; their sum is 1.", |_, d: &D| Ok(d.weights.clone()))
        .field("width", "Standard deviation of the Gaussian that stands for each point.", |_, d: &D| Ok(d.width))
        .field("coordinates", "Number of eigenvalues: frozen coordinates have none.", |_, d: &D| Ok(d.coordinates))
        .field("exact", "Whether the Hessian was taken whole, nothing random.", |_, d: &D| Ok(d.exact))
        .field("figure", "The drawing alone.", |_, d: &D| Ok(draw_density(d)))
        .show(|d: &D| {
            let ends = [d.eigenvalues.first(), d.eigenvalues.last()].map(|e| short(e.copied().unwrap_or(f64::NAN)));
            let about = if d.trace_error > 0.0 { format!(" ± {}", short(d.trace_error)) } else { String::new() };
            format!(
                "SpectralDensity: {} eigenvalues from {} to {}, trace {}{about}",
                d.coordinates,
                ends[0],
                ends[1],
                short(d.trace)
            )
        })
        .screen(|d: &D, room| characters(draw_density(d).show(room.width, room.height)))
        .picture(|d: &D| draw_density(d))
        .json(|d: &D| {
            Object::new("SpectralDensity")
                .field("centres", d.centres.clone())
                .field("density", d.density.clone())
                .field("trace", d.trace)
                .field("trace_error", d.trace_error)
                .field("eigenvalues", d.eigenvalues.clone())
                .field("weights", d.weights.clone())
        })
}

/// Functions and methods.
pub fn natives() -> Vec<Native> {
    vec![summary(), autocorrelation_time(), directions(), project(), density(), trace(), coefficient(), basins()]
}

fn summary() -> Native {
    Native::new(
        "summary",
        "Of each coordinate of a sample mean and standard deviation, their Monte Carlo errors, effective sample sizes and R̂, as ArviZ defines \
         them. It shows the worst coordinates first; .show() and .save(path) give traces, ranks and autocorrelations of those.",
    )
    .group("Sampling")
    .takes("samples", "samples, a matrix or an array of rows", "What was drawn: a row each, all rows of the first walker first.")
    .options::<SummaryOptions>()
    .returns("a Summary: mean, sd, mcse, mcse_sd, ess_bulk, ess_tail, r_hat, autocorrelation_time (a number for each coordinate), worst, warnings")
    .example(
        "let s = sample_langevin(harmonic(2), [0, 0], #{step_size: 0.5, steps: 2000, walkers: 4, burn_in: 100, seed: 1}).summary(); s.r_hat[0] < 1.05",
        "true",
        0.0,
    )
    .example("summary([[1.0], [3.0], [2.0], [2.0]]).mean", "[2.0]", 1e-15)
    .reference("10.1214/20-BA1221")
    .run(|call, mut args| {
        let options: SummaryOptions = args.options()?;
        let (rows, walkers) = rows_and_walkers(&args, options.walkers)?;
        let summary = summarise(call.run(), rows.matrix()?, walkers)?;
        Ok(SummaryHandle { summary: Arc::new(summary), rows: Arc::new(rows) })
    })
}

/// The rows of argument 0 and their walkers: those of samples are known.
fn rows_and_walkers(args: &Arguments, asked: Option<usize>) -> Result<(Rows, usize)> {
    let (rows, own) = samples_or_matrix(args, 0)?;
    if let (Rows::Samples(_), Some(asked)) = (&rows, asked)
        && asked != own
    {
        let message = format!("option `walkers` says {asked}, but these samples have {own}");
        return Err(Error::value(message).hint("leave it out: samples know their walkers").at("walkers"));
    }
    Ok((rows, asked.unwrap_or(own)))
}

fn autocorrelation_time() -> Native {
    Native::new(
        "autocorrelation_time",
        "How many rows of a sample count as one independent value of the mean: the integrated autocorrelation time.",
    )
    .group("Sampling")
    .takes("samples", "samples, a matrix, or numbers in a row", "What was drawn: a row each, all rows of the first walker first.")
    .options::<TimeOptions>()
    .returns("a vector, a number for each coordinate, in rows; of numbers in a row one number")
    .example("autocorrelation_time([1, 2, 3, 4, 5, 6, 7, 8, 9], #{method: \"sokal\"})", "0.5333333333333333", 1e-12)
    .reference("10.1214/ss/1177011137")
    .reference("10.1007/978-1-4899-0319-8_6")
    .run(|call, mut args| {
        let options: TimeOptions = args.options()?;
        if let Some(values) = numbers(&args.value(0)) {
            let walkers = options.walkers.unwrap_or(1);
            check_walkers("autocorrelation_time", values.len(), walkers)?;
            let column = Matrix::from_rows(values.len(), 1, values);
            return Ok(autocorrelation_times(call.run(), &column, walkers, &options)?[0].into());
        }
        let (rows, walkers) = rows_and_walkers(&args, options.walkers)?;
        Ok(autocorrelation_times(call.run(), rows.matrix()?, walkers, &options)?.into_value())
    })
}

fn directions() -> Native {
    Native::new(
        "principal_directions",
        "The directions along which a sample spreads most: eigenvectors of its covariance, exact in any number of coordinates.",
    )
    .group("Sampling")
    .takes("samples", "samples, a matrix or an array of rows", "Positions, a row each.")
    .options::<PrincipalOptions>()
    .returns("PrincipalDirections: directions (a column each), variances, explained, mean, project(position)")
    .example("principal_directions([[1, 1], [3, 3], [5, 5]]).variances", "[8.0, 0.0]", 1e-12)
    .reference("10.1080/14786440109462720")
    .run(|call, mut args| {
        let options: PrincipalOptions = args.options()?;
        let (rows, _) = samples_or_matrix(&args, 0)?;
        Ok(Arc::new(principal_directions(call.run(), rows.matrix()?, &options)?))
    })
}

fn project() -> Native {
    Native::method("PrincipalDirections", "project", "How far positions are from the mean along each direction.")
        .group("Sampling")
        .takes("positions", "a position, samples, or a matrix", "What to look for.")
        .returns("a vector of one number for each direction; of several positions a matrix, a row each")
        .example("principal_directions([[1, 1], [3, 3], [5, 5]], #{count: 1}).project([4, 4])", "[1.4142135623730951]", 1e-12)
        .run(|_, args| {
            let p: Arc<PrincipalDirections> = args.handle(0)?;
            let n = p.mean.len();
            if numbers(&args.value(1)).is_some() {
                return Ok(p.project(&args.position(1, n)?).into_value());
            }
            let (rows, _) = samples_or_matrix(&args, 1)?;
            let matrix = rows.matrix()?;
            if matrix.columns != n {
                let message = format!("project: `positions` must have {n} coordinates, found {}", matrix.columns);
                return Err(Error::shape(message).at("positions"));
            }
            Ok(p.project_all(matrix).into_value())
        })
}

fn density() -> Native {
    Native::new(
        "hessian_density",
        "The density of the eigenvalues of the Hessian at a position, from Hessian-vector products alone; as a figure with a logarithmic density.",
    )
    .group("Potentials")
    .takes("potential", "a Potential", "Whose Hessian.")
    .takes("x", "a position", "Where; frozen coordinates are left out.")
    .options::<DensityOptions>()
    .returns("a SpectralDensity: centres, density (its integral is 1), trace, trace_error, eigenvalues and weights of the quadrature")
    .example("hessian_density(harmonic(200, #{stiffness: 3}), harmonic(200).random(#{seed: 1})).trace", "600.0", 1e-6)
    .example("hessian_density(muller_brown(), [-0.558223634633024, 1.44172584180467]).eigenvalues", "[410.531134693, 4068.19895503]", 1e-4)
    .reference("10.1137/16M1104974")
    .reference("10.48550/arXiv.1901.10159")
    .run(|call, mut args| {
        let potential = args.potential(0)?;
        let x = args.position(1, potential.dimension())?;
        Ok(Arc::new(hessian_density(call.run(), &*potential, &x, &args.options::<DensityOptions>()?)?))
    })
}

fn coefficient() -> Native {
    Native::new(
        "learning_coefficient",
        "The local learning coefficient at a minimum, a count of effective parameters: nβ (⟨L⟩ − L(x)) over walkers of stochastic gradient Langevin \
         dynamics around x; half the number of coordinates where the minimum is quadratic, less where it is flatter.",
    )
    .group("Sampling")
    .takes("potential", "a Potential", "L; for a network its loss.")
    .takes("x", "a position", "The minimum.")
    .options::<LearningOptions>()
    .returns("value, error, walkers (one value each), r_hat, inverse_temperature, step_size")
    .example(
        "learning_coefficient(harmonic(4), [0, 0, 0, 0], #{items: 1000, step_size: 0.05, steps: 20000, seed: 1}).value",
        "2.05",
        0.25,
    )
    .reference("10.48550/arXiv.2308.12108")
    .run(|call, mut args| {
        let potential = args.potential(0)?;
        let x = args.position(1, potential.dimension())?;
        let found = learning_coefficient(call.run(), &potential, &x, &args.options()?)?;
        Ok(Object::new("LearningCoefficient")
            .field("value", found.value)
            .field("error", found.error)
            .field("walkers", found.walkers)
            .field("r_hat", found.r_hat)
            .field("inverse_temperature", found.inverse_temperature)
            .field("step_size", found.step_size))
    })
}

fn basins() -> Native {
    Native::new("basins", "In which basin of a landscape the rows of a trajectory lie: each is quenched, and its minimum looked up.")
        .group("Sampling")
        .takes("landscape", "a Landscape", "Where minima are looked up; nothing is added to it.")
        .takes("samples", "samples, a matrix or an array of rows", "The trajectory.")
        .options::<BasinOptions>()
        .returns("a table: row, walker, time (the row of the walker), minimum (its id, 0 for one that the landscape does not have), energy")
        .example(
            "let p = double_well(); let l = landscape(p); l.add(minimise(p, [0.9])); basins(l, [[0.8], [-0.7], [1.3]]).minimum",
            "[1, 0, 1]",
            0.0,
        )
        .reference("10.1103/PhysRevA.25.978")
        .run(|call, mut args| {
            let landscape = args.handle::<Landscape>(0)?;
            let options: BasinOptions = args.options()?;
            let (rows, walkers) = samples_or_matrix(&args, 1)?;
            let visits = visits(call.run(), &landscape, rows.matrix()?, walkers, &options)?;
            let whole = |get: fn(&Visit) -> usize| Column::Integers(visits.iter().map(|v| get(v) as i64).collect());
            Table::new(vec![
                ("row".into(), whole(|v| v.row)),
                ("walker".into(), whole(|v| v.walker)),
                ("time".into(), whole(|v| v.time)),
                ("minimum".into(), whole(|v| v.minimum)),
                ("energy".into(), Column::Numbers(visits.iter().map(|v| v.energy).collect())),
            ])
        })
}

fn trace() -> Native {
    Native::method(
        "Potential",
        "trace",
        "The trace of the Hessian at a position: exact up to 2,000 coordinates, an estimate from random vectors beyond; frozen coordinates are left \
         out. Its error is in hessian_density(…).trace_error.",
    )
    .takes("x", "a position", "Where.")
    .options::<TraceOptions>()
    .returns("a number")
    .example("muller_brown().trace([-0.558223634633024, 1.44172584180467])", "4478.730089723", 1e-4)
    .reference("10.1080/03610918908812806")
    .run(|call, mut args| {
        let potential = args.potential(0)?;
        let x = args.position(1, potential.dimension())?;
        Ok(hessian_trace(call.run(), &*potential, &x, &args.options::<TraceOptions>()?)?.0)
    })
}
