//! Every worker's bell, and the counts of log bytes that decide when they ring.

use super::bell::Bell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The workers of the log and of published states look after this much log.
const LOOK_BYTES: u64 = 1 << 20;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Bells {
    pub(crate) events: Bell,
    pub(crate) logs: Bell,
    pub(crate) publisher: Bell,
    pub(crate) upkeep: Bell,
    /// Log after the published state.
    redo: AtomicU64,
    /// The part of it that a running publish covers.
    covering: AtomicU64,
    /// Log since the last logical checkpoint.
    unsaved: AtomicU64,
    /// A checkpoint is wanted at once.
    pressed: AtomicBool,
    /// A tree was removed and waits for upkeep.
    removed_tree: AtomicBool,
    /// Log since the workers looked.
    unseen: AtomicU64,
}

impl Bells {
    /// With what was found when the engine was opened: log after the published state, log that no checkpoint has.
    pub(crate) fn new(redo_bytes: u64, unsaved_bytes: u64) -> Self {
        let bells = Self::default();
        bells.redo.store(redo_bytes, Ordering::Relaxed);
        bells.unsaved.store(unsaved_bytes, Ordering::Relaxed);
        bells
    }

    /// A segment was appended; answers whether that makes it worth a look at the whole log.
    pub(crate) fn appended(&self, bytes: u64, has_events: bool) -> bool {
        self.redo.fetch_add(bytes, Ordering::Relaxed);
        self.unsaved.fetch_add(bytes, Ordering::Relaxed);
        if has_events {
            self.events.ring();
        }
        if self.unseen.fetch_add(bytes, Ordering::Relaxed) + bytes >= LOOK_BYTES {
            self.unseen.store(0, Ordering::Relaxed);
            self.logs.ring();
            self.publisher.ring();
            self.upkeep.ring();
            return true;
        }
        false
    }

    /// There was no room for a segment, or the log has a hole: a checkpoint is due, whatever the log's length.
    pub(crate) fn press(&self) {
        self.pressed.store(true, Ordering::Release);
        self.ring_all();
    }

    /// A tree was removed: upkeep need not wait for more.
    pub(crate) fn tree_removed(&self) {
        // Waking it costs as much as the remove: once is enough until it has looked.
        if !self.removed_tree.swap(true, Ordering::AcqRel) {
            self.upkeep.urge();
        }
    }

    /// Lets work for upkeep gather until `time` is over or a tree was removed; `false` when it has to end.
    pub(crate) fn gather_upkeep(&self, time: Duration) -> bool {
        let enough = || self.removed_tree.swap(false, Ordering::AcqRel);
        self.upkeep.gather(time, enough)
    }

    /// Whether a checkpoint was wanted at once; asked once.
    pub(crate) fn take_press(&self) -> bool {
        self.pressed.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn ring_all(&self) {
        for bell in [&self.events, &self.logs, &self.publisher, &self.upkeep] {
            bell.ring();
        }
    }

    pub(crate) fn stop(&self) {
        for bell in [&self.events, &self.logs, &self.publisher, &self.upkeep] {
            bell.stop();
        }
    }

    /// Bytes that would have to be replayed.
    pub(crate) fn redo_bytes(&self) -> u64 {
        self.redo.load(Ordering::Relaxed)
    }

    /// The state as of now is being published.
    pub(crate) fn publish_began(&self) {
        self.covering.store(self.redo_bytes(), Ordering::Relaxed);
    }

    /// It is published.
    pub(crate) fn published(&self) {
        let covered = self.covering.swap(0, Ordering::Relaxed);
        self.redo.fetch_sub(covered, Ordering::Relaxed);
        self.logs.ring();
    }

    /// Log bytes since the last logical checkpoint.
    pub(crate) fn unsaved_bytes(&self) -> u64 {
        self.unsaved.load(Ordering::Relaxed)
    }

    /// A logical checkpoint was written of what is published.
    pub(crate) fn saved(&self) {
        self.unsaved.store(self.redo_bytes(), Ordering::Relaxed);
        self.logs.ring();
    }
}
