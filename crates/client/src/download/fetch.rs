//! One stored range: read, verified, cached.

use super::cache::RangeCache;
use crate::retry::retrying;
use crate::{Error, Namespace, Result};
use nokv_types::{Code, Refusal, Slice};
use std::sync::Arc;
use std::time::Duration;

/// Reads the stored range of a slice and checks its digest.
pub(super) fn fetch(
    namespace: &dyn Namespace,
    cache: &RangeCache,
    pause: fn(Duration),
    slice: &Slice,
) -> Result<Arc<Vec<u8>>> {
    let key = (slice.object, slice.stored_offset, slice.stored_len);
    if let Some(bytes) = cache.get(key) {
        return Ok(bytes);
    }
    let read = || {
        namespace
            .blobs()
            .get(slice.object, slice.stored_offset, slice.stored_len)
    };
    let bytes = match retrying(pause, read) {
        Err(error) if error.code() == Some(Code::NotFound) => {
            return Err(corrupt(
                slice,
                "a body refers to an object that is not in the store",
            ));
        }
        other => other?,
    };
    if bytes.len() != slice.stored_len as usize || !slice.digest.matches(&bytes) {
        return Err(corrupt(
            slice,
            "the stored bytes do not have the digest of the manifest",
        ));
    }
    let bytes = Arc::new(bytes);
    cache.put(key, &bytes);
    Ok(bytes)
}

/// The body cannot be read as it was written.
pub(super) fn corrupt(slice: &Slice, why: &str) -> Error {
    let subject = format!("object {:032x}", slice.object.0);
    let place = format!(
        "{why} (offset {}, {} bytes)",
        slice.stored_offset, slice.stored_len
    );
    Refusal::new(Code::Corrupt, subject).detail(place).into()
}
