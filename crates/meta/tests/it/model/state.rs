//! The naive model: whole trees as maps, snapshots and forks as clones of them.
//!
//! Owns: what a namespace is. Must not know rows, versions of rows, tombstones, pruning or batches. Everything
//! derived (link counts, sizes, quota counters, references) is counted anew whenever it is asked for.

use super::body::Body;
use nokv_meta::Clock;
use nokv_types::{
    Answer, Attr, FileKind, Ino, Node, ObjectId, QuotaId, QuotaLimits, ReadPoint, RequestId, ReservationId,
    RootKind, SessionId, TimelineId, UploadId, Version,
};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A time that background work set: nobody can say when.
pub(crate) const ANY_TIME: i64 = i64::MIN;
/// States that a line remembers for time travel.
const HISTORY_MAX: usize = 48;

#[derive(Debug, Clone)]
pub(crate) struct Inode {
    pub(crate) kind: FileKind,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) rdev: u64,
    pub(crate) size: u64,
    pub(crate) atime: i64,
    pub(crate) mtime: i64,
    pub(crate) ctime: i64,
    pub(crate) btime: i64,
    pub(crate) generation: Version,
    pub(crate) quota: QuotaId,
    /// Of a directory; of a root itself.
    pub(crate) parent: Ino,
    pub(crate) entries: BTreeMap<Vec<u8>, Ino>,
    /// Names of what is no directory.
    pub(crate) names: BTreeSet<(Ino, Vec<u8>)>,
    pub(crate) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) body: Body,
    /// The upload that the body was published from, unless nothing is left of it.
    pub(crate) upload: Option<UploadId>,
    pub(crate) target: Vec<u8>,
}

/// Everything on one timeline at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    pub(crate) inodes: BTreeMap<Ino, Rc<Inode>>,
    /// What was detached, or lost its last name elsewhere, and may be there until reclaim is done.
    pub(crate) limbo: BTreeSet<Ino>,
    /// What the line began with and is not charged to it.
    pub(crate) uncounted: Option<Uncounted>,
}

/// Bytes and inodes: what surely is, and what may be besides.
pub(crate) type Span = ((u64, u64), (u64, u64));

/// Of the quota root that a forked subtree is charged to, and of everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uncounted {
    pub(crate) quota: QuotaId,
    pub(crate) own: Span,
    pub(crate) all: Span,
}

fn less(a: (u64, u64), b: (u64, u64)) -> (u64, u64) {
    (a.0.saturating_sub(b.0), a.1.saturating_sub(b.1))
}

impl Tree {
    pub(crate) fn get(&self, ino: Ino) -> Option<&Inode> {
        self.inodes.get(&ino).map(Rc::as_ref)
    }

    pub(crate) fn edit(&mut self, ino: Ino) -> &mut Inode {
        Rc::make_mut(self.inodes.get_mut(&ino).expect("checked before"))
    }

    /// Whether how many names the inode has depends on how far reclaim is.
    pub(crate) fn is_fuzzy(&self, ino: Ino) -> bool {
        self.limbo.contains(&ino)
            || self
                .get(ino)
                .is_some_and(|inode| inode.names.iter().any(|(dir, _)| self.limbo.contains(dir)))
    }

    pub(crate) fn nlink(&self, inode: &Inode) -> u32 {
        if inode.kind != FileKind::Directory {
            return inode.names.len() as u32;
        }
        let is_dir = |ino: &&Ino| {
            self.get(**ino)
                .is_some_and(|inode| inode.kind == FileKind::Directory)
        };
        2 + inode.entries.values().filter(is_dir).count() as u32
    }

    pub(crate) fn attr(&self, ino: Ino) -> Attr {
        let inode = self.get(ino).expect("checked before");
        Attr {
            kind: inode.kind,
            mode: inode.mode,
            uid: inode.uid,
            gid: inode.gid,
            rdev: inode.rdev,
            nlink: self.nlink(inode),
            size: inode.size,
            allocated: inode.body.allocated(),
            entries: inode.entries.len() as u64,
            atime: inode.atime,
            mtime: inode.mtime,
            ctime: inode.ctime,
            btime: inode.btime,
            generation: inode.generation,
            base: Version::ZERO,
            quota: inode.quota,
        }
    }

