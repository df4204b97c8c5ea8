//! The crate from outside: every implementation against one suite, and against the faults of its world.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod chain;
mod conformance;
mod crash;
mod dir;
mod doubles;
mod faults;
mod kinds;
mod minio;
mod open;
mod pace;
mod probe;
mod retry;
mod s3_faults;
