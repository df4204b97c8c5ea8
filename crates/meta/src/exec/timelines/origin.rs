//! Where a fork or rollback starts: a snapshot, or a version of a root.

use crate::batch::Batch;
use crate::keys::{self, Family};
use crate::mvcc;
use crate::read;
use crate::rows::{Inode, PinRow, Record};
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{Code, Ino, Origin, ReadPoint, Refusal, Version, show_bytes};

/// A state that a timeline can begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) at: ReadPoint,
    pub(crate) ino: Ino,
}

impl<R: Rows> Batch<'_, R> {
    /// Finds the state that `origin` names.
    ///
    /// # Errors
    /// `NotFound`, `VersionExpired`; `Invalid` for a version that does not exist yet.
    pub(crate) fn start(&self, origin: &Origin) -> Result<Start> {
        match origin {
            Origin::Snapshot(key) => {
                let pin = self.pin_row(key)?;
                let at = ReadPoint {
                    timeline: pin.timeline,
                    version: pin.version,
                };
                Ok(Start { at, ino: pin.ino })
            }
            Origin::Root { name, version } => self.start_at_version(name, *version),
        }
    }

    /// The pin of this key.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub(crate) fn pin_row(&self, key: &[u8]) -> Result<PinRow> {
        self.pin_row_if_there(key)?
            .ok_or_else(|| Error::refused(Code::NotFound, format!("snapshot {}", show_bytes(key))))
    }

    pub(crate) fn pin_row_if_there(&self, key: &[u8]) -> Result<Option<PinRow>> {
        let row = self.txn.get(&crate::exec::snapshot::pin_key(key))?;
        row.map(|bytes| PinRow::decode(&bytes)).transpose()
    }

    fn start_at_version(&self, name: &[u8], version: Version) -> Result<Start> {
        let root = self.root_row(name)?;
        let now = self.version;
        if version != Version::HEAD && version > now {
            return Err(Refusal::new(Code::Invalid, format!("version {}", version.0))
                .detail("it does not exist yet")
                .into());
        }
        let at = ReadPoint {
            timeline: root.timeline,
            version: self.exact_version(version.min(now))?,
        };
        let at = if at.version >= now {
            at
        } else {
            read::check_readable(&self.txn, &self.state.timelines, at)?
        };
        self.check_directory_at(at, root.ino)?;
        Ok(Start { at, ino: root.ino })
    }

    /// Refuses a version at which the root directory was not there yet.
    fn check_directory_at(&self, at: ReadPoint, ino: Ino) -> Result<()> {
        let timelines = &self.state.timelines;
        let found = mvcc::read(&self.txn, timelines, at, Family::Inode, &keys::inode(ino))?;
        match found.map(|found| Inode::decode(&found.value)).transpose()? {
            Some(Inode::Directory(..)) => Ok(()),
            _ => Err(Error::refused(
                Code::NotFound,
                format!("version {} of directory {}", at.version.0, ino.0),
            )),
        }
    }
}
