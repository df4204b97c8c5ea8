//! Many files published together: small bodies share packs, and one batch of commands makes 128 files visible.
//!
//! Owns: groups of files on their way. Must not know: where the files come from.
//!
//! Invariants: a file is submitted only after its body is stored; groups are submitted in the order in which
//! they were filled; the first refusal ends the batch and names its file.

use crate::client::Client;
use crate::publish::published;
use crate::upload::{BodySource, Member, Pack, PendingBody, PendingPack, finish, start};
use crate::{Ack, Error, Result};
use nokv_types::{
    AttrChange, Command, Extent, INLINE_BYTES_MAX, Name, NewBody, NewInode, Node, PACKED_BYTES_MAX, Source,
    Target, XattrName,
};
use std::collections::VecDeque;

/// Files that one submit publishes.
pub(crate) const FILES_PER_SUBMIT: usize = 128;
/// Files of one group at most; a group ends earlier when its pack is full.
pub(crate) const FILES_PER_GROUP_MAX: usize = 1024;
/// Groups that are uploaded while another one is filled.
pub(crate) const GROUPS_IN_FLIGHT_MAX: usize = 2;

/// A file of a batch, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchFile {
    /// The directory.
    pub parent: Node,
    /// The name in it.
    pub name: Name,
    /// Mode and owner.
    pub inode: NewInode,
    /// Modification time, ns since 1970; `None` = that of the commit.
    pub mtime: Option<i64>,
    /// Extended attributes that come with it.
    pub xattrs: Vec<(XattrName, Vec<u8>)>,
    /// Refuse when the name is taken.
    pub create_only: bool,
    /// What an error calls it.
    pub subject: String,
}

/// Files on their way. What was not finished when it is dropped may or may not have become visible.
pub struct Batch<'c> {
    client: &'c Client,
    files: Vec<(BatchFile, Body)>,
    pack: Option<Pack>,
    flying: VecDeque<Group>,
    /// Times to set on files that the submit before made.
    times: Vec<(Command, String)>,
    done: u64,
}

#[derive(Debug)]
enum Body {
    Ready(NewBody),
    Packed(Member),
    Blocks(PendingBody),
}

struct Group {
    files: Vec<(BatchFile, Body)>,
    pack: Option<PendingPack>,
}

impl<'c> Batch<'c> {
    /// An empty batch.
    pub fn new(client: &'c Client) -> Self {
        Self {
            client,
            files: Vec::new(),
            pack: None,
            flying: VecDeque::new(),
            times: Vec::new(),
            done: 0,
        }
    }

    /// Adds a file whose whole body is here: inline, packed or as blocks, by its length.
    pub fn add(&mut self, file: BatchFile, bytes: &[u8]) -> Result<()> {
        if bytes.len() as u64 > PACKED_BYTES_MAX {
            return self.add_source(file, &mut crate::StreamSource::new(bytes));
        }
        if bytes.len() <= INLINE_BYTES_MAX {
            return self.push(file, Body::Ready(inline(bytes)));
        }
        if self.pack.as_ref().is_some_and(|pack| !pack.fits(bytes.len())) {
            self.close_group()?;
        }
        let pack = self.pack.get_or_insert_with(|| Pack::begin(self.client));
        let member = pack.add(bytes);
        self.push(file, Body::Packed(member))
    }

    /// Adds a file of any length.
    pub fn add_source(&mut self, file: BatchFile, source: &mut dyn BodySource) -> Result<()> {
        let pending = start(self.client, source)?;
        self.push(file, Body::Blocks(pending))
    }

    /// Sets the time of a file that stands there already, ns since 1970, with one of the next submits.
    pub(crate) fn set_time(&mut self, node: Node, mtime: i64, subject: String) -> Result<()> {
        self.times.push((set_mtime(node, mtime), subject));
        if self.times.len() < FILES_PER_SUBMIT {
            return Ok(());
        }
        let times = std::mem::take(&mut self.times);
        self.submit(times, Vec::new(), Ack::Applied)
    }

