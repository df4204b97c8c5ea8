//! Making a new log, and opening one that was scanned and found good.

use super::cut::cut_tail;
use super::files::{Files, LogFile, Shared, file_index};
use super::prepare::{TEMPORARY_SUFFIX, prepare};
use super::scan::{LogScan, LogVerdict};
use super::seal::SEAL_BYTES;
use super::state::LogState;
use super::{LOG_FILE_BYTES_MIN, Log, LogOptions, Mode};
use crate::disk::{Disk, create_dir_durably};
use crate::{Error, ErrorKind, Position, Result};
use nokv_types::failpoint::hit;
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;

impl LogState {
    /// The state of a log that begins at `base`.
    pub(crate) fn fresh(options: &LogOptions, base: Position) -> Self {
        Self {
            workspace: options.workspace,
            clean: false,
            file_bytes: options.file_bytes,
            first_file: 1,
            base,
            durable: base,
            epoch: options.epoch,
        }
    }
}

impl Log {
    /// Makes a log in `dir` (which holds none) whose first segment comes after `base`.
    ///
    /// # Errors
    /// `Invalid` for sizes that cannot work, and where there is a log already; `Full`, `Fatal`.
    ///
    /// # Durability
    /// The empty log survives a crash after `Ok`.
    pub fn create(disk: Arc<dyn Disk>, dir: &Path, options: LogOptions, base: Position) -> Result<Self> {
        if options.file_bytes < LOG_FILE_BYTES_MIN || options.limit_bytes < options.file_bytes {
            let why = "file size below 4 KiB, or above the log's limit";
            return Err(Error::new(
                ErrorKind::Invalid,
                "create log",
                dir.display().to_string(),
                why,
            ));
        }
        if LogState::load(&*disk, dir)?.is_some() {
            let subject = dir.display().to_string();
            return Err(Error::new(
                ErrorKind::Invalid,
                "create log",
                subject,
                "there is a log already",
            ));
        }
        let begin = || {
            hit("journal.create.dir")?;
            create_dir_durably(&*disk, dir)
        };
        begin().map_err(|error| Error::io("create log", dir.display().to_string(), error))?;
        let state = LogState::fresh(&options, base);
        let files = Files {
            used: VecDeque::new(),
            ready: VecDeque::new(),
            tail: base,
            holed: false,
            log_time_ns: 0,
            state,
            durable: base,
        };
        let shared = Arc::new(Shared::new(disk, dir.to_path_buf(), options, files));
        prepare(&shared, state.first_file)?;
        // The state comes last: without it and without segments the directory counts as no log.
        state.store(&*shared.disk, dir)?;
        start(shared)
    }
}

impl LogScan {
    /// Opens the log for appending; a torn tail is cut away first.
    ///
    /// # Errors
    /// `Corrupt` when that is the verdict, `Invalid` when there is no log; `Full`, `Fatal`.
    pub fn open(self) -> Result<Log> {
        match &self.verdict {
            LogVerdict::Clean => {}
            LogVerdict::TornTail { .. } => cut_tail(&self.shared)?,
            LogVerdict::Missing => {
                let subject = self.shared.dir.display().to_string();
                return Err(Error::new(ErrorKind::Invalid, "open", subject, "there is no log"));
            }
            LogVerdict::Corrupt { seq, why, .. } => {
                let subject = format!("{} segment {seq}", self.shared.dir.display());
                return Err(Error::corrupt("open", subject, why.clone()));
            }
        }
        sweep(&self.shared)?;
        start(self.shared)
    }
}

/// Removes what unfinished preparations and interrupted trims left.
fn sweep(shared: &Shared) -> Result<()> {
    let first = shared.files().state.first_file;
    let run = || -> io::Result<()> {
        for name in shared.disk.list(&shared.dir)? {
            let trimmed = file_index(&name).is_some_and(|index| index < first);
            if trimmed || name.ends_with(TEMPORARY_SUFFIX) {
                hit("journal.sweep.remove")?;
                shared.disk.remove(&shared.dir.join(name))?;
            }
        }
        Ok(())
    };
    run().map_err(|error| Error::io("sweep", shared.dir.display().to_string(), error))
}

/// Makes what was read durable, notes that the log is in use, and hands it over.
fn start(shared: Arc<Shared>) -> Result<Log> {
    let active = loop {
        if let Some(active) = in_use(&shared) {
            break active;
        }
        let next = shared.files().next_index();
        prepare(&shared, next)?;
    };
    let (used, tail) = {
        let files = shared.files();
        (files.used.clone(), files.tail)
    };
    if shared.options.mode == Mode::Volume {
        // After the death of a process its last appends may lie in memory only.
        for file in &used {
            let sync = || {
                hit("journal.open.sync")?;
                file.file.sync_data()
            };
            sync().map_err(|error| shared.fail(Error::io("sync", shared.subject(file.index), error)))?;
        }
    }
    shared.note_durable(tail);
    let state = {
        let mut files = shared.files();
        let (base, first) = match files.used.front() {
            Some(file) if !files.holed => (file.base, file.index),
            _ => (files.state.base, files.state.first_file),
        };
        files.state = LogState {
            clean: false,
            first_file: first,
            base,
            durable: files.durable,
            epoch: shared.options.epoch,
            ..files.state
        };
        files.state
    };
    state.store(&*shared.disk, &shared.dir)?;
    Ok(Log::new(shared, active))
}

/// The file that segments go into; the first prepared one when none is in use yet, if there is one.
fn in_use(shared: &Shared) -> Option<LogFile> {
    let mut files = shared.files();
    if files.used.is_empty() {
        let base = files.tail;
        let (index, file) = files.ready.pop_front()?;
        files.used.push_back(LogFile {
            index,
            file,
            base,
            start: SEAL_BYTES,
            end: SEAL_BYTES,
        });
    }
    files.used.back().cloned()
}
