//! T − s for tridiagonal T factorised with row exchanges between neighbours: stable for any shift, O(n).
//!
//! This is Gaussian elimination with partial pivoting; an exchange fills in one line above the upper one. Where T − s is singular its
//! last pivot vanishes: it is replaced by a tiny one, which is what inverse iteration lives on.
//! Reference: Golub and Van Loan, Matrix Computations, 4th edition, section 4.3 (as LAPACK's dgttrf and dgttrs).

/// T − s = P L U with row exchanges between neighbours: stable for any shift.
#[derive(Debug, Clone, Default)]
pub(super) struct Factors {
    /// Multipliers, pivots turned over, first and second line above them; whether rows i and i + 1 changed places.
    l: Vec<f64>,
    inverse: Vec<f64>,
    u1: Vec<f64>,
    u2: Vec<f64>,
    exchanged: Vec<bool>,
}

impl Factors {
    /// Factorises T − s; a pivot smaller than `tiny` is replaced by it.
    pub(super) fn factorise(&mut self, diagonal: &[f64], below: &[f64], s: f64, tiny: f64) {
        let n = diagonal.len();
        for v in [&mut self.l, &mut self.inverse, &mut self.u1, &mut self.u2] {
            v.clear();
            v.resize(n, 0.0);
        }
        self.exchanged.clear();
        self.exchanged.resize(n, false);
        let guard = |x: f64| if x.abs() < tiny { tiny.copysign(x) } else { x };
        let (mut p, mut p1) = (diagonal[0] - s, if n > 1 { below[0] } else { 0.0 });
        for i in 0..n - 1 {
            let (b, d, b1) = (below[i], diagonal[i + 1] - s, if i + 2 < n { below[i + 1] } else { 0.0 });
            if p.abs() >= b.abs() {
                let p0 = guard(p);
                let m = b / p0;
                (self.l[i], self.inverse[i], self.u1[i], self.u2[i]) = (m, p0, p1, 0.0);
                (p, p1) = (d - m * p1, b1);
            } else {
                let m = p / b;
                (self.l[i], self.inverse[i], self.u1[i], self.u2[i], self.exchanged[i]) = (m, b, d, b1, true);
                (p, p1) = (p1 - m * d, -m * b1);
            }
        }
        self.inverse[n - 1] = guard(p);
        // Here no division waits for another; in a solve each would.
        self.inverse.iter_mut().for_each(|u| *u = 1.0 / *u);
    }

    /// y ← (T − s)⁻¹ y.
    pub(super) fn solve(&self, y: &mut [f64]) {
        self.forward(y);
        self.backward(y);
    }

    fn forward(&self, y: &mut [f64]) {
        for i in 0..y.len() - 1 {
            if self.exchanged[i] {
                y.swap(i, i + 1);
            }
            y[i + 1] -= self.l[i] * y[i];
        }
    }

    pub(super) fn backward(&self, y: &mut [f64]) {
        let n = y.len();
        let (mut y1, mut y2) = (0.0, 0.0);
        for i in (0..n).rev() {
            let x = (y[i] - self.u1[i] * y1 - self.u2[i] * y2) * self.inverse[i];
            y[i] = x;
            (y1, y2) = (x, y1);
        }
    }
}
