//! numpy's files: .npy (one array) and .npz (several), read and written.
//!
//! Reads every type of whole and real number (half precision and truth values too), both byte orders, C and Fortran order, and words.
//! Python objects would have to be unpickled, which runs code: they are refused. The format is that of
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>; the header is read here and not by a library because
//! the sizes in it must be checked against the file before anything is reserved.

use super::files::{self, format_error};
use super::{Dataset, MOST_CLASSES, Targets};
use crate::base::{Error, Result};
use crate::math::Matrix;
use npyz::npz::{NpzArchive, NpzWriter};
use std::io::{Cursor, Read, Write};
use std::path::Path;

/// numpy itself refuses longer headers: they are an attack or a mistake.
const LONGEST_HEADER: usize = 10_000;

/// The entries of an array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    Integers(Vec<i64>),
    Reals(Vec<f64>),
    Texts(Vec<String>),
}

/// An array as a file holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Values,
}

impl Array {
    /// As rows of numbers: the first dimension are the rows, all others make the columns.
    pub fn into_matrix(self) -> std::result::Result<Matrix, String> {
        let rows = self.shape.first().copied().unwrap_or(1);
        let numbers = match self.values {
            Values::Reals(v) => v,
            Values::Integers(v) => v.into_iter().map(|v| v as f64).collect(),
            Values::Texts(_) => return Err("holds words, not numbers".into()),
        };
        let columns = numbers.len().checked_div(rows).unwrap_or(0);
        Ok(Matrix::from_rows(rows, columns, numbers))
    }
}

/// Reads a .npy file.
pub fn read_npy(function: &str, path: &Path) -> Result<Array> {
    parse_npy(&files::read(function, path)?).map_err(|what| format_error(function, path, what))
}

/// Reads every array of a .npz file, in the order of the file.
pub fn read_npz(function: &str, path: &Path) -> Result<Vec<(String, Array)>> {
    let wrong = |what: String| format_error(function, path, what);
    let bytes = files::read(function, path)?;
    if !bytes.starts_with(b"PK") {
        return Err(wrong("is not a .npz file (a zip archive of arrays)".into()));
    }
    let broken = |e: String| wrong(format!("a broken .npz file ({e})"));
    let mut archive = NpzArchive::new(Cursor::new(bytes)).map_err(|e| broken(e.to_string()))?;
    let archive = archive.zip_archive();
    let mut arrays = Vec::new();
    let mut room = files::MOST_BYTES;
    for entry in 0..archive.len() {
        let mut packed = archive.by_index(entry).map_err(|e| broken(e.to_string()))?;
        let Some(name) = packed.name().strip_suffix(".npy").map(String::from) else { continue };
        let mut bytes = Vec::new();
        (&mut packed).take(room + 1).read_to_end(&mut bytes).map_err(|e| broken(e.to_string()))?;
        room = room
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| wrong(format!("holds more than {} GiB", files::MOST_BYTES >> 30)))?;
        let array = parse_npy(&bytes).map_err(|what| wrong(format!("array `{name}` {what}")))?;
        arrays.push((name, array));
    }
    Ok(arrays)
}

