//! Looking on past damage for what proves that it hit something durable.

use super::state::LogState;
use super::window::Window;
use crate::Position;
use crate::disk::DiskFile;
use crate::segment::{Header, SEGMENT_ALIGN, SEGMENT_HEADER_BYTES, SEGMENT_MAGIC, Segment};
use std::io;
use std::sync::Arc;

/// Bytes looked at in one step.
const STEP: usize = 256 << 10;

/// The highest durable segment and the highest version that anything speaks of.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) durable_seq: u64,
    pub(crate) version: u64,
}

impl Evidence {
    /// Something else proves that `place` was durable.
    pub(crate) fn durable(&mut self, place: &Position) {
        self.durable_seq = self.durable_seq.max(place.seq);
        self.version = self.version.max(place.version.0);
    }
}

/// Searches `file` from `from` for segments later than `tail_seq`; answers the offset after the last byte
/// that is not zero, or `None` when there is none.
pub(crate) fn search(
    file: &Arc<dyn DiskFile>,
    from: u64,
    state: &LogState,
    tail_seq: u64,
    evidence: &mut Evidence,
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
        if let Some(last) = chunk.iter().rposition(|byte| *byte != 0) {
            left = Some(offset + last as u64 + 1);
            for (at, word) in chunk.chunks_exact(SEGMENT_ALIGN).enumerate() {
                let at = offset + (at * SEGMENT_ALIGN) as u64;
                if word == SEGMENT_MAGIC && at >= inside_until {
                    inside_until = at + look_at(&mut segments, at, state, tail_seq, evidence)?;
                }
            }
        }
        offset += chunk.len() as u64;
    }
}

/// Takes what a segment at `offset` proves; answers how many bytes it spans, 0 when there is none.
fn look_at(
    window: &mut Window,
    offset: u64,
    state: &LogState,
    tail_seq: u64,
    evidence: &mut Evidence,
) -> io::Result<u64> {
    let Ok(header) = Header::decode(window.get(offset, SEGMENT_HEADER_BYTES)?) else {
        return Ok(0);
    };
    // What an earlier life of these blocks left behind proves nothing.
    if header.workspace != state.workspace || header.seq <= tail_seq {
        return Ok(0);
    }
    // The header has a checksum of its own, so its claim counts even when the payload is damaged; the whole
    // segment is looked at only to learn that its versions were really written.
    evidence.durable_seq = evidence.durable_seq.max(header.durable_seq);
    if Segment::decode(window.get(offset, header.stored_len())?).is_ok() {
        evidence.version = evidence.version.max(header.last_version.0);
    }
    Ok(header.stored_len() as u64)
}
