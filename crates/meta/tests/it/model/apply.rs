//! What accepted commands do to the model: names and attributes. Every particular of the answer is compared.
//!
//! Owns: the effects. Ids and versions are taken from the answer, once, after a check that they are new.

use super::state::{Inode, Model};
use nokv_types::{
    Attr, Command, FileKind, Ino, Name, NewInode, NewKind, Node, Outcome, QuotaId, RenameMode, Reply,
    TimelineId, Version,
};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What differs; empty text is no difference.
pub(crate) type Checked = Result<(), String>;

pub(crate) fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Checked {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what}: found {found:?}, the model has {wanted:?}"))
}

/// Compares attributes; `fuzzy` where reclaim decides how many names there are.
pub(crate) fn same_attr(found: &Attr, wanted: &Attr, fuzzy: bool) -> Checked {
    let mut seen = *found;
    // Which rows count is no property of a file, but it cannot be later than its body.
    if seen.base > seen.generation {
        return Err(format!("base after generation: {found:?}"));
    }
    seen.base = Version::ZERO;
    if wanted.ctime == super::state::ANY_TIME {
        seen.ctime = wanted.ctime;
    }
    if fuzzy {
        if found.nlink > wanted.nlink {
            return Err(format!("more names than there are: {found:?}"));
        }
        (seen.nlink, seen.ctime) = (wanted.nlink, wanted.ctime);
    }
    same("attributes", seen, *wanted)
}

impl Model {
    /// Does what was accepted.
    #[expect(clippy::too_many_lines, reason = "one arm per command, nothing else")]
    pub(crate) fn apply(&mut self, command: &Command, reply: &Reply) -> Checked {
        let version = reply.version;
        let timeline = match command {
            Command::Create {
                parent,
                name,
                inode,
                kind,
            } => {
                let ino = self.make((*parent, name), *inode, kind, &reply.outcome)?;
                if matches!(kind, NewKind::Symlink(_)) {
                    // The target is a body that is never replaced.
                    self.tree(parent.timeline).edit(ino).generation = version;
                }
                self.same_inode(Node::new(parent.timeline, ino), &reply.outcome)?;
                parent.timeline
            }
            Command::Link { node, parent, name } => {
                self.enter(*parent, name, node.ino);
                let now = self.clock.wall_ns;
                let inode = self.tree(node.timeline).edit(node.ino);
                inode.ctime = now;
                self.same_inode(*node, &reply.outcome)?;
                node.timeline
            }
            Command::Unlink { parent, name } | Command::Rmdir { parent, name } => {
                let ino = self.leave(*parent, name);
                let node = Node::new(parent.timeline, ino);
                same("outcome", &reply.outcome, &Outcome::Removed(node))?;
                self.drop_if_nameless(node);
                parent.timeline
            }
            Command::RemoveTree { parent, name } => {
                let node = self.detach(*parent, name);
                same("outcome", &reply.outcome, &Outcome::Removed(node))?;
                parent.timeline
            }
            Command::Rename {
                from,
                from_name,
                to,
                to_name,
                mode,
            } => {
                let (ino, moved) = self.rename((*from, from_name), (*to, to_name), *mode);
                self.same_inode(Node::new(from.timeline, ino), &reply.outcome)?;
                if !moved {
                    return Ok(());
                }
                from.timeline
            }
            Command::SetAttr { node, change } => {
                let now = self.clock.wall_ns;
                let inode = self.tree(node.timeline).edit(node.ino);
                inode.mode = change.mode.map_or(inode.mode, |mode| mode & 0o7777);
                inode.uid = change.uid.unwrap_or(inode.uid);
                inode.gid = change.gid.unwrap_or(inode.gid);
                inode.atime = change.atime.unwrap_or(inode.atime);
                inode.mtime = change.mtime.unwrap_or(inode.mtime);
                inode.ctime = now;
                self.same_inode(*node, &reply.outcome)?;
                node.timeline
            }
            Command::SetXattr {
                node, name, value, ..
            } => {
                let (now, value) = (self.clock.wall_ns, value.clone());
                let inode = self.tree(node.timeline).edit(node.ino);
                inode.xattrs.insert(name.as_bytes().to_vec(), value);
                inode.ctime = now;
                node.timeline
            }
            Command::RemoveXattr { node, name } => {
                let now = self.clock.wall_ns;
                let inode = self.tree(node.timeline).edit(node.ino);
                inode.xattrs.remove(name.as_bytes());
                inode.ctime = now;
                node.timeline
            }
            other => return self.apply_to_bodies(other, reply),
        };
        self.changed(timeline, version);
        Ok(())
    }

