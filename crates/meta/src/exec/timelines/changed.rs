//! Whether a timeline was changed since a version that is held: what a promote has to know.
//!
//! A timeline's row keeps one version of a change, and it is written only by the first change after the newest
//! hold: it then lies after all holds that it was changed after, and before those that it was not.

use crate::Result;
use crate::batch::Batch;
use crate::keys::{Family, Key, take_id};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::{EventKind, ReadPoint, TimelineId, Version};

impl<R: Rows> Batch<'_, R> {
    /// Called at the end of every command: notes the first change after a hold.
    pub(crate) fn note_changes(&mut self) {
        if self.state.watched.is_empty() {
            return;
        }
        let changed: Vec<TimelineId> = self
            .scratch
            .events
            .iter()
            .filter(|event| is_change(event.kind) && self.state.watched.contains(&event.timeline))
            .map(|event| event.timeline)
            .collect();
        for timeline in changed {
            if self.state.watched.remove(&timeline) {
                let version = self.version;
                self.change_timeline(timeline, |line| line.changed = version);
            }
        }
    }

    /// Before a version is held that nobody held yet: whether it was changed since is in no row then, so the
    /// index of what was superseded is asked. Every change supersedes at least a directory, unless that was
    /// inherited and is written here for the first time: a timeline that was branched counts as changed, which
    /// a promote refuses until it is told to discard the changes.
    pub(crate) fn note_unwatched(&mut self, at: ReadPoint) -> Result<()> {
        let ReadPoint { timeline, version } = at;
        if version >= self.version || self.state.holds.is_held(timeline, version) {
            return Ok(());
        }
        let line = self.state.timelines.get(timeline);
        let known = line.map_or(version, |line| line.changed);
        let is_branched = line.is_some_and(|line| line.origin.is_some());
        if known <= version && (is_branched || self.superseded_after(timeline, version)?) {
            let now = self.version;
            self.change_timeline(timeline, |line| line.changed = now);
        }
        Ok(())
    }

    fn superseded_after(&self, timeline: TimelineId, version: Version) -> Result<bool> {
        let prefix = Key::new(Family::Prune).id(timeline.0).done();
        let after = Key::new(Family::Prune)
            .id(timeline.0)
            .id(version.0)
            .id(u64::MAX)
            .done();
        let mut found = false;
        self.txn
            .scan(Scan::prefix(&prefix).after(&after), &mut |key, _| {
                found = take_id(&key[prefix.len()..]).is_some();
                Visit::Stop
            })?;
        Ok(found)
    }
}

/// Whether an event is a change of the namespace (and not of what stands around it).
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Create
        | EventKind::Remove
        | EventKind::Rename
        | EventKind::Attributes
        | EventKind::Xattr
        | EventKind::Publish
        | EventKind::Link => true,
        EventKind::Snapshot | EventKind::Fork | EventKind::Rollback | EventKind::Quota => false,
    }
}
