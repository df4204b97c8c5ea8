//! Staged publishes: many commands, one switch.

use super::support::{Bodies, HOUR, MIB, blank, head, inline, inode, named, refusal};
use nokv_meta::{Batch, State};
use nokv_store::Store;
use nokv_types::{
    Answer, BLOCK_BYTES, Code, Command, Extent, NewBody, Node, ObjectId, Origin, Outcome, RANGE_BYTES,
    Request, SessionId, UploadId, Version, Work,
};

const SERVER: SessionId = SessionId(0);

fn begin(bodies: &mut Bodies, session: SessionId) -> UploadId {
    match bodies.run(Command::BeginUpload { session }).unwrap().outcome {
        Outcome::Upload(upload) => upload,
        other => panic!("{other:?}"),
    }
}

fn stage(upload: UploadId, range: u64, extents: Vec<Extent>) -> Command {
    Command::Stage {
        upload,
        range,
        extents,
    }
}

fn switch(text: &str, upload: UploadId, size: u64) -> Command {
    Command::Publish {
        target: named(text),
        body: NewBody::Staged { size, upload },
        expect: None,
        xattrs: Vec::new(),
    }
}

fn text(bodies: &Bodies, node: Node) -> Vec<u8> {
    bodies.data(head(node.timeline), node).into_values().collect()
}

/// An upload with these bytes at these offsets.
fn staged(bodies: &mut Bodies, pieces: &[(u64, &[u8])]) -> UploadId {
    let upload = begin(bodies, SERVER);
    for (at, bytes) in pieces {
        let extent = bodies.stored(*at, bytes);
        bodies.run(stage(upload, at / RANGE_BYTES, vec![extent])).unwrap();
    }
    upload
}

#[test]
fn a_staged_body_is_invisible_until_one_command_switches_to_it() {
    let mut bodies = Bodies::new();
    let node = bodies.file("a", 3, vec![inline(0, b"old")]);
    let upload = staged(&mut bodies, &[(0, b"0123"), (RANGE_BYTES, b"new"), (2, b"xy")]);
    assert_eq!(bodies.read(node), b"old");
    let size = RANGE_BYTES + 100;
    let (again, attr) = inode(bodies.run(switch("a", upload, size)));
    assert_eq!((again, attr.size, attr.allocated), (node, size, 7));
    assert_eq!(text(&bodies, node), b"01xynew");
    bodies.prove();
    assert_eq!(
        refusal(bodies.run(switch("b", upload, size))).code,
        Code::UploadExpired
    );
    let late = stage(upload, 0, vec![inline(0, b"late")]);
    assert_eq!(refusal(bodies.run(late)).code, Code::UploadExpired);
}

#[test]
fn stages_that_make_no_sense_are_refused() {
    let mut bodies = Bodies::new();
    let upload = staged(&mut bodies, &[(RANGE_BYTES + 5, b"x")]);
    let mut code = |command| refusal(bodies.run(command)).code;
    assert_eq!(
        code(stage(UploadId(99), 0, vec![inline(0, b"x")])),
        Code::UploadExpired
    );
    assert_eq!(code(stage(upload, 0, Vec::new())), Code::Invalid);
    assert_eq!(
        code(stage(upload, 0, vec![inline(RANGE_BYTES - 1, b"xy")])),
        Code::Invalid
    );
    assert_eq!(code(stage(upload, 1, vec![inline(0, b"x")])), Code::Invalid);
    assert_eq!(
        code(stage(upload, 0, vec![blank(0, 1, ObjectId(5 << 16))])),
        Code::UploadExpired
    );
    assert_eq!(code(switch("a", upload, 10)), Code::Invalid);
    assert_eq!(
        code(Command::BeginUpload {
            session: SessionId(9)
        }),
        Code::SessionExpired
    );
    let id = bodies.id();
    let many = (0..2000).map(|place| blank(place * 2, 1, id)).collect();
    assert_eq!(refusal(bodies.run(stage(upload, 0, many))).code, Code::TooMany);
    inode(bodies.run(switch("a", upload, RANGE_BYTES + 6)));
    bodies.prove();
}

#[test]
fn an_upload_ends_by_command_by_time_and_with_its_session() {
    let mut bodies = Bodies::new();
    let session = SessionId(7);
    let ttl_ns = 3_600_000_000_000;
    bodies.run(Command::SessionOpen { session, ttl_ns }).unwrap();
    let of_session = begin(&mut bodies, session);
    let extent = bodies.stored(0, b"session");
    bodies.run(stage(of_session, 0, vec![extent])).unwrap();
    let given_up = staged(&mut bodies, &[(0, b"given up")]);
    let idle = staged(&mut bodies, &[(0, b"idle")]);
    bodies.run(Command::AbandonUpload { upload: given_up }).unwrap();
    bodies.run(Command::SessionClose { session }).unwrap();
    for upload in [given_up, of_session] {
        let again = Command::AbandonUpload { upload };
        assert_eq!(refusal(bodies.run(again)).code, Code::UploadExpired);
    }
    assert_eq!(bodies.work(&Work::Prune { rows_max: 1 }), 4);
    assert_eq!((bodies.rows_of(b'u'), bodies.rows_of(b'z')), (1, 2));
    bodies.pass(25 * HOUR);
    assert_eq!(
        refusal(bodies.run(switch("a", idle, 9))).code,
        Code::UploadExpired
    );
    bodies.prune();
    assert_eq!(
        (bodies.rows_of(b'u'), bodies.rows_of(b'U'), bodies.rows_of(b'z')),
        (0, 0, 3)
    );
    bodies.prove();
}

