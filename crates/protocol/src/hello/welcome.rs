//! The server's answer to `Hello`.

use super::whole;
use crate::auth::Mode;
use crate::fields::{Field, field_enums, field_structs};
use crate::frame::{Frame, FrameKind, begin_frame, end_frame};
use crate::limits::{
    CERTIFICATES_BYTES_MAX, FRAME_BYTES_MAX, FRAME_BYTES_MAX_UNKNOWN_PEER, IN_FLIGHT_BYTES_MAX,
    IN_FLIGHT_CALLS_MAX, OPS_MAX, SESSION_CONNECTIONS_MAX, WATCHES_MAX,
};
use crate::session::SessionGrant;
use crate::{Error, Result};
use nokv_types::{Node, Version};

/// What became of what the client has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is all there.
    Intact,
    /// Later versions than this one are lost: drop every cache, fail the handles that depend on them.
    LostAfter(Version),
}

/// What an answer `durable` means in this workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: tests and demonstrations.
    Ephemeral,
    /// It is synced to the server's volume.
    Volume,
    /// It is in the bucket.
    Bucket,
}

/// What the server takes from one connection. Above it, calls are refused with `Busy` or `TooLarge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest frame that it takes, in bytes.
    pub frame_bytes: u32,
    /// Calls without an answer.
    pub calls: u32,
    /// Their bytes.
    pub call_bytes: u32,
    /// Operations of one call.
    pub ops: u32,
    /// Connections of one session.
    pub connections: u32,
    /// Watches of one connection.
    pub watches: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes: FRAME_BYTES_MAX,
            calls: IN_FLIGHT_CALLS_MAX,
            call_bytes: IN_FLIGHT_BYTES_MAX,
            ops: OPS_MAX as u32,
            connections: SESSION_CONNECTIONS_MAX,
            watches: WATCHES_MAX,
        }
    }
}

/// Where a token's subtree lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granting {
    /// The root of it.
    pub node: Node,
    /// Its path from the root of its timeline.
    pub path: Vec<u8>,
}

/// What a credential grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Who it belongs to.
    pub subject: String,
    /// What it may do.
    pub mode: Mode,
    /// Where; `None` = in the whole workspace.
    pub subtree: Option<Granting>,
    /// For how long from now, ms; `None` = until it is withdrawn.
    pub expires_ms: Option<u64>,
}

/// The server's first frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The version of the protocol that is spoken from now on.
    pub version: u16,
    /// The server's name and version, for logs.
    pub software: String,
    /// Number of the connection in the server's logs; with the id of a call it names a request.
    pub connection: u64,
    /// The workspace.
    pub workspace: [u8; 16],
    /// The history since the server's last start.
    pub lineage: [u8; 16],
    /// What became of what the client has seen.
    pub standing: Standing,
    /// The newest version that readers see.
    pub newest: Version,
    /// What durable means here.
    pub durability: Durability,
    /// What the credential grants.
    pub granted: Granted,
    /// The session, where one was asked for.
    pub session: Option<SessionGrant>,
    /// What the server takes.
    pub limits: Limits,
    /// Features that both know.
    pub features: u64,
    /// Certificates (PEM) that the object store's is checked against; empty = those of the system.
    pub certificates: Vec<u8>,
}

impl Welcome {
    /// Appends the frame.
    ///
    /// # Errors
    /// `TooLarge` when there are too many certificates.
    pub fn encode(&self, id: u64, out: &mut Vec<u8>) -> Result<()> {
        if self.certificates.len() > CERTIFICATES_BYTES_MAX {
            return Err(Error::too_large(
                "welcome.certificates",
                "they are above the limit",
            ));
        }
        let start = begin_frame(out, FrameKind::Welcome, id);
        self.put(out);
        end_frame(out, start, FRAME_BYTES_MAX_UNKNOWN_PEER)
    }

    /// Reads the frame's body.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn decode(frame: &Frame<'_>) -> Result<Self> {
        let welcome: Self = whole(frame, "welcome")?;
        if welcome.certificates.len() > CERTIFICATES_BYTES_MAX {
            return Err(Error::malformed("welcome.certificates"));
        }
        Ok(welcome)
    }
}

field_structs! {
    Limits { frame_bytes, calls, call_bytes, ops, connections, watches }
    Granting { node, path }
    Granted { subject, mode, subtree, expires_ms }
    Welcome {
        version, software, connection, workspace, lineage, standing, newest, durability, granted, session,
        limits, features, certificates,
    }
}

field_enums! {
    Standing {
        1 = Intact {},
        2 = LostAfter { 0: version },
    }
    Durability { 1 = Ephemeral {}, 2 = Volume {}, 3 = Bucket {}, }
}
