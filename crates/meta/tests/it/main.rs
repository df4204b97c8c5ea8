//! The state machine through its public surface, on the in-memory store.

mod bodies;
mod dedupe;
mod fsck;
mod names;
mod quota;
mod sessions;
mod timelines;
mod world;
