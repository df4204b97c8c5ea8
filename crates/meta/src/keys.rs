//! Keys of every row: a family tag, then ids in base 4, then a name where there is one.
//!
//! Ids are written as order-preserving, length-prefixed base-4 digits, so that a tree node has at most four
//! children per byte and its frames stay full (docs/adr/0002). No key contains a NUL byte except between the
//! key and the version of a history row, so no key equals another one plus NUL.

use nokv_types::{Ino, ObjectId, QuotaId, ReservationId, TimelineId, UploadId, Version};

/// The family of a row; the first byte of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Family {
    /// Body rows: (timeline, ino, range, inverted generation).
    Body = b'b',
    /// Versions that lie inside a batch: (last version).
    Span = b'B',
    /// Directory entries: (timeline, parent, name). Versioned.
    Dentry = b'd',
    /// How far the flattening of a deep timeline has come: (timeline).
    Flatten = b'f',
    /// The counters of the workspace.
    Global = b'g',
    /// How many pins and branches hold a version: (timeline, version).
    Held = b'h',
    /// History of the versioned families: (family, timeline, rest, NUL, inverted created).
    History = b'H',
    /// Inodes and locators: (timeline, ino). Versioned.
    Inode = b'i',
    /// Detached trees that wait for reclaim: (timeline, ino). Versioned, as a fork inherits them.
    Detached = b'k',
    /// Names of files with several: (timeline, ino, parent, name). Versioned.
    Link = b'l',
    /// What the pruner must look at: (0, timeline, low); what waits for a close: (1, timeline, ino, version).
    PruneWork = b'n',
    /// Objects: (reservation, index).
    Object = b'o',
    /// Files without a name that are still open: (timeline, ino). Versioned, as a fork inherits them.
    Orphan = b'O',
    /// Snapshot pins: key bytes.
    Pin = b'p',
    /// What became history when: (timeline, superseded, piece).
    Prune = b'P',
    /// Usage of quota roots: (timeline, quota). Versioned.
    Usage = b'q',
    /// Definitions of quota roots: (quota).
    Quota = b'Q',
    /// Named roots: name bytes.
    Root = b'r',
    /// Sessions: (session).
    Session = b's',
    /// Open files: (session, handle).
    Open = b'S',
    /// Timelines: (timeline).
    Timeline = b't',
    /// Staged body rows: (upload, range).
    Staged = b'u',
    /// Uploads: (stage of its life, upload).
    Upload = b'U',
    /// Reservations of object ids: (reservation).
    Reservation = b'v',
    /// Which version was complete when: (log time, version).
    Time = b'w',
    /// The exactly-once window as saved before a checkpoint: (session, piece).
    Window = b'W',
    /// Extended attributes: (timeline, ino, name). Versioned.
    Xattr = b'x',
    /// Objects that nothing refers to: (version or 0, reservation, index).
    Dead = b'z',
}

impl Family {
    /// The families whose rows have versions and history.
    pub(crate) const VERSIONED: [Family; 7] = [
        Family::Dentry,
        Family::Detached,
        Family::Inode,
        Family::Link,
        Family::Orphan,
        Family::Usage,
        Family::Xattr,
    ];
}

/// Base-4 digits of an inverted version: 48 bits.
const INVERTED_DIGITS: u32 = 24;
/// The largest version that fits a history key.
pub(crate) const VERSION_MAX: u64 = (1 << (2 * INVERTED_DIGITS)) - 1;

/// A key under construction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// Starts a key of `family`.
    pub(crate) fn new(family: Family) -> Self {
        let mut bytes = Vec::with_capacity(48);
        bytes.push(family as u8);
        Self(bytes)
    }

    /// Starts the part of a key that follows family and timeline.
    pub(crate) fn rest() -> Self {
        Self(Vec::with_capacity(40))
    }

    /// Appends an id.
    pub(crate) fn id(mut self, id: u64) -> Self {
        push_id(&mut self.0, id);
        self
    }

    /// Appends bytes as they are; they end the key.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Appends a version so that newer ones sort first.
    pub(crate) fn inverted(mut self, version: Version) -> Self {
        let inverted = VERSION_MAX - version.0.min(VERSION_MAX);
        for digit in (0..INVERTED_DIGITS).rev() {
            self.0.push(b'0' + (inverted >> (2 * digit) & 3) as u8);
        }
        self
    }

    /// The finished key.
    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

fn push_id(out: &mut Vec<u8>, id: u64) {
    let digits = (64 - id.leading_zeros()).div_ceil(2);
    out.push(b'A' + digits as u8);
    for digit in (0..digits).rev() {
        out.push(b'0' + (id >> (2 * digit) & 3) as u8);
    }
}

/// Takes an id from the front of a key.
pub(crate) fn take_id(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let digits = usize::from(first.checked_sub(b'A')?);
    if digits > 32 {
        return None;
    }
    let (digits, rest) = rest.split_at_checked(digits)?;
    Some((
        digits
            .iter()
            .try_fold(0u64, |id, digit| Some(id << 2 | u64::from(base4(*digit)?)))?,
        rest,
    ))
}

/// Takes an inverted version from the end of a key.
pub(crate) fn split_inverted(key: &[u8]) -> Option<(&[u8], Version)> {
    let (front, digits) = key.split_at_checked(key.len().checked_sub(INVERTED_DIGITS as usize)?)?;
    let inverted = digits
        .iter()
        .try_fold(0u64, |id, digit| Some(id << 2 | u64::from(base4(*digit)?)))?;
    Some((front, Version(VERSION_MAX - inverted)))
}

