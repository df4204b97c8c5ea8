//! The last 32 bytes of every file of a directory store. Durable format.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `NoKVobj1`; the digit is the version |
//! | 8 | 8 | length of the body, little endian |
//! | 16 | 8 | generation: 1 when created, one more with every compare-and-swap |
//! | 24 | 4 | CRC32C of the body |
//! | 28 | 4 | CRC32C of the 28 bytes before |
//!
//! It stands behind the body so that the body keeps its alignment and ranges need no offset. It makes a torn
//! file visible as such, and gives a tag without reading the body.

use crate::ETag;

/// Length of a footer, in bytes.
pub const FOOTER_BYTES: usize = 32;
const MAGIC: [u8; 8] = *b"NoKVobj1";

/// What the footer says about the body before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footer {
    /// Length of the body, in bytes.
    pub body_bytes: u64,
    /// How often the object was written: 1 when created.
    pub generation: u64,
    /// CRC32C of the body.
    pub crc32c: u32,
}

impl Footer {
    /// The footer of a body.
    pub fn of(body: &[u8], generation: u64) -> Self {
        Self {
            body_bytes: body.len() as u64,
            generation,
            crc32c: crc32c::crc32c(body),
        }
    }

    /// The bytes of the footer.
    pub fn encode(&self) -> [u8; FOOTER_BYTES] {
        let mut raw = [0; FOOTER_BYTES];
        raw[..8].copy_from_slice(&MAGIC);
        raw[8..16].copy_from_slice(&self.body_bytes.to_le_bytes());
        raw[16..24].copy_from_slice(&self.generation.to_le_bytes());
        raw[24..28].copy_from_slice(&self.crc32c.to_le_bytes());
        let check = crc32c::crc32c(&raw[..28]);
        raw[28..].copy_from_slice(&check.to_le_bytes());
        raw
    }

    /// Reads a footer; `None` when these bytes are none.
    pub fn decode(raw: &[u8; FOOTER_BYTES]) -> Option<Self> {
        let (fields, check) = raw.split_at(28);
        if fields[..8] != MAGIC || crc32c::crc32c(fields).to_le_bytes() != *check {
            return None;
        }
        Some(Self {
            body_bytes: u64::from_le_bytes(fields[8..16].try_into().ok()?),
            generation: u64::from_le_bytes(fields[16..24].try_into().ok()?),
            crc32c: u32::from_le_bytes(fields[24..28].try_into().ok()?),
        })
    }

    pub(crate) fn etag(&self) -> ETag {
        ETag(format!(
            "{:08x}-{:x}-{:x}",
            self.crc32c, self.body_bytes, self.generation
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    const GOLDEN: [u8; FOOTER_BYTES] = [
        b'N', b'o', b'K', b'V', b'o', b'b', b'j', b'1',
        9, 0, 0, 0, 0, 0, 0, 0,
        2, 0, 0, 0, 0, 0, 0, 0,
        0x83, 0x92, 0x06, 0xe3,
        0, 0, 0, 0,
    ];

    fn golden() -> [u8; FOOTER_BYTES] {
        let mut raw = GOLDEN;
        let check = crc32c::crc32c(&raw[..28]).to_le_bytes();
        raw[28..].copy_from_slice(&check);
        raw
    }

    #[test]
    fn the_footer_of_the_check_string_is_the_stored_one() {
        // 0xe3069283 is the published CRC32C of these nine digits.
        let footer = Footer::of(b"123456789", 2);
        assert_eq!(footer.encode(), golden());
        assert_eq!(Footer::decode(&golden()), Some(footer));
        assert_eq!(footer.etag(), ETag("e3069283-9-2".to_owned()));
    }

    #[test]
    fn any_flipped_bit_makes_it_no_footer() {
        for bit in 0..FOOTER_BYTES * 8 {
            let mut raw = golden();
            raw[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Footer::decode(&raw), None, "bit {bit}");
        }
    }
}
