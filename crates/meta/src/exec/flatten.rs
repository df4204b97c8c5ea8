//! Copying what a deep timeline inherits, until it can be read without its ancestors.
//!
//! First pass: every row that the parent shows at the branch becomes a row of the timeline, with the version
//! that created it; where the timeline has changed the key, it becomes history of the timeline, while somebody
//! can see it. Each copy alone changes nothing that can be read, so writers and readers go on. Then the parent
//! is let go, and a second pass removes the tombstones that hid inherited rows.

use crate::batch::{Batch, Retired};
use crate::exec::work::STEP_ROWS_MAX;
use crate::keys::{self, Family, Key};
use crate::mvcc::{self, Entry, Framed};
use crate::read::BodyView;
use crate::rows::{Dentry, FlattenRow, Inode, Record};
use crate::{Error, Result};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::{Attr, Code, Ino, Node, Outcome, ReadPoint, TimelineId, Version};
use std::collections::BTreeSet;

/// The pass that copies what is inherited.
const PASS_COPY: u8 = 0;
/// The pass that removes tombstones.
const PASS_TOMBSTONES: u8 = 1;

impl<R: Rows> Batch<'_, R> {
    /// Flattens a timeline a little further.
    pub(crate) fn flatten(&mut self, timeline: TimelineId, rows_max: u32) -> Result<Outcome> {
        let nothing = Outcome::Worked { done: 0, more: false };
        let Some(line) = self.state.timelines.get(timeline).filter(|line| !line.freeing) else {
            return Ok(nothing);
        };
        let parent = line
            .parent
            .map(|(timeline, version)| ReadPoint { timeline, version });
        let key = flatten_key(timeline);
        let row = self
            .txn
            .get(&key)?
            .map(|bytes| FlattenRow::decode(&bytes))
            .transpose()?;
        if parent.is_none() && row.is_none() {
            return Ok(nothing);
        }
        let mut row = row.unwrap_or_default();
        let budget = rows_max.clamp(1, STEP_ROWS_MAX) as usize;
        let family = Family::VERSIONED
            .get(usize::from(row.family))
            .copied()
            .ok_or_else(|| Error::corrupt("no such family", "flatten progress"))?;
        let (done, last) = match parent {
            Some(parent) if row.pass == PASS_COPY => {
                self.copy_inherited(timeline, parent, (family, &row.after), budget)?
            }
            _ => self.sweep_tombstones(timeline, (family, &row.after), budget)?,
        };
        let more = self.advance_flatten(timeline, &mut row, last)?;
        if more {
            self.txn.put(key, row.encode());
        } else {
            self.txn.delete(key);
        }
        Ok(Outcome::Worked { done, more })
    }

    /// Notes where the next step goes on; answers whether there is one.
    fn advance_flatten(
        &mut self,
        timeline: TimelineId,
        row: &mut FlattenRow,
        last: Option<Vec<u8>>,
    ) -> Result<bool> {
        if let Some(last) = last {
            row.after = last;
            return Ok(true);
        }
        row.after.clear();
        row.family += 1;
        if usize::from(row.family) < Family::VERSIONED.len() {
            return Ok(true);
        }
        row.family = 0;
        if row.pass == PASS_TOMBSTONES {
            return Ok(false);
        }
        row.pass = PASS_TOMBSTONES;
        self.let_parent_go(timeline)?;
        Ok(true)
    }

    /// Everything inherited stands in the timeline now. Versions before the branch are still found at the origin.
    fn let_parent_go(&mut self, timeline: TimelineId) -> Result<()> {
        let Some((parent, version)) = self.state.timelines.get(timeline).and_then(|line| line.parent) else {
            return Ok(());
        };
        self.change_timeline(timeline, |line| line.parent = None);
        self.unhold(ReadPoint {
            timeline: parent,
            version,
        })
    }

    /// Copies at most `budget` inherited rows of a family behind `after`; answers how many, and the last key
    /// when there may be more.
    fn copy_inherited(
        &mut self,
        timeline: TimelineId,
        parent: ReadPoint,
        (family, after): (Family, &[u8]),
        budget: usize,
    ) -> Result<(u64, Option<Vec<u8>>)> {
        let after = (!after.is_empty()).then_some(after);
        let mut entries: Vec<Entry> = Vec::new();
        mvcc::scan(
            &self.txn,
            &self.state.timelines,
            parent,
            (family, b"", after),
            &mut |entry| {
                entries.push(entry);
                Ok(if entries.len() == budget {
                    Visit::Stop
                } else {
                    Visit::Next
                })
            },
        )?;
        let last = entries.last().filter(|_| entries.len() == budget);
        let last = last.map(|entry| entry.rest.clone());
        let done = entries.len() as u64;
        for entry in entries {
            self.copy_entry(timeline, parent, family, &entry)?;
        }
        Ok((done, last))
    }

    fn copy_entry(
        &mut self,
        timeline: TimelineId,
        parent: ReadPoint,
        family: Family,
        entry: &Entry,
    ) -> Result<()> {
        let Entry { rest, found } = entry;
        let key = keys::current(family, timeline, rest);
        let is_changed = match self.txn.get(&key)? {
            None => {
                self.txn
                    .put(key, Framed::encode(found.created, Some(&found.value)));
                false
            }
            Some(own) => {
                let first = self.first_own(timeline, family, rest, Framed::decode(&own)?.version)?;
                if found.created < first && self.state.is_needed(timeline, found.created, first) {
                    let row = Framed::encode(first, Some(&found.value));
                    self.txn
                        .put(keys::history(family, timeline, rest, found.created), row);
                    let item = Retired::History {
                        family,
                        rest: rest.clone(),
                        created: found.created,
                    };
                    self.retire(timeline, item);
                }
                true
            }
        };
        if let Some((ino, attr)) = body_of(family, rest, &found.value)? {
            self.adopt_body(parent, ino, &attr, timeline)?;
            if is_changed {
                self.retire_hidden(Node::new(timeline, ino), parent.version, &attr)?;
            }
        }
        Ok(())
    }

    /// The version of the oldest row that a timeline itself has of a key; `current` = that of its current row.
    fn first_own(
        &self,
        timeline: TimelineId,
        family: Family,
        rest: &[u8],
        current: Version,
    ) -> Result<Version> {
        let mut first = current;
        let prefix = keys::history_prefix(family, timeline, rest);
        self.txn.scan(Scan::prefix(&prefix), &mut |key, _| {
            first = keys::split_inverted(key).map_or(first, |(_, created)| created.min(first));
            Visit::Next
        })?;
        Ok(first)
    }

    /// Retires adopted body rows that the file, as the timeline shows it now, no longer refers to.
    fn retire_hidden(&mut self, node: Node, branch: Version, inherited: &Attr) -> Result<()> {
        let at = |version| ReadPoint {
            timeline: node.timeline,
            version,
        };
        let mut shown = BTreeSet::new();
        match self.look(node) {
            Ok(looked) if looked.attr.generation != Version::ZERO => {
                BodyView::new(at(Version::HEAD), node.ino, &looked.attr).each_own(
                    &self.txn,
                    &mut |range, generation| {
                        shown.insert((range, generation));
                        Ok(())
                    },
                )?;
            }
            Ok(_) => (),
            Err(error) if error.code() == Some(Code::NotFound) => (),
            Err(error) => return Err(error),
        }
        let mut hidden = Vec::new();
        BodyView::new(at(branch), node.ino, inherited).each_own(&self.txn, &mut |range, generation| {
            if !shown.contains(&(range, generation)) {
                hidden.push((range, generation));
            }
            Ok(())
        })?;
        for (range, generation) in hidden {
            let ino = node.ino;
            self.retire(
                node.timeline,
                Retired::Body {
                    ino,
                    range,
                    generation,
                },
            );
        }
        Ok(())
    }

    /// Removes the tombstones among at most `budget` rows of a family behind `after`.
    fn sweep_tombstones(
        &mut self,
        timeline: TimelineId,
        (family, after): (Family, &[u8]),
        budget: usize,
    ) -> Result<(u64, Option<Vec<u8>>)> {
        let prefix = keys::current(family, timeline, b"");
        let after = (!after.is_empty()).then(|| keys::current(family, timeline, after));
        let (mut looked, mut last, mut dead, mut failed) = (0, None, Vec::new(), None);
        let range = Scan {
            prefix: &prefix,
            after: after.as_deref(),
        };
        self.txn.scan(range, &mut |key, value| {
            match Framed::decode(value) {
                Ok(Framed { value: None, .. }) => dead.push(key.to_vec()),
                Ok(_) => (),
                Err(error) => failed = Some(error),
            }
            looked += 1;
            last = Some(key[prefix.len()..].to_vec());
            if looked == budget || failed.is_some() {
                Visit::Stop
            } else {
                Visit::Next
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        let done = dead.len() as u64;
        for key in dead {
            self.txn.delete(key);
        }
        Ok((done, last.filter(|_| looked == budget)))
    }
}

/// The key of the row that says how far a timeline is flattened.
pub(crate) fn flatten_key(timeline: TimelineId) -> Vec<u8> {
    Key::new(Family::Flatten).id(timeline.0).done()
}

/// The file whose attributes a row holds, when it has a body.
fn body_of(family: Family, rest: &[u8], value: &[u8]) -> Result<Option<(Ino, Attr)>> {
    let found = match family {
        Family::Dentry => {
            let entry = Dentry::decode(value)?;
            entry.attr.map(|attr| (entry.ino, attr))
        }
        Family::Inode => match Inode::decode(value)? {
            Inode::Linked(attr) => keys::take_id(rest).map(|(ino, _)| (Ino(ino), attr)),
            Inode::Directory(..) | Inode::Located(_) => None,
        },
        _ => None,
    };
    Ok(found.filter(|(_, attr)| attr.generation != Version::ZERO))
}
