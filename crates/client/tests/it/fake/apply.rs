//! What the fake does with commands.

use super::State;
use nokv_types::{
    Answer, Code, Command, Extent, FileKind, NewBody, NewKind, Node, Outcome, RANGE_BYTES, Refusal, Reply,
    ReservationId, SessionId, Source, Target, UploadId, Version,
};

impl State {
    pub(crate) fn apply(&mut self, command: Command) -> Answer {
        self.count(&command);
        let about_a_session = matches!(
            command,
            Command::SessionOpen { .. } | Command::SessionRenew { .. }
        );
        if !about_a_session && let Some(refusal) = self.refuse_next.pop() {
            return Err(refusal);
        }
        self.version += 1;
        let outcome = self.run(command)?;
        Ok(Reply {
            version: Version(self.version),
            outcome,
        })
    }

    fn run(&mut self, command: Command) -> Result<Outcome, Refusal> {
        match command {
            Command::ReserveObjects { .. } => {
                self.reservations += 1;
                Ok(Outcome::Reserved(ReservationId(self.reservations)))
            }
            Command::SessionOpen { session, .. } | Command::SessionRenew { session } => {
                Ok(Outcome::Session(session))
            }
            Command::SessionClose { .. } => Ok(Outcome::Session(SessionId(0))),
            Command::BeginUpload { .. } => {
                self.uploads.insert(self.version, Vec::new());
                Ok(Outcome::Upload(UploadId(self.version)))
            }
            Command::Stage {
                upload,
                range,
                extents,
            } => {
                assert!(extents.iter().all(|e| e.at / RANGE_BYTES == range));
                self.uploads.get_mut(&upload.0).unwrap().extend(extents);
                Ok(Outcome::Done)
            }
            Command::AbandonUpload { upload } => {
                self.uploads.remove(&upload.0);
                Ok(Outcome::Done)
            }
            Command::SetAttr { node, change } => {
                let attr = &mut self.inodes.get_mut(&node.ino).unwrap().attr;
                attr.mode = change.mode.unwrap_or(attr.mode);
                attr.mtime = change.mtime.unwrap_or(attr.mtime);
                Ok(Outcome::Inode(node, *attr))
            }
            other => self.run_entries(other),
        }
    }

    fn run_entries(&mut self, command: Command) -> Result<Outcome, Refusal> {
        match command {
            Command::Create {
                parent,
                name,
                inode,
                kind,
            } => {
                if self.inodes[&parent.ino].attr.kind != FileKind::Directory {
                    return Err(Refusal::new(Code::NotADirectory, "parent"));
                }
                if self.inodes[&parent.ino].entries.contains_key(&name) {
                    return Err(Refusal::new(Code::Exists, "entry"));
                }
                let (kind, target) = match kind {
                    NewKind::File => (FileKind::File, Vec::new()),
                    NewKind::Directory => (FileKind::Directory, Vec::new()),
                    NewKind::Symlink(target) => (FileKind::Symlink, target),
                    NewKind::Special(kind, _) => (kind, Vec::new()),
                };
                let ino = self.add(kind, inode);
                self.inodes.get_mut(&ino).unwrap().target = target;
                self.inodes
                    .get_mut(&parent.ino)
                    .unwrap()
                    .entries
                    .insert(name, ino);
                Ok(self.answer(Node::new(parent.timeline, ino)))
            }
            Command::Link { node, parent, name } => {
                self.inodes
                    .get_mut(&parent.ino)
                    .unwrap()
                    .entries
                    .insert(name, node.ino);
                self.inodes.get_mut(&node.ino).unwrap().attr.nlink += 1;
                Ok(self.answer(node))
            }
            Command::Publish {
                target, body, xattrs, ..
            } => self.publish(target, body, xattrs),
            Command::Append { node, extents } => self.append(node, extents),
            Command::Write { node, extents, .. } => self.write(node, extents),
            Command::SetSize { node, size } => {
                self.inodes.get_mut(&node.ino).unwrap().attr.size = size;
                Ok(self.answer(node))
            }
            Command::Compact {
                node, range, extents, ..
            } => {
                let inode = self.inodes.get_mut(&node.ino).unwrap();
                inode.extents.retain(|e| e.at / RANGE_BYTES != range);
                inode.extents.extend(extents);
                inode.extents.sort_by_key(|e| e.at);
                Ok(self.answer(node))
            }
            other => panic!("the fake does not know {other:?}"),
        }
    }

