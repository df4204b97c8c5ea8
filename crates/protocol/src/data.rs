//! The data path: what a client needs to move bytes to and from the object store without a credential.
//!
//! Ids come from `Command::ReserveObjects`, which is durable before a URL is signed; so a lost upload is always on a
//! list. What was stored becomes visible by a publish.

use crate::fields::{Element, field_structs};
use nokv_types::{Attr, Found, ObjectId, ReadPlan, Refusal};
use std::fmt;

/// An object that is going to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PutIntent {
    /// Its id, of a live reservation.
    pub object: ObjectId,
    /// Its length, in bytes.
    pub len: u64,
    /// The CRC32C of its bytes; the URL accepts no others.
    pub crc32c: u32,
}

/// A request that the object store takes without another credential. Its address is as good as one, so it is never
/// printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// The object.
    pub object: ObjectId,
    /// The address.
    pub url: String,
    /// Headers that belong to the signature: to be sent exactly so.
    pub headers: Vec<(String, String)>,
    /// For how long from now it is accepted, ms.
    pub valid_ms: u32,
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SignedRequest")
            .field("object", &self.object)
            .field("valid_ms", &self.valid_ms)
            .finish_non_exhaustive()
    }
}

/// A read plan, and how to fetch what is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Where the bytes are.
    pub plan: ReadPlan,
    /// One request for each object of the plan, when they were asked for: without a range, which the client adds.
    pub urls: Vec<SignedRequest>,
}

/// What was found on the way along a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walked {
    /// One for each name of the path, as far as there was something.
    pub found: Vec<Found>,
    /// Why it ended before the end of the path.
    pub stopped: Option<Refusal>,
}

impl Walked {
    /// The attributes of the end of the path, when it was reached.
    pub fn end(&self) -> Option<&Attr> {
        match self.stopped {
            None => self.found.last().map(|found| &found.attr),
            Some(_) => None,
        }
    }
}

impl Element for PutIntent {}
impl Element for SignedRequest {}

field_structs! {
    PutIntent { object, len, crc32c }
    SignedRequest { object, url, headers, valid_ms }
    Planned { plan, urls }
    Walked { found, stopped }
}
