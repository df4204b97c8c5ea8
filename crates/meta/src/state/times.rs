//! Which version was current when: what was noted last, and what is to be noted next.
//!
//! Owns: when a time row is due. A row says that a version was complete at a moment of both clocks, and nothing
//! about the time between two rows, so that any row can be left out: answers then lag, and never run ahead.
//! Must not know what rows are read for.

use crate::keys::{Family, take_id};
use crate::rows::{Record, TimeRow};
use crate::state::{Clock, for_each};
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::Version;

/// Shortest time between two time rows, ns, by either clock.
pub(crate) const TIME_STEP_NS: u64 = 250_000_000;
/// Most time rows; before there are as many, every second one of the oldest goes.
pub(crate) const TIME_ROWS_MAX: usize = 16_384;

/// A version, and when it was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The last version of a batch.
    pub version: Version,
    /// Wall time of the batch, ns since 1970.
    pub wall_ns: i64,
}

/// A time row with the log time in its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) version: Version,
    pub(crate) clock: Clock,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Times {
    /// The newest row.
    newest: Option<Sample>,
    /// The newest batch that handed out a version; not known after a load.
    last: Option<Sample>,
    rows: usize,
}

impl Times {
    pub(crate) fn load<R: Rows>(rows: &R) -> Result<Self> {
        let mut times = Self::default();
        for_each(rows, &[Family::Time as u8], |key, value| {
            times.wrote(sample(key, value)?);
            Ok(())
        })?;
        Ok(times)
    }

    /// What to write before a batch at `now`, up to which `version` is complete; `None` when no row is due.
    ///
    /// The state between two batches is noted by the second one: with the time of the first, where it is known.
    pub(crate) fn due(&self, version: Version, now: Clock) -> Option<Sample> {
        let is_due = self.newest.is_none_or(|row| {
            let wall = now.wall_ns.saturating_sub(row.clock.wall_ns);
            let is_later = wall < 0
                || wall as u64 >= TIME_STEP_NS
                || now.log_ns >= row.clock.log_ns.saturating_add(TIME_STEP_NS);
            row.version < version && is_later
        });
        let known = self.last.filter(|last| last.version == version);
        (is_due && self.rows < TIME_ROWS_MAX).then(|| known.unwrap_or(Sample { version, clock: now }))
    }

    /// A row was written.
    pub(crate) fn wrote(&mut self, sample: Sample) {
        self.newest = Some(sample);
        self.rows += 1;
    }

    /// Rows went; never the newest one.
    pub(crate) fn removed(&mut self, rows: usize) {
        self.rows = self.rows.saturating_sub(rows);
    }

    /// A batch ended.
    pub(crate) fn ended(&mut self, version: Version, clock: Clock) {
        self.last = Some(Sample { version, clock });
    }

    /// Whether rows have to go before there are too many.
    pub(crate) fn is_crowded(&self) -> bool {
        self.rows >= TIME_ROWS_MAX / 4 * 3
    }

    /// Whether there is room for a row.
    pub(crate) fn has_room(&self) -> bool {
        self.rows < TIME_ROWS_MAX
    }

    /// When `version`, the last one, was committed, if that is known.
    pub(crate) fn moment(&self, version: Version) -> Option<Moment> {
        let sample = [self.last, self.newest]
            .into_iter()
            .flatten()
            .find(|sample| sample.version == version)?;
        Some(Moment {
            version,
            wall_ns: sample.clock.wall_ns,
        })
    }
}

/// A time row as it was read.
pub(crate) fn sample(key: &[u8], value: &[u8]) -> Result<Sample> {
    let (log_ns, _) = take_id(&key[1..]).ok_or_else(|| Error::corrupt("malformed key", "time"))?;
    let row = TimeRow::decode(value)?;
    Ok(Sample {
        version: row.version,
        clock: Clock {
            log_ns,
            wall_ns: row.wall_ns,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Clock {
        Clock {
            log_ns: ms * 1_000_000,
            wall_ns: ms as i64 * 1_000_000,
        }
    }

    #[test]
    fn a_row_is_due_after_the_step_by_either_clock_and_when_the_wall_goes_back() {
        let mut times = Times::default();
        let first = times.due(Version(1), at(1000)).unwrap();
        assert_eq!(first.clock, at(1000));
        times.wrote(first);
        times.ended(Version(2), at(1000));
        assert_eq!(times.due(Version(2), at(1200)), None);
        times.ended(Version(3), at(1200));
        let want = Sample {
            version: Version(3),
            clock: at(1200),
        };
        let still = |wall_ms: u64| Clock {
            wall_ns: at(wall_ms).wall_ns,
            ..at(1000)
        };
        for clock in [
            at(1250),
            still(1250),
            still(999),
            Clock {
                wall_ns: at(1200).wall_ns,
                ..at(1250)
            },
        ] {
            assert_eq!(times.due(Version(3), clock), Some(want), "{clock:?}");
        }
        times.wrote(want);
        assert_eq!(times.due(Version(3), at(9000)), None, "nothing happened since");
    }

    #[test]
    fn no_row_is_due_beyond_the_limit() {
        let mut times = Times::default();
        for count in 0..TIME_ROWS_MAX as u64 {
            let sample = times.due(Version(count + 1), at(count * 250));
            assert_eq!(times.is_crowded(), count >= 12_288);
            times.wrote(sample.unwrap());
        }
        assert_eq!(times.due(Version::HEAD, at(u64::MAX / 2_000_000)), None);
    }
}
