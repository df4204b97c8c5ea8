//! Random operations against an ordered map.

use super::{Rng, batch, rows};
use crate::{Scan, Store};
use std::collections::BTreeMap;

/// A few thousand batches of puts and deletes with shared prefixes; every row, many ranges and many gets equal
/// those of a map, all along and at the end.
pub fn random_operations_match_a_map(store: &impl Store, seed: u64) {
    let mut rng = Rng::new(seed);
    let mut map = BTreeMap::new();
    for step in 0..600 {
        let changes: Vec<_> = (0..=rng.below(40)).map(|_| random_change(&mut rng)).collect();
        store.apply(&batch(&changes)).unwrap();
        for (key, value) in changes {
            match value {
                Some(value) => drop(map.insert(key, value)),
                None => drop(map.remove(&key)),
            }
        }
        let key = random_key(&mut rng);
        assert_eq!(
            store.get(&key).unwrap(),
            map.get(&key).cloned(),
            "seed {seed} step {step} key {key:?}"
        );
        if step % 20 == 0 {
            compare_range(store, &map, &mut rng, seed);
        }
    }
    let all: Vec<_> = map.into_iter().collect();
    assert_eq!(rows(store, Scan::prefix(b"")), all, "seed {seed}");
}

/// A put or, once in four, a delete.
pub(super) fn random_change(rng: &mut Rng) -> (Vec<u8>, Option<Vec<u8>>) {
    let key = random_key(rng);
    if rng.once_in(4) {
        return (key, None);
    }
    let len = if rng.once_in(50) {
        rng.below(20_000)
    } else {
        rng.below(300)
    };
    (key, Some(vec![rng.draw() as u8; len as usize]))
}

/// Keys of a few directories with names that share prefixes, some with low bytes inside.
fn random_key(rng: &mut Rng) -> Vec<u8> {
    let mut key = format!("d{:020}/", rng.below(30) * 977).into_bytes();
    if rng.once_in(8) {
        key.extend([0, 1, 0, 2]);
    }
    key.extend(format!("name-{}", rng.below(400)).into_bytes());
    key
}

fn compare_range(store: &impl Store, map: &BTreeMap<Vec<u8>, Vec<u8>>, rng: &mut Rng, seed: u64) {
    let mut prefix = random_key(rng);
    prefix.truncate(rng.below(30) as usize);
    let after = random_key(rng);
    let after = (!rng.once_in(3)).then_some(after.as_slice());
    let range = Scan {
        prefix: &prefix,
        after,
    };
    let expected: Vec<_> = map
        .iter()
        .filter(|(key, _)| key.starts_with(&prefix) && after.is_none_or(|after| key.as_slice() > after))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    assert_eq!(rows(store, range), expected, "seed {seed} {range:?}");
}
