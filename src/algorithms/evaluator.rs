//! How an algorithm asks for energies: the only place where one waits.
//!
//! Algorithms are `async fn`s that await nothing but these questions. Alone, every answer is ready at once, so [`now`] runs the whole
//! search as a plain function; [`super::gather`] lets many searches wait for answers to all of them, and needs no other algorithm.

use super::gather::Desk;
use crate::base::{Error, Result, Run};
use crate::math::Matrix;
use crate::math::matrix::rms;
use crate::potentials::{Batch, Evaluations, Potential};
use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Answers questions about one potential, counts them, and ends the search when the person or the clock says so.
pub struct Evaluator<'a> {
    pub potential: &'a dyn Potential,
    run: &'a Run,
    /// Where energies are asked for together with other searches; nowhere for a search alone.
    desk: Option<Rc<RefCell<Desk>>>,
    evaluations: Evaluations,
    /// Gradients computed so far (a Hessian-vector product counts as one, a Hessian as none: it has a counter of its own).
    pub count: usize,
    /// Hessians computed so far.
    pub hessians: usize,
}

impl<'a> Evaluator<'a> {
    pub fn new(run: &'a Run, potential: &'a dyn Potential) -> Evaluator<'a> {
        Evaluator { potential, run, desk: None, evaluations: Evaluations::with_gradients(), count: 0, hessians: 0 }
    }

    /// For one of many searches that leave their questions at a desk.
    pub(super) fn gathered(run: &'a Run, potential: &'a dyn Potential, desk: Rc<RefCell<Desk>>) -> Evaluator<'a> {
        Evaluator { desk: Some(desk), ..Evaluator::new(run, potential) }
    }

    pub fn run(&self) -> &'a Run {
        self.run
    }

    /// Energy at `x`; the gradient goes to `gradient`. `Err` only when the run is stopped.
    pub async fn gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64> {
        self.answer(Batch::single(x)).await?;
        gradient.copy_from_slice(&self.evaluations.gradients);
        Ok(self.evaluations.energies[0])
    }

    /// Energies and gradients of many positions at once (an elastic band).
    pub async fn gradients(&mut self, rows: &[f64], dimension: usize) -> Result<&Evaluations> {
        self.answer(Batch::new(rows, dimension)).await?;
        Ok(&self.evaluations)
    }

    async fn answer(&mut self, batch: Batch<'_>) -> Result<()> {
        self.run.check()?;
        self.count += batch.rows;
        match &self.desk {
            Some(desk) => Desk::ask(desk, batch, &mut self.evaluations).await,
            None => self.potential.evaluate(batch, &mut self.evaluations),
        }
        Ok(())
    }

    /// The Hessian at `x`.
    pub async fn hessian(&mut self, x: &[f64], hessian: &mut Matrix) -> Result<()> {
        self.run.check()?;
        self.hessians += 1;
        self.potential.hessian(x, hessian);
        Ok(())
    }

    /// The product of the Hessian at `x` with `v`.
    pub async fn hessian_vector(&mut self, x: &[f64], v: &[f64], out: &mut [f64]) -> Result<()> {
        self.run.check()?;
        self.count += 1;
        self.potential.hessian_vector(x, v, out);
        Ok(())
    }
}

/// Runs an algorithm whose evaluations are answered at once.
pub fn now<T>(search: impl Future<Output = T>) -> T {
    match pin!(search).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a search alone has its answers at once"),
    }
}

/// Checks a start: as long as the potential's dimension, every number finite, energy and gradient finite. Gives energy and RMS gradient.
pub async fn check_start(function: &str, evaluator: &mut Evaluator<'_>, start: &[f64], gradient: &mut [f64]) -> Result<f64> {
    check_position(function, "start", evaluator.potential, start)?;
    let energy = evaluator.gradient(start, gradient).await?;
    if !energy.is_finite() || !rms(gradient).is_finite() {
        return Err(Error::value(format!(
            "{function}: the energy at `start` is not finite (energy {energy}, RMS gradient {})",
            rms(gradient)
        ))
        .at("start")
        .hint("begin somewhere else"));
    }
    Ok(energy)
}

/// Checks that a position fits the potential and is finite; `parameter` is its name in the call.
pub fn check_position(function: &str, parameter: &str, potential: &dyn Potential, x: &[f64]) -> Result<()> {
    let n = potential.dimension();
    if x.len() != n {
        return Err(Error::shape(format!("{function}: `{parameter}` has {} coordinates, but the potential has {n}", x.len()))
            .at(parameter)
            .hint(format!("give {n} numbers")));
    }
    match x.iter().position(|v| !v.is_finite()) {
        Some(i) => Err(Error::value(format!("{function}: coordinate {i} of `{parameter}` is {}", x[i]))
            .at(parameter)
            .hint("every coordinate must be finite")),
        None => Ok(()),
    }
}