    /// Bytes and inodes charged to a quota root: what surely is, and what may be besides.
    pub(crate) fn usage(&self, quota: QuotaId) -> Span {
        let (low, high) = self.counter(quota);
        let (least, most) = match self.uncounted {
            Some(uncounted) if quota == QuotaId::WORKSPACE => uncounted.all,
            Some(uncounted) if quota == uncounted.quota => uncounted.own,
            _ => return (low, high),
        };
        (less(low, most), less(high, least))
    }

    /// What a fork of the directory `top` is not charged.
    pub(crate) fn uncounted_at(&self, top: Ino) -> Uncounted {
        let inode = &self.inodes[&top];
        let quota = inode.quota;
        let is_quota_root = self.get(inode.parent).is_none_or(|dir| dir.quota != quota);
        let (own, all) = (self.counter(quota), self.counter(QuotaId::WORKSPACE));
        if is_quota_root {
            let all = (less(all.0, own.1), less(all.1, own.0));
            let own = ((0, 0), (0, 0));
            Uncounted { quota, own, all }
        } else {
            Uncounted { quota, own, all }
        }
    }

    /// Bytes and inodes that carry the number of a quota root.
    fn counter(&self, quota: QuotaId) -> Span {
        let (mut low, mut high) = ((0, 0), (0, 0));
        for (ino, inode) in &self.inodes {
            if quota != QuotaId::WORKSPACE && inode.quota != quota {
                continue;
            }
            let bytes = inode.body.allocated();
            high = (high.0 + bytes, high.1 + 1);
            if !self.limbo.contains(ino) {
                low = (low.0 + bytes, low.1 + 1);
            }
        }
        (low, high)
    }

    /// The inodes at and below `top`.
    pub(crate) fn below(&self, top: Ino) -> BTreeSet<Ino> {
        let (mut found, mut todo) = (BTreeSet::new(), vec![top]);
        while let Some(ino) = todo.pop() {
            if let (true, Some(inode)) = (found.insert(ino), self.get(ino)) {
                todo.extend(inode.entries.values());
            }
        }
        found
    }

    /// Whether `ino` is `top` or lies below it.
    pub(crate) fn is_within(&self, ino: Ino, top: Ino) -> bool {
        let mut current = ino;
        loop {
            if current == top {
                return true;
            }
            match self.get(current) {
                Some(inode) if inode.parent != current => current = inode.parent,
                _ => return false,
            }
        }
    }

    /// Takes what was detached away; files that are `open` stay without names.
    pub(crate) fn reclaim(&mut self, open: &BTreeSet<Ino>) {
        let limbo = std::mem::take(&mut self.limbo);
        let with_names: Vec<Ino> = self.inodes.keys().copied().collect();
        for ino in with_names {
            let lost: Vec<_> = self.inodes[&ino]
                .names
                .iter()
                .filter(|(dir, _)| limbo.contains(dir))
                .cloned()
                .collect();
            for name in lost {
                let inode = self.edit(ino);
                inode.names.remove(&name);
                inode.ctime = ANY_TIME;
            }
            let inode = &self.inodes[&ino];
            let is_dir = inode.kind == FileKind::Directory;
            let nameless = !is_dir && inode.names.is_empty() && !open.contains(&ino);
            if nameless || (is_dir && limbo.contains(&ino)) {
                self.inodes.remove(&ino);
            }
        }
    }

    /// The objects that files refer to which are surely there, or with what waits for reclaim.
    pub(crate) fn objects(&self, with_limbo: bool) -> BTreeSet<ObjectId> {
        let there = |ino: &Ino| with_limbo || !self.limbo.contains(ino);
        let inodes = self.inodes.iter().filter(|(ino, _)| there(ino));
        inodes.flat_map(|(_, inode)| inode.body.objects()).collect()
    }

    /// The uploads that bodies were published from, and that they may still read.
    pub(crate) fn uploads(&self) -> impl Iterator<Item = UploadId> {
        self.inodes.values().filter_map(|inode| inode.upload)
    }
}

/// A line of history.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) root: Ino,
    pub(crate) tree: Rc<Tree>,
    pub(crate) history: BTreeMap<Version, Rc<Tree>>,
    pub(crate) parent: Option<(TimelineId, Version)>,
    /// What it began with.
    pub(crate) branch: Rc<Tree>,
    pub(crate) live: bool,
    /// Version of the last change by a client.
    pub(crate) changed: Version,
    /// Version at which the last open file without a name was released.
    pub(crate) released: Version,
}

