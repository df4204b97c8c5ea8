//! What a directory holds from one process to the next.

use crate::history::{History, assert_same, settings, state_after};
use nokv_store::conformance::Rng;
use nokv_store::{ErrorKind, HoltStore, Opened};
use std::path::Path;
use std::time::Duration;

/// Between two looks at what another thread does.
const LOOK: Duration = Duration::from_millis(1);
/// A minute of them: then it does not happen.
const LOOKS_MAX: usize = 60_000;

fn fresh(dir: &Path) -> HoltStore {
    match HoltStore::open(dir, settings(1)).unwrap() {
        Opened::Fresh(store) => store,
        other => panic!("{other:?}"),
    }
}

fn published(dir: &Path) -> History {
    let store = fresh(dir);
    let mut history = History::default();
    history.run(&store, &mut Rng::new(2), 80).unwrap();
    store.publish(&(history.log.len() as u64).to_le_bytes()).unwrap();
    history
}

#[test]
fn a_published_state_is_there_again_with_what_it_covers() {
    let root = tempfile::tempdir().unwrap();
    let history = published(root.path());
    for _ in 0..3 {
        match HoltStore::open(root.path(), settings(1)).unwrap() {
            Opened::Existing {
                store,
                covered,
                epoch,
            } => {
                assert_eq!(covered, (history.log.len() as u64).to_le_bytes());
                assert!(epoch >= 2);
                assert_same(&store, &state_after(&history.log, history.log.len()), "reopened");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_was_applied_and_not_published_is_gone() {
    let root = tempfile::tempdir().unwrap();
    let store = fresh(root.path());
    let mut history = History::default();
    for _ in 0..50 {
        history
            .apply(&store, crate::history::random_batch(&mut Rng::new(3)))
            .unwrap();
    }
    // The background drain has written frames, and still nothing of them counts.
    let looks = (0..LOOKS_MAX).take_while(|_| {
        let drained = store.stats().frames.writes > 0;
        if !drained {
            std::thread::sleep(LOOK);
        }
        !drained
    });
    assert!(looks.count() < LOOKS_MAX, "nothing is ever drained");
    drop(store);
    assert_same(
        &fresh(root.path()),
        &state_after(&history.log, 0),
        "never published",
    );
}

#[test]
fn a_lost_manifest_is_corrupt_and_not_a_new_store() {
    let root = tempfile::tempdir().unwrap();
    published(root.path());
    std::fs::remove_file(root.path().join("manifest")).unwrap();
    match HoltStore::open(root.path(), settings(1)).unwrap() {
        Opened::Corrupt(error) => assert_eq!(error.subject, "manifest"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn lost_frames_are_corrupt() {
    let root = tempfile::tempdir().unwrap();
    published(root.path());
    std::fs::remove_file(root.path().join("frames")).unwrap();
    assert!(matches!(
        HoltStore::open(root.path(), settings(1)).unwrap(),
        Opened::Corrupt(_)
    ));
}

#[test]
fn a_later_format_is_refused_and_left_alone() {
    let root = tempfile::tempdir().unwrap();
    published(root.path());
    let path = root.path().join("manifest");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8] += 1;
    let sum = crc32c::crc32c(&bytes[..12]).to_le_bytes();
    bytes[12..16].copy_from_slice(&sum);
    std::fs::write(&path, &bytes).unwrap();
    let refused = HoltStore::open(root.path(), settings(1)).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::TooNew);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn an_impossible_directory_is_an_io_error_that_names_it() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a file");
    std::fs::write(&path, b"x").unwrap();
    let refused = HoltStore::open(&path, settings(1)).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Io);
    assert!(refused.subject.contains("a file"));
}
