//! Quotas: limits, what is charged to whom, and the job that counts a full directory.

use crate::timelines::pinned;
use crate::world::{HEAD, OWNER, ROOT, World, name};
use nokv_meta::{State, fsck};
use nokv_types::{
    Answer, Code, Command, NewKind, Node, Origin, Outcome, QuotaLimits, QuotaUsage, ReadPoint, RenameMode,
    SessionId, Version, Work,
};

fn set(world: &mut World, node: Node, inodes: Option<u64>) -> Answer {
    let limits = QuotaLimits { bytes: None, inodes };
    world.run(Command::SetQuota { node, limits })
}

fn usage(world: &World, node: Node) -> QuotaUsage {
    world.reader(|reader| reader.quota(HEAD, node.ino)).unwrap()
}

fn try_create(world: &mut World, parent: Node, text: &str) -> Answer {
    world.run(Command::Create {
        parent,
        name: name(text),
        inode: OWNER,
        kind: NewKind::File,
    })
}

fn rename(world: &mut World, from: Node, from_name: &str, to: Node, to_name: &str) -> Answer {
    world.run(Command::Rename {
        from,
        from_name: name(from_name),
        to,
        to_name: name(to_name),
        mode: RenameMode::Replace,
    })
}

/// Runs the counting job in steps of `rows_max` to its end; answers how many steps it took.
fn count(world: &mut World, rows_max: u32) -> usize {
    for step in 1..1000 {
        let answer = world.run(Command::Work(Work::CountQuota { rows_max }));
        if let Outcome::Worked { more: false, .. } = answer.unwrap().outcome {
            return step;
        }
    }
    panic!("counting never ends");
}

/// `dir` with ten files and a directory `sub` of ten more.
fn full_dir(world: &mut World) -> (Node, Node) {
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    let sub = world.create(dir, "m-sub", NewKind::Directory);
    for n in 0..10 {
        world.create(dir, &format!("f{n}"), NewKind::File);
        world.create(sub, &format!("g{n}"), NewKind::File);
    }
    (dir, sub)
}

#[test]
fn an_empty_directory_is_limited_at_once() {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    set(&mut world, dir, Some(3)).unwrap();
    let sub = world.create(dir, "sub", NewKind::Directory);
    world.create(sub, "file", NewKind::File);
    let refused = try_create(&mut world, sub, "more").unwrap_err();
    assert_eq!((refused.code, refused.code.errno()), (Code::QuotaExceeded, 122));
    let used = usage(&world, sub);
    assert_eq!((used.inodes, used.limits.inodes), (3, Some(3)));
    assert_ne!(used.quota, usage(&world, ROOT).quota);
    world.create(ROOT, "beside", NewKind::File);
    world
        .run(Command::Unlink {
            parent: sub,
            name: name("file"),
        })
        .unwrap();
    try_create(&mut world, sub, "more").unwrap();
    set(&mut world, dir, Some(4)).unwrap();
    assert_eq!(
        usage(&world, sub).quota,
        used.quota,
        "new limits, the same quota root"
    );
    try_create(&mut world, dir, "fourth").unwrap();
}

#[test]
fn a_limit_on_the_root_is_the_workspace_being_full() {
    let mut world = World::new();
    set(&mut world, ROOT, Some(2)).unwrap();
    world.create(ROOT, "file", NewKind::File);
    let refused = try_create(&mut world, ROOT, "more").unwrap_err();
    assert_eq!((refused.code, refused.code.errno()), (Code::NoSpace, 28));
    let dir_usage = world.reader(|reader| reader.statfs(HEAD)).unwrap();
    assert_eq!((dir_usage.inodes, dir_usage.limits.inodes), (2, Some(2)));
    // Lowering the limit below what is used refuses growth, not shrinking.
    set(&mut world, ROOT, Some(1)).unwrap();
    world
        .run(Command::Unlink {
            parent: ROOT,
            name: name("file"),
        })
        .unwrap();
    assert_eq!(
        try_create(&mut world, ROOT, "again").unwrap_err().code,
        Code::NoSpace
    );
}

#[test]
fn limits_survive_a_restart() {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    set(&mut world, dir, Some(1)).unwrap();
    world.state = State::load(&world.store, Version::ZERO).unwrap();
    assert_eq!(
        try_create(&mut world, dir, "file").unwrap_err().code,
        Code::QuotaExceeded
    );
}

