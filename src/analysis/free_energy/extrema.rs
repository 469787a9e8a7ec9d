//! Minima of a free energy on a grid and the lowest ways between them: those that noise does not explain.
//!
//! The grid is flooded from its lowest cell upwards. A pool begins at every local minimum; where two pools meet, the one with the higher
//! floor ends, and its depth there is its persistence. A minimum is significant where this exceeds [`SIGNIFICANT`] times the error of that very difference (from the
//! bootstrap draws, so that the correlation of the two cells counts). A second flood from the significant minima alone says which of
//! them meet at which saddle. In one dimension these are the minima in order and the highest bin between neighbours.
//! Cells without samples stand as high as one independent value among all would put them, with an error of kT: what lies behind them
//! is joined over a saddle that is only a lower bound. Cost: n ln n for n cells.
//!
//! Reference: H. Edelsbrunner, D. Letscher, A. Zomorodian, Discrete Comput. Geom. 28, 511 (2002), doi:10.1007/s00454-002-2885-2.

use crate::math::Matrix;
use crate::math::graph::DisjointSets;
use crate::math::statistics::standard_deviation;

/// Depths below so many of their errors are noise: of some hundred bins 4 σ leaves a false minimum in less than one curve of a hundred.
const SIGNIFICANT: f64 = 4.0;

/// What is known of every cell.
pub struct Terrain<'a> {
    /// Cells along each axis; the last axis runs fastest.
    pub shape: &'a [usize],
    /// NaN where there are no samples.
    pub values: &'a [f64],
    /// One row a bootstrap draw; not finite where a draw has no samples.
    pub draws: &'a Matrix,
    pub temperature: f64,
    /// The free energy that one independent value among all makes.
    pub of_one: f64,
}

/// Cells of minima in order of cell, and where they meet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Extrema {
    pub minima: Vec<usize>,
    pub barriers: Vec<Saddle>,
}

/// The lowest cell on the way from one minimum to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Saddle {
    pub cell: usize,
    /// Places in the list of minima, the first before the second.
    pub between: [usize; 2],
    /// False where no sample lay there: the height is a lower bound.
    pub sampled: bool,
}

