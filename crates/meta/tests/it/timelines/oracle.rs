//! Random histories of several roots against a replay: every state that can be read is what it was.
//!
//! The replay keeps, per root, the tree after every command. It knows nothing of rows, versions of rows,
//! tombstones or pruning.

#![expect(clippy::too_many_lines, reason = "one arm per change")]

mod ends;

use super::listing::{Item, Tree};
use super::{Rng, head_of, pinned, seeds};
use crate::world::{OWNER, World, name};
use nokv_types::{
    AttrChange, Code, Command, Extent, NewBody, NewKind, Node, Origin, Outcome, ReadPoint, RenameMode,
    Source, Target, Version, Work, XattrMode, XattrName,
};
use std::collections::BTreeMap;

const STEPS: usize = 400;
const SECOND: u64 = 1_000_000_000;

/// One root as the replay knows it: the tree after each version that changed it.
#[derive(Clone)]
struct Line {
    log: BTreeMap<Version, Tree>,
}

impl Line {
    fn at(&self, version: Version) -> &Tree {
        self.log
            .range(..=version)
            .next_back()
            .expect("the line began earlier")
            .1
    }

    fn now(&self) -> &Tree {
        self.at(Version::HEAD)
    }

    fn until(&self, version: Version) -> Line {
        Line {
            log: self
                .log
                .range(..=version)
                .map(|(at, tree)| (*at, tree.clone()))
                .collect(),
        }
    }
}

