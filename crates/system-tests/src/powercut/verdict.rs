//! Whether a bank that came back from a power cut kept its promises.

use crate::powercut::history::{History, Known};
use crate::powercut::loader::{self, FIRST_WISH};
use sql::SqlError;
use std::collections::HashMap;
use std::path::Path;
use store::{Snapshot, Store, StoreError};

/// What the database says of a wish.
#[derive(Clone, Debug, Default)]
struct Stored {
    entries: u32,
    events: u32,
    jobs: u32,
    answers: Vec<Vec<u8>>,
}

/// Opens the bank (which recovers it), compares it with the history, has the independent checker read it, and moves money.
///
/// # Errors
/// What is wrong, in words.
pub fn judge(directory: &Path, history: &History) -> Result<(), String> {
    let store = loader::open(directory).map_err(|error| format!("the bank does not open: {error} ({error:?})"))?;
    compare(&store, history)?;
    loader::one_more(&store)?;
    let options = checker::Options { pages: true };
    let report = checker::check(directory, &options, &mut |_| {}).map_err(|error| format!("{error} ({error:?})"))?;
    match report.difference {
        None => Ok(()),
        Some(difference) => Err(difference.to_string()),
    }
}

fn read(snapshot: &Snapshot<'_>) -> Result<HashMap<u128, Stored>, SqlError> {
    let mut found: HashMap<u128, Stored> = HashMap::new();
    let connection = snapshot.reading();
    connection.each("SELECT id FROM journal WHERE seq = entry", &[], |row| {
        found.entry(row.u128(0)?).or_default().entries += 1;
        Ok(())
    })?;
    connection.each("SELECT subject FROM event", &[], |row| {
        found.entry(row.u128(0)?).or_default().events += 1;
        Ok(())
    })?;
    connection.each("SELECT subject FROM job", &[], |row| {
        found.entry(row.u128(0)?).or_default().jobs += 1;
        Ok(())
    })?;
    connection.each("SELECT key, response FROM idempotency", &[], |row| {
        found.entry(row.u128(0)?).or_default().answers.push(row.blob(1)?);
        Ok(())
    })?;
    found.retain(|id, _| *id >= FIRST_WISH);
    Ok(found)
}

fn compare(store: &Store, history: &History) -> Result<(), String> {
    let found = store.read_blocking(|snapshot| read(snapshot).map_err(StoreError::from));
    let found = found.map_err(|error| format!("the rows cannot be read: {error}"))?;
    let nothing = Stored::default();
    for (wish, known) in &history.wishes {
        let stored = found.get(wish).unwrap_or(&nothing);
        let effects = [stored.entries, stored.events, stored.jobs];
        let answers: Vec<&[u8]> = stored.answers.iter().map(Vec::as_slice).collect();
        let kept = match answers.as_slice() {
            [] => effects == [0; 3] && *known == Known::Sent,
            [b"done"] => effects == [1; 3] && *known != Known::Refused,
            [b"refused"] => effects == [0; 3] && *known != Known::Done,
            _ => false,
        };
        if !kept {
            return Err(format!("wish {wish:032x}, known as {known:?}, stands as {stored:?}"));
        }
    }
    match found.keys().find(|id| !history.wishes.contains_key(id)) {
        Some(ghost) => Err(format!("entry {ghost:032x} was never sent")),
        None => Ok(()),
    }
}
