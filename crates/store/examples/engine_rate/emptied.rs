//! What a scan for rows that are not there costs where many rows were removed.

use super::rows::{FILES_PER_DIR, batch_of, dentry_key, inode_key};
use nokv_store::{HoltStore, Mutation, Mutations, Opened, Rows as _, Scan, Settings, Store as _, Visit};
use std::time::Instant;

/// Fills, removes every file, and looks for a first row: at once, while the store compacts, and after a reopen.
pub(crate) fn run(files: u64) {
    let root = tempfile::tempdir_in(std::env::var("NOKV_BENCH_DIR").unwrap_or("/tmp".into())).unwrap();
    let Opened::Fresh(store) = HoltStore::open(root.path(), Settings::default()).unwrap() else {
        unreachable!("the directory is new")
    };
    for first in (0..files).step_by(128) {
        store.apply(&batch_of(first..(first + 128).min(files))).unwrap();
    }
    // A row behind the others: a look for the first one finds it last.
    store
        .apply(&Mutations::from_sorted([Mutation::Put(b"z", b"")]).unwrap())
        .unwrap();
    store.publish(b"").unwrap();
    let all: Vec<u64> = (0..files).collect();
    for part in all.chunks(128) {
        let mut keys: Vec<_> = part
            .iter()
            .flat_map(|file| [dentry_key(*file), inode_key(*file)])
            .collect();
        keys.sort();
        let deletes = keys.iter().map(|key| Mutation::Delete(key));
        store.apply(&Mutations::from_sorted(deletes).unwrap()).unwrap();
    }
    look(&store, "removed");
    store.publish(b"").unwrap();
    look(&store, "published");
    for round in 1..=40 {
        store.compact().unwrap();
        if round % 10 == 0 {
            store.publish(b"").unwrap();
            look(&store, &format!("compacted {round} times"));
        }
    }
    store.publish(b"").unwrap();
    drop(store);
    let Opened::Existing { store, .. } = HoltStore::open(root.path(), Settings::default()).unwrap() else {
        unreachable!("it was published")
    };
    look(&store, "reopened");
}

/// Times scans of all entries and of one directory's entries, none of which are there.
fn look(store: &HoltStore, what: &str) {
    let one = dentry_key(FILES_PER_DIR);
    for (prefix, name) in [(&b"d"[..], "all entries"), (&one[..21], "one directory")] {
        let mut best = f64::INFINITY;
        for _ in 0..5 {
            let (started, mut rows) = (Instant::now(), 0u64);
            store
                .scan(Scan::prefix(prefix), &mut |_, _| {
                    rows += 1;
                    Visit::Next
                })
                .unwrap();
            assert_eq!(rows, 0);
            best = best.min(started.elapsed().as_secs_f64() * 1e6);
        }
        println!(
            "{what}: {name}: {best:.1} us, {} frames",
            store.stats().frames.frames
        );
    }
}
