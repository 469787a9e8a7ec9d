//! Newton steps on a reduced Hessian: down inside a trust radius, and up along one mode and down in all others.
//!
//! `trust_step` minimises the model g·s + ½ sᵀHs over |s| ≤ Δ: s = −(H + σ)⁻¹ g with σ ≥ max(0, −h₁) and |s| = Δ unless the Newton step
//! lies inside. σ solves 1/Δ − 1/|s(σ)| = 0 by Newton's method, which comes from the left without overshooting:
//! σ ← σ + (|s|²/sᵀ(H + σ)⁻¹s) (|s| − Δ)/Δ, starting at −h₁ + |g·e₁|/Δ, where |s| ≥ Δ for certain. In the hard case (g without a part
//! along e₁ and |s(−h₁)| < Δ) the step goes on along e₁ to the boundary.
//! `saddle_step` goes up along e₁ (or several of the lowest modes, for points of higher index) by p = 2 γ/(√(h₁² + 4γ²) − h₁), γ = g·e₁ (for h₁ < 0 that is 2γ/(|h₁|(1 + √(1 + 4γ²/h₁²)))), and solves
//! the trust-region equation in the complement of e₁, where σ ≥ max(0, −h₂).
//!
//! Cost after `reduce`: O(n) for each σ (three to six of them), one or two eigenvalues where H is not positive definite, and two vectors
//! through the reflections. For n = 74: 7 µs where Newton's step fits, 12 on the boundary.
//! When it fails: where the matrix is not finite the step is NaN. Zero modes must be shifted away first (`shift_modes`), or their noise
//! divided by their noise fills the radius.
//! References: J. J. Moré, D. C. Sorensen, SIAM J. Sci. Stat. Comput. 4, 553 (1983), doi:10.1137/0904038 (trust region);
//! A. Banerjee, N. Adams, J. Simons, R. Shepard, J. Phys. Chem. 89, 52 (1985), doi:10.1021/j100247a015 (P-RFO);
//! L. J. Munro, D. J. Wales, Phys. Rev. B 59, 3969 (1999), doi:10.1103/PhysRevB.59.3969 (uphill step).

use super::super::matrix::{add_scaled, dot, norm};
use super::tridiagonal::Tridiagonal;

/// What `trust_step` did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrustStep {
    /// |s|.
    pub length: f64,
    /// σ; 0 for a Newton step.
    pub shift: f64,
    /// g·s + ½ sᵀHs: what the energy should change by (never positive).
    pub predicted: f64,
    /// The Hessian is positive definite, and the step is Newton's own.
    pub newton: bool,
    /// The gradient has no part along the lowest mode: the step was filled up along it.
    pub hard_case: bool,
}

/// What `saddle_step` did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SaddleStep {
    /// |s|.
    pub length: f64,
    /// Part along the mode that is climbed, in the sense of `vector`; its length where there are several.
    pub uphill: f64,
    /// Length of the rest.
    pub downhill: f64,
    /// Eigenvalue of the mode.
    pub eigenvalue: f64,
    /// σ in the complement.
    pub shift: f64,
    /// g·s + ½ sᵀHs of the part that climbs and of the rest.
    pub predicted: [f64; 2],
}

/// |s| agrees with Δ to this part: a trust radius is a guess of one digit.
const RADIUS_TOLERANCE: f64 = 1e-4;

/// Rounds of the secular iteration; four are usual.
const ROUNDS: usize = 50;

impl Tridiagonal {
    /// The step −(H + σ)⁻¹ g of at most `radius` into `out` (full space, length n). See the head of the file.
    pub fn trust_step(&mut self, g: &[f64], radius: f64, out: &mut [f64]) -> TrustStep {
        let n = self.n;
        if n == 0 {
            return TrustStep { length: 0.0, shift: 0.0, predicted: 0.0, newton: true, hard_case: false };
        }
        let [mut b, mut y, mut z, mut pivots, mut u] = std::mem::take(&mut self.scratch);
        b.clear();
        b.extend_from_slice(g);
        self.to_reduced(&mut b);
        let step = self.reduced_trust_step(&b, radius, [&mut y, &mut z, &mut pivots, &mut u]);
        out.copy_from_slice(&y);
        self.scratch = [b, y, z, pivots, u];
        self.from_reduced(out);
        step
    }

