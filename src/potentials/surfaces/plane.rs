//! Surfaces over a plane: Müller–Brown, Wolfe–Quapp and the usual tests of optimisers. The catalogue has their formulas and sources.

use super::Formula;

/// The four Gaussians of K. Müller and L. D. Brown: amplitude, a, b, c, centre.
const GAUSSIANS: [[f64; 6]; 4] = [
    [-200.0, -1.0, 0.0, -10.0, 1.0, 0.0],
    [-100.0, -1.0, 0.0, -10.0, 0.0, 0.5],
    [-170.0, -6.5, 11.0, -6.5, -0.5, 1.5],
    [15.0, 0.7, 0.6, 0.7, -1.0, 1.0],
];

/// Σ A exp(a(x−x₀)² + b(x−x₀)(y−y₀) + c(y−y₀)²), four terms.
pub struct MullerBrown;

impl Formula for MullerBrown {
    fn name(&self) -> &'static str {
        "muller_brown"
    }
    fn dimension(&self) -> usize {
        2
    }
    fn value(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let mut energy = 0.0;
        for [amplitude, a, b, c, x0, y0] in GAUSSIANS {
            let (u, v) = (x[0] - x0, x[1] - y0);
            let term = amplitude * (a * u * u + b * u * v + c * v * v).exp();
            energy += term;
            gradient[0] += term * (2.0 * a * u + b * v);
            gradient[1] += term * (b * u + 2.0 * c * v);
        }
        energy
    }
    fn curvature(&self, x: &[f64], add: &mut dyn FnMut(usize, usize, f64)) {
        for [amplitude, a, b, c, x0, y0] in GAUSSIANS {
            let (u, v) = (x[0] - x0, x[1] - y0);
            let term = amplitude * (a * u * u + b * u * v + c * v * v).exp();
            let (p, q) = (2.0 * a * u + b * v, b * u + 2.0 * c * v);
            add(0, 0, term * (p * p + 2.0 * a));
            add(1, 0, term * (p * q + b));
            add(1, 1, term * (q * q + 2.0 * c));
        }
    }
    fn region(&self, coordinate: usize) -> [f64; 2] {
        [[-1.5, 1.2], [-0.2, 2.0]][coordinate]
    }
}

/// x⁴ + y⁴ − 2x² − 4y² + xy + 0.3x + 0.1y.
pub struct WolfeQuapp;

impl Formula for WolfeQuapp {
    fn name(&self) -> &'static str {
        "wolfe_quapp"
    }
    fn dimension(&self) -> usize {
        2
    }
    fn value(&self, position: &[f64], gradient: &mut [f64]) -> f64 {
        let (x, y) = (position[0], position[1]);
        gradient[0] = 4.0 * x * x * x - 4.0 * x + y + 0.3;
        gradient[1] = 4.0 * y * y * y - 8.0 * y + x + 0.1;
        x.powi(4) + y.powi(4) - 2.0 * x * x - 4.0 * y * y + x * y + 0.3 * x + 0.1 * y
    }
    fn curvature(&self, position: &[f64], add: &mut dyn FnMut(usize, usize, f64)) {
        let (x, y) = (position[0], position[1]);
        add(0, 0, 12.0 * x * x - 4.0);
        add(1, 0, 1.0);
        add(1, 1, 12.0 * y * y - 8.0);
    }
    fn region(&self, _: usize) -> [f64; 2] {
        [-2.0, 2.0]
    }
}

/// (x² + y − 11)² + (x + y² − 7)².
pub struct Himmelblau;

