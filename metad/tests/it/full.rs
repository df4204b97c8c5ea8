//! A log or a disk without room: what frees space still works, and then everything does again.

use crate::rng::{Rng, seed, size};
use crate::world::{HEAD, ROOT, World, create, dir, name, one, remove_tree};
use nokv_client::{Ack, GcOptions, Namespace as _};
use nokv_metad::{Embedded, Limits, Options};
use nokv_testkit::evidence::Evidence;
use nokv_testkit::loop_disk::LoopDisk;
use nokv_types::{Code, Command, NewKind, Outcome, Request, RequestId, SessionId};

const SESSION: SessionId = SessionId(9);
/// Batches that surely fill the small log.
const BATCHES_MAX: usize = 10_000;

fn small(world: &World) -> Options {
    let options = world.options();
    Options {
        limits: Limits {
            log_file_bytes: 256 << 10,
            log_reserve_bytes: 512 << 10,
            log_bytes: 2 << 20,
            ..options.limits
        },
        workers: false,
        ..options
    }
}

#[test]
fn a_full_log_takes_removes_and_then_everything_again() {
    let world = World::new();
    let namespace = Embedded::create(world.path(), small(&world)).unwrap();
    let open = Command::SessionOpen {
        session: SESSION,
        ttl_ns: 3_600_000_000_000,
    };
    one(&namespace, Request::internal(open), Ack::Durable).unwrap();
    let sub = dir(&namespace, ROOT, "sub");
    let numbered = |number: usize| Request {
        id: Some(RequestId {
            session: SESSION,
            stream: 0,
            sequence: number as u64,
            part: 0,
        }),
        retired_below: number as u64,
        ..create(sub, &format!("f{number:06}"), NewKind::File)
    };
    let mut made = 0;
    let refusal = loop {
        assert!(made < BATCHES_MAX, "the log never gets full");
        match one(&namespace, numbered(made), Ack::Applied) {
            Ok(_) => made += 1,
            Err(refusal) => break refusal,
        }
    };
    assert_eq!(refusal.code, Code::NoSpace, "{refusal}");
    // Nothing of it happened, and what was answered before still gets its first answer.
    assert_eq!(namespace.getattr(HEAD, sub.ino).unwrap().entries, made as u64);
    one(&namespace, numbered(made - 1), Ack::Durable).unwrap();
    // In a batch of its own a remove may use the reserve; the first may be asked to come again.
    let removed = (0..2).find_map(|_| one(&namespace, remove_tree(ROOT, "sub"), Ack::Durable).ok());
    assert!(matches!(
        removed.unwrap().outcome,
        Outcome::Removed(_) | Outcome::Done
    ));
    namespace.gc(&GcOptions::default()).unwrap();
    assert_eq!(namespace.engine().failure(), None);
    for _ in 0..2 {
        namespace.checkpoint().unwrap();
    }
    one(&namespace, create(ROOT, "again", NewKind::File), Ack::Durable).unwrap();
    namespace.close().unwrap();
    drop(namespace);
    let namespace = Embedded::open(world.path(), small(&world)).unwrap();
    namespace.lookup(HEAD, ROOT.ino, &name("again")).unwrap();
    assert!(namespace.lookup(HEAD, ROOT.ino, &name("sub")).is_err());
    assert!(namespace.fsck(false).unwrap().findings.is_empty());
}

/// Threads that fill the log, and files in one request of theirs.
const FILLERS: usize = 4;
const MADE: usize = 64;
/// Checkpoints that the log has to be trimmed for: the log is several times written over.
const CHECKPOINTS: u64 = 6;

#[test]
fn a_log_that_fills_faster_than_it_is_saved_slows_callers_down_and_refuses_none() {
    let world = World::new();
    let options = small(&world);
    let options = Options {
        limits: Limits {
            log_bytes: 16 << 20,
            ..options.limits
        },
        workers: true,
        ..options
    };
    let namespace = Embedded::create(world.path(), options).unwrap();
    std::thread::scope(|scope| {
        for filler in 0..FILLERS {
            let namespace = &namespace;
            scope.spawn(move || {
                let sub = dir(namespace, ROOT, &format!("sub{filler}"));
                let mut made = 0;
                while namespace.engine().stats().checkpoints < CHECKPOINTS {
                    let files = (made..made + MADE).map(|number| {
                        let text = format!("f{number:06}");
                        create(sub, &text, NewKind::File)
                    });
                    for answer in namespace.submit(files.collect(), Ack::Applied) {
                        let stats = namespace.engine().stats();
                        assert!(answer.is_ok(), "{answer:?} after {made} files, {stats:?}");
                    }
                    made += MADE;
                }
            });
        }
    });
    namespace.close().unwrap();
}

/// Files in one request.
const REMOVED: usize = 8;

#[test]
fn a_log_whose_reserve_is_used_up_is_written_again_after_a_checkpoint() {
    let world = World::new();
    let namespace = Embedded::create(world.path(), small(&world)).unwrap();
    let sub = dir(&namespace, ROOT, "sub");
    let mut made = 0;
    while one(
        &namespace,
        create(sub, &format!("f{made:06}"), NewKind::File),
        Ack::Applied,
    )
    .is_ok()
    {
        made += 1;
    }
    // The object store is away, and somebody goes on removing.
    let unlink = |number: usize| {
        Request::internal(Command::Unlink {
            parent: sub,
            name: name(&format!("f{number:06}")),
        })
    };
    let mut removed = 0;
    let mut refused = 0;
    while refused < 3 {
        assert!(removed < made, "the reserve is never used up");
        let some = (removed..made.min(removed + REMOVED)).map(unlink).collect();
        let answers = namespace.submit(some, Ack::Applied);
        if answers.iter().all(Result::is_ok) {
            removed += answers.len();
            refused = 0;
        } else {
            refused += 1;
        }
    }
    // It is back.
    for _ in 0..2 {
        namespace.checkpoint().unwrap();
    }
    one(&namespace, create(ROOT, "again", NewKind::File), Ack::Durable).unwrap();
    assert_eq!(
        namespace.getattr(HEAD, sub.ino).unwrap().entries,
        (made - removed) as u64
    );
}

