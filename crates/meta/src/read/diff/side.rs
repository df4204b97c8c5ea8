//! One of the two states that are compared: which inodes are there, under which names.

use super::Spot;
use crate::Result;
use crate::keys::{self, Family};
use crate::mvcc;
use crate::read::Reader;
use crate::rows::{Dentry, Inode, Place, Record};
use nokv_store::{Rows, Visit};
use nokv_types::{Attr, Ino, Node, ReadPoint};
use std::collections::{BTreeMap, BTreeSet};

/// Longest chain of directories that is followed upwards; a longer one cannot be named.
const DEPTH_MAX: usize = 4096;

/// A state, with the paths of the directories that were asked for.
pub(super) struct Side<'r, 'a, R: Rows> {
    pub(super) reader: &'r Reader<'a, R>,
    pub(super) at: ReadPoint,
    root: Ino,
    paths: BTreeMap<Ino, Option<Vec<u8>>>,
}

/// An inode as one state has it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) attr: Attr,
    /// Names that it may have; all of them for what can have only one.
    pub(super) spots: BTreeSet<Spot>,
    /// It may have other names.
    pub(super) is_linked: bool,
}

impl<'r, 'a, R: Rows> Side<'r, 'a, R> {
    pub(super) fn new(reader: &'r Reader<'a, R>, at: ReadPoint, root: Ino) -> Self {
        Self {
            reader,
            at,
            root,
            paths: BTreeMap::new(),
        }
    }

    pub(super) fn node(&self, ino: Ino) -> Node {
        Node::new(self.at.timeline, ino)
    }

    /// The path of a directory below the compared one, empty for itself; `None` when it is not there.
    pub(super) fn dir_path(&mut self, ino: Ino) -> Result<Option<Vec<u8>>> {
        let mut below: Vec<(Ino, Vec<u8>)> = Vec::new();
        let mut at = ino;
        let mut path = loop {
            if let Some(known) = self.paths.get(&at) {
                break known.clone();
            }
            match self.inode(at)? {
                Some(Inode::Directory(..)) if at == self.root => break Some(Vec::new()),
                Some(Inode::Directory(place, attr))
                    if attr.nlink > 0 && place.parent != at && below.len() < DEPTH_MAX =>
                {
                    below.push((at, place.name));
                    at = place.parent;
                }
                _ => break None,
            }
        };
        self.paths.insert(at, path.clone());
        for (ino, name) in below.into_iter().rev() {
            path = path.map(|path| joined(&path, &name));
            self.paths.insert(ino, path.clone());
        }
        Ok(path)
    }

    /// The path of an entry; `None` when its directory is not there.
    pub(super) fn path(&mut self, (parent, name): &Spot) -> Result<Option<Vec<u8>>> {
        Ok(self.dir_path(*parent)?.map(|path| joined(&path, name)))
    }

    /// The inode with the names that it may have; `None` when it is not there or has no name.
    pub(super) fn seen(&mut self, ino: Ino) -> Result<Option<Seen>> {
        let one = |place: Place| BTreeSet::from([(place.parent, place.name)]);
        Ok(match self.inode(ino)? {
            None => None,
            Some(Inode::Directory(_, attr)) if attr.nlink == 0 => None,
            Some(Inode::Directory(_, attr)) if ino == self.root => Some(Seen {
                attr,
                spots: BTreeSet::new(),
                is_linked: false,
            }),
            Some(Inode::Directory(place, attr)) => Some(Seen {
                attr,
                spots: one(place),
                is_linked: false,
            }),
            Some(Inode::Located(place)) => {
                self.entry(&(place.parent, place.name.clone()))?
                    .and_then(|entry| {
                        Some(Seen {
                            attr: entry.attr?,
                            spots: one(place),
                            is_linked: false,
                        })
                    })
            }
            Some(Inode::Linked(attr)) if attr.nlink == 0 => None,
            Some(Inode::Linked(attr)) => Some(Seen {
                attr,
                spots: self.reachable_link(ino)?.into_iter().collect(),
                is_linked: true,
            }),
        })
    }

    /// Whether the inode has a name below the compared directory.
    pub(super) fn is_there(&mut self, ino: Ino) -> Result<bool> {
        match self.inode(ino)? {
            None => Ok(false),
            Some(Inode::Directory(..)) => Ok(self.dir_path(ino)?.is_some()),
            Some(Inode::Located(place)) => Ok(self.dir_path(place.parent)?.is_some()),
            Some(Inode::Linked(_)) => Ok(self.reachable_link(ino)?.is_some()),
        }
    }

    /// What an entry leads to.
    pub(super) fn entry(&self, (parent, name): &Spot) -> Result<Option<Dentry>> {
        let rest = keys::dentry(*parent, name);
        let found = mvcc::read(
            self.reader.rows,
            self.reader.timelines,
            self.at,
            Family::Dentry,
            &rest,
        )?;
        found.map(|found| Dentry::decode(&found.value)).transpose()
    }

    /// All entries of a directory.
    pub(super) fn children(&self, dir: Ino) -> Result<Vec<(Vec<u8>, Dentry)>> {
        let prefix = keys::inode(dir);
        let Reader { rows, timelines } = *self.reader;
        let (at, mut children) = (self.at, Vec::new());
        mvcc::scan(
            rows,
            timelines,
            at,
            (Family::Dentry, &prefix, None),
            &mut |entry| {
                let name = entry.rest[prefix.len()..].to_vec();
                children.push((name, Dentry::decode(&entry.found.value)?));
                Ok(Visit::Next)
            },
        )?;
        Ok(children)
    }

    /// A name of a hard-linked file that stands below the compared directory: names in removed trees that wait
    /// for reclaim do not.
    fn reachable_link(&mut self, ino: Ino) -> Result<Option<Spot>> {
        let prefix = keys::inode(ino);
        let Reader { rows, timelines } = *self.reader;
        let (at, mut found) = (self.at, None);
        mvcc::scan(rows, timelines, at, (Family::Link, &prefix, None), &mut |entry| {
            let spot = keys::take_id(&entry.rest[prefix.len()..]);
            let Some(spot) = spot.map(|(parent, name)| (Ino(parent), name.to_vec())) else {
                return Ok(Visit::Next);
            };
            if self.dir_path(spot.0)?.is_none() {
                return Ok(Visit::Next);
            }
            found = Some(spot);
            Ok(Visit::Stop)
        })?;
        Ok(found)
    }

    /// The inode's row. A number that was given later than the state is not there: nothing is read.
    fn inode(&self, ino: Ino) -> Result<Option<Inode>> {
        if ino.0 > self.at.version.0 {
            return Ok(None);
        }
        let Reader { rows, timelines } = *self.reader;
        let found = mvcc::read(rows, timelines, self.at, Family::Inode, &keys::inode(ino))?;
        found.map(|found| Inode::decode(&found.value)).transpose()
    }
}

/// The path of `name` in the directory at `path`.
pub(super) fn joined(path: &[u8], name: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(path.len() + 1 + name.len());
    joined.extend_from_slice(path);
    joined.push(b'/');
    joined.extend_from_slice(name);
    joined
}
