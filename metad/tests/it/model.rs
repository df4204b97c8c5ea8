//! The namespace as it must be: paths and what stands there, changed by the same steps.

use nokv_client::{Namespace as _, View};
use nokv_metad::Embedded;
use nokv_types::{Code, FileKind, Name, NsPath, ObjectId, Source};
use std::collections::{BTreeMap, BTreeSet};

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Thing {
    Dir,
    /// Its bytes, as far as they travel in the metadata.
    File(Vec<u8>),
    /// Its body is this object.
    Stored(ObjectId),
    Link(Vec<u8>),
}

/// Paths from the root, `/`-separated, without the root itself.
pub(crate) type Tree = BTreeMap<String, Thing>;

/// One change of the namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Mkdir(String),
    Create(String),
    Symlink(String, Vec<u8>),
    Publish(String, Vec<u8>),
    Store(String, ObjectId),
    Unlink(String),
    Rmdir(String),
    RemoveTree(String),
    Rename(String, String),
    Snapshot(String),
    Release(String),
}

/// The state after some steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) live: Tree,
    pub(crate) snapshots: BTreeMap<String, Tree>,
}

impl Model {
    pub(crate) fn apply(&mut self, step: &Step) {
        let live = &mut self.live;
        match step.clone() {
            Step::Mkdir(path) => drop(live.insert(path, Thing::Dir)),
            Step::Create(path) => drop(live.insert(path, Thing::File(Vec::new()))),
            Step::Symlink(path, target) => drop(live.insert(path, Thing::Link(target))),
            Step::Publish(path, bytes) => drop(live.insert(path, Thing::File(bytes))),
            Step::Store(path, object) => drop(live.insert(path, Thing::Stored(object))),
            Step::Unlink(path) | Step::Rmdir(path) => drop(live.remove(&path)),
            Step::RemoveTree(path) => {
                let below = format!("{path}/");
                live.retain(|at, _| *at != path && !at.starts_with(&below));
            }
            Step::Rename(from, to) => {
                let below = format!("{from}/");
                let moved: Vec<String> = live
                    .keys()
                    .filter(|at| **at == from || at.starts_with(&below))
                    .cloned()
                    .collect();
                for old in moved {
                    let thing = live.remove(&old).unwrap();
                    live.insert(format!("{to}{}", &old[from.len()..]), thing);
                }
            }
            Step::Snapshot(key) => drop(self.snapshots.insert(key, live.clone())),
            Step::Release(key) => drop(self.snapshots.remove(&key)),
        }
    }

    /// The objects that the state refers to.
    pub(crate) fn objects(&self) -> BTreeSet<ObjectId> {
        let trees = self.snapshots.values().chain([&self.live]);
        let stored = |thing: &Thing| match thing {
            Thing::Stored(object) => Some(*object),
            _ => None,
        };
        trees.flat_map(|tree| tree.values().filter_map(stored)).collect()
    }

    /// What the namespace shows, read through it.
    pub(crate) fn read(namespace: &Embedded) -> Self {
        let main = namespace.root(b"main").unwrap();
        let mut snapshots = BTreeMap::new();
        for pin in namespace.pins().unwrap() {
            let view = View {
                point: pin.at,
                node: pin.node,
            };
            snapshots.insert(String::from_utf8(pin.key).unwrap(), tree(namespace, view));
        }
        Self {
            live: tree(namespace, View::head_of(main.node)),
            snapshots,
        }
    }
}

fn tree(namespace: &Embedded, view: View) -> Tree {
    let mut tree = Tree::new();
    let mut dirs = vec![(String::new(), view.node.ino)];
    while let Some((path, dir)) = dirs.pop() {
        let mut after: Option<Name> = None;
        loop {
            let page = namespace
                .readdir(view.point, dir, after.as_ref(), 7, true)
                .unwrap();
            after = page.entries.last().map(|entry| entry.name.clone());
            for entry in page.entries {
                let name = String::from_utf8(entry.name.as_bytes().to_vec()).unwrap();
                let at = if path.is_empty() {
                    name
                } else {
                    format!("{path}/{name}")
                };
                let size = entry.attr.unwrap().size;
                let thing = match entry.kind {
                    FileKind::Directory => {
                        dirs.push((at.clone(), entry.node.ino));
                        Thing::Dir
                    }
                    FileKind::Symlink => Thing::Link(namespace.readlink(view.point, entry.node.ino).unwrap()),
                    _ => body(namespace, view, entry.node.ino, size),
                };
                tree.insert(at, thing);
            }
            if !page.more {
                break;
            }
        }
    }
    tree
}

/// How often a body is asked for.
const READS_MAX: u32 = 20;

fn body(namespace: &Embedded, view: View, ino: nokv_types::Ino, size: u64) -> Thing {
    let plan = namespace.read_plan(view.point, ino, 0, size).unwrap();
    assert_eq!(plan.size, size);
    let mut bytes = vec![0; size as usize];
    for extent in plan.extents {
        match extent.source {
            Source::Slice(slice) => {
                // As clients do: what a store refuses now it may answer when asked again.
                let got = (0..READS_MAX).find_map(|_| {
                    namespace
                        .blobs()
                        .get(slice.object, slice.stored_offset, slice.stored_len)
                        .ok()
                });
                let got = got.unwrap_or_else(|| panic!("{:?} cannot be read", slice.object));
                assert!(slice.digest.matches(&got));
                return Thing::Stored(slice.object);
            }
            Source::Inline(inline) => {
                let at = extent.at as usize;
                bytes[at..at + inline.len()].copy_from_slice(&inline);
            }
        }
    }
    Thing::File(bytes)
}

/// The node at a path of the live tree.
pub(crate) fn node(namespace: &Embedded, path: &str) -> nokv_types::Node {
    let main = namespace.root(b"main").unwrap().node;
    if path.is_empty() {
        return main;
    }
    let parsed = NsPath::parse(format!("/{path}").as_bytes()).unwrap();
    match namespace.resolve(View::head_of(main).point, main.ino, &parsed) {
        Ok(found) => found.node,
        Err(error) => panic!("{path}: {error} ({:?})", error.code() == Some(Code::NotFound)),
    }
}
