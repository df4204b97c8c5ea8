//! A body row: the data of one 256 MiB range of a file at one generation.

use super::{Record, SCHEMA, schema};
use nokv_types::codec::{Take, put_bytes, put_varint};
use nokv_types::{Digest, Extent, ObjectId, Slice, Source};

/// The value of a body row. Extents ascend, do not overlap, and lie inside the range.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct BodyRow {
    pub(crate) extents: Vec<Extent>,
}

impl Record for BodyRow {
    const NAME: &'static str = "body row";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        put_varint(out, self.extents.len() as u64);
        let mut end = 0;
        for extent in &self.extents {
            // Extents mostly touch: the gap is one byte then.
            put_varint(out, extent.at.wrapping_sub(end));
            put_extent(extent, out);
            end = extent.end();
        }
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        let count = take.varint()?;
        let mut extents = Vec::new();
        let mut end = 0u64;
        for _ in 0..count {
            let extent = take_extent(end.checked_add(take.varint()?)?, take)?;
            end = extent.at.checked_add(u64::from(extent.len))?;
            extents.push(extent);
        }
        Some(Self { extents })
    }
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
