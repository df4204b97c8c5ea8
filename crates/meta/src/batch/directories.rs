//! Directories that a batch touches: read once, changed in memory, written once.

use super::Batch;
use crate::keys::{self, Family};
use crate::mvcc::Framed;
use crate::rows::{Inode, Place, Record};
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{Attr, Code, Ino, Node, Version};
use std::sync::Arc;

/// A directory as the batch sees it.
#[derive(Debug, Clone)]
pub(crate) struct DirSlot {
    /// Where its entry stands; the root's parent is the root itself and its name empty.
    pub(crate) place: Arc<Place>,
    pub(crate) attr: Attr,
    /// The version that created the row as it is in the transaction now.
    created: Version,
    /// The last command that changed the slot since it was written.
    touched: Option<Version>,
    pub(crate) removed: bool,
}

impl<R: Rows> Batch<'_, R> {
    /// The attributes of the directory `node`.
    ///
    /// # Errors
    /// As [`Batch::dir`].
    pub(crate) fn dir_attr(&self, node: Node) -> Result<Attr> {
        match self.known_dir(node) {
            Some(slot) if !slot.removed => Ok(slot.attr),
            _ => Ok(self.dir(node)?.attr),
        }
    }

    /// The directory `node`.
    ///
    /// # Errors
    /// `NotFound` when there is no such inode, `NotADirectory` when it is something else.
    pub(crate) fn dir(&self, node: Node) -> Result<DirSlot> {
        if let Some(slot) = self.known_dir(node) {
            if slot.removed {
                return Err(missing(node));
            }
            return Ok(slot.clone());
        }
        let found = self
            .read(node.timeline, Family::Inode, &keys::inode(node.ino))?
            .ok_or_else(|| missing(node))?;
        match Inode::decode(&found.value)? {
            // A row that this timeline inherits was created elsewhere: writing it here supersedes nothing.
            Inode::Directory(place, attr) => Ok(DirSlot {
                place: Arc::new(place),
                attr,
                created: found.created,
                touched: None,
                removed: false,
            }),
            Inode::Located(_) | Inode::Linked(_) => Err(Error::refused(
                Code::NotADirectory,
                format!("inode {}", node.ino.0),
            )),
        }
    }

    /// The slot of a directory that the batch or the running command changes.
    pub(crate) fn known_dir(&self, node: Node) -> Option<&DirSlot> {
        let running = self.scratch.dirs.iter().rev().find(|(other, _)| *other == node);
        running.map(|(_, slot)| slot).or_else(|| self.dirs.get(&node))
    }

    /// The directory `node`, to be changed by the running command.
    pub(crate) fn dir_mut(&mut self, node: Node) -> Result<&mut DirSlot> {
        let at = match self.scratch.dirs.iter().rposition(|(other, _)| *other == node) {
            Some(at) if self.scratch.dirs[at].1.removed => return Err(missing(node)),
            Some(at) => at,
            None => {
                let slot = self.dir(node)?;
                self.scratch.dirs.push((node, slot));
                self.scratch.dirs.len() - 1
            }
        };
        let slot = &mut self.scratch.dirs[at].1;
        slot.touched = Some(self.version);
        Ok(slot)
    }

    /// Adds a directory that the running command makes, and writes its row.
    pub(crate) fn add_dir(&mut self, node: Node, place: Place, attr: Attr) {
        let row = Inode::encode_directory(&place, &attr);
        self.put_fresh(node.timeline, Family::Inode, &keys::inode(node.ino), &row);
        let slot = DirSlot {
            place: Arc::new(place),
            attr,
            created: self.version,
            touched: None,
            removed: false,
        };
        self.scratch.dirs.push((node, slot));
    }

    /// Removes a directory's row.
    pub(crate) fn remove_dir(&mut self, node: Node) -> Result<()> {
        self.dir_mut(node)?.removed = true;
        self.delete_row(node.timeline, Family::Inode, &keys::inode(node.ino))
    }

    /// Notes that entries came or went: count, subdirectories, times.
    pub(crate) fn touch_dir(&mut self, node: Node, entries: i64, subdirs: i64) -> Result<()> {
        let now = self.clock.wall_ns;
        let slot = self.dir_mut(node)?;
        let attr = &mut slot.attr;
        attr.entries = attr
            .entries
            .checked_add_signed(entries)
            .ok_or_else(|| wrong_count(node.ino))?;
        attr.nlink = attr
            .nlink
            .checked_add_signed(subdirs as i32)
            .ok_or_else(|| wrong_count(node.ino))?;
        attr.mtime = now;
        attr.ctime = now;
        Ok(())
    }

    /// Writes the rows of all touched directories.
    pub(super) fn flush_directories(&mut self) -> Result<()> {
        let dirty: Vec<Node> = self
            .dirs
            .iter()
            .filter(|(_, slot)| slot.touched.is_some())
            .map(|(node, _)| *node)
            .collect();
        for node in dirty {
            let Some(slot) = self.dirs.get_mut(&node) else {
                continue;
            };
            let Some(touched) = slot.touched.take() else {
                continue;
            };
            if slot.removed {
                continue;
            }
            let row = Inode::encode_directory(&slot.place, &slot.attr);
            let rest = keys::inode(node.ino);
            if slot.created > self.barrier {
                // Written in this batch and seen by nobody: it keeps its version, no history.
                let created = slot.created;
                self.txn.put(
                    keys::current(Family::Inode, node.timeline, &rest),
                    Framed::encode(created, Some(&row)),
                );
            } else {
                slot.created = touched;
                self.put_row_at(node.timeline, Family::Inode, &rest, &row, touched)?;
            }
        }
        self.txn.keep();
        Ok(())
    }
}

fn missing(node: Node) -> Error {
    Error::refused(Code::NotFound, format!("inode {}", node.ino.0))
}

fn wrong_count(ino: Ino) -> Error {
    Error::corrupt(
        "the entry count contradicts the entries",
        format!("directory {}", ino.0),
    )
}
