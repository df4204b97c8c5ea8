//! Creates, gets, scans and publishes, bare and ours.

use super::rows::{BareFrames, batch_of, cpu, dentry_key, memory, rows_of};
use holt::{Tree, TreeConfig};
use nokv_store::conformance::Rng;
use nokv_store::{HoltStore, Opened, Rows as _, Scan, Settings, Store as _, Visit};
use std::sync::Arc;
use std::time::Instant;

const GETS: u64 = 300_000;

pub(crate) fn run(files: u64, batch: u64) {
    bare(files, batch, true);
    bare(files, batch, false);
    let root = tempfile::tempdir_in(std::env::var("NOKV_BENCH_DIR").unwrap_or("/tmp".into())).unwrap();
    ours(files, batch, &root.path().join("store"));
}

/// Creates of bare trees (rows sorted and not) and of ours in turns; building the batch is not counted.
pub(crate) fn creates(files: u64, batch: u64) {
    let bare = || {
        let mut config = TreeConfig::memory();
        config.buffer_pool_size = 8192;
        config.memory_flush_on_write = false;
        Tree::open_with_blob_store(config, Arc::new(BareFrames::default())).unwrap()
    };
    let (sorted_tree, unsorted_tree) = (bare(), bare());
    let root = tempfile::tempdir_in(std::env::var("NOKV_BENCH_DIR").unwrap_or("/tmp".into())).unwrap();
    let Opened::Fresh(store) = HoltStore::open(root.path(), Settings::default()).unwrap() else {
        unreachable!("the directory is new")
    };
    let mut seconds = [0.0; 3];
    for first in (0..files).step_by(batch as usize) {
        let files = first..(first + batch).min(files);
        let unsorted = rows_of(files.clone());
        let mut sorted = unsorted.clone();
        sorted.sort();
        let changes = batch_of(files);
        let put = |tree: &Tree, rows: &[(Vec<u8>, Vec<u8>)]| {
            tree.atomic(|changes| rows.iter().for_each(|(key, value)| changes.put(key, value)))
                .unwrap();
        };
        let works: [&dyn Fn(); 3] = [
            &|| put(&unsorted_tree, &unsorted),
            &|| put(&sorted_tree, &sorted),
            &|| store.apply(&changes).unwrap(),
        ];
        for (work, seconds) in works.into_iter().zip(&mut seconds) {
            let started = Instant::now();
            work();
            *seconds += started.elapsed().as_secs_f64();
        }
    }
    for (what, seconds) in ["bare, unsorted", "bare, sorted", "ours, drains beside"]
        .into_iter()
        .zip(seconds)
    {
        println!("create {what}: {:.0}/s", files as f64 / seconds);
    }
}

/// Gets of both in turns, so that the machine's other work meets both alike.
pub(crate) fn gets(files: u64) {
    let mut config = TreeConfig::memory();
    config.buffer_pool_size = 8192;
    config.memory_flush_on_write = false;
    let tree = Tree::open_with_blob_store(config, Arc::new(BareFrames::default())).unwrap();
    let root = tempfile::tempdir_in(std::env::var("NOKV_BENCH_DIR").unwrap_or("/tmp".into())).unwrap();
    let Opened::Fresh(store) = HoltStore::open(root.path(), Settings::default()).unwrap() else {
        unreachable!("the directory is new")
    };
    for first in (0..files).step_by(128) {
        let rows = rows_of(first..(first + 128).min(files));
        tree.atomic(|changes| rows.iter().for_each(|(key, value)| changes.put(key, value)))
            .unwrap();
        store.apply(&batch_of(first..(first + 128).min(files))).unwrap();
    }
    store.publish(b"").unwrap();
    for round in 0..5 {
        let mut rng = Rng::new(round);
        let keys: Vec<_> = (0..GETS).map(|_| dentry_key(rng.below(files))).collect();
        let started = (Instant::now(), cpu());
        assert!(keys.iter().all(|key| tree.get(key).unwrap().is_some()));
        report("bare get", GETS, started);
        let started = (Instant::now(), cpu());
        assert!(keys.iter().all(|key| store.get(key).unwrap().is_some()));
        report("our get", GETS, started);
    }
}

