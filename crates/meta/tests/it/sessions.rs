//! Sessions, open files, and files that are open without a name.

use crate::world::{HEAD, ROOT, World, name};
use nokv_meta::State;
use nokv_store::Rows;
use nokv_types::{Answer, Code, Command, NewKind, Node, Outcome, RenameMode, SessionId, Version};

const SESSION: SessionId = SessionId(77);
const SECOND: u64 = 1_000_000_000;

fn world_with_session() -> World {
    let mut world = World::new();
    open_session(&mut world, SESSION, 60 * SECOND).unwrap();
    world
}

fn open_session(world: &mut World, session: SessionId, ttl_ns: u64) -> Answer {
    world.run(Command::SessionOpen { session, ttl_ns })
}

fn open(world: &mut World, node: Node) -> u64 {
    let answer = world.run(Command::Open {
        session: SESSION,
        node,
    });
    match answer.unwrap().outcome {
        Outcome::Opened {
            handle, node: opened, ..
        } => {
            assert_eq!(opened, node);
            handle
        }
        other => panic!("{other:?}"),
    }
}

fn close(world: &mut World, handle: u64) -> Answer {
    world.run(Command::Close {
        session: SESSION,
        handle,
    })
}

fn unlink(world: &mut World, text: &str) -> Answer {
    let name = name(text);
    world.run(Command::Unlink { parent: ROOT, name })
}

fn exists(world: &World, node: Node) -> bool {
    world.reader(|reader| reader.getattr(HEAD, node.ino)).is_ok()
}

/// Rows whose key starts with this family tag.
fn rows_of(world: &World, tag: u8) -> usize {
    let mut count = 0;
    let range = nokv_store::Scan::prefix(std::slice::from_ref(&tag));
    let visit = &mut |_: &[u8], _: &[u8]| {
        count += 1;
        nokv_store::Visit::Next
    };
    world.store.scan(range, visit).unwrap();
    count
}

#[test]
fn an_open_file_outlives_its_last_name_until_it_is_closed() {
    let mut world = world_with_session();
    let file = world.create(ROOT, "file", NewKind::File);
    let (first, second) = (open(&mut world, file), open(&mut world, file));
    unlink(&mut world, "file").unwrap();
    assert_eq!(world.attr(file).nlink, 0);
    assert_eq!(world.names(ROOT), Vec::<String>::new());
    assert_eq!(
        inodes_used(&world),
        2,
        "an open file is charged until it is released"
    );
    close(&mut world, first).unwrap();
    assert!(exists(&world, file));
    close(&mut world, second).unwrap();
    assert!(!exists(&world, file));
    assert_eq!((rows_of(&world, b'O'), rows_of(&world, b'S')), (0, 0));
    assert_eq!(inodes_used(&world), 1);
}

#[test]
fn a_file_that_is_renamed_over_while_open_is_kept_too() {
    let mut world = world_with_session();
    let old = world.create(ROOT, "old", NewKind::File);
    let new = world.create(ROOT, "new", NewKind::File);
    let handle = open(&mut world, old);
    let rename = Command::Rename {
        from: ROOT,
        from_name: name("new"),
        to: ROOT,
        to_name: name("old"),
        mode: RenameMode::Replace,
    };
    world.run(rename).unwrap();
    assert_eq!((world.attr(old).nlink, world.attr(new).nlink), (0, 1));
    close(&mut world, handle).unwrap();
    assert!(!exists(&world, old));
    assert!(exists(&world, new));
}

#[test]
fn an_open_file_with_another_name_left_is_not_released_by_closing() {
    let mut world = world_with_session();
    let file = world.create(ROOT, "one", NewKind::File);
    let handle = open(&mut world, file);
    let link = Command::Link {
        node: file,
        parent: ROOT,
        name: name("two"),
    };
    world.run(link).unwrap();
    unlink(&mut world, "one").unwrap();
    close(&mut world, handle).unwrap();
    assert_eq!(world.attr(file).nlink, 1);
}

#[test]
fn a_nameless_file_opens_again_only_while_somebody_has_it_open() {
    let mut world = world_with_session();
    let file = world.create(ROOT, "file", NewKind::File);
    let first = open(&mut world, file);
    unlink(&mut world, "file").unwrap();
    let second = open(&mut world, file);
    close(&mut world, first).unwrap();
    assert!(exists(&world, file));
    close(&mut world, second).unwrap();
    let again = world.run(Command::Open {
        session: SESSION,
        node: file,
    });
    assert_eq!(again.unwrap_err().code, Code::NotFound);
    assert_eq!(close(&mut world, second).unwrap_err().code, Code::NotFound);
}

