//! Reclaim of removed trees: everything goes, but what a snapshot or another name keeps.

use super::{head_of, pinned};
use crate::world::{HEAD, ROOT, World, name};
use nokv_meta::State;
use nokv_types::{Command, NewKind, Node, ReadPoint, Version, Work, XattrMode, XattrName};

/// A tree of `dirs` directories with `files` files each, some with attributes.
fn grow(world: &mut World, top: &str, dirs: usize, files: usize) -> Node {
    let top = world.create(ROOT, top, NewKind::Directory);
    for dir in 0..dirs {
        let dir = world.create(top, &format!("d{dir}"), NewKind::Directory);
        for file in 0..files {
            let node = world.create(dir, &format!("f{file}"), NewKind::File);
            if file % 7 == 0 {
                world
                    .run(Command::SetXattr {
                        node,
                        name: XattrName::new(b"user.a").unwrap(),
                        value: b"1".to_vec(),
                        mode: XattrMode::Any,
                    })
                    .unwrap();
            }
        }
    }
    top
}

fn inodes(world: &World, node: Node) -> u64 {
    let at = ReadPoint {
        timeline: node.timeline,
        version: Version::HEAD,
    };
    world.reader(|reader| reader.statfs(at)).unwrap().inodes
}

#[test]
fn a_removed_tree_goes_in_bounded_steps_and_its_charge_with_it() {
    let mut world = World::with_window(0);
    let empty = world.families();
    let top = grow(&mut world, "top", 5, 30);
    world.remove_tree(ROOT, "top");
    assert_eq!(inodes(&world, ROOT), 157);
    let mut steps = 0;
    loop {
        let (done, more) = world.work(Work::Reclaim { rows_max: 10 });
        assert!(done <= 11, "{done}");
        steps += 1;
        if steps == 4 {
            // Nothing of the progress is in memory only.
            world.state = State::load(&world.store, world.state.last_version()).unwrap();
        }
        if !more {
            break;
        }
    }
    assert!(steps > 15);
    assert_eq!(inodes(&world, ROOT), 1);
    assert!(world.reader(|reader| reader.getattr(HEAD, top.ino)).is_err());
    world.pass(10_000_000_000);
    world.work_off(100);
    let mut after = world.families();
    after.remove(&'w');
    assert_eq!(after.get(&'d'), None);
    assert_eq!(after[&'i'], empty[&'i']);
    assert_eq!(after.get(&'x'), None);
}

#[test]
fn a_held_snapshot_loses_nothing() {
    let mut world = World::with_window(0);
    grow(&mut world, "top", 4, 25);
    let pin = world.snapshot("s", ROOT);
    let before = world.tree(pin.at, pin.node.ino);
    world.remove_tree(ROOT, "top");
    world.pass(10_000_000_000);
    world.work_off(7);
    assert!(world.names(ROOT).is_empty());
    assert_eq!(world.tree(pin.at, pin.node.ino), before);
    world.assert_sound();
    world.release("s");
    world.work_off(7);
    let families = world.families();
    assert_eq!(
        (families.get(&'H'), families.get(&'P')),
        (None, None),
        "{families:?}"
    );
}

#[test]
fn a_file_with_another_name_outside_stays() {
    let mut world = World::new();
    let top = grow(&mut world, "top", 1, 3);
    let dir = world
        .reader(|reader| reader.lookup(HEAD, top.ino, &name("d0")))
        .unwrap()
        .node;
    let file = world
        .reader(|reader| reader.lookup(HEAD, dir.ino, &name("f1")))
        .unwrap()
        .node;
    let (parent, link) = (ROOT, name("kept"));
    world
        .run(Command::Link {
            node: file,
            parent,
            name: link,
        })
        .unwrap();
    world.remove_tree(ROOT, "top");
    world.work_off(2);
    assert_eq!(world.attr(file).nlink, 1);
    assert_eq!(world.names(ROOT), ["kept"]);
    assert_eq!(inodes(&world, ROOT), 2);
}

#[test]
fn a_fork_removes_what_it_inherits_for_itself_alone() {
    let mut world = World::new();
    grow(&mut world, "top", 3, 20);
    let before = world.tree(HEAD, ROOT.ino);
    let fork = world.fork("f", head_of("main")).node;
    assert_eq!(inodes(&world, fork), inodes(&world, ROOT));
    world.remove_tree(fork, "top");
    world.work_off(9);
    assert_eq!(inodes(&world, fork), 1);
    world.assert_sound();
    assert!(world.names(fork).is_empty());
    assert_eq!(world.tree(HEAD, ROOT.ino), before);
}

#[test]
fn a_fork_reclaims_trees_that_waited_when_it_was_made() {
    let mut world = World::new();
    grow(&mut world, "top", 3, 20);
    world.remove_tree(ROOT, "top");
    world.snapshot("s", ROOT);
    world.work_off(100);
    let fork = world.fork("f", pinned("s")).node;
    assert_eq!(inodes(&world, fork), 65);
    world.work_off(9);
    assert_eq!(inodes(&world, fork), 1);
    world.assert_sound();
}

#[test]
fn what_a_pin_kept_of_a_detached_tree_goes_with_the_pin() {
    for reclaimed_first in [false, true] {
        let mut world = World::with_window(0);
        world.work_off(100);
        let empty = world.families();
        grow(&mut world, "top", 4, 25);
        world.remove_tree(ROOT, "top");
        if reclaimed_first {
            world.work(Work::Reclaim { rows_max: 40 });
        }
        world.snapshot("s", ROOT);
        world.pass(10_000_000_000);
        world.work_off(7);
        assert_eq!(inodes(&world, ROOT), 1);
        assert!(world.families()[&'H'] > 50, "the pin keeps rows");
        world.assert_sound();
        world.release("s");
        world.pass(10_000_000_000);
        world.work_off(7);
        let mut after = world.families();
        after.insert('w', empty[&'w']);
        assert_eq!(after, empty, "reclaimed first: {reclaimed_first}");
    }
}

#[test]
fn a_directory_that_is_older_than_the_one_that_held_it_is_reclaimed_after_it() {
    let mut world = World::with_window(0);
    let older = world.create(ROOT, "older", NewKind::Directory);
    world.create(older, "f", NewKind::File);
    let top = grow(&mut world, "top", 3, 5);
    world
        .run(Command::Rename {
            from: ROOT,
            from_name: name("older"),
            to: top,
            to_name: name("older"),
            mode: nokv_types::RenameMode::Replace,
        })
        .unwrap();
    world.remove_tree(ROOT, "top");
    while world.work(Work::Reclaim { rows_max: 1 }).1 {}
    assert_eq!(inodes(&world, ROOT), 1);
    assert_eq!(world.families().get(&'d'), None);
}
