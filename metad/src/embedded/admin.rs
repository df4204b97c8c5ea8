//! Questions of whoever runs the namespace.

use super::{Answered, Embedded};
use nokv_client::{CheckpointReport, DfReport, Explanation, FsckReport, GcOptions, GcReport};
use nokv_types::{Code, ObjectId, Work};

impl Embedded {
    pub(super) fn collect(&self, _options: &GcOptions) -> Answered<GcReport> {
        let forgotten = self.engine.core.forget(&|| false);
        Ok(GcReport {
            rows_reclaimed: forgotten.reclaimed,
            rows_pruned: forgotten.pruned,
            ..GcReport::default()
        })
    }

    pub(super) fn explain(&self, object: ObjectId) -> Answered<Explanation> {
        Err(nokv_client::Error::refused(
            Code::Unsupported,
            format!("{object:?}"),
        ))
    }

    pub(super) fn check(&self, _repair: bool) -> Answered<FsckReport> {
        Err(nokv_client::Error::refused(Code::Unsupported, "fsck"))
    }

    pub(super) fn usage(&self) -> Answered<DfReport> {
        let core = &self.engine.core;
        let frames = core.store.stats();
        Ok(DfReport {
            frame_bytes: frames.manifest_bytes,
            log_bytes: core.upkeep.usage().file_bytes,
            event_bytes: core.events.files().usage().bytes,
            checkpoint_bytes: core.checkpoints.stored_bytes(),
            ..DfReport::default()
        })
    }

    /// Publishes and saves, and trims what is no longer needed.
    pub(super) fn save(&self) -> Answered<CheckpointReport> {
        let core = &self.engine.core;
        let at = core.publish(&Work::SaveWindow)?;
        core.checkpoint()?;
        core.tend_log()?;
        Ok(CheckpointReport { version: at.version })
    }
}
