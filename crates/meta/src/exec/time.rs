//! The passing of time: which version was current when, the time-travel window, and what ends by itself.

use crate::Result;
use crate::batch::Batch;
use crate::keys::{Family, Key};
use crate::rows::{Record, TimeRow};
use crate::state::{Sample, encode_floor, floor_key, sample};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::{Outcome, Version};
use std::sync::Arc;

/// Time rows that one step removes.
const TIME_ROWS_STEP: usize = 4096;
/// Pins that one step ends.
const PINS_STEP: usize = 256;
/// Uploads that one step gives up.
const UPLOADS_STEP: usize = 256;

impl<R: Rows> Batch<'_, R> {
    /// Notes when the state before this batch was complete, if that is due.
    pub(crate) fn note_time(&mut self) {
        if let Some(sample) = self.state.times.due(self.barrier, self.clock) {
            self.write_time(sample);
        }
    }

    /// Notes the end of the last batch before an orderly stop: nobody else knows its time afterwards.
    pub(crate) fn note_stop(&mut self) {
        if self.state.times.has_room() {
            self.write_time(Sample {
                version: self.state.last,
                clock: self.clock,
            });
        }
    }

    fn write_time(&mut self, sample: Sample) {
        let row = TimeRow {
            version: sample.version,
            wall_ns: sample.clock.wall_ns,
        };
        self.txn
            .put(time_key(sample.clock.log_ns, sample.version), row.encode());
        self.state.times.wrote(sample);
    }

    /// Moves the time-travel window and ends what has a term: pins, sessions, uploads, reservations.
    pub(crate) fn advance_time(&mut self) -> Result<Outcome> {
        let ended = self.end_pins(PINS_STEP)?;
        let (expired, more_sessions) = self.expire_sessions()?;
        let given_up = self.expire_uploads(UPLOADS_STEP)?;
        // What they released is listed before the window moves: without a window it moves up to this version.
        self.write_retired();
        let (floor, mut more) = self.window_floor()?;
        let before = self.state.timelines.floor();
        if floor > before {
            Arc::make_mut(&mut self.state.timelines).set_floor(floor);
            self.txn.put(floor_key(), encode_floor(floor));
            self.queue_window(before, floor)?;
        }
        self.thin_times()?;
        self.trim_spans(floor)?;
        more |= ended == PINS_STEP || given_up == UPLOADS_STEP;
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
        let mut old = self.oldest_times(TIME_ROWS_STEP + 1, |sample| sample.clock.log_ns <= begin)?;
        let more = old.len() > TIME_ROWS_STEP;
        let Some((_, newest)) = old.pop() else {
            return Ok((Version::ZERO, false));
        };
        self.remove_times(old);
        Ok((newest.version, more))
    }

    /// Removes every second one of the oldest time rows when there are many: the older a moment, the coarser.
    fn thin_times(&mut self) -> Result<()> {
        if self.state.times.is_crowded() {
            let old = self.oldest_times(TIME_ROWS_STEP, |_| true)?;
            self.remove_times(old.into_iter().skip(1).step_by(2).collect());
        }
        Ok(())
    }

    fn remove_times(&mut self, old: Vec<(Vec<u8>, Sample)>) {
        self.state.times.removed(old.len());
        for (key, _) in old {
            self.txn.delete(key);
        }
    }

    /// At most `max` of the oldest time rows, up to the first that is not `wanted`.
    fn oldest_times(&self, max: usize, wanted: impl Fn(&Sample) -> bool) -> Result<Vec<(Vec<u8>, Sample)>> {
        let (mut found, mut failed) = (Vec::new(), None);
        self.txn
            .scan(Scan::prefix(&[Family::Time as u8]), &mut |key, value| {
                match sample(key, value) {
                    Ok(sample) if wanted(&sample) => found.push((key.to_vec(), sample)),
                    Ok(_) => return Visit::Stop,
                    Err(error) => failed = Some(error),
                }
                if failed.is_some() || found.len() == max {
                    Visit::Stop
                } else {
                    Visit::Next
                }
            })?;
        failed.map_or(Ok(found), Err)
    }
}

/// The key of the row that says that `version` was complete at a log time.
///
/// Log time stands still across restarts: the version tells the rows of one moment apart.
pub(super) fn time_key(log_ns: u64, version: Version) -> Vec<u8> {
    Key::new(Family::Time).id(log_ns).id(version.0).done()
}
