//! Files as bytes: read whole, unpacked where they are gzip, and written so that nothing is ever half-written.

use crate::base::{Error, Kind, Result, nearest};
use flate2::read::MultiGzDecoder;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// Most bytes that are read of one file, after unpacking: a small archive can hold endless zeros.
pub const MOST_BYTES: u64 = 4 << 30;

/// A file that cannot be opened, read or written: function, file and the system's reason in words.
pub fn file_error(function: &str, path: &Path, error: &io::Error) -> Error {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::IsADirectory => "is a folder, not a file".into(),
        _ => error.to_string(),
    };
    let said = Error::new(Kind::File, format!("{function}: {}: {reason}", path.display()));
    match (error.kind(), near_file(path)) {
        (io::ErrorKind::NotFound, Some(hint)) => said.hint(hint),
        _ => said,
    }
}

/// A file that is there but does not hold what it should.
pub fn format_error(function: &str, path: &Path, what: impl std::fmt::Display) -> Error {
    Error::new(Kind::Format, format!("{function}: {}: {what}", path.display()))
}

/// What to try instead of a file that is not there.
fn near_file(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let Ok(entries) = fs::read_dir(folder) else {
        return Some(format!("there is no folder {} either", folder.display()));
    };
    // A folder of a million files must not delay an error.
    let names: Vec<String> = entries.take(10_000).filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
    nearest(name, names.iter().map(String::as_str)).map(|near| format!("did you mean {}?", folder.join(near).display()))
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

/// Writes a file so that its old or its new content stands there, never a part: a new file beside it, synced, then renamed over it.
pub fn write_atomically(function: &str, path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => Error::new(Kind::File, format!("{function}: {}: there is no such folder", path.display())),
        _ => file_error(function, path, &e),
    };
    // A link stays one: what it points at is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if target.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    if target.exists() && !target.is_file() {
        // A device or pipe (/dev/stdout) has no half-written state and cannot be renamed over.
        return fs::write(&target, bytes).map_err(failed);
    }
    let (mut file, beside) = create_beside(&target).map_err(failed)?;
    let finished = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| {
        if let Ok(old) = fs::metadata(&target) {
            fs::set_permissions(&beside, old.permissions())?;
        }
        fs::rename(&beside, &target)
    });
    if let Err(error) = finished {
        // The error that stopped us is the one to tell; a left-over file is not worth another.
        let _ = fs::remove_file(&beside);
        return Err(failed(error));
    }
    if let Some(folder) = target.parent().and_then(|folder| File::open(folder).ok()) {
        // Some file systems cannot sync a folder: the rename has happened all the same.
        let _ = folder.sync_all();
    }
    Ok(())
}

/// A new empty file in the folder of `target`, under a name that is free.
fn create_beside(target: &Path) -> io::Result<(File, PathBuf)> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy().into_owned();
    for attempt in 0..1000 {
        let beside = target.with_file_name(format!(".{name}.{}-{attempt}.part", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&beside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
            Ok(file) => return Ok((file, beside)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_whole_files_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomically("save", &path, b"old").unwrap();
        write_atomically("save", &path, b"new").unwrap();
        assert_eq!(read("load", &path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let nowhere = write_atomically("save", &folder.path().join("no/a.txt"), b"").unwrap_err();
        assert!(nowhere.message.contains("no such folder"), "{nowhere}");
        assert!(write_atomically("save", folder.path(), b"").unwrap_err().message.contains("is a folder"));
    }

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
