//! Every limit of the protocol by name.
//!
//! What a server grants stands in its `Welcome` and is never above these; both sides check what they receive
//! against what was granted, and what they send before they send it.

use std::ops::RangeInclusive;

/// Versions of the protocol that this program speaks.
pub const PROTOCOL_VERSIONS: RangeInclusive<u16> = 1..=1;
/// The port of metad.
pub const PORT: u16 = 7777;

/// Largest frame with its header, in bytes.
pub const FRAME_BYTES_MAX: u32 = 16 << 20;
/// Largest frame before the peer is authenticated, in bytes.
pub const FRAME_BYTES_MAX_UNKNOWN_PEER: u32 = 1 << 20;
/// Smallest limit on frames that a peer may ask for, in bytes: the answers to a full call of changes fit.
pub const FRAME_BYTES_MIN: u32 = 1 << 20;
/// Operations in one call; what the commit role takes in one batch.
pub const OPS_MAX: usize = 4096;
/// Elements of all lists of one frame together. It bounds what a frame becomes in memory: at most this many
/// elements of at most 256 bytes beside the bytes that the frame itself holds.
pub const ELEMENTS_MAX: usize = 131_072;
/// Extents of all operations or answers of one frame together; what one read plan may have.
pub const EXTENTS_MAX: usize = 65_536;

/// Longest bearer token, in bytes.
pub const TOKEN_BYTES_MAX: usize = 16 << 10;
/// Longest name of an actor in events, in bytes.
pub const ACTOR_BYTES_MAX: usize = 64;
/// Longest name of a program, a node or a subject, in bytes.
pub const LABEL_BYTES_MAX: usize = 253;
/// Longest list of certificates that a `Welcome` carries, in bytes.
pub const CERTIFICATES_BYTES_MAX: usize = 256 << 10;
/// Requests of one call that say that they were taken.
pub const RETIRED_MAX: usize = 16_384;

/// How long leases last without a renewal, ms.
pub const LEASE_TTL_MS: u32 = 10_000;
/// How often a client renews them, ms.
pub const LEASE_RENEW_MS: u32 = 3_000;
/// How long locks, opens and saved answers of a silent session last, ms: above the 10 minutes that mounts wait.
pub const SESSION_TIMEOUT_MS: u32 = 900_000;

/// Calls of one connection without an answer; a server grants at most these.
pub const IN_FLIGHT_CALLS_MAX: u32 = 1024;
/// Their bytes.
pub const IN_FLIGHT_BYTES_MAX: u32 = 64 << 20;
/// Connections of one session.
pub const SESSION_CONNECTIONS_MAX: u32 = 64;
/// Watches of one connection.
pub const WATCHES_MAX: u32 = 64;
/// Events of one watch that may be on their way.
pub const WATCH_CREDIT_MAX: u32 = 65_536;
