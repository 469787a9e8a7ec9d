//! What the Hessian says of a point: index, near-zero modes, lowest modes, and the second-order steps that follow from it.
//!
//! A frame is the Hessian over the coordinates that move, with the zero modes of the symmetry lifted out of the way: z zᵀ times the
//! largest diagonal element is added for each zero mode z, so that they count neither as negative nor as soft. Along them the gradient
//! vanishes, so steps do not feel the lift.
//! Cost: the Hessian and one eigenproblem; for large problems Lanczos on Hessian-vector products with a residual bound.
//! Where the spectrum is wide and the potential offers a preconditioner M, Lanczos works on M^(−1/2) H M^(−1/2): by Sylvester's law of inertia it has as many negative
//! eigenvalues as H, and its spectrum is so much narrower that the signs are decided after a third of the products. The lowest
//! eigenvalues of H itself are then those within the space M^(−1/2) Q of the Lanczos vectors Q, where H is the tridiagonal matrix.

use super::Curvature;
use super::evaluator::{Evaluator, now};
use crate::base::{Result, Run};
use crate::math::Matrix;
use crate::math::eigen::{NEAR_ZERO, SaddleStep, Tridiagonal, TrustStep, generalised_eigen, shift_modes};
use crate::math::lanczos::{Iteration, Lanczos};
use crate::math::matrix::{add_scaled, dot, norm};
use crate::math::random::stream;
use crate::potentials::{Potential, Preconditioner};
use rand::RngExt;

/// The Hessian of one position, reduced and ready for questions. Its memory serves one position after the other.
pub struct Frame<'a> {
    potential: &'a dyn Potential,
    /// The coordinates that move, where some are frozen.
    active: Option<Vec<usize>>,
    hessian: Matrix,
    part: Matrix,
    reduced: Tridiagonal,
    /// How far each zero mode was lifted.
    lifts: Vec<f64>,
    /// Gradient, mode and step over the active coordinates.
    scratch: [Vec<f64>; 3],
}

