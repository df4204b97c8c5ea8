//! Small parts of requests and answers.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumType;

use super::errors::{body_failed, malformed};
use crate::{ETag, Error, ErrorKind, OBJECT_BYTES_MAX, Op, Result};

/// The value of `x-amz-checksum-crc32c`: base64 of the big-endian bytes.
pub(crate) fn checksum_header(crc32c: u32) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // 32 bits are five digits of six bits and one of two, and two signs that nothing follows.
    let digit = |shift: u32| char::from(DIGITS[((u64::from(crc32c) << 4) >> shift) as usize & 63]);
    let mut text: String = [30, 24, 18, 12, 6, 0].into_iter().map(digit).collect();
    text.push_str("==");
    text
}

/// Both ends included, as HTTP has it.
pub(crate) fn range_header(offset: u64, end: u64) -> String {
    format!("bytes={offset}-{}", end - 1)
}

/// The stored checksum, if it is one of the whole object; that of a multipart upload is one of its parts.
pub(crate) fn whole(kind: Option<&ChecksumType>, checksum: Option<String>) -> Option<String> {
    let composite = kind == Some(&ChecksumType::Composite);
    checksum.filter(|text| !composite && !text.contains('-'))
}

pub(crate) fn tag(op: Op, tag: Option<String>) -> Result<ETag> {
    tag.map(ETag)
        .ok_or_else(|| malformed(op, "the answer has no tag"))
}

/// Reads the whole body of an answer, if it may be that long.
pub(crate) async fn collect(op: Op, announced: Option<i64>, body: ByteStream) -> Result<Vec<u8>> {
    let announced = announced.and_then(|size| usize::try_from(size).ok());
    let size = announced.ok_or_else(|| malformed(op, "the answer has no length"))?;
    if size > OBJECT_BYTES_MAX {
        return Err(Error::new(ErrorKind::Invalid, op).because("the object is longer than 128 MiB"));
    }
    let bytes = body.collect().await.map_err(|e| body_failed(op, e))?.to_vec();
    if bytes.len() == size {
        Ok(bytes)
    } else {
        Err(malformed(op, "the body ends early"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_travel_as_base64_of_big_endian_bytes() {
        // CRC32C of "123456789" is e3069283; the text is what any base64 tool makes of these four bytes.
        assert_eq!(checksum_header(0xe306_9283), "4waSgw==");
        assert_eq!(checksum_header(0), "AAAAAA==");
        assert_eq!(checksum_header(u32::MAX), "/////w==");
    }

    #[test]
    fn ranges_include_their_last_byte() {
        assert_eq!(range_header(0, 1), "bytes=0-0");
        assert_eq!(range_header(4096, 8192), "bytes=4096-8191");
    }

    #[test]
    fn checksums_of_parts_are_not_compared_with_the_whole() {
        let text = || Some("4waSgw==".to_owned());
        assert_eq!(whole(None, text()), text());
        assert_eq!(whole(Some(&ChecksumType::Composite), text()), None);
        assert_eq!(whole(None, Some("4waSgw==-2".to_owned())), None);
    }
}
