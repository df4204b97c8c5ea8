//! The differences between two states: what the events between them touched, looked up in both.
//!
//! Work is proportional to the events between the states, never to the tree. A tree that was removed or moved as a
//! whole is one difference.

use super::history::is_below;
use super::{Answered, Embedded};
use nokv_client::{DiffPage, Namespace as _, View};
use nokv_meta::{Reader, Timelines};
use nokv_store::{HoltStore, Visit};
use nokv_types::{
    Attr, Code, DiffEntry, DiffKind, Event, EventKind, FileKind, Ino, Name, Node, ReadPoint, Refusal, TimelineId,
    Version,
};
use std::collections::{BTreeMap, BTreeSet};

/// Most entries and inodes that one diff looks at.
pub(super) const DIFF_TOUCHED_MAX: usize = 4_000_000;

/// Versions of timelines whose events lie between two states.
#[derive(Debug, Default)]
struct Between {
    ranges: Vec<(TimelineId, Version, Version)>,
}

/// What the events touched.
#[derive(Debug, Default)]
struct Touched {
    entries: BTreeSet<(Ino, Vec<u8>)>,
    inodes: BTreeSet<Ino>,
}

/// An entry of one of the states.
#[derive(Debug, Clone)]
struct Standing {
    ino: Ino,
    kind: FileKind,
    path: Vec<u8>,
}

impl Embedded {
    pub(super) fn differences(&self, a: View, b: View, after: Option<&[u8]>, limit: usize) -> Answered<DiffPage> {
        let core = &self.engine.core;
        core.events.complete(core)?;
        // Two states that stand still: what is looked up in several reads belongs together.
        let (a, b) = (self.still(a)?, self.still(b)?);
        let between = Between::of(&core.published.table(), a.point, b.point).map_err(crate::error::read_failed)?;
        let touched = self.touched(&between)?;
        let mut all = self.compare(&touched, a, b)?;
        all.sort_by(|one, other| (&one.path, one.kind).cmp(&(&other.path, other.kind)));
        let start = after.map_or(0, |after| all.partition_point(|entry| cursor(entry).as_slice() <= after));
        let end = all.len().min(start.saturating_add(limit.max(1)));
        let next = (end < all.len()).then(|| cursor(&all[end - 1]));
        Ok(DiffPage {
            entries: all.drain(start..end).collect(),
            next,
        })
    }

    fn still(&self, view: View) -> Answered<View> {
        let version = if view.is_head() { self.version()? } else { view.point.version };
        let point = ReadPoint {
            version,
            ..view.point
        };
        self.read(|reader| reader.readable(point))?;
        Ok(View { point, ..view })
    }

    fn touched(&self, between: &Between) -> Answered<Touched> {
        let mut touched = Touched::default();
        let Some(from) = between.ranges.iter().map(|(_, from, _)| *from).min() else {
            return Ok(touched);
        };
        let until = between.ranges.iter().map(|(_, _, to)| *to).max().unwrap_or(from);
        let mut too_many = false;
        self.each_batch(from, Code::VersionExpired, &mut |record, batch| {
            if record.first_version > until {
                return Visit::Stop;
            }
            for event in batch.events.iter().filter(|event| between.holds(event)) {
                touched.note(event);
            }
            too_many = touched.entries.len() + touched.inodes.len() > DIFF_TOUCHED_MAX;
            if too_many { Visit::Stop } else { Visit::Next }
        })?;
        if too_many {
            let refusal = Refusal::new(Code::TooMany, "diff");
            return Err(refusal.detail(format!("more than {DIFF_TOUCHED_MAX} changes")).into());
        }
        Ok(touched)
    }

