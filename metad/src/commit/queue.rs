//! Callers that wait for the commit role, in their order.

use super::slot::unknown;
use super::{Slot, weigh};
use crate::options::{BATCH_BYTES_MAX, QUEUE_BYTES_MAX, QUEUE_COMMANDS_MAX};
use nokv_client::Ack;
use nokv_meta::BATCH_COMMANDS_MAX;
use nokv_types::{Answer, Request};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What one caller asks, and where it waits. Dropped without an answer it answers that the outcome is open.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) requests: Vec<Request>,
    pub(crate) ack: Ack,
    /// Whether every command frees space.
    pub(crate) freeing: bool,
    commands: usize,
    bytes: usize,
    slot: Option<Arc<Slot>>,
}

impl Entry {
    pub(crate) fn new(requests: Vec<Request>, bytes: usize, ack: Ack, slot: Arc<Slot>) -> Self {
        Self {
            commands: requests.len(),
            freeing: requests.iter().all(|request| weigh::is_freeing(&request.command)),
            requests,
            ack,
            bytes,
            slot: Some(slot),
        }
    }

    /// How many commands it has (or had, before they were executed).
    pub(crate) fn commands(&self) -> usize {
        self.commands
    }

    /// Leaves the answers and hands out the slot, to be finished when they may be seen.
    pub(crate) fn answer(mut self, answers: Vec<Answer>) -> Option<Arc<Slot>> {
        let slot = self.slot.take();
        if let Some(slot) = &slot {
            slot.set_answers(answers);
        }
        slot
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            slot.set_answers(vec![Err(unknown()); self.commands]);
            slot.finish();
        }
    }
}

#[derive(Debug, Default)]
struct Waiting {
    entries: VecDeque<Entry>,
    commands: usize,
    bytes: usize,
}

/// The bounded queue.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an entry; `false` when there is no room, and the entry was answered by nobody.
    pub(crate) fn push(&self, entry: Entry) -> bool {
        let mut waiting = self.waiting();
        let commands = waiting.commands + entry.commands;
        let bytes = waiting.bytes + entry.bytes;
        if commands > QUEUE_COMMANDS_MAX || bytes > QUEUE_BYTES_MAX {
            drop(waiting);
            return false;
        }
        waiting.commands = commands;
        waiting.bytes = bytes;
        waiting.entries.push_back(entry);
        true
    }

    /// Takes what one batch may hold. When space is `tight`, entries that only free space and those that do not
    /// never share a batch.
    pub(crate) fn take(&self, tight: bool) -> VecDeque<Entry> {
        let mut waiting = self.waiting();
        let mut taken = VecDeque::new();
        let (mut commands, mut bytes) = (0, 0);
        let class = waiting
            .entries
            .front()
            .map(|entry| entry.freeing)
            .filter(|_| tight);
        while let Some(next) = waiting.entries.front() {
            let fits =
                commands + next.commands <= BATCH_COMMANDS_MAX && bytes + next.bytes <= BATCH_BYTES_MAX;
            let same = class.is_none_or(|class| class == next.freeing);
            let joins = taken.is_empty() || (fits && same);
            if !joins {
                break;
            }
            commands += next.commands;
            bytes += next.bytes;
            taken.extend(waiting.entries.pop_front());
        }
        waiting.commands -= commands;
        waiting.bytes -= bytes;
        taken
    }

    /// Puts entries back to the front, in their order.
    pub(crate) fn put_back(&self, mut entries: VecDeque<Entry>) {
        let mut waiting = self.waiting();
        while let Some(entry) = entries.pop_back() {
            waiting.commands += entry.commands;
            waiting.bytes += entry.bytes;
            waiting.entries.push_front(entry);
        }
    }

    /// Asks the first waiting caller to try for the role.
    pub(crate) fn nominate(&self) {
        // Under the lock: the slot is still waiting for the role, not for a sync.
        if let Some(slot) = self
            .waiting()
            .entries
            .front()
            .and_then(|entry| entry.slot.as_ref())
        {
            slot.nominate();
        }
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting().entries.is_empty()
    }
}
