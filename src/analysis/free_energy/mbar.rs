//! MBAR: one free energy for each of several biased ensembles from all their samples together, and the weights of the samples without bias.
//!
//! With u_kn the reduced bias of ensemble k at sample n and N_k samples from it, exp(−f_k) = Σ_n c_n exp(−u_kn)/D_n, D_n = Σ_k N_k exp(f_k − u_kn); c_n
//! counts how often a sample is taken (a bootstrap draw). It is the stationary point of the convex function Σ c_n ln D_n − Σ N_k f_k,
//! found by Newton steps and, where one of those does not help, by the self-consistent equation itself. All sums over exponentials
//! are taken relative to their largest term. f_0 = 0. Unbiased averages weigh sample n with 1/D_n.
//! Cost: K N exponentials and K² N flops an iteration. Another draw of the same samples starts at the solution and needs no exponentials.
//! When it fails: ensembles that share no samples leave their difference undetermined; the overlap matrix O_ij = N_j Σ W_ni W_nj shows it (rows
//! add up to 1; below 0.03 beside the diagonal nothing can be said).
//!
//! Reference: M. R. Shirts, J. D. Chodera, J. Chem. Phys. 129, 124105 (2008), doi:10.1063/1.2978177; the overlap matrix: P. V. Klimovich,
//! M. R. Shirts, D. L. Mobley, J. Comput. Aided Mol. Des. 29, 397 (2015), doi:10.1007/s10822-015-9840-9.

use crate::base::{Error, Result, Run};
use crate::math::Matrix;
use crate::math::linear::Factors;

/// Largest deviation of Σ W from 1 of any ensemble at the end.
const TOLERANCE: f64 = 1e-10;
/// The same in a bootstrap draw, whose own spread is far larger.
const DRAW_TOLERANCE: f64 = 1e-5;
const MOST_ITERATIONS: usize = 10_000;
/// Iterations for a draw.
const MOST_REPEATS: usize = 60;
/// Chance of stemming from an ensemble below which a draw leaves it out.
const NEGLIGIBLE: f64 = 1e-9;

/// The solution.
#[derive(Debug, Clone)]
pub struct Mbar {
    /// Reduced free energy of each ensemble; the first is 0.
    pub free_energies: Vec<f64>,
    /// ln D of each sample.
    pub log_denominators: Vec<f64>,
    /// W_nk = exp(f_k − u_kn)/D_n, a row a sample; each column adds up to 1.
    pub weights: Matrix,
    counts: Vec<f64>,
}

/// Solves for the ensembles' free energies. `reduced` holds u_kn, a row a sample and a column an ensemble (what was swapped is told
/// by the shape of `counts`); `counts` the number of samples from each.
///
/// Errors: sizes that do not fit, biases that are not finite, no convergence, a run that is stopped.
pub fn solve(run: &Run, reduced: &Matrix, counts: &[f64]) -> Result<Mbar> {
    let (samples, states) = (reduced.rows, reduced.columns);
    let total: f64 = counts.iter().sum();
    if counts.len() != states || total != samples as f64 || counts.iter().any(|c| !(*c >= 0.0)) {
        let message = format!(
            "mbar: {samples} samples in {states} ensembles need {states} counts that add up to {samples}, found {} that add up to {total}",
            counts.len()
        );
        return Err(Error::shape(message).at("counts"));
    }
    if let Some(at) = reduced.data.iter().position(|u| u.is_nan() || *u == f64::NEG_INFINITY) {
        let message =
            format!("mbar: the reduced energy of sample {} in ensemble {} is {}", at / states, at % states, reduced.data[at]);
        return Err(Error::value(message).at("reduced"));
    }
    let task = run.task("mbar", None);
    let mut f = vec![0.0; states];
    let mut work = Work::new(reduced, counts);
    work.evaluate(&f);
    for _ in 0..MOST_ITERATIONS {
        task.tick(1, || format!("off by {:.1e}", work.off()))?;
        if work.off() < TOLERANCE {
            let off = f[0];
            let log_denominators = work.log_denominators.iter().map(|d| d - off).collect();
            f.iter_mut().for_each(|f| *f -= off);
            return Ok(Mbar { free_energies: f, log_denominators, weights: work.weights, counts: counts.to_vec() });
        }
        let before = work.off();
        let plain: Vec<f64> = f.iter().zip(&work.sums).map(|(f, s)| f - s.ln()).collect();
        if let Some(newton) = work.newton(&f) {
            work.evaluate(&newton);
            if work.off() < before {
                f = newton;
                continue;
            }
        }
        f = plain;
        work.evaluate(&f);
        if f.iter().any(|f| !f.is_finite()) {
            break;
        }
    }
    Err(Error::value("mbar: the free energies of the ensembles do not converge")
        .hint("some of them share no samples with the others: put more windows between them"))
}

