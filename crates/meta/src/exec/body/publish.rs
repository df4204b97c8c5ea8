//! Whole bodies: given to a file that is there, or to one that is made with it.

use super::edit::{check_expected, check_generation};
use crate::batch::{Batch, Charge};
use crate::exec::create::inherit_group;
use crate::exec::inodes::{Looked, check_file};
use crate::exec::objects::Counts;
use crate::exec::xattr::{XATTR_VALUE_BYTES_MAX, XATTRS_MAX};
use crate::keys::{self, Family};
use crate::rows::BodyRow;
use crate::{Error, Result, extents};
use nokv_store::Rows;
use nokv_types::{
    Attr, Code, EventKind, Extent, FILE_BYTES_MAX, FileKind, Ino, Name, NewBody, NewInode, Node, Outcome,
    Refusal, Target, Version, XattrName, show_bytes,
};

/// What a whole body was built to.
pub(super) struct Built {
    pub(super) size: u64,
    pub(super) allocated: u64,
}

type Xattrs = [(XattrName, Vec<u8>)];

impl<R: Rows> Batch<'_, R> {
    /// Gives a file a whole new body, with extended attributes in the same step.
    pub(crate) fn publish(
        &mut self,
        target: Target,
        body: NewBody,
        expect: Option<Version>,
        xattrs: Vec<(XattrName, Vec<u8>)>,
    ) -> Result<Outcome> {
        check_xattrs(&xattrs)?;
        match target {
            Target::Node(node) => {
                self.check_live(node.timeline)?;
                let looked = self.look(node)?;
                self.publish_over(looked, body, expect, &xattrs)
            }
            Target::Name {
                parent,
                name,
                inode,
                create_only,
            } => {
                self.check_live(parent.timeline)?;
                let dir = self.open_dir(parent)?;
                let Some(entry) = self.entry(parent, &name)? else {
                    check_expected(0, Version::ZERO, expect)?;
                    return self.publish_new((parent, &name, dir), inode, body, &xattrs);
                };
                if create_only {
                    return Err(Error::refused(Code::Exists, show_bytes(name.as_bytes())));
                }
                let looked = self.look_entry(parent, &name, &entry)?;
                self.publish_over(looked, body, expect, &xattrs)
            }
        }
    }

    fn publish_new(
        &mut self,
        (parent, name, dir): (Node, &Name, Attr),
        inode: NewInode,
        body: NewBody,
        xattrs: &Xattrs,
    ) -> Result<Outcome> {
        let node = Node::new(parent.timeline, Ino(self.version.0));
        let mut attr = self.new_attr(FileKind::File, inode, dir.quota);
        if dir.mode & 0o2000 != 0 {
            inherit_group(&mut attr, dir.gid);
        }
        let built = self.build(node, body)?;
        self.take_body(&mut attr, &built);
        self.charge(node.timeline, attr.quota, Charge::inode(attr.allocated))?;
        self.insert(parent, name, node, attr)?;
        self.put_xattrs(node, xattrs)?;
        self.entry_event(EventKind::Create, node, (parent.ino, name), attr.generation);
        self.entry_event(EventKind::Publish, node, (parent.ino, name), attr.generation);
        if !xattrs.is_empty() {
            self.entry_event(EventKind::Xattr, node, (parent.ino, name), Version::ZERO);
        }
        Ok(Outcome::Inode(node, attr))
    }

    fn publish_over(
        &mut self,
        mut looked: Looked,
        body: NewBody,
        expect: Option<Version>,
        xattrs: &Xattrs,
    ) -> Result<Outcome> {
        check_file(&looked)?;
        check_generation(&looked, expect)?;
        let node = looked.node;
        if !xattrs.is_empty() && self.count_xattrs(node)? + xattrs.len() > XATTRS_MAX {
            return Err(too_many_xattrs());
        }
        // The new body first: it may be a clone of what is released.
        let built = self.build(node, body)?;
        self.retire_body(node, &looked.attr)?;
        let charge = Charge::bytes(looked.attr.allocated, built.allocated);
        self.charge(node.timeline, looked.attr.quota, charge)?;
        self.take_body(&mut looked.attr, &built);
        looked.attr.mtime = self.clock.wall_ns;
        looked.attr.ctime = self.clock.wall_ns;
        self.store(&looked)?;
        self.put_xattrs(node, xattrs)?;
        self.inode_event(EventKind::Publish, &looked, self.version)?;
        if !xattrs.is_empty() {
            self.inode_event(EventKind::Xattr, &looked, Version::ZERO)?;
        }
        Ok(Outcome::Inode(node, looked.attr))
    }

    fn take_body(&self, attr: &mut Attr, built: &Built) {
        attr.size = built.size;
        attr.allocated = built.allocated;
        attr.generation = self.version;
        attr.base = self.version;
    }

    /// Writes the rows of a whole body.
    fn build(&mut self, node: Node, body: NewBody) -> Result<Built> {
        match body {
            NewBody::Whole { size, extents } => self.build_whole(node, size, extents),
            NewBody::Staged { size, upload } => self.build_staged(node, size, upload),
            NewBody::Clone { from, version } => self.build_clone(node, from, version),
        }
    }

    fn build_whole(&mut self, node: Node, size: u64, list: Vec<Extent>) -> Result<Built> {
        let list = extents::check(list, 0)?;
        check_size(node, size, list.last().map_or(0, Extent::end))?;
        let (mut counts, mut allocated) = (Counts::default(), 0);
        for (range, list) in extents::by_range(list) {
            let row = BodyRow {
                extents: extents::join(list),
            };
            counts.add(&row.extents);
            allocated += self.put_body_row(node, range, &row, Code::TooMany)?;
        }
        self.apply_counts(counts)?;
        Ok(Built { size, allocated })
    }

    /// Sets extended attributes whose shape was checked.
    fn put_xattrs(&mut self, node: Node, xattrs: &Xattrs) -> Result<()> {
        for (name, value) in xattrs {
            let rest = keys::xattr(node.ino, name.as_bytes());
            self.put_row(node.timeline, Family::Xattr, &rest, value)?;
        }
        Ok(())
    }
}

/// Refuses a size that does not hold what is in the body, or that no file can have.
pub(super) fn check_size(node: Node, size: u64, end: u64) -> Result<()> {
    let refuse = |code, why: &str| Refusal::new(code, format!("inode {}", node.ino.0)).detail(why);
    if size > FILE_BYTES_MAX {
        return Err(refuse(Code::TooLarge, "a file has at most 2^63 - 1 bytes").into());
    }
    if end > size {
        return Err(refuse(Code::Invalid, "an extent lies behind the end of the body").into());
    }
    Ok(())
}

fn check_xattrs(xattrs: &Xattrs) -> Result<()> {
    if xattrs.len() > XATTRS_MAX {
        return Err(too_many_xattrs());
    }
    match xattrs
        .iter()
        .find(|(_, value)| value.len() > XATTR_VALUE_BYTES_MAX)
    {
        None => Ok(()),
        Some((name, _)) => Err(Refusal::new(Code::TooLarge, show_bytes(name.as_bytes()))
            .detail("a value has at most 32 KiB")
            .into()),
    }
}

fn too_many_xattrs() -> Error {
    Refusal::new(Code::TooMany, "extended attributes")
        .detail("an inode has at most 1024 attributes")
        .into()
}
