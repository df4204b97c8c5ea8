//! Sessions and the files they hold open.

use super::{Record, SCHEMA, schema};
use nokv_types::codec::{Take, put_varint};
use nokv_types::{Ino, TimelineId, Version};

/// A live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionRow {
    pub(crate) ttl: u64,
    /// Log time at which the session ends unless it is renewed, ns.
    pub(crate) expires: u64,
}

impl Record for SessionRow {
    const NAME: &'static str = "session";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        put_varint(out, self.ttl);
        put_varint(out, self.expires);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        Some(Self {
            ttl: take.varint()?,
            expires: take.varint()?,
        })
    }
}

/// A registered open file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenRow {
    pub(crate) timeline: TimelineId,
    pub(crate) ino: Ino,
    pub(crate) generation: Version,
}

impl Record for OpenRow {
    const NAME: &'static str = "open file";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        for number in [self.timeline.0, self.ino.0, self.generation.0] {
            put_varint(out, number);
        }
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        Some(Self {
            timeline: TimelineId(take.varint()?),
            ino: Ino(take.varint()?),
            generation: Version(take.varint()?),
        })
    }
}
