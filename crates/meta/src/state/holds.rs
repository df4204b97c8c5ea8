//! Which versions of which timelines are held: by pins and by the branch points of children.

use crate::keys::{self, Family, Key};
use crate::state::for_each;
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::codec::{Take, put_varint};
use nokv_types::{TimelineId, Version};
use std::collections::BTreeMap;

/// Counted holds, by timeline and version; every one of them is a row as well.
#[derive(Debug, Clone, Default)]
pub(crate) struct Holds {
    counts: BTreeMap<(TimelineId, Version), u32>,
}

impl Holds {
    /// Adds a hold; answers how many there are of that version now.
    pub(crate) fn add(&mut self, timeline: TimelineId, version: Version) -> u32 {
        let count = self.counts.entry((timeline, version)).or_default();
        *count += 1;
        *count
    }

    /// Takes one hold away; answers how many are left of that version.
    pub(crate) fn remove(&mut self, timeline: TimelineId, version: Version) -> u32 {
        let Some(count) = self.counts.get_mut(&(timeline, version)) else {
            return 0;
        };
        *count -= 1;
        let left = *count;
        if left == 0 {
            self.counts.remove(&(timeline, version));
        }
        left
    }

    /// Whether a version in [from, to) is held.
    pub(crate) fn any(&self, timeline: TimelineId, from: Version, to: Version) -> bool {
        from < to
            && self
                .counts
                .range((timeline, from)..(timeline, to))
                .next()
                .is_some()
    }

    /// The lowest held version above `version`.
    pub(crate) fn next_above(&self, timeline: TimelineId, version: Version) -> Option<Version> {
        let from = (timeline, Version(version.0.saturating_add(1)));
        self.counts
            .range(from..=(timeline, Version::HEAD))
            .next()
            .map(|((_, held), _)| *held)
    }

    /// The newest held version of the timeline.
    pub(crate) fn newest(&self, timeline: TimelineId) -> Option<Version> {
        self.counts
            .range((timeline, Version::ZERO)..=(timeline, Version::HEAD))
            .next_back()
            .map(|((_, held), _)| *held)
    }

    /// Whether any version of the timeline is held.
    pub(crate) fn holds_timeline(&self, timeline: TimelineId) -> bool {
        self.newest(timeline).is_some()
    }

    /// Whether exactly this version is held.
    pub(crate) fn is_held(&self, timeline: TimelineId, version: Version) -> bool {
        self.counts.contains_key(&(timeline, version))
    }

    /// Every held version, with how often it is held.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (TimelineId, Version, u32)> {
        self.counts
            .iter()
            .map(|((timeline, version), count)| (*timeline, *version, *count))
    }

    /// Reads the rows that hold versions.
    pub(crate) fn load<R: Rows>(rows: &R) -> Result<Self> {
        let mut holds = Self::default();
        for_each(rows, &[Family::Held as u8], |key, value| {
            let (timeline, version) = keys::take_id(&key[1..])
                .and_then(|(timeline, rest)| Some((timeline, keys::take_id(rest)?.0)))
                .ok_or_else(|| Error::corrupt("malformed key", "held version"))?;
            holds
                .counts
                .insert((TimelineId(timeline), Version(version)), decode_count(value)?);
            Ok(())
        })?;
        Ok(holds)
    }
}

/// The key of the row that counts the holds of a version.
pub(crate) fn held_key(timeline: TimelineId, version: Version) -> Vec<u8> {
    Key::new(Family::Held).id(timeline.0).id(version.0).done()
}

/// The value of that row.
pub(crate) fn encode_count(count: u32) -> Vec<u8> {
    let mut out = vec![crate::rows::SCHEMA];
    put_varint(&mut out, u64::from(count));
    out
}

fn decode_count(bytes: &[u8]) -> Result<u32> {
    let mut take = Take::new(bytes);
    let count = take
        .u8()
        .filter(|schema| *schema == crate::rows::SCHEMA)
        .and_then(|_| take.varint_u32())
        .filter(|count| *count > 0 && take.is_empty());
    count.ok_or_else(|| Error::corrupt("malformed record", "held version"))
}
