//! The summary of a sample on one screen: a line for each coordinate, the worst first where not all find room.

use super::Room;
use super::grid::{Column, Keep, lay};
use super::numbers::Form;
use super::wrapped;
use crate::analysis::diagnostics::Summary;
use crate::base::text::Text;
use crate::plot::terminal::cut;

/// What it is, a table, and what should not be overlooked.
pub fn summary(s: &Summary, room: Room) -> Text {
    let mut text = Text::default();
    text.name(cut(&headline(s), room.width));
    // Of the warnings as many whole ones as a third of the screen holds.
    let mut said: Vec<String> = Vec::new();
    for warning in s.warnings() {
        let more = wrapped(&warning, room.width - 2);
        if said.len() + more.len() <= room.height / 3 {
            said.extend(more);
        }
    }
    let lines = room.height.saturating_sub(3 + said.len()).max(3);
    let all = s.mean.len();
    let seen: Vec<usize> = if all <= lines { (0..all).collect() } else { s.worst().into_iter().take(lines - 1).collect() };
    let numbers = |head: &str, values: &[f64], decimals: Option<usize>| {
        let own: Vec<f64> = seen.iter().map(|&k| values[k]).collect();
        let form = decimals.map_or_else(|| Form::of(&own, false), Form::Decimals);
        let write = |v: &f64| if v.is_nan() { "–".to_string() } else { form.write(*v) };
        Column { head: head.into(), cells: own.iter().map(write).collect(), left: false }
    };
    let mut columns = vec![Column { head: String::new(), cells: seen.iter().map(|k| format!("x[{k}]")).collect(), left: true }];
    columns.push(numbers("mean", &s.mean, None));
    columns.push(numbers("sd", &s.sd, None));
    columns.push(numbers("mcse", &s.mcse, None));
    columns.push(numbers("ess_bulk", &s.ess_bulk, Some(0)));
    columns.push(numbers("ess_tail", &s.ess_tail, Some(0)));
    columns.push(numbers("r_hat", &s.r_hat, Some(3)));
    columns.push(numbers("time", &s.autocorrelation_time, Some(1)));
    columns.push(numbers("mcse_sd", &s.mcse_sd, None));
    for line in lay(columns, true, room.width, Keep::First) {
        text.line().plain(line);
    }
    if seen.len() < all {
        text.line().plain(cut(&format!("  ⋮ the worst {} of {all} coordinates", seen.len()), room.width));
    }
    for line in said {
        text.line().plain("  ").warning(line);
    }
    text
}

/// `Summary of 4 walkers × 4000 rows, 10 coordinates: R̂ at most 1.002, 812 independent values or more`.
pub fn headline(s: &Summary) -> String {
    let plural = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let rows = s.rows / s.walkers.max(1);
    let mut line =
        format!("Summary of {} × {}, {}", plural(s.walkers, "walker"), plural(rows, "row"), plural(s.mean.len(), "coordinate"));
    let known = |values: &[f64]| values.iter().copied().filter(|v| !v.is_nan()).collect::<Vec<f64>>();
    let (r_hat, sizes) = (known(&s.r_hat), [known(&s.ess_bulk), known(&s.ess_tail)].concat());
    let mut found = Vec::new();
    if !r_hat.is_empty() {
        found.push(format!("R̂ at most {:.3}", r_hat.iter().fold(0.0f64, |h, v| h.max(*v))));
    }
    if !sizes.is_empty() {
        found.push(format!("{:.0} independent values or more", sizes.iter().fold(f64::INFINITY, |l, v| l.min(*v))));
    }
    if !found.is_empty() {
        line.push_str(&format!(": {}", found.join(", ")));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::diagnostics::summarise;
    use crate::base::Run;
    use crate::math::Matrix;

    #[test]
    fn it_stays_on_the_screen_and_the_worst_come_first() {
        // The last coordinate drifts.
        let mut draws = Matrix::zeros(200, 30);
        for i in 0..200 {
            for j in 0..30 {
                draws[(i, j)] = ((i * 37 + j * 11 + i * i * 7) % 101) as f64 + if j == 29 { i as f64 } else { 0.0 };
            }
        }
        let s = summarise(&Run::silent(), &draws, 2).unwrap();
        for room in [Room::new(80, 24), Room::new(40, 10), Room::new(200, 60)] {
            let text = summary(&s, room).to_plain();
            assert!(text.lines().count() <= room.height, "{text}");
            assert!(text.lines().all(|l| l.chars().count() <= room.width), "{text}");
            assert!(text.contains("x[29]") && text.contains("R̂"), "{text}");
        }
        let text = summary(&s, Room::new(80, 24)).to_plain();
        assert!(text.lines().nth(2).is_some_and(|l| l.contains("x[29]")) && text.contains("of 30 coordinates"), "{text}");
    }
}
