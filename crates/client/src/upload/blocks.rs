//! One body as blocks: read by the caller's thread, digested and stored by the pool.

use super::source::BodySource;
use super::staged::Staging;
use super::store_object;
use crate::buffers::Buffer;
use crate::client::Client;
use crate::pool::Ticket;
use crate::{Error, Result};
use nokv_types::{
    Code, Digest, Extent, FILE_BYTES_MAX, INLINE_BYTES_MAX, NewBody, RANGE_BYTES, Slice, Source,
};
use std::collections::VecDeque;

/// Ranges of 256 MiB that one publish command carries; larger bodies are staged (16 GiB).
pub(crate) const RANGES_PER_COMMAND_MAX: u64 = 64;

/// A body whose blocks are on their way.
#[derive(Debug)]
pub(crate) struct PendingBody {
    size: u64,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Extents(VecDeque<Ticket<Extent>>),
    Inline(Vec<Extent>),
    Staged(NewBody),
}

/// Reads the whole source and queues its blocks; waits only for free buffers, and at ranges of staged bodies.
pub(crate) fn start(client: &Client, source: &mut dyn BodySource) -> Result<PendingBody> {
    let mut tickets = VecDeque::new();
    let mut staging: Option<Staging<'_>> = None;
    let (mut range, mut ranges) = (None, 0);
    let mut held: Option<(u64, Buffer)> = None;
    loop {
        client.check_stop("upload", "a body")?;
        let mut buffer = client.blocks.take();
        let cut = source.next_block(&mut buffer.bytes).map_err(|source| {
            // A source that ends its wait because of the wish to stop says so by an error.
            let stopped = client.check_stop("upload", "a body").err();
            stopped.unwrap_or_else(|| Error::local("read", "the body", source))
        })?;
        if let Some(hole) = cut.filter(|_| buffer.bytes.is_empty()) {
            check_size(hole.at)?;
            continue;
        }
        // One block is held back until it is known not to be the whole of a small body.
        if let Some((at, block)) = held.take() {
            if cut.is_none() && source.size() <= INLINE_BYTES_MAX as u64 {
                return Ok(inline(source.size(), at, &block.bytes));
            }
            if range != Some(at / RANGE_BYTES) {
                range = Some(at / RANGE_BYTES);
                ranges += 1;
                if staging.is_none() && ranges > RANGES_PER_COMMAND_MAX {
                    staging = Some(Staging::begin(client)?);
                }
                if let Some(staging) = &mut staging {
                    staging.add_all(&mut tickets)?;
                }
            }
            tickets.push_back(store(client, at, block)?);
        }
        let Some(cut) = cut else { break };
        check_size(cut.at)?;
        held = Some((cut.at, buffer));
    }
    let size = source.size();
    check_size(size)?;
    let shape = match staging {
        None => Shape::Extents(tickets),
        Some(mut staging) => {
            staging.add_all(&mut tickets)?;
            Shape::Staged(staging.finish(size))
        }
    };
    Ok(PendingBody { size, shape })
}

/// Waits for the blocks.
pub(crate) fn finish(pending: PendingBody) -> Result<NewBody> {
    let extents = match pending.shape {
        Shape::Staged(body) => return Ok(body),
        Shape::Inline(extents) => extents,
        Shape::Extents(tickets) => tickets.into_iter().map(Ticket::wait).collect::<Result<_>>()?,
    };
    Ok(NewBody::Whole {
        size: pending.size,
        extents,
    })
}

fn inline(size: u64, at: u64, bytes: &[u8]) -> PendingBody {
    // A short body is kept whole, so that its leading hole needs no extent of its own.
    let mut whole = vec![0; at as usize];
    whole.extend_from_slice(bytes);
    PendingBody {
        size,
        shape: Shape::Inline(vec![Extent {
            at: 0,
            len: whole.len() as u32,
            source: Source::Inline(whole),
        }]),
    }
}

fn check_size(size: u64) -> Result<()> {
    if size > FILE_BYTES_MAX {
        return Err(Error::refused(Code::TooLarge, "the body"));
    }
    Ok(())
}

/// Queues one block; its id is taken here, in the order of the body.
pub(crate) fn store(client: &Client, at: u64, block: Buffer) -> Result<Ticket<Extent>> {
    let object = client.ids.next(client)?;
    let namespace = client.shared_namespace();
    let pause = client.settings.pause;
    Ok(client.pool.run(move || {
        let digest = Digest::blake3(&block.bytes);
        store_object(&*namespace, pause, object, &block.bytes)?;
        let len = block.bytes.len() as u32;
        let slice = Slice {
            object,
            stored_offset: 0,
            stored_len: len,
            digest,
            window_offset: 0,
        };
        Ok(Extent {
            at,
            len,
            source: Source::Slice(slice),
        })
    }))
}
