//! The tables of a landscape file, their migrations, and reading them.

use super::{Loaded, RunRecord, explain};
use crate::algorithms::{Curvature, StationaryPoint};
use crate::base::{Error, Kind, Result};
use crate::landscape::merge::difference;
use crate::landscape::points::{Minimum, TransitionState};
use crate::landscape::{LandscapeOptions, Tolerances};
use crate::potentials::Identity;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use std::collections::BTreeMap;
use std::path::Path;

/// "LoSc": what `file` and other programs see in the header.
const APPLICATION_ID: i64 = 0x4C6F_5363;

/// The schema: only ever add at the end, never change a line. `user_version` counts how many have been applied.
/// Energies and positions are IEEE doubles (positions little-endian in a BLOB), NaN is NULL.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE identity (place INTEGER PRIMARY KEY, name TEXT NOT NULL, value TEXT NOT NULL);
    CREATE TABLE setting (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE run (
        id INTEGER PRIMARY KEY, function TEXT NOT NULL, options TEXT NOT NULL, seed TEXT NOT NULL, version TEXT NOT NULL,
        started TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
    );
    CREATE TABLE minimum (
        id INTEGER PRIMARY KEY, energy REAL NOT NULL, rms_gradient REAL, hessian_index INTEGER NOT NULL, near_zero INTEGER NOT NULL,
        lowest REAL, second REAL, log_product REAL, found INTEGER NOT NULL, run INTEGER REFERENCES run (id), position BLOB NOT NULL
    );
    CREATE TABLE transition_state (
        id INTEGER PRIMARY KEY, energy REAL NOT NULL, rms_gradient REAL, hessian_index INTEGER NOT NULL, near_zero INTEGER NOT NULL,
        lowest REAL, second REAL, log_product REAL, found INTEGER NOT NULL, run INTEGER REFERENCES run (id), position BLOB NOT NULL,
        minus INTEGER NOT NULL REFERENCES minimum (id), plus INTEGER NOT NULL REFERENCES minimum (id)
    );
    CREATE TABLE annotation (
        field TEXT NOT NULL, minimum INTEGER NOT NULL REFERENCES minimum (id), value REAL, PRIMARY KEY (field, minimum)
    ) WITHOUT ROWID;
", "
    ALTER TABLE minimum ADD COLUMN bound REAL;
    ALTER TABLE transition_state ADD COLUMN bound REAL;
"];

/// Makes sure that the file is a landscape of this potential: creates it, brings it up to date, or refuses it.
pub(super) fn prepare(
    connection: &mut Connection,
    path: &Path,
    identity: &Identity,
    dimension: usize,
    options: &LandscapeOptions,
) -> Result<()> {
    let fails = |error| explain(path, error);
    refuse_foreign(connection, path)?;
    connection.pragma_update(None, "journal_mode", "wal").map_err(fails)?;
    connection.pragma_update(None, "synchronous", "full").map_err(fails)?;
    let latest = MIGRATIONS.len();
    if version(connection).map_err(fails)? < latest {
        // One exclusive transaction: a second program that opens the file at this moment waits, then finds it done.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive).map_err(fails)?;
        let before = version(&transaction).map_err(fails)?;
        for migration in &MIGRATIONS[before.min(latest)..] {
            transaction.execute_batch(migration).map_err(fails)?;
        }
        if before == 0 {
            describe(&transaction, identity, dimension, &options.over(Tolerances::default())).map_err(fails)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(fails)?;
        transaction.pragma_update(None, "user_version", latest as i64).map_err(fails)?;
        transaction.commit().map_err(fails)?;
    }
    refuse_other_potential(connection, path, identity)
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(version.max(0) as usize)
}

/// Refuses files of other programs and of newer versions of this one.
fn refuse_foreign(connection: &Connection, path: &Path) -> Result<()> {
    let fails = |error| explain(path, error);
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(fails)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).map_err(fails)?;
    if application != APPLICATION_ID && (tables > 0 || application != 0) {
        return Err(Error::format(path, "this is an SQLite file of another program, not a landscape")
            .at("file")
            .hint("give the name of a landscape, or of a file that does not exist yet"));
    }
    let (found, known) = (version(connection).map_err(fails)?, MIGRATIONS.len());
    if found > known {
        return Err(Error::new(
            Kind::Landscape,
            format!(
                "landscape: {} was written by a newer losscape: its schema has version {found}, losscape {} knows up to {known}",
                path.display(),
                env!("CARGO_PKG_VERSION")
            ),
        )
        .at("file")
        .hint("update losscape"));
    }
    Ok(())
}

/// Writes down what the landscape belongs to.
fn describe(transaction: &Transaction, identity: &Identity, dimension: usize, tolerances: &Tolerances) -> rusqlite::Result<()> {
    let name = ("potential".to_string(), identity.name.clone());
    for (place, (name, value)) in std::iter::once(&name).chain(&identity.parts).enumerate() {
        transaction
            .execute("INSERT INTO identity (place, name, value) VALUES (?1, ?2, ?3)", params![place as i64, name, value])?;
    }
    for (name, value) in [
        ("dimension", dimension as f64),
        ("tolerance", tolerances.tolerance),
        ("same_energy", tolerances.same_energy),
        ("same_distance", tolerances.same_distance),
        ("revision", 0.0),
    ] {
        transaction.execute("INSERT INTO setting (name, value) VALUES (?1, ?2)", params![name, value])?;
    }
    Ok(())
}

fn refuse_other_potential(connection: &Connection, path: &Path, identity: &Identity) -> Result<()> {
    let fails = |error| explain(path, error);
    let mut statement = connection.prepare("SELECT name, value FROM identity ORDER BY place").map_err(fails)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(fails)?;
    let mut parts = rows.collect::<rusqlite::Result<Vec<(String, String)>>>().map_err(fails)?;
    if parts.is_empty() {
        return Err(damaged(path, "it does not say what potential it belongs to"));
    }
    let stored = Identity { name: parts.remove(0).1, parts };
    match difference(identity, &stored, ["as given", "in the file"]) {
        None => Ok(()),
        Some(differ) => {
            Err(Error::new(Kind::Landscape, format!("landscape: {} belongs to another potential: {differ}", path.display()))
                .at("file")
                .hint("give another file name"))
        }
    }
}

/// The number of commits so far.
pub(super) fn revision(connection: &Connection) -> rusqlite::Result<f64> {
    connection.query_row("SELECT value FROM setting WHERE name = 'revision'", [], |row| row.get(0))
}

/// Reads everything, in one transaction.
pub(super) fn load(connection: &mut Connection, path: &Path, dimension: usize, options: &LandscapeOptions) -> Result<Loaded> {
    let fails = |error| explain(path, error);
    let transaction = connection.transaction().map_err(fails)?;
    let setting = |name: &str| -> Result<f64> {
        let value = transaction.query_row("SELECT value FROM setting WHERE name = ?1", [name], |row| row.get(0)).optional();
        value.map_err(fails)?.ok_or_else(|| damaged(path, &format!("it lacks the setting {name}")))
    };
    let there = setting("dimension")?;
    if there != dimension as f64 {
        return Err(damaged(path, &format!("its points have {there} coordinates, the potential has {dimension}")));
    }
    let tolerances = Tolerances {
        tolerance: setting("tolerance")?,
        same_energy: setting("same_energy")?,
        same_distance: setting("same_distance")?,
    };
    keeps(path, &tolerances, options)?;
    let mut minima = Vec::new();
    for row in points(&transaction, "minimum", "0, 0", path, dimension)? {
        let (point, found, _) = row;
        minima.push((Minimum::new(minima.len() + 1, &point), found));
    }
    let mut transition_states = Vec::new();
    for (point, found, sides) in points(&transaction, "transition_state", "minus, plus", path, dimension)? {
        let id = transition_states.len() + 1;
        if sides.iter().any(|&side| side == 0 || side > minima.len()) {
            return Err(damaged(
                path,
                &format!("transition state {id} joins minima {} and {}, which are not both there", sides[0], sides[1]),
            ));
        }
        transition_states.push((TransitionState::new(id, &point, sides), found));
    }
    let fields = fields(&transaction, minima.len()).map_err(fails)?;
    let runs = runs(&transaction).map_err(fails)?;
    Ok(Loaded { tolerances, minima, transition_states, fields, runs })
}

/// The tolerances of a file were used for every point in it: other ones would make it two landscapes in one.
fn keeps(path: &Path, stored: &Tolerances, options: &LandscapeOptions) -> Result<()> {
    for (name, given, stored) in [
        ("tolerance", options.tolerance, stored.tolerance),
        ("same_energy", options.same_energy, stored.same_energy),
        ("same_distance", options.same_distance, stored.same_distance),
    ] {
        if let Some(given) = given
            && given != stored
        {
            let message = format!("landscape: {} was made with `{name}` {stored:e}, not {given:e}", path.display());
            return Err(Error::new(Kind::Landscape, message).at(name).hint("leave the option out, or begin another file"));
        }
    }
    Ok(())
}

type PointRow = (StationaryPoint, u64, [usize; 2]);

/// Every point of a table in order of its id, which must run from 1 without a gap.
fn points(connection: &Connection, table: &str, sides: &str, path: &Path, dimension: usize) -> Result<Vec<PointRow>> {
    let fails = |error| explain(path, error);
    let columns = "energy, rms_gradient, hessian_index, near_zero, lowest, second, log_product, found, position, id";
    let mut statement =
        connection.prepare(&format!("SELECT {columns}, {sides}, bound FROM {table} ORDER BY id")).map_err(fails)?;
    let mut rows = statement.query([]).map_err(fails)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(fails)? {
        let id = all.len() + 1;
        if whole(row, 9).map_err(fails)? != id {
            return Err(damaged(path, &format!("{table} {id} is missing")));
        }
        all.push(
            point(row, dimension)
                .map_err(fails)?
                .ok_or_else(|| damaged(path, &format!("{table} {id} has a position of another length")))?,
        );
    }
    Ok(all)
}

fn point(row: &Row, dimension: usize) -> rusqlite::Result<Option<PointRow>> {
    let real = |column: usize| row.get::<_, Option<f64>>(column).map(|value| value.unwrap_or(f64::NAN));
    let bytes: Vec<u8> = row.get(8)?;
    let (numbers, rest) = bytes.as_chunks::<8>();
    if numbers.len() != dimension || !rest.is_empty() {
        return Ok(None);
    }
    let curvature = Curvature {
        index: whole(row, 2)?,
        near_zero: whole(row, 3)?,
        lowest: [real(4)?, real(5)?],
        bound: real(12)?,
        log_product: real(6)?,
    };
    let position = numbers.iter().map(|b| f64::from_le_bytes(*b)).collect();
    let point = StationaryPoint { position, energy: real(0)?, rms_gradient: real(1)?, curvature };
    Ok(Some((point, whole(row, 7)? as u64, [whole(row, 10)?, whole(row, 11)?])))
}

fn whole(row: &Row, column: usize) -> rusqlite::Result<usize> {
    row.get::<_, i64>(column).map(|value| value.max(0) as usize)
}

fn fields(connection: &Connection, minima: usize) -> rusqlite::Result<BTreeMap<String, Vec<Option<f64>>>> {
    let mut fields: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    let mut statement = connection.prepare("SELECT field, minimum, value FROM annotation")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let values = fields.entry(row.get(0)?).or_insert_with(|| vec![None; minima]);
        if let Some(place) = values.get_mut(whole(row, 1)?.wrapping_sub(1)) {
            *place = Some(row.get::<_, Option<f64>>(2)?.unwrap_or(f64::NAN));
        }
    }
    Ok(fields)
}

fn runs(connection: &Connection) -> rusqlite::Result<Vec<RunRecord>> {
    let mut statement = connection.prepare("SELECT function, options, seed, version FROM run ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        let seed: String = row.get(2)?;
        Ok(RunRecord { function: row.get(0)?, options: row.get(1)?, seed: seed.parse().unwrap_or(0), version: row.get(3)? })
    })?;
    rows.collect()
}

fn damaged(path: &Path, what: &str) -> Error {
    Error::format(path, format!("this landscape is damaged: {what}")).at("file").hint("restore it from a copy")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file made by every earlier version must open: each prefix of the migrations, then the rest.
    #[test]
    fn every_earlier_schema_is_brought_up_to_date() {
        for applied in 1..=MIGRATIONS.len() {
            let connection = Connection::open_in_memory().unwrap();
            for migration in &MIGRATIONS[..applied] {
                connection.execute_batch(migration).unwrap();
            }
            for migration in &MIGRATIONS[applied..] {
                connection.execute_batch(migration).unwrap();
            }
            let tables: i64 =
                connection.query_row("SELECT count(*) FROM sqlite_master WHERE type = 'table'", [], |row| row.get(0)).unwrap();
            assert_eq!(tables, 6);
        }
    }
}
