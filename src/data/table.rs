//! A table: named columns of numbers or words of one length.

use crate::base::names::nearest;
use crate::base::{Error, Kind, Result};

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Whole numbers: ids, classes, counts.
    Integers(Vec<i64>),
    /// Real numbers; NaN stands for what is not known.
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

impl Column {
    pub fn len(&self) -> usize {
        match self {
            Column::Integers(v) => v.len(),
            Column::Numbers(v) => v.len(),
            Column::Texts(v) => v.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of a column that holds some.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        match self {
            Column::Integers(v) => Some(v.iter().map(|&v| v as f64).collect()),
            Column::Numbers(v) => Some(v.clone()),
            Column::Texts(_) => None,
        }
    }

    /// One cell as a file holds it: the shortest text that reads back as the same number.
    pub fn text(&self, row: usize) -> String {
        match self {
            Column::Integers(v) => v[row].to_string(),
            Column::Numbers(v) => number_text(v[row]),
            Column::Texts(v) => v[row].clone(),
        }
    }

    /// One cell as people read it.
    fn shown(&self, row: usize) -> String {
        match self {
            Column::Numbers(v) => short_number(v[row]),
            Column::Texts(v) => v[row].chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
            Column::Integers(_) => self.text(row),
        }
    }
}

/// The shortest text that reads back as the same number: `2`, `0.1`, `1e-9`.
pub fn number_text(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || !size.is_finite() || (1e-5..1e16).contains(&size) { format!("{value}") } else { format!("{value:e}") }
}

/// Seven digits, enough for the eye.
fn short_number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || !size.is_finite() {
        return number_text(value);
    }
    if !(1e-4..1e7).contains(&size) {
        return format!("{value:.6e}");
    }
    let decimals = (6 - size.log10().floor() as i32).clamp(0, 10) as usize;
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').into(),
        false => text,
    }
}

/// Named columns of one length, in the order of adding. Cheap enough to copy: tables are summaries, not data sets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    columns: Vec<(String, Column)>,
}

impl Table {
    /// From columns that must have one length and different names.
    pub fn new(columns: Vec<(String, Column)>) -> Result<Table> {
        for (k, (name, column)) in columns.iter().enumerate() {
            let (first, length) = (&columns[0].0, columns[0].1.len());
            if column.len() != length {
                return Err(Error::shape(format!(
                    "table: column `{first}` has {length} entries, column `{name}` has {}",
                    column.len()
                ))
                .hint("all columns need the same length"));
            }
            if columns[..k].iter().any(|(other, _)| other == name) {
                return Err(Error::value(format!("table: there are two columns `{name}`")));
            }
        }
        Ok(Table { columns })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn columns(&self) -> &[(String, Column)] {
        &self.columns
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Result<&Column> {
        if let Some((_, column)) = self.columns.iter().find(|(known, _)| known == name) {
            return Ok(column);
        }
        let known = self.names().collect::<Vec<_>>().join(", ");
        let error = Error::new(Kind::Name, format!("the table has no column `{name}`"));
        Err(match nearest(name, self.names()) {
            Some(near) => error.hint(format!("did you mean `{near}`? It has {known}")),
            None => error.hint(format!("it has {known}")),
        })
    }

    /// The table in aligned columns: all of it up to 40 rows, else its beginning and its end.
    pub fn show(&self) -> String {
        let rows: Vec<Option<usize>> = match self.len() {
            n @ 0..=40 => (0..n).map(Some).collect(),
            n => (0..20).map(Some).chain([None]).chain((n - 10..n).map(Some)).collect(),
        };
        let mut lines = vec![String::new(); rows.len() + 1];
        for (k, (name, column)) in self.columns.iter().enumerate() {
            let cells: Vec<String> = std::iter::once(name.clone())
                .chain(rows.iter().map(|row| row.map_or_else(|| "…".into(), |row| column.shown(row))))
                .collect();
            let width = cells.iter().map(|c| c.chars().count()).max().unwrap_or(0);
            let left = matches!(column, Column::Texts(_));
            for (line, cell) in lines.iter_mut().zip(&cells) {
                if k > 0 {
                    line.push_str("  ");
                }
                line.push_str(&if left { format!("{cell:<width$}") } else { format!("{cell:>width$}") });
            }
        }
        if self.len() > 40 {
            lines.push(format!("{} rows", self.len()));
        }
        lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Table {
        Table::new(vec![
            ("id".into(), Column::Integers(vec![1, 12])),
            ("energy".into(), Column::Numbers(vec![-44.3268014, 1e-12])),
            ("name".into(), Column::Texts(vec!["icosahedron".into(), "b".into()])),
        ])
        .unwrap()
    }

    #[test]
    fn numbers_read_back_exactly() {
        for value in [0.1, -0.0, 1e300, 5e-324, 1.0 / 3.0, 123456789.125, 1e16, 9007199254740993.0, f64::INFINITY] {
            let back: f64 = number_text(value).parse().unwrap();
            assert_eq!(back.to_bits(), value.to_bits(), "{}", number_text(value));
        }
        assert_eq!((number_text(2.0), number_text(1e-9)), ("2".into(), "1e-9".into()));
    }

    #[test]
    fn shows_in_columns() {
        assert_eq!(small().show(), "id        energy  name\n 1      -44.3268  icosahedron\n12  1.000000e-12  b");
        let long = Table::new(vec![("n".into(), Column::Integers((0..100).collect()))]).unwrap();
        assert!(long.show().ends_with("98\n99\n100 rows") && long.show().contains('…'));
        assert_eq!(Table::default().show(), "");
    }

    #[test]
    fn refuses_uneven_columns_and_helps_with_names() {
        let uneven = vec![("a".into(), Column::Integers(vec![1])), ("b".into(), Column::Integers(vec![1, 2]))];
        assert!(Table::new(uneven).unwrap_err().to_string().contains("`b` has 2"));
        assert!(small().column("enrgy").unwrap_err().to_string().contains("did you mean `energy`"));
        assert_eq!(small().column("id").unwrap().numbers(), Some(vec![1.0, 12.0]));
    }
}
