//! What the holder of the commit role keeps in memory between batches; all of it can be read back from the rows.
//!
//! Owns: the next version, the table of timelines, which versions are held and by how many, the exactly-once
//! window. Must not know how batches are logged. After a batch that could not be logged the owner throws this
//! away and loads it again.

mod holds;
mod leases;
mod opens;
mod quotas;
mod sessions;
mod timelines;
mod times;
mod uploads;
mod window;

pub use crate::rows::{ObjectTotals, Timeline, Uncounted};
pub(crate) use holds::{Holds, encode_count, held_key};
pub(crate) use leases::Leases;
pub(crate) use opens::{OPENS_PER_SESSION_MAX, Opens};
pub(crate) use quotas::{Quotas, quota_key};
pub(crate) use sessions::{SESSIONS_MAX, Sessions};
pub use timelines::Timelines;
pub(crate) use timelines::{encode_floor, floor_key};
pub use times::Moment;
pub(crate) use times::{Sample, Times, sample};
pub(crate) use uploads::{UPLOADS_PER_SESSION_MAX, Uploads};
pub(crate) use window::{Known, Taken, Windows};

use crate::keys::{Family, Key};
use crate::rows::{Counters, ObjectRow, Record};
use crate::{Error, Result};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::codec::Take;
use nokv_types::{Ino, RequestId, SessionId, TimelineId, Version};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How far ahead of use the ceiling of versions is raised.
pub const CEILING_STEP: u64 = 1 << 20;
/// The ceiling is raised when fewer versions than this are left below it.
pub const CEILING_LOW: u64 = 1 << 19;
/// The time-travel window of a new workspace: one hour, in ns.
pub const WINDOW_DEFAULT_NS: u64 = 3_600_000_000_000;

/// The readings of a batch's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Clock {
    /// Log time: never goes back, never jumps ahead, ns.
    pub log_ns: u64,
    /// Wall time, ns since 1970.
    pub wall_ns: i64,
}

/// The state machine between two batches.
#[derive(Debug, Clone)]
pub struct State {
    pub(crate) last: Version,
    pub(crate) counters: Counters,
    pub(crate) timelines: Arc<Timelines>,
    pub(crate) holds: Holds,
    pub(crate) leases: Leases,
    /// Timelines that were not changed since their newest hold was taken.
    pub(crate) watched: BTreeSet<TimelineId>,
    /// Timelines in which detached trees may wait, their own or inherited ones; with the directory that was done last,
    /// behind which the next one is looked for first.
    pub(crate) reclaims: BTreeMap<TimelineId, Ino>,
    pub(crate) sessions: Sessions,
    pub(crate) opens: Opens,
    pub(crate) uploads: Uploads,
    pub(crate) quotas: Quotas,
    pub(crate) objects: ObjectTotals,
    pub(crate) windows: Windows,
    pub(crate) times: Times,
}

impl State {
    /// Reads the state of a store that holds a workspace; `replayed` is the last version of the replayed log.
    ///
    /// After an unclean stop allocation goes on above the ceiling, so that nothing is handed out twice.
    ///
    /// # Errors
    /// `Corrupt` when rows are missing or malformed.
    pub fn load<R: Rows>(rows: &R, replayed: Version) -> Result<Self> {
        let bytes = rows
            .get(&counters_key())?
            .ok_or_else(|| Error::corrupt("missing", "counters"))?;
        let counters = Counters::decode(&bytes)?;
        let last = match counters.last {
            Some(last) => last.max(replayed),
            None => counters.ceiling.max(replayed),
        };
        let timelines = Timelines::load(rows)?;
        let holds = Holds::load(rows)?;
        let watched = timelines.unchanged(&holds);
        let live = timelines.iter().filter(|(_, timeline)| timeline.live);
        let reclaims = live.map(|(id, _)| (id, Ino(0))).collect();
        let sessions = Sessions::load(rows)?;
        let windows = Windows::load(rows, &sessions)?;
        Ok(Self {
            last,
            counters,
            timelines: Arc::new(timelines),
            holds,
            leases: Leases::load(rows)?,
            watched,
            reclaims,
            sessions,
            opens: Opens::load(rows)?,
            uploads: Uploads::load(rows)?,
            quotas: Quotas::load(rows)?,
            objects: object_totals(rows)?,
            windows,
            times: Times::load(rows)?,
        })
    }

