//! Who may delete what: two copies of one data directory, and a checkpoint that is not listed yet.

use crate::holds::{Watched, copy_dir, quiet, stored, unlink};
use crate::world::{ROOT, World, create, file, names, one};
use nokv_client::{Ack, GcOptions, Namespace as _};
use nokv_metad::{Embedded, ErrorKind, Limits, Options};
use nokv_object::layout;
use nokv_types::{Code, NewKind, ObjectId};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

fn is_stored(world: &World, object: ObjectId) -> bool {
    world.objects.head(&layout::data(object.0)).unwrap().is_some()
}

/// A workspace with a body, and a copy of its data directory.
fn copied(world: &World) -> (tempfile::TempDir, PathBuf, ObjectId) {
    let namespace = Embedded::create(world.path(), quiet(world)).unwrap();
    let object = stored(&namespace, "f");
    namespace.close().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let copy = scratch.path().join("data");
    copy_dir(world.path(), &copy);
    (scratch, copy, object)
}

#[test]
fn of_two_live_copies_one_goes_on_and_the_other_stops_before_it_deletes_anything() {
    let world = World::new();
    let (_scratch, copy, object) = copied(&world);
    let first = Embedded::open(world.path(), quiet(&world)).unwrap();
    let second = Embedded::open(&copy, quiet(&world)).unwrap();
    // Each goes its own way; the first to list a checkpoint has the store.
    file(&first, ROOT, "first");
    for i in 0..3 {
        file(&second, ROOT, &format!("second{i}"));
    }
    first.checkpoint().unwrap();
    one(&second, unlink("f"), Ack::Durable).unwrap();
    // What dies is deleted once its death is durable.
    assert_eq!(second.gc(&GcOptions::default()).unwrap().objects_deleted, 0);
    file(&second, ROOT, "second3");
    let refused = second.gc(&GcOptions::default()).unwrap_err();
    assert_eq!(refused.code(), Some(Code::Io), "{refused}");
    assert!(
        second.engine().failure().unwrap().contains("two copies"),
        "{refused}"
    );
    assert!(is_stored(&world, object));
    let late = one(&second, unlink("second0"), Ack::Durable).unwrap_err();
    assert_eq!(late.code, Code::Io);
    drop(second);
    // It does not come back by being opened again, however far it went.
    let refused = Embedded::open(&copy, quiet(&world)).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Loss, "{refused}");
    for _ in 0..2 {
        first.checkpoint().unwrap();
    }
    assert_eq!(names(&first, ROOT), ["f", "first"]);
    assert!(first.fsck(false).unwrap().findings.is_empty());
    assert!(is_stored(&world, object));
}

#[test]
fn a_copy_that_saves_after_the_other_one_stops() {
    let world = World::new();
    let (_scratch, copy, _) = copied(&world);
    let first = Embedded::open(world.path(), quiet(&world)).unwrap();
    let second = Embedded::open(&copy, quiet(&world)).unwrap();
    second.checkpoint().unwrap();
    file(&first, ROOT, "first");
    first.checkpoint().unwrap_err();
    assert!(first.engine().failure().unwrap().contains("two copies"));
    // What the other one listed is as it was.
    for _ in 0..2 {
        second.checkpoint().unwrap();
    }
    second.close().unwrap();
    drop(second);
    std::fs::write(copy.join("frames/manifest"), b"damaged").unwrap();
    let second = Embedded::open(&copy, quiet(&world)).unwrap();
    assert_eq!(names(&second, ROOT), ["f"]);
}

/// So small that a few files fill one.
const LOG_FILE_BYTES: u64 = 64 << 10;
/// Files that fill it.
const FILES: u32 = 400;

/// Time in which a collection that does not wait would have deleted.
const PAUSE: Duration = Duration::from_millis(500);