/// The array in the bytes of a .npy file; the error says what the bytes are instead.
pub fn parse_npy(bytes: &[u8]) -> std::result::Result<Array, String> {
    let [0x93, b'N', b'U', b'M', b'P', b'Y', version, _, rest @ ..] = bytes else {
        return Err("is not a .npy file (it does not begin with \\x93NUMPY)".into());
    };
    let cut = || "ends within its header".to_string();
    let (length, rest) = match version {
        1 => rest.split_first_chunk::<2>().map(|(n, rest)| (u16::from_le_bytes(*n) as usize, rest)),
        2 | 3 => rest.split_first_chunk::<4>().map(|(n, rest)| (u32::from_le_bytes(*n) as usize, rest)),
        _ => return Err(format!("is a .npy file of version {version}; versions 1 to 3 are known")),
    }
    .ok_or_else(cut)?;
    if length > LONGEST_HEADER {
        return Err(format!("has a header of {length} bytes, at most {LONGEST_HEADER} are read"));
    }
    let (header, data) = rest.split_at_checked(length).ok_or_else(cut)?;
    let header = std::str::from_utf8(header).map_err(|_| "has a header that is no text".to_string())?;
    let (kind, big) = element(header)?;
    let fortran = match field(header, "fortran_order")? {
        v if v.starts_with("True") => true,
        v if v.starts_with("False") => false,
        _ => return Err("has a header without a valid fortran_order".into()),
    };
    let shape = shape(header)?;
    let count = shape.iter().try_fold(1usize, |n, &s| n.checked_mul(s));
    let needed = count.and_then(|n| n.checked_mul(kind.bytes()));
    let (Some(count), Some(needed)) = (count, needed.filter(|n| *n <= data.len())) else {
        return Err(format!("holds {} bytes of data, its shape {shape:?} needs more", data.len()));
    };
    // An array of no bytes at all ('<U0') may claim any length.
    if kind.bytes() == 0 && count > 0 {
        return Err("holds entries of no bytes".into());
    }
    let mut values = decode(kind, big, &data[..needed])?;
    if fortran && shape.len() > 1 {
        let order = fortran_places(&shape);
        values = match values {
            Values::Integers(v) => Values::Integers(order.iter().map(|&i| v[i]).collect()),
            Values::Reals(v) => Values::Reals(order.iter().map(|&i| v[i]).collect()),
            Values::Texts(v) => Values::Texts(order.iter().map(|&i| v[i].clone()).collect()),
        };
    }
    Ok(Array { shape, values })
}

/// What follows `'key':` in the header's dictionary.
fn field<'a>(header: &'a str, key: &str) -> std::result::Result<&'a str, String> {
    let missing = || format!("has a header without {key}");
    let place = [format!("'{key}'"), format!("\"{key}\"")].iter().find_map(|quoted| Some(header.find(quoted)? + quoted.len()));
    let after = header[place.ok_or_else(missing)?..].trim_start();
    Ok(after.strip_prefix(':').ok_or_else(missing)?.trim_start())
}

/// The type of an entry, and how many bytes it takes.
#[derive(Clone, Copy, PartialEq)]
enum Element {
    Signed(usize),
    Unsigned(usize),
    Float(usize),
    Truth,
    /// Characters of four bytes.
    Unicode(usize),
    Bytes(usize),
}

impl Element {
    fn bytes(self) -> usize {
        match self {
            Element::Signed(n) | Element::Unsigned(n) | Element::Float(n) | Element::Bytes(n) => n,
            Element::Truth => 1,
            Element::Unicode(n) => n.saturating_mul(4),
        }
    }
}

/// The element type of a header, and whether its bytes are big-endian.
fn element(header: &str) -> std::result::Result<(Element, bool), String> {
    let descr = field(header, "descr")?;
    let quote = match descr.chars().next() {
        Some('[') => return Err("is a structured array; save its columns as plain arrays".into()),
        Some(q @ ('\'' | '"')) => q,
        _ => return Err("has a header without a valid descr".into()),
    };
    let word = descr[1..].split(quote).next().unwrap_or_default();
    let (order, word) = match word.chars().next() {
        Some(c @ ('<' | '>' | '|' | '=')) => (c, &word[1..]),
        _ => ('<', word),
    };
    let unknown = || match word.chars().next() {
        Some('O') => "holds Python objects; save it as numbers: array.astype(float)".to_string(),
        Some('c') => "holds complex numbers; save real and imaginary parts apart".to_string(),
        _ => format!("holds entries of type '{word}'; whole and real numbers are read"),
    };
    let letter = word.chars().next().ok_or_else(unknown)?;
    let size: Option<usize> = word[letter.len_utf8()..].parse().ok();
    let kind = match (letter, size) {
        ('i', Some(n @ (1 | 2 | 4 | 8))) => Element::Signed(n),
        ('u', Some(n @ (1 | 2 | 4 | 8))) => Element::Unsigned(n),
        ('f', Some(n @ (2 | 4 | 8))) => Element::Float(n),
        ('b', Some(1)) => Element::Truth,
        ('U', Some(n)) => Element::Unicode(n),
        ('S', Some(n)) => Element::Bytes(n),
        _ => return Err(unknown()),
    };
    Ok((kind, order == '>'))
}