/// A disk that a workspace fills in a moment.
const DISK_BYTES: u64 = 96 << 20;
/// A body that is an object.
const BODY_BYTES: usize = 256 << 10;
/// So small that [`BODIES_MAX`] of them do not fit.
const BODY_BYTES_MIN: usize = 32 << 10;
/// More bodies than fit.
const BODIES_MAX: u64 = 10_000;

#[test]
fn a_full_disk_takes_removes_collects_and_is_written_again() {
    let seed = seed("NOKV_FULL_SEED");
    let rounds = size("NOKV_FULL_ROUNDS", 3);
    println!("seed {seed}, {rounds} rounds");
    let scratch = tempfile::tempdir().unwrap();
    let disk = match LoopDisk::make(scratch.path(), DISK_BYTES) {
        Ok(disk) => disk,
        Err(error) => {
            println!("NOT QUALIFIED: no loop device for a disk of its own: {error}");
            return;
        }
    };
    let mut rng = Rng::new(seed);
    let mut acknowledged = 0;
    for round in 0..rounds {
        let namespace = open_on(&disk);
        acknowledged += fill(&namespace, round, BODY_BYTES_MIN + rng.below(BODY_BYTES));
        // Whatever else asks is answered or refused, and what is there can be read.
        let _ = namespace.checkpoint();
        let sub = crate::world::names(&namespace, ROOT);
        assert!(sub.contains(&format!("sub{round}")), "{sub:?}");
        let namespace = if rng.below(2) == 0 {
            namespace
        } else {
            reopen(namespace, &disk)
        };
        empty(&namespace, round);
        one(
            &namespace,
            create(ROOT, &format!("again{round}"), NewKind::File),
            Ack::Durable,
        )
        .unwrap();
        assert!(namespace.fsck(false).unwrap().findings.is_empty());
        namespace.close().unwrap();
    }
    Evidence {
        ring: "full",
        seeds: &format!("NOKV_FULL_SEED={seed} NOKV_FULL_ROUNDS={rounds}"),
        injected: (rounds, "disks filled"),
        acknowledged: (acknowledged, "files with a body"),
    }
    .print();
}

fn open_on(disk: &LoopDisk) -> Embedded {
    let data = disk.path().join("data");
    let options = || Options {
        limits: Limits {
            log_bytes: 8 << 20,
            spare_bytes: 8 << 20,
            // Nothing waits for its time here.
            window: std::time::Duration::ZERO,
            ..crate::world::small_limits()
        },
        ..crate::kill::options(disk.path())
    };
    match Embedded::open(&data, options()) {
        Err(error) if error.kind == nokv_metad::ErrorKind::Missing => {
            Embedded::create(&data, options()).unwrap()
        }
        opened => opened.unwrap(),
    }
}

/// A stop in the middle of it, and a start on a disk that is full.
fn reopen(namespace: Embedded, disk: &LoopDisk) -> Embedded {
    drop(namespace);
    open_on(disk)
}

/// Publishes bodies until there is no room for one; answers how many there was room for.
fn fill(namespace: &Embedded, round: u64, bytes: usize) -> u64 {
    let sub = dir(namespace, ROOT, &format!("sub{round}"));
    for number in 0..BODIES_MAX {
        let mut seed = [0; 16];
        seed[..8].copy_from_slice(&round.to_le_bytes());
        seed[8..].copy_from_slice(&number.to_le_bytes());
        let reserve = Request::internal(Command::ReserveObjects { seed });
        let reserved = match one(namespace, reserve, Ack::Durable) {
            Ok(reply) => reply.outcome,
            Err(refusal) => return full(refusal.code, number),
        };
        let Outcome::Reserved(reservation) = reserved else {
            panic!("{reserved:?}")
        };
        let object = nokv_types::ObjectId::derive(&seed, reservation, 0);
        let body = seed.repeat(bytes.div_ceil(16));
        if let Err(error) = namespace.blobs().put_new(object, &body, crc32c::crc32c(&body)) {
            return full(error.code().unwrap(), number);
        }
        let published = crate::load::publish(sub, &format!("f{number}"), (object, true), &body);
        match one(namespace, published, Ack::Durable) {
            Ok(_) => {}
            Err(refusal) => return full(refusal.code, number),
        }
    }
    panic!("the disk never gets full");
}

fn full(code: Code, made: u64) -> u64 {
    assert_eq!(code, Code::NoSpace);
    assert!(made > 0);
    made
}

/// Removes what filled it, and collects until it is gone.
fn empty(namespace: &Embedded, round: u64) {
    let name = format!("sub{round}");
    let removed = (0..3).find_map(|_| one(namespace, remove_tree(ROOT, &name), Ack::Durable).ok());
    assert!(removed.is_some(), "a remove needs no room");
    let options = GcOptions {
        ignore_grace: true,
        ..GcOptions::default()
    };
    let deleted: u64 = (0..3)
        .map(|_| namespace.gc(&options).unwrap().objects_deleted)
        .sum();
    assert!(deleted > 0, "nothing was deleted");
}
