//! Objects in memory, with faults on request.

use nokv_client::{Blobs, Error, Result};
use nokv_types::{Code, ObjectId};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// What happens to a PUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlobFault {
    /// Refused before anything is stored.
    Busy,
    /// Stored, but the answer is lost.
    AnswerLost,
    /// Refused for good.
    Broken,
}

#[derive(Debug, Default)]
pub(crate) struct MemoryBlobs {
    pub(crate) objects: Mutex<BTreeMap<ObjectId, Vec<u8>>>,
    /// One for each of the next PUTs.
    pub(crate) faults: Mutex<Vec<BlobFault>>,
    pub(crate) gets: Mutex<u64>,
}

impl MemoryBlobs {
    pub(crate) fn count(&self) -> usize {
        self.objects.lock().unwrap().len()
    }

    pub(crate) fn flip_one_bit(&self) {
        let mut objects = self.objects.lock().unwrap();
        let bytes = objects.values_mut().next().unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
    }
}

impl Blobs for MemoryBlobs {
    fn put_new(&self, object: ObjectId, bytes: &[u8], crc32c: u32) -> Result<()> {
        assert_eq!(crc32c, crc32c::crc32c(bytes));
        let fault = self.faults.lock().unwrap().pop();
        if fault == Some(BlobFault::Busy) {
            return Err(Error::refused(Code::Busy, "store"));
        }
        if fault == Some(BlobFault::Broken) {
            return Err(Error::refused(Code::NoSpace, "store"));
        }
        let mut objects = self.objects.lock().unwrap();
        let stored = objects.entry(object).or_insert_with(|| bytes.to_vec());
        if stored != bytes {
            return Err(Error::refused(Code::Conflict, "object"));
        }
        match fault {
            Some(BlobFault::AnswerLost) => Err(Error::refused(Code::Io, "answer")),
            _ => Ok(()),
        }
    }

    fn get(&self, object: ObjectId, offset: u64, len: u32) -> Result<Vec<u8>> {
        *self.gets.lock().unwrap() += 1;
        let objects = self.objects.lock().unwrap();
        let bytes = objects
            .get(&object)
            .ok_or_else(|| Error::refused(Code::NotFound, "object"))?;
        let end = offset as usize + len as usize;
        bytes
            .get(offset as usize..end)
            .map(<[u8]>::to_vec)
            .ok_or_else(|| Error::refused(Code::Corrupt, "object"))
    }
}
