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
    /// The lease that this end comes from, ns; 0 = none, or not known (rows of earlier programs).
    pub(crate) lease: u64,
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
        put_varint(out, self.lease);
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
        let created_wall = take.signed()?;
        let lease = if take.is_empty() { 0 } else { take.varint()? };
        Some(Self {
            timeline,
            version,
            ino,
            holders,
            expires,
            lease,
            created_wall,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_pins_are_fixed() {
        let mut row = PinRow {
            timeline: TimelineId(1),
            version: Version(300),
            ino: Ino(2),
            holders: vec![b"ab".to_vec()],
            expires: Some(127),
            lease: 5,
            created_wall: -2,
        };
        let bytes = [1, 1, 0xac, 2, 2, 1, 2, b'a', b'b', 0x80, 1, 3, 5];
        assert_eq!(row.encode(), bytes);
        assert_eq!(PinRow::decode(&bytes).unwrap(), row);
        row.lease = 0;
        assert_eq!(PinRow::decode(&bytes[..12]).unwrap(), row, "without a lease");
    }
}
