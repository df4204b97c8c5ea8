//! S3 and what speaks like it.
//!
//! Owns: the SDK client, a small runtime of its own (every call blocks the calling thread, which may be any
//! thread), the prefix of the workspace in the bucket, and the mapping of answers to error kinds.
//! Must not know retries: the SDK's are off, [`crate::retry`] decides.
//!
//! Invariants: every put carries its CRC32C for the server to check; every whole read is checked against the
//! stored one where the server keeps it; a secret never reaches `Debug`, an error or a URL of ours.

mod config;
mod errors;
mod request;
mod runtime;
mod sign;
mod url;

use std::fmt;
use std::future::Future;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

pub use self::config::{Addressing, S3_CONNECT_TIMEOUT, S3_REQUEST_TIMEOUT, S3Credentials, S3Options};
use self::errors::{failed, malformed, refused_by_code};
use self::request::{checksum_header, collect, range_header, tag, whole};
use self::runtime::Runtime;
use crate::{
    ETag, Error, ErrorKind, Key, Listed, Object, ObjectMeta, ObjectStore, Op, Put, PutOutcome, Result,
    SignRequest, SignedUrl, checks, parallel,
};

/// Names in one request to delete; what S3 takes at most.
const DELETE_BATCH_MAX: usize = 1000;
/// What a body may take on top of the time of a request: a link slower than 1 MiB/s counts as broken.
const TIME_PER_MIB: Duration = Duration::from_secs(1);
/// Time for the body of an object whose size is not known yet: 16 MiB, the largest the product writes.
const TIME_OF_A_BODY: Duration = Duration::from_secs(16);

/// See the module.
pub struct S3Store {
    client: Client,
    runtime: Runtime,
    bucket: String,
    /// Empty, or ends with a slash.
    prefix: String,
    /// What messages call the store; no secret in it.
    shown: String,
    request_timeout: Duration,
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Store")
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl S3Store {
    /// A client for a bucket. Reaches no network: a bucket that is down or missing shows with the first call.
    ///
    /// # Errors
    /// `Invalid` for options that cannot be; `Unavailable` when no thread can be started.
    pub fn new(options: S3Options) -> Result<Self> {
        options.check()?;
        let runtime = Runtime::start()?;
        let client = config::client(&options, &runtime)?;
        let shown = options.shown();
        let S3Options {
            bucket,
            prefix,
            request_timeout,
            ..
        } = options;
        Ok(Self {
            client,
            runtime,
            bucket,
            prefix,
            shown,
            request_timeout,
        })
    }

    /// Runs a request; what an operator has to see about gets the name of the store.
    fn call<T: Send + 'static>(
        &self,
        op: Op,
        limit: Duration,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let answer = self.runtime.wait(op, limit, work);
        answer.map_err(|mut error| {
            if error.advice.is_none() && matches!(error.kind, ErrorKind::Timeout | ErrorKind::Unavailable) {
                error.advice = Some(errors::NO_ANSWER.to_owned());
            }
            error.advice = error.advice.map(|advice| format!("{}: {advice}", self.shown));
            error
        })
    }

    fn name(&self, key: &Key) -> String {
        format!("{}{}", self.prefix, key.as_str())
    }

    fn time_for(&self, bytes: usize) -> Duration {
        self.request_timeout + TIME_PER_MIB * (bytes >> 20) as u32
    }

    fn put(&self, op: Op, key: &Key, bytes: &[u8], crc32c: u32, guard: Guard<'_>) -> Result<ETag> {
        checks::body(op, key, bytes)?;
        let request = self.client.put_object().bucket(&self.bucket).key(self.name(key));
        let request = match guard {
            Guard::Absent => request.if_none_match("*"),
            Guard::Tag(etag) => request.if_match(&etag.0),
        };
        let request = request
            .checksum_crc32_c(checksum_header(crc32c))
            .content_length(i64::try_from(bytes.len()).unwrap_or(i64::MAX))
            .body(ByteStream::from(bytes.to_vec()));
        let answer = self.call(op, self.time_for(bytes.len()), async move {
            let answer = request.send().await.map_err(|e| failed(op, e))?;
            tag(op, answer.e_tag)
        });
        answer.map_err(|e| e.on(key))
    }

    fn delete_batch(&self, keys: &[Key]) -> Result<()> {
        let op = Op::Delete;
        let id = |key: &Key| ObjectIdentifier::builder().key(self.name(key)).build();
        let ids = keys.iter().map(id).collect::<std::result::Result<Vec<_>, _>>();
        let batch = ids.and_then(|ids| Delete::builder().set_objects(Some(ids)).quiet(true).build());
        let batch = batch.map_err(|e| Error::new(ErrorKind::Invalid, op).because(e))?;
        let request = self.client.delete_objects().bucket(&self.bucket).delete(batch);
        self.call(op, self.request_timeout, async move {
            let answer = request.send().await.map_err(|e| failed(op, e))?;
            // Quiet: only what could not be deleted is named.
            match answer
                .errors()
                .iter()
                .find(|refused| refused.code() != Some("NoSuchKey"))
            {
                None => Ok(()),
                Some(refused) => Err(refused_by_code(op, refused.code(), refused.key())),
            }
        })
    }