impl Formula for Himmelblau {
    fn name(&self) -> &'static str {
        "himmelblau"
    }
    fn dimension(&self) -> usize {
        2
    }
    fn value(&self, position: &[f64], gradient: &mut [f64]) -> f64 {
        let (x, y) = (position[0], position[1]);
        let (a, b) = (x * x + y - 11.0, x + y * y - 7.0);
        gradient[0] = 4.0 * a * x + 2.0 * b;
        gradient[1] = 2.0 * a + 4.0 * b * y;
        a * a + b * b
    }
    fn curvature(&self, position: &[f64], add: &mut dyn FnMut(usize, usize, f64)) {
        let (x, y) = (position[0], position[1]);
        let (a, b) = (x * x + y - 11.0, x + y * y - 7.0);
        add(0, 0, 8.0 * x * x + 4.0 * a + 2.0);
        add(1, 0, 4.0 * x + 4.0 * y);
        add(1, 1, 8.0 * y * y + 4.0 * b + 2.0);
    }
    fn region(&self, _: usize) -> [f64; 2] {
        [-5.0, 5.0]
    }
}

/// 2x² − 1.05x⁴ + x⁶/6 + xy + y².
pub struct ThreeHumpCamel;

impl Formula for ThreeHumpCamel {
    fn name(&self) -> &'static str {
        "three_hump_camel"
    }
    fn dimension(&self) -> usize {
        2
    }
    fn value(&self, position: &[f64], gradient: &mut [f64]) -> f64 {
        let (x, y) = (position[0], position[1]);
        gradient[0] = 4.0 * x - 4.2 * x.powi(3) + x.powi(5) + y;
        gradient[1] = x + 2.0 * y;
        2.0 * x * x - 1.05 * x.powi(4) + x.powi(6) / 6.0 + x * y + y * y
    }
    fn curvature(&self, position: &[f64], add: &mut dyn FnMut(usize, usize, f64)) {
        let x = position[0];
        add(0, 0, 4.0 - 12.6 * x * x + 5.0 * x.powi(4));
        add(1, 0, 1.0);
        add(1, 1, 2.0);
    }
    fn region(&self, _: usize) -> [f64; 2] {
        [-2.0, 2.0]
    }
}

/// (4 − 2.1x² + x⁴/3) x² + xy + (4y² − 4) y².
pub struct SixHumpCamel;

impl Formula for SixHumpCamel {
    fn name(&self) -> &'static str {
        "six_hump_camel"
    }
    fn dimension(&self) -> usize {
        2
    }
    fn value(&self, position: &[f64], gradient: &mut [f64]) -> f64 {
        let (x, y) = (position[0], position[1]);
        gradient[0] = 8.0 * x - 8.4 * x.powi(3) + 2.0 * x.powi(5) + y;
        gradient[1] = x - 8.0 * y + 16.0 * y.powi(3);
        (4.0 - 2.1 * x * x + x.powi(4) / 3.0) * x * x + x * y + (4.0 * y * y - 4.0) * y * y
    }
    fn curvature(&self, position: &[f64], add: &mut dyn FnMut(usize, usize, f64)) {
        let (x, y) = (position[0], position[1]);
        add(0, 0, 8.0 - 25.2 * x * x + 10.0 * x.powi(4));
        add(1, 0, 1.0);
        add(1, 1, 48.0 * y * y - 8.0);
    }
    fn region(&self, coordinate: usize) -> [f64; 2] {
        [[-2.0, 2.0], [-1.0, 1.0]][coordinate]
    }
}

/// (1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)².
pub struct Beale;

