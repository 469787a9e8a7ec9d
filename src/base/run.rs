//! The run in progress: cancelling, time limit, progress, seed. The first parameter of everything that loops.

use super::error::{Error, Kind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What a long task has done so far, for whoever shows it.
pub struct Status<'a> {
    /// What is being done: `basin_hop`.
    pub task: &'a str,
    pub done: u64,
    /// How much there is to do, where that is known.
    pub total: Option<u64>,
    pub elapsed: Duration,
    /// What has been found: `12 minima, lowest -44.3268`.
    pub found: &'a str,
    /// The last report of this task.
    pub finished: bool,
}

/// Whoever shows progress; `cli` has the one for a terminal.
pub trait Reporter: Send + Sync {
    fn report(&self, status: &Status);
    /// A warning for people: something went on, but not as asked.
    fn warn(&self, text: &str);
}

/// The handle that every loop asks whether to go on. Clones are cheap and share the stop.
#[derive(Clone)]
pub struct Run {
    cancel: Arc<AtomicBool>,
    deadline: Option<Instant>,
    reporter: Option<Arc<dyn Reporter>>,
    seed: u64,
}

impl Run {
    /// A run that nobody watches and that only ends by itself: for tests and library use.
    pub fn silent() -> Run {
        Run { cancel: Arc::new(AtomicBool::new(false)), deadline: None, reporter: None, seed: 0 }
    }

    /// A run that ends when `cancel` becomes true or `deadline` is over, and reports to `reporter`.
    pub fn new(cancel: Arc<AtomicBool>, deadline: Option<Instant>, reporter: Option<Arc<dyn Reporter>>, seed: u64) -> Run {
        Run { cancel, deadline, reporter, seed }
    }

    /// The same run with at most so many seconds left, where a number is given: for options in seconds.
    pub fn within(&self, seconds: Option<f64>) -> Run {
        match seconds {
            Some(s) => self.until(Instant::now() + Duration::try_from_secs_f64(s).unwrap_or(Duration::from_secs(1 << 40))),
            None => self.clone(),
        }
    }

    /// The same run with an end of its own, where that comes before the one it has.
    pub fn until(&self, deadline: Instant) -> Run {
        let deadline = self.deadline.map_or(deadline, |own| own.min(deadline));
        Run { deadline: Some(deadline), ..self.clone() }
    }

    /// The seed in force: the option's where one was given, that of the run otherwise.
    pub fn seed(&self, option: Option<u64>) -> u64 {
        option.unwrap_or(self.seed)
    }

    /// `Err` when the person or the clock has ended the run. Costs a load; call it in every loop that may last.
    pub fn check(&self) -> Result<()> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(Error::new(Kind::Interrupted, "interrupted; everything found so far is kept"));
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => {
                Err(Error::new(Kind::TimeOver, "the time given by --max-hours is over; everything found so far is kept"))
            }
            _ => Ok(()),
        }
    }

    /// Whether [`Run::check`] would end the run.
    pub fn stopped(&self) -> bool {
        self.check().is_err()
    }

    /// Begins a task whose progress is shown.
    pub fn task(&self, name: &'static str, total: Option<u64>) -> Task {
        Task { name, total, done: AtomicU64::new(0), start: Instant::now(), last: AtomicU64::new(0), run: self.clone() }
    }

    /// Tells the person something that is no error.
    pub fn warn(&self, text: &str) {
        if let Some(reporter) = &self.reporter {
            reporter.warn(text);
        }
    }
}

/// A task in progress; ends its display when dropped.
pub struct Task {
    name: &'static str,
    total: Option<u64>,
    done: AtomicU64,
    start: Instant,
    /// Milliseconds since `start` at the last report: reports are a tenth of a second apart.
    last: AtomicU64,
    run: Run,
}

impl Task {
    /// Counts `more` as done, reports now and then, and says whether to go on.
    /// `found` is only called when a report is due.
    pub fn tick(&self, more: u64, found: impl FnOnce() -> String) -> Result<()> {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        if let Some(reporter) = &self.run.reporter {
            let elapsed = self.start.elapsed();
            let now = elapsed.as_millis() as u64;
            let last = self.last.load(Ordering::Relaxed);
            if now >= last + 100 && self.last.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                reporter.report(&Status { task: self.name, done, total: self.total, elapsed, found: &found(), finished: false });
            }
        }
        self.run.check()
    }

    /// Seconds since the task began.
    pub fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(reporter) = &self.run.reporter {
            let done = self.done.load(Ordering::Relaxed);
            reporter.report(&Status {
                task: self.name,
                done,
                total: self.total,
                elapsed: self.start.elapsed(),
                found: "",
                finished: true,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_when_told() {
        let cancel = Arc::new(AtomicBool::new(false));
        let run = Run::new(cancel.clone(), None, None, 7);
        assert!(run.check().is_ok());
        assert_eq!((run.seed(None), run.seed(Some(3))), (7, 3));
        cancel.store(true, Ordering::Relaxed);
        assert_eq!(run.task("test", None).tick(1, String::new).unwrap_err().kind, Kind::Interrupted);
        let over = Run::new(Arc::default(), Some(Instant::now()), None, 0);
        assert_eq!(over.check().unwrap_err().kind, Kind::TimeOver);
    }
}