    /// The same in the reduced space: y gets the step.
    fn reduced_trust_step(&mut self, b: &[f64], radius: f64, [y, z, pivots, u]: [&mut Vec<f64>; 4]) -> TrustStep {
        let n = self.n;
        if !self.finite || b.iter().any(|x| !x.is_finite()) {
            y.clear();
            y.resize(n, f64::NAN);
            return TrustStep { length: f64::NAN, shift: f64::NAN, predicted: f64::NAN, newton: false, hard_case: false };
        }
        // A pivot this small says that the matrix is singular for all that rounding can tell.
        let tiny = f64::EPSILON * self.scale;
        let mut sigma = 0.0;
        let (mut left, mut right) = (0.0, f64::INFINITY);
        let mut length;
        let definite = self.solve_definite(0.0, tiny, b, y, pivots);
        if definite {
            length = norm(y);
            if length <= radius {
                return TrustStep { length, shift: 0.0, predicted: 0.5 * dot(b, y), newton: true, hard_case: false };
            }
        } else {
            let lowest = self.find_softest();
            u.clone_from(&self.softest);
            let along = dot(u, b);
            left = (-lowest).max(0.0);
            sigma = left + (along.abs() / radius).max(1e-12 * self.scale);
            while !self.solve_definite(sigma, 0.0, b, y, pivots) {
                // Rounding: the eigenvalue is known to a few eps of the norm only.
                sigma = left + 4.0 * (sigma - left).max(4.0 * f64::MIN_POSITIVE);
            }
            length = norm(y);
            if length < radius {
                // The part along u is as good as zero, or the start would lie on the left side: go on along u to the boundary.
                let have = dot(y, u);
                let sign = if have != 0.0 { have.signum() } else { 1.0 };
                let t = (have * have + radius * radius - length * length).max(0.0).sqrt() - have.abs();
                add_scaled(y, sign * t, u);
                let predicted = dot(b, y) + 0.5 * self.curvature(y);
                return TrustStep {
                    length: norm(y),
                    shift: sigma,
                    predicted,
                    newton: false,
                    hard_case: t > RADIUS_TOLERANCE * radius,
                };
            }
        }
        for _ in 0..ROUNDS {
            if (length - radius).abs() <= RADIUS_TOLERANCE * radius {
                break;
            }
            if length > radius {
                left = sigma;
            } else {
                right = sigma;
            }
            // |s|² / sᵀ (T + σ)⁻¹ s with the factors that are there.
            z.clone_from(y);
            solve_with(pivots, &self.below, z);
            let mut next = sigma + length * length / dot(y, z) * (length - radius) / radius;
            if !(next > left && next < right) {
                next = if right.is_finite() { 0.5 * (left + right) } else { 2.0 * sigma + 1e-3 * self.scale };
            }
            if !self.solve_definite(next, 0.0, b, y, pivots) {
                left = next;
                next = if right.is_finite() { 0.5 * (left + right) } else { 2.0 * next + 1e-3 * self.scale };
                if !self.solve_definite(next, 0.0, b, y, pivots) {
                    break;
                }
            }
            sigma = next;
            length = norm(y);
        }
        shorten(y, &mut length, radius);
        // H s = −g − σ s, so g·s + ½ sᵀHs = ½ (g·s − σ |s|²).
        TrustStep {
            length,
            shift: sigma,
            predicted: 0.5 * (dot(b, y) - sigma * length * length),
            newton: false,
            hard_case: false,
        }
    }

