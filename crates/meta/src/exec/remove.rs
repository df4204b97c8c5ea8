//! Removing entries, and what becomes of an inode that loses its last name.

use crate::batch::{Batch, Charge};
use crate::exec::inodes::Home;
use crate::keys::Family;
use crate::mvcc;
use crate::rows::Dentry;
use crate::{Error, Result};
use nokv_store::{Rows, Visit};
use nokv_types::{
    Attr, Code, EventKind, FileKind, Name, Node, Outcome, ReadPoint, Refusal, Version, show_bytes,
};

impl<R: Rows> Batch<'_, R> {
    /// Removes a name that is not a directory's.
    pub(crate) fn unlink(&mut self, parent: Node, name: &Name) -> Result<Outcome> {
        self.check_live(parent.timeline)?;
        self.dir(parent)?;
        let entry = self.entry_must(parent, name)?;
        if entry.kind == FileKind::Directory {
            return Err(Error::refused(Code::IsADirectory, show_bytes(name.as_bytes())));
        }
        let node = self.drop_name(parent, name, &entry)?;
        self.touch_dir(parent, -1, 0)?;
        self.entry_event(EventKind::Remove, node, (parent.ino, name), Version::ZERO);
        Ok(Outcome::Removed(node))
    }

    /// Removes an empty directory.
    pub(crate) fn rmdir(&mut self, parent: Node, name: &Name) -> Result<Outcome> {
        self.check_live(parent.timeline)?;
        self.dir(parent)?;
        let entry = self.entry_must(parent, name)?;
        let node = self.drop_directory(parent, name, &entry)?;
        self.touch_dir(parent, -1, -1)?;
        self.entry_event(EventKind::Remove, node, (parent.ino, name), Version::ZERO);
        Ok(Outcome::Removed(node))
    }

    /// Detaches a whole tree; a worker reclaims its rows.
    pub(crate) fn remove_tree(&mut self, parent: Node, name: &Name) -> Result<Outcome> {
        self.check_live(parent.timeline)?;
        self.dir(parent)?;
        let entry = self.entry_must(parent, name)?;
        if entry.kind != FileKind::Directory {
            return self.unlink(parent, name);
        }
        let node = Node::new(parent.timeline, entry.ino);
        let now = self.clock.wall_ns;
        let slot = self.dir_mut(node)?;
        slot.attr.nlink = 0;
        slot.attr.ctime = now;
        self.delete_entry(parent, name.as_bytes())?;
        self.touch_dir(parent, -1, -1)?;
        self.wait_for_reclaim(node)?;
        self.entry_event(EventKind::Remove, node, (parent.ino, name), Version::ZERO);
        Ok(Outcome::Removed(node))
    }

    /// Removes the entry of an empty directory and its inode; the parent's count is the caller's.
    pub(crate) fn drop_directory(&mut self, parent: Node, name: &Name, entry: &Dentry) -> Result<Node> {
        let node = Node::new(parent.timeline, entry.ino);
        if entry.kind != FileKind::Directory {
            return Err(Error::refused(Code::NotADirectory, show_bytes(name.as_bytes())));
        }
        let attr = self.dir(node)?.attr;
        if attr.entries != 0 {
            let detail = format!("{} entries are in it", attr.entries);
            return Err(Refusal::new(Code::NotEmpty, show_bytes(name.as_bytes()))
                .detail(detail)
                .into());
        }
        self.delete_entry(parent, name.as_bytes())?;
        self.remove_dir(node)?;
        self.forget_inode(node, &attr)?;
        Ok(node)
    }

    /// Removes a name of something that is not a directory; the parent's count is the caller's.
    pub(crate) fn drop_name(&mut self, parent: Node, name: &Name, entry: &Dentry) -> Result<Node> {
        let mut looked = self.look_entry(parent, name, entry)?;
        self.delete_entry(parent, name.as_bytes())?;
        looked.attr.ctime = self.clock.wall_ns;
        if looked.home == Home::Row {
            self.delete_link_row(looked.node, parent.ino, name.as_bytes())?;
            looked.attr.nlink = looked.attr.nlink.checked_sub(1).ok_or_else(|| {
                Error::corrupt(
                    "it has fewer links than names",
                    format!("inode {}", looked.node.ino.0),
                )
            })?;
        } else {
            looked.attr.nlink = 0;
        }
        if looked.attr.nlink > 0 {
            self.store(&looked)?;
        } else if self.state.opens.is_open(looked.node) {
            self.orphan(&mut looked)?;
        } else {
            self.delete_inode(looked.node)?;
            self.forget_inode(looked.node, &looked.attr)?;
        }
        Ok(looked.node)
    }

    /// Releases what belonged to an inode whose row is gone: body, attributes, charge.
    pub(crate) fn forget_inode(&mut self, node: Node, attr: &Attr) -> Result<()> {
        if attr.generation != Version::ZERO {
            self.retire_body(node, attr)?;
        }
        self.delete_xattrs(node)?;
        self.charge(node.timeline, attr.quota, Charge::inode(attr.allocated).back())
    }

    pub(crate) fn delete_xattrs(&mut self, node: Node) -> Result<()> {
        let at = ReadPoint {
            timeline: node.timeline,
            version: Version::HEAD,
        };
        let prefix = crate::keys::inode(node.ino);
        let mut names = Vec::new();
        mvcc::scan(
            &self.txn,
            &self.state.timelines,
            at,
            (Family::Xattr, &prefix, None),
            &mut |entry| {
                names.push(entry.rest);
                Ok(Visit::Next)
            },
        )?;
        for rest in names {
            self.delete_row(node.timeline, Family::Xattr, &rest)?;
        }
        Ok(())
    }
}
