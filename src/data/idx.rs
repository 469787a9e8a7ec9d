//! IDX files, the format of MNIST: images and labels of any number type, packed or not.
//!
//! A file is two zero bytes, the type of its numbers, the number of dimensions, each dimension as a big-endian u32, then the numbers,
//! big-endian and row-major (Y. LeCun, C. Cortes, C. J. C. Burges, <http://yann.lecun.com/exdb/mnist/>).

use super::files::{self, format_error, stream_error};
use super::{Dataset, Targets, class_numbers};
use crate::base::files::file_error;
use crate::base::{Error, Kind, Result};
use crate::math::Matrix;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

crate::options! {
    /// Options of `load_idx`.
    pub struct IdxOptions {
        /// Reads only so many items from the beginning.
        count: Option<usize> = None => "all", ANY, "";
    }
}

crate::options! {
    /// Options of the image sets that come in two parts.
    pub struct ImageSetOptions {
        /// Reads only so many training items from the beginning.
        train: Option<usize> = None => "all", ANY, "";
        /// Reads only so many test items from the beginning.
        test: Option<usize> = None => "all", ANY, "";
    }
}

/// The type of the numbers in a file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    U8,
    I8,
    I16,
    I32,
    F32,
    F64,
}

impl Number {
    fn bytes(self) -> usize {
        match self {
            Number::U8 | Number::I8 => 1,
            Number::I16 => 2,
            Number::I32 | Number::F32 => 4,
            Number::F64 => 8,
        }
    }

    /// Appends the numbers in these bytes, whole numbers exactly.
    fn decode(self, bytes: &[u8], out: &mut Vec<f64>) {
        match self {
            Number::U8 => out.extend(bytes.iter().map(|&b| b as f64)),
            Number::I8 => out.extend(bytes.iter().map(|&b| b as i8 as f64)),
            Number::I16 => out.extend(bytes.as_chunks().0.iter().map(|&b| i16::from_be_bytes(b) as f64)),
            Number::I32 => out.extend(bytes.as_chunks().0.iter().map(|&b| i32::from_be_bytes(b) as f64)),
            Number::F32 => out.extend(bytes.as_chunks().0.iter().map(|&b| f32::from_be_bytes(b) as f64)),
            Number::F64 => out.extend(bytes.as_chunks().0.iter().map(|&b| f64::from_be_bytes(b))),
        }
    }
}

/// An open IDX file: the header is read, the numbers not yet.
struct IdxFile<'a> {
    function: &'a str,
    path: &'a Path,
    reader: Box<dyn Read>,
    number: Number,
    shape: Vec<usize>,
}

impl<'a> IdxFile<'a> {
    fn open(function: &'a str, path: &'a Path) -> Result<IdxFile<'a>> {
        let mut reader = files::open(function, path)?;
        let mut magic = Vec::new();
        (&mut reader).take(4).read_to_end(&mut magic).map_err(|e| stream_error(function, path, &e))?;
        let number = match magic.as_slice() {
            [0, 0, 0x08, _] => Some(Number::U8),
            [0, 0, 0x09, _] => Some(Number::I8),
            [0, 0, 0x0b, _] => Some(Number::I16),
            [0, 0, 0x0c, _] => Some(Number::I32),
            [0, 0, 0x0d, _] => Some(Number::F32),
            [0, 0, 0x0e, _] => Some(Number::F64),
            _ => None,
        };
        let (Some(number), Some(dimensions @ 1..=8)) = (number, magic.get(3)) else {
            let found = match std::str::from_utf8(&magic) {
                _ if magic.is_empty() => "it is empty".into(),
                Ok(text) if !text.contains(|c: char| c.is_control()) => format!("it begins with the text \"{text}\""),
                _ => format!("it begins with the bytes {magic:02x?}"),
            };
            return Err(format_error(function, path, format!("is no IDX file: {found}"))
                .hint("an IDX file begins with two zero bytes, the type of its numbers and the number of dimensions"));
        };
        let mut sizes = vec![0; 4 * *dimensions as usize];
        reader.read_exact(&mut sizes).map_err(|e| stream_error(function, path, &e))?;
        let shape = sizes.as_chunks().0.iter().map(|&size| u32::from_be_bytes(size) as usize).collect();
        Ok(IdxFile { function, path, reader, number, shape })
    }

    fn items(&self) -> usize {
        self.shape[0]
    }

    /// How many numbers belong to an item; `None` when that does not fit into memory.
    fn width(&self) -> Option<usize> {
        self.shape[1..].iter().try_fold(1usize, |n, &s| n.checked_mul(s)).filter(|n| (*n as u64) < files::MOST_BYTES)
    }

    /// The first `count` items. Memory grows with what the file holds, never with what its header says.
    fn read(mut self, count: usize) -> Result<(Vec<f64>, Number)> {
        let too_large = || {
            let what = format!("its header asks for {:?} numbers, which do not fit into memory", self.shape);
            format_error(self.function, self.path, what)
        };
        let width = self.width().ok_or_else(too_large)?;
        let needed = count.checked_mul(width).and_then(|n| n.checked_mul(self.number.bytes()));
        let mut left = needed.filter(|n| (*n as u64) <= files::MOST_BYTES).ok_or_else(too_large)?;
        let (whole, mut values, mut buffer) = (left, Vec::new(), vec![0; 1 << 16]);
        while left > 0 {
            let piece = &mut buffer[..left.min(1 << 16)];
            match self.reader.read_exact(piece) {
                Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                    let what =
                        format!("is cut off: its header {:?} asks for {whole} bytes of numbers, they end before", self.shape);
                    return Err(format_error(self.function, self.path, what));
                }
                read => read.map_err(|e| stream_error(self.function, self.path, &e))?,
            }
            self.number.decode(piece, &mut values);
            left -= piece.len();
        }
        if count == self.items() && self.reader.read(&mut buffer).map_err(|e| stream_error(self.function, self.path, &e))? > 0 {
            return Err(format_error(
                self.function,
                self.path,
                format!("goes on after the {:?} numbers of its header", self.shape),
            ));
        }
        Ok((values, self.number))
    }
}

