//! Which refusals a command deserves: all of them, for nothing says which of several faults is named.
//!
//! Owns: the preconditions of names and attributes, from POSIX and the meaning of the commands.

use super::state::{Inode, Model, Tree};
use nokv_types::{
    AttrChange, Code, Command, FileKind, NewKind, Node, QuotaId, RenameMode, SessionId, XattrMode,
};

/// What may come of a command.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Faults that are there: it is refused, with one of these.
    pub(crate) must: Vec<Code>,
    /// Faults that may be there: background work decides, or time to the second.
    pub(crate) may: Vec<Code>,
    /// The model does not say.
    pub(crate) unknown: bool,
}

impl Verdict {
    pub(crate) fn must(&mut self, code: Code) {
        self.must.push(code);
    }

    pub(crate) fn when(&mut self, fault: bool, code: Code) {
        if fault {
            self.must.push(code);
        }
    }

    pub(crate) fn maybe(&mut self, fault: bool, code: Code) {
        if fault {
            self.may.push(code);
        }
    }

    /// What is wrong with this answer, if anything.
    pub(crate) fn judge(&self, code: Option<Code>) -> Option<String> {
        if self.unknown {
            return None;
        }
        let allowed = match code {
            None => self.must.is_empty(),
            Some(code) => self.must.contains(&code) || self.may.contains(&code),
        };
        (!allowed).then(|| format!("answered {code:?}, the model wants {self:?}"))
    }
}

/// Bytes and inodes that a quota root loses as something is charged to it.
#[derive(Debug, Clone, Copy, Default)]
struct Freed {
    surely: (i128, i128),
    perhaps: (i128, i128),
}

impl Freed {
    /// All of a file; a directory's charge is its own.
    fn surely(tree: &Tree, ino: nokv_types::Ino) -> Self {
        let file = tree.get(ino).filter(|inode| inode.kind != FileKind::Directory);
        let all = file.map_or((0, 0), |inode| (inode.body.allocated() as i128, 1));
        Self {
            surely: all,
            perhaps: all,
        }
    }
}

/// Longest value of an extended attribute, and most of them.
pub(crate) const XATTR_BYTES_MAX: usize = 32 * 1024;
pub(crate) const XATTRS_MAX: usize = 1024;

impl Model {
    pub(crate) fn verdict(&self, command: &Command) -> Verdict {
        let mut v = Verdict::default();
        match command {
            Command::Create {
                parent,
                name,
                kind,
                inode: _,
            } => self.check_create(&mut v, *parent, name.as_bytes(), kind),
            Command::Link { node, parent, name } => {
                self.check_link(&mut v, *node, *parent, name.as_bytes());
            }
            Command::Unlink { parent, name } => {
                if let Some((_, inode)) = self.entry(&mut v, *parent, name.as_bytes()) {
                    v.when(inode.kind == FileKind::Directory, Code::IsADirectory);
                }
            }
            Command::Rmdir { parent, name } => {
                if let Some((node, inode)) = self.entry(&mut v, *parent, name.as_bytes()) {
                    v.when(inode.kind != FileKind::Directory, Code::NotADirectory);
                    v.when(!inode.entries.is_empty(), Code::NotEmpty);
                    v.maybe(self.is_counted(node), Code::Busy);
                }
            }
            Command::RemoveTree { parent, name } => {
                if let Some((node, _)) = self.entry(&mut v, *parent, name.as_bytes()) {
                    v.maybe(self.is_counted(node), Code::Busy);
                }
            }
            Command::Rename {
                from,
                from_name,
                to,
                to_name,
                mode,
            } => {
                let names = (from_name.as_bytes(), to_name.as_bytes());
                self.check_rename(&mut v, (*from, *to), names, *mode);
            }
            Command::SetAttr { node, change } => {
                self.node(&mut v, *node);
                let AttrChange { mode, .. } = change;
                v.maybe(mode.is_some_and(|mode| mode > 0o7777), Code::Invalid);
            }
            Command::SetXattr {
                node,
                name,
                value,
                mode,
            } => {
                v.when(value.len() > XATTR_BYTES_MAX, Code::TooLarge);
                if let Some((_, inode)) = self.node(&mut v, *node) {
                    let there = inode.xattrs.contains_key(name.as_bytes());
                    v.when(there && *mode == XattrMode::Create, Code::Exists);
                    v.when(!there && *mode == XattrMode::Replace, Code::NoAttribute);
                    v.when(!there && inode.xattrs.len() >= XATTRS_MAX, Code::TooMany);
                }
            }
            Command::RemoveXattr { node, name } => {
                if let Some((_, inode)) = self.node(&mut v, *node) {
                    v.when(!inode.xattrs.contains_key(name.as_bytes()), Code::NoAttribute);
                }
            }
            other => self.verdict_of_bodies(&mut v, other),
        }
        v
    }

