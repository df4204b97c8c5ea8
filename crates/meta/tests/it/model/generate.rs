//! Random steps, biased so that every kind of command succeeds often and fails in every way.
//!
//! Owns: choices. It looks at the model to find what is there, and is wrong on purpose now and then.

use super::run::{Run, Step};
use super::state::{Inode, Model};
use crate::timelines::Rng;
use nokv_meta::Reader;
use nokv_types::{
    AttrChange, Command, FileKind, Ino, Name, NewInode, NewKind, Node, RenameMode, Request, RequestId,
    SessionId, TimelineId, Version, Work, XattrMode, XattrName,
};
use std::collections::VecDeque;

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600 * SECOND;
/// Inodes of a tree from which on more goes than comes.
const TREE_INODES: usize = 70;

pub(crate) struct Generator {
    pub(crate) rng: Rng,
    forced: VecDeque<Step>,
    recent: Vec<Request>,
    pub(crate) sequence: u64,
    made: u64,
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
        if let Some(step) = self.forced.pop_front() {
            return step;
        }
        if self.since >= 200 {
            self.since = 0;
            self.after_comparison(run);
            return Step::Compare(1 + self.rng.below(40));
        }
        if run.model.counting.is_some() {
            return self.while_counting(run);
        }
        match self.rng.below(1000) {
            0..=4 => return Step::Crash,
            5..=7 => return Step::Restart,
            8..=9 => return Step::Checkpoint,
            10 => return self.settle(run),
            11..=20 => {
                if let Some(at) = self.past(&run.model) {
                    return Step::Past(at);
                }
            }
            21..=23 => self.fill_a_row(run),
            24 if self.rare == 0 && run.table.commands > 2_000 => {
                self.rare = 1;
                self.chain_of_forks();
            }
            25 if self.rare == 1 && run.table.commands > 5_000 => {
                self.rare = 2;
                self.full_window(run);
            }
            26..=60 => return self.garbage(run),
            _ => (),
        }
        self.random_batch(run)
    }

    fn random_batch(&mut self, run: &Run) -> Step {
        match self.lift.take() {
            Some((node, 0)) => self.force_command(Command::SetQuota {
                node,
                limits: Default::default(),
            }),
            Some((node, left)) => self.lift = Some((node, left - 1)),
            None => (),
        }
        let count = 1 + self.rng.below(20);
        let mut requests = Vec::new();
        for _ in 0..count {
            if self.chance(40) && !self.recent.is_empty() {
                let again = self.rng.below(self.recent.len());
                requests.push(self.recent[again].clone());
                continue;
            }
            let Some(command) = self.command(run) else {
                continue;
            };
            let ends = matches!(
                command,
                Command::RemoveTree { .. }
                    | Command::SetQuota { .. }
                    | Command::Rollback { .. }
                    | Command::Promote { .. }
                    | Command::VolumeCreate { .. }
                    | Command::Work(Work::AdvanceTime | Work::Reclaim { .. })
            );
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
        let rows_max = 1 + self.rng.below(6) as u32;
        let command = if self.chance(4) {
            let node = self.dir(&run.model);
            Command::SetQuota {
                node: node.unwrap_or(Node::new(TimelineId::FIRST, Ino::ROOT)),
                limits: Default::default(),
            }
        } else {
            Command::Work(Work::CountQuota { rows_max })
        };
        Step::Batch(1_000_000, vec![Request::internal(command)])
    }

    fn settle(&mut self, run: &Run) -> Step {
        self.force(Step::Compare(9));
        let _ = run;
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
        for round in 0..42u64 {
            let request = |place: u64| Request {
                id: Some(RequestId {
                    session,
                    stream: 0,
                    sequence: 100 * round + place,
                    part: 0,
                }),
                ..Request::internal(Command::SetAttr {
                    node,
                    change: AttrChange::default(),
                })
            };
            self.force(Step::Batch(1_000_000, (0..100).map(request).collect()));
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
        let work = match self.rng.below(3) {
            0 => Work::CondemnObjects { objects },
            1 => {
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
        self.force(Step::Compare(5000));
        if !matches!(work, Work::CondemnObjects { .. }) || self.chance(2) {
            self.forced.pop_back();
        }
        // Comparing takes in what was condemned.
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
        Some(match self.rng.below(if full { 130 } else { 118 }) {
            0..=6 => self.create(model)?,
            7..=10 => self.create(model)?,
            11..=14 => self.link(model)?,
            15..=18 => self.remove(model)?,
            19..=21 => self.remove_dir(model)?,
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
            41..=42 => self.remove_tree(model)?,
            43..=74 => self.body_command(run)?,
            75..=117 => self.timeline_command(run)?,
            118..=124 => self.remove(model)?,
            125..=127 => self.remove_tree(model)?,
            _ => self.remove_dir(model)?,
        })
    }

    fn create(&mut self, model: &Model) -> Option<Command> {
        let kind = match self.rng.below(12) {
            0..=3 => NewKind::File,
            4..=7 => NewKind::Directory,
            8 | 9 => NewKind::Symlink(vec![
                b'x';
                [1, 9, 4096, 0, 4097][self.rng.below(44).saturating_sub(39)]
            ]),
            _ => NewKind::Special(
                *self.rng.pick(&[
                    FileKind::Fifo,
                    FileKind::Socket,
                    FileKind::CharDevice,
                    FileKind::BlockDevice,
                    FileKind::Fifo,
                    FileKind::Socket,
                    FileKind::File,
                ])?,
                77,
            ),
        };
        Some(Command::Create {
            parent: self.dir(model)?,
            name: self.name(),
            inode: self.owner(),
            kind,
        })
    }

    pub(crate) fn owner(&mut self) -> NewInode {
        NewInode {
            mode: [0o644, 0o755, 0o7777][self.rng.below(3)],
            uid: self.rng.below(3) as u32,
            gid: 5,
        }
    }

    fn link(&mut self, model: &Model) -> Option<Command> {
        let node = self.any(model)?;
        let mut parent = self.dir(model)?;
        if !self.chance(6) {
            parent = self.sibling(model, node, |inode| inode.kind == FileKind::Directory)?;
        }
        Some(Command::Link {
            node,
            parent,
            name: self.name(),
        })
    }

    /// An entry that is there: its directory and name.
    fn entry(&mut self, model: &Model, wanted: impl Fn(&Inode) -> bool) -> Option<(Node, Name)> {
        for _ in 0..6 {
            let dir = self.dir(model)?;
            let tree = &model.lines[&dir.timeline].tree;
            let entries = &tree.get(dir.ino)?.entries;
            let fitting: Vec<_> = entries
                .iter()
                .filter(|(_, ino)| tree.get(**ino).is_some_and(&wanted))
                .collect();
            if let Some((name, _)) = self.rng.pick(&fitting) {
                return Some((dir, Name::new(name).unwrap()));
            }
        }
        Some((self.dir(model)?, self.name()))
    }

    fn remove(&mut self, model: &Model) -> Option<Command> {
        let any = self.chance(10);
        let (parent, name) = self.entry(model, |inode| any || inode.kind != FileKind::Directory)?;
        Some(Command::Unlink { parent, name })
    }

    fn remove_dir(&mut self, model: &Model) -> Option<Command> {
        let any = self.chance(6);
        let (parent, name) = self.entry(model, |inode| {
            any || (inode.kind == FileKind::Directory && inode.entries.is_empty())
        })?;
        Some(Command::Rmdir { parent, name })
    }

    fn remove_tree(&mut self, model: &Model) -> Option<Command> {
        let any = self.chance(3);
        let (parent, name) = self.entry(model, |inode| any || inode.kind == FileKind::Directory)?;
        Some(Command::RemoveTree { parent, name })
    }

    fn remove_xattr(&mut self, model: &Model) -> Option<Command> {
        for _ in 0..8 {
            let node = self.any(model)?;
            let inode = model.lines[&node.timeline].tree.get(node.ino)?;
            if let Some(name) = inode.xattrs.keys().next() {
                let name = XattrName::new(name).unwrap();
                return Some(Command::RemoveXattr { node, name });
            }
        }
        Some(Command::RemoveXattr {
            node: self.any(model)?,
            name: self.xattr(),
        })
    }

    fn rename(&mut self, model: &Model) -> Option<Command> {
        let mode = *self
            .rng
            .pick(&[RenameMode::Replace, RenameMode::NoReplace, RenameMode::Exchange])?;
        let (from, from_name) = self.entry(model, |_| true)?;
        let mut to = self.dir(model)?;
        if !self.chance(8) {
            to = self.sibling(model, from, |inode| inode.kind == FileKind::Directory)?;
        }
        let mut to_name = self.name();
        if mode == RenameMode::Exchange && !self.chance(4) {
            let entries = &model.lines.get(&to.timeline)?.tree.get(to.ino)?.entries;
            let names: Vec<_> = entries.keys().collect();
            to_name = self
                .rng
                .pick(&names)
                .map_or(to_name, |name| Name::new(name).unwrap());
        }
        Some(Command::Rename {
            from,
            from_name,
            to,
            to_name,
            mode,
        })
    }

    pub(crate) fn name(&mut self) -> Name {
        let long = [b'l'; 255];
        let names: [&[u8]; 12] = [
            b"a",
            b"b",
            b"c",
            b"d",
            b"e",
            b"\xff\xfe",
            b"\xc3",
            b"a b",
            b"\x01",
            b"f",
            b"..x",
            &long,
        ];
        Name::new(names[self.rng.below(names.len())]).unwrap()
    }

    pub(crate) fn xattr(&mut self) -> XattrName {
        XattrName::new([&b"user.a"[..], b"user.nokv.b", b"\xff"][self.rng.below(3)]).unwrap()
    }

    /// A timeline: mostly one that lives.
    fn timeline(&mut self, model: &Model) -> Option<TimelineId> {
        if self.chance(60) {
            let all: Vec<_> = model.lines.keys().copied().collect();
            return self.rng.pick(&all).copied();
        }
        let roots: Vec<_> = model.roots.values().map(|root| root.node.timeline).collect();
        self.rng.pick(&roots).copied()
    }

    pub(crate) fn choose(&mut self, model: &Model, wanted: impl Fn(&Inode) -> bool) -> Option<Node> {
        let timeline = self.timeline(model)?;
        self.sibling(model, Node::new(timeline, Ino::ROOT), wanted)
    }

    /// An inode of the same timeline.
    fn sibling(&mut self, model: &Model, node: Node, wanted: impl Fn(&Inode) -> bool) -> Option<Node> {
        let tree = &model.lines.get(&node.timeline)?.tree;
        let root = model.roots.values().find(|root| root.node.timeline == node.timeline);
        let below = tree.below(root.map_or(Ino::ROOT, |root| root.node.ino));
        let fits = |ino: &Ino| !tree.limbo.contains(ino) && tree.get(*ino).is_some_and(&wanted);
        let fitting: Vec<Ino> = below.into_iter().filter(fits).collect();
        Some(Node::new(node.timeline, *self.rng.pick(&fitting)?))
    }

    pub(crate) fn any(&mut self, model: &Model) -> Option<Node> {
        if self.chance(80) {
            return Some(Node::new(TimelineId::FIRST, Ino(u64::MAX >> 20)));
        }
        self.choose(model, |_| true)
    }

    pub(crate) fn dir(&mut self, model: &Model) -> Option<Node> {
        if self.chance(60) {
            return self.any(model);
        }
        self.choose(model, |inode| inode.kind == FileKind::Directory)
    }

    pub(crate) fn file(&mut self, model: &Model) -> Option<Node> {
        if self.chance(40) {
            return self.any(model);
        }
        if self.chance(6) {
            let open: Vec<_> = model.opens.values().map(|open| open.node).collect();
            if let Some(node) = self.rng.pick(&open) {
                return Some(*node);
            }
        }
        self.choose(model, |inode| inode.kind == FileKind::File)
    }

    /// A key that was not used before.
    pub(crate) fn key(&mut self) -> Vec<u8> {
        self.made += 1;
        match self.rng.below(60) {
            0 => Vec::new(),
            1 => b"a\0b".to_vec(),
            2 => vec![b'k'; 256],
            3 => format!("\u{fffd}{}", self.made).into_bytes(),
            4 => [&b"\xff\x00\x01"[..1], self.made.to_string().as_bytes()].concat(),
            _ => format!("k{}", self.made).into_bytes(),
        }
    }
}