    /// The step up along the `climbed` lowest modes and down in all others, of at most `radius` in each of the two parts, into `out` (full
    /// space, length n). `vector` gets the lowest mode: length 1, pointing the way its old content points (if that is finite).
    pub fn saddle_step(&mut self, g: &[f64], radius: f64, climbed: usize, vector: &mut [f64], out: &mut [f64]) -> SaddleStep {
        let n = self.n;
        let failed = f64::NAN;
        if n == 0 || !self.finite || g.iter().any(|x| !x.is_finite()) {
            out.fill(failed);
            return SaddleStep {
                length: failed,
                uphill: failed,
                downhill: failed,
                eigenvalue: failed,
                shift: failed,
                predicted: [failed; 2],
            };
        }
        let climbed = climbed.clamp(1, n);
        let [mut b, mut y, mut z, unused, mut u] = std::mem::take(&mut self.scratch);
        let eigenvalue = self.find_softest();
        u.clone_from(&self.softest);
        // The same sense as before: to_reduced keeps dot products.
        out.copy_from_slice(vector);
        vector.copy_from_slice(&u);
        self.from_reduced(vector);
        if dot(out, vector) < 0.0 {
            vector.iter_mut().for_each(|x| *x = -*x);
            u.iter_mut().for_each(|x| *x = -*x);
        }
        let mut modes = vec![u];
        let values = self.lowest_values(climbed);
        for &value in &values[1..] {
            let mut next = Vec::new();
            self.reduced_eigenvector(value, &modes, &mut next);
            modes.push(next);
        }
        b.clear();
        b.extend_from_slice(g);
        self.to_reduced(&mut b);

        // Up, in each mode: the higher root of the two-level problem [h γ; γ 0].
        let reach = radius / (climbed as f64).sqrt();
        let mut rise = 0.0;
        let mut ups = Vec::with_capacity(climbed);
        for (u, value) in modes.iter().zip(&values) {
            let along = dot(&b, u);
            add_scaled(&mut b, -along, u);
            let root = (value * value + 4.0 * along * along).sqrt() - value;
            let up = if along == 0.0 { 0.0 } else { (2.0 * along / root).clamp(-reach, reach) };
            rise += up * (along + 0.5 * value * up);
            ups.push(up);
        }
        let project = |v: &mut Vec<f64>| {
            for u in &modes {
                let noise = dot(v, u);
                add_scaled(v, -noise, u);
            }
        };

        // Down: the lowest eigenvalue of the complement bounds the shift, where it is not positive.
        let tiny = self.smallest_pivot();
        let bound = if self.count_below(tiny) <= climbed { f64::INFINITY } else { self.lowest_values(climbed + 1)[climbed] };
        let size = norm(&b);
        let (mut sigma, mut downhill) = (0.0, 0.0);
        y.clear();
        y.resize(n, 0.0);
        if n > 1 && size > 0.0 {
            let floor = (-bound).max(0.0);
            let (mut left, mut right) = (floor, size / radius + floor);
            // Beside a definite complement Newton's own step may do; otherwise begin where the step is short for certain.
            sigma = if bound == f64::INFINITY { 0.0 } else { right };
            for round in 0..ROUNDS {
                self.factors.factorise(&self.diagonal, &self.below, -sigma, tiny);
                y.iter_mut().zip(&b).for_each(|(y, b)| *y = -b);
                self.factors.solve(&mut y);
                // A mode that is climbed is a solution's noise here, however near −σ its eigenvalue lies.
                project(&mut y);
                downhill = norm(&y);
                if (round == 0 && sigma == 0.0 && downhill <= radius) || (downhill - radius).abs() <= RADIUS_TOLERANCE * radius {
                    break;
                }
                if downhill > radius {
                    left = sigma;
                } else {
                    right = sigma;
                }
                z.clone_from(&y);
                self.factors.solve(&mut z);
                project(&mut z);
                let mut next = sigma + downhill * downhill / dot(&y, &z) * (downhill - radius) / radius;
                if !(next > left && next < right) {
                    // The hard case ends here too: the shift falls to the floor and the step stays inside the radius.
                    next = 0.5 * (left + right);
                    if !(next > left && next < right) || right - left <= 1e-10 * self.scale {
                        break;
                    }
                }
                sigma = next;
            }
            shorten(&mut y, &mut downhill, radius);
        }
        let predicted = [rise, dot(&b, &y) + 0.5 * self.curvature(&y)];
        for (u, up) in modes.iter().zip(&ups) {
            add_scaled(&mut y, *up, u);
        }
        out.copy_from_slice(&y);
        let uphill = if climbed == 1 { ups[0] } else { norm(&ups) };
        self.scratch = [b, y, z, unused, modes.swap_remove(0)];
        self.from_reduced(out);
        SaddleStep { length: downhill.hypot(uphill), uphill, downhill, eigenvalue, shift: sigma, predicted }
    }

    /// y ← −(T + σ)⁻¹ b by L D Lᵀ; false where a pivot is not above `tiny`: the matrix is not positive definite.
    fn solve_definite(&self, sigma: f64, tiny: f64, b: &[f64], y: &mut Vec<f64>, pivots: &mut Vec<f64>) -> bool {
        pivots.clear();
        let mut correction = 0.0;
        for (&d, &e) in self.diagonal.iter().zip(&self.below) {
            let p = d + sigma - correction;
            // (not `p <= tiny`: an undefined pivot must fail too)
            if !(p > tiny) {
                return false;
            }
            pivots.push(p);
            correction = e / p * e;
        }
        y.clear();
        y.extend(b.iter().map(|b| -b));
        solve_with(pivots, &self.below, y);
        true
    }
}

