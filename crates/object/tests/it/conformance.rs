//! One suite, every implementation, and a real server.

use std::sync::Arc;
use std::time::Duration;

use nokv_object::ObjectStore;
use nokv_object::conformance;
use nokv_object::dir::DirStore;
use nokv_object::faulty::{Fault, FaultRates, FaultyStore};
use nokv_object::memory::MemoryStore;
use nokv_object::retry::{RetryPolicy, RetryStore};

use crate::pace::{TestPace, seed};

#[test]
fn a_store_in_memory_conforms_and_is_left_empty() {
    let store = MemoryStore::new();
    assert_eq!(conformance::run(&store, 1), []);
    assert!(store.is_empty());
}

#[test]
fn a_directory_conforms_and_is_left_empty() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::open(dir.path()).unwrap();
    assert_eq!(conformance::run(&store, 2), []);
    assert_eq!(store.list("", None, 10).unwrap(), []);
    assert_eq!(std::fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn retries_make_a_store_conform_whose_answers_are_refused_late_cut_and_lost() {
    let seed = seed();
    let faulty = Arc::new(FaultyStore::new(
        Arc::new(MemoryStore::new()),
        seed,
        FaultRates::passing(80),
    ));
    // Two in five calls fail, for ever: far more than a budget that protects a real store allows.
    let policy = RetryPolicy {
        attempts_max: 100,
        deadline: Duration::from_hours(1),
        tokens_max: u32::MAX,
        ..RetryPolicy::default()
    };
    let store = RetryStore::new(faulty.clone(), policy, Arc::new(TestPace::new(seed)));
    for run in 0..3 {
        assert_eq!(conformance::run(&store, run), [], "seed {seed}");
    }
    for fault in [
        Fault::Throttle,
        Fault::Unreachable,
        Fault::NoAnswer,
        Fault::LostAnswer,
        Fault::CutRead,
    ] {
        assert!(
            faulty.injected(fault) > 0,
            "{fault:?} was never injected, seed {seed}"
        );
    }
}
