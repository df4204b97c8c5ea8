//! The handshake: who is there, what is spoken, which session goes on, and what was lost meanwhile.
//!
//! `Hello` and `Welcome` keep their fields for ever: later versions add behind them, and whoever is older passes
//! over what is added. So two programs can always tell each other which versions they speak.

mod secret;
mod welcome;

pub use secret::Secret;
pub use welcome::{Durability, Granted, Granting, Limits, Standing, Welcome};

use crate::fields::{Field, Input, field_enums, field_structs};
use crate::frame::{Frame, FrameKind, begin_frame, end_frame};
use crate::limits::{
    ACTOR_BYTES_MAX, FRAME_BYTES_MAX, FRAME_BYTES_MAX_UNKNOWN_PEER, FRAME_BYTES_MIN, LABEL_BYTES_MAX,
    TOKEN_BYTES_MAX,
};
use crate::{Error, Result};
use nokv_types::{Code, Refusal, SessionId, Version};
use std::ops::RangeInclusive;

/// What kind of program connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientKind {
    /// A program that uses the SDK.
    Sdk,
    /// The command.
    Cli,
    /// A mount.
    Mount,
    /// What renews the leases of a mount beside it.
    Supervisor,
    /// The CSI controller.
    Controller,
    /// The operator.
    Operator,
    /// The agent surface.
    Agent,
}

/// Who connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// Nobody in particular; taken only where the server is told to, on loopback.
    None,
    /// A bearer token, at most 16 KiB.
    Bearer(Secret),
    /// The renewal key of a session.
    Renewal {
        /// The session.
        session: SessionId,
        /// The key of its `Welcome`.
        key: Secret,
    },
}

/// Which session the connection belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attach {
    /// None: no changes, no leases, no locks.
    None,
    /// A new one.
    New,
    /// One more connection of a session, at this epoch.
    Join(SessionId, u64),
    /// The session of a process that is gone: its connections end, its epoch ascends. Of the same subject.
    TakeOver(SessionId),
}

/// How far the client has followed the server's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lineage {
    /// The lineage of the last `Welcome`.
    pub lineage: [u8; 16],
    /// The highest version of any answer.
    pub seen: Version,
    /// The highest version that something not yet durable depends on.
    pub depends: Version,
}

/// The client's first frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Oldest version of the protocol that the client speaks.
    pub oldest: u16,
    /// Newest one.
    pub newest: u16,
    /// What kind of program it is.
    pub client: ClientKind,
    /// Its name and version, for logs; at most 253 bytes.
    pub software: String,
    /// The machine it runs on, for access modes of one node; at most 253 bytes.
    pub node: String,
    /// Who is named in events where a call names nobody; at most 64 bytes. Empty = the token's subject.
    pub actor: Vec<u8>,
    /// Who it is.
    pub credential: Credential,
    /// Binds the credential to the TLS channel: its exporter (RFC 9266), or nothing on a plain one.
    pub binding: Option<[u8; 32]>,
    /// The workspace that it expects; `None` = whichever is there.
    pub workspace: Option<[u8; 16]>,
    /// Its session.
    pub attach: Attach,
    /// Pushes of the session may come on this connection.
    pub callbacks: bool,
    /// What it knows of the server's history.
    pub lineage: Option<Lineage>,
    /// Features that it knows; a bit each.
    pub features: u64,
    /// Largest frame that it takes, in bytes; 1 to 16 MiB.
    pub frame_max: u32,
}

impl Hello {
    /// Appends the frame.
    ///
    /// # Errors
    /// `TooLarge` when a field is beyond its limits.
    pub fn encode(&self, id: u64, out: &mut Vec<u8>) -> Result<()> {
        if let Some(field) = self.beyond_limits() {
            return Err(Error::too_large(
                format!("hello.{field}"),
                "it is beyond its limits",
            ));
        }
        let start = begin_frame(out, FrameKind::Hello, id);
        self.put(out);
        end_frame(out, start, FRAME_BYTES_MAX_UNKNOWN_PEER)
    }

    /// Reads the frame's body.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn decode(frame: &Frame<'_>) -> Result<Self> {
        let hello: Self = whole(frame, "hello")?;
        match hello.beyond_limits() {
            Some(field) => Err(Error::malformed(format!("hello.{field}"))),
            None => Ok(hello),
        }
    }

    fn beyond_limits(&self) -> Option<&'static str> {
        let token = match &self.credential {
            Credential::None => 0,
            Credential::Bearer(secret) | Credential::Renewal { key: secret, .. } => secret.expose().len(),
        };
        if !(FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(&self.frame_max) {
            return Some("frame_max");
        }
        let sizes = [
            ("software", self.software.len(), LABEL_BYTES_MAX),
            ("node", self.node.len(), LABEL_BYTES_MAX),
            ("actor", self.actor.len(), ACTOR_BYTES_MAX),
            ("credential", token, TOKEN_BYTES_MAX),
        ];
        let found = sizes.iter().find(|(_, len, max)| len > max);
        found.map(|(name, ..)| *name)
    }
}

/// The version that both speak: the newest one.
///
/// # Errors
/// `NoCommonVersion`, naming both ranges.
pub fn negotiate(hello: &Hello, ours: &RangeInclusive<u16>) -> Result<u16, Refusal> {
    let newest = hello.newest.min(*ours.end());
    if newest < hello.oldest.max(*ours.start()) {
        let refusal = Refusal::new(Code::NoCommonVersion, "the client");
        return Err(refusal.detail(format!(
            "it speaks {} to {}, the server {} to {}",
            hello.oldest,
            hello.newest,
            ours.start(),
            ours.end()
        )));
    }
    Ok(newest)
}

/// Reads a body that has nothing behind its fields, or only fields of a later version.
pub(crate) fn whole<T: Field>(frame: &Frame<'_>, what: &'static str) -> Result<T> {
    let mut input = Input::new(frame.body);
    let value = input.field().ok_or_else(|| Error::malformed(what))?;
    if input.finish().is_none() && !frame.has_later_fields() {
        return Err(Error::malformed(what));
    }
    Ok(value)
}

field_structs! {
    Lineage { lineage, seen, depends }
    Hello {
        oldest, newest, client, software, node, actor, credential, binding, workspace, attach, callbacks,
        lineage, features, frame_max,
    }
}

field_enums! {
    ClientKind {
        1 = Sdk {}, 2 = Cli {}, 3 = Mount {}, 4 = Supervisor {}, 5 = Controller {}, 6 = Operator {}, 7 = Agent {},
    }
    Credential {
        0 = None {},
        1 = Bearer { 0: token },
        2 = Renewal { session: session, key: key },
    }
    Attach {
        0 = None {},
        1 = New {},
        2 = Join { 0: session, 1: epoch },
        3 = TakeOver { 0: session },
    }
}
