//! What accepted commands about pins, roots, quotas, sessions and work do to the model.

use super::apply::{Checked, same};
use super::check::Verdict;
use super::check_bodies::UPLOAD_IDLE_NS;
use super::state::{Count, Line, Model, OpenFile, Pin, Root, Session, Tree};
use nokv_types::{
    Command, FileKind, Ino, NewInode, Origin, Outcome, PinInfo, QuotaId, ReadPoint, Reply, RootInfo,
    RootKind, SessionId, TimelineId, UploadId, Version, Work,
};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

const KEEP_NS: u64 = 24 * 3_600_000_000_000;

impl Model {
    pub(crate) fn apply_to_timelines(&mut self, command: &Command, reply: &Reply) -> Checked {
        let version = reply.version;
        match (command, &reply.outcome) {
            (Command::SnapshotCreate { .. }, Outcome::Pin(pin)) => self.apply_pin(command, pin, version),
            (Command::SnapshotRelease { key, holder }, _) => {
                let pin = self.pins.get_mut(key).expect("checked before");
                pin.holders.remove(holder);
                if pin.holders.is_empty() {
                    self.pins.remove(key);
                }
                Ok(())
            }
            (Command::VolumeCreate { name, inode }, Outcome::Root(root)) => {
                self.apply_volume(name, *inode, root)
            }
            (Command::Fork { name, origin }, Outcome::Root(root)) => {
                let tree = self.branch(root, origin, version)?;
                self.add_line(root, tree)?;
                self.set_root(name, RootKind::Fork, root)
            }
            (Command::RootDelete { name }, _) => {
                let root = self.roots.remove(name).expect("checked before");
                self.line(root.node.timeline).live = false;
                Ok(())
            }
            (Command::Rollback { name, origin, keep }, Outcome::Root(root)) => {
                let tree = self.branch(root, origin, version)?;
                self.keep(name, keep);
                self.add_line(root, tree)?;
                let kind = self.roots[name].kind;
                self.set_root(name, kind, root)
            }
            (Command::Promote { fork, onto, keep, .. }, Outcome::Root(root)) => {
                let origin = Origin::Root {
                    name: fork.clone(),
                    version: Version::HEAD,
                };
                let tree = self.branch(root, &origin, version)?;
                self.keep(onto, keep);
                self.add_line(root, tree)?;
                let kind = self.roots[onto].kind;
                self.set_root(onto, kind, root)
            }
            (Command::SetQuota { node, limits }, _) => {
                self.unread_quota = Some((*node, Some(*limits)));
                self.line(node.timeline).released = version;
                Ok(())
            }
            (Command::Work(work), Outcome::Worked { done, more }) => {
                self.apply_work(work, *done, *more, version)
            }
            (Command::Work(Work::SaveWindow | Work::Stop), Outcome::Done) => Ok(()),
            (Command::Work(work), other) => Err(format!("{work:?} answered {other:?}")),
            _ => self.apply_to_sessions(command, reply),
        }
    }

    fn apply_to_sessions(&mut self, command: &Command, reply: &Reply) -> Checked {
        let now = self.clock.log_ns;
        match (command, &reply.outcome) {
            (Command::SessionOpen { session, ttl_ns }, Outcome::Session(id)) => {
                same("session", id, session)?;
                let new = Session {
                    ttl: *ttl_ns,
                    deadline: now + ttl_ns,
                    answers: BTreeMap::new(),
                    retired_below: 0,
                    retired: BTreeSet::new(),
                };
                let known = self.sessions.entry(*session).or_insert(new);
                (known.ttl, known.deadline) = (*ttl_ns, now + ttl_ns);
                Ok(())
            }
            (Command::SessionRenew { session }, _) => {
                let session = self.sessions.get_mut(session).expect("checked before");
                session.deadline = now + session.ttl;
                Ok(())
            }
            (Command::SessionClose { session }, _) => {
                self.end_session(*session, reply.version);
                Ok(())
            }
            (Command::Open { session, node }, Outcome::Opened { handle, .. }) => {
                self.same_inode(*node, &reply.outcome)?;
                let inode = &self.lines[&node.timeline].tree.inodes[&node.ino];
                let open = OpenFile {
                    node: *node,
                    body: inode.body.clone(),
                    size: inode.size,
                    generation: inode.generation,
                };
                let known = self.opens.insert((*session, *handle), open);
                same("handle is new", known.is_none(), true)
            }
            (Command::Close { session, handle }, _) => {
                self.close((*session, *handle), reply.version);
                Ok(())
            }
            (command, other) => Err(format!("{command:?} answered {other:?}")),
        }
    }

