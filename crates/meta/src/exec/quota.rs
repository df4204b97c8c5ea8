//! Limits: set on a root, on an empty directory at once, on a full one by a job that counts it.
//!
//! Every inode carries the quota root that it is charged to. On a full directory a job walks the tree, depth first,
//! and moves each inode's charge as it relabels it, so that the counters are exact at every moment; what is
//! made in a directory that the job has passed is charged to the new root by itself. The job's place is one
//! directory and one name: it finds its way up by the directories' own places. For that no directory moves
//! in the part that is already relabelled (`Busy`), nor into it.

use crate::Result;
use crate::batch::{Batch, Charge};
use crate::exec::inodes::{Home, Looked};
use crate::keys::{self, Family};
use crate::mvcc;
use crate::rows::{Counting, Dentry, QuotaRow, Record};
use crate::state::quota_key;
use nokv_store::{Rows, Visit};
use nokv_types::{
    Attr, Code, Event, EventKind, FileKind, Ino, Name, Node, Outcome, QuotaId, QuotaLimits, ReadPoint,
    Refusal, Version,
};

/// Deepest directory that the job finds its way up from.
const DEPTH_MAX: usize = 4096;

impl<R: Rows> Batch<'_, R> {
    /// Sets the limits of a directory.
    pub(crate) fn set_quota(&mut self, node: Node, limits: QuotaLimits) -> Result<Outcome> {
        self.check_live(node.timeline)?;
        let attr = self.open_dir(node)?;
        let is_root = self
            .state
            .timelines
            .get(node.timeline)
            .is_some_and(|timeline| timeline.root == node.ino);
        let row = self.state.quotas.get(attr.quota).cloned();
        let (quota, row) = match row {
            Some(row) if is_root || row.root == node.ino => (attr.quota, QuotaRow { limits, ..row }),
            None if is_root => (
                attr.quota,
                QuotaRow {
                    limits,
                    root: node.ino,
                    counting: None,
                },
            ),
            _ => self.new_quota(node, &attr, limits)?,
        };
        self.quota_event(node)?;
        self.put_quota(quota, row);
        Ok(Outcome::Done)
    }

    /// Makes a directory a quota root of its own.
    fn new_quota(&mut self, node: Node, attr: &Attr, limits: QuotaLimits) -> Result<(QuotaId, QuotaRow)> {
        if self.lies_in_counting(node)? {
            return Err(Refusal::new(Code::Busy, format!("directory {}", node.ino.0))
                .detail("a directory above it is being counted")
                .into());
        }
        let quota = QuotaId(self.version.0);
        let counting = Counting {
            timeline: node.timeline,
            from: attr.quota,
            dir: node.ino,
            after: Vec::new(),
        };
        let row = QuotaRow {
            limits,
            root: node.ino,
            counting: Some(counting).filter(|_| attr.entries > 0),
        };
        self.move_charge(node.timeline, attr.quota, quota, Charge::inode(0))?;
        self.dir_mut(node)?.attr.quota = quota;
        Ok((quota, row))
    }

    /// One step of a counting job: handles at most `rows_max` entries.
    pub(crate) fn count_quota(&mut self, rows_max: u32) -> Result<Outcome> {
        let Some(quota) = self.state.quotas.first_counting() else {
            return Ok(Outcome::Worked { done: 0, more: false });
        };
        let Some(mut row) = self.state.quotas.get(quota).cloned() else {
            return Ok(Outcome::Worked { done: 0, more: false });
        };
        let mut done = 0;
        if let Some(job) = row.counting.take() {
            (done, row.counting) = self.count_some(quota, row.root, job, rows_max.max(1))?;
        }
        self.put_quota(quota, row);
        let more = self.state.quotas.first_counting().is_some();
        Ok(Outcome::Worked { done, more })
    }

    /// Goes on with a job; answers what is left of it.
    fn count_some(
        &mut self,
        quota: QuotaId,
        root: Ino,
        mut job: Counting,
        max: u32,
    ) -> Result<(u64, Option<Counting>)> {
        let mut done = 0;
        if self.check_live(job.timeline).is_err() || !self.is_dir(Node::new(job.timeline, root))? {
            return Ok((done, None));
        }
        if !self.lies_below(Node::new(job.timeline, job.dir), root)? {
            // The directory that the job was in is gone: what it did already is passed quickly.
            (job.dir, job.after) = (root, Vec::new());
        }
        while done < u64::from(max) {
            done += 1;
            let dir = Node::new(job.timeline, job.dir);
            let Some((name, entry)) = self.next_entry(dir, &job.after)? else {
                if job.dir == root {
                    return Ok((done, None));
                }
                let place = self.dir(dir)?.place;
                (job.dir, job.after) = (place.parent, place.name.clone());
                continue;
            };
            let looked = self.look_entry(dir, &name, &entry)?;
            let inside = self.relabel(looked, job.from, quota)?;
            if inside && entry.kind == FileKind::Directory {
                (job.dir, job.after) = (entry.ino, Vec::new());
            } else {
                job.after = name.as_bytes().to_vec();
            }
        }
        Ok((done, Some(job)))
    }

    /// Moves an inode's charge; answers whether it belongs to the quota root now.
    fn relabel(&mut self, mut looked: Looked, from: QuotaId, to: QuotaId) -> Result<bool> {
        if looked.attr.quota == from {
            let charge = Charge::inode(looked.attr.allocated);
            self.move_charge(looked.node.timeline, from, to, charge)?;
            looked.attr.quota = to;
            self.store(&looked)?;
        }
        Ok(looked.attr.quota == to)
    }

    fn next_entry(&self, dir: Node, after: &[u8]) -> Result<Option<(Name, Dentry)>> {
        let prefix = keys::inode(dir.ino);
        let after = Some(keys::dentry(dir.ino, after)).filter(|_| !after.is_empty());
        let at = ReadPoint {
            timeline: dir.timeline,
            version: Version::HEAD,
        };
        let mut next = None;
        mvcc::scan(
            &self.txn,
            &self.state.timelines,
            at,
            (Family::Dentry, &prefix, after.as_deref()),
            &mut |row| {
                let name = Name::new(&row.rest[prefix.len()..])?;
                next = Some((name, Dentry::decode(&row.found.value)?));
                Ok(Visit::Stop)
            },
        )?;
        Ok(next)
    }

    /// Whether a directory above `node`, or itself, belongs to a quota root that is being counted.
    fn lies_in_counting(&self, node: Node) -> Result<bool> {
        if self.state.quotas.first_counting().is_none() {
            return Ok(false);
        }
        let mut at = node;
        for _ in 0..DEPTH_MAX {
            let slot = self.dir(at)?;
            if self.state.quotas.is_counting(slot.attr.quota) {
                return Ok(true);
            }
            if slot.place.parent == at.ino {
                return Ok(false);
            }
            at.ino = slot.place.parent;
        }
        Ok(true)
    }

    /// Whether `node` is the directory `root` or below it.
    fn lies_below(&self, node: Node, root: Ino) -> Result<bool> {
        let mut at = node;
        for _ in 0..DEPTH_MAX {
            if at.ino == root {
                return Ok(true);
            }
            if !self.is_dir(at)? {
                return Ok(false);
            }
            let parent = self.dir(at)?.place.parent;
            if parent == at.ino {
                return Ok(false);
            }
            at.ino = parent;
        }
        Ok(false)
    }

    /// Whether `node` is a directory that is not removed.
    fn is_dir(&self, node: Node) -> Result<bool> {
        match self.dir(node) {
            Ok(slot) => Ok(slot.attr.nlink > 0),
            Err(error) if error.code().is_some() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Refuses to move `moved` to a directory of another quota root, where its charge could not follow.
    pub(crate) fn check_quota_move(&self, moved: &Looked, to: QuotaId, subject: String) -> Result<()> {
        let own = moved.attr.quota;
        let is_dir = moved.home == Home::Directory;
        if is_dir
            && self
                .state
                .quotas
                .get(own)
                .is_some_and(|row| row.root == moved.node.ino)
        {
            return Ok(());
        }
        let single = moved.has_one_name();
        if self.state.quotas.is_counting(to) && (own != to || is_dir) && !single
            || is_dir && self.state.quotas.is_counting(own)
        {
            return Err(Refusal::new(Code::Busy, subject)
                .detail("the quota root is being counted")
                .into());
        }
        if own == to || single {
            return Ok(());
        }
        Err(Refusal::new(Code::CrossDevice, subject)
            .detail("the new place is in another quota root")
            .into())
    }

    pub(crate) fn put_quota(&mut self, quota: QuotaId, row: QuotaRow) {
        self.txn.put(quota_key(quota), row.encode());
        self.state.quotas.put(quota, row);
    }

    fn quota_event(&mut self, node: Node) -> Result<()> {
        let place = self.dir(node)?.place;
        let event = Event {
            version: self.version,
            kind: EventKind::Quota,
            timeline: node.timeline,
            ino: node.ino,
            parent: place.parent,
            name: place.name.clone(),
            from: None,
            generation: Version::ZERO,
            actor: self.actor(),
        };
        self.event(event);
        Ok(())
    }
}
