//! The same requests on the same state give the same bytes: rows, results, events and answers.

use crate::world::{OWNER, ROOT, World, name};
use nokv_meta::{Batch, decode_events};
use nokv_store::Store;
use nokv_types::{
    Command, EventKind, NewKind, Origin, QuotaLimits, RenameMode, Request, RequestId, SessionId, Work,
    XattrMode, XattrName,
};

const SESSION: SessionId = SessionId(9);

fn commands() -> Vec<Command> {
    let mut all: Vec<Command> = (0..30)
        .map(|n| Command::Create {
            parent: ROOT,
            name: name(&format!("n{n}")),
            inode: OWNER,
            kind: if n % 3 == 0 {
                NewKind::Directory
            } else {
                NewKind::File
            },
        })
        .collect();
    all.extend((0..30).map(|n| Command::Rename {
        from: ROOT,
        from_name: name(&format!("n{n}")),
        to: ROOT,
        to_name: name(&format!("n{}", (n * 7) % 30)),
        mode: [RenameMode::Replace, RenameMode::NoReplace, RenameMode::Exchange][n % 3],
    }));
    all.push(Command::SetXattr {
        node: ROOT,
        name: XattrName::new(b"user.x").unwrap(),
        value: b"1".to_vec(),
        mode: XattrMode::Any,
    });
    let (key, holder) = (b"pin".to_vec(), b"me".to_vec());
    all.push(Command::SnapshotCreate {
        key: key.clone(),
        node: ROOT,
        holder,
        lease_ns: None,
    });
    all.push(Command::Fork {
        name: b"fork".to_vec(),
        origin: Origin::Snapshot(key),
    });
    all.push(Command::SetQuota {
        node: ROOT,
        limits: QuotaLimits {
            bytes: None,
            inodes: Some(99),
        },
    });
    all.extend((0..30).map(|n| Command::Unlink {
        parent: ROOT,
        name: name(&format!("n{n}")),
    }));
    all.extend((0..9).map(|n| Command::RemoveTree {
        parent: ROOT,
        name: name(&format!("n{n}")),
    }));
    all.push(Command::Work(Work::AdvanceTime));
    all.push(Command::Work(Work::Reclaim { rows_max: 10 }));
    all.push(Command::Work(Work::SaveWindow));
    all
}

#[test]
fn the_same_requests_give_the_same_bytes() {
    let run = || {
        let mut world = World::new();
        world
            .run(Command::SessionOpen {
                session: SESSION,
                ttl_ns: 1 << 40,
            })
            .unwrap();
        let mut batch = Batch::new(&world.store, &mut world.state, world.clock);
        for (n, command) in commands().into_iter().enumerate() {
            let id = RequestId {
                session: SESSION,
                stream: n as u32 % 4,
                sequence: n as u64,
                part: 0,
            };
            batch
                .execute(Request {
                    id: Some(id),
                    actor: b"me".to_vec(),
                    ..Request::internal(command)
                })
                .unwrap();
        }
        let finished = batch.finish().unwrap();
        world.store.apply(&finished.mutations).unwrap();
        (finished, world.store.to_rows())
    };
    let (first, first_rows) = run();
    let (second, second_rows) = run();
    assert_eq!(first.mutations.as_bytes(), second.mutations.as_bytes());
    assert_eq!((&first.results, &first.events), (&second.results, &second.events));
    assert_eq!(first.answers, second.answers);
    assert_eq!(first_rows, second_rows);
    assert!(
        first.answers.iter().any(Result::is_err)
            && first.answers.iter().filter(|answer| answer.is_ok()).count() > 50
    );
}

#[test]
fn bytes_of_an_events_section_are_fixed() {
    let mut world = World::new();
    let dir = world.create(ROOT, "d", NewKind::Directory);
    let base = world.state.last_version().0;
    let mut batch = Batch::new(&world.store, &mut world.state, world.clock);
    let create = Command::Create {
        parent: dir,
        name: name("f"),
        inode: OWNER,
        kind: NewKind::File,
    };
    let rename = Command::Rename {
        from: dir,
        from_name: name("f"),
        to: ROOT,
        to_name: name("g"),
        mode: RenameMode::Replace,
    };
    for command in [create, rename] {
        batch
            .execute(Request {
                actor: b"me".to_vec(),
                ..Request::internal(command)
            })
            .unwrap();
    }
    let finished = batch.finish().unwrap();
    assert_eq!((base, dir.ino.0), (2, 2));
    let want: &[&[u8]] = &[
        &[3, 2],                                                    // first version, events
        &[1, 0, 0, 3, 2, 1, b'f', 0, 0, 2, b'm', b'e'],             // create 3 in 2
        &[3, 1, 0, 3, 1, 1, b'g', 1, 2, 1, b'f', 0, 2, b'm', b'e'], // rename 3 to 1 from 2
        &[2, 0, 1, 1, b'/', 0, 2, 2, b'/', b'd'],                   // paths of 1 and 2
        &[0x80, 137, 202, 227, 198, 191, 206, 151, 47],             // wall time
    ];
    assert_eq!(finished.events, want.concat());
    let decoded = decode_events(&finished.events).unwrap();
    assert_eq!(decoded.events[1].kind, EventKind::Rename);
    assert_eq!(decoded.paths.len(), 2);
    assert_eq!(decoded.wall_ns, Some(world.clock.wall_ns));
    // Sections of earlier programs end with the paths.
    let earlier = decode_events(&finished.events[..finished.events.len() - 9]).unwrap();
    assert_eq!((earlier.events, earlier.wall_ns), (decoded.events, None));
    assert!(decode_events(&finished.events[..20]).is_err());
}
