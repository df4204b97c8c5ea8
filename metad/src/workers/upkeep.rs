//! The worker that forgets: leases that ended, trees that were removed, history that nobody can see, objects
//! that nothing refers to. In small commands that let callers pass in between.

use super::bell::Woken;
use crate::engine::Core;
use crate::options::{UPKEEP_INTERVAL, WORK_ROWS_MAX};
use nokv_client::Ack;
use nokv_meta::PendingWork;
use nokv_types::{Command, Outcome, Request, Work};
use std::sync::Arc;
use std::time::Duration;

/// Time between two looks while nobody commits anything: leases end all the same.
const IDLE_INTERVAL: Duration = Duration::from_mins(1);
/// Who removes one tree often removes more, and does not want to share with the reclaim of the first.
const BURST: Duration = Duration::from_millis(250);
/// What callers get for each step while frames are published or compacted, in times of what it took.
const PUBLISHING_SHARE: u64 = 3;
/// Rounds of background work in a row; what is left waits for the next look.
const ROUNDS_MAX: u32 = 1000;

pub(super) fn run(core: &Arc<Core>) {
    let bell = &core.bells.upkeep;
    loop {
        let woken = bell.wait(Some(IDLE_INTERVAL));
        if woken == Woken::Stop || core.has_failed() {
            return;
        }
        if woken == Woken::Time && core.store.is_compaction_due() {
            // Scans alone found that out; nothing else says it.
            core.bells.publisher.ring();
        }
        // Many small rings are one look; a removed tree is one by itself, with those that follow it at once.
        let rung = woken == Woken::Rung;
        if rung && !(core.bells.gather_upkeep(UPKEEP_INTERVAL) && bell.gather(BURST, || false)) {
            return;
        }
        let stop = || bell.is_stopped() || core.has_failed();
        core.forget(&stop);
        // An object store that is away now answers later; what was condemned waits.
        let _ = core.collect(false, false, &stop);
        let _ = core.trim_events();
    }
}

/// How much background work did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Forgotten {
    pub(crate) reclaimed: u64,
    pub(crate) pruned: u64,
}

impl Core {
    /// Runs every kind of background work until nothing is left to do now, or `stop` says so.
    pub(crate) fn forget(&self, stop: &dyn Fn() -> bool) -> Forgotten {
        let rows_max = WORK_ROWS_MAX;
        let mut done = Forgotten::default();
        self.work_off(&Work::AdvanceTime, stop);
        self.count_quotas(stop);
        for _ in 0..ROUNDS_MAX {
            let pending = self.pending();
            if stop() || pending.is_empty() {
                break;
            }
            let before = done;
            if pending.reclaim {
                done.reclaimed += self.work_off(&Work::Reclaim { rows_max }, stop);
            }
            for timeline in pending.flatten {
                done.pruned += self.work_off(&Work::Flatten { timeline, rows_max }, stop);
            }
            if pending.free {
                done.pruned += self.work_off(&Work::FreeTimelines { rows_max }, stop);
            }
            if pending.prune {
                done.pruned += self.work_off(&Work::Prune { rows_max }, stop);
            }
            if (before.reclaimed, before.pruned) == (done.reclaimed, done.pruned) {
                break;
            }
        }
        done
    }

    /// Counts the directories that became quota roots while they were full: their limits are in force then.
    pub(crate) fn count_quotas(&self, stop: &dyn Fn() -> bool) {
        let rows_max = WORK_ROWS_MAX;
        self.work_off(&Work::CountQuota { rows_max }, stop);
    }

    /// What waits to be done; nothing where the rows cannot be read, which the next batch finds out.
    fn pending(&self) -> PendingWork {
        self.with_role(|role| role.state.pending_work(&self.store))
            .unwrap_or_default()
    }

    /// Repeats one kind of work until it says that there is no more.
    pub(crate) fn work_off(&self, work: &Work, stop: &dyn Fn() -> bool) -> u64 {
        let mut total = 0;
        while !stop() {
            let began_ns = self.clocks.boottime_ns();
            let request = Request::internal(Command::Work(work.clone()));
            let answer = self.submit(vec![request], Ack::Applied).pop();
            let Some(Ok(reply)) = answer else { break };
            let Outcome::Worked { done, more } = reply.outcome else {
                break;
            };
            total += done;
            if !more {
                break;
            }
            let took = self.clocks.boottime_ns().saturating_sub(began_ns);
            let share = self.share_for_callers();
            if share > 0 {
                std::thread::sleep(Duration::from_nanos(took * share));
            }
        }
        total
    }

    /// How many times what a step took callers get before the next one.
    fn share_for_callers(&self) -> u64 {
        if self.checkpoints.is_publishing() {
            // Another worker keeps a processor and the disk busy; two of them would leave callers neither.
            PUBLISHING_SHARE
        } else {
            u64::from(!self.queue.is_empty())
        }
    }

    /// Removes event files that are old and needed by no pin, no fork and no version that can be read.
    pub(crate) fn trim_events(&self) -> crate::Result<()> {
        let floor = self.read(|reader| -> nokv_meta::Result<_> {
            let pins = reader.pins()?.into_iter().map(|pin| pin.at.version);
            let forks = reader
                .roots()?
                .into_iter()
                .filter_map(|root| Some(root.parent?.version));
            // What the time-travel window reaches can be compared too.
            Ok(pins.chain(forks).chain([reader.window_floor()]).min())
        })?;
        self.events.trim(self.log_time_ns(), floor)
    }
}
