//! Frames that are full of small rows, half of which go: the tree repacks them when the next row comes.
//!
//! Where one of two rows under an inner node of 16 bytes stays, the repacked frame has a prefix node of 128 bytes.
//! Were a row smaller than the difference, a full frame would not fit into itself, and the tree would fail for good.

use crate::history::{open, settings};
use nokv_store::conformance::batch;
use nokv_store::{HoltStore, Rows as _, Scan, SimDisk, Store as _, Visit};
use std::sync::Arc;

/// Rows of one batch.
const BATCH: usize = 64;

/// A key with the digits of `number` in base 4, like those of ids.
fn key(family: u8, number: usize, last: &[u8]) -> Vec<u8> {
    let digits = (0..8).rev().map(|digit| b'0' + (number >> (2 * digit) & 3) as u8);
    [family]
        .into_iter()
        .chain(digits)
        .chain(last.iter().copied())
        .collect()
}

fn change(store: &HoltStore, changes: impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)>) {
    let changes: Vec<_> = changes.collect();
    for part in changes.chunks(BATCH) {
        store.apply(&batch(part)).unwrap();
    }
}

fn rows(store: &HoltStore) -> usize {
    let mut count = 0;
    let mut visit = |_: &[u8], _: &[u8]| {
        count += 1;
        Visit::Next
    };
    store.scan(Scan::prefix(b"d"), &mut visit).unwrap();
    count
}

#[test]
fn a_full_frame_of_pairs_can_be_repacked_when_one_of_each_pair_is_gone() {
    let value = || Some(b"v".to_vec());
    for pairs in (1000..3000).step_by(100) {
        let (store, _) = open(Arc::new(SimDisk::new()), settings(1)).unwrap();
        let both = (0..pairs).flat_map(|pair| [b"a", b"b"].map(|last| (key(b'd', pair, last), value())));
        change(&store, both);
        change(&store, (0..pairs).map(|pair| (key(b'd', pair, b"b"), None)));
        let more = 500;
        change(
            &store,
            (pairs..pairs + more).map(|pair| (key(b'd', pair, b"a"), value())),
        );
        assert_eq!(rows(&store), pairs + more, "of {pairs} pairs");
    }
}
