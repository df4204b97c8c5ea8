//! Reading the namespace at a point: lookups, attributes, directories, paths.
//!
//! Owns: how the rows of a state are put together for readers. Every method does several reads that belong
//! together: the caller runs it inside `Store::consistent`. Must not change anything, must not cache.

mod body;
mod diff;
mod directory;
mod objects;
mod points;
mod quota;
mod roots;

pub use diff::{DIFF_TOUCHED_MAX, EventSource, EventVisit, Touched};
pub(crate) use points::check_readable;
pub(crate) use roots::pin_info;

pub use body::PLAN_EXTENTS_MAX;
pub(crate) use body::{BodyView, Manifest, Seen, Stands};
pub use objects::{DueReservation, ObjectInfo, ObjectMismatch, ObjectStanding, Reference, ReservationInfo};

use crate::keys::{self, Family};
use crate::mvcc;
use crate::rows::{Dentry, Inode, Record};
use crate::state::Timelines;
use crate::{Error, Result};
use nokv_store::{Rows, Visit};
use nokv_types::{
    Attr, Code, DirEntry, FileKind, Ino, Name, Node, NsPath, PATH_BYTES_MAX, ReadPoint, Refusal, Source,
    XattrName, show_bytes,
};

/// A reader over rows and the table of timelines that belongs to them.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a, R: Rows> {
    pub(crate) rows: &'a R,
    pub(crate) timelines: &'a Timelines,
}

impl<'a, R: Rows> Reader<'a, R> {
    /// A reader; `timelines` must be the table that was current with the rows.
    pub fn new(rows: &'a R, timelines: &'a Timelines) -> Self {
        Self { rows, timelines }
    }

