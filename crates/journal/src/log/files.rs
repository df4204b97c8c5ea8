//! What every handle of one log shares: the table of files, the tail, and how far it is durable.

use super::seal::SEAL_BYTES;
use super::state::LogState;
use super::{LogOptions, Mode};
use crate::disk::{Disk, DiskFile};
use crate::{Error, ErrorKind, Position, Result};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SUFFIX: &str = ".log";

/// The name of file number `index`.
pub(crate) fn file_name(index: u64) -> String {
    format!("{index:016x}{SUFFIX}")
}

/// The number in a file's name, when it is one of ours.
pub(crate) fn file_index(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let ours = digits.len() == 16
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    ours.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

/// One file of the log.
#[derive(Debug, Clone)]
pub(crate) struct LogFile {
    pub(crate) index: u64,
    pub(crate) file: Arc<dyn DiskFile>,
    /// The position before its first segment that counts.
    pub(crate) base: Position,
    /// The offset of that segment: behind the seal, or behind damage that a later state makes irrelevant.
    pub(crate) start: u64,
    /// The offset after its last segment.
    pub(crate) end: u64,
}

/// The files in order and the tail.
#[derive(Debug)]
pub(crate) struct Files {
    /// Files that hold segments; the last one is appended to.
    pub(crate) used: VecDeque<LogFile>,
    /// Prepared files that hold none yet, in order after `used`.
    pub(crate) ready: VecDeque<(u64, Arc<dyn DiskFile>)>,
    pub(crate) tail: Position,
    /// The log begins behind damage: what `state` says of its beginning stays until it is trimmed.
    pub(crate) holed: bool,
    /// Log time of the last segment.
    pub(crate) log_time_ns: u64,
    pub(crate) state: LogState,
    /// The last position that is known durable.
    pub(crate) durable: Position,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) options: LogOptions,
    files: Mutex<Files>,
    pub(crate) durable_seq: AtomicU64,
    /// Held while a sync runs: later callers wait here and mostly find their work done.
    pub(crate) syncing: Mutex<()>,
    /// Held while a file is prepared, which takes as long as the disk needs to write it.
    pub(crate) preparing: Mutex<()>,
    /// Held while `STATE` is replaced.
    pub(crate) noting: Mutex<()>,
    failed: AtomicBool,
}

impl Shared {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf, options: LogOptions, files: Files) -> Self {
        Self {
            disk,
            dir,
            options,
            durable_seq: AtomicU64::new(files.durable.seq),
            files: Mutex::new(files),
            syncing: Mutex::new(()),
            preparing: Mutex::new(()),
            noting: Mutex::new(()),
            failed: AtomicBool::new(false),
        }
    }

    pub(crate) fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses to go on after a failure that left the disk's content unknown.
    pub(crate) fn check(&self, op: &'static str) -> Result<()> {
        if self.failed.load(Ordering::Acquire) {
            let why = "an earlier write or fsync failed";
            return Err(Error::new(
                ErrorKind::Fatal,
                op,
                self.dir.display().to_string(),
                why,
            ));
        }
        Ok(())
    }

    /// Remembers that the disk's content is unknown and makes the error say so.
    pub(crate) fn fail(&self, mut error: Error) -> Error {
        self.failed.store(true, Ordering::Release);
        error.kind = ErrorKind::Fatal;
        error
    }

    pub(crate) fn subject(&self, index: u64) -> String {
        self.dir.join(file_name(index)).display().to_string()
    }

    /// Notes that everything up to `place` is durable.
    pub(crate) fn note_durable(&self, place: Position) {
        if self.options.mode == Mode::Volume {
            let mut files = self.files();
            if place.seq > files.durable.seq {
                files.durable = place;
            }
        }
        self.durable_seq.fetch_max(place.seq, Ordering::AcqRel);
    }

    /// Bytes for segments in one file.
    pub(crate) fn capacity(&self) -> u64 {
        self.files_bytes() - SEAL_BYTES
    }

    /// Size of one file: fixed when the log was made.
    pub(crate) fn files_bytes(&self) -> u64 {
        self.options.file_bytes
    }
}

impl Files {
    /// Bytes that can be appended without preparing a file.
    pub(crate) fn free(&self, file_bytes: u64) -> u64 {
        let active = self
            .used
            .back()
            .map_or(0, |file| file_bytes.saturating_sub(file.end));
        active + self.ready.len() as u64 * (file_bytes - SEAL_BYTES)
    }

    /// Bytes that can be appended after the last file in use.
    pub(crate) fn count(&self) -> u64 {
        (self.used.len() + self.ready.len()) as u64
    }

    /// The number of the next file to prepare.
    pub(crate) fn next_index(&self) -> u64 {
        let last = self.ready.back().map(|(index, _)| *index);
        last.or(self.used.back().map(|file| file.index))
            .map_or(self.state.first_file, |index| index + 1)
    }
}
