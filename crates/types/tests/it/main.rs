//! The vocabulary through its public surface.

mod codec;
mod events;
mod names;
mod values;
