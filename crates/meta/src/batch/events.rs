//! The events of a batch as the log keeps them, with the paths of the directories they speak of.
//!
//! Layout: first version, count, events (see `nokv_types::Event`), count of paths, then (timeline, inode, path);
//! at the end the wall time of the batch, which sections of earlier programs do not have.

use super::Batch;
use crate::keys::{self, Family};
use crate::rows::{Inode, Place, Record};
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::codec::{Take, put_bytes, put_signed, put_varint};
use nokv_types::{Event, EventKind, Ino, Name, Node, PATH_BYTES_MAX, TimelineId, Version};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The events of one batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventBatch {
    /// In the order in which things happened.
    pub events: Vec<Event>,
    /// Paths from the timeline's root of the directories that entries are in, as they were at the end of the batch.
    pub paths: BTreeMap<Node, Vec<u8>>,
    /// Wall time of the batch, ns since 1970; `None` where it was not noted yet.
    pub wall_ns: Option<i64>,
}

/// The events of a batch under construction, encoded.
#[derive(Debug, Default)]
pub(super) struct EventLog {
    bytes: Vec<u8>,
    count: u64,
    /// Directories that the events speak of.
    dirs: Vec<Node>,
}

/// Paths that were put together already; `None` = the directory is gone.
type Paths = BTreeMap<Node, Option<Vec<u8>>>;

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
    if !take.is_empty() {
        batch.wall_ns = Some(take.signed()?);
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

    /// The events of the running command belong to the batch.
    pub(super) fn keep_events(&mut self) {
        let (base, log) = (self.first, &mut self.events);
        for event in self.scratch.events.drain(..) {
            event.encode(base, &mut log.bytes);
            log.count += 1;
            for ino in [Some(event.parent), event.from.map(|(ino, _)| ino)]
                .into_iter()
                .flatten()
            {
                let node = Node::new(event.timeline, ino);
                if log.dirs.last() != Some(&node) {
                    log.dirs.push(node);
                }
            }
        }
    }

    pub(super) fn encode_events(&mut self) -> Result<Vec<u8>> {
        let mut log = std::mem::take(&mut self.events);
        if log.count == 0 {
            return Ok(Vec::new());
        }
        log.dirs.sort_unstable();
        log.dirs.dedup();
        let mut known = Paths::new();
        let mut paths = Vec::new();
        for node in log.dirs {
            if let Some(path) = self.dir_path(node, &mut known)? {
                paths.push((node, path));
            }
        }
        let mut out = Vec::with_capacity(log.bytes.len() + 64 * paths.len() + 16);
        put_varint(&mut out, self.first.0);
        put_varint(&mut out, log.count);
        out.extend_from_slice(&log.bytes);
        put_varint(&mut out, paths.len() as u64);
        for (node, path) in paths {
            put_varint(&mut out, node.timeline.0);
            put_varint(&mut out, node.ino.0);
            put_bytes(&mut out, &path);
        }
        put_signed(&mut out, self.clock.wall_ns);
        Ok(out)
    }

    /// The path of a directory from its timeline's root; `None` when it was removed or lies too deep.
    fn dir_path(&self, node: Node, known: &mut Paths) -> Result<Option<Vec<u8>>> {
        let root = self
            .state
            .timelines
            .get(node.timeline)
            .map(|timeline| timeline.root);
        let (mut climbed, mut at, mut len) = (Vec::new(), node, 0);
        let mut path = loop {
            if let Some(path) = known.get(&at) {
                break path.clone();
            }
            let place = self.dir_place(at)?;
            match place {
                Some(place) if place.parent == at.ino || root == Some(at.ino) => break Some(Vec::new()),
                Some(place) if len <= PATH_BYTES_MAX => {
                    len += place.name.len() + 1;
                    climbed.push((at, Arc::clone(&place)));
                    at.ino = place.parent;
                }
                _ => break None,
            }
        };
        known.entry(at).or_insert_with(|| path.clone());
        for (dir, place) in climbed.into_iter().rev() {
            if let Some(path) = &mut path {
                path.push(b'/');
                path.extend_from_slice(&place.name);
            }
            known.insert(dir, path.clone());
        }
        Ok(path.map(|path| if path.is_empty() { b"/".to_vec() } else { path }))
    }

    fn dir_place(&self, node: Node) -> Result<Option<Arc<Place>>> {
        if let Some(slot) = self.known_dir(node) {
            return Ok(Some(Arc::clone(&slot.place)));
        }
        let Some(found) = self.read(node.timeline, Family::Inode, &keys::inode(node.ino))? else {
            return Ok(None);
        };
        Ok(match Inode::decode(&found.value)? {
            Inode::Directory(place, _) => Some(Arc::new(place)),
            Inode::Located(_) | Inode::Linked(_) => None,
        })
    }
}