fn report(what: &str, count: u64, started: (Instant, f64)) {
    let (seconds, cpu) = (started.0.elapsed().as_secs_f64(), cpu() - started.1);
    println!(
        "{what}: {:.0}/s, {:.2} us CPU each, {seconds:.2} s",
        count as f64 / seconds,
        cpu / count as f64 * 1e6
    );
}

fn bare(files: u64, batch: u64, sorted: bool) {
    let mut config = TreeConfig::memory();
    config.buffer_pool_size = 8192;
    config.memory_flush_on_write = false;
    let tree = Tree::open_with_blob_store(config, Arc::new(BareFrames::default())).unwrap();
    let started = (Instant::now(), cpu());
    for first in (0..files).step_by(batch as usize) {
        let mut rows = rows_of(first..(first + batch).min(files));
        if sorted {
            rows.sort();
        }
        tree.atomic(|changes| rows.iter().for_each(|(key, value)| changes.put(key, value)))
            .unwrap();
    }
    report(
        &format!("bare create, {}", if sorted { "sorted" } else { "unsorted" }),
        files,
        started,
    );
    let started = (Instant::now(), cpu());
    let mut rng = Rng::new(1);
    for _ in 0..GETS {
        assert!(tree.get(&dentry_key(rng.below(files))).unwrap().is_some());
    }
    report("bare get", GETS, started);
    let started = (Instant::now(), cpu());
    let found = tree.scan(b"d").into_iter().count() as u64;
    report("bare scan", found, started);
}

fn ours(files: u64, batch: u64, dir: &std::path::Path) {
    let Opened::Fresh(store) = HoltStore::open(dir, Settings::default()).unwrap() else {
        unreachable!("the directory is new")
    };
    let started = (Instant::now(), cpu());
    for first in (0..files).step_by(batch as usize) {
        store.apply(&batch_of(first..(first + batch).min(files))).unwrap();
    }
    report("our create", files, started);
    println!(
        "memory now and highest {:?} MB, {:?}",
        memory(),
        store.stats().frames
    );
    let started = (Instant::now(), cpu());
    store.publish(b"all").unwrap();
    report("our publish", 1, started);
    println!(
        "memory now and highest {:?} MB, {:?}",
        memory(),
        store.stats().frames
    );
    let started = (Instant::now(), cpu());
    let mut rng = Rng::new(1);
    for _ in 0..GETS {
        assert!(store.get(&dentry_key(rng.below(files))).unwrap().is_some());
    }
    report("our get", GETS, started);
    let started = (Instant::now(), cpu());
    for _ in 0..GETS {
        let mut key = dentry_key(rng.below(files));
        key.push(b'x');
        assert!(store.get(&key).unwrap().is_none());
    }
    report("our negative get", GETS, started);
    let started = (Instant::now(), cpu());
    report("our scan", count(&store), started);
    let started = (Instant::now(), cpu());
    let view = store.published_view().unwrap();
    report("our published view", count(&view), started);
    drop(view);
    store.publish(b"all").unwrap();
    println!(
        "memory now and highest {:?} MB, {:?}",
        memory(),
        store.stats().frames
    );
    let before = cpu();
    std::thread::sleep(std::time::Duration::from_secs(4));
    println!("idle: {:.2} % of a core", (cpu() - before) / 4.0 * 100.0);
    let started = (Instant::now(), cpu());
    drop(store);
    report("our stop", 1, started);
    let started = (Instant::now(), cpu());
    let Opened::Existing { store, .. } = HoltStore::open(dir, Settings::default()).unwrap() else {
        unreachable!("it was published")
    };
    report("our reopen, all frames verified", 1, started);
    let started = (Instant::now(), cpu());
    report("our scan after reopen", count(&store), started);
}

fn count(rows: &impl nokv_store::Rows) -> u64 {
    let mut found = 0;
    let visit = &mut |_: &[u8], _: &[u8]| {
        found += 1;
        Visit::Next
    };
    rows.scan(Scan::prefix(b"d"), visit).unwrap();
    found
}