struct Run {
    world: World,
    rng: Rng,
    lines: BTreeMap<String, Line>,
    pins: BTreeMap<String, Tree>,
    made: usize,
    /// Comparisons of different states that were made, and old versions that could be read.
    diffs: usize,
    old: usize,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let window = [0, 5 * SECOND, 30 * SECOND][rng.below(3)];
        let world = World::with_window(window);
        let mut run = Run {
            world,
            rng,
            lines: BTreeMap::new(),
            pins: BTreeMap::new(),
            made: 0,
            diffs: 0,
            old: 0,
        };
        let tree = run.head("main");
        let line = Line {
            log: BTreeMap::from([(Version(1), tree)]),
        };
        run.lines.insert("main".to_owned(), line);
        run
    }

    fn head(&self, root: &str) -> Tree {
        let node = self.world.root(root).node;
        let at = ReadPoint {
            timeline: node.timeline,
            version: Version::HEAD,
        };
        self.world.tree(at, node.ino)
    }

    fn step(&mut self) {
        self.world.pass(self.rng.next() % (2 * SECOND));
        let names: Vec<String> = self.lines.keys().cloned().collect();
        let root = self.rng.pick(&names).unwrap().clone();
        match self.rng.below(100) {
            0..=69 => self.change(&root),
            70..=75 => self.snapshot(&root),
            76..=79 => self.release(),
            80..=83 => self.fork(&root),
            84..=85 => self.delete(&root),
            86..=88 => self.rollback(&root),
            89 => self.promote(&root),
            90 => {
                self.world.state =
                    nokv_meta::State::load(&self.world.store, self.world.state.last_version()).unwrap();
            }
            _ => self.work(&root),
        }
    }

    /// A random change of one tree, done and replayed.
    fn change(&mut self, root: &str) {
        let base = self.world.root(root).node;
        let mut tree = self.lines[root].now().clone();
        let node = |item: &Item| Node::new(base.timeline, item.ino);
        let dirs: Vec<String> = paths(&tree, true);
        let files: Vec<String> = paths(&tree, false);
        let dir = self.rng.pick(&dirs).unwrap().clone();
        let file = self.rng.pick(&files).cloned();
        let text = format!("n{}", self.rng.below(4));
        let path = format!("{dir}/{text}");
        let parent = node(&tree[&dir]);
        let taken = tree.contains_key(&path);
        let choice = self.rng.below(12);
        let command = match (choice, file) {
            (0..=2, _) if !taken => Command::Create {
                parent,
                name: name(&text),
                inode: OWNER,
                kind: NewKind::File,
            },
            (3, _) if !taken && dir.matches('/').count() < 3 => Command::Create {
                parent,
                name: name(&text),
                inode: OWNER,
                kind: NewKind::Directory,
            },
            (4, _) if taken && tree[&path].is_dir => Command::RemoveTree {
                parent,
                name: name(&text),
            },
            (5, Some(file)) => {
                let (dir, last) = file.rsplit_once('/').unwrap();
                Command::Unlink {
                    parent: node(&tree[dir]),
                    name: name(last),
                }
            }
            (6 | 7, Some(file)) => publish(node(&tree[&file]), self.rng.next()),
            (8, Some(file)) => Command::SetAttr {
                node: node(&tree[&file]),
                change: AttrChange {
                    mode: Some(self.rng.below(0o777) as u32),
                    ..AttrChange::default()
                },
            },
            (9, Some(file)) => Command::SetXattr {
                node: node(&tree[&file]),
                name: XattrName::new(b"user.a").unwrap(),
                value: self.rng.next().to_le_bytes().to_vec(),
                mode: XattrMode::Any,
            },
            (10, Some(file)) if !taken => Command::Link {
                node: node(&tree[&file]),
                parent,
                name: name(&text),
            },
            (11, _) => {
                let all: Vec<String> = tree.keys().filter(|path| !path.is_empty()).cloned().collect();
                let Some(from) = self.rng.pick(&all).cloned() else {
                    return;
                };
                let (from_dir, last) = from.rsplit_once('/').unwrap();
                Command::Rename {
                    from: node(&tree[from_dir]),
                    from_name: name(last),
                    to: parent,
                    to_name: name(&text),
                    mode: RenameMode::Replace,
                }
            }
            _ => return,
        };
        let before = self.world.state.last_version();
        match self.world.run(command) {
            Ok(reply) => {
                // The replay of the effect is the state itself; what it must not do is change afterwards, or
                // change any other state.
                assert!(reply.version > before);
                tree = self.head(root);
                check_counts(&tree);
                self.lines.get_mut(root).unwrap().log.insert(reply.version, tree);
            }
            Err(refusal) => {
                let expected = [
                    Code::Loop,
                    Code::NotEmpty,
                    Code::IsADirectory,
                    Code::NotADirectory,
                ];
                assert!(expected.contains(&refusal.code), "{refusal}");
                assert_eq!(&self.head(root), self.lines[root].now());
            }
        }
    }

    fn snapshot(&mut self, root: &str) {
        let tree = self.lines[root].now();
        let dirs = paths(tree, true);
        let dir = self.rng.pick(&dirs).unwrap().clone();
        let dir = if self.rng.below(2) == 0 {
            String::new()
        } else {
            dir
        };
        let node = Node::new(self.world.root(root).node.timeline, tree[&dir].ino);
        let below = below(tree, &dir);
        self.made += 1;
        let key = format!("pin{}", self.made);
        self.world.snapshot(&key, node);
        self.pins.insert(key, below);
    }

    fn release(&mut self) {
        let keys: Vec<String> = self.pins.keys().cloned().collect();
        if let Some(key) = self.rng.pick(&keys) {
            self.world.release(key);
            self.pins.remove(key);
        }
    }

    fn fork(&mut self, root: &str) {
        if self.lines.len() > 6 {
            return;
        }
        self.made += 1;
        let fork = format!("fork{}", self.made);
        let keys: Vec<String> = self.pins.keys().cloned().collect();
        let (origin, tree) = match self.rng.pick(&keys) {
            Some(key) if self.rng.below(2) == 0 => (pinned(key), self.pins[key].clone()),
            _ => (head_of(root), self.lines[root].now().clone()),
        };
        let info = match self.world.run(Command::Fork {
            name: fork.as_bytes().to_vec(),
            origin: origin.clone(),
        }) {
            Ok(reply) => reply,
            Err(refusal) => panic!("{refusal}"),
        };
        let mut line = match origin {
            Origin::Root { .. } => self.lines[root].until(info.version),
            Origin::Snapshot(_) => Line { log: BTreeMap::new() },
        };
        line.log.insert(info.version, tree);
        self.lines.insert(fork, line);
    }

    fn delete(&mut self, root: &str) {
        if root != "main" {
            let name = root.as_bytes().to_vec();
            self.world.run(Command::RootDelete { name }).unwrap();
            self.lines.remove(root);
        }
    }

    fn rollback(&mut self, root: &str) {
        let versions: Vec<Version> = self.lines[root].log.keys().copied().collect();
        let version = *self.rng.pick(&versions).unwrap();
        self.made += 1;
        let keep = format!("keep{}", self.made);
        let before = self.lines[root].now().clone();
        let origin = Origin::Root {
            name: root.as_bytes().to_vec(),
            version,
        };
        let command = Command::Rollback {
            name: root.as_bytes().to_vec(),
            origin,
            keep: keep.as_bytes().to_vec(),
        };
        match self.world.run(command) {
            Ok(reply) => {
                let mut line = self.lines[root].until(version);
                let tree = line.now().clone();
                line.log.insert(reply.version, tree);
                self.lines.insert(root.to_owned(), line);
                self.world
                    .run(Command::SnapshotCreate {
                        key: keep.as_bytes().to_vec(),
                        node: self.kept_node(&keep),
                        holder: b"test".to_vec(),
                        lease_ns: None,
                    })
                    .unwrap();
                self.world
                    .run(Command::SnapshotRelease {
                        key: keep.as_bytes().to_vec(),
                        holder: keep.as_bytes().to_vec(),
                    })
                    .unwrap();
                self.pins.insert(keep, before);
            }
            Err(refusal) => assert_eq!(refusal.code, Code::VersionExpired, "{refusal}"),
        }
    }

    fn kept_node(&self, key: &str) -> Node {
        self.world
            .reader(|reader| reader.pin(key.as_bytes()))
            .unwrap()
            .node
    }

    fn promote(&mut self, fork: &str) {
        self.made += 1;
        let keep = format!("keep{}", self.made);
        let command = Command::Promote {
            fork: fork.as_bytes().to_vec(),
            onto: b"main".to_vec(),
            discard_live: true,
            keep: keep.as_bytes().to_vec(),
        };
        let before = self.lines["main"].now().clone();
        match self.world.run(command) {
            Ok(reply) => {
                let line = self.lines[fork].until(reply.version);
                let tree = line.now().clone();
                let mut line = line;
                line.log.insert(reply.version, tree);
                self.lines.insert("main".to_owned(), line);
                self.pins.insert(keep.clone(), before);
                let node = self.kept_node(&keep);
                let join = |holder: &str| Command::SnapshotCreate {
                    key: keep.as_bytes().to_vec(),
                    node,
                    holder: holder.as_bytes().to_vec(),
                    lease_ns: None,
                };
                self.world.run(join("test")).unwrap();
                self.world
                    .run(Command::SnapshotRelease {
                        key: keep.as_bytes().to_vec(),
                        holder: keep.as_bytes().to_vec(),
                    })
                    .unwrap();
            }
            Err(refusal) => assert!(
                matches!(refusal.code, Code::Invalid | Code::NotARoot),
                "{refusal}"
            ),
        }
    }

    fn work(&mut self, root: &str) {
        let rows_max = 1 + self.rng.below(20) as u32;
        let timeline = self.world.root(root).node.timeline;
        let work = match self.rng.below(5) {
            0 => Work::Reclaim { rows_max },
            1 => Work::Prune { rows_max },
            2 => Work::FreeTimelines { rows_max },
            3 => Work::Flatten { timeline, rows_max },
            _ => Work::AdvanceTime,
        };
        let Outcome::Worked { .. } = self.world.run(Command::Work(work)).unwrap().outcome else {
            panic!("work answers how much it did");
        };
    }

    /// Compares every head, every pin, and some version of every line that can be read.
    fn check(&mut self) {
        for (key, tree) in &self.pins {
            let (at, node) = self
                .world
                .reader(|reader| reader.point_of_snapshot(key.as_bytes()))
                .unwrap();
            assert_eq!(self.world.reader(|reader| reader.readable(at)).unwrap(), at);
            assert_eq!(&self.world.tree(at, node.ino), tree, "pin {key}");
        }
        for (root, line) in &self.lines {
            assert_eq!(&self.head(root), line.now(), "root {root}");
            let versions: Vec<Version> = line.log.keys().copied().collect();
            let version = *self.rng.pick(&versions).unwrap();
            let read = |reader: nokv_meta::Reader<'_, _>| reader.point_of_version(root.as_bytes(), version);
            match self.world.reader(read) {
                Ok((at, node)) => {
                    assert_eq!(
                        &self.world.tree(at, node.ino),
                        line.at(version),
                        "{root} {version:?}"
                    );
                    self.old += usize::from(line.at(version) != line.now());
                }
                Err(error) => assert_eq!(error.code(), Some(Code::VersionExpired), "{error}"),
            }
        }
    }
}

