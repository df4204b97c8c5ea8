//! Calls out: operations are appended one by one, without a copy in between.

use super::{CallHead, DEADLINE, DURABLE, IDENTITY, ITEM_HEADER_BYTES, LEASES, STOP_ON_ERROR};
use crate::fields::Field;
use crate::frame::{FrameKind, FrameStart, begin_frame, end_frame};
use crate::kinds::OpKind;
use crate::limits::{ACTOR_BYTES_MAX, OPS_MAX, RETIRED_MAX};
use crate::op::{Ask, Op, check_command, put_command};
use crate::{Error, Result};
use nokv_types::{Command, SessionId};

/// A call that is being written. One that is dropped before [`CallWriter::finish`] leaves nothing behind.
#[derive(Debug)]
pub struct CallWriter<'a> {
    out: &'a mut Vec<u8>,
    start: Option<FrameStart>,
    count_at: usize,
    count: u16,
    session: Option<SessionId>,
    frame_max: usize,
}

impl<'a> CallWriter<'a> {
    /// Begins a call of this id at the end of `out`; the peer takes frames of `frame_max` bytes.
    ///
    /// # Errors
    /// `TooLarge` when a field of the head is above its limit.
    pub fn begin(out: &'a mut Vec<u8>, id: u64, head: &CallHead, frame_max: u32) -> Result<Self> {
        let retired = head
            .identity
            .as_ref()
            .map_or(0, |identity| identity.retired.len());
        if head.actor.len() > ACTOR_BYTES_MAX || retired > RETIRED_MAX {
            return Err(Error::too_large(
                "call",
                "its actor or its list is above the limit",
            ));
        }
        let start = begin_frame(out, FrameKind::Call, id);
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        out.push(
            bit(head.stop_on_error, STOP_ON_ERROR)
                | bit(head.durable, DURABLE)
                | bit(head.leases, LEASES)
                | bit(head.identity.is_some(), IDENTITY)
                | bit(head.deadline_ms.is_some(), DEADLINE),
        );
        if let Some(identity) = &head.identity {
            identity.put(out);
        }
        if let Some(deadline) = head.deadline_ms {
            deadline.put(out);
        }
        head.actor.put(out);
        let count_at = out.len();
        out.extend_from_slice(&[0, 0]);
        Ok(Self {
            out,
            start: Some(start),
            count_at,
            count: 0,
            session: head.identity.as_ref().map(|identity| identity.session),
            frame_max: frame_max as usize,
        })
    }

    /// Appends an operation.
    ///
    /// # Errors
    /// `TooLarge` when the call is full: finish it and send this one with the next. `Unencodable` for what cannot be
    /// sent at all. Nothing is appended then.
    pub fn op(&mut self, op: &Op) -> Result<()> {
        match op {
            Op::Change(command) => self.change(command),
            Op::Ask(ask) => self.ask(ask),
        }
    }

    /// Appends a question.
    ///
    /// # Errors
    /// As [`CallWriter::op`].
    pub fn ask(&mut self, ask: &Ask) -> Result<()> {
        if let Ask::Rehearse { command } = ask {
            check_command(command, self.session.unwrap_or_default())?;
        }
        self.item(ask.kind(), |out| ask.put(out))
    }

    /// Appends a change.
    ///
    /// # Errors
    /// As [`CallWriter::op`]; `Unencodable` also when the call has no identity.
    pub fn change(&mut self, command: &Command) -> Result<()> {
        let session = self
            .session
            .ok_or_else(|| Error::unencodable("command", "its call has no identity"))?;
        let kind = check_command(command, session)?;
        self.item(kind, |out| put_command(command, out))
    }

    /// Operations so far.
    pub fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// Completes the frame.
    ///
    /// # Errors
    /// `Unencodable` for a call without operations.
    pub fn finish(mut self) -> Result<()> {
        if self.count == 0 {
            return Err(Error::unencodable("call", "it has no operation"));
        }
        self.out[self.count_at..self.count_at + 2].copy_from_slice(&self.count.to_le_bytes());
        match self.start.take() {
            Some(start) => end_frame(self.out, start, self.frame_max as u32),
            None => Ok(()),
        }
    }

    fn item(&mut self, kind: OpKind, put: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        if self.count() >= OPS_MAX {
            return Err(Error::too_large(
                "call",
                format!("{OPS_MAX} operations are allowed"),
            ));
        }
        let at = self.out.len();
        self.out.extend_from_slice(&(kind as u16).to_le_bytes());
        self.out.extend_from_slice(&[kind.version(), 0]);
        self.out.extend_from_slice(&[0; 4]);
        put(self.out);
        let len = (self.out.len() - at - ITEM_HEADER_BYTES) as u32;
        self.out[at + 4..at + ITEM_HEADER_BYTES].copy_from_slice(&len.to_le_bytes());
        let frame = self.start.as_ref().map_or(0, |start| start.len(self.out));
        if frame > self.frame_max {
            self.out.truncate(at);
            return Err(Error::too_large(
                "call",
                format!("{} bytes are allowed", self.frame_max),
            ));
        }
        self.count += 1;
        Ok(())
    }
}

impl Drop for CallWriter<'_> {
    fn drop(&mut self) {
        if let Some(start) = self.start.take() {
            start.cancel(self.out);
        }
    }
}
