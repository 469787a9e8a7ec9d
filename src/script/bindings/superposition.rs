//! What a landscape's stationary points say of temperatures, in the script language: the harmonic superposition, rates, comparison with a free energy.

use super::figures::characters;
use super::free_energy::FreeEnergyHandle;
use super::variables;
use crate::analysis::free_energy::rates::{Crossing, RateOptions, rates};
use crate::analysis::superposition::{HarmonicRate, Superposition, harmonic_rates, harmonic_superposition, projected};
use crate::base::{Error, Result};
use crate::data::{Column, Table};
use crate::figures::free_energy::{Curve, FreeEnergyDrawing, draw_free_energy};
use crate::landscape::Landscape;
use crate::plot::Figure;
use crate::plot::scale::short;
use crate::script::api::{Arguments, Native, Object, Type};
use crate::script::convert::number;
use std::sync::Arc;

/// A superposition as scripts hold it.
#[derive(Clone)]
pub struct SuperpositionHandle(Arc<Superposition>);

crate::handle!(SuperpositionHandle, "Superposition");

/// A free energy beside what the superposition says of it.
#[derive(Clone)]
pub struct Comparison {
    centres: Arc<[f64]>,
    values: Arc<[f64]>,
    superposition: Arc<[f64]>,
    deviation: f64,
    figure: Figure,
}

crate::handle!(Comparison, "Comparison");

/// Bins up to so many T above the lowest count for the deviation: beyond, a harmonic basin is not meant.
const COUNTED: f64 = 3.0;

/// Types of values.
pub fn types() -> Vec<Type> {
    vec![
        Type::of::<SuperpositionHandle>("The harmonic superposition of a landscape's minima: thermodynamics and occupations.")
            .field("temperatures", "The temperatures, in units of energy.", |_, s: &SuperpositionHandle| {
                Ok(s.0.temperatures.clone())
            })
            .field("free_energies", "−T ln Z at each temperature.", |_, s: &SuperpositionHandle| Ok(s.0.free_energies.clone()))
            .field("energies", "The mean potential energy.", |_, s: &SuperpositionHandle| Ok(s.0.energies.clone()))
            .field("heat_capacities", "The configurational heat capacity, in units of k.", |_, s: &SuperpositionHandle| {
                Ok(s.0.heat_capacities.clone())
            })
            .field(
                "occupations",
                "The share of each minimum (a row) at each temperature (a column).",
                |_, s: &SuperpositionHandle| Ok(s.0.occupations.clone()),
            )
            .field("minima", "Ids of the minima, in the order of the rows.", |_, s: &SuperpositionHandle| Ok(s.0.minima.clone()))
            .field("log_copies", "ln of the number of copies of each minimum.", |_, s: &SuperpositionHandle| {
                Ok(s.0.log_copies.clone())
            })
            .field("notes", "What has to be said about it.", |_, s: &SuperpositionHandle| Ok(s.0.notes.clone()))
            .show(|s: &SuperpositionHandle| {
                let s = &s.0;
                let mut text = format!("Superposition of {} minima at {} temperatures", s.minima.len(), s.temperatures.len());
                for (k, t) in s.temperatures.iter().enumerate().take(12) {
                    let column = s.occupations.column(k);
                    let most = (0..column.len()).fold(0, |m, a| if column[a] > column[m] { a } else { m });
                    text.push_str(&format!(
                        "\n  T = {}: F {}, U {}, C {}; minimum {} holds {:.1} %",
                        short(*t),
                        short(s.free_energies[k]),
                        short(s.energies[k]),
                        short(s.heat_capacities[k]),
                        s.minima[most],
                        100.0 * column[most]
                    ));
                }
                s.notes.iter().for_each(|note| text.push_str(&format!("\n  {note}")));
                text
            })
            .json(|s: &SuperpositionHandle| {
                Object::new("Superposition")
                    .field("temperatures", s.0.temperatures.clone())
                    .field("free_energies", s.0.free_energies.clone())
                    .field("energies", s.0.energies.clone())
                    .field("heat_capacities", s.0.heat_capacities.clone())
                    .field("minima", s.0.minima.clone())
                    .field("occupations", s.0.occupations.clone())
            }),
        Type::of::<Comparison>("A free energy beside the harmonic superposition of the landscape's minima, and their drawing.")
            .field("centres", "The middles of the bins.", |_, c: &Comparison| Ok(c.centres.clone()))
            .field("values", "The free energy in them.", |_, c: &Comparison| Ok(c.values.clone()))
            .field("superposition", "What the superposition says, lowest 0.", |_, c: &Comparison| Ok(c.superposition.clone()))
            .field("deviation", "Root mean square difference over bins within 3 T of the lowest.", |_, c: &Comparison| {
                Ok(c.deviation)
            })
            .field("figure", "The drawing alone.", |_, c: &Comparison| Ok(c.figure.clone()))
            .show(|c: &Comparison| {
                format!("Comparison: they differ by {} (rms) where F is within 3 T of its lowest value", short(c.deviation))
            })
            .screen(|c: &Comparison, room| characters(c.figure.show(room.width, room.height)))
            .picture(|c: &Comparison| c.figure.clone())
            .json(|c: &Comparison| {
                Object::new("Comparison")
                    .field("centres", c.centres.clone())
                    .field("values", c.values.clone())
                    .field("superposition", c.superposition.clone())
                    .field("deviation", c.deviation)
            }),
    ]
}

