//! Checks of arguments that every implementation makes alike.

#[cfg(feature = "s3")]
use std::time::Duration;

use crate::{Error, ErrorKind, Key, OBJECT_BYTES_MAX, Op, Result};
#[cfg(feature = "s3")]
use crate::{SIGN_LIFE_MAX, SignRequest};

fn invalid(op: Op, key: &Key, why: &'static str) -> Error {
    Error::new(ErrorKind::Invalid, op).on(key).because(why)
}

/// Refuses bodies above [`OBJECT_BYTES_MAX`].
pub(crate) fn body(op: Op, key: &Key, bytes: &[u8]) -> Result<()> {
    if bytes.len() > OBJECT_BYTES_MAX {
        return Err(invalid(op, key, "an object has at most 128 MiB"));
    }
    Ok(())
}

/// Refuses bytes that do not have the checksum sent with them.
pub(crate) fn checksum(key: &Key, bytes: &[u8], crc32c: u32) -> Result<()> {
    if crc32c::crc32c(bytes) == crc32c {
        return Ok(());
    }
    Err(Error::new(ErrorKind::ChecksumMismatch, Op::PutIfAbsent).on(key))
}

/// Refuses ranges that are empty, too long, or beyond 64 bits; answers the end of the range.
pub(crate) fn range(key: &Key, offset: u64, len: u64) -> Result<u64> {
    if len == 0 || len > OBJECT_BYTES_MAX as u64 {
        return Err(invalid(
            Op::GetRange,
            key,
            "a range has between 1 byte and 128 MiB",
        ));
    }
    offset
        .checked_add(len)
        .ok_or_else(|| Error::new(ErrorKind::OutOfRange, Op::GetRange).on(key))
}

/// Refuses a listing of nothing; cuts the limit to what one answer may hold.
pub(crate) fn list_limit(prefix: &str, limit: usize) -> Result<usize> {
    if limit == 0 {
        let error = Error::new(ErrorKind::Invalid, Op::List).at(prefix);
        return Err(error.because("a listing of at most 0 names was asked for"));
    }
    Ok(limit.min(crate::LIST_LIMIT_MAX))
}

/// Refuses lives that S3 would refuse.
#[cfg(feature = "s3")]
pub(crate) fn sign_life(request: &SignRequest<'_>) -> Result<()> {
    if request.life < Duration::from_secs(1) || request.life > SIGN_LIFE_MAX {
        return Err(invalid(
            Op::Sign,
            request.key,
            "a signed url lives between 1 second and 7 days",
        ));
    }
    Ok(())
}
