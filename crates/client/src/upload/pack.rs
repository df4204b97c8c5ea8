//! Small bodies side by side in one object: hundreds of files, one PUT.

use super::store_object;
use crate::Result;
use crate::buffers::Buffer;
use crate::client::{Client, PACK_BYTES_MAX};
use crate::pool::Ticket;
use nokv_types::{Digest, Extent, NewBody, Slice, Source};

/// The place of a body in its pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    offset: u32,
    len: u32,
    index: usize,
}

/// A pack that is being filled.
#[derive(Debug)]
pub(crate) struct Pack {
    buffer: Buffer,
    members: Vec<(u32, u32)>,
}

impl Pack {
    pub(crate) fn begin(client: &Client) -> Self {
        Self {
            buffer: client.packs.take(),
            members: Vec::new(),
        }
    }

    /// Whether a body of `len` bytes still fits.
    pub(crate) fn fits(&self, len: usize) -> bool {
        self.buffer.bytes.len() + len <= PACK_BYTES_MAX
    }

    /// Adds a body that fits.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Member {
        let (offset, len) = (self.buffer.bytes.len() as u32, bytes.len() as u32);
        self.buffer.bytes.extend_from_slice(bytes);
        self.members.push((offset, len));
        Member {
            offset,
            len,
            index: self.members.len() - 1,
        }
    }

    /// Queues the object; the digests of all members come with it.
    pub(crate) fn seal(self, client: &Client) -> Result<PendingPack> {
        let object = client.ids.next(client)?;
        let namespace = client.shared_namespace();
        let pause = client.settings.pause;
        let ticket = client.pool.run(move || {
            let bytes = &self.buffer.bytes;
            let digest = |&(offset, len): &(u32, u32)| {
                Digest::blake3(&bytes[offset as usize..offset as usize + len as usize])
            };
            let digests: Vec<Digest> = self.members.iter().map(digest).collect();
            store_object(&*namespace, pause, object, bytes)?;
            Ok(digests)
        });
        Ok(PendingPack { object, ticket })
    }
}

/// A pack on its way.
#[derive(Debug)]
pub(crate) struct PendingPack {
    object: nokv_types::ObjectId,
    ticket: Ticket<Vec<Digest>>,
}

impl PendingPack {
    /// Waits until the pack is stored.
    pub(crate) fn wait(self) -> Result<StoredPack> {
        Ok(StoredPack {
            object: self.object,
            digests: self.ticket.wait()?,
        })
    }
}

/// A pack in the object store.
#[derive(Debug)]
pub(crate) struct StoredPack {
    object: nokv_types::ObjectId,
    digests: Vec<Digest>,
}

impl StoredPack {
    /// The body of a member; `None` for a member of another pack.
    pub(crate) fn body(&self, member: Member) -> Option<NewBody> {
        let slice = Slice {
            object: self.object,
            stored_offset: u64::from(member.offset),
            stored_len: member.len,
            digest: *self.digests.get(member.index)?,
            window_offset: 0,
        };
        Some(NewBody::Whole {
            size: u64::from(member.len),
            extents: vec![Extent {
                at: 0,
                len: member.len,
                source: Source::Slice(slice),
            }],
        })
    }
}
