//! Calls: an ordered list of operations in one frame.

mod read;
mod write;

pub use read::Call;
pub use write::CallWriter;

use crate::fields::field_structs;
use nokv_types::{RequestId, SessionId};

/// What all operations of a call have in common.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallHead {
    /// The first operation that is refused ends the list; those behind it are not answered.
    pub stop_on_error: bool,
    /// Answered when what it changed is durable, and not before.
    pub durable: bool,
    /// Answers may carry leases.
    pub leases: bool,
    /// Exactly-once identity; needed when the call changes anything.
    pub identity: Option<Identity>,
    /// How long the caller waits, ms; what has not begun then is answered `TimedOut`. `None` = for ever.
    pub deadline_ms: Option<u32>,
    /// Who is named in events, at most 64 bytes. Empty = as `Hello` said.
    pub actor: Vec<u8>,
}

/// Which request this is, so that a repeated one gets its first answer and is not executed again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// The session.
    pub session: SessionId,
    /// Which of its streams; the client's own counter is stream 0.
    pub stream: u32,
    /// Number of the request in its stream.
    pub sequence: u64,
    /// Part of the call's first operation; each one behind it has the next.
    pub part: u32,
    /// Answers of stream 0 below this sequence were taken.
    pub retired_below: u64,
    /// Requests (stream, sequence) of other streams whose answers were taken; at most 16,384.
    pub retired: Vec<(u32, u64)>,
}

impl Identity {
    /// The identity of the operation at `index` of the call.
    pub fn of(&self, index: usize) -> RequestId {
        RequestId {
            session: self.session,
            stream: self.stream,
            sequence: self.sequence,
            part: self.part.wrapping_add(index as u32),
        }
    }
}

field_structs! {
    Identity { session, stream, sequence, part, retired_below, retired }
}

/// Bits of the first byte of a call.
const STOP_ON_ERROR: u8 = 1;
const DURABLE: u8 = 2;
const LEASES: u8 = 4;
const IDENTITY: u8 = 8;
const DEADLINE: u8 = 16;
const BITS: u8 = 31;
/// Bytes in front of the fields of an operation or answer: number, version, flags, length.
pub(crate) const ITEM_HEADER_BYTES: usize = 8;
