//! Tests of the body pipeline and the tree helpers against a small namespace in memory.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected has failed"
)]

mod batches;
mod compaction;
mod downloads;
mod fake;
mod paths;
mod trees;
mod uploads;
