//! Which body rows a reader of a body sees, and the plan by which its bytes are read.
//!
//! Per range the newest row counts whose generation lies between the body's base and its generation, along the
//! chain of timelines; ranges without one belong to the manifest of a staged publish, where there is one. Ranges
//! that hold nothing are jumped over by seeking.

mod levels;
mod plan;

pub use plan::PLAN_EXTENTS_MAX;

use crate::keys;
use crate::rows::{BodyRow, MANIFEST_RANGE, ManifestRow, Record};
use crate::state::Timelines;
use crate::{Error, Result};
use levels::{Level, Levels};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::{Attr, Ino, ReadPoint, TimelineId, UploadId, Version};

/// A body at one generation, as its attributes name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodyView {
    pub(crate) timeline: TimelineId,
    pub(crate) ino: Ino,
    pub(crate) base: Version,
    pub(crate) generation: Version,
}

/// Where a visible row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stands {
    /// It is a body row of this timeline and generation.
    Own(TimelineId, Version),
    /// It was staged; the body's manifest leads to it.
    Staged(UploadId),
}

/// A row that a reader sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) range: u64,
    pub(crate) stands: Stands,
    pub(crate) row: BodyRow,
}

/// The manifest of a body that was staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Where its row stands.
    pub(crate) timeline: TimelineId,
    pub(crate) generation: Version,
    pub(crate) row: ManifestRow,
}

impl BodyView {
    /// The body that `attr`, read at `at`, speaks of.
    pub(crate) fn new(at: ReadPoint, ino: Ino, attr: &Attr) -> Self {
        Self {
            timeline: at.timeline,
            ino,
            base: attr.base,
            generation: attr.generation.min(at.version),
        }
    }

    /// The row of one range.
    pub(crate) fn row<R: Rows>(&self, rows: &R, timelines: &Timelines, range: u64) -> Result<Option<Seen>> {
        if let Some(((timeline, generation), value)) = self.own(rows, timelines, range)? {
            return Ok(Some(Seen {
                range,
                stands: Stands::Own(timeline, generation),
                row: BodyRow::decode(&value)?,
            }));
        }
        let Some(manifest) = self.manifest(rows, timelines)? else {
            return Ok(None);
        };
        let ManifestRow { upload, ranges } = manifest.row;
        if range >= ranges {
            return Ok(None);
        }
        let Some(value) = rows.get(&keys::staged(upload, range))? else {
            return Ok(None);
        };
        Ok(Some(Seen {
            range,
            stands: Stands::Staged(upload),
            row: BodyRow::decode(&value)?,
        }))
    }

    /// The manifest, where the body has one.
    pub(crate) fn manifest<R: Rows>(&self, rows: &R, timelines: &Timelines) -> Result<Option<Manifest>> {
        let Some(((timeline, generation), value)) = self.own(rows, timelines, MANIFEST_RANGE)? else {
            return Ok(None);
        };
        Ok(Some(Manifest {
            timeline,
            generation,
            row: ManifestRow::decode(&value)?,
        }))
    }

    /// Whether a reader of this body sees just the row (or manifest) of `range` that stands at `place`.
    pub(crate) fn is_row<R: Rows>(
        &self,
        rows: &R,
        timelines: &Timelines,
        range: u64,
        place: (TimelineId, Version),
    ) -> Result<bool> {
        let own = self.own(rows, timelines, range)?;
        Ok(own.is_some_and(|(found, _)| found == place))
    }

    /// Visits the rows of the ranges from..end, in order; rows without extents (cut ranges) too.
    pub(crate) fn each<R: Rows>(
        &self,
        rows: &R,
        timelines: &Timelines,
        (from, end): (u64, u64),
        visit: &mut dyn FnMut(Seen) -> Result<Visit>,
    ) -> Result<()> {
        if from >= end {
            return Ok(());
        }
        if end - from == 1 {
            if let Some(seen) = self.row(rows, timelines, from)? {
                visit(seen)?;
            }
            return Ok(());
        }
        let mut levels = Levels::of(self, timelines, (from, end));
        if let Some(Manifest { row, .. }) = self.manifest(rows, timelines)? {
            levels.push(Level::staged(row, (from, end)));
        }
        while let Some(seen) = levels.next(rows)? {
            if visit(seen)? == Visit::Stop {
                break;
            }
        }
        Ok(())
    }

    /// Visits the keys of visible rows of this very timeline: ranges and generations, the manifest's too.
    pub(crate) fn each_own<R: Rows>(
        &self,
        rows: &R,
        visit: &mut dyn FnMut(u64, Version) -> Result<()>,
    ) -> Result<()> {
        let alone = Timelines::default();
        let mut levels = Levels::of(self, &alone, (0, MANIFEST_RANGE));
        while let Some(seen) = levels.next(rows)? {
            if let Stands::Own(_, generation) = seen.stands {
                visit(seen.range, generation)?;
            }
        }
        match self.own(rows, &alone, MANIFEST_RANGE)? {
            Some(((_, generation), _)) => visit(MANIFEST_RANGE, generation),
            None => Ok(()),
        }
    }

    /// The newest row of a range along the chain, unless it is older than the base.
    fn own<R: Rows>(&self, rows: &R, timelines: &Timelines, range: u64) -> Result<Option<Own>> {
        for (timeline, version) in chain(timelines, self.timeline, self.generation) {
            let prefix = keys::body_range(timeline, self.ino, range);
            let newer = keys::body(timeline, self.ino, range, next(version));
            let mut newest = None;
            rows.scan(Scan::prefix(&prefix).after(&newer), &mut |key, value| {
                newest = Some((key.to_vec(), value.to_vec()));
                Visit::Stop
            })?;
            if let Some((key, value)) = newest {
                let (_, generation) = keys::split_inverted(&key).ok_or_else(malformed_key)?;
                return Ok((generation >= self.base).then_some(((timeline, generation), value)));
            }
        }
        Ok(None)
    }
}

type Own = ((TimelineId, Version), Vec<u8>);

/// A timeline and its ancestors, each with the version up to which it is read.
fn chain(
    timelines: &Timelines,
    timeline: TimelineId,
    version: Version,
) -> impl Iterator<Item = (TimelineId, Version)> {
    std::iter::successors(Some((timeline, version)), |(timeline, version)| {
        let (parent, branch) = timelines.get(*timeline)?.parent?;
        Some((parent, (*version).min(branch)))
    })
}

/// The version after this one: its key sorts just before this one's.
fn next(version: Version) -> Version {
    Version(version.0.saturating_add(1))
}

fn malformed_key() -> Error {
    Error::corrupt("malformed key", "body row")
}