/// Functions and methods.
pub fn natives() -> Vec<Native> {
    vec![superposition_native(), compare(), rates_of_landscape(), rates_of_free_energy()]
}

/// One temperature or several.
fn temperatures(args: &Arguments, k: usize) -> Result<Vec<f64>> {
    let value = args.value(k);
    match number(&value) {
        Some(one) => Ok(vec![one]),
        None => args.vector(k).map(|v| v.to_vec()).map_err(|_| args.wrong(k, "a temperature or an array of them")),
    }
}

fn superposition_native() -> Native {
    Native::new(
        "harmonic_superposition",
        "Free energy, energy, heat capacity and occupations of a landscape's minima, each basin taken for harmonic, with its symmetry copies and, for free \
         clusters, its rotations: Z = Σ n_a exp(−E_a/T) Π (2πT/h_i)^½.",
    )
    .group("Landscapes")
    .takes("landscape", "a Landscape", "Whose minima count.")
    .takes("temperature", "a temperature or an array of them", "In units of energy (k = 1).")
    .returns("a Superposition: temperatures, free_energies, energies, heat_capacities, occupations (minima × temperatures), minima (ids)")
    .example(
        "let p = muller_brown(); let l = landscape(p); l.add(minimise(p, [0.6, 0.0])); l.add(minimise(p, [-0.5, 1.4])); harmonic_superposition(l, [0.1, 1.0]).heat_capacities",
        "[1.0, 1.0]",
        1e-9,
    )
    .reference("10.1017/CBO9780511721724")
    .run(|call, args| {
        let landscape = args.handle::<Landscape>(0)?;
        let found = harmonic_superposition(call.run(), &landscape, &temperatures(&args, 1)?)?;
        found.notes.iter().for_each(|note| call.run().warn(&format!("harmonic_superposition: {note}")));
        Ok(SuperpositionHandle(Arc::new(found)))
    })
}

