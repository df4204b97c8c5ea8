//! Points that no single fault reaches: each behind another fault, or in a state that a script never gets into.

use crate::world::{ROOT, World, create, dir, file, one};
use nokv_client::{Ack, Namespace as _};
use nokv_metad::{Embedded, Options};
use nokv_types::NewKind;
use nokv_types::failpoint::{Action, arm, disarm, isolate, report};

#[test]
fn points_behind_another_fault_are_reached_and_recovered_from() {
    for (point, (_, fired, _)) in all(0) {
        assert_eq!(fired, 1, "{point}");
    }
}

type Row = (u64, u64, u64);

/// Runs all of them in the state that a seed leads to; the rows of the hit table.
pub(crate) fn all(seed: u64) -> Vec<(&'static str, Row)> {
    let before = seed % HISTORIES;
    let mut rows = vec![undo(before), unlist(before), events(before)];
    for point in ["journal.replace.rename", "journal.replace.sync_dir"] {
        rows.push(replace(point, before));
    }
    rows.push(clear(before));
    rows.push(punch(before));
    rows
}

/// Lengths of what happened in a directory of its own before the first fault.
const HISTORIES: u64 = 40;

/// So many files, made and made durable before the fault; in no place that is looked at.
fn past(namespace: &Embedded, before: u64) {
    for answer in namespace.submit(
        (0..before)
            .map(|i| create(ROOT, &format!("past{i}"), NewKind::File))
            .collect(),
        Ack::Durable,
    ) {
        answer.unwrap();
    }
}

/// The names in a directory without those of its past.
fn names(namespace: &Embedded, dir: nokv_types::Node) -> Vec<String> {
    let all = crate::world::names(namespace, dir);
    all.into_iter().filter(|name| !name.starts_with("past")).collect()
}

fn row(point: &'static str, acknowledged: u64) -> (&'static str, Row) {
    let seen = report().get(point).copied().unwrap_or_default();
    disarm();
    (point, (seen.hits, seen.fired, acknowledged))
}

fn quiet(world: &World) -> Options {
    Options {
        workers: false,
        ..world.options()
    }
}

/// A write for which there is no room, and death while its place is made zero again.
fn undo(before: u64) -> (&'static str, Row) {
    isolate();
    let world = World::new();
    let namespace = Embedded::create(world.path(), quiet(&world)).unwrap();
    past(&namespace, before);
    file(&namespace, ROOT, "kept");
    arm("journal.append.write", 1, Action::Enospc);
    arm("journal.append.undo", 1, Action::Crash);
    one(&namespace, create(ROOT, "lost", NewKind::File), Ack::Durable).unwrap_err();
    drop(namespace);
    let row = row("journal.append.undo", 1);
    let namespace = world.open();
    assert_eq!(names(&namespace, ROOT), ["kept"]);
    row
}

/// A checkpoint that does not verify, and death while it is taken off the list.
fn unlist(before: u64) -> (&'static str, Row) {
    isolate();
    let world = World::new();
    let namespace = Embedded::create(world.path(), quiet(&world)).unwrap();
    past(&namespace, before);
    file(&namespace, ROOT, "kept");
    namespace.checkpoint().unwrap();
    file(&namespace, ROOT, "too");
    world.spoil_parts();
    arm("journal.checkpoint.unlist", 1, Action::Crash);
    namespace.checkpoint().unwrap_err();
    drop(namespace);
    let row = row("journal.checkpoint.unlist", 2);
    world.spare_parts();
    let namespace = world.open();
    assert_eq!(names(&namespace, ROOT), ["kept", "too"]);
    namespace.checkpoint().unwrap();
    row
}

/// An event file in the middle is gone; death while those before it are dropped.
fn events(before: u64) -> (&'static str, Row) {
    isolate();
    let world = World::new();
    let options = || {
        let mut options = quiet(&world);
        options.limits.event_file_bytes = 4096;
        options
    };
    let namespace = Embedded::create(world.path(), options()).unwrap();
    past(&namespace, before);
    let requests = (0..400).map(|i| create(ROOT, &format!("f{i}"), NewKind::File));
    for request in requests {
        one(&namespace, request, Ack::Applied).unwrap();
    }
    namespace
        .events(&nokv_client::EventQuery {
            limit: 1,
            ..Default::default()
        })
        .unwrap();
    namespace.close().unwrap();
    drop(namespace);
    let dir = std::fs::read_dir(world.path().join("events")).unwrap();
    let mut files: Vec<_> = dir.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 2, "{files:?}");
    std::fs::remove_file(&files[files.len() / 2]).unwrap();
    arm("journal.events.drop", 1, Action::Crash);
    Embedded::open(world.path(), options()).unwrap_err();
    let row = row("journal.events.drop", 400);
    let namespace = Embedded::open(world.path(), options()).unwrap();
    assert_eq!(names(&namespace, ROOT).len(), 400);
    row
}

