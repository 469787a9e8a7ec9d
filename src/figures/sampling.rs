//! Draws what a sample is worth: for each quantity the courses of the walkers, their shares of the ranks, and how long it remembers.
//!
//! Courses that lie over one another, shares near 1 and a memory that is short against the whole speak for the sample. The band of the
//! shares is two standard deviations of what chance does to as many independent values.
//! Reference: A. Vehtari, A. Gelman, D. Simpson, B. Carpenter, P.-C. Bürkner, Bayesian Analysis 16, 667 (2021), doi:10.1214/20-BA1221.

use crate::analysis::portraits::Portrait;
use crate::base::Result;
use crate::plot::colour::{Colour, ColourMap, kind_colour};
use crate::plot::scale::short;
use crate::plot::{Figure, Mark, Paint, Panel, Shape, TextPlace};

/// Width and height of a panel, in px.
const CELL: [f64; 2] = [400.0, 260.0];
/// Walkers that still have colours of their own, and a legend.
const NAMED: usize = 6;
const TEXT: f64 = 11.0;

/// A row of three panels for each portrait.
///
/// Errors: no portrait.
pub fn draw_report(title: &str, portraits: &[Portrait]) -> Result<Figure> {
    let cells: Vec<Figure> =
        portraits.iter().flat_map(|p| [courses(p), shares(p), memory(p)]).map(|panel| Figure::of(panel, CELL)).collect();
    let size = [3.0 * CELL[0], portraits.len() as f64 * CELL[1] + if title.is_empty() { 0.0 } else { 32.0 }];
    Figure::grid(cells, 3, title, Some(size))
}

fn colour(k: usize, count: usize) -> Colour {
    if count <= NAMED { kind_colour(k) } else { ColourMap::Viridis.at(k as f64 / (count - 1) as f64) }
}

/// A line for each walker; with a name where there are few.
fn lines(panel: &mut Panel, lines: Vec<Vec<[f64; 2]>>, names: Option<&dyn Fn(usize) -> String>, width: f64) {
    let count = lines.len();
    for (k, line) in lines.into_iter().enumerate() {
        let label = names.filter(|_| count <= NAMED).map(|name| name(k));
        let mark = Mark::new(Shape::Lines(vec![line]), Paint::Plain(colour(k, count)), width);
        panel.marks.push(mark.labelled(label.as_deref()));
    }
}

fn courses(p: &Portrait) -> Panel {
    let mut panel = Panel::new("row of the walker", &p.name);
    let d = &p.diagnosis;
    let r_hat = if d.r_hat.is_nan() { String::new() } else { format!("R̂ {:.3}, ", d.r_hat) };
    panel.title = if d.ess_bulk.is_nan() {
        format!("{}: does not vary", p.name)
    } else {
        format!("{}: {r_hat}{:.0} independent ({:.0} in the tails)", p.name, d.ess_bulk, d.ess_tail)
    };
    lines(&mut panel, p.traces.clone(), None, 0.7);
    panel
}

