//! The suite on every implementation, function by function.

use nokv_store::{DirDisk, ErrorKind, HoltStore, ModelStore, Opened, Settings, SimDisk, conformance};
use std::sync::Arc;
use std::time::Duration;

fn small() -> Settings {
    Settings {
        pool_frames: 8,
        view_pool_frames: 4,
        drain_interval: Duration::from_millis(1),
        verify_on_open: true,
    }
}

fn in_memory() -> HoltStore {
    match HoltStore::open_on(Arc::new(SimDisk::new()), small()).unwrap() {
        Opened::Fresh(store) => store,
        other => panic!("{other:?}"),
    }
}

macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod model {
            $(#[test] fn $name() { super::conformance::$name(&super::ModelStore::new()); })*
        }
        mod holt {
            $(#[test] fn $name() { super::conformance::$name(&super::in_memory()); })*
        }
    };
}

on_both!(
    keys_of_all_byte_values_are_ordered,
    keys_ending_in_nul_are_refused,
    prefixes_and_resume_points_bound_a_scan,
    scans_stop_when_told,
    deletes_hide_rows_and_may_miss,
    large_values_come_back,
    many_tiny_rows_fit,
    rewritten_rows_of_changing_size_come_back,
    batches_are_seen_whole_or_not_at_all,
    scans_beside_a_writer_stay_ordered,
    scans_of_rows_that_change_are_whole,
    single_gets_beside_a_writer_are_whole,
);

#[test]
fn random_operations_on_the_model_match_a_map() {
    for seed in 0..20 {
        conformance::random_operations_match_a_map(&ModelStore::new(), seed);
    }
}

#[test]
fn random_operations_on_frames_match_a_map() {
    for seed in 0..10 {
        conformance::random_operations_match_a_map(&in_memory(), seed);
    }
}

#[test]
fn a_real_directory_passes_the_suite() {
    let root = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    conformance::check_all(|| {
        count.set(count.get() + 1);
        let disk = DirDisk::open(&root.path().join(count.get().to_string())).unwrap();
        match HoltStore::open_on(Arc::new(disk), small()).unwrap() {
            Opened::Fresh(store) => store,
            other => panic!("{other:?}"),
        }
    });
}

/// A store whose every read fails.
#[derive(Debug, Default)]
struct Unreadable(ModelStore);

impl nokv_store::Rows for Unreadable {
    fn get(&self, _: &[u8]) -> nokv_store::Result<Option<Vec<u8>>> {
        Err(nokv_store::Error::new(ErrorKind::Io, "get", "row", "never"))
    }

    fn scan(
        &self,
        _: nokv_store::Scan<'_>,
        _: &mut dyn FnMut(&[u8], &[u8]) -> nokv_store::Visit,
    ) -> nokv_store::Result<()> {
        Err(nokv_store::Error::new(ErrorKind::Io, "scan", "rows", "never"))
    }
}

impl nokv_store::Store for Unreadable {
    fn apply(&self, batch: &nokv_store::Mutations) -> nokv_store::Result<()> {
        self.0.apply(batch)
    }

    fn stamp(&self) -> u64 {
        self.0.stamp()
    }

    fn exclude_writer(&self, read: &mut dyn FnMut()) {
        self.0.exclude_writer(read);
    }
}

#[test]
#[should_panic(expected = "a scoped thread panicked")]
fn readers_that_fail_end_the_suite_of_batches() {
    conformance::batches_are_seen_whole_or_not_at_all(&Unreadable::default());
}

#[test]
#[should_panic(expected = "a scoped thread panicked")]
fn readers_that_fail_end_the_suite_of_scans() {
    conformance::scans_beside_a_writer_stay_ordered(&Unreadable::default());
}
