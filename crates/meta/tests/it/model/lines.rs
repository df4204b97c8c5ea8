//! Random commands about pins, roots, quotas, sessions and background work.

use super::generate::Generator;
use super::run::Run;
use super::state::Model;
use nokv_types::{
    Command, FileKind, Ino, Node, Origin, QuotaLimits, RootKind, SessionId, TimelineId, Version, Work,
};

const SECOND: u64 = 1_000_000_000;
/// Roots, pins and sessions beyond which the next is taken away first.
const ROOTS: usize = 6;
const PINS: usize = 8;

impl Generator {
    pub(crate) fn timeline_command(&mut self, run: &Run) -> Option<Command> {
        let model = &run.model;
        Some(match self.rng.below(43) {
            0..=2 => self.pin(model)?,
            3..=4 => self.release(model),
            5 => self.volume(model),
            6..=7 if model.roots.len() < ROOTS => Command::Fork {
                name: self.root_name(model),
                origin: self.origin(model, None),
            },
            6..=8 => self.delete(model),
            9..=10 => self.rollback(model),
            11..=12 => self.promote(model),
            13..=15 => self.quota(model)?,
            16..=18 | 26..=28 => self.session_command(model),
            19..=22 => Command::Open {
                session: self.session(model),
                node: self.file(model)?,
            },
            23..=25 => self.close(model),
            _ => Command::Work(self.work_step(model)?),
        })
    }

    pub(crate) fn volume(&mut self, model: &Model) -> Command {
        if model.roots.len() >= ROOTS {
            return self.delete(model);
        }
        Command::VolumeCreate {
            name: self.root_name(model),
            inode: self.owner(),
        }
    }

    fn work_step(&mut self, model: &Model) -> Option<Work> {
        let rows_max = [1, 3, 20, 500][self.rng.below(4)];
        Some(match self.rng.below(16) {
            0 | 1 => Work::AdvanceTime,
            2..=4 => Work::Reclaim { rows_max },
            5..=7 => Work::Prune { rows_max },
            8 | 9 => {
                let roots: Vec<TimelineId> = model.roots.values().map(|root| root.node.timeline).collect();
                Work::Flatten {
                    timeline: *self.rng.pick(&roots)?,
                    rows_max,
                }
            }
            10 | 11 => Work::FreeTimelines { rows_max },
            12 => Work::CountQuota { rows_max },
            13 => Work::Repair { fixes_max: rows_max },
            14 => Work::Stop,
            _ => Work::SaveWindow,
        })
    }

    fn known_key(&mut self, model: &Model) -> Vec<u8> {
        let keys: Vec<_> = model.pins.keys().cloned().collect();
        match self.rng.pick(&keys) {
            Some(key) if !self.chance(15) => key.clone(),
            _ => self.key(),
        }
    }

    fn pin(&mut self, model: &Model) -> Option<Command> {
        if model.pins.len() > PINS {
            return Some(self.release(model));
        }
        let key = if self.chance(4) {
            self.known_key(model)
        } else {
            self.key()
        };
        let known = model.pins.get(&key).map(|pin| pin.node);
        let node = match known {
            Some(node) if !self.chance(4) => node,
            _ if self.chance(2) => self.root_node(model)?,
            _ => self.dir(model)?,
        };
        let lease_ns = match self.rng.below(3) {
            0 => None,
            1 => Some(5 * SECOND),
            _ => Some(3600 * SECOND),
        };
        Some(Command::SnapshotCreate {
            key,
            node,
            holder: [&b"x"[..], b"y", b"\xff"][self.rng.below(3)].to_vec(),
            lease_ns,
        })
    }

    fn release(&mut self, model: &Model) -> Command {
        let key = self.known_key(model);
        let holders: Vec<_> = model
            .pins
            .get(&key)
            .into_iter()
            .flat_map(|pin| pin.holders.clone())
            .collect();
        let holder = match self.rng.pick(&holders) {
            Some(holder) if !self.chance(10) => holder.clone(),
            _ => b"nobody".to_vec(),
        };
        Command::SnapshotRelease { key, holder }
    }

    fn root_node(&mut self, model: &Model) -> Option<Node> {
        let nodes: Vec<_> = model.roots.values().map(|root| root.node).collect();
        self.rng.pick(&nodes).copied()
    }

    fn root(&mut self, model: &Model) -> Vec<u8> {
        let names: Vec<_> = model.roots.keys().cloned().collect();
        match self.rng.pick(&names) {
            Some(name) if !self.chance(25) => name.clone(),
            _ => self.key(),
        }
    }

    fn root_name(&mut self, model: &Model) -> Vec<u8> {
        if self.chance(15) {
            self.root(model)
        } else {
            self.key()
        }
    }

    /// A state to start from: a snapshot, now, or before.
    fn origin(&mut self, model: &Model, of: Option<&[u8]>) -> Origin {
        if self.chance(3) {
            return Origin::Snapshot(self.known_key(model));
        }
        let name = match of {
            Some(name) if !self.chance(8) => name.to_vec(),
            _ => self.root(model),
        };
        let versions: Vec<Version> = model
            .roots
            .get(&name)
            .map(|root| model.lines[&root.node.timeline].history.keys().copied().collect())
            .unwrap_or_default();
        let version = match (self.rng.below(8), self.rng.pick(&versions)) {
            (0, _) => Version(model.last.0 + 100_000),
            (1..=4, Some(version)) => *version,
            _ => Version::HEAD,
        };
        Origin::Root { name, version }
    }

