//! One run: the same steps to the state machine and to the model, every answer compared at once.

use super::apply::{Checked, same};
use super::check::Verdict;
use super::compare::told;
use super::engine::Engine;
use super::kinds::Table;
use super::state::{Count, Inode, Line, Model, Root, Tree};
use nokv_meta::{Batch, Clock, Genesis, PendingWork, Reader, State, fsck, genesis};
use nokv_types::{
    Answer, Code, Command, FileKind, Ino, Node, QuotaId, ReadPoint, Request, RequestId, RootKind, TimelineId,
    Version, Work,
};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Answers of one session that are kept.
const WINDOW_MAX: usize = 4096;

/// What a run does; a list of steps can be run again.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Lets time pass, then runs requests as one batch.
    Batch(u64, Vec<Request>),
    /// Loses everything that is not in rows or in the log.
    Crash,
    /// Stops in order and opens again.
    Restart,
    /// Publishes what the store holds.
    Checkpoint,
    /// Does all background work until nothing waits, long after; then compares the objects.
    Settle,
    /// Compares whole states, pages of this size.
    Compare(usize),
    /// Compares a past state.
    Past(ReadPoint),
    /// Makes a derived row wrong, and repairs it.
    Damage(usize),
}

pub(crate) struct Run {
    pub(crate) engine: Engine,
    pub(crate) state: State,
    pub(crate) model: Model,
    pub(crate) table: Table,
    /// Results of batches since the window was saved: the log.
    results: Vec<Vec<u8>>,
    /// Sessions get a new term with the first batch after an opening.
    opened: bool,
}

impl Run {
    pub(crate) fn new(mut engine: Engine, window_ns: u64) -> Self {
        let clock = Clock {
            log_ns: 1_000_000_000,
            wall_ns: 1_700_000_000_000_000_000,
        };
        let settings = Genesis {
            window_ns,
            ..Genesis::default()
        };
        engine.write(&genesis(settings, clock).unwrap());
        let state = State::load(&engine, Version::ZERO).unwrap();
        Self {
            engine,
            state,
            model: first(settings, clock),
            table: Table::default(),
            results: Vec::new(),
            opened: true,
        }
    }

    pub(crate) fn step(&mut self, step: &Step) -> Checked {
        match step {
            Step::Batch(pass, requests) => self.batch(*pass, requests),
            Step::Crash => {
                self.reopen();
                for results in &self.results {
                    self.state
                        .replay_results(results)
                        .map_err(|error| error.to_string())?;
                }
                Ok(())
            }
            Step::Restart => {
                self.batch(1_000, &[Request::internal(Command::Work(Work::Stop))])?;
                self.engine.checkpoint();
                self.reopen();
                Ok(())
            }
            Step::Checkpoint => {
                self.batch(1_000, &[Request::internal(Command::Work(Work::SaveWindow))])?;
                self.engine.checkpoint();
                Ok(())
            }
            Step::Settle => self.settle(),
            Step::Damage(pick) => self.damage(*pick),
            Step::Compare(page) => {
                self.check_rows()?;
                let timelines = self.state.timelines();
                self.model
                    .compare(&Reader::new(&self.engine, &timelines), *page)?;
                self.model
                    .compare_objects(&Reader::new(&self.engine, &timelines), false)
            }
            Step::Past(at) => {
                // In a shortened list the version may lie inside of a batch, where no state is exact.
                let line = self.model.lines.get(&at.timeline);
                if !line.is_some_and(|line| line.history.contains_key(&at.version)) {
                    return Ok(());
                }
                let timelines = self.state.timelines();
                let read = self
                    .model
                    .compare_past(&Reader::new(&self.engine, &timelines), *at, 7)?;
                self.table.past(read);
                Ok(())
            }
        }
    }

    fn reopen(&mut self) {
        let engine = std::mem::replace(&mut self.engine, Engine::memory());
        self.engine = engine.reopen();
        let last = self.state.last_version();
        self.state = State::load(&self.engine, last).unwrap();
        // Numbers go on above what may have been handed out.
        self.model.last = self.state.last_version();
        self.opened = true;
    }

    pub(crate) fn batch(&mut self, pass: u64, requests: &[Request]) -> Checked {
        let clock = &mut self.model.clock;
        clock.log_ns += pass;
        clock.wall_ns += pass as i64;
        let clock = *clock;
        if std::mem::take(&mut self.opened) {
            for session in self.model.sessions.values_mut() {
                session.deadline = clock.log_ns + session.ttl;
            }
            for pin in self.model.pins.values_mut() {
                pin.end = pin.end.map(|end| end.max(clock.log_ns.saturating_add(pin.lease)));
            }
            for upload in self.model.uploads.values_mut() {
                upload.used = clock.log_ns;
            }
        }
        let mut batch = Batch::new(&self.engine, &mut self.state, clock);
        for request in requests {
            batch
                .execute(request.clone())
                .map_err(|error| format!("{request:?}: {error}"))?;
        }
        let finished = batch.finish().map_err(|error| format!("finish: {error}"))?;
        self.engine.write(&finished.mutations);
        for (request, answer) in requests.iter().zip(&finished.answers) {
            self.answered(request, answer)
                .map_err(|text| format!("{text}\n  for {request:?}\n  answered {answer:?}"))?;
            if matches!(request.command, Command::Work(Work::SaveWindow | Work::Stop)) {
                self.results.clear();
            }
        }
        self.results.push(finished.results);
        if self.results.len() == 1 && requests.iter().any(is_save) {
            self.results.clear();
        }
        self.model.end_batch(finished.last);
        self.read_what_was_not_told()
    }

