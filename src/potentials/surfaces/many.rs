//! Surfaces of any dimension: Rosenbrock, Styblinski–Tang, Rastrigin, harmonic; and the double well. The catalogue has their formulas and sources.

use super::Formula;
use std::f64::consts::{PI, TAU};

/// Σ 100(x_{i+1} − x_i²)² + (1 − x_i)².
pub struct Rosenbrock {
    pub dimension: usize,
}

impl Formula for Rosenbrock {
    fn name(&self) -> &'static str {
        "rosenbrock"
    }
    fn dimension(&self) -> usize {
        self.dimension
    }
    fn value(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let mut energy = 0.0;
        for i in 0..x.len() - 1 {
            let (a, b) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
            energy += 100.0 * a * a + b * b;
            gradient[i] -= 400.0 * a * x[i] + 2.0 * b;
            gradient[i + 1] += 200.0 * a;
        }
        energy
    }
    fn curvature(&self, x: &[f64], add: &mut dyn FnMut(usize, usize, f64)) {
        for i in 0..x.len() - 1 {
            add(i, i, 1200.0 * x[i] * x[i] - 400.0 * x[i + 1] + 2.0);
            add(i + 1, i, -400.0 * x[i]);
            add(i + 1, i + 1, 200.0);
        }
    }
    fn region(&self, _: usize) -> [f64; 2] {
        [-2.0, 2.0]
    }
}

/// ½ Σ x⁴ − 16x² + 5x.
pub struct StyblinskiTang {
    pub dimension: usize,
}

impl Formula for StyblinskiTang {
    fn name(&self) -> &'static str {
        "styblinski_tang"
    }
    fn dimension(&self) -> usize {
        self.dimension
    }
    fn value(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let mut energy = 0.0;
        for (x, g) in x.iter().zip(gradient) {
            energy += 0.5 * (x.powi(4) - 16.0 * x * x + 5.0 * x);
            *g = 2.0 * x.powi(3) - 16.0 * x + 2.5;
        }
        energy
    }
    fn curvature(&self, x: &[f64], add: &mut dyn FnMut(usize, usize, f64)) {
        for (i, x) in x.iter().enumerate() {
            add(i, i, 6.0 * x * x - 16.0);
        }
    }
    fn region(&self, _: usize) -> [f64; 2] {
        [-5.0, 5.0]
    }
}

/// Σ x² + 10(1 − cos 2πx).
pub struct Rastrigin {
    pub dimension: usize,
}

impl Formula for Rastrigin {
    fn name(&self) -> &'static str {
        "rastrigin"
    }
    fn dimension(&self) -> usize {
        self.dimension
    }
    fn value(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let mut energy = 0.0;
        for (x, g) in x.iter().zip(gradient) {
            // 10(1 − cos 2πx) as a square: exact near the minimum.
            let s = (PI * x).sin();
            energy += x * x + 20.0 * s * s;
            *g = 2.0 * x + 10.0 * TAU * (TAU * x).sin();
        }
        energy
    }
    fn curvature(&self, x: &[f64], add: &mut dyn FnMut(usize, usize, f64)) {
        for (i, x) in x.iter().enumerate() {
            add(i, i, 2.0 + 10.0 * TAU * TAU * (TAU * x).cos());
        }
    }
    fn region(&self, _: usize) -> [f64; 2] {
        [-5.12, 5.12]
    }
}

/// ½ k Σ x².
pub struct Harmonic {
    pub dimension: usize,
    /// Force constant k, energy per length².
    pub stiffness: f64,
}

impl Formula for Harmonic {
    fn name(&self) -> &'static str {
        "harmonic"
    }
    fn dimension(&self) -> usize {
        self.dimension
    }
    fn value(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let mut energy = 0.0;
        for (x, g) in x.iter().zip(gradient) {
            energy += 0.5 * self.stiffness * x * x;
            *g = self.stiffness * x;
        }
        energy
    }
    fn curvature(&self, x: &[f64], add: &mut dyn FnMut(usize, usize, f64)) {
        for i in 0..x.len() {
            add(i, i, self.stiffness);
        }
    }
    fn region(&self, _: usize) -> [f64; 2] {
        [-1.0, 1.0]
    }
    fn parts(&self) -> Vec<(String, String)> {
        vec![("stiffness".into(), self.stiffness.to_string())]
    }
}

/// h((q/a)² − 1)²: minima at ±a, a barrier of height h between them.
pub struct DoubleWell {
    /// Height of the barrier h.
    pub barrier: f64,
    /// Position of the right minimum a.
    pub minimum: f64,
}

impl Formula for DoubleWell {
    fn name(&self) -> &'static str {
        "double_well"
    }
    fn dimension(&self) -> usize {
        1
    }
    fn value(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let q = x[0] / self.minimum;
        let s = q * q - 1.0;
        gradient[0] = 4.0 * self.barrier * q * s / self.minimum;
        self.barrier * s * s
    }
    fn curvature(&self, x: &[f64], add: &mut dyn FnMut(usize, usize, f64)) {
        let q = x[0] / self.minimum;
        add(0, 0, 4.0 * self.barrier * (3.0 * q * q - 1.0) / (self.minimum * self.minimum));
    }
    fn region(&self, _: usize) -> [f64; 2] {
        [-2.0 * self.minimum, 2.0 * self.minimum]
    }
    fn parts(&self) -> Vec<(String, String)> {
        vec![("barrier".into(), self.barrier.to_string()), ("minimum".into(), self.minimum.to_string())]
    }
}
