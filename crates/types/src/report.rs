//! Questions of whoever runs the namespace: space, garbage, health.

use crate::{DeadObject, Ino, ObjectId, QuotaLimits, TimelineId, Version};

/// What the workspace holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatFs {
    /// Bytes of data in live bodies.
    pub bytes: u64,
    /// Live inodes.
    pub inodes: u64,
    /// Limits of the workspace.
    pub limits: QuotaLimits,
}

/// How to collect garbage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GcOptions {
    /// Say what would be deleted, change nothing.
    pub dry_run: bool,
    /// Delete what nothing refers to without waiting for the grace period. Only safe for the one process that
    /// owns the data directory; a service refuses it.
    pub ignore_grace: bool,
}

/// What garbage collection did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GcReport {
    /// Rows of removed trees that were reclaimed.
    pub rows_reclaimed: u64,
    /// Superseded rows that were pruned.
    pub rows_pruned: u64,
    /// Objects that were (or would be) deleted, at most [`GcReport::LISTED_MAX`] of them.
    pub objects: Vec<DeadObject>,
    /// How many objects were (or would be) deleted.
    pub objects_deleted: u64,
    /// Their bytes.
    pub bytes_freed: u64,
    /// Objects that wait for the end of their grace period.
    pub objects_waiting: u64,
}

impl GcReport {
    /// Most objects that a report lists by id.
    pub const LISTED_MAX: usize = 10_000;
}

/// A body row that refers to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Timeline of the body row.
    pub timeline: TimelineId,
    /// The file.
    pub ino: Ino,
    /// The generation of its body.
    pub generation: Version,
    /// A path of the file, while it has one.
    pub path: Option<Vec<u8>>,
    /// Why the row is still there: `live`, `snapshot KEY`, `history`, `fork NAME`, `open`.
    pub because: String,
}

/// What is known of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectState {
    /// The id was never reserved, or the object is gone.
    Unknown,
    /// Reserved, and no body refers to it yet.
    Reserved,
    /// Body rows refer to it: how many times.
    Referenced(u64),
    /// Nothing refers to it since this version; it is deleted after the grace period.
    Waiting(Version),
}

/// What keeps an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The object.
    pub object: ObjectId,
    /// What is known of it.
    pub state: ObjectState,
    /// Whether the object store has it.
    pub stored: bool,
    /// Who refers to it, at most 100.
    pub holders: Vec<Holder>,
}

/// Something that fsck found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable name of the rule that is broken: `entry-count`, `object-count`, `object-missing` and so on.
    pub rule: String,
    /// What breaks it.
    pub subject: String,
    /// The particulars.
    pub detail: String,
    /// Whether it was repaired.
    pub repaired: bool,
}

/// What fsck saw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FsckReport {
    /// Rows that were read.
    pub rows: u64,
    /// Inodes that were walked.
    pub inodes: u64,
    /// Objects whose references were counted.
    pub objects: u64,
    /// What is wrong; empty = clean.
    pub findings: Vec<Finding>,
}

impl FsckReport {
    /// Whether nothing is wrong, or all that was is repaired.
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|finding| finding.repaired)
    }
}

/// Where the bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DfReport {
    /// Bytes of data in live bodies.
    pub live_bytes: u64,
    /// Live inodes.
    pub live_inodes: u64,
    /// Bytes of frames and manifests of the metadata store.
    pub frame_bytes: u64,
    /// Bytes of the local log.
    pub log_bytes: u64,
    /// Bytes of the event files.
    pub event_bytes: u64,
    /// Those of them that are kept beyond their age and size, for a snapshot, fork or readable version: as it was
    /// when events were last trimmed.
    pub event_bytes_held: u64,
    /// Bytes of checkpoint parts in the object store.
    pub checkpoint_bytes: u64,
    /// Objects that bodies, history, snapshots and forks refer to.
    pub objects: u64,
    /// Bytes of these objects.
    pub object_bytes: u64,
    /// Objects that wait to be deleted.
    pub objects_waiting: u64,
    /// Bytes of these objects.
    pub object_bytes_waiting: u64,
    /// Objects that were uploaded under reserved ids and that no body refers to: of uploads that run, were stopped or
    /// refused. No more than [`DfReport::RESERVED_MAX`] are looked for.
    pub objects_reserved: u64,
    /// Bytes of these objects.
    pub object_bytes_reserved: u64,
}

impl DfReport {
    /// Most reserved ids that are looked for in the object store.
    pub const RESERVED_MAX: usize = 256;
}

/// What a checkpoint published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointReport {
    /// The version that it contains everything up to.
    pub version: Version,
}
