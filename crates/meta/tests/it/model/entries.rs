//! Random commands about names: entries made, linked, moved, removed.

use super::generate::Generator;
use super::state::{Inode, Model};
use nokv_types::{Command, FileKind, Name, NewInode, NewKind, Node, RenameMode, XattrName};

impl Generator {
    pub(crate) fn create(&mut self, model: &Model) -> Option<Command> {
        let kind = match self.rng.below(12) {
            0..=3 => NewKind::File,
            4..=7 => NewKind::Directory,
            8 | 9 => NewKind::Symlink(vec![
                b'x';
                [1, 9, 4096, 0, 4097][self.rng.below(44).saturating_sub(39)]
            ]),
            _ => NewKind::Special(
                *self.rng.pick(&[
                    FileKind::Fifo,
                    FileKind::Socket,
                    FileKind::CharDevice,
                    FileKind::BlockDevice,
                    FileKind::Fifo,
                    FileKind::Socket,
                    FileKind::File,
                ])?,
                77,
            ),
        };
        Some(Command::Create {
            parent: self.dir(model)?,
            name: self.name(),
            inode: self.owner(),
            kind,
        })
    }

    pub(crate) fn owner(&mut self) -> NewInode {
        NewInode {
            mode: [0o644, 0o755, 0o7777][self.rng.below(3)],
            uid: self.rng.below(3) as u32,
            gid: 5,
        }
    }

    pub(crate) fn link(&mut self, model: &Model) -> Option<Command> {
        let node = self.any(model)?;
        let mut parent = self.dir(model)?;
        if !self.chance(6) {
            parent = self.sibling(model, node, |inode| inode.kind == FileKind::Directory)?;
        }
        Some(Command::Link {
            node,
            parent,
            name: self.name(),
        })
    }

    /// An entry that is there: its directory and name.
    pub(crate) fn entry(&mut self, model: &Model, wanted: impl Fn(&Inode) -> bool) -> Option<(Node, Name)> {
        for _ in 0..6 {
            let dir = self.dir(model)?;
            let tree = &model.lines[&dir.timeline].tree;
            let entries = &tree.get(dir.ino)?.entries;
            let fitting: Vec<_> = entries
                .iter()
                .filter(|(_, ino)| tree.get(**ino).is_some_and(&wanted))
                .collect();
            if let Some((name, _)) = self.rng.pick(&fitting) {
                return Some((dir, Name::new(name).unwrap()));
            }
        }
        Some((self.dir(model)?, self.name()))
    }

    pub(crate) fn remove(&mut self, model: &Model) -> Option<Command> {
        let any = self.chance(10);
        let (parent, name) = self.entry(model, |inode| any || inode.kind != FileKind::Directory)?;
        Some(Command::Unlink { parent, name })
    }

    pub(crate) fn remove_dir(&mut self, model: &Model) -> Option<Command> {
        let any = self.chance(6);
        let (parent, name) = self.entry(model, |inode| {
            any || (inode.kind == FileKind::Directory && inode.entries.is_empty())
        })?;
        Some(Command::Rmdir { parent, name })
    }

    pub(crate) fn remove_tree(&mut self, model: &Model) -> Option<Command> {
        let any = self.chance(3);
        let (parent, name) = self.entry(model, |inode| any || inode.kind == FileKind::Directory)?;
        Some(Command::RemoveTree { parent, name })
    }

    pub(crate) fn remove_xattr(&mut self, model: &Model) -> Option<Command> {
        for _ in 0..8 {
            let node = self.any(model)?;
            let inode = model.lines[&node.timeline].tree.get(node.ino)?;
            if let Some(name) = inode.xattrs.keys().next() {
                let name = XattrName::new(name).unwrap();
                return Some(Command::RemoveXattr { node, name });
            }
        }
        Some(Command::RemoveXattr {
            node: self.any(model)?,
            name: self.xattr(),
        })
    }

    pub(crate) fn rename(&mut self, model: &Model) -> Option<Command> {
        let mode = *self
            .rng
            .pick(&[RenameMode::Replace, RenameMode::NoReplace, RenameMode::Exchange])?;
        let (from, from_name) = self.entry(model, |_| true)?;
        let mut to = self.dir(model)?;
        if !self.chance(8) {
            to = self.sibling(model, from, |inode| inode.kind == FileKind::Directory)?;
        }
        let mut to_name = self.name();
        if mode == RenameMode::Exchange && !self.chance(4) {
            let entries = &model.lines.get(&to.timeline)?.tree.get(to.ino)?.entries;
            let names: Vec<_> = entries.keys().collect();
            to_name = self
                .rng
                .pick(&names)
                .map_or(to_name, |name| Name::new(name).unwrap());
        }
        Some(Command::Rename {
            from,
            from_name,
            to,
            to_name,
            mode,
        })
    }
}
