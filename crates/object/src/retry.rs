//! A decorator that asks again, and finds out what became of a put whose answer was lost.
//!
//! Owns: attempts, backoff with full jitter, the deadline of a call, and a budget of retries that all calls
//! share, so that a store in trouble is not buried under repetitions.
//! Must not know which store is under it.
//!
//! Invariants: the same bytes are sent again, never others; `Created` is answered only for our own bytes; what
//! could not be found out is `OutcomeUnknown`, never a guess.

mod pace;
mod policy;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use self::pace::{Pace, SystemPace};
pub use self::policy::{
    RETRY_ATTEMPTS_MAX, RETRY_DEADLINE, RETRY_DELAY_FIRST, RETRY_DELAY_MAX, RETRY_TOKENS_MAX, RetryPolicy,
};
use self::policy::{TOKENS_PER_RETRY, TOKENS_PER_SUCCESS, TOKENS_PER_THROTTLED_RETRY};
use crate::{
    ETag, Error, ErrorKind, Key, Listed, Object, ObjectMeta, ObjectStore, Op, Put, PutOutcome, Result,
    SignRequest, SignedUrl, parallel,
};

/// See the module.
#[derive(Debug)]
pub struct RetryStore {
    inner: Arc<dyn ObjectStore>,
    policy: RetryPolicy,
    pace: Arc<dyn Pace>,
    tokens: Mutex<u32>,
}

/// One call, over all its attempts.
struct Call {
    started: Duration,
    attempts: u32,
    /// An attempt failed in a way that may have reached the store.
    repeated: bool,
    /// An attempt got no answer.
    unknown: bool,
}

impl RetryStore {
    /// Puts retries in front of a store.
    pub fn new(inner: Arc<dyn ObjectStore>, policy: RetryPolicy, pace: Arc<dyn Pace>) -> Self {
        Self {
            inner,
            policy,
            pace,
            tokens: Mutex::new(policy.tokens_max),
        }
    }

    /// How many tokens the budget of retries holds; 0 means that no call retries.
    pub fn tokens(&self) -> u32 {
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Call {
        Call {
            started: self.pace.elapsed(),
            attempts: 1,
            repeated: false,
            unknown: false,
        }
    }

    /// Passes an answer on; what was answered earns retries.
    fn earn<T>(&self, answer: T) -> T {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = tokens
            .saturating_add(TOKENS_PER_SUCCESS)
            .min(self.policy.tokens_max);
        answer
    }

    fn take_tokens(&self, kind: ErrorKind) -> bool {
        let throttled = kind == ErrorKind::Throttled;
        let cost = if throttled {
            TOKENS_PER_THROTTLED_RETRY
        } else {
            TOKENS_PER_RETRY
        };
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let left = tokens.checked_sub(cost);
        *tokens = left.unwrap_or(*tokens);
        left.is_some()
    }

    /// Waits until the next attempt may start; the error when there is none.
    fn again(&self, call: &mut Call, error: Error) -> Result<()> {
        call.unknown |= error.kind == ErrorKind::OutcomeUnknown;
        call.repeated |= error.retryable();
        if !error.retryable() || call.attempts >= self.policy.attempts_max {
            return Err(error);
        }
        let delay = self.policy.delay(call.attempts, self.pace.random());
        let spent = self.pace.elapsed().saturating_sub(call.started);
        if spent + delay >= self.policy.deadline || !self.take_tokens(error.kind) {
            return Err(error);
        }
        call.attempts += 1;
        self.pace.sleep(delay);
        Ok(())
    }

    /// A call that may be repeated without a second thought.
    fn repeat<T>(&self, attempt: impl Fn() -> Result<T>) -> Result<T> {
        let mut call = self.begin();
        loop {
            match attempt() {
                Ok(answer) => return Ok(self.earn(answer)),
                Err(error) => self.again(&mut call, error)?,
            }
        }
    }

    /// The name is taken, and an earlier attempt of ours may have taken it.
    fn whose(&self, key: &Key, bytes: &[u8]) -> Result<PutOutcome> {
        match self.get(key) {
            Ok(object) if object.bytes == bytes => Ok(self.earn(PutOutcome::Created)),
            Ok(_) => Ok(self.earn(PutOutcome::AlreadyExists)),
            Err(error) => Err(unknown(Op::PutIfAbsent, key, error)),
        }
    }

    /// Attempts are used up and one of them got no answer: a last look.
    fn settle_absent(&self, key: &Key, bytes: &[u8], last: Error) -> Result<PutOutcome> {
        match self.inner.get(key) {
            Ok(object) if object.bytes == bytes => Ok(PutOutcome::Created),
            // Create-only: whoever has the name keeps it, a late put of ours changes nothing.
            Ok(_) => Ok(PutOutcome::AlreadyExists),
            Err(_) => Err(unknown(Op::PutIfAbsent, key, last)),
        }
    }

    /// The object is not as expected, and an earlier attempt of ours may have changed it.
    fn matched(&self, key: &Key, bytes: &[u8], refused: Error) -> Result<ETag> {
        match self.get(key) {
            Ok(object) if object.bytes == bytes => Ok(self.earn(object.etag)),
            Ok(_) => Err(refused),
            Err(e) if e.kind == ErrorKind::NotFound => Err(refused),
            Err(error) => Err(unknown(Op::PutIfMatch, key, error)),
        }
    }

    fn settle_match(&self, key: &Key, bytes: &[u8], expected: Option<&ETag>, last: Error) -> Result<ETag> {
        match self.inner.get(key) {
            Ok(object) if object.bytes == bytes => Ok(object.etag),
            // The expected version is gone, so nothing of ours can still land.
            Ok(object) if expected != Some(&object.etag) => {
                Err(Error::new(ErrorKind::Precondition, Op::PutIfMatch)
                    .on(key)
                    .because(last))
            }
            _ => Err(unknown(Op::PutIfMatch, key, last)),
        }
    }
}

/// A refusal of the request as such: no earlier attempt with the same bytes can have been accepted.
fn never_stored(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ChecksumMismatch | ErrorKind::Invalid | ErrorKind::Unsupported
    )
}

