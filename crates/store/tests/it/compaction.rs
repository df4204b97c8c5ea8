//! What removed rows cost scans until they are compacted, and compaction beside readers and writers.

use crate::history::{open, settings};
use nokv_store::conformance::{self, batch};
use nokv_store::{HoltStore, Rows as _, Scan, SimDisk, Store as _, Visit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const DIRS: u64 = 60;
const FILES: u64 = 1000;

fn key(dir: u64, file: u64) -> Vec<u8> {
    format!("{dir:03}/name-{file:05}").into_bytes()
}

/// Puts or removes the files of a directory.
fn change(store: &HoltStore, dir: u64, value: Option<&[u8]>) {
    let changes: Vec<_> = (0..FILES)
        .map(|file| (key(dir, file), value.map(<[u8]>::to_vec)))
        .collect();
    store.apply(&batch(&changes)).unwrap();
}

/// Removed rows that a listing of one emptied directory steps over.
fn steps_of_a_listing(store: &HoltStore, dir: u64) -> u64 {
    let before = store.stats().stepped_rows;
    let prefix = format!("{dir:03}/");
    let listed = |_: &[u8], _: &[u8]| -> Visit { panic!("the directory is empty") };
    store
        .scan(Scan::prefix(prefix.as_bytes()), &mut { listed })
        .unwrap();
    store.stats().stepped_rows - before
}

#[test]
fn a_listing_beside_removed_rows_steps_over_none_of_them_once_they_are_compacted() {
    let (store, _) = open(Arc::new(SimDisk::new()), settings(0)).unwrap();
    for dir in 0..DIRS {
        change(&store, dir, Some(&[7; 100]));
    }
    store.apply(&batch(&[(b"z".to_vec(), Some(vec![1]))])).unwrap();
    assert!(!store.is_compaction_due());
    assert_eq!(store.stats().removed_rows, 0);
    for dir in 0..DIRS {
        change(&store, dir, None);
    }
    assert_eq!(store.stats().removed_rows, DIRS * FILES);
    assert!(store.is_compaction_due());
    // The engine walks on to the first row that is there, far behind the end of the directory.
    assert!(steps_of_a_listing(&store, 1) > FILES * (DIRS - 2));
    while store.stats().removed_rows > 0 {
        store.compact().unwrap();
    }
    assert!(!store.is_compaction_due());
    assert_eq!(
        (0..DIRS).map(|dir| steps_of_a_listing(&store, dir)).sum::<u64>(),
        0
    );
    assert_eq!(conformance::rows(&store, Scan::prefix(b"")).len(), 1);
}

#[test]
fn compaction_is_due_when_few_removed_rows_cost_many_scans_much() {
    let (store, _) = open(Arc::new(SimDisk::new()), settings(0)).unwrap();
    change(&store, 1, Some(&[7; 100]));
    change(&store, 1, None);
    let mut listings = 0;
    while !store.is_compaction_due() {
        listings += 1;
        assert!(steps_of_a_listing(&store, 1) > FILES - 10);
        assert!(listings < 100, "never due: {:?}", store.stats());
    }
    assert!(listings > 5, "due after {listings} listings");
    store.compact().unwrap();
    assert_eq!(store.stats().removed_rows, 0);
    assert!(!store.is_compaction_due());
}

/// Runs `run` on a store that is compacted and published all the time.
fn restlessly(seed: u64, run: impl FnOnce(&HoltStore)) {
    let (store, _) = open(Arc::new(SimDisk::new()), settings(seed)).unwrap();
    let (done, rounds) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                store.compact().unwrap();
                if rounds.fetch_add(1, Ordering::Relaxed).is_multiple_of(8) {
                    store.publish(b"now").unwrap();
                }
            }
        });
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&store)));
        done.store(true, Ordering::Relaxed);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    assert!(rounds.load(Ordering::Relaxed) > 0);
}

#[test]
fn random_operations_match_a_map_while_frames_are_compacted() {
    for seed in 0..6 {
        restlessly(seed, |store| {
            conformance::random_operations_match_a_map(store, seed);
        });
    }
}

#[test]
fn batches_are_seen_whole_while_frames_are_compacted() {
    restlessly(1, conformance::batches_are_seen_whole_or_not_at_all);
}

#[test]
fn scans_miss_nothing_while_frames_are_compacted() {
    restlessly(2, conformance::scans_beside_a_writer_stay_ordered);
}

#[test]
fn single_gets_are_whole_while_frames_are_compacted() {
    restlessly(3, conformance::single_gets_beside_a_writer_are_whole);
}