impl Formula for Beale {
    fn name(&self) -> &'static str {
        "beale"
    }
    fn dimension(&self) -> usize {
        2
    }
    fn value(&self, position: &[f64], gradient: &mut [f64]) -> f64 {
        let (x, y) = (position[0], position[1]);
        gradient.fill(0.0);
        let mut energy = 0.0;
        for (k, target) in [(1, 1.5), (2, 2.25), (3, 2.625)] {
            let t = target - x + x * y.powi(k);
            energy += t * t;
            gradient[0] += 2.0 * t * (y.powi(k) - 1.0);
            gradient[1] += 2.0 * t * x * k as f64 * y.powi(k - 1);
        }
        energy
    }
    fn curvature(&self, position: &[f64], add: &mut dyn FnMut(usize, usize, f64)) {
        let (x, y) = (position[0], position[1]);
        for (k, target) in [(1, 1.5), (2, 2.25), (3, 2.625)] {
            let t = target - x + x * y.powi(k);
            let n = k as f64;
            let (by_x, by_y) = (y.powi(k) - 1.0, n * x * y.powi(k - 1));
            let by_yy = if k == 1 { 0.0 } else { n * (n - 1.0) * x * y.powi(k - 2) };
            add(0, 0, 2.0 * by_x * by_x);
            add(1, 0, 2.0 * (by_x * by_y + t * n * y.powi(k - 1)));
            add(1, 1, 2.0 * (by_y * by_y + t * by_yy));
        }
    }
    fn region(&self, coordinate: usize) -> [f64; 2] {
        [[0.0, 4.5], [-1.0, 1.0]][coordinate]
    }
}

/// The product of two polynomials of A. A. Goldstein and J. F. Price; four minima, values from 3 to a million.
pub struct GoldsteinPrice;

/// A factor with its first derivatives (x, y) and second ones (xx, xy, yy).
struct Factor {
    value: f64,
    slopes: [f64; 2],
    curvatures: [f64; 3],
}

/// `constant + (l₀ + l₁x + l₂y)² (q₀ + q₁x + q₂x² + q₃y + q₄xy + q₅y²)`.
fn factor(constant: f64, l: [f64; 3], q: [f64; 6], x: f64, y: f64) -> Factor {
    let s = l[0] + l[1] * x + l[2] * y;
    let p = q[0] + q[1] * x + q[2] * x * x + q[3] * y + q[4] * x * y + q[5] * y * y;
    let (px, py) = (q[1] + 2.0 * q[2] * x + q[4] * y, q[3] + q[4] * x + 2.0 * q[5] * y);
    Factor {
        value: constant + s * s * p,
        slopes: [2.0 * s * l[1] * p + s * s * px, 2.0 * s * l[2] * p + s * s * py],
        curvatures: [
            2.0 * l[1] * l[1] * p + 4.0 * s * l[1] * px + s * s * 2.0 * q[2],
            2.0 * l[1] * l[2] * p + 2.0 * s * (l[1] * py + l[2] * px) + s * s * q[4],
            2.0 * l[2] * l[2] * p + 4.0 * s * l[2] * py + s * s * 2.0 * q[5],
        ],
    }
}

impl GoldsteinPrice {
    fn factors(x: f64, y: f64) -> (Factor, Factor) {
        (
            factor(1.0, [1.0, 1.0, 1.0], [19.0, -14.0, 3.0, -14.0, 6.0, 3.0], x, y),
            factor(30.0, [0.0, 2.0, -3.0], [18.0, -32.0, 12.0, 48.0, -36.0, 27.0], x, y),
        )
    }
}

impl Formula for GoldsteinPrice {
    fn name(&self) -> &'static str {
        "goldstein_price"
    }
    fn dimension(&self) -> usize {
        2
    }
    fn value(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let (a, b) = Self::factors(x[0], x[1]);
        for k in 0..2 {
            gradient[k] = a.slopes[k] * b.value + a.value * b.slopes[k];
        }
        a.value * b.value
    }
    fn curvature(&self, x: &[f64], add: &mut dyn FnMut(usize, usize, f64)) {
        let (a, b) = Self::factors(x[0], x[1]);
        for (k, (i, j)) in [(0, 0), (1, 0), (1, 1)].into_iter().enumerate() {
            let mixed = a.slopes[i] * b.slopes[j] + a.slopes[j] * b.slopes[i];
            add(i, j, a.curvatures[k] * b.value + mixed + a.value * b.curvatures[k]);
        }
    }
    fn region(&self, _: usize) -> [f64; 2] {
        [-2.0, 2.0]
    }
}
