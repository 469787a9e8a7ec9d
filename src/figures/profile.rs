//! Draws the energies along a path: over its length or step by step, with its stationary points named.
//!
//! Between stationary points of which nothing else is known the curve is a cubic that is level at both: what it must be there, and
//! nothing more. Where the path itself was followed (a band, a pathway, a slice) the curve goes through what was computed.

use crate::base::{Error, Result};
use crate::plot::charts::{PlotOptions, Series, Size, plot};
use crate::plot::colour::{Colour, kind_colour};
use crate::plot::scale::short;
use crate::plot::{Figure, Mark, Paint, Panel, Shape, TextPlace};
use crate::{choices, options};

/// With more stationary points than this their names would lie on each other.
const MOST_NAMES: usize = 40;
/// Rises and falls below this share of the whole are not named.
const WIGGLE: f64 = 1e-3;
/// Pieces of the curve between two stationary points.
const PIECES: usize = 32;
const TEXT: f64 = 11.0;

choices! {
    /// What a path is drawn over.
    pub enum PathAxis {
        /// The length of the path so far.
        Length = "length",
        /// The number of the point.
        Step = "step",
    }
}

options! {
    /// Options of `plot_path`.
    pub struct ProfileOptions {
        /// Over the length of the path, or over the numbers of its points.
        x: Option<PathAxis> = None => "\"length\" where it is known", ANY, "";
        /// Draws energies less the first one.
        relative: bool = false, ANY, "";
        /// Whether stationary points are named.
        names: bool = true => "true up to 40 of them", ANY, "";
        /// Title above the plot.
        title: String = String::new() => "none", ANY, "";
        /// Title of the x axis.
        x_label: Option<String> = None => "\"length of the path\" or \"step\"", ANY, "";
        /// Title of the y axis.
        y_label: Option<String> = None => "\"energy\"", ANY, "";
        /// Colour of the curve.
        colour: Option<Colour> = None => "\"blue\"", ANY, "";
        /// Width and height of the figure.
        size: Size = Size::default(), ANY, "px";
    }
}

/// The energies along a path.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    pub energies: Vec<f64>,
    /// How far each point is along the path, where that is known.
    pub distances: Option<Vec<f64>>,
    /// For paths of stationary points alone, minimum, transition state, minimum, …: their names.
    pub stationary: Option<Vec<String>>,
}

/// A point of the profile that is named.
struct Named {
    at: usize,
    is_top: bool,
    name: String,
}

/// The curve of a path with its stationary points.
///
/// Errors: no energies, lengths that were never measured.
pub fn draw_profile(profile: &Profile, options: &ProfileOptions) -> Result<Figure> {
    if let Some(bad) = profile.energies.iter().position(|e| !e.is_finite()) {
        let message = format!("plot_path: the energies of a path must be finite, found {} at index {bad}", profile.energies[bad]);
        return Err(Error::value(message).at("path"));
    }
    if profile.energies.len() < 2 {
        return Err(
            Error::value(format!("plot_path: a path needs at least two energies, found {}", profile.energies.len())).at("path")
        );
    }
    let steps = || (0..profile.energies.len()).map(|k| k as f64).collect();
    let (x, axis): (Vec<f64>, &str) = match (options.x, &profile.distances) {
        (Some(PathAxis::Length), None) => {
            return Err(Error::value("plot_path: this path does not say how long its steps are")
                .hint("leave option `x` out to draw it step by step")
                .at("x"));
        }
        (None | Some(PathAxis::Length), Some(distances)) => (distances.clone(), "length of the path"),
        (Some(PathAxis::Step), _) | (None, None) => (steps(), "step"),
    };
    let base = if options.relative { profile.energies[0] } else { 0.0 };
    let energies: Vec<f64> = profile.energies.iter().map(|e| e - base).collect();
    let named = named(profile, &energies);
    let curve =
        if profile.stationary.is_some() { level_at_points(&x, &energies) } else { Series { x: x.clone(), y: energies.clone() } };
    let energy = if options.relative { "energy above the start" } else { "energy" };
    let drawing = PlotOptions {
        title: options.title.clone(),
        x_label: options.x_label.clone().unwrap_or_else(|| axis.into()),
        y_label: options.y_label.clone().unwrap_or_else(|| energy.into()),
        colour: options.colour,
        width: 2.0,
        size: options.size,
        ..PlotOptions::default()
    };
    let mut points = Panel::new("", "");
    for (is_top, label, colour) in [(false, "minima", kind_colour(2)), (true, "transition states", kind_colour(1))] {
        let of_kind: Vec<&Named> = named.iter().filter(|n| n.is_top == is_top).collect();
        if of_kind.is_empty() {
            continue;
        }
        let place = |n: &Named| [x[n.at], energies[n.at]];
        let label = if profile.stationary.is_some() {
            label
        } else if is_top {
            "highest points"
        } else {
            "lowest points"
        };
        let dots = Shape::Points(of_kind.iter().map(|n| place(n)).collect());
        points.marks.push(Mark::new(dots, Paint::Plain(colour), 8.0).labelled(Some(label)));
        if options.names && named.len() <= MOST_NAMES {
            let texts = of_kind.iter().map(|n| (place(n), n.name.clone())).collect();
            let place = if is_top { TextPlace::Above } else { TextPlace::Under };
            points.marks.push(Mark::new(Shape::Texts { texts, place, halo: true }, Paint::Plain(Colour::INK), TEXT));
        }
    }
    plot(&[curve], &drawing)?.with_margins([0.07, 0.12]).with(&Figure::of(points, options.size.0))
}

