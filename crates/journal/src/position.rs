//! Names of places in the log: workspace, chain, position, and what a saved state covers.

use crate::{Error, ErrorKind, Result};
use nokv_types::Version;
use std::fmt;

/// The 16 bytes that name a workspace for ever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct WorkspaceId(pub [u8; 16]);

impl fmt::Debug for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WorkspaceId({:032x})", u128::from_be_bytes(self.0))
    }
}

/// The running hash over every segment up to a place in the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chain(pub [u8; 32]);

impl Chain {
    /// The hash before the first segment of a workspace.
    pub fn genesis(workspace: WorkspaceId) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"nokv log of ");
        hasher.update(&workspace.0);
        Self(*hasher.finalize().as_bytes())
    }

    /// The hash after a segment with these header and payload bytes.
    pub(crate) fn after(self, header_and_payload: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        hasher.update(header_and_payload);
        Self(*hasher.finalize().as_bytes())
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [front, ..] = self.0.as_chunks::<4>().0 else {
            return Ok(());
        };
        write!(f, "Chain({:08x}..)", u32::from_be_bytes(*front))
    }
}

/// A place in the log: after segment `seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The last segment before this place; 0 = before the first.
    pub seq: u64,
    /// The chain hash there.
    pub chain: Chain,
    /// The last version that was committed before this place.
    pub version: Version,
}

impl Position {
    /// Before the first segment of a workspace.
    pub fn start(workspace: WorkspaceId) -> Self {
        Self {
            seq: 0,
            chain: Chain::genesis(workspace),
            version: Version::ZERO,
        }
    }
}

/// What a published frame manifest or a checkpoint contains: everything up to a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// The last segment whose mutations are contained.
    pub at: Position,
    /// Log time of that segment, nanoseconds.
    pub log_time_ns: u64,
    /// State that lives beside the rows (dedupe windows, ceilings in memory): opaque here.
    pub extra: Vec<u8>,
}

/// Largest [`Covered::extra`].
pub const COVERED_EXTRA_BYTES_MAX: usize = 64 << 20;

const COVERED_FORMAT: u8 = 1;
const COVERED_FIXED: usize = 1 + 8 + 32 + 8 + 8 + 4;

impl Covered {
    /// Encodes: format u8, seq u64, chain 32, version u64, log time u64, extra length u32, extra, CRC32C
    /// (numbers little endian).
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(COVERED_FIXED + self.extra.len() + 4);
        out.push(COVERED_FORMAT);
        out.extend_from_slice(&self.at.seq.to_le_bytes());
        out.extend_from_slice(&self.at.chain.0);
        out.extend_from_slice(&self.at.version.0.to_le_bytes());
        out.extend_from_slice(&self.log_time_ns.to_le_bytes());
        out.extend_from_slice(&(self.extra.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.extra);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Decodes what [`Covered::encode`] made.
    ///
    /// # Errors
    /// `Corrupt` and `TooNew`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let bad = |why: &str| Error::corrupt("decode", "covered position", why);
        let Some((body, crc)) = bytes.split_last_chunk::<4>() else {
            return Err(bad("cut short"));
        };
        if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
            return Err(bad("checksum mismatch"));
        }
        if body.first() != Some(&COVERED_FORMAT) {
            let why = "format is newer than this program";
            return Err(Error::new(ErrorKind::TooNew, "decode", "covered position", why));
        }
        let mut fields = crate::fields::Fields::new(&body[1..]);
        let covered = Self {
            at: Position {
                seq: fields.u64().ok_or_else(|| bad("cut short"))?,
                chain: Chain(fields.array().ok_or_else(|| bad("cut short"))?),
                version: Version(fields.u64().ok_or_else(|| bad("cut short"))?),
            },
            log_time_ns: fields.u64().ok_or_else(|| bad("cut short"))?,
            extra: fields.long_bytes().ok_or_else(|| bad("cut short"))?.to_vec(),
        };
        fields.finish().ok_or_else(|| bad("bytes after the end"))?;
        Ok(covered)
    }
}
