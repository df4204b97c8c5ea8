//! Event files: the event sections of segments, kept in files of their own and read from any version on.
//!
//! Owns: the files, their sparse version index, retention, and how they are completed from the log after a
//! crash. Must not know what an event is. The byte table is `docs/formats/events.md`.
//!
//! Invariants: there is one record per segment, in log order, without gaps from [`EventFiles::oldest`] on; a
//! record that does not match its checksum is never delivered; nothing here is on the commit path.

mod copy;
mod file;
mod footer;
mod open;
mod read;
mod record;
mod trim;
mod write;

pub use copy::Copied;
pub use open::EventsOpened;
pub use record::EventRecord;
pub use trim::{EventUsage, Retention, Trimmed};
pub use write::EventFiles;

use crate::WorkspaceId;

/// Default size at which the next event file is begun.
pub const EVENT_FILE_BYTES: u64 = 64 << 20;
/// Default distance between two entries of the version index.
pub const EVENT_INDEX_BYTES: u64 = 64 << 10;
/// Records are gathered up to this size before they are written.
pub const EVENT_BUFFER_BYTES: usize = 256 << 10;
/// Default age after which event files go, nanoseconds of log time.
pub const EVENT_AGE_NS: u64 = 3600 * 1_000_000_000;
/// Default size above which event files go.
pub const EVENT_BYTES: u64 = 1 << 30;
/// Default size up to which a floor can hold event files back.
pub const EVENT_HELD_BYTES_MAX: u64 = 8 << 30;

/// How event files are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventOptions {
    /// Whose events they are.
    pub workspace: WorkspaceId,
    /// Size at which the next file is begun.
    pub file_bytes: u64,
    /// Distance between two entries of the version index.
    pub index_bytes: u64,
}

impl EventOptions {
    /// The defaults for a workspace.
    pub fn new(workspace: WorkspaceId) -> Self {
        Self {
            workspace,
            file_bytes: EVENT_FILE_BYTES,
            index_bytes: EVENT_INDEX_BYTES,
        }
    }
}
