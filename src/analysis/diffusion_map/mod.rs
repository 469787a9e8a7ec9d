//! Diffusion maps: slow coordinates of a cloud of points, the intrinsic dimension, and the generator's eigenvalues.
//!
//! With the kernel K_ij = exp(−|x_i − x_j|²/(4 ε)) between neighbours, its sums q_i = Σ_j K_ij and right weights w_j = q_j^−α, the Markov
//! matrix P_ij = K_ij w_j / Σ_l K_il w_l steps for a time ε by a diffusion whose generator L ≈ (P − I)/ε: the Laplacian of the manifold that
//! the points lie on for α = 1, whatever their density; ∇² − ∇V·∇ of the density exp(−V) for α = ½; with twice the drift for α = 0.
//! With energies βE as target w_j = exp(−βE_j/2)/q_j, and L is the generator of overdamped Langevin dynamics in E, wherever the points are from.
//!
//! Eigenvalues are λ = (1 − μ)/ε of P in rising order without that of the constant; coordinates are right eigenvectors of P. P is similar to
//! a symmetric matrix, the eigenvector of μ = 1 is known and left out, and block Lanczos finds the rest.
//! A coordinate has mean 0 and mean square 1, coordinates are orthogonal, by the map's own stationary weights (`weights`, mean 1). Its sign: the
//! first point at more than half of the largest magnitude is positive. Of a degenerate eigenvalue any rotation is a solution.
//!
//! The automatic bandwidth is the power of two at which log ΣK rises most steeply with log ε; twice that slope is the dimension. With
//! `variable_bandwidth` ε becomes ε ρ_i ρ_j with ρ = q₀^−½ from a density estimate over eight neighbours (scaled to a geometric mean of 1), the
//! weights are w = q^−α ρ^−(d+2)/2 with q_i = Σ_j K_ij/ρ_i^d, and L = ρ^−2 (P − I)/ε: α keeps its meaning, and sparse outskirts stay connected.
//!
//! Nyström: ψ(x) = Σ_j P(x, x_j) ψ_j / μ extends a coordinate to new points.
//! Cost: nearest neighbours, 40 exponentials a pair for bandwidth and dimension, some dozens of products with the sparse matrix. Memory for n
//! points with k neighbours: 12 n k bytes for the search, up to 24 n k for the matrix, 1 kB a point for Lanczos.
//! When it fails: a graph in several parts has an eigenvalue 0 for each and is an error; where dense regions and outskirts differ by
//! orders of magnitude no single bandwidth suits both.
//! References: R. R. Coifman, S. Lafon, Appl. Comput. Harmon. Anal. 21, 5 (2006), doi:10.1016/j.acha.2006.04.006;
//! T. Berry, D. Giannakis, J. Harlim, Phys. Rev. E 91, 032915 (2015), doi:10.1103/PhysRevE.91.032915;
//! T. Berry, J. Harlim, Appl. Comput. Harmon. Anal. 40, 68 (2016), doi:10.1016/j.acha.2015.01.001;
//! R. Banisch, Z. Trstanova, A. Bittracher, S. Klus, P. Koltai, Appl. Comput. Harmon. Anal. 48, 242 (2020), doi:10.1016/j.acha.2018.05.001.

mod coordinate;
mod extend;
mod kernel;
mod observables;

pub use coordinate::DiffusionCoordinate;
pub use observables::{Correlation, Level, LevelOptions};

use crate::base::{Error, OptionType, OptionValue, Result, Run};
use crate::math::Matrix;
use crate::math::block_lanczos::highest;
use crate::math::neighbours::nearest;
use crate::math::statistics::median;
use kernel::{NO_CONNECTION, Pairs, Tuned};
use std::sync::Arc;

/// Neighbours of the density estimate for `variable_bandwidth`.
const LOCAL: usize = 8;
/// Most points of which all pairs are kept: 1.6 GB.
const MOST_PAIRS: usize = 14_000;
/// Energies further above the lowest, in units of kT, count as if they were this far: weights stay numbers.
const HIGHEST_ENERGY: f64 = 1200.0;
/// Products with the matrix that the eigenvalues may cost.
const PRODUCTS: usize = 3000;
/// Most rounds over faint points.
const SWEEPS: usize = 500;
/// Points with less than this part of the largest stationary weight get their coordinates from their neighbours.
const FAINT: f64 = 1e-9;

/// The bandwidth ε as an option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bandwidth {
    Automatic,
    Given(f64),
}

