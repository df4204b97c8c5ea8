//! One batch: commands executed in order against the store plus what the batch changed so far.
//!
//! Owns: the running command's scratch and what becomes of it, versions, coalesced directories and usage.
//! Must not know what single commands do (`exec` does) nor how a batch is logged (the journal does).
//!
//! Invariants: a refused command changes nothing; a directory or usage row that many commands of a batch touch
//! is written once, with the version of the last touch; before a pin or branch is taken everything touched so
//! far is written, so that what is pinned is exact.

mod directories;
mod events;
mod history;
mod usage;

pub(crate) use directories::DirSlot;
pub use events::{EventBatch, decode_events};
pub(crate) use history::Retired;
pub(crate) use usage::Charge;

use crate::keys::Family;
use crate::mvcc::{self, Found};
use crate::rows::{Record, TotalsChange};
use crate::state::{CEILING_LOW, CEILING_STEP, Clock, Known, State, Taken, counters_key, totals_key};
use crate::txn::Txn;
use crate::{Error, Result};
use nokv_store::{Mutations, Rows};
use nokv_types::codec::{put_answer, put_bytes, put_varint};
use nokv_types::{
    Answer, Code, Event, Node, Outcome, QuotaId, ReadPoint, Refusal, Reply, Request, SessionId, TimelineId,
    Version,
};
use std::collections::BTreeMap;

/// Bytes of an actor's name that events keep.
const ACTOR_BYTES_MAX: usize = 64;
/// Most commands of one batch.
pub const BATCH_COMMANDS_MAX: usize = 4096;

/// What a finished batch asks its owner to do: log it, apply it, answer.
#[derive(Debug)]
pub struct Finished {
    /// The version of the first command.
    pub first: Version,
    /// The version of the last command.
    pub last: Version,
    /// Row changes, to be applied as one.
    pub mutations: Mutations,
    /// Answers of requests with an identity, as the log keeps them; see [`State::replay_results`].
    pub results: Vec<u8>,
    /// Events, as the log and the event files keep them; see [`crate::decode_events`].
    pub events: Vec<u8>,
    /// The answers, in the order of the requests.
    pub answers: Vec<Answer>,
    /// The ceiling was raised: the segment must be durable before the next batch is answered.
    pub must_sync: bool,
}

/// What a batch writes about the exactly-once window at its end, when all its answers are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Save {
    /// Nothing.
    #[default]
    No,
    /// The windows.
    Window,
    /// The windows, and the last version.
    Stop,
}

/// What the running command has gathered; dropped when it is refused.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Few in nearly every command: found by looking from the end.
    pub(crate) dirs: Vec<(Node, DirSlot)>,
    pub(crate) usage: Vec<((TimelineId, QuotaId), usage::UsageSlot)>,
    pub(crate) events: Vec<Event>,
    pub(crate) retired: Vec<(TimelineId, Retired)>,
    /// Sessions that have one open upload more, or one less.
    pub(crate) uploads: Vec<(SessionId, Opened)>,
    /// By how much the totals of objects change.
    pub(crate) objects: TotalsChange,
}

/// What became of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    /// It is open now.
    More,
    /// It was published or given up.
    Less,
}

impl Scratch {
    fn clear(&mut self) {
        self.dirs.clear();
        self.usage.clear();
        self.events.clear();
        self.retired.clear();
        self.uploads.clear();
        self.objects = TotalsChange::default();
    }
}

/// A batch under construction.
#[derive(Debug)]
pub struct Batch<'a, R: Rows> {
    pub(crate) txn: Txn<'a, R>,
    pub(crate) state: &'a mut State,
    pub(crate) clock: Clock,
    /// The version of the running command.
    pub(crate) version: Version,
    /// Rows created above this were created in this batch and after its last pin.
    pub(crate) barrier: Version,
    pub(crate) scratch: Scratch,
    dirs: BTreeMap<Node, DirSlot>,
    usage: BTreeMap<(TimelineId, QuotaId), usage::UsageSlot>,
    actor: Vec<u8>,
    first: Version,
    results: Vec<u8>,
    /// The answer being kept, encoded.
    answer_bytes: Vec<u8>,
    events: events::EventLog,
    answers: Vec<Answer>,
    must_sync: bool,
    /// The totals of objects are not those of their row any more.
    objects_changed: bool,
    /// Whether rows were written that are exact at the end of the batch only.
    coalesced: bool,
    /// What the batch writes about the window at its end.
    pub(crate) save: Save,
}

impl<'a, R: Rows> Batch<'a, R> {
    /// Begins a batch over the rows of the store.
    pub fn new(rows: &'a R, state: &'a mut State, clock: Clock) -> Self {
        let barrier = state.last;
        let mut batch = Self {
            txn: Txn::new(rows),
            state,
            clock,
            version: barrier,
            barrier,
            scratch: Scratch::default(),
            dirs: BTreeMap::new(),
            usage: BTreeMap::new(),
            actor: Vec::new(),
            first: Version(barrier.0 + 1),
            results: Vec::new(),
            answer_bytes: Vec::new(),
            events: events::EventLog::default(),
            answers: Vec::new(),
            must_sync: false,
            objects_changed: false,
            coalesced: false,
            save: Save::default(),
        };
        batch.begin();
        batch
    }

    /// Rows that the batch changes so far; the owner ends a batch that grows too large.
    pub fn rows(&self) -> usize {
        self.txn.rows()
    }

