//! Which versions of which timelines are held: by pins and by the branch points of children.

use nokv_types::{TimelineId, Version};
use std::collections::BTreeMap;

/// Counted holds, by timeline and version.
#[derive(Debug, Clone, Default)]
pub(crate) struct Holds {
    counts: BTreeMap<(TimelineId, Version), u32>,
}

impl Holds {
    pub(crate) fn add(&mut self, timeline: TimelineId, version: Version) {
        *self.counts.entry((timeline, version)).or_default() += 1;
    }

    /// Takes one hold away; answers whether it was the last one of that version.
    pub(crate) fn remove(&mut self, timeline: TimelineId, version: Version) -> bool {
        let Some(count) = self.counts.get_mut(&(timeline, version)) else {
            return false;
        };
        *count -= 1;
        if *count == 0 {
            self.counts.remove(&(timeline, version));
            return true;
        }
        false
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

    /// Whether any version of the timeline is held.
    pub(crate) fn holds_timeline(&self, timeline: TimelineId) -> bool {
        self.counts
            .range((timeline, Version::ZERO)..=(timeline, Version::HEAD))
            .next()
            .is_some()
    }

    /// Whether exactly this version is held.
    pub(crate) fn is_held(&self, timeline: TimelineId, version: Version) -> bool {
        self.counts.contains_key(&(timeline, version))
    }
}