/// y ← (L D Lᵀ)⁻¹ y, where L has below[i] / pivots[i] under its diagonal of ones.
fn solve_with(pivots: &[f64], below: &[f64], y: &mut [f64]) {
    let n = y.len();
    for i in 1..n {
        y[i] -= below[i - 1] / pivots[i - 1] * y[i - 1];
    }
    y[n - 1] /= pivots[n - 1];
    for i in (0..n - 1).rev() {
        y[i] = (y[i] - below[i] * y[i + 1]) / pivots[i];
    }
}

/// Cuts y to the radius.
fn shorten(y: &mut [f64], length: &mut f64, radius: f64) {
    if *length > radius {
        let s = radius / *length;
        y.iter_mut().for_each(|x| *x *= s);
        *length = radius;
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Matrix;
    use super::super::symmetric_eigen;
    use super::super::tests::{random_symmetric, with_spectrum};
    use super::*;

    fn reduced(m: &Matrix) -> Tridiagonal {
        let mut t = Tridiagonal::new();
        t.reduce(m);
        t
    }

    fn gradient(n: usize) -> Vec<f64> {
        (0..n).map(|i| (1.7 * i as f64 + 0.3).sin()).collect()
    }

    /// g·s + ½ sᵀHs.
    fn model(m: &Matrix, g: &[f64], s: &[f64]) -> f64 {
        dot(g, s) + 0.5 * (0..g.len()).map(|i| s[i] * dot(m.row(i), s)).sum::<f64>()
    }

    /// The conditions that make a step the global minimum of the model in the ball (Moré and Sorensen's lemma 2.1 and 2.3).
    fn check_trust(m: &Matrix, g: &[f64], radius: f64) -> TrustStep {
        let n = g.len();
        let mut s = vec![0.0; n];
        let step = reduced(m).trust_step(g, radius, &mut s);
        let (values, _) = symmetric_eigen(m);
        let scale = values.iter().fold(1e-300f64, |a, h| a.max(h.abs()));
        assert!(step.length <= radius * (1.0 + 1e-12) && (norm(&s) - step.length).abs() < 1e-12 * radius, "{step:?}");
        assert!(values[0] + step.shift >= -1e-10 * scale, "H + σ has a negative eigenvalue: {step:?}, {}", values[0]);
        if step.shift > 0.0 {
            assert!(step.length > radius * (1.0 - 2e-4), "a shifted step ends on the boundary: {step:?}");
        }
        for i in 0..n {
            let r = dot(m.row(i), &s) + step.shift * s[i] + g[i];
            assert!(r.abs() <= 2e-3 * norm(g) + 1e-9 * scale * radius, "residual {r} in row {i}: {step:?}");
        }
        assert!((model(m, g, &s) - step.predicted).abs() <= 1e-3 * step.predicted.abs() + 1e-12 * scale, "{step:?}");
        assert!(step.predicted <= 0.0);
        step
    }

    #[test]
    fn a_newton_step_inside_the_radius_is_newtons() {
        let m = with_spectrum(&[0.5, 1.0, 2.0, 8.0], 3);
        let step = check_trust(&m, &gradient(4), 100.0);
        assert!(step.newton && step.shift == 0.0);
        assert!(reduced(&Matrix::from_rows(1, 1, vec![2.0])).trust_step(&[1.0], 9.0, &mut [0.0]).newton);
    }

    #[test]
    fn steps_on_the_boundary_solve_the_trust_region_equation() {
        for n in [1, 2, 3, 10, 40, 74] {
            for radius in [1e-6, 1e-3, 0.1, 1.0, 100.0] {
                check_trust(&random_symmetric(n, 2), &gradient(n), radius);
            }
        }
        // Networks: curvatures of 1e-6 beside 6.
        let soft: Vec<f64> = (0..30).map(|k| 6.0 * 10f64.powf(-0.2 * k as f64)).collect();
        let mut mixed = soft.clone();
        mixed[3] = -1e-5;
        mixed[4] = -2.0;
        for radius in [1e-3, 0.1, 1.0, 1e3] {
            check_trust(&with_spectrum(&soft, 4), &gradient(30), radius);
            check_trust(&with_spectrum(&mixed, 4), &gradient(30), radius);
        }
    }

    #[test]
    fn the_hard_case_is_filled_up_along_the_lowest_mode() {
        let m = with_spectrum(&[-1.0, 2.0, 3.0, 4.0, 5.0], 9);
        let u = symmetric_eigen(&m).1.column(0);
        let mut g = gradient(5);
        let s = dot(&g, &u);
        add_scaled(&mut g, -s, &u);
        assert!(check_trust(&m, &g, 10.0).hard_case);
        // No gradient at all on a saddle: straight down the mode.
        assert!(check_trust(&m, &[0.0; 5], 0.5).hard_case);
        // A short radius needs no filling up.
        assert!(!check_trust(&m, &g, 0.01).hard_case);
        assert!(check_trust(&Matrix::from_rows(1, 1, vec![-2.0]), &[0.0], 0.5).hard_case);
    }

    #[test]
    fn saddle_steps_follow_the_closed_form_in_the_eigenbasis() {
        for (n, seed) in [(2, 1), (3, 2), (12, 3), (74, 4)] {
            let m = random_symmetric(n, seed);
            let g = gradient(n);
            let (values, vectors) = symmetric_eigen(&m);
            for radius in [0.05, 0.4, 5.0] {
                let (mut s, mut u) = (vec![0.0; n], vectors.column(0));
                let step = reduced(&m).saddle_step(&g, radius, 1, &mut u, &mut s);
                assert!(dot(&u, &vectors.column(0)) > 1.0 - 1e-12 && (step.eigenvalue - values[0]).abs() < 1e-12);
                let along = dot(&g, &u);
                let (h, ratio) = (values[0].abs(), along / values[0]);
                let expected = 2.0 * along / (h * (1.0 + (1.0 + 4.0 * ratio * ratio).sqrt()));
                assert!((dot(&s, &u) - expected.clamp(-radius, radius)).abs() < 1e-10, "up, n = {n}");
                assert!((step.uphill - dot(&s, &u)).abs() < 1e-12);
                let mut rest = 0.0;
                for k in 1..n {
                    let e = vectors.column(k);
                    let part = -dot(&g, &e) / (values[k] + step.shift);
                    assert!((dot(&s, &e) - part).abs() <= 3e-4 * radius, "mode {k} of {n}: {} for {part}", dot(&s, &e));
                    rest += part * part;
                }
                assert!(values[1] + step.shift > -1e-9, "n = {n}, {step:?}");
                assert!(rest.sqrt() <= radius * 1.001 && (step.downhill - rest.sqrt()).abs() <= 1e-3 * radius);
                let predicted: f64 = step.predicted.iter().sum();
                assert!((model(&m, &g, &s) - predicted).abs() < 1e-9 * (1.0 + predicted.abs()));
            }
        }
    }

    #[test]
    fn saddle_steps_converge_on_a_saddle_and_keep_their_sense() {
        // E = −x² + y² + z² + 0.1 x³ around its saddle in the origin: Newton's rate near it.
        let mut x = [0.3, -0.2, 0.4];
        let mut t = Tridiagonal::new();
        let mut u = vec![-1.0, 0.0, 0.0];
        for _ in 0..6 {
            let m = Matrix::from_rows(3, 3, vec![-2.0 + 0.6 * x[0], 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0]);
            let g = [-2.0 * x[0] + 0.3 * x[0] * x[0], 2.0 * x[1], 2.0 * x[2]];
            let mut s = [0.0; 3];
            t.reduce(&m);
            let step = t.saddle_step(&g, 0.5, 1, &mut u, &mut s);
            assert!(u[0] < -0.999 && step.length <= 0.75);
            (0..3).for_each(|i| x[i] += s[i]);
        }
        assert!(norm(&x) < 1e-12, "{x:?}");
    }

    #[test]
    fn one_dimension_and_undefined_numbers_are_answered() {
        let (mut u, mut s) = ([1.0], [0.0]);
        let step = reduced(&Matrix::from_rows(1, 1, vec![-2.0])).saddle_step(&[0.5], 1.0, 1, &mut u, &mut s);
        // Uphill: towards the maximum, against the downhill direction −g.
        assert!(s[0] > 0.0 && step.downhill == 0.0);
        let mut t = reduced(&Matrix::from_rows(1, 1, vec![f64::NAN]));
        assert!(t.trust_step(&[1.0], 1.0, &mut s).length.is_nan() && s[0].is_nan());
        assert!(t.saddle_step(&[1.0], 1.0, 1, &mut u, &mut s).length.is_nan());
    }
}
