//! Snapshot pins: idempotent, held by several, leased, and exact.

use super::pinned;
use crate::world::{HEAD, ROOT, World, name};
use nokv_meta::State;
use nokv_types::{Code, Command, Ino, NewKind, Node, Outcome, PinInfo, Refusal, Request, Work};

const HOUR: u64 = 3_600_000_000_000;

fn create(key: &str, node: Node, holder: &str, lease_ns: Option<u64>) -> Command {
    Command::SnapshotCreate {
        key: key.as_bytes().to_vec(),
        node,
        holder: holder.as_bytes().to_vec(),
        lease_ns,
    }
}

fn pin(world: &mut World, command: Command) -> Result<PinInfo, Refusal> {
    world.run(command).map(|reply| match reply.outcome {
        Outcome::Pin(pin) => pin,
        other => panic!("{other:?}"),
    })
}

fn release(world: &mut World, key: &str, holder: &str) -> Result<(), Refusal> {
    let command = Command::SnapshotRelease {
        key: key.as_bytes().to_vec(),
        holder: holder.as_bytes().to_vec(),
    };
    world.run(command).map(drop)
}

fn is_there(world: &World, key: &str) -> bool {
    world.reader(|reader| reader.pin(key.as_bytes())).is_ok()
}

#[test]
fn the_same_key_answers_the_same_pin_until_its_last_holder_goes() {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    let first = pin(&mut world, create("s", dir, "a", None)).unwrap();
    world.create(dir, "later", NewKind::File);
    let again = pin(&mut world, create("s", dir, "b", None)).unwrap();
    assert_eq!((again.at, again.node), (first.at, first.node));
    assert_eq!(again.holders, [b"a".to_vec(), b"b".to_vec()]);
    let other = pin(&mut world, create("s", ROOT, "a", None));
    assert_eq!(other.unwrap_err().code, Code::Conflict);
    assert_eq!(release(&mut world, "s", "c").unwrap_err().code, Code::Conflict);
    release(&mut world, "s", "a").unwrap();
    assert!(is_there(&world, "s"));
    release(&mut world, "s", "b").unwrap();
    assert!(!is_there(&world, "s"));
    assert_eq!(release(&mut world, "s", "b").unwrap_err().code, Code::NotFound);
}

#[test]
fn a_leased_pin_ends_by_itself_and_a_renewed_one_later() {
    let mut world = World::new();
    pin(&mut world, create("short", ROOT, "a", Some(HOUR))).unwrap();
    pin(&mut world, create("renewed", ROOT, "a", Some(HOUR))).unwrap();
    pin(&mut world, create("for good", ROOT, "a", Some(HOUR))).unwrap();
    world.pass(HOUR / 2);
    pin(&mut world, create("renewed", ROOT, "a", Some(HOUR))).unwrap();
    pin(&mut world, create("for good", ROOT, "b", None)).unwrap();
    world.pass(HOUR / 2);
    world.work(Work::AdvanceTime);
    let there = ["short", "renewed", "for good"].map(|key| is_there(&world, key));
    assert_eq!(there, [false, true, true]);
    world.pass(HOUR);
    world.work(Work::AdvanceTime);
    assert_eq!(
        ["renewed", "for good"].map(|key| is_there(&world, key)),
        [false, true]
    );
}

#[test]
fn a_pin_in_the_middle_of_a_batch_is_exact() {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    let make = |text: &str| {
        Request::internal(Command::Create {
            parent: dir,
            name: name(text),
            inode: crate::world::OWNER,
            kind: NewKind::File,
        })
    };
    let snapshot = Request::internal(create("s", dir, "a", None));
    let answers = world.batch(vec![make("a"), make("b"), snapshot, make("c"), make("d")]);
    assert!(answers.iter().all(Result::is_ok));
    let (at, node) = world.reader(|reader| reader.point_of_snapshot(b"s")).unwrap();
    let tree = world.tree(at, node.ino);
    assert_eq!(tree[""].entries, 2);
    assert_eq!(tree.keys().collect::<Vec<_>>(), ["", "/a", "/b"]);
    assert_eq!(world.tree(HEAD, dir.ino)[""].entries, 4);
}

#[test]
fn what_cannot_be_pinned_is_refused() {
    let mut world = World::new();
    let file = world.create(ROOT, "file", NewKind::File);
    let refused = |answer: Result<PinInfo, Refusal>| answer.unwrap_err().code;
    assert_eq!(
        refused(pin(&mut world, create("s", file, "a", None))),
        Code::NotADirectory
    );
    let none = Node::new(ROOT.timeline, Ino(99));
    assert_eq!(
        refused(pin(&mut world, create("s", none, "a", None))),
        Code::NotFound
    );
    assert_eq!(
        refused(pin(&mut world, create("", ROOT, "a", None))),
        Code::NameInvalid
    );
    assert_eq!(
        refused(pin(&mut world, create("a\0b", ROOT, "a", None))),
        Code::NameInvalid
    );
    assert_eq!(
        refused(pin(&mut world, create(&"x".repeat(256), ROOT, "a", None))),
        Code::NameInvalid
    );
    for holder in 0..64 {
        pin(&mut world, create("s", ROOT, &format!("h{holder}"), None)).unwrap();
    }
    assert_eq!(
        refused(pin(&mut world, create("s", ROOT, "one more", None))),
        Code::TooMany
    );
}

#[test]
fn a_fork_of_a_pinned_subtree_begins_at_its_directory() {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    world.create(dir, "a", NewKind::File);
    world.snapshot("s", dir);
    world.create(dir, "b", NewKind::File);
    let fork = world.fork("f", pinned("s"));
    assert_eq!(fork.node.ino, dir.ino);
    assert_eq!(world.names(fork.node), ["a"]);
    // The pin may go: the fork holds its version by itself.
    world.release("s");
    world.pass(10 * HOUR);
    world.work_off(100);
    assert_eq!(world.names(fork.node), ["a"]);
    assert_eq!(world.names(dir), ["a", "b"]);
}

#[test]
fn a_lease_gets_a_full_new_term_after_a_restart() {
    let mut world = World::new();
    pin(&mut world, create("s", ROOT, "a", Some(HOUR))).unwrap();
    pin(&mut world, create("kept", ROOT, "a", None)).unwrap();
    world.pass(HOUR / 2);
    world.state = State::load(&world.store, world.state.last_version()).unwrap();
    world.work(Work::AdvanceTime);
    world.pass(HOUR - HOUR / 4);
    world.work(Work::AdvanceTime);
    assert!(is_there(&world, "s"), "a term after the restart is not over");
    let renewed = pin(&mut world, create("s", ROOT, "b", Some(HOUR / 8))).unwrap();
    let left = renewed.expires_ns.unwrap() - world.clock.log_ns;
    assert!(left > HOUR / 5, "a shorter lease does not shorten it");
    world.pass(HOUR / 3);
    world.work(Work::AdvanceTime);
    assert!(!is_there(&world, "s") && is_there(&world, "kept"));
}