#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) kind: RootKind,
    pub(crate) node: Node,
}

#[derive(Debug, Clone)]
pub(crate) struct Pin {
    pub(crate) at: ReadPoint,
    pub(crate) node: Node,
    pub(crate) holders: BTreeSet<Vec<u8>>,
    /// As its row says.
    pub(crate) expires: Option<u64>,
    pub(crate) lease: u64,
    /// When it ends; later than the row says after a restart.
    pub(crate) end: Option<u64>,
    pub(crate) tree: Rc<Tree>,
}

#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) ttl: u64,
    pub(crate) deadline: u64,
    pub(crate) answers: BTreeMap<RequestId, Answer>,
    pub(crate) retired_below: u64,
    pub(crate) retired: BTreeSet<(u32, u64)>,
}

#[derive(Debug, Clone)]
pub(crate) struct OpenFile {
    pub(crate) node: Node,
    pub(crate) body: Body,
    pub(crate) size: u64,
    pub(crate) generation: Version,
}

#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) session: SessionId,
    pub(crate) body: Body,
    pub(crate) used: u64,
}

/// What was published in parts: once several bodies share it, its objects go only all together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Published {
    pub(crate) objects: BTreeSet<ObjectId>,
    pub(crate) is_shared: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Reservation {
    pub(crate) seed: [u8; 16],
    pub(crate) expires: u64,
}

/// A full directory whose inodes are being moved from one quota root to another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count {
    pub(crate) top: Node,
    pub(crate) from: QuotaId,
    pub(crate) to: QuotaId,
}

/// The whole workspace.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) lines: BTreeMap<TimelineId, Line>,
    pub(crate) roots: BTreeMap<Vec<u8>, Root>,
    pub(crate) pins: BTreeMap<Vec<u8>, Pin>,
    pub(crate) quotas: BTreeMap<QuotaId, QuotaLimits>,
    /// Full directories that are being counted, in the order in which they became quota roots.
    pub(crate) counting: Vec<Count>,
    pub(crate) sessions: BTreeMap<SessionId, Session>,
    pub(crate) opens: BTreeMap<(SessionId, u64), OpenFile>,
    pub(crate) uploads: BTreeMap<UploadId, Upload>,
    pub(crate) published: BTreeMap<UploadId, Published>,
    pub(crate) reservations: BTreeMap<ReservationId, Reservation>,
    /// Objects that a body referred to, and those that must not be again.
    pub(crate) touched: BTreeSet<ObjectId>,
    pub(crate) condemned: BTreeSet<ObjectId>,
    pub(crate) window_ns: u64,
    pub(crate) clock: Clock,
    pub(crate) last: Version,
    /// The highest version by log time, one entry per batch.
    pub(crate) times: BTreeMap<u64, Version>,
    /// Log time and version of the last move of the window.
    pub(crate) advanced: (u64, Version),
    /// What a batch leaves to be read from the rows: keys of pins, objects that were to be condemned, and the
    /// directory that limits were set on.
    pub(crate) unread_pins: Vec<Vec<u8>>,
    pub(crate) unread_objects: Vec<ObjectId>,
    pub(crate) unread_quota: Option<(Node, Option<QuotaLimits>)>,
    /// Every number that was handed out: none may come twice.
    pub(crate) used_inos: BTreeSet<Ino>,
    /// A derived row was made wrong: the next repair finds it.
    pub(crate) damaged: bool,
}

impl Model {
    pub(crate) fn line(&mut self, id: TimelineId) -> &mut Line {
        self.lines.get_mut(&id).expect("checked before")
    }

    pub(crate) fn tree(&mut self, id: TimelineId) -> &mut Tree {
        Rc::make_mut(&mut self.line(id).tree)
    }

    /// How much there is that ends by itself.
    pub(crate) fn held(&self) -> (usize, usize, usize) {
        (self.sessions.len(), self.pins.len(), self.uploads.len())
    }

    /// The files of a timeline that somebody has open.
    pub(crate) fn open_on(&self, id: TimelineId) -> BTreeSet<Ino> {
        self.opens
            .values()
            .filter(|open| open.node.timeline == id)
            .map(|open| open.node.ino)
            .collect()
    }