impl OptionType for Bandwidth {
    fn takes() -> String {
        "\"auto\" or a number".into()
    }
    fn read(value: &OptionValue) -> Option<Bandwidth> {
        match value {
            OptionValue::Text(word) if word == "auto" => Some(Bandwidth::Automatic),
            _ => value.number().filter(|v| v.is_finite()).map(Bandwidth::Given),
        }
    }
    fn show(&self) -> String {
        match self {
            Bandwidth::Automatic => "\"auto\"".into(),
            Bandwidth::Given(value) => value.show(),
        }
    }
}

/// How many neighbours as an option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reach {
    All,
    Nearest(usize),
}

impl OptionType for Reach {
    fn takes() -> String {
        "\"all\" or a whole number".into()
    }
    fn read(value: &OptionValue) -> Option<Reach> {
        match value {
            OptionValue::Text(word) if word == "all" => Some(Reach::All),
            _ => usize::read(value).map(Reach::Nearest),
        }
    }
    fn show(&self) -> String {
        match self {
            Reach::All => "\"all\"".into(),
            Reach::Nearest(count) => count.to_string(),
        }
    }
}

crate::options! {
    /// Options of `diffusion_map`.
    pub struct DiffusionOptions {
        /// Eigenvalues and coordinates, that of the constant not among them.
        count: usize = 5, AT_LEAST_ONE, "";
        /// ε of the kernel exp(−d²/(4ε)), or by itself: the power of two at which log ΣK rises most steeply.
        bandwidth: Bandwidth = Bandwidth::Automatic, POSITIVE, "length²";
        /// Nearest neighbours of each point that it is connected with (and they with it); "all" for every pair.
        neighbours: Reach = Reach::Nearest(64), AT_LEAST_ONE, "";
        /// How much of the sampling density is divided out: 1 all of it, 0.5 the density's own dynamics, 0 nothing.
        alpha: f64 = 1.0, ANY, "";
        /// Whether the kernel is wider where points are sparse.
        variable_bandwidth: bool = false, ANY, "";
    }
}

/// What was found.
pub struct DiffusionMap {
    /// (1 − μ)/ε in rising order, without that of the constant; units of 1/length².
    pub eigenvalues: Vec<f64>,
    /// A row for each point, a column for each eigenvalue.
    pub coordinates: Arc<Matrix>,
    /// ε.
    pub bandwidth: f64,
    /// Twice the steepest slope of log ΣK over log ε.
    pub dimension: f64,
    /// The stationary weight of each point, mean 1.
    pub weights: Vec<f64>,
    /// The points.
    pub points: Arc<Matrix>,
    /// Neighbours of each point; none where all pairs count.
    pub neighbours: Option<usize>,
    /// Products of the matrix with eight vectors that the eigenvalues took.
    pub products: usize,
    /// w of the text above, scaled.
    right: Vec<f64>,
    /// Squared distance between the last neighbour of each point and the next, and of the last point in its row; empty where all pairs count.
    reach: Vec<f64>,
    row_reach: Vec<f64>,
    local: Option<Local>,
}

/// A coordinate that tells fewer points than this from all others is one of outliers, where there are many.
const FEWEST: f64 = 5.0;
const MANY: usize = 50;

impl DiffusionMap {
    /// Coordinates that live on a handful of points: (mean ψ²)² / mean ψ⁴ of them, by the stationary weights and in points. Outliers that hang on
    /// to the others by a thread make such ones.
    pub fn lonely(&self) -> Vec<usize> {
        let lives_on = |k: usize| {
            let fourth = |(i, weight): (usize, &f64)| weight * self.coordinates[(i, k)].powi(4);
            let points = self.points.rows as f64;
            points * points / self.weights.iter().enumerate().map(fourth).sum::<f64>()
        };
        (0..self.eigenvalues.len()).filter(|k| self.points.rows >= MANY && lives_on(*k) < FEWEST).collect()
    }
}

/// What makes bandwidths vary.
struct Local {
    /// The rms distance of each point's nearest neighbours: the bandwidths of the density estimate.
    rough: Vec<f64>,
    /// ε and dimension of the density estimate.
    tuned: Tuned,
    /// ρ, and the q₀^−½ that is 1 in it.
    widths: Vec<f64>,
    scale: f64,
}

