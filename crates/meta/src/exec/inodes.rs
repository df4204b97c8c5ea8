//! Finding inodes and writing their attributes back to where they live.

use crate::batch::Batch;
use crate::keys::{self, Family};
use crate::rows::{Dentry, Inode, Place, Record};
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{Attr, Code, FileKind, Ino, Name, Node, Refusal};

/// Where the attributes of an inode are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Home {
    /// In the only entry of a file.
    Entry(Place),
    /// In the inode row of a file with several names, or none.
    Row,
    /// In the inode row of a directory.
    Directory,
}

/// An inode that was looked up.
#[derive(Debug, Clone)]
pub(crate) struct Looked {
    pub(crate) node: Node,
    pub(crate) attr: Attr,
    pub(crate) home: Home,
}

impl Looked {
    /// Whether it is a file with exactly one name, wherever its attributes are: its charge moves with that name.
    pub(crate) fn has_one_name(&self) -> bool {
        match self.home {
            Home::Entry(_) => true,
            Home::Row => self.attr.nlink == 1,
            Home::Directory => false,
        }
    }
}

impl<R: Rows> Batch<'_, R> {
    /// The entry `name` of `parent`, if there is one.
    pub(crate) fn entry(&self, parent: Node, name: &Name) -> Result<Option<Dentry>> {
        let found = self.read(
            parent.timeline,
            Family::Dentry,
            &keys::dentry(parent.ino, name.as_bytes()),
        )?;
        found.map(|found| Dentry::decode(&found.value)).transpose()
    }

    /// The entry `name` of `parent`.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub(crate) fn entry_must(&self, parent: Node, name: &Name) -> Result<Dentry> {
        self.entry(parent, name)?
            .ok_or_else(|| Error::refused(Code::NotFound, nokv_types::show_bytes(name.as_bytes())))
    }

    /// Writes the entry `name` of `parent`.
    pub(crate) fn put_entry(&mut self, parent: Node, name: &[u8], entry: &Dentry) -> Result<()> {
        self.put_row(
            parent.timeline,
            Family::Dentry,
            &keys::dentry(parent.ino, name),
            &entry.encode(),
        )
    }

    /// Removes the entry `name` of `parent`.
    pub(crate) fn delete_entry(&mut self, parent: Node, name: &[u8]) -> Result<()> {
        self.delete_row(parent.timeline, Family::Dentry, &keys::dentry(parent.ino, name))
    }

    /// Writes the inode row of something that is not a directory.
    pub(crate) fn put_inode(&mut self, node: Node, inode: &Inode) -> Result<()> {
        self.put_row(
            node.timeline,
            Family::Inode,
            &keys::inode(node.ino),
            &inode.encode(),
        )
    }

    /// Removes the inode row of something that is not a directory.
    pub(crate) fn delete_inode(&mut self, node: Node) -> Result<()> {
        self.delete_row(node.timeline, Family::Inode, &keys::inode(node.ino))
    }

    /// Looks an inode up.
    ///
    /// # Errors
    /// `NotFound` when it does not exist.
    pub(crate) fn look(&self, node: Node) -> Result<Looked> {
        let missing = || Error::refused(Code::NotFound, format!("inode {}", node.ino.0));
        if let Some(slot) = self.known_dir(node) {
            if slot.removed {
                return Err(missing());
            }
            return Ok(Looked {
                node,
                attr: slot.attr,
                home: Home::Directory,
            });
        }
        let found = self
            .read(node.timeline, Family::Inode, &keys::inode(node.ino))?
            .ok_or_else(missing)?;
        match Inode::decode(&found.value)? {
            Inode::Directory(_, attr) => Ok(Looked {
                node,
                attr,
                home: Home::Directory,
            }),
            Inode::Linked(attr) => Ok(Looked {
                node,
                attr,
                home: Home::Row,
            }),
            Inode::Located(place) => {
                let rest = keys::dentry(place.parent, &place.name);
                let entry = self.read(node.timeline, Family::Dentry, &rest)?;
                let entry = entry.map(|found| Dentry::decode(&found.value)).transpose()?;
                match entry
                    .filter(|entry| entry.ino == node.ino)
                    .and_then(|entry| entry.attr)
                {
                    Some(attr) => Ok(Looked {
                        node,
                        attr,
                        home: Home::Entry(place),
                    }),
                    None => Err(Error::corrupt(
                        "its entry does not lead back",
                        format!("inode {}", node.ino.0),
                    )),
                }
            }
        }
    }

    /// The inode behind an entry that was read.
    pub(crate) fn look_entry(&self, parent: Node, name: &Name, entry: &Dentry) -> Result<Looked> {
        let node = Node::new(parent.timeline, entry.ino);
        match entry.attr {
            Some(attr) => {
                let place = Place {
                    parent: parent.ino,
                    name: name.as_bytes().to_vec(),
                };
                Ok(Looked {
                    node,
                    attr,
                    home: Home::Entry(place),
                })
            }
            None => self.look(node),
        }
    }

    /// Looks up a regular file.
    ///
    /// # Errors
    /// `IsADirectory` or `WrongKind` when it is something else.
    pub(crate) fn look_file(&self, node: Node) -> Result<Looked> {
        let looked = self.look(node)?;
        check_file(&looked)?;
        Ok(looked)
    }

    /// Writes changed attributes back to where they live.
    pub(crate) fn store(&mut self, looked: &Looked) -> Result<()> {
        let Looked { node, attr, home } = looked;
        match home {
            Home::Directory => {
                self.dir_mut(*node)?.attr = *attr;
                Ok(())
            }
            Home::Row => self.put_inode(*node, &Inode::Linked(*attr)),
            Home::Entry(place) => {
                let entry = Dentry {
                    ino: node.ino,
                    kind: attr.kind,
                    attr: Some(*attr),
                };
                self.put_entry(Node::new(node.timeline, place.parent), &place.name, &entry)
            }
        }
    }

    /// A directory and name under which an inode can be found, for events: the root's own when there is none.
    pub(crate) fn place_of(&self, looked: &Looked) -> Result<(Ino, Vec<u8>)> {
        match &looked.home {
            Home::Entry(place) => Ok((place.parent, place.name.clone())),
            Home::Directory => {
                let place = self.dir(looked.node)?.place;
                Ok((place.parent, place.name.clone()))
            }
            Home::Row => Ok(self
                .first_link(looked.node)?
                .unwrap_or((looked.node.ino, Vec::new()))),
        }
    }
}

/// Refuses what is not a regular file.
pub(crate) fn check_file(looked: &Looked) -> Result<()> {
    let subject = format!("inode {}", looked.node.ino.0);
    match looked.attr.kind {
        FileKind::File => Ok(()),
        FileKind::Directory => Err(Error::refused(Code::IsADirectory, subject)),
        _ => Err(Refusal::new(Code::WrongKind, subject)
            .detail("only a regular file has a body")
            .into()),
    }
}
