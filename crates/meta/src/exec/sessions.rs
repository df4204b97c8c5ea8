//! Sessions: begun, renewed, ended, and cleaned away.
//!
//! A session that ends, by its own command or because its time is over, takes no further request from that
//! moment; what it held (open files, uploads, saved answers) is released in bounded steps, a first one at once.

use crate::batch::Batch;
use crate::keys::{Family, Key, take_id};
use crate::rows::{Record, SessionRow};
use crate::state::SESSIONS_MAX;
use crate::{Error, Result};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::{Code, Outcome, Refusal, SessionId};

/// Longest time that a session lives without being renewed, ns: a day.
pub(crate) const SESSION_TTL_NS_MAX: u64 = 86_400_000_000_000;
/// Open files and uploads that one command releases of ended sessions.
pub(crate) const RELEASE_STEP: usize = 256;
/// Sessions that one step ends because their time is over.
const OVERDUE_STEP: usize = 256;

impl<R: Rows> Batch<'_, R> {
    /// Begins a session; one that lives already is renewed.
    pub(crate) fn session_open(&mut self, session: SessionId, ttl: u64) -> Result<Outcome> {
        let subject = || format!("session {}", session.0);
        if ttl == 0 || ttl > SESSION_TTL_NS_MAX {
            return Err(Refusal::new(Code::Invalid, subject())
                .detail("its time to live is outside 1 ns..=24 h")
                .into());
        }
        if self.state.sessions.is_ended(session) {
            return Err(Error::refused(Code::SessionExpired, subject()));
        }
        if !self.state.sessions.is_live(session) && self.state.sessions.len() >= SESSIONS_MAX {
            return Err(Error::refused(Code::TooMany, subject()));
        }
        self.write_session(session, ttl);
        self.state.windows.open(session);
        Ok(Outcome::Session(session))
    }

    /// Extends a session by its time to live.
    pub(crate) fn session_renew(&mut self, session: SessionId) -> Result<Outcome> {
        let row = self.live_session(session)?;
        self.write_session(session, row.ttl);
        Ok(Outcome::Session(session))
    }

    /// Ends a session.
    pub(crate) fn session_close(&mut self, session: SessionId) -> Result<Outcome> {
        self.live_session(session)?;
        self.end_session(session);
        self.release_sessions(RELEASE_STEP)?;
        Ok(Outcome::Done)
    }

    /// Ends sessions whose time is over and releases what ended ones hold, in a bounded step; answers how many
    /// sessions, files and uploads that were, and whether there is more.
    pub(crate) fn expire_sessions(&mut self) -> Result<(u64, bool)> {
        let overdue = self.state.sessions.overdue(self.clock.log_ns, OVERDUE_STEP);
        let mut done = overdue.len() as u64;
        for session in overdue {
            self.end_session(session);
        }
        done += self.release_sessions(RELEASE_STEP)?;
        let sessions = &self.state.sessions;
        let more = sessions.first_ended().is_some() || !sessions.overdue(self.clock.log_ns, 1).is_empty();
        Ok((done, more))
    }

    /// The row of a live session.
    ///
    /// # Errors
    /// `SessionExpired`.
    pub(crate) fn live_session(&self, session: SessionId) -> Result<SessionRow> {
        let found = self.state.sessions.get(session).cloned();
        found.ok_or_else(|| Error::refused(Code::SessionExpired, format!("session {}", session.0)))
    }

    fn write_session(&mut self, session: SessionId, ttl: u64) {
        let expires = self.clock.log_ns.saturating_add(ttl).max(1);
        let row = SessionRow { ttl, expires };
        self.txn.put(session_key(session), row.encode());
        self.state.sessions.put(session, row);
    }

    fn end_session(&mut self, session: SessionId) {
        for key in self.state.windows.close(session) {
            self.txn.delete(key);
        }
        let row = SessionRow { ttl: 0, expires: 0 };
        self.txn.put(session_key(session), row.encode());
        self.state.sessions.end(session);
    }

    /// Releases at most `max` open files and uploads of ended sessions; answers how many.
    fn release_sessions(&mut self, max: usize) -> Result<u64> {
        let mut released = 0;
        while let Some(session) = self.state.sessions.first_ended() {
            released += self.close_all(session, max - released)?;
            if released < max {
                released += self.give_up_uploads(session, max - released)?;
            }
            if released >= max {
                break;
            }
            self.txn.delete(session_key(session));
            self.state.sessions.forget(session);
        }
        Ok(released as u64)
    }

    /// Closes at most `max` files of a session.
    fn close_all(&mut self, session: SessionId, max: usize) -> Result<usize> {
        let prefix = Key::new(Family::Open).id(session.0).done();
        let handles = self.ids_below(&prefix, max)?;
        for handle in &handles {
            self.close_file(session, *handle)?;
        }
        Ok(handles.len())
    }

    /// The ids that follow `prefix` in the first `max` keys.
    fn ids_below(&self, prefix: &[u8], max: usize) -> Result<Vec<u64>> {
        let (mut ids, mut malformed) = (Vec::new(), false);
        if max == 0 {
            return Ok(ids);
        }
        self.txn.scan(Scan::prefix(prefix), &mut |key, _| {
            match take_id(&key[prefix.len()..]) {
                Some((id, _)) => ids.push(id),
                None => malformed = true,
            }
            if malformed || ids.len() == max {
                Visit::Stop
            } else {
                Visit::Next
            }
        })?;
        if malformed {
            return Err(Error::corrupt("malformed key", "open file"));
        }
        Ok(ids)
    }
}

pub(crate) fn session_key(session: SessionId) -> Vec<u8> {
    Key::new(Family::Session).id(session.0).done()
}
