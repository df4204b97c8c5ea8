//! The namespace state machine: commands in, row changes, answers and events out.
//!
//! Owns: keys, records, versions, timelines, what every command means, and what may be forgotten. Synchronous
//! and deterministic: no clock, no threads, no randomness; whoever holds the commit role passes the time in.
//! Must not know how rows are stored (only the seam of `nokv-store`), how batches are logged, or who asks.

mod batch;
mod error;
mod exec;
mod extents;
mod fsck;
mod keys;
mod mvcc;
mod read;
mod rows;
mod state;
mod txn;

pub use batch::{BATCH_COMMANDS_MAX, Batch, EventBatch, Finished, decode_events};
pub use error::{Error, Result};
pub use exec::{
    Genesis, PendingWork, SWEEP_PAUSE_NS, UPLOAD_IDLE_NS, UPLOAD_REQUEST_NS, UPLOAD_URL_NS, genesis,
};
pub use fsck::{FSCK_FINDINGS_MAX, FsckFinding, FsckReport, Wrong, fsck};
pub use read::{
    DIFF_TOUCHED_MAX, DueReservation, EventSource, EventVisit, ObjectInfo, ObjectMismatch, ObjectStanding,
    PLAN_EXTENTS_MAX, Reader, Reference, ReservationInfo, Touched,
};
pub use state::{
    CEILING_LOW, CEILING_STEP, Clock, Moment, ObjectTotals, State, Timeline, Timelines, Uncounted,
    WINDOW_DEFAULT_NS,
};
