//! Removing the rows of timelines that nothing refers to any more.

use crate::batch::Batch;
use crate::exec::timelines::timeline_key;
use crate::exec::work::STEP_ROWS_MAX;
use crate::keys::{self, Family, Key, split_inverted, take_id};
use crate::state::{State, quota_key};
use crate::{Error, Result};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::{Ino, Outcome, QuotaId, ReadPoint, TimelineId};
use std::sync::Arc;

/// The families whose keys start with a timeline, without bodies and history.
const FAMILIES: [Family; 9] = [
    Family::Dentry,
    Family::Inode,
    Family::Link,
    Family::Usage,
    Family::Xattr,
    Family::Prune,
    Family::Detached,
    Family::Orphan,
    Family::Flatten,
];

impl State {
    /// A timeline that no root, pin, child or open file needs.
    pub(crate) fn first_free_timeline(&self) -> Option<TimelineId> {
        let is_free = |id: TimelineId| {
            !self.holds.holds_timeline(id)
                && !self.opens.holds_timeline(id)
                && !self.timelines.is_looked_back_at(id)
        };
        let mut dead = self.timelines.iter().filter(|(_, timeline)| !timeline.live);
        dead.find(|(id, timeline)| timeline.freeing || is_free(*id))
            .map(|(id, _)| id)
    }
}

impl<R: Rows> Batch<'_, R> {
    /// Removes about `rows_max` rows of timelines that nothing refers to; the timelines too, when they are empty.
    pub(crate) fn free_timelines(&mut self, rows_max: u32) -> Result<Outcome> {
        let mut budget = rows_max.clamp(1, STEP_ROWS_MAX) as usize;
        let mut done = 0;
        if self.state.first_free_timeline().is_some() {
            // What the batch changed there so far must not be written behind the last row that goes.
            self.flush_touched()?;
        }
        while budget > 0
            && let Some(timeline) = self.state.first_free_timeline()
        {
            if self
                .state
                .timelines
                .get(timeline)
                .is_some_and(|line| !line.freeing)
            {
                self.change_timeline(timeline, |line| line.freeing = true);
            }
            let removed = self.free_rows(timeline, budget)?;
            done += removed as u64;
            budget -= removed.min(budget);
            if budget > 0 {
                self.drop_timeline(timeline)?;
                budget -= 1;
                done += 1;
            }
        }
        let more = self.state.first_free_timeline().is_some();
        Ok(Outcome::Worked { done, more })
    }

    /// Removes rows of a timeline, at most `budget`; fewer only when none are left.
    fn free_rows(&mut self, timeline: TimelineId, budget: usize) -> Result<usize> {
        let mut removed = self.free_bodies(timeline, budget)?;
        let mut prefixes: Vec<Vec<u8>> = FAMILIES
            .into_iter()
            .map(|family| Key::new(family).id(timeline.0).done())
            .collect();
        prefixes.extend(Family::VERSIONED.into_iter().map(|family| {
            let history = Key::new(Family::History).bytes(&[family as u8]);
            history.id(timeline.0).done()
        }));
        prefixes.extend([0, 1].map(|kind| Key::new(Family::PruneWork).id(kind).id(timeline.0).done()));
        for prefix in prefixes {
            if removed >= budget {
                break;
            }
            for key in self.keys_below(&prefix, budget - removed)? {
                if key[0] == Family::Usage as u8 {
                    self.drop_quota_of(timeline, &key)?;
                }
                self.txn.delete(key);
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// The usage row of a quota root goes with its timeline: with the last one of all timelines, the limits go too.
    fn drop_quota_of(&mut self, timeline: TimelineId, usage: &[u8]) -> Result<()> {
        let rest = take_id(&usage[1..]).and_then(|(_, rest)| take_id(rest));
        let quota = rest.ok_or_else(|| Error::corrupt("malformed key", "usage"))?.0;
        let quota = QuotaId(quota);
        if quota == QuotaId::WORKSPACE || self.state.quotas.get(quota).is_none() {
            return Ok(());
        }
        // Ancestors first: nearly always one of them has it.
        let (mut others, mut at) = (Vec::new(), timeline);
        while let Some((parent, _)) = self.state.timelines.get(at).and_then(|line| line.parent) {
            others.push(parent);
            at = parent;
        }
        others.extend(self.state.timelines.iter().map(|(id, _)| id));
        for other in others.into_iter().filter(|other| *other != timeline) {
            let key = keys::current(Family::Usage, other, &keys::usage(quota));
            if self.txn.get(&key)?.is_some() {
                return Ok(());
            }
        }
        self.txn.delete(quota_key(quota));
        self.state.quotas.remove(quota);
        Ok(())
    }

    /// Removes body rows, and with them their references to objects.
    fn free_bodies(&mut self, timeline: TimelineId, budget: usize) -> Result<usize> {
        let prefix = Key::new(Family::Body).id(timeline.0).done();
        let keys = self.keys_below(&prefix, budget)?;
        for key in &keys {
            let parsed = split_inverted(key).and_then(|(front, generation)| {
                let (ino, rest) = take_id(front.get(prefix.len()..)?)?;
                let (range, rest) = take_id(rest)?;
                rest.is_empty().then_some((Ino(ino), range, generation))
            });
            let (ino, range, generation) =
                parsed.ok_or_else(|| Error::corrupt("malformed key", "body row"))?;
            self.drop_body_row(timeline, ino, range, generation)?;
        }
        Ok(keys.len())
    }

    fn keys_below(&self, prefix: &[u8], max: usize) -> Result<Vec<Vec<u8>>> {
        let mut keys = Vec::new();
        if max == 0 {
            return Ok(keys);
        }
        self.txn.scan(Scan::prefix(prefix), &mut |key, _| {
            keys.push(key.to_vec());
            if keys.len() == max {
                Visit::Stop
            } else {
                Visit::Next
            }
        })?;
        Ok(keys)
    }

    /// Forgets an empty timeline; its parent is no longer held by it.
    fn drop_timeline(&mut self, timeline: TimelineId) -> Result<()> {
        let parent = self.state.timelines.get(timeline).and_then(|line| line.parent);
        self.txn.delete(timeline_key(timeline));
        self.state.watched.remove(&timeline);
        self.state.reclaims.remove(&timeline);
        Arc::make_mut(&mut self.state.timelines).remove(timeline);
        match parent {
            Some((timeline, version)) => self.unhold(ReadPoint { timeline, version }),
            None => Ok(()),
        }
    }
}
