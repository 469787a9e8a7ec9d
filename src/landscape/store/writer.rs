//! The one thread that writes a landscape file: collects what comes within a group and commits it at once.

use super::{GROUP, RunRecord, explain, held, schema};
use crate::algorithms::Curvature;
use crate::base::{Error, Kind, Result};
use crate::landscape::points::{Minimum, TransitionState};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// What the landscape asks of the writer, in order.
pub(super) enum Message {
    Minimum(Arc<Minimum>),
    TransitionState(Arc<TransitionState>),
    MinimumFound(usize, u64),
    TransitionStateFound(usize, u64),
    Annotate(String, Vec<(usize, f64)>),
    Run(RunRecord),
    /// Answers when everything before it is committed.
    Flush(Sender<Result<()>>),
    /// Answers whether the file still is what was read from it.
    Unchanged(Sender<Result<()>>),
}

/// Messages in one commit at most: bounds the memory of a group.
const LARGEST_GROUP: usize = 20_000;

/// Runs until the landscape is closed.
pub(super) fn run(
    mut connection: Connection,
    path: &Path,
    messages: &Receiver<Message>,
    failed: &Mutex<Option<Error>>,
    mut revision: f64,
) {
    while let Ok(first) = messages.recv() {
        let group = collect(first, messages);
        let mut outcome = held(failed).clone().map_or(Ok(()), Err);
        if outcome.is_ok() && group.iter().any(is_change) {
            outcome = commit(&mut connection, path, &group, &mut revision);
            if let Err(error) = &outcome {
                *held(failed) = Some(error.clone());
            }
        }
        for message in group {
            // Who asked may have given up waiting: nothing to do then.
            match message {
                Message::Flush(answer) => drop(answer.send(outcome.clone())),
                Message::Unchanged(answer) => {
                    drop(answer.send(outcome.clone().and_then(|()| unchanged(&connection, path, revision))));
                }
                _ => {}
            }
        }
    }
}

fn is_change(message: &Message) -> bool {
    !matches!(message, Message::Flush(_) | Message::Unchanged(_))
}

/// Everything that comes until somebody waits for an answer, or the group is full or old enough.
fn collect(first: Message, messages: &Receiver<Message>) -> Vec<Message> {
    let end = Instant::now() + GROUP;
    let mut group = vec![first];
    while group.len() < LARGEST_GROUP && group.last().is_some_and(is_change) {
        match messages.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(message) => group.push(message),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    group
}

fn commit(connection: &mut Connection, path: &Path, group: &[Message], revision: &mut f64) -> Result<()> {
    let fails = |error| explain(path, error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fails)?;
    unchanged(&transaction, path, *revision)?;
    let last = last_counts(group);
    for (place, message) in group.iter().enumerate() {
        if counted(message).is_none_or(|point| last[&point] == place) {
            write(&transaction, message).map_err(fails)?;
        }
    }
    transaction.execute("UPDATE setting SET value = ?1 WHERE name = 'revision'", [*revision + 1.0]).map_err(fails)?;
    transaction.commit().map_err(fails)?;
    *revision += 1.0;
    Ok(())
}

/// The point whose number of finds a message changes: whether it is a minimum, and its id.
fn counted(message: &Message) -> Option<(bool, usize)> {
    match message {
        Message::MinimumFound(id, _) => Some((true, *id)),
        Message::TransitionStateFound(id, _) => Some((false, *id)),
        _ => None,
    }
}

/// Where in a group the number of finds of each point changes last: what came before it need not be written.
fn last_counts(group: &[Message]) -> HashMap<(bool, usize), usize> {
    group.iter().enumerate().filter_map(|(place, message)| Some((counted(message)?, place))).collect()
}

/// Somebody else's commits would mean that our ids clash with theirs.
fn unchanged(connection: &Connection, path: &Path, revision: f64) -> Result<()> {
    if schema::revision(connection).map_err(|error| explain(path, error))? == revision {
        return Ok(());
    }
    Err(Error::new(
        Kind::Landscape,
        format!("landscape: {} was changed by somebody else after it was opened here", path.display()),
    )
    .hint("open it again"))
}

fn write(transaction: &Transaction, message: &Message) -> rusqlite::Result<()> {
    // The run is the one recorded last, NULL before the first.
    const POINT: &str =
        "id, energy, rms_gradient, hessian_index, near_zero, lowest, second, log_product, found, run, position, bound";
    const VALUES: &str = "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, (SELECT max(id) FROM run), ?9, ?10";
    match message {
        Message::Minimum(m) => {
            let Curvature { index, near_zero, lowest, bound, log_product } = m.curvature;
            transaction.prepare_cached(&format!("INSERT INTO minimum ({POINT}) VALUES ({VALUES})"))?.execute(params![
                m.id as i64,
                m.energy,
                m.rms_gradient,
                index as i64,
                near_zero as i64,
                lowest[0],
                lowest[1],
                log_product,
                bytes(&m.position),
                bound,
            ])?;
        }
        Message::TransitionState(t) => {
            let Curvature { index, near_zero, lowest, bound, log_product } = t.curvature;
            let sql = format!("INSERT INTO transition_state ({POINT}, minus, plus) VALUES ({VALUES}, ?11, ?12)");
            transaction.prepare_cached(&sql)?.execute(params![
                t.id as i64,
                t.energy,
                t.rms_gradient,
                index as i64,
                near_zero as i64,
                lowest[0],
                lowest[1],
                log_product,
                bytes(&t.position),
                bound,
                t.minima[0] as i64,
                t.minima[1] as i64,
            ])?;
        }
        Message::MinimumFound(id, times) => {
            transaction
                .prepare_cached("UPDATE minimum SET found = ?2 WHERE id = ?1")?
                .execute(params![*id as i64, *times as i64])?;
        }
        Message::TransitionStateFound(id, times) => {
            transaction
                .prepare_cached("UPDATE transition_state SET found = ?2 WHERE id = ?1")?
                .execute(params![*id as i64, *times as i64])?;
        }
        Message::Annotate(field, values) => {
            let mut statement =
                transaction.prepare_cached("INSERT OR REPLACE INTO annotation (field, minimum, value) VALUES (?1, ?2, ?3)")?;
            for (id, value) in values {
                statement.execute(params![field, *id as i64, value])?;
            }
        }
        Message::Run(run) => {
            transaction.execute(
                "INSERT INTO run (function, options, seed, version) VALUES (?1, ?2, ?3, ?4)",
                params![run.function, run.options, run.seed.to_string(), run.version],
            )?;
        }
        Message::Flush(_) | Message::Unchanged(_) => {}
    }
    Ok(())
}

fn bytes(position: &[f64]) -> Vec<u8> {
    position.iter().flat_map(|x| x.to_le_bytes()).collect()
}
