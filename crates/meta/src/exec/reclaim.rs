//! Removing the entries of detached trees, a bounded number per command.
//!
//! A detached directory has no name and no links; nothing can be added to it. Its entries are taken in the
//! order of their names as the timeline shows them, inherited ones included. A subdirectory becomes a detached
//! directory of its own. What a step has done is in the rows, so the next one goes on wherever that is.

use crate::batch::{Batch, Charge, Retired};
use crate::keys::{self, Family, Key, take_id};
use crate::mvcc::{self, Entry, Found, Framed};
use crate::rows::{Dentry, DetachedRow, Record};
use crate::{Error, Result};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::{Attr, Code, FileKind, Ino, Name, Node, Outcome, QuotaId, ReadPoint, TimelineId, Version};
use std::collections::{BTreeMap, BTreeSet};

/// Most entries of one command.
pub(crate) const RECLAIM_ROWS_MAX: u32 = 1000;
/// Attribute rows that one look for files with attributes reads, per entry.
const XATTR_ROWS_PER_ENTRY: usize = 4;

/// Which files of a step may have extended attributes.
enum Attributed {
    Known(BTreeSet<Ino>),
    Any,
}

impl<R: Rows> Batch<'_, R> {
    /// Removes at most `rows_max` entries of detached trees.
    pub(crate) fn reclaim(&mut self, rows_max: u32) -> Result<Outcome> {
        let mut budget = rows_max.clamp(1, RECLAIM_ROWS_MAX) as usize;
        let mut done = 0;
        while budget > 0
            && let Some(timeline) = self
                .state
                .reclaims
                .first_key_value()
                .map(|(timeline, _)| *timeline)
        {
            let removed = self.reclaim_timeline(timeline, budget)?;
            budget = budget.saturating_sub(removed.max(1));
            done += removed as u64;
        }
        let more = !self.state.reclaims.is_empty();
        Ok(Outcome::Worked { done, more })
    }

    /// Notes that a directory without a name waits for reclaim.
    pub(crate) fn wait_for_reclaim(&mut self, node: Node) -> Result<()> {
        self.state.reclaims.entry(node.timeline).or_insert(Ino(0));
        self.put_detached(node, &DetachedRow::default())
    }

    fn put_detached(&mut self, node: Node, row: &DetachedRow) -> Result<()> {
        let rest = keys::inode(node.ino);
        self.put_row(node.timeline, Family::Detached, &rest, &row.encode())
    }

    /// A step in one timeline; when nothing waits there it is noted. A timeline that is not live is freed as a
    /// whole some day.
    fn reclaim_timeline(&mut self, timeline: TimelineId, budget: usize) -> Result<usize> {
        let is_live = self.state.timelines.get(timeline).is_some_and(|line| line.live);
        if is_live {
            if let Some((ino, row)) = self.next_detached(timeline)? {
                return self.reclaim_directory(Node::new(timeline, ino), row, budget);
            }
            let orphans = self.inherited_orphans(timeline, budget)?;
            for ino in &orphans {
                self.release_orphan(Node::new(timeline, *ino))?;
            }
            if orphans.len() == budget {
                return Ok(budget);
            }
        }
        self.state.reclaims.remove(&timeline);
        Ok(0)
    }

    /// The directory to go on with: the first one behind those that are done, or else the first of all. Looking from
    /// the start each time would step over the removed rows of all that are done.
    fn next_detached(&mut self, timeline: TimelineId) -> Result<Option<(Ino, DetachedRow)>> {
        let done = self.state.reclaims.get(&timeline).copied().unwrap_or(Ino(0));
        let next = self.first_detached(timeline, done)?;
        if next.is_some() || done == Ino(0) {
            return Ok(next);
        }
        self.state.reclaims.insert(timeline, Ino(0));
        self.first_detached(timeline, Ino(0))
    }

    fn first_detached(&self, timeline: TimelineId, behind: Ino) -> Result<Option<(Ino, DetachedRow)>> {
        let mut first = None;
        self.each_ino(timeline, Family::Detached, behind, &mut |ino, found| {
            first = Some((ino, DetachedRow::decode(&found.value)?));
            Ok(Visit::Stop)
        })?;
        Ok(first)
    }

    /// Files without a name that were open when the timeline was branched: here nobody has them open.
    fn inherited_orphans(&self, timeline: TimelineId, max: usize) -> Result<Vec<Ino>> {
        let mut orphans = Vec::new();
        if self
            .state
            .timelines
            .get(timeline)
            .is_none_or(|line| line.parent.is_none())
        {
            return Ok(orphans);
        }
        self.each_ino(timeline, Family::Orphan, Ino(0), &mut |ino, found| {
            if found.timeline != timeline {
                orphans.push(ino);
            }
            Ok(if orphans.len() == max {
                Visit::Stop
            } else {
                Visit::Next
            })
        })?;
        Ok(orphans)
    }

    fn each_ino(
        &self,
        timeline: TimelineId,
        family: Family,
        behind: Ino,
        visit: &mut dyn FnMut(Ino, Found) -> Result<Visit>,
    ) -> Result<()> {
        let at = ReadPoint {
            timeline,
            version: Version::HEAD,
        };
        let after = (behind != Ino(0)).then(|| keys::inode(behind));
        mvcc::scan(
            &self.txn,
            &self.state.timelines,
            at,
            (family, b"", after.as_deref()),
            &mut |entry| {
                let (ino, _) =
                    take_id(&entry.rest).ok_or_else(|| Error::corrupt("malformed key", "detached tree"))?;
                visit(Ino(ino), entry.found)
            },
        )
    }

    /// Removes entries of one directory, and the directory when none are left; answers how many went.
    fn reclaim_directory(&mut self, dir: Node, row: DetachedRow, budget: usize) -> Result<usize> {
        let attr = match self.dir(dir) {
            Ok(slot) => slot.attr,
            Err(error) if error.code() == Some(Code::NotFound) => {
                self.delete_row(dir.timeline, Family::Detached, &keys::inode(dir.ino))?;
                return Ok(0);
            }
            Err(error) => return Err(error),
        };
        let entries = self.entries_after(dir, &row.after, budget)?;
        let (count, head) = (entries.len(), keys::inode(dir.ino).len());
        if count == budget {
            let after = entries.last().map(|entry| entry.rest[head..].to_vec());
            let row = DetachedRow {
                after: after.unwrap_or_default(),
            };
            self.put_detached(dir, &row)?;
            self.reclaim_entries(dir, entries)?;
            let slot = self.dir_mut(dir)?;
            slot.attr.entries = slot.attr.entries.saturating_sub(count as u64);
            return Ok(count);
        }
        self.reclaim_entries(dir, entries)?;
        self.delete_row(dir.timeline, Family::Detached, &keys::inode(dir.ino))?;
        self.state.reclaims.insert(dir.timeline, dir.ino);
        self.remove_dir(dir)?;
        self.forget_inode(dir, &attr)?;
        Ok(count + 1)
    }

    fn entries_after(&self, dir: Node, after: &[u8], max: usize) -> Result<Vec<Entry>> {
        let at = ReadPoint {
            timeline: dir.timeline,
            version: Version::HEAD,
        };
        let prefix = keys::inode(dir.ino);
        let after = (!after.is_empty()).then(|| keys::dentry(dir.ino, after));
        let mut entries = Vec::new();
        mvcc::scan(
            &self.txn,
            &self.state.timelines,
            at,
            (Family::Dentry, &prefix, after.as_deref()),
            &mut |entry| {
                entries.push(entry);
                Ok(if entries.len() == max {
                    Visit::Stop
                } else {
                    Visit::Next
                })
            },
        )?;
        Ok(entries)
    }

    fn reclaim_entries(&mut self, dir: Node, entries: Vec<Entry>) -> Result<()> {
        let head = keys::inode(dir.ino).len();
        let dentries: Vec<Dentry> = entries
            .iter()
            .map(|entry| Dentry::decode(&entry.found.value))
            .collect::<Result<_>>()?;
        let attributed = self.attributed(dir.timeline, &dentries)?;
        let mut charges: BTreeMap<QuotaId, Charge> = BTreeMap::new();
        for (entry, dentry) in entries.iter().zip(&dentries) {
            let node = Node::new(dir.timeline, dentry.ino);
            match &dentry.attr {
                Some(attr) if !self.state.opens.is_open(node) => {
                    self.delete_found(entry, Family::Dentry, dir.timeline)?;
                    self.reclaim_file(node, attr, &attributed)?;
                    let charge = charges.entry(attr.quota).or_default();
                    charge.bytes -= attr.allocated as i64;
                    charge.inodes -= 1;
                }
                None if dentry.kind == FileKind::Directory => {
                    self.delete_found(entry, Family::Dentry, dir.timeline)?;
                    self.detach(node)?;
                }
                // Open, or with several names: the general way.
                _ => drop(self.drop_name(dir, &Name::new(&entry.rest[head..])?, dentry)?),
            }
        }
        for (quota, charge) in charges {
            self.charge(dir.timeline, quota, charge)?;
        }
        Ok(())
    }

    /// A directory without a name: nothing can be added to it, and its entries wait for reclaim.
    fn detach(&mut self, node: Node) -> Result<()> {
        self.dir_mut(node)?.attr.nlink = 0;
        self.put_detached(node, &DetachedRow::default())
    }

    /// Removes what belongs to a single-link file whose entry is gone; its charge is the caller's.
    fn reclaim_file(&mut self, node: Node, attr: &Attr, attributed: &Attributed) -> Result<()> {
        self.delete_inode(node)?;
        if attr.generation != Version::ZERO {
            self.retire_body(node, attr)?;
        }
        match attributed {
            Attributed::Known(inos) if !inos.contains(&node.ino) => Ok(()),
            _ => self.delete_xattrs(node),
        }
    }

    /// Removes a row that was just read: as [`Batch::delete_row`], without reading it again.
    fn delete_found(&mut self, entry: &Entry, family: Family, timeline: TimelineId) -> Result<()> {
        let Entry { rest, found } = entry;
        let Found {
            created,
            timeline: written_on,
            value,
        } = found;
        let key = keys::current(family, timeline, rest);
        if *written_on != timeline {
            self.txn.put(key, Framed::encode(self.version, None));
            return Ok(());
        }
        if *created < self.version && self.state.is_needed(timeline, *created, self.version) {
            let row = Framed::encode(self.version, Some(value));
            self.txn.put(keys::history(family, timeline, rest, *created), row);
            let item = Retired::History {
                family,
                rest: rest.clone(),
                created: *created,
            };
            self.retire(timeline, item);
        }
        if self.inherits(timeline, family, rest)? {
            self.txn.put(key, Framed::encode(self.version, None));
        } else {
            self.txn.delete(key);
        }
        Ok(())
    }

    /// Finds out with one scan which of the files have extended attributes, where that is cheap.
    fn attributed(&self, timeline: TimelineId, entries: &[Dentry]) -> Result<Attributed> {
        let has_parent = self
            .state
            .timelines
            .get(timeline)
            .is_some_and(|line| line.parent.is_some());
        let inos: BTreeSet<Ino> = entries.iter().map(|entry| entry.ino).collect();
        let (Some(first), Some(last)) = (inos.first(), inos.last()) else {
            return Ok(Attributed::Known(BTreeSet::new()));
        };
        if has_parent {
            return Ok(Attributed::Any);
        }
        let prefix = Key::new(Family::Xattr).id(timeline.0).done();
        let after = Key::new(Family::Xattr).id(timeline.0).id(first.0).done();
        let (mut found, mut rows, mut is_complete) = (BTreeSet::new(), 0, true);
        self.txn
            .scan(Scan::prefix(&prefix).after(&after), &mut |key, _| {
                rows += 1;
                match take_id(&key[prefix.len()..]) {
                    Some((ino, _)) if ino > last.0 => Visit::Stop,
                    Some((ino, _)) if rows <= entries.len() * XATTR_ROWS_PER_ENTRY => {
                        found.insert(Ino(ino));
                        Visit::Next
                    }
                    _ => {
                        is_complete = false;
                        Visit::Stop
                    }
                }
            })?;
        Ok(if is_complete {
            Attributed::Known(found)
        } else {
            Attributed::Any
        })
    }
}
