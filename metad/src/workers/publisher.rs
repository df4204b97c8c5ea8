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
        pressed: false,
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
    /// What was wanted at once has not been done yet.
    pressed: bool,
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
        let tried = self.try_step(core);
        // A step with nothing to do is no try: what did not work before would not work now.
        if !matches!(tried, Ok(false)) {
            core.pace.note_tried(tried.is_ok());
        }
        tried.map(drop)
    }

    /// Answers whether there was anything to do.
    fn try_step(&mut self, core: &Core) -> Result<bool, Error> {
        let now_ns = core.clocks.boottime_ns();
        let quiet = now_ns.saturating_sub(self.quiet_since) >= QUIET.as_nanos() as u64;
        self.pressed |= core.bells.take_press();
        let save = self.pressed || self.is_save_due(core, now_ns);
        // What is published and could not be saved is tried again as it is: every publish takes room in the log, and
        // of a full one that is what removes need.
        let publish = (save && !self.unsaved) || self.is_publish_due(core, now_ns, quiet);
        if publish {
            core.publish(&Work::SaveWindow)?;
            self.published_ns = now_ns;
        }
        if save {
            self.checkpoint_ns = now_ns;
            self.save(core)?;
        }
        if self.pressed {
            // The log is kept back to the older of two checkpoints: only the second makes room.
            core.publish(&Work::SaveWindow)?;
            self.save(core)?;
            self.pressed = false;
            core.bells.logs.ring();
        }
        Ok(publish || save)
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

    /// An engine over a store that fails as it is told.
    fn faulty(dir: &std::path::Path) -> (Engine, Arc<FaultyStore>) {
        let inner = Arc::new(MemoryStore::new());
        let objects = Arc::new(FaultyStore::new(inner, 1, FaultRates::default()));
        let options = Options {
            limits: Limits {
                log_file_bytes: 1 << 20,
                log_reserve_bytes: 1 << 20,
                log_bytes: 8 << 20,
                spare_bytes: 0,
                checkpoint_interval: Duration::from_secs(20),
                ..Limits::default()
            },
            workers: false,
            ..Options::new(Arc::<FaultyStore>::clone(&objects))
        };
        (Engine::create(&dir.join("data"), options).unwrap(), objects)
    }

    fn begun(core: &Core) -> Last {
        Last {
            published_ns: 0,
            checkpoint_ns: 0,
            unsaved: false,
            pressed: false,
            quiet_since: core.clocks.boottime_ns(),
        }
    }

    #[test]
    fn retries_while_the_store_is_away_take_no_room_in_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let (engine, objects) = faulty(dir.path());
        let core = &engine.core;
        let mut last = begun(core);
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

    #[test]
    fn room_that_was_wanted_at_once_is_made_though_the_second_checkpoint_fails_first() {
        let dir = tempfile::tempdir().unwrap();
        let (engine, objects) = faulty(dir.path());
        let core = &engine.core;
        core.publish(&Work::SaveWindow).unwrap();
        core.checkpoint().unwrap();
        let mut last = begun(core);
        // Callers wait for room that nobody makes for an hour, unless the retry does.
        core.bells.press();
        objects.script(Op::Delete, Fault::Unreachable);
        last.step(core).unwrap_err();
        assert_eq!(engine.stats().checkpoints, 2, "only the second of two failed");
        last.step(core).unwrap();
        assert_eq!(engine.stats().checkpoints, 4);
        last.step(core).unwrap();
        assert_eq!(engine.stats().checkpoints, 4, "and then there is nothing to do");
    }

    #[test]
    fn nobody_waits_for_a_save_that_failed_because_a_later_step_had_nothing_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let (engine, objects) = faulty(dir.path());
        let core = &engine.core;
        core.work_off(&Work::AdvanceTime, &|| false);
        assert!(core.bells.unsaved_bytes() > 0);
        core.pace.note_tended(true);
        core.pace.note_used(u64::MAX, 1);
        let mut last = begun(core);
        objects.script(Op::PutIfAbsent, Fault::Unreachable);
        last.step(core).unwrap_err();
        last.step(core).unwrap();
        assert_eq!(engine.stats().checkpoints, 0, "it was not due again");
        let (passed, passes) = std::sync::mpsc::channel();
        let core = Arc::clone(core);
        std::thread::spawn(move || {
            core.pace.wait();
            passed.send(()).unwrap();
        });
        passes.recv_timeout(QUIET).unwrap();
    }
}
