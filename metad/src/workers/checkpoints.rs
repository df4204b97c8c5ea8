//! What is published and what is saved, and how far the log may be trimmed for it.

use nokv_journal::Position;
use nokv_journal::checkpoint::Head;
use nokv_object::layout::CheckpointName;
use nokv_types::Version;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    publishing: Mutex<()>,
    writing: Mutex<()>,
    collecting: Mutex<()>,
    published_seq: AtomicU64,
    floor_seq: AtomicU64,
    oldest_version: AtomicU64,
    /// HEAD was looked at: until then every version may be held.
    is_known: AtomicBool,
    /// Checkpoints of this state: listed when it was opened, or tried since.
    own: Mutex<BTreeSet<CheckpointName>>,
}

impl Checkpoints {
    pub(crate) fn new(published_seq: u64) -> Self {
        let this = Self::default();
        this.published_seq.store(published_seq, Ordering::Relaxed);
        this
    }

    /// One publish at a time.
    pub(crate) fn publishing(&self) -> MutexGuard<'_, ()> {
        self.publishing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether frames are being published or compacted at this moment.
    pub(crate) fn is_publishing(&self) -> bool {
        matches!(self.publishing.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// One logical checkpoint at a time.
    pub(crate) fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One collection of garbage at a time: what one sweeps the other would find gone.
    pub(crate) fn collecting(&self) -> MutexGuard<'_, ()> {
        self.collecting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note_published(&self, at: Position) {
        self.published_seq.store(at.seq, Ordering::Release);
    }

    /// A checkpoint of this name may be listed from now on.
    pub(crate) fn note_own(&self, name: CheckpointName) {
        self.own().insert(name);
    }

    /// Whether a checkpoint is of this state.
    pub(crate) fn is_own(&self, name: &CheckpointName) -> bool {
        self.own().contains(name)
    }

    /// Whether HEAD was looked at and lists none.
    pub(crate) fn lists_none(&self) -> bool {
        self.is_known() && self.oldest_version.load(Ordering::Acquire) == 0
    }

    fn own(&self) -> MutexGuard<'_, BTreeSet<CheckpointName>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether HEAD was looked at.
    pub(crate) fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Acquire)
    }

    /// What HEAD says, `None` when there is none: where the log is kept from, and which versions are held.
    pub(crate) fn note_head(&self, head: Option<&Head>) {
        let Some(head) = head else {
            self.is_known.store(true, Ordering::Release);
            return;
        };
        let mut own = self.own();
        if let Some(oldest) = head.checkpoints.last() {
            // What retired is not listed again; one that is being written is newer.
            own.retain(|name| name.seq >= oldest.name.seq);
        }
        own.extend(head.checkpoints.iter().map(|entry| entry.name));
        drop(own);
        self.floor_seq.store(head.log_floor, Ordering::Release);
        if let Some(oldest) = head.checkpoints.last() {
            self.oldest_version.store(oldest.at.version.0, Ordering::Release);
        }
        self.is_known.store(true, Ordering::Release);
    }

    /// Segments up to this one are needed by no frame and no checkpoint.
    pub(crate) fn trim_floor(&self) -> u64 {
        let published = self.published_seq.load(Ordering::Acquire);
        published.min(self.floor_seq.load(Ordering::Acquire))
    }

    /// The version of the oldest checkpoint that is kept, [`Version::HEAD`] when there is none; `None` until HEAD
    /// was looked at.
    pub(crate) fn oldest_version(&self) -> Option<Version> {
        if !self.is_known() {
            return None;
        }
        match self.oldest_version.load(Ordering::Acquire) {
            0 => Some(Version::HEAD),
            version => Some(Version(version)),
        }
    }
}
