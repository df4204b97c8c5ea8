//! Timelines.

use super::{Record, SCHEMA, schema};
use nokv_types::codec::{Take, put_varint};
use nokv_types::{Ino, TimelineId, Version};

/// A line of history, as it is stored and as readers need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// Where rows that this timeline has not are read: the timeline, and the version up to which.
    pub parent: Option<(TimelineId, Version)>,
    /// Where it was branched from; stays when the parent is no longer needed.
    pub origin: Option<(TimelineId, Version)>,
    /// Its root directory.
    pub root: Ino,
    /// Versions below this are readable only where they are held.
    pub readable_from: Version,
    /// A version at which it was changed, later than every hold that it was changed after.
    pub changed: Version,
    /// Whether it may be written: a root points at it.
    pub live: bool,
    /// Whether its rows are being removed: it can no longer be read.
    pub freeing: bool,
}

impl Timeline {
    /// A live timeline that begins at `origin`, or from nothing at `from`.
    pub(crate) fn new(origin: Option<(TimelineId, Version)>, root: Ino, from: Version) -> Self {
        Self {
            parent: origin,
            origin,
            root,
            readable_from: origin.map_or(from, |(_, branch)| branch),
            changed: Version::ZERO,
            live: true,
            freeing: false,
        }
    }
}

impl Record for Timeline {
    const NAME: &'static str = "timeline";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        put_link(self.parent, out);
        put_link(self.origin, out);
        for number in [self.root.0, self.readable_from.0, self.changed.0] {
            put_varint(out, number);
        }
        out.push(u8::from(self.live) | u8::from(self.freeing) << 1);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        let (parent, origin) = (take_link(take)?, take_link(take)?);
        let root = Ino(take.varint()?);
        let (readable_from, changed) = (Version(take.varint()?), Version(take.varint()?));
        let flags = take.u8().filter(|flags| *flags < 4)?;
        Some(Self {
            parent,
            origin,
            root,
            readable_from,
            changed,
            live: flags & 1 != 0,
            freeing: flags & 2 != 0,
        })
    }
}

/// Another timeline and a version of it, where there is one.
type Link = Option<(TimelineId, Version)>;

fn put_link(link: Link, out: &mut Vec<u8>) {
    match link {
        None => out.push(0),
        Some((timeline, version)) => {
            out.push(1);
            put_varint(out, timeline.0);
            put_varint(out, version.0);
        }
    }
}

fn take_link(take: &mut Take<'_>) -> Option<Link> {
    match take.u8()? {
        0 => Some(None),
        1 => Some(Some((TimelineId(take.varint()?), Version(take.varint()?)))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeline_bytes_are_fixed() {
        let mut timeline = Timeline::new(Some((TimelineId(3), Version(200))), Ino(7), Version(1));
        timeline.changed = Version(5);
        let bytes = timeline.encode();
        assert_eq!(bytes, [1, 1, 3, 200, 1, 1, 3, 200, 1, 7, 200, 1, 5, 1]);
        assert_eq!(Timeline::decode(&bytes).unwrap(), timeline);
    }
}
