//! Calls in. An operation that is not understood is answered by itself; the others are not touched by it.

use super::{BITS, CallHead, CallWriter, DEADLINE, DURABLE, IDENTITY, Identity, LEASES, STOP_ON_ERROR};
use crate::fields::Input;
use crate::frame::Frame;
use crate::kinds::{Class, OpKind};
use crate::limits::{ACTOR_BYTES_MAX, OPS_MAX, RETIRED_MAX};
use crate::op::Op;
use crate::{Error, Result};
use nokv_types::Refusal;

/// Bytes of a usual operation; an announced number of them takes no memory that the bytes do not justify.
const OP_BYTES_USUAL: usize = 32;

/// A call that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What its operations have in common.
    pub head: CallHead,
    /// The operations, each with its number; a refusal is the answer to one that was not understood. At least one.
    pub ops: Vec<(u16, Result<Op, Refusal>)>,
}

impl Call {
    /// Reads the frame's body.
    ///
    /// # Errors
    /// `Malformed` when not even the list can be told apart; nothing of it may be executed then.
    pub fn decode(frame: &Frame<'_>) -> Result<Self> {
        let mut input = Input::new(frame.body);
        let head = take_head(&mut input).ok_or_else(|| Error::malformed("call"))?;
        input.session = head
            .identity
            .as_ref()
            .map_or_else(Default::default, |identity| identity.session);
        let ops = take_ops(&mut input, head.identity.is_some()).ok_or_else(|| Error::malformed("call"))?;
        Ok(Self { head, ops })
    }

    /// Appends the call as a frame.
    ///
    /// # Errors
    /// As [`CallWriter`]; `Unencodable` when it holds an operation that was not understood.
    pub fn encode(&self, id: u64, frame_max: u32, out: &mut Vec<u8>) -> Result<()> {
        let mut writer = CallWriter::begin(out, id, &self.head, frame_max)?;
        for (_, op) in &self.ops {
            let op = op
                .as_ref()
                .map_err(|_| Error::unencodable("call", "it was not understood"))?;
            writer.op(op)?;
        }
        writer.finish()
    }
}

fn take_head(input: &mut Input<'_>) -> Option<CallHead> {
    let bits = input.u8()?;
    if bits > BITS {
        return None;
    }
    let has = |bit: u8| bits & bit != 0;
    let identity: Option<Identity> = if has(IDENTITY) { Some(input.field()?) } else { None };
    let deadline_ms = if has(DEADLINE) { Some(input.field()?) } else { None };
    let head = CallHead {
        stop_on_error: has(STOP_ON_ERROR),
        durable: has(DURABLE),
        leases: has(LEASES),
        identity,
        deadline_ms,
        actor: input.field()?,
    };
    let retired = head
        .identity
        .as_ref()
        .map_or(0, |identity| identity.retired.len());
    (head.actor.len() <= ACTOR_BYTES_MAX && retired <= RETIRED_MAX).then_some(head)
}

fn take_ops(input: &mut Input<'_>, identified: bool) -> Option<Vec<(u16, Result<Op, Refusal>)>> {
    let count = usize::from(u16::from_le_bytes(input.array()?));
    if count == 0 || count > OPS_MAX {
        return None;
    }
    let mut ops = Vec::with_capacity(count.min(input.rest().len() / OP_BYTES_USUAL));
    for _ in 0..count {
        let number = u16::from_le_bytes(input.array()?);
        let [version, flags] = input.array()?;
        let len = u32::from_le_bytes(input.array()?);
        let mut body = input.split(len as usize)?;
        if flags != 0 {
            return None;
        }
        let op = take_op(number, version, &mut body, identified);
        input.join(&body);
        ops.push((number, op.map_err(|error| error.refusal())));
    }
    input.finish().map(|()| ops)
}

fn take_op(number: u16, version: u8, body: &mut Input<'_>, identified: bool) -> Result<Op> {
    let kind = OpKind::from_number(number).ok_or_else(|| Error::unknown("operation", u64::from(number)))?;
    if version > kind.version() {
        return Err(Error::too_new(kind.name(), version));
    }
    if kind.class() == Class::Change && !identified {
        return Err(Error::malformed(format!("{} without an identity", kind.name())));
    }
    let op = if version == 0 { None } else { Op::take(kind, body) };
    op.filter(|_| body.finish().is_some())
        .ok_or_else(|| Error::malformed(kind.name()))
}
