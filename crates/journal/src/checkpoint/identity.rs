//! `meta/IDENTITY`: which workspace a prefix of the object store belongs to. Created once, never changed.

use super::objects;
use crate::fields::Fields;
use crate::{Error, ErrorKind, Result, WorkspaceId};
use nokv_object::{ObjectStore, PutOutcome, layout};
use nokv_types::failpoint::hit;

/// Longest owner name.
pub const IDENTITY_OWNER_BYTES_MAX: usize = 253;

const MAGIC: [u8; 8] = *b"NoKVWSID";
const FORMAT: u16 = 1;

/// Who owns the prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// When it was made, nanoseconds since 1970.
    pub created_ns: u64,
    /// The cluster (or machine) that made it; for people.
    pub owner: String,
}

impl Identity {
    /// Encodes: magic, format u16, workspace 16, created u64, owner length u16, owner, CRC32C.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&self.workspace.0);
        out.extend_from_slice(&self.created_ns.to_le_bytes());
        out.extend_from_slice(&(self.owner.len() as u16).to_le_bytes());
        out.extend_from_slice(self.owner.as_bytes());
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Decodes what [`Identity::encode`] made.
    ///
    /// # Errors
    /// `Corrupt` and `TooNew`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let key = layout::identity();
        let body = checked(bytes, MAGIC, FORMAT, key.as_str())?;
        let mut fields = Fields::new(body);
        let mut take = || {
            Some(Self {
                workspace: WorkspaceId(fields.array()?),
                created_ns: fields.u64()?,
                owner: String::from_utf8(fields.short_bytes()?.to_vec()).ok()?,
            })
        };
        let identity = take();
        identity
            .filter(|_| fields.finish().is_some())
            .ok_or_else(|| Error::corrupt("decode", key.as_str(), "malformed"))
    }

    /// Makes the prefix belong to this workspace.
    ///
    /// # Errors
    /// `IdentityTaken` when it belongs to one already; `Invalid` for an owner that is too long; `Object`.
    pub fn create(&self, objects: &dyn ObjectStore) -> Result<()> {
        let key = layout::identity();
        if self.owner.len() > IDENTITY_OWNER_BYTES_MAX {
            return Err(Error::new(
                ErrorKind::Invalid,
                "create",
                key.as_str(),
                "owner name too long",
            ));
        }
        hit("journal.identity.put").map_err(|error| Error::io("create", key.as_str(), error))?;
        let bytes = self.encode();
        match objects.put_if_absent(&key, &bytes, crc32c::crc32c(&bytes)) {
            Ok(PutOutcome::Created) => Ok(()),
            Ok(PutOutcome::AlreadyExists) => {
                let there = Self::load(objects)?;
                // The answer of an earlier try of ours may have been lost.
                if there.as_ref() == Some(self) {
                    return Ok(());
                }
                let why = "the prefix belongs to a workspace already";
                Err(Error::new(ErrorKind::IdentityTaken, "create", key.as_str(), why))
            }
            Err(error) => Err(objects::failed("create", &key, error)),
        }
    }

    /// Who owns the prefix; `None` when nobody does.
    ///
    /// # Errors
    /// `Corrupt`, `TooNew`, `Object`.
    pub fn load(objects: &dyn ObjectStore) -> Result<Option<Self>> {
        objects::get(objects, &layout::identity())?
            .map(|(bytes, _)| Self::decode(&bytes))
            .transpose()
    }

    /// Refuses to go on unless the prefix belongs to `workspace`.
    ///
    /// # Errors
    /// `IdentityMissing` when it belongs to nobody, `WrongWorkspace` when to another; as [`Identity::load`].
    pub fn check(objects: &dyn ObjectStore, workspace: WorkspaceId) -> Result<Self> {
        let key = layout::identity();
        let Some(found) = Self::load(objects)? else {
            let why = "expected there and absent: wrong bucket or prefix, or its content was deleted";
            return Err(Error::new(ErrorKind::IdentityMissing, "check", key.as_str(), why));
        };
        if found.workspace != workspace {
            let why = format!("belongs to {:?}, expected {workspace:?}", found.workspace);
            return Err(Error::new(ErrorKind::WrongWorkspace, "check", key.as_str(), why));
        }
        Ok(found)
    }
}

/// Checks magic, format and the checksum at the end; answers what lies between.
pub(super) fn checked<'a>(bytes: &'a [u8], magic: [u8; 8], format: u16, subject: &str) -> Result<&'a [u8]> {
    let corrupt = |why: &str| Error::corrupt("decode", subject, why);
    let (body, crc) = bytes
        .split_last_chunk::<4>()
        .ok_or_else(|| corrupt("cut short"))?;
    let mut fields = Fields::new(body);
    if fields.array() != Some(magic) {
        return Err(corrupt("not what its name says"));
    }
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return Err(corrupt("checksum mismatch"));
    }
    let found = fields.u16().ok_or_else(|| corrupt("cut short"))?;
    if found > format {
        let why = format!("format {found} is newer than this program");
        return Err(Error::new(ErrorKind::TooNew, "decode", subject, why));
    }
    Ok(&body[magic.len() + 2..])
}
