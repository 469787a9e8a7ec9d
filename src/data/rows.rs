//! Matrices too large for the memory: a file of rows that grows in any order, and .npz archives whose largest array is written and read a
//! block at a time.
//!
//! The archive is numpy's: uncompressed, the large array last, so that the others can be read without passing over it.

use super::files::format_error;
use super::npy::{Array, Values, npy_bytes, parse_npy};
use crate::base::files::{file_error, write_whole};
use crate::base::{Error, Result};
use crate::math::Matrix;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use zip::write::FileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Bytes that are moved at a time.
const BLOCK: usize = 1 << 20;

/// Rows on the disk while they are made, each put at its place. The file lies beside the one that they are meant for and goes with this value.
pub struct Scratch {
    file: File,
    path: PathBuf,
    columns: usize,
    function: &'static str,
}

impl Scratch {
    /// An empty one beside `path`.
    pub fn beside(function: &'static str, path: &Path, columns: usize) -> Result<Scratch> {
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}.part", std::process::id()));
        let path = path.with_file_name(name);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path);
        Ok(Scratch { file: file.map_err(|e| file_error(function, &path, &e))?, path, columns, function })
    }

    /// Puts a row at its place.
    pub fn put(&mut self, row: usize, values: &[f64]) -> Result<()> {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let at = (row * self.columns * 8) as u64;
        let written = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.write_all(&bytes));
        written.map_err(|e| file_error(self.function, &self.path, &e))
    }

    /// Copies `rows` rows from `row` on.
    fn copy(&mut self, row: usize, rows: usize, to: &mut dyn Write) -> io::Result<()> {
        self.file.seek(SeekFrom::Start((row * self.columns * 8) as u64))?;
        let wanted = (rows * self.columns * 8) as u64;
        let copied = io::copy(&mut BufReader::with_capacity(BLOCK, &self.file).take(wanted), to)?;
        if copied == wanted { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left over it harms nobody.
        let _ = fs::remove_file(&self.path);
    }
}

/// Where the rows of the large array come from.
pub enum Rows<'a> {
    Memory(&'a Matrix),
    /// `chains` parts of `rows` rows each, the parts beginning every `room` rows.
    Scratch {
        scratch: &'a mut Scratch,
        chains: usize,
        rows: usize,
        room: usize,
    },
}

/// Writes a .npz archive of small arrays and, last, a large one.
pub fn write_npz(function: &str, path: &Path, small: &[(&str, Array)], name: &str, rows: Rows) -> Result<()> {
    write_whole(function, path, |file| {
        let mut zip = ZipWriter::new(BufWriter::with_capacity(BLOCK, file));
        let plain = FileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
        for (name, array) in small {
            zip.start_file(format!("{name}.npy"), plain)?;
            zip.write_all(&npy_bytes(array))?;
        }
        zip.start_file(format!("{name}.npy"), plain)?;
        match rows {
            Rows::Memory(matrix) => {
                zip.write_all(&header(matrix.rows, matrix.columns))?;
                for block in matrix.data.chunks(BLOCK / 8) {
                    zip.write_all(&block.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())?;
                }
            }
            Rows::Scratch { scratch, chains, rows, room } => {
                zip.write_all(&header(chains * rows, scratch.columns))?;
                for chain in 0..chains {
                    scratch.copy(chain * room, rows, &mut zip)?;
                }
            }
        }
        zip.finish()?.flush()
    })
}

/// What stands before the numbers of a .npy file.
fn header(rows: usize, columns: usize) -> Vec<u8> {
    npy_bytes(&Array { shape: vec![rows, columns], values: Values::Reals(Vec::new()) })
}

/// The small arrays of such an archive: all but the one called `large`.
pub fn read_small(function: &str, path: &Path, large: &str) -> Result<Vec<(String, Array)>> {
    let mut zip = open(function, path)?;
    let mut arrays = Vec::new();
    for k in 0..zip.len() {
        let mut entry = zip.by_index(k).map_err(|e| format_error(function, path, format!("a broken .npz file ({e})")))?;
        let Some(name) = entry.name().strip_suffix(".npy").map(String::from) else { continue };
        if name == large {
            continue;
        }
        let mut bytes = Vec::new();
        (&mut entry).take(super::files::MOST_BYTES).read_to_end(&mut bytes).map_err(|e| file_error(function, path, &e))?;
        arrays.push((
            name.clone(),
            parse_npy(&bytes).map_err(|what| format_error(function, path, format!("array `{name}` {what}")))?,
        ));
    }
    Ok(arrays)
}

