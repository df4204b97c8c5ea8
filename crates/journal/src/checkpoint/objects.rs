//! Calls of the object store, with their errors in this crate's words.

use crate::{Error, ErrorKind, Result};
use nokv_object::{ETag, Key, ObjectStore, PutOutcome};

/// How often a put whose answer was lost is sent again; throttling and outages are for the caller's decorators.
const LOST_ANSWERS_MAX: u32 = 3;

/// Maps an error of the object store.
pub(super) fn failed(op: &'static str, key: &Key, source: nokv_object::Error) -> Error {
    let kind = match source.kind {
        nokv_object::ErrorKind::Corrupt
        | nokv_object::ErrorKind::OutOfRange
        | nokv_object::ErrorKind::NotFound => ErrorKind::Corrupt,
        nokv_object::ErrorKind::Precondition => ErrorKind::Conflict,
        nokv_object::ErrorKind::Full => ErrorKind::Full,
        _ => ErrorKind::Object,
    };
    Error::new(kind, op, key.as_str(), source.to_string()).caused_by(source)
}

/// Creates an object; finding the same bytes there already is success.
pub(super) fn create(objects: &dyn ObjectStore, key: &Key, bytes: &[u8]) -> Result<()> {
    let crc = crc32c::crc32c(bytes);
    let mut tries = 0;
    loop {
        match objects.put_if_absent(key, bytes, crc) {
            Ok(PutOutcome::Created) => return Ok(()),
            Ok(PutOutcome::AlreadyExists) => {
                let there = objects.get(key).map_err(|error| failed("create", key, error))?;
                if there.bytes == bytes {
                    return Ok(());
                }
                let why = "an object with other content is there";
                return Err(Error::new(ErrorKind::Conflict, "create", key.as_str(), why));
            }
            Err(error)
                if error.kind == nokv_object::ErrorKind::OutcomeUnknown && tries < LOST_ANSWERS_MAX =>
            {
                tries += 1;
            }
            Err(error) => return Err(failed("create", key, error)),
        }
    }
}

/// Replaces a register; when the answer was lost, what is there decides.
pub(super) fn swap(
    objects: &dyn ObjectStore,
    key: &Key,
    bytes: &[u8],
    expected: Option<&ETag>,
) -> Result<ETag> {
    let mut tries = 0;
    loop {
        let error = match objects.put_if_match(key, bytes, expected) {
            Ok(etag) => return Ok(etag),
            Err(error) => error,
        };
        let unknown = error.kind == nokv_object::ErrorKind::OutcomeUnknown;
        let refused = error.kind == nokv_object::ErrorKind::Precondition;
        if !(unknown || refused && tries > 0) {
            return Err(failed("swap", key, error));
        }
        if let Some(there) = get(objects, key)?
            && there.0 == bytes
        {
            return Ok(there.1);
        }
        if refused || tries >= LOST_ANSWERS_MAX {
            return Err(failed("swap", key, error));
        }
        tries += 1;
    }
}

/// The object, or `None` when there is none.
pub(super) fn get(objects: &dyn ObjectStore, key: &Key) -> Result<Option<(Vec<u8>, ETag)>> {
    match objects.get(key) {
        Ok(object) => Ok(Some((object.bytes, object.etag))),
        Err(error) if error.kind == nokv_object::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", key, error)),
    }
}
