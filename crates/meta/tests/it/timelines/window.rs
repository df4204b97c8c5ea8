//! Time travel: what can be read, and that the rest is gone.

use crate::world::{HEAD, ROOT, World};
use nokv_meta::{Moment, State};
use nokv_types::{AttrChange, Code, Command, Ino, NewKind, ReadPoint, Version, Work};

const SECOND: u64 = 1_000_000_000;
const MS: i64 = 1_000_000;

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
    let newest = world.state.last_moment().unwrap();
    for (file, moment) in moments.iter().enumerate() {
        let (at, node) = world
            .reader(|reader| reader.point_of_time(b"main", *moment, newest))
            .unwrap();
        assert_eq!(world.tree(at, node.ino).len(), file + 2);
    }
    let refused = world.reader(|reader| reader.point_of_time(b"main", early, newest));
    assert_eq!(refused.unwrap_err().code(), Some(Code::VersionExpired));
}

/// How many entries the root had at a moment of wall time.
fn entries_at(world: &World, wall_ns: i64) -> usize {
    let newest = world.state.last_moment().unwrap_or(Moment {
        version: world.state.last_version(),
        wall_ns: world.clock.wall_ns,
    });
    let (at, node) = world
        .reader(|reader| reader.point_of_time(b"main", wall_ns, newest))
        .unwrap();
    world.tree(at, node.ino).len() - 1
}

#[test]
fn processes_of_one_command_each_are_told_apart_by_wall_time() {
    for clean in [true, false] {
        let mut world = World::new();
        let mut moments = Vec::new();
        for file in 0..5 {
            // A process begins: nothing elapses in log time.
            let last = if clean {
                Version::ZERO
            } else {
                world.state.last_version()
            };
            world.state = State::load(&world.store, last).unwrap();
            world.clock.wall_ns += 400 * MS;
            world.create(ROOT, &format!("f{file}"), NewKind::File);
            if clean {
                world.run(Command::Work(Work::Stop)).unwrap();
            }
            world.clock.wall_ns += 500 * MS;
            moments.push(world.clock.wall_ns);
            world.clock.wall_ns += 100 * MS;
        }
        for (file, moment) in moments.iter().enumerate().rev() {
            let seen = entries_at(&world, *moment);
            // After an unclean stop the next process can only say that it was before itself.
            let wanted = file + usize::from(clean || file == 4);
            assert_eq!(seen, wanted, "clean {clean}, after {file}");
        }
    }
}

#[test]
fn a_moment_shows_what_a_quarter_of_a_second_before_it_was_committed() {
    let mut world = World::new();
    let began = world.clock.wall_ns;
    let mut times = Vec::new();
    for file in 0..200 {
        world.pass(30 * MS as u64);
        world.create(ROOT, &format!("f{file:03}"), NewKind::File);
        times.push(world.clock.wall_ns);
    }
    for step in 1..60 {
        let moment = began + step * 101 * MS;
        let least = times.iter().filter(|at| **at <= moment - 250 * MS).count();
        let most = times.iter().filter(|at| **at <= moment).count();
        let seen = entries_at(&world, moment);
        assert!((least..=most).contains(&seen), "{seen}, not {least} to {most}");
    }
}

#[test]
fn a_clock_that_is_set_back_shows_the_second_time_and_never_an_older_state_later() {
    let mut world = World::new();
    let began = world.clock.wall_ns;
    let create = |world: &mut World, file: i32| {
        world.pass(SECOND);
        world.create(ROOT, &format!("f{file:02}"), NewKind::File);
    };
    for file in 0..10 {
        create(&mut world, file);
    }
    world.clock.wall_ns = began + 3 * SECOND as i64;
    for file in 10..15 {
        create(&mut world, file);
    }
    let before = (0..12).map(|second| entries_at(&world, began + second * SECOND as i64 + 500 * MS));
    let seen: Vec<usize> = before.collect();
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!(seen[1], 1, "{seen:?}");
    assert_eq!(seen[5], 12, "the second time: {seen:?}");
    assert_eq!(seen[10], 15, "not yet come again: {seen:?}");
    assert!(world.families()[&'w'] <= 17);
}

#[test]
fn time_rows_are_bounded_and_thinned_from_the_oldest() {
    let mut world = World::with_window(u64::MAX / 2);
    let began = world.clock.wall_ns;
    for round in 0..40_000 {
        world.pass(250 * MS as u64);
        let change = AttrChange {
            mode: Some(0o700 + round % 8),
            ..AttrChange::default()
        };
        world.run(Command::SetAttr { node: ROOT, change }).unwrap();
        if round % 1000 == 0 {
            world.work(Work::AdvanceTime);
        }
    }
    let rows = world.families()[&'w'];
    assert!((4096..16_384).contains(&rows), "{rows}");
    let state = State::load(&world.store, world.state.last_version()).unwrap();
    assert_eq!(state.last_moment(), None, "the last command is not noted yet");
    let newest = world.state.last_moment().unwrap();
    let at = |wall_ns| world.reader(|reader| reader.point_of_time(b"main", wall_ns, newest));
    assert!(at(began + SECOND as i64).is_ok());
    assert!(at(began - SECOND as i64).is_err());
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