fn shape(header: &str) -> std::result::Result<Vec<usize>, String> {
    let wrong = || "has a header without a valid shape".to_string();
    let inside = field(header, "shape")?.strip_prefix('(').and_then(|s| s.split_once(')')).ok_or_else(wrong)?.0;
    let sizes = inside.split(',').map(str::trim).filter(|s| !s.is_empty());
    let shape: Vec<usize> = sizes.map(|s| s.parse().map_err(|_| wrong())).collect::<std::result::Result<_, _>>()?;
    if shape.len() > 32 {
        return Err(format!("has {} dimensions", shape.len()));
    }
    Ok(shape)
}

fn decode(kind: Element, big: bool, data: &[u8]) -> std::result::Result<Values, String> {
    let entries = data.chunks_exact(kind.bytes().max(1));
    // The bits of an entry, most significant first.
    let bits = |entry: &[u8]| match big {
        true => entry.iter().fold(0u64, |bits, &byte| bits << 8 | byte as u64),
        false => entry.iter().rev().fold(0u64, |bits, &byte| bits << 8 | byte as u64),
    };
    Ok(match kind {
        Element::Signed(n) => {
            // Shifted up and down again: the sign bit fills what stands above.
            let unused = 64 - 8 * n as u32;
            Values::Integers(entries.map(|e| ((bits(e) << unused) as i64) >> unused).collect())
        }
        Element::Unsigned(_) | Element::Truth => {
            let too_large = |v: u64| format!("holds the number {v}, larger than {}", i64::MAX);
            Values::Integers(
                entries.map(|e| i64::try_from(bits(e)).map_err(|_| too_large(bits(e)))).collect::<std::result::Result<_, _>>()?,
            )
        }
        Element::Float(2) => Values::Reals(entries.map(|e| half(bits(e) as u16)).collect()),
        Element::Float(4) => Values::Reals(entries.map(|e| f32::from_bits(bits(e) as u32) as f64).collect()),
        Element::Float(_) => Values::Reals(entries.map(|e| f64::from_bits(bits(e))).collect()),
        Element::Unicode(_) => Values::Texts(
            entries
                .map(|e| e.chunks_exact(4).map(|c| char::from_u32(bits(c) as u32).unwrap_or('\u{fffd}')).collect::<String>())
                .map(|s| s.trim_end_matches('\0').into())
                .collect(),
        ),
        Element::Bytes(_) => {
            Values::Texts(entries.map(|e| String::from_utf8_lossy(e).trim_end_matches('\0').to_string()).collect())
        }
    })
}

/// A number of half precision (IEEE 754 binary16).
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = ((bits >> 10 & 0x1f) as i32, (bits & 0x3ff) as f64 / 1024.0);
    sign * match exponent {
        0 => fraction * 2f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2f64.powi(exponent - 15),
    }
}

/// For each entry in row-major order, its place in a column-major file.
fn fortran_places(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for d in 1..shape.len() {
        strides[d] = strides[d - 1] * shape[d - 1];
    }
    let count = shape.iter().product();
    let mut index = vec![0; shape.len()];
    let mut places = Vec::with_capacity(count);
    for _ in 0..count {
        places.push(index.iter().zip(&strides).map(|(i, s)| i * s).sum());
        for d in (0..shape.len()).rev() {
            index[d] += 1;
            if index[d] < shape[d] {
                break;
            }
            index[d] = 0;
        }
    }
    places
}

/// The bytes of a .npy file, version 1.0, little-endian, C order.
pub fn npy_bytes(array: &Array) -> Vec<u8> {
    let mut data = Vec::new();
    let descr = match &array.values {
        Values::Reals(values) => {
            values.iter().for_each(|v| data.extend_from_slice(&v.to_le_bytes()));
            "<f8".to_string()
        }
        Values::Integers(values) => {
            values.iter().for_each(|v| data.extend_from_slice(&v.to_le_bytes()));
            "<i8".to_string()
        }
        Values::Texts(values) => {
            let width = values.iter().map(|v| v.chars().count()).max().unwrap_or(0).max(1);
            for value in values {
                let padded = value.chars().chain(std::iter::repeat('\0')).take(width);
                padded.for_each(|c| data.extend_from_slice(&(c as u32).to_le_bytes()));
            }
            format!("<U{width}")
        }
    };
    // A tuple of one needs its comma.
    let shape: String = array.shape.iter().map(|s| format!("{s}, ")).collect();
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}", shape.trim_end());
    // The data begin at a multiple of 64 bytes, the header ends with a line feed.
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(&data);
    bytes
}

