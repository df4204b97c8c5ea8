//! Extents cut, merged and checked, case by case.

use super::*;

fn inline(at: u64, bytes: &[u8]) -> Extent {
    Extent {
        at,
        len: bytes.len() as u32,
        source: Source::Inline(bytes.to_vec()),
    }
}

fn slice(at: u64, len: u32, window_offset: u32) -> Extent {
    Extent {
        at,
        len,
        source: Source::Slice(Slice {
            object: nokv_types::ObjectId(1),
            stored_offset: 0,
            stored_len: 100,
            digest: nokv_types::Digest::Crc32c(0),
            window_offset,
        }),
    }
}

#[test]
fn an_overlay_cuts_what_it_covers() {
    let old = vec![slice(0, 10, 0), slice(20, 10, 20)];
    let new = vec![inline(5, b"abc"), inline(22, b"d"), inline(40, b"e")];
    let laid = overlay(old, new);
    let want = vec![
        slice(0, 5, 0),
        inline(5, b"abc"),
        slice(8, 2, 8),
        slice(20, 2, 20),
        inline(22, b"d"),
        slice(23, 7, 23),
        inline(40, b"e"),
    ];
    assert_eq!(laid, want);
}

#[test]
fn an_overlay_can_hide_everything() {
    assert_eq!(
        overlay(vec![slice(2, 3, 0), slice(6, 1, 0)], vec![slice(0, 90, 0)]),
        [slice(0, 90, 0)]
    );
    assert_eq!(overlay(Vec::new(), vec![inline(1, b"a")]), [inline(1, b"a")]);
}

#[test]
fn neighbours_join_only_where_they_continue_each_other() {
    assert_eq!(join(vec![slice(0, 5, 0), slice(5, 5, 5)]), [slice(0, 10, 0)]);
    assert_eq!(join(vec![slice(0, 5, 0), slice(5, 5, 6)]).len(), 2);
    assert_eq!(join(vec![slice(0, 5, 0), slice(6, 5, 6)]).len(), 2);
    assert_eq!(join(vec![inline(0, b"ab"), inline(2, b"c")]), [inline(0, b"abc")]);
    assert_eq!(join(vec![inline(0, &[1; 4096]), inline(4096, b"c")]).len(), 2);
}

#[test]
fn what_is_taken_out_leaves_both_sides() {
    assert_eq!(
        without(vec![slice(0, 10, 0), inline(20, b"abc")], 3, 21),
        [slice(0, 3, 0), inline(21, b"bc")]
    );
    assert_eq!(
        without(vec![slice(0, 10, 0)], 4, 6),
        [slice(0, 4, 0), slice(6, 4, 6)]
    );
    assert_eq!(without(vec![slice(5, 10, 0)], 0, 5), [slice(5, 10, 0)]);
}

#[test]
fn lists_are_split_at_ranges() {
    let at = RANGE_BYTES - 2;
    let split = by_range(vec![inline(0, b"x"), inline(at, b"abcd"), inline(at + 9, b"y")]);
    assert_eq!(
        split,
        [
            (0, vec![inline(0, b"x"), inline(at, b"ab")]),
            (1, vec![inline(RANGE_BYTES, b"cd"), inline(at + 9, b"y")]),
        ]
    );
}

#[test]
fn coverage_is_of_bytes_and_not_of_extents() {
    let old = [slice(0, 4, 0), slice(4, 4, 9), slice(20, 2, 0)];
    assert!(covers(&[inline(0, b"01234567"), inline(18, b"890123")], &old));
    assert!(!covers(&[inline(0, b"0123456"), inline(20, b"12")], &old));
    assert!(!covers(&[inline(0, b"01234567")], &old));
    assert!(covers(&[], &[]));
}