    fn delete(&mut self, model: &Model) -> Command {
        let names: Vec<_> = model
            .roots
            .iter()
            .filter(|(_, root)| root.kind != RootKind::Workspace)
            .map(|(name, _)| name.clone())
            .collect();
        let name = match self.rng.pick(&names) {
            Some(name) if !self.chance(8) => name.clone(),
            _ => self.root(model),
        };
        Command::RootDelete { name }
    }

    fn keep(&mut self, model: &Model) -> Vec<u8> {
        if self.chance(15) {
            self.known_key(model)
        } else {
            self.key()
        }
    }

    fn rollback(&mut self, model: &Model) -> Command {
        if model.pins.len() > 2 * PINS {
            return self.release(model);
        }
        let name = self.root(model);
        let fitting: Vec<_> = model
            .pins
            .iter()
            .filter(|(_, pin)| {
                model
                    .roots
                    .get(&name)
                    .is_some_and(|root| root.node.ino == pin.node.ino)
            })
            .map(|(key, _)| key.clone())
            .collect();
        let origin = match self.rng.pick(&fitting) {
            Some(key) if self.chance(2) => Origin::Snapshot(key.clone()),
            _ => self.origin(model, Some(&name)),
        };
        let keep = self.keep(model);
        Command::Rollback { name, origin, keep }
    }

    pub(crate) fn promote(&mut self, model: &Model) -> Command {
        if model.pins.len() > 2 * PINS {
            return self.release(model);
        }
        let forks: Vec<_> = model
            .roots
            .iter()
            .filter(|(_, root)| root.kind == RootKind::Fork)
            .map(|(name, _)| name.clone())
            .collect();
        let fork = match self.rng.pick(&forks) {
            Some(fork) if !self.chance(12) => fork.clone(),
            _ => self.root(model),
        };
        let ino = model.roots.get(&fork).map(|root| root.node.ino);
        let fitting: Vec<_> = model
            .roots
            .iter()
            .filter(|(name, root)| Some(root.node.ino) == ino && **name != fork)
            .map(|(name, _)| name.clone())
            .collect();
        let onto = match self.rng.pick(&fitting) {
            Some(onto) if !self.chance(8) => onto.clone(),
            _ => self.root(model),
        };
        let keep = self.keep(model);
        Command::Promote {
            fork,
            onto,
            discard_live: !self.chance(3),
            keep,
        }
    }

    fn quota(&mut self, model: &Model) -> Option<Command> {
        let any = self.chance(12);
        let node = if self.chance(4) {
            self.root_node(model)?
        } else {
            let full = self.chance(2);
            self.choose(model, |inode| {
                any || (inode.kind == FileKind::Directory && !(full && inode.entries.is_empty()))
            })?
        };
        let tree = &model.lines.get(&node.timeline)?.tree;
        let inode = tree.get(node.ino)?;
        let is_root = inode.parent == node.ino;
        // What has names inside and outside would be charged to either.
        let shared = |inode: &super::state::Inode| inode.names.len() > 1;
        let below = tree.below(node.ino);
        if !is_root
            && below
                .iter()
                .any(|ino| tree.get(*ino).is_some_and(shared) || tree.limbo.contains(ino))
        {
            return None;
        }
        let (_, high) = tree.usage(inode.quota);
        let tight = self.chance(3);
        let limits = QuotaLimits {
            bytes: (tight && self.chance(2)).then_some(high.0 + 500),
            inodes: tight.then_some(high.1 + 2),
        };
        if is_root && tight {
            for _ in 0..self.rng.below(2) {
                self.force_command(Command::Work(Work::AdvanceTime));
            }
            let step = super::run::Step::Compare(100);
            self.force(step);
            self.lift = Some((node, 6));
        }
        let is_dir = |ino: &&Ino| {
            tree.get(**ino)
                .is_some_and(|inode| inode.kind == FileKind::Directory)
        };
        if let Some(dir) = inode.entries.values().find(is_dir).filter(|_| !is_root) {
            // What lies in a directory that is being counted is not counted for itself.
            self.force_command(Command::SetQuota {
                node: Node::new(node.timeline, *dir),
                limits: QuotaLimits::default(),
            });
        }
        Some(Command::SetQuota { node, limits })
    }

    pub(crate) fn session(&mut self, model: &Model) -> SessionId {
        let all: Vec<_> = model.sessions.keys().copied().collect();
        match self.rng.pick(&all) {
            Some(session) if !self.chance(30) => *session,
            _ => SessionId(123_456),
        }
    }

    fn session_command(&mut self, model: &Model) -> Command {
        let few = model.sessions.len() < 3;
        match self.rng.below(if few { 4 } else { 12 }) {
            0..=3 => {
                self.sequence += 1;
                let session = if self.chance(15) {
                    self.session(model)
                } else {
                    SessionId(1000 + self.sequence)
                };
                let ttl_ns =
                    [1, 20 * SECOND, 600 * SECOND, 86_400 * SECOND, 0, 90_000 * SECOND][self.rng.below(6)];
                Command::SessionOpen { session, ttl_ns }
            }
            4..=8 => Command::SessionRenew {
                session: self.session(model),
            },
            _ => Command::SessionClose {
                session: self.session(model),
            },
        }
    }

    fn close(&mut self, model: &Model) -> Command {
        let all: Vec<_> = model.opens.keys().copied().collect();
        match self.rng.pick(&all) {
            Some((session, handle)) if !self.chance(15) => Command::Close {
                session: *session,
                handle: *handle,
            },
            _ => Command::Close {
                session: self.session(model),
                handle: 5,
            },
        }
    }
}
