//! Changing attributes.

use crate::Result;
use crate::batch::Batch;
use crate::exec::create::MODE_MASK;
use nokv_store::Rows;
use nokv_types::{AttrChange, Event, EventKind, Node, Outcome, Version};

impl<R: Rows> Batch<'_, R> {
    /// Changes mode, owner, group and times.
    pub(crate) fn set_attr(&mut self, node: Node, change: AttrChange) -> Result<Outcome> {
        self.check_live(node.timeline)?;
        let mut looked = self.look(node)?;
        let attr = &mut looked.attr;
        attr.mode = change.mode.unwrap_or(attr.mode) & MODE_MASK;
        attr.uid = change.uid.unwrap_or(attr.uid);
        attr.gid = change.gid.unwrap_or(attr.gid);
        attr.atime = change.atime.unwrap_or(attr.atime);
        attr.mtime = change.mtime.unwrap_or(attr.mtime);
        attr.ctime = self.clock.wall_ns;
        self.store(&looked)?;
        self.inode_event(EventKind::Attributes, &looked, Version::ZERO)?;
        Ok(Outcome::Inode(node, looked.attr))
    }

    /// Notes something that happened to an inode, under one of its names.
    pub(crate) fn inode_event(
        &mut self,
        kind: EventKind,
        looked: &super::inodes::Looked,
        generation: Version,
    ) -> Result<()> {
        let (parent, name) = self.place_of(looked)?;
        let event = Event {
            version: self.version,
            kind,
            timeline: looked.node.timeline,
            ino: looked.node.ino,
            parent,
            name,
            from: None,
            generation,
            actor: self.actor(),
        };
        self.event(event);
        Ok(())
    }
}