    fn answered(&mut self, request: &Request, answer: &Answer) -> Checked {
        if let Some(id) = request.id {
            if let Some(known) = self.known(request) {
                return match known {
                    Ok(first) => same("the first answer", answer, &first),
                    Err(code) => {
                        self.table.code(code);
                        same(
                            "refusal",
                            answer.as_ref().err().map(|refusal| refusal.code),
                            Some(code),
                        )
                    }
                };
            }
            self.judge(&request.command, answer)?;
            if let Some(session) = self.model.sessions.get_mut(&id.session) {
                session.answers.insert(id, answer.clone());
            }
            return Ok(());
        }
        self.judge(&request.command, answer)
    }

    fn judge(&mut self, command: &Command, answer: &Answer) -> Checked {
        let verdict: Verdict = self.model.verdict(command);
        let code = answer.as_ref().err().map(|refusal| refusal.code);
        self.table.count(command, code);
        if let Some(text) = verdict.judge(code) {
            return Err(text);
        }
        match answer {
            Ok(reply) => {
                if reply.version <= self.model.last {
                    return Err("versions do not rise".to_owned());
                }
                self.model.last = reply.version;
                self.model.apply(command, reply)
            }
            Err(_) => Ok(()),
        }
    }

    /// What is answered without execution: the first answer, or a refusal.
    fn known(&mut self, request: &Request) -> Option<Result<Answer, Code>> {
        let id = request.id?;
        let Some(session) = self.model.sessions.get_mut(&id.session) else {
            return Some(Err(Code::SessionExpired));
        };
        let before = (session.retired_below, session.retired.len());
        session.retired_below = session.retired_below.max(request.retired_below);
        session.retired.extend(&request.retired);
        let (below, retired) = (session.retired_below, &session.retired);
        let is_new = (below, retired.len()) != before;
        let is_retired = |id: &RequestId| match id.stream {
            0 => id.sequence < below,
            stream => retired.contains(&(stream, id.sequence)),
        };
        if is_new {
            session.answers.retain(|id, _| !is_retired(id));
        }
        if let Some(answer) = session.answers.get(&id) {
            return Some(Ok(answer.clone()));
        }
        if is_retired(&id) {
            return Some(Err(Code::AlreadyRetired));
        }
        (session.answers.len() >= WINDOW_MAX).then_some(Err(Code::WindowFull))
    }

    /// Takes from the rows what answers do not tell: versions of kept states, numbers of quota roots.
    fn read_what_was_not_told(&mut self) -> Checked {
        let timelines = self.state.timelines();
        let reader = Reader::new(&self.engine, &timelines);
        for key in std::mem::take(&mut self.model.unread_pins) {
            let found = told("a kept state", reader.pin(&key))?;
            let pin = self.model.pins.get_mut(&key).expect("it was just made");
            pin.at.version = found.at.version;
            self.model.same_pin(&found)?;
        }
        let asked = std::mem::take(&mut self.model.unread_objects);
        self.model.condemn(&reader, &asked)?;
        let Some((node, limits)) = self.model.unread_quota.take() else {
            return Ok(());
        };
        let at = ReadPoint {
            timeline: node.timeline,
            version: Version::HEAD,
        };
        let quota = told("a quota root", reader.getattr(at, node.ino))?.quota;
        let old = self.model.lines[&node.timeline].tree.inodes[&node.ino].quota;
        if quota == old {
            if let Some(limits) = limits {
                self.model.quotas.insert(quota, limits);
            }
            return Ok(());
        }
        self.model.quotas.insert(quota, limits.unwrap_or_default());
        let others = self.model.lines.values().flat_map(|line| &line.tree.inodes);
        if let Some((other, _)) = others
            .into_iter()
            .find(|(ino, inode)| inode.quota == quota && **ino != node.ino)
        {
            return Err(format!(
                "quota root {quota:?} of {node:?} is one already: {other:?}"
            ));
        }
        let inode = self.model.tree(node.timeline).edit(node.ino);
        inode.quota = quota;
        if !inode.entries.is_empty() {
            self.model.counting.push(Count {
                top: node,
                from: old,
                to: quota,
            });
        }
        let last = self.model.last;
        let line = self.model.line(node.timeline);
        line.history.insert(last, line.tree.clone());
        Ok(())
    }

    pub(crate) fn work(&mut self, work: Work) -> Result<bool, String> {
        let mut more = false;
        let command = Command::Work(work);
        self.batch(1_000_000, &[Request::internal(command.clone())])?;
        let pending = self.pending()?;
        match command {
            Command::Work(Work::Reclaim { .. }) => more = pending.reclaim,
            Command::Work(Work::Prune { .. }) => more = pending.prune,
            Command::Work(Work::FreeTimelines { .. }) => more = pending.free,
            _ => (),
        }
        Ok(more)
    }

