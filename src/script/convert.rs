//! Between values of the script language and those of Rust.

use super::values::{MatrixValue, Object, PotentialHandle, Vector};
use crate::base::OptionValue;
use crate::data::Dataset;
use crate::math::Matrix;
use crate::potentials::{Counted, Potential};
use rhai::{Array, Dynamic, FnPtr, Map};
use std::sync::Arc;

/// What a native may return.
pub trait IntoValue {
    fn into_value(self) -> Dynamic;
}

macro_rules! into_value {
    ($($Type:ty => |$value:ident| $made:expr;)*) => {
        $(impl IntoValue for $Type {
            fn into_value(self) -> Dynamic {
                let $value = self;
                $made
            }
        })*
    };
}

into_value! {
    Dynamic => |v| v;
    () => |_v| Dynamic::UNIT;
    f64 => |v| v.into();
    i64 => |v| v.into();
    usize => |v| (v as i64).into();
    u64 => |v| (v as i64).into();
    u32 => |v| i64::from(v).into();
    bool => |v| v.into();
    String => |v| v.into();
    &str => |v| v.into();
    Map => |v| v.into();
    Array => |v| v.into();
    FnPtr => |v| v.into();
    Vec<f64> => |v| Dynamic::from(Vector::new(v));
    Arc<[f64]> => |v| Dynamic::from(Vector::from(v));
    Matrix => |v| Dynamic::from(MatrixValue(Arc::new(v)));
    Arc<Matrix> => |v| Dynamic::from(MatrixValue(v));
    Arc<dyn Potential> => |v| Dynamic::from(PotentialHandle(Counted::of(v)));
    Vec<i64> => |v| v.into_iter().map(Dynamic::from).collect::<Array>().into();
    Vec<usize> => |v| v.into_iter().map(|v| Dynamic::from(v as i64)).collect::<Array>().into();
    Vec<String> => |v| v.into_iter().map(Dynamic::from).collect::<Array>().into();
    Vec<Object> => |v| v.into_iter().map(Dynamic::from).collect::<Array>().into();
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Dynamic {
        self.map_or(Dynamic::UNIT, T::into_value)
    }
}

/// The number a value is; whole numbers count as reals.
pub fn number(value: &Dynamic) -> Option<f64> {
    value.as_float().ok().or_else(|| value.as_int().ok().map(|v| v as f64))
}

/// The whole number a value is; a real without a fraction counts.
pub fn integer(value: &Dynamic) -> Option<i64> {
    value.as_int().ok().or_else(|| value.as_float().ok().filter(|v| v.fract() == 0.0 && v.abs() < 9e15).map(|v| v as i64))
}

/// The numbers of a vector or of an array that holds nothing else.
pub fn numbers(value: &Dynamic) -> Option<Vec<f64>> {
    if let Some(vector) = value.read_lock::<Vector>() {
        return Some(vector.data.to_vec());
    }
    value.read_lock::<Array>().and_then(|array| array.iter().map(number).collect())
}

/// The value as options take it; `None` for closures and values of other types.
pub fn option_value(value: &Dynamic) -> Option<OptionValue> {
    if let Ok(v) = value.as_int() {
        return Some(OptionValue::Integer(v));
    }
    if let Ok(v) = value.as_float() {
        return Some(OptionValue::Real(v));
    }
    if let Ok(v) = value.as_bool() {
        return Some(OptionValue::Flag(v));
    }
    if value.is_unit() {
        return Some(OptionValue::Unit);
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Some(OptionValue::Text(text.to_string()));
    }
    if let Some(vector) = value.read_lock::<Vector>() {
        return Some(OptionValue::Vector(vector.data.clone()));
    }
    if let Some(data) = value.read_lock::<Dataset>() {
        return Some(OptionValue::Any("Dataset", Arc::new(data.clone())));
    }
    if let Some(array) = value.read_lock::<Array>() {
        return array.iter().map(option_value).collect::<Option<_>>().map(OptionValue::List);
    }
    None
}

/// American and British forms of the words in names of the language.
const SPELLINGS: [(&str, &str); 6] = [
    ("color", "colour"),
    ("neighbor", "neighbour"),
    ("center", "centre"),
    ("minimiz", "minimis"),
    ("normaliz", "normalis"),
    ("standardiz", "standardis"),
];

/// The American form of a name.
pub fn american(name: &str) -> String {
    SPELLINGS.iter().fold(name.to_string(), |name, (american, british)| name.replace(british, american))
}

/// The British form of a name: scripts may spell `color` and `neighbors`.
pub fn british(name: &str) -> String {
    SPELLINGS.iter().fold(name.to_string(), |name, (american, british)| name.replace(american, british))
}
/// `a Potential`, `an array`.
pub fn with_article(noun: &str) -> String {
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']);
    format!("{} {noun}", if vowel { "an" } else { "a" })
}
