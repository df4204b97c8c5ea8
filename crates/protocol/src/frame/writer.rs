//! Frames out: written in place at the end of a buffer that is used again and again.

use super::{FrameKind, HEADER_BYTES, Header, PREFACE};
use crate::{Error, Result};

/// Where a frame that is being written began.
#[derive(Debug)]
#[must_use = "a frame without its header is no frame"]
pub struct FrameStart {
    at: usize,
    kind: FrameKind,
    id: u64,
}

/// Appends what comes before the first frame.
pub fn put_preface(out: &mut Vec<u8>) {
    out.extend_from_slice(&PREFACE);
}

/// Leaves room for a header; the body is appended behind it and [`end_frame`] fills it in.
pub fn begin_frame(out: &mut Vec<u8>, kind: FrameKind, id: u64) -> FrameStart {
    let at = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    FrameStart { at, kind, id }
}

/// Completes the frame that began at `start` with everything behind it.
///
/// # Errors
/// `TooLarge` above `frame_max` bytes, header included; the frame is taken out of the buffer then.
pub fn end_frame(out: &mut Vec<u8>, start: FrameStart, frame_max: u32) -> Result<()> {
    let frame = out.len() - start.at;
    if frame as u64 > u64::from(frame_max) {
        out.truncate(start.at);
        return Err(Error::too_large(
            format!("frame {:?}", start.kind),
            format!("{frame} bytes, {frame_max} are allowed"),
        ));
    }
    let (header, body) = out[start.at..].split_at_mut(HEADER_BYTES);
    let encoded = Header {
        len: body.len() as u32,
        number: start.kind as u8,
        version: start.kind.version(),
        id: start.id,
        body_crc: crc32c::crc32c(body),
    };
    header.copy_from_slice(&encoded.encode());
    Ok(())
}

impl FrameStart {
    /// Takes the frame out of the buffer again.
    pub fn cancel(self, out: &mut Vec<u8>) {
        out.truncate(self.at);
    }

    /// Bytes of the frame so far, header included.
    pub fn len(&self, out: &[u8]) -> usize {
        out.len() - self.at
    }
}

/// Appends a frame without a body: a ping or a pong.
pub fn put_empty_frame(out: &mut Vec<u8>, kind: FrameKind, id: u64) {
    let header = Header {
        len: 0,
        number: kind as u8,
        version: kind.version(),
        id,
        body_crc: 0,
    };
    out.extend_from_slice(&header.encode());
}
