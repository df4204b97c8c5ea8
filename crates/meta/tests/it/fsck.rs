//! The check of all rows: clean after ordinary work, and every kind of damage is seen and, where it can be, undone.

use crate::timelines::pinned;
use crate::world::{OWNER, ROOT, World, name};
use nokv_meta::{FsckReport, State, Wrong, fsck};
use nokv_store::{Mutation, Mutations, Store};
use nokv_types::{
    Command, NewKind, Node, Origin, Outcome, QuotaLimits, RenameMode, Request, SessionId, Work, XattrMode,
    XattrName,
};

fn check(world: &World) -> FsckReport {
    fsck(&world.store).unwrap()
}

fn wrongs(world: &World) -> Vec<Wrong> {
    let mut wrongs: Vec<_> = check(world)
        .findings
        .iter()
        .map(|finding| finding.wrong)
        .collect();
    wrongs.sort_unstable();
    wrongs.dedup();
    wrongs
}

/// A workspace with something of everything.
fn busy_world() -> World {
    let mut world = World::new();
    let session = SessionId(3);
    let ttl_ns = 1 << 40;
    world.run(Command::SessionOpen { session, ttl_ns }).unwrap();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    let sub = world.create(dir, "sub", NewKind::Directory);
    world.create(dir, "link", NewKind::Symlink(b"sub".to_vec()));
    let file = world.create(sub, "file", NewKind::File);
    let hard = world.create(sub, "hard", NewKind::File);
    let open = world.create(sub, "open", NewKind::File);
    world
        .run(Command::Link {
            node: hard,
            parent: ROOT,
            name: name("hard2"),
        })
        .unwrap();
    let xattr = Command::SetXattr {
        node: file,
        name: XattrName::new(b"user.a").unwrap(),
        value: b"1".to_vec(),
        mode: XattrMode::Any,
    };
    world.run(xattr).unwrap();
    world
        .run(Command::SetQuota {
            node: dir,
            limits: QuotaLimits::default(),
        })
        .unwrap();
    while let Outcome::Worked { more: true, .. } = world
        .run(Command::Work(Work::CountQuota { rows_max: 2 }))
        .unwrap()
        .outcome
    {}
    world.run(Command::Open { session, node: open }).unwrap();
    pin_and_fork(&mut world);
    take_apart(&mut world, dir, sub);
    world
}

fn pin_and_fork(world: &mut World) {
    let key = b"pin".to_vec();
    let holder = b"me".to_vec();
    world
        .run(Command::SnapshotCreate {
            key: key.clone(),
            node: ROOT,
            holder,
            lease_ns: None,
        })
        .unwrap();
    world
        .run(Command::Fork {
            name: b"fork".to_vec(),
            origin: Origin::Snapshot(key),
        })
        .unwrap();
}

/// Removes and moves what a pin and a fork still see.
fn take_apart(world: &mut World, dir: Node, sub: Node) {
    world
        .run(Command::Unlink {
            parent: sub,
            name: name("open"),
        })
        .unwrap();
    world
        .run(Command::Unlink {
            parent: ROOT,
            name: name("hard2"),
        })
        .unwrap();
    let rename = Command::Rename {
        from: sub,
        from_name: name("file"),
        to: ROOT,
        to_name: name("file"),
        mode: RenameMode::Replace,
    };
    world.run(rename).unwrap();
    world
        .run(Command::RemoveTree {
            parent: dir,
            name: name("sub"),
        })
        .unwrap();
}

/// Changes rows behind the state machine's back.
fn damage(world: &mut World, change: impl Fn(&[u8], &[u8]) -> Option<Option<Vec<u8>>>) {
    let rows = world.store.to_rows();
    let changes: Vec<_> = rows
        .iter()
        .filter_map(|(key, value)| Some((key, change(key, value)?)))
        .collect();
    assert!(!changes.is_empty(), "nothing was damaged");
    let mutations = changes.iter().map(|(key, value)| match value {
        Some(value) => Mutation::Put(key, value),
        None => Mutation::Delete(key),
    });
    world
        .store
        .apply(&Mutations::from_sorted(mutations).unwrap())
        .unwrap();
    world.state = State::load(&world.store, world.state.last_version()).unwrap();
}

/// Repairs until nothing changes any more.
fn repair(world: &mut World) {
    for _ in 0..20 {
        let answer = world.run(Command::Work(Work::Repair { fixes_max: 1000 }));
        if let Outcome::Worked { more: false, .. } = answer.unwrap().outcome {
            return;
        }
    }
    panic!("repairing never ends: {:?}", check(world).findings);
}

