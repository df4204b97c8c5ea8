//! How rows are stored in the tree: keys escaped, values sealed.
//!
//! Keys: the tree ends every key with a NUL of its own and cannot hold a key that continues another one
//! with NUL. So no stored key contains NUL: byte 0 is stored as `01 01` and byte 1 as `01 02`. That keeps
//! the order and turns prefixes into prefixes; our usual keys contain neither byte and are stored as they are.
//!
//! Values: `value || CRC32C(stored key || value)`. A frame of the tree has 10,240 node slots for 468 KiB. Two things
//! make the tree fail for good, and small rows bring both about:
//! * a frame of live rows that runs out of slots before it runs out of space;
//! * a full frame that does not fit into itself when it is repacked: where all but one row under an inner node are
//!   gone, the new frame has a prefix node of 128 bytes instead of the inner node of 16 and the leaves that went.
//!
//! A leaf takes 17 + key + value rounded up to 8. With leaves of 112 bytes the prefix node is never larger than what
//! it replaces, and with at most one inner node a leaf they fill the space long before the slots. Shorter rows are
//! padded up to that: `value || zeroes || count || CRC32C ^ PADDED`, where count says how many bytes the padding
//! has, itself included.

use crate::error::show_key;
use crate::{Error, ErrorKind, Result};
use std::borrow::Cow;

const SUM: usize = 4;
/// Stored key and sealed value together are at least this long: 112 - 17 bytes of leaf head, less the 7 that
/// rounding up adds at most.
const ROW_BYTES_MIN: usize = 88;
/// Marks the checksum of a padded value; the checksum of no other value of this length equals it by a few flips.
const PADDED: u32 = 0xA55A_3CC3;

/// The stored form of a key or prefix.
pub(super) fn stored_key(key: &[u8]) -> Cow<'_, [u8]> {
    if key.iter().all(|byte| *byte > 1) {
        return Cow::Borrowed(key);
    }
    let mut stored = Vec::with_capacity(key.len() + 8);
    for byte in key {
        if *byte > 1 {
            stored.push(*byte);
        } else {
            stored.extend_from_slice(&[1, byte + 1]);
        }
    }
    Cow::Owned(stored)
}

/// The key whose stored form is `stored`.
///
/// # Errors
/// `Corrupt` when no key is stored like that.
pub(super) fn user_key(stored: &[u8]) -> Result<Cow<'_, [u8]>> {
    if stored.iter().all(|byte| *byte > 1) {
        return Ok(Cow::Borrowed(stored));
    }
    let mut key = Vec::with_capacity(stored.len());
    let mut rest = stored.iter();
    while let Some(byte) = rest.next() {
        let plain = match byte {
            0 => None,
            1 => rest
                .next()
                .filter(|second| (1..=2).contains(*second))
                .map(|second| second - 1),
            other => Some(*other),
        };
        key.push(
            plain.ok_or_else(|| {
                Error::new(ErrorKind::Corrupt, "read row", show_key(stored), "malformed key")
            })?,
        );
    }
    Ok(Cow::Owned(key))
}

/// Replaces `sealed` by the stored form of `value`.
pub(super) fn seal(stored_key: &[u8], value: &[u8], sealed: &mut Vec<u8>) {
    sealed.clear();
    sealed.extend_from_slice(value);
    let missing = ROW_BYTES_MIN.saturating_sub(stored_key.len() + value.len() + SUM);
    if missing > 0 {
        sealed.resize(value.len() + missing - 1, 0);
        sealed.push(missing as u8);
    }
    let mark = if missing > 0 { PADDED } else { 0 };
    let sum = checksum(stored_key, sealed) ^ mark;
    sealed.extend_from_slice(&sum.to_le_bytes());
}

