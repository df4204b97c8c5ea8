//! Making, opening, closing; one owner at a time.

use crate::world::{HEAD, ROOT, World, dir, file, name, names};
use nokv_client::Namespace as _;
use nokv_metad::{Embedded, ErrorKind};

#[test]
fn what_was_durable_is_there_after_a_clean_stop() {
    let world = World::new();
    let namespace = world.create();
    let sub = dir(&namespace, ROOT, "sub");
    for i in 0..100 {
        file(&namespace, sub, &format!("f{i:03}"));
    }
    namespace.close().unwrap();
    drop(namespace);
    let namespace = world.open();
    let recovered = namespace.engine().recovered().clone();
    assert!(recovered.is_clean(), "{recovered:?}");
    assert_eq!(names(&namespace, ROOT), ["sub"]);
    assert_eq!(names(&namespace, sub).len(), 100);
    namespace.lookup(HEAD, sub.ino, &name("f042")).unwrap();
}

#[test]
fn what_was_durable_is_there_after_an_engine_that_never_closed() {
    let world = World::new();
    let namespace = world.create();
    let sub = dir(&namespace, ROOT, "sub");
    file(&namespace, sub, "f");
    drop(namespace);
    let namespace = world.open();
    let recovered = namespace.engine().recovered().clone();
    assert!(!recovered.is_clean() && recovered.segments > 0, "{recovered:?}");
    assert_eq!(names(&namespace, sub), ["f"]);
}

#[test]
fn only_log_behind_the_published_state_counts_as_redo_after_a_start() {
    let world = World::new();
    let namespace = world.create();
    let redo = |namespace: &Embedded| namespace.engine().stats().redo_bytes;
    for i in 0..100 {
        file(&namespace, ROOT, &format!("f{i:03}"));
    }
    let whole = redo(&namespace);
    namespace.checkpoint().unwrap();
    file(&namespace, ROOT, "tail");
    let tail = redo(&namespace);
    assert!(tail > 0 && tail < whole, "{tail} of {whole}");
    drop(namespace);
    let after = redo(&world.open());
    assert!((tail..whole).contains(&after), "{after}, not {tail} of {whole}");
}

#[test]
fn a_second_owner_is_refused_and_told_who_the_first_is() {
    let world = World::new();
    let _first = world.create();
    let error = Embedded::open(world.path(), world.options()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Locked);
    let text = error.to_string();
    assert!(
        text.contains(&format!("process {}", std::process::id())),
        "{text}"
    );
    assert!(text.contains("nokv up"), "{text}");
    // The service is not there yet: nobody is told to start it.
    assert!(
        !text.contains("start one") && text.contains("wait for that process"),
        "{text}"
    );
}

#[test]
fn a_directory_without_a_workspace_says_how_to_make_one() {
    let world = World::new();
    std::fs::create_dir_all(world.path()).unwrap();
    let error = Embedded::open(world.path(), world.options()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
    assert!(error.to_string().contains("nokv init"), "{error}");
}

#[test]
fn a_workspace_is_made_once_and_an_object_store_belongs_to_one() {
    let world = World::new();
    world.create().close().unwrap();
    let error = Embedded::create(world.path(), world.options()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Exists);
    let mut other = World::new();
    other.objects = std::sync::Arc::clone(&world.objects);
    let error = Embedded::create(other.path(), other.options()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Exists);
    let foreign = World::new();
    foreign.create().close().unwrap();
    let mut crossed = world.options();
    crossed.objects = std::sync::Arc::clone(&foreign.objects);
    let error = Embedded::open(world.path(), crossed).unwrap_err();
    assert_eq!(error.kind, ErrorKind::WrongWorkspace);
}
