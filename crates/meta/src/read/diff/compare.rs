//! Comparing two states inode by inode.

use super::side::{Seen, Side, joined};
use super::{Spot, Touched};
use crate::Result;
use crate::read::Reader;
use crate::rows::Dentry;
use nokv_store::Rows;
use nokv_types::{Attr, DiffEntry, DiffKind, FileKind, Ino, ReadPoint};
use std::collections::{BTreeMap, BTreeSet};

type Path = Vec<u8>;

/// A comparison under way: the two states, and what was found, by path and kind.
pub(super) struct Comparison<'r, 'a, R: Rows> {
    old: Side<'r, 'a, R>,
    new: Side<'r, 'a, R>,
    root: Ino,
    found: BTreeMap<(Path, DiffKind), DiffEntry>,
}

impl<'r, 'a, R: Rows> Comparison<'r, 'a, R> {
    pub(super) fn new(reader: &'r Reader<'a, R>, (a, b): (ReadPoint, ReadPoint), root: Ino) -> Self {
        Self {
            old: Side::new(reader, a, root),
            new: Side::new(reader, b, root),
            root,
            found: BTreeMap::new(),
        }
    }

    pub(super) fn run(mut self, touched: &Touched) -> Result<Vec<DiffEntry>> {
        let mut inos = touched.inos.clone();
        // What a rename replaced is named by no event.
        for spot in &touched.replaced {
            for entry in [self.old.entry(spot)?, self.new.entry(spot)?]
                .into_iter()
                .flatten()
            {
                inos.entry(entry.ino).or_default();
            }
        }
        let mut spots = touched.spots.clone();
        for spot in &touched.replaced {
            for entry in [self.old.entry(spot)?, self.new.entry(spot)?]
                .into_iter()
                .flatten()
            {
                spots.entry(entry.ino).or_default().insert(spot.clone());
            }
        }
        for (ino, is_xattr) in inos {
            self.inode(ino, is_xattr, spots.remove(&ino).unwrap_or_default())?;
        }
        self.pair_moved();
        Ok(self.found.into_values().collect())
    }

    /// A name that goes and one of the same inode that comes are one that moved.
    fn pair_moved(&mut self) {
        let mut names: BTreeMap<Ino, (Vec<Path>, Vec<Path>)> = BTreeMap::new();
        for ((path, kind), entry) in &self.found {
            let names = names.entry(entry.node.ino).or_default();
            match kind {
                DiffKind::Removed => names.0.push(path.clone()),
                DiffKind::Added => names.1.push(path.clone()),
                DiffKind::Body | DiffKind::Attributes | DiffKind::Renamed => (),
            }
        }
        for (ino, (gone, come)) in names {
            for (from, to) in gone.into_iter().zip(come) {
                self.found.remove(&(from.clone(), DiffKind::Removed));
                if let Some(added) = self.found.remove(&(to.clone(), DiffKind::Added)) {
                    self.note(DiffKind::Renamed, ino, added.file_kind, to, Some(from));
                }
            }
        }
    }

    /// Compares one inode.
    fn inode(&mut self, ino: Ino, is_xattr: bool, mut spots: BTreeSet<Spot>) -> Result<()> {
        let (old, new) = (self.old.seen(ino)?, self.new.seen(ino)?);
        if ino == self.root {
            if let (Some(old), Some(new)) = (old, new) {
                self.attributes(ino, b"/".to_vec(), (&old.attr, &new.attr), is_xattr)?;
            }
            return Ok(());
        }
        for seen in [&old, &new].into_iter().flatten() {
            spots.extend(seen.spots.iter().cloned());
        }
        let before = names(&mut self.old, ino, old.as_ref(), &spots)?;
        let after = names(&mut self.new, ino, new.as_ref(), &spots)?;
        match (old, new) {
            (Some(old), Some(new)) if !before.is_empty() && !after.is_empty() => {
                self.places(ino, new.attr.kind, &before, &after);
                if let Some(path) = after.values().next().cloned() {
                    self.attributes(ino, path, (&old.attr, &new.attr), is_xattr)?;
                }
                Ok(())
            }
            (Some(old), _) if !before.is_empty() => {
                self.one_sided(ino, old.attr.kind, before, DiffKind::Removed)
            }
            (_, Some(new)) if !after.is_empty() => self.one_sided(ino, new.attr.kind, after, DiffKind::Added),
            _ => Ok(()),
        }
    }

