//! Publishing one body, and changing one in place.
//!
//! Owns: the commands that make uploaded bytes visible. Invariant: a body is visible completely or not at all.

mod check;
mod compact;

use crate::client::{Client, unexpected};
use crate::upload::{BodySource, finish, start};
use crate::{Ack, Error, Result};
use nokv_types::{
    Attr, BLOCK_BYTES, Code, Command, Extent, NewBody, Node, Outcome, Reply, Source, Target, Version,
    XattrName,
};

/// Times that one change of a body asks for compaction before it is refused.
const COMPACTIONS_MAX: u32 = 4;

/// A body that is visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The file.
    pub node: Node,
    /// Its attributes.
    pub attr: Attr,
    /// The version that it became visible with.
    pub version: Version,
}

/// What a publish may depend on and bring along.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PublishOptions {
    /// Refuse when the file's generation is another one.
    pub expect: Option<Version>,
    /// Extended attributes that become visible together with the body.
    pub xattrs: Vec<(XattrName, Vec<u8>)>,
}

impl Client {
    /// Uploads a body and gives it to a file, visible at once.
    ///
    /// # Errors
    /// Those of the source (nothing is visible then) and of [`Command::Publish`]; of these, what is known before
    /// the body is stored is answered before.
    pub fn publish(
        &self,
        target: Target,
        source: &mut dyn BodySource,
        options: PublishOptions,
        ack: Ack,
    ) -> Result<Published> {
        self.check_publish(&target, source, &options)?;
        let body = self.upload(source)?;
        self.publish_body(target, body, options, ack)
    }

    /// Gives a file a body that is already uploaded.
    pub fn publish_body(
        &self,
        target: Target,
        body: NewBody,
        options: PublishOptions,
        ack: Ack,
    ) -> Result<Published> {
        let publish = Command::Publish {
            target,
            body,
            expect: options.expect,
            xattrs: options.xattrs,
        };
        let reply = self.change(publish, ack).inspect_err(|error| {
            if error.code() == Some(Code::UploadExpired) {
                self.ids.discard();
            }
        })?;
        published(reply)
    }

    /// Adds a body behind the end of a file, in one command: all of it is there afterwards, or nothing. An empty one
    /// changes nothing.
    pub fn append(&self, node: Node, source: &mut dyn BodySource, ack: Ack) -> Result<Published> {
        self.check_append(node, source)?;
        let pending = start(self, source)?;
        let NewBody::Whole { size, mut extents } = finish(pending)? else {
            return Err(Error::refused(Code::TooLarge, "the appended bytes"));
        };
        if size == 0 {
            let attr = self.namespace().getattr(compact::head(node), node.ino)?;
            let version = self.namespace().version()?;
            return Ok(Published { node, attr, version });
        }
        if extents.last().map_or(0, Extent::end) < size {
            // A hole at the end has no extent that shows how long it is: its last byte is stored.
            extents.push(Extent {
                at: size - 1,
                len: 1,
                source: Source::Inline(vec![0]),
            });
        }
        let reply = self.compacting(
            node,
            || Command::Append {
                node,
                extents: extents.clone(),
            },
            ack,
        )?;
        published(reply)
    }

    /// Overwrites a file from `at`, extending it when the bytes reach behind its end.
    pub fn write_at(&self, node: Node, at: u64, bytes: &[u8], ack: Ack) -> Result<Published> {
        let mut tickets = Vec::new();
        let mut done = 0;
        while done < bytes.len() {
            let here = at + done as u64;
            let room = (BLOCK_BYTES - here % BLOCK_BYTES) as usize;
            let piece = &bytes[done..bytes.len().min(done + room)];
            let mut buffer = self.blocks.take();
            buffer.bytes.extend_from_slice(piece);
            tickets.push(crate::upload::store_block(self, here, buffer)?);
            done += piece.len();
        }
        let extents: Vec<Extent> = tickets
            .into_iter()
            .map(crate::pool::Ticket::wait)
            .collect::<Result<_>>()?;
        let write = || Command::Write {
            node,
            expect: None,
            extents: extents.clone(),
        };
        published(self.compacting(node, write, ack)?)
    }

    /// Runs a change of a body; compacts its fullest ranges first where it asks for that.
    fn compacting(&self, node: Node, command: impl Fn() -> Command, ack: Ack) -> Result<Reply> {
        for _ in 0..COMPACTIONS_MAX {
            let command = command();
            let ranges = compact::touched(self, node, &command)?;
            match self.change(command, ack) {
                Err(error) if error.code() == Some(Code::NeedsCompaction) => {
                    for range in ranges {
                        self.compact(node, range)?;
                    }
                }
                settled => return settled,
            }
        }
        self.change(command(), ack)
    }
}

/// What a publishing command answered.
pub(crate) fn published(reply: Reply) -> Result<Published> {
    let Outcome::Inode(node, attr) = reply.outcome else {
        return Err(unexpected("publish"));
    };
    Ok(Published {
        node,
        attr,
        version: reply.version,
    })
}
