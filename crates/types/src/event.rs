//! Typed events: what happened, for watchers, diff, the indexer and audit.

use crate::codec::{Take, put_bytes, put_varint};
use crate::{Ino, Name, TimelineId, Version};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EventKind {
    /// An entry was made.
    Create = 1,
    /// An entry was removed.
    Remove = 2,
    /// An entry was moved; `name` and `parent` are the new place.
    Rename = 3,
    /// Attributes were changed.
    Attributes = 4,
    /// An extended attribute was set or removed.
    Xattr = 5,
    /// A body was published, written or cut.
    Publish = 6,
    /// A snapshot was made or released.
    Snapshot = 7,
    /// A fork or volume was made or deleted.
    Fork = 8,
    /// A root was pointed at another timeline.
    Rollback = 9,
    /// Limits of a quota root changed.
    Quota = 10,
    /// Another name was given to a file.
    Link = 11,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [EventKind; 11] = [
        Self::Create,
        Self::Remove,
        Self::Rename,
        Self::Attributes,
        Self::Xattr,
        Self::Publish,
        Self::Snapshot,
        Self::Fork,
        Self::Rollback,
        Self::Quota,
        Self::Link,
    ];

    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The version of the commit; several events may share one.
    pub version: Version,
    /// What happened.
    pub kind: EventKind,
    /// On which timeline.
    pub timeline: TimelineId,
    /// To which inode.
    pub ino: Ino,
    /// The directory of the entry; for attribute and body events a directory that holds it.
    pub parent: Ino,
    /// The name in that directory (or the key of a snapshot, the name of a root).
    pub name: Vec<u8>,
    /// The old directory and name of a rename.
    pub from: Option<(Ino, Name)>,
    /// Generation of the body, for publish events.
    pub generation: Version,
    /// Who asked.
    pub actor: Vec<u8>,
}

impl Event {
    /// Appends the encoded event; `base` is the first version of its segment.
    pub fn encode(&self, base: Version, out: &mut Vec<u8>) {
        out.push(self.kind as u8);
        put_varint(out, self.version.0.wrapping_sub(base.0));
        put_varint(out, self.timeline.0);
        put_varint(out, self.ino.0);
        put_varint(out, self.parent.0);
        put_bytes(out, &self.name);
        match &self.from {
            None => out.push(0),
            Some((ino, name)) => {
                out.push(1);
                put_varint(out, ino.0);
                put_bytes(out, name.as_bytes());
            }
        }
        put_varint(out, self.generation.0);
        put_bytes(out, &self.actor);
    }

    /// Takes one event; `None` when the bytes are malformed.
    pub fn decode(base: Version, take: &mut Take<'_>) -> Option<Self> {
        let kind = EventKind::from_number(take.u8()?)?;
        let version = Version(base.0.wrapping_add(take.varint()?));
        let timeline = TimelineId(take.varint()?);
        let (ino, parent) = (Ino(take.varint()?), Ino(take.varint()?));
        let name = take.bytes()?.to_vec();
        let from = match take.u8()? {
            0 => None,
            1 => Some((Ino(take.varint()?), Name::new(take.bytes()?).ok()?)),
            _ => return None,
        };
        let generation = Version(take.varint()?);
        let actor = take.bytes()?.to_vec();
        Some(Self {
            version,
            kind,
            timeline,
            ino,
            parent,
            name,
            from,
            generation,
            actor,
        })
    }
}