fn publish(node: Node, seed: u64) -> Command {
    let bytes = seed.to_le_bytes().to_vec();
    let extent = Extent {
        at: 0,
        len: bytes.len() as u32,
        source: Source::Inline(bytes),
    };
    Command::Publish {
        target: Target::Node(node),
        body: NewBody::Whole {
            size: 8,
            extents: vec![extent],
        },
        expect: None,
        xattrs: Vec::new(),
    }
}

fn paths(tree: &Tree, dirs: bool) -> Vec<String> {
    let wanted = tree.iter().filter(|(_, item)| item.is_dir == dirs);
    wanted.map(|(path, _)| path.clone()).collect()
}

fn below(tree: &Tree, dir: &str) -> Tree {
    let prefix = format!("{dir}/");
    let inside = tree
        .iter()
        .filter(|(path, _)| *path == dir || path.starts_with(&prefix));
    inside
        .map(|(path, item)| (path[dir.len()..].to_owned(), item.clone()))
        .collect()
}

/// The counts that directories keep agree with the tree.
fn check_counts(tree: &Tree) {
    for (path, item) in tree {
        let prefix = format!("{path}/");
        let children = tree
            .keys()
            .filter(|other| other.starts_with(&prefix) && !other[prefix.len()..].contains('/'));
        if item.is_dir {
            assert_eq!(item.entries, children.count() as u64, "{path}");
        }
    }
}

#[test]
fn every_state_that_can_be_read_is_what_it_was() {
    let (mut diffs, mut old) = (0, 0);
    for seed in seeds(25) {
        eprintln!("NOKV_SEED={seed}");
        let mut run = Run::new(seed);
        for step in 0..STEPS {
            run.step();
            if step % 4 == 0 {
                run.check();
                run.check_diff();
            }
            if step % 50 == 0 {
                run.world.assert_sound();
            }
        }
        run.check();
        diffs += run.diffs;
        old += run.old;
        run.end();
    }
    assert!(
        diffs > 10 && old > 10,
        "{diffs} diffs, {old} old versions: nothing was tried"
    );
}
