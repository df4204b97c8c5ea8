//! Files with several names or none, and extended attributes.

use super::report::{Fix, differs, is_head};
use super::{Check, Wrong};
use crate::Result;
use crate::keys::{self, Family};
use crate::mvcc;
use crate::rows::{Inode, Place};
use nokv_store::{Rows, Visit};
use nokv_types::{Attr, Ino, Node, ReadPoint};

impl<R: Rows> Check<'_, R> {
    /// The names of a file that has an inode row of its own.
    pub(super) fn linked(&mut self, at: ReadPoint, ino: Ino, attr: &Attr) -> Result<()> {
        let (prefix, mut names) = (keys::inode(ino), 0u32);
        let range = (Family::Link, prefix.as_slice(), None);
        mvcc::scan(self.rows, self.timelines, at, range, &mut |_| {
            names += 1;
            Ok(Visit::Next)
        })?;
        let node = Node::new(at.timeline, ino);
        let key = keys::current(Family::Inode, at.timeline, &keys::inode(ino));
        if names != attr.nlink {
            let fix = match names {
                0 => Fix::Lost { node, attr: *attr },
                nlink => Fix::Links { node, nlink },
            };
            let fix = Some(fix).filter(|_| is_head(at.version));
            self.found(Wrong::LinkCount, key, differs(attr.nlink, names), fix);
        } else if names == 0 {
            self.nameless(at, node, attr, key)?;
        }
        Ok(())
    }

    /// A file without a name has a row that says so, and at the head somebody who has it open.
    fn nameless(&mut self, at: ReadPoint, node: Node, attr: &Attr, key: Vec<u8>) -> Result<()> {
        let row = mvcc::read(
            self.rows,
            self.timelines,
            at,
            Family::Orphan,
            &keys::inode(node.ino),
        )?;
        let open = self.opens.is_open(node) || !is_head(at.version);
        // A fork inherits files that are open where it was made; a worker releases them there.
        let inherited = row.as_ref().is_some_and(|row| row.timeline != at.timeline);
        if row.is_some() && (open || inherited) {
            return Ok(());
        }
        let fix = Fix::Lost { node, attr: *attr };
        let fix = Some(fix).filter(|_| is_head(at.version));
        self.found(Wrong::Orphan, key, "no name, and nobody has it open".into(), fix);
        Ok(())
    }

    /// Every link row has its entry and its inode.
    pub(super) fn link_rows(&mut self, at: ReadPoint) -> Result<()> {
        self.scan(at, Family::Link, &mut |check, rest, _| {
            let parsed = keys::take_id(rest).and_then(|(ino, rest)| Some((ino, keys::take_id(rest)?)));
            let Some((ino, (parent, name))) = parsed else {
                return Ok(());
            };
            let place = Place {
                parent: Ino(parent),
                name: name.to_vec(),
            };
            let named = check
                .entry_at(at, &place)?
                .is_some_and(|entry| entry.ino == Ino(ino));
            if named && matches!(check.inode(at, Ino(ino))?, Some(Inode::Linked(_))) {
                return Ok(());
            }
            check.stray(at, Wrong::Link, Family::Link, rest);
            Ok(())
        })
    }

    /// Every extended attribute has its inode.
    pub(super) fn attributes(&mut self, at: ReadPoint) -> Result<()> {
        let mut last: Option<(u64, bool)> = None;
        self.scan(at, Family::Xattr, &mut |check, rest, _| {
            let Some((ino, _)) = keys::take_id(rest) else {
                return Ok(());
            };
            let exists = match last {
                Some((same, exists)) if same == ino => exists,
                _ => check.inode(at, Ino(ino))?.is_some(),
            };
            last = Some((ino, exists));
            if !exists {
                check.stray(at, Wrong::Xattr, Family::Xattr, rest);
            }
            Ok(())
        })
    }

    /// A versioned row that belongs to nothing.
    fn stray(&mut self, at: ReadPoint, wrong: Wrong, family: Family, rest: &[u8]) {
        let fix = Fix::Drop {
            timeline: at.timeline,
            family,
            rest: rest.to_vec(),
        };
        let key = keys::current(family, at.timeline, rest);
        let fix = Some(fix).filter(|_| is_head(at.version));
        self.found(wrong, key, "it belongs to nothing".into(), fix);
    }
}
