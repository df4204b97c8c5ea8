//! Timelines.

use super::{Record, SCHEMA, schema};
use nokv_types::codec::{Take, put_varint};
use nokv_types::{Ino, TimelineId, Version};

/// A line of history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimelineRow {
    /// The timeline that what this one has not is read from, and up to which version.
    pub(crate) parent: Option<(TimelineId, Version)>,
    pub(crate) root: Ino,
    /// Versions below this are kept only where they are pinned.
    pub(crate) readable_from: Version,
    /// A root points at it: it may be written.
    pub(crate) live: bool,
}

impl Record for TimelineRow {
    const NAME: &'static str = "timeline";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        match self.parent {
            None => out.push(0),
            Some((parent, branch)) => {
                out.push(1);
                put_varint(out, parent.0);
                put_varint(out, branch.0);
            }
        }
        put_varint(out, self.root.0);
        put_varint(out, self.readable_from.0);
        out.push(u8::from(self.live));
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        let parent = match take.u8()? {
            0 => None,
            1 => Some((TimelineId(take.varint()?), Version(take.varint()?))),
            _ => return None,
        };
        Some(Self {
            parent,
            root: Ino(take.varint()?),
            readable_from: Version(take.varint()?),
            live: take.u8()? == 1,
        })
    }
}
