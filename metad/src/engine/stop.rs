//! Stopping: in order, or all at once.

use super::publish::{locked, stopped};
use super::{Core, Engine};
use crate::commit::Slot;
use crate::{Error, Result};
use nokv_types::Work;
use nokv_types::failpoint::hit;
use std::sync::atomic::Ordering;

/// With no more log than this to replay, the next start is faster than a publish now: a publish waits a second
/// and more for the background drain, which a short command would wait for every time.
const CLOSE_REDO_BYTES_MAX: u64 = 4 << 20;

impl Engine {
    /// Stops in order: workers, waiting callers, the exactly-once window, sync, publish, the clean mark.
    ///
    /// # Errors
    /// `Full` when the last state could not be published: nothing is lost, the next start replays the log.
    /// Others as they come; the next start then finds an unclean end.
    pub fn close(&self) -> Result<()> {
        self.stop_crew();
        let closed = self.core.close();
        self.core.store.close();
        // Only now may another process come.
        locked(&self.lock).take();
        closed
    }

    fn stop_crew(&self) {
        self.core.bells.stop();
        self.core.syncer.stop();
        if let Some(crew) = locked(&self.crew).take() {
            crew.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop_crew();
        self.core.lock_role().log = None;
        // Whoever still holds a part of the engine must not write beside the next owner.
        self.core.store.close();
    }
}

impl Core {
    fn drain(&self) {
        let mut role = self.lock_role();
        while !self.queue.is_empty() && !self.has_failed() {
            self.run_batch(&mut role);
        }
        drop(role);
        // Whose commands were among them may wait for a sync that nobody leads.
        let own = Slot::of_this_thread();
        own.finish();
        self.start_sync(&own);
    }

    fn close(&self) -> Result<()> {
        if self.has_failed() || self.lock_role().log.is_none() {
            return Err(stopped());
        }
        self.closing.store(true, Ordering::Release);
        self.drain();
        let published = if self.bells.redo_bytes() > CLOSE_REDO_BYTES_MAX {
            self.publish(&Work::Stop).map(|_| ())
        } else {
            self.run_own(&mut self.lock_role(), &Work::Stop)
        };
        // Callers that slipped in are answered; what they changed is in the log behind what is published.
        self.drain();
        let log = self.lock_role().log.take().ok_or_else(stopped)?;
        self.queue.nominate();
        self.events.complete(self)?;
        published?;
        hit("metad.close.log").map_err(|error| Error::io("close", "log", error))?;
        log.close()?;
        Ok(())
    }
}
