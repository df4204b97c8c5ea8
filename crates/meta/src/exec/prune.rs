//! Removing superseded rows that nobody can see any more.
//!
//! The prune index lists what was superseded, by timeline and version. When a hold goes, or the time-travel
//! window moves, an interval of that index is queued as a row; a step looks at what is listed there, removes
//! what is not needed and rewrites the list. So a crash loses no work, and nothing is looked at that could not
//! have been freed by what happened.

use crate::Result;
use crate::batch::{Batch, Retired};
use crate::exec::timelines::prune_work_key;
use crate::keys::{self, Family, Key, take_id};
use crate::rows::{PruneWorkRow, Record};
use crate::{Error, exec::work::STEP_ROWS_MAX};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::codec::Take;
use nokv_types::{Ino, Node, Outcome, TimelineId, Version};

/// An interval to look at.
struct Interval {
    key: Vec<u8>,
    timeline: TimelineId,
    low: Version,
    row: PruneWorkRow,
}

/// A row of the prune index.
struct Listed {
    key: Vec<u8>,
    version: Version,
    piece: u64,
    items: Vec<Retired>,
}

impl<R: Rows> Batch<'_, R> {
    /// Looks at about `rows_max` superseded rows that may be free now, and removes those that are.
    pub(crate) fn prune(&mut self, rows_max: u32) -> Result<Outcome> {
        let mut budget = rows_max.clamp(1, STEP_ROWS_MAX) as usize;
        let mut done = 0;
        while budget > 0
            && let Some(interval) = self.next_interval()?
        {
            let (looked, removed) = self.prune_interval(&interval, budget)?;
            budget = budget.saturating_sub(looked.max(1));
            done += removed;
        }
        let more = self.next_interval()?.is_some();
        Ok(Outcome::Worked { done, more })
    }

    fn next_interval(&self) -> Result<Option<Interval>> {
        let prefix = prune_work_prefix();
        let Some((key, value)) = first_row(&self.txn, &prefix)? else {
            return Ok(None);
        };
        let malformed = || Error::corrupt("malformed key", "prune work");
        let (timeline, rest) = take_id(&key[prefix.len()..]).ok_or_else(malformed)?;
        let (low, _) = take_id(rest).ok_or_else(malformed)?;
        let row = PruneWorkRow::decode(&value)?;
        Ok(Some(Interval {
            key,
            timeline: TimelineId(timeline),
            low: Version(low),
            row,
        }))
    }

    /// Answers how many items were looked at, and how many rows removed.
    fn prune_interval(&mut self, interval: &Interval, budget: usize) -> Result<(usize, u64)> {
        let timeline = interval.timeline;
        self.txn.delete(interval.key.clone());
        if self.state.timelines.get(timeline).is_none_or(|line| line.freeing) {
            return Ok((1, 0));
        }
        let (listed, more) = self.listed(interval, budget)?;
        let (mut looked, mut removed) = (0, 0);
        let mut position = (interval.low, interval.row.piece);
        for row in listed {
            position = (row.version, row.piece);
            looked += row.items.len();
            removed += self.prune_listed(timeline, row)?;
        }
        if more {
            self.queue_prune(timeline, position, interval.row.high)?;
        }
        Ok((looked, removed))
    }

    /// Rows of the index in an interval, until they list `budget` items; and whether there are more.
    fn listed(&self, interval: &Interval, budget: usize) -> Result<(Vec<Listed>, bool)> {
        let prefix = Key::new(Family::Prune).id(interval.timeline.0).done();
        let after = Key::new(Family::Prune)
            .id(interval.timeline.0)
            .id(interval.low.0)
            .id(interval.row.piece)
            .done();
        let (mut listed, mut items, mut more, mut failed) = (Vec::new(), 0, false, None);
        self.txn.scan(
            Scan::prefix(&prefix).after(&after),
            &mut |key, value| match read_listed(key, prefix.len(), value) {
                Some(row) if row.version > interval.row.high => Visit::Stop,
                Some(_) if items >= budget => {
                    more = true;
                    Visit::Stop
                }
                Some(row) => {
                    items += row.items.len();
                    listed.push(row);
                    Visit::Next
                }
                None => {
                    failed = Some(Error::corrupt("malformed row", "prune index"));
                    Visit::Stop
                }
            },
        )?;
        failed.map_or(Ok((listed, more)), Err)
    }

    /// Removes what one row of the index lists and nobody needs; answers how many rows went.
    fn prune_listed(&mut self, timeline: TimelineId, listed: Listed) -> Result<u64> {
        let before = listed.items.len();
        let mut kept = Vec::new();
        for item in listed.items {
            if !self.prune_item(timeline, listed.version, &item)? {
                kept.push(item);
            }
        }
        let removed = before - kept.len();
        if kept.is_empty() {
            self.txn.delete(listed.key);
        } else if removed > 0 {
            let mut value = Vec::new();
            for item in &kept {
                item.encode(&mut value);
            }
            self.txn.put(listed.key, value);
        }
        Ok(removed as u64)
    }

    /// Removes a row that was superseded at `version` unless somebody needs it; answers whether it is gone.
    fn prune_item(&mut self, timeline: TimelineId, version: Version, item: &Retired) -> Result<bool> {
        match item {
            Retired::History {
                family,
                rest,
                created,
            } => {
                if self.state.is_needed(timeline, *created, version) {
                    return Ok(false);
                }
                self.txn.delete(keys::history(*family, timeline, rest, *created));
            }
            Retired::Body {
                ino,
                range,
                generation,
            } => {
                if self.state.is_needed(timeline, *generation, version) {
                    return Ok(false);
                }
                if self.state.opens.holds(timeline, *ino, *generation, version) {
                    self.txn.put(waiting_key(timeline, *ino, Some(version)), vec![1]);
                    return Ok(false);
                }
                self.drop_body_row(timeline, *ino, *range, *generation)?;
            }
        }
        Ok(true)
    }

    /// A file was closed: has the pruner look again at what only that open file kept.
    pub(crate) fn retry_waiting(&mut self, node: Node) -> Result<()> {
        let prefix = waiting_key(node.timeline, node.ino, None);
        let mut waiting = Vec::new();
        self.txn.scan(Scan::prefix(&prefix), &mut |key, _| {
            waiting.push(key.to_vec());
            Visit::Next
        })?;
        for key in waiting {
            let (version, _) =
                take_id(&key[prefix.len()..]).ok_or_else(|| Error::corrupt("malformed key", "prune work"))?;
            self.txn.delete(key);
            let before = (Version(version.saturating_sub(1)), u64::MAX);
            self.queue_prune(node.timeline, before, Version(version))?;
        }
        Ok(())
    }

    /// The window now begins at `floor`: queues what was superseded since it began at `before`.
    pub(crate) fn queue_window(&mut self, before: Version, floor: Version) -> Result<()> {
        let prefix = [Family::Prune as u8];
        let mut after = prefix.to_vec();
        loop {
            let Some(timeline) = self.next_listed_timeline(&prefix, &after)? else {
                return Ok(());
            };
            let low = Key::new(Family::Prune)
                .id(timeline.0)
                .id(before.0)
                .id(u64::MAX)
                .done();
            let own = Key::new(Family::Prune).id(timeline.0).done();
            let mut first = None;
            self.txn.scan(Scan::prefix(&own).after(&low), &mut |key, _| {
                first = take_id(&key[own.len()..]).map(|(version, _)| version);
                Visit::Stop
            })?;
            if first.is_some_and(|first| first <= floor.0)
                && !self.extend_interval(timeline, before, floor)?
            {
                self.queue_prune(timeline, (before, u64::MAX), floor)?;
            }
            after = own;
            after.push(u8::MAX);
        }
    }

    fn next_listed_timeline(&self, prefix: &[u8], after: &[u8]) -> Result<Option<TimelineId>> {
        let mut found = None;
        self.txn.scan(Scan::prefix(prefix).after(after), &mut |key, _| {
            found = take_id(&key[prefix.len()..]).map(|(id, _)| TimelineId(id));
            Visit::Stop
        })?;
        Ok(found)
    }

    /// Moves the end of an interval that reaches up to `from`; answers whether there is one.
    fn extend_interval(&mut self, timeline: TimelineId, from: Version, to: Version) -> Result<bool> {
        let mut prefix = prune_work_prefix();
        prefix.extend(Key::rest().id(timeline.0).done());
        let Some((key, value)) = first_row(&self.txn, &prefix)? else {
            return Ok(false);
        };
        let mut row = PruneWorkRow::decode(&value)?;
        let low = take_id(&key[prefix.len()..]).map(|(low, _)| low);
        if row.high < from || low.is_none_or(|low| low > from.0) {
            return Ok(false);
        }
        row.high = row.high.max(to);
        self.txn.put(key, row.encode());
        Ok(true)
    }
}

