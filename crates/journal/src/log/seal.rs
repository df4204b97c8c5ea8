//! The seal of a full file: written in front of its segments when the next file takes over.
//!
//! A sealed file says where its segments end and that the next file must exist. The seal is written before
//! the last sync of the file, so it is no proof that anything was durable.

use crate::fields::Fields;
use crate::{Chain, Position, WorkspaceId};
use nokv_types::Version;

/// Bytes in front of the first segment of a file; zeros until the file is sealed.
pub(crate) const SEAL_BYTES: u64 = 128;

const MAGIC: [u8; 8] = *b"NoKVseal";
const FORMAT: u16 = 1;
const USED: usize = 8 + 2 + 2 + 16 + 8 + 8 + 32 + 8 + 8;

/// Where the segments of a file end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) workspace: WorkspaceId,
    pub(crate) file: u64,
    /// The position after the last segment of the file.
    pub(crate) at: Position,
    /// The offset after the last segment.
    pub(crate) end: u64,
}

impl Seal {
    pub(crate) fn encode(&self) -> [u8; SEAL_BYTES as usize] {
        let mut out = Vec::with_capacity(SEAL_BYTES as usize);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&self.workspace.0);
        out.extend_from_slice(&self.file.to_le_bytes());
        out.extend_from_slice(&self.at.seq.to_le_bytes());
        out.extend_from_slice(&self.at.chain.0);
        out.extend_from_slice(&self.at.version.0.to_le_bytes());
        out.extend_from_slice(&self.end.to_le_bytes());
        debug_assert_eq!(out.len(), USED);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        let mut padded = [0; SEAL_BYTES as usize];
        padded[..out.len()].copy_from_slice(&out);
        padded
    }

    /// The seal in these bytes, or `None` when there is no valid one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, crc) = bytes.get(..USED + 4)?.split_last_chunk::<4>()?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
            return None;
        }
        let mut fields = Fields::new(body);
        if fields.array() != Some(MAGIC) || fields.u16()? != FORMAT {
            return None;
        }
        fields.raw(2)?;
        let workspace = WorkspaceId(fields.array()?);
        let file = fields.u64()?;
        let at = Position {
            seq: fields.u64()?,
            chain: Chain(fields.array()?),
            version: Version(fields.u64()?),
        };
        Some(Self {
            workspace,
            file,
            at,
            end: fields.u64()?,
        })
    }
}