/// Finds the diffusion map of the rows of `points`. `target` holds βE of each point, up to a constant.
///
/// Errors: fewer than three points, ones that are not finite, all in one place; a graph in several parts; a target of another length;
/// a `count` that the points do not have.
pub fn diffusion_map(run: &Run, points: Arc<Matrix>, target: Option<&[f64]>, options: &DiffusionOptions) -> Result<DiffusionMap> {
    let n = points.rows;
    check(&points, target, options)?;
    let (pairs, reach) = pairs(run, &points, options)?;
    let neighbours = if pairs.is_all() { None } else { Some(reach.1) };
    let (reach, row_reach) = if pairs.is_all() { (Vec::new(), Vec::new()) } else { (reach.0, pairs.largest()) };
    if neighbours.is_some() {
        connected(&pairs, n, |_| true, "neighbours")?;
    }
    let mut pairs = pairs;
    let local = if options.variable_bandwidth { Some(Local::new(run, &mut pairs)?) } else { None };
    let widths = local.as_ref().map_or(vec![1.0; n], |local| local.widths.clone());
    let dimension_of_weights = local.as_ref().map_or(0.0, |local| local.tuned.dimension);
    let tuned = pairs.tune(run)?;
    let bandwidth = match options.bandwidth {
        Bandwidth::Automatic => tuned.bandwidth,
        Bandwidth::Given(bandwidth) => bandwidth,
    };
    pairs.exponentiate(bandwidth);
    connected(&pairs, n, |kernel| kernel > NO_CONNECTION, "bandwidth")?;
    let plain = pairs.sums(&vec![1.0; n], |kernel| kernel);
    let alpha = if target.is_some() { 1.0 } else { options.alpha };
    let lowest = target.map_or(0.0, |energies| energies.iter().copied().fold(f64::INFINITY, f64::min));
    let logs: Vec<f64> = (0..n)
        .map(|i| {
            let density = plain[i].ln() - dimension_of_weights * widths[i].ln();
            let energy = target.map_or(0.0, |energies| (energies[i] - lowest).min(HIGHEST_ENERGY));
            let spread = if local.is_some() { 0.5 * (dimension_of_weights + 2.0) * widths[i].ln() } else { 0.0 };
            -alpha * density - 0.5 * energy - spread
        })
        .collect();
    // A factor of all weights changes nothing.
    let highest_log = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let right: Vec<f64> = logs.iter().map(|log| (log - highest_log).exp().max(1e-280)).collect();
    let rows = pairs.sums(&right, |kernel| kernel);
    let factors: Vec<f64> = (0..n).map(|i| (right[i] / rows[i]).sqrt() / widths[i]).collect();
    let shift: Vec<f64> = widths.iter().map(|w| 1.0 / (w * w)).collect();
    let mut weights: Vec<f64> = (0..n).map(|i| right[i] * rows[i] * widths[i] * widths[i]).collect();
    let mean = weights.iter().sum::<f64>() / n as f64;
    weights.iter_mut().for_each(|w| *w /= mean);
    let trivial: Vec<f64> = weights.iter().map(|w| (w / n as f64).sqrt()).collect();
    let largest_shift = shift.iter().copied().fold(0.0, f64::max);
    let (matrix, order) = pairs.into_matrix(&factors, &shift);
    let task = run.task("diffusion_map", None);
    let enough = |values: &[f64], residuals: &[f64]| {
        // A residual beside the distance to the constant's eigenvalue is the error of a vector; errors of values are its square.
        let wanted = (-1e-9 * values[0]).max(4e-12 * largest_shift);
        residuals.iter().all(|r| *r <= wanted)
    };
    let mut operator = |x: &[_], out: &mut [_]| {
        matrix.product(x, out);
        task.tick(1, || "products with the matrix".into())
    };
    let known: Vec<f64> = order.iter().map(|i| trivial[*i as usize]).collect();
    let found = highest(&mut operator, n, options.count, &[known], &enough, PRODUCTS)?;
    if !found.converged {
        let residual = found.residuals.iter().copied().fold(0.0, f64::max) / bandwidth;
        return Err(Error::value(format!(
            "diffusion_map: the eigenvalues are not found after {PRODUCTS} products with the matrix (residual {residual:.1e})"
        ))
        .hint("a larger `bandwidth` or more `neighbours` bring them apart"));
    }
    let eigenvalues: Vec<f64> = found.values.iter().map(|v| -v / bandwidth).collect();
    let (mut coordinates, mut place) = (Matrix::zeros(n, options.count), vec![0; n]);
    for (at, i) in order.iter().map(|i| *i as usize).enumerate() {
        place[i] = at;
        coordinates.row_mut(i).iter_mut().zip(found.vectors.row(at)).for_each(|(psi, y)| *psi = y / trivial[i]);
    }
    drop(task);
    let steps = |i: usize| {
        let mut row = vec![(i, right[i] / rows[i])];
        matrix.each_beside(place[i], |at, b| {
            let j = order[at] as usize;
            let step = b / (factors[i] * factors[j]) * right[j] / rows[i];
            // What is rounding beside the others costs time alone.
            row.extend((step > 1e-18).then_some((j, step)));
        });
        row
    };
    smooth_faint(&weights, steps, |i, k| 1.0 + found.values[k] * widths[i] * widths[i], &mut coordinates);
    fix_signs(&mut coordinates);
    Ok(DiffusionMap {
        eigenvalues,
        coordinates: Arc::new(coordinates),
        bandwidth,
        dimension: tuned.dimension,
        weights,
        points,
        neighbours,
        products: found.products,
        right,
        reach,
        row_reach,
        local,
    })
}

