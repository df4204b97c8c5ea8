//! One batch by the holder of the role: execute, log, apply, answer.

use super::{Entry, Slot};
use crate::engine::Core;
use crate::options::{BATCH_WORK_NS_MAX, OVERLAP_ROWS_MIN};
use crate::{Error, ErrorKind, Result};
use nokv_client::Ack;
use nokv_journal::{Draft, Kind, Log, LogTime, Room};
use nokv_meta::{Batch, Clock, Finished, Moment, State};
use nokv_store::Store;
use nokv_types::failpoint::hit;
use nokv_types::{Answer, Code, Command, Refusal, Request, Work};
use std::collections::VecDeque;
use std::sync::Arc;

/// What the holder of the commit role owns.
#[derive(Debug)]
pub(crate) struct Role {
    /// `None` once the engine is closed.
    pub(crate) log: Option<Log>,
    pub(crate) state: State,
    pub(crate) time: LogTime,
    /// The log is near its limit: what frees space goes into batches of its own.
    pub(crate) tight: bool,
    /// Answers of segments after this one are in memory and in the log, not in rows.
    pub(crate) window_seq: u64,
}

/// A batch that was executed and is not logged yet.
struct Executed {
    entries: VecDeque<Entry>,
    finished: Finished,
    /// Upkeep has work that need not wait for more.
    removes_tree: bool,
    clock: Clock,
}

/// What became of a batch.
enum Logged {
    /// Appended as this segment; 0 when there was nothing to log.
    At(u64),
    /// No room; the state is as before.
    Full,
}

impl Core {
    /// Runs one batch of what waits.
    pub(crate) fn run_batch(&self, role: &mut Role) {
        let entries = self.queue.take(role.tight);
        if entries.is_empty() {
            return;
        }
        if role.log.is_none() || self.has_failed() {
            // Dropping an entry answers that the outcome is open; here nothing was executed.
            let stopped = Refusal::new(Code::Io, "the engine").detail("it has stopped");
            for entry in entries {
                let answers = vec![Err(stopped.clone()); entry.commands()];
                entry.answer(answers).inspect(|slot| slot.finish());
            }
            return;
        }
        if let Err(error) = self.try_batch(role, entries, Room::Freeing) {
            self.fail(&error);
        }
    }

    /// Runs one command of the engine's own, as a batch of its own.
    ///
    /// # Errors
    /// `Full` when there is no room even in the reserve; anything else was fatal.
    pub(crate) fn run_own(&self, role: &mut Role, work: &Work) -> Result<()> {
        // The first refusal for want of room makes the second try use the reserve.
        for _ in 0..2 {
            if role.log.is_none() || self.has_failed() {
                break;
            }
            let slot = Arc::new(Slot::of_this_thread());
            let request = Request::internal(Command::Work(work.clone()));
            let entry = Entry::new(vec![request], 0, Ack::Applied, Arc::clone(&slot));
            self.try_batch(role, VecDeque::from([entry]), Room::Upkeep)
                .map_err(|error| self.fatal_error(error))?;
            match slot.take_answers(1).pop() {
                Some(Err(refusal)) if refusal.code == Code::Busy => {}
                Some(Err(refusal)) if refusal.code == Code::NoSpace => {
                    return Err(Error::new(
                        ErrorKind::Full,
                        "run",
                        "work of the engine",
                        refusal.to_string(),
                    ));
                }
                _ => return Ok(()),
            }
        }
        Err(Error::new(
            ErrorKind::Stopped,
            "run",
            "work of the engine",
            "the engine has stopped",
        ))
    }

    /// Entries that free space may use the room `reserved`.
    fn try_batch(&self, role: &mut Role, entries: VecDeque<Entry>, reserved: Room) -> Result<()> {
        let room = if role.tight && entries.front().is_some_and(|entry| entry.freeing) {
            reserved
        } else {
            Room::Ordinary
        };
        let mut batch = self.execute(role, entries)?;
        match self.append(role, &batch, room)? {
            Logged::Full if is_idle(&batch.finished) => {
                // Only the ceiling was to be raised; first answers do not depend on it.
                role.state = self.reload(role)?;
                self.answer(batch, 0);
                Ok(())
            }
            Logged::Full => self.refuse_full(role, batch.entries, room),
            Logged::At(seq) => {
                self.stats.note_batch(&batch.finished);
                self.note_time(batch.clock.log_ns);
                let finished = &mut batch.finished;
                let wants_sync = batch.entries.iter().any(|entry| entry.ack == Ack::Durable);
                if seq > 0 && wants_sync && finished.mutations.len() >= OVERLAP_ROWS_MIN {
                    self.syncer.kick();
                }
                if finished.must_sync && seq > 0 {
                    // Versions above the old ceiling may be handed out from the next batch on.
                    self.sync.sync()?;
                }
                hit("metad.commit.apply").map_err(|error| Error::io("apply", "batch", error))?;
                let table = role.state.timelines();
                let last = Moment {
                    version: finished.last,
                    wall_ns: batch.clock.wall_ns,
                };
                self.published
                    .change(&table, last, || self.store.apply(&finished.mutations))?;
                if batch.removes_tree {
                    self.bells.tree_removed();
                }
                self.answer(batch, seq);
                Ok(())
            }
        }
    }

