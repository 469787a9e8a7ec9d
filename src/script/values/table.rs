//! Columns of equal length under names.

use super::number_text;
use std::sync::Arc;

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    Numbers(Arc<[f64]>),
    /// Numbers that scripts see as whole ones.
    Wholes(Arc<[i64]>),
    Texts(Arc<[String]>),
}

impl Column {
    pub fn len(&self) -> usize {
        match self {
            Column::Numbers(v) => v.len(),
            Column::Wholes(v) => v.len(),
            Column::Texts(v) => v.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text of one cell.
    pub fn cell(&self, row: usize) -> String {
        match self {
            Column::Numbers(v) => number_text(v[row]),
            Column::Wholes(v) => v[row].to_string(),
            Column::Texts(v) => v[row].clone(),
        }
    }
}

/// A table: columns of equal length in order.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Table(pub Arc<Vec<(String, Column)>>);

impl Table {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.0.first().map_or(0, |(_, column)| column.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, column)| column)
    }

    /// The first rows, aligned.
    pub fn text(&self) -> String {
        let shown = self.len().min(30);
        let mut lines = vec![String::new(); shown + 1];
        for (name, column) in self.0.iter() {
            let cells: Vec<String> = std::iter::once(name.clone()).chain((0..shown).map(|row| column.cell(row))).collect();
            let width = cells.iter().map(|c| c.chars().count()).max().unwrap_or(0);
            let left = matches!(column, Column::Texts(_));
            for (line, cell) in lines.iter_mut().zip(cells) {
                let pad = " ".repeat(width - cell.chars().count());
                let gap = if line.is_empty() { "" } else { "  " };
                line.push_str(&if left { format!("{gap}{cell}{pad}") } else { format!("{gap}{pad}{cell}") });
            }
        }
        let mut lines: Vec<String> = lines.into_iter().map(|l| l.trim_end().to_string()).collect();
        if self.len() > shown {
            lines.push(format!("… {} rows in all", self.len()));
        }
        lines.join("\n")
    }
}

impl Column {
    /// The column as scripts see it: a vector, or an array of texts.
    pub fn value(&self) -> rhai::Dynamic {
        match self {
            Column::Numbers(v) => rhai::Dynamic::from(super::Vector::from(v.clone())),
            Column::Wholes(v) => rhai::Dynamic::from(super::Vector::whole(v.iter().copied())),
            Column::Texts(v) => v.iter().cloned().map(rhai::Dynamic::from).collect::<rhai::Array>().into(),
        }
    }
}
