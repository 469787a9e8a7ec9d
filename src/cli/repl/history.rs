//! Where the lines of earlier sessions are kept: a file for each folder in which losscape was started, so that a project finds its own.

use crate::script::Permissions;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Lines that are kept.
pub const MOST: usize = 10_000;

/// The file for the present folder; none in safe mode or where no home is known. `LOSSCAPE_HISTORY` names another, or none when empty.
pub fn file(permissions: &Permissions) -> Option<PathBuf> {
    if permissions.safe {
        return None;
    }
    if let Some(named) = std::env::var_os("LOSSCAPE_HISTORY") {
        return (!named.is_empty()).then(|| named.into());
    }
    let folder = state_folder()?.join("losscape").join("history");
    // Where it cannot be made, writing the first line will say so.
    let _ = std::fs::create_dir_all(&folder);
    Some(folder.join(name(&std::env::current_dir().ok()?)))
}

/// Where programs of this person keep what they remember.
fn state_folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local").join("state"))).or_else(|| set("LOCALAPPDATA"))
}

/// A name that people recognise and that no other folder has.
fn name(folder: &Path) -> String {
    let digest = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let last: String = folder.file_name().map(|n| n.to_string_lossy().chars().take(40).collect()).unwrap_or_default();
    format!("{last}-{short}.txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_has_a_file_of_its_own() {
        let (a, b) = (name(Path::new("/a/study")), name(Path::new("/b/study")));
        assert!(a.starts_with("study-") && a != b && a == name(Path::new("/a/study")));
        assert!(file(&Permissions { safe: true, ..Permissions::default() }).is_none());
    }
}
