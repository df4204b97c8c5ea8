//! Publishing: the tree stands still at a batch boundary, its dirty frames are drained, the exact state is
//! captured and made durable, while batches go on beside it.
//!
//! The engine's own checkpoint copies and indexes every dirty frame (1 to 2 ms each) with writers and
//! scans shut out. So before it runs the tree is frozen: batches go to the overlay, the background drain writes
//! the dirty frames without shutting anybody out, and the checkpoint then finds next to nothing to do.

use super::HoltStore;
use super::blobs::engine_error;
use super::overlay::Phase;
use crate::frames::{COVERED_BYTES_MAX, Held};
use crate::{Error, ErrorKind, Result};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often the progress of the background drain is looked at.
const DRAIN_STEP: Duration = Duration::from_millis(2);
/// Time without writes, beside a drain interval, after which the drain is taken to be done even though the
/// engine's planner did not show it: a drain copies all its frames before it writes the first.
const DRAIN_QUIET: Duration = Duration::from_secs(1);
/// Longest wait for the background drain; the checkpoint then writes what is left.
const DRAIN_WAIT_MAX: Duration = Duration::from_secs(20);

/// What is published now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its number; grows by one with every publish.
    pub epoch: u64,
    /// What the caller said it covers.
    pub covered: Vec<u8>,
}

/// A tree that stands still to be published; dropping it lets it go on without.
#[derive(Debug)]
#[must_use = "the tree stands still until this is published or dropped"]
pub struct Frozen<'a> {
    store: &'a HoltStore,
    covered: Vec<u8>,
    thawed: bool,
}

impl HoltStore {
    /// Fixes the state after the last applied batch as the one to be published as covering `covered`, and
    /// lets batches go on beside it. Takes microseconds; call it at a batch boundary.
    ///
    /// # Errors
    /// `Invalid` when another publish or a compaction is under way or `covered` is longer than 4 KiB.
    pub fn freeze(&self, covered: &[u8]) -> Result<Frozen<'_>> {
        if covered.len() > COVERED_BYTES_MAX {
            let detail = "covered is longer than 4 KiB";
            return Err(Error::new(ErrorKind::Invalid, "freeze", "store", detail));
        }
        self.begin_exclusive_work("freeze")?;
        self.stand_still();
        Ok(Frozen {
            store: self,
            covered: covered.to_vec(),
            thawed: false,
        })
    }

    /// From here to the thaw batches go to the overlay.
    pub(super) fn stand_still(&self) {
        let _writer = self.writer.write().unwrap_or_else(PoisonError::into_inner);
        self.overlay.set_phase(Phase::Frozen);
    }

    /// [`HoltStore::freeze`] and [`Frozen::publish`] in one, for callers with nothing to do in between.
    ///
    /// # Errors
    /// As those two.
    pub fn publish(&self, covered: &[u8]) -> Result<Published> {
        self.freeze(covered)?.publish()
    }

    pub(super) fn begin_exclusive_work(&self, op: &'static str) -> Result<()> {
        let mut working = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        if *working {
            let detail = "a publish or a compaction is under way";
            return Err(Error::new(ErrorKind::Invalid, op, "store", detail));
        }
        *working = true;
        Ok(())
    }

    pub(super) fn end_exclusive_work(&self) {
        *self.publishing.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// Waits until the background drain has written what was dirty when the tree was frozen.
    fn settle(&self) {
        let steps = |time: Duration| (time.as_micros() / DRAIN_STEP.as_micros()) as u32;
        let quiet_steps = steps(self.settings.drain_interval + DRAIN_QUIET);
        let (mut quiet, mut seen) = (0, self.frames.writes());
        self.frames.watch_drain();
        for _ in 0..steps(DRAIN_WAIT_MAX) {
            std::thread::sleep(DRAIN_STEP);
            let writes = self.frames.writes();
            quiet = if writes == seen { quiet + 1 } else { 0 };
            seen = writes;
            if self.frames.is_drained() || quiet >= quiet_steps {
                break;
            }
        }
    }

    fn capture(&self, covered: &[u8]) -> Result<Held> {
        self.settle();
        self.tree
            .checkpoint()
            .map_err(|error| engine_error("publish", "tree", error))?;
        Ok(self.frames.capture(covered))
    }

    /// Brings the overlay's rows into the tree and lets batches go there again.
    pub(super) fn thaw(&self) -> Result<()> {
        {
            let _writer = self.writer.write().unwrap_or_else(PoisonError::into_inner);
            // A writer that waits looks at the phase under this lock: it must not miss the notification.
            let _publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
            self.overlay.set_phase(Phase::Merging);
            self.thawed.notify_all();
        }
        let mut after: Option<Vec<u8>> = None;
        let merged = loop {
            self.let_a_writer_pass();
            // Under the writer's lock, so that the rows are still the current ones; a page takes about 1 ms.
            let _writer = self.writer.write().unwrap_or_else(PoisonError::into_inner);
            let (_, page) = self.overlay.page(b"", after.as_deref());
            let Some((last, _)) = page.last() else {
                self.overlay.set_phase(Phase::Off);
                break self.overlay.take();
            };
            after = Some(last.clone());
            self.merge_rows(&page)?;
        };
        // Hundreds of thousands of rows take a while to free: not under the lock.
        drop(merged);
        self.end_exclusive_work();
        Ok(())
    }

    /// The lock is not fair, and the merge would take it again at once.
    fn let_a_writer_pass(&self) {
        let stamp = self.stamp.load(Ordering::Acquire);
        while self.waiting.load(Ordering::Acquire) > 0 && self.stamp.load(Ordering::Acquire) == stamp {
            std::thread::yield_now();
        }
    }
}

impl Frozen<'_> {
    /// Writes the frozen state and makes it the published one. Batches and reads go on meanwhile.
    ///
    /// The log must be durable through what the state covers before this is called.
    ///
    /// # Errors
    /// `Full`: nothing was published, the older state stays, try again after space was freed. `Io` and
    /// `Engine`: what is durable or in memory is unknown, the process ends.
    pub fn publish(mut self) -> Result<Published> {
        let captured = self.store.capture(&self.covered);
        // A thaw that failed is fatal; a full disk, which the caller lives with, must not hide it.
        self.thaw()?;
        let captured = captured?;
        let published = Published {
            epoch: captured.epoch(),
            covered: std::mem::take(&mut self.covered),
        };
        self.store.frames.publish(captured)?;
        Ok(published)
    }

    fn thaw(&mut self) -> Result<()> {
        self.thawed = true;
        self.store.thaw()
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        if !self.thawed {
            // An engine error repeats at the next batch, where it ends the process.
            let _ = self.thaw();
        }
    }
}
