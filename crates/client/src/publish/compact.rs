//! Compaction: the extents of a range replaced by few that hold the same bytes.

use crate::client::Client;
use crate::download::BodyReader;
use crate::upload::{BodySource, Cut, finish, start};
use crate::{Ack, Error, Result};
use nokv_types::{
    BLOCK_BYTES, Code, Command, Extent, Ino, NewBody, Node, RANGE_BYTES, ReadPlan, ReadPoint, Version,
};
use std::io::{self, Read as _};

/// Times that a compaction starts again because the body changed under it.
const ATTEMPTS_MAX: u32 = 8;

/// The ranges that a write or append changes.
pub(super) fn touched(client: &Client, node: Node, command: &Command) -> Result<Vec<u64>> {
    let (base, extents) = match command {
        Command::Append { extents, .. } => (client.namespace().getattr(head(node), node.ino)?.size, extents),
        Command::Write { extents, .. } => (0, extents),
        _ => return Ok(Vec::new()),
    };
    let ranges = extents.iter().flat_map(|extent| {
        (base + extent.at) / RANGE_BYTES..=(base + extent.end().saturating_sub(1)) / RANGE_BYTES
    });
    let mut ranges: Vec<u64> = ranges.collect();
    ranges.dedup();
    Ok(ranges)
}

impl Client {
    /// Rewrites one 256 MiB range of a body into as few extents as its blocks need; no reader sees a difference.
    pub fn compact(&self, node: Node, range: u64) -> Result<()> {
        for _ in 0..ATTEMPTS_MAX {
            let attr = self.namespace().getattr(head(node), node.ino)?;
            let point = ReadPoint {
                timeline: node.timeline,
                version: self.namespace().version()?,
            };
            let from = range * RANGE_BYTES;
            let plan = self.namespace().read_plan(point, node.ino, from, RANGE_BYTES)?;
            let mut source = Cells::new(self, point, node.ino, plan, from);
            let NewBody::Whole { extents, .. } = finish(start(self, &mut source)?)? else {
                return Err(Error::refused(Code::TooLarge, "the range"));
            };
            let compact = Command::Compact {
                node,
                range,
                expect: attr.generation,
                extents,
            };
            match self.change(compact, Ack::Applied) {
                Err(error) if error.code() == Some(Code::Conflict) => {}
                settled => return settled.map(|_| ()),
            }
        }
        Err(Error::refused(Code::Conflict, "the file"))
    }
}

pub(super) fn head(node: Node) -> ReadPoint {
    ReadPoint {
        timeline: node.timeline,
        version: Version::HEAD,
    }
}

/// The cells of the 4 MiB grid of one range that hold data, read back from the body itself.
struct Cells<'c> {
    client: &'c Client,
    point: ReadPoint,
    ino: Ino,
    plan: ReadPlan,
    next: u64,
}

impl<'c> Cells<'c> {
    fn new(client: &'c Client, point: ReadPoint, ino: Ino, plan: ReadPlan, from: u64) -> Self {
        Self {
            client,
            point,
            ino,
            plan,
            next: from,
        }
    }

    /// First and last data byte of the next cell.
    fn next_cell(&self) -> Option<(u64, u64)> {
        let behind = |extent: &&Extent| extent.end() > self.next;
        let start = self.plan.extents.iter().find(behind)?.at.max(self.next);
        let cell_end = (start / BLOCK_BYTES + 1) * BLOCK_BYTES;
        let inside = self.plan.extents.iter().filter(|extent| extent.at < cell_end);
        let end = inside.map(Extent::end).max()?.min(cell_end);
        Some((start, end))
    }
}

impl BodySource for Cells<'_> {
    fn next_block(&mut self, block: &mut Vec<u8>) -> io::Result<Option<Cut>> {
        block.clear();
        let Some((at, end)) = self.next_cell() else {
            return Ok(None);
        };
        self.next = end;
        BodyReader::open(self.client, self.point, self.ino, at..end)
            .map_err(io::Error::other)?
            .read_to_end(block)?;
        Ok(Some(Cut { at }))
    }

    fn size(&self) -> u64 {
        self.plan.size
    }
}
