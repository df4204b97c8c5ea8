//! The event files: copied from the log in the background, completed when a reader asks.

use super::bell::Woken;
use crate::engine::Core;
use crate::engine::locked;
use crate::home::Home;
use crate::{Error, Result};
use nokv_journal::events::{EventFiles, EventOptions, Retention};
use nokv_journal::{ErrorKind, LogReader, OsDisk, Position, Upkeep};
use nokv_types::Version;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Events gather this long before they are copied in the background.
const GATHER: Duration = Duration::from_millis(200);
/// Copied events are made durable, so that the log can be trimmed, after this much was copied: a few MiB when
/// batches are large.
const SYNC_SEGMENTS: u64 = 512;

/// See the module.
#[derive(Debug)]
pub(crate) struct Events {
    files: EventFiles,
    reader: Mutex<Option<LogReader>>,
    /// Up to this segment the files are durable.
    durable_seq: AtomicU64,
    unsynced: AtomicU64,
    /// Bytes that the last trim would have removed if nobody needed them.
    held_bytes: AtomicU64,
}

impl Events {
    /// Opens the files and completes them from the log, whose end is `end`.
    pub(crate) fn open(home: &Home, options: EventOptions, end: &Position, log: &Upkeep) -> Result<Self> {
        let opened = EventFiles::open(Arc::new(OsDisk), &home.events(), options, end)?;
        let copied = opened.files.copy_from(log)?;
        Ok(Self {
            files: opened.files,
            reader: Mutex::new(None),
            durable_seq: AtomicU64::new(copied.seq),
            unsynced: AtomicU64::new(0),
            held_bytes: AtomicU64::new(0),
        })
    }

    pub(crate) fn files(&self) -> &EventFiles {
        &self.files
    }

    /// Copies what is durable and not here yet.
    pub(crate) fn copy(&self, core: &Core) -> Result<()> {
        let mut held = locked(&self.reader);
        if held.is_none() {
            *held = Some(self.files.reader(&core.upkeep)?.0);
        }
        let Some(reader) = held.as_mut() else {
            return Ok(());
        };
        // What is not durable may never have happened; watchers must not see it.
        match self.files.copy(reader, core.sync.durable_seq()) {
            Ok(copied) => {
                self.unsynced.fetch_add(copied.segments, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                // The next try begins where the files end.
                *held = None;
                Err(error.into())
            }
        }
    }

    /// Copies everything that was committed so far.
    pub(crate) fn complete(&self, core: &Core) -> Result<()> {
        core.sync.sync().map_err(|error| core.fatal_error(error.into()))?;
        self.copy(core)
    }

    /// Makes the copied events durable.
    pub(crate) fn sync(&self) -> Result<()> {
        let seq = self.files.copied_seq().unwrap_or(0);
        self.unsynced.store(0, Ordering::Relaxed);
        self.files.sync()?;
        self.durable_seq.fetch_max(seq, Ordering::AcqRel);
        Ok(())
    }

    /// The log may be trimmed up to this segment as far as events go.
    pub(crate) fn durable_seq(&self) -> u64 {
        self.durable_seq.load(Ordering::Acquire)
    }

    /// Bytes that are old and needed for a diff, as the last trim found them.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.held_bytes.load(Ordering::Relaxed)
    }

    /// Removes what is old and not needed for a diff.
    pub(crate) fn trim(&self, now_ns: u64, floor: Option<Version>) -> Result<()> {
        let trimmed = self.files.trim(&Retention::new(now_ns, floor))?;
        self.held_bytes.store(trimmed.held_bytes, Ordering::Relaxed);
        Ok(())
    }
}

/// The worker.
pub(super) fn run(core: &Arc<Core>) {
    while core.bells.events.wait(None) != Woken::Stop && core.bells.events.gather(GATHER, || false) {
        if core.has_failed() {
            return;
        }
        let done = core.events.copy(core).and_then(|()| {
            if core.events.unsynced.load(Ordering::Relaxed) >= SYNC_SEGMENTS {
                core.events.sync()?;
            }
            Ok(())
        });
        if let Err(error) = done {
            give_up_on(core, error);
        }
        if core.sync.durable_seq() < core.sync.appended_seq() {
            // The rest follows when it is durable.
            core.bells.events.ring();
        }
    }
}

/// Nothing of a caller depends on event files: only a broken disk ends the process.
fn give_up_on(core: &Core, error: Error) {
    let journal = error
        .source
        .as_deref()
        .and_then(|source| source.downcast_ref::<nokv_journal::Error>());
    if journal.is_some_and(|source| source.kind == ErrorKind::Fatal) {
        core.fail(&error);
    }
}
