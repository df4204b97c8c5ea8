//! The frame that says why another one was not understood or not taken.

use crate::fields::{Field, field_structs};
use crate::frame::{Frame, FrameKind, begin_frame, end_frame};
use crate::hello::whole;
use crate::limits::FRAME_BYTES_MAX_UNKNOWN_PEER;
use crate::{Error, Result};
use nokv_types::Refusal;

/// Why the frame of the same id had no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// The connection is closed behind it.
    pub closing: bool,
}

impl Refused {
    /// What is sent about an error in what the peer sent.
    pub fn about(error: &Error) -> Self {
        Self {
            refusal: error.refusal(),
            closing: error.is_fatal(),
        }
    }

    /// Appends the frame.
    ///
    /// # Errors
    /// `TooLarge` when the texts of the refusal do not fit the frame of an unknown peer.
    pub fn encode(&self, id: u64, out: &mut Vec<u8>) -> Result<()> {
        let start = begin_frame(out, FrameKind::Refused, id);
        self.put(out);
        end_frame(out, start, FRAME_BYTES_MAX_UNKNOWN_PEER)
    }

    /// Reads the frame's body.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn decode(frame: &Frame<'_>) -> Result<Self> {
        whole(frame, "refused")
    }
}

field_structs! {
    Refused { refusal, closing }
}
