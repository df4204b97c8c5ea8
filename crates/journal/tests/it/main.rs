//! The journal against damage, crashes and power cuts, over a disk that lives in memory.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod checkpoint_damage;
mod checkpoints;
mod crash;
mod event_damage;
mod events;
mod golden;
mod log_damage;
mod log_files;
mod machine;
mod power;
mod recovery;
mod rng;
mod segment;
mod sim;
mod threads;
mod torn;
mod workload;
