//! Frames and messages through their public surface.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bind;
mod calls;
mod draw;
mod errors;
mod frames;
mod fuzz;
mod golden;
mod handshake;
mod random;
mod samples;
mod table;
