//! The frame store as the engine's blob store: one adapter for the live state, one for a published one.

use crate::frames::{FrameId, FrameStore, Held};
use crate::{Error, ErrorKind};
use holt::{AlignedBlobBuf, BlobGuid, BlobStore};
use std::io;
use std::sync::Arc;

/// The engine's thread that plans drains.
const PLANNER: &str = "holt-ckpt-planner";

/// The live state: reads and writes shadow frames, `flush` publishes nothing.
pub(super) struct LiveBlobs(pub(super) Arc<FrameStore>);

impl BlobStore for LiveBlobs {
    fn read_blob(&self, guid: BlobGuid, dst: &mut AlignedBlobBuf) -> holt::Result<()> {
        let _scope = self.0.enter();
        self.0.read(&guid, dst.as_mut_slice()).map_err(wrap)
    }

    fn read_blob_range(&self, _: BlobGuid, _: u64, _: &mut [u8]) -> holt::Result<()> {
        Err(no_ranges())
    }

    fn write_blob(&self, guid: BlobGuid, src: &AlignedBlobBuf) -> holt::Result<()> {
        let _scope = self.0.enter();
        self.0.write(guid, src.as_slice()).map_err(wrap)
    }

    fn publish_read_index(&self, _: BlobGuid, _: &[u8], _: &[u8]) -> holt::Result<()> {
        // For stores far larger than memory, read page by page; ours are verified and cached whole.
        Err(no_ranges())
    }

    fn delete_blob(&self, guid: BlobGuid) -> holt::Result<()> {
        self.0.delete(&guid);
        Ok(())
    }

    fn list_blobs(&self) -> holt::Result<Vec<BlobGuid>> {
        Ok(self.0.ids())
    }

    fn flush(&self) -> holt::Result<()> {
        self.0.flushed();
        Ok(())
    }

    fn needs_flush(&self) -> bool {
        if std::thread::current().name() == Some(PLANNER) {
            self.0.planner_asked();
        }
        self.0.unflushed()
    }

    fn has_blob(&self, guid: BlobGuid) -> holt::Result<bool> {
        Ok(self.0.contains(&guid))
    }
}

/// One published state; its slots stay as they are while this lives.
pub(super) struct PublishedBlobs {
    pub(super) frames: Arc<FrameStore>,
    pub(super) state: Arc<Held>,
}

impl PublishedBlobs {
    fn refuse() -> holt::Error {
        wrap(Error::new(
            ErrorKind::Invalid,
            "write frame",
            "published view",
            "is read-only",
        ))
    }
}

impl BlobStore for PublishedBlobs {
    fn read_blob(&self, guid: BlobGuid, dst: &mut AlignedBlobBuf) -> holt::Result<()> {
        let _scope = self.frames.enter();
        self.frames
            .read_held(&self.state, &guid, dst.as_mut_slice())
            .map_err(wrap)
    }

    fn read_blob_range(&self, _: BlobGuid, _: u64, _: &mut [u8]) -> holt::Result<()> {
        Err(no_ranges())
    }

    fn write_blob(&self, _: BlobGuid, _: &AlignedBlobBuf) -> holt::Result<()> {
        Err(Self::refuse())
    }

    fn delete_blob(&self, _: BlobGuid) -> holt::Result<()> {
        Err(Self::refuse())
    }

    fn list_blobs(&self) -> holt::Result<Vec<FrameId>> {
        Ok(self.state.ids())
    }

    fn flush(&self) -> holt::Result<()> {
        Ok(())
    }

    fn needs_flush(&self) -> bool {
        false
    }

    fn has_blob(&self, guid: BlobGuid) -> holt::Result<bool> {
        Ok(self.state.contains(&guid))
    }
}

/// A part of a frame cannot be verified. The engine takes a refusal as a reason to read and keep the whole frame.
fn no_ranges() -> holt::Error {
    io::Error::from(io::ErrorKind::Unsupported).into()
}

/// Carries our error through the engine.
fn wrap(error: Error) -> holt::Error {
    holt::Error::BlobStoreIo(io::Error::other(error))
}

/// Takes our error out again, or says what the engine's own one means.
pub(super) fn engine_error(op: &'static str, subject: &str, error: holt::Error) -> Error {
    match error {
        holt::Error::BlobStoreIo(cause) => match cause.downcast::<Error>() {
            Ok(ours) => ours,
            Err(other) => {
                Error::new(ErrorKind::Io, op, subject, "the engine could not use its store").caused_by(other)
            }
        },
        other => {
            let detail = "the engine failed; its memory may be half changed";
            Error::new(ErrorKind::Engine, op, subject, detail).caused_by(other)
        }
    }
}
