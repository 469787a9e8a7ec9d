//! The potentials that scripts make by name: one entry each, from which constructor, help, reference and the shared test battery follow.

use super::Potential;
use super::clusters::lennard_jones::{at_best_size, icosahedron};
use super::clusters::{LennardJones, Ljat3};
use super::surfaces::*;
use crate::base::options::unknown_option;
use crate::base::{Error, Kind, OptionEntry, OptionValue, Range, Result};
use std::sync::Arc;

/// A number that a constructor takes: an argument where it has no default, an option otherwise.
pub struct Parameter {
    pub name: &'static str,
    pub text: &'static str,
    pub whole: bool,
    pub range: Range,
    pub default: Option<f64>,
    pub unit: &'static str,
}

/// A stationary point that is known from elsewhere.
pub struct KnownPoint {
    pub name: String,
    pub position: Vec<f64>,
    pub energy: f64,
    /// Number of negative eigenvalues of the Hessian.
    pub index: usize,
}

/// A potential that scripts make by name.
pub struct Entry {
    pub name: &'static str,
    /// What it is, in a sentence.
    pub text: &'static str,
    pub formula: &'static str,
    pub reference: &'static str,
    pub parameters: &'static [Parameter],
    /// A line of script whose value is `result` within `tolerance`.
    pub example: &'static str,
    pub result: f64,
    pub tolerance: f64,
    /// Values of all parameters that the battery tests.
    pub cases: &'static [&'static [f64]],
    /// The stationary points known for these parameters.
    pub known: fn(&[f64]) -> Vec<KnownPoint>,
    make: fn(&[f64]) -> Arc<dyn Potential>,
}

/// Largest number of atoms or coordinates of a catalogue potential: a position of it still fits into memory many times.
const MOST: f64 = 1e6;

const fn atoms() -> Parameter {
    let range = Range { low: 2.0, high: 1e4, open: false };
    Parameter { name: "atoms", text: "Number of atoms.", whole: true, range, default: None, unit: "" }
}

const fn dimension(least: f64) -> Parameter {
    let range = Range { low: least, high: MOST, open: false };
    Parameter { name: "dimension", text: "Number of coordinates.", whole: true, range, default: None, unit: "" }
}

const fn option(name: &'static str, text: &'static str, range: Range, default: f64, unit: &'static str) -> Parameter {
    Parameter { name, text, whole: false, range, default: Some(default), unit }
}

