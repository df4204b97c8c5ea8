//! `nokv log`

use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{Field, Listing, Record};
use clap::{Args, ValueEnum};
use nokv_client::{EventQuery, LoggedEvent};
use nokv_types::{EventKind, Version};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::time::Duration;

/// Events that one question asks for.
const PAGE_EVENTS: usize = 1000;
/// How often --follow asks for more.
const FOLLOW_PAUSE: Duration = Duration::from_millis(200);

/// Print events
///
/// Prints events in the order of their versions.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Events below this directory only
    #[arg(add = crate::complete::places())]
    path: Option<OsString>,
    /// Events after this version only
    #[arg(long, value_name = "VERSION")]
    since: Option<u64>,
    /// Events of this kind only; may be given several times
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Vec<Kind>,
    /// The newest N events; with --since, the first N after it
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<u64>,
    /// Go on and print what happens
    #[arg(short, long)]
    follow: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Create,
    Remove,
    Rename,
    Attributes,
    Xattr,
    Publish,
    Snapshot,
    Fork,
    Rollback,
    Quota,
    Link,
}

impl Log {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let subtree = match &self.path {
            Some(path) => Some(context.found(&context.place(path)?)?.node),
            None => None,
        };
        let mut query = EventQuery {
            cursor: self.since.map(Version),
            subtree,
            kinds: self.kind.iter().map(|kind| kind.event()).collect(),
            limit: PAGE_EVENTS,
        };
        let mut list = context
            .out
            .listing(&["version", "age", "event", "path", "old_path", "actor"]);
        let mut limit = self.limit;
        if let (Some(newest), None) = (self.limit, self.since) {
            tail(context, &mut query, &mut list, newest)?;
            if !self.follow {
                return list.end();
            }
            limit = None;
        }
        while !self.page(context, &mut query, &mut list, limit)? {
            if context.stopping() {
                break;
            }
        }
        list.end()
    }

    /// Prints one page; answers whether it was the last one.
    fn page(
        &self,
        context: &Context,
        query: &mut EventQuery,
        list: &mut Listing<'_>,
        limit: Option<u64>,
    ) -> Outcome<bool> {
        let page = context.client()?.namespace().events(query)?;
        for event in page.events {
            if limit.is_some_and(|limit| list.count() >= limit) {
                return Ok(true);
            }
            list.push(record(event))?;
        }
        query.cursor = Some(page.next);
        if !page.more && self.follow {
            list.show_now()?;
            std::thread::sleep(FOLLOW_PAUSE);
        }
        Ok(!page.more && !self.follow)
    }
}

/// Prints the newest events that are there.
fn tail(context: &Context, query: &mut EventQuery, list: &mut Listing<'_>, newest: u64) -> Outcome {
    let client = context.client()?;
    let mut kept = VecDeque::new();
    loop {
        client.check_stop("read", "events")?;
        let page = client.namespace().events(query)?;
        query.cursor = Some(page.next);
        for event in page.events {
            kept.push_back(event);
            if kept.len() as u64 > newest {
                kept.pop_front();
            }
        }
        if !page.more {
            break;
        }
    }
    kept.into_iter().try_for_each(|event| list.push(record(event)))
}

impl Kind {
    fn event(self) -> EventKind {
        match self {
            Self::Create => EventKind::Create,
            Self::Remove => EventKind::Remove,
            Self::Rename => EventKind::Rename,
            Self::Attributes => EventKind::Attributes,
            Self::Xattr => EventKind::Xattr,
            Self::Publish => EventKind::Publish,
            Self::Snapshot => EventKind::Snapshot,
            Self::Fork => EventKind::Fork,
            Self::Rollback => EventKind::Rollback,
            Self::Quota => EventKind::Quota,
            Self::Link => EventKind::Link,
        }
    }
}

fn word(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Create => "create",
        EventKind::Remove => "remove",
        EventKind::Rename => "rename",
        EventKind::Attributes => "attributes",
        EventKind::Xattr => "xattr",
        EventKind::Publish => "publish",
        EventKind::Snapshot => "snapshot",
        EventKind::Fork => "fork",
        EventKind::Rollback => "rollback",
        EventKind::Quota => "quota",
        EventKind::Link => "link",
    }
}

fn record(logged: LoggedEvent) -> Record {
    let event = logged.event;
    Record::new()
        .with("version", Field::Number(event.version.0))
        .with("age", Field::Age(logged.wall_ns))
        .with("event", Field::Text(word(event.kind).to_owned()))
        .with(
            "path",
            Field::Bytes(logged.path.unwrap_or_else(|| event.name.clone())),
        )
        .with(
            "old_path",
            logged.old_path.map_or(Field::Text(String::new()), Field::Bytes),
        )
        .with("timeline", Field::Number(event.timeline.0))
        .with("ino", Field::Number(event.ino.0))
        .with("parent", Field::Number(event.parent.0))
        .with("generation", Field::Number(event.generation.0))
        .with("actor", Field::Bytes(event.actor))
}
