//! `nokv log`

use crate::archive::STAGE_PREFIX;
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{Field, Format, Listing, Record};
use clap::{Args, ValueEnum};
use nokv_client::{EventQuery, LoggedEvent};
use nokv_types::{Code, EventKind, Version};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::Write as _;
use std::time::Duration;

/// Events that one question asks for.
const PAGE_EVENTS: usize = 1000;
/// Events that are shown when nobody says how many.
const SHOWN_EVENTS: u64 = 50;
/// How much farther back each look for the newest events begins.
const TAIL_FACTOR: u64 = 8;
/// How often --follow asks for more.
const FOLLOW_PAUSE: Duration = Duration::from_millis(200);

/// Print events
///
/// Prints the newest events, the newest last. What an import did before its tree was there is one line.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Events below this directory only
    #[arg(add = crate::complete::places())]
    path: Option<OsString>,
    /// Events after this version, from the first one on
    #[arg(long, value_name = "VERSION")]
    since: Option<u64>,
    /// Events of this kind only; may be given several times
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Vec<Kind>,
    /// The newest N events [default: 50]; with --since, the first N after it
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<u64>,
    /// Every event that is kept, with the hidden work of imports
    #[arg(short, long, conflicts_with = "limit")]
    all: bool,
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
            .listing(&["version", "time", "event", "path", "old_path", "actor"]);
        let mut limit = self.limit;
        if self.since.is_none() && !self.all {
            self.tail(context, &mut query, &mut list)?;
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
            if let Some(event) = self.shown(event) {
                list.push(event)?;
            }
        }
        query.cursor = Some(page.next);
        if !page.more && self.follow {
            list.show_now()?;
            std::thread::sleep(FOLLOW_PAUSE);
        }
        Ok(!page.more && !self.follow)
    }

    /// Prints the newest events that are there.
    fn tail(&self, context: &Context, query: &mut EventQuery, list: &mut Listing<'_>) -> Outcome {
        let client = context.client()?;
        let newest = self.limit.unwrap_or(SHOWN_EVENTS);
        let (end, mut back) = (client.namespace().version()?.0, newest.max(PAGE_EVENTS as u64));
        // From the end, farther back each time, until there is one event more than is shown.
        let (kept, older) = loop {
            query.cursor = end.checked_sub(back).filter(|from| *from > 0).map(Version);
            let from_first = query.cursor.is_none();
            match self.newest(context, query, newest) {
                Ok((kept, older)) if older || from_first => break (kept, older),
                Err(failure) if from_first || failure.code() != Some(Code::CursorExpired) => {
                    return Err(failure);
                }
                Ok(_) => back = back.saturating_mul(TAIL_FACTOR),
                Err(_) => back = u64::MAX,
            }
        };
        kept.into_iter().try_for_each(|event| list.push(event))?;
        if older && self.limit.is_none() && context.out.format == Format::Table && !context.out.quiet {
            // Standard error: the table is the result.
            writeln!(std::io::stderr(), "there are older events: nokv log --all")?;
        }
        Ok(())
    }

    /// The newest events behind the cursor, and whether there are more behind it than these.
    fn newest(
        &self,
        context: &Context,
        query: &mut EventQuery,
        newest: u64,
    ) -> Outcome<(VecDeque<Record>, bool)> {
        let client = context.client()?;
        let (mut kept, mut older) = (VecDeque::new(), false);
        loop {
            client.check_stop("read", "events")?;
            let page = client.namespace().events(query)?;
            query.cursor = Some(page.next);
            for event in page.events.into_iter().filter_map(|event| self.shown(event)) {
                kept.push_back(event);
                if kept.len() as u64 > newest {
                    kept.pop_front();
                    older = true;
                }
            }
            if !page.more {
                return Ok((kept, older));
            }
        }
    }

    /// An event as it is shown; none for what an import did where nobody looks.
    fn shown(&self, logged: LoggedEvent) -> Option<Record> {
        let staged = |path: &Option<Vec<u8>>| path.as_deref().is_some_and(is_staged);
        if self.all || !(staged(&logged.path) || staged(&logged.old_path) || is_staged(&logged.event.name)) {
            return Some(record(logged));
        }
        let arrives = logged.event.kind == EventKind::Rename && !staged(&logged.path);
        arrives.then(|| {
            record(logged)
                .replace("event", Field::Text("import".to_owned()))
                .replace("old_path", Field::Text(String::new()))
        })
    }
}

/// Whether a path leads through the hidden directory of an import.
fn is_staged(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/')
        .any(|name| name.starts_with(STAGE_PREFIX.as_bytes()))
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
        .with("time", Field::Age(logged.wall_ns))
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
