//! The state machine through its public surface, on the in-memory store.

mod names;
mod world;