    /// One page of names, and whether there are more.
    fn page(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<(Vec<(String, u64)>, bool)> {
        let op = Op::List;
        let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
        let request = request.max_keys(i32::try_from(limit).unwrap_or(i32::MAX));
        let request = request.set_start_after(after.map(str::to_owned));
        self.call(op, self.request_timeout, async move {
            let answer = request.send().await.map_err(|e| failed(op, e))?;
            let more = answer.is_truncated == Some(true);
            let named = answer
                .contents
                .unwrap_or_default()
                .into_iter()
                .filter_map(|object| {
                    let size = object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
                    object.key.map(|name| (name, size))
                });
            Ok((named.collect(), more))
        })
    }
}

/// What must be so for a put to be done.
enum Guard<'a> {
    Absent,
    Tag(&'a ETag),
}

impl ObjectStore for S3Store {
    fn put_if_absent(&self, key: &Key, bytes: &[u8], crc32c: u32) -> Result<PutOutcome> {
        match self.put(Op::PutIfAbsent, key, bytes, crc32c, Guard::Absent) {
            Ok(_) => Ok(PutOutcome::Created),
            Err(e) if e.kind == ErrorKind::Precondition => Ok(PutOutcome::AlreadyExists),
            Err(e) => Err(e),
        }
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Vec<Result<PutOutcome>> {
        parallel::put_many(self, puts)
    }

    fn put_if_match(&self, key: &Key, bytes: &[u8], expected: Option<&ETag>) -> Result<ETag> {
        let guard = expected.map_or(Guard::Absent, Guard::Tag);
        let answer = self.put(Op::PutIfMatch, key, bytes, crc32c::crc32c(bytes), guard);
        answer.map_err(|e| match e.kind {
            // If-Match on a missing object is answered 404.
            ErrorKind::NotFound => Error {
                kind: ErrorKind::Precondition,
                ..e
            },
            _ => e,
        })
    }

    fn get(&self, key: &Key) -> Result<Object> {
        let op = Op::Get;
        let request = self.client.get_object().bucket(&self.bucket).key(self.name(key));
        // Asked for by hand: the SDK would check as well, with an error that cannot be told from a cut.
        let request = request.customize().mutate_request(|request| {
            request.headers_mut().insert("x-amz-checksum-mode", "ENABLED");
        });
        let answer = self.call(op, self.request_timeout + TIME_OF_A_BODY, async move {
            let answer = request.send().await.map_err(|e| failed(op, e))?;
            let stored = whole(answer.checksum_type(), answer.checksum_crc32_c.clone());
            let etag = tag(op, answer.e_tag)?;
            let bytes = collect(op, answer.content_length, answer.body).await?;
            if stored.is_some_and(|stored| stored != checksum_header(crc32c::crc32c(&bytes))) {
                return Err(Error::new(ErrorKind::Corrupt, op));
            }
            Ok(Object { bytes, etag })
        });
        answer.map_err(|e| e.on(key))
    }

    fn get_range(&self, key: &Key, offset: u64, len: u64) -> Result<Vec<u8>> {
        let op = Op::GetRange;
        let end = checks::range(key, offset, len)?;
        let request = self.client.get_object().bucket(&self.bucket).key(self.name(key));
        let request = request.range(range_header(offset, end));
        let answer = self.call(op, self.time_for(len as usize), async move {
            let answer = request.send().await.map_err(|e| failed(op, e))?;
            if answer.content_range.is_none() {
                return Err(malformed(op, "the store ignores ranges"));
            }
            let bytes = collect(op, answer.content_length, answer.body).await?;
            if bytes.len() as u64 == len {
                Ok(bytes)
            } else {
                Err(Error::new(ErrorKind::OutOfRange, op))
            }
        });
        answer.map_err(|e| e.on(key))
    }

    fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        let op = Op::Head;
        let request = self.client.head_object().bucket(&self.bucket).key(self.name(key));
        let answer = self.call(op, self.request_timeout, async move {
            let answer = request.send().await.map_err(|e| failed(op, e))?;
            let size = answer.content_length.and_then(|size| u64::try_from(size).ok());
            let size_bytes = size.ok_or_else(|| malformed(op, "the answer has no length"))?;
            Ok(Some(ObjectMeta {
                size_bytes,
                etag: tag(op, answer.e_tag)?,
            }))
        });
        match answer {
            Err(e) if e.kind == ErrorKind::NotFound => Ok(None),
            answer => answer.map_err(|e| e.on(key)),
        }
    }

    fn delete(&self, keys: &[Key]) -> Result<()> {
        keys.chunks(DELETE_BATCH_MAX)
            .try_for_each(|batch| self.delete_batch(batch))
    }

    fn list(&self, prefix: &str, start_after: Option<&Key>, limit: usize) -> Result<Vec<Listed>> {
        let limit = checks::list_limit(prefix, limit)?;
        let full_prefix = format!("{}{prefix}", self.prefix);
        let mut after = start_after.map(|key| self.name(key));
        let mut listed = Vec::new();
        loop {
            let page = self.page(&full_prefix, after.as_deref(), limit - listed.len());
            let (names, more) = page.map_err(|e| e.at(prefix))?;
            after = names.last().map(|(name, _)| name.clone());
            listed.extend(names.into_iter().filter_map(|(name, size_bytes)| {
                let key = Key::new(name.strip_prefix(&self.prefix)?).ok()?;
                Some(Listed { key, size_bytes })
            }));
            if !more || after.is_none() || listed.len() >= limit {
                return Ok(listed);
            }
        }
    }

    fn sign(&self, request: &SignRequest<'_>) -> Result<SignedUrl> {
        checks::sign_life(request)?;
        sign::sign(self, request).map_err(|e| e.on(request.key))
    }
}