/// Hands over the rows of the array `large`, blocks of whole rows in order, each with the number of its first row.
pub fn visit_large(
    function: &str,
    path: &Path,
    large: &str,
    columns: usize,
    each: &mut dyn FnMut(usize, &[f64]) -> Result<()>,
) -> Result<()> {
    let mut zip = open(function, path)?;
    let wrong = |what: &str| format_error(function, path, what);
    let mut entry = zip.by_name(&format!("{large}.npy")).map_err(|_| wrong(&format!("holds no array `{large}`")))?;
    let mut start = [0; 10];
    entry.read_exact(&mut start).map_err(|_| wrong("is cut short"))?;
    let mut head = vec![0; u16::from_le_bytes([start[8], start[9]]) as usize];
    entry.read_exact(&mut head).map_err(|_| wrong("is cut short"))?;
    let rest = entry.size().saturating_sub((start.len() + head.len()) as u64);
    if columns == 0 || !rest.is_multiple_of(8 * columns as u64) || !String::from_utf8_lossy(&head).contains("'<f8'") {
        return Err(wrong(&format!("array `{large}` does not hold rows of {columns} numbers")));
    }
    let rows = (rest / (8 * columns as u64)) as usize;
    let step = (BLOCK / (8 * columns)).max(1);
    let mut bytes = vec![0; step * columns * 8];
    let mut numbers = vec![0.0; step * columns];
    for first in (0..rows).step_by(step) {
        let count = step.min(rows - first) * columns;
        entry.read_exact(&mut bytes[..count * 8]).map_err(|e| file_error(function, path, &e))?;
        for (number, bytes) in numbers.iter_mut().zip(bytes[..count * 8].as_chunks::<8>().0) {
            *number = f64::from_le_bytes(*bytes);
        }
        each(first, &numbers[..count])?;
    }
    Ok(())
}

fn open(function: &str, path: &Path) -> Result<ZipArchive<BufReader<File>>> {
    let file = File::open(path).map_err(|e| file_error(function, path, &e))?;
    ZipArchive::new(BufReader::with_capacity(BLOCK, file))
        .map_err(|_| -> Error { format_error(function, path, "is not a .npz file (a zip archive of arrays)") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_from_memory_and_from_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.npz");
        let matrix = Matrix::from_rows(4, 3, (0..12).map(f64::from).collect());
        let label = Array { shape: vec![1], values: Values::Texts(vec!["two walkers".into()]) };
        let back = || {
            let mut rows = Vec::new();
            visit_large("test", &path, "positions", 3, &mut |first, block| {
                assert_eq!(first * 3, rows.len());
                rows.extend_from_slice(block);
                Ok(())
            })
            .unwrap();
            assert_eq!(read_small("test", &path, "positions").unwrap(), [("label".to_string(), label.clone())]);
            rows
        };
        write_npz("test", &path, &[("label", label.clone())], "positions", Rows::Memory(&matrix)).unwrap();
        assert_eq!(back(), matrix.data);
        // Two parts of two rows with room for three each, put in another order.
        let mut scratch = Scratch::beside("test", &path, 3).unwrap();
        for (place, row) in [(4, 3), (0, 0), (3, 2), (1, 1)] {
            scratch.put(place, matrix.row(row)).unwrap();
        }
        let rows = Rows::Scratch { scratch: &mut scratch, chains: 2, rows: 2, room: 3 };
        write_npz("test", &path, &[("label", label.clone())], "positions", rows).unwrap();
        assert_eq!(back(), matrix.data);
        drop(scratch);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        // numpy's own reader would find the same arrays: ours does.
        let arrays = super::super::npy::read_npz("test", &path).unwrap();
        assert_eq!(arrays[1].1, Array { shape: vec![4, 3], values: Values::Reals(matrix.data) });
    }
}
