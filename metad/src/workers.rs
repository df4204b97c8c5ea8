//! The threads beside the callers: woken by need, stopped and joined at the end.
//!
//! Owns: event files, log files, published states and checkpoints, and the small commands that forget what nobody
//! needs any more. Must not be on the way of a caller: everything here may be late.

mod bell;
mod bells;
mod checkpoints;
mod crew;
mod events;
mod garbage;
mod logs;
mod publisher;
mod upkeep;

pub(crate) use bells::Bells;
pub(crate) use checkpoints::Checkpoints;
pub(crate) use crew::Crew;
pub(crate) use events::Events;
