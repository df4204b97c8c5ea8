//! What a single caller sees: order, ranges, sizes.

use super::{batch, put, rows};
use crate::{ErrorKind, KEY_BYTES_MAX, Mutation, Mutations, Scan, Store, VALUE_BYTES_MAX, Visit};

/// Keys may hold any byte anywhere (but NUL at the end), may be prefixes of each other, and sort as unsigned bytes.
pub fn keys_of_all_byte_values_are_ordered(store: &impl Store) {
    let mut keys: Vec<Vec<u8>> = Vec::new();
    for byte in 0..=255u8 {
        keys.push(vec![byte, 1]);
        keys.push(vec![b'm', byte, byte, 7]);
        keys.push([&[byte; 20][..], b"x"].concat());
        if byte != 0 {
            keys.push(vec![byte]);
            keys.push(vec![b'k', 0, byte]);
            keys.push(vec![b'k', byte]);
            keys.push([&b"a-common-prefix-of-some-length"[..], &[byte]].concat());
        }
    }
    let changes: Vec<_> = keys.iter().map(|key| (key.clone(), Some(key.clone()))).collect();
    for part in changes.chunks(100) {
        store.apply(&batch(part)).unwrap();
    }
    keys.sort();
    keys.dedup();
    let found: Vec<_> = rows(store, Scan::prefix(b""))
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(found, keys);
    for key in &keys {
        assert_eq!(store.get(key).unwrap().as_ref(), Some(key));
        let within = keys.iter().filter(|other| other.starts_with(key)).count();
        assert_eq!(rows(store, Scan::prefix(key)).len(), within, "prefix {key:?}");
    }
}

/// `k` beside `k\0` cannot even be asked for.
pub fn keys_ending_in_nul_are_refused(store: &impl Store) {
    put(store, b"k", b"1");
    for key in [&b"k\0"[..], b"\0", b"k\0\0"] {
        let refused = Mutations::from_sorted([Mutation::Put(key, b"2")]).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Invalid);
    }
    put(store, b"k\0x", b"3");
    assert_eq!(store.get(b"k").unwrap().unwrap(), b"1");
    assert_eq!(store.get(b"k\0").unwrap(), None);
    assert_eq!(rows(store, Scan::prefix(b"k\0")).len(), 1);
}

/// A scan delivers the keys of its prefix that sort after its resume point, wherever that lies.
pub fn prefixes_and_resume_points_bound_a_scan(store: &impl Store) {
    let keys: [&[u8]; 8] = [b"a", b"b", b"b/1", b"b/2", b"b/2/x", b"b0", b"c", b"\xff\xff"];
    for key in keys {
        put(store, key, key);
    }
    let points: [&[u8]; 12] = [
        b"\x01",
        b"a",
        b"b",
        b"b/",
        b"b/1",
        b"b/1\x05",
        b"b/2",
        b"b/2/x",
        b"b/z",
        b"b0",
        b"c",
        b"\xff\xff\xff",
    ];
    for prefix in [&b""[..], b"a", b"b", b"b/", b"b/2", b"zz", b"\xff"] {
        for after in points.map(Some).into_iter().chain([None]) {
            let range = Scan { prefix, after };
            let expected: Vec<_> = keys
                .iter()
                .filter(|key| key.starts_with(prefix) && after.is_none_or(|after| **key > after))
                .map(|key| (key.to_vec(), key.to_vec()))
                .collect();
            assert_eq!(rows(store, range), expected, "prefix {prefix:?} after {after:?}");
        }
    }
}

/// A scan that was stopped delivers nothing more, and pages put together are the whole.
pub fn scans_stop_when_told(store: &impl Store) {
    let changes: Vec<_> = (0..2000u32)
        .map(|n| (format!("row-{n:06}").into_bytes(), Some(vec![n as u8; 50])))
        .collect();
    store.apply(&batch(&changes)).unwrap();
    for page in [1, 7, 256, 1999, 2000, 5000] {
        let mut found: Vec<Vec<u8>> = Vec::new();
        loop {
            let before = found.len();
            let last = found.last().cloned();
            let range = Scan {
                prefix: b"row-",
                after: last.as_deref(),
            };
            let visit = &mut |key: &[u8], _: &[u8]| {
                found.push(key.to_vec());
                if found.len() - before == page {
                    Visit::Stop
                } else {
                    Visit::Next
                }
            };
            store.scan(range, visit).unwrap();
            if found.len() == before {
                break;
            }
        }
        assert_eq!(found.len(), changes.len(), "pages of {page}");
        assert!(found.is_sorted());
    }
}

