//! Rows of a stopped engine, changed behind its back: what a bug or a bad disk would leave.

use nokv_store::{HoltStore, Mutation, Mutations, Opened, Rows, Scan, Settings, Store, Visit};
use std::io;
use std::path::Path;

/// What becomes of a row: nothing said leaves it, no value removes it.
pub type Change = Option<Option<Vec<u8>>>;

/// Changes the rows whose key begins with `prefix` in the frame store at `frames`, and publishes that as covering
/// what the state before covered. Answers how many rows were changed. The engine must have stopped cleanly, so
/// that no log is replayed over it.
///
/// # Errors
/// When there is no published state, or the store refuses.
pub fn tamper(frames: &Path, prefix: &[u8], change: impl Fn(&[u8], &[u8]) -> Change) -> io::Result<usize> {
    let opened = HoltStore::open(frames, Settings::default()).map_err(io::Error::other)?;
    let Opened::Existing { store, covered, .. } = opened else {
        return Err(io::Error::other("there is no whole published state"));
    };
    let mut changes = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        if let Some(changed) = change(key, value) {
            changes.push((key.to_vec(), changed));
        }
        Visit::Next
    };
    store
        .scan(Scan::prefix(prefix), visit)
        .map_err(io::Error::other)?;
    let mutations = changes.iter().map(|(key, value)| match value {
        Some(value) => Mutation::Put(key, value),
        None => Mutation::Delete(key),
    });
    let mutations = Mutations::from_sorted(mutations).map_err(io::Error::other)?;
    store.apply(&mutations).map_err(io::Error::other)?;
    store.publish(&covered).map_err(io::Error::other)?;
    Ok(changes.len())
}
