//! The table of timelines that reads are resolved with.

use crate::keys::{Family, Key, take_id};
use crate::rows::{Record, SCHEMA, Timeline};
use crate::state::{Holds, for_each};
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::codec::{Take, put_varint};
use nokv_types::{ReadPoint, TimelineId, Version};
use std::collections::{BTreeMap, BTreeSet};

/// Every timeline by its id.
#[derive(Debug, Clone, Default)]
pub struct Timelines {
    table: BTreeMap<TimelineId, Timeline>,
    /// Where the time-travel window begins, on every timeline.
    floor: Version,
}

impl Timelines {
    /// Reads the table.
    pub(crate) fn load<R: Rows>(rows: &R) -> Result<Self> {
        let mut timelines = Self::default();
        if let Some(bytes) = rows.get(&floor_key())? {
            timelines.floor = decode_floor(&bytes)?;
        }
        for_each(rows, &[Family::Timeline as u8], |key, value| {
            let (id, _) = take_id(&key[1..]).ok_or_else(|| Error::corrupt("malformed key", "timeline"))?;
            timelines.insert(TimelineId(id), Timeline::decode(value)?);
            Ok(())
        })?;
        Ok(timelines)
    }

    /// Those that were not changed since their newest hold was taken.
    pub(crate) fn unchanged(&self, holds: &Holds) -> BTreeSet<TimelineId> {
        let newest = |id| holds.newest(id);
        let branches = self.table.values().filter_map(|timeline| timeline.origin);
        let mut held: BTreeMap<TimelineId, Version> = BTreeMap::new();
        let pins = self.table.keys().filter_map(|id| Some((*id, newest(*id)?)));
        for (id, version) in branches.chain(pins) {
            let entry = held.entry(id).or_default();
            *entry = version.max(*entry);
        }
        let is_unchanged =
            |id: &TimelineId, version: Version| self.get(*id).is_some_and(|row| row.changed <= version);
        held.into_iter()
            .filter(|(id, version)| is_unchanged(id, *version))
            .map(|(id, _)| id)
            .collect()
    }

    /// The timeline with this id.
    pub fn get(&self, id: TimelineId) -> Option<&Timeline> {
        self.table.get(&id)
    }

    /// How many ancestors a read may have to ask.
    pub fn depth(&self, id: TimelineId) -> u32 {
        let mut depth = 0;
        let mut at = self.parent(id);
        while let Some((parent, _)) = at {
            depth += 1;
            at = self.parent(parent);
        }
        depth
    }

    /// The timeline on which the state of a point was written: a version up to the branch lies on the origin.
    ///
    /// `None` when that timeline is gone.
    pub fn settle(&self, at: ReadPoint) -> Option<ReadPoint> {
        let mut at = at;
        loop {
            let timeline = self.get(at.timeline).filter(|timeline| !timeline.freeing)?;
            match (timeline.parent, timeline.origin) {
                (Some((parent, branch)), _) if at.version <= branch => at.timeline = parent,
                (None, Some((origin, branch))) if at.version < branch => at.timeline = origin,
                _ => return Some(at),
            }
        }
    }

    /// The version up to which `id` shows what `ancestor` had; `None` when that is not where it comes from.
    pub(crate) fn branch_from(&self, id: TimelineId, ancestor: TimelineId) -> Option<Version> {
        let mut at = self.get(id)?.origin;
        let mut limit = Version::HEAD;
        while let Some((origin, branch)) = at {
            limit = limit.min(branch);
            if origin == ancestor {
                return Some(limit);
            }
            at = self.get(origin)?.origin;
        }
        None
    }

    /// Where the time-travel window begins.
    pub(crate) fn floor(&self) -> Version {
        self.floor
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (TimelineId, &Timeline)> {
        self.table.iter().map(|(id, timeline)| (*id, timeline))
    }

    pub(crate) fn insert(&mut self, id: TimelineId, mut timeline: Timeline) {
        timeline.readable_from = timeline.readable_from.max(self.floor);
        self.table.insert(id, timeline);
    }

    pub(crate) fn remove(&mut self, id: TimelineId) {
        self.table.remove(&id);
    }

    /// Moves the beginning of the time-travel window.
    pub(crate) fn set_floor(&mut self, floor: Version) {
        self.floor = floor;
        for timeline in self.table.values_mut() {
            timeline.readable_from = timeline.readable_from.max(floor);
        }
    }

    /// Whether versions inside the window are still read from `id` by a timeline that no longer needs it as a parent.
    pub(crate) fn is_looked_back_at(&self, id: TimelineId) -> bool {
        self.table.values().any(|timeline| {
            timeline.parent.is_none()
                && timeline
                    .origin
                    .is_some_and(|(origin, branch)| origin == id && branch > self.floor)
        })
    }

    fn parent(&self, id: TimelineId) -> Option<(TimelineId, Version)> {
        self.get(id).and_then(|timeline| timeline.parent)
    }
}

/// The key of the row that says where the time-travel window begins.
pub(crate) fn floor_key() -> Vec<u8> {
    Key::new(Family::Global).bytes(b"floor").done()
}

/// The value of that row.
pub(crate) fn encode_floor(floor: Version) -> Vec<u8> {
    let mut out = vec![SCHEMA];
    put_varint(&mut out, floor.0);
    out
}

fn decode_floor(bytes: &[u8]) -> Result<Version> {
    let mut take = Take::new(bytes);
    let floor = take
        .u8()
        .filter(|schema| *schema == SCHEMA)
        .and_then(|_| take.varint());
    floor
        .filter(|_| take.is_empty())
        .map(Version)
        .ok_or_else(|| Error::corrupt("malformed record", "window floor"))
}