/// Images and labels from two IDX files. Bytes come as 0 to 1, other numbers as they are; labels are class numbers 0 … their largest.
pub fn load_idx(images: &Path, labels: &Path, options: &IdxOptions) -> Result<Dataset> {
    read_pair("load_idx", images, labels, options.count)
}

fn read_pair(function: &str, images: &Path, labels: &Path, count: Option<usize>) -> Result<Dataset> {
    let image_file = IdxFile::open(function, images)?;
    let label_file = IdxFile::open(function, labels)?;
    if label_file.shape.len() != 1 {
        let what = format!("holds {:?} numbers, labels are one number an item", label_file.shape);
        return Err(format_error(function, labels, what).hint("images come first, then labels").at("labels"));
    }
    let items = image_file.items();
    if items != label_file.items() {
        return Err(Error::new(
            Kind::Format,
            format!(
                "{function}: {} holds {items} images, {} holds {} labels",
                images.display(),
                labels.display(),
                label_file.items()
            ),
        )
        .hint("take both files of the same set"));
    }
    let count = count.unwrap_or(items);
    if count > items {
        return Err(Error::data(format!("{function}: {count} items were asked for, {} holds {items}", images.display())));
    }
    if items == 0 || image_file.width() == Some(0) {
        return Err(format_error(function, images, "holds no images"));
    }
    // All labels, even where few images are wanted: a part has the classes of the whole.
    let (numbers, _) = label_file.read(items)?;
    if let Some(item) = numbers.iter().position(|v| v.fract() != 0.0) {
        return Err(format_error(function, labels, format!("the label of item {item} is {}, not a whole number", numbers[item])));
    }
    let classes: Vec<i64> = numbers.iter().map(|&v| v as i64).collect();
    let (mut labels, classes) = class_numbers(&classes).map_err(|e| format_error(function, labels, e))?;
    labels.truncate(count);
    let width = image_file.width().unwrap_or(0);
    let (mut values, number) = image_file.read(count)?;
    if let Some(place) = values.iter().position(|v| !v.is_finite()) {
        let what = format!("number {} of item {} is {}, not a finite number", place % width, place / width, values[place]);
        return Err(format_error(function, images, what));
    }
    if number == Number::U8 {
        values.iter_mut().for_each(|v| *v /= 255.0);
    }
    Ok(Dataset {
        inputs: Arc::new(Matrix::from_rows(count, width, values)),
        targets: Targets::numbered(labels, classes),
        wrong: None,
    })
}

/// Where the four files can be had.
const MNIST_SOURCE: &str = "the four files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte \
     (with or without .gz) can be had from https://ossci-datasets.s3.amazonaws.com/mnist/";

/// Training and test part of MNIST from the folder of its four original files, packed or not.
pub fn load_mnist(folder: &Path, options: &ImageSetOptions) -> Result<(Dataset, Dataset)> {
    let function = "load_mnist";
    if !folder.is_dir() {
        let reason = if folder.exists() { "is a file, not a folder" } else { "there is no such folder" };
        return Err(Error::new(Kind::File, format!("{function}: {}: {reason}", folder.display())).hint(MNIST_SOURCE));
    }
    let find = |part: &str, what: &str| -> Result<PathBuf> {
        // Some copies write a point where the originals have a hyphen.
        let names = [format!("{part}-{what}"), format!("{part}-{}", what.replacen('-', ".", 1))];
        let mut paths = names.iter().flat_map(|n| [folder.join(n), folder.join(format!("{n}.gz"))]);
        paths.find(|p| p.exists()).ok_or_else(|| {
            let missing = file_error(function, &folder.join(format!("{part}-{what}")), &std::io::ErrorKind::NotFound.into());
            missing.hint(MNIST_SOURCE)
        })
    };
    let read = |part: &str, count: Option<usize>| {
        read_pair(function, &find(part, "images-idx3-ubyte")?, &find(part, "labels-idx1-ubyte")?, count)
    };
    Ok((read("train", options.train)?, read("t10k", options.test)?))
}
