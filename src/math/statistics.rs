//! Statistics of plain numbers: mean, variance, quantiles, ranks with ties.

/// The sum, in eight running sums of a fixed order: of many numbers eight times as fast as one after another.
pub fn sum(values: &[f64]) -> f64 {
    let (eights, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for eight in eights {
        for k in 0..8 {
            sums[k] += eight[k];
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h)) + rest.iter().sum::<f64>()
}

/// The mean of many numbers; the second pass keeps the digits that a sum of large numbers loses.
pub fn careful_mean(values: &[f64]) -> f64 {
    let rough = sum(values) / values.len() as f64;
    let mut rest = [0.0; 8];
    let (eights, few) = values.as_chunks::<8>();
    for eight in eights {
        for k in 0..8 {
            rest[k] += eight[k] - rough;
        }
    }
    let rest = sum(&rest) + few.iter().map(|x| x - rough).sum::<f64>();
    if rough.is_finite() { rough + rest / values.len() as f64 } else { rough }
}

/// The mean; NaN of nothing.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The population variance (divided by n), in two passes: the shift by the mean keeps the digits that one pass would lose.
pub fn variance(values: &[f64]) -> f64 {
    let centre = mean(values);
    values.iter().map(|v| (v - centre) * (v - centre)).sum::<f64>() / values.len() as f64
}

/// The population standard deviation.
pub fn standard_deviation(values: &[f64]) -> f64 {
    variance(values).sqrt()
}

/// The quantile at `fraction` (0 to 1), linear between the ordered values (type 7 of Hyndman and Fan, what R and numpy take); NaN of nothing.
pub fn quantile(values: &[f64], fraction: f64) -> f64 {
    let mut ordered = values.to_vec();
    ordered.sort_by(f64::total_cmp);
    quantile_of_ordered(&ordered, fraction)
}

/// [`quantile`] of values that are in rising order already.
pub fn quantile_of_ordered(ordered: &[f64], fraction: f64) -> f64 {
    quantile_by(ordered.len(), |k| ordered[k], fraction)
}

/// [`quantile`] of `count` values of which the k-th in rising order is `ordered(k)`.
pub fn quantile_by(count: usize, ordered: impl Fn(usize) -> f64, fraction: f64) -> f64 {
    let Some(last) = count.checked_sub(1) else { return f64::NAN };
    let place = fraction.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    ordered(below) + (place - below as f64) * (ordered(above) - ordered(below))
}

/// The median.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Ranks from 1; equal values share the mean of their places.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for group in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let shared = before as f64 + (group.len() as f64 + 1.0) / 2.0;
        for &item in group {
            ranks[item] = shared;
        }
        before += group.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_by_hand() {
        assert_eq!(mean(&[1.0, 2.0, 6.0]), 3.0);
        assert_eq!(variance(&[1.0, 2.0, 6.0]), 14.0 / 3.0);
        // One pass over squares would give 0 or less here: 1e9² has no room for the spread.
        assert!((variance(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0]) - 2.0 / 3.0).abs() < 1e-12);
        assert!(mean(&[]).is_nan());
        for count in [1, 7, 8, 30] {
            let values: Vec<f64> = (1..=count).map(|k| 1e9 + k as f64).collect();
            assert_eq!(sum(&values), 1e9 * count as f64 + (count * (count + 1) / 2) as f64);
            assert_eq!(careful_mean(&values) - 1e9, (count + 1) as f64 / 2.0);
        }
        assert_eq!(careful_mean(&[f64::INFINITY, 1.0]), f64::INFINITY);
    }

    #[test]
    fn quantiles_as_numpy_gives_them() {
        // numpy.quantile([3, 1, 4, 1, 5, 9, 2, 6], q)
        let v = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        for (q, expected) in [(0.0, 1.0), (0.25, 1.75), (0.5, 3.5), (0.9, 6.9), (1.0, 9.0)] {
            assert!((quantile(&v, q) - expected).abs() < 1e-14, "{q}");
        }
        assert_eq!(median(&[7.0]), 7.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn ranks_share_ties() {
        assert_eq!(ranks(&[10.0, 20.0, 10.0, 5.0]), [2.5, 4.0, 2.5, 1.0]);
        assert_eq!(ranks(&[1.0, 1.0, 1.0]), [2.0, 2.0, 2.0]);
        assert!(ranks(&[]).is_empty());
    }
}
