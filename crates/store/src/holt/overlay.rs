//! Where batches go while the tree stands still to be captured.
//!
//! States: *off*; *frozen*: batches go here only, the tree does not change; *merging*: batches go to the
//! tree again, and rows that are here too are changed in both, until everything was copied to the tree and
//! the overlay is cleared at once. A row that is here is always the current one, so readers look here
//! first and need not know how far the merge is.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Memory that the overlay may take before writers wait for the capture to end.
pub(super) const OVERLAY_BYTES_MAX: usize = 64 << 20;
/// What a row costs beside its bytes: two vectors and its share of a tree node.
const ROW_OVERHEAD: usize = 96;
/// Rows that a scan or a merge step takes at once.
pub(super) const PAGE_ROWS: usize = 256;

/// A stored key and its sealed value, or `None` for a deleted row.
pub(super) type StoredRow = (Vec<u8>, Option<Vec<u8>>);

/// What the overlay is for at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Off,
    Frozen,
    Merging,
}

#[derive(Debug, Default)]
struct Contents {
    rows: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: usize,
    /// Changes whenever rows leave.
    generation: u64,
}

#[derive(Debug, Default)]
pub(super) struct Overlay {
    phase: AtomicU8,
    contents: RwLock<Contents>,
}

impl Overlay {
    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Off,
            1 => Phase::Frozen,
            _ => Phase::Merging,
        }
    }

    /// Changes the phase; the caller excludes the writer.
    pub(super) fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    fn read(&self) -> RwLockReadGuard<'_, Contents> {
        self.contents.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Contents> {
        self.contents.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_full(&self) -> bool {
        self.read().bytes >= OVERLAY_BYTES_MAX
    }

    pub(super) fn bytes(&self) -> usize {
        self.read().bytes
    }

    /// The row of `key` if it is here: `Some(None)` is a deleted one.
    #[expect(
        clippy::option_option,
        reason = "not here, deleted here, and a value here are three answers"
    )]
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<Vec<u8>>> {
        if self.phase() == Phase::Off {
            return None;
        }
        self.read().rows.get(key).cloned()
    }

    /// Puts rows here.
    pub(super) fn extend(&self, rows: impl Iterator<Item = StoredRow>) {
        let mut contents = self.write();
        for (key, value) in rows {
            contents.put(key, value);
        }
    }

    /// Changes those of the rows that are here already.
    pub(super) fn refresh(&self, rows: impl Iterator<Item = StoredRow>) {
        let mut contents = self.write();
        for (key, value) in rows {
            if contents.rows.contains_key(&key) {
                contents.put(key, value);
            }
        }
    }

    /// The next rows after `after` (or from the first) that start with `prefix`, and the generation they are of.
    pub(super) fn page(&self, prefix: &[u8], after: Option<&[u8]>) -> (u64, Vec<StoredRow>) {
        let contents = self.read();
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let rows = contents.rows.range::<[u8], _>((from, Bound::Unbounded));
        let rows = rows
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(PAGE_ROWS);
        (
            contents.generation,
            rows.map(|(key, value)| (key.clone(), value.clone())).collect(),
        )
    }

    /// Takes all rows away; the caller excludes the writer and has them all in the tree.
    pub(super) fn take(&self) -> impl Sized + use<> {
        let mut contents = self.write();
        contents.bytes = 0;
        contents.generation += 1;
        std::mem::take(&mut contents.rows)
    }
}

impl Contents {
    fn put(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let len = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::len);
        self.bytes += key.len() + len(&value) + ROW_OVERHEAD;
        let key_len = key.len();
        if let Some(older) = self.rows.insert(key, value) {
            self.bytes -= key_len + len(&older) + ROW_OVERHEAD;
        }
    }
}
