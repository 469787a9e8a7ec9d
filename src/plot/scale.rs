//! Scales: where a number stands on an axis, and which numbers are written beside it.
//!
//! Ticks stand at 1, 2 or 5 times a power of ten and are made from whole numbers, so that 0.3 is never 0.30000000000000004.

/// Numbers beyond this are not drawn: differences between them would overflow.
const LARGEST: f64 = 1e300;

/// Whether a number can be drawn at all.
pub fn drawable(value: f64, log: bool) -> bool {
    value.is_finite() && value.abs() <= LARGEST && (!log || value >= 1.0 / LARGEST)
}

/// A stretch of an axis: `low` is at 0, `high` at 1. On a logarithmic scale both are positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    pub low: f64,
    pub high: f64,
    pub log: bool,
}

/// A number written beside an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    pub value: f64,
    pub label: String,
}

impl Scale {
    /// The scale that holds `low` to `high` with a margin (a share of the length) below and above; a single number gets room around it.
    pub fn new(low: f64, high: f64, log: bool, [below, above]: [f64; 2]) -> Scale {
        let (mut low, mut high) = if log { (low.log10(), high.log10()) } else { (low, high) };
        // Closer than this, ticks could not be told apart.
        let smallest = (low.abs().max(high.abs()) * 1e-12).max(1e-300);
        if high - low < smallest {
            let room = match (log, low == 0.0) {
                (true, _) => 0.3,
                (false, true) => 0.5,
                (false, false) => low.abs() * 0.05,
            };
            (low, high) = (low - room, high + room);
        } else {
            let length = high - low;
            (low, high) = (low - length * below, high + length * above);
        }
        if log { Scale { low: 10f64.powf(low), high: 10f64.powf(high), log } } else { Scale { low, high, log } }
    }