#[test]
fn open_files_survive_a_restart_of_the_state_machine() {
    let mut world = world_with_session();
    let file = world.create(ROOT, "file", NewKind::File);
    let handle = open(&mut world, file);
    world.state = State::load(&world.store, Version::ZERO).unwrap();
    unlink(&mut world, "file").unwrap();
    assert_eq!(world.attr(file).nlink, 0);
    world.state = State::load(&world.store, Version::ZERO).unwrap();
    close(&mut world, handle).unwrap();
    assert!(!exists(&world, file));
}

#[test]
fn only_regular_files_are_opened() {
    let mut world = world_with_session();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    let link = world.create(ROOT, "link", NewKind::Symlink(b"dir".to_vec()));
    for (node, code) in [(dir, Code::IsADirectory), (link, Code::WrongKind)] {
        let answer = world.run(Command::Open {
            session: SESSION,
            node,
        });
        assert_eq!(answer.unwrap_err().code, code);
    }
}

#[test]
fn closing_a_session_closes_its_files() {
    let mut world = world_with_session();
    let file = world.create(ROOT, "file", NewKind::File);
    for _ in 0..300 {
        open(&mut world, file);
    }
    unlink(&mut world, "file").unwrap();
    world.run(Command::SessionClose { session: SESSION }).unwrap();
    // The first step is bounded; time does the rest.
    assert!(exists(&world, file));
    let open_again = world.run(Command::Open {
        session: SESSION,
        node: file,
    });
    assert_eq!(open_again.unwrap_err().code, Code::SessionExpired);
    world.state = State::load(&world.store, Version::ZERO).unwrap();
    advance(&mut world);
    assert!(!exists(&world, file));
    assert_eq!((rows_of(&world, b's'), rows_of(&world, b'S')), (0, 0));
    open_session(&mut world, SESSION, SECOND).unwrap();
}

#[test]
fn a_session_ends_when_its_time_is_over_and_not_before() {
    let mut world = world_with_session();
    let file = world.create(ROOT, "file", NewKind::File);
    open(&mut world, file);
    unlink(&mut world, "file").unwrap();
    world.clock.log_ns += 50 * SECOND;
    world.run(Command::SessionRenew { session: SESSION }).unwrap();
    world.clock.log_ns += 50 * SECOND;
    advance(&mut world);
    assert!(exists(&world, file), "it was renewed");
    world.clock.log_ns += 20 * SECOND;
    advance(&mut world);
    assert!(!exists(&world, file));
    let renew = world.run(Command::SessionRenew { session: SESSION });
    assert_eq!(renew.unwrap_err().code, Code::SessionExpired);
}

#[test]
fn a_restart_gives_every_session_a_full_term() {
    let mut world = world_with_session();
    world.clock.log_ns += 59 * SECOND;
    world.state = State::load(&world.store, Version::ZERO).unwrap();
    // The term begins with the first batch after the load.
    world.create(ROOT, "file", NewKind::File);
    world.clock.log_ns += 59 * SECOND;
    advance(&mut world);
    world.run(Command::SessionRenew { session: SESSION }).unwrap();
}

#[test]
fn sessions_are_bounded_in_time_and_told_apart() {
    let mut world = World::new();
    for ttl in [0, 25 * 3600 * SECOND] {
        assert_eq!(
            open_session(&mut world, SESSION, ttl).unwrap_err().code,
            Code::Invalid
        );
    }
    for command in [
        Command::SessionRenew { session: SESSION },
        Command::SessionClose { session: SESSION },
        Command::Close {
            session: SESSION,
            handle: 1,
        },
    ] {
        assert_eq!(world.run(command).unwrap_err().code, Code::SessionExpired);
    }
}

fn advance(world: &mut World) {
    for _ in 0..10 {
        let answer = world.run(Command::Work(nokv_types::Work::AdvanceTime));
        match answer.unwrap().outcome {
            Outcome::Worked { more: true, .. } => (),
            Outcome::Worked { more: false, .. } => return,
            other => panic!("{other:?}"),
        }
    }
    panic!("time never stops advancing");
}

fn inodes_used(world: &World) -> u64 {
    world.reader(|reader| reader.statfs(HEAD)).unwrap().inodes
}