/// The bytes of a .npz file.
pub fn npz_bytes(arrays: &[(&str, Array)]) -> std::result::Result<Vec<u8>, String> {
    let mut writer = NpzWriter::new(Cursor::new(Vec::new()));
    let zip = writer.zip_writer();
    for (name, array) in arrays {
        zip.start_file(format!("{name}.npy"), Default::default()).map_err(|e| e.to_string())?;
        zip.write_all(&npy_bytes(array)).map_err(|e| e.to_string())?;
    }
    Ok(zip.finish().map_err(|e| e.to_string())?.into_inner())
}

/// A data set from arrays: whole numbers as targets are classes, real ones values.
pub fn dataset_of_arrays(inputs: Array, targets: Option<Array>) -> Result<Dataset> {
    let wrong = |which: &'static str| move |what: String| Error::data(format!("dataset: the array of {which} {what}")).at(which);
    let inputs = inputs.into_matrix().map_err(wrong("inputs"))?;
    match targets {
        None => Dataset::new(inputs, Targets::None),
        // A column of classes is as good as a flat array of them.
        Some(Array { shape, values: Values::Integers(v) }) if shape.iter().skip(1).all(|&s| s == 1) => {
            Dataset::with_classes(inputs, &v)
        }
        Some(targets) => Dataset::with_values(inputs, targets.into_matrix().map_err(wrong("targets"))?),
    }
}

