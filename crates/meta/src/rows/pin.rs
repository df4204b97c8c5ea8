//! Snapshot pins.

use super::{Record, SCHEMA, schema};
use nokv_types::codec::{Take, put_bytes, put_signed, put_varint};
use nokv_types::{Ino, TimelineId, Version};

/// What holds a version of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PinRow {
    pub(crate) timeline: TimelineId,
    pub(crate) version: Version,
    pub(crate) ino: Ino,
    pub(crate) holders: Vec<Vec<u8>>,
    /// Log time at which the pin ends, ns.
    pub(crate) expires: Option<u64>,
    pub(crate) created_wall: i64,
}

impl Record for PinRow {
    const NAME: &'static str = "pin";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        put_varint(out, self.timeline.0);
        put_varint(out, self.version.0);
        put_varint(out, self.ino.0);
        put_varint(out, self.holders.len() as u64);
        for holder in &self.holders {
            put_bytes(out, holder);
        }
        put_varint(out, self.expires.map_or(0, |at| at.saturating_add(1)));
        put_signed(out, self.created_wall);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        let (timeline, version) = (TimelineId(take.varint()?), Version(take.varint()?));
        let ino = Ino(take.varint()?);
        let count = take.varint()?;
        let mut holders = Vec::new();
        for _ in 0..count {
            holders.push(take.bytes()?.to_vec());
        }
        let expires = take.varint()?.checked_sub(1);
        Some(Self {
            timeline,
            version,
            ino,
            holders,
            expires,
            created_wall: take.signed()?,
        })
    }
}