    /// The rows agree with each other. Not asked where a bug was seeded: the comparisons have to find it.
    fn check_rows(&self) -> Checked {
        if self.engine.tamper.is_some() {
            return Ok(());
        }
        let report = told("fsck", fsck(&self.engine))?;
        match report.findings.first() {
            Some(first) => Err(format!("fsck finds {}: {first:?}", report.wrong)),
            None => Ok(()),
        }
    }

    fn damage(&mut self, pick: usize) -> Checked {
        self.model.damaged = self.engine.damage(pick);
        if self.model.damaged {
            self.work(Work::Repair { fixes_max: 5 })?;
            self.check_rows()?;
            same("damage is repaired", self.model.damaged, false)?;
            self.table.step("repair of damage");
        }
        // It found everything, or there was nothing.
        self.work(Work::Repair { fixes_max: 5 }).map(drop)
    }

    fn pending(&self) -> Result<PendingWork, String> {
        told("pending work", self.state.pending_work(&self.engine))
    }

    fn settle(&mut self) -> Checked {
        const STEPS_MAX: usize = 20_000;
        const ROUNDS_MAX: usize = 200;
        let mut quiet = 0;
        for round in 0.. {
            same("sessions, snapshots and uploads end", round < ROUNDS_MAX, true)?;
            let held = self.model.held();
            self.batch(
                2 * self.model.window_ns + 4_000_000_000,
                &[Request::internal(Command::Work(Work::AdvanceTime))],
            )?;
            let mut steps = 0;
            loop {
                let pending = self.pending()?;
                if pending.is_empty() && self.model.counting.is_empty() {
                    break;
                }
                steps += 1;
                same("background work ends", steps < STEPS_MAX, true)?;
                let rows_max = 500;
                if !self.model.counting.is_empty() {
                    self.work(Work::CountQuota { rows_max })?;
                }
                if pending.reclaim {
                    self.work(Work::Reclaim { rows_max })?;
                }
                for timeline in pending.flatten {
                    self.work(Work::Flatten { timeline, rows_max })?;
                }
                if pending.prune {
                    self.work(Work::Prune { rows_max })?;
                }
                if pending.free {
                    self.work(Work::FreeTimelines { rows_max })?;
                }
            }
            // What ended just now is seen until the window has passed it.
            quiet = if self.model.held() == held { quiet + 1 } else { 0 };
            if quiet == 2 {
                break;
            }
        }
        self.model.forget_dead_lines();
        let timelines = self.state.timelines();
        self.model
            .compare_objects(&Reader::new(&self.engine, &timelines), true)
    }
}

fn is_save(request: &Request) -> bool {
    matches!(request.command, Command::Work(Work::SaveWindow | Work::Stop))
}

/// The workspace as it begins.
fn first(settings: Genesis, clock: Clock) -> Model {
    let now = clock.wall_ns;
    let root = Inode {
        kind: FileKind::Directory,
        mode: settings.root.mode,
        uid: settings.root.uid,
        gid: settings.root.gid,
        rdev: 0,
        size: 0,
        atime: now,
        mtime: now,
        ctime: now,
        btime: now,
        generation: Version::ZERO,
        quota: QuotaId::WORKSPACE,
        parent: Ino::ROOT,
        entries: BTreeMap::new(),
        names: BTreeSet::new(),
        xattrs: BTreeMap::new(),
        body: super::body::Body::default(),
        upload: None,
        target: Vec::new(),
    };
    let mut tree = Tree::default();
    tree.inodes.insert(Ino::ROOT, Rc::new(root));
    let tree = Rc::new(tree);
    let line = Line {
        root: Ino::ROOT,
        history: BTreeMap::from([(Version(1), tree.clone())]),
        parent: None,
        branch: tree.clone(),
        tree,
        live: true,
        changed: Version::ZERO,
        released: Version::ZERO,
    };
    let root = Root {
        kind: RootKind::Workspace,
        node: Node::new(TimelineId::FIRST, Ino::ROOT),
    };
    Model {
        lines: BTreeMap::from([(TimelineId::FIRST, line)]),
        roots: BTreeMap::from([(b"main".to_vec(), root)]),
        pins: BTreeMap::new(),
        quotas: BTreeMap::new(),
        counting: Vec::new(),
        sessions: BTreeMap::new(),
        opens: BTreeMap::new(),
        uploads: BTreeMap::new(),
        published: BTreeMap::new(),
        reservations: BTreeMap::new(),
        touched: BTreeSet::new(),
        condemned: BTreeSet::new(),
        window_ns: settings.window_ns,
        clock,
        last: Version(1),
        times: BTreeMap::new(),
        advanced: (0, Version::ZERO),
        unread_pins: Vec::new(),
        unread_objects: Vec::new(),
        unread_quota: None,
        used_inos: BTreeSet::from([Ino::ROOT]),
        damaged: false,
    }
}
