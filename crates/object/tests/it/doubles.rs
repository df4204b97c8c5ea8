//! Stores that break one promise each: what the suite and the probe must find.

use std::sync::Mutex;

use nokv_object::memory::MemoryStore;
use nokv_object::{
    ETag, Error, ErrorKind, Key, Listed, Object, ObjectMeta, ObjectStore, Op, PutOutcome, Result,
    SignRequest, SignedUrl,
};

/// The promise that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breaks {
    /// Accepts If-None-Match and overwrites.
    CreateOnly,
    /// Looks first and writes then, without excluding others.
    Atomicity,
    /// Accepts If-Match and overwrites.
    Swap,
    /// Stores whatever arrives.
    Checksum,
    /// Answers the whole object.
    Range,
    /// Forgets what it acknowledged.
    Writes,
    /// Lists in another order.
    Listing,
}

/// A store in memory with one defect.
#[derive(Debug)]
pub(crate) struct Double {
    good: MemoryStore,
    breaks: Breaks,
    /// Serialises overwriting, which the good store cannot do in one step.
    overwriting: Mutex<()>,
}

impl Double {
    pub(crate) fn new(breaks: Breaks) -> Self {
        Self {
            good: MemoryStore::new(),
            breaks,
            overwriting: Mutex::new(()),
        }
    }

    fn overwrite(&self, key: &Key, bytes: &[u8]) -> Result<ETag> {
        let _alone = self.overwriting.lock().unwrap();
        let now = self.good.head(key)?.map(|meta| meta.etag);
        self.good.put_if_match(key, bytes, now.as_ref())
    }
}

impl ObjectStore for Double {
    fn put_if_absent(&self, key: &Key, bytes: &[u8], crc32c: u32) -> Result<PutOutcome> {
        match self.breaks {
            Breaks::CreateOnly => self.overwrite(key, bytes).map(|_| PutOutcome::Created),
            Breaks::Atomicity if self.good.head(key)?.is_none() => {
                // Lets others look as well before anybody writes.
                (0..1000).for_each(|_| std::thread::yield_now());
                self.overwrite(key, bytes).map(|_| PutOutcome::Created)
            }
            Breaks::Checksum => self.good.put_if_absent(key, bytes, ::crc32c::crc32c(bytes)),
            Breaks::Writes if crc32c == ::crc32c::crc32c(bytes) => Ok(PutOutcome::Created),
            _ => self.good.put_if_absent(key, bytes, crc32c),
        }
    }

    fn put_if_match(&self, key: &Key, bytes: &[u8], expected: Option<&ETag>) -> Result<ETag> {
        match self.breaks {
            Breaks::Swap => self.overwrite(key, bytes),
            _ => self.good.put_if_match(key, bytes, expected),
        }
    }

    fn get(&self, key: &Key) -> Result<Object> {
        self.good.get(key)
    }

    fn get_range(&self, key: &Key, offset: u64, len: u64) -> Result<Vec<u8>> {
        match self.breaks {
            Breaks::Range => Ok(self.good.get(key)?.bytes),
            _ => self.good.get_range(key, offset, len),
        }
    }

    fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.good.head(key)
    }

    fn delete(&self, keys: &[Key]) -> Result<()> {
        self.good.delete(keys)
    }

    fn list(&self, prefix: &str, start_after: Option<&Key>, limit: usize) -> Result<Vec<Listed>> {
        let mut listed = self.good.list(prefix, start_after, limit)?;
        if self.breaks == Breaks::Listing {
            listed.reverse();
        }
        Ok(listed)
    }

    fn sign(&self, request: &SignRequest<'_>) -> Result<SignedUrl> {
        Err(Error::new(ErrorKind::Unsupported, Op::Sign).on(request.key))
    }
}
