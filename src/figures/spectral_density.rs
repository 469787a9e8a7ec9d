//! Draws the density of a Hessian's eigenvalues: spectra have a high bulk and a few eigenvalues far off, so the density is logarithmic.

use crate::analysis::spectral_density::SpectralDensity;
use crate::plot::charts::Size;
use crate::plot::colour::{Colour, kind_colour};
use crate::plot::scale::short;
use crate::plot::{Figure, Mark, Paint, Panel, Shape};

/// Decades below the highest that are shown.
const DECADES: f64 = 1e-6;

/// The density over the eigenvalues, filled; a line at zero where there are eigenvalues on both sides.
pub fn draw_density(d: &SpectralDensity) -> Figure {
    let mut panel = Panel::new("eigenvalue of the Hessian", "density");
    let about = if d.trace_error > 0.0 { format!(" ± {}", short(d.trace_error)) } else { String::new() };
    panel.title = format!("{} eigenvalues, trace {}{about}", d.coordinates, short(d.trace));
    let highest = d.density.iter().fold(0.0f64, |h, v| h.max(*v));
    let floor = DECADES * highest;
    panel.y.log = true;
    panel.y.range = Some([floor, 3.0 * highest]);
    let ends = [d.centres[0], d.centres[d.centres.len() - 1]];
    panel.x.range = Some(ends);
    let curve: Vec<[f64; 2]> = d.centres.iter().zip(&d.density).map(|(c, v)| [*c, v.max(floor)]).collect();
    let mut filled = curve.clone();
    filled.extend([[ends[1], floor], [ends[0], floor]]);
    let blue = kind_colour(0);
    let area = Shape::Areas { corners: vec![filled], joined: false };
    panel.marks.push(Mark::new(area, Paint::Plain(blue.lighter(0.75)), 1.0));
    if ends[0] < 0.0 && ends[1] > 0.0 {
        let zero = Shape::Lines(vec![vec![[0.0, floor], [0.0, 3.0 * highest]]]);
        panel.marks.push(Mark::new(zero, Paint::Plain(Colour::MISSING), 1.0));
    }
    panel.marks.push(Mark::new(Shape::Lines(vec![curve]), Paint::Plain(blue), 1.6));
    Figure::of(panel, Size::default().0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::spectral_density::{DensityOptions, hessian_density};
    use crate::base::Run;
    use crate::potentials::surfaces::{MullerBrown, Surface};

    #[test]
    fn the_title_says_the_trace() {
        let p = Surface(MullerBrown);
        let x = [-0.822001558732732, 0.624312802814871];
        let d = hessian_density(&Run::silent(), &p, &x, &DensityOptions::default()).unwrap();
        let svg = draw_density(&d).svg();
        // −750.86 and 490.24, the published eigenvalues of the saddle.
        assert!(svg.contains("2 eigenvalues, trace −260.6"), "{}", d.trace);
    }
}