#[test]
fn ordinary_work_leaves_nothing_to_find() {
    let mut world = busy_world();
    let report = check(&world);
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!(report.states, 3, "two heads and a pin that the fork shares");
    assert!(report.inodes > 12 && report.entries > 10 && report.rows > 40);
    for _ in 0..20 {
        for work in [
            Work::Reclaim { rows_max: 3 },
            Work::Prune { rows_max: 5 },
            Work::AdvanceTime,
        ] {
            world.run(Command::Work(work)).unwrap();
            let report = check(&world);
            assert!(report.is_clean(), "{:?}", report.findings);
        }
        world.clock.log_ns += 600_000_000_000;
    }
}

#[test]
fn a_batch_of_everything_leaves_nothing_to_find() {
    let mut world = World::new();
    let requests = (0..200).map(|n| {
        let command = match n % 4 {
            0 | 1 => Command::Create {
                parent: ROOT,
                name: name(&format!("f{n}")),
                inode: OWNER,
                kind: if n % 8 == 0 {
                    NewKind::Directory
                } else {
                    NewKind::File
                },
            },
            2 => Command::Rename {
                from: ROOT,
                from_name: name(&format!("f{}", n - 1)),
                to: ROOT,
                to_name: name(&format!("f{}", n - 5)),
                mode: RenameMode::Replace,
            },
            _ => Command::Unlink {
                parent: ROOT,
                name: name(&format!("f{}", n - 6)),
            },
        };
        Request::internal(command)
    });
    world.batch(requests.collect());
    assert!(check(&world).is_clean(), "{:?}", check(&world).findings);
}

/// A current row of the first timeline in this family.
fn is_head_row(key: &[u8], family: u8) -> bool {
    key[0] == family && key.get(1) == Some(&b'A')
}

fn plain_world() -> (World, Node) {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    let file = world.create(dir, "file", NewKind::File);
    world
        .run(Command::Link {
            node: file,
            parent: dir,
            name: name("file2"),
        })
        .unwrap();
    world.create(dir, "single", NewKind::File);
    world.create(dir, "sub", NewKind::Directory);
    (world, dir)
}

#[test]
fn every_missing_row_is_found_and_derived_ones_come_back() {
    for family in [b'd', b'i', b'l', b'q', b'P'] {
        let (world, _) = plain_world();
        let keys: Vec<_> = world
            .store
            .to_rows()
            .into_keys()
            .filter(|key| key[0] == family)
            .collect();
        for lost in keys {
            let (mut world, _) = plain_world();
            damage(&mut world, |key, _| (key == lost).then_some(None));
            assert!(!check(&world).is_clean(), "a lost row went unseen: {lost:?}");
            if lost == ROOT_INODE {
                continue;
            }
            repair(&mut world);
            let left = check(&world);
            assert!(left.is_clean(), "{lost:?}: {:?}", left.findings);
            let again = world.run(Command::Create {
                parent: ROOT,
                name: name("after"),
                inode: OWNER,
                kind: NewKind::File,
            });
            assert!(again.is_ok());
        }
    }
}

/// The row of the root directory, which nothing else describes.
const ROOT_INODE: &[u8] = b"iAB1";

#[test]
fn a_directory_without_its_entry_is_put_under_lost_and_found() {
    let (mut world, dir) = plain_world();
    damage(&mut world, |key, _| {
        (is_head_row(key, b'd') && key.ends_with(b"dir")).then_some(None)
    });
    assert!(wrongs(&world).contains(&Wrong::Unreachable));
    repair(&mut world);
    assert!(check(&world).is_clean(), "{:?}", check(&world).findings);
    assert_eq!(world.names(ROOT), ["lost+found"]);
    assert_eq!(world.names(dir), ["file", "file2", "single", "sub"]);
}

#[test]
fn wrong_counts_are_found_and_set_right() {
    let (mut world, dir) = plain_world();
    // The usage row: schema, bytes, inodes behind the frame.
    damage(&mut world, |key, value| {
        is_head_row(key, b'q').then(|| {
            let mut value = value.to_vec();
            *value.last_mut().unwrap() += 1;
            Some(value)
        })
    });
    assert_eq!(wrongs(&world), [Wrong::Usage]);
    repair(&mut world);
    assert!(check(&world).is_clean());
    assert_eq!(world.attr(dir).entries, 4);
}

