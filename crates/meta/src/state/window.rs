//! The exactly-once window: answers that a client may still ask for again.
//!
//! Owns: which requests of a session were answered, with what, and which the client has taken. In stream 0
//! sequences ascend, so its answers are a queue: they come at its end and go at its start, and looking for a
//! new request is one comparison. In the other streams (the kernel's) a sequence is an identity: which of
//! them were retired is remembered one by one, so that a late copy of a request is never executed again.
//!
//! The window is in memory, in the results of every segment, and in rows that the last batch before a published
//! state writes; only what changed since the last time is written.

mod retired;

use crate::keys::{Family, Key};
use crate::state::for_each;
use crate::state::sessions::{Sessions, session_of};
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::codec::{Take, answer_from, put_bytes, put_varint};
use nokv_types::{Answer, Code, RequestId, SessionId};
use retired::Retired;
use std::collections::{HashMap, VecDeque};

/// Answers kept for one session; beyond it the client must retire some.
pub(crate) const WINDOW_ANSWERS_MAX: usize = 4096;
/// Schema of the saved rows.
const SCHEMA: u8 = 2;
/// Kinds of items in a saved row.
const RETIRED: u8 = 0;
const ANSWERED: u8 = 1;
/// A saved row takes no further item beyond this many bytes.
const PIECE_BYTES: usize = 8 * 1024;

/// What is known of a request before it is executed.
pub(crate) enum Known {
    /// It is new.
    New,
    /// It was answered before.
    Answered(Answer),
}

/// What a request says that its client has taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken<'a> {
    /// Everything of stream 0 below this sequence.
    pub(crate) below: u64,
    /// These requests of other streams.
    pub(crate) listed: &'a [(u32, u64)],
}

#[derive(Debug, Clone)]
struct Kept {
    sequence: u64,
    part: u32,
    answer: Box<[u8]>,
}

/// Answers of one request: the number of the part and the encoded answer.
type Parts = Vec<(u32, Box<[u8]>)>;

#[derive(Debug, Clone, Default)]
struct Window {
    /// Requests of stream 0 below this were retired.
    retired_below: u64,
    /// Answers of stream 0, by (sequence, part).
    own: VecDeque<Kept>,
    /// Answers of the other streams: parts in the order in which they came.
    others: HashMap<(u32, u64), Parts>,
    /// Answers of the other streams, counted.
    others_len: usize,
    /// Requests of the other streams that were retired.
    retired: Retired,
    /// Rows that hold the window as it was last saved.
    saved_pieces: u64,
    changed: bool,
}

/// The windows of all live sessions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Windows {
    sessions: HashMap<SessionId, Window>,
}

/// Rows to put and keys to delete, so that the saved windows are those in memory.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SavedWindows {
    pub(crate) puts: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) deletes: Vec<Vec<u8>>,
}

impl Windows {
    pub(crate) fn open(&mut self, session: SessionId) {
        self.sessions.entry(session).or_default();
    }

    /// Forgets a session; answers the keys of its saved rows.
    pub(crate) fn close(&mut self, session: SessionId) -> Vec<Vec<u8>> {
        let pieces = self
            .sessions
            .remove(&session)
            .map_or(0, |window| window.saved_pieces);
        (0..pieces).map(|piece| row_key(session, piece)).collect()
    }

    /// Looks a request up and retires what the client no longer needs.
    pub(crate) fn check(&mut self, id: RequestId, taken: Taken<'_>) -> Result<Known> {
        let refuse = |code| Error::refused(code, format!("request {}.{}", id.stream, id.sequence));
        let Some(window) = self.sessions.get_mut(&id.session) else {
            return Err(refuse(Code::SessionExpired));
        };
        if let Some(bytes) = window.find(id) {
            let answer = answer_from(bytes).ok_or_else(|| Error::corrupt("malformed answer", "window"))?;
            return Ok(Known::Answered(answer));
        }
        window.retire(taken);
        if window.is_retired(id) {
            return Err(refuse(Code::AlreadyRetired));
        }
        if window.len() >= WINDOW_ANSWERS_MAX {
            return Err(refuse(Code::WindowFull));
        }
        Ok(Known::New)
    }

    /// Keeps an answer.
    pub(crate) fn record(&mut self, id: RequestId, taken: Taken<'_>, answer: &[u8]) {
        if let Some(window) = self.sessions.get_mut(&id.session) {
            window.retire(taken);
            window.insert(id.stream, id.sequence, id.part, answer.into());
        }
    }

    /// What has to be written so that the rows hold the windows as they are now.
    pub(crate) fn save(&mut self) -> SavedWindows {
        let mut saved = SavedWindows::default();
        for (session, window) in &mut self.sessions {
            if std::mem::take(&mut window.changed) {
                let pieces = window.encode();
                let count = pieces.len() as u64;
                let puts = pieces.into_iter().enumerate();
                saved
                    .puts
                    .extend(puts.map(|(piece, value)| (row_key(*session, piece as u64), value)));
                let gone = count..window.saved_pieces;
                saved.deletes.extend(gone.map(|piece| row_key(*session, piece)));
                window.saved_pieces = count;
            }
        }
        saved
    }

