//! Bringing bodies into the object store: blocks, packs, inline bytes. Nothing here is visible before a command
//! of [`crate::publish`] or [`crate::batch`] says so.
//!
//! Owns: how a body is cut, digested, stored and retried. Must not know: the names of files.
//!
//! Invariants: objects are created under ids that were reserved durably before; extents never cross a 256 MiB
//! range; memory is bounded by the buffers, whatever the size of the body.

mod blocks;
mod ids;
mod pack;
mod source;
mod staged;

pub(crate) use blocks::{PendingBody, finish, start, store as store_block};
pub(crate) use ids::ObjectIds;
pub(crate) use pack::{Member, Pack, PendingPack};
pub use source::{BodySource, Cut, SparseFile, SparseSource, StreamSource};

use crate::client::Client;
use crate::retry::retrying;
use crate::{Namespace, Result};
use nokv_types::ObjectId;
use std::time::Duration;

/// Creates an object, with retries.
pub(crate) fn store_object(
    namespace: &dyn Namespace,
    pause: fn(Duration),
    object: ObjectId,
    bytes: &[u8],
) -> Result<()> {
    let crc = crc32c::crc32c(bytes);
    retrying(pause, || namespace.blobs().put_new(object, bytes, crc))
}

impl Client {
    /// Uploads a body without publishing it; the answer goes into [`nokv_types::Command::Publish`].
    pub fn upload(&self, source: &mut dyn BodySource) -> Result<nokv_types::NewBody> {
        let pending = start(self, source)?;
        finish(pending)
    }
}
