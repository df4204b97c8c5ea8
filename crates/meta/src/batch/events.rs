//! The events of a batch as the log keeps them, with the paths of the directories they speak of.
//!
//! Layout: first version, count, events (see `nokv_types::Event`), count of paths, then (timeline, inode, path).

use super::Batch;
use crate::keys::{self, Family};
use crate::rows::Inode;
use crate::rows::Record;
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::codec::{Take, put_bytes, put_varint};
use nokv_types::{Event, EventKind, Ino, Name, Node, PATH_BYTES_MAX, TimelineId, Version};
use std::collections::BTreeMap;

/// The events of one batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventBatch {
    /// In the order in which things happened.
    pub events: Vec<Event>,
    /// Paths from the timeline's root of the directories that entries are in, as they were at the end of the batch.
    pub paths: BTreeMap<Node, Vec<u8>>,
}

/// Decodes the events section of a segment.
///
/// # Errors
/// `Corrupt` when the bytes are not one.
pub fn decode_events(bytes: &[u8]) -> Result<EventBatch> {
    take_events(bytes).ok_or_else(|| Error::corrupt("malformed section", "events"))
}

fn take_events(bytes: &[u8]) -> Option<EventBatch> {
    let mut batch = EventBatch::default();
    if bytes.is_empty() {
        return Some(batch);
    }
    let mut take = Take::new(bytes);
    let base = Version(take.varint()?);
    for _ in 0..take.varint()? {
        batch.events.push(Event::decode(base, &mut take)?);
    }
    for _ in 0..take.varint()? {
        let node = Node::new(TimelineId(take.varint()?), Ino(take.varint()?));
        batch.paths.insert(node, take.bytes()?.to_vec());
    }
    take.finish().map(|()| batch)
}

impl<R: Rows> Batch<'_, R> {
    /// Notes something that happened to an entry with the running command.
    pub(crate) fn entry_event(
        &mut self,
        kind: EventKind,
        node: Node,
        place: (Ino, &Name),
        generation: Version,
    ) {
        let event = Event {
            version: self.version,
            kind,
            timeline: node.timeline,
            ino: node.ino,
            parent: place.0,
            name: place.1.as_bytes().to_vec(),
            from: None,
            generation,
            actor: self.actor(),
        };
        self.event(event);
    }

    pub(super) fn encode_events(&mut self) -> Result<Vec<u8>> {
        let events = std::mem::take(&mut self.events);
        let mut out = Vec::new();
        if events.is_empty() {
            return Ok(out);
        }
        let base = self.first;
        put_varint(&mut out, base.0);
        put_varint(&mut out, events.len() as u64);
        let mut paths = BTreeMap::new();
        for event in &events {
            event.encode(base, &mut out);
            for ino in [Some(event.parent), event.from.as_ref().map(|(ino, _)| *ino)]
                .into_iter()
                .flatten()
            {
                let node = Node::new(event.timeline, ino);
                if !paths.contains_key(&node)
                    && let Some(path) = self.dir_path(node)?
                {
                    paths.insert(node, path);
                }
            }
        }
        put_varint(&mut out, paths.len() as u64);
        for (node, path) in paths {
            put_varint(&mut out, node.timeline.0);
            put_varint(&mut out, node.ino.0);
            put_bytes(&mut out, &path);
        }
        Ok(out)
    }

    /// The path of a directory from its timeline's root; `None` when it was removed.
    pub(crate) fn dir_path(&self, node: Node) -> Result<Option<Vec<u8>>> {
        let mut names: Vec<Vec<u8>> = Vec::new();
        let (mut at, mut len) = (node, 0);
        loop {
            let place = match self.dirs.get(&at) {
                Some(slot) => slot.place.clone(),
                None => match self.read(at.timeline, Family::Inode, &keys::inode(at.ino))? {
                    None => return Ok(None),
                    Some(found) => match Inode::decode(&found.value)? {
                        Inode::Directory(place, _) => place,
                        Inode::Located(_) | Inode::Linked(_) => return Ok(None),
                    },
                },
            };
            if place.parent == at.ino || len > PATH_BYTES_MAX {
                break;
            }
            len += place.name.len() + 1;
            names.push(place.name);
            at.ino = place.parent;
        }
        let mut path = Vec::with_capacity(len + 1);
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        Ok(Some(path))
    }
}