#[test]
fn a_staged_body_is_written_cut_and_cloned_like_any_other() {
    let mut bodies = Bodies::new();
    let pieces: [(u64, &[u8]); 4] = [
        (0, b"aaaa"),
        (RANGE_BYTES, b"bbbb"),
        (2 * RANGE_BYTES, b"cccc"),
        (3 * RANGE_BYTES, b"dddd"),
    ];
    let upload = staged(&mut bodies, &pieces);
    let (node, _) = inode(bodies.run(switch("a", upload, 4 * RANGE_BYTES)));
    inode(bodies.run(Command::Write {
        node,
        expect: None,
        extents: vec![inline(RANGE_BYTES + 1, b"BB")],
    }));
    assert_eq!(text(&bodies, node), b"aaaabBBbccccdddd");
    let then = bodies.version();
    bodies.prove();
    let (_, attr) = inode(bodies.run(Command::SetSize {
        node,
        size: 2 * RANGE_BYTES + 1,
    }));
    assert_eq!(attr.allocated, 9);
    inode(bodies.run(Command::SetSize {
        node,
        size: 9 * RANGE_BYTES,
    }));
    assert_eq!(text(&bodies, node), b"aaaabBBbc");
    let (copy, _) = inode(bodies.run(Command::Publish {
        target: named("b"),
        body: NewBody::Clone {
            from: node,
            version: then,
        },
        expect: None,
        xattrs: Vec::new(),
    }));
    bodies.prove();
    bodies.prune();
    bodies.prove();
    assert_eq!(text(&bodies, node), b"aaaabBBbc");
    assert_eq!(text(&bodies, copy), b"aaaabBBbccccdddd");
    bodies.unlink("a");
    bodies.prune();
    bodies.prove();
    assert_eq!(text(&bodies, copy), b"aaaabBBbccccdddd");
    bodies.unlink("b");
    bodies.prune();
    bodies.prove();
    let left = (
        bodies.rows_of(b'b'),
        bodies.rows_of(b'u'),
        bodies.rows_of(b'U'),
        bodies.rows_of(b'z'),
    );
    assert_eq!(left, (0, 0, 0, 4));
}

#[test]
fn ranges_of_a_staged_body_that_nobody_reads_any_more_free_their_objects() {
    let mut bodies = Bodies::new();
    let upload = staged(
        &mut bodies,
        &[(0, b"aaaa"), (RANGE_BYTES, b"bbbb"), (2 * RANGE_BYTES, b"cccc")],
    );
    let (node, _) = inode(bodies.run(switch("a", upload, 3 * RANGE_BYTES)));
    inode(bodies.run(Command::Write {
        node,
        expect: None,
        extents: vec![inline(RANGE_BYTES, b"BBBB")],
    }));
    inode(bodies.run(Command::SetSize {
        node,
        size: 2 * RANGE_BYTES,
    }));
    bodies.prune();
    bodies.prove();
    assert_eq!(
        (bodies.rows_of(b'u'), bodies.rows_of(b'z')),
        (1, 2),
        "both hidden ranges went"
    );
    assert_eq!(text(&bodies, node), b"aaaaBBBB");
}

#[test]
fn a_fork_of_a_staged_body_keeps_it_when_it_is_replaced() {
    let mut bodies = Bodies::new();
    let upload = staged(&mut bodies, &[(0, b"aaaa"), (RANGE_BYTES, b"bbbb")]);
    let (node, _) = inode(bodies.run(switch("a", upload, 2 * RANGE_BYTES)));
    let answer = bodies.run(Command::Fork {
        name: b"fork".to_vec(),
        origin: Origin::Root {
            name: b"main".to_vec(),
            version: Version::HEAD,
        },
    });
    let Outcome::Root(root) = answer.unwrap().outcome else {
        unreachable!()
    };
    let forked = Node::new(root.node.timeline, node.ino);
    inode(bodies.run(Command::SetSize {
        node: forked,
        size: RANGE_BYTES + 2,
    }));
    bodies.file("a", 1, vec![inline(0, b"x")]);
    bodies.prune();
    bodies.prove();
    assert_eq!(text(&bodies, forked), b"aaaabb");
    let timeline = forked.timeline;
    bodies.work(&Work::Flatten {
        timeline,
        rows_max: 100,
    });
    bodies.prune();
    bodies.prove();
    assert_eq!(text(&bodies, forked), b"aaaabb");
}