impl<'a> Frame<'a> {
    pub fn new(potential: &'a dyn Potential) -> Frame<'a> {
        let active = potential.frozen().filter(|f| f.contains(&true)).map(|f| (0..f.len()).filter(|&i| !f[i]).collect());
        Frame {
            potential,
            active,
            hessian: Matrix::default(),
            part: Matrix::default(),
            reduced: Tridiagonal::new(),
            lifts: Vec::new(),
            scratch: Default::default(),
        }
    }

    /// Takes the Hessian at `x` and reduces it.
    pub async fn compute(&mut self, evaluator: &mut Evaluator<'_>, x: &[f64]) -> Result<()> {
        let modes = self.potential.symmetry().zero_modes(x);
        self.compute_beside(evaluator, x, &modes).await
    }

    /// The same with these directions, eigenvectors of length 1, lifted out of the way.
    async fn compute_beside(&mut self, evaluator: &mut Evaluator<'_>, x: &[f64], modes: &[Vec<f64>]) -> Result<()> {
        evaluator.hessian(x, &mut self.hessian).await?;
        self.lifts.clear();
        if !modes.is_empty() {
            let lift = (0..x.len()).map(|i| self.hessian[(i, i)].abs()).fold(f64::MIN_POSITIVE, f64::max);
            shift_modes(&mut self.hessian, modes, lift);
            self.lifts.resize(modes.len(), lift);
        }
        if let Some(active) = &self.active {
            self.part.reset(active.len(), active.len());
            for (a, &i) in active.iter().enumerate() {
                for (b, &j) in active[..=a].iter().enumerate() {
                    self.part[(a, b)] = self.hessian[(i, j)];
                }
            }
        }
        self.reduced.reduce(if self.active.is_some() { &self.part } else { &self.hessian });
        Ok(())
    }

    /// Index, near-zero modes, lowest eigenvalues, Σ ln|h|.
    pub fn curvature(&mut self) -> Curvature {
        let inertia = self.reduced.index();
        let lowest = self.reduced.lowest_values(2);
        let lifts: f64 = self.lifts.iter().map(|l| l.ln()).sum();
        Curvature {
            index: inertia.negative,
            near_zero: inertia.near_zero + self.lifts.len(),
            lowest: [0, 1].map(|k| lowest.get(k).copied().unwrap_or(f64::NAN)),
            bound: 0.0,
            log_product: self.reduced.log_product() - lifts,
        }
    }

    /// The lowest eigenvalue and its eigenvector over all coordinates, of length 1.
    pub fn lowest(&mut self) -> (f64, Vec<f64>) {
        let mut mode = std::mem::take(&mut self.scratch[1]);
        mode.resize(self.reduced.dimension(), 0.0);
        let value = self.reduced.lowest_pair(&mut mode);
        let mut full = vec![0.0; self.potential.dimension()];
        scatter(self.active.as_deref(), &mode, &mut full);
        self.scratch[1] = mode;
        (value, full)
    }

    /// The `count` lowest modes over all coordinates, of length 1.
    fn softest(&mut self, count: usize) -> Vec<Vec<f64>> {
        let (values, vectors) = self.reduced.lowest(count);
        let mut full = vec![vec![0.0; self.potential.dimension()]; values.len()];
        for (k, mode) in full.iter_mut().enumerate() {
            scatter(self.active.as_deref(), &vectors.column(k), mode);
        }
        full
    }

    /// v ← (H + shift)⁻¹ v.
    pub fn solve_shifted(&mut self, shift: f64, v: &mut [f64]) {
        let [mut slope, mode, mut part] = std::mem::take(&mut self.scratch);
        gather(self.active.as_deref(), v, &mut slope);
        part.resize(slope.len(), 0.0);
        self.reduced.solve_shifted(-shift, &slope, &mut part);
        scatter(self.active.as_deref(), &part, v);
        self.scratch = [slope, mode, part];
    }

    /// The step that minimises g·s + ½ s·H s within `radius`.
    pub fn trust_step(&mut self, g: &[f64], radius: f64, step: &mut [f64]) -> TrustStep {
        let [mut slope, mode, mut part] = std::mem::take(&mut self.scratch);
        gather(self.active.as_deref(), g, &mut slope);
        part.resize(slope.len(), 0.0);
        let taken = self.reduced.trust_step(&slope, radius, &mut part);
        scatter(self.active.as_deref(), &part, step);
        self.scratch = [slope, mode, part];
        taken
    }

    /// The step up along the `climbed` lowest modes and down in all others, each of at most `radius`; `vector` gets the lowest mode, in the
    /// sense of its old content.
    pub fn saddle_step(&mut self, g: &[f64], radius: f64, climbed: usize, vector: &mut [f64], step: &mut [f64]) -> SaddleStep {
        let [mut slope, mut mode, mut part] = std::mem::take(&mut self.scratch);
        gather(self.active.as_deref(), g, &mut slope);
        gather(self.active.as_deref(), vector, &mut mode);
        part.resize(slope.len(), 0.0);
        let taken = self.reduced.saddle_step(&slope, radius, climbed, &mut mode, &mut part);
        scatter(self.active.as_deref(), &part, step);
        scatter(self.active.as_deref(), &mode, vector);
        self.scratch = [slope, mode, part];
        taken
    }
}

/// The active coordinates of `full`.
fn gather(active: Option<&[usize]>, full: &[f64], part: &mut Vec<f64>) {
    part.clear();
    match active {
        None => part.extend_from_slice(full),
        Some(active) => part.extend(active.iter().map(|&i| full[i])),
    }
}

/// Puts active coordinates back among all; the frozen ones are 0.
fn scatter(active: Option<&[usize]>, part: &[f64], full: &mut [f64]) {
    match active {
        None => full.copy_from_slice(part),
        Some(active) => {
            full.fill(0.0);
            for (&i, x) in active.iter().zip(part) {
                full[i] = *x;
            }
        }
    }
}

/// Index, near-zero modes and lowest eigenvalues at `x`. Errors only when the run is stopped.
pub fn curvature(run: &Run, potential: &dyn Potential, x: &[f64]) -> Result<Curvature> {
    let mut evaluator = Evaluator::new(run, potential);
    if potential.prefers_dense_hessian() {
        let mut frame = Frame::new(potential);
        now(frame.compute(&mut evaluator, x))?;
        return Ok(frame.curvature());
    }
    iterative_curvature(&mut evaluator, x)
}

/// The lowest eigenpair at `x`.
pub fn lowest_mode(run: &Run, potential: &dyn Potential, x: &[f64]) -> Result<(f64, Vec<f64>)> {
    let mut evaluator = Evaluator::new(run, potential);
    if potential.prefers_dense_hessian() {
        let mut frame = Frame::new(potential);
        now(frame.compute(&mut evaluator, x))?;
        return Ok(frame.lowest());
    }
    now(iterative_mode(&mut evaluator, x, &[]))
}

/// The `count` softest modes at `x`, a row each: where a search from a minimum begins. Idle directions are left out: of the 12 softest modes
/// of a minimum of \[2,10,4\] up to 10 are shifts behind the softmax, and a search along those comes back. Large problems: Lanczos to a few digits.
pub fn softest_modes(run: &Run, potential: &dyn Potential, x: &[f64], count: usize) -> Result<Vec<Vec<f64>>> {
    let mut evaluator = Evaluator::new(run, potential);
    let idle = potential.symmetry().idle_modes(x);
    if potential.prefers_dense_hessian() {
        let mut frame = Frame::new(potential);
        now(frame.compute_beside(&mut evaluator, x, &idle))?;
        let free = frame.reduced.dimension().saturating_sub(idle.len());
        return Ok(frame.softest(count.min(free)));
    }
    let wanted = Wanted { count, tolerance: SOFT_TOLERANCE, deciding: 0.0, most: MOST_SOFT_PRODUCTS };
    Ok(now(lowest_pairs(&mut evaluator, x, wanted, &[], &idle))?.vectors)
}

/// What is said of a point whose Hessian cannot be taken.
pub(super) fn unknown_curvature() -> Curvature {
    Curvature { index: usize::MAX, near_zero: 0, lowest: [f64::NAN; 2], bound: f64::NAN, log_product: f64::NAN }
}

/// Residual of an eigenpair that a search follows, as a part of the largest |eigenvalue| seen.
const MODE_TOLERANCE: f64 = 1e-4;
/// The same where the index is decided, and the part of its own size that decides an eigenvalue.
const INDEX_TOLERANCE: f64 = 1e-7;
const DECIDES: f64 = 0.02;
/// The same of a preconditioned operator, whose spectrum is narrow.
const DECIDES_PRECONDITIONED: f64 = 0.1;
/// A spectrum that is wider is preconditioned; in a narrower one Lanczos brings the eigenvalues themselves to more digits.
const WIDE: f64 = 1e3;
/// The same of modes that a search sets out along, and the products spent on them: any soft direction serves.
const SOFT_TOLERANCE: f64 = 1e-2;
const MOST_SOFT_PRODUCTS: usize = 60;
/// The products spent on anything else.
const MOST_PRODUCTS: usize = 400;

/// Index and lowest eigenvalues by Lanczos, each decided by its residual bound. Where all that were computed are negative, more are.
fn iterative_curvature(evaluator: &mut Evaluator<'_>, x: &[f64]) -> Result<Curvature> {
    let zero_modes = evaluator.potential.symmetry().zero_modes(x);
    // The zero modes of H are none of the preconditioned operator.
    let mut preconditioner = evaluator.potential.preconditioner(x).filter(|m| zero_modes.is_empty() && m.spread() > WIDE);
    let mut count = 2.min(x.len());
    loop {
        let deciding = if preconditioner.is_some() { DECIDES_PRECONDITIONED } else { DECIDES };
        let wanted = Wanted { count, tolerance: INDEX_TOLERANCE, deciding, most: MOST_PRODUCTS };
        let lanczos = now(iterate(evaluator, x, wanted, &[], &zero_modes, preconditioner.as_deref_mut()))?;
        let unscaled = match preconditioner.as_deref_mut() {
            Some(m) => Some(within(evaluator, x, m, &lanczos)?),
            None => None,
        };
        let low = lanczos.finish();
        let zero = NEAR_ZERO * low.largest;
        let index = low.values.iter().filter(|h| **h < -zero).count();
        if index < low.values.len() || count >= x.len() || count >= 64 {
            let values = [0, 1].map(|k| low.values.get(k).copied().unwrap_or(f64::NAN));
            let (lowest, bound) = unscaled.unwrap_or((values, low.residuals.iter().fold(0.0, |m, r| m.max(*r))));
            return Ok(Curvature {
                index,
                near_zero: zero_modes.len() + low.values.iter().filter(|h| h.abs() <= zero).count(),
                lowest,
                bound,
                log_product: f64::NAN,
            });
        }
        count = (4 * count).min(x.len());
    }
}

/// The two lowest eigenvalues of H within the space M^(−1/2) Q, and the larger of their residuals |H v − θ v|; NaN where rounding hides them.
fn within(
    evaluator: &mut Evaluator<'_>,
    x: &[f64],
    m: &mut (dyn Preconditioner + '_),
    lanczos: &Iteration<'_>,
) -> Result<([f64; 2], f64)> {
    let (basis, operator) = lanczos.space();
    let mut vectors = basis.to_vec();
    vectors.iter_mut().for_each(|v| m.power(-0.5, v));
    let size = vectors.len();
    let mut products = Matrix::zeros(size, size);
    for i in 0..size {
        for j in 0..=i {
            products[(i, j)] = dot(&vectors[i], &vectors[j]);
        }
    }
    products.mirror_lower();
    let Some((_, small)) = generalised_eigen(&operator, &products).filter(|_| size >= 2) else {
        return Ok(([f64::NAN; 2], f64::NAN));
    };
    let (mut lowest, mut bound) = ([0.0; 2], 0.0f64);
    let mut product = vec![0.0; x.len()];
    for (k, value) in lowest.iter_mut().enumerate() {
        let mut v = vec![0.0; x.len()];
        vectors.iter().enumerate().for_each(|(j, vector)| add_scaled(&mut v, small[(j, k)], vector));
        let length = norm(&v);
        v.iter_mut().for_each(|v| *v /= length);
        now(evaluator.hessian_vector(x, &v, &mut product))?;
        *value = dot(&v, &product);
        add_scaled(&mut product, -*value, &v);
        bound = bound.max(norm(&product));
    }
    Ok((lowest, bound))
}

/// The lowest eigenpair at `x` by Lanczos, beginning with the guess `start` (none where it is empty). Idle directions are left out: they are
/// soft, and nothing lies along them.
pub(super) async fn iterative_mode(evaluator: &mut Evaluator<'_>, x: &[f64], start: &[f64]) -> Result<(f64, Vec<f64>)> {
    let idle = evaluator.potential.symmetry().idle_modes(x);
    let wanted = Wanted { count: 1, tolerance: MODE_TOLERANCE, deciding: 0.0, most: MOST_PRODUCTS };
    let mut found = lowest_pairs(evaluator, x, wanted, start, &idle).await?;
    match (found.values.first(), found.vectors.pop()) {
        (Some(&value), Some(vector)) => Ok((value, vector)),
        // No direction is free to move: nothing curves down.
        _ => Ok((f64::INFINITY, vec![0.0; x.len()])),
    }
}

/// How many eigenpairs, to which residual as a part of the largest |eigenvalue| or of their own, and after how many products it is given up.
struct Wanted {
    count: usize,
    tolerance: f64,
    deciding: f64,
    most: usize,
}

/// The lowest eigenpairs at `x` by Lanczos on Hessian-vector products, the directions `aside` and frozen coordinates left out.
async fn lowest_pairs(
    evaluator: &mut Evaluator<'_>,
    x: &[f64],
    wanted: Wanted,
    start: &[f64],
    aside: &[Vec<f64>],
) -> Result<Lanczos> {
    Ok(iterate(evaluator, x, wanted, start, aside, None).await?.finish())
}

/// The same before its end, and of M^(−1/2) H M^(−1/2) where there is an M.
async fn iterate<'a>(
    evaluator: &mut Evaluator<'_>,
    x: &[f64],
    wanted: Wanted,
    start: &[f64],
    aside: &'a [Vec<f64>],
    mut preconditioner: Option<&mut (dyn Preconditioner + '_)>,
) -> Result<Iteration<'a>> {
    let n = x.len();
    let mut random = stream(0, 0);
    let mut first: Vec<f64> =
        if start.is_empty() { (0..n).map(|_| random.random::<f64>() - 0.5).collect() } else { start.to_vec() };
    // A frozen coordinate that is 0 in the start stays 0 in every product.
    if let Some(frozen) = evaluator.potential.frozen() {
        first.iter_mut().zip(frozen).filter(|(_, f)| **f).for_each(|(v, _)| *v = 0.0);
    }
    let lanczos = Iteration::lowest(n, wanted.count, wanted.tolerance, Some(&first), aside, wanted.most.min(n));
    let mut lanczos = lanczos.deciding(wanted.deciding);
    let mut product = vec![0.0; n];
    while let Some(v) = lanczos.wanted() {
        match preconditioner.as_deref_mut() {
            None => evaluator.hessian_vector(x, v, &mut product).await?,
            Some(m) => {
                let mut v = v.to_vec();
                m.power(-0.5, &mut v);
                evaluator.hessian_vector(x, &v, &mut product).await?;
                m.power(-0.5, &mut product);
            }
        }
        lanczos.supply(&product);
    }
    Ok(lanczos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::potentials::catalogue::entry;
    use crate::potentials::clusters::LennardJones;

    #[test]
    fn lanczos_agrees_with_the_dense_spectrum() {
        let run = Run::silent();
        let potential = LennardJones::new(13);
        let start = potential.random(3, 1.0);
        let found = crate::algorithms::minimise(&run, &potential, &start, &Default::default()).expect("a minimum is found");
        let x = found.point.position;
        let dense = curvature(&run, &potential, &x).expect("not stopped");
        let mut evaluator = Evaluator::new(&run, &potential);
        let iterative = iterative_curvature(&mut evaluator, &x).expect("not stopped");
        // Three translations and three rotations.
        assert_eq!((dense.index, dense.near_zero), (0, 6));
        assert_eq!((iterative.index, iterative.near_zero), (0, 6));
        assert!(iterative.bound > 0.0 && iterative.bound <= 0.02 * dense.lowest[1]);
        for k in 0..2 {
            assert!((dense.lowest[k] - iterative.lowest[k]).abs() <= iterative.bound, "{dense:?} {iterative:?}");
        }
    }

    #[test]
    fn rosenbrocks_hessian_at_its_minimum() {
        // [[802, -400], [-400, 200]]: determinant 400, trace 1002.
        let potential = entry("rosenbrock").expect("it is in the catalogue").build(&[2.0]).expect("two coordinates");
        let here = curvature(&Run::silent(), &*potential, &[1.0, 1.0]).expect("not stopped");
        assert!((here.log_product - 400f64.ln()).abs() < 1e-10);
        assert!((here.lowest[0] + here.lowest[1] - 1002.0).abs() < 1e-9);
        assert_eq!(here.index, 0);
    }
}
