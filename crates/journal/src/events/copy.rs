//! Copying events from the log: what the worker does all the time, and what completes the files after a crash.

use super::record::EventRecord;
use super::write::EventFiles;
use crate::{LogReader, LogScan, Position, Result, Upkeep};
use nokv_types::Version;

/// What a copy did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// The last segment whose events are here now.
    pub seq: u64,
    /// Segments that this call copied.
    pub segments: u64,
    /// The log no longer reached back to where the files ended: events up to this version are gone, older
    /// cursors get `CursorExpired`.
    pub gone_to: Option<Version>,
}

impl EventFiles {
    /// Copies every segment that is not here yet, up to and including `seq_max`; `reader` is kept by the
    /// worker between calls and made by [`EventFiles::reader`].
    ///
    /// # Errors
    /// As [`EventFiles::append`] and [`LogReader::next`]; what was copied before stays.
    pub fn copy(&self, reader: &mut LogReader, seq_max: u64) -> Result<Copied> {
        let mut segments = 0;
        while reader.place().seq < seq_max {
            let Some(segment) = reader.next()? else { break };
            self.append(&EventRecord::of(&segment))?;
            segments += 1;
        }
        Ok(Copied {
            seq: reader.place().seq,
            segments,
            gone_to: None,
        })
    }

    /// A reader at the place where the files end. Where the log does not reach back that far the files
    /// start anew at its base, and the answer says which versions are gone.
    ///
    /// # Errors
    /// As [`Upkeep::reader`].
    pub fn reader(&self, log: &Upkeep) -> Result<(LogReader, Option<Version>)> {
        let gone_to = self.connect(&log.usage().base)?;
        let base = log.usage().base.seq;
        Ok((log.reader(self.copied_seq().unwrap_or(base))?, gone_to))
    }

    /// Copies everything that a scanned or open log has and the files have not, and syncs.
    ///
    /// # Errors
    /// As [`EventFiles::copy`].
    pub fn copy_from(&self, log: &Upkeep) -> Result<Copied> {
        let (mut reader, gone_to) = self.reader(log)?;
        let copied = self.copy(&mut reader, u64::MAX)?;
        self.sync()?;
        Ok(Copied { gone_to, ..copied })
    }

    /// Copies what a log that cannot be opened still has, as [`EventFiles::copy_from`].
    ///
    /// # Errors
    /// As [`EventFiles::copy`].
    pub fn rescue(&self, log: &LogScan) -> Result<Copied> {
        let gone_to = self.connect(&log.base())?;
        let mut reader = log.reader(self.copied_seq().unwrap_or(log.base().seq))?;
        let copied = self.copy(&mut reader, u64::MAX)?;
        self.sync()?;
        Ok(Copied { gone_to, ..copied })
    }

    /// Starts anew at `base` when the files end before it.
    fn connect(&self, base: &Position) -> Result<Option<Version>> {
        let mut state = self.state();
        self.check(&state)?;
        if state.files.back().is_some_and(|file| file.last_seq >= base.seq) {
            return Ok(None);
        }
        let had_files = !state.files.is_empty();
        self.begin_file(&mut state, base.seq, base.version)?;
        let old = state.files.len() - 1;
        self.remove_front(&mut state, old)?;
        Ok(had_files.then_some(base.version))
    }
}