impl Terrain<'_> {
    /// The value, or that of one sample where there is none.
    pub fn height(&self, cell: usize) -> f64 {
        if self.values[cell].is_finite() { self.values[cell] } else { self.of_one.max(self.highest()) }
    }

    fn highest(&self) -> f64 {
        self.values.iter().copied().filter(|v| v.is_finite()).fold(f64::NEG_INFINITY, f64::max)
    }

    /// The error of the difference of two cells.
    pub fn error(&self, a: usize, b: usize) -> f64 {
        let rows = (0..self.draws.rows).map(|d| self.draws[(d, a)] - self.draws[(d, b)]);
        let known: Vec<f64> = rows.filter(|d| d.is_finite()).collect();
        // A cell that some draws miss altogether holds about one independent value.
        if self.draws.rows == 0 || known.len() < 3 || 20 * known.len() < 19 * self.draws.rows {
            return self.temperature;
        }
        standard_deviation(&known)
    }

    fn neighbours(&self, cell: usize) -> impl Iterator<Item = usize> + '_ {
        let mut stride = 1;
        self.shape.iter().rev().flat_map(move |&length| {
            let (place, step) = (cell / stride % length, stride);
            stride *= length;
            [(place > 0).then(|| cell - step), (place + 1 < length).then(|| cell + step)].into_iter().flatten()
        })
    }

    /// The significant minima and the saddles between them.
    pub fn extrema(&self) -> Extrema {
        let count = self.values.len();
        let top = self.of_one.max(self.highest());
        let height: Vec<f64> = self.values.iter().map(|v| if v.is_finite() { *v } else { top }).collect();
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|a, b| height[*a].total_cmp(&height[*b]).then(a.cmp(b)));
        let Some(&lowest) = order.first().filter(|_| top.is_finite()) else { return Extrema::default() };

        let mut minima = vec![lowest];
        let mut pools = DisjointSets::new(count);
        let mut floor: Vec<usize> = (0..count).collect();
        let mut flooded = vec![false; count];
        for &cell in &order {
            flooded[cell] = true;
            for next in self.neighbours(cell).filter(|n| flooded[*n]).collect::<Vec<_>>() {
                let (mine, theirs) = (floor[pools.find(cell)], floor[pools.find(next)]);
                let Some((root, _)) = pools.join(cell, next) else { continue };
                let rank = |c: usize| (height[c], c);
                let (low, high) = if rank(mine) <= rank(theirs) { (mine, theirs) } else { (theirs, mine) };
                floor[root] = low;
                if high != cell && self.is_deep(high, cell, height[cell] - height[high]) {
                    minima.push(high);
                }
            }
        }
        minima.sort_unstable();
        Extrema { barriers: self.saddles(&order, &minima), minima }
    }

    fn is_deep(&self, floor: usize, saddle: usize, depth: f64) -> bool {
        depth > SIGNIFICANT * self.error(floor, saddle) && self.values[floor].is_finite()
    }

    /// Floods from the minima alone and notes where two pools meet for the first time.
    fn saddles(&self, order: &[usize], minima: &[usize]) -> Vec<Saddle> {
        let mut found: Vec<Saddle> = Vec::new();
        let mut pools = DisjointSets::new(order.len());
        let mut basins = DisjointSets::new(order.len());
        // The minimum that the basin with this root belongs to.
        let mut owner: Vec<Option<usize>> = vec![None; order.len()];
        minima.iter().enumerate().for_each(|(k, cell)| owner[*cell] = Some(k));
        let mut flooded = vec![false; order.len()];
        for &cell in order {
            flooded[cell] = true;
            for next in self.neighbours(cell).filter(|n| flooded[*n]).collect::<Vec<_>>() {
                let (a, b) = (owner[basins.find(cell)], owner[basins.find(next)]);
                if let (Some(a), Some(b)) = (a, b) {
                    if a != b && pools.join(cell, next).is_some() {
                        found.push(Saddle { cell, between: [a.min(b), a.max(b)], sampled: self.values[cell].is_finite() });
                    }
                } else if let Some((root, _)) = basins.join(cell, next) {
                    owner[root] = a.or(b);
                    pools.join(cell, next);
                }
            }
        }
        found.sort_by_key(|s| (s.between, s.cell));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws that spread every cell by `error`, independently, in a fixed pattern.
    fn draws(values: &[f64], error: f64) -> Matrix {
        let mut m = Matrix::zeros(40, values.len());
        for d in 0..40 {
            for (c, v) in values.iter().enumerate() {
                let noise = ((d * 7919 + c * 104_729 + d * c * 31) % 1009) as f64 / 1009.0 - 0.5;
                // Uniform noise of unit variance is √12 wide.
                m[(d, c)] = v + error * noise * 12f64.sqrt();
            }
        }
        m
    }

    fn of(shape: &[usize], values: &[f64], error: f64) -> Extrema {
        Terrain { shape, values, draws: &draws(values, error), temperature: 1.0, of_one: 9.0 }.extrema()
    }

    #[test]
    fn ripples_within_the_errors_are_no_minima() {
        let values = [3.0, 0.1, 0.0, 0.15, 0.05, 2.0, 1.0, 1.2, 4.0];
        let rough = of(&[9], &values, 0.1);
        assert_eq!(rough.minima, [2, 6]);
        assert_eq!(rough.barriers, [Saddle { cell: 5, between: [0, 1], sampled: true }]);
        // With hundredfold better statistics the ripples are there.
        assert_eq!(of(&[9], &values, 0.001).minima, [2, 4, 6]);
        assert_eq!(of(&[9], &values, 1.0).minima, [2]);
    }

    #[test]
    fn wells_apart_are_joined_over_a_lower_bound() {
        let gap = f64::NAN;
        let found = of(&[7], &[1.0, 0.0, 2.0, gap, 2.5, 0.5, 1.5], 0.05);
        assert_eq!(found.minima, [1, 5]);
        assert_eq!(found.barriers, [Saddle { cell: 3, between: [0, 1], sampled: false }]);
        // A single sample beyond a gap is no well: its own height is that of one sample.
        assert_eq!(of(&[5], &[1.0, 0.0, 2.0, gap, 9.0], 0.05).minima, [1]);
    }

    #[test]
    fn on_a_map_saddles_join_basins_that_touch() {
        // Three pits in a row of a plane: 0 at the left, 1 in the middle, 2 at the right, with passes of 5 and 3.
        #[rustfmt::skip]
        let values = [
            9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0,
            9.0, 0.0, 5.0, 1.0, 3.0, 0.5, 9.0,
            9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0,
        ];
        let found = of(&[3, 7], &values, 0.05);
        assert_eq!(found.minima, [8, 10, 12]);
        let saddles: Vec<(usize, [usize; 2])> = found.barriers.iter().map(|s| (s.cell, s.between)).collect();
        assert_eq!(saddles, [(9, [0, 1]), (11, [1, 2])]);
    }
}