/// The value of a stored form.
///
/// # Errors
/// `Corrupt` when it does not belong to this key or was damaged.
pub(super) fn unseal(stored_key: &[u8], mut sealed: Vec<u8>) -> Result<Vec<u8>> {
    let len = value_len(stored_key, &sealed);
    let len = len.ok_or_else(|| {
        let detail = "the value does not match its checksum";
        Error::new(ErrorKind::Corrupt, "read row", show_key(stored_key), detail)
    })?;
    sealed.truncate(len);
    Ok(sealed)
}

fn value_len(stored_key: &[u8], sealed: &[u8]) -> Option<usize> {
    let (body, sum) = sealed.split_last_chunk::<SUM>()?;
    let difference = u32::from_le_bytes(*sum) ^ checksum(stored_key, body);
    match difference {
        0 => Some(body.len()),
        PADDED => body.len().checked_sub(usize::from(*body.last()?)),
        _ => None,
    }
}

fn checksum(stored_key: &[u8], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(stored_key), body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::Rng;

    #[test]
    fn the_stored_form_is_fixed() {
        let mut sealed = Vec::new();
        seal(
            b"0123456789012345678901234567890123456789",
            b"a value of 44 bytes, which is not padded up.",
            &mut sealed,
        );
        assert_eq!(&sealed[..44], b"a value of 44 bytes, which is not padded up.");
        assert_eq!(
            sealed[44..],
            crc32c::crc32c(
                b"0123456789012345678901234567890123456789a value of 44 bytes, which is not padded up."
            )
            .to_le_bytes()
        );
        seal(b"k", b"v", &mut sealed);
        assert_eq!(sealed.len(), 87);
        assert_eq!((sealed[0], sealed[81], sealed[82]), (b'v', 0, 82));
        assert_eq!(stored_key(b"a\x00b\x01c").as_ref(), b"a\x01\x01b\x01\x02c");
    }

    #[test]
    fn rows_of_every_length_come_back() {
        let mut sealed = Vec::new();
        for key_len in 1..70 {
            for value_len in 0..100 {
                let (key, value) = (vec![7; key_len], vec![9; value_len]);
                seal(&key, &value, &mut sealed);
                assert!(key.len() + sealed.len() >= ROW_BYTES_MIN);
                assert_eq!(unseal(&key, sealed.clone()).unwrap(), value);
            }
        }
    }

    #[test]
    fn a_flipped_bit_or_another_key_is_corrupt() {
        let mut sealed = Vec::new();
        for value in [&b""[..], b"short", &[3; 200]] {
            seal(b"key", value, &mut sealed);
            for at in 0..sealed.len() * 8 {
                let mut bad = sealed.clone();
                bad[at / 8] ^= 1 << (at % 8);
                assert_eq!(unseal(b"key", bad).unwrap_err().kind, ErrorKind::Corrupt);
            }
            assert_eq!(
                unseal(b"kez", sealed.clone()).unwrap_err().kind,
                ErrorKind::Corrupt
            );
            assert_eq!(
                unseal(b"key", sealed[1..].to_vec()).unwrap_err().kind,
                ErrorKind::Corrupt
            );
        }
        assert_eq!(unseal(b"key", Vec::new()).unwrap_err().kind, ErrorKind::Corrupt);
    }

    #[test]
    fn stored_keys_keep_the_order_and_the_prefixes() {
        let mut rng = Rng::new(5);
        let mut key = || {
            let len = rng.below(6) as usize;
            (0..len)
                .map(|_| [0, 1, 2, 255][rng.below(4) as usize])
                .collect::<Vec<u8>>()
        };
        for _ in 0..20_000 {
            let (a, b) = (key(), key());
            let (x, y) = (stored_key(&a).into_owned(), stored_key(&b).into_owned());
            assert_eq!(a.cmp(&b), x.cmp(&y), "{a:?} {b:?}");
            assert_eq!(a.starts_with(&b), x.starts_with(&y));
            assert_eq!(user_key(&x).unwrap().as_ref(), a);
        }
    }
}
