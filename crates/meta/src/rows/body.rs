//! A body row: the data of one 256 MiB range of a file at one generation; and the row that stands for all
//! ranges of a staged body.

use super::{Record, SCHEMA, schema};
use nokv_types::codec::{Take, put_extents, put_varint, take_extents};
use nokv_types::{Extent, UploadId};

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
        put_extents(out, &self.extents);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        let extents = take_extents(take, usize::MAX)?;
        Some(Self { extents })
    }
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
    use nokv_types::{Digest, ObjectId, Slice, Source};

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
