//! Objects, the queue of those that nothing refers to, and reservations of their ids.

use super::{Record, SCHEMA, schema};
use nokv_types::codec::{Take, put_varint};
use nokv_types::{ObjectId, Version};

/// Where an object stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObjectState {
    /// Body rows refer to it.
    Live,
    /// Nothing refers to it since this version; a body may refer to it again.
    Dead(Version),
    /// It is being deleted: no body may refer to it again.
    Condemned,
    /// It was deleted; the row stays as long as its reservation, so that the id is not used again.
    Deleted,
}

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
    pub(crate) state: ObjectState,
}

impl Record for ObjectRow {
    const NAME: &'static str = "object";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        out.extend_from_slice(&self.id.0.to_le_bytes());
        for number in [self.references, self.live_bytes, self.len] {
            put_varint(out, number);
        }
        match self.state {
            ObjectState::Live => out.push(0),
            ObjectState::Dead(since) => {
                out.push(1);
                put_varint(out, since.0);
            }
            ObjectState::Condemned => out.push(2),
            ObjectState::Deleted => out.push(3),
        }
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        Some(Self {
            id: ObjectId(u128::from_le_bytes(take.array()?)),
            references: take.varint()?,
            live_bytes: take.varint()?,
            len: take.varint()?,
            state: match take.u8()? {
                0 => ObjectState::Live,
                1 => ObjectState::Dead(Version(take.varint()?)),
                2 => ObjectState::Condemned,
                3 => ObjectState::Deleted,
                _ => return None,
            },
        })
    }
}

/// An object on the delete queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadRow {
    pub(crate) id: ObjectId,
    /// Log time at which the last reference went, ns.
    pub(crate) at: u64,
}

impl Record for DeadRow {
    const NAME: &'static str = "dead object";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        out.extend_from_slice(&self.id.0.to_le_bytes());
        put_varint(out, self.at);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        Some(Self {
            id: ObjectId(u128::from_le_bytes(take.array()?)),
            at: take.varint()?,
        })
    }
}

/// A block of 1,024 object ids that may be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReservationRow {
    pub(crate) seed: [u8; 16],
    /// Log time from which on ids that were not published are deleted (and cannot be published any more), ns.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_object_rows_are_fixed() {
        let id = ObjectId(0x1122_3344_5566_7788_99aa_bbcc_ddee_ff00);
        let raw = [
            0, 0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
        ];
        let states: [(ObjectState, &[u8]); 4] = [
            (ObjectState::Live, &[0]),
            (ObjectState::Dead(Version(300)), &[1, 0xac, 2]),
            (ObjectState::Condemned, &[2]),
            (ObjectState::Deleted, &[3]),
        ];
        for (state, tail) in states {
            let row = ObjectRow {
                id,
                references: 2,
                live_bytes: 128,
                len: 5,
                state,
            };
            let want = [&[1][..], &raw, &[2, 0x80, 1, 5], tail].concat();
            assert_eq!(row.encode(), want);
            assert_eq!(ObjectRow::decode(&want).unwrap(), row);
        }
        let row = DeadRow { id, at: 300 };
        assert_eq!(row.encode(), [&[1][..], &raw, &[0xac, 2]].concat());
        assert_eq!(DeadRow::decode(&row.encode()).unwrap(), row);
    }

    #[test]
    fn bytes_of_reservations_are_fixed() {
        let row = ReservationRow {
            seed: [9; 16],
            expires: 300,
            sweeps: 1,
        };
        assert_eq!(row.encode(), [&[1][..], &[9; 16], &[0xac, 2, 1]].concat());
        assert_eq!(ReservationRow::decode(&row.encode()).unwrap(), row);
    }
}
