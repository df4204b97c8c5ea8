//! One segment: the record of a committed batch, byte for byte as the local log and later the bucket hold it.
//!
//! Owns: layout, checksums, the link of the chain. Must not know what the sections mean or where segments lie.
//! The byte table is `docs/formats/segment.md`. Invariants: no length is used before the header's checksum
//! held; an encoded segment is a multiple of [`SEGMENT_ALIGN`] bytes; decoding never panics.

mod decode;
mod encode;

pub use decode::{Damage, Header, Segment};
pub(crate) use encode::{Link, encode};

/// First bytes of every segment.
pub const SEGMENT_MAGIC: [u8; 8] = *b"NoKVsgmt";
/// The layout that this program writes, and the newest that it reads.
pub const SEGMENT_FORMAT: u16 = 1;
/// Bytes before the payload.
pub const SEGMENT_HEADER_BYTES: usize = 128;
/// Bytes of chain hash and checksum after the payload.
pub const SEGMENT_TRAILER_BYTES: usize = 36;
/// Every segment starts and ends at a multiple of this; the gap is zeros.
pub const SEGMENT_ALIGN: usize = 8;
/// Largest payload: a batch is cut at 4 MiB of commands; rows, results and events repeat some of it.
pub const SEGMENT_PAYLOAD_BYTES_MAX: usize = 32 << 20;

const HEADER_CRC_AT: usize = SEGMENT_HEADER_BYTES - 4;
const SECTIONS: usize = 3;

/// What a segment stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A batch of commands.
    Data = 1,
    /// A new owner took over with a higher epoch.
    Fence = 2,
    /// The owner stopped cleanly.
    Release = 3,
    /// A logical checkpoint of this position counts.
    Checkpoint = 4,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Data,
            2 => Self::Fence,
            3 => Self::Release,
            4 => Self::Checkpoint,
            _ => return None,
        })
    }
}

/// What the holder of the commit role hands to the log; the log adds number, chain and checksums.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// What it stands for.
    pub kind: Kind,
    /// Log time, nanoseconds ([`crate::LogTime`]).
    pub log_time_ns: u64,
    /// Raw wall time, nanoseconds since 1970.
    pub wall_time_ns: u64,
    /// First version of the batch; not below the last version of the previous segment.
    pub first_version: nokv_types::Version,
    /// Last version of the batch.
    pub last_version: nokv_types::Version,
    /// The commands' results.
    pub results: &'a [u8],
    /// Encoded [`nokv_store::Mutations`], or nothing.
    pub mutations: &'a [u8],
    /// Typed events.
    pub events: &'a [u8],
}

/// Bytes that a segment with `payload` bytes of payload takes in a file.
pub(crate) fn stored_len(payload: usize) -> usize {
    (SEGMENT_HEADER_BYTES + payload + SEGMENT_TRAILER_BYTES).next_multiple_of(SEGMENT_ALIGN)
}

const _: () = assert!(SEGMENT_HEADER_BYTES.is_multiple_of(SEGMENT_ALIGN));
