//! Scores of networks in the script language.

use crate::script::api::{Native, Type};

/// Functions and methods.
pub fn natives() -> Vec<Native> {
    Vec::new()
}

/// Types of values.
pub fn types() -> Vec<Type> {
    Vec::new()
}
