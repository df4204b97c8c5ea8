//! Sessions as their clients see them.

use crate::fields::field_structs;
use crate::hello::Secret;
use nokv_types::SessionId;

/// The session that a connection belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionGrant {
    /// Its id, chosen at random by the server.
    pub session: SessionId,
    /// Ascends when another process takes the session over: calls of an older epoch are refused.
    pub epoch: u64,
    /// Leases end this long after the client sent its last renewal that was answered, ms.
    pub lease_ms: u32,
    /// Locks, opens and saved answers end this long after the session was last heard of, ms.
    pub timeout_ms: u32,
    /// Renews this session's leases and is good for nothing else: for a supervisor. Not given to joiners.
    pub renewal_key: Option<Secret>,
}

/// The leases of a session were extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewed {
    /// The session's epoch.
    pub epoch: u64,
    /// The term, counted from when the renewal was sent, ms.
    pub lease_ms: u32,
}

field_structs! {
    SessionGrant { session, epoch, lease_ms, timeout_ms, renewal_key }
    Renewed { epoch, lease_ms }
}