    /// Notes that a client changed a timeline.
    pub(crate) fn changed(&mut self, timeline: TimelineId, version: Version) {
        self.line(timeline).changed = version;
    }

    /// Checks the node and attributes in an answer.
    pub(crate) fn same_inode(&self, node: Node, outcome: &Outcome) -> Checked {
        let (found, attr) = match outcome {
            Outcome::Inode(found, attr)
            | Outcome::Opened {
                node: found, attr, ..
            } => (*found, attr),
            other => return Err(format!("an inode should be answered, not {other:?}")),
        };
        same("node", found, node)?;
        let tree = &self.lines[&node.timeline].tree;
        let mut wanted = tree.attr(node.ino);
        // Nobody can say how far a count of the directory has come.
        if self.is_counted(node) && self.is_counting(attr.quota) {
            wanted.quota = attr.quota;
        }
        same_attr(attr, &wanted, tree.is_fuzzy(node.ino))
    }

    /// Makes an inode under a name, with the number that was answered.
    pub(crate) fn make(
        &mut self,
        (parent, name): (Node, &Name),
        new: NewInode,
        kind: &NewKind,
        outcome: &Outcome,
    ) -> Result<Ino, String> {
        let Outcome::Inode(node, _) = outcome else {
            return Err(format!("an inode should be answered, not {outcome:?}"));
        };
        let quota = self.lines[&parent.timeline].tree.inodes[&parent.ino].quota;
        let mut inode = self.fresh(new, node.ino, quota)?;
        let dir = &self.lines[&parent.timeline].tree.inodes[&parent.ino];
        if dir.mode & 0o2000 != 0 {
            // As in Linux: a directory with setgid hands its group down.
            inode.gid = dir.gid;
            if *kind == NewKind::Directory {
                inode.mode |= 0o2000;
            }
        }
        match kind {
            NewKind::File => (),
            NewKind::Directory => (inode.kind, inode.parent) = (FileKind::Directory, parent.ino),
            NewKind::Symlink(target) => {
                inode.kind = FileKind::Symlink;
                inode.size = target.len() as u64;
                inode.target.clone_from(target);
            }
            NewKind::Special(kind, rdev) => {
                let is_device = matches!(kind, FileKind::CharDevice | FileKind::BlockDevice);
                inode.kind = *kind;
                inode.rdev = if is_device { *rdev } else { 0 };
            }
        }
        self.tree(parent.timeline).inodes.insert(node.ino, Rc::new(inode));
        self.enter(parent, name, node.ino);
        Ok(node.ino)
    }

    /// A file that was just made; its number must be new.
    pub(crate) fn fresh(&mut self, new: NewInode, ino: Ino, quota: QuotaId) -> Result<Inode, String> {
        if !self.used_inos.insert(ino) {
            return Err(format!("inode number {} was handed out twice", ino.0));
        }
        let now = self.clock.wall_ns;
        Ok(Inode {
            kind: FileKind::File,
            mode: new.mode & 0o7777,
            uid: new.uid,
            gid: new.gid,
            rdev: 0,
            size: 0,
            atime: now,
            mtime: now,
            ctime: now,
            btime: now,
            generation: Version::ZERO,
            quota,
            parent: ino,
            entries: BTreeMap::new(),
            names: BTreeSet::new(),
            xattrs: BTreeMap::new(),
            body: super::body::Body::default(),
            upload: None,
            target: Vec::new(),
        })
    }

    fn touch(&mut self, dir: Node) {
        let now = self.clock.wall_ns;
        let inode = self.tree(dir.timeline).edit(dir.ino);
        (inode.mtime, inode.ctime) = (now, now);
    }

