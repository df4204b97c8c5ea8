//! Named roots.

use super::{Record, SCHEMA, schema};
use nokv_types::codec::{Take, put_varint};
use nokv_types::{Ino, RootKind, TimelineId, Version};

/// Where a root points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RootRow {
    pub(crate) kind: RootKind,
    pub(crate) timeline: TimelineId,
    pub(crate) ino: Ino,
    pub(crate) since: Version,
}

impl Record for RootRow {
    const NAME: &'static str = "root";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        out.push(self.kind as u8);
        for number in [self.timeline.0, self.ino.0, self.since.0] {
            put_varint(out, number);
        }
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        let kind = match take.u8()? {
            1 => RootKind::Workspace,
            2 => RootKind::Volume,
            3 => RootKind::Fork,
            _ => return None,
        };
        Some(Self {
            kind,
            timeline: TimelineId(take.varint()?),
            ino: Ino(take.varint()?),
            since: Version(take.varint()?),
        })
    }
}