fn base4(digit: u8) -> Option<u8> {
    digit.checked_sub(b'0').filter(|digit| *digit < 4)
}

/// The key of the current row of a versioned family.
pub(crate) fn current(family: Family, timeline: TimelineId, rest: &[u8]) -> Vec<u8> {
    Key::new(family).id(timeline.0).bytes(rest).done()
}

/// The prefix of all history rows of one versioned key.
pub(crate) fn history_prefix(family: Family, timeline: TimelineId, rest: &[u8]) -> Vec<u8> {
    Key::new(Family::History)
        .bytes(&[family as u8])
        .id(timeline.0)
        .bytes(rest)
        .bytes(&[0])
        .done()
}

/// The key of the history row that was created at `created`.
pub(crate) fn history(family: Family, timeline: TimelineId, rest: &[u8], created: Version) -> Vec<u8> {
    Key(history_prefix(family, timeline, rest))
        .inverted(created)
        .done()
}

/// What follows the timeline in the key of a directory entry.
pub(crate) fn dentry(parent: Ino, name: &[u8]) -> Vec<u8> {
    Key::rest().id(parent.0).bytes(name).done()
}

/// What follows the timeline in the key of an inode.
pub(crate) fn inode(ino: Ino) -> Vec<u8> {
    Key::rest().id(ino.0).done()
}

/// What follows the timeline in the key of one name of a hard-linked file.
pub(crate) fn link(ino: Ino, parent: Ino, name: &[u8]) -> Vec<u8> {
    Key::rest().id(ino.0).id(parent.0).bytes(name).done()
}

/// What follows the timeline in the key of an extended attribute.
pub(crate) fn xattr(ino: Ino, name: &[u8]) -> Vec<u8> {
    Key::rest().id(ino.0).bytes(name).done()
}

/// What follows the timeline in the key of a usage row.
pub(crate) fn usage(quota: QuotaId) -> Vec<u8> {
    Key::rest().id(quota.0).done()
}

/// The prefix of all body rows of a file.
pub(crate) fn body_ino(timeline: TimelineId, ino: Ino) -> Vec<u8> {
    Key::new(Family::Body).id(timeline.0).id(ino.0).done()
}

/// The prefix of the body rows of one range.
pub(crate) fn body_range(timeline: TimelineId, ino: Ino, range: u64) -> Vec<u8> {
    Key(body_ino(timeline, ino)).id(range).done()
}

/// The key of a body row.
pub(crate) fn body(timeline: TimelineId, ino: Ino, range: u64, generation: Version) -> Vec<u8> {
    Key(body_range(timeline, ino, range)).inverted(generation).done()
}

/// The key of an object's row.
pub(crate) fn object(id: ObjectId) -> Vec<u8> {
    Key::new(Family::Object)
        .id(id.reservation().0)
        .id(u64::from(id.index()))
        .done()
}

/// The parts of a body row's key.
pub(crate) fn split_body(key: &[u8]) -> Option<(TimelineId, Ino, u64, Version)> {
    let (timeline, rest) = take_id(key.strip_prefix(&[Family::Body as u8])?)?;
    let (ino, rest) = take_id(rest)?;
    let (range, _) = take_id(rest)?;
    let (_, generation) = split_inverted(key)?;
    Some((TimelineId(timeline), Ino(ino), range, generation))
}

/// The key of an object on the delete queue; condemned ones stand in front, at version 0.
pub(crate) fn dead(since: Version, id: ObjectId) -> Vec<u8> {
    Key::new(Family::Dead)
        .id(since.0)
        .id(id.reservation().0)
        .id(u64::from(id.index()))
        .done()
}

/// The key of a reservation of object ids.
pub(crate) fn reservation(id: ReservationId) -> Vec<u8> {
    Key::new(Family::Reservation).id(id.0).done()
}

/// The prefix of the staged rows of an upload.
pub(crate) fn staged_rows(upload: UploadId) -> Vec<u8> {
    Key::new(Family::Staged).id(upload.0).done()
}

/// The key of a staged row.
pub(crate) fn staged(upload: UploadId, range: u64) -> Vec<u8> {
    Key(staged_rows(upload)).id(range).done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_their_order_and_come_back() {
        let ids = [0, 1, 2, 3, 4, 15, 16, 255, 256, 1 << 20, u64::MAX >> 1, u64::MAX];
        let keys: Vec<_> = ids.iter().map(|id| Key::rest().id(*id).done()).collect();
        assert!(keys.is_sorted());
        for (id, key) in ids.iter().zip(&keys) {
            assert_eq!(take_id(key), Some((*id, &b""[..])));
        }
    }

    #[test]
    fn id_bytes_are_fixed() {
        assert_eq!(Key::rest().id(0).done(), b"A");
        assert_eq!(Key::rest().id(27).done(), b"D123");
    }

    #[test]
    fn newer_versions_sort_first() {
        let old = Key::rest().inverted(Version(5)).done();
        let new = Key::rest().inverted(Version(6)).done();
        assert!(new < old);
        assert_eq!(split_inverted(&old), Some((&b""[..], Version(5))));
    }
}
