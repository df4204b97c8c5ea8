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
        self.drop_moved();
        Ok(self.found.into_values().collect())
    }

    /// A name of a file with several that was found to be moved does not come and go as well, though the
    /// directory that it was moved from or to was listed whole.
    fn drop_moved(&mut self) {
        let moved: BTreeSet<(DiffKind, Path, Ino)> = self
            .found
            .values()
            .filter_map(|entry| Some((entry, entry.old_path.clone()?)))
            .flat_map(|(entry, old)| {
                let (ino, new) = (entry.node.ino, entry.path.clone());
                [(DiffKind::Removed, old, ino), (DiffKind::Added, new, ino)]
            })
            .collect();
        if !moved.is_empty() {
            self.found
                .retain(|(path, kind), entry| !moved.contains(&(*kind, path.clone(), entry.node.ino)));
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
        let mut gone = before.iter().filter(|(spot, _)| !after.contains_key(*spot));
        let mut come = after.iter().filter(|(spot, _)| !before.contains_key(*spot));
        loop {
            match (gone.next(), come.next()) {
                (Some((_, from)), Some((_, to))) => {
                    self.note(DiffKind::Renamed, ino, kind, to.clone(), Some(from.clone()));
                }
                (Some((_, from)), None) => self.note(DiffKind::Removed, ino, kind, from.clone(), None),
                (None, Some((_, to))) => self.note(DiffKind::Added, ino, kind, to.clone(), None),
                (None, None) => return,
            }
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
