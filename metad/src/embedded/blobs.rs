//! Bodies over the object store.

use super::Answered;
use crate::engine::Core;
use nokv_client::Blobs;
use nokv_object::{ErrorKind, Op, PutOutcome, layout};
use nokv_types::{Code, ObjectId, Refusal};
use std::sync::Arc;

/// See the module.
pub(super) struct EngineBlobs {
    core: Arc<Core>,
}

impl std::fmt::Debug for EngineBlobs {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("EngineBlobs")
            .field("objects", &self.core.objects)
            .finish_non_exhaustive()
    }
}

impl EngineBlobs {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }
}

impl Blobs for EngineBlobs {
    fn put_new(&self, object: ObjectId, bytes: &[u8], crc32c: u32) -> Answered<()> {
        let key = layout::data(object.0);
        match self.core.objects.put_if_absent(&key, bytes, crc32c) {
            Ok(PutOutcome::Created) => Ok(()),
            // The answer of an earlier try may have been lost: what counts is what is there.
            Ok(PutOutcome::AlreadyExists) => {
                let there = self.core.objects.get(&key).map_err(refused)?;
                if there.bytes == bytes {
                    return Ok(());
                }
                let refusal = Refusal::new(Code::Conflict, key.as_str());
                Err(refusal.detail("the object exists with other bytes").into())
            }
            Err(error) => Err(refused(error)),
        }
    }

    fn get(&self, object: ObjectId, offset: u64, len: u32) -> Answered<Vec<u8>> {
        let key = layout::data(object.0);
        self.core
            .objects
            .get_range(&key, offset, u64::from(len))
            .map_err(refused)
    }
}

/// The refusal for an error of the object store.
pub(super) fn refused(error: nokv_object::Error) -> nokv_client::Error {
    let code = match error.kind {
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::Precondition => Code::Conflict,
        ErrorKind::ChecksumMismatch | ErrorKind::Corrupt | ErrorKind::OutOfRange => Code::Corrupt,
        ErrorKind::Throttled => Code::Busy,
        ErrorKind::OutcomeUnknown if error.op == Op::Delete => Code::Io,
        ErrorKind::Full => Code::NoSpace,
        ErrorKind::Invalid => Code::Invalid,
        ErrorKind::Unsupported => Code::Unsupported,
        _ => Code::Io,
    };
    let subject = error.key.clone().unwrap_or_else(|| "object store".to_owned());
    let mut detail = error.to_string();
    // What an operator is told says more than what the library below says.
    if let (Some(source), None) = (&error.source, &error.advice) {
        detail = format!("{detail}: {source}");
    }
    Refusal::new(code, subject).detail(detail).into()
}
