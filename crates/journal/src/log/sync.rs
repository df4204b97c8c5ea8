//! Making appends durable in groups, from any thread, while the next batch executes.

use super::Mode;
use super::files::Shared;
use crate::{Error, Result};
use nokv_types::failpoint::hit;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// Syncs the log and knows how far it is durable. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SyncHandle {
    shared: Arc<Shared>,
}

impl SyncHandle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Makes everything durable that was appended before the call; answers the last durable segment.
    ///
    /// Callers that come while another syncs wait for it and share the next sync. In mode `Ephemeral`
    /// nothing is synced and what was appended counts.
    ///
    /// # Errors
    /// `Fatal`, now and from then on: end the process, never try again.
    pub fn sync(&self) -> Result<u64> {
        let wanted = self.appended_seq();
        if self.durable_seq() >= wanted {
            return Ok(self.durable_seq());
        }
        let _one = self.shared.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.check("sync log")?;
        if self.durable_seq() >= wanted {
            return Ok(self.durable_seq());
        }
        // Files before this one were synced when it took over.
        let (active, tail) = {
            let files = self.shared.files();
            (
                files.used.back().map(|file| (Arc::clone(&file.file), file.index)),
                files.tail,
            )
        };
        if let (Mode::Volume, Some((file, index))) = (self.shared.options.mode, active) {
            let run = || {
                hit("journal.sync.before")?;
                file.sync_data()?;
                hit("journal.sync.after")
            };
            run().map_err(|error| {
                self.shared
                    .fail(Error::io("sync log", self.shared.subject(index), error))
            })?;
        }
        self.shared.note_durable(tail);
        Ok(tail.seq)
    }

    /// The last segment that is durable.
    pub fn durable_seq(&self) -> u64 {
        self.shared.durable_seq.load(Ordering::Acquire)
    }

    /// The last segment that was appended.
    pub fn appended_seq(&self) -> u64 {
        self.shared.files().tail.seq
    }

    /// Whether a write or sync failed: the process must end.
    pub fn failed(&self) -> bool {
        self.shared.check("sync log").is_err()
    }
}
