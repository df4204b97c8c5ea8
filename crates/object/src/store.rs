//! The trait that every store implements, and the words of its calls.
//!
//! Must not know any implementation. Calls block; many threads may call at once; a store is shared by reference.
//!
//! Invariants of every implementation, proven by the conformance suite: an object appears whole or not at all;
//! what was answered `Ok` is durable and seen by every later call; of writers racing on one key exactly one
//! wins; nothing is ever rewritten except by [`ObjectStore::put_if_match`].

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::{Key, Result};

/// Largest object, in bytes: 8 times the largest that the product writes (a 16 MiB checkpoint part).
pub const OBJECT_BYTES_MAX: usize = 128 << 20;
/// Most names in one answer of [`ObjectStore::list`]; what S3 gives at most.
pub const LIST_LIMIT_MAX: usize = 1000;
/// Longest life of a signed URL; what S3 gives at most.
pub const SIGN_LIFE_MAX: Duration = Duration::from_hours(7 * 24);

/// The version of an object's content, opaque; two objects with one tag have the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ETag(pub String);

/// What became of a create-only put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// The object is these bytes, and this call made it so.
    Created,
    /// An object of that name was there; it is unchanged, and durable.
    AlreadyExists,
}

/// An object and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The whole content.
    pub bytes: Vec<u8>,
    /// Its version.
    pub etag: ETag,
}

/// An object without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Length of the content, in bytes.
    pub size_bytes: u64,
    /// Its version.
    pub etag: ETag,
}

/// One name of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub key: Key,
    /// Length of the content, in bytes.
    pub size_bytes: u64,
}

/// One member of [`ObjectStore::put_many`].
#[derive(Clone, Copy, Debug)]
pub struct Put<'a> {
    /// The name.
    pub key: &'a Key,
    /// The content.
    pub bytes: &'a [u8],
    /// CRC32C of the content.
    pub crc32c: u32,
}

/// What a signed URL allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignMethod {
    /// Reading the object, whole or by ranges.
    Get,
    /// Creating the object, if absent, with exactly this length and checksum.
    Put {
        /// Length of the content, in bytes.
        size_bytes: u64,
        /// CRC32C of the content.
        crc32c: u32,
    },
}

/// A request for a signed URL.
#[derive(Clone, Copy, Debug)]
pub struct SignRequest<'a> {
    /// What it allows.
    pub method: SignMethod,
    /// The only object that it is good for.
    pub key: &'a Key,
    /// The time of signing.
    pub now: SystemTime,
    /// How long it is good for; whole seconds, at least one, at most [`SIGN_LIFE_MAX`].
    pub life: Duration,
}

/// A URL that carries its own permission. `Debug` hides it: who reads a log must not inherit the permission.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedUrl {
    /// The HTTP method to use, `GET` or `PUT`.
    pub method: &'static str,
    /// The URL.
    pub url: String,
    /// Headers that must be sent exactly so; the signature covers them.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.url.split('?').next().unwrap_or_default();
        f.debug_struct("SignedUrl")
            .field("method", &self.method)
            .field("url", &shown)
            .finish_non_exhaustive()
    }
}

/// A place for immutable objects and a few compare-and-swap registers.
///
/// # Durability
/// An `Ok` of a call that changes something survives a crash of this process, and what else the store promises
/// (a directory: power loss; S3: what the bucket promises; memory: nothing).
pub trait ObjectStore: Send + Sync + fmt::Debug {
    /// Creates an object that must not exist yet. `crc32c` is checked where the bytes land.
    ///
    /// # Errors
    /// `ChecksumMismatch`, `Full`, `OutcomeUnknown` (sending the same bytes again is safe) and the general ones.
    fn put_if_absent(&self, key: &Key, bytes: &[u8], crc32c: u32) -> Result<PutOutcome>;

    /// Creates several objects as by [`Self::put_if_absent`], at once where the store gains by it: syncs of a
    /// file system and round trips to a bucket overlap. One answer per member, in order; they succeed or fail
    /// independently. Calling [`Self::put_if_absent`] from 8 threads is as fast.
    fn put_many(&self, puts: &[Put<'_>]) -> Vec<Result<PutOutcome>> {
        puts.iter()
            .map(|put| self.put_if_absent(put.key, put.bytes, put.crc32c))
            .collect()
    }

    /// Replaces the object whose version is `expected`; `None`: creates it, it must be absent. Answers the new
    /// version.
    ///
    /// # Errors
    /// `Precondition` when the object has another version, is there, or is not there; the general ones.
    fn put_if_match(&self, key: &Key, bytes: &[u8], expected: Option<&ETag>) -> Result<ETag>;

    /// The whole object.
    ///
    /// # Errors
    /// `NotFound`; `Corrupt` where the store keeps a checksum and it does not match; the general ones.
    fn get(&self, key: &Key) -> Result<Object>;

    /// Exactly `len` bytes from `offset`. The caller verifies them by its own digest: a store checks whole
    /// objects only.
    ///
    /// # Errors
    /// `NotFound`; `OutOfRange` when the object ends before; `Invalid` when `len` is 0 or above
    /// [`OBJECT_BYTES_MAX`].
    fn get_range(&self, key: &Key, offset: u64, len: u64) -> Result<Vec<u8>>;

    /// Size and version, or `None` when there is no such object.
    fn head(&self, key: &Key) -> Result<Option<ObjectMeta>>;

    /// Deletes objects; what is missing is fine. On an error any part of them may be gone.
    fn delete(&self, keys: &[Key]) -> Result<()>;

    /// Names that start with `prefix`, in byte order, after `start_after`, at most `limit` (and at most
    /// [`LIST_LIMIT_MAX`]; fewer means the end was reached). For repair tools and people only: no decision
    /// about what is live may rest on a listing. Names that are no [`Key`] are left out.
    ///
    /// # Errors
    /// `Invalid` when `limit` is 0; the general ones.
    fn list(&self, prefix: &str, start_after: Option<&Key>, limit: usize) -> Result<Vec<Listed>>;

    /// Mints a URL for one object, one method and a limited time. Reaches no network beyond what the
    /// credentials need.
    ///
    /// # Errors
    /// `Unsupported` where the store is not reachable over HTTP; `Invalid` for a life out of range.
    fn sign(&self, request: &SignRequest<'_>) -> Result<SignedUrl>;
}
