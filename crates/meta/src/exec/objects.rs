//! Objects: reservations of their ids, counts of what refers to them, and the way to their deletion.
//!
//! Reserved -> referred to (Live) -> nothing refers to it (Dead, on the queue; may be referred to again) ->
//! Condemned (may not; the owner deletes the object now) -> forgotten. While the reservation of its id lasts a
//! forgotten object keeps a row, so that a late upload or publish cannot bring the id back.

mod counts;

pub(crate) use counts::Counts;

use crate::batch::Batch;
use crate::keys::{self, Key};
use crate::rows::{DeadRow, ObjectRow, ObjectState, Record, ReservationRow};
use crate::state::for_each;
use crate::{Error, Result};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::{Code, ObjectId, Outcome, Refusal, ReservationId, UploadId, Version};

/// How long after the reservation upload URLs of its ids are valid, ns: four hours.
pub const UPLOAD_URL_NS: u64 = 4 * 3_600_000_000_000;
/// The longest that one upload request can take once it began, ns: one hour.
pub const UPLOAD_REQUEST_NS: u64 = 3_600_000_000_000;
/// From the first sweep of a reservation to the second, for uploads that landed late, ns: a day.
pub const SWEEP_PAUSE_NS: u64 = 24 * 3_600_000_000_000;
/// Uploads, and reservations, that one step ends because whoever made them is gone.
const END_STEP: usize = 256;

impl<R: Rows> Batch<'_, R> {
    /// Reserves object ids; the reservation's number is the version of the command.
    pub(crate) fn reserve_objects(&mut self, seed: [u8; 16]) -> Outcome {
        let reservation = ReservationId(self.version.0);
        let row = ReservationRow {
            seed,
            expires: self
                .clock
                .log_ns
                .saturating_add(UPLOAD_URL_NS + UPLOAD_REQUEST_NS),
            sweeps: 0,
        };
        self.txn.put(keys::reservation(reservation), row.encode());
        Outcome::Reserved(reservation)
    }

    /// The unpublished ids of a reservation were deleted: after the first time once more, then never again.
    pub(crate) fn reservation_swept(&mut self, reservation: ReservationId) -> Result<Outcome> {
        let key = keys::reservation(reservation);
        let Some(bytes) = self.txn.get(&key)? else {
            return Ok(Outcome::Worked { done: 0, more: false });
        };
        let mut row = ReservationRow::decode(&bytes)?;
        if self.clock.log_ns < row.expires {
            return Err(
                Refusal::new(Code::InUse, format!("reservation {}", reservation.0))
                    .detail("its ids may still be uploaded or land late")
                    .into(),
            );
        }
        if row.sweeps == 0 {
            row.sweeps = 1;
            row.expires = self.clock.log_ns.saturating_add(SWEEP_PAUSE_NS);
            self.txn.put(key, row.encode());
            return Ok(Outcome::Worked { done: 1, more: true });
        }
        self.txn.delete(key);
        for key in self.deleted_of(reservation)? {
            self.txn.delete(key);
        }
        Ok(Outcome::Worked { done: 1, more: false })
    }

    /// Gives up uploads that were begun up to a version, and with `ids` ends the reservations made up to it; one
    /// bounded step.
    pub(crate) fn end_uploads(&mut self, up_to: Version, ids: bool) -> Result<Outcome> {
        let (given_up, mut more) = self.give_up_to(UploadId(up_to.0), END_STEP)?;
        let mut done = given_up;
        if ids {
            let ended = self.reservations_to(ReservationId(up_to.0))?;
            more |= ended.len() > END_STEP;
            for (key, mut row) in ended.into_iter().take(END_STEP) {
                row.expires = self.clock.log_ns;
                self.txn.put(key, row.encode());
                done += 1;
            }
        }
        Ok(Outcome::Worked {
            done: done as u64,
            more,
        })
    }

    /// Reservations up to a number whose ids can still be published: at most one more than a step ends.
    fn reservations_to(&self, last: ReservationId) -> Result<Vec<(Vec<u8>, ReservationRow)>> {
        let (mut found, mut failed) = (Vec::new(), None);
        let end = keys::reservation(last);
        let now = self.clock.log_ns;
        self.txn.scan(
            Scan::prefix(&[keys::Family::Reservation as u8]),
            &mut |key, value| {
                match ReservationRow::decode(value) {
                    Ok(row) if key <= end.as_slice() && row.sweeps == 0 && row.expires > now => {
                        found.push((key.to_vec(), row));
                    }
                    Ok(_) => (),
                    Err(error) => failed = Some(error),
                }
                if failed.is_some() || found.len() > END_STEP || key >= end.as_slice() {
                    Visit::Stop
                } else {
                    Visit::Next
                }
            },
        )?;
        failed.map_or(Ok(found), Err)
    }

    /// Rows of objects of a reservation that were deleted.
    fn deleted_of(&self, reservation: ReservationId) -> Result<Vec<Vec<u8>>> {
        let prefix = Key::new(keys::Family::Object).id(reservation.0).done();
        let mut gone = Vec::new();
        for_each(&self.txn, &prefix, |key, value| {
            if ObjectRow::decode(value)?.state == ObjectState::Deleted {
                gone.push(key.to_vec());
            }
            Ok(())
        })?;
        Ok(gone)
    }

    /// Bars dead objects from being referred to again. Those that are referred to by now are left alone.
    pub(crate) fn condemn_objects(&mut self, objects: &[ObjectId]) -> Result<Outcome> {
        let mut done = 0;
        for id in objects {
            let Some(mut row) = self.object_row(*id)? else {
                continue;
            };
            let ObjectState::Dead(since) = row.state else {
                continue;
            };
            self.txn.delete(keys::dead(since, *id));
            let queued = DeadRow {
                id: *id,
                at: self.clock.log_ns,
            };
            self.txn.put(keys::dead(Version::ZERO, *id), queued.encode());
            row.state = ObjectState::Condemned;
            self.txn.put(keys::object(*id), row.encode());
            done += 1;
        }
        Ok(Outcome::Worked { done, more: false })
    }

    /// Forgets condemned objects that the object store has not any more.
    pub(crate) fn objects_deleted(&mut self, objects: &[ObjectId]) -> Result<Outcome> {
        let mut done = 0;
        for id in objects {
            let Some(mut row) = self.object_row(*id)? else {
                continue;
            };
            if row.state != ObjectState::Condemned {
                continue;
            }
            self.scratch.objects.replace(Some(&row), None);
            self.txn.delete(keys::dead(Version::ZERO, *id));
            if self.txn.get(&keys::reservation(id.reservation()))?.is_some() {
                row.state = ObjectState::Deleted;
                self.txn.put(keys::object(*id), row.encode());
            } else {
                self.txn.delete(keys::object(*id));
            }
            done += 1;
        }
        Ok(Outcome::Worked { done, more: false })
    }

    /// The row of exactly this object.
    fn object_row(&self, id: ObjectId) -> Result<Option<ObjectRow>> {
        let Some(bytes) = self.txn.get(&keys::object(id))? else {
            return Ok(None);
        };
        Ok(Some(ObjectRow::decode(&bytes)?).filter(|row| row.id == id))
    }
}

pub(crate) fn expired(id: ObjectId, why: &str) -> Error {
    Refusal::new(Code::UploadExpired, format!("object {:032x}", id.0))
        .detail(why)
        .into()
}