/// Every point of a path of stationary points; otherwise tops and valleys.
fn named(profile: &Profile, energies: &[f64]) -> Vec<Named> {
    if let Some(names) = &profile.stationary {
        return names.iter().enumerate().map(|(at, name)| Named { at, is_top: at % 2 == 1, name: name.clone() }).collect();
    }
    turning_points(energies).into_iter().map(|(at, is_top)| Named { at, is_top, name: short(energies[at]) }).collect()
}

/// Tops and valleys, an end that is a valley among them. Wiggles below a thousandth of the whole are rounding, or steps of a minimiser that ends.
fn turning_points(energies: &[f64]) -> Vec<(usize, bool)> {
    let [lowest, highest] = energies.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], e| [l.min(*e), h.max(*e)]);
    let least = WIGGLE * (highest - lowest);
    let mut found = Vec::new();
    let (mut low, mut high) = (0, 0);
    let mut rises = None;
    for (k, energy) in energies.iter().enumerate() {
        low = if *energy < energies[low] { k } else { low };
        high = if *energy > energies[high] { k } else { high };
        if rises != Some(true) && *energy > energies[low] + least {
            found.push((low, false));
            (rises, high) = (Some(true), k);
        } else if rises != Some(false) && *energy < energies[high] - least {
            // A path that begins with falling has no top there.
            found.extend((rises.is_some() || high > 0).then_some((high, true)));
            (rises, low) = (Some(false), k);
        }
    }
    found.extend((rises == Some(false)).then_some((low, false)));
    found
}

/// The curve through stationary points: between two of them the cubic that is level at both.
fn level_at_points(x: &[f64], energies: &[f64]) -> Series {
    let mut curve = Series { x: vec![x[0]], y: vec![energies[0]] };
    for k in 1..x.len() {
        for piece in 1..=PIECES {
            let u = piece as f64 / PIECES as f64;
            curve.x.push(x[k - 1] + u * (x[k] - x[k - 1]));
            curve.y.push(energies[k - 1] + (3.0 - 2.0 * u) * u * u * (energies[k] - energies[k - 1]));
        }
    }
    curve
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tops_valleys_and_ends_are_named() {
        let of = turning_points;
        assert_eq!(of(&[0.0, 2.0, 1.0, 3.0, 0.5]), [(0, false), (1, true), (2, false), (3, true), (4, false)]);
        // A flat top is named once, and a path that only falls has one lowest point.
        assert_eq!(of(&[0.0, 2.0, 2.0, 1.0]), [(0, false), (1, true), (3, false)]);
        assert_eq!(of(&[3.0, 2.0, 1.0]), [(2, false)]);
        // Rounding at the end of a pathway is no top.
        assert_eq!(of(&[1e-9, 0.0, 2.0, 1.0, 1.0 + 1e-9, 1.0]), [(1, false), (2, true), (3, false)]);
    }

    #[test]
    fn the_curve_is_level_at_stationary_points_and_stays_between_them() {
        let curve = level_at_points(&[0.0, 1.0, 4.0], &[0.0, 2.0, -1.0]);
        let slope = |k: usize| (curve.y[k + 1] - curve.y[k]) / (curve.x[k + 1] - curve.x[k]);
        // The first piece of a cubic that begins level rises by 3 u² of the difference: a slope of 3 u.
        assert!(slope(0).abs() < 0.2 && slope(PIECES).abs() < 0.1);
        assert_eq!((curve.y[PIECES], curve.y[2 * PIECES]), (2.0, -1.0));
        assert!(curve.y.iter().all(|y| (-1.0..=2.0).contains(y)));
    }

    #[test]
    fn mistakes_are_named() {
        let says = |energies: &[f64], options: &ProfileOptions| {
            let profile = Profile { energies: energies.to_vec(), ..Profile::default() };
            draw_profile(&profile, options).unwrap_err().to_string()
        };
        assert!(says(&[1.0], &ProfileOptions::default()).contains("at least two"));
        assert!(says(&[1.0, f64::NAN], &ProfileOptions::default()).contains("at index 1"));
        let length = ProfileOptions { x: Some(PathAxis::Length), ..Default::default() };
        assert!(says(&[1.0, 2.0], &length).contains("how long"));
    }
}
