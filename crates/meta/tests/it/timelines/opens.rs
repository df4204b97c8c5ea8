//! Open files against pruning, rollback and freeing: a reader keeps its bytes until it closes.

use super::{head_of, pinned};
use crate::world::{HEAD, ROOT, World};
use nokv_types::{
    Command, Extent, NewBody, NewKind, Node, Outcome, ReadPoint, Request, SessionId, Source, Target, Version,
    Work,
};

const SESSION: SessionId = SessionId(5);
const HOUR: u64 = 3_600_000_000_000;

fn world_with_session() -> World {
    let mut world = World::with_window(0);
    let ttl_ns = 24 * HOUR;
    world
        .run(Command::SessionOpen {
            session: SESSION,
            ttl_ns,
        })
        .unwrap();
    world
}

fn publish(world: &mut World, node: Node, bytes: &[u8]) {
    let extent = Extent {
        at: 0,
        len: bytes.len() as u32,
        source: Source::Inline(bytes.to_vec()),
    };
    let body = NewBody::Whole {
        size: bytes.len() as u64,
        extents: vec![extent],
    };
    world
        .run(Command::Publish {
            target: Target::Node(node),
            body,
            expect: None,
            xattrs: Vec::new(),
        })
        .unwrap();
}

fn open(world: &mut World, node: Node) -> u64 {
    match world
        .run(Command::Open {
            session: SESSION,
            node,
        })
        .unwrap()
        .outcome
    {
        Outcome::Opened { handle, .. } => handle,
        other => panic!("{other:?}"),
    }
}

fn close(world: &mut World, handle: u64) {
    world
        .run(Command::Close {
            session: SESSION,
            handle,
        })
        .unwrap();
}

/// The bytes that a handle reads.
fn bytes(world: &World, handle: u64) -> Vec<u8> {
    let plan = world.reader(|reader| {
        let (node, attr) = reader.opened(SESSION, handle).unwrap();
        let at = ReadPoint {
            timeline: node.timeline,
            version: Version::HEAD,
        };
        reader.read_plan_of(at, node.ino, &attr, (0, attr.size)).unwrap()
    });
    let extents = plan.extents.iter().map(|extent| match &extent.source {
        Source::Inline(bytes) => bytes.clone(),
        Source::Slice(_) => panic!("bodies of this test are inline"),
    });
    extents.collect::<Vec<_>>().concat()
}

fn settle(world: &mut World) {
    for _ in 0..2 {
        world.pass(2_000_000_000);
        world.work_off(100);
    }
    world.assert_sound();
}

#[test]
fn a_replaced_body_is_dropped_when_its_last_reader_closes() {
    let mut world = world_with_session();
    let file = world.create(ROOT, "file", NewKind::File);
    publish(&mut world, file, b"one");
    let (first, second) = (open(&mut world, file), open(&mut world, file));
    publish(&mut world, file, b"two");
    publish(&mut world, file, b"three");
    settle(&mut world);
    assert_eq!(world.families()[&'b'], 2, "the body in between is gone");
    assert!(world.state.pending_work(&world.store).unwrap().is_empty());
    assert_eq!(bytes(&world, first), b"one");
    close(&mut world, first);
    settle(&mut world);
    assert_eq!(bytes(&world, second), b"one");
    close(&mut world, second);
    settle(&mut world);
    assert_eq!(world.families()[&'b'], 1);
    assert_eq!(
        (world.families().get(&'n'), world.families().get(&'P')),
        (None, None)
    );
}

#[test]
fn a_timeline_is_freed_only_after_its_last_reader() {
    let mut world = world_with_session();
    let file = world.create(ROOT, "file", NewKind::File);
    publish(&mut world, file, b"base");
    let fork = world.fork("f", head_of("main")).node;
    let own = Node::new(fork.timeline, file.ino);
    publish(&mut world, own, b"fork");
    let handle = open(&mut world, own);
    world.delete_root("f");
    settle(&mut world);
    assert_eq!(
        (bytes(&world, handle), world.families()[&'t']),
        (b"fork".to_vec(), 2)
    );
    close(&mut world, handle);
    settle(&mut world);
    assert_eq!((world.families()[&'t'], world.families()[&'b']), (1, 1));
}

#[test]
fn a_reader_keeps_its_bytes_over_a_rollback_and_a_removed_tree() {
    let mut world = world_with_session();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    world.snapshot("s", ROOT);
    let file = world.create(dir, "file", NewKind::File);
    publish(&mut world, file, b"bytes");
    let handle = open(&mut world, file);
    world.remove_tree(ROOT, "dir");
    settle(&mut world);
    assert_eq!(bytes(&world, handle), b"bytes");
    world.rollback("main", pinned("s"), "keep").unwrap();
    world.pass(25 * HOUR - 24 * HOUR);
    settle(&mut world);
    assert_eq!(bytes(&world, handle), b"bytes");
    close(&mut world, handle);
    assert!(world.reader(|reader| reader.getattr(HEAD, file.ino)).is_err());
}

#[test]
fn a_fork_releases_files_that_were_open_without_a_name_elsewhere() {
    let mut world = world_with_session();
    let file = world.create(ROOT, "file", NewKind::File);
    publish(&mut world, file, b"bytes");
    let handle = open(&mut world, file);
    let (parent, name) = (ROOT, crate::world::name("file"));
    world.run(Command::Unlink { parent, name }).unwrap();
    let fork = world.fork("f", head_of("main")).node;
    let at = ReadPoint {
        timeline: fork.timeline,
        version: Version::HEAD,
    };
    settle(&mut world);
    let inodes = |world: &World, at| world.reader(|reader| reader.statfs(at)).unwrap().inodes;
    assert_eq!((inodes(&world, at), inodes(&world, HEAD)), (1, 2));
    assert_eq!(bytes(&world, handle), b"bytes");
    close(&mut world, handle);
    assert_eq!(inodes(&world, HEAD), 1);
}

#[test]
fn a_timeline_that_is_freed_by_the_batch_of_its_last_close_leaves_no_row() {
    let mut world = world_with_session();
    let fork = world.fork("fork", head_of("main"));
    let file = world.create(fork.node, "file", NewKind::File);
    let handle = open(&mut world, file);
    let unlink = Command::Unlink {
        parent: fork.node,
        name: crate::world::name("file"),
    };
    world.run(unlink).unwrap();
    world.delete_root("fork");
    let close = Command::Close {
        session: SESSION,
        handle,
    };
    let free = Command::Work(Work::FreeTimelines { rows_max: 1000 });
    let answers = world.batch(vec![Request::internal(close), Request::internal(free)]);
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(world.families()[&'t'], 1);
    world.assert_sound();
}

#[test]
fn without_a_window_what_an_ended_session_held_goes_as_well() {
    let mut world = world_with_session();
    let file = world.create(ROOT, "file", NewKind::File);
    publish(&mut world, file, b"bytes");
    open(&mut world, file);
    let unlink = Command::Unlink {
        parent: ROOT,
        name: crate::world::name("file"),
    };
    world.run(unlink).unwrap();
    world.pass(25 * HOUR);
    settle(&mut world);
    assert_eq!(world.families().get(&'b'), None);
}
