//! How many scans of the store a merged scan takes: work is counted, not time.

use super::*;
use nokv_store::{ModelStore, Mutation, Mutations, Store as _};
use nokv_types::Version;
use std::cell::Cell;

/// Counts the scans.
struct Counted<'a>(&'a ModelStore, Cell<u64>);

impl Rows for Counted<'_> {
    fn get(&self, key: &[u8]) -> nokv_store::Result<Option<Vec<u8>>> {
        self.0.get(key)
    }

    fn scan(&self, range: Scan<'_>, visit: &mut dyn FnMut(&[u8], &[u8]) -> Visit) -> nokv_store::Result<()> {
        self.1.set(self.1.get() + 1);
        self.0.scan(range, visit)
    }
}

const LINE: TimelineId = TimelineId(1);

/// Rows that were created at 5 and removed at 9.
fn removed(count: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
    let key = |n: u32| keys::history(Family::Dentry, LINE, &n.to_be_bytes(), Version(5));
    (0..count)
        .map(|n| (key(n + 0x0101_0101), Framed::encode(Version(9), Some(b"row"))))
        .collect()
}

fn listed(rows: &[(Vec<u8>, Vec<u8>)], version: Version) -> (Vec<Vec<u8>>, u64) {
    let store = ModelStore::default();
    let mut rows: Vec<_> = rows.to_vec();
    rows.sort();
    let puts = rows.iter().map(|(key, value)| Mutation::Put(key, value));
    store.apply(&Mutations::from_sorted(puts).unwrap()).unwrap();
    let counted = Counted(&store, Cell::new(0));
    let at = ReadPoint {
        timeline: LINE,
        version,
    };
    let mut seen = Vec::new();
    scan(
        &counted,
        &Timelines::default(),
        at,
        (Family::Dentry, b"", None),
        &mut |entry| {
            seen.push(entry.rest);
            Ok(Visit::Next)
        },
    )
    .unwrap();
    (seen, counted.1.get())
}

#[test]
fn the_end_of_the_current_rows_is_looked_for_once() {
    let chunks = 8;
    let (seen, scans) = listed(&removed(chunks * CHUNK_KEYS as u32), Version(7));
    assert_eq!(seen.len(), 8 * CHUNK_KEYS);
    // One per chunk of history and one that finds its end; one of the current rows.
    assert_eq!(scans, u64::from(chunks) + 1 + 1);
}

#[test]
fn a_part_that_has_ended_delivers_what_lies_beyond_a_chunk_of_the_other() {
    let mut rows = removed(3 * CHUNK_KEYS as u32);
    // Few current rows: between, at and behind the ends of chunks.
    let last = |n: u32| (0x0101_0101 + n).to_be_bytes();
    for n in [CHUNK_KEYS as u32, 2 * CHUNK_KEYS as u32 + 1, 1000, 2000] {
        let rest = [last(n).as_slice(), &[1]].concat();
        rows.push((
            keys::current(Family::Dentry, LINE, &rest),
            Framed::encode(Version(6), Some(b"row")),
        ));
    }
    let (seen, _) = listed(&rows, Version(7));
    assert_eq!(seen.len(), 3 * CHUNK_KEYS + 4);
    assert!(seen.is_sorted());
    // And few history rows among many current ones.
    let mut rows = removed(5);
    for n in 0..3 * CHUNK_KEYS as u32 {
        let rest = [last(n).as_slice(), &[1]].concat();
        rows.push((
            keys::current(Family::Dentry, LINE, &rest),
            Framed::encode(Version(6), Some(b"row")),
        ));
    }
    let (seen, _) = listed(&rows, Version(7));
    assert_eq!(seen.len(), 3 * CHUNK_KEYS + 5);
    assert!(seen.is_sorted());
    let (seen, _) = listed(&rows, Version::HEAD);
    assert_eq!(seen.len(), 3 * CHUNK_KEYS);
}