/// Every potential with a name.
pub static CATALOGUE: &[Entry] = &[
    Entry {
        name: "lennard_jones",
        text: "A cluster of like atoms with Lennard-Jones forces, ε = σ = 1.",
        formula: "Σ_{i<j} 4 (r⁻¹² − r⁻⁶)",
        reference: "D. J. Wales, J. P. K. Doye, J. Phys. Chem. A 101, 5111 (1997), doi:10.1021/jp970984n",
        parameters: &[atoms()],
        example: "lennard_jones(2).energy([0, 0, 0, 2 ** (1/6), 0, 0])",
        result: -1.0,
        tolerance: 1e-14,
        cases: &[&[2.0], &[3.0], &[4.0], &[6.0], &[13.0], &[17.0]],
        known: known_clusters,
        make: |p| Arc::new(LennardJones::new(p[0] as usize)),
    },
    Entry {
        name: "ljat3",
        text: "Three atoms with Lennard-Jones and Axilrod–Teller forces: minima are a triangle and linear chains.",
        formula: "Σ_{i<j} 4 (r⁻¹² − r⁻⁶) + z (1 + 3 cosθ₁ cosθ₂ cosθ₃)/(r₁₂ r₁₃ r₂₃)³",
        reference: "S. R. Chitturi et al., Mach. Learn.: Sci. Technol. 1, 023002 (2020), doi:10.1088/2632-2153/ab7aef",
        parameters: &[option("z", "Strength of the triple term.", Range::NOT_NEGATIVE, 2.0, "ε σ⁹")],
        example: "ljat3().energy([0, 0, 0, 1.2, 0, 0, 0.4, 1.1, 0.3])",
        result: -1.912_619_976_284_590_9,
        tolerance: 1e-12,
        cases: &[&[2.0], &[0.0], &[0.7]],
        known: known_ljat3,
        make: |p| Arc::new(Ljat3::new(p[0])),
    },
    Entry {
        name: "muller_brown",
        text: "The surface of Müller and Brown over a plane: three minima, two transition states.",
        formula: "Σ_k A_k exp(a_k (x−x_k)² + b_k (x−x_k)(y−y_k) + c_k (y−y_k)²), k = 1 … 4",
        reference: "K. Müller, L. D. Brown, Theor. Chim. Acta 53, 75 (1979), doi:10.1007/BF00547608",
        parameters: &[],
        example: "muller_brown().energy([0, 0])",
        result: -48.401_274_173_183_879,
        tolerance: 1e-11,
        cases: &[&[]],
        known: |_| {
            points(&[
                ("A", &[-0.5582236346330243, 1.4417258418046686], -146.699517209954, 0),
                ("B", &[0.6234994049308765, 0.0280377585286857], -108.166724116852, 0),
                ("C", &[-0.0500108229982061, 0.4666941048719721], -80.767818129659, 0),
                ("between C and B", &[0.212486582000662, 0.2929883251073678], -72.2489401123252, 1),
                ("between A and C", &[-0.8220015587327321, 0.6243128028148713], -40.6648435086574, 1),
            ])
        },
        make: |_| Arc::new(Surface(MullerBrown)),
    },
    Entry {
        name: "wolfe_quapp",
        text: "The quartic surface of Wolfe and Quapp over a plane: three minima, three transition states, a maximum.",
        formula: "x⁴ + y⁴ − 2x² − 4y² + xy + 0.3x + 0.1y",
        reference: "W. Quapp, J. Chem. Phys. 122, 174106 (2005), doi:10.1063/1.1885467",
        parameters: &[],
        example: "wolfe_quapp().energy([1, -1])",
        result: -4.8,
        tolerance: 1e-14,
        cases: &[&[]],
        known: |_| {
            points(&[
                ("lowest", &[-1.1740560572097627, 1.4770870591140515], -6.76245257370347, 0),
                ("second", &[1.1241017554091357, -1.4852742781258919], -6.36895650658374, 0),
                ("third", &[-0.8219078272217286, -1.3667295891454303], -4.13720312294333, 0),
                ("below", &[-0.3032105577484368, -1.4013375886000126], -3.98030323549848, 1),
                ("left", &[-1.0222444873951151, -0.1160622663838169], -1.25131236500596, 1),
                ("right", &[0.9409694802021209, 0.1312517227043224], -0.636563647204893, 1),
                ("top", &[0.0811993054838587, 0.022655727573971], 0.013268946779162, 2),
            ])
        },
        make: |_| Arc::new(Surface(WolfeQuapp)),
    },
    Entry {
        name: "double_well",
        text: "Two equal minima on a line and the barrier between them.",
        formula: "barrier ((q/minimum)² − 1)²",
        reference: "H. A. Kramers, Physica 7, 284 (1940), doi:10.1016/S0031-8914(40)90098-2, for the problem",
        parameters: &[
            option("barrier", "Height of the barrier.", Range::POSITIVE, 1.0, "energy"),
            option("minimum", "Position of the right minimum.", Range::POSITIVE, 1.0, "length"),
        ],
        example: "double_well().energy([0])",
        result: 1.0,
        tolerance: 0.0,
        cases: &[&[1.0, 1.0], &[5.0, 0.3]],
        known: |p| points(&[("left", &[-p[1]], 0.0, 0), ("right", &[p[1]], 0.0, 0), ("barrier", &[0.0], p[0], 1)]),
        make: |p| Arc::new(Surface(DoubleWell { barrier: p[0], minimum: p[1] })),
    },
    Entry {
        name: "harmonic",
        text: "A parabola in every coordinate.",
        formula: "½ stiffness Σ x²",
        reference: "its Boltzmann density is a Gaussian of variance kT/stiffness",
        parameters: &[dimension(1.0), option("stiffness", "Force constant.", Range::POSITIVE, 1.0, "energy per length²")],
        example: "harmonic(2).energy([3, 4])",
        result: 12.5,
        tolerance: 1e-14,
        cases: &[&[1.0, 1.0], &[5.0, 3.0]],
        known: |p| points(&[("minimum", &vec![0.0; p[0] as usize], 0.0, 0)]),
        make: |p| Arc::new(Surface(Harmonic { dimension: p[0] as usize, stiffness: p[1] })),
    },
    Entry {
        name: "rosenbrock",
        text: "A long bent valley that slow minimisers creep along.",
        formula: "Σ 100 (x_{i+1} − x_i²)² + (1 − x_i)²",
        reference: "H. H. Rosenbrock, Comput. J. 3, 175 (1960), doi:10.1093/comjnl/3.3.175",
        parameters: &[dimension(2.0)],
        example: "rosenbrock(2).energy([-1.2, 1])",
        result: 24.2,
        tolerance: 1e-12,
        cases: &[&[2.0], &[3.0], &[10.0]],
        known: |p| points(&[("minimum", &vec![1.0; p[0] as usize], 0.0, 0)]),
        make: |p| Arc::new(Surface(Rosenbrock { dimension: p[0] as usize })),
    },
    Entry {
        name: "styblinski_tang",
        text: "A tilted double well in every coordinate: 2ⁿ minima.",
        formula: "½ Σ x⁴ − 16x² + 5x",
        reference: "M. A. Styblinski, T.-S. Tang, Neural Networks 3, 467 (1990), doi:10.1016/0893-6080(90)90029-K",
        parameters: &[dimension(1.0)],
        example: "styblinski_tang(2).energy([-2.903534, -2.903534])",
        result: -78.332_331_4,
        tolerance: 1e-6,
        cases: &[&[1.0], &[2.0], &[6.0]],
        known: |p| {
            let (low, top, high) = (
                (-2.9035340277711771, -39.1661657037714155),
                (0.156731256780340103, 0.19561235905535807),
                (2.7468027709908370, -25.029446655283943),
            );
            let n = p[0] as usize;
            vec![
                one_moved("global minimum", n, low, low, 0),
                one_moved("one coordinate in the other well", n, low, high, 0),
                one_moved("one coordinate on the barrier", n, low, top, 1),
                one_moved("maximum", n, top, top, n),
            ]
        },
        make: |p| Arc::new(Surface(StyblinskiTang { dimension: p[0] as usize })),
    },
    Entry {
        name: "rastrigin",
        text: "A parabola with a ripple: minima on a grid, eleven to a coordinate within ±5.12.",
        formula: "Σ x² + 10 (1 − cos 2πx)",
        reference: "L. A. Rastrigin, Systems of Extremal Control, Nauka, Moscow (1974); A. Törn, A. Žilinskas, Global Optimization, \
                    Springer (1989), doi:10.1007/3-540-50871-6",
        parameters: &[dimension(1.0)],
        example: "rastrigin(3).energy([0, 0, 1])",
        result: 1.0,
        tolerance: 1e-12,
        cases: &[&[1.0], &[2.0], &[5.0]],
        known: |p| {
            let (low, top, next) =
                ((0.0, 0.0), (0.5025460365546747, 20.251272990990113), (0.9949586376523348, 0.9949590570932916));
            let n = p[0] as usize;
            vec![
                one_moved("global minimum", n, low, low, 0),
                one_moved("next minimum", n, low, next, 0),
                one_moved("between them", n, low, top, 1),
            ]
        },
        make: |p| Arc::new(Surface(Rastrigin { dimension: p[0] as usize })),
    },
    Entry {
        name: "himmelblau",
        text: "Four equal minima over a plane, four transition states and a maximum.",
        formula: "(x² + y − 11)² + (x + y² − 7)²",
        reference: "D. M. Himmelblau, Applied Nonlinear Programming, McGraw-Hill (1972)",
        parameters: &[],
        example: "himmelblau().energy([3, 2])",
        result: 0.0,
        tolerance: 0.0,
        cases: &[&[]],
        known: |_| {
            points(&[
                ("first", &[3.0, 2.0], 0.0, 0),
                ("second", &[-2.8051180869527448, 3.131312518250573], 0.0, 0),
                ("third", &[-3.779310253377747, -3.2831859912861696], 0.0, 0),
                ("fourth", &[3.5844283403304917, -1.8481265269644036], 0.0, 0),
                ("right", &[3.385154183607021, 0.0738518798377493], 13.3119262704056, 1),
                ("above", &[0.0866775045553964, 2.884254701174776], 67.7191500875261, 1),
                ("left", &[-3.0730257507643897, -0.0813530442879675], 104.015162917558, 1),
                ("below", &[-0.1279613467306801, -1.9537149802445763], 178.337239201927, 1),
                ("top", &[-0.2708445906673476, -0.9230385564799815], 181.616521522583, 2),
            ])
        },
        make: |_| Arc::new(Surface(Himmelblau)),
    },
    Entry {
        name: "three_hump_camel",
        text: "Three minima in a row over a plane.",
        formula: "2x² − 1.05x⁴ + x⁶/6 + xy + y²",
        reference: "L. C. W. Dixon, G. P. Szegö (eds.), Towards Global Optimisation, North-Holland (1975)",
        parameters: &[],
        example: "three_hump_camel().energy([0, 0])",
        result: 0.0,
        tolerance: 0.0,
        cases: &[&[]],
        known: |_| {
            mirrored(&[
                ("middle", &[0.0, 0.0], 0.0, 0),
                ("side", &[1.7475523458302888, -0.8737761729151444], 0.29863844223686, 0),
                ("between them", &[1.07054229182366, -0.53527114591183], 0.87736155776314, 1),
            ])
        },
        make: |_| Arc::new(Surface(ThreeHumpCamel)),
    },
    Entry {
        name: "six_hump_camel",
        text: "Six minima over a plane, in pairs.",
        formula: "(4 − 2.1x² + x⁴/3) x² + xy + (4y² − 4) y²",
        reference: "L. C. W. Dixon, G. P. Szegö (eds.), Towards Global Optimisation 2, North-Holland (1978)",
        parameters: &[],
        example: "six_hump_camel().energy([0.0898, -0.7126])",
        result: -1.031_628,
        tolerance: 1e-6,
        cases: &[&[]],
        known: |_| {
            mirrored(&[
                ("lowest", &[0.0898420131003181, -0.7126564030207396], -1.03162845348988, 0),
                ("second", &[1.703606714969981, -0.7960835686726251], -0.215463824383718, 0),
                ("third", &[1.6071047529201972, 0.5686514548841314], 2.10425031031126, 0),
                ("origin", &[0.0, 0.0], 0.0, 1),
                ("first to second", &[1.1092053368047865, -0.7682680925095399], 0.543718600978185, 1),
                ("second to third", &[1.6380679841897785, 0.2286740690443941], 2.22935719753071, 1),
                ("third to first", &[1.2960702671671092, 0.6050843880386585], 2.22947081802986, 1),
                ("top", &[1.2302298765166526, 0.162334584458995], 2.49629535102358, 2),
            ])
        },
        make: |_| Arc::new(Surface(SixHumpCamel)),
    },
    Entry {
        name: "beale",
        text: "A flat valley with steep walls over a plane.",
        formula: "(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²",
        reference: "J. J. Moré, B. S. Garbow, K. E. Hillstrom, ACM Trans. Math. Softw. 7, 17 (1981), doi:10.1145/355934.355936",
        parameters: &[],
        example: "beale().energy([3, 0.5])",
        result: 0.0,
        tolerance: 0.0,
        cases: &[&[]],
        known: |_| {
            points(&[
                ("minimum", &[3.0, 0.5], 0.0, 0),
                ("shoulder", &[0.0, 1.0], 14.203125, 1),
                ("far side", &[0.1005379373241584, -2.644513585023125], 9.86451228475556, 1),
            ])
        },
        make: |_| Arc::new(Surface(Beale)),
    },
    Entry {
        name: "goldstein_price",
        text: "Four minima over a plane; energies reach from 3 to a million.",
        formula: "(1 + (x+y+1)² (19 − 14x + 3x² − 14y + 6xy + 3y²)) (30 + (2x−3y)² (18 − 32x + 12x² + 48y − 36xy + 27y²))",
        reference: "A. A. Goldstein, J. F. Price, Math. Comput. 25, 569 (1971), doi:10.1090/S0025-5718-1971-0312365-X",
        parameters: &[],
        example: "goldstein_price().energy([0, -1])",
        result: 3.0,
        tolerance: 1e-12,
        cases: &[&[]],
        known: |_| {
            points(&[
                ("lowest", &[0.0, -1.0], 3.0, 0),
                ("second", &[-0.6, -0.4], 30.0, 0),
                ("third", &[1.8, 0.2], 84.0, 0),
                ("fourth", &[1.2, 0.8], 840.0, 0),
                ("first to second", &[-0.4, -0.6], 35.0, 1),
                ("first to third", &[1.2, -0.2], 99.0, 1),
                ("third to fourth", &[1.4, 0.6], 980.0, 1),
                ("second to fourth", &[0.6, 0.4], 990.0, 1),
                ("top", &[0.8, 0.2], 1155.0, 2),
            ])
        },
        make: |_| Arc::new(Surface(GoldsteinPrice)),
    },
];

