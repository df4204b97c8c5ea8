//! Operations: what a call is a list of.
//!
//! Owns: the fields of every question. What a command means is the state machine's business, what a question is
//! answered the server's.

mod ask;
mod bind;
mod command;

pub use ask::Ask;
pub use bind::{CURRENT, CURRENT_HANDLE, CURRENT_POINT, Current};

use crate::auth::Need;
use crate::fields::Input;
use crate::kinds::OpKind;
use crate::{Error, Result};
use nokv_types::Command;

/// One operation of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Changes something; executed once, whatever happens to the connection.
    Change(Command),
    /// Asks something, or concerns the session.
    Ask(Ask),
}

/// A full call of 4,096 takes a megabyte, whatever they are.
const _: () = assert!(size_of::<Op>() <= 256);

impl Op {
    /// Which operation.
    ///
    /// # Errors
    /// `Unencodable` for a command that only the server itself may run.
    pub fn kind(&self) -> Result<OpKind> {
        match self {
            Self::Ask(ask) => Ok(ask.kind()),
            Self::Change(command) => kind_of(command),
        }
    }

    /// What it needs of the token: that of its kind, and for a rehearsal that of the command.
    ///
    /// # Errors
    /// As [`Op::kind`].
    pub fn need(&self) -> Result<Need> {
        match self {
            Self::Ask(Ask::Rehearse { command }) => Ok(kind_of(command)?.need().max(OpKind::Rehearse.need())),
            Self::Ask(_) | Self::Change(_) => self.kind().map(OpKind::need),
        }
    }

    /// Takes the operation of this kind; `None` when malformed.
    pub(crate) fn take(kind: OpKind, input: &mut Input<'_>) -> Option<Self> {
        if let Some(ask) = Ask::take(kind, input) {
            return ask.map(Self::Ask);
        }
        command::take(kind, input).map(Self::Change)
    }
}

/// The operation of a command.
fn kind_of(command: &Command) -> Result<OpKind> {
    OpKind::of(command).ok_or_else(|| {
        Error::unencodable(
            "command",
            "only the server itself begins sessions and does its work",
        )
    })
}

pub(crate) use command::{check as check_command, put as put_command};

impl From<Command> for Op {
    fn from(command: Command) -> Self {
        Self::Change(command)
    }
}

impl From<Ask> for Op {
    fn from(ask: Ask) -> Self {
        Self::Ask(ask)
    }
}
