//! Looking on past damage: for what proves that it hit something durable, and for a place to go on from.

use super::seal::SEAL_BYTES;
use super::window::Window;
use crate::disk::DiskFile;
use crate::segment::{Header, SEGMENT_ALIGN, SEGMENT_HEADER_BYTES, SEGMENT_MAGIC, Segment};
use crate::{Position, WorkspaceId};
use std::io;
use std::sync::Arc;

/// Bytes looked at in one step.
const STEP: usize = 256 << 10;

/// What anything behind the good part speaks of.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// The highest segment that was durable.
    pub(super) durable_seq: u64,
    /// The highest segment whose header is here.
    pub(super) found_seq: u64,
    /// The highest version that was committed.
    pub(super) version: u64,
}

impl Evidence {
    /// Something else proves that `place` was durable.
    pub(super) fn durable(&mut self, place: &Position) {
        self.durable_seq = self.durable_seq.max(place.seq);
        self.version = self.version.max(place.version.0);
    }

    /// A header has a checksum of its own, so it counts even when the payload is damaged.
    fn header(&mut self, header: &Header) {
        self.durable_seq = self.durable_seq.max(header.durable_seq);
        self.found_seq = self.found_seq.max(header.seq);
        self.version = self.version.max(header.last_version.0);
    }
}

/// Searches `file` from `from` for segments later than `tail_seq`; answers the offset after the last byte
/// that is not zero, or `None` when there is none.
pub(super) fn search(
    file: &Arc<dyn DiskFile>,
    from: u64,
    workspace: WorkspaceId,
    tail_seq: u64,
    evidence: &mut Evidence,
) -> io::Result<Option<u64>> {
    each_header(file, from, workspace, &mut |_, header, _| {
        // What an earlier life of these blocks left behind proves nothing.
        if header.seq > tail_seq {
            evidence.header(header);
        }
        Ok(true)
    })
}

/// The offset in `file`, at or after `from`, at which the segment after `floor` begins or would begin.
pub(super) fn anchor(
    file: &Arc<dyn DiskFile>,
    from: u64,
    workspace: WorkspaceId,
    floor: &Position,
) -> io::Result<Option<u64>> {
    let mut found = None;
    each_header(
        file,
        from.max(SEAL_BYTES),
        workspace,
        &mut |offset, header, window| {
            if header.seq == floor.seq + 1 && header.previous == floor.chain {
                found = Some(offset);
            } else if header.seq == floor.seq {
                let bytes = window.get(offset, header.stored_len())?;
                if Segment::decode(bytes).is_ok_and(|segment| segment.position() == *floor) {
                    found = Some(offset + header.stored_len() as u64);
                }
            }
            Ok(found.is_none())
        },
    )?;
    Ok(found)
}

/// The offset after the last byte that is not zero. Most of what is looked at is zeros: whole blocks of them are
/// compared at once.
fn end_of_data(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 4096;
    const ZEROS: [u8; BLOCK] = [0; BLOCK];
    let blocks = bytes.chunks(BLOCK).enumerate().rev();
    let (at, block) = { blocks }.find(|(_, block)| *block != &ZEROS[..block.len()])?;
    let last = block.iter().rposition(|byte| *byte != 0)?;
    Some(at * BLOCK + last + 1)
}

/// Calls `visit` for every header of the workspace that stands where a segment may begin, until it answers
/// `false`; answers the offset after the last byte seen that is not zero.
fn each_header(
    file: &Arc<dyn DiskFile>,
    from: u64,
    workspace: WorkspaceId,
    visit: &mut dyn FnMut(u64, &Header, &mut Window) -> io::Result<bool>,
) -> io::Result<Option<u64>> {
    let mut segments = Window::new(Arc::clone(file));
    let mut steps = Window::new(Arc::clone(file));
    let mut left = None;
    let mut offset = from;
    // Bytes inside a segment are somebody's payload: what looks like a segment there is none.
    let mut inside_until = from;
    loop {
        let chunk = steps.get(offset, STEP)?;
        if chunk.is_empty() {
            return Ok(left);
        }
        if let Some(end) = end_of_data(chunk) {
            left = Some(offset + end as u64);
            for (at, word) in chunk.chunks_exact(SEGMENT_ALIGN).enumerate() {
                let at = offset + (at * SEGMENT_ALIGN) as u64;
                if word != SEGMENT_MAGIC || at < inside_until {
                    continue;
                }
                let header = Header::decode(segments.get(at, SEGMENT_HEADER_BYTES)?);
                if let Ok(header) = header
                    && header.workspace == workspace
                {
                    inside_until = at + header.stored_len() as u64;
                    if !visit(at, &header, &mut segments)? {
                        return Ok(left);
                    }
                }
            }
        }
        offset += chunk.len() as u64;
    }
}
