//! A native matrix of f64: shared until it is written to.

use super::number_text;
use crate::math::Matrix;
use std::sync::Arc;

/// A matrix of a script.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixValue(pub Arc<Matrix>);

impl MatrixValue {
    /// The first rows and columns with the shape.
    pub fn text(&self) -> String {
        let matrix = &self.0;
        let mut lines = vec![format!("matrix {} × {}", matrix.rows, matrix.columns)];
        for i in 0..matrix.rows.min(12) {
            let mut cells: Vec<String> = matrix.row(i).iter().take(8).map(|v| number_text(*v)).collect();
            if matrix.columns > 8 {
                cells.push("…".into());
            }
            lines.push(format!("  [{}]", cells.join(", ")));
        }
        if matrix.rows > 12 {
            lines.push("  …".into());
        }
        lines.join("\n")
    }
}
