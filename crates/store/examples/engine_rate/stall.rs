//! Creates at a fixed offered rate beside publishes; latency counts from the scheduled time.

use super::rows::{FILES_PER_DIR, batch_of, cpu, dentry_key, memory};
use nokv_store::conformance::Rng;
use nokv_store::{HoltStore, Mutation, Mutations, Opened, Rows as _, Scan, Settings, Store as _, Visit};
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const BATCH: u64 = 128;

pub(crate) fn run(files: u64, rate: u64) {
    let root = tempfile::tempdir_in(std::env::var("NOKV_BENCH_DIR").unwrap_or("/tmp".into())).unwrap();
    let Opened::Fresh(store) = HoltStore::open(root.path(), Settings::default()).unwrap() else {
        unreachable!("the directory is new")
    };
    for first in (0..files).step_by(BATCH as usize) {
        store.apply(&batch_of(first..(first + BATCH).min(files))).unwrap();
    }
    store.publish(b"filled").unwrap();
    println!("filled: memory {:?} MB, {:?}", memory(), store.stats().frames);
    for (what, share) in [("1 %", 100), ("100 %", 1), ("100 % again", 1)] {
        dirty(&store, files, share);
        one(&store, what, &Creates::in_order(files * 2), rate);
        one(
            &store,
            &format!("{what}, then a quiet publish"),
            &Creates::in_order(files * 3),
            rate,
        );
        dirty(&store, files, share);
        one(
            &store,
            &format!("{what}, creates all over"),
            &Creates::all_over(files),
            rate,
        );
    }
}

/// Touches one directory in `share`, one row in each 100 files of it.
fn dirty(store: &HoltStore, files: u64, share: u64) {
    for dir in (0..files / FILES_PER_DIR).step_by(share as usize) {
        let keys: Vec<_> = (0..FILES_PER_DIR)
            .step_by(100)
            .map(|file| dentry_key(dir * FILES_PER_DIR + file))
            .collect();
        store
            .apply(&Mutations::from_sorted(keys.iter().map(|key| Mutation::Put(key, &[8; 120]))).unwrap())
            .unwrap();
    }
}

struct Creates {
    next: Box<dyn Fn(u64) -> Mutations + Sync>,
}

impl Creates {
    fn in_order(from: u64) -> Self {
        Self {
            next: Box::new(move |n| batch_of(from + n * BATCH..from + (n + 1) * BATCH)),
        }
    }

    /// New names in random directories that exist, with inodes in order.
    fn all_over(files: u64) -> Self {
        let next = move |n| {
            let mut rng = Rng::new(n);
            batch_of((0..BATCH).map(move |_| rng.below(files)))
        };
        Self { next: Box::new(next) }
    }
}

fn one(store: &HoltStore, what: &str, creates: &Creates, rate: u64) {
    let done = AtomicBool::new(false);
    let started_cpu = cpu();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| offer(store, creates, rate, &done));
        let reader = scope.spawn(|| scan_pages(store, &done));
        let syncer = scope.spawn(|| sync_log(&done));
        std::thread::sleep(Duration::from_millis(300));
        let started = Instant::now();
        let frozen = store.freeze(what.as_bytes()).unwrap();
        let frozen_after = started.elapsed();
        frozen.publish().unwrap();
        let took = started.elapsed();
        std::thread::sleep(Duration::from_millis(300));
        done.store(true, Ordering::Relaxed);
        let mut latencies = writer.join().unwrap();
        let slowest_page = reader.join().unwrap();
        let syncs = syncer.join().unwrap();
        latencies.sort();
        let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        println!(
            "{what}: publish {:.2} s (freeze {frozen_after:?}), batches {}, p50 {:.2} p99 {:.2} p99.9 {:.2} max {:.2} ms, slowest page of a scan {slowest_page:?}, log syncs {syncs}, CPU {:.2} s, memory {:?} MB, {:?}",
            took.as_secs_f64(),
            latencies.len(),
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0),
            cpu() - started_cpu,
            memory(),
            store.stats()
        );
    });
}

fn offer(store: &HoltStore, creates: &Creates, rate: u64, done: &AtomicBool) -> Vec<Duration> {
    let started = Instant::now();
    let mut latencies = Vec::new();
    let mut n = 0;
    while !done.load(Ordering::Relaxed) {
        let batch = (creates.next)(n);
        let due = Duration::from_secs_f64((n * BATCH) as f64 / rate as f64);
        while started.elapsed() < due {
            std::thread::sleep(Duration::from_micros(200));
        }
        store.apply(&batch).unwrap();
        latencies.push(started.elapsed().saturating_sub(due));
        n += 1;
    }
    latencies
}

/// What a log on the same disk would see: 4 KiB overwritten and synced, 200 times a second.
fn sync_log(done: &AtomicBool) -> String {
    let file = tempfile::tempfile_in(std::env::var("NOKV_BENCH_DIR").unwrap_or("/tmp".into())).unwrap();
    file.write_all_at(&vec![1; 4 << 20], 0).unwrap();
    file.sync_all().unwrap();
    let mut latencies = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let started = Instant::now();
        file.write_all_at(&[2; 4096], latencies.len() as u64 % 1000 * 4096)
            .unwrap();
        file.sync_data().unwrap();
        latencies.push(started.elapsed());
        std::thread::sleep(Duration::from_millis(5));
    }
    latencies.sort();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    format!("p50 {:.2} p99 {:.2} max {:.2} ms", at(0.5), at(0.99), at(1.0))
}

fn scan_pages(store: &HoltStore, done: &AtomicBool) -> Duration {
    let mut slowest = Duration::ZERO;
    let mut rng = Rng::new(9);
    while !done.load(Ordering::Relaxed) {
        let after = dentry_key(rng.below(1_000_000));
        let mut rows = 0;
        let started = Instant::now();
        let visit = &mut |_: &[u8], _: &[u8]| {
            rows += 1;
            if rows < 100 { Visit::Next } else { Visit::Stop }
        };
        store.scan(Scan::prefix(b"d").after(&after), visit).unwrap();
        slowest = slowest.max(started.elapsed());
        std::thread::sleep(Duration::from_millis(2));
    }
    slowest
}
