//! Counts of references: gathered over a command, then written once per object.

use super::expired;
use crate::batch::Batch;
use crate::keys;
use crate::rows::{DeadRow, ObjectRow, ObjectState, Record, ReservationRow};
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{Extent, ObjectId, ReservationId, Source};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// By how much a command changes the counts of objects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    changes: BTreeMap<ObjectId, Change>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Change {
    references: i64,
    bytes: i64,
    end: u64,
}

impl Counts {
    /// A row with these extents is written.
    pub(crate) fn add(&mut self, extents: &[Extent]) {
        self.count(extents, 1);
    }

    /// A row with these extents is removed.
    pub(crate) fn remove(&mut self, extents: &[Extent]) {
        self.count(extents, -1);
    }

    fn count(&mut self, extents: &[Extent], sign: i64) {
        for extent in extents {
            if let Source::Slice(slice) = &extent.source {
                let change = self.changes.entry(slice.object).or_default();
                change.references += sign;
                change.bytes += sign * i64::from(extent.len);
                change.end = change.end.max(slice.stored_offset + u64::from(slice.stored_len));
            }
        }
    }
}

impl<R: Rows> Batch<'_, R> {
    /// Writes changed counts.
    ///
    /// # Errors
    /// `UploadExpired`, naming the object, when one is referred to that is neither reserved nor known, or that
    /// is being deleted.
    pub(crate) fn apply_counts(&mut self, counts: Counts) -> Result<()> {
        let mut reservations = BTreeMap::new();
        for (id, change) in counts.changes {
            let key = keys::object(id);
            let known = self.txn.get(&key)?;
            let before = known.map(|bytes| ObjectRow::decode(&bytes)).transpose()?;
            let row = if let Some(row) = &before {
                row.clone()
            } else {
                self.check_reserved(id, &mut reservations)?;
                ObjectRow {
                    id,
                    references: 0,
                    live_bytes: 0,
                    len: 0,
                    state: ObjectState::Live,
                }
            };
            if row.id != id {
                return Err(expired(id, "the id was never reserved"));
            }
            let row = self.counted(row, change)?;
            self.scratch.objects.replace(before.as_ref(), Some(&row));
            self.txn.put(key, row.encode());
        }
        Ok(())
    }

    /// The row with a change, and what it means for the delete queue.
    fn counted(&mut self, mut row: ObjectRow, change: Change) -> Result<ObjectRow> {
        let id = row.id;
        let wrong = || {
            Error::corrupt(
                "more references went than there were",
                format!("object {:032x}", id.0),
            )
        };
        match row.state {
            ObjectState::Condemned | ObjectState::Deleted => {
                return Err(expired(id, "the object is deleted; upload its bytes again"));
            }
            ObjectState::Dead(since) => self.txn.delete(keys::dead(since, id)),
            ObjectState::Live => (),
        }
        row.references = row
            .references
            .checked_add_signed(change.references)
            .ok_or_else(wrong)?;
        row.live_bytes = row
            .live_bytes
            .checked_add_signed(change.bytes)
            .ok_or_else(wrong)?;
        row.len = row.len.max(change.end);
        row.state = ObjectState::Live;
        if row.references == 0 {
            row.state = ObjectState::Dead(self.version);
            let queued = DeadRow {
                id,
                at: self.clock.log_ns,
            };
            self.txn.put(keys::dead(self.version, id), queued.encode());
        }
        Ok(row)
    }

    /// Refuses an id that does not come from a reservation whose ids may be published.
    fn check_reserved(
        &self,
        id: ObjectId,
        read: &mut BTreeMap<ReservationId, Option<ReservationRow>>,
    ) -> Result<()> {
        let reservation = id.reservation();
        let known = match read.entry(reservation) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let bytes = self.txn.get(&keys::reservation(reservation))?;
                entry.insert(bytes.map(|bytes| ReservationRow::decode(&bytes)).transpose()?)
            }
        };
        let Some(row) = known else {
            return Err(expired(id, "the id is not reserved"));
        };
        if ObjectId::derive(&row.seed, reservation, id.index()) != id {
            return Err(expired(id, "the id was never reserved"));
        }
        if row.sweeps > 0 || self.clock.log_ns >= row.expires {
            return Err(expired(
                id,
                "its reservation has ended; upload its bytes under a new id",
            ));
        }
        Ok(())
    }
}