#[test]
fn what_a_first_checkpoint_refers_to_stays_until_another_one_is_listed() {
    let mut world = World::new();
    let watched = Watched::over(&mut world);
    let namespace = Arc::new(Embedded::create(world.path(), quiet(&world)).unwrap());
    let object = stored(&namespace, "f");
    let objects = Arc::clone(&world.objects);
    let (thread, beside) = (std::sync::mpsc::channel(), Arc::clone(&namespace));
    let (send, collected) = thread;
    *watched.listing.lock().unwrap() = Some(Box::new(move || {
        // The state is cut, and not listed: somebody removes the file and collects.
        let job = std::thread::spawn(move || {
            one(&beside, unlink("f"), Ack::Durable).unwrap();
            beside.gc(&GcOptions::default()).unwrap().objects_deleted
        });
        std::thread::sleep(PAUSE);
        let key = layout::data(object.0);
        assert!(
            objects.head(&key).unwrap().is_some(),
            "deleted before the cut was listed"
        );
        send.send(job).unwrap();
    }));
    namespace.checkpoint().unwrap();
    let deleted = collected.recv().unwrap().join().unwrap();
    // Held by the checkpoint that is listed now; two later ones let go of it.
    assert_eq!((deleted, is_stored(&world, object)), (0, true));
    for _ in 0..2 {
        namespace.checkpoint().unwrap();
    }
    assert_eq!(namespace.gc(&GcOptions::default()).unwrap().objects_deleted, 1);
    assert!(!is_stored(&world, object));
}

/// An object that nothing refers to any more.
fn dead(namespace: &Embedded) -> ObjectId {
    let object = stored(namespace, "f");
    one(namespace, unlink("f"), Ack::Durable).unwrap();
    // What nobody can see is pruned, and the next commit makes that durable.
    namespace.gc(&GcOptions::default()).unwrap();
    file(namespace, ROOT, "next");
    object
}

#[test]
fn a_head_that_was_long_on_its_way_is_not_taken_for_that_of_a_copy() {
    let mut world = World::new();
    let watched = Watched::over(&mut world);
    let options = quiet(&world);
    let options = Options {
        limits: Limits {
            log_file_bytes: LOG_FILE_BYTES,
            log_reserve_bytes: LOG_FILE_BYTES,
            ..options.limits
        },
        ..options
    };
    let namespace = Arc::new(Embedded::create(world.path(), options).unwrap());
    dead(&namespace);
    namespace.checkpoint().unwrap();
    let beside = Arc::clone(&namespace);
    *watched.answering.lock().unwrap() = Some(Box::new(move || {
        // What the answer lists retires, and the log is trimmed behind it.
        for round in 0..3 {
            let made = (0..FILES).map(|i| create(ROOT, &format!("file{round}-{i}"), NewKind::File));
            let answers = beside.submit(made.collect(), Ack::Applied);
            assert!(answers.iter().all(Result::is_ok));
            beside.checkpoint().unwrap();
        }
    }));
    namespace.gc(&GcOptions::default()).unwrap();
    assert!(
        watched.answering.lock().unwrap().is_none(),
        "HEAD was not looked at"
    );
    assert_eq!(namespace.engine().failure(), None);
    file(&namespace, ROOT, "last");
}

#[test]
fn a_damaged_head_keeps_nothing_from_being_collected() {
    for ignore_grace in [false, true] {
        let world = World::new();
        let namespace = Embedded::create(world.path(), quiet(&world)).unwrap();
        let object = dead(&namespace);
        namespace.checkpoint().unwrap();
        let tag = world.objects.head(&layout::head()).unwrap().unwrap().etag;
        let damaged = world
            .objects
            .put_if_match(&layout::head(), b"damaged", Some(&tag));
        damaged.unwrap();
        let options = GcOptions {
            ignore_grace,
            ..GcOptions::default()
        };
        // Nobody knows what is held until a checkpoint made it again.
        let deleted: u64 = (0..2)
            .map(|_| namespace.gc(&options).unwrap().objects_deleted)
            .sum();
        assert_eq!((deleted, is_stored(&world, object)), (1, false));
        assert_eq!(namespace.engine().failure(), None);
    }
}
