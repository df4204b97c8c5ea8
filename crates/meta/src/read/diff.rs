//! The differences between two states of a directory.
//!
//! Nothing is walked that did not change: the events between the two states say what was touched, on the
//! timelines that lead from their common point to each of them; what was touched is looked up in both. Only a
//! directory that is there on one side alone is listed whole.

mod compare;
mod side;

use super::Reader;
use crate::batch::decode_events;
use crate::state::Timelines;
use crate::{Error, Result};
use nokv_store::{Rows, Visit};
use nokv_types::{Code, DiffEntry, Event, EventKind, Ino, ReadPoint, Refusal, TimelineId, Version};
use std::collections::{BTreeMap, BTreeSet};

/// Most inodes and entries that the events between two states may touch.
pub const DIFF_TOUCHED_MAX: usize = 2_000_000;

/// Receives the event section of a batch with its first and last version.
pub type EventVisit<'v> = dyn FnMut(Version, Version, &[u8]) -> Visit + 'v;

/// Where a diff reads what happened.
pub trait EventSource {
    /// Delivers the event sections of all batches that hold `from` or later versions, in order.
    ///
    /// # Errors
    /// `VersionExpired` when they are not kept back to `from`.
    fn read_from(&self, from: Version, visit: &mut EventVisit<'_>) -> Result<()>;
}

/// A directory entry: the directory and the name.
pub(crate) type Spot = (Ino, Vec<u8>);

/// What the events between two states speak of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Inodes; whether their extended attributes were.
    inos: BTreeMap<Ino, bool>,
    /// Entries by the inode that an event names with them.
    spots: BTreeMap<Ino, BTreeSet<Spot>>,
    /// Entries at which a rename may have replaced another inode.
    replaced: BTreeSet<Spot>,
}

/// Part of a timeline between two states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    timeline: TimelineId,
    after: Version,
    until: Version,
}

impl<R: Rows> Reader<'_, R> {
    /// The differences from the state `a` to the state `b` of the directory `root`, in the order of their paths.
    ///
    /// # Errors
    /// `VersionExpired` when a state or the events between them are no longer kept; `CrossDevice` when the
    /// states have no common history; `TooMany` beyond [`DIFF_TOUCHED_MAX`].
    pub fn diff(
        &self,
        a: ReadPoint,
        b: ReadPoint,
        root: Ino,
        events: &dyn EventSource,
    ) -> Result<Vec<DiffEntry>> {
        let touched = self.touched_between(a, b, events)?;
        self.diff_touched(a, b, root, &touched)
    }

    /// What the events between two states touched; the first half of [`Reader::diff`], which reads no rows but
    /// those that say whether the states are kept.
    ///
    /// # Errors
    /// As [`Reader::diff`].
    pub fn touched_between(&self, a: ReadPoint, b: ReadPoint, events: &dyn EventSource) -> Result<Touched> {
        let (a, b) = (self.readable(a)?, self.readable(b)?);
        let spans = spans(self.timelines, a, b)?;
        let mut touched = Touched::default();
        let Some(from) = spans.iter().map(|span| span.after).min() else {
            return Ok(touched);
        };
        let until = spans.iter().map(|span| span.until).max().unwrap_or(from);
        let mut failed = None;
        events.read_from(Version(from.0.saturating_add(1)), &mut |first, _, bytes| {
            if first > until {
                return Visit::Stop;
            }
            match touched.take(&spans, bytes) {
                Ok(()) => Visit::Next,
                Err(error) => {
                    failed = Some(error);
                    Visit::Stop
                }
            }
        })?;
        failed.map_or(Ok(touched), Err)
    }

    /// Compares two states at what was touched between them; the second half of [`Reader::diff`].
    ///
    /// # Errors
    /// From the store.
    pub fn diff_touched(
        &self,
        a: ReadPoint,
        b: ReadPoint,
        root: Ino,
        touched: &Touched,
    ) -> Result<Vec<DiffEntry>> {
        compare::Comparison::new(self, (a, b), root).run(touched)
    }
}

impl Touched {
    fn take(&mut self, spans: &[Span], bytes: &[u8]) -> Result<()> {
        for event in decode_events(bytes)?.events {
            let inside = |span: &Span| {
                span.timeline == event.timeline && event.version > span.after && event.version <= span.until
            };
            if spans.iter().any(inside) {
                self.add(event);
            }
        }
        if self.inos.len() > DIFF_TOUCHED_MAX {
            return Err(Refusal::new(Code::TooMany, "diff")
                .detail("more than 2000000 inodes were changed between the states")
                .into());
        }
        Ok(())
    }

    fn add(&mut self, event: Event) {
        let spot = (event.parent, event.name);
        match event.kind {
            EventKind::Snapshot | EventKind::Fork | EventKind::Rollback | EventKind::Quota => return,
            EventKind::Rename => drop(self.replaced.insert(spot.clone())),
            EventKind::Create
            | EventKind::Remove
            | EventKind::Attributes
            | EventKind::Xattr
            | EventKind::Publish
            | EventKind::Link => (),
        }
        *self.inos.entry(event.ino).or_default() |= event.kind == EventKind::Xattr;
        let spots = self.spots.entry(event.ino).or_default();
        spots.insert(spot);
        spots.extend(event.from.map(|(ino, name)| (ino, name.as_bytes().to_vec())));
    }
}

/// The parts of timelines on which the two states differ; empty when they are the same.
fn spans(timelines: &Timelines, a: ReadPoint, b: ReadPoint) -> Result<Vec<Span>> {
    let (line_a, line_b) = (lineage(timelines, a), lineage(timelines, b));
    let common = line_a.iter().enumerate().find_map(|(at_a, point)| {
        let same = |other: &ReadPoint| other.timeline == point.timeline;
        line_b.iter().position(same).map(|at_b| (at_a, at_b))
    });
    let Some((at_a, at_b)) = common else {
        // A line that ends in a timeline with an origin goes on where nothing is known any more.
        let is_cut = |line: &[ReadPoint]| {
            let oldest = line.last().and_then(|point| timelines.get(point.timeline));
            oldest.is_some_and(|timeline| timeline.origin.is_some())
        };
        let code = if is_cut(&line_a) || is_cut(&line_b) {
            Code::VersionExpired
        } else {
            Code::CrossDevice
        };
        return Err(Error::refused(code, "the common history of the two states"));
    };
    let (version_a, version_b) = (line_a[at_a].version, line_b[at_b].version);
    let mut spans = vec![Span {
        timeline: line_a[at_a].timeline,
        after: version_a.min(version_b),
        until: version_a.max(version_b),
    }];
    for point in line_a[..at_a].iter().chain(&line_b[..at_b]) {
        let origin = timelines.get(point.timeline).and_then(|line| line.origin);
        spans.push(Span {
            timeline: point.timeline,
            after: origin.map_or(Version::ZERO, |(_, branch)| branch),
            until: point.version,
        });
    }
    spans.retain(|span| span.after < span.until);
    Ok(spans)
}

/// A state and what it came from, back to the first timeline that is still known.
fn lineage(timelines: &Timelines, at: ReadPoint) -> Vec<ReadPoint> {
    let next = |at: &ReadPoint| {
        let (timeline, branch) = timelines.get(at.timeline)?.origin?;
        timelines.get(timeline)?;
        Some(ReadPoint {
            timeline,
            version: at.version.min(branch),
        })
    };
    std::iter::successors(Some(at), next).collect()
}
