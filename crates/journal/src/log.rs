//! The local log: a directory of preallocated files that segments are appended to.
//!
//! Owns: the files, their order, what is durable of them, and the verdict on them at the next start. Must not
//! know what the sections of a segment mean, and takes no thread or clock of its own.
//!
//! Invariants:
//! * a file is zero-filled and durable, under its final name, before the first segment goes into it, so an
//!   fdatasync of an append changes no metadata;
//! * a file is synced before the next one is written to (mode `Volume`), so undurable bytes lie in one file;
//! * bytes after the last segment are zeros; a torn tail is zeroed durably before anything is appended;
//! * a failed fdatasync is never tried again: the log refuses everything from then on with `Fatal`.

mod append;
mod cut;
mod evidence;
mod files;
mod judge;
mod open;
mod prepare;
mod reader;
mod scan;
mod seal;
mod state;
mod sync;
mod upkeep;
mod walk;
pub(crate) mod window;

pub use append::Log;
pub use reader::LogReader;
pub use scan::{LogScan, LogVerdict};
pub(crate) use state::STATE_NAME;
pub use sync::SyncHandle;
pub use upkeep::{LogUsage, Upkeep};

use crate::{Position, WorkspaceId};

/// Default size of one log file.
pub const LOG_FILE_BYTES: u64 = 64 << 20;
/// Default limit of the whole log; ordinary appends stop before it.
pub const LOG_LIMIT_BYTES: u64 = 4 << 30;
/// Default room that only appends which free space may use.
pub const LOG_RESERVE_BYTES: u64 = 64 << 20;
/// Smallest log file: tests use it.
pub const LOG_FILE_BYTES_MIN: u64 = 4096;

/// What an acknowledgement `durable` rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Nothing is synced; the death of the process loses nothing, loss of power may lose everything.
    Ephemeral,
    /// An fdatasync of the log file.
    Volume,
}

/// Which room an append may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Room {
    /// Everything but the reserve.
    Ordinary,
    /// The reserve too, but for its last part: removes, deletion of snapshots, garbage collection.
    Freeing,
    /// Everything: what the owner logs to publish a state, without which a full log could never be trimmed.
    Upkeep,
}

/// This part of the reserve is for [`Room::Upkeep`] alone.
const UPKEEP_PART: u64 = 4;

/// How the log is laid out and who writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOptions {
    /// Whose log it is.
    pub workspace: WorkspaceId,
    /// The ownership term of this writer.
    pub epoch: u64,
    /// What durable means.
    pub mode: Mode,
    /// Size of one file; fixed when the log is made, later values are ignored.
    pub file_bytes: u64,
    /// Room for [`Room::Freeing`] and [`Room::Upkeep`] only, kept preallocated.
    pub reserve_bytes: u64,
    /// Most bytes of files, prepared ones included.
    pub limit_bytes: u64,
    /// Sealed files that end at or below this segment are not read again at the start (their seals are):
    /// what frames cover already is verified only when a rebuild needs it. 0 = verify everything.
    pub trust_sealed_to: u64,
}

impl LogOptions {
    /// The defaults for a workspace in a mode.
    pub fn new(workspace: WorkspaceId, epoch: u64, mode: Mode) -> Self {
        Self {
            workspace,
            epoch,
            mode,
            file_bytes: LOG_FILE_BYTES,
            reserve_bytes: LOG_RESERVE_BYTES,
            limit_bytes: LOG_LIMIT_BYTES,
            trust_sealed_to: 0,
        }
    }
}

/// A segment that was handed to the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The place in the log after it.
    pub at: Position,
    /// Bytes that it takes in the file.
    pub bytes: u64,
}
