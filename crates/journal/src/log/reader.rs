//! Reading segments in order, while others append: for replay, for copying events, for shipping.

use super::files::{Files, LogFile, Shared, file_name};
use super::seal::SEAL_BYTES;
use super::window::Window;
use crate::segment::{Damage, Header, SEGMENT_HEADER_BYTES, Segment};
use crate::{Chain, Error, ErrorKind, Position, Result};
use std::sync::Arc;

const CHAIN_BYTES: usize = 32;

/// Delivers segments in order from a position; verifies each again.
#[derive(Debug)]
pub struct LogReader {
    shared: Arc<Shared>,
    place: Position,
    index: u64,
    offset: u64,
    window: Window,
    subject: String,
}

impl LogReader {
    pub(super) fn new(shared: Arc<Shared>, seq: u64) -> Result<Self> {
        let file = {
            let files = shared.files();
            if seq > files.tail.seq {
                let why = format!("the log ends at segment {}", files.tail.seq);
                return Err(Error::new(
                    ErrorKind::Invalid,
                    "read log after",
                    seq.to_string(),
                    why,
                ));
            }
            holding(&files, seq)
        };
        let Some(file) = file else {
            let why = "the log does not reach back that far";
            return Err(Error::new(
                ErrorKind::Invalid,
                "read log after",
                seq.to_string(),
                why,
            ));
        };
        let mut reader = Self {
            place: file.base,
            index: file.index,
            offset: file.start,
            subject: file_name(file.index),
            window: Window::new(file.file),
            shared,
        };
        reader.skip_to(seq)?;
        Ok(reader)
    }

    /// The position after the last delivered segment.
    pub fn place(&self) -> Position {
        self.place
    }

    /// The next segment; `None` when none was appended after the last one.
    ///
    /// # Errors
    /// `Corrupt`; `Fatal` when the file cannot be read; `Invalid` when the log was trimmed past this place.
    #[expect(clippy::should_implement_trait, reason = "the answer borrows from the reader")]
    pub fn next(&mut self) -> Result<Option<Segment<'_>>> {
        if !self.find()? {
            return Ok(None);
        }
        let Self {
            window,
            subject,
            offset,
            ..
        } = self;
        let failed = |error| Error::io("read", subject.clone(), error);
        let head = window.get(*offset, SEGMENT_HEADER_BYTES).map_err(failed)?;
        let header = Header::decode(head).map_err(|damage| damage.into_error(subject.clone()))?;
        let bytes = window.get(*offset, header.stored_len()).map_err(failed)?;
        let segment = Segment::decode(bytes).map_err(|damage| damage.into_error(subject.clone()))?;
        if !segment.follows(self.shared.options.workspace, &self.place) {
            return Err(Damage::Chain.into_error(subject.clone()));
        }
        self.place = segment.position();
        self.offset += header.stored_len() as u64;
        Ok(Some(segment))
    }

    /// Moves to the file of the next segment; `false` when there is none yet.
    fn find(&mut self) -> Result<bool> {
        let files = self.shared.files();
        if files.tail.seq <= self.place.seq {
            return Ok(false);
        }
        let current = files.used.iter().find(|file| file.index == self.index);
        let current_end = current.map_or(0, |file| file.end);
        if self.offset < current_end {
            self.window.read_up_to(current_end);
            return Ok(true);
        }
        let next = files
            .used
            .iter()
            .find(|file| file.base.seq == self.place.seq && file.index > self.index);
        let Some(next) = next.cloned() else {
            let why = "the log was trimmed past this place";
            return Err(Error::new(
                ErrorKind::Invalid,
                "read log after",
                self.place.seq.to_string(),
                why,
            ));
        };
        drop(files);
        self.index = next.index;
        self.offset = SEAL_BYTES;
        self.subject = file_name(next.index);
        self.window = Window::new(next.file);
        self.window.read_up_to(next.end);
        Ok(true)
    }

    /// Walks up to segment `seq` by headers and chain hashes; payloads on the way are not read.
    fn skip_to(&mut self, seq: u64) -> Result<()> {
        while self.place.seq < seq {
            if !self.find()? {
                return Err(Error::corrupt(
                    "read log after",
                    seq.to_string(),
                    "the segment is not there",
                ));
            }
            let Self {
                window,
                subject,
                offset,
                place,
                ..
            } = self;
            let failed = |error| Error::io("read", subject.clone(), error);
            let head = window.get(*offset, SEGMENT_HEADER_BYTES).map_err(failed)?;
            let header = Header::decode(head).map_err(|damage| damage.into_error(subject.clone()))?;
            let chain_at = *offset + (SEGMENT_HEADER_BYTES + header.payload_len as usize) as u64;
            let chain = window.get(chain_at, CHAIN_BYTES).map_err(failed)?;
            let chain = chain
                .first_chunk()
                .ok_or_else(|| Damage::Short.into_error(subject.clone()))?;
            if header.seq != place.seq + 1 || header.previous != place.chain {
                return Err(Damage::Chain.into_error(subject.clone()));
            }
            *place = Position {
                seq: header.seq,
                chain: Chain(*chain),
                version: header.last_version,
            };
            *offset += header.stored_len() as u64;
        }
        Ok(())
    }
}

/// The file that holds the segment after `seq`.
fn holding(files: &Files, seq: u64) -> Option<LogFile> {
    files.used.iter().rev().find(|file| file.base.seq <= seq).cloned()
}
