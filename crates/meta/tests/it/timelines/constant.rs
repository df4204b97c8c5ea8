//! What a snapshot, fork, rollback, promote or detach writes does not depend on the size of the tree.

use super::{head_of, pinned};
use crate::world::{OWNER, ROOT, World, name};
use nokv_meta::Batch;
use nokv_types::{Command, NewKind, Request};

/// Rows that one command changes, on a tree of `size` entries in one directory.
fn rows(size: usize) -> Vec<usize> {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    let make = |file: usize| {
        Request::internal(Command::Create {
            parent: dir,
            name: name(&format!("f{file}")),
            inode: OWNER,
            kind: NewKind::File,
        })
    };
    for first in (0..size).step_by(500) {
        world.batch((first..size.min(first + 500)).map(make).collect());
    }
    let key = |text: &str| text.as_bytes().to_vec();
    let commands = [
        Command::SnapshotCreate {
            key: key("s"),
            node: dir,
            holder: key("a"),
            lease_ns: None,
        },
        Command::SnapshotCreate {
            key: key("all"),
            node: ROOT,
            holder: key("a"),
            lease_ns: None,
        },
        Command::Fork {
            name: key("f"),
            origin: head_of("main"),
        },
        Command::Fork {
            name: key("g"),
            origin: pinned("s"),
        },
        Command::RemoveTree {
            parent: ROOT,
            name: name("dir"),
        },
        Command::Rollback {
            name: key("main"),
            origin: pinned("all"),
            keep: key("k1"),
        },
        Command::Promote {
            fork: key("f"),
            onto: key("main"),
            discard_live: true,
            keep: key("k2"),
        },
        Command::RootDelete { name: key("g") },
        Command::SnapshotRelease {
            key: key("s"),
            holder: key("a"),
        },
    ];
    let mut counts = Vec::new();
    for command in commands {
        let mut batch = Batch::new(&world.store, &mut world.state, world.clock);
        batch.execute(Request::internal(command)).unwrap();
        let finished = batch.finish().unwrap();
        assert!(finished.answers[0].is_ok(), "{:?}", finished.answers);
        counts.push(finished.mutations.len());
        nokv_store::Store::apply(&world.store, &finished.mutations).unwrap();
    }
    counts
}

#[test]
fn timeline_commands_write_the_same_few_rows_for_any_tree() {
    let small = rows(10);
    assert_eq!(small, rows(5_000));
    assert!(small.iter().all(|count| *count <= 12), "{small:?}");
}
