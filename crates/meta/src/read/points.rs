//! Which states can be read, and how a snapshot, a version or a moment becomes one.

use super::Reader;
use crate::exec::TIME_ROW_NS;
use crate::keys::Family;
use crate::rows::{Record, TimeRow};
use crate::state::{Timelines, for_each, held_key};
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{Code, Node, ReadPoint, Refusal, Version};

impl<R: Rows> Reader<'_, R> {
    /// Whether everything that `point` shows is still kept; answers the point on the timeline that wrote it.
    ///
    /// # Errors
    /// `VersionExpired` when it is not, `Stale` when the timeline is gone.
    pub fn readable(&self, point: ReadPoint) -> Result<ReadPoint> {
        check_readable(self.rows, self.timelines, point)
    }

    /// The state that a snapshot holds, and the directory that it shows.
    ///
    /// # Errors
    /// `NotFound` when there is no such snapshot.
    pub fn point_of_snapshot(&self, key: &[u8]) -> Result<(ReadPoint, Node)> {
        let pin = self.pin(key)?;
        Ok((pin.at, pin.node))
    }

    /// The state that the line of history of a root had at a version.
    ///
    /// After a rollback that is the line that leads to the present state: what was rolled back is found under
    /// the snapshot that the rollback made.
    ///
    /// # Errors
    /// `NotFound` when there is no such root, `VersionExpired`.
    pub fn point_of_version(&self, root: &[u8], version: Version) -> Result<(ReadPoint, Node)> {
        let root = self.root(root)?;
        let at = ReadPoint {
            timeline: root.node.timeline,
            version,
        };
        let at = self.readable(at)?;
        Ok((at, Node::new(at.timeline, root.node.ino)))
    }

    /// The state of a root at a moment of wall time, to the second; `last` is the newest version.
    ///
    /// # Errors
    /// `NotFound` when there is no such root, `VersionExpired` when the moment is before what is kept.
    pub fn point_of_time(&self, root: &[u8], wall_ns: i64, last: Version) -> Result<(ReadPoint, Node)> {
        let version = self.version_at(wall_ns, last)?;
        self.point_of_version(root, version)
    }

    /// The newest version that was committed at a moment.
    ///
    /// A time row is written by the first batch of a second and names the version before that batch. From the
    /// end of that second on nothing was committed until the next row, which therefore knows better.
    fn version_at(&self, wall_ns: i64, last: Version) -> Result<Version> {
        let (mut before, mut after) = (None, None);
        for_each(self.rows, &[Family::Time as u8], |_, value| {
            let row = TimeRow::decode(value)?;
            if row.wall_ns <= wall_ns {
                (before, after) = (Some(row), None);
            } else if after.is_none() {
                after = Some(row);
            }
            Ok(())
        })?;
        let Some(before) = before else {
            let refusal = Refusal::new(Code::VersionExpired, format!("time {wall_ns}"));
            return Err(refusal.detail("it lies before the history that is kept").into());
        };
        if wall_ns < before.wall_ns.saturating_add(TIME_ROW_NS as i64) {
            return Ok(before.version);
        }
        Ok(after.map_or(last, |after| after.version))
    }
}

/// See [`Reader::readable`].
pub(crate) fn check_readable<R: Rows>(
    rows: &R,
    timelines: &Timelines,
    point: ReadPoint,
) -> Result<ReadPoint> {
    let subject = || format!("version {} of timeline {}", point.version.0, point.timeline.0);
    if timelines
        .get(point.timeline)
        .is_none_or(|timeline| timeline.freeing)
    {
        return Err(Error::refused(
            Code::Stale,
            format!("timeline {}", point.timeline.0),
        ));
    }
    let expired = || Error::refused(Code::VersionExpired, subject());
    let at = timelines.settle(point).ok_or_else(expired)?;
    let timeline = timelines.get(at.timeline).ok_or_else(expired)?;
    if at.version >= timeline.readable_from || rows.get(&held_key(at.timeline, at.version))?.is_some() {
        return Ok(at);
    }
    Err(expired())
}
