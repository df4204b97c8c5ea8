//! What was not done: in place of an answer, at the end of a watch or session, or as a frame of its own.

use crate::fields::{Field, field_structs};
use crate::frame::{Frame, FrameKind, begin_frame, end_frame};
use crate::hello::whole;
use crate::limits::FRAME_BYTES_MAX_UNKNOWN_PEER;
use crate::{Error, Result};
use nokv_types::{Code, Refusal, Retry, Version};

/// A refusal with the one number that a program acts on, so that no text has to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Why, and about what.
    pub refusal: Refusal,
    /// By its code: for `CursorExpired` the oldest cursor that can be used, for `TooLarge` the limit, for those to be
    /// sent again unchanged the time to wait first, ms.
    pub hint: Option<u64>,
}

impl Failure {
    /// The oldest cursor that can be used.
    pub fn oldest_cursor(&self) -> Option<Version> {
        let expired = self.refusal.code == Code::CursorExpired;
        self.hint.filter(|_| expired).map(Version)
    }

    /// How long to wait before the same request is sent again, ms.
    pub fn pause_ms(&self) -> Option<u64> {
        let again = self.refusal.code.retry() == Retry::Same;
        self.hint.filter(|_| again)
    }

    /// Adds the number.
    #[must_use]
    pub fn hint(mut self, hint: u64) -> Self {
        self.hint = Some(hint);
        self
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, hint: None }
    }
}

/// Why the frame of the same id had no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub failure: Failure,
    /// The connection is closed behind it.
    pub closing: bool,
}

impl Refused {
    /// What is sent about an error in what the peer sent.
    pub fn about(error: &Error) -> Self {
        Self {
            failure: error.refusal().into(),
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
    Failure { refusal, hint }
    Refused { failure, closing }
}