/// The data set in a .npz file as [`Dataset::save`] writes it: arrays `inputs`, `targets`, and where there are some `class_names`, `wrong`.
pub fn load_npz(function: &str, path: &Path) -> Result<Dataset> {
    let mut arrays = read_npz(function, path)?;
    let known: Vec<String> = arrays.iter().map(|(name, _)| name.clone()).collect();
    let mut take = |wanted: &str| arrays.iter().position(|(name, _)| name == wanted).map(|k| arrays.swap_remove(k).1);
    let inputs = take("inputs").ok_or_else(|| {
        format_error(function, path, format!("has no array `inputs`; it has {}", known.join(", ")))
            .hint("a data set has the arrays `inputs` and `targets`")
    })?;
    let mut data = dataset_of_arrays(inputs, take("targets"))?;
    if let (Some(Array { values: Values::Texts(names), .. }), Targets::Classes { labels, .. }) =
        (take("class_names"), &data.targets)
    {
        if names.len() < data.classes() || names.len() > MOST_CLASSES {
            return Err(format_error(function, path, format!("has {} class names for {} classes", names.len(), data.classes())));
        }
        data.targets = Targets::Classes { labels: labels.clone(), names: names.into() };
    }
    if let Some(Array { values: Values::Integers(wrong), .. }) = take("wrong") {
        if wrong.len() != data.len() {
            return Err(format_error(function, path, format!("marks {} items as wrong or not, of {}", wrong.len(), data.len())));
        }
        data.wrong = Some(wrong.iter().map(|&w| w != 0).collect());
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with this header and data, version 1.
    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
    }

    fn typed(descr: &str, data: &[u8]) -> Values {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (2,), }}");
        parse_npy(&file(&header, data)).unwrap().values
    }

    #[test]
    fn reads_every_type() {
        assert_eq!(typed("<f8", &[1.5f64.to_le_bytes(), (-2.0f64).to_le_bytes()].concat()), Values::Reals(vec![1.5, -2.0]));
        assert_eq!(typed(">f8", &[1.5f64.to_be_bytes(), (-2.0f64).to_be_bytes()].concat()), Values::Reals(vec![1.5, -2.0]));
        assert_eq!(typed(">f4", &[1.5f32.to_be_bytes(), (-2.0f32).to_be_bytes()].concat()), Values::Reals(vec![1.5, -2.0]));
        // Half precision: 0x3e00 is 1.5, 0x8001 the smallest negative subnormal, −2⁻²⁴.
        assert_eq!(typed("<f2", &[0x00, 0x3e, 0x01, 0x80]), Values::Reals(vec![1.5, -(2f64.powi(-24))]));
        assert_eq!(typed("|i1", &[255, 7]), Values::Integers(vec![-1, 7]));
        assert_eq!(typed("|u1", &[255, 7]), Values::Integers(vec![255, 7]));
        assert_eq!(typed(">i2", &[0xff, 0xfe, 1, 0]), Values::Integers(vec![-2, 256]));
        assert_eq!(typed("<i8", &[(-5i64).to_le_bytes(), i64::MAX.to_le_bytes()].concat()), Values::Integers(vec![-5, i64::MAX]));
        assert_eq!(typed("|b1", &[1, 0]), Values::Integers(vec![1, 0]));
        assert_eq!(typed("|S2", b"ab\0\0"), Values::Texts(vec!["ab".into(), "".into()]));
        assert_eq!(typed(">U1", &[0, 0, 0, b'x', 0, 0, 0xc3, 0xa9]), Values::Texts(vec!["x".into(), "쎩".into()]));
    }

    #[test]
    fn fortran_order_becomes_rows() {
        let data: Vec<u8> = (0u8..6).collect();
        let array = parse_npy(&file("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", &data)).unwrap();
        assert_eq!(array.values, Values::Integers(vec![0, 2, 4, 1, 3, 5]));
        // numpy.arange(8).reshape((2, 2, 2), order="F").ravel()
        let data: Vec<u8> = (0u8..8).collect();
        let array = parse_npy(&file("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2, 2)}", &data)).unwrap();
        assert_eq!(array.values, Values::Integers(vec![0, 4, 2, 6, 1, 5, 3, 7]));
    }

    #[test]
    fn says_what_is_wrong() {
        let says = |header: &str, data: &[u8]| parse_npy(&file(header, data)).unwrap_err();
        assert!(says("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", b"").contains("Python objects"));
        assert!(says("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,), }", b"").contains("structured"));
        assert!(says("{'descr': '<c16', 'fortran_order': False, 'shape': (2,), }", b"").contains("complex"));
        let huge = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({}, {}), }}", 1u64 << 40, 1u64 << 40);
        assert!(says(&huge, b"12345678").contains("holds 8 bytes"));
        assert!(says("{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,), }", b"").contains("no bytes"));
        assert!(says("{}", b"").contains("without"));
        assert!(parse_npy(b"x1,x2").unwrap_err().contains("not a .npy file"));
        let unsigned = file("{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }", &u64::MAX.to_le_bytes());
        assert!(parse_npy(&unsigned).unwrap_err().contains("18446744073709551615"));
    }

    #[test]
    fn what_is_written_reads_back() {
        for values in [
            Values::Reals(vec![0.1, -1e300, f64::NAN.copysign(1.0), 3.0, 4.0, 5.0]),
            Values::Integers(vec![i64::MIN, -1, 0, 1, 2, 3]),
            Values::Texts(["a", "bé", "", "d", "e", "sixteen letters…"].map(String::from).to_vec()),
        ] {
            let array = Array { shape: vec![2, 3], values };
            let bytes = npy_bytes(&array);
            assert_eq!(format!("{:?}", parse_npy(&bytes).unwrap()), format!("{array:?}"));
            assert_eq!((10 + u16::from_le_bytes([bytes[8], bytes[9]]) as usize) % 64, 0);
        }
        // npyz reads the same file: the header is as the format wants it.
        let bytes = npy_bytes(&Array { shape: vec![3], values: Values::Reals(vec![1.0, 2.0, 3.0]) });
        let theirs = npyz::NpyFile::new(&bytes[..]).unwrap();
        assert_eq!(theirs.shape(), [3]);
        assert_eq!(theirs.into_vec::<f64>().unwrap(), [1.0, 2.0, 3.0]);
    }
}
