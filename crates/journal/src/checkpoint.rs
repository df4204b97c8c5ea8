//! Logical checkpoints in the object store: every row of one consistent view, independent of the engine.
//!
//! Owns: parts, MANIFEST, `meta/HEAD`, `meta/IDENTITY`. Must not know what a row means. The byte tables are
//! `docs/formats/checkpoint.md`.
//!
//! Invariants: a checkpoint counts only after HEAD lists it and everything it consists of was read back and
//! matched; HEAD changes by compare-and-swap only; what HEAD lists is deleted only after a HEAD without it
//! was written; memory is bounded by one part.

mod head;
mod identity;
mod manifest;
mod objects;
mod part;
mod restore;
mod write;

pub use head::{CheckpointEntry, HEAD_READER_FORMAT, Head};
pub use identity::{IDENTITY_OWNER_BYTES_MAX, Identity};
pub use manifest::{Manifest, PartEntry};
pub use restore::{find_by_listing, load_manifest, restore, verify};
pub use write::{CheckpointSpec, Written, write, write_beside};

/// Default size of a part before compression.
pub const PART_BYTES: usize = 16 << 20;
/// Rows are handed out in batches of at most about this size.
pub const RESTORE_BATCH_BYTES: usize = 256 << 10;
/// How many checkpoints are kept at least.
pub const CHECKPOINTS_KEPT: usize = 2;
/// Compression level of parts: the fastest that still shrinks rows several times.
pub const PART_ZSTD_LEVEL: i32 = 1;
