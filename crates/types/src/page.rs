//! Questions about what happened: events and differences.

use crate::{DiffEntry, Event, EventKind, Node, Version};

/// Which events to answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventQuery {
    /// Events of later versions only; `None` = from the oldest one that is kept.
    pub cursor: Option<Version>,
    /// Events below this directory only (recursive); `None` = everywhere.
    pub subtree: Option<Node>,
    /// Events of these kinds only; empty = all.
    pub kinds: Vec<EventKind>,
    /// Most events in the page. A page is only cut between versions, so it may be exceeded by the events of one.
    pub limit: usize,
}

/// An event as readers get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedEvent {
    /// What happened.
    pub event: Event,
    /// Wall time of the commit, ns since 1970.
    pub wall_ns: i64,
    /// Path of the entry from the root of its timeline at that moment, where it is known.
    pub path: Option<Vec<u8>>,
    /// The old path of a rename.
    pub old_path: Option<Vec<u8>>,
}

/// A page of events in the order of their versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// The events; fewer than asked (even none) when there are no more, or when a filter dropped the others.
    pub events: Vec<LoggedEvent>,
    /// Cursor of the next page: everything up to this version was looked at.
    pub next: Version,
    /// Whether there are events behind `next` now.
    pub more: bool,
}

/// A page of differences, in the order of their paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiffPage {
    /// The differences.
    pub entries: Vec<DiffEntry>,
    /// What to ask the next page with; `None` = that was all.
    pub next: Option<Vec<u8>>,
}