/// The entry with this name.
pub fn entry(name: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|e| e.name == name)
}

impl Entry {
    /// Makes the potential from all parameters in order; errors name the potential, the parameter and what was found.
    pub fn build(&self, parameters: &[f64]) -> Result<Arc<dyn Potential>> {
        if parameters.len() != self.parameters.len() {
            return Err(Error::shape(format!(
                "{} has {} parameters, found {}",
                self.name,
                self.parameters.len(),
                parameters.len()
            )));
        }
        for (parameter, &value) in self.parameters.iter().zip(parameters) {
            self.check(parameter, value)?;
        }
        Ok((self.make)(parameters))
    }

    /// Makes the potential from what a script gives: arguments in order, then options by name.
    pub fn construct(&self, arguments: &[OptionValue], options: &[(&str, OptionValue)]) -> Result<Arc<dyn Potential>> {
        let wanted: Vec<&str> = self.arguments().map(|p| p.name).collect();
        if arguments.len() != wanted.len() {
            let list = if wanted.is_empty() { String::new() } else { format!(" ({})", wanted.join(", ")) };
            let plural = if wanted.len() == 1 { "argument" } else { "arguments" };
            let message = format!("{} takes {} {plural}{list}, found {}", self.name, wanted.len(), arguments.len());
            return Err(Error::new(Kind::Shape, message));
        }
        let known: Vec<&str> = self.parameters.iter().filter(|p| p.default.is_some()).map(|p| p.name).collect();
        if let Some((name, _)) = options.iter().find(|(name, _)| !known.contains(name)) {
            return Err(unknown_option(self.name, name, &known));
        }
        let mut given = arguments.iter();
        let mut values = Vec::with_capacity(self.parameters.len());
        for parameter in self.parameters {
            let value = match parameter.default {
                None => given.next(),
                Some(_) => options.iter().rev().find(|(name, _)| *name == parameter.name).map(|(_, value)| value),
            };
            values.push(match (value, parameter.default) {
                (Some(value), _) => self.read(parameter, value)?,
                (None, default) => default.unwrap_or(f64::NAN),
            });
        }
        self.build(&values)
    }

