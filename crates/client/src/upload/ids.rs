//! Object ids out of durable reservations, shared by all uploads of a client.

use crate::client::Client;
use crate::{Ack, Error, Result};
use nokv_types::{Code, Command, ObjectId, Outcome, RESERVATION_OBJECTS, ReservationId};
use std::sync::{Mutex, PoisonError};

/// What is left of the newest reservation.
#[derive(Debug, Default)]
pub(crate) struct ObjectIds(Mutex<Option<Reserved>>);

#[derive(Debug)]
struct Reserved {
    seed: [u8; 16],
    reservation: ReservationId,
    next: u16,
}

impl ObjectIds {
    /// An id that nobody else has.
    pub(crate) fn next(&self, client: &Client) -> Result<ObjectId> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_none_or(|left| left.next >= RESERVATION_OBJECTS) {
            *held = Some(reserve(client)?);
        }
        let Some(left) = held.as_mut() else {
            return Err(Error::refused(Code::UploadExpired, "object ids"));
        };
        let id = ObjectId::derive(&left.seed, left.reservation, left.next);
        left.next += 1;
        Ok(id)
    }

    /// Forgets the reservation: the namespace said that it has ended.
    pub(crate) fn discard(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn reserve(client: &Client) -> Result<Reserved> {
    let seed = client.random()?;
    let reply = client.change(Command::ReserveObjects { seed }, Ack::Durable)?;
    let Outcome::Reserved(reservation) = reply.outcome else {
        return Err(crate::client::unexpected("reserve object ids"));
    };
    Ok(Reserved {
        seed,
        reservation,
        next: 0,
    })
}
