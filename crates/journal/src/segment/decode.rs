//! Reading a segment back, and naming what is wrong with bytes that are none.

use super::{
    HEADER_CRC_AT, Kind, SECTIONS, SEGMENT_FORMAT, SEGMENT_HEADER_BYTES, SEGMENT_MAGIC,
    SEGMENT_PAYLOAD_BYTES_MAX, SEGMENT_TRAILER_BYTES, stored_len,
};
use crate::fields::Fields;
use crate::{Chain, Error, ErrorKind, Position, WorkspaceId};
use nokv_types::Version;

/// What is wrong with bytes that should be a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// They end before the segment does.
    #[error("cut short")]
    Short,
    /// They do not start with the magic.
    #[error("no segment here")]
    Magic,
    /// The header does not match its checksum.
    #[error("header checksum mismatch")]
    HeaderChecksum,
    /// A newer program wrote it.
    #[error("format {0} is newer than this program")]
    TooNew(u16),
    /// A field of a good header has a value that no program writes.
    #[error("impossible {0}")]
    Field(&'static str),
    /// The segment does not match its checksum.
    #[error("checksum mismatch")]
    Checksum,
    /// The chain hash does not follow from the header, the payload and the previous hash.
    #[error("chain hash mismatch")]
    Chain,
    /// The lengths of the sections do not add up to the payload's.
    #[error("sections do not fill the payload")]
    Sections,
}

impl Damage {
    pub(crate) fn into_error(self, subject: String) -> Error {
        let kind = match self {
            Self::TooNew(_) => ErrorKind::TooNew,
            _ => ErrorKind::Corrupt,
        };
        Error::new(kind, "read segment", subject, self.to_string()).caused_by(self)
    }
}

/// The fixed fields in front of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What the segment stands for.
    pub kind: Kind,
    /// Bytes of payload.
    pub payload_len: u32,
    /// Whose log it is.
    pub workspace: WorkspaceId,
    /// The ownership term it was written in.
    pub epoch: u64,
    /// Its dense number, from 1.
    pub seq: u64,
    /// Log time, nanoseconds.
    pub log_time_ns: u64,
    /// Raw wall time, nanoseconds since 1970.
    pub wall_time_ns: u64,
    /// The highest segment that was known durable when this one was written; 0 = none.
    pub durable_seq: u64,
    /// First version of the batch.
    pub first_version: Version,
    /// Last version of the batch.
    pub last_version: Version,
    /// The chain hash before this segment.
    pub previous: Chain,
}

impl Header {
    /// Decodes the header at the front of `bytes`; what it says may be used when this is `Ok`.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let bytes = bytes.first_chunk::<SEGMENT_HEADER_BYTES>().ok_or(Damage::Short)?;
        let mut fields = Fields::new(&bytes[..HEADER_CRC_AT]);
        if fields.array() != Some(SEGMENT_MAGIC) {
            return Err(Damage::Magic);
        }
        let crc = u32::from_le_bytes([bytes[124], bytes[125], bytes[126], bytes[127]]);
        if crc32c::crc32c(&bytes[..HEADER_CRC_AT]) != crc {
            return Err(Damage::HeaderChecksum);
        }
        let format = fields.u16().ok_or(Damage::Short)?;
        if format > SEGMENT_FORMAT {
            return Err(Damage::TooNew(format));
        }
        let kind = fields
            .u8()
            .and_then(Kind::from_byte)
            .ok_or(Damage::Field("kind"))?;
        if fields.u8() != Some(SECTIONS as u8) {
            return Err(Damage::Field("number of sections"));
        }
        let payload_len = fields.u32().ok_or(Damage::Short)?;
        if payload_len as usize > SEGMENT_PAYLOAD_BYTES_MAX {
            return Err(Damage::Field("payload length"));
        }
        Self::rest(kind, payload_len, &mut fields).ok_or(Damage::Short)
    }

    fn rest(kind: Kind, payload_len: u32, fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            kind,
            payload_len,
            workspace: WorkspaceId(fields.array()?),
            epoch: fields.u64()?,
            seq: fields.u64()?,
            log_time_ns: fields.u64()?,
            wall_time_ns: fields.u64()?,
            durable_seq: fields.u64()?,
            first_version: Version(fields.u64()?),
            last_version: Version(fields.u64()?),
            previous: Chain(fields.array()?),
        })
    }

    /// Bytes that the whole segment takes, padding included.
    pub fn stored_len(&self) -> usize {
        stored_len(self.payload_len as usize)
    }
}

/// A whole segment that matched its checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// The fixed fields.
    pub header: Header,
    /// The commands' results.
    pub results: &'a [u8],
    /// Encoded [`nokv_store::Mutations`].
    pub mutations: &'a [u8],
    /// Typed events.
    pub events: &'a [u8],
    /// The chain hash after this segment.
    pub chain: Chain,
}

impl<'a> Segment<'a> {
    /// Decodes the segment at the front of `bytes`, which may go on behind it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Damage> {
        let header = Header::decode(bytes)?;
        let payload_end = SEGMENT_HEADER_BYTES + header.payload_len as usize;
        let summed = bytes.get(..payload_end + 32).ok_or(Damage::Short)?;
        let padded = bytes
            .get(payload_end + 32..header.stored_len())
            .ok_or(Damage::Short)?;
        let (crc, padding) = padded.split_first_chunk::<4>().ok_or(Damage::Short)?;
        // The padding carries no checksum: anything but zeros is damage too.
        if crc32c::crc32c(summed) != u32::from_le_bytes(*crc) || padding.iter().any(|byte| *byte != 0) {
            return Err(Damage::Checksum);
        }
        let chain = header.previous.after(&summed[..payload_end]);
        if summed[payload_end..] != chain.0 {
            return Err(Damage::Chain);
        }
        Self::sections(header, &summed[SEGMENT_HEADER_BYTES..payload_end], chain).ok_or(Damage::Sections)
    }

    fn sections(header: Header, payload: &'a [u8], chain: Chain) -> Option<Self> {
        let mut fields = Fields::new(payload);
        let segment = Self {
            header,
            results: fields.long_bytes()?,
            mutations: fields.long_bytes()?,
            events: fields.long_bytes()?,
            chain,
        };
        fields.finish()?;
        Some(segment)
    }

    /// The place in the log after this segment.
    pub fn position(&self) -> Position {
        Position {
            seq: self.header.seq,
            chain: self.chain,
            version: self.header.last_version,
        }
    }

    /// Whether this segment comes right after `place` in the log of `workspace`.
    pub fn follows(&self, workspace: WorkspaceId, place: &Position) -> bool {
        let header = &self.header;
        header.workspace == workspace
            && header.seq == place.seq + 1
            && header.previous == place.chain
            && header.first_version >= place.version
            && header.last_version >= header.first_version
    }
}

const _: () = assert!(SEGMENT_TRAILER_BYTES == 32 + 4);
