//! The vocabulary through its public surface.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod codec;
mod events;
mod names;
mod values;