fn shares(p: &Portrait) -> Panel {
    let mut panel = Panel::new("rank, from the lowest to the highest", "share of the rank");
    panel.title = "ranks of each walker".into();
    let bins = p.rank_shares.first().map_or(1, Vec::len) as f64;
    panel.x.range = Some([0.0, 1.0]);
    let strays = p.stray.iter().enumerate().filter(|(_, s)| s.is_finite());
    let corners: Vec<[f64; 4]> =
        strays.map(|(k, s)| [k as f64 / bins, (k + 1) as f64 / bins, (1.0 - 2.0 * s).max(0.0), 1.0 + 2.0 * s]).collect();
    let widest = corners.iter().fold(1.0f64, |w, c| w.max(c[3]));
    let band = Shape::Rectangles { corners, joined: true };
    panel.marks.push(Mark::new(band, Paint::Plain(Colour::FAINT), 1.0));
    panel.marks.push(Mark::new(Shape::Lines(vec![vec![[0.0, 1.0], [1.0, 1.0]]]), Paint::Plain(Colour::MISSING), 1.0));
    let steps = |shares: &Vec<f64>| -> Vec<[f64; 2]> {
        let step = |(k, s): (usize, &f64)| [[k as f64 / bins, *s], [(k + 1) as f64 / bins, *s]];
        shares.iter().enumerate().flat_map(step).collect()
    };
    let halves = p.traces.len() == 1;
    let name = move |k: usize| match (halves, k) {
        (true, 0) => "first half".to_string(),
        (true, _) => "second half".to_string(),
        _ => format!("walker {k}"),
    };
    lines(&mut panel, p.rank_shares.iter().map(steps).collect(), Some(&name), 1.4);
    let highest = p.rank_shares.iter().flatten().fold(1.0f64, |h, s| h.max(*s));
    panel.y.range = Some([0.0, 1.05 * highest.max(widest.min(2.0 * highest))]);
    panel
}

fn memory(p: &Portrait) -> Panel {
    let mut panel = Panel::new("lag in rows", "autocorrelation");
    let time = p.diagnosis.autocorrelation_time;
    let last = p.autocorrelation.len().saturating_sub(1).max(1) as f64;
    panel.x.range = Some([0.0, last]);
    let lowest = p.autocorrelation.iter().fold(0.0f64, |l, r| l.min(*r));
    panel.y.range = Some([lowest.min(-0.1) * 1.1, 1.05]);
    panel.marks.push(Mark::new(Shape::Lines(vec![vec![[0.0, 0.0], [last, 0.0]]]), Paint::Plain(Colour::MISSING), 1.0));
    if p.autocorrelation.is_empty() {
        panel.title = "nothing to remember".into();
        return panel;
    }
    let curve: Vec<[f64; 2]> = p.autocorrelation.iter().enumerate().map(|(k, r)| [k as f64, *r]).collect();
    panel.marks.push(Mark::new(Shape::Lines(vec![curve.clone()]), Paint::Plain(kind_colour(0)), 1.6));
    if curve.len() <= 40 {
        panel.marks.push(Mark::new(Shape::Points(curve), Paint::Plain(kind_colour(0)), 4.0));
    }
    if time.is_finite() {
        panel.title = format!("memory of {} row{}", short(time), if time == 1.0 { "" } else { "s" });
        let at = time.min(last);
        panel.marks.push(Mark::new(Shape::Lines(vec![vec![[at, 0.0], [at, 0.8]]]), Paint::Plain(kind_colour(1)), 1.4));
        let texts = vec![([at, 0.8], format!("τ = {}", short(time)))];
        let text = Shape::Texts { texts, place: TextPlace::Beside, halo: true };
        panel.marks.push(Mark::new(text, Paint::Plain(Colour::INK), TEXT));
    } else {
        panel.title = "memory".into();
    }
    panel
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::portraits::portrait;

    #[test]
    fn a_report_says_what_the_numbers_are() {
        let values: Vec<f64> = (0..800).map(|k| ((k * k) % 1009) as f64).collect();
        let named = portrait("x[3]", &values, 4).unwrap();
        let svg = draw_report("four walkers", std::slice::from_ref(&named)).unwrap().svg();
        let independent = format!("{:.0} independent", named.diagnosis.ess_bulk);
        for words in ["four walkers", "x[3]", "walker 3", "τ = ", independent.as_str()] {
            assert!(svg.contains(words), "{words}");
        }
        let still = portrait("x[0]", &[1.0; 8], 1).unwrap();
        assert!(draw_report("", &[still]).unwrap().svg().contains("does not vary"));
        let many = portrait("x[1]", &values, 16).unwrap();
        assert!(!draw_report("", &[many]).unwrap().svg().contains("walker 3"));
        assert!(draw_report("", &[]).is_err());
    }
}
