//! Answers: one frame for each call, one item for each operation up to the one that ended the list.

use crate::answer::Done;
use crate::call::ITEM_HEADER_BYTES;
use crate::fields::{Field, Input};
use crate::frame::{Frame, FrameKind, FrameStart, begin_frame, end_frame};
use crate::kinds::OpKind;
use crate::lease::Grant;
use crate::limits::OPS_MAX;
use crate::refused::Failure;
use crate::{Error, Result};
use nokv_types::Version;

/// Bits of an item's flags.
const DONE: u8 = 1;
const GRANT: u8 = 2;

/// The answer to one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Number of the operation: an [`OpKind`], or one that was not known.
    pub number: u16,
    /// What it was answered.
    pub result: Result<Done, Failure>,
    /// What of it may be kept.
    pub grant: Option<Grant>,
}

/// The answers to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// The newest version that readers saw when it was answered. It never goes back within a lineage.
    pub seen: Version,
    /// One for each operation, in order; fewer when a refusal ended the list.
    pub items: Vec<Item>,
}

impl Answers {
    /// Reads the frame's body.
    ///
    /// # Errors
    /// `Malformed`, `Unknown`, `TooNew`.
    pub fn decode(frame: &Frame<'_>) -> Result<Self> {
        let malformed = || Error::malformed("answers");
        let mut input = Input::new(frame.body);
        let seen = Version(u64::from_le_bytes(input.array().ok_or_else(malformed)?));
        let count = usize::from(u16::from_le_bytes(input.array().ok_or_else(malformed)?));
        if count > OPS_MAX {
            return Err(malformed());
        }
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(take_item(&mut input)?);
        }
        input.finish().ok_or_else(malformed)?;
        Ok(Self { seen, items })
    }

    /// Appends the answers as a frame.
    ///
    /// # Errors
    /// As [`AnswersWriter`].
    pub fn encode(&self, id: u64, frame_max: u32, out: &mut Vec<u8>) -> Result<()> {
        let mut writer = AnswersWriter::begin(out, id, frame_max);
        for item in &self.items {
            match &item.result {
                Ok(done) => {
                    let kind = OpKind::from_number(item.number)
                        .ok_or_else(|| Error::unknown("operation", u64::from(item.number)))?;
                    writer.done(kind, done, item.grant)?;
                }
                Err(failure) => writer.refused(item.number, failure, item.grant)?,
            }
        }
        writer.finish(self.seen)
    }
}

fn take_item(input: &mut Input<'_>) -> Result<Item> {
    let malformed = || Error::malformed("answers");
    let number = u16::from_le_bytes(input.array().ok_or_else(malformed)?);
    let [version, flags] = input.array().ok_or_else(malformed)?;
    let len = u32::from_le_bytes(input.array().ok_or_else(malformed)?);
    let mut body = input.split(len as usize).ok_or_else(malformed)?;
    if flags > DONE | GRANT || version == 0 {
        return Err(malformed());
    }
    let grant = if flags & GRANT != 0 {
        Some(body.field().ok_or_else(malformed)?)
    } else {
        None
    };
    let result = if flags & DONE == 0 {
        Err(body.field().ok_or_else(malformed)?)
    } else {
        let kind =
            OpKind::from_number(number).ok_or_else(|| Error::unknown("operation", u64::from(number)))?;
        if version > kind.version() {
            return Err(Error::too_new(kind.name(), version));
        }
        Ok(Done::take(kind.shape(), &mut body).ok_or_else(|| Error::malformed(kind.name()))?)
    };
    body.finish().ok_or_else(malformed)?;
    input.join(&body);
    Ok(Item {
        number,
        result,
        grant,
    })
}

/// Answers that are being written, one by one as they come to be known. Dropped before
/// [`AnswersWriter::finish`] they leave nothing behind.
#[derive(Debug)]
pub struct AnswersWriter<'a> {
    out: &'a mut Vec<u8>,
    start: Option<FrameStart>,
    /// Where the version and the count go, which are known last.
    head_at: usize,
    count: u16,
    frame_max: usize,
}

