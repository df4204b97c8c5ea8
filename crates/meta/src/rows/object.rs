//! Objects, reservations of their ids, and staged uploads.

use super::{Record, SCHEMA, schema};
use nokv_types::codec::{Take, put_varint};
use nokv_types::{ObjectId, SessionId, Version};

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectRow {
    pub(crate) id: ObjectId,
    /// Extents in body rows (of any version) that refer to it.
    pub(crate) references: u64,
    /// Bytes of windows that refer to it; may count a byte twice.
    pub(crate) live_bytes: u64,
    /// End of the farthest stored range that was ever referred to.
    pub(crate) len: u64,
    /// Since when the count is zero; 0 while it is not.
    pub(crate) dead_since: Version,
}

impl Record for ObjectRow {
    const NAME: &'static str = "object";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        out.extend_from_slice(&self.id.0.to_le_bytes());
        for number in [self.references, self.live_bytes, self.len, self.dead_since.0] {
            put_varint(out, number);
        }
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        Some(Self {
            id: ObjectId(u128::from_le_bytes(take.array()?)),
            references: take.varint()?,
            live_bytes: take.varint()?,
            len: take.varint()?,
            dead_since: Version(take.varint()?),
        })
    }
}

/// A block of 1,024 object ids that may be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReservationRow {
    pub(crate) seed: [u8; 16],
    /// Log time after which ids that were not published are deleted, ns.
    pub(crate) expires: u64,
    /// How many sweeps have been done: after the second the row goes.
    pub(crate) sweeps: u8,
}

impl Record for ReservationRow {
    const NAME: &'static str = "reservation";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        out.extend_from_slice(&self.seed);
        put_varint(out, self.expires);
        out.push(self.sweeps);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        Some(Self {
            seed: take.array()?,
            expires: take.varint()?,
            sweeps: take.u8()?,
        })
    }
}

/// A staged publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UploadRow {
    pub(crate) session: SessionId,
    /// Log time after which it is given up, ns.
    pub(crate) expires: u64,
}

impl Record for UploadRow {
    const NAME: &'static str = "upload";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        put_varint(out, self.session.0);
        put_varint(out, self.expires);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        Some(Self {
            session: SessionId(take.varint()?),
            expires: take.varint()?,
        })
    }
}
