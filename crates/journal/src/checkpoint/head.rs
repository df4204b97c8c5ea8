//! `meta/HEAD`: which checkpoints count, from where the log must be kept, who may read it.

use super::identity::checked;
use super::objects;
use crate::fields::Fields;
use crate::{Chain, Error, ErrorKind, Position, Result, WorkspaceId};
use nokv_object::layout::{self, CheckpointName};
use nokv_object::{ETag, ObjectStore};
use nokv_types::Version;

const MAGIC: [u8; 8] = *b"NoKVHEAD";
const FORMAT: u16 = 1;
/// The newest `minimum reader version` that this program satisfies.
pub const HEAD_READER_FORMAT: u16 = 1;
/// Most checkpoints in one HEAD: two kept, one being verified, and room.
const ENTRIES_MAX: u32 = 64;
const NO_SLOT: u64 = u64::MAX;

/// A checkpoint as HEAD lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointEntry {
    /// What it covers, who wrote it, which attempt.
    pub name: CheckpointName,
    /// The position that it covers.
    pub at: Position,
    /// The slot of the bucket's log that holds `at`; `None` where the log is not shipped.
    pub slot: Option<u64>,
    /// BLAKE3 of its MANIFEST.
    pub manifest_digest: [u8; 32],
}

impl CheckpointEntry {
    /// What is wrong with a checkpoint that its reader's state did not make.
    pub fn foreign(&self) -> String {
        format!(
            "checkpoint {:016x} of version {} was written by another process: two copies of one data directory use this store",
            self.name.seq, self.at.version.0
        )
    }
}

/// The content of `meta/HEAD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The ownership term of the last writer.
    pub epoch: u64,
    /// A program below this must not read the checkpoints.
    pub reader_format_min: u16,
    /// The log is kept for segments after this one.
    pub log_floor: u64,
    /// Newest first.
    pub checkpoints: Vec<CheckpointEntry>,
}

impl Head {
    /// A head that lists nothing.
    pub fn empty(workspace: WorkspaceId, epoch: u64) -> Self {
        Self {
            workspace,
            epoch,
            reader_format_min: HEAD_READER_FORMAT,
            log_floor: 0,
            checkpoints: Vec::new(),
        }
    }

    /// Encodes as `docs/formats/checkpoint.md` says.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&self.reader_format_min.to_le_bytes());
        out.extend_from_slice(&self.workspace.0);
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&self.log_floor.to_le_bytes());
        out.extend_from_slice(&(self.checkpoints.len() as u32).to_le_bytes());
        for entry in &self.checkpoints {
            for number in [entry.name.seq, entry.name.epoch, u64::from(entry.name.rand)] {
                out.extend_from_slice(&number.to_le_bytes());
            }
            out.extend_from_slice(&entry.slot.unwrap_or(NO_SLOT).to_le_bytes());
            out.extend_from_slice(&entry.at.chain.0);
            out.extend_from_slice(&entry.at.version.0.to_le_bytes());
            out.extend_from_slice(&entry.manifest_digest);
        }
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Decodes what [`Head::encode`] made.
    ///
    /// # Errors
    /// `Corrupt` and `TooNew`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let key = layout::head();
        let body = checked(bytes, MAGIC, FORMAT, key.as_str())?;
        let mut fields = Fields::new(body);
        let head = Self::fields(&mut fields).filter(|_| fields.finish().is_some());
        let head = head.ok_or_else(|| Error::corrupt("decode", key.as_str(), "malformed"))?;
        if head.reader_format_min > HEAD_READER_FORMAT {
            let why = format!("asks for a reader of format {}", head.reader_format_min);
            return Err(Error::new(ErrorKind::TooNew, "decode", key.as_str(), why));
        }
        Ok(head)
    }

    fn fields(fields: &mut Fields<'_>) -> Option<Self> {
        let mut head = Self {
            reader_format_min: fields.u16()?,
            workspace: WorkspaceId(fields.array()?),
            epoch: fields.u64()?,
            log_floor: fields.u64()?,
            checkpoints: Vec::new(),
        };
        let count = fields.u32().filter(|count| *count <= ENTRIES_MAX)?;
        for _ in 0..count {
            let name = CheckpointName {
                seq: fields.u64()?,
                epoch: fields.u64()?,
                rand: u32::try_from(fields.u64()?).ok()?,
            };
            let slot = fields.u64().map(|slot| (slot != NO_SLOT).then_some(slot))?;
            let at = Position {
                seq: name.seq,
                chain: Chain(fields.array()?),
                version: Version(fields.u64()?),
            };
            head.checkpoints.push(CheckpointEntry {
                name,
                at,
                slot,
                manifest_digest: fields.array()?,
            });
        }
        Some(head)
    }

    /// Reads HEAD; `None` when there is none.
    ///
    /// # Errors
    /// `Corrupt`, `TooNew`, `Object`; `WrongWorkspace` when it is not `workspace`'s.
    pub fn load(objects: &dyn ObjectStore, workspace: WorkspaceId) -> Result<Option<(Self, ETag)>> {
        let key = layout::head();
        let Some((bytes, etag)) = objects::get(objects, &key)? else {
            return Ok(None);
        };
        let head = Self::decode(&bytes)?;
        if head.workspace != workspace {
            let why = format!("belongs to {:?}, expected {workspace:?}", head.workspace);
            return Err(Error::new(ErrorKind::WrongWorkspace, "read", key.as_str(), why));
        }
        Ok(Some((head, etag)))
    }

    /// Replaces HEAD when it is still the one with this tag (`None`: when there is none).
    ///
    /// # Errors
    /// `Conflict` when it is not; `Object`.
    pub fn swap(&self, objects: &dyn ObjectStore, expected: Option<&ETag>) -> Result<ETag> {
        objects::swap(objects, &layout::head(), &self.encode(), expected)
    }
}
