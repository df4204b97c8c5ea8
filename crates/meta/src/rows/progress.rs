//! How far work that takes several commands has come.

use super::{Record, SCHEMA, schema};
use nokv_types::Version;
use nokv_types::codec::{Take, put_bytes, put_varint};

/// An interval of the prune index that must be looked at; its low end is in the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PruneWorkRow {
    /// The last version to look at.
    pub(crate) high: Version,
    /// Index rows of the low version up to this piece were looked at; `u64::MAX` = all of them.
    pub(crate) piece: u64,
}

impl Record for PruneWorkRow {
    const NAME: &'static str = "prune work";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        put_varint(out, self.high.0);
        put_varint(out, self.piece);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        Some(Self {
            high: Version(take.varint()?),
            piece: take.varint()?,
        })
    }
}

/// How far a detached directory was emptied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DetachedRow {
    /// Entries up to this name are gone.
    pub(crate) after: Vec<u8>,
}

impl Record for DetachedRow {
    const NAME: &'static str = "detached tree";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        out.extend_from_slice(&self.after);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        let after = take.raw(take.rest().len())?.to_vec();
        Some(Self { after })
    }
}

/// How far a deep timeline was flattened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FlattenRow {
    /// Which pass: 0 = inherited rows are copied, 1 = tombstones are removed.
    pub(crate) pass: u8,
    /// Which of the versioned families.
    pub(crate) family: u8,
    /// The last key of that family that is done, without its timeline.
    pub(crate) after: Vec<u8>,
}

impl Record for FlattenRow {
    const NAME: &'static str = "flatten progress";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        out.push(self.pass);
        out.push(self.family);
        put_bytes(out, &self.after);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        Some(Self {
            pass: take.u8()?,
            family: take.u8()?,
            after: take.bytes()?.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_bytes_are_fixed() {
        let prune = PruneWorkRow {
            high: Version(300),
            piece: 2,
        };
        assert_eq!(prune.encode(), [1, 172, 2, 2]);
        assert_eq!(PruneWorkRow::decode(&prune.encode()).unwrap(), prune);
        let detached = DetachedRow { after: b"x".to_vec() };
        assert_eq!(detached.encode(), [1, b'x']);
        assert_eq!(DetachedRow::decode(&[1]).unwrap(), DetachedRow::default());
        let flatten = FlattenRow {
            pass: 0,
            family: 2,
            after: b"ab".to_vec(),
        };
        assert_eq!(flatten.encode(), [1, 0, 2, 2, b'a', b'b']);
        assert_eq!(FlattenRow::decode(&flatten.encode()).unwrap(), flatten);
    }
}
