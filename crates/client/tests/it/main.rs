//! Tests of the body pipeline and the tree helpers against a small namespace in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_wrap,
    reason = "a test that meets the unexpected has failed"
)]

mod batches;
mod compaction;
mod downloads;
mod fake;
mod paths;
mod trees;
mod uploads;
