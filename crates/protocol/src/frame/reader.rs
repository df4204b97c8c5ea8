//! Frames in: bytes as they arrive, whole and checked frames out.
//!
//! Invariants: memory follows the bytes that have arrived, never a length that was announced; after an error
//! there is nothing to read any more.

use super::{Frame, HEADER_BYTES, Header, PREFACE};
use crate::limits::{FRAME_BYTES_MAX, FRAME_BYTES_MAX_UNKNOWN_PEER};
use crate::{Error, ErrorKind, Result};

/// Bytes that one read from a socket is offered.
pub const READ_BYTES: usize = 64 << 10;
/// Room that an idle connection keeps.
const KEPT_BYTES: usize = 4 << 10;

/// Takes bytes from a connection and gives frames; one for each direction.
#[derive(Debug)]
pub struct FrameReader {
    /// Bytes behind `end` are room.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    frame_max: u32,
    greeted: bool,
    failed: Option<Error>,
}

impl Default for FrameReader {
    fn default() -> Self {
        Self::new()
    }
}

impl FrameReader {
    /// A reader of a new connection: the preface first, then frames of an unknown peer.
    pub fn new() -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            end: 0,
            frame_max: FRAME_BYTES_MAX_UNKNOWN_PEER,
            greeted: false,
            failed: None,
        }
    }

    /// The largest frame from now on, header included; at most [`FRAME_BYTES_MAX`].
    pub fn set_frame_max(&mut self, bytes: u32) {
        self.frame_max = bytes.min(FRAME_BYTES_MAX);
    }

    /// Takes bytes that were read elsewhere.
    pub fn push(&mut self, bytes: &[u8]) {
        let room = self.room_of(bytes.len());
        room[..bytes.len()].copy_from_slice(bytes);
        self.filled(bytes.len());
    }

    /// Where the next bytes go: at least one byte of room, [`READ_BYTES`] when a large frame is on its way.
    /// [`FrameReader::filled`] then says how many came.
    pub fn room(&mut self) -> &mut [u8] {
        let wanted = if self.end == self.start {
            KEPT_BYTES
        } else {
            READ_BYTES
        };
        self.room_of(wanted)
    }

    /// The first `count` bytes of the room that was given last are bytes of the connection now.
    pub fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.buffer.len());
    }

    /// Gives the room back that an idle connection does not need.
    pub fn release(&mut self) {
        self.make_way();
        self.buffer.truncate(self.end);
        self.buffer.shrink_to_fit();
    }

    /// Bytes that belong to no frame yet.
    pub fn buffered(&self) -> usize {
        self.end - self.start
    }

    /// The next whole frame, if it is there.
    ///
    /// # Errors
    /// `Foreign`, `Corrupt`, `FrameTooLarge`: the connection has to be closed; asked again, the same error.
    #[expect(
        clippy::should_implement_trait,
        reason = "a frame borrows from the reader, which no iterator can say"
    )]
    pub fn next(&mut self) -> Result<Option<Frame<'_>>> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        match self.advance() {
            Ok(None) => Ok(None),
            Ok(Some((header, from))) => Ok(Some(Frame {
                number: header.number,
                version: header.version,
                id: header.id,
                body: &self.buffer[from..from + header.len as usize],
            })),
            Err(error) => {
                self.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Moves behind the next whole frame; answers its header and where its body begins.
    fn advance(&mut self) -> Result<Option<(Header, usize)>> {
        if !self.greeted && !self.take_preface()? {
            return Ok(None);
        }
        let Some(bytes) = self.buffer[self.start..self.end].first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let header = Header::decode(bytes)?;
        let frame = HEADER_BYTES as u64 + u64::from(header.len);
        if frame > u64::from(self.frame_max) {
            return Err(Error::new(
                ErrorKind::FrameTooLarge,
                "read",
                format!("frame {}", header.id),
                format!("{frame} bytes, {} are allowed", self.frame_max),
            ));
        }
        if self.buffered() < frame as usize {
            return Ok(None);
        }
        let from = self.start + HEADER_BYTES;
        let body = &self.buffer[from..from + header.len as usize];
        if crc32c::crc32c(body) != header.body_crc {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "read",
                format!("frame {}", header.id),
                "its body does not match its checksum",
            ));
        }
        self.start += frame as usize;
        Ok(Some((header, from)))
    }

    /// Whether the preface has come; the first byte that differs ends the conversation.
    fn take_preface(&mut self) -> Result<bool> {
        let there = self.buffered().min(PREFACE.len());
        if self.buffer[self.start..self.start + there] != PREFACE[..there] {
            return Err(Error::new(
                ErrorKind::Foreign,
                "read",
                "the first bytes",
                "the peer does not speak this protocol",
            ));
        }
        if there < PREFACE.len() {
            return Ok(false);
        }
        self.start += PREFACE.len();
        self.greeted = true;
        Ok(true)
    }

    fn room_of(&mut self, wanted: usize) -> &mut [u8] {
        self.make_way();
        if self.buffer.len() < self.end + wanted {
            self.buffer.resize(self.end + wanted, 0);
        }
        &mut self.buffer[self.end..]
    }

    /// Moves what is left to the front, and lets a large buffer go when nothing is.
    fn make_way(&mut self) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.buffer.len() > READ_BYTES {
                self.buffer = Vec::new();
            }
        } else if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
    }
}