    /// Adds a name.
    fn enter(&mut self, parent: Node, name: &Name, ino: Ino) {
        self.touch(parent);
        let tree = self.tree(parent.timeline);
        tree.edit(parent.ino)
            .entries
            .insert(name.as_bytes().to_vec(), ino);
        let inode = tree.edit(ino);
        if inode.kind == FileKind::Directory {
            inode.parent = parent.ino;
        } else {
            inode.names.insert((parent.ino, name.as_bytes().to_vec()));
        }
        self.in_limbo(parent.timeline, ino);
    }

    /// Takes a name away; the inode stays.
    fn leave(&mut self, parent: Node, name: &Name) -> Ino {
        self.touch(parent);
        let now = self.clock.wall_ns;
        let tree = self.tree(parent.timeline);
        let entry = tree.edit(parent.ino).entries.remove(name.as_bytes());
        let ino = entry.expect("checked before");
        let inode = tree.edit(ino);
        inode.names.remove(&(parent.ino, name.as_bytes().to_vec()));
        inode.ctime = now;
        self.in_limbo(parent.timeline, ino);
        ino
    }

    /// A file whose names are all in detached trees is there until reclaim took the last of them.
    fn in_limbo(&mut self, timeline: TimelineId, ino: Ino) {
        let tree = self.tree(timeline);
        let names = &tree.inodes[&ino].names;
        if names.is_empty() {
            return;
        }
        if names.iter().all(|(dir, _)| tree.limbo.contains(dir)) {
            tree.limbo.insert(ino);
        } else {
            tree.limbo.remove(&ino);
        }
    }

    /// Removes what has no name any more, unless it is open.
    pub(crate) fn drop_if_nameless(&mut self, node: Node) {
        let is_open = self.is_open(node);
        let tree = self.tree(node.timeline);
        let Some(inode) = tree.get(node.ino) else { return };
        let is_dir = inode.kind == FileKind::Directory;
        if is_dir || (inode.names.is_empty() && !is_open) {
            tree.inodes.remove(&node.ino);
            tree.limbo.remove(&node.ino);
        }
    }

    fn detach(&mut self, parent: Node, name: &Name) -> Node {
        let ino = self.lines[&parent.timeline].tree.inodes[&parent.ino].entries[name.as_bytes()];
        let node = Node::new(parent.timeline, ino);
        let is_dir = self.lines[&parent.timeline].tree.inodes[&ino].kind == FileKind::Directory;
        self.leave(parent, name);
        if !is_dir {
            self.drop_if_nameless(node);
            return node;
        }
        let tree = self.tree(parent.timeline);
        let below = tree.below(ino);
        for ino in &below {
            let inode = &tree.inodes[ino];
            if inode.kind == FileKind::Directory || inode.names.iter().all(|(dir, _)| below.contains(dir)) {
                tree.limbo.insert(*ino);
            }
        }
        // The top keeps no way up.
        tree.edit(ino).parent = ino;
        node
    }

    /// Answers what was named, and whether it moved: between two names of one inode nothing does.
    fn rename(
        &mut self,
        (from, from_name): (Node, &Name),
        (to, to_name): (Node, &Name),
        mode: RenameMode,
    ) -> (Ino, bool) {
        let entry = |model: &Model, dir: Node, name: &Name| {
            let tree = &model.lines[&dir.timeline].tree;
            tree.inodes[&dir.ino].entries.get(name.as_bytes()).copied()
        };
        let target = entry(self, to, to_name);
        let moved = entry(self, from, from_name).expect("checked before");
        if Some(moved) == target {
            return (moved, false);
        }
        let ino = self.leave(from, from_name);
        if let Some(other) = target {
            self.leave(to, to_name);
            if mode == RenameMode::Exchange {
                self.enter(from, from_name, other);
                self.recharge(Node::new(from.timeline, other), from.ino);
            } else {
                self.drop_if_nameless(Node::new(to.timeline, other));
            }
        }
        self.enter(to, to_name, ino);
        self.recharge(Node::new(to.timeline, ino), to.ino);
        (ino, true)
    }

    /// A file is charged where it lies now; a directory only moves within its quota root, or is one.
    fn recharge(&mut self, node: Node, dir: Ino) {
        let tree = self.tree(node.timeline);
        let quota = tree.inodes[&dir].quota;
        let inode = tree.edit(node.ino);
        if inode.kind != FileKind::Directory {
            inode.quota = quota;
        }
    }
}