/// Forks of a directory inside of a quota root, and of one that is a quota root.
fn world_of_forks() -> World {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    world
        .run(Command::SetQuota {
            node: dir,
            limits: QuotaLimits::default(),
        })
        .unwrap();
    let sub = world.create(dir, "sub", NewKind::Directory);
    world.create(sub, "file", NewKind::File);
    world.create(ROOT, "other", NewKind::File);
    for (key, node) in [("a", dir), ("b", sub)] {
        world.snapshot(key, node);
        world.fork(key, pinned(key));
    }
    world.create(sub, "later", NewKind::File);
    world
}

#[test]
fn what_a_fork_is_not_charged_is_found_wrong_and_set_right() {
    let mut world = world_of_forks();
    assert!(check(&world).is_clean(), "{:?}", check(&world).findings);
    let good = world.store.to_rows();
    // Rows of forks are longer by what is uncounted; the last number of it is the inodes in all.
    let shortest = good
        .iter()
        .filter(|(key, _)| key[0] == b't')
        .map(|(_, row)| row.len());
    let shortest = shortest.min().unwrap();
    damage(&mut world, |key, value| {
        (key[0] == b't' && value.len() > shortest).then(|| {
            let mut value = value.to_vec();
            *value.last_mut().unwrap() += 1;
            Some(value)
        })
    });
    assert_eq!((check(&world).wrong, wrongs(&world)), (2, vec![Wrong::Usage]));
    repair(&mut world);
    assert!(check(&world).is_clean(), "{:?}", check(&world).findings);
    let mut rows = world.store.to_rows();
    let mut wanted = good;
    rows.retain(|key, _| key[0] == b't');
    wanted.retain(|key, _| key[0] == b't');
    assert_eq!(rows, wanted);
}

#[test]
fn rows_of_an_unknown_timeline_and_session_are_found_and_go() {
    let mut world = busy_world();
    let stray: [(&[u8], &[u8]); 3] = [
        (b"SD123B1", &[1, 0, 1, 0, 0, 0]),
        (b"WD123A", &[1, 0]),
        (b"iE1230B2", b"\0\x01x"),
    ];
    let mut puts: Vec<_> = stray
        .iter()
        .map(|(key, value)| Mutation::Put(key, value))
        .collect();
    puts.sort_by_key(|put| match put {
        Mutation::Put(key, _) | Mutation::Delete(key) => key.to_vec(),
    });
    world.store.apply(&Mutations::from_sorted(puts).unwrap()).unwrap();
    assert_eq!(
        wrongs(&world),
        [Wrong::Malformed, Wrong::UnknownTimeline, Wrong::Session]
    );
    repair(&mut world);
    assert!(check(&world).is_clean(), "{:?}", check(&world).findings);
}

#[test]
fn a_malformed_row_is_found_wherever_it_is() {
    let world = busy_world();
    let mut seen = 0;
    for (key, value) in world.store.to_rows() {
        if !matches!(key[0], b'd' | b'i' | b'q' | b'P') || value.len() < 4 {
            continue;
        }
        let cut = busy_world();
        let put = Mutation::Put(&key, &value[..3]);
        cut.store.apply(&Mutations::from_sorted([put]).unwrap()).unwrap();
        assert!(!check(&cut).is_clean(), "{key:?}");
        seen += 1;
    }
    assert!(seen > 20);
}

#[test]
fn a_fork_at_a_version_inside_a_batch_is_exact() {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    let create = |text: &str| {
        Request::internal(Command::Create {
            parent: dir,
            name: name(text),
            inode: OWNER,
            kind: NewKind::File,
        })
    };
    let answers = world.batch(vec![create("a"), create("b"), create("c")]);
    let version = answers[0].as_ref().unwrap().version;
    let origin = Origin::Root {
        name: b"main".to_vec(),
        version,
    };
    let fork = world
        .run(Command::Fork {
            name: b"fork".to_vec(),
            origin,
        })
        .unwrap();
    let Outcome::Root(root) = fork.outcome else {
        panic!("{fork:?}")
    };
    assert!(check(&world).is_clean(), "{:?}", check(&world).findings);
    let dir = Node::new(root.node.timeline, dir.ino);
    for text in world.names(dir) {
        world
            .run(Command::Unlink {
                parent: dir,
                name: name(&text),
            })
            .unwrap();
    }
    assert!(check(&world).is_clean(), "{:?}", check(&world).findings);
}
