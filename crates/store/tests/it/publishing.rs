//! Publishing beside readers and writers, views of what was published, and the disk that comes back.

use crate::history::{History, assert_same, open, settings, state_after};
use nokv_store::conformance::{self, Rng, batch};
use nokv_store::{ErrorKind, HoltStore, Rows as _, Scan, SimDisk, Store as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Ends the publisher, also when the test panics: a scope waits for its threads.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `run` on a store that is frozen, captured, merged and published all the time.
fn restlessly(seed: u64, run: impl FnOnce(&HoltStore)) {
    let (store, _) = open(Arc::new(SimDisk::new()), settings(seed)).unwrap();
    let done = AtomicBool::new(false);
    let published = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let _ends = Ends(&done);
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                store.publish(b"now").unwrap();
                published.fetch_add(1, Ordering::Relaxed);
            }
        });
        run(&store);
    });
    println!("{} publishes", published.load(Ordering::Relaxed));
    assert!(published.load(Ordering::Relaxed) > 0);
}

#[test]
fn random_operations_match_a_map_while_states_are_published() {
    for seed in 0..6 {
        restlessly(seed, |store| {
            conformance::random_operations_match_a_map(store, seed);
        });
    }
}

#[test]
fn batches_are_seen_whole_while_states_are_published() {
    restlessly(1, conformance::batches_are_seen_whole_or_not_at_all);
}

#[test]
fn scans_miss_nothing_while_states_are_published() {
    restlessly(2, conformance::scans_beside_a_writer_stay_ordered);
}

#[test]
fn scans_are_whole_while_states_are_published() {
    restlessly(3, conformance::scans_of_rows_that_change_are_whole);
}

#[test]
fn a_view_keeps_showing_its_state_and_its_slots_come_back_after_it() {
    let disk = Arc::new(SimDisk::new());
    let (store, _) = open(disk, settings(0)).unwrap();
    let mut history = History::default();
    let mut rng = Rng::new(8);
    history.run(&store, &mut rng, 100).unwrap();
    let covered = history.log.len();
    store.publish(&(covered as u64).to_le_bytes()).unwrap();
    let view = store.published_view().unwrap();
    assert_eq!(view.covered(), (covered as u64).to_le_bytes());
    let then = state_after(&history.log, covered);
    for _ in 0..5 {
        history.run(&store, &mut rng, 60).unwrap();
        assert_same(&view, &then, "the view");
    }
    for (key, value) in then.iter().step_by(10) {
        assert_eq!(view.get(key).unwrap().as_ref(), Some(value));
    }
    let held = store.stats().frames;
    drop(view);
    store.publish(&(history.log.len() as u64).to_le_bytes()).unwrap();
    let after = store.stats().frames;
    assert!(
        after.slots - after.slots_free - after.slots_punched
            < held.slots - held.slots_free - held.slots_punched
    );
    assert_same(
        &store,
        &state_after(&history.log, history.log.len()),
        "the live state",
    );
}

#[test]
fn a_view_of_nothing_is_empty() {
    let (store, _) = open(Arc::new(SimDisk::new()), settings(0)).unwrap();
    let view = store.published_view().unwrap();
    assert_eq!(view.get(b"k").unwrap(), None);
    assert_same(&view, &state_after(&[], 0), "nothing");
}

#[test]
fn a_frozen_state_that_is_dropped_changes_nothing() {
    let (store, _) = open(Arc::new(SimDisk::new()), settings(0)).unwrap();
    let mut history = History::default();
    history.run(&store, &mut Rng::new(1), 30).unwrap();
    let frozen = store.freeze(b"not to be").unwrap();
    assert_eq!(store.freeze(b"second").unwrap_err().kind, ErrorKind::Invalid);
    for seed in 0..30 {
        history
            .apply(&store, crate::history::random_batch(&mut Rng::new(seed)))
            .unwrap();
    }
    assert_same(
        &store,
        &state_after(&history.log, history.log.len()),
        "while frozen",
    );
    let epoch = store.stats().frames.epoch;
    drop(frozen);
    assert_eq!(store.stats().overlay_bytes, 0);
    assert_eq!(store.stats().frames.epoch, epoch);
    assert_same(&store, &state_after(&history.log, history.log.len()), "after");
}

#[test]
fn writers_wait_when_the_overlay_is_full_and_go_on_after_it() {
    let (store, _) = open(Arc::new(SimDisk::new()), settings(0)).unwrap();
    let frozen = store.freeze(b"").unwrap();
    let rows: u64 = 3000;
    let change = |n: u64| vec![(format!("big-{n:06}").into_bytes(), Some(vec![n as u8; 40_000]))];
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (0..rows).for_each(|n| store.apply(&batch(&change(n))).unwrap()));
        while store.stats().overlay_bytes < 64 << 20 {
            std::thread::yield_now();
        }
        assert!(!writer.is_finished());
        drop(frozen);
        writer.join().unwrap();
    });
    assert_eq!(
        conformance::rows(&store, Scan::prefix(b"big-")).len() as u64,
        rows
    );
}

#[test]
fn single_gets_are_whole_while_states_are_published() {
    restlessly(3, conformance::single_gets_beside_a_writer_are_whole);
}

#[test]
fn frames_that_deletes_emptied_are_given_back_by_compaction() {
    let (store, _) = open(Arc::new(SimDisk::new()), settings(0)).unwrap();
    let key = |n: u64| format!("{n:06}").into_bytes();
    for first in (0..40_000).step_by(500) {
        let changes: Vec<_> = (first..first + 500)
            .map(|n| (key(n), Some(vec![7; 300])))
            .collect();
        store.apply(&batch(&changes)).unwrap();
    }
    store.publish(b"").unwrap();
    let filled = store.stats().frames;
    for first in (0..40_000).step_by(500) {
        let changes: Vec<_> = (first..first + 500)
            .filter(|n| n % 20 != 0)
            .map(|n| (key(n), None))
            .collect();
        store.apply(&batch(&changes)).unwrap();
    }
    let frozen = store.freeze(b"").unwrap();
    assert_eq!(store.compact().unwrap_err().kind, ErrorKind::Invalid);
    frozen.publish().unwrap();
    for _ in 0..6 {
        store.compact().unwrap();
        store.publish(b"").unwrap();
    }
    let left = store.stats().frames;
    assert!(
        left.frames * 4 < filled.frames,
        "{} of {} frames are left",
        left.frames,
        filled.frames
    );
    assert!(left.file_bytes < filled.file_bytes / 2, "{left:?}");
    assert_eq!(conformance::rows(&store, Scan::prefix(b"")).len(), 2000);
}

#[test]
fn the_disk_after_a_publish_is_near_the_live_size() {
    let (store, _) = open(Arc::new(SimDisk::new()), settings(0)).unwrap();
    let change = |n: u64, round: u64| {
        (
            format!("{:05}", n * 7919 % 40_000).into_bytes(),
            Some(vec![round as u8; 500]),
        )
    };
    for round in 0..4 {
        for first in (0..40_000).step_by(200) {
            let changes: Vec<_> = (first..first + 200).map(|n| change(n, round)).collect();
            store.apply(&batch(&changes)).unwrap();
        }
        store.publish(b"").unwrap();
    }
    let stats = store.stats().frames;
    assert!(stats.frames > 30);
    let used = stats.file_bytes / (512 * 1024);
    assert!(used as usize <= stats.frames + 16, "{stats:?}");
}
