//! Which generations of which files are held open: the index that unlink and the pruner ask.
//!
//! Owns: a count per (timeline, inode, generation) and per session, rebuilt from the rows of open files.

use crate::Result;
use crate::keys::Family;
use crate::rows::{OpenRow, Record};
use crate::state::for_each;
use crate::state::sessions::session_of;
use nokv_store::Rows;
use nokv_types::{Ino, Node, SessionId, TimelineId, Version};
use std::collections::BTreeMap;

/// Most files that one session holds open.
pub(crate) const OPENS_PER_SESSION_MAX: u32 = 1 << 20;

/// Open files by what they hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Opens {
    held: BTreeMap<(TimelineId, Ino, Version), u32>,
    by_session: BTreeMap<SessionId, u32>,
}

impl Opens {
    pub(crate) fn load<R: Rows>(rows: &R) -> Result<Self> {
        let mut opens = Self::default();
        for_each(rows, &[Family::Open as u8], |key, value| {
            opens.add(session_of(key)?, &OpenRow::decode(value)?);
            Ok(())
        })?;
        Ok(opens)
    }

    pub(crate) fn add(&mut self, session: SessionId, row: &OpenRow) {
        *self
            .held
            .entry((row.timeline, row.ino, row.generation))
            .or_default() += 1;
        *self.by_session.entry(session).or_default() += 1;
    }

    pub(crate) fn remove(&mut self, session: SessionId, row: &OpenRow) {
        take_one(&mut self.held, (row.timeline, row.ino, row.generation));
        take_one(&mut self.by_session, session);
    }

    /// Files that a session holds open.
    pub(crate) fn of_session(&self, session: SessionId) -> u32 {
        self.by_session.get(&session).copied().unwrap_or_default()
    }

    /// Whether anybody has the file open, at any generation.
    pub(crate) fn is_open(&self, node: Node) -> bool {
        !self.held.is_empty() && self.holds(node.timeline, node.ino, Version::ZERO, Version::HEAD)
    }

    /// Whether an open file reads a generation in [created, superseded).
    pub(crate) fn holds(
        &self,
        timeline: TimelineId,
        ino: Ino,
        created: Version,
        superseded: Version,
    ) -> bool {
        created < superseded
            && self
                .held
                .range((timeline, ino, created)..(timeline, ino, superseded))
                .next()
                .is_some()
    }

    /// Whether any file of the timeline is open.
    pub(crate) fn holds_timeline(&self, timeline: TimelineId) -> bool {
        let from = (timeline, Ino(0), Version::ZERO);
        let to = (timeline, Ino(u64::MAX), Version::HEAD);
        self.held.range(from..=to).next().is_some()
    }
}

fn take_one<K: Ord>(counts: &mut BTreeMap<K, u32>, key: K) {
    if let std::collections::btree_map::Entry::Occupied(mut count) = counts.entry(key) {
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }
}
