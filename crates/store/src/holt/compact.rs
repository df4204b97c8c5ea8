//! Giving back what deletes leave behind.
//!
//! The engine only marks a row as removed; the mark stays until its frame is repacked. A scan steps over the marks
//! one by one, and not only inside its prefix: it stops at the first row that is there. So where many rows
//! were removed every scan beside them costs as much as a listing of all of them, until they are compacted.
//!
//! Owns: how much was removed and what that cost, and when compaction pays. Must not know who calls it.

use super::HoltStore;
use super::blobs::engine_error;
use crate::Result;
use std::sync::atomic::{AtomicU64, Ordering};

/// Removed rows for which compaction pays by itself, per frame of the store: about a third of a full one. While frames
/// are folded the engine shuts readers out, up to 50 ms in a store of a million files, so this must be rare.
const REMOVED_PER_FRAME: u64 = 1_024;
/// Removed rows below which only scans that meet them make compaction due: 3 ms of stepping.
const REMOVED_MIN: u64 = 32_768;
/// Steps over removed rows that cost as much as looking for what is to be repacked, per frame of the store.
const STEPS_PER_FRAME: u64 = 1_000;
/// Steps over removed rows that are not worth a compaction in a store of any size: 2 ms.
const STEPS_MIN: u64 = 20_000;

/// What was removed from the tree and not compacted away.
#[derive(Debug, Default)]
pub(super) struct Removed {
    rows: AtomicU64,
    /// Steps over removed rows, ever.
    stepped: AtomicU64,
    /// The part of it that was there when the store was compacted last.
    settled: AtomicU64,
}

impl Removed {
    pub(super) fn add(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    pub(super) fn stepped_over(&self, rows: u64) {
        if rows > 0 {
            self.stepped.fetch_add(rows, Ordering::Relaxed);
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    pub(super) fn stepped(&self) -> u64 {
        self.stepped.load(Ordering::Relaxed)
    }

    /// The tree was compacted and has this many removed rows left; nothing changed it meanwhile.
    fn compacted(&self, left: u64) {
        self.rows.store(left, Ordering::Relaxed);
        self.settled.store(self.stepped(), Ordering::Relaxed);
    }

    fn is_due(&self, frames: u64) -> bool {
        let steps = self.stepped() - self.settled.load(Ordering::Relaxed);
        self.rows() >= REMOVED_MIN.max(frames * REMOVED_PER_FRAME)
            || steps >= STEPS_MIN.max(frames * STEPS_PER_FRAME)
    }
}

impl HoltStore {
    /// Whether so much was removed, or removed rows cost scans so much, that [`HoltStore::compact`] pays; cheap.
    pub fn is_compaction_due(&self) -> bool {
        self.removed.is_due(self.frames.stats().frames as u64)
    }

    /// Takes removed rows out of the frames and folds small frames into their parents, at most 256 frames per call;
    /// batches and reads go on meanwhile. Call it while [`HoltStore::is_compaction_due`], from the thread that
    /// publishes; to the end, until [`StoreStats::removed_rows`](super::StoreStats::removed_rows) is 0.
    ///
    /// # Errors
    /// `Invalid` while a publish is under way (frames must not change then); `Engine` and `Corrupt` from the tree.
    pub fn compact(&self) -> Result<()> {
        self.begin_exclusive_work("compact")?;
        // The engine looks through all frames for some that can be folded, with its writers shut out.
        self.stand_still();
        let compacted = self.compact_some();
        // First what is fatal: a full disk is not.
        self.thaw().and(compacted)
    }

    fn compact_some(&self) -> Result<()> {
        let stats = self.tree.compact().and_then(|()| self.tree.stats());
        let stats = stats.map_err(|error| engine_error("compact", "tree", error))?;
        self.removed.compacted(stats.total_tombstones);
        Ok(())
    }
}