    fn close(&mut self, key: (SessionId, u64), version: Version) {
        let Some(open) = self.opens.remove(&key) else {
            return;
        };
        if self.lines.contains_key(&open.node.timeline) {
            let before = self.lines[&open.node.timeline].tree.inodes.len();
            self.drop_if_nameless(open.node);
            if self.lines[&open.node.timeline].tree.inodes.len() != before {
                self.line(open.node.timeline).released = version;
            }
        }
    }

    fn end_session(&mut self, session: SessionId, version: Version) {
        let handles: Vec<_> = self
            .opens
            .keys()
            .filter(|key| key.0 == session)
            .copied()
            .collect();
        for key in handles {
            self.close(key, version);
        }
        self.uploads.retain(|_, upload| upload.session != session);
        self.sessions.remove(&session);
    }

    fn apply_pin(&mut self, command: &Command, found: &PinInfo, version: Version) -> Checked {
        let Command::SnapshotCreate {
            key,
            node,
            holder,
            lease_ns,
        } = command
        else {
            unreachable!()
        };
        let expires = lease_ns.map(|lease| self.clock.log_ns.saturating_add(lease));
        if let Some(pin) = self.pins.get_mut(key) {
            pin.holders.insert(holder.clone());
            pin.expires = match (pin.end, expires) {
                (Some(a), Some(b)) => {
                    pin.lease = lease_ns.filter(|_| b >= a).unwrap_or(pin.lease);
                    Some(a.max(b))
                }
                _ => None,
            };
            pin.end = pin.expires;
        } else {
            if found.at.version > version {
                return Err(format!("a pin of the future: {found:?}"));
            }
            let pin = Pin {
                at: found.at,
                node: *node,
                holders: BTreeSet::from([holder.clone()]),
                expires,
                lease: lease_ns.unwrap_or(0),
                end: expires,
                tree: self.lines[&node.timeline].tree.clone(),
            };
            same("pinned timeline", found.at.timeline, node.timeline)?;
            self.pins.insert(key.clone(), pin);
        }
        self.same_pin(found)
    }

    /// Compares what is told of a pin.
    pub(crate) fn same_pin(&self, found: &PinInfo) -> Checked {
        let Some(pin) = self.pins.get(&found.key) else {
            return Err(format!("a pin that should be gone: {found:?}"));
        };
        let holders: BTreeSet<Vec<u8>> = found.holders.iter().cloned().collect();
        same("holders", &holders, &pin.holders)?;
        same("pin", (found.at, found.node), (pin.at, pin.node))?;
        same("end of the pin", found.expires_ns, pin.expires)
    }

    /// The state that a new timeline begins with; the answer says where it was branched.
    fn branch(&mut self, root: &RootInfo, origin: &Origin, version: Version) -> Result<Rc<Tree>, String> {
        let start = self
            .start(&mut Verdict::default(), origin)
            .ok_or("the origin is not known")?;
        let tree = match origin {
            Origin::Snapshot(key) => self.pins[key].tree.clone(),
            Origin::Root { .. } => self
                .at(start.at.timeline, start.at.version)
                .ok_or("not remembered")?,
        };
        same("root inode", root.node.ino, start.ino)?;
        let Some(parent) = root.parent else {
            return Err(format!("a branch without a parent: {root:?}"));
        };
        if start.at.version == Version::HEAD {
            same("branched line", parent.timeline, start.at.timeline)?;
            same("branch is not later", parent.version <= version, true)?;
        } else {
            same("branch", self.settle(parent), self.settle(start.at))?;
        }
        let mut tree = Tree::clone(&tree);
        if self.lines[&parent.timeline].root != start.ino {
            tree.uncounted = Some(tree.uncounted_at(start.ino));
        }
        for upload in tree.uploads() {
            self.share(upload);
        }
        // Files without a name are open elsewhere: here nobody can reach them.
        for (ino, inode) in &tree.inodes {
            if inode.kind != FileKind::Directory && inode.names.is_empty() {
                tree.limbo.insert(*ino);
            }
        }
        Ok(Rc::new(tree))
    }

    /// Several bodies read what was published in parts from now on.
    pub(crate) fn share(&mut self, upload: UploadId) {
        if let Some(published) = self.published.get_mut(&upload) {
            published.is_shared = true;
        }
    }

    fn add_line(&mut self, root: &RootInfo, tree: Rc<Tree>) -> Checked {
        let line = Line {
            root: root.node.ino,
            history: BTreeMap::new(),
            parent: root.parent.map(|at| (at.timeline, at.version)),
            branch: tree.clone(),
            tree,
            live: true,
            changed: Version::ZERO,
            released: Version::ZERO,
        };
        let known = self.lines.insert(root.node.timeline, line);
        same("timeline is new", known.is_none(), true)
    }