    /// An inode that is to be changed.
    pub(crate) fn node(&self, v: &mut Verdict, node: Node) -> Option<(&Tree, &Inode)> {
        let Some(line) = self.lines.get(&node.timeline).filter(|line| line.live) else {
            v.must(Code::Stale);
            return None;
        };
        let Some(inode) = line.tree.get(node.ino) else {
            v.must(Code::NotFound);
            return None;
        };
        // What waits for reclaim may be gone, unless it is held open.
        if line.tree.limbo.contains(&node.ino) && !self.is_open(node) {
            v.unknown = true;
        }
        Some((&line.tree, inode))
    }

    pub(crate) fn dir(&self, v: &mut Verdict, node: Node) -> Option<(&Tree, &Inode)> {
        let (tree, inode) = self.node(v, node)?;
        if inode.kind != FileKind::Directory {
            v.must(Code::NotADirectory);
            return None;
        }
        Some((tree, inode))
    }

    /// A regular file.
    pub(crate) fn file(&self, v: &mut Verdict, node: Node) -> Option<(&Tree, &Inode)> {
        let (tree, inode) = self.node(v, node)?;
        match inode.kind {
            FileKind::File => Some((tree, inode)),
            FileKind::Directory => {
                v.must(Code::IsADirectory);
                None
            }
            _ => {
                v.must(Code::WrongKind);
                None
            }
        }
    }

    fn entry(&self, v: &mut Verdict, parent: Node, name: &[u8]) -> Option<(Node, &Inode)> {
        let (tree, dir) = self.dir(v, parent)?;
        let Some(ino) = dir.entries.get(name) else {
            v.must(Code::NotFound);
            return None;
        };
        Some((
            Node::new(parent.timeline, *ino),
            tree.get(*ino).expect("an entry leads to an inode"),
        ))
    }

    /// Whether the place lies in a directory that is being counted.
    pub(crate) fn is_counted(&self, node: Node) -> bool {
        self.counting
            .iter()
            .any(|count| count.top.timeline == node.timeline)
    }

    fn check_create(&self, v: &mut Verdict, parent: Node, name: &[u8], kind: &NewKind) {
        match kind {
            NewKind::Symlink(target) => {
                v.when(target.is_empty(), Code::Invalid);
                v.when(target.len() > 4096, Code::PathTooLong);
            }
            NewKind::Special(kind, _) => v.when(
                matches!(kind, FileKind::File | FileKind::Directory | FileKind::Symlink),
                Code::Invalid,
            ),
            NewKind::File | NewKind::Directory => (),
        }
        if let Some((tree, dir)) = self.dir(v, parent) {
            v.when(dir.entries.contains_key(name), Code::Exists);
            self.check_charge(v, tree, dir.quota, 0, 1);
        }
    }

    fn check_link(&self, v: &mut Verdict, node: Node, parent: Node, name: &[u8]) {
        v.when(node.timeline != parent.timeline, Code::CrossDevice);
        let dir = self.dir(v, parent).map(|(_, dir)| dir);
        if let Some((tree, inode)) = self.node(v, node) {
            v.when(inode.kind == FileKind::Directory, Code::IsADirectory);
            v.when(inode.kind == FileKind::Directory, Code::NotPermitted);
            let nameless = inode.names.is_empty() && inode.kind != FileKind::Directory;
            v.when(nameless, Code::NotFound);
            v.maybe(tree.is_fuzzy(node.ino), Code::NotFound);
            if let Some(dir) = dir {
                v.when(dir.quota != inode.quota, Code::CrossDevice);
                v.maybe(self.is_counted(node), Code::CrossDevice);
                v.maybe(self.is_counted(node), Code::Busy);
            }
        }
        if let Some(dir) = dir {
            v.when(dir.entries.contains_key(name), Code::Exists);
        }
    }