/// The log is gone and the loss of what only it held was accepted; death while the new one takes its place.
fn replace(point: &'static str, before: u64) -> (&'static str, Row) {
    isolate();
    let world = World::new();
    let namespace = Embedded::create(world.path(), quiet(&world)).unwrap();
    past(&namespace, before);
    let sub = dir(&namespace, ROOT, "sub");
    file(&namespace, sub, "published");
    namespace.checkpoint().unwrap();
    namespace.close().unwrap();
    drop(namespace);
    std::fs::remove_dir_all(world.path().join("log")).unwrap();
    let refused = Embedded::open(world.path(), quiet(&world)).unwrap_err();
    assert_eq!(refused.kind, nokv_metad::ErrorKind::Loss, "{refused}");
    let accepting = || Options {
        accept_loss: true,
        ..quiet(&world)
    };
    arm(point, 1, Action::Crash);
    Embedded::open(world.path(), accepting()).unwrap_err();
    let row = row(point, 2);
    let namespace = Embedded::open(world.path(), accepting()).unwrap();
    assert_eq!(names(&namespace, sub), ["published"]);
    row
}

/// The log is empty and the loss was accepted. The first death leaves a new log beside the old one; the second
/// comes while that is taken away again.
fn clear(before: u64) -> (&'static str, Row) {
    isolate();
    let world = World::new();
    let namespace = Embedded::create(world.path(), quiet(&world)).unwrap();
    past(&namespace, before);
    file(&namespace, ROOT, "published");
    namespace.checkpoint().unwrap();
    namespace.close().unwrap();
    drop(namespace);
    for entry in std::fs::read_dir(world.path().join("log")).unwrap() {
        std::fs::write(entry.unwrap().path(), b"").unwrap();
    }
    let accepting = || Options {
        accept_loss: true,
        ..quiet(&world)
    };
    arm("journal.quarantine.rename", 1, Action::Crash);
    Embedded::open(world.path(), accepting()).unwrap_err();
    disarm();
    arm("journal.replace.clear", 1, Action::Crash);
    Embedded::open(world.path(), accepting()).unwrap_err();
    let row = row("journal.replace.clear", 1);
    let namespace = Embedded::open(world.path(), accepting()).unwrap();
    assert_eq!(names(&namespace, ROOT), ["published"]);
    row
}

/// Many frames become free at once; death while their blocks are given back.
fn punch(before: u64) -> (&'static str, Row) {
    isolate();
    let world = World::new();
    let namespace = Embedded::create(world.path(), quiet(&world)).unwrap();
    past(&namespace, before);
    let sub = dir(&namespace, ROOT, "sub");
    let long = "x".repeat(200);
    for batch in 0..FILES / 1000 {
        let requests = (0..1000).map(|i| create(sub, &format!("{}-{long}", batch * 1000 + i), NewKind::File));
        for answer in namespace.submit(requests.collect(), Ack::Durable) {
            answer.unwrap();
        }
    }
    namespace.checkpoint().unwrap();
    arm("store.frames.punch", 1, Action::Crash);
    one(&namespace, crate::world::remove_tree(ROOT, "sub"), Ack::Durable).unwrap();
    for _ in 0..8 {
        let fired = report()
            .get("store.frames.punch")
            .is_some_and(|seen| seen.fired > 0);
        if fired
            || namespace.gc(&nokv_client::GcOptions::default()).is_err()
            || namespace.checkpoint().is_err()
        {
            break;
        }
    }
    drop(namespace);
    let row = row("store.frames.punch", FILES as u64);
    let namespace = world.open();
    assert!(names(&namespace, ROOT).is_empty());
    row
}

/// Enough for a few dozen frames.
const FILES: usize = 60_000;