    /// Where `value` stands: 0 at `low`, 1 at `high`, outside of that beyond them.
    pub fn place(&self, value: f64) -> f64 {
        if self.log {
            (value.log10() - self.low.log10()) / (self.high.log10() - self.low.log10())
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }

    /// At most about `most` labelled ticks within the scale (at least 2 where possible).
    pub fn ticks(&self, most: usize) -> Vec<Tick> {
        let most = most.max(2);
        if self.log { self.log_ticks(most) } else { self.linear_ticks(most) }
    }

    fn linear_ticks(&self, most: usize) -> Vec<Tick> {
        let (mut mantissa, mut power) = step(self.high - self.low, most);
        let mut values = multiples(self.low, self.high, mantissa, power);
        if values.len() < 2 {
            // A single multiple of 5 can lie within the range: the next finer step has more.
            (mantissa, power) = match mantissa {
                5 => (2, power),
                2 => (1, power),
                _ => (5, power - 1),
            };
            values = multiples(self.low, self.high, mantissa, power);
        }
        let largest = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        if largest >= 1e6 || (largest > 0.0 && largest < 1e-3) {
            // The power of the largest tick for all of them, so that the labels compare at sight.
            let common = largest.log10().floor() as i32;
            let decimals = (common - power).max(0) as usize;
            return values.into_iter().map(|value| Tick { value, label: scientific(value, common, decimals) }).collect();
        }
        let decimals = (-power).max(0) as usize;
        values.into_iter().map(|value| Tick { value, label: minus(format!("{value:.decimals$}")) }).collect()
    }

    fn log_ticks(&self, most: usize) -> Vec<Tick> {
        let (low, high) = (self.low.log10(), self.high.log10());
        let (first, last) = ((low - 1e-9).ceil() as i32, (high + 1e-9).floor() as i32);
        if last - first >= 1 {
            let most = (most as i32).min(last - first + 1);
            let strides = ((last - first) / (most - 1).max(1)).max(1)..;
            // Multiples of the stride, so that 1 is among them where it can be; the largest stride that leaves two.
            let chosen = strides
                .map(|stride| (first..=last).filter(|power| power.rem_euclid(stride) == 0).collect::<Vec<i32>>())
                .find(|powers| powers.len() <= most as usize)
                .filter(|powers| powers.len() >= 2);
            return chosen.unwrap_or_else(|| vec![first, last]).into_iter().map(decade).collect();
        }
        // Less than two decades: 1, 2, 5 of each, and plain ticks where even those are too few.
        let mut ticks = Vec::new();
        for power in (low.floor() as i32)..=(high.floor() as i32) {
            for mantissa in [1, 2, 5] {
                let value = times_power(mantissa, power);
                if value >= self.low * (1.0 - 1e-9) && value <= self.high * (1.0 + 1e-9) {
                    ticks.push(Tick { value, label: plain(value, power) });
                }
            }
        }
        let stride = ticks.len().div_ceil(most.max(1)).max(1);
        if ticks.len() < 2 { self.linear_ticks(most.min(4)) } else { ticks.into_iter().step_by(stride).collect() }
    }

    /// About `count` tidy numbers whose ratios are equal or nearly so: of each decade as many as fit, from 1, 1.5, 2, 3, 5, 7 down to 1.
    /// A stretch that is too short for any two of them gets linear ticks.
    pub fn ratios(&self, count: usize) -> Vec<f64> {
        let powers = (self.low.log10().floor() as i32)..=(self.high.log10().floor() as i32);
        let of = |tenths: &[i64]| -> Vec<f64> {
            let all = powers.clone().flat_map(|power| tenths.iter().map(move |m| times_power(*m, power - 1)));
            all.filter(|v| *v >= self.low && *v <= self.high).collect()
        };
        let finest: [&[i64]; 4] = [&[10, 15, 20, 30, 50, 70], &[10, 20, 50], &[10, 30], &[10]];
        match finest.iter().map(|tenths| of(tenths)).find(|values| values.len() <= count) {
            Some(values) if values.len() >= 2 => values,
            Some(_) => self.linear_ticks(count).into_iter().map(|t| t.value).filter(|v| *v > 0.0).collect(),
            None => self.log_ticks(count).into_iter().map(|t| t.value).collect(),
        }
    }

    /// Unlabelled ticks between the labelled ones: on a logarithmic scale the whole multiples of each power of ten.
    pub fn minor_ticks(&self) -> Vec<f64> {
        let (low, high) = (self.low.log10(), self.high.log10());
        if !self.log || high - low > 12.0 {
            return Vec::new();
        }
        let powers = (low.floor() as i32)..=(high.floor() as i32);
        let all = powers.flat_map(|power| (1..10).map(move |m| times_power(m, power)));
        all.filter(|v| *v >= self.low && *v <= self.high).collect()
    }
}

/// The step, `mantissa × 10^power` with 1, 2 or 5, that cuts `span` into at most `most` pieces.
fn step(span: f64, most: usize) -> (i64, i32) {
    let raw = span / most as f64;
    let power = raw.log10().floor() as i32;
    for mantissa in [1, 2, 5] {
        if times_power(mantissa, power) >= raw * (1.0 - 1e-9) {
            return (mantissa, power);
        }
    }
    (1, power + 1)
}

/// Every multiple of `mantissa × 10^power` from `low` to `high`.
fn multiples(low: f64, high: f64, mantissa: i64, power: i32) -> Vec<f64> {
    let step = times_power(mantissa, power);
    let (first, last) = ((low / step - 1e-6).ceil() as i64, (high / step + 1e-6).floor() as i64);
    (first..=last).map(|k| times_power(k * mantissa, power)).collect()
}

/// `whole × 10^power`, rounded once: dividing by an exact power of ten gives the nearest double to the decimal number.
fn times_power(whole: i64, power: i32) -> f64 {
    if power < -300 {
        return whole as f64 / 10f64.powi(300) / 10f64.powi(-power - 300);
    }
    if power < 0 { whole as f64 / 10f64.powi(-power) } else { whole as f64 * 10f64.powi(power) }
}

fn decade(power: i32) -> Tick {
    Tick { value: times_power(1, power), label: plain_power(power) }
}

fn plain_power(power: i32) -> String {
    if (-2..=3).contains(&power) { plain(times_power(1, power), power) } else { format!("10{}", superscript(power)) }
}

fn plain(value: f64, power: i32) -> String {
    if (-3..=4).contains(&power) {
        let decimals = (-power).max(0) as usize;
        return format!("{value:.decimals$}");
    }
    scientific(value, power, 0)
}

/// `2.5×10⁶`
fn scientific(value: f64, power: i32, decimals: usize) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let mantissa = value / 10f64.powi(power);
    minus(format!("{mantissa:.decimals$}×10{}", superscript(power)))
}

/// The minus of typography instead of the hyphen; minus nothing is nothing.
fn minus(number: String) -> String {
    match number.strip_prefix('-') {
        Some(digits) if digits.bytes().all(|b| b == b'0' || b == b'.') => digits.to_string(),
        Some(digits) => format!("−{digits}"),
        None => number,
    }
}

/// A number in about four digits, for a line of text: `−173.9`, `2.5×10⁻⁷`.
pub fn short(value: f64) -> String {
    let size = value.abs();
    if value != 0.0 && !(1e-3..1e6).contains(&size) {
        return scientific(value, size.log10().floor() as i32, 2);
    }
    let decimals = if size >= 1000.0 { 0 } else { 3 - size.max(1.0).log10() as usize };
    let text = format!("{value:.decimals$}");
    minus(if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text })
}

