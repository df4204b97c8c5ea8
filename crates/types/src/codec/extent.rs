//! Extents as bytes: the value of body rows, and the bodies that travel in requests and read plans.

use super::{Take, put_bytes, put_varint};
use crate::{Digest, Extent, ObjectId, Slice, Source};

/// Appends extents, ascending and not overlapping: their number, then each behind its gap to the one before.
pub fn put_extents(out: &mut Vec<u8>, extents: &[Extent]) {
    put_varint(out, extents.len() as u64);
    let mut end = 0;
    for extent in extents {
        // Extents mostly touch: the gap is one byte then.
        put_varint(out, extent.at.wrapping_sub(end));
        put_extent(extent, out);
        end = extent.end();
    }
}

/// Takes extents, at most `max` of them; `None` when malformed, overlapping, or too many.
pub fn take_extents(take: &mut Take<'_>, max: usize) -> Option<Vec<Extent>> {
    let count = take.varint()?;
    if count > max as u64 {
        return None;
    }
    let mut extents = Vec::new();
    let mut end = 0u64;
    for _ in 0..count {
        let extent = take_extent(end.checked_add(take.varint()?)?, take)?;
        end = extent.at.checked_add(u64::from(extent.len))?;
        extents.push(extent);
    }
    Some(extents)
}

fn put_extent(extent: &Extent, out: &mut Vec<u8>) {
    put_varint(out, u64::from(extent.len));
    match &extent.source {
        Source::Inline(bytes) => {
            out.push(0);
            put_bytes(out, bytes);
        }
        Source::Slice(slice) => {
            out.push(match slice.digest {
                Digest::Blake3(_) => 1,
                Digest::Crc32c(_) => 2,
            });
            out.extend_from_slice(&slice.object.0.to_le_bytes());
            put_varint(out, slice.stored_offset);
            put_varint(out, u64::from(slice.stored_len));
            put_varint(out, u64::from(slice.window_offset));
            match slice.digest {
                Digest::Blake3(bytes) => out.extend_from_slice(&bytes),
                Digest::Crc32c(sum) => out.extend_from_slice(&sum.to_le_bytes()),
            }
        }
    }
}

fn take_extent(at: u64, take: &mut Take<'_>) -> Option<Extent> {
    let len = take.varint_u32()?;
    let tag = take.u8()?;
    if tag == 0 {
        return Some(Extent {
            at,
            len,
            source: Source::Inline(take.bytes()?.to_vec()),
        });
    }
    let object = ObjectId(u128::from_le_bytes(take.array()?));
    let stored_offset = take.varint()?;
    let (stored_len, window_offset) = (take.varint_u32()?, take.varint_u32()?);
    let digest = match tag {
        1 => Digest::Blake3(take.array()?),
        2 => Digest::Crc32c(u32::from_le_bytes(take.array()?)),
        _ => return None,
    };
    Some(Extent {
        at,
        len,
        source: Source::Slice(Slice {
            object,
            stored_offset,
            stored_len,
            digest,
            window_offset,
        }),
    })
}
