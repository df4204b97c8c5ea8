//! Random steps, biased so that every kind of command succeeds often and fails in every way.
//!
//! Owns: choices. It looks at the model to find what is there, and is wrong on purpose now and then.

use super::run::{Run, Step};
use super::state::Model;
use crate::timelines::Rng;
use nokv_meta::Reader;
use nokv_types::{
    AttrChange, Command, FileKind, Ino, Name, Node, QuotaLimits, RenameMode, Request, RequestId, SessionId,
    Version, Work, XattrMode,
};
use std::collections::VecDeque;

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600 * SECOND;
/// Inodes of a tree from which on more goes than comes.
const TREE_INODES: usize = 70;
/// Commands since the last comparison of whole states from which on the next step is one: with a batch that comes
/// before, at most 200.
const COMPARE_SINCE: usize = 180;
/// Commands of a run after which forks of forks, and answers that nobody takes, reach their limits.
const CHAIN_AT: usize = 2_000;
const FULL_WINDOW_AT: usize = 8_000;
/// One in so many runs fills a window: that alone is a third of its commands.
const FULL_WINDOW_IN: u64 = 3;
/// Steps that a counting job may take before it is hurried.
const COUNTING_SINCE: usize = 160;

/// After these the model has to look at rows, or what is there is no longer sure: they end a batch.
fn ends_batch(command: &Command) -> bool {
    matches!(
        command,
        Command::RemoveTree { .. }
            | Command::SetQuota { .. }
            | Command::Rollback { .. }
            | Command::Promote { .. }
            | Command::VolumeCreate { .. }
            | Command::Work(Work::AdvanceTime | Work::Reclaim { .. })
    )
}

