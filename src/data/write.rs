//! Values saved as files that other programs read: CSV, npy, npz, JSON. The ending decides; a file is written whole or not at all.

use super::npy::{Array, Values, npy_bytes, npz_bytes};
use super::table::{Column, Table};
use super::{Dataset, Targets};
use crate::base::files::write_atomically;
use crate::base::{Error, Kind, Result};
use crate::math::Matrix;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::Path;

/// What an ending asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Csv,
    CsvGz,
    Npy,
    Npz,
    Json,
}

fn ending(path: &Path) -> Result<Ending> {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    let known = [
        (".csv", Ending::Csv),
        (".csv.gz", Ending::CsvGz),
        (".npy", Ending::Npy),
        (".npz", Ending::Npz),
        (".json", Ending::Json),
    ];
    match known.iter().find(|(text, _)| name.ends_with(text)) {
        Some((_, ending)) => Ok(*ending),
        None => Err(Error::value(format!("save: {}: the ending says no format that is known", path.display()))
            .hint("it is .csv, .csv.gz, .npy, .npz or .json")
            .at("path")),
    }
}

/// A value that this kind of file cannot hold.
fn unfit(path: &Path, what: &str, hint: &str) -> Error {
    Error::new(Kind::Type, format!("save: {}: {what}", path.display())).hint(hint).at("path")
}

/// Saves a table: `.npy` and `.npz` hold numbers only, `.npy` as rows × columns.
pub fn save_table(table: &Table, path: &Path) -> Result<()> {
    let bytes = match ending(path)? {
        Ending::Csv => csv_bytes(table),
        Ending::CsvGz => packed(&csv_bytes(table)),
        Ending::Json => json_bytes(&table_json(table)),
        Ending::Npy => {
            let mut matrix = Matrix::zeros(table.len(), table.columns().len());
            for (j, (name, column)) in table.columns().iter().enumerate() {
                let words = || unfit(path, &format!("column `{name}` holds words"), ".npz, .csv and .json hold them");
                for (i, value) in column.numbers().ok_or_else(words)?.into_iter().enumerate() {
                    matrix[(i, j)] = value;
                }
            }
            npy_bytes(&matrix_array(&matrix))
        }
        Ending::Npz => {
            let arrays: Vec<(&str, Array)> =
                table.columns().iter().map(|(name, column)| (name.as_str(), column_array(column))).collect();
            archive(path, &arrays)?
        }
    };
    write_atomically("save", path, &bytes)
}

/// Saves a vector: a column `value` of a table, an array of one dimension.
pub fn save_vector(vector: &[f64], path: &Path) -> Result<()> {
    let array = || Array { shape: vec![vector.len()], values: Values::Reals(vector.to_vec()) };
    let bytes = match ending(path)? {
        Ending::Npy => npy_bytes(&array()),
        Ending::Npz => archive(path, &[("value", array())])?,
        Ending::Json => json_bytes(&json!(vector)),
        Ending::Csv | Ending::CsvGz => {
            return save_table(&Table::new(vec![("value".into(), Column::Numbers(vector.to_vec()))])?, path);
        }
    };
    write_atomically("save", path, &bytes)
}

/// Saves a matrix: columns x0, x1, … of a table, an array of two dimensions.
pub fn save_matrix(matrix: &Matrix, path: &Path) -> Result<()> {
    let bytes = match ending(path)? {
        Ending::Npy => npy_bytes(&matrix_array(matrix)),
        Ending::Npz => archive(path, &[("value", matrix_array(matrix))])?,
        Ending::Json => json_bytes(&matrix_json(matrix)),
        Ending::Csv | Ending::CsvGz => return save_table(&Table::new(matrix_columns(matrix, "x"))?, path),
    };
    write_atomically("save", path, &bytes)
}

/// Saves any value of JSON.
pub fn save_json(value: &Value, path: &Path) -> Result<()> {
    match ending(path)? {
        Ending::Json => write_atomically("save", path, &json_bytes(value)),
        _ => Err(unfit(path, "this value is no table, vector or matrix", "save it as .json")),
    }
}

