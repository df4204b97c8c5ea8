//! The ordered key-value seam under the namespace state machine.
//!
//! Owns: the [`Rows`] and [`Store`] traits, the [`Mutations`] of a batch and their encoding, and the
//! implementations of the seam. Must not know what a row means: keys and values are bytes.
//!
//! Invariants every implementation keeps (and the conformance suite checks):
//! * keys are ordered as unsigned bytes; a scan yields every key of the prefix once, in order;
//! * a batch becomes visible to [`Store::consistent`] readers completely or not at all;
//! * a value that was damaged at rest is an error of kind `Corrupt`, never a wrong answer;
//! * no key ends in NUL, so none equals another one followed by NUL ([`Mutations`] refuses it).

mod error;
mod frames;
mod holt;
mod model;
mod mutations;
mod seam;

#[cfg(any(test, feature = "testing"))]
pub mod conformance;

pub use error::{Error, ErrorKind, Result};
#[cfg(any(test, feature = "testing"))]
pub use frames::SimDisk;
pub use frames::{DirDisk, Disk, FileName, FrameStats};
pub use holt::{Frozen, HoltStore, Opened, Published, PublishedView, Settings, StoreStats};
pub use model::ModelStore;
pub use mutations::{KEY_BYTES_MAX, Mutation, Mutations, VALUE_BYTES_MAX};
pub use seam::{OPTIMISTIC_READS_MAX, Rows, Scan, Store, Visit};
