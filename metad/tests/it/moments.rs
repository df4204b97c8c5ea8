//! Wall time across short processes: what `--at TIME` reads, and when events say that things happened.

use crate::clock::TestClock;
use crate::world::{HEAD, ROOT, World, file, names};
use nokv_client::{At, EventQuery, Namespace as _};
use nokv_metad::{Clocks as _, Embedded, Options};
use std::sync::Arc;
use std::time::Duration;

const SECOND_NS: i64 = 1_000_000_000;

fn options(world: &World, clock: &Arc<TestClock>) -> Options {
    Options {
        clocks: Arc::clone(clock) as Arc<_>,
        ..world.options()
    }
}

/// Three processes, a second apart, that make one file each; the wall times just after each file.
fn three_processes(world: &World, clock: &Arc<TestClock>, stop: impl Fn(Embedded)) -> Vec<i64> {
    stop(Embedded::create(world.path(), options(world, clock)).unwrap());
    let mut after = Vec::new();
    for number in 0..3 {
        clock.advance(Duration::from_secs(1));
        let namespace = Embedded::open(world.path(), options(world, clock)).unwrap();
        file(&namespace, ROOT, &format!("f{number}"));
        after.push(clock.wall_ns());
        stop(namespace);
    }
    clock.advance(Duration::from_secs(1));
    after
}

fn names_at(namespace: &Embedded, wall_ns: i64) -> usize {
    let view = namespace.resolve_at(b"main", &At::Time(wall_ns)).unwrap();
    let page = namespace.readdir(view.point, ROOT.ino, None, 10, false).unwrap();
    page.entries.len()
}

#[test]
fn commands_of_processes_a_second_apart_are_told_apart() {
    let (world, clock) = (World::new(), Arc::new(TestClock::new()));
    let after = three_processes(&world, &clock, |namespace| namespace.close().unwrap());
    let namespace = Embedded::open(world.path(), options(&world, &clock)).unwrap();
    for (number, moment) in after.iter().enumerate() {
        assert_eq!(names_at(&namespace, moment + SECOND_NS / 2), number + 1);
    }
    let early = namespace.resolve_at(b"main", &At::Time(after[0] - 10 * SECOND_NS));
    assert_eq!(early.unwrap_err().code(), Some(nokv_types::Code::VersionExpired));
    // One more in the process that reads.
    file(&namespace, ROOT, "last");
    assert_eq!(names_at(&namespace, clock.wall_ns()), 4);
    assert_eq!(names_at(&namespace, clock.wall_ns() - SECOND_NS / 2), 3);
}

#[test]
fn a_process_that_was_killed_hides_nothing_and_shows_nothing_early() {
    let (world, clock) = (World::new(), Arc::new(TestClock::new()));
    let after = three_processes(&world, &clock, drop);
    let namespace = Embedded::open(world.path(), options(&world, &clock)).unwrap();
    assert_eq!(names(&namespace, ROOT).len(), 3);
    for (number, moment) in after.iter().enumerate() {
        let seen = names_at(&namespace, moment + SECOND_NS / 2);
        assert!((number..=number + 1).contains(&seen), "{seen} after {number}");
    }
    assert_eq!(names_at(&namespace, clock.wall_ns() + SECOND_NS), 3);
    assert!(namespace.getattr(HEAD, ROOT.ino).is_ok());
}

#[test]
fn events_tell_the_wall_time_of_their_commit() {
    let (world, clock) = (World::new(), Arc::new(TestClock::new()));
    let after = three_processes(&world, &clock, |namespace| namespace.close().unwrap());
    let namespace = Embedded::open(world.path(), options(&world, &clock)).unwrap();
    let query = EventQuery {
        limit: 100,
        ..EventQuery::default()
    };
    let page = namespace.events(&query).unwrap();
    let times: Vec<i64> = page
        .events
        .iter()
        .filter(|logged| logged.event.name.starts_with(b"f"))
        .map(|logged| logged.wall_ns)
        .collect();
    assert_eq!(times.len(), 3);
    for (time, after) in times.iter().zip(&after) {
        // The test clock ticks at every look.
        assert!((after - SECOND_NS / 10..=*after).contains(time), "{time} {after}");
    }
}