impl Dataset {
    /// Saves the data set: `.csv` with columns x0, x1, … and `label` (class names) or `target`, which `load_csv` reads back;
    /// `.npz` with arrays `inputs`, `targets`, `class_names`, `wrong`, which keeps also classes without items.
    pub fn save(&self, path: &Path) -> Result<()> {
        match ending(path)? {
            Ending::Csv | Ending::CsvGz => save_table(&self.table()?, path),
            Ending::Json => write_atomically("save", path, &json_bytes(&table_json(&self.table()?))),
            Ending::Npz => write_atomically("save", path, &archive(path, &self.arrays())?),
            Ending::Npy => Err(unfit(path, "one array cannot hold inputs and targets", "save a Dataset as .npz or .csv")),
        }
    }

    /// Inputs and targets as a table.
    pub fn table(&self) -> Result<Table> {
        let mut columns = matrix_columns(&self.inputs, "x");
        match &self.targets {
            Targets::None => {}
            Targets::Classes { labels, names } => {
                let words = labels.iter().map(|&l| names[l as usize].clone()).collect();
                columns.push(("label".into(), Column::Texts(words)));
            }
            Targets::Values(values) if values.columns == 1 => {
                columns.push(("target".into(), Column::Numbers(values.data.clone())))
            }
            Targets::Values(values) => columns.extend(matrix_columns(values, "target")),
        }
        Table::new(columns)
    }

    fn arrays(&self) -> Vec<(&'static str, Array)> {
        let mut arrays = vec![("inputs", matrix_array(&self.inputs))];
        match &self.targets {
            Targets::None => {}
            Targets::Classes { labels, names } => {
                let labels = labels.iter().map(|&l| l as i64).collect();
                arrays.push(("targets", Array { shape: vec![self.len()], values: Values::Integers(labels) }));
                arrays.push(("class_names", Array { shape: vec![names.len()], values: Values::Texts(names.to_vec()) }));
            }
            Targets::Values(values) => arrays.push(("targets", matrix_array(values))),
        }
        if let Some(wrong) = &self.wrong {
            let wrong = wrong.iter().map(|&w| i64::from(w)).collect();
            arrays.push(("wrong", Array { shape: vec![self.len()], values: Values::Integers(wrong) }));
        }
        arrays
    }
}

fn archive(path: &Path, arrays: &[(&str, Array)]) -> Result<Vec<u8>> {
    npz_bytes(arrays).map_err(|what| Error::file(path, format!("save: {what}")))
}

fn matrix_array(matrix: &Matrix) -> Array {
    Array { shape: vec![matrix.rows, matrix.columns], values: Values::Reals(matrix.data.clone()) }
}

fn column_array(column: &Column) -> Array {
    let values = match column {
        Column::Integers(v) => Values::Integers(v.clone()),
        Column::Numbers(v) => Values::Reals(v.clone()),
        Column::Texts(v) => Values::Texts(v.clone()),
    };
    Array { shape: vec![column.len()], values }
}

fn matrix_columns(matrix: &Matrix, name: &str) -> Vec<(String, Column)> {
    (0..matrix.columns).map(|j| (format!("{name}{j}"), Column::Numbers(matrix.column(j)))).collect()
}

fn csv_bytes(table: &Table) -> Vec<u8> {
    let mut writer = ::csv::WriterBuilder::new().from_writer(Vec::new());
    // Writing into memory cannot fail, and every record has the table's number of fields.
    let mut write = |cells: Vec<String>| writer.write_record(cells).is_ok();
    let mut complete = write(table.names().map(String::from).collect());
    for row in 0..table.len() {
        complete &= write(table.columns().iter().map(|(_, column)| column.text(row)).collect());
    }
    debug_assert!(complete);
    writer.into_inner().unwrap_or_default()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    // Writing into memory cannot fail.
    let written = packer.write_all(bytes).is_ok();
    debug_assert!(written);
    packer.finish().unwrap_or_default()
}

/// A map of columns; what is not a finite number is null, as JSON has no word for it.
pub fn table_json(table: &Table) -> Value {
    let columns = table.columns().iter().map(|(name, column)| {
        let values = match column {
            Column::Integers(v) => json!(v),
            Column::Numbers(v) => json!(v),
            Column::Texts(v) => json!(v),
        };
        (name.clone(), values)
    });
    Value::Object(columns.collect::<Map<_, _>>())
}

/// An array of rows.
pub fn matrix_json(matrix: &Matrix) -> Value {
    (0..matrix.rows).map(|i| json!(matrix.row(i))).collect()
}

fn json_bytes(value: &Value) -> Vec<u8> {
    let mut text = value.to_string();
    text.push('\n');
    text.into_bytes()
}