pub(crate) struct Generator {
    seed: u64,
    pub(crate) rng: Rng,
    forced: VecDeque<Step>,
    recent: Vec<Request>,
    pub(crate) sequence: u64,
    pub(crate) made: u64,
    /// Requests since the last comparison of whole states.
    since: usize,
    /// Macros that come once in a run.
    pub(crate) rare: u64,
    steps: u64,
    /// A whole timeline whose limits go again after so many batches.
    pub(crate) lift: Option<(Node, usize)>,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            rng: Rng::new(seed),
            forced: VecDeque::new(),
            recent: Vec::new(),
            sequence: 0,
            made: 0,
            since: 0,
            rare: 0,
            steps: 0,
            lift: None,
        }
    }

    pub(crate) fn chance(&mut self, one_in: usize) -> bool {
        self.rng.below(one_in) == 0
    }

    pub(crate) fn force(&mut self, step: Step) {
        self.forced.push_back(step);
    }

    pub(crate) fn force_command(&mut self, command: Command) {
        self.force(Step::Batch(1_000_000, vec![Request::internal(command)]));
    }

    /// The next step.
    pub(crate) fn next(&mut self, run: &Run) -> Step {
        self.steps += 1;
        let is_counting = !run.model.counting.is_empty();
        if self.since >= COMPARE_SINCE && !is_counting {
            self.since = 0;
            self.after_comparison(run);
            return Step::Compare(1 + self.rng.below(40));
        }
        if let Some(step) = self.forced.pop_front() {
            if let Step::Batch(_, requests) = &step {
                self.since += requests.len();
            }
            return step;
        }
        if is_counting {
            return self.while_counting(run);
        }
        if let Some(()) = self.once(run) {
            return self.next(run);
        }
        match self.rng.below(1000) {
            0..=4 => return Step::Crash,
            5..=7 => return Step::Restart,
            8..=9 => return Step::Checkpoint,
            10 => return self.settle(),
            11..=20 => {
                if let Some(at) = self.past(&run.model) {
                    return Step::Past(at);
                }
            }
            21..=23 => self.fill_a_row(run),
            24..=25 => return Step::Damage(self.rng.below(1 << 20)),
            26..=300 => return self.garbage(run),
            _ => (),
        }
        self.random_batch(run)
    }

    /// What a long run does once.
    fn once(&mut self, run: &Run) -> Option<()> {
        match self.rare {
            0 if run.table.commands > CHAIN_AT => self.chain_of_forks(),
            1 if run.table.commands > FULL_WINDOW_AT && self.seed.is_multiple_of(FULL_WINDOW_IN) => {
                self.full_window(run);
            }
            _ => return None,
        }
        self.rare += 1;
        Some(())
    }

    fn random_batch(&mut self, run: &Run) -> Step {
        match self.lift.take() {
            Some((node, 0)) => self.force_command(Command::SetQuota {
                node,
                limits: QuotaLimits::default(),
            }),
            Some((node, left)) => self.lift = Some((node, left - 1)),
            None => (),
        }
        let count = 1 + self.rng.below(20);
        let mut requests = Vec::new();
        for _ in 0..count {
            if self.chance(40) && !self.recent.is_empty() {
                let again = self.rng.below(self.recent.len());
                if !ends_batch(&self.recent[again].command) {
                    requests.push(self.recent[again].clone());
                }
                continue;
            }
            let Some(command) = self.command(run) else {
                continue;
            };
            let ends = ends_batch(&command);
            requests.push(self.request(&run.model, command));
            if ends {
                break;
            }
        }
        self.since += requests.len();
        let pass = match self.rng.below(400) {
            0 => HOUR,
            1 if self.chance(4) => 6 * HOUR,
            2 if self.chance(8) => 25 * HOUR,
            3..=60 => 2 * SECOND,
            _ => self.rng.next() % (SECOND / 4) + 1_000,
        };
        Step::Batch(pass, requests)
    }

    /// Gives a command the identity of a session's request, mostly.
    fn request(&mut self, model: &Model, command: Command) -> Request {
        let mut request = Request::internal(command);
        let about_sessions = matches!(
            request.command,
            Command::SessionOpen { .. } | Command::SessionClose { .. } | Command::Work(_)
        );
        let sessions: Vec<SessionId> = model.sessions.keys().copied().collect();
        if about_sessions || self.chance(3) {
            return request;
        }
        let unknown = self.chance(100).then_some(SessionId(999_999));
        let Some(session) = unknown.or_else(|| self.rng.pick(&sessions).copied()) else {
            return request;
        };
        self.sequence += 1;
        let stream = self.rng.below(3) as u32;
        request.id = Some(RequestId {
            session,
            stream,
            sequence: self.sequence,
            part: self.rng.below(2) as u32,
        });
        request.actor = b"model".to_vec();
        if self.chance(4) {
            request.retired_below = self.sequence.saturating_sub(20);
            let recent = self.recent.iter().rev().take(5).filter_map(|request| request.id);
            request.retired = recent
                .filter(|id| id.stream != 0 && id.session == session)
                .map(|id| (id.stream, id.sequence))
                .collect();
        }
        if self.recent.len() > 60 {
            let gone = self.rng.below(self.recent.len());
            self.recent.swap_remove(gone);
        }
        self.recent.push(request.clone());
        request
    }

    fn while_counting(&mut self, run: &Run) -> Step {
        self.since += 1;
        let hurry = self.since >= COUNTING_SINCE;
        let rows_max = if hurry { 500 } else { 1 + self.rng.below(6) as u32 };
        let command = if self.chance(4) && !hurry {
            let top = run.model.counting[0].top;
            let tree = &run.model.lines[&top.timeline].tree;
            let is_dir = |ino: &Ino| {
                tree.get(*ino)
                    .is_some_and(|inode| inode.kind == FileKind::Directory)
            };
            let dirs: Vec<Ino> = tree.below(top.ino).into_iter().filter(is_dir).collect();
            let dir = Node::new(top.timeline, *self.rng.pick(&dirs).unwrap_or(&top.ino));
            self.disturb_count(run, dir)
        } else {
            Command::Work(Work::CountQuota { rows_max })
        };
        Step::Batch(1_000_000, vec![Request::internal(command)])
    }

    /// Another count in what is being counted, or a directory of it that moves.
    fn disturb_count(&mut self, run: &Run, dir: Node) -> Command {
        let tree = &run.model.lines[&dir.timeline].tree;
        let inode = &tree.inodes[&dir.ino];
        let subdirs = inode.entries.iter().filter(|(_, ino)| {
            tree.get(**ino)
                .is_some_and(|inode| inode.kind == FileKind::Directory)
        });
        let subdirs: Vec<_> = subdirs.map(|(name, _)| name).collect();
        match self.rng.pick(&subdirs) {
            Some(name) if self.chance(2) => Command::Rename {
                from: dir,
                from_name: Name::new(name).unwrap(),
                to: Node::new(dir.timeline, inode.parent),
                to_name: self.name(),
                mode: RenameMode::NoReplace,
            },
            _ => Command::SetQuota {
                node: dir,
                limits: QuotaLimits::default(),
            },
        }
    }

    fn settle(&mut self) -> Step {
        self.force(Step::Compare(9));
        Step::Settle
    }

    /// Bodies grow until a row is full.
    fn fill_a_row(&mut self, run: &Run) {
        let Some(node) = self.file(&run.model) else { return };
        let bytes = vec![self.rng.next() as u8; 4000];
        let extents = vec![super::bodies::inline(0, &bytes)];
        let append = Request::internal(Command::Append { node, extents });
        self.force(Step::Batch(1_000_000, vec![append; 10]));
        self.force_command(Command::SetSize { node, size: 10 });
    }

    /// Forks of forks until there are too many.
    fn chain_of_forks(&mut self) {
        let mut last = b"main".to_vec();
        let mut names = Vec::new();
        for depth in 0..66 {
            let name = format!("chain{depth}").into_bytes();
            let origin = nokv_types::Origin::Root {
                name: last,
                version: Version::HEAD,
            };
            self.force_command(Command::Fork {
                name: name.clone(),
                origin,
            });
            names.push(name.clone());
            last = name;
        }
        self.force(Step::Compare(50));
        for name in names {
            self.force_command(Command::RootDelete { name });
        }
        self.force(Step::Settle);
    }

    /// Answers that nobody takes, until no more are kept.
    fn full_window(&mut self, run: &Run) {
        let session = SessionId(self.made + 5_000_000);
        let ttl_ns = 20 * HOUR;
        self.force_command(Command::SessionOpen { session, ttl_ns });
        let node = run.model.roots[&b"main"[..]].node;
        for round in 0..206u64 {
            let request = |place: u64| Request {
                id: Some(RequestId {
                    session,
                    stream: 0,
                    sequence: 20 * round + place,
                    part: 0,
                }),
                ..Request::internal(Command::SetAttr {
                    node,
                    change: AttrChange::default(),
                })
            };
            self.force(Step::Batch(1_000_000, (0..20).map(request).collect()));
        }
        self.force(Step::Crash);
        self.force_command(Command::SessionClose { session });
    }

    /// Objects that may be deleted are, and some are asked for that may not be.
    fn garbage(&mut self, run: &Run) -> Step {
        let timelines = run.state.timelines();
        let reader = Reader::new(&run.engine, &timelines);
        let now = run.model.clock.log_ns;
        let all = (Version::HEAD, Version::HEAD);
        let dead = reader
            .dead_objects(now, HOUR, all, 1 + self.rng.below(5))
            .unwrap();
        let mut objects: Vec<_> = dead.into_iter().map(|dead| dead.object).collect();
        if self.chance(3) {
            objects.extend(self.some_object(&run.model));
        }
        let work = match self.rng.below(10) {
            _ if self.chance(9) => self.end_uploads(&run.model),
            0..=2 => Work::CondemnObjects { objects },
            3..=5 => {
                let mut objects = reader.condemned_objects(3).unwrap();
                if self.chance(3) {
                    objects.extend(self.some_object(&run.model));
                }
                Work::ObjectsDeleted { objects }
            }
            _ => {
                let due = reader.reservations_due(now, 5).unwrap();
                let all: Vec<_> = run.model.reservations.keys().copied().collect();
                let due: Vec<_> = due.iter().map(|due| due.reservation).collect();
                let reservation = match self.rng.pick(&due) {
                    Some(due) => *due,
                    None => self
                        .rng
                        .pick(&all)
                        .copied()
                        .unwrap_or(nokv_types::ReservationId(77)),
                };
                Work::ReservationSwept { reservation }
            }
        };
        self.since += 1;
        Step::Batch(1_000_000, vec![Request::internal(Command::Work(work))])
    }

    fn after_comparison(&mut self, run: &Run) {
        for _ in 0..2 {
            if let Some(at) = self.past(&run.model) {
                self.force(Step::Past(at));
            }
        }
    }

    fn past(&mut self, model: &Model) -> Option<nokv_types::ReadPoint> {
        let roots: Vec<Node> = model.roots.values().map(|root| root.node).collect();
        let timeline = self.rng.pick(&roots)?.timeline;
        let versions: Vec<Version> = model.lines[&timeline].history.keys().copied().collect();
        Some(nokv_types::ReadPoint {
            timeline,
            version: *self.rng.pick(&versions)?,
        })
    }

    fn command(&mut self, run: &Run) -> Option<Command> {
        let model = &run.model;
        let full = model
            .lines
            .values()
            .filter(|line| line.live)
            .map(|line| line.tree.inodes.len())
            .max()
            > Some(TREE_INODES);
        Some(match self.rng.below(if full { 137 } else { 125 }) {
            0..=10 => self.create(model)?,
            11..=14 => self.link(model)?,
            15..=18 | 125..=131 => self.remove(model)?,
            19..=21 | 118..=120 | 135.. => self.remove_dir(model)?,
            22..=29 => self.rename(model)?,
            30..=32 => Command::SetAttr {
                node: self.any(model)?,
                change: AttrChange {
                    mode: self
                        .rng
                        .pick(&[None, Some(0o7777), Some(0o600)])
                        .copied()
                        .flatten(),
                    uid: self.chance(2).then_some(7),
                    gid: self.chance(2).then_some(8),
                    atime: self.chance(2).then_some(-5),
                    mtime: self.chance(2).then_some(1 << 40),
                },
            },
            33..=36 => Command::SetXattr {
                node: self.any(model)?,
                name: self.xattr(),
                value: vec![7; [0, 3, 900, 40_000][self.rng.below(40).saturating_sub(36)]],
                mode: *self
                    .rng
                    .pick(&[XattrMode::Any, XattrMode::Create, XattrMode::Replace])?,
            },
            37..=40 => self.remove_xattr(model)?,
            41..=42 | 132..=134 => self.remove_tree(model)?,
            43..=74 => self.body_command(run)?,
            75..=117 => self.timeline_command(run)?,
            121..=122 => self.volume(model),
            123..=124 => self.promote(model),
        })
    }
}