    fn check_rename(&self, v: &mut Verdict, dirs: (Node, Node), names: (&[u8], &[u8]), mode: RenameMode) {
        let (from, to) = dirs;
        v.when(from.timeline != to.timeline, Code::CrossDevice);
        let moved = self.entry(v, from, names.0);
        let Some((tree, to_dir)) = self.dir(v, to) else {
            return;
        };
        let target = to_dir.entries.get(names.1).copied();
        let Some((node, inode)) = moved else {
            v.when(target.is_none() && mode == RenameMode::Exchange, Code::NotFound);
            v.maybe(target.is_some() && mode == RenameMode::NoReplace, Code::Exists);
            return;
        };
        if from.timeline != to.timeline {
            return;
        }
        if mode == RenameMode::NoReplace {
            v.when(target.is_some(), Code::Exists);
        }
        if target == Some(node.ino) {
            return;
        }
        v.maybe(self.is_counted(node), Code::Busy);
        v.maybe(self.is_counted(node), Code::CrossDevice);
        let is_dir = inode.kind == FileKind::Directory;
        v.when(is_dir && tree.is_within(to.ino, node.ino), Code::Loop);
        let freed = match (mode, target) {
            (RenameMode::Replace, Some(other)) => self.freed(tree, Node::new(to.timeline, other)),
            (RenameMode::Exchange, Some(other)) => Freed::surely(tree, other),
            _ => Freed::default(),
        };
        self.check_moved(v, tree, node, to_dir.quota, freed);
        match (mode, target) {
            (RenameMode::Exchange, None) => v.must(Code::NotFound),
            (RenameMode::Exchange, Some(other)) => {
                let other_inode = tree.get(other).expect("an entry leads to an inode");
                let other_is_dir = other_inode.kind == FileKind::Directory;
                v.when(other_is_dir && tree.is_within(from.ino, other), Code::Loop);
                let from_quota = tree.get(from.ino).expect("checked before").quota;
                let freed = Freed::surely(tree, node.ino);
                self.check_moved(v, tree, Node::new(to.timeline, other), from_quota, freed);
            }
            (RenameMode::Replace, Some(other)) => {
                let other = tree.get(other).expect("an entry leads to an inode");
                let other_is_dir = other.kind == FileKind::Directory;
                v.when(is_dir && !other_is_dir, Code::NotADirectory);
                v.when(!is_dir && other_is_dir, Code::IsADirectory);
                // Both are said of a full directory at the new place.
                v.when(!other.entries.is_empty(), Code::NotEmpty);
            }
            _ => (),
        }
    }

    /// Faults of moving an inode to a directory of another quota root.
    fn check_moved(&self, v: &mut Verdict, tree: &Tree, node: Node, quota: QuotaId, freed: Freed) {
        let inode = tree.get(node.ino).expect("an entry leads to an inode");
        if inode.kind == FileKind::Directory {
            // A quota root moves freely: its charge is its own.
            let own = tree.get(inode.parent).is_none_or(|dir| dir.quota != inode.quota);
            v.when(inode.quota != quota && !own, Code::CrossDevice);
            return;
        }
        if inode.quota == quota {
            return;
        }
        let sure = inode.names.iter().filter(|(dir, _)| !tree.limbo.contains(dir));
        v.when(sure.count() > 1, Code::CrossDevice);
        v.maybe(inode.names.len() > 1, Code::CrossDevice);
        if quota == QuotaId::WORKSPACE {
            return;
        }
        let bytes = inode.body.allocated() as i128;
        self.check_limit(v, tree, quota, (bytes, 1), freed);
    }

    /// What goes with the last name of a file, unless somebody has it open.
    fn freed(&self, tree: &Tree, node: Node) -> Freed {
        let all = Freed::surely(tree, node.ino);
        let names = tree.get(node.ino).map_or(0, |inode| inode.names.len());
        match (self.is_open(node), names) {
            (true, _) => Freed::default(),
            (false, 1) => all,
            (false, _) => Freed {
                surely: (0, 0),
                ..all
            },
        }
    }

    /// Faults of more data or inodes in a quota root, and with it in the workspace.
    pub(crate) fn check_charge(
        &self,
        v: &mut Verdict,
        tree: &Tree,
        quota: QuotaId,
        bytes: i128,
        inodes: i128,
    ) {
        if quota != QuotaId::WORKSPACE {
            self.check_limit(v, tree, quota, (bytes, inodes), Freed::default());
        }
        self.check_limit(v, tree, QuotaId::WORKSPACE, (bytes, inodes), Freed::default());
    }

    /// Faults of a charge (bytes, inodes) at whose moment something else goes.
    fn check_limit(&self, v: &mut Verdict, tree: &Tree, quota: QuotaId, charge: (i128, i128), freed: Freed) {
        let limits = self.quotas.get(&quota).copied().unwrap_or_default();
        let code = match quota {
            QuotaId::WORKSPACE => Code::NoSpace,
            _ => Code::QuotaExceeded,
        };
        if self.is_counting(quota) {
            return;
        }
        if limits.bytes.is_none() && limits.inodes.is_none() {
            return;
        }
        let (low, high) = tree.usage(quota);
        let Freed { surely, perhaps } = freed;
        for (charge, (surely, perhaps), limit, (low, high)) in [
            (charge.0, (surely.0, perhaps.0), limits.bytes, (low.0, high.0)),
            (charge.1, (surely.1, perhaps.1), limits.inodes, (low.1, high.1)),
        ] {
            let Some(limit) = limit.map(i128::from).filter(|_| charge > 0) else {
                continue;
            };
            let least = charge - perhaps;
            v.when(least > 0 && i128::from(low) + least > limit, code);
            v.maybe(i128::from(high) + charge - surely > limit, code);
        }
    }

    pub(crate) fn check_session(&self, v: &mut Verdict, session: SessionId) {
        v.when(!self.sessions.contains_key(&session), Code::SessionExpired);
    }
}
