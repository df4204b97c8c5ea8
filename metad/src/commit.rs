//! Committing: a role that the calling threads take in turn, not a thread of its own.
//!
//! Owns: the queue of callers, the order execute -> log -> apply -> answer, and when an answer may be given.
//! Must not know what a command means.
//!
//! A caller that finds the role free runs one batch of everything that waits, its own commands included; the
//! others wait on their own slot. Whoever gives the role up looks at the queue once more and nominates the next,
//! so that nobody waits while the role is free. When the log fills faster than it can be trimmed, callers wait before
//! they queue. Syncs are led the same way: one caller syncs for all whose
//! segments are appended, and hands the lead to one of those that came meanwhile.

mod batch;
mod durable;
mod pace;
mod queue;
mod rehearsal;
mod slot;
mod syncer;
mod weigh;

pub(crate) use batch::Role;
pub(crate) use durable::Durable;
pub(crate) use pace::Pace;
pub(crate) use queue::{Entry, Queue};
pub(crate) use slot::{Signal, Slot};
pub(crate) use syncer::Syncer;

use crate::engine::Core;
use crate::options::BATCH_BYTES_MAX;
use nokv_client::Ack;
use nokv_meta::BATCH_COMMANDS_MAX;
use nokv_types::{Answer, Code, Refusal, Request};
use std::sync::{Arc, TryLockError};

impl Core {
    /// Runs requests and answers them in their order, in as few batches as the limits allow.
    pub(crate) fn submit(&self, mut requests: Vec<Request>, ack: Ack) -> Vec<Answer> {
        if !self.is_open() {
            let stopped = Refusal::new(Code::Io, "the engine").detail("it has stopped; open it again");
            return vec![Err(stopped); requests.len()];
        }
        // What frees space waits for nothing.
        if !requests.iter().all(|request| weigh::is_urgent(&request.command)) {
            self.pace.wait();
        }
        let mut answers = Vec::with_capacity(requests.len());
        while !requests.is_empty() {
            let (count, bytes) = weigh::prefix(&requests, BATCH_COMMANDS_MAX, BATCH_BYTES_MAX);
            let rest = requests.split_off(count);
            answers.append(&mut self.submit_piece(requests, bytes, ack));
            requests = rest;
        }
        answers
    }

    fn submit_piece(&self, requests: Vec<Request>, bytes: usize, ack: Ack) -> Vec<Answer> {
        let slot = Arc::new(Slot::of_this_thread());
        let commands = requests.len();
        if !self
            .queue
            .push(Entry::new(requests, bytes, ack, Arc::clone(&slot)))
        {
            let busy = Refusal::new(Code::Busy, "the queue of commands")
                .detail("it is full; send the request again");
            return vec![Err(busy); commands];
        }
        // While a sync runs, commands that have to wait for the next one gather; its leader looks at the queue.
        if ack == Ack::Applied || !self.durable.is_led() {
            self.take_role(&slot);
        }
        loop {
            match slot.wait() {
                Signal::Done => return slot.take_answers(commands),
                Signal::Commit => self.take_role(&slot),
                Signal::Sync => self.lead_sync(&slot),
            }
        }
    }

    /// Runs one batch if the role is free; whoever holds it otherwise will see the queue.
    fn take_role(&self, own: &Slot) {
        let mut role = match self.role.try_lock() {
            Ok(role) => role,
            Err(TryLockError::WouldBlock) => return,
            Err(TryLockError::Poisoned(poisoned)) => {
                // The holder died within a batch: what is in memory is unknown.
                self.fail(&crate::Error::new(
                    crate::ErrorKind::Io,
                    "commit",
                    "batch",
                    "a thread panicked while it held the commit role",
                ));
                poisoned.into_inner()
            }
        };
        self.run_batch(&mut role);
        drop(role);
        // Only after the role is free: who queued meanwhile and found it taken is seen here.
        self.queue.nominate();
        self.start_sync(own);
    }
}
