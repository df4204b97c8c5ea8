//! Reports for whoever runs the namespace.

use super::{Element, field_enums, field_structs};
use nokv_types::{
    CheckpointReport, DeadObject, DfReport, Explanation, Finding, FsckReport, GcOptions, GcReport, Holder,
    ObjectState, StatFs,
};

impl Element for DeadObject {}
impl Element for Holder {}
impl Element for Finding {}

field_structs! {
    StatFs { bytes, inodes, limits }
    GcOptions { dry_run, ignore_grace }
    DeadObject { object, since }
    GcReport { rows_reclaimed, rows_pruned, objects, objects_deleted, bytes_freed, objects_waiting }
    Holder { timeline, ino, generation, path, because }
    Explanation { object, state, stored, holders }
    Finding { rule, subject, detail, repaired }
    FsckReport { rows, inodes, objects, findings }
    DfReport {
        live_bytes, live_inodes, frame_bytes, log_bytes, event_bytes, event_bytes_held, checkpoint_bytes,
        objects, object_bytes, objects_waiting, object_bytes_waiting, objects_reserved, object_bytes_reserved,
    }
    CheckpointReport { version }
}

field_enums! {
    ObjectState {
        1 = Unknown {},
        2 = Reserved {},
        3 = Referenced { 0: times },
        4 = Waiting { 0: since },
    }
}
