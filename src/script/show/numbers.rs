//! How the numbers of one grid are written, so that their points stand below each other: six digits of the largest.

/// The form of the numbers that are seen together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// Whole numbers that scripts see as such.
    Whole,
    Decimals(usize),
    Exponent,
}

const DIGITS: i32 = 6;

impl Form {
    /// The form that suits these numbers; `whole` where scripts see them as whole.
    pub fn of(numbers: &[f64], whole: bool) -> Form {
        if whole {
            return Form::Whole;
        }
        let largest = numbers.iter().filter(|v| v.is_finite()).fold(0.0f64, |m, v| m.max(v.abs()));
        if largest == 0.0 {
            return Form::Decimals(1);
        }
        if !(1e-3..1e8).contains(&largest) {
            return Form::Exponent;
        }
        let most = (DIGITS - 1 - largest.log10().floor() as i32).clamp(1, 8) as usize;
        // Zeros that stand behind all of them say nothing.
        let needed = |v: &f64| {
            let text = format!("{v:.most$}");
            most - text.bytes().rev().take_while(|c| *c == b'0').count().min(most)
        };
        let seen = numbers.iter().filter(|v| v.is_finite() && !is_tiny(**v, most));
        Form::Decimals(seen.map(needed).max().unwrap_or(1).max(1))
    }

    pub fn write(&self, v: f64) -> String {
        match *self {
            _ if !v.is_finite() => format!("{v}"),
            Form::Whole => format!("{}", v as i64),
            Form::Exponent if v == 0.0 => "0.0".into(),
            Form::Exponent => format!("{v:.4e}"),
            Form::Decimals(decimals) if is_tiny(v, decimals) => format!("{v:.1e}"),
            Form::Decimals(decimals) => format!("{v:.decimals$}"),
        }
    }
}

/// Whether these decimals would show a number as zero that is none.
fn is_tiny(v: f64, decimals: usize) -> bool {
    v != 0.0 && v.abs() < 0.5 * 10f64.powi(-(decimals as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(numbers: &[f64]) -> Vec<String> {
        let form = Form::of(numbers, false);
        numbers.iter().map(|v| form.write(*v)).collect()
    }

    #[test]
    fn points_stand_below_each_other() {
        assert_eq!(written(&[1.0, -2.0]), ["1.0", "-2.0"]);
        assert_eq!(written(&[0.5, 123.456789]), ["0.500", "123.457"]);
        assert_eq!(written(&[1.0, 0.25, 1e-12]), ["1.00", "0.25", "1.0e-12"]);
        assert_eq!(written(&[1e-7, 2.5e-6]), ["1.0000e-7", "2.5000e-6"]);
        assert_eq!(written(&[f64::NAN, 2.0, f64::NEG_INFINITY]), ["NaN", "2.0", "-inf"]);
        assert_eq!(written(&[0.0, 0.0]), ["0.0", "0.0"]);
        assert_eq!(Form::of(&[3.0], true).write(3.0), "3");
    }
}