    /// Reads what was saved for the live `sessions`.
    pub(crate) fn load<R: Rows>(rows: &R, sessions: &Sessions) -> Result<Self> {
        let mut windows = Self::default();
        for session in sessions.live_ids() {
            windows.open(session);
        }
        for_each(rows, &[Family::Window as u8], |key, value| {
            let Some(window) = windows.sessions.get_mut(&session_of(key)?) else {
                return Ok(());
            };
            window.saved_pieces += 1;
            window
                .take(value)
                .ok_or_else(|| Error::corrupt("malformed window", "session"))
        })?;
        for window in windows.sessions.values_mut() {
            window.changed = false;
        }
        Ok(windows)
    }
}

impl Window {
    fn len(&self) -> usize {
        self.own.len() + self.others_len
    }

    fn is_retired(&self, id: RequestId) -> bool {
        if id.stream == 0 {
            id.sequence < self.retired_below
        } else {
            self.retired.contains(id.stream, id.sequence)
        }
    }

    fn find(&self, id: RequestId) -> Option<&[u8]> {
        if id.stream == 0 {
            let at = self.place(id.sequence, id.part).ok()?;
            return self.own.get(at).map(|kept| &*kept.answer);
        }
        let parts = self.others.get(&(id.stream, id.sequence))?;
        let found = parts.iter().find(|(part, _)| *part == id.part);
        found.map(|(_, answer)| &**answer)
    }

    /// Where an answer of stream 0 is, or belongs.
    fn place(&self, sequence: u64, part: u32) -> std::result::Result<usize, usize> {
        let wanted = (sequence, part);
        match self.own.back() {
            Some(last) if (last.sequence, last.part) >= wanted => self
                .own
                .binary_search_by_key(&wanted, |kept| (kept.sequence, kept.part)),
            _ => Err(self.own.len()),
        }
    }

    fn insert(&mut self, stream: u32, sequence: u64, part: u32, answer: Box<[u8]>) {
        self.changed = true;
        if stream == 0 {
            if let Err(at) = self.place(sequence, part) {
                self.own.insert(
                    at,
                    Kept {
                        sequence,
                        part,
                        answer,
                    },
                );
            }
            return;
        }
        let parts = self.others.entry((stream, sequence)).or_default();
        if parts.iter().all(|(other, _)| *other != part) {
            parts.push((part, answer));
            self.others_len += 1;
        }
    }

    fn retire(&mut self, taken: Taken<'_>) {
        if taken.below > self.retired_below {
            self.retired_below = taken.below;
            self.changed = true;
            while self.own.front().is_some_and(|kept| kept.sequence < taken.below) {
                self.own.pop_front();
            }
        }
        for (stream, sequence) in taken.listed {
            if let Some(parts) = self.others.remove(&(*stream, *sequence)) {
                self.others_len -= parts.len();
                self.changed = true;
            }
            self.changed |= self.retired.insert(*stream, *sequence);
        }
    }

    /// The window as values of rows; at least one. The retired requests come first, oldest first.
    fn encode(&self) -> Vec<Vec<u8>> {
        let mut others: Vec<_> = self.others.iter().collect();
        others.sort_unstable_by_key(|(key, _)| **key);
        let others = others.into_iter().flat_map(|((stream, sequence), parts)| {
            parts
                .iter()
                .map(move |(part, answer)| (*stream, *sequence, *part, answer))
        });
        let own = self
            .own
            .iter()
            .map(|kept| (0, kept.sequence, kept.part, &kept.answer));
        let mut pieces = vec![self.head()];
        for (stream, sequence) in self.retired.iter() {
            let piece = self.piece(&mut pieces, 0);
            piece.push(RETIRED);
            put_varint(piece, u64::from(stream));
            put_varint(piece, sequence);
        }
        for (stream, sequence, part, answer) in own.chain(others) {
            let piece = self.piece(&mut pieces, answer.len());
            piece.push(ANSWERED);
            put_varint(piece, u64::from(stream));
            put_varint(piece, sequence);
            put_varint(piece, u64::from(part));
            put_bytes(piece, answer);
        }
        pieces
    }

    /// The row that takes an item of about this many bytes: the last one, or a new one.
    fn piece<'p>(&self, pieces: &'p mut Vec<Vec<u8>>, bytes: usize) -> &'p mut Vec<u8> {
        if pieces.last().is_none_or(|last| last.len() + bytes > PIECE_BYTES) {
            pieces.push(self.head());
        }
        let last = pieces.len() - 1;
        &mut pieces[last]
    }

    fn head(&self) -> Vec<u8> {
        let mut value = vec![SCHEMA];
        put_varint(&mut value, self.retired_below);
        value
    }

    fn take(&mut self, value: &[u8]) -> Option<()> {
        let mut take = Take::new(value);
        (take.u8()? == SCHEMA).then_some(())?;
        self.retired_below = take.varint()?;
        while !take.is_empty() {
            let kind = take.u8()?;
            let (stream, sequence) = (take.varint_u32()?, take.varint()?);
            match kind {
                RETIRED => {
                    self.retired.insert(stream, sequence);
                }
                ANSWERED => {
                    let part = take.varint_u32()?;
                    self.insert(stream, sequence, part, take.bytes()?.into());
                }
                _ => return None,
            }
        }
        Some(())
    }
}

fn row_key(session: SessionId, piece: u64) -> Vec<u8> {
    Key::new(Family::Window).id(session.0).id(piece).done()
}
