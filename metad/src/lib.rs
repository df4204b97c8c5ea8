//! The metadata engine: one process's ownership of a workspace.
//!
//! Owns: the data directory and its lock, the commit role, what readers see, the workers beside them, and
//! [`Embedded`], the namespace for programs in the same process. Must not know what a command means (the
//! state machine does) or how a segment, a frame or an object is laid out.
//!
//! Invariants:
//! * one holder of the commit role at a time; commands are logged, then applied, then answered;
//! * readers never wait for it and never see half a batch;
//! * nothing is answered `Durable` before its segment is durable in the workspace's mode;
//! * after a failed sync or an engine error nothing is answered any more: recovery decides.

#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "a path to a method of the reader is not general enough over its lifetime"
)]

mod clock;
mod commit;
mod embedded;
mod engine;
mod error;
mod fatal;
mod home;
mod lock;
mod options;
mod probe;
mod reads;
mod spare;
mod workers;

pub use clock::{Clocks, SystemClocks};
pub use embedded::Embedded;
pub use engine::{Engine, Recovered, Stats};
pub use error::{Error, ErrorKind, Result};
pub use fatal::{EXIT_FATAL, FatalHandler, exit_process};
/// Opens the object store that a URL names, for [`Options::new`].
pub use nokv_object::open as open_objects;
/// What an object store answers; the source of an [`Error`] that comes from one.
pub use nokv_object::{Error as StoreError, ErrorKind as StoreErrorKind};
pub use options::{
    APPLIED_SYNC_WITHIN, BATCH_BYTES_MAX, BATCH_WORK_NS_MAX, CHECKPOINT_BYTES, CHECKPOINT_INTERVAL, GC_GRACE,
    Limits, OVERLAP_ROWS_MIN, Options, QUEUE_BYTES_MAX, QUEUE_COMMANDS_MAX, REDO_BYTES_MAX,
    RESERVATION_GRACE, SPARE_BYTES, UPKEEP_INTERVAL, WORK_ROWS_MAX,
};
pub use probe::try_objects;
