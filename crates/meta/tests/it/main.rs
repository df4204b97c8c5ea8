//! The state machine through its public surface, on the in-memory store.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod bodies;
mod dedupe;
mod determinism;
mod fsck;
mod model;
mod names;
mod quota;
mod sessions;
mod timelines;
mod world;
