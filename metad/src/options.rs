//! How an engine is opened, and every limit of this crate by name.

use crate::clock::{Clocks, SystemClocks};
use crate::fatal::{FatalHandler, exit_process};
use nokv_client::{Entropy, OsEntropy};
use nokv_journal::Mode;
use nokv_object::ObjectStore;
use std::sync::Arc;
use std::time::Duration;

/// Commands that wait for the commit role at most; beyond that callers are answered `Busy`.
pub const QUEUE_COMMANDS_MAX: usize = 65_536;
/// Bytes of commands that wait at most.
pub const QUEUE_BYTES_MAX: usize = 64 << 20;
/// A batch is cut when its commands reach this size.
pub const BATCH_BYTES_MAX: usize = 4 << 20;
/// A batch is cut after this much work, ns.
pub const BATCH_WORK_NS_MAX: u64 = 2_000_000;
/// What was only applied is made durable within this time.
pub const APPLIED_SYNC_WITHIN: Duration = Duration::from_millis(900);
/// With this many changed rows in a batch the sync runs on its own thread while the batch is applied.
pub const OVERLAP_ROWS_MIN: usize = 64;
/// Log that may have to be replayed at the next start.
pub const REDO_BYTES_MAX: u64 = 128 << 20;
/// Log bytes after which a logical checkpoint is due.
pub const CHECKPOINT_BYTES: u64 = 1 << 30;
/// Time after which a logical checkpoint is due when anything was committed.
pub const CHECKPOINT_INTERVAL: Duration = Duration::from_hours(1);
/// Time between two looks at leases, the window and what is to be pruned, while there is something.
pub const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);
/// Rows that one step of background work changes at most: callers wait for a step, about 1 ms.
pub const WORK_ROWS_MAX: u32 = 64;
/// Default time between the last reference of an object and its deletion.
pub const GC_GRACE: Duration = Duration::from_hours(2);
/// Time after which an id that was reserved and never published is deleted; and again 24 times later.
pub const RESERVATION_GRACE: Duration = Duration::from_hours(1);
/// Room kept back on the disk, so that a full one can be emptied: two checkpoints of a million files, about.
pub const SPARE_BYTES: u64 = 64 << 20;

/// What an engine needs from outside.
#[derive(Clone)]
pub struct Options {
    /// Where bodies and checkpoints lie.
    pub objects: Arc<dyn ObjectStore>,
    /// What durable means. Only what the log offers today; a bucket comes later.
    pub mode: Mode,
    /// Sizes.
    pub limits: Limits,
    /// Time.
    pub clocks: Arc<dyn Clocks>,
    /// Randomness that nobody can guess.
    pub entropy: Arc<dyn Entropy>,
    /// What to do when the engine must not go on.
    pub fatal: FatalHandler,
    /// Who the workspace is said to belong to when it is made; at most 253 bytes, for people.
    pub owner: String,
    /// Go on without acknowledged versions that cannot be restored.
    pub accept_loss: bool,
    /// Threads of background work; tests that step it themselves turn it off.
    pub workers: bool,
}

/// Sizes and times that an operator may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Size of one log file; every segment has to fit into one, the largest is 32 MiB.
    pub log_file_bytes: u64,
    /// Size of the whole log.
    pub log_bytes: u64,
    /// Part of the log that only frees space.
    pub log_reserve_bytes: u64,
    /// Log that may have to be replayed at the next start.
    pub redo_bytes: u64,
    /// Size at which the next event file is begun.
    pub event_file_bytes: u64,
    /// Frames of 512 KiB in memory.
    pub pool_frames: usize,
    /// Whether every frame is read and checked when the engine opens.
    pub verify_on_open: bool,
    /// Time between the last reference of an object and its deletion.
    pub gc_grace: Duration,
    /// Time-travel window of a workspace that is made.
    pub window: Duration,
    /// Log bytes after which a logical checkpoint is due.
    pub checkpoint_bytes: u64,
    /// Time after which a logical checkpoint is due.
    pub checkpoint_interval: Duration,
    /// Room kept back on the disk of the data directory, in bytes; 0 = none.
    pub spare_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            log_file_bytes: nokv_journal::log::LOG_FILE_BYTES,
            log_bytes: nokv_journal::log::LOG_LIMIT_BYTES,
            log_reserve_bytes: nokv_journal::log::LOG_RESERVE_BYTES,
            redo_bytes: REDO_BYTES_MAX,
            event_file_bytes: nokv_journal::events::EVENT_FILE_BYTES,
            pool_frames: nokv_store::Settings::default().pool_frames,
            verify_on_open: true,
            gc_grace: GC_GRACE,
            window: Duration::from_nanos(nokv_meta::WINDOW_DEFAULT_NS),
            checkpoint_bytes: CHECKPOINT_BYTES,
            checkpoint_interval: CHECKPOINT_INTERVAL,
            spare_bytes: SPARE_BYTES,
        }
    }
}

impl Options {
    /// The defaults over this object store: durable, the machine's clocks and randomness, exit on fatal errors.
    pub fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self {
            objects,
            mode: Mode::Volume,
            limits: Limits::default(),
            clocks: Arc::new(SystemClocks),
            entropy: Arc::new(OsEntropy),
            fatal: exit_process(),
            owner: String::new(),
            accept_loss: false,
            workers: true,
        }
    }
}
