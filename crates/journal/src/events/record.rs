//! One record: the events of one segment.

use crate::Segment;
use crate::fields::Fields;
use nokv_types::Version;

const MAGIC: [u8; 4] = *b"NEvt";
/// Bytes in front of a record's payload.
pub(super) const RECORD_HEADER_BYTES: usize = 44;
const TRAILER_BYTES: usize = 4;
const ALIGN: usize = 8;

/// The events of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRecord<'a> {
    /// The segment that they came from.
    pub seq: u64,
    /// First version of that segment.
    pub first_version: Version,
    /// Last version of that segment.
    pub last_version: Version,
    /// Log time of that segment, nanoseconds.
    pub log_time_ns: u64,
    /// The section as it was logged; may be empty.
    pub bytes: &'a [u8],
}

impl<'a> EventRecord<'a> {
    /// The record for a segment.
    pub fn of(segment: &Segment<'a>) -> Self {
        Self {
            seq: segment.header.seq,
            first_version: segment.header.first_version,
            last_version: segment.header.last_version,
            log_time_ns: segment.header.log_time_ns,
            bytes: segment.events,
        }
    }

    /// Bytes that the record takes in a file.
    pub(super) fn stored_len(&self) -> usize {
        stored_len(self.bytes.len())
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&(self.bytes.len() as u32).to_le_bytes());
        for number in [
            self.seq,
            self.first_version.0,
            self.last_version.0,
            self.log_time_ns,
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let header_crc = crc32c::crc32c(&out[start..]);
        out.extend_from_slice(&header_crc.to_le_bytes());
        out.extend_from_slice(self.bytes);
        let crc = crc32c::crc32c(&out[start..]);
        out.extend_from_slice(&crc.to_le_bytes());
        out.resize(start + self.stored_len(), 0);
    }

    /// The record at the front of `bytes`, or `None` when there is no good one.
    pub(super) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let len = header_len(bytes)?;
        let payload = RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + len;
        let crc = bytes.get(payload.end..)?.first_chunk::<TRAILER_BYTES>()?;
        if crc32c::crc32c(&bytes[..payload.end]) != u32::from_le_bytes(*crc) {
            return None;
        }
        let padding = bytes.get(payload.end + TRAILER_BYTES..stored_len(len))?;
        if padding.iter().any(|byte| *byte != 0) {
            return None;
        }
        let mut fields = Fields::new(&bytes[8..]);
        Some(Self {
            seq: fields.u64()?,
            first_version: Version(fields.u64()?),
            last_version: Version(fields.u64()?),
            log_time_ns: fields.u64()?,
            bytes: &bytes[payload],
        })
    }
}

/// The length of the payload, when the header matches its checksum.
fn header_len(bytes: &[u8]) -> Option<usize> {
    let header = bytes.get(..RECORD_HEADER_BYTES)?;
    let (summed, crc) = header.split_last_chunk::<4>()?;
    let mut fields = Fields::new(summed);
    if crc32c::crc32c(summed) != u32::from_le_bytes(*crc) || fields.array() != Some(MAGIC) {
        return None;
    }
    fields.u32().map(|len| len as usize)
}

/// Bytes that the record whose header is at the front of `bytes` takes; `None` when the header is no good one.
pub(super) fn whole_len(bytes: &[u8]) -> Option<usize> {
    header_len(bytes).map(stored_len)
}

fn stored_len(payload: usize) -> usize {
    (RECORD_HEADER_BYTES + payload + TRAILER_BYTES).next_multiple_of(ALIGN)
}
