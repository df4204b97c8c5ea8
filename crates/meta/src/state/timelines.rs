//! The table of timelines that reads are resolved with.

use crate::rows::TimelineRow;
use nokv_types::{Ino, TimelineId, Version};
use std::collections::BTreeMap;

/// One timeline, as readers need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// Where rows that this timeline has not are read: the timeline, and the version up to which.
    pub parent: Option<(TimelineId, Version)>,
    /// Its root directory.
    pub root: Ino,
    /// Versions below this are readable only where they are pinned.
    pub readable_from: Version,
    /// Whether it may be written.
    pub live: bool,
}

/// Every timeline by its id.
#[derive(Debug, Clone, Default)]
pub struct Timelines {
    table: BTreeMap<TimelineId, Timeline>,
}

impl Timelines {
    /// The timeline with this id.
    pub fn get(&self, id: TimelineId) -> Option<&Timeline> {
        self.table.get(&id)
    }

    /// How many ancestors a timeline has.
    pub fn depth(&self, id: TimelineId) -> u32 {
        let mut depth = 0;
        let mut at = self.get(id).and_then(|timeline| timeline.parent);
        while let Some((parent, _)) = at {
            depth += 1;
            at = self.get(parent).and_then(|timeline| timeline.parent);
        }
        depth
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (TimelineId, &Timeline)> {
        self.table.iter().map(|(id, timeline)| (*id, timeline))
    }

    pub(crate) fn insert(&mut self, id: TimelineId, row: TimelineRow) {
        let TimelineRow {
            parent,
            root,
            readable_from,
            live,
        } = row;
        self.table.insert(
            id,
            Timeline {
                parent,
                root,
                readable_from,
                live,
            },
        );
    }

    pub(crate) fn remove(&mut self, id: TimelineId) {
        self.table.remove(&id);
    }
}
