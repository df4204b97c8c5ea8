//! What a program sees of a namespace: the trait [`Namespace`], and the pipeline that moves bodies.
//!
//! Owns: the trait that the embedded engine implements and a remote one will, the error of its callers, the
//! upload and download of bodies. Must not know: how metadata is stored, which object store lies under
//! [`Blobs`], what a screen looks like.
//!
//! Invariants: no byte of a body is handed out before the digest of its stored range was checked; an object is
//! only ever created, never rewritten; nothing is visible before the one command that publishes it.

mod batch;
mod buffers;
mod client;
mod download;
mod error;
mod namespace;
mod pool;
mod publish;
mod retry;
mod tree;
mod upload;

pub use batch::{Batch, BatchFile};
pub use client::{Client, Entropy, OsEntropy, Settings};
pub use download::{BodyReader, Piece, Window};
pub use error::{Error, ErrorKind, Result};
pub use namespace::{
    Ack, At, Blobs, CheckpointReport, DfReport, DiffPage, EventPage, EventQuery, Explanation, Finding, Found,
    FsckReport, GcOptions, GcReport, Holder, LoggedEvent, Namespace, ObjectState, StatFs, View,
};
pub use publish::{PublishOptions, Published};
pub use tree::{EntryMeta, Placed, TreeBuilder, Walk, WalkEntry};
pub use upload::{BodySource, Cut, SparseFile, SparseSource, StreamSource};
