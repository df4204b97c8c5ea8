//! The ordered key-value seam under the namespace state machine.
//!
//! Owns: the [`Rows`] and [`Store`] traits, the [`Mutations`] of a batch and their encoding, and the
//! implementations of the seam. Must not know what a row means: keys and values are bytes.
//!
//! Invariants every implementation keeps (and the conformance suite checks):
//! * keys are ordered as unsigned bytes; a scan yields every key of the prefix once, in order;
//! * a batch becomes visible to [`Store::consistent`] readers completely or not at all;
//! * a value that was damaged at rest is an error of kind `Corrupt`, never a wrong answer;
//! * no stored key equals another stored key followed by a NUL byte (callers guarantee it, `apply` refuses it).

mod error;
mod model;
mod mutations;
mod seam;

pub use error::{Error, ErrorKind, Result};
pub use model::ModelStore;
pub use mutations::{Mutation, Mutations};
pub use seam::{Rows, Scan, Store, Visit};
