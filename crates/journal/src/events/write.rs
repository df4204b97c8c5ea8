//! Appending records, making them durable, beginning the next file.

use super::EVENT_BUFFER_BYTES;
use super::EventOptions;
use super::file::{EventFile, file_name};
use super::footer::FileHeader;
use super::record::EventRecord;
use crate::{Disk, Error, ErrorKind, Result};
use nokv_types::Version;
use nokv_types::failpoint::{hit, hit_write, short_write};
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The event files of a workspace. One worker appends; anyone reads. Cheap to share by reference.
#[derive(Debug)]
pub struct EventFiles {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    pub(super) options: EventOptions,
    state: Mutex<EventState>,
}

#[derive(Debug)]
pub(super) struct EventState {
    pub(super) files: VecDeque<EventFile>,
    pub(super) next_index: u64,
    /// Records that were appended and are not in the file yet: the file's last bytes.
    buffer: Vec<u8>,
    failed: bool,
}

impl EventFiles {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        options: EventOptions,
        files: VecDeque<EventFile>,
        next_index: u64,
    ) -> Self {
        let state = EventState {
            files,
            next_index,
            buffer: Vec::new(),
            failed: false,
        };
        Self {
            disk,
            dir,
            options,
            state: Mutex::new(state),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, EventState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends the events of the next segment.
    ///
    /// # Errors
    /// `Invalid` when it is not the next one; `Full`: nothing changed, try again after trimming; `Fatal`.
    ///
    /// # Durability
    /// After the next [`EventFiles::sync`]; until then the log must keep the segment.
    pub fn append(&self, record: &EventRecord<'_>) -> Result<()> {
        let mut state = self.state();
        self.check(&state)?;
        let last_seq = state
            .files
            .back()
            .map_or(record.seq.saturating_sub(1), |file| file.last_seq);
        if record.seq != last_seq + 1 {
            let why = format!("the last segment here is {last_seq}");
            return Err(Error::new(
                ErrorKind::Invalid,
                "append events",
                record.seq.to_string(),
                why,
            ));
        }
        let full = state
            .files
            .back()
            .is_none_or(|file| file.complete || file.end >= self.options.file_bytes);
        if full {
            let before = Version(record.first_version.0.saturating_sub(1));
            let base = state.files.back().map_or(before, |file| file.last_version);
            self.begin_file(&mut state, last_seq, base)?;
        }
        if state.buffer.len() >= EVENT_BUFFER_BYTES {
            self.flush(&mut state)?;
        }
        let state = &mut *state;
        if let Some(file) = state.files.back_mut() {
            record.encode(&mut state.buffer);
            file.note(record, &self.options);
        }
        Ok(())
    }

    /// Makes what was appended durable; answers the last segment whose events are, the log may be trimmed
    /// up to there.
    ///
    /// # Errors
    /// `Full`: try again after trimming. `Fatal`: end the process.
    pub fn sync(&self) -> Result<u64> {
        let mut state = self.state();
        self.check(&state)?;
        self.flush(&mut state)?;
        let Some(file) = state.files.back().cloned() else {
            return Ok(0);
        };
        // Readers and the worker's next appends need not wait for the disk.
        drop(state);
        let run = || {
            hit("journal.events.sync")?;
            file.file.sync_data()
        };
        run().map_err(|error| self.fail(&mut self.state(), file.header.index, error))?;
        Ok(file.last_seq)
    }

    /// The last segment whose events were appended; `None` before the first file.
    pub fn copied_seq(&self) -> Option<u64> {
        self.state().files.back().map(|file| file.last_seq)
    }

    pub(super) fn check(&self, state: &EventState) -> Result<()> {
        if state.failed {
            let why = "an earlier write or fsync failed";
            return Err(Error::new(
                ErrorKind::Fatal,
                "write events",
                self.dir.display().to_string(),
                why,
            ));
        }
        Ok(())
    }

    fn fail(&self, state: &mut EventState, index: u64, error: io::Error) -> Error {
        state.failed = true;
        let mut error = Error::io(
            "write events",
            self.dir.join(file_name(index)).display().to_string(),
            error,
        );
        error.kind = ErrorKind::Fatal;
        error
    }

    /// Writes the buffer behind what the last file holds.
    pub(super) fn flush(&self, state: &mut EventState) -> Result<()> {
        let Some((file, index, end)) = state
            .files
            .back()
            .map(|f| (Arc::clone(&f.file), f.header.index, f.end))
        else {
            return Ok(());
        };
        if state.buffer.is_empty() {
            return Ok(());
        }
        let at = end - state.buffer.len() as u64;
        let run = || {
            if let Some(part) = hit_write("journal.events.write", state.buffer.len())? {
                file.write_at(&state.buffer[..part], at)?;
                return Err(short_write("journal.events.write"));
            }
            file.write_at(&state.buffer, at)
        };
        match run() {
            Ok(()) => {
                state.buffer.clear();
                Ok(())
            }
            // The buffer stays, the same bytes go to the same place next time.
            Err(error) if crate::error::is_full(&error) => Err(Error::io(
                "write events",
                self.dir.join(file_name(index)).display().to_string(),
                error,
            )),
            Err(error) => Err(self.fail(state, index, error)),
        }
    }

    /// Completes the last file and begins the next one after segment `base_seq`.
    pub(super) fn begin_file(
        &self,
        state: &mut EventState,
        base_seq: u64,
        base_version: Version,
    ) -> Result<()> {
        self.flush(state)?;
        if let Some(last) = state.files.back_mut().filter(|file| !file.complete) {
            let run = || {
                hit("journal.events.complete")?;
                last.file.write_at(&last.footer(), last.end)?;
                hit("journal.events.complete_sync")?;
                last.file.sync_data()
            };
            let index = last.header.index;
            let done = run();
            last.complete = done.is_ok();
            if let Err(error) = done {
                return Err(self.fail(state, index, error));
            }
        }
        let header = FileHeader {
            workspace: self.options.workspace,
            index: state.next_index,
            base_seq,
            base_version,
        };
        let path = self.dir.join(file_name(header.index));
        let run = || {
            hit("journal.events.create")?;
            let file = self.disk.create(&path)?;
            hit("journal.events.header")?;
            file.write_at(&header.encode(), 0)?;
            hit("journal.events.header_sync")?;
            file.sync_data()?;
            hit("journal.events.sync_dir")?;
            self.disk.sync_dir(&self.dir)?;
            Ok(file)
        };
        let file = run().map_err(|error| Error::io("begin event file", path.display().to_string(), error))?;
        state.next_index += 1;
        state.files.push_back(EventFile::empty(header, file));
        Ok(())
    }
}