    /// The entry `name` of the directory `dir`, with its attributes.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub fn lookup(&self, at: ReadPoint, dir: Ino, name: &Name) -> Result<DirEntry> {
        let rest = keys::dentry(dir, name.as_bytes());
        let Some(found) = mvcc::read(self.rows, self.timelines, at, Family::Dentry, &rest)? else {
            return Err(Error::refused(Code::NotFound, show_bytes(name.as_bytes())));
        };
        self.entry(at, name.clone(), &Dentry::decode(&found.value)?, true)
    }

    /// The entry at the end of `path`, from the directory `from`; symlinks are not followed.
    ///
    /// # Errors
    /// `NotFound` or `NotADirectory`, naming the path up to the part that failed.
    pub fn resolve(&self, at: ReadPoint, from: Ino, path: &NsPath) -> Result<DirEntry> {
        let mut walked = NsPath::default();
        let mut entry: Option<DirEntry> = None;
        for name in path.names() {
            let dir = entry.as_ref().map_or(from, |entry| entry.node.ino);
            if entry
                .as_ref()
                .is_some_and(|entry| entry.kind != FileKind::Directory)
            {
                return Err(Error::refused(Code::NotADirectory, walked.to_string()));
            }
            walked = walked.join(name.clone());
            entry = Some(
                self.lookup(at, dir, name)
                    .map_err(|error| named(error, &walked))?,
            );
        }
        match entry {
            Some(entry) => Ok(entry),
            None => self.root_entry(at, from),
        }
    }

    /// The attributes of an inode.
    ///
    /// # Errors
    /// `NotFound` when it does not exist at this point.
    pub fn getattr(&self, at: ReadPoint, ino: Ino) -> Result<Attr> {
        match self.inode(at, ino)? {
            Inode::Directory(_, attr) | Inode::Linked(attr) => Ok(attr),
            Inode::Located(place) => {
                let rest = keys::dentry(place.parent, &place.name);
                let entry = mvcc::read(self.rows, self.timelines, at, Family::Dentry, &rest)?;
                let entry = entry.map(|found| Dentry::decode(&found.value)).transpose()?;
                let attr = entry
                    .filter(|entry| entry.ino == ino)
                    .and_then(|entry| entry.attr);
                attr.ok_or_else(|| Error::corrupt("its entry does not lead back", format!("inode {}", ino.0)))
            }
        }
    }

    /// The path of an inode from its timeline's root: of a hard-linked file, one of them.
    ///
    /// # Errors
    /// `NotFound` when the inode has no name at this point.
    pub fn path_of(&self, at: ReadPoint, ino: Ino) -> Result<NsPath> {
        let unnamed = || Error::refused(Code::NotFound, format!("a name of inode {}", ino.0));
        let mut names = Vec::new();
        let (mut current, mut len) = (ino, 0);
        while len <= PATH_BYTES_MAX {
            let (parent, name) = match self.inode(at, current)? {
                Inode::Directory(place, _) | Inode::Located(place) => (place.parent, place.name),
                Inode::Linked(_) => self.first_link(at, current)?.ok_or_else(unnamed)?,
            };
            if parent == current {
                break;
            }
            len += name.len() + 1;
            names.push(Name::new(&name)?);
            current = parent;
        }
        names.reverse();
        Ok(names
            .into_iter()
            .fold(NsPath::default(), |path, name| path.join(name)))
    }

    /// The target of a symlink.
    ///
    /// # Errors
    /// `WrongKind` when it is none.
    pub fn readlink(&self, at: ReadPoint, ino: Ino) -> Result<Vec<u8>> {
        let attr = self.getattr(at, ino)?;
        let subject = format!("inode {}", ino.0);
        if attr.kind != FileKind::Symlink {
            return Err(Refusal::new(Code::WrongKind, subject)
                .detail("it is not a symlink")
                .into());
        }
        let row = self.body_row(at, ino, 0, &attr)?;
        match row
            .and_then(|row| row.extents.into_iter().next())
            .map(|extent| extent.source)
        {
            Some(Source::Inline(target)) => Ok(target),
            _ => Err(Error::corrupt("a symlink has no target", subject)),
        }
    }

    /// The value of an extended attribute.
    ///
    /// # Errors
    /// `NoAttribute` when there is none.
    pub fn xattr(&self, at: ReadPoint, ino: Ino, name: &XattrName) -> Result<Vec<u8>> {
        let rest = keys::xattr(ino, name.as_bytes());
        let found = mvcc::read(self.rows, self.timelines, at, Family::Xattr, &rest)?;
        let found = found.ok_or_else(|| Error::refused(Code::NoAttribute, show_bytes(name.as_bytes())))?;
        Ok(found.value)
    }

    /// The names and values of all extended attributes, by name.
    ///
    /// # Errors
    /// From the store.
    pub fn xattrs(&self, at: ReadPoint, ino: Ino) -> Result<Vec<(XattrName, Vec<u8>)>> {
        let prefix = keys::inode(ino);
        let mut all = Vec::new();
        mvcc::scan(
            self.rows,
            self.timelines,
            at,
            (Family::Xattr, &prefix, None),
            &mut |entry| {
                all.push((XattrName::new(&entry.rest[prefix.len()..])?, entry.found.value));
                Ok(Visit::Next)
            },
        )?;
        Ok(all)
    }

    pub(crate) fn inode(&self, at: ReadPoint, ino: Ino) -> Result<Inode> {
        let found = mvcc::read(self.rows, self.timelines, at, Family::Inode, &keys::inode(ino))?;
        let found = found.ok_or_else(|| Error::refused(Code::NotFound, format!("inode {}", ino.0)))?;
        Inode::decode(&found.value)
    }

    fn entry(&self, at: ReadPoint, name: Name, entry: &Dentry, with_attr: bool) -> Result<DirEntry> {
        let attr = match entry.attr {
            None if with_attr => Some(self.getattr(at, entry.ino)?),
            attr => attr.filter(|_| with_attr),
        };
        Ok(DirEntry {
            name,
            node: Node::new(at.timeline, entry.ino),
            kind: entry.kind,
            attr,
        })
    }

    /// An entry for a directory that was reached without a name.
    fn root_entry(&self, at: ReadPoint, ino: Ino) -> Result<DirEntry> {
        let attr = self.getattr(at, ino)?;
        let name = Name::new(b"root")?;
        Ok(DirEntry {
            name,
            node: Node::new(at.timeline, ino),
            kind: attr.kind,
            attr: Some(attr),
        })
    }

    fn first_link(&self, at: ReadPoint, ino: Ino) -> Result<Option<(Ino, Vec<u8>)>> {
        let prefix = keys::inode(ino);
        let mut first = None;
        mvcc::scan(
            self.rows,
            self.timelines,
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

/// The same error about the path that was asked for.
fn named(error: Error, path: &NsPath) -> Error {
    match error {
        Error::Refused(refusal) => Error::Refused(Refusal {
            subject: path.to_string(),
            ..refusal
        }),
        Error::Store(error) => Error::Store(error),
    }
}
