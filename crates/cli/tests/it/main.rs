//! The real binary on an embedded store in a scratch directory.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected has failed"
)]

mod archives;
mod attributes;
mod bodies;
mod buckets;
mod careless;
mod conventions;
mod documented;
mod files;
mod folders;
mod health;
mod help;
mod hostile;
mod interrupted;
mod leftovers;
mod names;
mod places;
mod refused;
mod repair;
mod run;
mod states;
mod stopped;
mod surface;
mod told;