/// Runs commands as one batch; answers how many rows it changed.
fn batch(bodies: &mut Bodies, commands: Vec<Command>) -> (Vec<Answer>, usize) {
    let world = &mut bodies.world;
    let mut batch = Batch::new(&world.store, &mut world.state, world.clock);
    for command in commands {
        batch.execute(Request::internal(command)).unwrap();
    }
    let finished = batch.finish().unwrap();
    world.store.apply(&finished.mutations).unwrap();
    (finished.answers, finished.mutations.len())
}

#[test]
fn a_dense_manifest_of_4_tib_is_switched_to_by_a_handful_of_rows() {
    const RANGES: u64 = 16_384;
    const OBJECTS: u64 = 256;
    let mut bodies = Bodies::new();
    let ids: Vec<ObjectId> = (0..OBJECTS).map(|_| bodies.id()).collect();
    let upload = begin(&mut bodies, SERVER);
    let blocks = |range: u64| -> Vec<Extent> {
        let first = range * RANGE_BYTES / BLOCK_BYTES;
        (first..first + RANGE_BYTES / BLOCK_BYTES)
            .map(|block| {
                blank(
                    block * BLOCK_BYTES,
                    BLOCK_BYTES as u32,
                    ids[(block % OBJECTS) as usize],
                )
            })
            .collect()
    };
    for group in 0..RANGES / 512 {
        let commands = (group * 512..(group + 1) * 512).map(|range| stage(upload, range, blocks(range)));
        let (answers, _) = batch(&mut bodies, commands.collect());
        assert!(answers.iter().all(Result::is_ok));
    }
    let size = RANGES * RANGE_BYTES;
    let (mut answers, rows) = batch(&mut bodies, vec![switch("a", upload, size)]);
    let (node, attr) = inode(answers.remove(0));
    assert_eq!((attr.size, attr.allocated), (size, size));
    assert!(rows < 12, "{rows} rows for the switch");
    let far = bodies.plan(node, size - 5 * MIB, MIB);
    assert_eq!(far.extents.len(), 1);
    assert_eq!(far.extents[0].at, size - 5 * MIB);
    let (_, rows) = batch(
        &mut bodies,
        vec![Command::Write {
            node,
            expect: None,
            extents: vec![inline(size / 2, b"patch")],
        }],
    );
    assert!(rows < 80, "{rows} rows for a patch");
    let middle = bodies.plan(node, size / 2, 2 * BLOCK_BYTES);
    assert_eq!(middle.extents.len(), 3);
    let (_, rows) = batch(
        &mut bodies,
        vec![Command::Unlink {
            parent: crate::world::ROOT,
            name: crate::world::name("a"),
        }],
    );
    assert!(rows < 12, "{rows} rows for the removal");
    bodies.prune();
    assert_eq!((bodies.rows_of(b'b'), bodies.rows_of(b'u')), (0, 0));
    assert_eq!(bodies.rows_of(b'z') as u64, OBJECTS);
    bodies.prove();
}

#[test]
fn a_session_has_a_bounded_number_of_uploads_open() {
    let mut bodies = Bodies::new();
    let session = SessionId(5);
    bodies
        .run(Command::SessionOpen {
            session,
            ttl_ns: HOUR,
        })
        .unwrap();
    let first = begin(&mut bodies, session);
    for _ in 1..4096 {
        begin(&mut bodies, session);
    }
    let code = |bodies: &mut Bodies| refusal(bodies.run(Command::BeginUpload { session })).code;
    assert_eq!(code(&mut bodies), Code::TooMany);
    begin(&mut bodies, SERVER);
    bodies.run(Command::AbandonUpload { upload: first }).unwrap();
    let second = begin(&mut bodies, session);
    assert_eq!(code(&mut bodies), Code::TooMany);
    let extent = bodies.stored(0, b"x");
    bodies.run(stage(second, 0, vec![extent])).unwrap();
    // A refused publish leaves the upload open.
    refusal(bodies.run(switch("a", second, 0)));
    assert_eq!(code(&mut bodies), Code::TooMany);
    bodies.run(switch("a", second, 1)).unwrap();
    begin(&mut bodies, session);
    bodies.world.state = State::load(&bodies.world.store, bodies.world.state.last_version()).unwrap();
    assert_eq!(code(&mut bodies), Code::TooMany);
}

#[test]
fn an_upload_gets_a_full_new_term_after_a_restart() {
    let mut bodies = Bodies::new();
    let upload = staged(&mut bodies, &[(0, b"0123")]);
    bodies.world.clock.log_ns += 23 * HOUR;
    bodies.world.state = State::load(&bodies.world.store, bodies.world.state.last_version()).unwrap();
    bodies.run(Command::Work(Work::AdvanceTime)).unwrap();
    bodies.world.clock.log_ns += 23 * HOUR;
    bodies.run(Command::Work(Work::AdvanceTime)).unwrap();
    bodies.run(switch("a", upload, 4)).unwrap();
    let late = begin(&mut bodies, SERVER);
    bodies.world.clock.log_ns += 24 * HOUR;
    bodies.run(Command::Work(Work::AdvanceTime)).unwrap();
    let gone = refusal(bodies.run(Command::AbandonUpload { upload: late }));
    assert_eq!(gone.code, Code::UploadExpired);
}