#[test]
fn only_a_file_with_one_name_moves_its_charge() {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    set(&mut world, dir, Some(2)).unwrap();
    let file = world.create(ROOT, "file", NewKind::File);
    world.create(ROOT, "other", NewKind::Directory);
    rename(&mut world, ROOT, "file", dir, "file").unwrap();
    assert_eq!(usage(&world, dir).inodes, 2);
    assert_eq!(world.attr(file).quota, usage(&world, dir).quota);
    assert_eq!(
        rename(&mut world, ROOT, "other", dir, "other").unwrap_err().code,
        Code::CrossDevice
    );
    let link = Command::Link {
        node: file,
        parent: ROOT,
        name: name("hard"),
    };
    assert_eq!(world.run(link).unwrap_err().code, Code::CrossDevice);
    let second = world.create(ROOT, "second", NewKind::File);
    let full = rename(&mut world, ROOT, "second", dir, "second");
    assert_eq!(full.unwrap_err().code, Code::QuotaExceeded);
    let link = Command::Link {
        node: second,
        parent: ROOT,
        name: name("hard"),
    };
    world.run(link).unwrap();
    set(&mut world, dir, None).unwrap();
    assert_eq!(
        rename(&mut world, ROOT, "second", dir, "second")
            .unwrap_err()
            .code,
        Code::CrossDevice
    );
    rename(&mut world, dir, "file", ROOT, "back").unwrap();
    assert_eq!((usage(&world, dir).inodes, usage(&world, ROOT).inodes), (1, 5));
}

#[test]
fn a_file_that_has_one_name_again_moves_its_charge() {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    set(&mut world, dir, Some(3)).unwrap();
    let file = world.create(ROOT, "file", NewKind::File);
    let link = Command::Link {
        node: file,
        parent: ROOT,
        name: name("hard"),
    };
    world.run(link).unwrap();
    let unlink = Command::Unlink {
        parent: ROOT,
        name: name("file"),
    };
    world.run(unlink).unwrap();
    rename(&mut world, ROOT, "hard", dir, "in").unwrap();
    assert_eq!(usage(&world, dir).inodes, 2);
    assert_eq!(world.attr(file).quota, usage(&world, dir).quota);
    rename(&mut world, dir, "in", ROOT, "out").unwrap();
    assert_eq!(usage(&world, dir).inodes, 1);
    assert!(fsck(&world.store).unwrap().is_clean());
}

#[test]
fn a_quota_root_itself_moves_freely() {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    let other = world.create(ROOT, "other", NewKind::Directory);
    for node in [dir, other] {
        set(&mut world, node, Some(9)).unwrap();
    }
    world.create(dir, "file", NewKind::File);
    rename(&mut world, ROOT, "dir", other, "moved").unwrap();
    assert_eq!((usage(&world, dir).inodes, usage(&world, other).inodes), (2, 1));
}

#[test]
fn a_removed_file_that_is_open_stays_charged() {
    let mut world = World::new();
    let session = SessionId(1);
    world
        .run(Command::SessionOpen {
            session,
            ttl_ns: 1 << 40,
        })
        .unwrap();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    set(&mut world, dir, Some(2)).unwrap();
    let node = world.create(dir, "file", NewKind::File);
    world.run(Command::Open { session, node }).unwrap();
    world
        .run(Command::Unlink {
            parent: dir,
            name: name("file"),
        })
        .unwrap();
    assert_eq!(
        try_create(&mut world, dir, "next").unwrap_err().code,
        Code::QuotaExceeded
    );
    world.run(Command::SessionClose { session }).unwrap();
    try_create(&mut world, dir, "next").unwrap();
}

#[test]
fn a_full_directory_is_counted_by_a_job_and_limited_when_it_is_done() {
    for rows_max in [1, 7, 1000] {
        let mut world = World::new();
        let (dir, sub) = full_dir(&mut world);
        set(&mut world, dir, Some(5)).unwrap();
        assert_eq!(usage(&world, dir).inodes, 1);
        try_create(&mut world, dir, "while-counting").unwrap();
        let steps = count(&mut world, rows_max);
        assert!(steps >= 22 / rows_max as usize);
        assert_eq!((usage(&world, dir).inodes, usage(&world, ROOT).inodes), (23, 24));
        assert_eq!(usage(&world, sub).quota, usage(&world, dir).quota);
        assert_eq!(
            try_create(&mut world, sub, "more").unwrap_err().code,
            Code::QuotaExceeded
        );
    }
}

