//! Pointing a root back at an earlier state, many times.

use super::{head_of, pinned};
use crate::world::{ROOT, World};
use nokv_types::{Code, Command, NewKind, Node, Origin, Version};

const DAY: u64 = 24 * 3_600_000_000_000;

fn version_of(world: &World) -> Origin {
    Origin::Root {
        name: b"main".to_vec(),
        version: world.state.last_version(),
    }
}

#[test]
fn the_old_state_comes_back_and_the_replaced_one_is_kept_for_a_day() {
    let mut world = World::new();
    world.create(ROOT, "a", NewKind::File);
    let before = version_of(&world);
    world.create(ROOT, "b", NewKind::File);
    let root = world.rollback("main", before, "undo").unwrap();
    assert_eq!(world.names(root.node), ["a"]);
    // Handles on the replaced state read on, and cannot write.
    assert_eq!(world.names(ROOT), ["a", "b"]);
    let (parent, name) = (ROOT, crate::world::name("c"));
    let (inode, kind) = (crate::world::OWNER, NewKind::File);
    let written = world.run(Command::Create {
        parent,
        name,
        inode,
        kind,
    });
    assert_eq!(written.unwrap_err().code, Code::Stale);
    // What was rolled back can be rolled back to.
    let root = world.rollback("main", pinned("undo"), "redo").unwrap();
    assert_eq!(world.names(root.node), ["a", "b"]);
    world.pass(2 * DAY);
    world.work_off(100);
    assert!(world.reader(|reader| reader.pins()).unwrap().is_empty());
}

#[test]
fn only_a_state_of_the_same_directory_is_taken() {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    world.snapshot("dir", dir);
    world.snapshot("all", ROOT);
    let code = |answer: Result<_, nokv_types::Refusal>| answer.map(drop).unwrap_err().code;
    assert_eq!(code(world.rollback("main", pinned("dir"), "k")), Code::NotARoot);
    assert_eq!(code(world.rollback("main", pinned("none"), "k")), Code::NotFound);
    assert_eq!(code(world.rollback("none", pinned("all"), "k")), Code::NotFound);
    assert_eq!(code(world.rollback("main", pinned("all"), "dir")), Code::Exists);
    world
        .run(Command::VolumeCreate {
            name: b"volume".to_vec(),
            inode: crate::world::OWNER,
        })
        .unwrap();
    assert_eq!(code(world.rollback("volume", pinned("all"), "k")), Code::NotARoot);
    let future = Origin::Root {
        name: b"main".to_vec(),
        version: Version(world.state.last_version().0 + 1000),
    };
    assert_eq!(code(world.rollback("main", future, "k")), Code::Invalid);
    assert!(
        world.root("main").node == ROOT,
        "a refused rollback changes nothing"
    );
}

#[test]
fn two_hundred_rollbacks_and_promotes_leave_the_rows_of_one_tree() {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    for file in 0..300 {
        world.create(dir, &format!("f{file}"), NewKind::File);
    }
    world.pass(2 * DAY);
    world.work_off(1000);
    let before = world.store.to_rows().len();
    for round in 0..100 {
        let here = version_of(&world);
        let dir = Node::new(world.root("main").node.timeline, dir.ino);
        world.create(dir, "change", NewKind::File);
        world.rollback("main", here, &format!("back{round}")).unwrap();
        world.fork("fork", head_of("main"));
        let fork = world.root("fork").node;
        world.create(
            Node::new(fork.timeline, dir.ino),
            &format!("p{round}"),
            NewKind::File,
        );
        world
            .promote("fork", "main", false, &format!("kept{round}"))
            .unwrap();
        world.delete_root("fork");
        let main = Node::new(world.root("main").node.timeline, dir.ino);
        let (parent, name) = (main, crate::world::name(&format!("p{round}")));
        world.run(Command::Unlink { parent, name }).unwrap();
        world.work_off(1000);
    }
    let root = world.root("main").node;
    assert_eq!(world.names(Node::new(root.timeline, dir.ino)).len(), 300);
    world.pass(2 * DAY);
    world.work_off(1000);
    world.assert_sound();
    let after = world.store.to_rows().len();
    assert!(
        after * 10 <= before * 11,
        "{before} rows became {after}: {:?}",
        world.families()
    );
    assert!(world.state.timelines().depth(root.timeline) <= 9);
}

#[test]
fn fifty_forks_of_forks_are_flattened_and_their_ancestors_freed() {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    world.create(dir, "base", NewKind::File);
    let mut last = "main".to_owned();
    for fork in 0..50 {
        let name = format!("fork{fork}");
        world.fork(&name, head_of(&last));
        let dir = Node::new(world.root(&name).node.timeline, dir.ino);
        world.create(dir, &format!("f{fork}"), NewKind::File);
        last = name;
    }
    let node = Node::new(world.root(&last).node.timeline, dir.ino);
    assert_eq!(world.state.timelines().depth(node.timeline), 50);
    assert_eq!(world.names(node).len(), 51);
    world.work_off(100);
    assert!(world.state.timelines().depth(node.timeline) <= 8);
    assert_eq!(world.names(node).len(), 51);
    for fork in 0..49 {
        world.delete_root(&format!("fork{fork}"));
    }
    let timeline = node.timeline;
    while world
        .work(nokv_types::Work::Flatten {
            timeline,
            rows_max: 10,
        })
        .1
    {}
    world.pass(2 * DAY);
    world.work_off(100);
    world.assert_sound();
    assert_eq!(world.names(node).len(), 51);
    assert_eq!(world.families()[&'t'], 2, "only main and the last fork are left");
}

#[test]
fn a_fork_of_more_than_64_ancestors_is_refused() {
    let mut world = World::new();
    let mut last = "main".to_owned();
    for fork in 0..64 {
        let name = format!("f{fork}");
        world.fork(&name, head_of(&last));
        last = name;
    }
    let answer = world.run(Command::Fork {
        name: b"deeper".to_vec(),
        origin: head_of(&last),
    });
    assert_eq!(answer.unwrap_err().code, Code::TooDeep);
    world.work_off(100);
    world.fork("deeper", head_of(&last));
}
