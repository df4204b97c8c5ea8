//! Which version was current when.

use super::{Record, SCHEMA, schema};
use nokv_types::Version;
use nokv_types::codec::{Take, put_signed, put_varint};

/// A version that was complete at a moment: the log time is in the key, the wall time here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeRow {
    pub(crate) version: Version,
    pub(crate) wall_ns: i64,
}

impl Record for TimeRow {
    const NAME: &'static str = "time";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        put_varint(out, self.version.0);
        put_signed(out, self.wall_ns);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        Some(Self {
            version: Version(take.varint()?),
            wall_ns: take.signed()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_bytes_are_fixed() {
        let row = TimeRow {
            version: Version(300),
            wall_ns: -2,
        };
        assert_eq!(row.encode(), [1, 172, 2, 3]);
        assert_eq!(TimeRow::decode(&row.encode()).unwrap(), row);
    }
}
