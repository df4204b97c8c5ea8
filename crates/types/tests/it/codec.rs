//! Numbers and bytes of durable records.

use nokv_types::codec::{Take, put_bytes, put_signed, put_varint};

#[test]
fn unsigned_numbers_are_leb128() {
    let cases: [(u64, &[u8]); 6] = [
        (0, &[0]),
        (127, &[0x7f]),
        (128, &[0x80, 1]),
        (300, &[0xac, 2]),
        (
            1 << 63,
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1],
        ),
        (
            u64::MAX,
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        ),
    ];
    for (number, bytes) in cases {
        let mut out = Vec::new();
        put_varint(&mut out, number);
        assert_eq!(out, bytes, "{number}");
        let mut take = Take::new(&out);
        assert_eq!((take.varint(), take.finish()), (Some(number), Some(())));
        for len in 0..bytes.len() {
            assert_eq!(Take::new(&bytes[..len]).varint(), None, "cut to {len}");
        }
    }
}

#[test]
fn numbers_beyond_64_bits_are_refused() {
    assert_eq!(
        Take::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).varint(),
        None
    );
    assert_eq!(Take::new(&[0x80; 11]).varint(), None);
    assert_eq!(Take::new(&[0x80, 0x80, 0x80, 0x80, 0x10]).varint_u32(), None);
    assert_eq!(
        Take::new(&[0xff, 0xff, 0xff, 0xff, 0x0f]).varint_u32(),
        Some(u32::MAX)
    );
}

#[test]
fn signed_numbers_are_zigzag() {
    let cases: [(i64, &[u8]); 5] = [(0, &[0]), (-1, &[1]), (1, &[2]), (-64, &[127]), (64, &[0x80, 1])];
    for (number, bytes) in cases {
        let mut out = Vec::new();
        put_signed(&mut out, number);
        assert_eq!(out, bytes, "{number}");
    }
    for number in [i64::MIN, i64::MAX] {
        let mut out = Vec::new();
        put_signed(&mut out, number);
        assert_eq!(Take::new(&out).signed(), Some(number));
    }
}

#[test]
fn a_length_is_never_trusted() {
    let mut out = Vec::new();
    put_bytes(&mut out, b"abc");
    assert_eq!(out, [3, b'a', b'b', b'c']);
    let mut take = Take::new(&out);
    assert_eq!(take.bytes(), Some(&b"abc"[..]));
    assert!(take.is_empty());
    assert_eq!(Take::new(&[4, b'a', b'b', b'c']).bytes(), None);
    let mut huge = Vec::new();
    put_varint(&mut huge, u64::MAX);
    assert_eq!(Take::new(&huge).bytes(), None);
}

#[test]
fn a_refused_take_leaves_the_rest_where_it_was() {
    let mut take = Take::new(&[1, 2]);
    assert_eq!(take.array::<3>(), None);
    assert_eq!(take.rest(), [1, 2]);
    assert_eq!(take.array::<2>(), Some([1, 2]));
    assert_eq!((take.u8(), take.finish()), (None, Some(())));
}
