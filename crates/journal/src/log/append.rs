//! Appending: one write at the tail, by the holder of the commit role.

use super::files::{LogFile, Shared};
use super::prepare::prepare;
use super::seal::{SEAL_BYTES, Seal};
use super::{Appended, Mode, Room, SyncHandle, UPKEEP_PART, Upkeep};
use crate::error::is_full;
use crate::segment::{Draft, Link, encode, stored_len};
use crate::{DiskFile, Error, ErrorKind, Position, Result};
use nokv_types::failpoint::{hit, hit_write, short_write};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The writing end of the log; the holder of the commit role owns it.
#[derive(Debug)]
pub struct Log {
    shared: Arc<Shared>,
    buffer: Vec<u8>,
    tail: Position,
    file: Arc<dyn DiskFile>,
    index: u64,
    offset: u64,
}

impl Log {
    /// `active` is the file in use that segments go into.
    pub(super) fn new(shared: Arc<Shared>, active: LogFile) -> Self {
        let tail = shared.files().tail;
        let LogFile { file, index, end, .. } = active;
        Self {
            shared,
            buffer: Vec::new(),
            tail,
            file,
            index,
            offset: end,
        }
    }

    /// The position after the last segment.
    pub fn position(&self) -> Position {
        self.tail
    }

    /// Log time of the last segment that was read or appended; 0 when there is none.
    pub fn log_time_ns(&self) -> u64 {
        self.shared.files().log_time_ns
    }

    /// The handle that makes appends durable, usable from any thread.
    pub fn sync_handle(&self) -> SyncHandle {
        SyncHandle::new(Arc::clone(&self.shared))
    }

    /// The handle for preparing, trimming and reading, usable from any thread.
    pub fn upkeep(&self) -> Upkeep {
        Upkeep::new(Arc::clone(&self.shared))
    }

    /// Appends one segment with one write.
    ///
    /// # Errors
    /// `Full`: the log is as it was before. `Invalid`: a draft that cannot be logged, nothing happened.
    /// `Fatal`: end the process.
    ///
    /// # Durability
    /// Survives the death of the process after `Ok`; of the power after the next [`SyncHandle::sync`].
    pub fn append(&mut self, draft: &Draft<'_>, room: Room) -> Result<Appended> {
        self.shared.check("append segment")?;
        self.check_draft(draft)?;
        let payload = 12 + draft.results.len() + draft.mutations.len() + draft.events.len();
        let len = stored_len(payload) as u64;
        self.make_room(len, room)?;
        let durable_seq = match self.shared.options.mode {
            Mode::Volume => self.shared.durable_seq.load(Ordering::Acquire),
            Mode::Ephemeral => 0,
        };
        let link = Link {
            workspace: self.shared.options.workspace,
            epoch: self.shared.options.epoch,
            seq: self.tail.seq + 1,
            durable_seq,
            previous: self.tail.chain,
        };
        let chain = encode(&mut self.buffer, &link, draft)?;
        self.write()?;
        self.tail = Position {
            seq: link.seq,
            chain,
            version: draft.last_version,
        };
        self.offset += len;
        let mut files = self.shared.files();
        files.tail = self.tail;
        files.log_time_ns = draft.log_time_ns;
        if let Some(active) = files.used.back_mut() {
            active.end = self.offset;
        }
        drop(files);
        Ok(Appended {
            at: self.tail,
            bytes: len,
        })
    }

    /// Syncs, notes the clean end and gives the log up.
    ///
    /// # Errors
    /// `Fatal`; the next start then sees an unclean end.
    pub fn close(self) -> Result<()> {
        self.shared.check("close log")?;
        // In mode `Ephemeral` no file was synced when the next one took over.
        let used: Vec<_> = self
            .shared
            .files()
            .used
            .iter()
            .map(|file| Arc::clone(&file.file))
            .collect();
        for file in used {
            let sync = || {
                hit("journal.close.sync")?;
                file.sync_data()
            };
            sync().map_err(|error| self.fail(error))?;
        }
        self.shared.note_durable(self.tail);
        self.upkeep().note_closed(self.tail)
    }

