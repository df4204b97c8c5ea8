//! Quota roots: their limits, how far they are counted, and what is charged to them.

use super::{Record, SCHEMA, schema};
use nokv_types::codec::{Take, put_bytes, put_varint};
use nokv_types::{Ino, QuotaId, QuotaLimits, TimelineId};

/// Definition of a quota root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QuotaRow {
    pub(crate) limits: QuotaLimits,
    /// The directory whose quota this is.
    pub(crate) root: Ino,
    /// A counting job is still running: nothing is refused yet.
    pub(crate) counting: Option<Counting>,
}

/// How far a counting job has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counting {
    /// The timeline whose directory is counted.
    pub(crate) timeline: TimelineId,
    /// The quota root that the inodes were charged to before.
    pub(crate) from: QuotaId,
    /// The directory that the job is in.
    pub(crate) dir: Ino,
    /// The name in it that was handled last; empty = none yet.
    pub(crate) after: Vec<u8>,
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
        put_varint(out, self.root.0);
        match &self.counting {
            None => out.push(0),
            Some(counting) => {
                out.push(1);
                for number in [counting.timeline.0, counting.from.0, counting.dir.0] {
                    put_varint(out, number);
                }
                put_bytes(out, &counting.after);
            }
        }
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
        let root = Ino(take.varint()?);
        let counting = match take.u8()? {
            0 => None,
            1 => Some(Counting {
                timeline: TimelineId(take.varint()?),
                from: QuotaId(take.varint()?),
                dir: Ino(take.varint()?),
                after: take.bytes()?.to_vec(),
            }),
            _ => return None,
        };
        Some(Self {
            limits,
            root,
            counting,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_quotas_and_usage_are_fixed() {
        let mut row = QuotaRow {
            limits: QuotaLimits {
                bytes: Some(300),
                inodes: None,
            },
            root: Ino(7),
            counting: None,
        };
        assert_eq!(row.encode(), [1, 1, 0xac, 2, 0, 7, 0]);
        assert_eq!(QuotaRow::decode(&row.encode()).unwrap(), row);
        row.counting = Some(Counting {
            timeline: TimelineId(2),
            from: QuotaId(3),
            dir: Ino(4),
            after: b"ab".to_vec(),
        });
        assert_eq!(row.encode(), [1, 1, 0xac, 2, 0, 7, 1, 2, 3, 4, 2, b'a', b'b']);
        assert_eq!(QuotaRow::decode(&row.encode()).unwrap(), row);
        let usage = Usage {
            bytes: 128,
            inodes: 2,
        };
        assert_eq!(usage.encode(), [1, 0x80, 1, 2]);
        assert_eq!(Usage::decode(&usage.encode()).unwrap(), usage);
    }
}
