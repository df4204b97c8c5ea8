//! Timelines as such: making one, changing its row, giving it up; holds on versions; where a branch may start.
//!
//! Owns: the rows of timelines and holds. A command checks everything before it calls anything here, because
//! what is kept in memory beside the rows is changed at once. Must not know why a timeline is made.

mod changed;
mod holds;
mod origin;

pub(crate) use holds::prune_work_key;
pub(crate) use origin::Start;

use crate::batch::Batch;
use crate::keys::{self, Family, Key};
use crate::mvcc;
use crate::rows::{Inode, Record, RootRow, Timeline, Uncounted, Usage};
use crate::state::Timelines;
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{
    Code, Event, EventKind, Ino, Node, QuotaId, ReadPoint, Refusal, RootInfo, TimelineId, show_bytes,
};
use std::sync::Arc;

/// Most timelines of a workspace, those included that wait to be freed.
pub(crate) const TIMELINES_MAX: usize = 65_536;
/// Most ancestors that a timeline may have.
pub(crate) const DEPTH_MAX: u32 = 64;
/// With more ancestors than this a timeline is flattened in the background.
pub(crate) const DEPTH_FLATTEN: u32 = 8;
/// Longest name of a root or key of a pin, in bytes.
pub(crate) const KEY_NAME_BYTES_MAX: usize = 255;

impl<R: Rows> Batch<'_, R> {
    /// Refuses when no further timeline may be made, or not with this parent.
    pub(crate) fn check_room(&self, parent: Option<TimelineId>, subject: &[u8]) -> Result<()> {
        if self.state.timelines.len() >= TIMELINES_MAX {
            return Err(Refusal::new(Code::TooMany, show_bytes(subject))
                .detail("there are 65536 timelines; delete forks and snapshots, and run gc")
                .into());
        }
        if parent.is_some_and(|parent| self.state.timelines.depth(parent) >= DEPTH_MAX) {
            return Err(Refusal::new(Code::TooDeep, show_bytes(subject))
                .detail("it has 64 ancestors; they are flattened in the background")
                .into());
        }
        Ok(())
    }

    /// Makes a live timeline, numbered by the running command; it holds the version that it begins at.
    pub(crate) fn add_timeline(&mut self, origin: Option<ReadPoint>, root: Ino) -> Result<TimelineId> {
        let id = TimelineId(self.version.0);
        let link = origin.map(|at| (at.timeline, at.version));
        if let Some(at) = origin {
            self.note_unwatched(at)?;
            self.hold(at);
        }
        let mut line = Timeline::new(link, root, self.version);
        if let Some(at) = origin {
            line.uncounted = self.uncounted(at, root)?;
        }
        self.write_timeline(id, line);
        if origin.is_some() {
            self.state.reclaims.insert(id, Ino(0));
        }
        Ok(id)
    }

    fn uncounted(&self, at: ReadPoint, root: Ino) -> Result<Option<Uncounted>> {
        let is_quota_root = |quota| self.state.quotas.get(quota).is_some_and(|row| row.root == root);
        uncounted(&self.txn, &self.state.timelines, &is_quota_root, at, root)
    }

    /// No root points at the timeline any more: it is kept only for those who hold or read it.
    pub(crate) fn leave_timeline(&mut self, id: TimelineId) {
        self.change_timeline(id, |timeline| timeline.live = false);
    }

    /// Changes a timeline's row, in the table and in the store.
    pub(crate) fn change_timeline(&mut self, id: TimelineId, change: impl FnOnce(&mut Timeline)) {
        if let Some(mut timeline) = self.state.timelines.get(id).cloned() {
            change(&mut timeline);
            self.write_timeline(id, timeline);
        }
    }

    fn write_timeline(&mut self, id: TimelineId, timeline: Timeline) {
        self.txn.put(timeline_key(id), timeline.encode());
        Arc::make_mut(&mut self.state.timelines).insert(id, timeline);
    }

    /// The root of this name.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub(crate) fn root_row(&self, name: &[u8]) -> Result<RootRow> {
        let row = self.txn.get(&root_key(name))?;
        row.map(|bytes| RootRow::decode(&bytes))
            .transpose()?
            .ok_or_else(|| Error::refused(Code::NotFound, format!("root {}", show_bytes(name))))
    }

    /// Writes a root's row and tells what it points at now.
    pub(crate) fn write_root(&mut self, name: &[u8], row: &RootRow, kind: EventKind) -> RootInfo {
        self.txn.put(root_key(name), row.encode());
        self.root_event(kind, Node::new(row.timeline, row.ino), name);
        let origin = self
            .state
            .timelines
            .get(row.timeline)
            .and_then(|line| line.origin);
        RootInfo {
            name: name.to_vec(),
            kind: row.kind,
            node: Node::new(row.timeline, row.ino),
            parent: origin.map(|(timeline, version)| ReadPoint { timeline, version }),
            since: row.since,
        }
    }

    /// Notes something that happened to a root, snapshot or timeline of this name.
    pub(crate) fn root_event(&mut self, kind: EventKind, node: Node, name: &[u8]) {
        let event = Event {
            version: self.version,
            kind,
            timeline: node.timeline,
            ino: node.ino,
            parent: node.ino,
            name: name.to_vec(),
            from: None,
            generation: nokv_types::Version::ZERO,
            actor: self.actor(),
        };
        self.event(event);
    }
}

