//! One suite for every implementation of the seam: each function takes an empty store and panics when
//! the store breaks the contract that the function is named after.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a broken contract fails the calling test by a panic"
)]

mod concurrent;
mod model;
mod rng;
mod rows;

pub use concurrent::{
    batches_are_seen_whole_or_not_at_all, scans_beside_a_writer_stay_ordered,
    scans_of_rows_that_change_are_whole, single_gets_beside_a_writer_are_whole,
};
pub use model::random_operations_match_a_map;
pub use rng::Rng;
pub use rows::{
    deletes_hide_rows_and_may_miss, keys_ending_in_nul_are_refused, keys_of_all_byte_values_are_ordered,
    large_values_come_back, many_tiny_rows_fit, prefixes_and_resume_points_bound_a_scan,
    rewritten_rows_of_changing_size_come_back, scans_stop_when_told,
};

use crate::{Mutation, Mutations, Rows, Scan, Store, Visit};

/// Runs the whole suite on stores made by `fresh`.
pub fn check_all<S: Store>(fresh: impl Fn() -> S) {
    keys_of_all_byte_values_are_ordered(&fresh());
    keys_ending_in_nul_are_refused(&fresh());
    prefixes_and_resume_points_bound_a_scan(&fresh());
    scans_stop_when_told(&fresh());
    deletes_hide_rows_and_may_miss(&fresh());
    large_values_come_back(&fresh());
    many_tiny_rows_fit(&fresh());
    rewritten_rows_of_changing_size_come_back(&fresh());
    batches_are_seen_whole_or_not_at_all(&fresh());
    scans_beside_a_writer_stay_ordered(&fresh());
    scans_of_rows_that_change_are_whole(&fresh());
    single_gets_beside_a_writer_are_whole(&fresh());
    for seed in 0..4 {
        random_operations_match_a_map(&fresh(), seed);
    }
}

/// A batch of changes in any order; the last one of a key wins.
///
/// # Panics
/// When the store would refuse it.
pub fn batch(changes: &[(Vec<u8>, Option<Vec<u8>>)]) -> Mutations {
    let sorted: std::collections::BTreeMap<_, _> = changes.iter().map(|(key, value)| (key, value)).collect();
    let changes = sorted.into_iter().map(|(key, value)| match value {
        Some(value) => Mutation::Put(key, value),
        None => Mutation::Delete(key),
    });
    Mutations::from_sorted(changes).unwrap()
}

/// Every row of a range.
///
/// # Panics
/// When the scan fails.
pub fn rows(store: &impl Rows, range: Scan<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    store
        .scan(range, &mut |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            Visit::Next
        })
        .unwrap();
    rows
}

fn put(store: &impl Store, key: &[u8], value: &[u8]) {
    store
        .apply(&Mutations::from_sorted([Mutation::Put(key, value)]).unwrap())
        .unwrap();
}
