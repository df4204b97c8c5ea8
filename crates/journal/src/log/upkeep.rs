//! What a worker does for the log beside the commit path: preparing files, trimming, reading, noting.

use super::files::{Shared, file_name};
use super::prepare::prepare;
use super::state::LogState;
use super::{LogReader, Mode};
use crate::{Error, ErrorKind, Position, Result};
use nokv_types::failpoint::hit;
use std::io;
use std::sync::{Arc, PoisonError};

/// How much there is of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogUsage {
    /// The position before the first segment that is kept.
    pub base: Position,
    /// The position after the last segment.
    pub end: Position,
    /// The last position known durable (nothing is in mode `Ephemeral`).
    pub durable: Position,
    /// Bytes of segments that are kept.
    pub segment_bytes: u64,
    /// Bytes of all files, prepared ones included.
    pub file_bytes: u64,
    /// The limit of `file_bytes`.
    pub limit_bytes: u64,
}

/// Prepares, trims and reads the log beside the commit path. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Upkeep {
    shared: Arc<Shared>,
}

impl Upkeep {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Whether a file should be prepared now, so that no append has to wait for one.
    pub fn wants_file(&self) -> bool {
        self.wanted().is_some()
    }

    /// The number of the file that should be prepared now.
    fn wanted(&self) -> Option<u64> {
        let file_bytes = self.shared.files_bytes();
        let files = self.shared.files();
        let free = files.free(file_bytes);
        let room = (files.count() + 1) * file_bytes <= self.shared.options.limit_bytes;
        let short = free < self.shared.options.reserve_bytes + file_bytes / 2;
        (room && short).then(|| files.next_index())
    }

    /// Prepares the next file when one is wanted; answers whether it did.
    ///
    /// # Errors
    /// `Full`: nothing changed, appends go on as long as there is room. `Fatal`.
    pub fn prepare_next(&self) -> Result<bool> {
        let Some(index) = self.wanted() else {
            return Ok(false);
        };
        prepare(&self.shared, index)?;
        Ok(true)
    }

    /// Removes whole files whose segments all lie at or below `seq`; answers how many went.
    ///
    /// # Errors
    /// `Invalid` when `seq` was not appended yet; `Full` and `Fatal` from replacing `STATE`: nothing is
    /// lost, the next call or start does it again.
    pub fn trim(&self, seq: u64) -> Result<u64> {
        let _one = self.shared.noting.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.check("trim log")?;
        let (state, going) = {
            let files = self.shared.files();
            if seq > files.tail.seq {
                let why = format!("segment {seq} was not appended");
                return Err(Error::new(ErrorKind::Invalid, "trim", "log", why));
            }
            let bases = files.used.iter().skip(1);
            let going = bases.take_while(|file| file.base.seq <= seq).count();
            let Some(first) = files.used.get(going).filter(|_| going > 0) else {
                return Ok(0);
            };
            let state = LogState {
                first_file: first.index,
                base: first.base,
                durable: files.durable,
                ..files.state
            };
            (state, going)
        };
        // The state names the new first file before the old ones go, so that a crash in between leaves
        // files that the next start knows to be leftovers.
        state.store(&*self.shared.disk, &self.shared.dir)?;
        let gone: Vec<u64> = {
            let mut files = self.shared.files();
            files.state = state;
            files.holed = false;
            files.used.drain(..going).map(|file| file.index).collect()
        };
        let run = || -> io::Result<()> {
            for index in &gone {
                hit("journal.trim.remove")?;
                self.shared
                    .disk
                    .remove(&self.shared.dir.join(file_name(*index)))?;
            }
            hit("journal.trim.sync_dir")?;
            self.shared.disk.sync_dir(&self.shared.dir)
        };
        run().map_err(|error| Error::io("trim", self.shared.dir.display().to_string(), error))?;
        Ok(gone.len() as u64)
    }

    /// Writes down how far the log is durable, so that damage to a group that no later segment vouches for
    /// is known to be a loss. For an idle moment, about a second after the last sync; answers whether
    /// there was anything new.
    ///
    /// # Errors
    /// `Full`, `Fatal`.
    pub fn note_durable(&self) -> Result<bool> {
        self.note(|files_durable| (files_durable, false))
    }

    pub(super) fn note_closed(&self, at: Position) -> Result<()> {
        self.note(|_| (at, true)).map(drop)
    }

    fn note(&self, what: impl FnOnce(Position) -> (Position, bool)) -> Result<bool> {
        let _one = self.shared.noting.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, after) = {
            let files = self.shared.files();
            let (durable, clean) = what(files.durable);
            (
                files.state,
                LogState {
                    clean,
                    durable,
                    ..files.state
                },
            )
        };
        if before == after {
            return Ok(false);
        }
        after.store(&*self.shared.disk, &self.shared.dir)?;
        self.shared.files().state = after;
        Ok(true)
    }

    /// Reads the segments after `seq`, as far as they are appended when they are asked for.
    ///
    /// # Errors
    /// `Invalid` when the log does not reach back that far; `Fatal`, `Corrupt`.
    pub fn reader(&self, seq: u64) -> Result<LogReader> {
        LogReader::new(Arc::clone(&self.shared), seq)
    }

    /// How much there is of the log.
    pub fn usage(&self) -> LogUsage {
        let files = self.shared.files();
        LogUsage {
            base: files.used.front().map_or(files.tail, |file| file.base),
            end: files.tail,
            durable: files.durable,
            segment_bytes: files.used.iter().map(|file| file.end).sum(),
            file_bytes: files.count() * self.shared.files_bytes(),
            limit_bytes: self.shared.options.limit_bytes,
        }
    }

    /// The mode that the log was opened in.
    pub fn mode(&self) -> Mode {
        self.shared.options.mode
    }
}
