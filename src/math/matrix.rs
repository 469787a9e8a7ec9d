//! A dense matrix of f64, row after row, and the few vector operations that every layer needs.

/// A dense matrix, row-major: element (i, j) is `data[i * columns + j]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matrix {
    pub rows: usize,
    pub columns: usize,
    pub data: Vec<f64>,
}

impl Matrix {
    /// All zeros.
    pub fn zeros(rows: usize, columns: usize) -> Matrix {
        Matrix { rows, columns, data: vec![0.0; rows * columns] }
    }

    /// From row-major data; panics when the length is not rows × columns.
    pub fn from_rows(rows: usize, columns: usize, data: Vec<f64>) -> Matrix {
        assert_eq!(data.len(), rows * columns, "a matrix needs rows × columns numbers");
        Matrix { rows, columns, data }
    }

    /// Gives it this shape and fills it with zeros, keeping its memory.
    pub fn reset(&mut self, rows: usize, columns: usize) {
        self.rows = rows;
        self.columns = columns;
        self.data.clear();
        self.data.resize(rows * columns, 0.0);
    }

    pub fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.columns..(i + 1) * self.columns]
    }

    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.data[i * self.columns..(i + 1) * self.columns]
    }

    pub fn column(&self, j: usize) -> Vec<f64> {
        (0..self.rows).map(|i| self[(i, j)]).collect()
    }

    /// Makes a square matrix symmetric by its lower triangle.
    pub fn mirror_lower(&mut self) {
        // Squares of 8 × 8 numbers: what is read and what is written both stay in the first cache.
        const SIDE: usize = 8;
        let n = self.rows;
        for top in (0..n).step_by(SIDE) {
            for left in (0..=top).step_by(SIDE) {
                for i in top..(top + SIDE).min(n) {
                    for j in left..(left + SIDE).min(i) {
                        self.data[j * n + i] = self.data[i * n + j];
                    }
                }
            }
        }
    }

    pub fn transpose(&self) -> Matrix {
        let mut t = Matrix::zeros(self.columns, self.rows);
        for i in 0..self.rows {
            for j in 0..self.columns {
                t[(j, i)] = self[(i, j)];
            }
        }
        t
    }
}

impl std::ops::Index<(usize, usize)> for Matrix {
    type Output = f64;
    fn index(&self, (i, j): (usize, usize)) -> &f64 {
        &self.data[i * self.columns + j]
    }
}

impl std::ops::IndexMut<(usize, usize)> for Matrix {
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut f64 {
        &mut self.data[i * self.columns + j]
    }
}

/// a · b.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum_over(a, b, |a, b| a * b)
}

/// Σ w x².
pub fn weighted_square(w: &[f64], x: &[f64]) -> f64 {
    sum_over(w, x, |w, x| w * x * x)
}

/// The sum of a function of both elements over all places.
#[inline(always)]
fn sum_over(a: &[f64], b: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    // Eight running sums: the compiler may not reorder a single one, and a vector unit wants several.
    let mut sums = [0.0; 8];
    let (a8, a1) = a.as_chunks::<8>();
    let (b8, b1) = b[..a.len()].as_chunks::<8>();
    for (x, y) in a8.iter().zip(b8) {
        for k in 0..8 {
            sums[k] += term(x[k], y[k]);
        }
    }
    for (k, (x, y)) in a1.iter().zip(b1).enumerate() {
        sums[k] += term(*x, *y);
    }
    // In pairs: a chain of eight additions would take as long as the products of a short vector.
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// a − b.
pub fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// |a|.
pub fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// y += s x.
pub fn add_scaled(y: &mut [f64], s: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += s * x;
    }
}

/// |a − b|.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
}

/// |g|/√n, the measure of convergence everywhere.
pub fn rms(g: &[f64]) -> f64 {
    norm(g) / (g.len().max(1) as f64).sqrt()
}