    /// Whether a store holds a workspace at all.
    ///
    /// # Errors
    /// From the store.
    pub fn exists<R: Rows>(rows: &R) -> Result<bool> {
        Ok(rows.get(&counters_key())?.is_some())
    }

    /// Takes the results section of a replayed segment into the exactly-once window. The state was loaded from
    /// the rows as they are after the replay: results of sessions that ended meanwhile mean nothing any more.
    ///
    /// # Errors
    /// `Corrupt` when the bytes are not one.
    pub fn replay_results(&mut self, results: &[u8]) -> Result<()> {
        let mut take = Take::new(results);
        while !take.is_empty() {
            self.replay_one(&mut take)
                .ok_or_else(|| Error::corrupt("malformed section", "results"))?;
        }
        Ok(())
    }

    fn replay_one(&mut self, take: &mut Take<'_>) -> Option<()> {
        let session = SessionId(take.varint()?);
        let (stream, sequence, part) = (take.varint_u32()?, take.varint()?, take.varint_u32()?);
        let below = take.varint()?;
        let mut listed = Vec::new();
        for _ in 0..take.varint()? {
            listed.push((take.varint_u32()?, take.varint()?));
        }
        let id = RequestId {
            session,
            stream,
            sequence,
            part,
        };
        let taken = Taken {
            below,
            listed: &listed,
        };
        self.windows.record(id, taken, take.bytes()?);
        Some(())
    }

    /// The last version that was handed out.
    pub fn last_version(&self) -> Version {
        self.last
    }

    /// When the last version was committed; `None` after an unclean stop.
    pub fn last_moment(&self) -> Option<Moment> {
        self.times.moment(self.last)
    }

    /// The table that readers resolve timelines with; a new one after every change.
    pub fn timelines(&self) -> Arc<Timelines> {
        Arc::clone(&self.timelines)
    }

    /// Log time that was current when the counters were last written, ns.
    pub fn log_time(&self) -> u64 {
        self.counters.log_time
    }

    pub(crate) fn next_version(&mut self) -> Version {
        self.last = Version(self.last.0 + 1);
        self.last
    }

    /// Whether a row that was valid in [created, superseded) on `timeline` can still be seen by anybody but opens.
    pub(crate) fn is_needed(&self, timeline: TimelineId, created: Version, superseded: Version) -> bool {
        let floor = self
            .timelines
            .get(timeline)
            .map_or(Version::ZERO, |timeline| timeline.readable_from);
        superseded > floor || self.holds.any(timeline, created, superseded)
    }
}

pub(crate) fn counters_key() -> Vec<u8> {
    Key::new(Family::Global).bytes(b"counters").done()
}

/// The key of the row that says how many objects there are.
pub(crate) fn totals_key() -> Vec<u8> {
    Key::new(Family::Global).bytes(b"objects").done()
}

/// How many objects there are: as the row says, or counted where no program that keeps it has written one yet.
pub(crate) fn object_totals<R: Rows>(rows: &R) -> Result<ObjectTotals> {
    match rows.get(&totals_key())? {
        Some(bytes) => ObjectTotals::decode(&bytes),
        None => count_objects(rows),
    }
}

/// How many objects there are, counted.
pub(crate) fn count_objects<R: Rows>(rows: &R) -> Result<ObjectTotals> {
    let mut totals = ObjectTotals::default();
    for_each(rows, &[Family::Object as u8], |_, value| {
        totals.count(&ObjectRow::decode(value)?);
        Ok(())
    })?;
    Ok(totals)
}

/// Visits every row of a prefix with a visitor that can fail.
pub(crate) fn for_each<R: Rows>(
    rows: &R,
    prefix: &[u8],
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<()>,
) -> Result<()> {
    let mut failed = None;
    rows.scan(Scan::prefix(prefix), &mut |key, value| match visit(key, value) {
        Ok(()) => Visit::Next,
        Err(error) => {
            failed = Some(error);
            Visit::Stop
        }
    })?;
    failed.map_or(Ok(()), Err)
}