#[test]
fn a_counting_job_goes_on_after_a_restart() {
    let mut world = World::new();
    let (dir, _) = full_dir(&mut world);
    set(&mut world, dir, None).unwrap();
    for _ in 0..4 {
        world
            .run(Command::Work(Work::CountQuota { rows_max: 3 }))
            .unwrap();
        world.state = State::load(&world.store, Version::ZERO).unwrap();
    }
    count(&mut world, 3);
    assert_eq!(usage(&world, dir).inodes, 22);
}

#[test]
fn what_moves_while_a_directory_is_counted_is_counted_once() {
    let mut world = World::new();
    let (dir, sub) = full_dir(&mut world);
    let deep = world.create(sub, "deep", NewKind::Directory);
    set(&mut world, dir, None).unwrap();
    let step = |world: &mut World| {
        world
            .run(Command::Work(Work::CountQuota { rows_max: 5 }))
            .unwrap()
    };
    step(&mut world);
    // Files move both ways over the job's place; directories wait.
    rename(&mut world, dir, "f9", dir, "a9").unwrap();
    rename(&mut world, dir, "f0", ROOT, "out").unwrap();
    assert_eq!(
        rename(&mut world, dir, "m-sub", dir, "a-sub").unwrap_err().code,
        Code::Busy
    );
    assert_eq!(set(&mut world, deep, None).unwrap_err().code, Code::Busy);
    rename(&mut world, sub, "g1", dir, "a1").unwrap();
    world.create(sub, "late", NewKind::File);
    count(&mut world, 5);
    assert_eq!((usage(&world, dir).inodes, usage(&world, ROOT).inodes), (23, 25));
    rename(&mut world, dir, "m-sub", dir, "a-sub").unwrap();
}

#[test]
fn counting_passes_over_inner_quota_roots_and_ends_with_its_directory() {
    let mut world = World::new();
    let (dir, sub) = full_dir(&mut world);
    set(&mut world, sub, None).unwrap();
    count(&mut world, 100);
    set(&mut world, dir, None).unwrap();
    count(&mut world, 4);
    assert_eq!((usage(&world, dir).inodes, usage(&world, sub).inodes), (11, 11));
    let (gone, _) = {
        let other = world.create(ROOT, "gone", NewKind::Directory);
        (other, world.create(other, "file", NewKind::File))
    };
    set(&mut world, gone, None).unwrap();
    world
        .run(Command::Unlink {
            parent: gone,
            name: name("file"),
        })
        .unwrap();
    world
        .run(Command::Rmdir {
            parent: ROOT,
            name: name("gone"),
        })
        .unwrap();
    assert_eq!(count(&mut world, 4), 1);
    assert_eq!(usage(&world, ROOT).inodes, 23);
}

#[test]
fn the_limits_of_a_volume_go_with_the_last_timeline_that_is_charged_to_them() {
    let mut world = World::with_window(0);
    let before = world.families().get(&'Q').copied();
    let root = |answer: Answer| match answer.unwrap().outcome {
        Outcome::Root(root) => root.node,
        other => panic!("{other:?}"),
    };
    let volume = root(world.run(Command::VolumeCreate {
        name: b"v".to_vec(),
        inode: OWNER,
    }));
    let dir = world.create(volume, "dir", NewKind::Directory);
    set(&mut world, dir, Some(5)).unwrap();
    let fork = root(world.run(Command::Fork {
        name: b"f".to_vec(),
        origin: Origin::Root {
            name: b"v".to_vec(),
            version: Version::HEAD,
        },
    }));
    let mut delete = |name: &[u8]| {
        world.run(Command::RootDelete { name: name.to_vec() }).unwrap();
        world.pass(10_000_000_000);
        world.work_off(3);
        world.assert_sound();
        world.families().get(&'Q').copied()
    };
    assert_eq!(
        delete(b"v"),
        Some(2),
        "the fork {fork:?} is charged to them still"
    );
    assert_eq!(delete(b"f"), before);
    assert_eq!(world.families()[&'t'], 1);
}

