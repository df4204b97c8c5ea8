//! Recovery: from what a crash, damage or a lost directory left to a state that is an exact prefix of the log.
//!
//! Owns: the choice of what to start from, quarantine, replay, and the typed verdict. Must not know the engine
//! (it goes through [`Machine`]) nor what rows, results and events mean.
//!
//! Invariants:
//! * nothing is changed on the disk before it is certain that no acknowledged version is lost, or that the
//!   loss was accepted;
//! * damaged frames and logs are moved to `quarantine/`, never deleted;
//! * stopping anywhere in between and starting again ends in the same state.

mod base;
mod plan;
mod quarantine;
mod replace;
mod run;

pub use run::recover;

use crate::{Covered, Disk, Log, LogOptions, LogScan, Position, Result, Segment};
use nokv_object::ObjectStore;
use nokv_store::Store;
use nokv_types::Version;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder of the log in the state directory.
pub const LOG_DIR: &str = "log";
/// The folder of the frame store in the state directory.
pub const FRAMES_DIR: &str = "frames";
/// The folder of the event files in the state directory; recovery leaves it alone.
pub const EVENTS_DIR: &str = "events";
/// The folder that damaged things are moved to.
pub const QUARANTINE_DIR: &str = "quarantine";

/// What opening the frame store gave.
#[derive(Debug)]
pub enum Frames<S> {
    /// Nothing was ever published there.
    Fresh(S),
    /// The newest published state, and the bytes that were published with it ([`Covered`]).
    Published(S, Vec<u8>),
}

/// The state machine that is recovered: its store, and what it keeps beside the rows.
pub trait Machine {
    /// The store under it.
    type Store: Store;

    /// Opens the frame store in `dir`, making it where there is none.
    ///
    /// # Errors
    /// `Corrupt` and `Engine` make recovery rebuild; any other kind ends it.
    fn open(&mut self, dir: &Path) -> nokv_store::Result<Frames<Self::Store>>;

    /// The store holds exactly this; called once, before any replay (for a new workspace with position 0).
    ///
    /// # Errors
    /// End the recovery.
    fn start_from(&mut self, store: &Self::Store, covered: &Covered) -> Result<()>;

    /// The mutations of this segment were just applied; its results belong into the dedupe window.
    ///
    /// # Errors
    /// End the recovery.
    fn replayed(&mut self, store: &Self::Store, segment: &Segment<'_>) -> Result<()>;

    /// Publishes the store as covering this position ([`Covered`] with the machine's own `extra`).
    ///
    /// # Errors
    /// End the recovery.
    fn publish(&mut self, store: &Self::Store, at: Position, log_time_ns: u64) -> Result<()>;

    /// The log is about to be moved to quarantine and a new one begun: copy what is still wanted from it
    /// ([`crate::events::EventFiles::rescue`]).
    ///
    /// # Errors
    /// End the recovery.
    fn set_aside(&mut self, _log: &LogScan) -> Result<()> {
        Ok(())
    }
}

/// Where to recover, and what is allowed.
#[derive(Debug, Clone)]
pub struct RecoverySpec<'a> {
    /// The disk under `dir`.
    pub disk: Arc<dyn Disk>,
    /// The state directory.
    pub dir: &'a Path,
    /// The log's options; [`LogOptions::trust_sealed_to`] is set by recovery itself.
    pub log: LogOptions,
    /// Where checkpoints are; asked only when frames cannot be used.
    pub objects: &'a dyn ObjectStore,
    /// Read the whole log again, also sealed files that the published frames cover.
    pub verify_log: bool,
    /// Go on without acknowledged versions that cannot be restored.
    pub accept_loss: bool,
}

/// What a rebuilt state was built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nothing: the log reaches back to its first segment.
    Empty,
    /// The published frames, which cover this segment.
    Frames(u64),
    /// The checkpoint that covers this segment.
    Checkpoint(u64),
}

/// What recovery found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// There was nothing: a new workspace.
    New,
    /// Frames and log are good.
    Clean {
        /// The last owner closed the log.
        clean_shutdown: bool,
    },
    /// Frames and log are good up to a tail that never was durable; it was cut.
    TornTail {
        /// The first segment of it.
        seq: u64,
        /// Its bytes.
        bytes_cut: u64,
    },
    /// Something was damaged or gone, and everything that was acknowledged durable is here again.
    Rebuilt {
        /// What was wrong.
        why: String,
        /// Where the damaged things are now.
        quarantined: Vec<PathBuf>,
        /// What the state was built from.
        from: Origin,
        /// The last segment that was replayed on it.
        to_seq: u64,
        /// Bytes of a torn tail that were cut as well.
        bytes_cut: u64,
    },
    /// Acknowledged versions are lost, and the caller had accepted that.
    Loss {
        /// The first version that may be lost.
        from: Version,
        /// The last version that existed; `None` when nothing tells which that was.
        to: Option<Version>,
        /// What was wrong.
        why: String,
        /// Where the damaged things are now.
        quarantined: Vec<PathBuf>,
        /// What the state was built from.
        origin: Origin,
    },
}

/// A recovered state, ready to go on.
#[derive(Debug)]
pub struct Recovered<S> {
    /// The store, at `at`.
    pub store: S,
    /// The log, open for appending after `at`.
    pub log: Log,
    /// The position of both.
    pub at: Position,
    /// Log time there, nanoseconds: where the log clock resumes; 0 in a new workspace.
    pub log_time_ns: u64,
    /// What the published frames cover now: redo starts there at the next start.
    pub covered_seq: u64,
    /// Segments that were replayed.
    pub replayed: u64,
    /// Their bytes in the log.
    pub replayed_bytes: u64,
    /// What was found and done.
    pub verdict: Verdict,
    /// Damage in the log before what the frames cover was passed over (first segment, what is wrong): the
    /// state is complete, but a checkpoint should be taken at once.
    pub hole: Option<(u64, String)>,
}