struct Work<'a> {
    reduced: &'a Matrix,
    counts: &'a [f64],
    log_denominators: Vec<f64>,
    weights: Matrix,
    /// Σ_n W_nk.
    sums: Vec<f64>,
}

impl<'a> Work<'a> {
    fn new(reduced: &'a Matrix, counts: &'a [f64]) -> Work<'a> {
        let (samples, states) = (reduced.rows, reduced.columns);
        let weights = Matrix::zeros(samples, states);
        Work { reduced, counts, log_denominators: vec![0.0; samples], weights, sums: vec![0.0; states] }
    }

    fn evaluate(&mut self, f: &[f64]) {
        self.sums.fill(0.0);
        for n in 0..self.reduced.rows {
            let (u, row) = (self.reduced.row(n), self.weights.row_mut(n));
            let mut largest = f64::NEG_INFINITY;
            for k in 0..f.len() {
                row[k] = f[k] - u[k];
                if self.counts[k] > 0.0 {
                    largest = largest.max(row[k]);
                }
            }
            let mut sum = 0.0;
            for k in 0..f.len() {
                row[k] = (row[k] - largest).exp();
                sum += self.counts[k] * row[k];
            }
            for (total, w) in self.sums.iter_mut().zip(row) {
                *w /= sum;
                *total += *w;
            }
            self.log_denominators[n] = largest + sum.ln();
        }
    }

    /// Largest deviation of the conditions from being met.
    fn off(&self) -> f64 {
        // Written so that NaN is far off.
        self.sums.iter().fold(0.0, |m, s| if (s - 1.0).abs() <= m { m } else { (s - 1.0).abs() })
    }

    fn newton(&self, f: &[f64]) -> Option<Vec<f64>> {
        let sampled: Vec<usize> = (0..f.len()).filter(|k| self.counts[*k] > 0.0).skip(1).collect();
        let first = (0..f.len()).find(|k| self.counts[*k] > 0.0)?;
        let mut step: Vec<f64> = sampled.iter().map(|k| self.counts[*k] * (1.0 - self.sums[*k])).collect();
        if !step.is_empty() {
            Factors::new(curvature(&self.weights, self.counts, &sampled))?.solve(&mut step);
        }
        let mut next = f.to_vec();
        sampled.iter().zip(&step).for_each(|(k, s)| next[*k] += s);
        // Ensembles without samples follow from the others.
        for k in (0..f.len()).filter(|k| self.counts[*k] == 0.0) {
            next[k] -= self.sums[k].ln();
        }
        next[first] = f[first];
        next.iter().all(|f| f.is_finite()).then_some(next)
    }
}

/// Second derivatives of the convex function in the free energies of these ensembles.
fn curvature(weights: &Matrix, counts: &[f64], of: &[usize]) -> Matrix {
    let m = of.len();
    let mut hessian = Matrix::zeros(m, m);
    let mut part = vec![0.0; m];
    for n in 0..weights.rows {
        let row = weights.row(n);
        of.iter().zip(&mut part).for_each(|(k, p)| *p = counts[*k] * row[*k]);
        for i in 0..m {
            let own = part[i];
            let line = &mut hessian.data[i * m..i * m + i + 1];
            line.iter_mut().zip(&part).for_each(|(h, p)| *h -= own * p);
            line[i] += own;
        }
    }
    hessian.mirror_lower();
    hessian
}

impl Mbar {
    /// O_ij = N_j Σ_n W_ni W_nj: the chance that a sample of ensemble i is taken for one of j. Each row adds up to 1.
    pub fn overlap(&self) -> Matrix {
        let k = self.counts.len();
        let mut overlap = Matrix::zeros(k, k);
        for n in 0..self.weights.rows {
            let row = self.weights.row(n);
            for i in 0..k {
                for j in 0..k {
                    overlap[(i, j)] += row[i] * row[j] * self.counts[j];
                }
            }
        }
        overlap
    }