    fn compare(&self, touched: &Touched, a: View, b: View) -> Answered<Vec<DiffEntry>> {
        let mut sides = (Side::default(), Side::default());
        for (parent, name) in &touched.entries {
            let name = Name::new(name)?;
            let (old, new) = self.read(|reader| {
                let old = sides.0.entry(reader, a, *parent, &name)?;
                Ok((old, sides.1.entry(reader, b, *parent, &name)?))
            })?;
            // The same entry on both sides is no difference; what it leads to is looked at as an inode.
            if old.as_ref().map(|old| old.ino) != new.as_ref().map(|new| new.ino) {
                sides.0.note(old);
                sides.1.note(new);
            }
        }
        let (olds, news) = (sides.0.found, sides.1.found);
        let mut all = Vec::new();
        let mut moved = BTreeSet::new();
        for (ino, paths) in &olds {
            let mut news = news.get(ino).cloned().unwrap_or_default().into_iter();
            for old in paths {
                match news.next() {
                    Some(new) => {
                        moved.insert(*ino);
                        all.push(entry(DiffKind::Renamed, &new, Some(old.path.clone()), b));
                    }
                    None => all.push(entry(DiffKind::Removed, old, None, a)),
                }
            }
        }
        for (ino, paths) in &news {
            let skip = olds.get(ino).map_or(0, Vec::len);
            all.extend(paths.iter().skip(skip).map(|new| entry(DiffKind::Added, new, None, b)));
        }
        for ino in &touched.inodes {
            if let Some(change) = self.read(|reader| changed(reader, *ino, a, b))? {
                all.push(change);
            }
        }
        Ok(all)
    }
}

/// Where an entry stands in the order of pages.
fn cursor(entry: &DiffEntry) -> Vec<u8> {
    let mut bytes = entry.path.clone();
    bytes.push(0);
    bytes.push(entry.kind as u8);
    bytes
}

fn entry(kind: DiffKind, at: &Standing, old_path: Option<Vec<u8>>, view: View) -> DiffEntry {
    DiffEntry {
        kind,
        path: at.path.clone(),
        old_path,
        node: Node::new(view.point.timeline, at.ino),
        file_kind: at.kind,
    }
}

/// The body or attribute difference of an inode that both states have.
fn changed(reader: &Reader<'_, HoltStore>, ino: Ino, a: View, b: View) -> nokv_meta::Result<Option<DiffEntry>> {
    let (Some(old), Some(new)) = (attr(reader, a, ino)?, attr(reader, b, ino)?) else {
        return Ok(None);
    };
    let Some(path) = path_in(reader, b, ino)? else {
        return Ok(None);
    };
    if path_in(reader, a, ino)?.is_none() {
        return Ok(None);
    }
    let kind = if old.generation != new.generation { DiffKind::Body } else { DiffKind::Attributes };
    let same_attr = Attr { atime: old.atime, ..new } == old;
    if kind == DiffKind::Attributes && same_attr && reader.xattrs(a.point, ino)? == reader.xattrs(b.point, ino)? {
        return Ok(None);
    }
    let standing = Standing {
        ino,
        kind: new.kind,
        path,
    };
    Ok(Some(entry(kind, &standing, None, b)))
}

/// One of the two states, with the paths of directories that were asked for.
#[derive(Debug, Default)]
struct Side {
    dirs: BTreeMap<Ino, Option<Vec<u8>>>,
    found: BTreeMap<Ino, Vec<Standing>>,
}

impl Side {
    /// The entry `name` of `parent` where it lies within the view.
    fn entry(
        &mut self,
        reader: &Reader<'_, HoltStore>,
        view: View,
        parent: Ino,
        name: &Name,
    ) -> nokv_meta::Result<Option<Standing>> {
        let dir = match self.dirs.get(&parent) {
            Some(dir) => dir.clone(),
            None => path_in(reader, view, parent)?,
        };
        self.dirs.insert(parent, dir.clone());
        let Some(mut path) = dir else { return Ok(None) };
        let Some(found) = unless_gone(reader.lookup(view.point, parent, name))? else {
            return Ok(None);
        };
        if !path.ends_with(b"/") {
            path.push(b'/');
        }
        path.extend_from_slice(name.as_bytes());
        Ok(Some(Standing {
            ino: found.node.ino,
            kind: found.kind,
            path,
        }))
    }

