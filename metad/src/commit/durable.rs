//! Callers that wait until their segment is durable; one of them syncs for all.

use super::Slot;
use crate::engine::Core;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Syncs after which a leader that has its own answer hands over: a few milliseconds of work for others.
const SERVED_SYNCS_MAX: u32 = 8;

#[derive(Debug, Default)]
struct Waiting {
    /// Somebody leads: it will look at `slots` after its sync.
    led: bool,
    /// By the segment that has to be durable, ascending.
    slots: VecDeque<(u64, Arc<Slot>)>,
}

/// The waiting callers.
#[derive(Debug, Default)]
pub(crate) struct Durable {
    waiting: Mutex<Waiting>,
}

impl Durable {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody syncs for those who wait, and will look at the queue of commands afterwards.
    pub(crate) fn is_led(&self) -> bool {
        self.waiting().led
    }

    /// Adds callers that wait for segment `seq`; called in the order of segments.
    pub(crate) fn push(&self, seq: u64, slots: impl Iterator<Item = Arc<Slot>>) {
        self.waiting().slots.extend(slots.map(|slot| (seq, slot)));
    }

    /// The callers whose segment is durable.
    fn take_ready(&self, durable: u64) -> Vec<Arc<Slot>> {
        let mut waiting = self.waiting();
        let count = waiting.slots.partition_point(|(seq, _)| *seq <= durable);
        waiting.slots.drain(..count).map(|(_, slot)| slot).collect()
    }

    /// Whether the leader may go: nobody waits, or it wants to and the first of those who wait leads from now on.
    fn end_lead(&self, tired: bool) -> bool {
        let mut waiting = self.waiting();
        match waiting.slots.front() {
            None => {
                waiting.led = false;
                true
            }
            Some((_, first)) if tired => {
                first.lead();
                true
            }
            Some(_) => false,
        }
    }
}

impl Core {
    /// Syncs for those who wait unless somebody does already.
    pub(crate) fn start_sync(&self, own: &Slot) {
        {
            let mut waiting = self.durable.waiting();
            let Some((_, first)) = waiting.slots.front().filter(|_| !waiting.led) else {
                return;
            };
            // Who has its answer already does not wait for a sync of others.
            if own.is_done() {
                first.lead();
                waiting.led = true;
                return;
            }
            waiting.led = true;
        }
        self.lead_sync(own);
    }

    /// Syncs, answers everybody whose segment is durable, runs what queued meanwhile, and so on until nobody waits
    /// or this caller has served the others long enough; then the lead goes to one of them.
    ///
    /// Handing over costs a wake, which takes as long as half a sync: a leader that goes on saves it.
    pub(crate) fn lead_sync(&self, own: &Slot) {
        for served in 1.. {
            let synced = self.sync.sync();
            let durable = match &synced {
                Ok(seq) => *seq,
                // Nobody is answered `Ok` any more; the answers that are there must not be seen.
                Err(_) => u64::MAX,
            };
            if let Err(error) = synced {
                self.fail(&error.into());
            }
            for slot in self.durable.take_ready(durable) {
                if self.has_failed() {
                    slot.set_answers(Vec::new());
                }
                slot.finish();
            }
            // Who came during the sync waited for this: their commands make one batch.
            if let Ok(mut role) = self.role.try_lock() {
                self.run_batch(&mut role);
            }
            if self.durable.end_lead(served >= SERVED_SYNCS_MAX && own.is_done()) {
                break;
            }
        }
        self.queue.nominate();
    }
}
