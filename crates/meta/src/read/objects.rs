//! What is known of objects: which may be deleted, which were never published, what keeps one.

mod explain;
mod recount;

pub use explain::Reference;
pub use recount::ObjectMismatch;

use super::Reader;
use crate::keys::{self, Family, Key};
use crate::rows::{DeadRow, ObjectRow, ObjectState, Record, ReservationRow};
use crate::state::{ObjectTotals, for_each, object_totals};
use crate::{Error, Result};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::{DeadObject, ObjectId, RESERVATION_OBJECTS, ReservationId, Version};
use std::collections::BTreeSet;

/// Where an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectStanding {
    /// Body rows refer to it.
    Live,
    /// Nothing refers to it since this version.
    Dead(Version),
    /// It is to be deleted from the object store now; nothing can refer to it again.
    Condemned,
    /// It was deleted; its id is not used again.
    Deleted,
}

/// What is known of an object that bodies refer to, or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The object.
    pub object: ObjectId,
    /// Extents in body rows of any generation that refer to it.
    pub references: u64,
    /// Bytes of those extents; a byte may count several times.
    pub live_bytes: u64,
    /// End of the farthest stored range that was ever referred to, in bytes.
    pub len: u64,
    /// Where it stands.
    pub standing: ObjectStanding,
}

/// A reservation of object ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationInfo {
    /// Its number.
    pub reservation: ReservationId,
    /// What its ids are derived from.
    pub seed: [u8; 16],
    /// Log time from which on its ids cannot be published any more, ns.
    pub expires_ns: u64,
    /// How often its unpublished ids were deleted.
    pub sweeps: u8,
}

/// A reservation whose unpublished ids are to be deleted now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueReservation {
    /// Its number, for `Work::ReservationSwept`.
    pub reservation: ReservationId,
    /// The ids that no body refers to and that are not on the delete queue.
    pub objects: Vec<ObjectId>,
}