    /// Executes one request; its answer joins the batch.
    ///
    /// # Errors
    /// Only when the store fails: the batch must be given up and the process must end. A refusal is an answer.
    pub fn execute(&mut self, request: Request) -> Result<()> {
        let Request {
            id,
            retired_below,
            retired,
            actor,
            command,
        } = request;
        let taken = Taken {
            below: retired_below,
            listed: &retired,
        };
        if let Some(id) = id {
            match self.state.windows.check(id, taken) {
                Ok(Known::New) => (),
                Ok(Known::Answered(answer)) => {
                    self.answers.push(answer);
                    return Ok(());
                }
                Err(Error::Refused(refusal)) => {
                    self.answers.push(Err(refusal));
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        self.version = self.state.next_version();
        self.actor = actor;
        self.actor.truncate(ACTOR_BYTES_MAX);
        let answer = match self.run(command) {
            Ok(outcome) => {
                self.keep();
                Ok(Reply {
                    version: self.version,
                    outcome,
                })
            }
            Err(Error::Refused(refusal)) => {
                self.txn.drop_command();
                self.scratch.clear();
                Err(refusal)
            }
            Err(error) => return Err(error),
        };
        if let Some(id) = id {
            self.log_result(id, taken, &answer);
        }
        self.answers.push(answer);
        Ok(())
    }

    /// Ends the batch.
    ///
    /// # Errors
    /// When the store fails.
    pub fn finish(mut self) -> Result<Finished> {
        self.flush_touched()?;
        self.write_windows();
        let last = self.state.last;
        if self.coalesced {
            self.note_span(self.first, last);
        }
        self.txn.keep();
        if self.first <= last {
            self.state.times.ended(last, self.clock);
        }
        let events = self.encode_events()?;
        Ok(Finished {
            first: self.first,
            last,
            mutations: self.txn.into_mutations()?,
            results: self.results,
            events,
            answers: self.answers,
            must_sync: self.must_sync,
        })
    }

    /// Work at the start of a batch: the ceiling, and which version was current at this time.
    fn begin(&mut self) {
        self.state.sessions.begin_term(self.clock.log_ns);
        self.state.leases.begin_term(self.clock.log_ns);
        self.state.uploads.begin_term(self.clock.log_ns);
        let low = self.state.counters.ceiling.0 < self.state.last.0 + CEILING_LOW;
        if low {
            self.state.counters.ceiling = Version(self.state.last.0 + CEILING_STEP);
        }
        // A clean stop left its last version behind: from now on only the ceiling is true.
        if low || self.state.counters.last.is_some() {
            self.state.counters.last = None;
            self.must_sync = true;
            self.write_counters();
        }
        self.note_time();
        self.txn.keep();
    }

    pub(crate) fn write_counters(&mut self) {
        self.state.counters.log_time = self.clock.log_ns;
        self.txn.put(counters_key(), self.state.counters.encode());
    }

    fn keep(&mut self) {
        self.note_changes();
        self.write_retired();
        self.txn.keep();
        self.coalesced |= !self.scratch.dirs.is_empty() || !self.scratch.usage.is_empty();
        self.dirs.extend(self.scratch.dirs.drain(..));
        self.usage.extend(self.scratch.usage.drain(..));
        self.keep_events();
        for (session, opened) in self.scratch.uploads.drain(..) {
            match opened {
                Opened::More => self.state.uploads.add(session),
                Opened::Less => self.state.uploads.remove(session),
            }
        }
        let change = std::mem::take(&mut self.scratch.objects);
        if change != TotalsChange::default() {
            self.state.objects.apply(change);
            self.objects_changed = true;
        }
    }

    /// Writes every coalesced row, so that the state up to here is exact at `version`s already given.
    pub(crate) fn flush_touched(&mut self) -> Result<()> {
        self.flush_directories()?;
        self.flush_usage()?;
        if std::mem::take(&mut self.objects_changed) {
            self.txn.put(totals_key(), self.state.objects.encode());
        }
        self.write_retired();
        self.txn.keep();
        self.barrier = self.state.last;
        Ok(())
    }

    /// Adds an event of the running command.
    pub(crate) fn event(&mut self, event: Event) {
        self.scratch.events.push(event);
    }

    /// The version of the batch's first command.
    pub(crate) fn first_version(&self) -> Version {
        self.first
    }

    pub(crate) fn actor(&self) -> Vec<u8> {
        self.actor.clone()
    }

    /// Reads a versioned row as the running command sees it.
    pub(crate) fn read(&self, timeline: TimelineId, family: Family, rest: &[u8]) -> Result<Option<Found>> {
        let at = ReadPoint {
            timeline,
            version: Version::HEAD,
        };
        mvcc::read(&self.txn, &self.state.timelines, at, family, rest)
    }

    /// Refuses unless the timeline may be written.
    pub(crate) fn check_live(&self, timeline: TimelineId) -> Result<()> {
        match self.state.timelines.get(timeline) {
            Some(row) if row.live => Ok(()),
            _ => Err(Refusal::new(Code::Stale, format!("timeline {}", timeline.0)).into()),
        }
    }

    /// Keeps an answer in the window and in the batch's results.
    fn log_result(&mut self, id: nokv_types::RequestId, taken: Taken<'_>, answer: &Answer) {
        self.answer_bytes.clear();
        put_answer(&mut self.answer_bytes, answer);
        let results = &mut self.results;
        put_varint(results, id.session.0);
        put_varint(results, u64::from(id.stream));
        put_varint(results, id.sequence);
        put_varint(results, u64::from(id.part));
        put_varint(results, taken.below);
        put_varint(results, taken.listed.len() as u64);
        for (stream, sequence) in taken.listed {
            put_varint(results, u64::from(*stream));
            put_varint(results, *sequence);
        }
        put_bytes(results, &self.answer_bytes);
        self.state.windows.record(id, taken, &self.answer_bytes);
    }

    fn run(&mut self, command: nokv_types::Command) -> Result<Outcome> {
        crate::exec::run(self, command)
    }
}
