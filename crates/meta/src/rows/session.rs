//! Sessions and the files they hold open.

use super::{Record, SCHEMA, schema};
use nokv_types::codec::{Take, put_varint};
use nokv_types::{Ino, TimelineId, Version};

/// A live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionRow {
    pub(crate) ttl: u64,
    /// Log time at which the session ends unless it is renewed, ns; 0 = it ended and is being cleaned away.
    pub(crate) expires: u64,
}

impl SessionRow {
    pub(crate) fn is_ended(&self) -> bool {
        self.expires == 0
    }
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
    /// The generation that is held, with the base and the length of the body then: what a reader of the handle
    /// needs, also after the file lost its name.
    pub(crate) generation: Version,
    pub(crate) base: Version,
    pub(crate) size: u64,
}

impl Record for OpenRow {
    const NAME: &'static str = "open file";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        for number in [
            self.timeline.0,
            self.ino.0,
            self.generation.0,
            self.base.0,
            self.size,
        ] {
            put_varint(out, number);
        }
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        Some(Self {
            timeline: TimelineId(take.varint()?),
            ino: Ino(take.varint()?),
            generation: Version(take.varint()?),
            base: Version(take.varint()?),
            size: take.varint()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_sessions_and_open_files_are_fixed() {
        let row = SessionRow { ttl: 5, expires: 300 };
        assert_eq!(row.encode(), [1, 5, 0xac, 2]);
        assert_eq!(SessionRow::decode(&row.encode()).unwrap(), row);
        let row = OpenRow {
            timeline: TimelineId(1),
            ino: Ino(300),
            generation: Version(3),
            base: Version(2),
            size: 128,
        };
        assert_eq!(row.encode(), [1, 1, 0xac, 2, 3, 2, 0x80, 1]);
        assert_eq!(OpenRow::decode(&row.encode()).unwrap(), row);
        assert!(OpenRow::decode(&row.encode()[..5]).is_err());
        assert!(SessionRow::decode(&[2, 5, 1]).is_err());
    }
}
