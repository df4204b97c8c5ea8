//! The worker that publishes states to the frame store, compacts it, and saves checkpoints in the object store.

use super::bell::Woken;
use crate::engine::Core;
use crate::{Error, ErrorKind};
use nokv_types::Work;
use std::sync::Arc;
use std::time::Duration;

/// With no more dirty frames than this a publish costs next to nothing.
const FEW_FRAMES: usize = 32;
/// Log that is worth a publish when it costs next to nothing.
const WORTH_BYTES: u64 = 8 << 20;
/// Shortest time between two publishes that nothing forces.
const PAUSE_NS: u64 = 10_000_000_000;
/// Quiet time after which what there is gets published.
const QUIET: Duration = Duration::from_secs(5);
/// Compactions in a row, of 256 frames each, before it is looked whether a publish is due.
const COMPACTIONS_MAX: u32 = 2;
/// Time between two looks at what scans pay for removed rows, while there are any.
const COMPACT_LOOK: Duration = Duration::from_secs(1);
/// Time before a publish or checkpoint that did not work is tried again.
const RETRY: Duration = Duration::from_secs(10);

pub(super) fn run(core: &Arc<Core>) {
    let mut last = Last {
        published_ns: core.clocks.boottime_ns(),
        checkpoint_ns: core.clocks.boottime_ns(),
        unsaved: false,
        quiet_since: core.clocks.boottime_ns(),
    };
    let mut wait = Last::next_look(core);
    loop {
        let woken = core.bells.publisher.wait(wait);
        if woken == Woken::Stop || core.has_failed() {
            return;
        }
        if woken == Woken::Rung {
            last.quiet_since = core.clocks.boottime_ns();
        }
        let compacted = Last::compact(core);
        let tried = last.step(core);
        core.pace.note_tried(tried.is_ok());
        wait = match tried.and(compacted) {
            Err(_) => Some(RETRY),
            Ok(()) => Last::next_look(core),
        };
    }
}

struct Last {
    published_ns: u64,
    checkpoint_ns: u64,
    /// What was published last for a checkpoint could not be saved yet.
    unsaved: bool,
    /// When it was rung last, ns of boot time as the others.
    quiet_since: u64,
}

impl Last {
    /// Compacts where deletes made it pay; what is left then is due at once again.
    fn compact(core: &Core) -> Result<(), Error> {
        for _ in 0..COMPACTIONS_MAX {
            if !core.store.is_compaction_due() {
                return Ok(());
            }
            core.compact()?;
        }
        core.bells.publisher.ring();
        Ok(())
    }

    fn step(&mut self, core: &Core) -> Result<(), Error> {
        let now_ns = core.clocks.boottime_ns();
        let quiet = now_ns.saturating_sub(self.quiet_since) >= QUIET.as_nanos() as u64;
        let pressed = core.bells.take_press();
        let save = pressed || self.is_save_due(core, now_ns);
        // What is published and could not be saved is tried again as it is: every publish takes room in the log, and
        // of a full one that is what removes need.
        if (save && !self.unsaved) || self.is_publish_due(core, now_ns, quiet) {
            core.publish(&Work::SaveWindow)?;
            self.published_ns = now_ns;
        }
        if save {
            self.checkpoint_ns = now_ns;
            self.save(core)?;
        }
        if pressed {
            // The log is kept back to the older of two checkpoints: only the second makes room.
            core.publish(&Work::SaveWindow)?;
            self.save(core)?;
            core.bells.logs.ring();
        }
        Ok(())
    }

    fn save(&mut self, core: &Core) -> Result<(), Error> {
        self.unsaved = true;
        match core.checkpoint() {
            Ok(_) => {
                self.unsaved = false;
                Ok(())
            }
            // The object store may be away for a while; a newer owner is another matter.
            Err(error) if error.kind == ErrorKind::Fenced => Err(core.fatal_error(error)),
            Err(error) => Err(error),
        }
    }

    fn is_publish_due(&self, core: &Core, now_ns: u64, quiet: bool) -> bool {
        let redo = core.bells.redo_bytes();
        // A publish takes a while and the log grows meanwhile.
        let must = redo >= core.limits.redo_bytes / 2;
        let cheap = core.store.stats().dirty_frames <= FEW_FRAMES
            && redo >= WORTH_BYTES
            && now_ns.saturating_sub(self.published_ns) >= PAUSE_NS;
        must || cheap
            || (quiet && redo >= WORTH_BYTES && now_ns.saturating_sub(self.published_ns) >= PAUSE_NS)
    }

    fn is_save_due(&self, core: &Core, now_ns: u64) -> bool {
        let unsaved = core.bells.unsaved_bytes();
        let interval = core.limits.checkpoint_interval.as_nanos() as u64;
        // Twice this much and what is written meanwhile have to fit into the log.
        let often = core.limits.checkpoint_bytes.min(core.limits.log_bytes / 4);
        unsaved >= often || (unsaved > 0 && now_ns.saturating_sub(self.checkpoint_ns) >= interval)
    }

    /// How long to sleep when nobody rings; for ever when there is nothing to publish or save.
    fn next_look(core: &Core) -> Option<Duration> {
        if core.store.stats().removed_rows > 0 {
            return Some(COMPACT_LOOK);
        }
        if core.bells.redo_bytes() >= WORTH_BYTES {
            return Some(QUIET);
        }
        (core.bells.unsaved_bytes() > 0).then_some(core.limits.checkpoint_interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, Limits, Options};
    use nokv_object::Op;
    use nokv_object::faulty::{Fault, FaultRates, FaultyStore};
    use nokv_object::memory::MemoryStore;

    #[test]
    fn retries_while_the_store_is_away_take_no_room_in_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Arc::new(FaultyStore::new(
            Arc::new(MemoryStore::new()),
            1,
            FaultRates::default(),
        ));
        let options = Options {
            limits: Limits {
                log_file_bytes: 1 << 20,
                log_reserve_bytes: 1 << 20,
                log_bytes: 8 << 20,
                spare_bytes: 0,
                ..Limits::default()
            },
            workers: false,
            ..Options::new(Arc::<FaultyStore>::clone(&objects))
        };
        let engine = Engine::create(&dir.path().join("data"), options).unwrap();
        let core = &engine.core;
        let mut last = Last {
            published_ns: 0,
            checkpoint_ns: 0,
            unsaved: false,
            quiet_since: core.clocks.boottime_ns(),
        };
        let mut step = |away: bool| {
            if away {
                objects.script(Op::PutIfAbsent, Fault::Unreachable);
            }
            core.bells.press();
            last.step(core).is_ok()
        };
        assert!(!step(true));
        let appended = engine.stats().appended_seq;
        for _ in 0..20 {
            assert!(!step(true));
        }
        assert_eq!(engine.stats().appended_seq, appended);
        assert!(step(false));
        assert_eq!(engine.stats().checkpoints, 2);
    }
}
