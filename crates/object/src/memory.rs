//! A store in memory: the model that the others are compared with, and the store of tests and demos.
//!
//! Invariant: one lock orders all calls, so every answer is the only possible one.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{
    ETag, Error, ErrorKind, Key, Listed, Object, ObjectMeta, ObjectStore, Op, PutOutcome, Result,
    SignRequest, SignedUrl, checks,
};

/// See the module.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<Key, Stored>,
    /// Gives every put its own version, so that a register that returns to old bytes still has a new tag.
    puts: u64,
}

#[derive(Debug)]
struct Stored {
    bytes: Vec<u8>,
    version: u64,
}

impl Stored {
    fn etag(&self) -> ETag {
        ETag(format!("v{}", self.version))
    }
}

impl State {
    fn put(&mut self, key: &Key, bytes: &[u8]) -> ETag {
        self.puts += 1;
        let stored = Stored {
            bytes: bytes.to_vec(),
            version: self.puts,
        };
        let etag = stored.etag();
        self.objects.insert(key.clone(), stored);
        etag
    }

    fn find(&self, key: &Key, op: Op) -> Result<&Stored> {
        self.objects
            .get(key)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, op).on(key))
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.lock().objects.len()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// No call leaves the state half changed, so a panic elsewhere in the process does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ObjectStore for MemoryStore {
    fn put_if_absent(&self, key: &Key, bytes: &[u8], crc32c: u32) -> Result<PutOutcome> {
        checks::body(Op::PutIfAbsent, key, bytes)?;
        checks::checksum(key, bytes, crc32c)?;
        let mut state = self.lock();
        if state.objects.contains_key(key) {
            return Ok(PutOutcome::AlreadyExists);
        }
        state.put(key, bytes);
        Ok(PutOutcome::Created)
    }

    fn put_if_match(&self, key: &Key, bytes: &[u8], expected: Option<&ETag>) -> Result<ETag> {
        checks::body(Op::PutIfMatch, key, bytes)?;
        let mut state = self.lock();
        let current = state.objects.get(key).map(Stored::etag);
        if current.as_ref() != expected {
            return Err(Error::new(ErrorKind::Precondition, Op::PutIfMatch).on(key));
        }
        Ok(state.put(key, bytes))
    }

    fn get(&self, key: &Key) -> Result<Object> {
        let state = self.lock();
        let stored = state.find(key, Op::Get)?;
        Ok(Object {
            bytes: stored.bytes.clone(),
            etag: stored.etag(),
        })
    }

    fn get_range(&self, key: &Key, offset: u64, len: u64) -> Result<Vec<u8>> {
        let end = checks::range(key, offset, len)?;
        let state = self.lock();
        let stored = state.find(key, Op::GetRange)?;
        let range = usize::try_from(offset).ok().zip(usize::try_from(end).ok());
        let bytes = range.and_then(|(from, to)| stored.bytes.get(from..to));
        bytes
            .map(<[u8]>::to_vec)
            .ok_or_else(|| Error::new(ErrorKind::OutOfRange, Op::GetRange).on(key))
    }

    fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        let state = self.lock();
        let meta = |stored: &Stored| ObjectMeta {
            size_bytes: stored.bytes.len() as u64,
            etag: stored.etag(),
        };
        Ok(state.objects.get(key).map(meta))
    }

    fn delete(&self, keys: &[Key]) -> Result<()> {
        let mut state = self.lock();
        for key in keys {
            state.objects.remove(key);
        }
        Ok(())
    }

    fn list(&self, prefix: &str, start_after: Option<&Key>, limit: usize) -> Result<Vec<Listed>> {
        let limit = checks::list_limit(prefix, limit)?;
        let state = self.lock();
        let from = start_after.map_or(Bound::Unbounded, |key| Bound::Excluded(key.clone()));
        let matching = state
            .objects
            .range((from, Bound::Unbounded))
            .filter(|(key, _)| key.as_str().starts_with(prefix));
        let listed = matching.take(limit).map(|(key, stored)| Listed {
            key: key.clone(),
            size_bytes: stored.bytes.len() as u64,
        });
        Ok(listed.collect())
    }

    fn sign(&self, request: &SignRequest<'_>) -> Result<SignedUrl> {
        Err(Error::new(ErrorKind::Unsupported, Op::Sign)
            .on(request.key)
            .because("a store in memory has no url"))
    }
}