    /// An inode that both states have: names that only one of them has.
    fn places(
        &mut self,
        ino: Ino,
        kind: FileKind,
        before: &BTreeMap<Spot, Path>,
        after: &BTreeMap<Spot, Path>,
    ) {
        let gone = before.iter().filter(|(spot, _)| !after.contains_key(*spot));
        let come = after.iter().filter(|(spot, _)| !before.contains_key(*spot));
        for (_, path) in gone {
            self.note(DiffKind::Removed, ino, kind, path.clone(), None);
        }
        for (_, path) in come {
            self.note(DiffKind::Added, ino, kind, path.clone(), None);
        }
    }

    /// An inode that both states have: its body and attributes.
    fn attributes(&mut self, ino: Ino, path: Path, (old, new): (&Attr, &Attr), is_xattr: bool) -> Result<()> {
        let is_body = new.kind == FileKind::File && (old.generation, old.size) != (new.generation, new.size);
        if is_body {
            self.note(DiffKind::Body, ino, new.kind, path.clone(), None);
        }
        // The times of a directory follow its entries, those of a file its body.
        let is_touched = !is_body && new.kind != FileKind::Directory && old.mtime != new.mtime;
        let is_changed = (old.mode, old.uid, old.gid) != (new.mode, new.uid, new.gid);
        let is_xattr = is_xattr && {
            let reader = self.new.reader;
            reader.xattrs(self.old.at, ino)? != reader.xattrs(self.new.at, ino)?
        };
        if is_touched || is_changed || is_xattr {
            self.note(DiffKind::Attributes, ino, new.kind, path, None);
        }
        Ok(())
    }

    /// An inode that only one state has; a directory with all that only it has below.
    fn one_sided(
        &mut self,
        ino: Ino,
        kind: FileKind,
        names: BTreeMap<Spot, Path>,
        diff: DiffKind,
    ) -> Result<()> {
        let mut dirs = Vec::new();
        for path in names.into_values() {
            if kind == FileKind::Directory {
                dirs.push((ino, path.clone()));
            }
            self.note(diff, ino, kind, path, None);
        }
        while let Some((dir, path)) = dirs.pop() {
            let (here, there) = match diff {
                DiffKind::Removed => (&self.old, &mut self.new),
                _ => (&self.new, &mut self.old),
            };
            let mut alone = Vec::new();
            for (name, entry) in here.children(dir)? {
                if is_named(&entry) || !there.is_there(entry.ino)? {
                    alone.push((joined(&path, &name), entry));
                }
            }
            for (path, entry) in alone {
                if entry.kind == FileKind::Directory {
                    dirs.push((entry.ino, path.clone()));
                }
                self.note(diff, entry.ino, entry.kind, path, None);
            }
        }
        Ok(())
    }

    fn note(&mut self, kind: DiffKind, ino: Ino, file_kind: FileKind, path: Path, old_path: Option<Path>) {
        let node = match kind {
            DiffKind::Removed => self.old.node(ino),
            _ => self.new.node(ino),
        };
        let entry = DiffEntry {
            kind,
            path: path.clone(),
            old_path,
            node,
            file_kind,
        };
        self.found.insert((path, kind), entry);
    }
}

/// Whether the name of an entry comes and goes by itself: the file behind it may have others.
fn is_named(entry: &Dentry) -> bool {
    entry.attr.is_none() && entry.kind != FileKind::Directory
}

/// Those of the names that lead to the inode in a state, with their paths.
fn names<R: Rows>(
    side: &mut Side<'_, '_, R>,
    ino: Ino,
    seen: Option<&Seen>,
    spots: &BTreeSet<Spot>,
) -> Result<BTreeMap<Spot, Path>> {
    let mut names = BTreeMap::new();
    let Some(seen) = seen else { return Ok(names) };
    for spot in spots {
        let leads = if seen.is_linked {
            side.entry(spot)?.is_some_and(|entry| entry.ino == ino)
        } else {
            seen.spots.contains(spot)
        };
        if leads && let Some(path) = side.path(spot)? {
            names.insert(spot.clone(), path);
        }
    }
    Ok(names)
}
