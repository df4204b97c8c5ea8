//! The disk refuses, fills up, or writes half.

use crate::history::{History, assert_same, open, random_batch, seeds, settings, state_after};
use nokv_store::conformance::Rng;
use nokv_store::{ErrorKind, Rows as _, SimDisk};
use nokv_testkit::evidence::Evidence;
use nokv_types::failpoint::{self, Action};
use std::sync::Arc;

const POINTS: [&str; 5] = [
    "store.frame.write",
    "store.frames.sync",
    "store.manifest.write",
    "store.manifest.sync",
    "store.manifest.rename",
];

#[test]
fn an_error_of_any_write_or_sync_is_reported_and_loses_nothing() {
    let mut kinds = std::collections::BTreeMap::new();
    let mut published = 0;
    for point in POINTS {
        for action in [Action::Eio, Action::Enospc, Action::Short] {
            for seed in seeds(3) {
                failpoint::isolate();
                let disk = Arc::new(SimDisk::new());
                let (store, _) = open(disk.clone(), settings(seed)).unwrap();
                failpoint::arm(point, failpoint::seeded(seed, point, 5), action);
                let mut history = History::default();
                let outcome = history.run(&store, &mut Rng::new(seed), 120);
                let fired = failpoint::report().get(point).map_or(0, |report| report.fired);
                let kind = outcome.err().map(|error| error.kind);
                assert!(
                    kind.is_none_or(|kind| matches!(kind, ErrorKind::Io | ErrorKind::Full)),
                    "{kind:?}"
                );
                *kinds
                    .entry((point, format!("{action:?} -> {kind:?}")))
                    .or_insert(0) += fired;
                failpoint::disarm();
                published += history.publishes.load(std::sync::atomic::Ordering::Relaxed);
                drop(store);
                history.check(disk.after_power_cut(seed), seed, point);
            }
        }
    }
    println!("{kinds:#?}");
    for point in POINTS {
        assert!(
            kinds.iter().any(|((at, _), fired)| *at == point && *fired > 0),
            "{point} never fired"
        );
    }
    Evidence {
        ring: "errors",
        seeds: &format!("{:?}", seeds(3)),
        injected: (
            kinds.values().sum(),
            "refused or short writes and syncs of the frames",
        ),
        acknowledged: (published as u64, "publishes"),
    }
    .print();
}

#[test]
fn a_full_disk_publishes_nothing_and_the_next_try_does() {
    failpoint::isolate();
    let disk = Arc::new(SimDisk::new());
    let (store, _) = open(disk.clone(), settings(1)).unwrap();
    let mut history = History::default();
    let mut rng = Rng::new(77);
    history.run(&store, &mut rng, 60).unwrap();
    disk.limit_frames(Some(disk_len(&disk)));
    for _ in 0..120 {
        history.apply(&store, random_batch(&mut rng)).unwrap();
    }
    let epoch = store.stats().frames.epoch;
    let full = store
        .publish(&(history.log.len() as u64).to_le_bytes())
        .unwrap_err();
    assert_eq!(full.kind, ErrorKind::Full, "{full}");
    assert_eq!(store.stats().frames.epoch, epoch);
    assert_same(
        &store,
        &state_after(&history.log, history.log.len()),
        "while full",
    );
    history.check(disk.after_kill(), 1, "while full");
    disk.limit_frames(None);
    let published = store.publish(&(history.log.len() as u64).to_le_bytes()).unwrap();
    assert_eq!(published.epoch, epoch + 1);
    history.check(disk.after_power_cut(3), 1, "after room was made");
}

fn disk_len(disk: &SimDisk) -> u64 {
    nokv_store::Disk::len(disk, nokv_store::FileName::Frames)
        .unwrap()
        .unwrap()
}

#[test]
fn after_a_failed_sync_nothing_is_published_any_more() {
    failpoint::isolate();
    let (store, _) = open(Arc::new(SimDisk::new()), settings(2)).unwrap();
    failpoint::arm("store.frames.sync", 1, Action::Eio);
    assert_eq!(store.publish(&[0; 8]).unwrap_err().kind, ErrorKind::Io);
    let again = store.publish(&[0; 8]).unwrap_err();
    assert_eq!(again.kind, ErrorKind::Io, "a sync that failed was retried");
    failpoint::disarm();
}

#[test]
fn an_unreadable_frame_is_an_io_error_of_the_read() {
    failpoint::isolate();
    let disk = Arc::new(SimDisk::new());
    let (store, _) = open(disk, settings(0)).unwrap();
    let mut history = History::default();
    history.run(&store, &mut Rng::new(5), 150).unwrap();
    store.publish(&(history.log.len() as u64).to_le_bytes()).unwrap();
    let view = store.published_view().unwrap();
    failpoint::arm("store.frame.read", 1, Action::Eio);
    // Gets, because the engine reads ahead of a scan and tries again what failed there.
    let rows = state_after(&history.log, history.log.len());
    let failed = rows.keys().find_map(|key| view.get(key).err()).unwrap();
    assert_eq!(failed.kind, ErrorKind::Io);
    failpoint::disarm();
    assert_same(&view, &rows, "when it can be read again");
}

#[test]
fn an_engine_error_says_that_the_process_must_end() {
    failpoint::isolate();
    let (store, _) = open(Arc::new(SimDisk::new()), settings(0)).unwrap();
    failpoint::arm("store.apply", 1, Action::Eio);
    let failed = History::default()
        .apply(&store, random_batch(&mut Rng::new(1)))
        .unwrap_err();
    assert_eq!(failed.kind, ErrorKind::Engine);
    failpoint::disarm();
}