    fn note(&mut self, standing: Option<Standing>) {
        if let Some(standing) = standing {
            self.found.entry(standing.ino).or_default().push(standing);
        }
    }
}

/// The path of an inode from the root of a view; `None` when it is not in it.
fn path_in(reader: &Reader<'_, HoltStore>, view: View, ino: Ino) -> nokv_meta::Result<Option<Vec<u8>>> {
    let Some(path) = unless_gone(reader.path_of(view.point, ino))? else {
        return Ok(None);
    };
    let (path, top) = (path.to_bytes(), reader.path_of(view.point, view.node.ino)?.to_bytes());
    if !is_below(&path, &top) {
        return Ok(None);
    }
    let rest = path[top.strip_suffix(b"/").unwrap_or(&top).len()..].to_vec();
    Ok(Some(if rest.is_empty() { b"/".to_vec() } else { rest }))
}

fn attr(reader: &Reader<'_, HoltStore>, view: View, ino: Ino) -> nokv_meta::Result<Option<Attr>> {
    unless_gone(reader.getattr(view.point, ino))
}

/// What is not there is no error here.
fn unless_gone<T>(answer: nokv_meta::Result<T>) -> nokv_meta::Result<Option<T>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) => match error.code() {
            Some(Code::NotFound | Code::NotADirectory) => Ok(None),
            _ => Err(error),
        },
    }
}

impl Touched {
    fn note(&mut self, event: &Event) {
        match event.kind {
            EventKind::Create | EventKind::Remove | EventKind::Link => {
                self.entries.insert((event.parent, event.name.clone()));
            }
            EventKind::Rename => {
                self.entries.insert((event.parent, event.name.clone()));
                if let Some((parent, name)) = &event.from {
                    self.entries.insert((*parent, name.as_bytes().to_vec()));
                }
            }
            EventKind::Attributes | EventKind::Xattr | EventKind::Publish => {
                self.inodes.insert(event.ino);
                // A publish by name may have made the entry.
                self.entries.insert((event.parent, event.name.clone()));
            }
            EventKind::Snapshot | EventKind::Fork | EventKind::Rollback | EventKind::Quota => {}
        }
    }
}

impl Between {
    /// The events that lead from one state to the other: those of either line since they parted.
    fn of(timelines: &Timelines, a: ReadPoint, b: ReadPoint) -> nokv_meta::Result<Self> {
        let (one, other) = (line(timelines, a), line(timelines, b));
        let meeting = one
            .iter()
            .enumerate()
            .find_map(|(i, at)| Some((i, other.iter().position(|with| with.timeline == at.timeline)?)));
        let mut between = Self::default();
        let Some((i, j)) = meeting else {
            let refusal = Refusal::new(Code::Invalid, "diff");
            return Err(refusal.detail("the two states have no common origin").into());
        };
        let (x, y) = (one[i].version, other[j].version);
        between.add(one[i].timeline, x.min(y), x.max(y));
        for (side, count) in [(&one, i), (&other, j)] {
            for k in 0..count {
                let branch = side[k + 1].version;
                between.add(side[k].timeline, branch, side[k].version);
            }
        }
        Ok(between)
    }

    /// Versions above `after` up to `to`.
    fn add(&mut self, timeline: TimelineId, after: Version, to: Version) {
        if after < to {
            self.ranges.push((timeline, Version(after.0 + 1), to));
        }
    }

    fn holds(&self, event: &Event) -> bool {
        self.ranges
            .iter()
            .any(|(timeline, from, to)| event.timeline == *timeline && (*from..=*to).contains(&event.version))
    }
}

/// The states that a state goes back to, itself first.
fn line(timelines: &Timelines, at: ReadPoint) -> Vec<ReadPoint> {
    let mut line = vec![at];
    let mut at = at;
    while let Some((origin, branch)) = timelines.get(at.timeline).and_then(|timeline| timeline.origin) {
        at = ReadPoint {
            timeline: origin,
            version: at.version.min(branch),
        };
        line.push(at);
    }
    line
}
