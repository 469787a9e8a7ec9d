//! Many searches side by side, their evaluations gathered into one batch.
//!
//! Each search is the same `async fn` that runs alone. One that asks for an energy waits; when all wait, the positions they ask for are
//! evaluated as one batch, and each goes on with its answer. Rows of a batch are independent bit for bit, so results and counts are those of
//! the searches one by one. What is gained: a potential with large data reads them once for all searches, and a device gets thousands of
//! rows at a time. Hessians and their products with vectors are computed where they are asked for.

use super::evaluator::Evaluator;
use crate::base::Run;
use crate::potentials::{Batch, Evaluations, Potential};
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Searches that are on their way at the same time; each keeps its memory.
pub const TOGETHER: usize = 64;

/// Where searches leave their questions and find the answers.
#[derive(Default)]
pub(super) struct Desk {
    /// Positions asked for in this round, one after another.
    asked: Vec<f64>,
    /// Rounds answered so far.
    round: usize,
    answers: Evaluations,
}

impl Desk {
    /// Waits for energies and gradients of these positions, which `answers` becomes.
    pub async fn ask(desk: &RefCell<Desk>, batch: Batch<'_>, answers: &mut Evaluations) {
        let n = batch.dimension;
        let (first, round) = {
            let mut desk = desk.borrow_mut();
            desk.asked.extend_from_slice(batch.data);
            (desk.asked.len() / n - batch.rows, desk.round)
        };
        std::future::poll_fn(|_| if desk.borrow().round > round { Poll::Ready(()) } else { Poll::Pending }).await;
        let desk = desk.borrow();
        let rows = first..first + batch.rows;
        answers.energies.clear();
        answers.energies.extend_from_slice(&desk.answers.energies[rows.clone()]);
        answers.gradients.clear();
        answers.gradients.extend_from_slice(&desk.answers.gradients[rows.start * n..rows.end * n]);
    }

    fn answer(&mut self, potential: &dyn Potential) {
        potential.evaluate(Batch::new(&self.asked, potential.dimension()), &mut self.answers);
        self.asked.clear();
        self.round += 1;
    }
}

