//! Potentials made of others: weighted sums, harmonic restraints, walls, frozen coordinates.
//!
//! A sum keeps a symmetry only where all its parts are one and the same potential: what leaves one energy unchanged need not leave another so. Frozen
//! coordinates have no gradient, are left out of spectra and distances, and stand at their value in every position that is handed out.

use super::{Batch, Evaluations, Family, Identity, Minibatch, NoSymmetry, Potential, Symmetry};
use crate::base::{Error, Result};
use crate::math::Matrix;
use std::any::Any;
use std::sync::Arc;

/// Σ wₖ Vₖ(x).
pub struct Sum {
    parts: Vec<(f64, Arc<dyn Potential>)>,
    frozen: Option<Vec<bool>>,
    /// All parts are the same potential. Known from the beginning: searches ask for the symmetry at every comparison.
    is_one_potential: bool,
}

impl Sum {
    /// The weighted sum; parts that are sums themselves become parts of this one.
    pub fn new(parts: Vec<(f64, Arc<dyn Potential>)>) -> Result<Sum> {
        let mut flat: Vec<(f64, Arc<dyn Potential>)> = Vec::new();
        for (weight, part) in parts {
            match part.as_any().downcast_ref::<Sum>() {
                Some(sum) => flat.extend(sum.parts.iter().map(|(inner, part)| (weight * inner, part.clone()))),
                None => flat.push((weight, part)),
            }
        }
        let dimensions: Vec<String> = flat.iter().map(|(_, part)| part.dimension().to_string()).collect();
        if dimensions.iter().any(|d| *d != dimensions[0]) {
            let message = format!("potentials that are added need equal dimensions, found {}", dimensions.join(" and "));
            return Err(Error::shape(message));
        }
        // What one part holds fast another may pull at: only what all hold fast is frozen.
        let masks: Option<Vec<&[bool]>> = flat.iter().map(|(_, part)| part.frozen()).collect();
        let frozen = masks
            .filter(|masks| !masks.is_empty())
            .map(|masks| (0..masks[0].len()).map(|i| masks.iter().all(|m| m[i])).collect());
        let is_one_potential = flat.windows(2).all(|two| two[0].1.identity() == two[1].1.identity());
        Ok(Sum { parts: flat, frozen, is_one_potential })
    }

    fn first(&self) -> &dyn Potential {
        &*self.parts[0].1
    }

    /// Adds up what `evaluate` gives for every part.
    fn add_up(&self, batch: Batch, out: &mut Evaluations, evaluate: impl Fn(&dyn Potential, &mut Evaluations)) {
        out.prepare(&batch);
        let mut own =
            Evaluations { wants_gradients: out.wants_gradients, scratch: std::mem::take(&mut out.scratch), ..Default::default() };
        for (weight, part) in &self.parts {
            evaluate(&**part, &mut own);
            out.energies.iter_mut().zip(&own.energies).for_each(|(sum, e)| *sum += weight * e);
            out.gradients.iter_mut().zip(&own.gradients).for_each(|(sum, g)| *sum += weight * g);
        }
        out.scratch = own.scratch;
    }
}

impl Potential for Sum {
    fn dimension(&self) -> usize {
        self.first().dimension()
    }

    fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
        self.add_up(batch, out, |part, own| part.evaluate(batch, own));
    }

    fn family(&self) -> Family {
        self.first().family()
    }

    fn identity(&self) -> Identity {
        let part = |(k, (weight, part)): (usize, &(f64, Arc<dyn Potential>))| {
            let identity = part.identity();
            let inside: Vec<String> = identity.parts.iter().map(|(name, value)| format!("{name} {value}")).collect();
            (format!("part {}", k + 1), format!("{weight:?} × {} ({})", identity.name, inside.join(", ")))
        };
        Identity { name: "sum".into(), parts: self.parts.iter().enumerate().map(part).collect() }
    }

    fn hessian(&self, x: &[f64], hessian: &mut Matrix) {
        hessian.reset(x.len(), x.len());
        let mut own = Matrix::default();
        for (weight, part) in &self.parts {
            part.hessian(x, &mut own);
            hessian.data.iter_mut().zip(&own.data).for_each(|(sum, h)| *sum += weight * h);
        }
    }

    fn hessian_vector(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        let mut own = vec![0.0; v.len()];
        for (weight, part) in &self.parts {
            part.hessian_vector(x, v, &mut own);
            out.iter_mut().zip(&own).for_each(|(sum, h)| *sum += weight * h);
        }
    }

    fn prefers_dense_hessian(&self) -> bool {
        self.parts.iter().all(|(_, part)| part.prefers_dense_hessian())
    }

    fn symmetry(&self) -> &dyn Symmetry {
        if self.is_one_potential { self.first().symmetry() } else { &NoSymmetry }
    }

    fn frozen(&self) -> Option<&[bool]> {
        self.frozen.as_deref()
    }

    fn random(&self, seed: u64, scale: f64) -> Vec<f64> {
        self.first().random(seed, scale)
    }

    /// The container of a cluster moves its centroid, which only its own energy does not feel.
    fn contain(&self, x: &mut [f64]) {
        if self.is_one_potential {
            self.first().contain(x);
        }
    }

    fn evaporated(&self, x: &[f64]) -> bool {
        self.first().evaporated(x)
    }

    /// Where the parts that have items have the same number of them: their means are taken over the same items, the other parts stay whole.
    fn minibatch(&self) -> Option<&dyn Minibatch> {
        let mut counts = self.parts.iter().filter_map(|(_, part)| part.minibatch()).map(|part| part.items());
        let first = counts.next()?;
        counts.all(|count| count == first).then_some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Minibatch for Sum {
    fn items(&self) -> usize {
        self.parts.iter().find_map(|(_, part)| part.minibatch()).map_or(0, |part| part.items())
    }

    fn evaluate_items(&self, items: &[u32], batch: Batch, out: &mut Evaluations) {
        self.add_up(batch, out, |part, own| match part.minibatch() {
            Some(some) => some.evaluate_items(items, batch, own),
            None => part.evaluate(batch, own),
        });
    }
}

/// ½ k Σ (xᵢ − cᵢ)² over some coordinates.
pub struct Restraint {
    /// c, a number for every coordinate.
    pub centre: Vec<f64>,
    /// k, energy per length²; 0 for coordinates that are left alone.
    pub strengths: Vec<f64>,
}

impl Potential for Restraint {
    fn dimension(&self) -> usize {
        self.centre.len()
    }

    fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
        out.prepare(&batch);
        let n = batch.dimension;
        for row in 0..batch.rows {
            let pulls = batch.row(row).iter().zip(&self.centre).zip(&self.strengths);
            out.energies[row] = pulls.clone().map(|((x, c), k)| 0.5 * k * (x - c) * (x - c)).sum();
            if let Some(gradient) = out.gradients.get_mut(row * n..(row + 1) * n) {
                gradient.iter_mut().zip(pulls).for_each(|(g, ((x, c), k))| *g = k * (x - c));
            }
        }
    }

    fn family(&self) -> Family {
        Family::Surface
    }

    fn identity(&self) -> Identity {
        let parts = vec![("centre".into(), format!("{:?}", self.centre)), ("strength".into(), format!("{:?}", self.strengths))];
        Identity { name: "restraint".into(), parts }
    }

    fn hessian(&self, x: &[f64], hessian: &mut Matrix) {
        hessian.reset(x.len(), x.len());
        self.strengths.iter().enumerate().for_each(|(i, k)| hessian[(i, i)] = *k);
    }

    fn hessian_vector(&self, _: &[f64], v: &[f64], out: &mut [f64]) {
        out.iter_mut().zip(v).zip(&self.strengths).for_each(|((out, v), k)| *out = k * v);
    }

    fn random(&self, _: u64, _: f64) -> Vec<f64> {
        self.centre.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Σ s dᵢ^p, dᵢ how far coordinate i is outside its interval: nothing inside, a wall of power p beyond. (TATi's prior.)
pub struct Walls {
    /// Lower ends, a number for every coordinate; −∞ for none.
    pub lower: Vec<f64>,
    /// Upper ends; ∞ for none.
    pub upper: Vec<f64>,
    /// s, energy per length to the power p.
    pub strength: f64,
    /// p, at least 1.
    pub power: f64,
}

impl Walls {
    /// How far x is outside: negative below, positive above, 0 inside.
    fn outside(&self, i: usize, x: f64) -> f64 {
        (x - self.upper[i]).max(0.0) + (x - self.lower[i]).min(0.0)
    }

    /// The second derivative along coordinate i.
    fn curvature(&self, i: usize, x: f64) -> f64 {
        let p = self.power;
        match self.outside(i, x).abs() {
            0.0 => 0.0,
            d => self.strength * p * (p - 1.0) * d.powf(p - 2.0),
        }
    }
}

impl Potential for Walls {
    fn dimension(&self) -> usize {
        self.lower.len()
    }

    fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
        out.prepare(&batch);
        let n = batch.dimension;
        for row in 0..batch.rows {
            for (i, x) in batch.row(row).iter().enumerate() {
                let d = self.outside(i, *x);
                if d != 0.0 {
                    let slope = self.strength * d.abs().powf(self.power - 1.0);
                    out.energies[row] += slope * d.abs();
                    if let Some(g) = out.gradients.get_mut(row * n + i) {
                        *g = self.power * slope * d.signum();
                    }
                }
            }
        }
    }

    fn family(&self) -> Family {
        Family::Surface
    }

    fn identity(&self) -> Identity {
        let part = |name: &str, value: String| (name.to_string(), value);
        Identity {
            name: "walls".into(),
            parts: vec![
                part("lower", format!("{:?}", self.lower)),
                part("upper", format!("{:?}", self.upper)),
                part("strength", format!("{:?}", self.strength)),
                part("power", format!("{:?}", self.power)),
            ],
        }
    }

    fn hessian(&self, x: &[f64], hessian: &mut Matrix) {
        hessian.reset(x.len(), x.len());
        x.iter().enumerate().for_each(|(i, x)| hessian[(i, i)] = self.curvature(i, *x));
    }

    fn hessian_vector(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        for (i, (out, v)) in out.iter_mut().zip(v).enumerate() {
            *out = self.curvature(i, x[i]) * v;
        }
    }

    fn random(&self, _: u64, _: f64) -> Vec<f64> {
        // The middle of an interval with two ends, next to the only end of one, 0 without.
        let inside = |(low, high): (&f64, &f64)| match (low.is_finite(), high.is_finite()) {
            (true, true) => 0.5 * (low + high),
            (true, false) => *low,
            (false, true) => *high,
            (false, false) => 0.0,
        };
        self.lower.iter().zip(&self.upper).map(inside).collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Another potential with some coordinates held at fixed values.
pub struct Frozen {
    inner: Arc<dyn Potential>,
    held: Held,
}

/// Which coordinates are held, and where.
struct Held {
    mask: Vec<bool>,
    /// The values of held coordinates; of others they mean nothing.
    values: Vec<f64>,
}

impl Held {
    fn set(&self, x: &mut [f64]) {
        for ((x, held), value) in x.iter_mut().zip(&self.mask).zip(&self.values) {
            if *held {
                *x = *value;
            }
        }
    }

    fn clear(&self, vector: &mut [f64]) {
        vector.iter_mut().zip(&self.mask).filter(|(_, held)| **held).for_each(|(v, _)| *v = 0.0);
    }

    fn at(&self, x: &[f64]) -> Vec<f64> {
        let mut own = x.to_vec();
        self.set(&mut own);
        own
    }
}

impl Symmetry for Held {
    fn align(&self, reference: &[f64], moving: &[f64], aligned: &mut [f64]) -> f64 {
        aligned.copy_from_slice(moving);
        self.set(aligned);
        crate::math::matrix::distance(&self.at(reference), aligned)
    }

    fn canonical(&self, x: &[f64]) -> Vec<f64> {
        self.at(x)
    }
}

impl Frozen {
    /// `inner` with the coordinates of `mask` at `values`.
    pub fn new(inner: Arc<dyn Potential>, mut mask: Vec<bool>, mut values: Vec<f64>) -> Frozen {
        // What is frozen inside stays so, where it is.
        if let Some(earlier) = inner.frozen() {
            mask.iter_mut().zip(earlier).for_each(|(now, before)| *now |= before);
        }
        if let Some(frozen) = inner.as_any().downcast_ref::<Frozen>() {
            frozen.held.set(&mut values);
        }
        Frozen { inner, held: Held { mask, values } }
    }

    /// Calls `evaluate` with the held coordinates in place, and takes their part out of the gradients.
    fn held_fast(&self, batch: Batch, out: &mut Evaluations, evaluate: impl FnOnce(Batch, &mut Evaluations)) {
        let mut positions = batch.data.to_vec();
        positions.chunks_exact_mut(batch.dimension).for_each(|x| self.held.set(x));
        evaluate(Batch::new(&positions, batch.dimension), out);
        out.gradients.chunks_exact_mut(batch.dimension).for_each(|g| self.held.clear(g));
    }
}

/// Only handed out where the potential inside is one.
impl Minibatch for Frozen {
    fn items(&self) -> usize {
        self.inner.minibatch().map_or(0, |inner| inner.items())
    }

    fn evaluate_items(&self, items: &[u32], batch: Batch, out: &mut Evaluations) {
        if let Some(inner) = self.inner.minibatch() {
            self.held_fast(batch, out, |held, out| inner.evaluate_items(items, held, out));
        }
    }
}

impl Potential for Frozen {
    fn dimension(&self) -> usize {
        self.held.mask.len()
    }

    fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
        self.held_fast(batch, out, |held, out| self.inner.evaluate(held, out));
    }

    fn family(&self) -> Family {
        self.inner.family()
    }

    fn identity(&self) -> Identity {
        let mut identity = self.inner.identity();
        let held: Vec<String> = (0..self.held.mask.len())
            .filter(|i| self.held.mask[*i])
            .map(|i| format!("{i} at {:?}", self.held.values[i]))
            .collect();
        identity.parts.push(("frozen".into(), held.join(", ")));
        identity
    }

    fn hessian(&self, x: &[f64], hessian: &mut Matrix) {
        self.inner.hessian(&self.held.at(x), hessian);
        for i in (0..x.len()).filter(|i| self.held.mask[*i]) {
            hessian.row_mut(i).fill(0.0);
            (0..x.len()).for_each(|j| hessian[(j, i)] = 0.0);
        }
    }

    fn hessian_vector(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        let mut direction = v.to_vec();
        self.held.clear(&mut direction);
        self.inner.hessian_vector(&self.held.at(x), &direction, out);
        self.held.clear(out);
    }

    fn prefers_dense_hessian(&self) -> bool {
        self.inner.prefers_dense_hessian()
    }

    fn symmetry(&self) -> &dyn Symmetry {
        &self.held
    }

    fn frozen(&self) -> Option<&[bool]> {
        Some(&self.held.mask)
    }

    fn random(&self, seed: u64, scale: f64) -> Vec<f64> {
        self.held.at(&self.inner.random(seed, scale))
    }

    /// A container that moves the whole cluster would move what is held.
    fn contain(&self, x: &mut [f64]) {
        self.held.set(x);
    }

    fn minibatch(&self) -> Option<&dyn Minibatch> {
        self.inner.minibatch().map(|_| self as &dyn Minibatch)
    }

    fn evaporated(&self, x: &[f64]) -> bool {
        self.inner.evaporated(&self.held.at(x))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
