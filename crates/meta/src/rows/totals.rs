//! How many objects there are, and how many bytes they have.

use super::{ObjectRow, ObjectState, Record, SCHEMA, schema};
use nokv_types::codec::{Take, put_varint};

/// Objects and bytes in the object store, without reserved ids that no body referred to yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ObjectTotals {
    /// Objects that body rows of any version refer to.
    pub live: u64,
    /// Their bytes, up to the end of the farthest range that was ever referred to.
    pub live_bytes: u64,
    /// Objects that nothing refers to and that are not deleted yet.
    pub waiting: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
}

/// A change of the totals: what goes and what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct TotalsChange {
    less: ObjectTotals,
    more: ObjectTotals,
}

impl ObjectTotals {
    /// Counts one more object.
    pub(crate) fn count(&mut self, row: &ObjectRow) {
        match row.state {
            ObjectState::Live => {
                self.live += 1;
                self.live_bytes += row.len;
            }
            ObjectState::Dead(_) | ObjectState::Condemned => {
                self.waiting += 1;
                self.waiting_bytes += row.len;
            }
            ObjectState::Deleted => (),
        }
    }

    /// The totals after a change. What would fall below nothing (damaged rows) is nothing; fsck tells.
    pub(crate) fn apply(&mut self, change: TotalsChange) {
        let TotalsChange { less, more } = change;
        let sum = |now: u64, more: u64, less: u64| now.saturating_add(more).saturating_sub(less);
        self.live = sum(self.live, more.live, less.live);
        self.live_bytes = sum(self.live_bytes, more.live_bytes, less.live_bytes);
        self.waiting = sum(self.waiting, more.waiting, less.waiting);
        self.waiting_bytes = sum(self.waiting_bytes, more.waiting_bytes, less.waiting_bytes);
    }
}

impl TotalsChange {
    /// A row of an object is replaced; `None` = it was not, or is not any more, there.
    pub(crate) fn replace(&mut self, before: Option<&ObjectRow>, after: Option<&ObjectRow>) {
        if let Some(row) = before {
            self.less.count(row);
        }
        if let Some(row) = after {
            self.more.count(row);
        }
    }

    /// What makes `from` to `to`.
    pub(crate) fn between(from: ObjectTotals, to: ObjectTotals) -> Self {
        Self { less: from, more: to }
    }
}

impl Record for ObjectTotals {
    const NAME: &'static str = "totals of objects";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        for number in [self.live, self.live_bytes, self.waiting, self.waiting_bytes] {
            put_varint(out, number);
        }
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        Some(Self {
            live: take.varint()?,
            live_bytes: take.varint()?,
            waiting: take.varint()?,
            waiting_bytes: take.varint()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_totals_are_fixed() {
        let totals = ObjectTotals {
            live: 1,
            live_bytes: 300,
            waiting: 2,
            waiting_bytes: 128,
        };
        assert_eq!(totals.encode(), [1, 1, 0xac, 2, 2, 0x80, 1]);
        assert_eq!(ObjectTotals::decode(&totals.encode()).unwrap(), totals);
    }
}
