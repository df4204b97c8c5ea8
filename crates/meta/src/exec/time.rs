//! The passing of time: which version was current when, the time-travel window, and what ends by itself.

use crate::Error;
use crate::Result;
use crate::batch::Batch;
use crate::keys::{Family, Key, take_id};
use crate::rows::{Record, TimeRow};
use crate::state::{encode_floor, floor_key};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::{Outcome, Version};
use std::sync::Arc;

/// Shortest time between two time rows, ns.
pub(crate) const TIME_ROW_NS: u64 = 1_000_000_000;
/// Time rows that one step removes.
const TIME_ROWS_STEP: usize = 4096;
/// Pins that one step ends.
const PINS_STEP: usize = 256;
/// Uploads that one step gives up.
const UPLOADS_STEP: usize = 256;

impl<R: Rows> Batch<'_, R> {
    /// At the first batch of a second: the version that was current when it began.
    pub(crate) fn note_time(&mut self) {
        if self.clock.log_ns < self.state.timed.saturating_add(TIME_ROW_NS) {
            return;
        }
        self.state.timed = self.clock.log_ns;
        let row = TimeRow {
            version: self.barrier,
            wall_ns: self.clock.wall_ns,
        };
        self.txn.put(time_key(self.clock.log_ns), row.encode());
    }

    /// Moves the time-travel window and ends what has a term: pins, sessions, uploads, reservations.
    pub(crate) fn advance_time(&mut self) -> Result<Outcome> {
        let (floor, mut more) = self.window_floor()?;
        let before = self.state.timelines.floor();
        if floor > before {
            Arc::make_mut(&mut self.state.timelines).set_floor(floor);
            self.txn.put(floor_key(), encode_floor(floor));
            self.queue_window(before, floor)?;
        }
        self.trim_spans(floor)?;
        let ended = self.end_pins(PINS_STEP)?;
        more |= ended == PINS_STEP;
        let (expired, more_sessions) = self.expire_sessions()?;
        let given_up = self.expire_uploads(UPLOADS_STEP)?;
        more |= given_up == UPLOADS_STEP;
        let done = ended as u64 + expired + given_up as u64;
        Ok(Outcome::Worked {
            done,
            more: more || more_sessions,
        })
    }

    /// The version that was current when the window began; time rows before it go, in bounded steps.
    fn window_floor(&mut self) -> Result<(Version, bool)> {
        let window = self.state.counters.window;
        if window == 0 {
            self.trim_times(self.clock.log_ns)?;
            return Ok((self.version, false));
        }
        let Some(begin) = self.clock.log_ns.checked_sub(window) else {
            return Ok((Version::ZERO, false));
        };
        self.trim_times(begin)
    }

    /// Removes the time rows before the newest one that is not after `begin`; answers the version that was current
    /// at `begin`, and whether more rows can go.
    fn trim_times(&mut self, begin: u64) -> Result<(Version, bool)> {
        let mut old: Vec<(u64, TimeRow)> = Vec::new();
        let (mut next, mut failed) = (None, None);
        self.txn
            .scan(Scan::prefix(&[Family::Time as u8]), &mut |key, value| {
                let row = take_id(&key[1..])
                    .ok_or_else(|| Error::corrupt("malformed key", "time"))
                    .and_then(|(at, _)| Ok((at, TimeRow::decode(value)?)));
                match row {
                    Ok((at, row)) if at > begin => next = Some(row),
                    Ok(_) if old.len() > TIME_ROWS_STEP => (),
                    Ok(row) => {
                        old.push(row);
                        return Visit::Next;
                    }
                    Err(error) => failed = Some(error),
                }
                Visit::Stop
            })?;
        if let Some(error) = failed {
            return Err(error);
        }
        let more = old.len() > TIME_ROWS_STEP;
        let Some((at, newest)) = old.pop() else {
            return Ok((Version::ZERO, false));
        };
        for (at, _) in old {
            self.txn.delete(time_key(at));
        }
        // From the end of the newest one's second on (of the one after it, after a restart) nothing was committed
        // until the next one, which counts it.
        let is_over = begin >= at.saturating_add(2 * TIME_ROW_NS);
        let version = next
            .filter(|_| is_over)
            .map_or(newest.version, |next| next.version);
        Ok((version, more))
    }
}

/// The key of the row that says which version was current at a log time.
pub(super) fn time_key(log_ns: u64) -> Vec<u8> {
    Key::new(Family::Time).id(log_ns).done()
}