    /// Whether inodes are still being moved to a quota root.
    pub(crate) fn is_counting(&self, quota: QuotaId) -> bool {
        self.counting.iter().any(|count| count.to == quota)
    }

    pub(crate) fn is_open(&self, node: Node) -> bool {
        self.opens.values().any(|open| open.node == node)
    }

    /// Notes the states after a batch: only those are exact at a version, for a batch writes what many of its
    /// commands touch once.
    pub(crate) fn end_batch(&mut self, last: Version) {
        self.last = last;
        self.times.insert(self.clock.log_ns, last);
        if self.times.len() > 4096 {
            self.times.pop_first();
        }
        for line in self.lines.values_mut() {
            let newest = line.history.values().next_back();
            if newest.is_none_or(|newest| !Rc::ptr_eq(newest, &line.tree)) {
                line.history.insert(last, line.tree.clone());
            }
            if line.history.len() > HISTORY_MAX {
                line.history.pop_first();
            }
        }
    }

    /// The state of a timeline at a version, as far as it is remembered.
    pub(crate) fn at(&self, id: TimelineId, version: Version) -> Option<Rc<Tree>> {
        let line = self.lines.get(&id)?;
        if version == Version::HEAD {
            return Some(line.tree.clone());
        }
        if let Some((parent, branch)) = line.parent {
            if version == branch {
                return Some(line.branch.clone());
            }
            if version < branch {
                return self.at(parent, version);
            }
            let is_whole = line.history.len() < HISTORY_MAX;
            if is_whole && line.history.keys().next().is_none_or(|first| version < *first) {
                return Some(line.branch.clone());
            }
        }
        let (_, tree) = line.history.range(..=version).next_back()?;
        Some(tree.clone())
    }

    /// The timeline on which a state was written.
    pub(crate) fn settle(&self, at: ReadPoint) -> ReadPoint {
        match self.lines.get(&at.timeline).and_then(|line| line.parent) {
            Some((parent, branch)) if at.version <= branch => self.settle(ReadPoint {
                timeline: parent,
                version: at.version,
            }),
            _ => at,
        }
    }

    /// Whether the version is where the timeline, or one that it leads to, was branched.
    fn begins_a_line(&self, at: ReadPoint) -> bool {
        match self.lines.get(&at.timeline).and_then(|line| line.parent) {
            Some((_, branch)) if at.version == branch => true,
            Some((timeline, branch)) if at.version < branch => self.begins_a_line(ReadPoint {
                timeline,
                version: at.version,
            }),
            _ => false,
        }
    }

    /// Whether a version can be read: surely, surely not, or it depends on how exactly time was noted.
    pub(crate) fn is_kept(&self, at: ReadPoint) -> Option<bool> {
        let begins_a_line = self.begins_a_line(at);
        let at = self.settle(at);
        let held = |timeline, version| (timeline, version) == (at.timeline, at.version);
        if at.version == Version::HEAD {
            return Some(true);
        }
        let mut pins = self.pins.values();
        if pins.any(|pin| held(pin.at.timeline, pin.at.version)) {
            // A line that was flattened answers for the version that it begins at by itself.
            return (!begins_a_line || self.is_in_window(at.version) == Some(true)).then_some(true);
        }
        let branches = || self.lines.values().filter_map(|line| line.parent);
        if branches().any(|(timeline, version)| held(timeline, version)) {
            return if self.is_in_window(at.version) == Some(true) {
                Some(true)
            } else {
                None
            };
        }
        self.is_in_window(at.version)
    }

    fn is_in_window(&self, version: Version) -> Option<bool> {
        const MARGIN_NS: u64 = 3_000_000_000;
        if self.window_ns == 0 {
            return Some(version >= self.advanced.1);
        }
        let Some(begin) = self.advanced.0.checked_sub(self.window_ns) else {
            return Some(true);
        };
        let newest = |until: u64| {
            self.times
                .range(..=until)
                .next_back()
                .map(|(_, version)| *version)
        };
        if newest(begin).is_none_or(|floor| version >= floor) {
            return Some(true);
        }
        let surely = begin.checked_sub(MARGIN_NS).and_then(newest);
        surely.filter(|floor| version < *floor).map(|_| false)
    }
}