    /// The parameters without a default: what stands between the brackets.
    pub fn arguments(&self) -> impl Iterator<Item = &'static Parameter> {
        self.parameters.iter().filter(|p| p.default.is_none())
    }

    /// The parameters with a default, as help shows options.
    pub fn options(&self) -> Vec<OptionEntry> {
        let entry = |p: &Parameter| {
            let default = p.default?;
            Some(OptionEntry {
                name: p.name,
                takes: format!("{} {}", p.takes(), p.range.text()).trim().into(),
                default: format!("{default:?}"),
                unit: p.unit,
                text: p.text.into(),
                choices: Vec::new(),
            })
        };
        self.parameters.iter().filter_map(entry).collect()
    }

    fn read(&self, parameter: &Parameter, value: &OptionValue) -> Result<f64> {
        value.number().ok_or_else(|| {
            let (name, takes, found) = (parameter.name, parameter.takes(), value.found());
            Error::new(Kind::Type, format!("{}: `{name}` takes {takes}, found {found}", self.name)).at(name)
        })
    }

    fn check(&self, parameter: &Parameter, value: f64) -> Result<()> {
        let name = parameter.name;
        if !value.is_finite() || !parameter.range.holds(value) {
            return Err(
                Error::value(format!("{}: `{name}` must be {}, found {value}", self.name, parameter.range.text())).at(name)
            );
        }
        if parameter.whole && value.fract() != 0.0 {
            return Err(Error::value(format!("{}: `{name}` takes a whole number, found {value}", self.name)).at(name));
        }
        Ok(())
    }
}

