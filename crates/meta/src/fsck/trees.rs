//! One visible state: entries and inodes lead to each other, and the counts are those of what is counted.

use super::history::is_damage;
use super::report::{Fix, differs, is_head};
use super::{Check, Wrong};
use crate::keys::{self, Family};
use crate::mvcc;
use crate::rows::{Dentry, Inode, Place, Record, Usage};
use crate::{Error, Result};
use nokv_store::{Rows, Visit};
use nokv_types::{Attr, FileKind, Ino, Node, QuotaId, ReadPoint};
use std::collections::BTreeMap;

/// Entries of the directory that is being streamed.
struct Group {
    dir: Ino,
    entries: u64,
    subdirs: u32,
}

/// What is charged, as counted.
pub(super) type Charged = BTreeMap<QuotaId, Usage>;

/// What a scan of rows hands each key and value to.
type Visitor<'v, C> = &'v mut dyn FnMut(&mut C, &[u8], &[u8]) -> Result<()>;

impl<R: Rows> Check<'_, R> {
    pub(super) fn tree(&mut self, at: ReadPoint) -> Result<()> {
        self.entries(at)?;
        let charged = self.inodes(at)?;
        self.usage(at, charged)?;
        self.link_rows(at)?;
        self.attributes(at)
    }

    /// Every entry, grouped by its directory.
    fn entries(&mut self, at: ReadPoint) -> Result<()> {
        let mut group: Option<Group> = None;
        self.scan(at, Family::Dentry, &mut |check, rest, value| {
            check.report.entries += 1;
            let Some((dir, name)) = keys::take_id(rest) else {
                return Ok(());
            };
            let Ok(entry) = Dentry::decode(value) else {
                return Ok(());
            };
            if group.as_ref().is_none_or(|group| group.dir != Ino(dir)) {
                if let Some(done) = group.take() {
                    check.directory_counts(at, &done)?;
                }
                group = Some(Group {
                    dir: Ino(dir),
                    entries: 0,
                    subdirs: 0,
                });
            }
            if let Some(group) = &mut group {
                group.entries += 1;
                group.subdirs += u32::from(entry.kind == FileKind::Directory);
            }
            check.entry(at, Ino(dir), name, &entry)
        })?;
        group.map_or(Ok(()), |group| self.directory_counts(at, &group))
    }

    fn directory_counts(&mut self, at: ReadPoint, group: &Group) -> Result<()> {
        let dir = Node::new(at.timeline, group.dir);
        let key = keys::current(Family::Inode, at.timeline, &keys::inode(group.dir));
        let Some(Inode::Directory(_, attr)) = self.inode(at, group.dir)? else {
            let fix = Fix::Place {
                node: dir,
                parent: Ino::ROOT,
                name: Vec::new(),
            };
            let detail = format!("{} entries of no directory", group.entries);
            let fix = Some(fix).filter(|_| is_head(at.version));
            self.found(Wrong::Entry, key, detail, fix);
            return Ok(());
        };
        let found = (group.entries, group.subdirs + 2);
        let kept = (attr.entries, if attr.nlink == 0 { found.1 } else { attr.nlink });
        if kept != found {
            let fix = Fix::Counts {
                dir,
                entries: group.entries,
                subdirs: group.subdirs,
            };
            let fix = Some(fix).filter(|_| is_head(at.version));
            self.found(Wrong::EntryCount, key, differs(kept, found), fix);
        }
        Ok(())
    }

    /// The inode behind an entry leads back to it.
    fn entry(&mut self, at: ReadPoint, dir: Ino, name: &[u8], entry: &Dentry) -> Result<()> {
        let node = Node::new(at.timeline, entry.ino);
        let inode = self.inode(at, entry.ino)?;
        let leads_back = |place: &Place| place.parent == dir && place.name == name;
        let (parent, owned) = (dir, name.to_vec());
        let (detail, fix) = match (&inode, &entry.attr) {
            (Some(Inode::Directory(place, _)), None)
                if entry.kind == FileKind::Directory && leads_back(place) =>
            {
                return Ok(());
            }
            (Some(Inode::Located(place)), Some(_)) if leads_back(place) => return Ok(()),
            (Some(Inode::Linked(attr)), None) if attr.kind == entry.kind => {
                let rest = keys::link(entry.ino, dir, name);
                if mvcc::read(self.rows, self.timelines, at, Family::Link, &rest)?.is_some() {
                    return Ok(());
                }
                (
                    "its link row is missing",
                    Fix::Link {
                        node,
                        parent,
                        name: owned,
                    },
                )
            }
            (Some(Inode::Located(_)) | None, Some(_)) => (
                "its locator is missing or leads elsewhere",
                Fix::Locator {
                    node,
                    parent,
                    name: owned,
                },
            ),
            (Some(Inode::Directory(..)) | None, None) if entry.kind == FileKind::Directory => (
                "its directory is missing or leads elsewhere",
                Fix::Place {
                    node,
                    parent,
                    name: owned,
                },
            ),
            _ => {
                let rest = keys::dentry(dir, name);
                let drop = Fix::Drop {
                    timeline: at.timeline,
                    family: Family::Dentry,
                    rest,
                };
                ("its inode is gone or of another kind", drop)
            }
        };
        let key = keys::current(Family::Dentry, at.timeline, &keys::dentry(dir, name));
        self.found(
            Wrong::Entry,
            key,
            detail.into(),
            Some(fix).filter(|_| is_head(at.version)),
        );
        Ok(())
    }

    /// Every inode is led to by an entry, or has a reason to be without; counts what is charged.
    fn inodes(&mut self, at: ReadPoint) -> Result<Charged> {
        let mut charged = Charged::new();
        self.scan(at, Family::Inode, &mut |check, rest, value| {
            check.report.inodes += 1;
            let Some((ino, _)) = keys::take_id(rest) else {
                return Ok(());
            };
            let (ino, Ok(inode)) = (Ino(ino), Inode::decode(value)) else {
                return Ok(());
            };
            if let Some(attr) = check.inode_of(at, ino, inode)? {
                let usage = charged.entry(attr.quota).or_default();
                usage.bytes += attr.allocated;
                usage.inodes += 1;
            }
            Ok(())
        })?;
        Ok(charged)
    }

    /// Checks one inode; answers its attributes where they can be read.
    fn inode_of(&mut self, at: ReadPoint, ino: Ino, inode: Inode) -> Result<Option<Attr>> {
        match inode {
            Inode::Located(place) => {
                let entry = self.entry_at(at, &place)?.filter(|entry| entry.ino == ino);
                let attr = entry.and_then(|entry| entry.attr);
                if attr.is_none() {
                    // Without its entry the attributes are lost; the body's rows stay until they are pruned.
                    let fix = Fix::Drop {
                        timeline: at.timeline,
                        family: Family::Inode,
                        rest: keys::inode(ino),
                    };
                    self.lost(at, ino, "its entry does not lead back", Some(fix));
                }
                Ok(attr)
            }
            Inode::Directory(place, attr) => {
                self.directory(at, ino, &place, &attr)?;
                Ok(Some(attr))
            }
            Inode::Linked(attr) => {
                self.linked(at, ino, &attr)?;
                Ok(Some(attr))
            }
        }
    }

    fn directory(&mut self, at: ReadPoint, ino: Ino, place: &Place, attr: &Attr) -> Result<()> {
        let is_root = self
            .timelines
            .get(at.timeline)
            .is_some_and(|line| line.root == ino);
        if attr.entries > 0 && !self.has_entries(at, ino)? {
            let fix = Fix::Counts {
                dir: Node::new(at.timeline, ino),
                entries: 0,
                subdirs: 0,
            };
            let key = keys::current(Family::Inode, at.timeline, &keys::inode(ino));
            let fix = Some(fix).filter(|_| is_head(at.version));
            self.found(Wrong::EntryCount, key, differs(attr.entries, 0), fix);
        }
        if is_root || place.parent == ino {
            return Ok(());
        }
        let named = self.entry_at(at, place)?.is_some_and(|entry| entry.ino == ino);
        let detached = mvcc::read(self.rows, self.timelines, at, Family::Detached, &keys::inode(ino))?;
        if named || (attr.nlink == 0 && detached.is_some()) {
            return Ok(());
        }
        let fix = Fix::Lost {
            node: Node::new(at.timeline, ino),
            attr: *attr,
        };
        self.lost(at, ino, "no entry leads to the directory", Some(fix));
        Ok(())
    }

    fn usage(&mut self, at: ReadPoint, mut charged: Charged) -> Result<()> {
        let total = charged.values().fold(Usage::default(), |sum, one| Usage {
            bytes: sum.bytes + one.bytes,
            inodes: sum.inodes + one.inodes,
        });
        charged.insert(QuotaId::WORKSPACE, total);
        let mut kept = Charged::new();
        self.scan(at, Family::Usage, &mut |_, rest, value| {
            if let (Some((quota, _)), Ok(usage)) = (keys::take_id(rest), Usage::decode(value)) {
                kept.insert(QuotaId(quota), usage);
            }
            Ok(())
        })?;
        for quota in charged.keys() {
            kept.entry(*quota).or_default();
        }
        for (quota, kept) in kept {
            let found = charged.get(&quota).copied().unwrap_or_default();
            if kept != found {
                let fix = Fix::Usage {
                    timeline: at.timeline,
                    quota,
                    bytes: found.bytes,
                    inodes: found.inodes,
                };
                let key = keys::current(Family::Usage, at.timeline, &keys::usage(quota));
                let fix = Some(fix).filter(|_| is_head(at.version));
                self.found(Wrong::Usage, key, differs(kept, found), fix);
            }
        }
        Ok(())
    }

    pub(super) fn lost(&mut self, at: ReadPoint, ino: Ino, detail: &str, fix: Option<Fix>) {
        let key = keys::current(Family::Inode, at.timeline, &keys::inode(ino));
        self.found(
            Wrong::Unreachable,
            key,
            detail.into(),
            fix.filter(|_| is_head(at.version)),
        );
    }

    pub(super) fn inode(&self, at: ReadPoint, ino: Ino) -> Result<Option<Inode>> {
        let found = mvcc::read(self.rows, self.timelines, at, Family::Inode, &keys::inode(ino))?;
        Ok(found.and_then(|found| Inode::decode(&found.value).ok()))
    }

    pub(super) fn entry_at(&self, at: ReadPoint, place: &Place) -> Result<Option<Dentry>> {
        let rest = keys::dentry(place.parent, &place.name);
        let found = mvcc::read(self.rows, self.timelines, at, Family::Dentry, &rest)?;
        Ok(found.and_then(|found| Dentry::decode(&found.value).ok()))
    }

    fn has_entries(&self, at: ReadPoint, dir: Ino) -> Result<bool> {
        let (prefix, mut has) = (keys::inode(dir), false);
        let range = (Family::Dentry, prefix.as_slice(), None);
        mvcc::scan(self.rows, self.timelines, at, range, &mut |_| {
            has = true;
            Ok(Visit::Stop)
        })?;
        Ok(has)
    }

    /// Visits the rows of a family as `at` sees them; a malformed one ends the scan and is said of its own row.
    pub(super) fn scan(&mut self, at: ReadPoint, family: Family, visit: Visitor<'_, Self>) -> Result<()> {
        let (rows, timelines) = (self.rows, self.timelines);
        let scanned = mvcc::scan(rows, timelines, at, (family, b"", None), &mut |row| {
            visit(self, &row.rest, &row.found.value)?;
            Ok(Visit::Next)
        });
        match scanned {
            Err(error @ Error::Store(_)) if !is_damage(&error) => Err(error),
            _ => Ok(()),
        }
    }
}
