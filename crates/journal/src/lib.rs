//! The commit log of NoKV: what was committed, in order, and how a state is found again after a crash.
//!
//! Owns: the segment codec, the local log, the event files copied from it, logical checkpoints with
//! `meta/HEAD` and `meta/IDENTITY`, recovery, and the rule of log time. Must not know what a command,
//! a row or an event means (sections are bytes), and takes no thread, clock or randomness of its own.
//!
//! Invariants:
//! * segments are numbered densely from 1 and each carries the hash of everything before it;
//! * a recovered state is an exact prefix of the log that contains everything acknowledged durable, or
//!   recovery refuses and names what is lost;
//! * corrupt bytes are a typed error or verdict, never a wrong answer and never a panic.

pub mod checkpoint;
mod disk;
mod error;
pub mod events;
pub mod failpoints;
mod fields;
pub mod log;
mod log_time;
mod position;
pub mod recovery;
mod segment;

pub use disk::{Disk, DiskFile, OsDisk};
pub use error::{Error, ErrorKind, Result};
pub use log::{
    Appended, Log, LogOptions, LogReader, LogScan, LogUsage, LogVerdict, Mode, Room, SyncHandle, Upkeep,
};
pub use log_time::{Anchor, LogTime};
pub use position::{COVERED_EXTRA_BYTES_MAX, Chain, Covered, Position, WorkspaceId};
pub use segment::{
    Damage, Draft, Header, Kind, SEGMENT_ALIGN, SEGMENT_FORMAT, SEGMENT_HEADER_BYTES, SEGMENT_MAGIC,
    SEGMENT_PAYLOAD_BYTES_MAX, SEGMENT_TRAILER_BYTES, Segment,
};