fn check(points: &Matrix, target: Option<&[f64]>, options: &DiffusionOptions) -> Result<()> {
    let (n, d) = (points.rows, points.columns);
    if n < 3 || d == 0 {
        let what = format!("diffusion_map: at least 3 points with a coordinate are needed, found {n} of {d} coordinates");
        return Err(Error::data(what));
    }
    if let Some(k) = points.data.iter().position(|x| !x.is_finite()) {
        let what = format!(
            "diffusion_map: the points must be finite, found {} in row {} at coordinate {}",
            points.data[k],
            k / d,
            k % d
        );
        return Err(Error::value(what));
    }
    if options.count > n - 2 {
        let what = format!("diffusion_map: option `count` must be at most {} for {n} points, found {}", n - 2, options.count);
        return Err(Error::value(what).at("count"));
    }
    if let Some(energies) = target {
        if energies.len() != n {
            let what = format!("diffusion_map: option `target` has {} energies for {n} points", energies.len());
            return Err(Error::shape(what).at("target").hint("one number βE for each point, in the order of the rows"));
        }
        if let Some(i) = energies.iter().position(|e| !e.is_finite()) {
            let what = format!("diffusion_map: option `target` must be finite, found {} at point {i}", energies[i]);
            return Err(Error::value(what).at("target"));
        }
        if options.alpha != 1.0 {
            let what =
                format!("diffusion_map: option `alpha` is 1 where a `target` says which density counts, found {}", options.alpha);
            return Err(Error::value(what).at("alpha").hint("leave one of them out"));
        }
    }
    if !options.alpha.is_finite() {
        return Err(Error::value(format!("diffusion_map: option `alpha` must be finite, found {}", options.alpha)).at("alpha"));
    }
    Ok(())
}

/// The pairs that count, with the reach of every point and its number of neighbours.
fn pairs(run: &Run, points: &Matrix, options: &DiffusionOptions) -> Result<(Pairs, (Vec<f64>, usize))> {
    let n = points.rows;
    match options.neighbours {
        Reach::Nearest(count) if count + 1 < n - 1 => {
            // One more says where the last ends: a new point just beside an old one has its neighbours.
            let mut found = nearest(run, points, count + 1)?;
            let reach = (0..n).map(|i| 0.5 * (found.of(i).1[count - 1] + found.of(i).1[count])).collect();
            found.truncate(count);
            Ok((Pairs::near(&found), (reach, count)))
        }
        _ if n > MOST_PAIRS => {
            let what = format!(
                "diffusion_map: all pairs of {n} points need {:.1} GB; up to {MOST_PAIRS} points they are kept",
                n as f64 * n as f64 * 8e-9
            );
            Err(Error::value(what).at("neighbours").hint("say how many nearest neighbours count: neighbours: 64"))
        }
        _ => Ok((Pairs::all(run, points)?, (Vec::new(), 0))),
    }
}

/// An error where the graph of the pairs with such numbers falls apart.
fn connected(pairs: &Pairs, n: usize, joined: impl Fn(f64) -> bool, option: &'static str) -> Result<()> {
    let parts = pairs.parts(joined);
    if parts.len() == 1 {
        return Ok(());
    }
    let mut sizes: Vec<String> = parts.iter().take(8).map(usize::to_string).collect();
    if parts.len() > 8 {
        sizes.push("…".into());
    }
    let (what, hint) = match option {
        "neighbours" => {
            ("the graph of nearest neighbours", "raise `neighbours`, or map the parts one by one: between them nothing is known")
        }
        _ => (
            "the kernel at this bandwidth",
            "raise `bandwidth`, leave outliers out, or let it vary with the density: variable_bandwidth: true",
        ),
    };
    let message = format!("diffusion_map: {what} falls into {} parts of {} of {n} points", parts.len(), sizes.join(", "));
    Err(Error::data(message).hint(hint).at(option))
}

