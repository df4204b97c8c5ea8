//! The small file `STATE` beside the log files: where the log begins, how far it is known durable, whether
//! it was closed.
//!
//! It is replaced whole (written beside, synced, renamed) and holds its record twice, so that one damaged
//! block does not lose it. It is never written on the commit path.

use crate::disk::Disk;
use crate::fields::Fields;
use crate::{Chain, Error, ErrorKind, Position, Result, WorkspaceId};
use nokv_types::Version;
use nokv_types::failpoint::{hit, hit_write, short_write};
use std::path::Path;

/// The file's name in the log directory.
pub(crate) const STATE_NAME: &str = "STATE";
const STATE_TEMPORARY: &str = "STATE.tmp";
const MAGIC: [u8; 8] = *b"NoKVlogS";
const FORMAT: u16 = 1;
/// Distance between the two copies: another block of any device.
const COPY_STEP: usize = 4096;
const RECORD: usize = 8 + 2 + 1 + 1 + 16 + 8 + 8 + 48 + 48 + 8;

/// What `STATE` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogState {
    pub(crate) workspace: WorkspaceId,
    /// The log was closed at `durable` and nothing came after it.
    pub(crate) clean: bool,
    pub(crate) file_bytes: u64,
    /// The first file that belongs to the log.
    pub(crate) first_file: u64,
    /// The position before the first segment of that file.
    pub(crate) base: Position,
    /// A position that was durable when this was written.
    pub(crate) durable: Position,
    /// The highest epoch that opened the log.
    pub(crate) epoch: u64,
}

impl LogState {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(COPY_STEP + RECORD + 4);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.push(u8::from(self.clean));
        out.push(0);
        out.extend_from_slice(&self.workspace.0);
        out.extend_from_slice(&self.file_bytes.to_le_bytes());
        out.extend_from_slice(&self.first_file.to_le_bytes());
        for place in [&self.base, &self.durable] {
            out.extend_from_slice(&place.seq.to_le_bytes());
            out.extend_from_slice(&place.chain.0);
            out.extend_from_slice(&place.version.0.to_le_bytes());
        }
        out.extend_from_slice(&self.epoch.to_le_bytes());
        debug_assert_eq!(out.len(), RECORD);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        let copy = out.clone();
        out.resize(COPY_STEP, 0);
        out.extend_from_slice(&copy);
        out
    }

    /// The record of `bytes`; `None` when both copies are damaged.
    ///
    /// # Errors
    /// `TooNew`.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Option<Self>> {
        for at in [0, COPY_STEP] {
            let Some(record) = bytes.get(at..at + RECORD + 4) else {
                continue;
            };
            let (body, crc) = record.split_at(RECORD);
            if crc32c::crc32c(body).to_le_bytes() != crc || !body.starts_with(&MAGIC) {
                continue;
            }
            let mut fields = Fields::new(&body[MAGIC.len()..]);
            if fields.u16() != Some(FORMAT) {
                let why = "format is newer than this program";
                return Err(Error::new(ErrorKind::TooNew, "read", STATE_NAME, why));
            }
            if let Some(state) = Self::fields(&mut fields) {
                return Ok(Some(state));
            }
        }
        Ok(None)
    }

    fn fields(fields: &mut Fields<'_>) -> Option<Self> {
        let clean = fields.u8()? == 1;
        fields.u8()?;
        let workspace = WorkspaceId(fields.array()?);
        let file_bytes = fields.u64()?;
        let first_file = fields.u64()?;
        let mut place = || {
            Some(Position {
                seq: fields.u64()?,
                chain: Chain(fields.array()?),
                version: Version(fields.u64()?),
            })
        };
        let (base, durable) = (place()?, place()?);
        Some(Self {
            workspace,
            clean,
            file_bytes,
            first_file,
            base,
            durable,
            epoch: fields.u64()?,
        })
    }

    /// Reads `STATE` of a directory; `None` when it is absent or both copies are damaged.
    pub(crate) fn load(disk: &dyn Disk, dir: &Path) -> Result<Option<Self>> {
        let path = dir.join(STATE_NAME);
        let failed = |error| Error::io("read", path.display().to_string(), error);
        if !disk.exists(&path).map_err(failed)? {
            return Ok(None);
        }
        let mut bytes = vec![0; COPY_STEP + RECORD + 4];
        let file = disk.open(&path).map_err(failed)?;
        let count = file.read_at(&mut bytes, 0).map_err(failed)?;
        Self::decode(&bytes[..count])
    }

    /// Replaces `STATE` durably.
    pub(crate) fn store(&self, disk: &dyn Disk, dir: &Path) -> Result<()> {
        let replace = || {
            let bytes = self.encode();
            let temporary = dir.join(STATE_TEMPORARY);
            hit("journal.state.create")?;
            let file = disk.create(&temporary)?;
            if let Some(part) = hit_write("journal.state.write", bytes.len())? {
                file.write_at(&bytes[..part], 0)?;
                return Err(short_write("journal.state.write"));
            }
            file.write_at(&bytes, 0)?;
            hit("journal.state.sync")?;
            file.sync_data()?;
            hit("journal.state.rename")?;
            disk.rename(&temporary, &dir.join(STATE_NAME))?;
            hit("journal.state.sync_dir")?;
            disk.sync_dir(dir)
        };
        replace().map_err(|error| Error::io("write", dir.join(STATE_NAME).display().to_string(), error))
    }
}
