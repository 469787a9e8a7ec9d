//! Progress on stderr: one line that changes on a terminal, plain lines every few seconds otherwise.

use crate::base::run::{Reporter, Status};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Between two plain lines.
const PAUSE: Duration = Duration::from_secs(5);
/// Tasks shorter than this are not mentioned.
const WORTH_TELLING: Duration = Duration::from_millis(500);

/// Shows what goes on.
pub struct Progress {
    bar: Option<ProgressBar>,
    /// When a task was last mentioned in a plain line.
    told: Mutex<HashMap<String, Instant>>,
}

impl Progress {
    /// For the stderr of this process.
    pub fn new() -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_draw_target(ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            bar
        });
        Progress { bar, told: Mutex::new(HashMap::new()) }
    }

    /// Takes the changing line away, so that something else can be printed.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Reporter for Progress {
    fn report(&self, status: &Status) {
        if let Some(bar) = &self.bar {
            if status.finished {
                bar.set_message("");
                bar.finish_and_clear();
            } else if status.elapsed >= WORTH_TELLING {
                if bar.is_finished() {
                    // The line of an earlier task was taken away.
                    bar.reset();
                }
                bar.set_message(line(status));
                bar.tick();
            }
            return;
        }
        let Ok(mut told) = self.told.lock() else { return };
        if status.finished {
            // The last line of a task that was mentioned before.
            if told.remove(status.task).is_some() {
                eprintln!("{}", line(status));
            }
            return;
        }
        let due = match told.get(status.task) {
            Some(last) => last.elapsed() >= PAUSE,
            None => status.elapsed >= PAUSE,
        };
        if due {
            told.insert(status.task.to_string(), Instant::now());
            eprintln!("{}", line(status));
        }
    }

    fn warn(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("warning: {text}")),
            None => eprintln!("warning: {text}"),
        }
    }
}

/// `basin_hop: 120 of 400, 12.3/s, 23 s left; 12 minima, lowest -44.3268`
fn line(status: &Status) -> String {
    let seconds = status.elapsed.as_secs_f64();
    let rate = if seconds > 0.0 { status.done as f64 / seconds } else { 0.0 };
    let mut text = match status.total {
        Some(total) => format!("{}: {} of {total}", status.task, status.done),
        None => format!("{}: {}", status.task, status.done),
    };
    if rate > 0.0 {
        text.push_str(&format!(", {}/s", short(rate)));
    }
    if status.finished {
        text.push_str(&format!(", done in {}", duration(seconds)));
    } else if let (Some(total), true) = (status.total, rate > 0.0) {
        text.push_str(&format!(", {} left", duration(total.saturating_sub(status.done) as f64 / rate)));
    }
    if !status.found.is_empty() {
        text.push_str("; ");
        text.push_str(status.found);
    }
    text
}

fn short(rate: f64) -> String {
    if rate >= 100.0 {
        format!("{rate:.0}")
    } else if rate >= 1.0 {
        format!("{rate:.1}")
    } else {
        format!("{rate:.2}")
    }
}

fn duration(seconds: f64) -> String {
    let whole = seconds.ceil() as u64;
    match whole {
        0..=119 => format!("{whole} s"),
        120..=7199 => format!("{} min", whole / 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_rate_and_time_left() {
        let mut status = Status {
            task: "basin_hop",
            done: 100,
            total: Some(400),
            elapsed: Duration::from_secs(10),
            found: "12 minima",
            finished: false,
        };
        assert_eq!(line(&status), "basin_hop: 100 of 400, 10.0/s, 30 s left; 12 minima");
        status.total = None;
        assert_eq!(line(&status), "basin_hop: 100, 10.0/s; 12 minima");
        status.finished = true;
        status.found = "";
        assert_eq!(line(&status), "basin_hop: 100, 10.0/s, done in 10 s");
        assert_eq!(duration(9000.0), "2 h 30 min");
    }
}
