//! The worker that keeps log files ahead of the writers and removes those that nobody needs.

use super::bell::Woken;
use crate::engine::Core;
use crate::{Error, ErrorKind};
use std::sync::Arc;

pub(super) fn run(core: &Arc<Core>) {
    loop {
        let tended = core.tend_log();
        // On a full disk a log cannot be trimmed either: nobody is to wait for that.
        core.pace.note_tended(tended.is_ok());
        if let Err(error) = tended
            && !matches!(error.kind, ErrorKind::Full | ErrorKind::Invalid)
        {
            core.fail(&error);
        }
        core.note_pace();
        if core.bells.logs.wait(None) == Woken::Stop || core.has_failed() {
            core.pace.note_tended(false);
            return;
        }
    }
}

impl Core {
    /// Slows callers down, or lets them go on, by what is left of the log.
    pub(crate) fn note_pace(&self) {
        let usage = self.upkeep.usage();
        let usable = usage.limit_bytes.saturating_sub(self.limits.log_reserve_bytes);
        if self.pace.note_used(usage.segment_bytes, usable) {
            self.bells.press();
        }
    }

    /// Prepares the next log file where one is wanted, and trims.
    pub(crate) fn tend_log(&self) -> Result<(), Error> {
        self.trim_log()?;
        while !self.bells.logs.is_stopped() && self.upkeep.prepare_next()? {}
        Ok(())
    }

    /// Removes whole log files that frames, checkpoints and events do not need.
    pub(crate) fn trim_log(&self) -> Result<(), Error> {
        let floor = self.checkpoints.trim_floor();
        if floor <= self.upkeep.usage().base.seq {
            return Ok(());
        }
        if self.events.durable_seq() < floor {
            self.events.complete(self)?;
            self.events.sync()?;
        }
        self.upkeep.trim(floor.min(self.events.durable_seq()))?;
        Ok(())
    }
}
