//! Answers to whoever operates the service.

use crate::fields::{Element, field_structs};
use crate::hello::ClientKind;
use nokv_types::{PinInfo, RootInfo, SessionId};

/// Whether the server serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// It takes calls.
    pub ready: bool,
    /// What keeps it from that, or does not work as it should; empty = all is well.
    pub causes: Vec<Cause>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// A stable name: `recovering`, `bucket`, `log-full` and so on.
    pub name: String,
    /// The particulars.
    pub detail: String,
}

/// A counter or size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// A stable name, with its unit.
    pub name: String,
    /// The value.
    pub value: u64,
}

/// A page of roots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootPage {
    /// By name.
    pub roots: Vec<RootInfo>,
    /// Whether there are more behind the last one.
    pub more: bool,
}

/// A page of pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinPage {
    /// By key.
    pub pins: Vec<PinInfo>,
    /// Whether there are more behind the last one.
    pub more: bool,
}

/// A live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its id.
    pub session: SessionId,
    /// What kind of program holds it.
    pub client: ClientKind,
    /// Whose token.
    pub subject: String,
    /// The machine that it said it runs on.
    pub node: String,
    /// Its connections now.
    pub connections: u32,
    /// Files it has open.
    pub opens: u64,
    /// Leases it holds.
    pub leases: u64,
    /// Locks it holds.
    pub locks: u64,
    /// When it ends unless it is heard of, ms from now.
    pub expires_ms: u64,
}

/// A page of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPage {
    /// By id.
    pub sessions: Vec<SessionInfo>,
    /// Whether there are more behind the last one.
    pub more: bool,
}

impl Element for Cause {}
impl Element for Stat {}
impl Element for SessionInfo {}

field_structs! {
    Readiness { ready, causes }
    Cause { name, detail }
    Stat { name, value }
    RootPage { roots, more }
    PinPage { pins, more }
    SessionInfo { session, client, subject, node, connections, opens, leases, locks, expires_ms }
    SessionPage { sessions, more }
}