/// What the counters at a state hold that is not charged to a fork of the directory `root` in it.
///
/// A fork starts with the counter of its quota root; of another subtree nobody knows in one step what lies in it,
/// so such a fork is charged only what it adds.
pub(crate) fn uncounted<R: Rows>(
    rows: &R,
    timelines: &Timelines,
    is_quota_root: &dyn Fn(QuotaId) -> bool,
    at: ReadPoint,
    root: Ino,
) -> Result<Option<Uncounted>> {
    let line = timelines.get(at.timeline);
    if line.is_some_and(|line| line.root == root) {
        return Ok(line.and_then(|line| line.uncounted));
    }
    let found = mvcc::read(rows, timelines, at, Family::Inode, &keys::inode(root))?;
    let Some(Inode::Directory(_, attr)) = found.map(|found| Inode::decode(&found.value)).transpose()? else {
        return Ok(None);
    };
    let counter = |quota: QuotaId| -> Result<(u64, u64)> {
        let found = mvcc::read(rows, timelines, at, Family::Usage, &keys::usage(quota))?;
        let usage = found.map(|found| Usage::decode(&found.value)).transpose()?;
        let usage = usage.unwrap_or_default();
        Ok((usage.bytes, usage.inodes))
    };
    let (quota, own, all) = (attr.quota, counter(attr.quota)?, counter(QuotaId::WORKSPACE)?);
    Ok(Some(if quota != QuotaId::WORKSPACE && is_quota_root(quota) {
        let all = (all.0.saturating_sub(own.0), all.1.saturating_sub(own.1));
        Uncounted {
            quota,
            own: (0, 0),
            all,
        }
    } else {
        Uncounted { quota, own, all }
    }))
}

pub(crate) fn timeline_key(id: TimelineId) -> Vec<u8> {
    Key::new(Family::Timeline).id(id.0).done()
}

pub(crate) fn root_key(name: &[u8]) -> Vec<u8> {
    Key::new(Family::Root).bytes(name).done()
}

/// Refuses what cannot be the key of a pin or of a holder: 1..=255 bytes without NUL.
pub(crate) fn check_key(key: &[u8]) -> Result<()> {
    if key.is_empty() || key.len() > KEY_NAME_BYTES_MAX || key.contains(&0) {
        return Err(Refusal::new(Code::NameInvalid, show_bytes(key))
            .detail("a key has 1..=255 bytes and no NUL")
            .into());
    }
    Ok(())
}
