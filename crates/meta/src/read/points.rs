//! Which states can be read, and how a snapshot, a version or a moment becomes one.

use super::Reader;
use crate::keys::Family;
use crate::state::{Moment, Timelines, for_each, held_key, sample};
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{Code, Node, ReadPoint, Refusal, Version, show_exact, show_time};

impl<R: Rows> Reader<'_, R> {
    /// Whether everything that `point` shows is still kept; answers the point on the timeline that wrote it.
    ///
    /// # Errors
    /// `VersionExpired` when it is not, `Stale` when the timeline is gone.
    pub fn readable(&self, point: ReadPoint) -> Result<ReadPoint> {
        check_readable(self.rows, self.timelines, point)
    }

    /// The version that the time-travel window begins at: from there on every version can be read.
    pub fn window_floor(&self) -> Version {
        self.timelines.floor()
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

    /// The state of a root at a moment of wall time; `newest` is the last version that readers see.
    ///
    /// It holds nothing that was committed after that moment, and everything that was committed a quarter of a second
    /// before it (less exactly where very many moments are kept, or after an unclean stop). A later moment never
    /// answers an older state: where the clock was set back, a moment that it showed twice is the second one, and one
    /// that it has shown only before is answered like one that is still to come, with the newest state.
    ///
    /// # Errors
    /// `NotFound` when there is no such root, `VersionExpired` when the moment is before what is kept.
    pub fn point_of_time(&self, root: &[u8], wall_ns: i64, newest: Moment) -> Result<(ReadPoint, Node)> {
        let Some(version) = self.version_at(wall_ns, newest)? else {
            return Err(self.too_early(root, wall_ns, newest)?);
        };
        match self.point_of_version(root, version) {
            Err(error) if error.code() == Some(Code::VersionExpired) => {
                Err(self.too_early(root, wall_ns, newest)?)
            }
            settled => settled,
        }
    }

    /// The refusal of a moment that is before what is kept: it names the first one that is.
    fn too_early(&self, root: &[u8], wall_ns: i64, newest: Moment) -> Result<Error> {
        let (floor, mut oldest) = (self.window_floor(), None);
        for_each(self.rows, &[Family::Time as u8], |key, value| {
            let sample = sample(key, value)?;
            if oldest.is_none()
                && sample.version >= floor
                && self.point_of_version(root, sample.version).is_ok()
            {
                oldest = Some(sample.clock.wall_ns);
            }
            Ok(())
        })?;
        let oldest = show_exact(oldest.unwrap_or(newest.wall_ns));
        let refusal = Refusal::new(Code::VersionExpired, format!("time {}", show_time(wall_ns)));
        Ok(refusal.detail(format!("the oldest moment is {oldest}")).into())
    }

    /// The last version that was there at a moment, if that is known.
    fn version_at(&self, wall_ns: i64, newest: Moment) -> Result<Option<Version>> {
        if newest.wall_ns <= wall_ns {
            return Ok(Some(newest.version));
        }
        let mut found = None;
        for_each(self.rows, &[Family::Time as u8], |key, value| {
            let sample = sample(key, value)?;
            if sample.clock.wall_ns <= wall_ns {
                found = Some(sample.version);
            }
            Ok(())
        })?;
        Ok(found)
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
