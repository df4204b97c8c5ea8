//! The worker that forgets: leases that ended, trees that were removed, history that nobody can see, objects
//! that nothing refers to. In small commands that let callers pass in between.

use super::bell::Woken;
use crate::engine::Core;
use crate::options::{UPKEEP_INTERVAL, WORK_ROWS_MAX};
use nokv_client::Ack;
use nokv_types::{Command, Outcome, Request, Work};
use std::sync::Arc;
use std::time::Duration;

/// Time between two looks while nobody commits anything: leases end all the same.
const IDLE_INTERVAL: Duration = Duration::from_secs(60);

pub(super) fn run(core: &Arc<Core>) {
    let bell = &core.bells.upkeep;
    loop {
        let woken = bell.wait(Some(IDLE_INTERVAL));
        if woken == Woken::Stop || core.has_failed() {
            return;
        }
        // Many small rings are one look.
        if woken == Woken::Rung && !bell.gather(UPKEEP_INTERVAL) {
            return;
        }
        core.forget(&|| bell.is_stopped());
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
        self.work_off(&Work::CountQuota { rows_max }, stop);
        done.reclaimed += self.work_off(&Work::Reclaim { rows_max }, stop);
        done.pruned += self.work_off(&Work::FreeTimelines { rows_max }, stop);
        done.pruned += self.work_off(&Work::Prune { rows_max }, stop);
        done
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
            if !self.queue.is_empty() {
                // Callers wait: they get as much time as the step took.
                let took = self.clocks.boottime_ns().saturating_sub(began_ns);
                std::thread::sleep(Duration::from_nanos(took));
            }
        }
        total
    }
}
