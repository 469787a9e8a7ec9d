//! Tables as people have them: CSV with `,` `;` or tab, with or without a header, packed or not, read into a data set.
//! Every error names the file, the line and the column.

use super::files::{self, format_error};
use super::generators::TargetKind;
use super::table::number_text;
use super::{Dataset, MOST_CLASSES, Targets};
use crate::base::{Error, Kind, OptionType, OptionValue, Result, nearest};
use crate::math::Matrix;
use ::csv::{ReaderBuilder, StringRecord, Trim};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Which column holds the targets.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetColumn {
    Last,
    /// Inputs only.
    Nothing,
    Named(String),
    Index(i64),
    /// Several columns of real targets.
    Several(Vec<TargetColumn>),
}

impl OptionType for TargetColumn {
    fn takes() -> String {
        "the name or number of a column, an array of them, or ()".into()
    }
    fn read(value: &OptionValue) -> Option<TargetColumn> {
        match value {
            OptionValue::Unit => Some(TargetColumn::Nothing),
            OptionValue::Text(name) => Some(TargetColumn::Named(name.clone())),
            OptionValue::Integer(index) => Some(TargetColumn::Index(*index)),
            OptionValue::List(list) => {
                let columns: Option<Vec<TargetColumn>> = list.iter().map(TargetColumn::read).collect();
                columns
                    .filter(|c| c.iter().all(|c| matches!(c, TargetColumn::Named(_) | TargetColumn::Index(_))))
                    .filter(|c| !c.is_empty())
                    .map(TargetColumn::Several)
            }
            _ => None,
        }
    }
    fn show(&self) -> String {
        match self {
            TargetColumn::Last => "the last column".into(),
            TargetColumn::Nothing => "()".into(),
            TargetColumn::Named(name) => format!("{name:?}"),
            TargetColumn::Index(index) => index.to_string(),
            TargetColumn::Several(columns) => {
                format!("[{}]", columns.iter().map(TargetColumn::show).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

crate::options! {
    /// Options of `load_csv`.
    pub struct CsvOptions {
        /// The column of targets, by name or by number from 0; () for inputs only; an array of columns for several real targets.
        target: TargetColumn = TargetColumn::Last, ANY, "";
        /// Whether the first line holds names.
        header: Option<bool> = None => "true", ANY, "";
        /// Whether the targets are classes (ranked: numbers by value, words alphabetically) or real values.
        kind: TargetKind = TargetKind::Classes, ANY, "";
        /// What stands between two fields: "," ";" or "tab".
        delimiter: Option<String> = None => "found in the file", ANY, "";
    }
}

const FUNCTION: &str = "load_csv";

/// Reads a data set from a table.
pub fn load_csv(path: &Path, options: &CsvOptions) -> Result<Dataset> {
    let bytes = files::read(FUNCTION, path)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let wrong = |what: String| format_error(FUNCTION, path, what);
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(wrong("is UTF-16 text".into()).hint("save it as UTF-8"));
    }
    if bytes[..bytes.len().min(4096)].contains(&0) {
        return Err(wrong("is no text, so it is no table".into()));
    }
    if bytes.trim_ascii().is_empty() {
        return Err(wrong("the file is empty".into()));
    }
    let delimiter = match options.delimiter.as_deref() {
        None => find_delimiter(bytes),
        Some("tab") => b'\t',
        Some(text) if text.len() == 1 && text.is_ascii() => text.as_bytes()[0],
        Some(text) => {
            return Err(Error::value(format!(
                "{FUNCTION}: option `delimiter` must be one character or \"tab\", found \"{text}\""
            ))
            .at("delimiter"));
        }
    };
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).delimiter(delimiter).from_reader(bytes);
    let mut first = StringRecord::new();
    reader.read_record(&mut first).map_err(|e| wrong(said(&e)))?;
    let mut table = Layout { path, header: header_of(path, &first, options.header)?, width: first.len(), targets: Vec::new() };
    table.targets = table.find_targets(&options.target)?;
    if table.targets.len() == table.width {
        let error = wrong(format!("has {}, so nothing is left for the inputs", columns(table.width)));
        return Err(error.hint("fields are to be separated by , ; or tab; target: () reads inputs only"));
    }
    let is_target: Vec<bool> = (0..table.width).map(|c| table.targets.contains(&c)).collect();
    let wants_classes = options.kind == TargetKind::Classes && !table.targets.is_empty();
    if wants_classes && table.targets.len() > 1 {
        return Err(Error::value(format!("{FUNCTION}: {} target columns cannot be classes", table.targets.len()))
            .hint("several targets are real ones: kind: \"values\"")
            .at("target"));
    }

    let (mut inputs, mut values, mut words) = (Vec::new(), Vec::new(), Words::default());
    let mut record = if table.header.is_some() { StringRecord::new() } else { first };
    let mut pending = table.header.is_none();
    loop {
        if !pending && !reader.read_record(&mut record).map_err(|e| wrong(said(&e)))? {
            break;
        }
        pending = false;
        let line = record.position().map_or(0, |p| p.line());
        if record.len() != table.width {
            let error = wrong(format!("line {line} has {}, the first line has {}", fields(record.len()), fields(table.width)));
            return Err(error.hint("a table has the same number of fields in every line"));
        }
        for (c, text) in record.iter().enumerate() {
            if !is_target[c] {
                inputs.push(table.number(line, c, text)?);
            } else if wants_classes {
                words.add(text).ok_or_else(|| table.cell_error(line, c, text, "is no class"))?;
            }
        }
        if !wants_classes {
            for &c in &table.targets {
                values.push(table.number(line, c, &record[c])?);
            }
        }
    }
    let rows = inputs.len() / (table.width - table.targets.len());
    if rows == 0 {
        return Err(wrong("has a header but no rows".into()));
    }
    let targets = match (wants_classes, table.targets.as_slice()) {
        (_, []) => Targets::None,
        (true, [c, ..]) => {
            let column = table.column_name(*c);
            words
                .ranked()
                .map_err(|what| wrong(format!("column {column} {what}")).hint("real targets are read with kind: \"values\""))?
        }
        (false, targets) => Targets::values(Matrix::from_rows(rows, targets.len(), values)),
    };
    let width = table.width - table.targets.len();
    Ok(Dataset { inputs: Arc::new(Matrix::from_rows(rows, width, inputs)), targets, wrong: None })
}

fn columns(count: usize) -> String {
    if count == 1 { "a single column".into() } else { format!("{count} columns") }
}

fn fields(count: usize) -> String {
    if count == 1 { "1 field".into() } else { format!("{count} fields") }
}

/// An error of the CSV reader in our words.
fn said(error: &::csv::Error) -> String {
    match error.kind() {
        ::csv::ErrorKind::Utf8 { pos, .. } => {
            format!("line {} is not UTF-8 text", pos.as_ref().map_or(0, |p| p.line()))
        }
        _ => error.to_string(),
    }
}

/// The separator that stands equally often in each of the first lines; where several do, the rarer in prose.
fn find_delimiter(bytes: &[u8]) -> u8 {
    let beginning = &bytes[..bytes.len().min(1 << 16)];
    let lines: Vec<&[u8]> = beginning.split(|b| *b == b'\n').filter(|l| !l.trim_ascii().is_empty()).take(20).collect();
    let count = |line: &[u8], delimiter: u8| {
        let mut quoted = false;
        line.iter()
            .filter(|&&b| {
                quoted ^= b == b'"';
                b == delimiter && !quoted
            })
            .count()
    };
    let first = |delimiter: u8| lines.first().map_or(0, |l| count(l, delimiter));
    let even = |delimiter: u8| first(delimiter) > 0 && lines.iter().all(|l| count(l, delimiter) == first(delimiter));
    let candidates = [b'\t', b';', b','];
    let often = candidates.into_iter().max_by_key(|d| first(*d)).filter(|d| first(*d) > 0);
    candidates.into_iter().find(|d| even(*d)).or(often).unwrap_or(b',')
}

/// The names in the first line; `None` when it is the first row of data.
fn header_of(path: &Path, first: &StringRecord, asked: Option<bool>) -> Result<Option<Vec<String>>> {
    let numeric = first.iter().find(|f| f.parse::<f64>().is_ok_and(f64::is_finite));
    match (asked, numeric) {
        (Some(false), _) => Ok(None),
        (None, Some(number)) => {
            let what = format!("line 1 was to hold the names of the columns, found the number {number}");
            Err(format_error(FUNCTION, path, what)
                .hint("header: false says that there are no names; header: true that these are names")
                .at("header"))
        }
        _ => Ok(Some(first.iter().map(String::from).collect())),
    }
}

/// What is known of the table before its rows are read.
struct Layout<'a> {
    path: &'a Path,
    header: Option<Vec<String>>,
    width: usize,
    /// Numbers of the target columns, in the order asked for.
    targets: Vec<usize>,
}

impl Layout<'_> {
    fn find_targets(&self, target: &TargetColumn) -> Result<Vec<usize>> {
        match target {
            TargetColumn::Nothing => Ok(Vec::new()),
            TargetColumn::Last => Ok(vec![self.width - 1]),
            TargetColumn::Index(index) => match usize::try_from(*index).ok().filter(|c| *c < self.width) {
                Some(column) => Ok(vec![column]),
                None => Err(Error::new(
                    Kind::Name,
                    format!("{FUNCTION}: column {index} was asked for, {} has {} columns", self.path.display(), self.width),
                )
                .hint(format!("they are numbered from 0 to {}", self.width - 1))
                .at("target")),
            },
            TargetColumn::Named(name) => Ok(vec![self.find_name(name)?]),
            TargetColumn::Several(columns) => {
                let mut found = Vec::new();
                for column in columns {
                    for c in self.find_targets(column)? {
                        if found.contains(&c) {
                            return Err(Error::value(format!("{FUNCTION}: column {c} is asked for twice as target")).at("target"));
                        }
                        found.push(c);
                    }
                }
                Ok(found)
            }
        }
    }

    fn find_name(&self, name: &str) -> Result<usize> {
        let wrong =
            |what: &str| Error::new(Kind::Name, format!("{FUNCTION}: {} {what} `{name}`", self.path.display())).at("target");
        let Some(header) = &self.header else {
            return Err(wrong("is read without a header, so it has no column").hint("give the column's number"));
        };
        let mut found = (0..self.width).filter(|&c| header[c] == name);
        match (found.next(), found.next()) {
            (Some(column), None) => Ok(column),
            (Some(_), Some(_)) => Err(wrong("has two columns").hint("give the column's number")),
            (None, _) => {
                let mut known = header.iter().take(20).map(String::as_str).collect::<Vec<_>>().join(", ");
                if header.len() > 20 {
                    known.push_str(", …");
                }
                Err(match nearest(name, header.iter().map(String::as_str)) {
                    Some(near) => wrong("has no column").hint(format!("did you mean `{near}`? It has {known}")),
                    None => wrong("has no column").hint(format!("it has {known}")),
                })
            }
        }
    }

    /// `2 (petal_length)`, or only the number.
    fn column_name(&self, column: usize) -> String {
        match self.header.as_ref().map(|names| names[column].as_str()) {
            Some(name) if !name.is_empty() => format!("{column} (`{name}`)"),
            _ => column.to_string(),
        }
    }

    fn cell_error(&self, line: u64, column: usize, text: &str, what: &str) -> Error {
        let place = format!("line {line}, column {}", self.column_name(column));
        if text.is_empty() {
            return format_error(FUNCTION, self.path, format!("{place}: the field is empty"))
                .hint("fill in missing values or leave their rows out");
        }
        let shortened: String = text.chars().take(40).collect();
        format_error(FUNCTION, self.path, format!("{place}: \"{shortened}\" {what}"))
    }

    fn number(&self, line: u64, column: usize, text: &str) -> Result<f64> {
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            Ok(_) => Err(self.cell_error(line, column, text, "is not a finite number")),
            Err(_) => {
                let error = self.cell_error(line, column, text, "is not a number");
                Err(if text.is_empty() {
                    error
                } else if text.replacen(',', ".", 1).parse::<f64>().is_ok() {
                    error.hint("decimals are written with a point")
                } else if line == 1 && self.header.is_none() {
                    error.hint("if the first line holds names, leave out header: false")
                } else if !self.targets.contains(&column) {
                    error.hint("inputs are numbers; a column of words can be the target")
                } else {
                    error.hint("a column of words is read with kind: \"classes\"")
                })
            }
        }
    }
}

