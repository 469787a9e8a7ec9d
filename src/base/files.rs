//! Files that are written so that nothing is ever half-written, and the words for those that cannot be opened or written.

use super::{Error, Kind, Result, nearest};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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

/// Writes a file so that its old or its new content stands there, never a part: a new file beside it, synced, then renamed over it.
pub fn write_atomically(function: &str, path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(function, path, |file| file.write_all(bytes))
}

/// [`write_atomically`] for what is too large to be held in memory: `content` writes it.
pub fn write_whole(function: &str, path: &Path, content: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    let failed = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => {
            let error = Error::new(Kind::File, format!("{function}: {}: there is no such folder", path.display()));
            match path.parent() {
                Some(folder) => error.hint(format!("the folder {} is not there; create it first", folder.display())),
                None => error,
            }
        }
        _ => file_error(function, path, &e),
    };
    // A link stays one: what it points at is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if target.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    if target.exists() && !target.is_file() {
        // A device or pipe (/dev/stdout) has no half-written state and cannot be renamed over.
        return OpenOptions::new().write(true).open(&target).and_then(|mut device| content(&mut device)).map_err(failed);
    }
    let (mut file, beside) = create_beside(&target).map_err(failed)?;
    let finished = content(&mut file).and_then(|()| file.sync_all()).and_then(|()| {
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
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let nowhere = write_atomically("save", &folder.path().join("no/a.txt"), b"").unwrap_err();
        assert!(nowhere.message.contains("no such folder"), "{nowhere}");
        assert!(write_atomically("save", folder.path(), b"").unwrap_err().message.contains("is a folder"));
    }
}
