//! The reader of one body.

use super::fetch::{corrupt, fetch};
use crate::client::Client;
use crate::pool::Ticket;
use crate::{Error, Result};
use nokv_types::{Code, Extent, Ino, ReadPoint, Slice, Source, Version};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a file that one read plan covers.
const PLAN_BYTES: u64 = nokv_types::RANGE_BYTES;
/// Stored ranges that are fetched ahead of the reader; with 4 MiB each this bounds its memory.
const FETCHES_AHEAD_MAX: usize = 6;

/// Verified bytes: a window of a stored range.
#[derive(Debug, Clone)]
pub struct Window {
    range: Arc<Vec<u8>>,
    within: Range<usize>,
}

impl Window {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.range[self.within.clone()]
    }
}

/// A run of a body.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Offset in the body.
    pub at: u64,
    /// Length in bytes.
    pub len: u64,
    /// The bytes; `None` = a hole that reads as zeros.
    pub data: Option<Window>,
}

/// Reads a range of a body at one version, in order, with bounded memory.
pub struct BodyReader<'c> {
    client: &'c Client,
    point: ReadPoint,
    ino: Ino,
    size: u64,
    /// What was handed out so far.
    at: u64,
    end: u64,
    planned_to: u64,
    planned: VecDeque<Extent>,
    flying: VecDeque<(Extent, Fetch)>,
    /// What [`Read`] did not take of the newest piece: the piece and how much of it is used up.
    rest: Option<(Piece, u64)>,
}

enum Fetch {
    Here(Window),
    Coming(Ticket<Arc<Vec<u8>>>, Slice),
}

impl<'c> BodyReader<'c> {
    /// A reader of `range` of a file; what lies behind its end is cut. Reading at the head fixes the version now.
    pub fn open(client: &'c Client, point: ReadPoint, ino: Ino, range: Range<u64>) -> Result<Self> {
        let version = match point.version {
            Version::HEAD => client.namespace().version()?,
            fixed => fixed,
        };
        let mut reader = Self {
            client,
            point: ReadPoint { version, ..point },
            ino,
            size: 0,
            at: range.start,
            end: range.end,
            planned_to: range.start,
            planned: VecDeque::new(),
            flying: VecDeque::new(),
            rest: None,
        };
        reader.plan()?;
        reader.end = range.end.min(reader.size).max(range.start);
        Ok(reader)
    }

    /// Length of the whole body.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The next run; `None` at the end of the range.
    pub fn next_piece(&mut self) -> Result<Option<Piece>> {
        self.fill()?;
        let Some((extent, _)) = self.flying.front() else {
            return Ok(self.take_hole(self.end));
        };
        if extent.at > self.at {
            let next = extent.at;
            return Ok(self.take_hole(next));
        }
        let Some((extent, fetch)) = self.flying.pop_front() else {
            return Ok(None);
        };
        let window = match fetch {
            Fetch::Here(window) => window,
            Fetch::Coming(ticket, slice) => cut(ticket.wait()?, &slice, extent.len)?,
        };
        self.at = extent.end();
        Ok(Some(Piece {
            at: extent.at,
            len: u64::from(extent.len),
            data: Some(window),
        }))
    }

    fn take_hole(&mut self, to: u64) -> Option<Piece> {
        let (at, len) = (self.at, to.saturating_sub(self.at));
        self.at += len;
        (len > 0).then_some(Piece { at, len, data: None })
    }

    /// Keeps the fetches ahead of the reader.
    fn fill(&mut self) -> Result<()> {
        while self.flying.len() < FETCHES_AHEAD_MAX {
            if let Some(extent) = self.planned.pop_front() {
                let fetch = self.begin(&extent);
                self.flying.push_back((extent, fetch));
            } else if self.planned_to < self.end {
                self.client.check_stop("read", "a body")?;
                self.plan()?;
            } else {
                break;
            }
        }
        Ok(())
    }

    fn begin(&self, extent: &Extent) -> Fetch {
        match &extent.source {
            Source::Inline(bytes) => Fetch::Here(Window {
                within: 0..bytes.len(),
                range: Arc::new(bytes.clone()),
            }),
            Source::Slice(slice) => {
                let (namespace, cache) = (self.client.shared_namespace(), Arc::clone(&self.client.cache));
                let (pause, slice) = (self.client.settings.pause, *slice);
                let get = move || fetch(&*namespace, &cache, pause, &slice);
                Fetch::Coming(self.client.pool.run(get), slice)
            }
        }
    }

    /// Asks for the next plan and checks that its extents are in order and inside.
    fn plan(&mut self) -> Result<()> {
        let from = self.planned_to;
        let len = PLAN_BYTES.min(self.end - from);
        let plan = self
            .client
            .namespace()
            .read_plan(self.point, self.ino, from, len)?;
        self.size = plan.size;
        self.planned_to = from + len;
        let mut last = from;
        for extent in &plan.extents {
            let whole = match &extent.source {
                Source::Inline(bytes) => bytes.len() == extent.len as usize,
                Source::Slice(_) => true,
            };
            if extent.at < last || extent.end() > self.planned_to || extent.len == 0 || !whole {
                return Err(Error::refused(
                    Code::Corrupt,
                    format!("the manifest of inode {}", self.ino.0),
                ));
            }
            last = extent.end();
        }
        self.planned.extend(plan.extents);
        Ok(())
    }
}

fn cut(range: Arc<Vec<u8>>, slice: &Slice, len: u32) -> Result<Window> {
    let start = slice.window_offset as usize;
    let end = start + len as usize;
    if end > range.len() {
        return Err(corrupt(slice, "a window reaches behind its stored range"));
    }
    Ok(Window {
        range,
        within: start..end,
    })
}

impl Read for BodyReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some((piece, used)) = &mut self.rest {
                let take = (piece.len - *used).min(buffer.len() as u64) as usize;
                match &piece.data {
                    None => buffer[..take].fill(0),
                    Some(window) => {
                        let from = *used as usize;
                        buffer[..take].copy_from_slice(&window.bytes()[from..from + take]);
                    }
                }
                *used += take as u64;
                if take > 0 || buffer.is_empty() {
                    return Ok(take);
                }
            }
            match self.next_piece().map_err(io::Error::other)? {
                Some(piece) => self.rest = Some((piece, 0)),
                None => return Ok(0),
            }
        }
    }
}
