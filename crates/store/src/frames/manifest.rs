//! The durable list of frames that together are the published state.
//!
//! Owns the byte layout (all integers little-endian):
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic `NOKVFRMS` |
//! | 8 | 4 | format, 1 |
//! | 12 | 4 | CRC32C of bytes 0..12, so that a damaged format number is not taken for a newer program's |
//! | 16 | 8 | epoch: one more than the manifest before |
//! | 24 | 8 | the next write number: larger than that of any frame listed |
//! | 32 | 4 | length of `covered` |
//! | 36 | 4 | number of frames |
//! | 40 | .. | `covered`, what the caller gave: the log position that these frames contain |
//! | .. | 32 each | frame: id 16, write number 8, slot 4, checksum 4; ascending by id |
//! | end | 4 | CRC32C of everything before |

use super::{Frame, FrameId};
use crate::{Error, ErrorKind, Result};
use std::collections::BTreeMap;

/// Longest `covered` that a caller may give.
pub(crate) const COVERED_BYTES_MAX: usize = 4096;
const MAGIC: &[u8; 8] = b"NOKVFRMS";
const FORMAT: u32 = 1;
const HEAD: usize = 40;
const ENTRY: usize = 32;
const TAIL: usize = 4;

/// One published state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) epoch: u64,
    pub(crate) next_write: u64,
    pub(crate) covered: Vec<u8>,
    pub(crate) frames: BTreeMap<FrameId, Frame>,
}

impl Manifest {
    pub(crate) fn encoded_len(&self) -> usize {
        HEAD + self.covered.len() + self.frames.len() * ENTRY + TAIL
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&self.next_write.to_le_bytes());
        out.extend_from_slice(&(self.covered.len() as u32).to_le_bytes());
        out.extend_from_slice(&(self.frames.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.covered);
        for (id, frame) in &self.frames {
            out.extend_from_slice(id);
            out.extend_from_slice(&frame.write.to_le_bytes());
            out.extend_from_slice(&frame.slot.to_le_bytes());
            out.extend_from_slice(&frame.sum.to_le_bytes());
        }
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        out
    }

    /// # Errors
    /// `TooNew` for a sound preamble of a later format, `Corrupt` for anything else that is not a manifest.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let preamble = bytes
            .get(..16)
            .ok_or_else(|| damaged("shorter than its preamble"))?;
        if &preamble[..8] != MAGIC || word(preamble, 12) != crc32c::crc32c(&preamble[..12]) {
            return Err(damaged("preamble does not match its checksum"));
        }
        let format = word(preamble, 8);
        if format > FORMAT {
            let detail = format!("format {format}, this program reads up to {FORMAT}");
            return Err(Error::new(ErrorKind::TooNew, "open", "manifest", detail));
        }
        let body_len = bytes.len().checked_sub(TAIL).filter(|len| *len >= HEAD);
        let body_len = body_len.ok_or_else(|| damaged("cut short"))?;
        let body = &bytes[..body_len];
        if crc32c::crc32c(body) != word(bytes, body_len) {
            return Err(damaged("does not match its checksum"));
        }
        let covered_len = word(body, 32) as usize;
        let count = word(body, 36) as usize;
        if format != FORMAT
            || covered_len > COVERED_BYTES_MAX
            || HEAD + covered_len + count * ENTRY != body_len
        {
            return Err(damaged("lengths do not add up"));
        }
        let entries = &body[HEAD + covered_len..];
        let manifest = Self {
            epoch: long(body, 16),
            next_write: long(body, 24),
            covered: body[HEAD..HEAD + covered_len].to_vec(),
            frames: entries.chunks_exact(ENTRY).map(entry).collect(),
        };
        if manifest.frames.len() != count {
            return Err(damaged("lists a frame twice"));
        }
        Ok(manifest)
    }
}

fn entry(bytes: &[u8]) -> (FrameId, Frame) {
    let mut id = [0; 16];
    id.copy_from_slice(&bytes[..16]);
    let frame = Frame {
        write: long(bytes, 16),
        slot: word(bytes, 24),
        sum: word(bytes, 28),
    };
    (id, frame)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}

fn damaged(why: &str) -> Error {
    Error::new(ErrorKind::Corrupt, "open", "manifest", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        let frame = |write, slot, sum| Frame { slot, write, sum };
        Manifest {
            epoch: 7,
            next_write: 0x0102,
            covered: b"seq 9".to_vec(),
            frames: BTreeMap::from([
                ([0; 16], frame(3, 1, 0xAABB_CCDD)),
                ([0xEE; 16], frame(0x0101, 2, 5)),
            ]),
        }
    }

    #[test]
    fn the_layout_is_fixed() {
        let mut golden = Vec::new();
        golden.extend_from_slice(b"NOKVFRMS\x01\0\0\0");
        golden.extend_from_slice(&[121, 79, 105, 102]);
        golden.extend_from_slice(b"\x07\0\0\0\0\0\0\0\x02\x01\0\0\0\0\0\0\x05\0\0\0\x02\0\0\0seq 9");
        golden.extend_from_slice(&[0; 16]);
        golden.extend_from_slice(b"\x03\0\0\0\0\0\0\0\x01\0\0\0\xDD\xCC\xBB\xAA");
        golden.extend_from_slice(&[0xEE; 16]);
        golden.extend_from_slice(b"\x01\x01\0\0\0\0\0\0\x02\0\0\0\x05\0\0\0");
        golden.extend_from_slice(&[85, 75, 194, 22]);
        let bytes = sample().encode();
        assert_eq!(bytes, golden);
        assert_eq!(Manifest::decode(&bytes).unwrap(), sample());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_corrupt() {
        let good = sample().encode();
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert_eq!(
                    Manifest::decode(&bad).unwrap_err().kind,
                    ErrorKind::Corrupt,
                    "byte {at} bit {bit}"
                );
            }
            assert_eq!(
                Manifest::decode(&good[..at]).unwrap_err().kind,
                ErrorKind::Corrupt,
                "cut at {at}"
            );
        }
    }

    #[test]
    fn a_later_format_is_too_new_and_not_corrupt() {
        let mut later = sample().encode();
        later[8] = 2;
        let sum = crc32c::crc32c(&later[..12]).to_le_bytes();
        later[12..16].copy_from_slice(&sum);
        assert_eq!(Manifest::decode(&later).unwrap_err().kind, ErrorKind::TooNew);
    }
}
