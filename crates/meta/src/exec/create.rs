//! Making entries.

use crate::batch::{Batch, Charge};
use crate::keys::{self, Family};
use crate::mvcc::{self, Framed};
use crate::rows::{BodyRow, Dentry, Inode, Place, Record};
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{
    Attr, Code, EventKind, Extent, FileKind, Ino, Name, NewInode, NewKind, Node, Outcome, PATH_BYTES_MAX,
    QuotaId, Refusal, Source, Version, show_bytes,
};

/// What stands where an entry is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vacancy {
    /// Nothing: the row is new on its timeline.
    Nothing,
    /// Perhaps the statement that there is none.
    Tombstone,
}

/// The permission bits that an inode keeps.
pub(crate) const MODE_MASK: u32 = 0o7777;

impl<R: Rows> Batch<'_, R> {
    /// Makes an entry with a fresh inode, whose number is the version of the command.
    pub(crate) fn create(
        &mut self,
        parent: Node,
        name: &Name,
        inode: NewInode,
        kind: NewKind,
    ) -> Result<Outcome> {
        let (file_kind, rdev) = check_kind(&kind)?;
        self.check_live(parent.timeline)?;
        let dir = self.open_dir(parent)?;
        let vacancy = self.vacancy(parent, name)?;
        let node = Node::new(parent.timeline, Ino(self.version.0));
        let mut attr = self.new_attr(file_kind, inode, dir.quota);
        attr.rdev = rdev;
        if dir.mode & 0o2000 != 0 {
            inherit_group(&mut attr, dir.gid);
        }
        if let NewKind::Symlink(target) = kind {
            self.put_target(node, &mut attr, target);
        }
        self.charge(parent.timeline, attr.quota, Charge::inode(attr.allocated))?;
        self.insert_at(vacancy, (parent, name), node, attr)?;
        self.entry_event(EventKind::Create, node, (parent.ino, name), attr.generation);
        Ok(Outcome::Inode(node, attr))
    }

    /// A directory that entries may be added to.
    ///
    /// # Errors
    /// `NotFound` when it was removed, `NotADirectory` when it is something else.
    pub(crate) fn open_dir(&self, node: Node) -> Result<Attr> {
        let attr = self.dir_attr(node)?;
        if attr.nlink == 0 {
            return Err(Error::refused(
                Code::NotFound,
                format!("directory {}", node.ino.0),
            ));
        }
        Ok(attr)
    }

    /// Attributes of a fresh inode.
    pub(crate) fn new_attr(&self, kind: FileKind, inode: NewInode, quota: QuotaId) -> Attr {
        let now = self.clock.wall_ns;
        Attr {
            kind,
            mode: inode.mode & MODE_MASK,
            uid: inode.uid,
            gid: inode.gid,
            rdev: 0,
            nlink: if kind == FileKind::Directory { 2 } else { 1 },
            size: 0,
            allocated: 0,
            entries: 0,
            atime: now,
            mtime: now,
            ctime: now,
            btime: now,
            generation: Version::ZERO,
            base: Version::ZERO,
            quota,
        }
    }

    /// Whether a name is free, and what writing it would replace.
    ///
    /// # Errors
    /// `Exists` when it is taken.
    pub(crate) fn vacancy(&self, parent: Node, name: &Name) -> Result<Vacancy> {
        let taken = || Error::refused(Code::Exists, show_bytes(name.as_bytes()));
        let rest = keys::dentry(parent.ino, name.as_bytes());
        match mvcc::read_own(&self.txn, parent.timeline, Version::HEAD, Family::Dentry, &rest)? {
            Some(own) if own.value.is_some() => Err(taken()),
            Some(_) => Ok(Vacancy::Tombstone),
            None if self.inherits(parent.timeline, Family::Dentry, &rest)? => Err(taken()),
            None => Ok(Vacancy::Nothing),
        }
    }

    /// Writes the rows of a fresh inode and its entry, and counts it in its directory.
    pub(crate) fn insert(&mut self, parent: Node, name: &Name, node: Node, attr: Attr) -> Result<()> {
        self.insert_at(Vacancy::Tombstone, (parent, name), node, attr)
    }

    /// As [`Batch::insert`], where it is known what stands at the place.
    pub(crate) fn insert_at(
        &mut self,
        vacancy: Vacancy,
        (parent, name): (Node, &Name),
        node: Node,
        attr: Attr,
    ) -> Result<()> {
        let name = name.as_bytes();
        let is_dir = attr.kind == FileKind::Directory;
        let entry = Dentry {
            ino: node.ino,
            kind: attr.kind,
            attr: (!is_dir).then_some(attr),
        };
        match vacancy {
            Vacancy::Tombstone => self.put_entry(parent, name, &entry)?,
            Vacancy::Nothing => {
                let row = Framed::encode_with(self.version, |out| entry.encode_into(out));
                let rest = keys::dentry(parent.ino, name);
                self.txn
                    .put(keys::current(Family::Dentry, parent.timeline, &rest), row);
            }
        }
        if is_dir {
            let place = Place {
                parent: parent.ino,
                name: name.to_vec(),
            };
            self.add_dir(node, place, attr);
        } else {
            let row = Framed::encode_with(self.version, |out| Inode::put_located(parent.ino, name, out));
            let rest = keys::inode(node.ino);
            self.txn
                .put(keys::current(Family::Inode, node.timeline, &rest), row);
        }
        self.touch_dir(parent, 1, i64::from(is_dir))
    }

    /// The target of a symlink is its body, kept in a row like any inline body.
    fn put_target(&mut self, node: Node, attr: &mut Attr, target: Vec<u8>) {
        attr.size = target.len() as u64;
        attr.generation = self.version;
        attr.base = self.version;
        let extent = Extent {
            at: 0,
            len: target.len() as u32,
            source: Source::Inline(target),
        };
        let row = BodyRow {
            extents: vec![extent],
        };
        self.txn
            .put(keys::body(node.timeline, node.ino, 0, self.version), row.encode());
    }
}

/// A setgid directory gives its group to what is made in it, and its setgid bit to directories.
pub(crate) fn inherit_group(attr: &mut Attr, gid: u32) {
    attr.gid = gid;
    if attr.kind == FileKind::Directory {
        attr.mode |= 0o2000;
    }
}

fn check_kind(kind: &NewKind) -> Result<(FileKind, u64)> {
    match kind {
        NewKind::File => Ok((FileKind::File, 0)),
        NewKind::Directory => Ok((FileKind::Directory, 0)),
        NewKind::Symlink(target) if target.len() > PATH_BYTES_MAX => {
            let subject = show_bytes(target);
            Err(Refusal::new(Code::PathTooLong, subject)
                .detail("a symlink's target has at most 4096 bytes")
                .into())
        }
        NewKind::Symlink(target) if target.is_empty() || target.contains(&0) => {
            Err(Refusal::new(Code::Invalid, show_bytes(target))
                .detail("a target is not empty and has no NUL")
                .into())
        }
        NewKind::Symlink(_) => Ok((FileKind::Symlink, 0)),
        NewKind::Special(kind @ (FileKind::CharDevice | FileKind::BlockDevice), rdev) => Ok((*kind, *rdev)),
        NewKind::Special(kind @ (FileKind::Fifo | FileKind::Socket), _) => Ok((*kind, 0)),
        NewKind::Special(kind, _) => Err(Refusal::new(Code::Invalid, format!("{kind:?}"))
            .detail("is not a special file")
            .into()),
    }
}