fn unknown(op: Op, key: &Key, cause: Error) -> Error {
    if cause.kind == ErrorKind::OutcomeUnknown && cause.op == op {
        return cause;
    }
    let advice = cause.advice.clone();
    Error {
        advice,
        ..Error::new(ErrorKind::OutcomeUnknown, op).on(key).because(cause)
    }
}

impl ObjectStore for RetryStore {
    fn put_if_absent(&self, key: &Key, bytes: &[u8], crc32c: u32) -> Result<PutOutcome> {
        let mut call = self.begin();
        loop {
            let error = match self.inner.put_if_absent(key, bytes, crc32c) {
                Ok(PutOutcome::AlreadyExists) if call.repeated => return self.whose(key, bytes),
                Ok(outcome) => return Ok(self.earn(outcome)),
                Err(error) => error,
            };
            match self.again(&mut call, error) {
                Ok(()) => {}
                Err(last) if call.unknown && !never_stored(last.kind) => {
                    return self.settle_absent(key, bytes, last);
                }
                Err(last) => return Err(last),
            }
        }
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Vec<Result<PutOutcome>> {
        parallel::put_many(self, puts)
    }

    fn put_if_match(&self, key: &Key, bytes: &[u8], expected: Option<&ETag>) -> Result<ETag> {
        let mut call = self.begin();
        loop {
            let error = match self.inner.put_if_match(key, bytes, expected) {
                Ok(etag) => return Ok(self.earn(etag)),
                Err(e) if e.kind == ErrorKind::Precondition && call.repeated => {
                    return self.matched(key, bytes, e);
                }
                Err(error) => error,
            };
            match self.again(&mut call, error) {
                Ok(()) => {}
                Err(last) if call.unknown && !never_stored(last.kind) => {
                    return self.settle_match(key, bytes, expected, last);
                }
                Err(last) => return Err(last),
            }
        }
    }

    fn get(&self, key: &Key) -> Result<Object> {
        self.repeat(|| self.inner.get(key))
    }

    fn get_range(&self, key: &Key, offset: u64, len: u64) -> Result<Vec<u8>> {
        self.repeat(|| self.inner.get_range(key, offset, len))
    }

    fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.repeat(|| self.inner.head(key))
    }

    fn delete(&self, keys: &[Key]) -> Result<()> {
        self.repeat(|| self.inner.delete(keys))
    }

    fn list(&self, prefix: &str, start_after: Option<&Key>, limit: usize) -> Result<Vec<Listed>> {
        self.repeat(|| self.inner.list(prefix, start_after, limit))
    }

    fn sign(&self, request: &SignRequest<'_>) -> Result<SignedUrl> {
        self.repeat(|| self.inner.sign(request))
    }
}