impl Parameter {
    /// `a whole number` or `a number`.
    pub fn takes(&self) -> &'static str {
        if self.whole { "a whole number" } else { "a number" }
    }
}

fn points(list: &[(&str, &[f64], f64, usize)]) -> Vec<KnownPoint> {
    list.iter()
        .map(|&(name, position, energy, index)| KnownPoint { name: name.into(), position: position.to_vec(), energy, index })
        .collect()
}

/// The points and their images under x → −x.
fn mirrored(list: &[(&str, &[f64], f64, usize)]) -> Vec<KnownPoint> {
    let mut all = points(list);
    for &(name, position, energy, index) in list {
        if position.iter().any(|&c| c != 0.0) {
            let position = position.iter().map(|c| -c).collect();
            all.push(KnownPoint { name: format!("{name}, mirrored"), position, energy, index });
        }
    }
    all
}

/// A point of a sum over coordinates: all at `rest` but the first; each is (position, energy) in one dimension.
fn one_moved(name: &str, n: usize, rest: (f64, f64), first: (f64, f64), index: usize) -> KnownPoint {
    let mut position = vec![rest.0; n];
    position[0] = first.0;
    KnownPoint { name: name.into(), position, energy: first.1 + (n - 1) as f64 * rest.1, index }
}

/// Clusters whose shape leaves only the size free. Energies from the Cambridge Cluster Database, to six digits there.
fn known_clusters(parameters: &[f64]) -> Vec<KnownPoint> {
    let shapes: &[(&str, usize, Vec<[f64; 3]>)] = &match parameters[0] as usize {
        2 => vec![("dimer", 0, vec![[0.0; 3], [1.0, 0.0, 0.0]])],
        3 => vec![
            ("triangle", 0, vec![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
            ("chain", 2, vec![[-1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]),
        ],
        4 => vec![("tetrahedron", 0, vec![[1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]])],
        6 => {
            let axis = |k: usize, s: f64| std::array::from_fn(|l| if k == l { s } else { 0.0 });
            vec![("octahedron", 0, (0..3).flat_map(|k| [axis(k, 1.0), axis(k, -1.0)]).collect())]
        }
        13 => vec![("icosahedron", 0, icosahedron())],
        _ => vec![],
    };
    shapes
        .iter()
        .map(|(name, index, shape)| {
            let (position, energy) = at_best_size(shape);
            KnownPoint { name: (*name).into(), position, energy, index: *index }
        })
        .collect()
}

/// The triangle and the chain of z = 2: 40-digit root finding.
fn known_ljat3(parameters: &[f64]) -> Vec<KnownPoint> {
    if parameters[0] != 2.0 {
        return Vec::new();
    }
    let (side, link) = (1.16875231736338, 1.108762894194149);
    points(&[
        ("triangle", &[0.0, 0.0, 0.0, side, 0.0, 0.0, 0.5 * side, 0.75f64.sqrt() * side, 0.0], -2.185098840268771, 0),
        ("chain", &[0.0, 0.0, 0.0, link, 0.0, 0.0, -link, 0.0, 0.0], -2.219098169600678, 0),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_arguments_are_explained() {
        let fails = |name: &str, arguments: &[OptionValue]| match entry(name).map(|e| e.construct(arguments, &[])) {
            Some(Err(error)) => error.to_string(),
            _ => panic!("{name} should have failed"),
        };
        assert_eq!(
            fails("lennard_jones", &[OptionValue::Integer(-3)]),
            "lennard_jones: `atoms` must be from 2 to 10000, found -3"
        );
        assert_eq!(fails("lennard_jones", &[OptionValue::Real(2.5)]), "lennard_jones: `atoms` takes a whole number, found 2.5");
        let text = fails("lennard_jones", &[OptionValue::Text("13".into())]);
        assert_eq!(text, "lennard_jones: `atoms` takes a whole number, found the text \"13\"");
        assert!(fails("rosenbrock", &[OptionValue::Integer(0)]).contains("rosenbrock: `dimension` must be from 2"));
        assert_eq!(fails("rosenbrock", &[]), "rosenbrock takes 1 argument (dimension), found 0");
        let wrong = entry("ljat3").map(|e| e.construct(&[], &[("zz", OptionValue::Real(1.0))]));
        assert!(matches!(wrong, Some(Err(e)) if e.to_string().contains("did you mean `z`")));
    }

    #[test]
    fn options_are_read() {
        let soft = entry("harmonic")
            .and_then(|e| e.construct(&[OptionValue::Integer(2)], &[("stiffness", OptionValue::Real(3.0))]).ok());
        assert_eq!(soft.map(|p| crate::potentials::energy(&*p, &[1.0, 1.0])), Some(3.0));
    }

    #[test]
    fn names_are_unique_and_identities_carry_them() {
        for (i, e) in CATALOGUE.iter().enumerate() {
            assert!(CATALOGUE[..i].iter().all(|f| f.name != e.name));
            for case in e.cases {
                let potential = e.build(case).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(potential.identity().name, e.name);
            }
        }
    }
}
