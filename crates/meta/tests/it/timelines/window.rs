//! Time travel: what can be read, and that the rest is gone.

use crate::world::{HEAD, ROOT, World};
use nokv_types::{Code, Ino, NewKind, ReadPoint, Version, Work};

const SECOND: u64 = 1_000_000_000;

#[test]
fn versions_in_the_window_are_read_and_older_ones_are_refused() {
    let mut world = World::with_window(60 * SECOND);
    let mut versions = Vec::new();
    for file in 0..20 {
        world.pass(10 * SECOND);
        world.create(ROOT, &format!("f{file:02}"), NewKind::File);
        versions.push(world.state.last_version());
        world.work(Work::AdvanceTime);
    }
    world.work_off(100);
    let read = |version: Version| world.reader(|reader| reader.point_of_version(b"main", version));
    for (file, version) in versions.iter().enumerate() {
        if file < 12 {
            assert_eq!(
                read(*version).unwrap_err().code(),
                Some(Code::VersionExpired),
                "{file}"
            );
        }
        if file >= 14 {
            let (at, node) = read(*version).unwrap();
            assert_eq!(world.tree(at, node.ino).len(), file + 2, "{file}");
        }
    }
    let families = world.families();
    assert!(families[&'H'] < 20 && families[&'w'] < 20, "{families:?}");
}

#[test]
fn a_moment_is_read_as_it_was() {
    let mut world = World::new();
    world.pass(10 * SECOND);
    let early = world.clock.wall_ns - 1_000_000_000_000;
    let mut moments = Vec::new();
    for file in 0..5 {
        world.pass(10 * SECOND);
        world.create(ROOT, &format!("f{file}"), NewKind::File);
        world.pass(5 * SECOND);
        moments.push(world.clock.wall_ns);
    }
    let last = world.state.last_version();
    for (file, moment) in moments.iter().enumerate() {
        let (at, node) = world
            .reader(|reader| reader.point_of_time(b"main", *moment, last))
            .unwrap();
        assert_eq!(world.tree(at, node.ino).len(), file + 2);
    }
    let refused = world.reader(|reader| reader.point_of_time(b"main", early, last));
    assert_eq!(refused.unwrap_err().code(), Some(Code::VersionExpired));
}

#[test]
fn a_pinned_version_stays_readable_below_the_window() {
    let mut world = World::with_window(5 * SECOND);
    world.create(ROOT, "a", NewKind::File);
    let pin = world.snapshot("s", ROOT);
    world.create(ROOT, "b", NewKind::File);
    for _ in 0..5 {
        world.pass(10 * SECOND);
        world.work_off(100);
    }
    let near = ReadPoint {
        version: Version(pin.at.version.0 - 1),
        ..pin.at
    };
    let code = |at: ReadPoint| {
        world
            .reader(|reader| reader.readable(at))
            .map_err(|error| error.code())
    };
    assert_eq!(code(pin.at), Ok(pin.at));
    assert_eq!(code(near), Err(Some(Code::VersionExpired)));
    assert_eq!(code(HEAD), Ok(HEAD));
    assert_eq!(world.tree(pin.at, Ino::ROOT).len(), 2);
    let gone = ReadPoint {
        timeline: nokv_types::TimelineId(77),
        ..HEAD
    };
    assert_eq!(code(gone), Err(Some(Code::Stale)));
}

#[test]
fn pruning_looks_only_at_what_a_pin_kept() {
    let mut world = World::with_window(0);
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    for file in 0..200 {
        world.create(dir, &format!("f{file}"), NewKind::File);
    }
    world.snapshot("old", ROOT);
    world.remove_tree(ROOT, "dir");
    world.pass(SECOND);
    world.work_off(50);
    world.snapshot("new", ROOT);
    world.create(ROOT, "x", NewKind::File);
    world.pass(SECOND);
    world.work_off(50);
    let kept = world.families()[&'H'];
    world.release("new");
    // The rows that only the old pin needs are not looked at: one look ends it.
    assert!(!world.work(Work::Prune { rows_max: 20 }).1);
    assert!(world.families()[&'H'] > kept - 5);
    world.release("old");
    world.work_off(50);
    assert_eq!(world.families().get(&'H'), None);
}