/// A deleted row is gone from gets and scans; deleting what is not there is no error.
pub fn deletes_hide_rows_and_may_miss(store: &impl Store) {
    let key = |n: u32| format!("d{n:05}").into_bytes();
    let all: Vec<_> = (0..3000).map(|n| (key(n), Some(vec![1; 40]))).collect();
    store.apply(&batch(&all)).unwrap();
    let odd: Vec<_> = (0..6000).filter(|n| n % 2 == 1).map(|n| (key(n), None)).collect();
    store.apply(&batch(&odd)).unwrap();
    store.apply(&batch(&odd)).unwrap();
    assert_eq!(store.get(&key(1)).unwrap(), None);
    assert_eq!(rows(store, Scan::prefix(b"d")).len(), 1500);
    let rest: Vec<_> = (0..3000).map(|n| (key(n), None)).collect();
    store.apply(&batch(&rest)).unwrap();
    assert_eq!(rows(store, Scan::prefix(b"")), vec![]);
}

/// The longest keys and values, and the empty value.
pub fn large_values_come_back(store: &impl Store) {
    let key = |n: usize| [vec![b'L'; KEY_BYTES_MAX - 1], vec![n as u8 + 2]].concat();
    let value = |n: usize| vec![n as u8; if n == 0 { 0 } else { VALUE_BYTES_MAX - n }];
    for n in 0..100 {
        put(store, &key(n), &value(n));
    }
    for n in 0..100 {
        assert_eq!(store.get(&key(n)).unwrap().unwrap(), value(n));
    }
    assert_eq!(rows(store, Scan::prefix(b"L")).len(), 100);
    let body = |n: u64| {
        (
            format!("body/{:08}", n * 7919 % 400).into_bytes(),
            vec![n as u8; 32 * 1024],
        )
    };
    for n in 0..400 {
        let (key, value) = body(n);
        put(store, &key, &value);
    }
    assert!(
        (0..400)
            .map(body)
            .all(|(key, value)| store.get(&key).unwrap() == Some(value))
    );
    let long = Mutations::from_sorted([Mutation::Put(b"x", &vec![0; VALUE_BYTES_MAX + 1])]);
    assert_eq!(long.unwrap_err().kind, ErrorKind::Invalid);
    let long = Mutations::from_sorted([Mutation::Put(&[7; KEY_BYTES_MAX + 1], b"x")]);
    assert_eq!(long.unwrap_err().kind, ErrorKind::Invalid);
}

/// Rows far smaller than usual, many of them: an engine may run out of something other than bytes.
pub fn many_tiny_rows_fit(store: &impl Store) {
    let mut changes = Vec::new();
    for a in 1..=255u8 {
        for b in 1..=127u8 {
            changes.push((vec![a, b], Some(vec![])));
            changes.push((vec![a, b, 9], Some(vec![b])));
        }
    }
    // Two ways at every byte: as many inner nodes as rows.
    for n in 0..1u32 << 15 {
        let key = (0..15)
            .map(|bit| if n >> bit & 1 == 0 { b'+' } else { b'-' })
            .collect();
        changes.push((key, Some(vec![])));
    }
    changes.sort();
    changes.dedup();
    for part in changes.chunks(500) {
        store.apply(&batch(part)).unwrap();
    }
    assert_eq!(rows(store, Scan::prefix(b"")).len(), changes.len());
    for (key, value) in changes.iter().step_by(17) {
        assert_eq!(store.get(key).unwrap().as_ref(), value.as_ref());
    }
}

/// Rows that shrink and grow again and again, in one place.
pub fn rewritten_rows_of_changing_size_come_back(store: &impl Store) {
    let mut expected = Vec::new();
    for round in 0..30usize {
        expected = (0..200usize)
            .map(|n| {
                (
                    vec![b'w', n as u8 + 2],
                    vec![round as u8; (n * 37 + round * 911) % 3000],
                )
            })
            .collect();
        let changes: Vec<_> = expected
            .iter()
            .map(|(key, value)| (key.clone(), Some(value.clone())))
            .collect();
        store.apply(&batch(&changes)).unwrap();
    }
    expected.sort();
    assert_eq!(rows(store, Scan::prefix(b"w")), expected);
}
