//! The fixed parts of an event file: the header in front, and the index and trailer behind the records of a
//! file that is complete.

use crate::fields::Fields;
use crate::{Error, ErrorKind, Result, WorkspaceId};
use nokv_types::Version;

/// Bytes in front of the first record.
pub(super) const FILE_HEADER_BYTES: usize = 64;
/// Bytes at the very end of a complete file.
pub(super) const FILE_TRAILER_BYTES: usize = 64;
/// Bytes of one index entry.
pub(super) const ENTRY_BYTES: usize = 16;
const HEADER_MAGIC: [u8; 8] = *b"NoKVevts";
const TRAILER_MAGIC: [u8; 8] = *b"NoKVevix";
const FORMAT: u16 = 1;

/// The header of an event file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileHeader {
    pub(super) workspace: WorkspaceId,
    pub(super) index: u64,
    /// The segment before the first record.
    pub(super) base_seq: u64,
    /// The last version before the first record.
    pub(super) base_version: Version,
}

impl FileHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FILE_HEADER_BYTES);
        out.extend_from_slice(&HEADER_MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&[0; 6]);
        out.extend_from_slice(&self.workspace.0);
        for number in [self.index, self.base_seq, self.base_version.0] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&[0; 4]);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        debug_assert_eq!(out.len(), FILE_HEADER_BYTES);
        out
    }

    /// The header at the front of `bytes`; `None` when it is damaged.
    ///
    /// # Errors
    /// `TooNew`.
    pub(super) fn decode(bytes: &[u8]) -> Result<Option<Self>> {
        let Some((summed, crc)) = bytes
            .get(..FILE_HEADER_BYTES)
            .and_then(<[u8]>::split_last_chunk::<4>)
        else {
            return Ok(None);
        };
        if crc32c::crc32c(summed) != u32::from_le_bytes(*crc) || !summed.starts_with(&HEADER_MAGIC) {
            return Ok(None);
        }
        let mut fields = Fields::new(&summed[HEADER_MAGIC.len()..]);
        if fields.u16() != Some(FORMAT) {
            let why = "format is newer than this program";
            return Err(Error::new(ErrorKind::TooNew, "open", "event file", why));
        }
        let mut rest = || {
            fields.raw(6)?;
            Some(Self {
                workspace: WorkspaceId(fields.array()?),
                index: fields.u64()?,
                base_seq: fields.u64()?,
                base_version: Version(fields.u64()?),
            })
        };
        Ok(rest())
    }
}

/// One entry of the sparse index: the record at `offset` begins with this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IndexEntry {
    pub(super) first_version: Version,
    pub(super) offset: u64,
}

/// What a complete file says at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) entries: u32,
    /// The offset after the last record, where the index begins.
    pub(super) end: u64,
    pub(super) last_seq: u64,
    pub(super) last_version: Version,
    pub(super) last_log_time_ns: u64,
    index_crc: u32,
}

impl Footer {
    /// The index and the trailer, as they are written behind the records.
    pub(super) fn encode(mut self, index: &[IndexEntry]) -> Vec<u8> {
        let mut out = Vec::with_capacity(index.len() * ENTRY_BYTES + FILE_TRAILER_BYTES);
        for entry in index {
            out.extend_from_slice(&entry.first_version.0.to_le_bytes());
            out.extend_from_slice(&entry.offset.to_le_bytes());
        }
        self.index_crc = crc32c::crc32c(&out);
        let start = out.len();
        out.extend_from_slice(&TRAILER_MAGIC);
        out.extend_from_slice(&self.entries.to_le_bytes());
        out.extend_from_slice(&self.index_crc.to_le_bytes());
        for number in [
            self.end,
            self.last_seq,
            self.last_version.0,
            self.last_log_time_ns,
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.resize(start + FILE_TRAILER_BYTES - 4, 0);
        let crc = crc32c::crc32c(&out[start..]);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    pub(super) fn new(entries: usize, end: u64) -> Self {
        Self {
            entries: entries as u32,
            end,
            last_seq: 0,
            last_version: Version::ZERO,
            last_log_time_ns: 0,
            index_crc: 0,
        }
    }

    /// The trailer in the last bytes of a file of `size` bytes; `None` when there is no good one.
    pub(super) fn decode(trailer: &[u8], size: u64) -> Option<Self> {
        let (summed, crc) = trailer.get(..FILE_TRAILER_BYTES)?.split_last_chunk::<4>()?;
        if crc32c::crc32c(summed) != u32::from_le_bytes(*crc) {
            return None;
        }
        let mut fields = Fields::new(summed);
        if fields.array() != Some(TRAILER_MAGIC) {
            return None;
        }
        let footer = Self {
            entries: fields.u32()?,
            index_crc: fields.u32()?,
            end: fields.u64()?,
            last_seq: fields.u64()?,
            last_version: Version(fields.u64()?),
            last_log_time_ns: fields.u64()?,
        };
        let whole = footer.end + u64::from(footer.entries) * ENTRY_BYTES as u64 + FILE_TRAILER_BYTES as u64;
        (whole == size).then_some(footer)
    }

    /// The index entries in `bytes`; `None` when they are damaged.
    pub(super) fn index(&self, bytes: &[u8]) -> Option<Vec<IndexEntry>> {
        if crc32c::crc32c(bytes) != self.index_crc || bytes.len() != self.entries as usize * ENTRY_BYTES {
            return None;
        }
        let entry = |bytes: &[u8]| {
            let mut fields = Fields::new(bytes);
            Some(IndexEntry {
                first_version: Version(fields.u64()?),
                offset: fields.u64()?,
            })
        };
        bytes.chunks_exact(ENTRY_BYTES).map(entry).collect()
    }
}
