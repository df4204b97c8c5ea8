//! The lives of sessions: when each ends, and which have ended but still have rows to be cleaned away.
//!
//! Owns: expiry in log time. After a load every session gets a full new term, because no log time passed while
//! nobody was there to renew it. Must not know what a session holds.

use crate::Result;
use crate::keys::{Family, take_id};
use crate::rows::{Record, SessionRow};
use crate::state::for_each;
use nokv_store::Rows;
use nokv_types::SessionId;
use std::collections::{BTreeMap, BTreeSet};

/// Most sessions at a time, ended ones that are not cleaned away yet included.
pub(crate) const SESSIONS_MAX: usize = 65_536;

/// All sessions that have a row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sessions {
    live: BTreeMap<SessionId, SessionRow>,
    ended: BTreeSet<SessionId>,
    /// A new term was given since the load.
    in_term: bool,
}

impl Sessions {
    pub(crate) fn load<R: Rows>(rows: &R) -> Result<Self> {
        let mut sessions = Self::default();
        for_each(rows, &[Family::Session as u8], |key, value| {
            let id = session_of(key)?;
            let row = SessionRow::decode(value)?;
            if row.is_ended() {
                sessions.ended.insert(id);
            } else {
                sessions.live.insert(id, row);
            }
            Ok(())
        })?;
        Ok(sessions)
    }

    /// Gives every session a full term from `now`, once after a load.
    pub(crate) fn begin_term(&mut self, now: u64) {
        if self.in_term {
            return;
        }
        self.in_term = true;
        for row in self.live.values_mut() {
            row.expires = row.expires.max(now.saturating_add(row.ttl));
        }
    }

    pub(crate) fn get(&self, id: SessionId) -> Option<&SessionRow> {
        self.live.get(&id)
    }

    pub(crate) fn is_live(&self, id: SessionId) -> bool {
        self.live.contains_key(&id)
    }

    /// Whether the session ended and still has rows.
    pub(crate) fn is_ended(&self, id: SessionId) -> bool {
        self.ended.contains(&id)
    }

    /// Sessions that have rows.
    pub(crate) fn len(&self) -> usize {
        self.live.len() + self.ended.len()
    }

    pub(crate) fn put(&mut self, id: SessionId, row: SessionRow) {
        self.live.insert(id, row);
    }

    /// The session takes no more requests; its rows are cleaned away step by step.
    pub(crate) fn end(&mut self, id: SessionId) {
        self.live.remove(&id);
        self.ended.insert(id);
    }

    /// The rows of an ended session are gone.
    pub(crate) fn forget(&mut self, id: SessionId) {
        self.ended.remove(&id);
    }

    /// Live sessions whose time is over at `now`, at most `max`.
    pub(crate) fn overdue(&self, now: u64, max: usize) -> Vec<SessionId> {
        let overdue = self.live.iter().filter(|(_, row)| row.expires <= now);
        overdue.map(|(id, _)| *id).take(max).collect()
    }

    /// An ended session that still has rows.
    pub(crate) fn first_ended(&self) -> Option<SessionId> {
        self.ended.first().copied()
    }

    pub(crate) fn live_ids(&self) -> impl Iterator<Item = SessionId> {
        self.live.keys().copied()
    }
}

/// The session in the key of a row that starts with one.
pub(crate) fn session_of(key: &[u8]) -> Result<SessionId> {
    let id = take_id(&key[1..]).ok_or_else(|| crate::Error::corrupt("malformed key", "session"))?;
    Ok(SessionId(id.0))
}
