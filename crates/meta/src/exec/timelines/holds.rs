//! Holds on versions, and what the pruner has to look at when one goes.

use crate::Result;
use crate::batch::Batch;
use crate::keys::{Family, Key};
use crate::rows::{PruneWorkRow, Record};
use crate::state::{encode_count, held_key};
use nokv_store::Rows;
use nokv_types::{ReadPoint, TimelineId, Version};

impl<R: Rows> Batch<'_, R> {
    /// Holds a version of a timeline: nothing that it shows is pruned.
    pub(crate) fn hold(&mut self, at: ReadPoint) {
        let count = self.state.holds.add(at.timeline, at.version);
        self.txn
            .put(held_key(at.timeline, at.version), encode_count(count));
        let changed = self.state.timelines.get(at.timeline).map(|line| line.changed);
        if changed.is_some_and(|changed| changed <= at.version) {
            self.state.watched.insert(at.timeline);
        }
    }

    /// Takes back one [`Batch::hold`]; after the last one the pruner looks at what only that version needed.
    pub(crate) fn unhold(&mut self, at: ReadPoint) -> Result<()> {
        let ReadPoint { timeline, version } = at;
        let left = self.state.holds.remove(timeline, version);
        if left > 0 {
            self.txn.put(held_key(timeline, version), encode_count(left));
            return Ok(());
        }
        self.txn.delete(held_key(timeline, version));
        let Some(line) = self.state.timelines.get(timeline) else {
            return Ok(());
        };
        // What was superseded later is needed by the next hold, or looked at when the window has passed it.
        let window = line.readable_from;
        let next = self.state.holds.next_above(timeline, version);
        let high = next.map_or(window, |next| next.min(window));
        if high > version {
            self.queue_prune(timeline, (version, u64::MAX), high)?;
        }
        Ok(())
    }

    /// Has the pruner look at what was superseded after `from` (version, piece) and up to `high`.
    pub(crate) fn queue_prune(
        &mut self,
        timeline: TimelineId,
        from: (Version, u64),
        high: Version,
    ) -> Result<()> {
        let key = prune_work_key(timeline, from.0);
        let mut row = PruneWorkRow { high, piece: from.1 };
        if let Some(bytes) = self.txn.get(&key)? {
            let old = PruneWorkRow::decode(&bytes)?;
            row.high = row.high.max(old.high);
            row.piece = row.piece.min(old.piece);
        }
        self.txn.put(key, row.encode());
        Ok(())
    }
}

/// The key of an interval that the pruner must look at.
pub(crate) fn prune_work_key(timeline: TimelineId, low: Version) -> Vec<u8> {
    Key::new(Family::PruneWork).id(0).id(timeline.0).id(low.0).done()
}
