//! Writing a segment into one buffer: each section is copied once, hashed once and summed once.

use super::{
    Draft, HEADER_CRC_AT, SECTIONS, SEGMENT_ALIGN, SEGMENT_FORMAT, SEGMENT_MAGIC, SEGMENT_PAYLOAD_BYTES_MAX,
    stored_len,
};
use crate::{Chain, Error, ErrorKind, Result, WorkspaceId};

/// What ties a segment to its workspace and to the one before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) workspace: WorkspaceId,
    pub(crate) epoch: u64,
    pub(crate) seq: u64,
    /// The highest segment that was known durable when this one is written.
    pub(crate) durable_seq: u64,
    pub(crate) previous: Chain,
}

/// Replaces the content of `out` by the encoded segment and answers the chain hash after it.
pub(crate) fn encode(out: &mut Vec<u8>, link: &Link, draft: &Draft<'_>) -> Result<Chain> {
    let sections = [draft.results, draft.mutations, draft.events];
    let payload: usize = sections.iter().map(|section| 4 + section.len()).sum();
    if payload > SEGMENT_PAYLOAD_BYTES_MAX {
        let why = format!("payload of {payload} bytes");
        return Err(Error::new(
            ErrorKind::Invalid,
            "encode segment",
            link.seq.to_string(),
            why,
        ));
    }
    out.clear();
    out.reserve(stored_len(payload));
    put_header(out, link, draft, payload as u32);
    for section in sections {
        out.extend_from_slice(&(section.len() as u32).to_le_bytes());
        out.extend_from_slice(section);
    }
    let chain = link.previous.after(out);
    out.extend_from_slice(&chain.0);
    let crc = crc32c::crc32c(out);
    out.extend_from_slice(&crc.to_le_bytes());
    out.resize(out.len().next_multiple_of(SEGMENT_ALIGN), 0);
    debug_assert_eq!(out.len(), stored_len(payload));
    Ok(chain)
}

fn put_header(out: &mut Vec<u8>, link: &Link, draft: &Draft<'_>, payload: u32) {
    out.extend_from_slice(&SEGMENT_MAGIC);
    out.extend_from_slice(&SEGMENT_FORMAT.to_le_bytes());
    out.push(draft.kind as u8);
    out.push(SECTIONS as u8);
    out.extend_from_slice(&payload.to_le_bytes());
    out.extend_from_slice(&link.workspace.0);
    for number in [
        link.epoch,
        link.seq,
        draft.log_time_ns,
        draft.wall_time_ns,
        link.durable_seq,
        draft.first_version.0,
        draft.last_version.0,
    ] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&link.previous.0);
    out.extend_from_slice(&[0; 4]);
    debug_assert_eq!(out.len(), HEADER_CRC_AT);
    let crc = crc32c::crc32c(out);
    out.extend_from_slice(&crc.to_le_bytes());
}