    /// Files that are visible.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Waits until every file added so far is visible.
    ///
    /// # Durability
    /// With [`Ack::Durable`] all of them survive what the durability mode promises.
    pub fn finish(&mut self, ack: Ack) -> Result<()> {
        self.close_group()?;
        while let Some(group) = self.flying.pop_front() {
            let last = self.flying.is_empty();
            self.settle(group, if last { ack } else { Ack::Applied })?;
        }
        let times = std::mem::take(&mut self.times);
        self.submit(times, Vec::new(), ack)
    }

    fn push(&mut self, file: BatchFile, body: Body) -> Result<()> {
        self.files.push((file, body));
        if self.files.len() >= FILES_PER_GROUP_MAX {
            self.close_group()?;
        }
        Ok(())
    }

    fn close_group(&mut self) -> Result<()> {
        if self.files.is_empty() {
            return Ok(());
        }
        let pack = self.pack.take().map(|pack| pack.seal(self.client)).transpose()?;
        self.flying.push_back(Group {
            files: std::mem::take(&mut self.files),
            pack,
        });
        if self.flying.len() > GROUPS_IN_FLIGHT_MAX
            && let Some(oldest) = self.flying.pop_front()
        {
            self.settle(oldest, Ack::Applied)?;
        }
        Ok(())
    }

    /// Waits for the bodies of a group and submits its files.
    fn settle(&mut self, group: Group, ack: Ack) -> Result<()> {
        let pack = group.pack.map(PendingPack::wait).transpose()?;
        let mut files = Vec::with_capacity(FILES_PER_SUBMIT);
        for (file, body) in group.files {
            let body = match body {
                Body::Ready(body) => body,
                Body::Blocks(pending) => finish(pending).map_err(|error| error.about(&file.subject))?,
                Body::Packed(member) => pack
                    .as_ref()
                    .and_then(|pack| pack.body(member))
                    .ok_or_else(|| crate::client::unexpected("pack"))?,
            };
            // Only when another one follows: the last submit is the one that may have to be durable.
            if files.len() == FILES_PER_SUBMIT {
                let times = std::mem::take(&mut self.times);
                self.submit(times, std::mem::take(&mut files), Ack::Applied)?;
            }
            files.push((file, body));
        }
        let times = std::mem::take(&mut self.times);
        self.submit(times, files, ack)
    }

    fn submit(
        &mut self,
        times: Vec<(Command, String)>,
        files: Vec<(BatchFile, NewBody)>,
        ack: Ack,
    ) -> Result<()> {
        if times.is_empty() && files.is_empty() {
            return Ok(());
        }
        let (mut commands, subjects): (Vec<_>, Vec<_>) = times.into_iter().unzip();
        let mut made = Vec::with_capacity(files.len());
        for (file, body) in files {
            made.push((file.subject, file.mtime));
            let target = Target::Name {
                parent: file.parent,
                name: file.name,
                inode: file.inode,
                create_only: file.create_only,
            };
            commands.push(Command::Publish {
                target,
                body,
                expect: None,
                xattrs: file.xattrs,
            });
        }
        let mut answers = self.client.change_all(commands, ack).into_iter();
        for subject in subjects {
            let answer = answers
                .next()
                .ok_or_else(|| crate::client::unexpected("set times"))?;
            answer.map_err(|refusal| Error::from(refusal).about(subject))?;
        }
        for (subject, mtime) in made {
            let answer = answers
                .next()
                .ok_or_else(|| crate::client::unexpected("publish"))?;
            let file = published(answer.map_err(|refusal| Error::from(refusal).about(&subject))?)?;
            self.done += 1;
            if let Some(mtime) = mtime {
                self.times.push((set_mtime(file.node, mtime), subject));
            }
        }
        Ok(())
    }
}

/// The body that travels in its metadata row.
pub(crate) fn inline(bytes: &[u8]) -> NewBody {
    let extent = || Extent {
        at: 0,
        len: bytes.len() as u32,
        source: Source::Inline(bytes.to_vec()),
    };
    NewBody::Whole {
        size: bytes.len() as u64,
        extents: if bytes.is_empty() {
            Vec::new()
        } else {
            vec![extent()]
        },
    }
}

/// The command that sets a modification time, in ns since 1970.
pub(crate) fn set_mtime(node: Node, mtime: i64) -> Command {
    let change = AttrChange {
        mtime: Some(mtime),
        ..AttrChange::default()
    };
    Command::SetAttr { node, change }
}
