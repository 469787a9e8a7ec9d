//! Files as bytes: read whole, unpacked where they are gzip.

use crate::base::files::file_error;
use crate::base::{Error, Kind, Result};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Most bytes that are read of one file, after unpacking: a small archive can hold endless zeros.
pub const MOST_BYTES: u64 = 4 << 30;

/// A file that is there but does not hold what it should.
pub fn format_error(function: &str, path: &Path, what: impl std::fmt::Display) -> Error {
    Error::new(Kind::Format, format!("{function}: {}: {what}", path.display()))
}

/// The content of a file as a stream, unpacked where it is gzip; its first bytes decide, not its name.
pub fn open(function: &str, path: &Path) -> Result<Box<dyn Read>> {
    let failed = |e: io::Error| file_error(function, path, &e);
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let packed = reader.fill_buf().map_err(failed)?.starts_with(&[0x1f, 0x8b]);
    Ok(if packed { Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(reader))) } else { Box::new(reader) })
}

/// All bytes of a file, unpacked where it is gzip.
pub fn read(function: &str, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = open(function, path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|e| stream_error(function, path, &e))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format_error(function, path, format!("holds more than {} GiB", MOST_BYTES >> 30)));
    }
    Ok(bytes)
}

/// An error in the middle of a file: a broken archive is no missing file.
pub fn stream_error(function: &str, path: &Path, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            format_error(function, path, format!("a broken gzip file ({error})"))
        }
        io::ErrorKind::UnexpectedEof => format_error(function, path, "ends too early: it is cut off or broken"),
        _ => file_error(function, path, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    #[test]
    fn says_what_is_missing_and_what_is_near() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("iris.csv"), "x").unwrap();
        let error = read("load_csv", &folder.path().join("irs.csv")).unwrap_err();
        assert!(error.message.contains("load_csv: ") && error.message.contains("irs.csv: there is no such file"), "{error}");
        assert!(error.hint.unwrap().contains("iris.csv"));
        let error = read("load_csv", &folder.path().join("none/irs.csv")).unwrap_err();
        assert!(error.hint.unwrap().contains("no folder"));
        assert!(read("load_csv", folder.path()).unwrap_err().message.contains("is a folder"));
    }

    #[test]
    fn a_cut_archive_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gz");
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packer.write_all(b"0123456789 and so on").unwrap();
        let packed = packer.finish().unwrap();
        fs::write(&path, &packed).unwrap();
        assert_eq!(read("load", &path).unwrap(), b"0123456789 and so on");
        fs::write(&path, &packed[..packed.len() - 9]).unwrap();
        assert_eq!(read("load", &path).unwrap_err().kind, Kind::Format);
    }
}
