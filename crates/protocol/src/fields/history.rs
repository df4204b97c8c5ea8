//! Events and differences.

use super::{Element, Field, Input, field_structs};
use nokv_types::{
    DiffEntry, DiffKind, DiffPage, Event, EventKind, EventPage, EventQuery, LoggedEvent, Version,
};

impl Field for EventKind {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Self::from_number(input.u8()?)
    }
}

impl Element for EventKind {}

/// As in the event files, with the whole version: the base is nothing.
impl Field for Event {
    fn put(&self, out: &mut Vec<u8>) {
        self.encode(Version::ZERO, out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Self::decode(Version::ZERO, input)
    }
}

impl Field for DiffKind {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(match input.u8()? {
            1 => Self::Added,
            2 => Self::Removed,
            3 => Self::Body,
            4 => Self::Attributes,
            5 => Self::Renamed,
            _ => return None,
        })
    }
}

impl Element for LoggedEvent {}
impl Element for DiffEntry {}

field_structs! {
    EventQuery { cursor, subtree, kinds, limit }
    LoggedEvent { event, wall_ns, path, old_path }
    EventPage { events, next, more }
    DiffEntry { kind, path, old_path, node, file_kind }
    DiffPage { entries, next }
}
