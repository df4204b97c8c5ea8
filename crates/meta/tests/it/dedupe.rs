//! Exactly once: a request that comes again gets its first answer, across restarts too.

use crate::world::{OWNER, ROOT, World, name};
use nokv_meta::{Batch, State};
use nokv_store::Store;
use nokv_types::{Answer, Code, Command, NewKind, Request, RequestId, SessionId, Version, Work};

const SESSION: SessionId = SessionId(5);

fn world() -> World {
    let mut world = World::new();
    let open = Command::SessionOpen {
        session: SESSION,
        ttl_ns: 1 << 40,
    };
    world.run(open).unwrap();
    world
}

fn create(stream: u32, sequence: u64, text: &str) -> Request {
    let id = RequestId {
        session: SESSION,
        stream,
        sequence,
        part: 0,
    };
    let command = Command::Create {
        parent: ROOT,
        name: name(text),
        inode: OWNER,
        kind: NewKind::File,
    };
    Request {
        id: Some(id),
        ..Request::internal(command)
    }
}

/// Runs one request; answers it with the results section of its batch.
fn logged(world: &mut World, request: Request) -> (Answer, Vec<u8>) {
    let mut batch = Batch::new(&world.store, &mut world.state, world.clock);
    batch.execute(request).unwrap();
    let mut finished = batch.finish().unwrap();
    world.store.apply(&finished.mutations).unwrap();
    (finished.answers.remove(0), finished.results)
}

fn code(answers: &[Answer]) -> Code {
    answers[0].as_ref().unwrap_err().code
}

#[test]
fn a_repeated_request_gets_its_first_answer_and_does_nothing() {
    let mut world = world();
    let first = world.batch(vec![create(0, 1, "a")]);
    let after = world.store.to_rows();
    assert_eq!(world.batch(vec![create(0, 1, "a")]), first);
    assert_eq!(world.store.to_rows(), after);
    // A refusal is an answer like any other: the name is free by now, the answer stays.
    let refused = world.batch(vec![create(0, 2, "a")]);
    assert_eq!(code(&refused), Code::Exists);
    world
        .run(Command::Unlink {
            parent: ROOT,
            name: name("a"),
        })
        .unwrap();
    assert_eq!(world.batch(vec![create(0, 2, "a")]), refused);
}

#[test]
fn parts_and_streams_are_told_apart() {
    let mut world = world();
    let mut second = create(0, 1, "b");
    second.id.as_mut().unwrap().part = 1;
    let requests = vec![create(0, 1, "a"), second, create(3, 1, "c")];
    assert!(world.batch(requests.clone()).iter().all(Result::is_ok));
    assert!(world.batch(requests).iter().all(Result::is_ok));
    assert_eq!(world.names(ROOT), ["a", "b", "c"]);
}

#[test]
fn what_was_retired_is_never_executed_again() {
    let mut world = world();
    world.batch(vec![create(0, 1, "a"), create(0, 2, "b")]);
    world.batch(vec![Request {
        retired_below: 2,
        ..create(0, 3, "c")
    }]);
    assert_eq!(code(&world.batch(vec![create(0, 1, "a2")])), Code::AlreadyRetired);
    assert!(world.batch(vec![create(0, 2, "b2")])[0].is_ok());
    assert_eq!(world.names(ROOT), ["a", "b", "c"]);
}

#[test]
fn a_retired_request_of_a_kernel_is_never_executed_again() {
    let mut world = world();
    world.batch(vec![create(3, 8, "a"), create(3, 6, "b")]);
    let listing = Request {
        retired: vec![(3, 8)],
        ..create(0, 1, "c")
    };
    let (first, results) = logged(&mut world, listing);
    assert!(first.is_ok());
    let is_refused = |world: &mut World| {
        assert_eq!(code(&world.batch(vec![create(3, 8, "a2")])), Code::AlreadyRetired);
        let mut part = create(3, 8, "a3");
        part.id.as_mut().unwrap().part = 1;
        assert_eq!(code(&world.batch(vec![part])), Code::AlreadyRetired);
        assert_eq!(world.names(ROOT), ["a", "b", "c"]);
    };
    is_refused(&mut world);
    // What is lower was not retired with it.
    assert!(world.batch(vec![create(3, 6, "b2")])[0].is_ok());
    // After a crash the log says it, after a checkpoint the saved rows do.
    world.state = State::load(&world.store, Version(1000)).unwrap();
    world.state.replay_results(&results).unwrap();
    is_refused(&mut world);
    world.run(Command::Work(Work::SaveWindow)).unwrap();
    world.state = State::load(&world.store, Version(3_000_000)).unwrap();
    is_refused(&mut world);
}

