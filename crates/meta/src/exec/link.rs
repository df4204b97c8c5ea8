//! Hard links: a second name moves the attributes to an inode row of their own, where they stay.

use crate::batch::Batch;
use crate::exec::inodes::{Home, Looked};
use crate::keys::{self, Family};
use crate::mvcc;
use crate::rows::{Dentry, Inode};
use crate::{Error, Result};
use nokv_store::{Rows, Visit};
use nokv_types::{
    Code, EventKind, FileKind, Ino, Name, Node, Outcome, ReadPoint, Refusal, Version, show_bytes,
};

/// Most names of one inode.
pub(crate) const LINKS_MAX: u32 = 1 << 20;

impl<R: Rows> Batch<'_, R> {
    /// Gives `node` another name.
    pub(crate) fn link(&mut self, node: Node, parent: Node, name: &Name) -> Result<Outcome> {
        self.check_live(node.timeline)?;
        let subject = || show_bytes(name.as_bytes());
        if node.timeline != parent.timeline {
            return Err(Error::refused(Code::CrossDevice, subject()));
        }
        let mut looked = self.look(node)?;
        if looked.attr.kind == FileKind::Directory {
            return Err(Refusal::new(Code::NotPermitted, subject())
                .detail("a directory has one name")
                .into());
        }
        if looked.attr.nlink == 0 {
            return Err(Error::refused(Code::NotFound, format!("inode {}", node.ino.0)));
        }
        if looked.attr.nlink >= LINKS_MAX {
            return Err(Error::refused(Code::TooManyLinks, subject()));
        }
        let dir = self.open_dir(parent)?;
        if dir.quota != looked.attr.quota {
            return Err(Refusal::new(Code::CrossDevice, subject())
                .detail("the directory is in another quota root")
                .into());
        }
        if self.entry(parent, name)?.is_some() {
            return Err(Error::refused(Code::Exists, subject()));
        }
        self.move_out(&mut looked)?;
        looked.attr.nlink += 1;
        looked.attr.ctime = self.clock.wall_ns;
        self.store(&looked)?;
        self.put_link_row(node, parent.ino, name.as_bytes())?;
        let entry = Dentry {
            ino: node.ino,
            kind: looked.attr.kind,
            attr: None,
        };
        self.put_entry(parent, name.as_bytes(), &entry)?;
        self.touch_dir(parent, 1, 0)?;
        self.entry_event(EventKind::Link, node, (parent.ino, name), looked.attr.generation);
        Ok(Outcome::Inode(node, looked.attr))
    }

    /// Moves embedded attributes to the inode's own row, with a link row for the one name it has.
    pub(crate) fn move_out(&mut self, looked: &mut Looked) -> Result<()> {
        let Home::Entry(place) = &looked.home else {
            return Ok(());
        };
        let place = place.clone();
        let node = looked.node;
        let entry = Dentry {
            ino: node.ino,
            kind: looked.attr.kind,
            attr: None,
        };
        self.put_entry(Node::new(node.timeline, place.parent), &place.name, &entry)?;
        self.put_inode(node, &Inode::Linked(looked.attr))?;
        self.put_link_row(node, place.parent, &place.name)?;
        looked.home = Home::Row;
        Ok(())
    }

    /// Notes that `name` in `parent` is one of the names of `node`.
    pub(crate) fn put_link_row(&mut self, node: Node, parent: Ino, name: &[u8]) -> Result<()> {
        self.put_row(
            node.timeline,
            Family::Link,
            &keys::link(node.ino, parent, name),
            &[1],
        )
    }

    /// Takes back [`Batch::put_link_row`].
    pub(crate) fn delete_link_row(&mut self, node: Node, parent: Ino, name: &[u8]) -> Result<()> {
        self.delete_row(node.timeline, Family::Link, &keys::link(node.ino, parent, name))
    }

    /// One of the names of a hard-linked file.
    pub(crate) fn first_link(&self, node: Node) -> Result<Option<(Ino, Vec<u8>)>> {
        let at = ReadPoint {
            timeline: node.timeline,
            version: Version::HEAD,
        };
        let prefix = keys::inode(node.ino);
        let mut first = None;
        mvcc::scan(
            &self.txn,
            &self.state.timelines,
            at,
            (Family::Link, &prefix, None),
            &mut |entry| {
                let rest = keys::take_id(&entry.rest[prefix.len()..]);
                first = rest.map(|(parent, name)| (Ino(parent), name.to_vec()));
                Ok(Visit::Stop)
            },
        )?;
        Ok(first)
    }
}