/// A whole number in raised digits: `⁻¹²`.
pub fn superscript(number: i32) -> String {
    let raised = |c| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0'..='9' => char::from_u32('⁰' as u32 + c as u32 - '0' as u32).unwrap_or(c),
        other => other,
    };
    number.to_string().chars().map(raised).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(low: f64, high: f64, log: bool, most: usize) -> Vec<String> {
        Scale { low, high, log }.ticks(most).into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn ticks_are_tidy() {
        assert_eq!(labels(0.0, 1.0, false, 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(-0.32, 0.31, false, 6), ["−0.2", "0.0", "0.2"]);
        assert_eq!(labels(-174.1, -168.5, false, 6), ["−174", "−173", "−172", "−171", "−170", "−169"]);
        assert_eq!(labels(0.0, 2.5e6, false, 5), ["0", "0.5×10⁶", "1.0×10⁶", "1.5×10⁶", "2.0×10⁶", "2.5×10⁶"]);
        assert_eq!(labels(1e-7, 4e-7, false, 4), ["1×10⁻⁷", "2×10⁻⁷", "3×10⁻⁷", "4×10⁻⁷"]);
        assert_eq!(labels(1.0, 1e6, true, 7), ["1", "10", "100", "1000", "10⁴", "10⁵", "10⁶"]);
        assert_eq!(labels(2.0, 70.0, true, 6), ["2", "5", "10", "20", "50"]);
        assert_eq!(labels(1e-12, 1e6, true, 5), ["10⁻¹²", "10⁻⁸", "10⁻⁴", "1", "10⁴"]);
        assert_eq!(Scale { low: 0.0, high: 1.0, log: false }.ticks(10)[3].value, 0.3);
    }

    #[test]
    fn ratios_are_tidy() {
        let ratios = |low: f64, high: f64, count| Scale { low, high, log: true }.ratios(count);
        assert_eq!(ratios(0.9, 120.0, 8), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        assert_eq!(ratios(0.02, 2.0, 5), [0.03, 0.1, 0.3, 1.0]);
        assert_eq!(ratios(0.01, 0.1, 20), [0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1]);
        assert!(ratios(1e-9, 1e9, 5).len() <= 5);
        assert!(ratios(3.1, 3.4, 15).len() >= 2);
    }

    #[test]
    fn short_numbers() {
        let shown = [-173.92842, 0.5, 0.0, 2.5e-7, 12345.6, -0.00001].map(short);
        assert_eq!(shown, ["−173.9", "0.5", "0", "2.50×10⁻⁷", "12346", "−1.00×10⁻⁵"]);
    }

    #[test]
    fn a_single_number_gets_room() {
        for (value, log) in [(0.0, false), (-173.9, false), (1e-9, false), (1e-9, true), (1e299, false)] {
            let scale = Scale::new(value, value, log, [0.05, 0.05]);
            assert!(scale.low < value && value < scale.high, "{scale:?}");
            assert!((scale.place(value) - 0.5).abs() < 1e-6, "{scale:?}");
            assert!(!scale.ticks(6).is_empty(), "{scale:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever the range: few ticks, inside it, rising, different labels, and values as short as their labels.
        #[test]
        fn ticks_hold_for_any_range(middle in -1e6..1e6f64, exponent in -7..9i32, mantissa in 1.0..10.0f64, most in 2..12usize) {
            let half = mantissa * 10f64.powi(exponent);
            let scale = Scale { low: middle - half, high: middle + half, log: false };
            let ticks = scale.ticks(most);
            prop_assert!(ticks.len() <= most.max(4) + 1, "{ticks:?}");
            prop_assert!(most < 4 || ticks.len() >= 2, "{ticks:?}");
            for pair in ticks.windows(2) {
                prop_assert!(pair[0].value < pair[1].value && pair[0].label != pair[1].label);
            }
            for tick in &ticks {
                prop_assert!((-1e-6..1.0 + 1e-6).contains(&scale.place(tick.value)));
                prop_assert!(format!("{}", tick.value).len() <= 18, "{}", tick.value);
            }
        }

        #[test]
        fn log_ticks_hold_for_any_range(low in -280.0..280.0f64, decades in 0.01..20.0f64, most in 2..12usize) {
            let scale = Scale { low: 10f64.powf(low), high: 10f64.powf(low + decades), log: true };
            let ticks = scale.ticks(most);
            prop_assert!(ticks.len() <= most.max(4) + 1, "{ticks:?}");
            prop_assert!(decades < 2.0 || ticks.len() >= 2, "{ticks:?}");
            for tick in &ticks {
                prop_assert!((-1e-3..1.0 + 1e-3).contains(&scale.place(tick.value)), "{tick:?} of {scale:?}");
            }
        }
    }
}