#[test]
fn requests_of_an_unknown_session_are_not_executed() {
    let mut world = World::new();
    assert_eq!(code(&world.batch(vec![create(0, 1, "a")])), Code::SessionExpired);
    assert_eq!(world.names(ROOT), Vec::<String>::new());
}

#[test]
fn the_window_is_full_until_something_is_retired() {
    let mut world = world();
    let fill: Vec<_> = (0..4096)
        .map(|n| create(n as u32 % 2 * 9, n + 1, &format!("f{n}")))
        .collect();
    assert!(world.batch(fill).iter().all(Result::is_ok));
    assert_eq!(code(&world.batch(vec![create(0, 5000, "x")])), Code::WindowFull);
    // One answer of a kernel's stream is listed, and only that one goes.
    let listed = Request {
        retired: vec![(9, 2)],
        ..create(0, 5000, "x")
    };
    assert!(world.batch(vec![listed])[0].is_ok());
    assert_eq!(code(&world.batch(vec![create(0, 5001, "y")])), Code::WindowFull);
    assert!(world.batch(vec![create(9, 4, "again")])[0].is_ok());
    let below = Request {
        retired_below: 4000,
        ..create(0, 5001, "y")
    };
    assert!(world.batch(vec![below])[0].is_ok());
}

#[test]
fn answers_survive_in_the_results_of_replayed_segments() {
    let mut world = world();
    let (first, results) = logged(&mut world, create(0, 1, "a"));
    let listing = Request {
        retired: vec![(7, 7)],
        ..create(7, 9, "a")
    };
    let (second, more) = logged(&mut world, listing.clone());
    assert_eq!(second.as_ref().unwrap_err().code, Code::Exists);
    world.state = State::load(&world.store, Version(1000)).unwrap();
    world.state.replay_results(&results).unwrap();
    world.state.replay_results(&more).unwrap();
    assert_eq!(world.batch(vec![create(0, 1, "a"), listing]), [first, second]);
    assert!(world.state.replay_results(&results[1..]).is_err());
}

#[test]
fn answers_survive_in_the_rows_that_a_checkpoint_contains() {
    let mut world = world();
    let last = world.batch(vec![create(0, 1, "a"), create(4, 8, "b")]);
    let mut requests = vec![
        Request::internal(Command::Work(Work::SaveWindow)),
        create(0, 2, "c"),
    ];
    let saved = world.batch(requests.clone());
    world.state = State::load(&world.store, Version::ZERO).unwrap();
    requests.remove(0);
    assert_eq!(
        world.batch(requests),
        saved[1..],
        "the window is written at the end of its batch"
    );
    assert_eq!(world.batch(vec![create(0, 1, "a"), create(4, 8, "b")]), last);
    // Saving what did not change writes nothing.
    let before = world.store.to_rows();
    world.run(Command::Work(Work::SaveWindow)).unwrap();
    assert_eq!(world.store.to_rows(), before);
}

#[test]
fn saved_rows_shrink_with_the_window_and_go_with_the_session() {
    let mut world = world();
    let many: Vec<_> = (1..2000).map(|n| create(0, n, &format!("f{n}"))).collect();
    world.batch(many);
    world.run(Command::Work(Work::SaveWindow)).unwrap();
    let windows = |world: &World| world.store.to_rows().keys().filter(|key| key[0] == b'W').count();
    assert!(windows(&world) > 3);
    world.batch(vec![Request {
        retired_below: 1999,
        ..create(0, 2000, "x")
    }]);
    world.run(Command::Work(Work::SaveWindow)).unwrap();
    assert_eq!(windows(&world), 1);
    world.state = State::load(&world.store, Version::ZERO).unwrap();
    world.run(Command::SessionClose { session: SESSION }).unwrap();
    assert_eq!(windows(&world), 0);
}

#[test]
fn an_orderly_stop_leaves_no_gap_in_the_versions() {
    let mut world = world();
    let stop = world.run(Command::Work(Work::Stop)).unwrap();
    world.state = State::load(&world.store, Version::ZERO).unwrap();
    assert_eq!(world.state.last_version(), stop.version);
    let next = world.batch(vec![create(0, 1, "a")]);
    assert_eq!(next[0].as_ref().unwrap().version.0, stop.version.0 + 1);
    // That batch took the note back: a crash now goes on above the ceiling.
    let unclean = State::load(&world.store, Version::ZERO).unwrap();
    assert!(unclean.last_version().0 >= 1 << 19);
}
