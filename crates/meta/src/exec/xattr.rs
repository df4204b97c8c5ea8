//! Extended attributes.

use crate::batch::Batch;
use crate::keys::{self, Family};
use crate::mvcc;
use crate::{Error, Result};
use nokv_store::{Rows, Visit};
use nokv_types::{
    Code, EventKind, Node, Outcome, ReadPoint, Refusal, Version, XattrMode, XattrName, show_bytes,
};

/// Longest value of an extended attribute, in bytes: what a row takes.
pub(crate) const XATTR_VALUE_BYTES_MAX: usize = 32 * 1024;
/// Most extended attributes of one inode.
pub(crate) const XATTRS_MAX: usize = 1024;

impl<R: Rows> Batch<'_, R> {
    /// Sets an extended attribute.
    pub(crate) fn set_xattr(
        &mut self,
        node: Node,
        name: &XattrName,
        value: &[u8],
        mode: XattrMode,
    ) -> Result<Outcome> {
        self.check_live(node.timeline)?;
        let subject = || show_bytes(name.as_bytes());
        if value.len() > XATTR_VALUE_BYTES_MAX {
            return Err(Refusal::new(Code::TooLarge, subject())
                .detail("a value has at most 32 KiB")
                .into());
        }
        let mut looked = self.look(node)?;
        let rest = keys::xattr(node.ino, name.as_bytes());
        let there = self.read(node.timeline, Family::Xattr, &rest)?.is_some();
        match mode {
            XattrMode::Create if there => return Err(Error::refused(Code::Exists, subject())),
            XattrMode::Replace if !there => return Err(Error::refused(Code::NoAttribute, subject())),
            _ => (),
        }
        if !there && self.count_xattrs(node)? >= XATTRS_MAX {
            return Err(Refusal::new(Code::TooMany, subject())
                .detail("an inode has at most 1024 attributes")
                .into());
        }
        self.put_row(node.timeline, Family::Xattr, &rest, value)?;
        looked.attr.ctime = self.clock.wall_ns;
        self.store(&looked)?;
        self.inode_event(EventKind::Xattr, &looked, Version::ZERO)?;
        Ok(Outcome::Done)
    }

    /// Removes an extended attribute.
    pub(crate) fn remove_xattr(&mut self, node: Node, name: &XattrName) -> Result<Outcome> {
        self.check_live(node.timeline)?;
        let mut looked = self.look(node)?;
        let rest = keys::xattr(node.ino, name.as_bytes());
        if self.read(node.timeline, Family::Xattr, &rest)?.is_none() {
            return Err(Error::refused(Code::NoAttribute, show_bytes(name.as_bytes())));
        }
        self.delete_row(node.timeline, Family::Xattr, &rest)?;
        looked.attr.ctime = self.clock.wall_ns;
        self.store(&looked)?;
        self.inode_event(EventKind::Xattr, &looked, Version::ZERO)?;
        Ok(Outcome::Done)
    }

    pub(crate) fn count_xattrs(&self, node: Node) -> Result<usize> {
        let at = ReadPoint {
            timeline: node.timeline,
            version: Version::HEAD,
        };
        let prefix = keys::inode(node.ino);
        let mut count = 0;
        mvcc::scan(
            &self.txn,
            &self.state.timelines,
            at,
            (Family::Xattr, &prefix, None),
            &mut |_| {
                count += 1;
                Ok(Visit::Next)
            },
        )?;
        Ok(count)
    }
}