/// Runs `count` searches, at most `together` at a time; `search` makes the future of one from its number and its evaluator. The results
/// are in the order of the numbers.
pub fn gather<'a, T, S: Future<Output = T>>(
    run: &'a Run,
    potential: &'a dyn Potential,
    count: usize,
    together: usize,
    search: impl Fn(usize, Evaluator<'a>) -> S,
) -> Vec<T> {
    let desk = Rc::new(RefCell::new(Desk { answers: Evaluations::with_gradients(), ..Default::default() }));
    let mut results: Vec<Option<T>> = (0..count).map(|_| None).collect();
    let mut going: Vec<(usize, Pin<Box<S>>)> = Vec::new();
    let mut waiting = 0..count;
    let mut context = Context::from_waker(Waker::noop());
    loop {
        // Searches on their way take their answers first: the next round of questions overwrites them.
        going.retain_mut(|(k, search)| match search.as_mut().poll(&mut context) {
            Poll::Ready(result) => {
                results[*k] = Some(result);
                false
            }
            Poll::Pending => true,
        });
        while going.len() < together.max(1)
            && let Some(k) = waiting.next()
        {
            let mut next = Box::pin(search(k, Evaluator::gathered(run, potential, desk.clone())));
            match next.as_mut().poll(&mut context) {
                Poll::Ready(result) => results[k] = Some(result),
                Poll::Pending => going.push((k, next)),
            }
        }
        if going.is_empty() {
            return results.into_iter().flatten().collect();
        }
        desk.borrow_mut().answer(potential);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithms::minimise::{minimise, minimise_batch};
    use crate::algorithms::transition_state::{transition_state, transition_state_batch};
    use crate::algorithms::{MinimiseOptions, StationaryPoint, TransitionStateOptions};
    use crate::base::{Kind, Result};
    use crate::data::Dataset;
    use crate::math::Matrix;
    use crate::network::{Network, NetworkOptions};
    use crate::potentials::Counted;
    use crate::potentials::loss::{LossOptions, NetworkLoss};
    use std::cell::Cell;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn potential() -> Arc<dyn Potential> {
        let inputs = Matrix::from_rows(30, 2, (0..60).map(|i| 1.0 + (1.1 * (i * i) as f64).sin()).collect());
        let data = Dataset::with_classes(inputs, &(0..30).map(|i| (i * i + i / 3) % 3).collect::<Vec<i64>>()).unwrap();
        let net = Network::new(&[2, 4, 3], &NetworkOptions::default()).unwrap();
        Counted::of(Arc::new(NetworkLoss::new(&net, &data, &LossOptions { l2: 1e-3, ..Default::default() }).unwrap()))
    }

    fn starts(potential: &dyn Potential, count: u64) -> Vec<Vec<f64>> {
        (0..count).map(|seed| potential.random(seed, 1.0)).collect()
    }

    fn same(a: &StationaryPoint, b: &StationaryPoint) {
        assert_eq!(a.position, b.position);
        assert_eq!((a.energy, a.rms_gradient, a.curvature), (b.energy, b.rms_gradient, b.curvature));
    }

    #[test]
    fn gathered_minimisations_are_those_one_by_one_bit_for_bit() {
        let (run, potential) = (Run::silent(), potential());
        let options = MinimiseOptions { newton_below: Some(1e-4), ..Default::default() };
        let starts = starts(&*potential, 70);
        let counted = || potential.evaluations().unwrap();
        let before = counted();
        let gathered = minimise_batch(&run, &*potential, &starts, &options).unwrap();
        let by_batches = counted() - before;
        assert_eq!(gathered.len(), starts.len());
        for (start, gathered) in starts.iter().zip(&gathered) {
            let alone = minimise(&run, &*potential, start, &options).unwrap();
            same(&alone.point, &gathered.point);
            assert_eq!((alone.evaluations, alone.hessians), (gathered.evaluations, gathered.hessians));
            assert_eq!((alone.iterations, alone.termination), (gathered.iterations, gathered.termination));
        }
        assert_eq!(counted() - before, 2 * by_batches);
    }

    #[test]
    fn gathered_climbs_are_those_one_by_one_bit_for_bit() {
        let (run, potential) = (Run::silent(), potential());
        let options = TransitionStateOptions::default();
        let starts = starts(&*potential, 12);
        let gathered = transition_state_batch(&run, &*potential, &starts, &options).unwrap();
        for (start, gathered) in starts.iter().zip(&gathered) {
            let alone = transition_state(&run, &*potential, start, &options).unwrap();
            same(&alone.point, &gathered.point);
            assert_eq!((alone.eigenvalue, alone.eigenvector), (gathered.eigenvalue, gathered.eigenvector.clone()));
            assert_eq!((alone.evaluations, alone.termination), (gathered.evaluations, gathered.termination));
        }
    }

    #[test]
    fn searches_wait_for_each_other_and_not_for_more_than_asked() {
        // Search k asks for k + 1 rows twice.
        let (run, potential) = (Run::silent(), potential());
        let n = potential.dimension();
        let (going, most_seen) = (Cell::new(0), Cell::new(0));
        let (watched, going) = (&*potential, &going);
        let all: Vec<Result<Vec<f64>>> = gather(&run, watched, 9, 4, |k, mut evaluator| {
            let most_seen = &most_seen;
            async move {
                let rows: Vec<f64> = (0..=k as u64).flat_map(|seed| watched.random(seed, 1.0)).collect();
                going.set(going.get() + 1);
                most_seen.set(most_seen.get().max(going.get()));
                evaluator.gradients(&rows, n).await?;
                let energies = evaluator.gradients(&rows, n).await?.energies.clone();
                going.set(going.get() - 1);
                Ok(energies)
            }
        });
        for (k, energies) in all.into_iter().enumerate() {
            let alone: Vec<f64> =
                (0..=k as u64).map(|s| crate::potentials::energy(&*potential, &potential.random(s, 1.0))).collect();
            assert_eq!(energies.unwrap(), alone);
        }
        assert_eq!((going.get(), most_seen.get()), (0, 4));
    }

    #[test]
    fn a_stopped_run_ends_all_of_them() {
        let cancel = Arc::new(AtomicBool::new(true));
        let (run, potential) = (Run::new(cancel, None, None, 0), potential());
        let error = minimise_batch(&run, &*potential, &starts(&*potential, 5), &MinimiseOptions::default()).unwrap_err();
        assert_eq!(error.kind, Kind::Interrupted);
    }

    #[test]
    fn a_stop_in_mid_flight_ends_those_on_their_way_and_those_that_wait() {
        let cancel = Arc::new(AtomicBool::new(false));
        let (run, potential) = (Run::new(cancel.clone(), None, None, 0), potential());
        let (n, answers) = (potential.dimension(), Cell::new(0));
        let (x, watched, stop) = (potential.random(1, 1.0), &*potential, &*cancel);
        let all: Vec<Result<()>> = gather(&run, watched, 6, 3, |k, mut evaluator| {
            let (x, answers) = (&x, &answers);
            async move {
                for round in 0..10 {
                    if k == 1 && round == 4 {
                        stop.store(true, Ordering::Relaxed);
                    }
                    evaluator.gradients(x, n).await?;
                    answers.set(answers.get() + 1);
                }
                Ok(())
            }
        });
        assert_eq!(all.len(), 6);
        assert!(all.iter().all(|end| end.as_ref().is_err_and(|error| error.kind == Kind::Interrupted)));
        // Three rows in each of four rounds; in the fifth the first search had asked already.
        assert!((12..=15).contains(&answers.get()), "{}", answers.get());
    }
}