impl<R: Rows> Reader<'_, R> {
    /// Dead objects that may be condemned: their grace is over at log time `now_ns`, and they died at a version
    /// that is durable and that the oldest kept checkpoint has. Oldest first, at most `limit`.
    ///
    /// A checkpoint of version v was taken after the batch that ends with v, and a version that was logged is never
    /// handed out again: it has everything that v did, the death of these objects too.
    ///
    /// # Errors
    /// From the store.
    pub fn dead_objects(
        &self,
        now_ns: u64,
        grace_ns: u64,
        (durable, oldest_checkpoint): (Version, Version),
        limit: usize,
    ) -> Result<Vec<DeadObject>> {
        let mut dead = Vec::new();
        let first = Key::new(Family::Dead).id(1).done();
        self.queue(Some(&first), &mut |since, row| {
            let ready = since <= durable
                && since <= oldest_checkpoint
                && row.at.saturating_add(grace_ns) <= now_ns
                && dead.len() < limit;
            if ready {
                dead.push(DeadObject {
                    object: row.id,
                    since,
                });
            }
            ready
        })?;
        Ok(dead)
    }

    /// Condemned objects, to be deleted from the object store and then reported by `Work::ObjectsDeleted`. The
    /// commit that condemned them must be durable first.
    ///
    /// # Errors
    /// From the store.
    pub fn condemned_objects(&self, limit: usize) -> Result<Vec<ObjectId>> {
        let mut condemned = Vec::new();
        self.queue(None, &mut |since, row| {
            let ready = since == Version::ZERO && condemned.len() < limit;
            if ready {
                condemned.push(row.id);
            }
            ready
        })?;
        Ok(condemned)
    }

    /// How many objects there are, and their bytes.
    ///
    /// # Errors
    /// From the store.
    pub fn object_totals(&self) -> Result<ObjectTotals> {
        object_totals(self.rows)
    }

    /// How many objects are on the delete queue, condemned ones not counted.
    ///
    /// # Errors
    /// From the store.
    pub fn dead_count(&self) -> Result<u64> {
        let mut count = 0;
        let first = Key::new(Family::Dead).id(1).done();
        self.queue(Some(&first), &mut |_, _| {
            count += 1;
            true
        })?;
        Ok(count)
    }

    /// Visits the delete queue until the visitor answers false.
    fn queue(&self, after: Option<&[u8]>, visit: &mut dyn FnMut(Version, &DeadRow) -> bool) -> Result<()> {
        let mut failed = None;
        let scan = Scan {
            prefix: &[Family::Dead as u8],
            after,
        };
        self.rows.scan(scan, &mut |key, value| {
            let since = keys::take_id(&key[1..]).map(|(since, _)| Version(since));
            let entry = since
                .ok_or_else(|| Error::corrupt("malformed key", DeadRow::NAME))
                .and_then(|since| Ok((since, DeadRow::decode(value)?)));
            match entry {
                Ok((since, row)) if visit(since, &row) => Visit::Next,
                Ok(_) => Visit::Stop,
                Err(error) => {
                    failed = Some(error);
                    Visit::Stop
                }
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// Reservations whose time is over at log time `now_ns`, which must be that of a commit that happened; at
    /// most `limit`.
    ///
    /// # Errors
    /// From the store.
    pub fn reservations_due(&self, now_ns: u64, limit: usize) -> Result<Vec<DueReservation>> {
        let mut due = Vec::new();
        let mut failed = None;
        self.rows
            .scan(Scan::prefix(&[Family::Reservation as u8]), &mut |key, value| {
                let entry = reservation(key, value);
                match entry {
                    Ok(info) if info.expires_ns <= now_ns => due.push(info),
                    // Those before their first sweep end in the order of their numbers.
                    Ok(info) if info.sweeps == 0 => return Visit::Stop,
                    Ok(_) => (),
                    Err(error) => failed = Some(error),
                }
                if failed.is_some() || due.len() >= limit {
                    Visit::Stop
                } else {
                    Visit::Next
                }
            })?;
        failed.map_or(Ok(()), Err)?;
        due.into_iter().map(|info| self.unpublished(&info)).collect()
    }

    /// The newest reservations whose ids were never swept, at most `limit`.
    ///
    /// # Errors
    /// From the store.
    pub fn reservations_open(&self, limit: usize) -> Result<Vec<DueReservation>> {
        let mut open = std::collections::VecDeque::new();
        for_each(self.rows, &[Family::Reservation as u8], |key, value| {
            let info = reservation(key, value)?;
            if info.sweeps == 0 {
                open.push_back(info);
            }
            if open.len() > limit {
                open.pop_front();
            }
            Ok(())
        })?;
        open.iter().rev().map(|info| self.unpublished(info)).collect()
    }

    /// The reservation with this number, while it lasts.
    ///
    /// # Errors
    /// From the store.
    pub fn reservation(&self, id: ReservationId) -> Result<Option<ReservationInfo>> {
        let key = keys::reservation(id);
        let bytes = self.rows.get(&key)?;
        bytes.map(|value| reservation(&key, &value)).transpose()
    }

    fn unpublished(&self, info: &ReservationInfo) -> Result<DueReservation> {
        let mut known = BTreeSet::new();
        let prefix = Key::new(Family::Object).id(info.reservation.0).done();
        for_each(self.rows, &prefix, |_, value| {
            let row = ObjectRow::decode(value)?;
            // A deleted one is listed: a late upload may have brought it back.
            if row.state != ObjectState::Deleted {
                known.insert(row.id);
            }
            Ok(())
        })?;
        let ids = (0..RESERVATION_OBJECTS)
            .map(|index| ObjectId::derive(&info.seed, info.reservation, index))
            .filter(|id| !known.contains(id));
        Ok(DueReservation {
            reservation: info.reservation,
            objects: ids.collect(),
        })
    }

    /// What is known of an object; `None` when no body ever referred to it, or it is forgotten.
    ///
    /// # Errors
    /// From the store.
    pub fn object_info(&self, id: ObjectId) -> Result<Option<ObjectInfo>> {
        let Some(bytes) = self.rows.get(&keys::object(id))? else {
            return Ok(None);
        };
        let row = ObjectRow::decode(&bytes)?;
        Ok((row.id == id).then(|| info(&row)))
    }

    /// Objects of which less than half is referred to (packs worth rewriting), after the id `after` in key
    /// order, at most `limit`.
    ///
    /// # Errors
    /// From the store.
    pub fn sparse_objects(&self, after: Option<ObjectId>, limit: usize) -> Result<Vec<ObjectInfo>> {
        let after = after.map(keys::object);
        let scan = Scan {
            prefix: &[Family::Object as u8],
            after: after.as_deref(),
        };
        let (mut sparse, mut failed) = (Vec::new(), None);
        self.rows.scan(scan, &mut |_, value| {
            match ObjectRow::decode(value) {
                Ok(row) if row.references > 0 && row.live_bytes < row.len.div_ceil(2) => {
                    sparse.push(info(&row));
                }
                Ok(_) => (),
                Err(error) => failed = Some(error),
            }
            if failed.is_some() || sparse.len() >= limit {
                Visit::Stop
            } else {
                Visit::Next
            }
        })?;
        failed.map_or(Ok(sparse), Err)
    }
}

fn reservation(key: &[u8], value: &[u8]) -> Result<ReservationInfo> {
    let parsed = keys::take_id(&key[1..]);
    let (id, _) = parsed.ok_or_else(|| Error::corrupt("malformed key", ReservationRow::NAME))?;
    let row = ReservationRow::decode(value)?;
    Ok(ReservationInfo {
        reservation: ReservationId(id),
        seed: row.seed,
        expires_ns: row.expires,
        sweeps: row.sweeps,
    })
}

fn info(row: &ObjectRow) -> ObjectInfo {
    ObjectInfo {
        object: row.id,
        references: row.references,
        live_bytes: row.live_bytes,
        len: row.len,
        standing: match row.state {
            ObjectState::Live => ObjectStanding::Live,
            ObjectState::Dead(since) => ObjectStanding::Dead(since),
            ObjectState::Condemned => ObjectStanding::Condemned,
            ObjectState::Deleted => ObjectStanding::Deleted,
        },
    }
}
