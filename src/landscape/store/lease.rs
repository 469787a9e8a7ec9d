//! The right to write a landscape: a lock on `FILE-lock`, which the system gives back when a program dies.

use crate::base::{Error, Kind, Result};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// Held as long as it lives.
pub(super) struct Lease {
    file: PathBuf,
    _lock: File,
}

impl Lease {
    pub fn take(path: &Path) -> Result<Lease> {
        let mut name = path.as_os_str().to_owned();
        name.push("-lock");
        let file = PathBuf::from(name);
        // A holder removes the file when it closes: a lock on a file that is gone by now is worth nothing, so look again.
        for _ in 0..100 {
            let lock = File::options().create(true).truncate(false).write(true).open(&file).map_err(|e| Error::file(&file, e))?;
            match lock.try_lock() {
                Ok(()) if same_file(&lock, &file) => return Ok(Lease { file, _lock: lock }),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => break,
                Err(TryLockError::Error(e)) => return Err(Error::file(&file, e)),
            }
        }
        Err(Error::new(Kind::Landscape, format!("landscape: {} is being written by somebody else", path.display()))
            .hint("close it there first: another process, or another variable of this script that holds the same file"))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Removed while the lock is still held; the lock goes with the handle.
        let _ = std::fs::remove_file(&self.file);
    }
}

#[cfg(unix)]
fn same_file(lock: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (lock.metadata(), std::fs::metadata(path)) {
        (Ok(held), Ok(there)) => (held.dev(), held.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn same_file(_: &File, _: &Path) -> bool {
    true
}
