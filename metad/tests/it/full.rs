//! A log without room: what frees space still works, and then everything does again.

use crate::world::{HEAD, ROOT, World, create, dir, name, one, remove_tree};
use nokv_client::{Ack, GcOptions, Namespace as _};
use nokv_metad::{Embedded, Limits, Options};
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