/// The prefix of all intervals that wait for the pruner.
pub(crate) fn prune_work_prefix() -> Vec<u8> {
    let mut prefix = prune_work_key(TimelineId(0), Version(0));
    prefix.truncate(Key::new(Family::PruneWork).id(0).done().len());
    prefix
}

/// The key of a superseded body row that an open file keeps, or the prefix of all of the file.
pub(crate) fn waiting_key(timeline: TimelineId, ino: Ino, version: Option<Version>) -> Vec<u8> {
    let key = Key::new(Family::PruneWork).id(1).id(timeline.0).id(ino.0);
    match version {
        Some(version) => key.id(version.0).done(),
        None => key.done(),
    }
}

/// The first row of a prefix.
pub(crate) fn first_row<R: Rows>(rows: &R, prefix: &[u8]) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
    let mut first = None;
    rows.scan(Scan::prefix(prefix), &mut |key, value| {
        first = Some((key.to_vec(), value.to_vec()));
        Visit::Stop
    })?;
    Ok(first)
}

fn read_listed(key: &[u8], head: usize, value: &[u8]) -> Option<Listed> {
    let (version, rest) = take_id(key.get(head..)?)?;
    let (piece, rest) = take_id(rest)?;
    let mut take = Take::new(value);
    let mut items = Vec::new();
    while !take.is_empty() {
        items.push(Retired::take(&mut take)?);
    }
    rest.is_empty().then(|| Listed {
        key: key.to_vec(),
        version: Version(version),
        piece,
        items,
    })
}
