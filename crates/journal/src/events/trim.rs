//! Retention: which event files may go.

use super::file::file_name;
use super::write::{EventFiles, EventState};
use super::{EVENT_AGE_NS, EVENT_BYTES, EVENT_HELD_BYTES_MAX};
use crate::{Error, Result};
use nokv_types::Version;
use nokv_types::failpoint::hit;
use std::io;

/// What may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Log time now, nanoseconds.
    pub now_ns: u64,
    /// Older files go.
    pub age_ns: u64,
    /// Above this size the oldest go.
    pub bytes: u64,
    /// A file that holds this version or later stays all the same: a pin, a branch or a reader needs it.
    pub floor: Option<Version>,
    /// Above this size not even the floor holds files back.
    pub held_bytes_max: u64,
}

impl Retention {
    /// The defaults at this log time.
    pub fn new(now_ns: u64, floor: Option<Version>) -> Self {
        Self {
            now_ns,
            age_ns: EVENT_AGE_NS,
            bytes: EVENT_BYTES,
            floor,
            held_bytes_max: EVENT_HELD_BYTES_MAX,
        }
    }
}

/// What a trim did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trimmed {
    /// Files that went.
    pub files: u64,
    /// Bytes that went.
    pub bytes: u64,
    /// The oldest version that can be read from now.
    pub oldest: Version,
    /// Bytes that age or size would have let go and the floor holds back.
    pub held_bytes: u64,
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventUsage {
    /// Files.
    pub files: u64,
    /// Bytes of records.
    pub bytes: u64,
    /// The oldest version that can be read from.
    pub oldest: Version,
    /// The last version that is here.
    pub newest: Version,
}

impl EventFiles {
    /// Removes the oldest complete files that the rule lets go.
    ///
    /// # Errors
    /// `Full` and `Fatal` from removing; what went is gone, the rest stays readable.
    pub fn trim(&self, rule: &Retention) -> Result<Trimmed> {
        let mut state = self.state();
        let mut left: u64 = state.files.iter().map(|file| file.end).sum();
        let (mut going, mut bytes, mut held_bytes, mut holding) = (0, 0, 0, false);
        for file in state.files.iter().filter(|file| file.complete) {
            let due = left > rule.bytes || file.last_log_time_ns.saturating_add(rule.age_ns) < rule.now_ns;
            if !due {
                break;
            }
            let wanted = rule.floor.is_some_and(|floor| file.last_version >= floor);
            holding |= wanted && left <= rule.held_bytes_max;
            if holding {
                held_bytes += file.end;
                // What follows counts against the size as if this one had gone.
            } else {
                going += 1;
                bytes += file.end;
            }
            left -= file.end;
        }
        self.remove_front(&mut state, going)?;
        Ok(Trimmed {
            files: going as u64,
            bytes,
            oldest: Version(state.files.front().map_or(0, |file| file.header.base_version.0) + 1),
            held_bytes,
        })
    }

    /// Removes the `count` oldest files.
    pub(super) fn remove_front(&self, state: &mut EventState, count: usize) -> Result<()> {
        let gone: Vec<u64> = state.files.drain(..count).map(|file| file.header.index).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let run = || -> io::Result<()> {
            // Oldest first: a crash in between leaves the newest, connected.
            for index in &gone {
                hit("journal.events.remove")?;
                self.disk.remove(&self.dir.join(file_name(*index)))?;
            }
            self.disk.sync_dir(&self.dir)
        };
        run().map_err(|error| Error::io("trim events", self.dir.display().to_string(), error))
    }

    /// How much there is.
    pub fn usage(&self) -> EventUsage {
        let state = self.state();
        EventUsage {
            files: state.files.len() as u64,
            bytes: state.files.iter().map(|file| file.end).sum(),
            oldest: Version(state.files.front().map_or(0, |file| file.header.base_version.0) + 1),
            newest: state.files.back().map_or(Version::ZERO, |file| file.last_version),
        }
    }
}
