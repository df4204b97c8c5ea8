//! What readers see beside a writer.

use super::batch;
use crate::{Scan, Store, Visit};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

const BATCHES: u64 = 3000;

/// Ends the readers, also when the writer panics: a scope waits for its threads.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Ends everybody when a reader panics: nobody would count for it any more, and the writer would wait for ever.
struct EndsOnPanic<'a>(&'a AtomicBool);

impl Drop for EndsOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Waits until the readers did something `wanted` times; on a busy machine they may not have started yet.
fn wait_for(count: &AtomicU64, wanted: u64, done: &AtomicBool) {
    while count.load(Ordering::Relaxed) < wanted && !done.load(Ordering::Relaxed) {
        thread::yield_now();
    }
}

/// Two rows far apart always carry the same number, whatever a reader catches the writer at.
pub fn batches_are_seen_whole_or_not_at_all(store: &impl Store) {
    let done = AtomicBool::new(false);
    let looks = AtomicU64::new(0);
    let write = |n: u64| {
        let pad = |k: u64| (format!("m{k:04}").into_bytes(), Some(vec![n as u8; 64]));
        let mut changes: Vec<_> = (0..20).map(|k| pad((n * 20 + k) % 5000)).collect();
        changes.push((b"a-first".to_vec(), Some(n.to_le_bytes().to_vec())));
        changes.push((b"z-last".to_vec(), Some(n.to_le_bytes().to_vec())));
        store.apply(&batch(&changes)).unwrap();
    };
    write(0);
    thread::scope(|scope| {
        let _ends = Ends(&done);
        for _ in 0..3 {
            scope.spawn(|| {
                let _ends = EndsOnPanic(&done);
                while !done.load(Ordering::Relaxed) {
                    let pair =
                        store.consistent(|| (store.get(b"a-first").unwrap(), store.get(b"z-last").unwrap()));
                    assert!(pair.0.is_some());
                    assert_eq!(pair.0, pair.1, "half a batch was seen");
                    looks.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for n in 1..BATCHES {
            write(n);
        }
        wait_for(&looks, 100, &done);
    });
    assert_eq!(store.stamp() % 2, 0);
}

/// A single get beside a writer answers a value that was written, whole, without help of `consistent`.
pub fn single_gets_beside_a_writer_are_whole(store: &impl Store) {
    let value = |n: u64| vec![n as u8; 100 + (n % 7) as usize];
    let done = AtomicBool::new(false);
    let looks = AtomicU64::new(0);
    let write = |n: u64| {
        let change = (b"the-row".to_vec(), Some(value(n)));
        store.apply(&batch(&[change])).unwrap();
    };
    write(0);
    thread::scope(|scope| {
        let _ends = Ends(&done);
        for _ in 0..3 {
            scope.spawn(|| {
                let _ends = EndsOnPanic(&done);
                while !done.load(Ordering::Relaxed) {
                    let found = store.get(b"the-row").unwrap().unwrap();
                    assert!(found.iter().all(|byte| *byte == found[0]), "a torn value");
                    looks.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        (1..BATCHES * 10).for_each(write);
        wait_for(&looks, 100, &done);
    });
}

/// A scan beside a writer yields every row that was there all along, once and in order.
pub fn scans_beside_a_writer_stay_ordered(store: &impl Store) {
    let fixed = |n: u64| format!("r{:06}", n * 10).into_bytes();
    let changes: Vec<_> = (0..2000).map(|n| (fixed(n), Some(vec![1; 100]))).collect();
    store.apply(&batch(&changes)).unwrap();
    let done = AtomicBool::new(false);
    let scans = AtomicU64::new(0);
    thread::scope(|scope| {
        let _ends = Ends(&done);
        for _ in 0..2 {
            scope.spawn(|| {
                let _ends = EndsOnPanic(&done);
                while !done.load(Ordering::Relaxed) {
                    let mut last = Vec::new();
                    let mut found = 0;
                    let visit = &mut |key: &[u8], value: &[u8]| {
                        assert!(key > last.as_slice(), "out of order");
                        last = key.to_vec();
                        found += u64::from(value == [1; 100]);
                        Visit::Next
                    };
                    store.scan(Scan::prefix(b"r"), visit).unwrap();
                    assert_eq!(found, 2000, "a row that was there all along was missed");
                    scans.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for round in 0..BATCHES / 2 {
            let moving = |n: u64| format!("r{:06}", (round * 7 + n) % 2000 * 10 + 5).into_bytes();
            let changes: Vec<_> = (0..16)
                .map(|n| {
                    (
                        moving(n),
                        (round % 3 != 0).then(|| vec![2; (round % 400) as usize]),
                    )
                })
                .collect();
            store.apply(&batch(&changes)).unwrap();
        }
        wait_for(&scans, 3, &done);
    });
}

/// Every value that a scan beside a writer of the same rows delivers is one that was written, whole.
pub fn scans_of_rows_that_change_are_whole(store: &impl Store) {
    const ROWS: u64 = 64;
    let row = |n: u64, k: u64| {
        let value = vec![n as u8; 200 + ((n + k) % 9) as usize * 40];
        (format!("w{k:04}").into_bytes(), Some(value))
    };
    let write = |n: u64| {
        let changes: Vec<_> = (0..ROWS).map(|k| row(n, k)).collect();
        store.apply(&batch(&changes)).unwrap();
    };
    write(0);
    let done = AtomicBool::new(false);
    let scans = AtomicU64::new(0);
    thread::scope(|scope| {
        let _ends = Ends(&done);
        for _ in 0..3 {
            scope.spawn(|| {
                let _ends = EndsOnPanic(&done);
                while !done.load(Ordering::Relaxed) {
                    let mut found = 0;
                    let visit = &mut |_: &[u8], value: &[u8]| {
                        assert!(value.iter().all(|byte| *byte == value[0]), "a torn value");
                        assert!(value.len() >= 200 && (value.len() - 200).is_multiple_of(40));
                        found += 1;
                        Visit::Next
                    };
                    store.scan(Scan::prefix(b"w"), visit).unwrap();
                    assert_eq!(found, ROWS, "a row that was there all along was missed");
                    scans.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        (1..BATCHES).for_each(write);
        wait_for(&scans, 100, &done);
    });
}
