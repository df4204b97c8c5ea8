//! A body row: the data of one 256 MiB range of a file at one generation; and the row that stands for all
//! ranges of a staged body.

use super::{Record, SCHEMA, schema};
use nokv_types::codec::{Take, put_bytes, put_varint};
use nokv_types::{Digest, Extent, ObjectId, Slice, Source, UploadId};

/// Longest encoded body row, in bytes.
pub(crate) const BODY_ROW_BYTES_MAX: usize = 32 * 1024;
/// The range under which a [`ManifestRow`] stands; no file reaches so far (2^35 ranges at most).
pub(crate) const MANIFEST_RANGE: u64 = 1 << 40;
/// Added to a range where not a row of the file but that range of its manifest is meant.
pub(crate) const MANIFEST_PART: u64 = 1 << 41;

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

/// What a staged publish leaves in place of body rows: ranges without a row of their own are the upload's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ManifestRow {
    pub(crate) upload: UploadId,
    /// Ranges from this one on do not belong to the body (it was cut).
    pub(crate) ranges: u64,
}

impl Record for ManifestRow {
    const NAME: &'static str = "manifest row";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        put_varint(out, self.upload.0);
        put_varint(out, self.ranges);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        Some(Self {
            upload: UploadId(take.varint()?),
            ranges: take.varint()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_body_rows_are_fixed() {
        let slice = |digest| {
            Source::Slice(Slice {
                object: ObjectId(0x0102),
                stored_offset: 300,
                stored_len: 7,
                digest,
                window_offset: 2,
            })
        };
        let extent = |at, len, source| Extent { at, len, source };
        let row = BodyRow {
            extents: vec![
                extent(1, 2, Source::Inline(b"hi".to_vec())),
                extent(3, 5, slice(Digest::Crc32c(0x0a0b_0c0d))),
                extent(10, 1, slice(Digest::Blake3([7; 32]))),
            ],
        };
        let mut want = vec![1, 3, 1, 2, 0, 2, b'h', b'i'];
        let object = [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        want.extend(
            [
                &[0, 5, 2][..],
                &object,
                &[0xac, 0x02, 7, 2, 0x0d, 0x0c, 0x0b, 0x0a],
            ]
            .concat(),
        );
        want.extend([&[2, 1, 1][..], &object, &[0xac, 0x02, 7, 2], &[7; 32]].concat());
        assert_eq!(row.encode(), want);
        assert_eq!(BodyRow::decode(&want).unwrap(), row);
    }

    #[test]
    fn bytes_of_manifest_rows_are_fixed() {
        let row = ManifestRow {
            upload: UploadId(300),
            ranges: 5,
        };
        assert_eq!(row.encode(), [1, 0xac, 0x02, 5]);
        assert_eq!(ManifestRow::decode(&row.encode()).unwrap(), row);
    }

    #[test]
    fn damaged_rows_are_refused_and_never_guessed() {
        let row = BodyRow {
            extents: vec![Extent {
                at: 1,
                len: 2,
                source: Source::Inline(b"hi".to_vec()),
            }],
        };
        let bytes = row.encode();
        for cut in 0..bytes.len() {
            assert!(BodyRow::decode(&bytes[..cut]).is_err());
        }
        assert!(BodyRow::decode(&[&bytes[..], &[0]].concat()).is_err());
        assert!(BodyRow::decode(&[2, 0]).is_err());
    }
}
