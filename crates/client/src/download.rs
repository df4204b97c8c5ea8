//! Reading bodies: a plan, parallel ranged reads ahead of the reader, and a digest check before any byte goes out.
//!
//! Owns: fetching, verifying, ordering, the small cache. Must not know: names of files, screens.
//!
//! Invariants: the whole stored range is verified, whatever part of it was asked for; a mismatch ends the read
//! with `Corrupt`; a body is read at one version from its first byte to its last.

mod cache;
mod fetch;
mod reader;

pub(crate) use cache::RangeCache;
pub use reader::{BodyReader, Piece, Window};
