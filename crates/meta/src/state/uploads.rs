//! Open uploads: how many each session has, and when one is given up.

use crate::Result;
use crate::exec::{UPLOAD_IDLE_NS, open_uploads_prefix};
use crate::rows::{Record, UploadRow};
use crate::state::for_each;
use nokv_store::Rows;
use nokv_types::SessionId;
use std::collections::BTreeMap;

/// Most uploads that one session has open; the server itself is one too.
pub(crate) const UPLOADS_PER_SESSION_MAX: u32 = 4096;

/// See the module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Uploads {
    by_session: BTreeMap<SessionId, u32>,
    /// Log time of the first batch since the load, ns: no upload ends before a full term from then on.
    term: Option<u64>,
}

impl Uploads {
    pub(crate) fn load<R: Rows>(rows: &R) -> Result<Self> {
        let mut uploads = Self::default();
        for_each(rows, &open_uploads_prefix(), |_, value| {
            uploads.add(UploadRow::decode(value)?.session);
            Ok(())
        })?;
        Ok(uploads)
    }

    /// Gives every upload a full term from `now`, once after a load.
    pub(crate) fn begin_term(&mut self, now: u64) {
        self.term.get_or_insert(now);
    }

    /// Whether nothing was staged for too long.
    pub(crate) fn is_over(&self, row: &UploadRow, now: u64) -> bool {
        let term = self.term.unwrap_or(now).saturating_add(UPLOAD_IDLE_NS);
        now >= row.expires.max(term)
    }

    /// Uploads that a session has open.
    pub(crate) fn of_session(&self, session: SessionId) -> u32 {
        self.by_session.get(&session).copied().unwrap_or_default()
    }

    pub(crate) fn add(&mut self, session: SessionId) {
        *self.by_session.entry(session).or_default() += 1;
    }

    pub(crate) fn remove(&mut self, session: SessionId) {
        if let Some(count) = self.by_session.get_mut(&session) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_session.remove(&session);
            }
        }
    }
}
