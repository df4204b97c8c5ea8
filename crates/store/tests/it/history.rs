//! A store with the log of what was applied to it: runs random batches and publishes until something breaks,
//! then checks what the next process finds.

use nokv_store::conformance::{Rng, batch, rows};
use nokv_store::{Disk, Error, HoltStore, Mutation, Mutations, Opened, Scan, Settings, SimDisk, Store as _};
use nokv_types::failpoint;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub(crate) type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Small pools and frequent drains: evictions, re-reads and background writes all happen.
pub(crate) fn settings(seed: u64) -> Settings {
    Settings {
        pool_frames: 4 + (seed % 12) as usize,
        view_pool_frames: 4,
        drain_interval: Duration::from_micros(300 + seed % 7 * 400),
        verify_on_open: true,
    }
}

/// Opens what is there: the store and the number of log entries that its published state covers.
pub(crate) fn open(disk: Arc<dyn Disk>, settings: Settings) -> Result<(HoltStore, usize), Error> {
    match HoltStore::open_on(disk, settings)? {
        Opened::Fresh(store) => Ok((store, 0)),
        Opened::Existing { store, covered, .. } => {
            let covered = u64::from_le_bytes(covered.try_into().unwrap());
            Ok((store, covered as usize))
        }
        Opened::Corrupt(error) => Err(error),
    }
}

/// The state after the first `count` entries of `log`.
pub(crate) fn state_after(log: &[Mutations], count: usize) -> Map {
    let mut map = Map::new();
    for change in log[..count].iter().flat_map(Mutations::iter) {
        match change {
            Mutation::Put(key, value) => drop(map.insert(key.to_vec(), value.to_vec())),
            Mutation::Delete(key) => drop(map.remove(key)),
        }
    }
    map
}

/// Batches that touch many frames: wide keys, values up to some KiB, deletes.
pub(crate) fn random_batch(rng: &mut Rng) -> Mutations {
    let changes: Vec<_> = (0..=rng.below(40))
        .map(|_| {
            let key = format!("{:04}/name-{}", rng.below(60) * 149, rng.below(300)).into_bytes();
            let value = vec![rng.draw() as u8; rng.below(5000) as usize];
            (key, (!rng.once_in(4)).then_some(value))
        })
        .collect();
    batch(&changes)
}

/// What was applied, and how much of it the last successful publish covers.
#[derive(Default)]
pub(crate) struct History {
    pub(crate) log: Vec<Mutations>,
    pub(crate) published: AtomicUsize,
    pub(crate) publishes: AtomicUsize,
}

impl History {
    /// Applies `batches` random batches with publishes beside them, until the end or the first error.
    pub(crate) fn run(&mut self, store: &HoltStore, rng: &mut Rng, batches: u64) -> Result<(), Error> {
        let mut left = batches;
        while left > 0 {
            let part = 1 + rng.below(left.min(60));
            left -= part;
            // Some straight into the tree, the others while it stands still or is merged.
            let direct = rng.below(part);
            (0..direct).try_for_each(|_| self.apply(store, random_batch(rng)))?;
            if rng.once_in(3) {
                store.compact()?;
            }
            let covered = self.log.len();
            let frozen = store.freeze(&(covered as u64).to_le_bytes())?;
            let scope = failpoint::scope();
            let outcome = std::thread::scope(|threads| {
                let publisher = threads.spawn(move || {
                    let _scope = scope.enter();
                    frozen.publish()
                });
                let applied = (direct..part).try_for_each(|_| self.apply(store, random_batch(rng)));
                publisher.join().unwrap().and(applied)
            });
            outcome?;
            self.published.store(covered, Ordering::Relaxed);
            self.publishes.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The log is written first, as a commit does.
    pub(crate) fn apply(&mut self, store: &HoltStore, batch: Mutations) -> Result<(), Error> {
        self.log.push(batch);
        store.apply(&self.log[self.log.len() - 1])
    }

    /// Opens what the next process finds and checks it: the published state is exact, is none older than
    /// the last acknowledged one, and together with the log it is everything.
    pub(crate) fn check(&self, disk: SimDisk, seed: u64, what: &str) {
        let case = format!("seed {seed}, {what}");
        let (store, covered) =
            open(Arc::new(disk), settings(seed)).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert!(
            covered >= self.published.load(Ordering::Relaxed),
            "{case}: an acknowledged publish is lost"
        );
        assert_same(
            &store,
            &state_after(&self.log, covered),
            &format!("{case}, published at {covered}"),
        );
        for batch in &self.log[covered..] {
            store.apply(batch).unwrap();
        }
        assert_same(
            &store,
            &state_after(&self.log, self.log.len()),
            &format!("{case}, replayed"),
        );
    }
}

pub(crate) fn assert_same(store: &impl nokv_store::Rows, expected: &Map, case: &str) {
    let found: Map = rows(store, Scan::prefix(b"")).into_iter().collect();
    if found != *expected {
        let missing = expected
            .iter()
            .filter(|(key, value)| found.get(*key) != Some(value))
            .count();
        panic!(
            "{case}: {} rows found, {} expected, {missing} missing or different",
            found.len(),
            expected.len()
        );
    }
}

/// The seeds of a case: `default` of them, as many times as `NOKV_SEEDS_TIMES` says; the first one is
/// `NOKV_STORE_SEED` or 0.
pub(crate) fn seeds(default: u64) -> std::ops::Range<u64> {
    let first = number("NOKV_STORE_SEED").unwrap_or(0);
    first..first + default * times("NOKV_SEEDS_TIMES")
}

/// How many times as large as in CI a run is.
pub(crate) fn times(name: &str) -> u64 {
    number(name).unwrap_or(1).max(1)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}
