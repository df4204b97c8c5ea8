//! Which frames a peer may send, by its side and by how far the handshake has come.

use crate::frame::FrameKind;
use nokv_types::{Code, Refusal};

/// What a server takes from a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gate {
    /// Nobody has been let in: `Hello` and pings, in small frames.
    #[default]
    Closed,
    /// `Welcome` was sent: calls, notices and pings.
    Open,
}

impl Gate {
    /// Whether a server takes a frame of this kind now.
    ///
    /// # Errors
    /// `Unauthenticated` before the peer was let in, `Malformed` for what only a server sends or what was said
    /// already: the connection is to be closed after saying so.
    pub fn takes(self, kind: FrameKind) -> Result<(), Refusal> {
        match (self, kind) {
            (_, FrameKind::Ping | FrameKind::Pong)
            | (Self::Closed, FrameKind::Hello)
            | (Self::Open, FrameKind::Call | FrameKind::Notice | FrameKind::Refused) => Ok(()),
            (Self::Closed, FrameKind::Call | FrameKind::Notice | FrameKind::Refused) => {
                Err(Refusal::new(Code::Unauthenticated, "the connection").detail("it has not said Hello"))
            }
            (Self::Open, FrameKind::Hello) => {
                Err(Refusal::new(Code::Malformed, "Hello").detail("it was said already"))
            }
            (_, FrameKind::Welcome | FrameKind::Answers | FrameKind::Push) => {
                Err(Refusal::new(Code::Malformed, format!("{kind:?}")).detail("only a server sends it"))
            }
        }
    }
}

/// Whether a client takes a frame of this kind, before or after it was welcomed.
///
/// # Errors
/// `Malformed`: the peer is no server; close the connection.
pub fn client_takes(kind: FrameKind, welcomed: bool) -> Result<(), Refusal> {
    match (kind, welcomed) {
        (FrameKind::Ping | FrameKind::Pong | FrameKind::Refused, _)
        | (FrameKind::Welcome, false)
        | (FrameKind::Answers | FrameKind::Push, true) => Ok(()),
        (FrameKind::Welcome, true)
        | (FrameKind::Answers | FrameKind::Push, false)
        | (FrameKind::Hello | FrameKind::Call | FrameKind::Notice, _) => {
            Err(Refusal::new(Code::Malformed, format!("{kind:?}")).detail("a server does not say it now"))
        }
    }
}
