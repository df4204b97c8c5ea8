//! What quota roots hold, and how much they may.

use super::Reader;
use crate::keys::{self, Family};
use crate::mvcc;
use crate::rows::{OpenRow, QuotaRow, Record, Usage};
use crate::state::quota_key;
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{Attr, Code, Ino, Node, QuotaId, QuotaLimits, QuotaUsage, ReadPoint, SessionId};

impl<R: Rows> Reader<'_, R> {
    /// What the quota root that `ino` is charged to holds on the timeline; the limits are those of now.
    ///
    /// # Errors
    /// `NotFound` when the inode does not exist at this point.
    pub fn quota(&self, at: ReadPoint, ino: Ino) -> Result<QuotaUsage> {
        self.usage(at, self.getattr(at, ino)?.quota)
    }

    /// What the whole workspace holds, as the timeline counts it.
    ///
    /// # Errors
    /// From the store.
    pub fn statfs(&self, at: ReadPoint) -> Result<QuotaUsage> {
        self.usage(at, QuotaId::WORKSPACE)
    }

    /// The file behind a handle, with the attributes that it has now and the body that the handle holds: of the
    /// attributes generation, base and size are those of the time of the open.
    ///
    /// # Errors
    /// `NotFound` when the session has no such handle.
    pub fn opened(&self, session: SessionId, handle: u64) -> Result<(Node, Attr)> {
        let key = keys::Key::new(Family::Open).id(session.0).id(handle).done();
        let bytes = self.rows.get(&key)?;
        let bytes = bytes.ok_or_else(|| Error::refused(Code::NotFound, format!("handle {handle}")))?;
        let row = OpenRow::decode(&bytes)?;
        let at = ReadPoint {
            timeline: row.timeline,
            version: nokv_types::Version::HEAD,
        };
        let attr = Attr {
            generation: row.generation,
            base: row.base,
            size: row.size,
            ..self.getattr(at, row.ino)?
        };
        Ok((Node::new(row.timeline, row.ino), attr))
    }

    fn usage(&self, at: ReadPoint, quota: QuotaId) -> Result<QuotaUsage> {
        let row = self.rows.get(&quota_key(quota))?;
        let row = row.map(|bytes| QuotaRow::decode(&bytes)).transpose()?;
        let found = mvcc::read(self.rows, self.timelines, at, Family::Usage, &keys::usage(quota))?;
        let used = found.map(|found| Usage::decode(&found.value)).transpose()?;
        let line = self.timelines.get(at.timeline);
        let used = used.unwrap_or_default();
        let Usage { bytes, inodes } = line.map_or(used, |line| line.counted(quota, used));
        Ok(QuotaUsage {
            quota,
            counting: row.as_ref().is_some_and(|row| row.counting.is_some()),
            limits: row.map_or(QuotaLimits::default(), |row| row.limits),
            bytes,
            inodes,
        })
    }
}