    fn check_draft(&self, draft: &Draft<'_>) -> Result<()> {
        if draft.first_version < self.tail.version || draft.last_version < draft.first_version {
            let why = format!(
                "versions {}..={} after {}",
                draft.first_version.0, draft.last_version.0, self.tail.version.0
            );
            let subject = (self.tail.seq + 1).to_string();
            return Err(Error::new(ErrorKind::Invalid, "append segment", subject, why));
        }
        Ok(())
    }

    /// Sees to it that `len` bytes fit in the active file, the reserve left alone where it must be.
    fn make_room(&mut self, len: u64, room: Room) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let (file_bytes, capacity) = (shared.files_bytes(), shared.capacity());
        let kept = match room {
            Room::Ordinary => shared.options.reserve_bytes,
            Room::Freeing => shared.options.reserve_bytes / UPKEEP_PART,
            Room::Upkeep => 0,
        };
        if len > capacity {
            let why = format!("{len} bytes do not fit in a log file of {file_bytes}");
            return Err(Error::new(
                ErrorKind::Invalid,
                "append segment",
                (self.tail.seq + 1).to_string(),
                why,
            ));
        }
        loop {
            let (fits, free, next) = {
                let files = shared.files();
                let in_active = len <= file_bytes - self.offset;
                let free = files.free(file_bytes) - if in_active { 0 } else { file_bytes - self.offset };
                (in_active || !files.ready.is_empty(), free, files.next_index())
            };
            if fits && free - len >= kept {
                break;
            }
            prepare(&shared, next)?;
        }
        if len > file_bytes - self.offset {
            self.rotate()?;
        }
        Ok(())
    }

    /// Seals the active file and goes on in the next.
    fn rotate(&mut self) -> Result<()> {
        let seal = Seal {
            workspace: self.shared.options.workspace,
            file: self.index,
            at: self.tail,
            end: self.offset,
        };
        let write = || {
            hit("journal.rotate.seal")?;
            self.file.write_at(&seal.encode(), 0)
        };
        if let Err(error) = write() {
            return Err(self.undo(0, SEAL_BYTES as usize, error));
        }
        if self.shared.options.mode == Mode::Volume {
            let sync = || {
                hit("journal.rotate.sync")?;
                self.file.sync_data()
            };
            sync().map_err(|error| self.fail(error))?;
            self.shared.note_durable(self.tail);
        }
        hit("journal.rotate.switch").map_err(|error| self.fail(error))?;
        let mut files = self.shared.files();
        if let Some((index, file)) = files.ready.pop_front() {
            self.index = index;
            self.file = Arc::clone(&file);
            self.offset = SEAL_BYTES;
            let base = self.tail;
            files.used.push_back(LogFile {
                index,
                file,
                base,
                start: SEAL_BYTES,
                end: SEAL_BYTES,
            });
        }
        Ok(())
    }

    /// Writes the encoded segment at the tail.
    fn write(&self) -> Result<()> {
        let run = || {
            if let Some(part) = hit_write("journal.append.write", self.buffer.len())? {
                self.file.write_at(&self.buffer[..part], self.offset)?;
                return Err(short_write("journal.append.write"));
            }
            self.file.write_at(&self.buffer, self.offset)
        };
        if let Err(error) = run() {
            return Err(self.undo(self.offset, self.buffer.len(), error));
        }
        hit("journal.append.written").map_err(|error| self.fail(error))
    }

    /// After a refused write: zeros again where it was to go. Anything but a full device is fatal.
    fn undo(&self, offset: u64, len: usize, error: io::Error) -> Error {
        if !is_full(&error) {
            return self.fail(error);
        }
        let zero = || {
            hit("journal.append.undo")?;
            self.file.write_at(&vec![0; len], offset)
        };
        match zero() {
            Ok(()) => Error::io("append segment", self.shared.subject(self.index), error),
            Err(error) => self.fail(error),
        }
    }

    fn fail(&self, error: io::Error) -> Error {
        self.shared
            .fail(Error::io("write log", self.shared.subject(self.index), error))
    }
}
