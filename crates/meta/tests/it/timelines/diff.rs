//! Differences: against two full listings, and what they say about whole trees.

use super::head_of;
use super::listing::Tree;
use crate::world::{HEAD, OWNER, ROOT, World, name};
use nokv_types::{Code, Command, DiffEntry, DiffKind, Ino, NewKind, Node, ReadPoint, RenameMode, Version};
use std::collections::{BTreeMap, BTreeSet};

/// A difference in a form that can be compared: bodies and attributes by inode, as a file may have several names.
pub(super) type Told = BTreeSet<(DiffKind, Ino, String, Option<String>)>;

pub(super) fn told(entries: &[DiffEntry]) -> Told {
    let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    let one = |entry: &DiffEntry| {
        let path = match entry.kind {
            DiffKind::Body | DiffKind::Attributes => String::new(),
            _ => text(&entry.path),
        };
        (
            entry.kind,
            entry.node.ino,
            path,
            entry.old_path.as_deref().map(text),
        )
    };
    entries.iter().map(one).collect()
}

/// A name: the directory's inode, the name in it; and the path.
type Names = BTreeMap<(Ino, String), String>;

fn names(tree: &Tree) -> BTreeMap<Ino, Names> {
    let mut names: BTreeMap<Ino, Names> = BTreeMap::new();
    for (path, item) in tree.iter().filter(|(path, _)| !path.is_empty()) {
        let (dir, last) = path.rsplit_once('/').unwrap();
        let spot = (tree[dir].ino, last.to_owned());
        names.entry(item.ino).or_default().insert(spot, path.clone());
    }
    names
}

/// The difference of two trees by looking at all of both.
pub(super) fn expected(a: &Tree, b: &Tree) -> Told {
    let (names_a, names_b) = (names(a), names(b));
    let mut told = Told::new();
    let inos: BTreeSet<Ino> = names_a.keys().chain(names_b.keys()).copied().collect();
    for ino in inos {
        let none = Names::new();
        let before = names_a.get(&ino).unwrap_or(&none);
        let after = names_b.get(&ino).unwrap_or(&none);
        let gone = before.iter().filter(|(spot, _)| !after.contains_key(*spot));
        let come = after.iter().filter(|(spot, _)| !before.contains_key(*spot));
        let gone: BTreeSet<&String> = gone.map(|(_, path)| path).collect();
        let come: BTreeSet<&String> = come.map(|(_, path)| path).collect();
        let (mut gone, mut come) = (gone.into_iter(), come.into_iter());
        loop {
            let (kind, path, old) = match (gone.next(), come.next()) {
                (None, None) => break,
                (Some(from), Some(to)) => (DiffKind::Renamed, to, Some(from.clone())),
                (Some(from), None) => (DiffKind::Removed, from, None),
                (None, Some(to)) => (DiffKind::Added, to, None),
            };
            told.insert((kind, ino, path.clone(), old));
        }
    }
    for (ino, path) in names_b
        .iter()
        .filter_map(|(ino, names)| Some((ino, names.values().next()?)))
    {
        let Some(old) = names_a.get(ino).and_then(|names| names.values().next()) else {
            continue;
        };
        let (old, new) = (&a[old], &b[path]);
        if old.body != new.body {
            told.insert((DiffKind::Body, *ino, String::new(), None));
        }
        if (old.mode, &old.xattrs) != (new.mode, &new.xattrs) {
            told.insert((DiffKind::Attributes, *ino, String::new(), None));
        }
    }
    told
}

fn at(world: &World) -> ReadPoint {
    ReadPoint {
        version: world.state.last_version(),
        ..HEAD
    }
}

fn paths(world: &World, a: ReadPoint, b: ReadPoint) -> Vec<(DiffKind, String)> {
    let entries = world
        .reader(|reader| reader.diff(a, b, Ino::ROOT, &world.events))
        .unwrap();
    let text = |entry: &DiffEntry| (entry.kind, String::from_utf8_lossy(&entry.path).into_owned());
    entries.iter().map(text).collect()
}

fn tree_of(world: &mut World, top: &str, files: usize) -> Node {
    let dir = world.create(ROOT, top, NewKind::Directory);
    let inner = world.create(dir, "inner", NewKind::Directory);
    for file in 0..files {
        world.create(inner, &format!("f{file}"), NewKind::File);
    }
    dir
}