fn fork_of(world: &mut World, dir: Node, text: &str) -> Node {
    world.snapshot(text, dir);
    let origin = Origin::Snapshot(text.as_bytes().to_vec());
    let name = text.as_bytes().to_vec();
    match world.run(Command::Fork { name, origin }).unwrap().outcome {
        Outcome::Root(root) => root.node,
        other => panic!("{other:?}"),
    }
}

fn inodes_of(world: &World, node: Node) -> (u64, u64) {
    let at = ReadPoint {
        timeline: node.timeline,
        version: Version::HEAD,
    };
    let used = world.reader(|reader| reader.quota(at, node.ino)).unwrap();
    let all = world.reader(|reader| reader.statfs(at)).unwrap();
    (used.inodes, all.inodes)
}

#[test]
fn a_fork_of_a_subtree_is_charged_what_it_adds() {
    let mut world = World::with_window(0);
    let (_, sub) = full_dir(&mut world);
    set(&mut world, ROOT, Some(24)).unwrap();
    let fork = fork_of(&mut world, sub, "f");
    assert_eq!(inodes_of(&world, fork), (0, 0));
    world.create(fork, "one", NewKind::File);
    world.create(fork, "two", NewKind::File);
    assert_eq!(inodes_of(&world, fork), (2, 2));
    // A fork of the fork goes on from there; what is removed is taken off, but never below nothing.
    let again = fork_of(&mut world, fork, "g");
    let mut unlink = |dir: Node, text: &str| {
        let (parent, name) = (dir, name(text));
        world.run(Command::Unlink { parent, name }).unwrap();
        inodes_of(&world, dir).1
    };
    assert_eq!(
        [unlink(again, "one"), unlink(again, "g0"), unlink(again, "g1")],
        [1, 0, 0]
    );
    for n in 0..24 {
        let made = try_create(&mut world, fork, &format!("n{n}"));
        assert_eq!(made.is_ok(), n < 22);
    }
    assert_eq!(inodes_of(&world, fork).1, 24, "the limit holds for what it adds");
    for key in ["f", "g"] {
        world.release(key);
    }
    world.pass(10_000_000_000);
    world.work_off(9);
    world.assert_sound();
    let state = State::load(&world.store, world.state.last_version()).unwrap();
    world.state = state;
    assert_eq!(inodes_of(&world, again), (0, 0));
}

#[test]
fn a_fork_of_a_quota_root_starts_with_its_counter() {
    let mut world = World::new();
    let (dir, sub) = full_dir(&mut world);
    set(&mut world, sub, Some(12)).unwrap();
    count(&mut world, 100);
    let fork = fork_of(&mut world, sub, "f");
    assert_eq!(inodes_of(&world, fork), (11, 11));
    try_create(&mut world, fork, "last").unwrap();
    assert_eq!(
        try_create(&mut world, fork, "over").unwrap_err().code,
        Code::QuotaExceeded
    );
    // Beside it, in the same fork of a directory above, only what is added.
    let above = fork_of(&mut world, dir, "g");
    assert_eq!(inodes_of(&world, above), (0, 0));
    let inner = Node {
        ino: sub.ino,
        ..above
    };
    assert_eq!(inodes_of(&world, inner), (11, 0));
    world.create(inner, "more", NewKind::File);
    assert_eq!(inodes_of(&world, inner), (12, 1));
}

/// Why the definition of a removed directory stays: definitions are not versioned, and its state can come back.
#[test]
fn a_removed_quota_root_that_comes_back_has_its_limit() {
    let mut world = World::with_window(0);
    let (dir, sub) = full_dir(&mut world);
    set(&mut world, sub, Some(12)).unwrap();
    count(&mut world, 100);
    assert!(!usage(&world, sub).counting);
    world.snapshot("before", ROOT);
    world.remove_tree(dir, "m-sub");
    world.pass(10_000_000_000);
    world.work_off(9);
    let back = world.rollback("main", pinned("before"), "kept").unwrap().node;
    let sub = Node {
        timeline: back.timeline,
        ..sub
    };
    try_create(&mut world, sub, "last").unwrap();
    assert_eq!(
        try_create(&mut world, sub, "over").unwrap_err().code,
        Code::QuotaExceeded
    );
}