impl Local {
    /// Widths from a density estimate; leaves d²/(ρ_i ρ_j) in the place of d².
    fn new(run: &Run, pairs: &mut Pairs) -> Result<Local> {
        let mean = |squares: &[f64]| (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
        let mut rough: Vec<f64> = (0..pairs.n).map(|i| mean(&pairs.lowest(i, LOCAL))).collect();
        let middle = median(&rough);
        if !(middle > 0.0) {
            return Err(Error::data(
                "diffusion_map: more than half of the points lie on their nearest neighbours, so that no density can be told",
            )
            .at("variable_bandwidth")
            .hint("a sampler that seldom moves gives such points: leave repeated ones out"));
        }
        // Points in one place have no width of their own.
        rough.iter_mut().for_each(|r| *r = r.max(1e-3 * middle));
        pairs.scale(&rough.iter().map(|r| 1.0 / r).collect::<Vec<_>>());
        let tuned = pairs.tune(run)?;
        let sums = pairs.sums(&vec![1.0; pairs.n], |square| (-0.25 * square / tuned.bandwidth).exp());
        let mut logs: Vec<f64> = (0..pairs.n).map(|i| -0.5 * (sums[i].ln() - tuned.dimension * rough[i].ln())).collect();
        let middle = logs.iter().sum::<f64>() / pairs.n as f64;
        logs.iter_mut().for_each(|log| *log -= middle);
        let widths: Vec<f64> = logs.iter().map(|log| log.exp()).collect();
        pairs.scale(&rough.iter().zip(&widths).map(|(r, w)| r / w).collect::<Vec<_>>());
        Ok(Local { rough, tuned, widths, scale: middle.exp() })
    }
}

/// Where the stationary weight is so small that a coordinate y/√weight is rounding, P ψ = μ ψ itself gives it: from the heavier points outwards,
/// then in sweeps until nothing changes. `steps(i)` gives the probabilities of the steps from point i, itself included; `mu(i, k)` what
/// (P ψ)_i is of ψ_i.
fn smooth_faint(
    weights: &[f64],
    steps: impl Fn(usize) -> Vec<(usize, f64)>,
    mu: impl Fn(usize, usize) -> f64,
    coordinates: &mut Matrix,
) {
    let largest = weights.iter().copied().fold(0.0, f64::max);
    let mut faint: Vec<usize> = (0..weights.len()).filter(|i| weights[*i] < FAINT * largest).collect();
    faint.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]).then(a.cmp(b)));
    let rows: Vec<Vec<(usize, f64)>> = faint.iter().map(|i| steps(*i)).collect();
    let mut known = vec![true; weights.len()];
    faint.iter().for_each(|i| known[*i] = false);
    for sweep in 0..SWEEPS {
        let mut change = 0.0f64;
        for (&i, row) in faint.iter().zip(&rows) {
            let (mut sums, mut total, mut own) = (vec![0.0; coordinates.columns], 0.0, 0.0);
            for &(j, step) in row {
                if j == i {
                    own = step;
                } else if known[j] {
                    total += step;
                    sums.iter_mut().zip(coordinates.row(j)).for_each(|(s, psi)| *s += step * psi);
                }
            }
            if !(total > 0.0) {
                continue;
            }
            for (k, sum) in sums.into_iter().enumerate() {
                // Once all neighbours are known the equation holds with the point's own share; before that their mean must do.
                let rest = mu(i, k) - own;
                let next = if sweep > 0 && rest > 0.1 * total { sum / rest } else { sum / total };
                change = change.max((next - coordinates[(i, k)]).abs() / (1.0 + next.abs()));
                coordinates[(i, k)] = next;
            }
            known[i] = true;
        }
        if sweep > 0 && change < 1e-11 {
            break;
        }
    }
}

/// The first point at more than half of the largest magnitude is positive.
fn fix_signs(coordinates: &mut Matrix) {
    for k in 0..coordinates.columns {
        let largest = (0..coordinates.rows).fold(0.0f64, |a, i| a.max(coordinates[(i, k)].abs()));
        let first = (0..coordinates.rows).map(|i| coordinates[(i, k)]).find(|psi| psi.abs() > 0.5 * largest);
        if first.is_some_and(|psi| psi < 0.0) {
            (0..coordinates.rows).for_each(|i| coordinates[(i, k)] *= -1.0);
        }
    }
}

#[cfg(test)]
mod tests;