    fn execute(&self, role: &mut Role, mut entries: VecDeque<Entry>) -> Result<Executed> {
        let wall_ns = self.clocks.wall_ns();
        let began_ns = self.clocks.boottime_ns();
        let clock = Clock {
            log_ns: role.time.advance(wall_ns.max(0) as u64, began_ns),
            wall_ns,
        };
        let mut batch = Batch::new(&self.store, &mut role.state, clock);
        let mut executed = VecDeque::new();
        let mut removes_tree = false;
        while let Some(mut entry) = entries.pop_front() {
            for request in std::mem::take(&mut entry.requests) {
                removes_tree |= matches!(request.command, Command::RemoveTree { .. });
                batch.execute(request)?;
            }
            executed.push_back(entry);
            if !entries.is_empty() && self.clocks.boottime_ns() - began_ns > BATCH_WORK_NS_MAX {
                self.queue.put_back(std::mem::take(&mut entries));
            }
        }
        Ok(Executed {
            entries: executed,
            finished: batch.finish()?,
            removes_tree,
            clock,
        })
    }

    fn append(&self, role: &mut Role, batch: &Executed, room: Room) -> Result<Logged> {
        let finished = &batch.finished;
        let empty =
            finished.mutations.is_empty() && finished.results.is_empty() && finished.events.is_empty();
        let Some(log) = role.log.as_mut().filter(|_| !empty) else {
            return Ok(Logged::At(0));
        };
        let draft = Draft {
            kind: Kind::Data,
            log_time_ns: batch.clock.log_ns,
            wall_time_ns: batch.clock.wall_ns.max(0) as u64,
            // A batch of requests that were all answered before hands out no version.
            first_version: finished.first.min(finished.last),
            last_version: finished.last,
            results: &finished.results,
            mutations: finished.mutations.as_bytes(),
            events: &finished.events,
        };
        match log.append(&draft, room) {
            Ok(appended) => {
                if room == Room::Ordinary {
                    role.tight = false;
                }
                if self.bells.appended(appended.bytes, !finished.events.is_empty()) {
                    // The worker may be late; callers are not to fill the log meanwhile.
                    self.note_pace();
                }
                Ok(Logged::At(appended.at.seq))
            }
            Err(error) if error.kind == nokv_journal::ErrorKind::Full => Ok(Logged::Full),
            Err(error) => Err(error.into()),
        }
    }

    /// Nothing was logged and nothing applied: the state goes back to what the rows and the log say.
    fn refuse_full(&self, role: &mut Role, entries: VecDeque<Entry>, room: Room) -> Result<()> {
        role.state = self.reload(role)?;
        role.tight = true;
        self.bells.press();
        let full = Refusal::new(Code::NoSpace, "the log").detail("remove something, or give it more room");
        let again = Refusal::new(Code::Busy, "the log").detail("it is nearly full; send the request again");
        for entry in entries {
            // In a batch of its own what frees space may use the reserve.
            let refusal = if room == Room::Ordinary && entry.freeing {
                &again
            } else {
                &full
            };
            let answers = vec![Err(refusal.clone()); entry.commands()];
            entry.answer(answers).inspect(|slot| slot.finish());
        }
        Ok(())
    }

    /// The state between two batches, from rows and log.
    fn reload(&self, role: &Role) -> Result<State> {
        let version = role
            .log
            .as_ref()
            .map(|log| log.position().version)
            .unwrap_or_default();
        let mut state = State::load(&self.store, version)?;
        let mut segments = self.upkeep.reader(role.window_seq)?;
        while let Some(segment) = segments.next()? {
            state.replay_results(segment.results)?;
        }
        Ok(state)
    }

    fn answer(&self, batch: Executed, seq: u64) {
        let Executed {
            entries, finished, ..
        } = batch;
        let mut answers = finished.answers.into_iter();
        // Without a segment of its own an answer rests on those before: a first answer may only be applied yet.
        let seq = if seq == 0 { self.sync.appended_seq() } else { seq };
        let durable_already = self.sync.durable_seq() >= seq;
        let mut wait = Vec::new();
        let mut only_applied = false;
        for entry in entries {
            let own: Vec<Answer> = answers.by_ref().take(entry.commands()).collect();
            debug_assert_eq!(own.len(), entry.commands(), "one answer per command");
            let durable = entry.ack == Ack::Durable;
            only_applied |= !durable;
            let Some(slot) = entry.answer(own) else { continue };
            if durable && !durable_already {
                wait.push(slot);
            } else {
                slot.finish();
            }
        }
        if !wait.is_empty() {
            self.durable.push(seq, wait.into_iter());
        }
        if only_applied && !durable_already {
            self.syncer.soon();
        }
    }
}

/// Whether nothing was executed: requests that were answered before get their first answer also from a full log.
/// The row that notes the time is not worth a segment; the next batch notes it.
fn is_idle(finished: &Finished) -> bool {
    finished.last < finished.first && finished.results.is_empty() && finished.events.is_empty()
}