#[test]
fn a_removed_tree_is_listed_whole_and_a_moved_one_is_one_difference() {
    let mut world = World::new();
    tree_of(&mut world, "gone", 2);
    tree_of(&mut world, "kept", 2);
    let before = at(&world);
    let (parent, removed) = (ROOT, name("gone"));
    world
        .run(Command::RemoveTree {
            parent,
            name: removed,
        })
        .unwrap();
    let rename = Command::Rename {
        from: ROOT,
        from_name: name("kept"),
        to: ROOT,
        to_name: name("moved"),
        mode: RenameMode::Replace,
    };
    world.run(rename).unwrap();
    let after = at(&world);
    let removed = ["/gone", "/gone/inner", "/gone/inner/f0", "/gone/inner/f1"];
    let mut want: Vec<_> = removed.map(|path| (DiffKind::Removed, path.to_owned())).into();
    want.push((DiffKind::Renamed, "/moved".to_owned()));
    assert_eq!(paths(&world, before, after), want);
    // The other way round the tree is added, also when its rows have been reclaimed meanwhile.
    world.work_off(3);
    let mut want: Vec<_> = removed.map(|path| (DiffKind::Added, path.to_owned())).into();
    want.push((DiffKind::Renamed, "/kept".to_owned()));
    assert_eq!(paths(&world, after, before), want);
}

#[test]
fn a_name_that_a_rename_replaced_is_removed() {
    let mut world = World::new();
    world.create(ROOT, "a", NewKind::File);
    world.create(ROOT, "b", NewKind::File);
    let before = at(&world);
    let rename = Command::Rename {
        from: ROOT,
        from_name: name("a"),
        to: ROOT,
        to_name: name("b"),
        mode: RenameMode::Replace,
    };
    world.run(rename).unwrap();
    let want = vec![
        (DiffKind::Removed, "/b".to_owned()),
        (DiffKind::Renamed, "/b".to_owned()),
    ];
    assert_eq!(paths(&world, before, at(&world)), want);
}

#[test]
fn differences_beyond_the_kept_events_are_refused() {
    let mut world = World::new();
    world.create(ROOT, "a", NewKind::File);
    let before = at(&world);
    world.create(ROOT, "b", NewKind::File);
    world.create(ROOT, "c", NewKind::File);
    world.events.0.drain(..2);
    let refused = world.reader(|reader| reader.diff(before, HEAD, Ino::ROOT, &world.events));
    assert_eq!(refused.unwrap_err().code(), Some(Code::VersionExpired));
}

#[test]
fn two_volumes_have_no_difference_to_tell() {
    let mut world = World::new();
    let volume = world.run(Command::VolumeCreate {
        name: b"data".to_vec(),
        inode: OWNER,
    });
    let volume = super::root_of(volume).unwrap().node;
    let other = ReadPoint {
        timeline: volume.timeline,
        version: Version::HEAD,
    };
    let refused = world.reader(|reader| reader.diff(HEAD, other, Ino::ROOT, &world.events));
    assert_eq!(refused.unwrap_err().code(), Some(Code::CrossDevice));
}

#[test]
fn a_fork_differs_by_what_was_written_on_either_side() {
    let mut world = World::new();
    let dir = tree_of(&mut world, "base", 3);
    let fork = world.fork("fork", head_of("main")).node;
    world.create(Node::new(fork.timeline, dir.ino), "new", NewKind::File);
    let parent = dir;
    world
        .run(Command::RemoveTree {
            parent,
            name: name("inner"),
        })
        .unwrap();
    let other = ReadPoint {
        timeline: fork.timeline,
        version: Version::HEAD,
    };
    let seen = paths(&world, HEAD, other);
    let want = [
        (DiffKind::Added, "/base/inner"),
        (DiffKind::Added, "/base/inner/f0"),
        (DiffKind::Added, "/base/inner/f1"),
        (DiffKind::Added, "/base/inner/f2"),
        (DiffKind::Added, "/base/new"),
    ];
    assert_eq!(seen, want.map(|(kind, path)| (kind, path.to_owned())));
}