fn compare() -> Native {
    Native::method(
        "FreeEnergy",
        "compare",
        "Lays the harmonic superposition of a landscape over a free energy: each minimum a Gaussian along the variable, of variance T ∇ξᵀH⁻¹∇ξ.",
    )
    .group("Sampling")
    .takes("superposition", "a Superposition, or a Landscape", "What is expected near the minima. The variable must not tell symmetry copies apart.")
    .special_option("variable", "a closure |x| … or a Potential", "that of the free energy", "The variable, where the free energy came from values alone.")
    .special_option("title", "text", "none", "Title above the drawing.")
    .returns("a Comparison: centres, values, superposition, deviation, and a figure")
    .example(
        "let p = double_well(); let l = landscape(p); l.add(minimise(p, [-0.9])); l.add(minimise(p, [0.9]));
         let f = free_energy(p, |x| x[0], #{method: \"umbrella\", temperature: 0.05, range: [-1.3, 1.3], steps: 4000, seed: 2}); f.compare(l).deviation",
        "0.01",
        0.02,
    )
    .reference("10.1017/CBO9780511721724")
    .run(|call, mut args| {
        let f = args.handle::<FreeEnergyHandle>(0)?.curve;
        let superposition = match (args.try_handle::<SuperpositionHandle>(1), args.try_handle::<Landscape>(1)) {
            (Some(superposition), _) => superposition.0,
            (None, Some(landscape)) => Arc::new(harmonic_superposition(call.run(), &landscape, &[f.temperature])?),
            (None, None) => return Err(args.wrong(1, "a Superposition or a Landscape")),
        };
        let given = args.take_option("variable").filter(|v| !v.is_unit());
        let title = args.take_option("title").and_then(|t| t.into_string().ok()).unwrap_or_default();
        let variable = match (given, &f.variables[..]) {
            (Some(value), _) => variables::single(call, &value, superposition.landscape.dimension(), "variable")?,
            (None, [own]) => own.clone(),
            (None, _) => {
                return Err(Error::value("compare: this free energy came from values alone, or from two variables")
                    .hint("give the variable: #{variable: |x| …}")
                    .at("variable"));
            }
        };
        let expected = projected(call.run(), &f, &superposition, &variable)?;
        let centres = f.grid.axes[0].centres();
        let counted: Vec<f64> = f
            .values
            .iter()
            .zip(&expected)
            .filter(|(v, e)| v.is_finite() && v.min(**e) <= COUNTED * f.temperature)
            .map(|(v, e)| v - e)
            .collect();
        let deviation = (counted.iter().map(|d| d * d).sum::<f64>() / counted.len().max(1) as f64).sqrt();
        // Between basins the Gaussians are far below what is there: a curve that left the picture would only stretch it.
        let top = 1.3 * f.values.iter().copied().filter(|v| v.is_finite()).fold(f.temperature, f64::max);
        let drawn = expected.iter().map(|e| if *e <= top { *e } else { f64::NAN }).collect();
        let further = Curve { x: centres.clone(), y: drawn, name: "harmonic superposition".into() };
        let figure = draw_free_energy(&[&f], &[further], &FreeEnergyDrawing { title, ..FreeEnergyDrawing::default() })?;
        Ok(Comparison { centres: centres.into(), values: f.values.clone().into(), superposition: expected.into(), deviation, figure })
    })
}

fn rates_of_landscape() -> Native {
    Native::method(
        "Landscape",
        "rates",
        "Rates over every transition state by harmonic transition-state theory, both ways, symmetry copies and rotations of clusters counted.",
    )
    .group("Landscapes")
    .takes("temperature", "a temperature or an array of them", "In units of energy (k = 1).")
    .returns("a table: temperature, transition_state, from, to (ids), barrier, copies (saddles of the kind around each minimum), rate (masses are 1)")
    .example(
        "let p = double_well(); let l = landscape(p); l.add(minimise(p, [-0.9])); l.add(minimise(p, [0.9])); connect(l, 1, 2); l.rates(0.5).rate[0] * 2 * PI() * exp(1 / 0.5)",
        "2.8284271",
        1e-5,
    )
    .reference("10.1080/00268970210162691")
    .run(|call, args| {
        let landscape = args.handle::<Landscape>(0)?;
        let all = harmonic_rates(call.run(), &landscape, &temperatures(&args, 1)?)?;
        let numbers = |of: fn(&HarmonicRate) -> f64| Column::Numbers(all.iter().map(of).collect());
        let whole = |of: fn(&HarmonicRate) -> usize| Column::Integers(all.iter().map(|r| of(r) as i64).collect());
        Table::new(vec![
            ("temperature".into(), numbers(|r| r.temperature)),
            ("transition_state".into(), whole(|r| r.transition_state)),
            ("from".into(), whole(|r| r.from)),
            ("to".into(), whole(|r| r.to)),
            ("barrier".into(), numbers(|r| r.barrier)),
            ("copies".into(), numbers(|r| r.copies)),
            ("rate".into(), numbers(|r| r.rate)),
        ])
    })
}

fn rates_of_free_energy() -> Native {
    Native::method(
        "FreeEnergy",
        "rates",
        "Rates across every barrier of a free energy, both ways: transition-state theory, Kramers, the turnover to weak friction, diffusion without inertia.",
    )
    .group("Sampling")
    .options::<RateOptions>()
    .returns("a table: from, to (positions), barrier, transition_state_theory, kramers, turnover, diffusion, log_error (standard error of the barrier over T)")
    .example(
        "let f = free_energy(double_well(), |x| x[0], #{method: \"umbrella\", temperature: 0.2, range: [-1.6, 1.6], steps: 4000, seed: 1}); let r = f.rates(#{friction: 2}); r.kramers[0] / r.transition_state_theory[0]",
        "0.61",
        0.08,
    )
    .reference("10.1103/RevModPhys.62.251")
    .run(|_, mut args| {
        let f = args.handle::<FreeEnergyHandle>(0)?.curve;
        let options: RateOptions = args.options()?;
        let all = rates(&f, &options)?;
        let column = |of: fn(&Crossing) -> f64| Column::Numbers(all.iter().map(of).collect());
        Table::new(vec![
            ("from".into(), column(|c| c.from)),
            ("to".into(), column(|c| c.to)),
            ("barrier".into(), column(|c| c.height)),
            ("transition_state_theory".into(), column(|c| c.transition_state_theory)),
            ("kramers".into(), column(|c| c.kramers)),
            ("turnover".into(), column(|c| c.turnover)),
            ("diffusion".into(), column(|c| c.diffusion)),
            ("log_error".into(), column(|c| c.log_error)),
        ])
    })
}
