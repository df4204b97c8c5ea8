//! Moving entries: replace, refuse, or exchange.

use crate::batch::{Batch, Charge};
use crate::exec::inodes::{Home, Looked};
use crate::rows::{Dentry, Inode, Place};
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{
    Code, Event, EventKind, FileKind, Ino, Name, Node, Outcome, PATH_BYTES_MAX, QuotaId, Refusal, RenameMode,
    show_bytes,
};
use std::sync::Arc;

/// A directory and a name in it.
type Spot<'n> = (Node, &'n Name);

impl<R: Rows> Batch<'_, R> {
    /// Moves the entry at `from` to `to`.
    pub(crate) fn rename(&mut self, from: Spot<'_>, to: Spot<'_>, mode: RenameMode) -> Result<Outcome> {
        self.check_live(from.0.timeline)?;
        if from.0.timeline != to.0.timeline {
            return Err(Error::refused(Code::CrossDevice, show_bytes(to.1.as_bytes())));
        }
        self.open_dir(from.0)?;
        let to_quota = self.open_dir(to.0)?.quota;
        let entry = self.entry_must(from.0, from.1)?;
        let moved = self.look_entry(from.0, from.1, &entry)?;
        let old = self.entry(to.0, to.1)?;
        if mode == RenameMode::Exchange {
            let old = old.ok_or_else(|| Error::refused(Code::NotFound, show_bytes(to.1.as_bytes())))?;
            return self.exchange(from, to, moved, &old);
        }
        if let Some(old) = &old {
            if mode == RenameMode::NoReplace {
                return Err(Error::refused(Code::Exists, show_bytes(to.1.as_bytes())));
            }
            if old.ino == entry.ino {
                // Two names of one inode: rename(2) does nothing then.
                return Ok(Outcome::Inode(moved.node, moved.attr));
            }
            check_kinds(&entry, old, to.1)?;
        }
        self.check_loop(&moved, from.0, to.0)?;
        self.check_quota_move(&moved, to_quota, show_bytes(to.1.as_bytes()))?;
        if let Some(old) = &old {
            self.replace_entry(to, old)?;
        }
        let moved = self.place(moved, from, to, to_quota)?;
        self.delete_entry(from.0, from.1.as_bytes())?;
        let subdirs = i64::from(moved.attr.kind == FileKind::Directory);
        self.touch_dir(from.0, -1, -subdirs)?;
        self.touch_dir(to.0, 1, subdirs)?;
        self.rename_event(&moved, from, to);
        Ok(Outcome::Inode(moved.node, moved.attr))
    }

    /// Removes what stands at the new place, as rename over it does.
    fn replace_entry(&mut self, to: Spot<'_>, old: &Dentry) -> Result<()> {
        if old.kind == FileKind::Directory {
            self.drop_directory(to.0, to.1, old)?;
            return self.touch_dir(to.0, -1, -1);
        }
        self.drop_name(to.0, to.1, old)?;
        self.touch_dir(to.0, -1, 0)
    }

    /// Two entries change places.
    fn exchange(&mut self, from: Spot<'_>, to: Spot<'_>, moved: Looked, old: &Dentry) -> Result<Outcome> {
        if old.ino == moved.node.ino {
            return Ok(Outcome::Inode(moved.node, moved.attr));
        }
        let other = self.look_entry(to.0, to.1, old)?;
        self.check_loop(&moved, from.0, to.0)?;
        self.check_loop(&other, to.0, from.0)?;
        let (from_quota, to_quota) = (self.open_dir(from.0)?.quota, self.open_dir(to.0)?.quota);
        self.check_quota_move(&moved, to_quota, show_bytes(to.1.as_bytes()))?;
        self.check_quota_move(&other, from_quota, show_bytes(from.1.as_bytes()))?;
        let (moved, other) = self.swap_charges(moved, other)?;
        let moved = self.place(moved, from, to, to_quota)?;
        let other = self.place(other, to, from, from_quota)?;
        let subdirs = |looked: &Looked| i64::from(looked.attr.kind == FileKind::Directory);
        let shift = subdirs(&moved) - subdirs(&other);
        self.touch_dir(from.0, 0, -shift)?;
        self.touch_dir(to.0, 0, shift)?;
        self.rename_event(&moved, from, to);
        self.rename_event(&other, to, from);
        Ok(Outcome::Inode(moved.node, moved.attr))
    }

    /// Writes the entry of `looked` at `to` and whatever leads back to it. The old entry stays.
    fn place(&mut self, mut looked: Looked, from: Spot<'_>, to: Spot<'_>, quota: QuotaId) -> Result<Looked> {
        looked.attr.ctime = self.clock.wall_ns;
        let place = Place {
            parent: to.0.ino,
            name: to.1.as_bytes().to_vec(),
        };
        let mut entry = Dentry {
            ino: looked.node.ino,
            kind: looked.attr.kind,
            attr: None,
        };
        match &looked.home {
            Home::Directory => {
                let slot = self.dir_mut(looked.node)?;
                slot.place = Arc::new(place);
                slot.attr.ctime = looked.attr.ctime;
            }
            Home::Row => {
                self.carry_charge(&mut looked, quota)?;
                self.delete_link_row(looked.node, from.0.ino, from.1.as_bytes())?;
                self.put_link_row(looked.node, to.0.ino, to.1.as_bytes())?;
                self.store(&looked)?;
            }
            Home::Entry(_) => {
                self.carry_charge(&mut looked, quota)?;
                entry.attr = Some(looked.attr);
                self.put_inode(looked.node, &Inode::Located(place.clone()))?;
                looked.home = Home::Entry(place);
            }
        }
        self.put_entry(to.0, to.1.as_bytes(), &entry)?;
        Ok(looked)
    }

    /// Two files that change places between quota roots: only their difference is charged, for one goes as the
    /// other comes.
    fn swap_charges(&mut self, mut moved: Looked, mut other: Looked) -> Result<(Looked, Looked)> {
        if moved.has_one_name() && other.has_one_name() {
            let (from, to) = (moved.attr.quota, other.attr.quota);
            let difference = Charge::bytes(other.attr.allocated, moved.attr.allocated);
            self.move_charge(moved.node.timeline, from, to, difference)?;
            (moved.attr.quota, other.attr.quota) = (to, from);
        }
        Ok((moved, other))
    }

    /// A file is charged to the quota root that it moves to; one with several names only moves within its own.
    fn carry_charge(&mut self, looked: &mut Looked, to: QuotaId) -> Result<()> {
        if looked.attr.quota != to {
            let charge = Charge::inode(looked.attr.allocated);
            self.move_charge(looked.node.timeline, looked.attr.quota, to, charge)?;
            looked.attr.quota = to;
        }
        Ok(())
    }

    /// Refuses to move a directory into itself or below.
    fn check_loop(&self, moved: &Looked, from: Node, to: Node) -> Result<()> {
        if moved.home != Home::Directory || from == to {
            return Ok(());
        }
        let mut at = to;
        for _ in 0..=PATH_BYTES_MAX {
            if at.ino == moved.node.ino {
                return Err(Error::refused(
                    Code::Loop,
                    format!("directory {}", moved.node.ino.0),
                ));
            }
            let parent = self.dir(at)?.place.parent;
            if parent == at.ino {
                return Ok(());
            }
            at.ino = parent;
        }
        Err(Refusal::new(Code::PathTooLong, format!("directory {}", to.ino.0))
            .detail("it lies too deep")
            .into())
    }

    fn rename_event(&mut self, moved: &Looked, from: Spot<'_>, to: Spot<'_>) {
        let event = Event {
            version: self.version,
            kind: EventKind::Rename,
            timeline: moved.node.timeline,
            ino: moved.node.ino,
            parent: to.0.ino,
            name: to.1.as_bytes().to_vec(),
            from: Some((Ino(from.0.ino.0), from.1.clone())),
            generation: moved.attr.generation,
            actor: self.actor(),
        };
        self.event(event);
    }
}

fn check_kinds(moved: &Dentry, old: &Dentry, name: &Name) -> Result<()> {
    let subject = || show_bytes(name.as_bytes());
    match (moved.kind == FileKind::Directory, old.kind == FileKind::Directory) {
        (true, false) => Err(Error::refused(Code::NotADirectory, subject())),
        (false, true) => Err(Error::refused(Code::IsADirectory, subject())),
        _ => Ok(()),
    }
}