    /// A solver for draws of the same samples.
    pub fn redraws(&self) -> Redraws {
        let counts = &self.counts;
        let free: Vec<usize> = (0..counts.len()).filter(|k| counts[*k] > 0.0).skip(1).collect();
        let factors = if free.is_empty() { None } else { Factors::new(curvature(&self.weights, counts, &free)) };
        let (mut shares, mut ends) = (Vec::new(), Vec::with_capacity(self.weights.rows));
        for n in 0..self.weights.rows {
            let row = self.weights.row(n).iter().zip(counts).enumerate();
            shares.extend(row.map(|(k, (w, c))| (k as u32, w * c)).filter(|(_, share)| *share > NEGLIGIBLE));
            ends.push(shares.len());
        }
        Redraws { counts: counts.clone(), shares, ends, free, factors }
    }
}

/// Draws of the samples of a solution: the curvature there serves for all of them, and what is far away is left out.
pub struct Redraws {
    counts: Vec<f64>,
    /// N_k W_nk of the ensembles that a sample may stem from, sample after sample.
    shares: Vec<(u32, f64)>,
    ends: Vec<usize>,
    free: Vec<usize>,
    factors: Option<Factors>,
}

impl Redraws {
    /// 1/D_n of every sample as a share of that of the solution itself, up to a common factor, when sample n is taken `times[n]` times. Blocks are
    /// drawn within each ensemble, so that the numbers of samples stay. Nothing where it does not converge.
    pub fn factors(&self, times: &[f64]) -> Option<Vec<f64>> {
        let counts = &self.counts;
        // Blocks differ by a row in length.
        let target = times.iter().sum::<f64>() / times.len() as f64;
        // exp of how far each free energy has moved.
        let mut moved = vec![1.0; counts.len()];
        // N_k Σ_n W_nk.
        let mut sums = vec![0.0; counts.len()];
        let mut inverse = vec![0.0; times.len()];
        for _ in 0..MOST_REPEATS {
            sums.fill(0.0);
            let mut begin = 0;
            for (n, end) in self.ends.iter().enumerate() {
                let row = &self.shares[begin..*end];
                begin = *end;
                let sum: f64 = row.iter().map(|(k, share)| share * moved[*k as usize]).sum();
                inverse[n] = 1.0 / sum;
                let scale = times[n] / sum;
                row.iter().for_each(|(k, share)| sums[*k as usize] += scale * share * moved[*k as usize]);
            }
            let off = self.free.iter().map(|k| (sums[*k] / (target * counts[*k]) - 1.0).abs()).fold(0.0, f64::max);
            if off < DRAW_TOLERANCE {
                return Some(inverse);
            }
            match &self.factors {
                Some(factors) if off < 0.5 => {
                    let mut step: Vec<f64> = self.free.iter().map(|k| counts[*k] * target - sums[*k]).collect();
                    factors.solve(&mut step);
                    self.free.iter().zip(&step).for_each(|(k, s)| moved[*k] *= s.clamp(-2.0, 2.0).exp());
                }
                _ => {
                    let first = counts.iter().position(|c| *c > 0.0).map_or(1.0, |k| sums[k] / (target * counts[k]));
                    self.free.iter().for_each(|k| moved[*k] *= first * target * counts[*k] / sums[*k]);
                }
            }
            if moved.iter().any(|m| !(m.is_finite() && *m > 0.0)) {
                return None;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::stream;
    use rand::RngExt;
    use rand_distr::StandardNormal;

    /// Samples of three springs ½ k (x − c)², and their reduced energies in all of them.
    fn springs() -> (Vec<f64>, Matrix, Vec<f64>) {
        let samples = [-0.9, -0.35, 0.1, 0.4, 0.75, 1.3, 0.2, 0.9, 1.4, 2.1, 1.1, 1.7, 2.2, 2.6, 3.4];
        let springs = [(1.0, 0.0), (2.0, 1.0), (1.5, 2.2)];
        let rows = samples.iter().flat_map(|x| springs.map(|(k, c)| 0.5 * k * (x - c) * (x - c))).collect();
        (samples.to_vec(), Matrix::from_rows(15, 3, rows), vec![6.0, 4.0, 5.0])
    }

    #[test]
    fn agrees_with_pymbar() {
        let (samples, reduced, counts) = springs();
        let found = solve(&Run::silent(), &reduced, &counts).unwrap();
        // pymbar 4, solver_protocol="robust", relative tolerance 1e-14, of the same numbers.
        let published = [0.0, 0.12453351337662, -0.0122588185486];
        assert!(found.free_energies.iter().zip(published).all(|(f, p)| (f - p).abs() < 1e-9), "{:?}", found.free_energies);
        let overlap = found.overlap();
        let published = [
            0.62760126780905,
            0.2613944231574,
            0.11100430903355,
            0.3920916347361,
            0.35816351366393,
            0.24974485159998,
            0.13320517084026,
            0.19979588127998,
            0.66699894787976,
        ];
        assert!(overlap.data.iter().zip(published).all(|(o, p)| (o - p).abs() < 1e-8), "{:?}", overlap.data);
        // And the free energy of an ensemble that was not sampled, ½·0.3 x², relative to the first.
        let sum: f64 = samples.iter().zip(&found.log_denominators).map(|(x, d)| (-0.15 * x * x - d).exp()).sum();
        assert!((-sum.ln() - -0.43806395959818).abs() < 1e-9, "{}", -sum.ln());
        // An ensemble without samples gives the same.
        let rows = samples.iter().enumerate().flat_map(|(n, x)| [reduced.row(n), &[0.15 * x * x]].concat()).collect();
        let four = solve(&Run::silent(), &Matrix::from_rows(15, 4, rows), &[6.0, 4.0, 5.0, 0.0]).unwrap();
        assert!((four.free_energies[3] - -0.43806395959818).abs() < 1e-9);
    }

    #[test]
    fn springs_of_different_strength_differ_by_half_the_logarithm() {
        let springs = [(1.0, 0.0), (4.0, 0.5), (16.0, 1.0), (2.0, 1.5)];
        let mut random = stream(3, 0);
        let mut rows = Vec::new();
        for (k, c) in springs {
            for _ in 0..4000 {
                let kick: f64 = random.sample(StandardNormal);
                let x = c + kick / f64::sqrt(k);
                rows.extend(springs.map(|(k, c)| 0.5 * k * (x - c) * (x - c)));
            }
        }
        let reduced = Matrix::from_rows(16_000, 4, rows);
        let found = solve(&Run::silent(), &reduced, &[4000.0; 4]).unwrap();
        for (f, (k, _)) in found.free_energies.iter().zip(springs) {
            // Four ensembles that overlap well: errors of about 0.015.
            assert!((f - 0.5 * f64::ln(k)).abs() < 0.06, "{:?}", found.free_energies);
        }
        for row in 0..4 {
            assert!((found.overlap().row(row).iter().sum::<f64>() - 1.0).abs() < 1e-8);
        }
        // A draw that takes everything once changes nothing; one solved as a draw is the one solved from the beginning.
        let redraws = found.redraws();
        assert!(redraws.factors(&[1.0; 16_000]).unwrap().iter().all(|f| (f - 1.0).abs() < 1e-9));
        let times: Vec<f64> = (0..16_000).map(|n| if n % 2 == 0 { 2.0 } else { 0.0 }).collect();
        let factors = redraws.factors(&times).unwrap();
        let rows = (0..16_000).step_by(2).flat_map(|n| reduced.row(n).to_vec()).collect();
        let half = solve(&Run::silent(), &Matrix::from_rows(8000, 4, rows), &[2000.0; 4]).unwrap();
        let ratio = |n: usize| (found.log_denominators[2 * n] - factors[2 * n].ln() - half.log_denominators[n]).exp();
        for n in 0..8000 {
            assert!((ratio(n) / ratio(0) - 1.0).abs() < 1e-4, "{n}: {}", ratio(n));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (_, reduced, _) = springs();
        let says = |m: &Matrix, counts: &[f64]| solve(&Run::silent(), m, counts).unwrap_err().to_string();
        assert!(says(&reduced, &[6.0, 4.0]).contains("need 3 counts that add up to 15, found 2"));
        let mut wrong = reduced.clone();
        wrong[(4, 1)] = f64::NAN;
        assert!(says(&wrong, &[6.0, 4.0, 5.0]).contains("sample 4 in ensemble 1"));
    }
}
