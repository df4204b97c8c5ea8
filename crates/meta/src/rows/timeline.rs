//! Timelines.

use super::{Record, SCHEMA, Usage, schema};
use nokv_types::codec::{Take, put_varint};
use nokv_types::{Ino, QuotaId, TimelineId, Version};

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
    /// What lies outside of the subtree that it was forked from, or is not known to lie in it: its counters hold
    /// it and it is not charged. `None` where everything was forked.
    pub uncounted: Option<Uncounted>,
}

/// What the counters of a fork held at its beginning and is not charged to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uncounted {
    /// The quota root that the subtree is charged to.
    pub quota: QuotaId,
    /// Bytes and inodes in that quota root's counter.
    pub own: (u64, u64),
    /// Bytes and inodes in the counter of everything.
    pub all: (u64, u64),
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
            uncounted: None,
        }
    }

    /// What is charged to a quota root, by its counter.
    pub(crate) fn counted(&self, quota: QuotaId, counter: Usage) -> Usage {
        let (bytes, inodes) = match self.uncounted {
            Some(uncounted) if quota == QuotaId::WORKSPACE => uncounted.all,
            Some(uncounted) if quota == uncounted.quota => uncounted.own,
            _ => return counter,
        };
        Usage {
            bytes: counter.bytes.saturating_sub(bytes),
            inodes: counter.inodes.saturating_sub(inodes),
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
        let uncounted = u8::from(self.uncounted.is_some());
        out.push(u8::from(self.live) | u8::from(self.freeing) << 1 | uncounted << 2);
        if let Some(Uncounted { quota, own, all }) = self.uncounted {
            for number in [quota.0, own.0, own.1, all.0, all.1] {
                put_varint(out, number);
            }
        }
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        let (parent, origin) = (take_link(take)?, take_link(take)?);
        let root = Ino(take.varint()?);
        let (readable_from, changed) = (Version(take.varint()?), Version(take.varint()?));
        let flags = take.u8().filter(|flags| *flags < 8)?;
        let uncounted = if flags & 4 == 0 {
            None
        } else {
            Some(Uncounted {
                quota: QuotaId(take.varint()?),
                own: (take.varint()?, take.varint()?),
                all: (take.varint()?, take.varint()?),
            })
        };
        Some(Self {
            parent,
            origin,
            root,
            readable_from,
            changed,
            live: flags & 1 != 0,
            freeing: flags & 2 != 0,
            uncounted,
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
        timeline.uncounted = Some(Uncounted {
            quota: QuotaId(4),
            own: (300, 2),
            all: (301, 3),
        });
        let bytes = timeline.encode();
        assert_eq!(bytes[13..], [5, 4, 0xac, 2, 2, 0xad, 2, 3]);
        assert_eq!(Timeline::decode(&bytes).unwrap(), timeline);
    }
}
