//! Making derived rows right again, as one command: counts, usage, places, references, the prune index.
//!
//! What is not derived is never invented. A directory or file that no entry leads to gets a name under
//! `lost+found` in the root of its timeline; rows that belong to nothing go.

use super::report::Fix;
use super::{Check, FsckReport};
use crate::batch::Batch;
use crate::keys::{self, Family};
use crate::rows::{Dentry, Inode, ObjectRow, ObjectState, Place, Record, TotalsChange, Usage};
use crate::state::Holds;
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{Attr, FileKind, Name, NewInode, NewKind, Node, ObjectId, Outcome, QuotaId, Version};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The directory that what has lost its name is put into.
const LOST_AND_FOUND: &[u8] = b"lost+found";

impl<R: Rows> Batch<'_, R> {
    /// Checks everything and repairs at most `max` of what it can; answers how much that was, and whether to go on.
    pub(crate) fn repair(&mut self, max: u32) -> Result<Outcome> {
        self.flush_touched()?;
        let report = self.check_rows()?;
        let mut fixes: Vec<Fix> = report
            .findings
            .into_iter()
            .filter_map(|finding| finding.fix)
            .collect();
        // Places first: counts are taken again when they are right.
        let counts = |fix: &Fix| matches!(fix, Fix::Counts { .. } | Fix::Usage { .. } | Fix::Totals(_));
        if !fixes.iter().all(counts) {
            fixes.retain(|fix| !counts(fix));
        }
        // A directory whose row is lost may have its entry still: then that says where it belongs.
        let placed: BTreeSet<Node> = fixes.iter().filter_map(placed_by_entry).collect();
        fixes.retain(|fix| placed_nowhere(fix).is_none_or(|node| !placed.contains(&node)));
        let (all, mut done) = (fixes.len(), 0);
        for fix in fixes.into_iter().take(max.max(1) as usize) {
            if self.apply_fix(fix)? {
                done += 1;
            }
        }
        Ok(Outcome::Worked {
            done,
            more: all > 0 && done > 0,
        })
    }

    fn check_rows(&self) -> Result<FsckReport> {
        let timelines = Arc::clone(&self.state.timelines);
        Check {
            rows: &self.txn,
            timelines: &timelines,
            holds: Holds::load(&self.txn)?,
            opens: self.state.opens.clone(),
            report: FsckReport::default(),
        }
        .run()
    }

    fn apply_fix(&mut self, fix: Fix) -> Result<bool> {
        match fix {
            Fix::Counts {
                dir,
                entries,
                subdirs,
            } => {
                let attr = &mut self.dir_mut(dir)?.attr;
                attr.entries = entries;
                attr.nlink = if attr.nlink == 0 { 0 } else { subdirs + 2 };
            }
            Fix::Links { node, nlink } => {
                if let Some(Inode::Linked(attr)) = self.inode_row(node)? {
                    self.put_inode(node, &Inode::Linked(Attr { nlink, ..attr }))?;
                }
            }
            Fix::Locator { node, parent, name } => {
                self.put_inode(node, &Inode::Located(Place { parent, name }))?;
            }
            Fix::Place { node, parent, name } => self.put_place(node, Place { parent, name })?,
            Fix::Link { node, parent, name } => self.put_link_row(node, parent, &name)?,
            Fix::Usage {
                timeline,
                quota,
                bytes,
                inodes,
            } => self.set_usage(timeline, quota, Usage { bytes, inodes })?,
            Fix::Uncounted { timeline, uncounted } => {
                self.change_timeline(timeline, |line| line.uncounted = uncounted);
            }
            Fix::Lost { node, attr } => return self.put_lost(node, attr),
            Fix::Delete(key) => self.txn.delete(key),
            Fix::List { timeline, item } => {
                self.retire(timeline, item);
                let now = self.version;
                self.queue_prune(timeline, (Version(now.0.saturating_sub(1)), u64::MAX), now)?;
            }
            Fix::Object {
                object,
                references,
                live_bytes,
            } => return self.put_references(object, references, live_bytes),
            Fix::Totals(found) => self.scratch.objects = TotalsChange::between(self.state.objects, found),
            Fix::Drop {
                timeline,
                family,
                rest,
            } => self.delete_row(timeline, family, &rest)?,
        }
        Ok(true)
    }

    fn inode_row(&self, node: Node) -> Result<Option<Inode>> {
        let found = self.read(node.timeline, Family::Inode, &keys::inode(node.ino))?;
        found.map(|found| Inode::decode(&found.value)).transpose()
    }

    /// Gives a directory its place again; one whose row is lost comes back with what can be known of it.
    fn put_place(&mut self, node: Node, place: Place) -> Result<()> {
        if place.name.is_empty() {
            let attr = self.new_attr(FileKind::Directory, PRIVATE, QuotaId::WORKSPACE);
            return self.put_lost(node, attr).map(drop);
        }
        if let Some(Inode::Directory(..)) = self.inode_row(node)? {
            self.dir_mut(node)?.place = Arc::new(place);
            return Ok(());
        }
        let attr = self.new_attr(FileKind::Directory, PRIVATE, QuotaId::WORKSPACE);
        self.put_inode(node, &Inode::Directory(place, attr))
    }

    /// Puts what has no name into `lost+found`; answers whether it could.
    fn put_lost(&mut self, node: Node, mut attr: Attr) -> Result<bool> {
        let Some(dir) = self.lost_and_found(node)? else {
            return Ok(false);
        };
        let name = Name::new(format!("#{}", node.ino.0).as_bytes())?;
        if self.entry(dir, &name)?.is_some() {
            return Ok(false);
        }
        let place = Place {
            parent: dir.ino,
            name: name.as_bytes().to_vec(),
        };
        let is_dir = attr.kind == FileKind::Directory;
        attr.nlink = if is_dir { attr.nlink.max(2) } else { 1 };
        let entry = Dentry {
            ino: node.ino,
            kind: attr.kind,
            attr: None,
        };
        self.put_entry(dir, name.as_bytes(), &entry)?;
        if is_dir && self.inode_row(node)?.is_some() {
            let slot = self.dir_mut(node)?;
            slot.place = Arc::new(place);
            slot.attr = attr;
        } else if is_dir {
            self.put_inode(node, &Inode::Directory(place, attr))?;
        } else {
            self.put_inode(node, &Inode::Linked(attr))?;
            self.put_link_row(node, dir.ino, name.as_bytes())?;
            self.delete_row(node.timeline, Family::Orphan, &keys::inode(node.ino))?;
        }
        self.touch_dir(dir, 1, i64::from(is_dir))?;
        Ok(true)
    }

    /// The directory for lost things on the timeline of `node`; made when it is not there.
    fn lost_and_found(&mut self, node: Node) -> Result<Option<Node>> {
        let Some(root) = self.state.timelines.get(node.timeline).map(|line| line.root) else {
            return Ok(None);
        };
        let root = Node::new(node.timeline, root);
        let name = Name::new(LOST_AND_FOUND)?;
        if let Some(entry) = self.entry(root, &name)? {
            let dir = Node::new(node.timeline, entry.ino);
            return Ok(Some(dir).filter(|_| entry.kind == FileKind::Directory));
        }
        match self.create(root, &name, PRIVATE, NewKind::Directory) {
            Ok(Outcome::Inode(dir, _)) => Ok(Some(dir)),
            Ok(_) | Err(Error::Refused(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets what is counted for an object; its place on the delete queue follows.
    fn put_references(&mut self, object: ObjectId, references: u64, live_bytes: u64) -> Result<bool> {
        let key = keys::object(object);
        let Some(bytes) = self.txn.get(&key)? else {
            return Ok(false);
        };
        let before = ObjectRow::decode(&bytes)?;
        let mut row = before.clone();
        row.references = references;
        row.live_bytes = live_bytes;
        match row.state {
            ObjectState::Dead(since) if references > 0 => {
                self.txn.delete(keys::dead(since, object));
                row.state = ObjectState::Live;
            }
            ObjectState::Live if references == 0 => {
                let dead = crate::rows::DeadRow {
                    id: object,
                    at: self.clock.log_ns,
                };
                self.txn.put(keys::dead(self.version, object), dead.encode());
                row.state = ObjectState::Dead(self.version);
            }
            _ => (),
        }
        self.scratch.objects.replace(Some(&before), Some(&row));
        self.txn.put(key, row.encode());
        Ok(true)
    }
}

fn placed_by_entry(fix: &Fix) -> Option<Node> {
    match fix {
        Fix::Place { node, name, .. } if !name.is_empty() => Some(*node),
        _ => None,
    }
}

fn placed_nowhere(fix: &Fix) -> Option<Node> {
    match fix {
        Fix::Place { node, name, .. } if name.is_empty() => Some(*node),
        _ => None,
    }
}

/// Who owns what was lost.
const PRIVATE: NewInode = NewInode {
    mode: 0o700,
    uid: 0,
    gid: 0,
};
