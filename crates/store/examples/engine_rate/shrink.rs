//! What deletes give back.

use super::rows::{batch_of, dentry_key, inode_key, memory};
use nokv_store::{HoltStore, Mutation, Mutations, Opened, Settings, Store as _};
use std::time::Instant;

pub(crate) fn run(files: u64) {
    let root = tempfile::tempdir_in(std::env::var("NOKV_BENCH_DIR").unwrap_or("/tmp".into())).unwrap();
    let Opened::Fresh(store) = HoltStore::open(root.path(), Settings::default()).unwrap() else {
        unreachable!("the directory is new")
    };
    for first in (0..files).step_by(128) {
        store.apply(&batch_of(first..(first + 128).min(files))).unwrap();
    }
    store.publish(b"").unwrap();
    show(&store, "filled");
    delete(&store, (0..files).filter(|file| file % 10 != 0).collect());
    show(&store, "deleted 90 %");
    compact(&store);
    delete(&store, (0..files).filter(|file| file % 10 == 0).collect());
    show(&store, "deleted all");
    compact(&store);
}

fn show(store: &HoltStore, what: &str) {
    println!("{what}: {:?}, memory {:?} MB", store.stats().frames, memory());
}

fn delete(store: &HoltStore, files: Vec<u64>) {
    let started = Instant::now();
    for part in files.chunks(128) {
        let mut keys: Vec<_> = part
            .iter()
            .flat_map(|file| [dentry_key(*file), inode_key(*file)])
            .collect();
        keys.sort();
        store
            .apply(&Mutations::from_sorted(keys.iter().map(|key| Mutation::Delete(key))).unwrap())
            .unwrap();
    }
    println!(
        "deletes: {:.0} files/s",
        files.len() as f64 / started.elapsed().as_secs_f64()
    );
    store.publish(b"").unwrap();
}

fn compact(store: &HoltStore) {
    for round in 0..40 {
        let frames = store.stats().frames.frames;
        let started = Instant::now();
        store.compact().unwrap();
        let took = started.elapsed();
        if round % 4 == 3 {
            store.publish(b"").unwrap();
            show(store, &format!("compacted {round}, the last in {took:?}"));
            if store.stats().frames.frames == frames {
                break;
            }
        }
    }
}
