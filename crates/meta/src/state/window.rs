//! The exactly-once window: answers that a client may still ask for again.

use crate::answers;
use crate::keys::{Family, Key};
use crate::state::for_each;
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::codec::{Take, put_bytes, put_varint};
use nokv_types::{Answer, Code, RequestId, SessionId};
use std::collections::{BTreeMap, HashMap};

/// Answers kept for one session; beyond it the client must retire some.
pub(crate) const WINDOW_ANSWERS_MAX: usize = 4096;

/// What is known of a request before it is executed.
pub(crate) enum Known {
    /// It is new.
    New,
    /// It was answered before.
    Answered(Answer),
}

#[derive(Debug, Clone, Default)]
struct Window {
    /// Requests of stream 0 below this were retired.
    retired_below: u64,
    answers: BTreeMap<(u32, u64, u32), Vec<u8>>,
}

/// The windows of all live sessions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Windows {
    sessions: HashMap<SessionId, Window>,
}

impl Windows {
    pub(crate) fn open(&mut self, session: SessionId) {
        self.sessions.entry(session).or_default();
    }

    pub(crate) fn close(&mut self, session: SessionId) {
        self.sessions.remove(&session);
    }

    pub(crate) fn is_open(&self, session: SessionId) -> bool {
        self.sessions.contains_key(&session)
    }

    /// Looks a request up and retires what the client no longer needs.
    pub(crate) fn check(&mut self, id: RequestId, retired_below: u64) -> Result<Known> {
        let refuse = |code| Error::refused(code, format!("request {}.{}", id.stream, id.sequence));
        let Some(window) = self.sessions.get_mut(&id.session) else {
            return Err(refuse(Code::SessionExpired));
        };
        if let Some(bytes) = window.answers.get(&(id.stream, id.sequence, id.part)) {
            let answer =
                answers::decode(bytes).ok_or_else(|| Error::corrupt("malformed answer", "window"))?;
            return Ok(Known::Answered(answer));
        }
        window.retire(retired_below);
        if id.stream == 0 && id.sequence < window.retired_below {
            return Err(refuse(Code::AlreadyRetired));
        }
        if window.answers.len() >= WINDOW_ANSWERS_MAX {
            return Err(refuse(Code::WindowFull));
        }
        Ok(Known::New)
    }

    /// Keeps an answer.
    pub(crate) fn record(&mut self, id: RequestId, retired_below: u64, answer: Vec<u8>) {
        if let Some(window) = self.sessions.get_mut(&id.session) {
            window.retire(retired_below);
            window.answers.insert((id.stream, id.sequence, id.part), answer);
        }
    }

    /// The windows as rows: one per session and 64 answers.
    pub(crate) fn to_rows(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut rows = BTreeMap::new();
        for (session, window) in &self.sessions {
            let all: Vec<_> = window.answers.iter().collect();
            let mut pieces: Vec<&[(&(u32, u64, u32), &Vec<u8>)]> = all.chunks(64).collect();
            if pieces.is_empty() {
                pieces.push(&[]);
            }
            for (piece, chunk) in pieces.into_iter().enumerate() {
                let mut value = vec![1];
                put_varint(&mut value, window.retired_below);
                for ((stream, sequence, part), answer) in chunk {
                    put_varint(&mut value, u64::from(*stream));
                    put_varint(&mut value, *sequence);
                    put_varint(&mut value, u64::from(*part));
                    put_bytes(&mut value, answer);
                }
                rows.insert(
                    Key::new(Family::Window).id(session.0).id(piece as u64).done(),
                    value,
                );
            }
        }
        rows
    }

    /// Reads sessions and what [`Windows::to_rows`] wrote.
    pub(crate) fn load<R: Rows>(rows: &R) -> Result<Self> {
        let mut windows = Self::default();
        for_each(rows, &[Family::Session as u8], |key, _| {
            windows.open(session_of(key)?);
            Ok(())
        })?;
        for_each(rows, &[Family::Window as u8], |key, value| {
            let Some(window) = windows.sessions.get_mut(&session_of(key)?) else {
                return Ok(());
            };
            window
                .take(value)
                .ok_or_else(|| Error::corrupt("malformed window", "session"))
        })?;
        Ok(windows)
    }
}

impl Window {
    fn retire(&mut self, below: u64) {
        if below > self.retired_below {
            self.retired_below = below;
            let keep = self.answers.split_off(&(0, below, 0));
            self.answers = keep;
        }
    }

    fn take(&mut self, value: &[u8]) -> Option<()> {
        let mut take = Take::new(value);
        (take.u8()? == 1).then_some(())?;
        self.retired_below = take.varint()?;
        while !take.is_empty() {
            let key = (take.varint_u32()?, take.varint()?, take.varint_u32()?);
            self.answers.insert(key, take.bytes()?.to_vec());
        }
        Some(())
    }
}

fn session_of(key: &[u8]) -> Result<SessionId> {
    let id = crate::keys::take_id(&key[1..]).ok_or_else(|| Error::corrupt("malformed key", "session"))?;
    Ok(SessionId(id.0))
}
