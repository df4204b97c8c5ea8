//! The counters of the workspace.

use super::{Record, SCHEMA, schema};
use nokv_types::Version;
use nokv_types::codec::{Take, put_varint};

/// Where the allocation of versions (and of all ids, which are versions) stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counters {
    /// No version above this was ever handed out.
    pub(crate) ceiling: Version,
    /// The last version, written by a clean stop only.
    pub(crate) last: Option<Version>,
    /// Log time of the newest commit that wrote this row, ns.
    pub(crate) log_time: u64,
    /// The time-travel window, ns.
    pub(crate) window: u64,
}

impl Record for Counters {
    const NAME: &'static str = "counters";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        put_varint(out, self.ceiling.0);
        put_varint(out, self.last.map_or(0, |last| last.0));
        put_varint(out, self.log_time);
        put_varint(out, self.window);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        let ceiling = Version(take.varint()?);
        let last = Some(Version(take.varint()?)).filter(|last| *last != Version::ZERO);
        Some(Self {
            ceiling,
            last,
            log_time: take.varint()?,
            window: take.varint()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_counters_are_fixed() {
        let mut row = Counters {
            ceiling: Version(300),
            last: None,
            log_time: 2,
            window: 128,
        };
        assert_eq!(row.encode(), [1, 0xac, 2, 0, 2, 0x80, 1]);
        assert_eq!(Counters::decode(&row.encode()).unwrap(), row);
        row.last = Some(Version(9));
        assert_eq!(row.encode(), [1, 0xac, 2, 9, 2, 0x80, 1]);
        assert_eq!(Counters::decode(&row.encode()).unwrap(), row);
    }
}
