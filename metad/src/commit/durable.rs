//! Callers that wait until their segment is durable; one of them syncs for all.

use super::Slot;
use crate::engine::Core;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

    /// Syncs, answers everybody whose segment is durable, and hands the lead to one of the others.
    pub(crate) fn lead_sync(&self, own: &Slot) {
        loop {
            let synced = self.sync.sync();
            let durable = match &synced {
                Ok(seq) => *seq,
                // Nobody is answered `Ok` any more; the answers that are there must not be seen.
                Err(_) => u64::MAX,
            };
            if let Err(error) = synced {
                self.fail(&error.into());
            }
            let (ready, next) = self.take_ready(durable);
            if self.has_failed() {
                for slot in &ready {
                    slot.set_answers(Vec::new());
                }
            }
            // The next leader first: its sync runs while the others are woken.
            let own_done = ready.iter().any(|slot| std::ptr::eq(&raw const **slot, own)) || own.is_done();
            let handed = match next {
                Some(next) if own_done => {
                    next.lead();
                    true
                }
                Some(_) => false,
                None => true,
            };
            // Who came during the sync waits for this: their commands make one batch.
            self.queue.nominate();
            for slot in ready {
                slot.finish();
            }
            if handed {
                return;
            }
        }
    }

    /// The callers whose segment is durable, and the first of the others; without others nobody leads.
    fn take_ready(&self, durable: u64) -> (Vec<Arc<Slot>>, Option<Arc<Slot>>) {
        let mut waiting = self.durable.waiting();
        let count = waiting.slots.partition_point(|(seq, _)| *seq <= durable);
        let ready = waiting.slots.drain(..count).map(|(_, slot)| slot).collect();
        let next = waiting.slots.front().map(|(_, slot)| Arc::clone(slot));
        waiting.led = next.is_some();
        (ready, next)
    }
}
