//! Tests of the store as a whole: the conformance suite on both implementations, reopening, publishing beside
//! readers and writers, crashes, faults of the disk, damage at rest.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed expectation ends the test"
)]

mod compaction;
mod conformance;
mod crash;
mod damage;
mod faults;
mod history;
mod packing;
mod publishing;
mod reopen;