/// Classes from words, ranked as those of a table: numbers by value, words alphabetically. An empty word is an error that names its item.
pub fn classes_of_words(words: &[String]) -> std::result::Result<Targets, String> {
    let mut known = Words::default();
    for (item, word) in words.iter().enumerate() {
        known.add(word).ok_or_else(|| format!("item {item} has the class \"{word}\""))?;
    }
    known.ranked()
}

/// The labels of a column and what they are called.
#[derive(Default)]
struct Words {
    known: HashMap<String, u32>,
    /// By order of appearance.
    names: Vec<String>,
    labels: Vec<u32>,
}

impl Words {
    /// `None` for an empty field and for what is a number but not a finite one.
    fn add(&mut self, text: &str) -> Option<()> {
        if text.is_empty() || text.parse::<f64>().is_ok_and(|v| !v.is_finite()) {
            return None;
        }
        let next = self.names.len() as u32;
        let label = match self.known.get(text) {
            Some(label) => *label,
            None => {
                self.known.insert(text.into(), next);
                self.names.push(text.into());
                next
            }
        };
        self.labels.push(label);
        Some(())
    }

    /// Classes in order: numbers by value (1 and 1.0 are the same one), words alphabetically.
    fn ranked(self) -> std::result::Result<Targets, String> {
        let numbers: Option<Vec<f64>> = self.names.iter().map(|n| n.parse().ok()).collect();
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        // The class of each word, and the name of each class.
        let mut class_of = vec![0u32; self.names.len()];
        let mut names: Vec<String> = Vec::new();
        match &numbers {
            Some(values) => {
                order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
                for group in order.chunk_by(|&a, &b| values[a] == values[b]) {
                    group.iter().for_each(|&word| class_of[word] = names.len() as u32);
                    // −0 and 0 are one class, and it is called 0.
                    names.push(number_text(values[group[0]] + 0.0));
                }
                if names.len() > 100 && values.iter().any(|v| v.fract() != 0.0) {
                    return Err(format!("holds {} different numbers, not all whole: too many to be classes", names.len()));
                }
            }
            None => {
                order.sort_by(|&a, &b| self.names[a].cmp(&self.names[b]));
                for word in order {
                    class_of[word] = names.len() as u32;
                    names.push(self.names[word].clone());
                }
            }
        }
        if names.len() > MOST_CLASSES {
            return Err(format!("holds {} different labels, at most {MOST_CLASSES} can be classes", names.len()));
        }
        let labels = self.labels.iter().map(|&word| class_of[word as usize]).collect();
        Ok(Targets::Classes { labels, names: names.into() })
    }
}