    fn publish(
        &mut self,
        target: Target,
        body: NewBody,
        xattrs: Vec<(nokv_types::XattrName, Vec<u8>)>,
    ) -> Result<Outcome, Refusal> {
        let node = match target {
            Target::Node(node) => node,
            Target::Name {
                parent,
                name,
                inode,
                create_only,
            } => {
                let standing = self.inodes[&parent.ino].entries.get(&name).copied();
                if standing.is_some() && create_only {
                    return Err(Refusal::new(Code::Exists, "entry"));
                }
                let ino = standing.unwrap_or_else(|| self.add(FileKind::File, inode));
                self.inodes
                    .get_mut(&parent.ino)
                    .unwrap()
                    .entries
                    .insert(name, ino);
                Node::new(parent.timeline, ino)
            }
        };
        let (size, extents) = match body {
            NewBody::Whole { size, extents } => (size, extents),
            NewBody::Staged { size, upload } => (size, self.uploads.remove(&upload.0).unwrap()),
            NewBody::Clone { .. } => panic!("the fake does not clone"),
        };
        let version = Version(self.version);
        let inode = self.inodes.get_mut(&node.ino).unwrap();
        inode.attr.size = size;
        inode.attr.generation = version;
        inode.attr.base = version;
        inode.extents = extents;
        inode.xattrs = xattrs
            .into_iter()
            .map(|(n, v)| (n.as_bytes().to_vec(), v))
            .collect();
        Ok(self.answer(node))
    }

    fn append(&mut self, node: Node, extents: Vec<Extent>) -> Result<Outcome, Refusal> {
        if extents.is_empty() {
            return Err(Refusal::new(Code::Invalid, "extents"));
        }
        let size = self.inodes[&node.ino].attr.size;
        let moved = extents.into_iter().map(|e| Extent { at: e.at + size, ..e });
        self.write(node, moved.collect())
    }

    fn write(&mut self, node: Node, new: Vec<Extent>) -> Result<Outcome, Refusal> {
        let max = self.extents_max;
        let version = Version(self.version);
        let inode = self.inodes.get_mut(&node.ino).unwrap();
        let mut extents = inode.extents.clone();
        for e in &new {
            extents = extents.into_iter().flat_map(|old| cut_out(old, e)).collect();
            extents.push(e.clone());
        }
        if extents.len() > max {
            return Err(Refusal::new(Code::NeedsCompaction, "range"));
        }
        extents.sort_by_key(|e| e.at);
        let end = extents.last().map_or(0, Extent::end);
        inode.extents = extents;
        inode.attr.size = inode.attr.size.max(end);
        inode.attr.generation = version;
        Ok(self.answer(node))
    }

    fn answer(&self, node: Node) -> Outcome {
        Outcome::Inode(node, self.inodes[&node.ino].attr)
    }
}

/// What is left of `old` when `new` lies over it.
pub(crate) fn cut_out(old: Extent, new: &Extent) -> Vec<Extent> {
    let before = window(&old, old.at, new.at.min(old.end()));
    let after = window(&old, new.end().max(old.at), old.end());
    before.into_iter().chain(after).collect()
}

/// The part of an extent between two offsets of the file.
pub(crate) fn window(old: &Extent, from: u64, to: u64) -> Option<Extent> {
    let (from, to) = (from.max(old.at), to.min(old.end()));
    if from >= to {
        return None;
    }
    let skip = from - old.at;
    let source = match &old.source {
        Source::Inline(bytes) => Source::Inline(bytes[skip as usize..(to - old.at) as usize].to_vec()),
        Source::Slice(slice) => Source::Slice(nokv_types::Slice {
            window_offset: slice.window_offset + skip as u32,
            ..*slice
        }),
    };
    Some(Extent {
        at: from,
        len: (to - from) as u32,
        source,
    })
}