/// Bytes of the version and of the count.
const HEAD_BYTES: usize = 10;
/// This part of a frame is kept for what changes and refusals are answered: that must always be told.
const KEPT_PART: usize = 8;

impl<'a> AnswersWriter<'a> {
    /// Begins the answers to the call of this id at the end of `out`; the peer takes frames of `frame_max` bytes.
    pub fn begin(out: &'a mut Vec<u8>, id: u64, frame_max: u32) -> Self {
        let start = begin_frame(out, FrameKind::Answers, id);
        let head_at = out.len();
        out.extend_from_slice(&[0; HEAD_BYTES]);
        Self {
            out,
            start: Some(start),
            head_at,
            count: 0,
            frame_max: frame_max as usize,
        }
    }

    /// Appends what an operation of this kind came to.
    ///
    /// # Errors
    /// `TooLarge` when it does not fit: answer this operation with that refusal instead, for which there is room.
    /// `Unencodable` when it is not what this kind is answered with. Nothing is appended then.
    pub fn done(&mut self, kind: OpKind, done: &Done, grant: Option<Grant>) -> Result<()> {
        if done.shape() != kind.shape() {
            return Err(Error::unencodable(
                kind.name(),
                "the answer belongs to another operation",
            ));
        }
        let kept = match done {
            Done::Changed(_) => 0,
            _ => self.frame_max / KEPT_PART,
        };
        let (number, max) = (kind as u16, self.frame_max - kept);
        self.item((number, DONE), grant, max, |out| done.put(out))
    }

    /// Appends that the operation of this number was refused.
    ///
    /// # Errors
    /// As [`AnswersWriter::done`].
    pub fn refused(&mut self, number: u16, failure: &Failure, grant: Option<Grant>) -> Result<()> {
        self.item((number, 0), grant, self.frame_max, |out| failure.put(out))
    }

    /// Answers so far.
    pub fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// Completes the frame.
    ///
    /// # Errors
    /// `TooLarge` when not even an empty list fits.
    pub fn finish(mut self, seen: Version) -> Result<()> {
        let at = self.head_at;
        self.out[at..at + 8].copy_from_slice(&seen.0.to_le_bytes());
        self.out[at + 8..at + HEAD_BYTES].copy_from_slice(&self.count.to_le_bytes());
        match self.start.take() {
            Some(start) => end_frame(self.out, start, self.frame_max as u32),
            None => Ok(()),
        }
    }

    fn item(
        &mut self,
        (number, flags): (u16, u8),
        grant: Option<Grant>,
        max: usize,
        put: impl FnOnce(&mut Vec<u8>),
    ) -> Result<()> {
        if self.count() >= OPS_MAX {
            return Err(Error::too_large(
                "answers",
                format!("{OPS_MAX} operations are allowed"),
            ));
        }
        let at = self.out.len();
        self.out.extend_from_slice(&number.to_le_bytes());
        // An unknown operation has no version here: any will do.
        let version = OpKind::from_number(number).map_or(1, OpKind::version);
        let flags = flags | if grant.is_some() { GRANT } else { 0 };
        self.out.extend_from_slice(&[version, flags]);
        self.out.extend_from_slice(&[0; 4]);
        if let Some(grant) = grant {
            grant.put(self.out);
        }
        put(self.out);
        let len = (self.out.len() - at - ITEM_HEADER_BYTES) as u32;
        self.out[at + 4..at + ITEM_HEADER_BYTES].copy_from_slice(&len.to_le_bytes());
        let frame = self.start.as_ref().map_or(0, |start| start.len(self.out));
        if frame > max {
            self.out.truncate(at);
            return Err(Error::too_large("answers", format!("{max} bytes are allowed")));
        }
        self.count += 1;
        Ok(())
    }
}

impl Drop for AnswersWriter<'_> {
    fn drop(&mut self) {
        if let Some(start) = self.start.take() {
            start.cancel(self.out);
        }
    }
}
