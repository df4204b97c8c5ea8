//! Quota roots: their limits, and what is charged to them.

use super::{Record, SCHEMA, schema};
use nokv_types::QuotaLimits;
use nokv_types::codec::{Take, put_varint};

/// Definition of a quota root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QuotaRow {
    pub(crate) limits: QuotaLimits,
    /// A counting job is still running: nothing is refused yet.
    pub(crate) counting: bool,
}

impl Record for QuotaRow {
    const NAME: &'static str = "quota";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        for limit in [self.limits.bytes, self.limits.inodes] {
            match limit {
                None => out.push(0),
                Some(limit) => {
                    out.push(1);
                    put_varint(out, limit);
                }
            }
        }
        out.push(u8::from(self.counting));
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        let mut limit = || match take.u8()? {
            0 => Some(None),
            1 => Some(Some(take.varint()?)),
            _ => None,
        };
        let limits = QuotaLimits {
            bytes: limit()?,
            inodes: limit()?,
        };
        Some(Self {
            limits,
            counting: take.u8()? == 1,
        })
    }
}

/// What is charged to a quota root on a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    pub(crate) bytes: u64,
    pub(crate) inodes: u64,
}

impl Record for Usage {
    const NAME: &'static str = "usage";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        put_varint(out, self.bytes);
        put_varint(out, self.inodes);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        Some(Self {
            bytes: take.varint()?,
            inodes: take.varint()?,
        })
    }
}