    fn set_root(&mut self, name: &[u8], kind: RootKind, found: &RootInfo) -> Checked {
        let root = Root {
            kind,
            node: found.node,
        };
        same("root", (found.name.as_slice(), found.kind), (name, kind))?;
        self.roots.insert(name.to_vec(), root);
        Ok(())
    }

    /// Pins the state that a root shows, before it is pointed elsewhere.
    fn keep(&mut self, name: &[u8], keep: &[u8]) {
        let node = self.roots[name].node;
        self.line(node.timeline).live = false;
        let pin = Pin {
            at: ReadPoint {
                timeline: node.timeline,
                version: Version::ZERO,
            },
            node,
            holders: BTreeSet::from([keep.to_vec()]),
            expires: Some(self.clock.log_ns + KEEP_NS),
            lease: KEEP_NS,
            end: Some(self.clock.log_ns + KEEP_NS),
            tree: self.lines[&node.timeline].tree.clone(),
        };
        self.pins.insert(keep.to_vec(), pin);
        self.unread_pins.push(keep.to_vec());
    }

    fn apply_volume(&mut self, name: &[u8], inode: NewInode, root: &RootInfo) -> Checked {
        same("a volume has no parent", root.parent, None)?;
        // The quota root that a volume is has a number that is read later.
        let mut top = self.fresh(inode, root.node.ino, QuotaId::WORKSPACE)?;
        top.kind = FileKind::Directory;
        let mut tree = Tree::default();
        tree.inodes.insert(root.node.ino, Rc::new(top));
        self.add_line(root, Rc::new(tree))?;
        self.unread_quota = Some((root.node, None));
        self.set_root(name, RootKind::Volume, root)
    }

    fn apply_work(&mut self, work: &Work, done: u64, more: bool, version: Version) -> Checked {
        match work {
            Work::AdvanceTime => self.advance(version),
            Work::Reclaim { .. } if !more => self.reclaimed(),
            Work::CountQuota { .. } if !more => self.counted(),
            Work::CondemnObjects { objects } => self.unread_objects.clone_from(objects),
            Work::EndUploads { up_to, ids } => return self.end_uploads(*up_to, *ids, done, more),
            Work::Repair { .. } => {
                let damaged = std::mem::take(&mut self.damaged);
                return same("repaired rows", done, u64::from(damaged));
            }
            _ => (),
        }
        Ok(())
    }

    fn advance(&mut self, version: Version) {
        let now = self.clock.log_ns;
        self.advanced = (now, version);
        self.pins.retain(|_, pin| pin.end.is_none_or(|end| end > now));
        let over = self
            .sessions
            .iter()
            .filter(|(_, session)| session.deadline <= now);
        let over: Vec<SessionId> = over.map(|(id, _)| *id).collect();
        for session in over {
            self.end_session(session, version);
        }
        self.uploads
            .retain(|_, upload| upload.used + UPLOAD_IDLE_NS > now);
    }

    fn reclaimed(&mut self) {
        let live: Vec<TimelineId> = self
            .lines
            .iter()
            .filter(|(_, line)| line.live)
            .map(|(id, _)| *id)
            .collect();
        for id in live {
            let open = self.open_on(id);
            self.tree(id).reclaim(&open);
        }
    }

    /// Every inode that the counted directories hold is charged to them now.
    fn counted(&mut self) {
        for Count { top, from, to } in std::mem::take(&mut self.counting) {
            let tree = self.tree(top.timeline);
            let mut todo: Vec<Ino> = tree.inodes[&top.ino].entries.values().copied().collect();
            while let Some(ino) = todo.pop() {
                let inode = tree.edit(ino);
                // An inner quota root keeps what it holds.
                if inode.quota == from || inode.quota == to {
                    inode.quota = to;
                    todo.extend(inode.entries.values());
                }
            }
        }
    }

    /// Forgets lines that nothing leads to.
    pub(crate) fn forget_dead_lines(&mut self) {
        loop {
            let parents: BTreeSet<TimelineId> = self
                .lines
                .values()
                .filter_map(|line| line.parent)
                .map(|(id, _)| id)
                .collect();
            let pinned: BTreeSet<TimelineId> = self.pins.values().map(|pin| pin.at.timeline).collect();
            let open: BTreeSet<TimelineId> = self.opens.values().map(|open| open.node.timeline).collect();
            let before = self.lines.len();
            self.lines.retain(|id, line| {
                line.live || parents.contains(id) || pinned.contains(id) || open.contains(id)
            });
            if self.lines.len() == before {
                return;
            }
        }
    }
}
