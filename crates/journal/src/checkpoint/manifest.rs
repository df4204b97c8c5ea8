//! MANIFEST of a checkpoint: what it covers and which parts it consists of.

use super::identity::checked;
use crate::fields::Fields;
use crate::{Covered, Error, Result, WorkspaceId};
use nokv_object::layout::CheckpointName;

const MAGIC: [u8; 8] = *b"NoKVckpt";
const FORMAT: u16 = 1;
/// Most parts: five digits in their names.
pub(super) const PARTS_MAX: u32 = 100_000;

/// One part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartEntry {
    /// Bytes of the object.
    pub stored_bytes: u64,
    /// Bytes before compression.
    pub raw_bytes: u64,
    /// Rows in it.
    pub rows: u64,
    /// BLAKE3 of the object.
    pub digest: [u8; 32],
}

/// The content of MANIFEST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The checkpoint.
    pub name: CheckpointName,
    /// When it was written, nanoseconds since 1970.
    pub wall_time_ns: u64,
    /// What it covers.
    pub covered: Covered,
    /// The parts in order.
    pub parts: Vec<PartEntry>,
}

impl Manifest {
    /// Encodes as `docs/formats/checkpoint.md` says.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&self.workspace.0);
        for number in [
            self.name.seq,
            self.name.epoch,
            u64::from(self.name.rand),
            self.wall_time_ns,
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let covered = self.covered.encode();
        out.extend_from_slice(&(covered.len() as u32).to_le_bytes());
        out.extend_from_slice(&covered);
        out.extend_from_slice(&(self.parts.len() as u32).to_le_bytes());
        for part in &self.parts {
            for number in [part.stored_bytes, part.raw_bytes, part.rows] {
                out.extend_from_slice(&number.to_le_bytes());
            }
            out.extend_from_slice(&part.digest);
        }
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Decodes what [`Manifest::encode`] made.
    ///
    /// # Errors
    /// `Corrupt` and `TooNew`.
    pub fn decode(bytes: &[u8], subject: &str) -> Result<Self> {
        let body = checked(bytes, MAGIC, FORMAT, subject)?;
        let corrupt = || Error::corrupt("decode", subject, "malformed");
        let mut fields = Fields::new(body);
        let mut fixed = || {
            let workspace = WorkspaceId(fields.array()?);
            let name = CheckpointName {
                seq: fields.u64()?,
                epoch: fields.u64()?,
                rand: u32::try_from(fields.u64()?).ok()?,
            };
            Some((workspace, name, fields.u64()?, fields.long_bytes()?))
        };
        let (workspace, name, wall_time_ns, covered) = fixed().ok_or_else(corrupt)?;
        let covered = Covered::decode(covered)?;
        let parts = Self::parts(&mut fields).ok_or_else(corrupt)?;
        fields.finish().ok_or_else(corrupt)?;
        if covered.at.seq != name.seq {
            return Err(corrupt());
        }
        Ok(Self {
            workspace,
            name,
            wall_time_ns,
            covered,
            parts,
        })
    }

    fn parts(fields: &mut Fields<'_>) -> Option<Vec<PartEntry>> {
        let count = fields.u32().filter(|count| *count <= PARTS_MAX)?;
        let mut parts = Vec::new();
        for _ in 0..count {
            parts.push(PartEntry {
                stored_bytes: fields.u64()?,
                raw_bytes: fields.u64()?,
                rows: fields.u64()?,
                digest: fields.array()?,
            });
        }
        Some(parts)
    }

    /// Rows of all parts.
    pub fn rows(&self) -> u64 {
        self.parts.iter().map(|part| part.rows).sum()
    }
}
