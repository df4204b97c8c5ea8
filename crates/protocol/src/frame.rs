//! Frames: the header, its checksums, and what a frame may be.
//!
//! Owns: the 24 bytes in front of every body and the 8 bytes that both sides send first. Must not know what a
//! body means. Invariant: no length is used before the checksum of the header held.

mod reader;
mod writer;

pub use reader::{FrameReader, READ_BYTES};
pub use writer::{FrameStart, begin_frame, end_frame, put_empty_frame, put_preface};

use crate::{Error, ErrorKind, Result};

/// What each side sends before its first frame.
pub const PREFACE: [u8; 8] = *b"NoKVrpc\n";
/// Bytes of a frame's header.
pub const HEADER_BYTES: usize = 24;

const LEN_AT: usize = 0;
const KIND_AT: usize = 4;
const VERSION_AT: usize = 5;
const FLAGS_AT: usize = 6;
const ID_AT: usize = 8;
const BODY_CRC_AT: usize = 16;
const HEADER_CRC_AT: usize = 20;
const _: () = assert!(HEADER_CRC_AT + 4 == HEADER_BYTES);

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FrameKind {
    /// Client to server, first of all: who is there.
    Hello = 1,
    /// Server to client: the answer to it.
    Welcome = 2,
    /// Either way: the frame of this id was not understood or not taken.
    Refused = 3,
    /// Client to server: an ordered list of operations.
    Call = 4,
    /// Server to client: their answers, under the same id.
    Answers = 5,
    /// Server to client, unasked: revocations, events. Its id is 0.
    Push = 6,
    /// Client to server, not answered. Its id is 0.
    Notice = 7,
    /// Either way: answer with a pong of the same id. No body.
    Ping = 8,
    /// The answer to it. No body.
    Pong = 9,
}

impl FrameKind {
    /// Every kind.
    pub const ALL: [FrameKind; 9] = [
        Self::Hello,
        Self::Welcome,
        Self::Refused,
        Self::Call,
        Self::Answers,
        Self::Push,
        Self::Notice,
        Self::Ping,
        Self::Pong,
    ];

    /// The kind of this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// The newest version of its body that this program reads; it writes this one.
    pub fn version(self) -> u8 {
        1
    }

    /// Whether a peer that has not been authenticated may send it.
    pub fn is_open_to_all(self) -> bool {
        match self {
            Self::Hello | Self::Ping | Self::Pong => true,
            Self::Welcome | Self::Refused | Self::Call | Self::Answers | Self::Push | Self::Notice => false,
        }
    }

    /// Whether fields are only ever added at its end, so that any later version can be read as this one.
    fn is_extensible(self) -> bool {
        matches!(self, Self::Hello | Self::Welcome | Self::Refused)
    }
}

/// A whole frame whose checksums hold. The body lies in the reader's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Number of the kind; see [`Frame::kind`].
    pub number: u8,
    /// Version of the body.
    pub version: u8,
    /// The asking side's number of the call; 0 for what nobody asked for.
    pub id: u64,
    /// What follows the header.
    pub body: &'a [u8],
}

impl Frame<'_> {
    /// What the frame carries.
    ///
    /// # Errors
    /// `Unknown` and `TooNew`: tell the peer with a `Refused` of the same id and go on.
    pub fn kind(&self) -> Result<FrameKind> {
        let kind = FrameKind::from_number(self.number)
            .ok_or_else(|| Error::unknown("frame", u64::from(self.number)))?;
        if self.version == 0 {
            return Err(Error::malformed(format!("frame {kind:?}")));
        }
        if self.version > kind.version() && !kind.is_extensible() {
            return Err(Error::too_new(format!("frame {kind:?}"), self.version));
        }
        Ok(kind)
    }

    /// Whether bytes after the known fields belong to a later version and are passed over.
    pub(crate) fn has_later_fields(&self) -> bool {
        FrameKind::from_number(self.number)
            .is_some_and(|kind| kind.is_extensible() && self.version > kind.version())
    }
}

/// The fields of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    len: u32,
    number: u8,
    version: u8,
    id: u64,
    body_crc: u32,
}

impl Header {
    fn encode(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[LEN_AT..KIND_AT].copy_from_slice(&self.len.to_le_bytes());
        bytes[KIND_AT] = self.number;
        bytes[VERSION_AT] = self.version;
        bytes[ID_AT..BODY_CRC_AT].copy_from_slice(&self.id.to_le_bytes());
        bytes[BODY_CRC_AT..HEADER_CRC_AT].copy_from_slice(&self.body_crc.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..HEADER_CRC_AT]);
        bytes[HEADER_CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self> {
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if crc32c::crc32c(&bytes[..HEADER_CRC_AT]) != u32_at(HEADER_CRC_AT) {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "read",
                "the header of a frame",
                "it does not match its checksum",
            ));
        }
        if bytes[FLAGS_AT..ID_AT] != [0, 0] {
            return Err(Error::new(
                ErrorKind::Foreign,
                "read",
                "the header of a frame",
                "its flags are not zero",
            ));
        }
        let mut id = [0; 8];
        id.copy_from_slice(&bytes[ID_AT..BODY_CRC_AT]);
        Ok(Self {
            len: u32_at(LEN_AT),
            number: bytes[KIND_AT],
            version: bytes[VERSION_AT],
            id: u64::from_le_bytes(id),
            body_crc: u32_at(BODY_CRC_AT),
        })
    }
}
