//! Collecting garbage when somebody asks for it.

use super::{Answered, Embedded};
use crate::ErrorKind;
use crate::engine::stopped;
use nokv_client::{GcOptions, GcReport};
use nokv_types::Work;

impl Embedded {
    pub(super) fn collect(&self, options: GcOptions) -> Answered<GcReport> {
        let core = &self.engine.core;
        if !core.is_open() {
            return Err(stopped().into());
        }
        let mut report = GcReport::default();
        if !options.dry_run {
            // Whoever owned the data directory before took its callers with it. What they were uploading may still
            // land, so their ids have their term, unless the caller does not want to wait.
            let (up_to, ids) = (core.former, options.ignore_grace);
            core.work_off(&Work::EndUploads { up_to, ids }, &|| false);
            let forgotten = core.forget(&|| false);
            report.rows_reclaimed = forgotten.reclaimed;
            report.rows_pruned = forgotten.pruned;
            core.trim_events()?;
        }
        if options.ignore_grace && !options.dry_run && self.read(|reader| reader.dead_count())? > 0 {
            // A store that is away is found out before anything is written for it.
            match core.look_at_head() {
                // The first of the checkpoints makes it again.
                Err(error) if error.kind == ErrorKind::Corrupt => {}
                looked => looked?,
            }
            // A kept checkpoint may still reach what is dead: two new ones do not.
            for _ in 0..nokv_journal::checkpoint::CHECKPOINTS_KEPT {
                core.publish(&Work::SaveWindow)?;
                core.checkpoint()?;
            }
        }
        let collected = core.collect(options.dry_run, options.ignore_grace, &|| false)?;
        report.objects_deleted = collected.count;
        report.bytes_freed = collected.bytes;
        report.objects = collected.objects;
        report.objects_waiting = self.read(|reader| reader.dead_count())?;
        Ok(report)
    }
}
