//! A landscape in a file: SQLite, one writer thread, group commit.
//!
//! *Safety.* Write-ahead log with `synchronous = FULL`: a point is accepted when the commit that holds it has returned, and then
//! survives a kill or a loss of power. Commits are at most [`GROUP`] apart; [`Store::flush`] waits for the next one.
//!
//! *Locking.* Anyone may read at any time. Who adds holds `FILE-lock` until the landscape is closed, so a second writer is told
//! at once. Every commit raises `revision`; a landscape opened before somebody else's commits says so instead of mixing ids.
//!
//! *Compatibility.* [`schema::MIGRATIONS`] only grows, `user_version` counts it, `application_id` tells our files from others.
//!
//! *File systems.* A write-ahead log needs one machine: not for network file systems.

mod lease;
mod schema;
mod writer;

use super::points::{Minimum, TransitionState};
use super::{LandscapeOptions, Tolerances};
use crate::base::{Error, Kind, Result};
use crate::potentials::Identity;
use lease::Lease;
use rusqlite::{Connection, ErrorCode};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;
use writer::Message;

/// Longest time that a point waits for its commit.
const GROUP: Duration = Duration::from_millis(50);
/// How long an opening or a commit waits for another program that has locked the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// A search that was run on the landscape, as it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// `basin_hop`, `explore`, …
    pub function: String,
    /// The options in force, as a script would write them.
    pub options: String,
    pub seed: u64,
    /// The version of losscape.
    pub version: String,
}

/// What a file held when it was opened.
pub(super) struct Loaded {
    pub tolerances: Tolerances,
    /// Each with how many searches found it.
    pub minima: Vec<(Minimum, u64)>,
    pub transition_states: Vec<(TransitionState, u64)>,
    pub fields: BTreeMap<String, Vec<Option<f64>>>,
    pub runs: Vec<RunRecord>,
}

/// The file behind a landscape. Closing waits until everything is written.
pub(super) struct Store {
    path: PathBuf,
    /// `None` only while closing.
    sender: Option<Sender<Message>>,
    writer: Option<JoinHandle<()>>,
    /// The first error of the writer: everything after it is refused.
    failed: Arc<Mutex<Option<Error>>>,
    lease: Mutex<Option<Lease>>,
}

impl Store {
    /// Opens or creates the file and reads all that it holds.
    pub fn open(path: &Path, identity: &Identity, dimension: usize, options: &LandscapeOptions) -> Result<(Store, Loaded)> {
        let fails = |error| explain(path, error);
        let mut connection = Connection::open(path).map_err(fails)?;
        connection.busy_timeout(PATIENCE).map_err(fails)?;
        schema::prepare(&mut connection, path, identity, dimension, options)?;
        let loaded = schema::load(&mut connection, path, dimension, options)?;
        let revision = schema::revision(&connection).map_err(fails)?;
        let failed = Arc::new(Mutex::new(None));
        let (sender, receiver) = channel();
        let (file, errors) = (path.to_path_buf(), failed.clone());
        let writer = std::thread::Builder::new()
            .name("landscape writer".into())
            .spawn(move || writer::run(connection, &file, &receiver, &errors, revision))
            .map_err(|error| Error::file(path, error))?;
        let store =
            Store { path: path.to_path_buf(), sender: Some(sender), writer: Some(writer), failed, lease: Mutex::new(None) };
        Ok((store, loaded))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Before a change: takes the right to write, once, and says what stands against it.
    pub fn begin(&self) -> Result<()> {
        if let Some(error) = &*held(&self.failed) {
            return Err(error.clone());
        }
        let mut lease = held(&self.lease);
        if lease.is_none() {
            let taken = Lease::take(&self.path)?;
            let (answer, answers) = channel();
            self.send(Message::Unchanged(answer));
            answers.recv().unwrap_or_else(|_| Err(self.gone()))?;
            *lease = Some(taken);
        }
        Ok(())
    }

    pub fn add_minimum(&self, minimum: Arc<Minimum>) {
        self.send(Message::Minimum(minimum));
    }

    pub fn add_transition_state(&self, point: Arc<TransitionState>) {
        self.send(Message::TransitionState(point));
    }

    pub fn minimum_found(&self, id: usize, times: u64) {
        self.send(Message::MinimumFound(id, times));
    }

    pub fn transition_state_found(&self, id: usize, times: u64) {
        self.send(Message::TransitionStateFound(id, times));
    }

    pub fn annotate(&self, name: &str, ids: &[usize], values: &[f64]) {
        self.send(Message::Annotate(name.to_string(), ids.iter().copied().zip(values.iter().copied()).collect()));
    }

    pub fn record_run(&self, record: &RunRecord) {
        self.send(Message::Run(record.clone()));
    }

    /// Returns when everything sent so far is committed, or says why it is not.
    pub fn flush(&self) -> Result<()> {
        let (answer, answers) = channel();
        self.send(Message::Flush(answer));
        answers.recv().unwrap_or_else(|_| Err(self.gone()))
    }

    fn send(&self, message: Message) {
        // A writer that is gone has left its error, which `begin` and `flush` report.
        if let Some(sender) = &self.sender {
            let _ = sender.send(message);
        }
    }

    fn gone(&self) -> Error {
        held(&self.failed).clone().unwrap_or_else(|| Error::file(&self.path, "the thread that writes it has ended"))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// A lock; after a panic elsewhere what it holds is still whole, for every change is one assignment.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// An SQLite error in the words of somebody who knows what the file is for.
fn explain(path: &Path, error: rusqlite::Error) -> Error {
    let shown = path.display();
    let landscape = |message: String, hint: &str| Error::new(Kind::Landscape, message).hint(hint).at("file");
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Error::format(path, "this file is not a landscape")
            .at("file")
            .hint("give the name of a landscape, or of a file that does not exist yet"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            landscape(format!("landscape: {shown} is locked by another program"), "wait until it has finished")
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            Error::format(path, "this landscape is damaged").at("file").hint("restore it from a copy")
        }
        Some(ErrorCode::ReadOnly) => Error::file(path, "this landscape or its folder may not be written").at("file"),
        Some(ErrorCode::DiskFull) => Error::file(path, "the disk is full; everything committed so far is kept"),
        Some(ErrorCode::CannotOpen) => {
            let reason = match path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
                    format!("the folder {} does not exist", folder.display())
                }
                _ if path.is_dir() => "this is a folder, not a file".to_string(),
                _ => "this file cannot be opened or created".to_string(),
            };
            Error::file(path, reason).at("file")
        }
        _ => Error::file(path, format!("the landscape cannot be read or written ({error})")).at("file"),
    }
}
