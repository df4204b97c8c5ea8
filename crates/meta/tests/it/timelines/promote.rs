//! Promoting a fork: refused when the live state moved on, unless that is to be discarded.

use super::{head_of, pinned};
use crate::world::{ROOT, World, name};
use nokv_types::{AttrChange, Code, Command, NewKind, Node, Work};

fn code<T: std::fmt::Debug>(answer: Result<T, nokv_types::Refusal>) -> Code {
    answer.unwrap_err().code
}

fn change(world: &mut World, node: Node) {
    let change = AttrChange {
        mode: Some(0o700),
        ..AttrChange::default()
    };
    world.run(Command::SetAttr { node, change }).unwrap();
}

#[test]
fn a_fork_replaces_what_it_was_forked_from() {
    let mut world = World::new();
    world.create(ROOT, "a", NewKind::File);
    let fork = world.fork("f", head_of("main")).node;
    world.create(fork, "b", NewKind::File);
    let root = world.promote("f", "main", false, "k").unwrap();
    assert_eq!(world.names(root.node), ["a", "b"]);
    // The fork goes on by itself.
    world.create(fork, "c", NewKind::File);
    assert_eq!(world.names(root.node), ["a", "b"]);
    assert_eq!(world.names(fork), ["a", "b", "c"]);
    // It is not what the root now comes from: promoting it again would lose nothing but says so.
    world.create(root.node, "d", NewKind::File);
    assert_eq!(code(world.promote("f", "main", false, "k2")), Code::LiveChanged);
    let root = world.promote("f", "main", true, "k2").unwrap();
    assert_eq!(world.names(root.node), ["a", "b", "c"]);
}

#[test]
fn a_change_of_the_live_state_is_seen_whenever_it_came() {
    let mut world = World::new();
    let file = world.create(ROOT, "a", NewKind::File);
    world.snapshot("early", ROOT);
    world.fork("before", pinned("early"));
    change(&mut world, file);
    world.snapshot("late", ROOT);
    world.fork("after", pinned("late"));
    world.state = nokv_meta::State::load(&world.store, world.state.last_version()).unwrap();
    assert_eq!(
        code(world.promote("before", "main", false, "k")),
        Code::LiveChanged
    );
    world.promote("after", "main", false, "k").unwrap();
}

#[test]
fn a_fork_of_a_version_that_nobody_held_knows_of_later_changes() {
    let mut world = World::new();
    world.create(ROOT, "a", NewKind::File);
    let version = world.state.last_version();
    let origin = || nokv_types::Origin::Root {
        name: b"main".to_vec(),
        version,
    };
    world.fork("same", origin());
    world.create(ROOT, "b", NewKind::File);
    world.fork("older", origin());
    assert_eq!(
        code(world.promote("older", "main", false, "k")),
        Code::LiveChanged
    );
    let mut world = World::new();
    world.create(ROOT, "a", NewKind::File);
    let version = world.state.last_version();
    world.create(ROOT, "b", NewKind::File);
    world.fork(
        "older",
        nokv_types::Origin::Root {
            name: b"main".to_vec(),
            version,
        },
    );
    assert_eq!(
        code(world.promote("older", "main", false, "k")),
        Code::LiveChanged
    );
}

#[test]
fn background_work_is_no_change_of_the_live_state() {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    for file in 0..10 {
        world.create(dir, &format!("f{file}"), NewKind::File);
    }
    world.remove_tree(ROOT, "dir");
    world.fork("f", head_of("main"));
    world.work(Work::Reclaim { rows_max: 4 });
    world.work_off(100);
    world.promote("f", "main", false, "k").unwrap();
}

#[test]
fn only_a_fork_of_the_same_directory_is_promoted() {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    world.snapshot("s", dir);
    world.fork("sub", pinned("s"));
    assert_eq!(code(world.promote("sub", "main", true, "k")), Code::NotARoot);
    assert_eq!(code(world.promote("main", "main", true, "k")), Code::Invalid);
    assert_eq!(code(world.promote("none", "main", true, "k")), Code::NotFound);
    let name = name("x").as_bytes().to_vec();
    assert_eq!(code(world.run(Command::RootDelete { name })), Code::NotFound);
    let name = b"main".to_vec();
    assert_eq!(code(world.run(Command::RootDelete { name })), Code::NotPermitted);
}

#[test]
fn a_change_that_supersedes_no_row_of_its_own_timeline_is_seen() {
    let mut world = World::new();
    let file = world.create(ROOT, "a", NewKind::File);
    world.snapshot("s", ROOT);
    let root = world.rollback("main", pinned("s"), "k0").unwrap().node;
    world.create(root, "b", NewKind::File);
    let version = world.state.last_version();
    // The entry was inherited until now.
    change(&mut world, Node::new(root.timeline, file.ino));
    let origin = nokv_types::Origin::Root {
        name: b"main".to_vec(),
        version,
    };
    world.fork("f", origin);
    let refused = world.promote("f", "main", false, "k").unwrap_err();
    assert_eq!(refused.code, Code::LiveChanged);
    assert!(
        refused.detail.contains("may have changed since the fork"),
        "{refused}"
    );
    world.promote("f", "main", true, "k").unwrap();
}

#[test]
fn a_refusal_says_may_only_where_it_is_not_known() {
    let mut world = World::new();
    let file = world.create(ROOT, "a", NewKind::File);
    world.fork("f", head_of("main"));
    change(&mut world, file);
    let refused = world.promote("f", "main", false, "k").unwrap_err();
    assert_eq!(refused.code, Code::LiveChanged);
    assert!(!refused.detail.contains("may have"), "{refused}");
}
