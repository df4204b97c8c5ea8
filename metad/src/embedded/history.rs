//! Pages of events.

use super::{Answered, Embedded};
use crate::error::Error;
use nokv_client::{EventPage, EventQuery, LoggedEvent, Namespace as _, View};
use nokv_journal::ErrorKind;
use nokv_journal::events::EventRecord;
use nokv_meta::{EventBatch, decode_events};
use nokv_store::Visit;
use nokv_types::{Code, Event, Ino, Name, Node, Refusal, Version};

/// Most events of one page.
const PAGE_EVENTS_MAX: usize = 10_000;

impl Embedded {
    pub(super) fn event_page(&self, query: &EventQuery) -> Answered<EventPage> {
        let core = &self.engine.core;
        core.events.complete(core)?;
        let newest = core.events.files().usage().newest;
        let from = match query.cursor {
            Some(cursor) => Version(cursor.0.saturating_add(1)),
            None => core.events.files().oldest(),
        };
        let limit = query.limit.clamp(1, PAGE_EVENTS_MAX);
        let within = query.subtree.map(|node| self.place_of(node)).transpose()?;
        let mut page = EventPage {
            events: Vec::new(),
            next: newest.max(query.cursor.unwrap_or_default()),
            more: false,
        };
        self.each_batch(from, Code::CursorExpired, &mut |record, batch| {
            for event in &batch.events {
                if event.version < from {
                    continue;
                }
                // Only between versions: all events of one commit are in one page.
                let last = page.events.last().map(|last| last.event.version);
                if page.events.len() >= limit && last != Some(event.version) {
                    page.more = true;
                    page.next = last.unwrap_or(page.next);
                    return Visit::Stop;
                }
                let wanted = query.kinds.is_empty() || query.kinds.contains(&event.kind);
                if wanted && within.as_ref().is_none_or(|place| place.holds(event, batch)) {
                    page.events.push(logged(event, record, batch));
                }
            }
            Visit::Next
        })?;
        Ok(page)
    }

    /// Delivers the event batches that hold `from` or later versions; `expired` is the code when some are gone.
    pub(super) fn each_batch(
        &self,
        from: Version,
        expired: Code,
        visit: &mut dyn FnMut(&EventRecord<'_>, &EventBatch) -> Visit,
    ) -> Answered<()> {
        let mut failed = None;
        let read =
            self.engine.core.events.files().read_from(
                from,
                &mut |record| match decode_events(record.bytes) {
                    Ok(batch) => visit(record, &batch),
                    Err(error) => {
                        failed = Some(error);
                        Visit::Stop
                    }
                },
            );
        match read {
            Ok(()) => {}
            Err(error) => {
                if let ErrorKind::CursorExpired { oldest } = error.kind {
                    let refusal = Refusal::new(expired, format!("version {}", from.0));
                    return Err(refusal
                        .detail(format!("events are kept from version {oldest} on"))
                        .into());
                }
                return Err(Error::from(error).into());
            }
        }
        failed.map_or(Ok(()), |error| Err(crate::error::read_failed(error)))
    }

    fn place_of(&self, node: Node) -> Answered<Subtree> {
        let path = self.path_of(View::head_of(node).point, node.ino)?.to_bytes();
        Ok(Subtree { node, path })
    }
}

/// A directory that events are filtered by.
struct Subtree {
    node: Node,
    path: Vec<u8>,
}

impl Subtree {
    /// Whether the event happened to the directory, in it or anywhere below it.
    fn holds(&self, event: &Event, batch: &EventBatch) -> bool {
        let inside = |ino: Ino| {
            ino == self.node.ino
                || batch
                    .paths
                    .get(&Node::new(event.timeline, ino))
                    .is_some_and(|path| is_below(path, &self.path))
        };
        event.timeline == self.node.timeline
            && (event.ino == self.node.ino
                || inside(event.parent)
                || event.from.as_ref().is_some_and(|(ino, _)| inside(*ino)))
    }
}

/// Whether `path` is `top` or lies below it.
pub(super) fn is_below(path: &[u8], top: &[u8]) -> bool {
    let top = top.strip_suffix(b"/").unwrap_or(top);
    path.strip_prefix(top)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

fn logged(event: &Event, record: &EventRecord<'_>, batch: &EventBatch) -> LoggedEvent {
    let path = |parent: Ino, name: &[u8]| {
        let dir = batch.paths.get(&Node::new(event.timeline, parent))?;
        Some(joined(dir, name))
    };
    LoggedEvent {
        event: event.clone(),
        // Events of earlier programs: log time is the nearest that is known.
        wall_ns: batch.wall_ns.unwrap_or(record.log_time_ns as i64),
        path: path(event.parent, &event.name),
        old_path: event
            .from
            .as_ref()
            .and_then(|(parent, name): &(Ino, Name)| path(*parent, name.as_bytes())),
    }
}

fn joined(dir: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = dir.to_vec();
    if !path.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}
