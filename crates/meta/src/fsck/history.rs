//! The prune index and what it has to list: every superseded row, and every body row that is not current.

use super::report::Fix;
use super::{Check, Wrong};
use crate::batch::Retired;
use crate::keys::{self, Family};
use crate::read::BodyView;
use crate::state::for_each;
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::codec::Take;
use nokv_types::{Attr, Ino, ReadPoint, TimelineId, Version};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What the prune index lists, as hashes: a wrong row goes unseen once in 2^64 / rows.
pub(super) struct Listed(HashSet<u64>);

impl Listed {
    fn hash(timeline: TimelineId, item: &Retired) -> u64 {
        let mut hasher = DefaultHasher::new();
        let mut bytes = Vec::new();
        item.encode(&mut bytes);
        (timeline, bytes).hash(&mut hasher);
        hasher.finish()
    }

    pub(super) fn has(&self, timeline: TimelineId, item: &Retired) -> bool {
        self.0.contains(&Self::hash(timeline, item))
    }
}

impl<R: Rows> Check<'_, R> {
    /// Reads the prune index.
    pub(super) fn prune_index(&mut self) -> Result<Listed> {
        let mut listed = Listed(HashSet::new());
        let mut malformed = Vec::new();
        for_each(self.rows, &[Family::Prune as u8], |key, value| {
            let mut take = Take::new(value);
            let timeline = keys::take_id(&key[1..]).map(|(id, _)| TimelineId(id));
            while let (Some(timeline), false) = (timeline, take.is_empty()) {
                let Some(item) = Retired::take(&mut take) else {
                    malformed.push(key.to_vec());
                    break;
                };
                listed.0.insert(Listed::hash(timeline, &item));
            }
            if timeline.is_none() {
                malformed.push(key.to_vec());
            }
            Ok(())
        })?;
        for key in malformed {
            self.found(Wrong::Malformed, key, "prune index".into(), None);
        }
        Ok(listed)
    }

    /// A superseded row has to be listed.
    pub(super) fn history_row(&mut self, key: &[u8], listed: &Listed) {
        let Some((timeline, item)) = split_history(key) else {
            return self.found(
                Wrong::Malformed,
                key.to_vec(),
                "key of a history row".into(),
                None,
            );
        };
        if !self.is_kept(timeline) || listed.has(timeline, &item) {
            return;
        }
        let fix = Fix::List { timeline, item };
        self.found(
            Wrong::PruneIndex,
            key.to_vec(),
            "it is never looked at by the pruner".into(),
            Some(fix),
        );
    }

    /// A body row is seen by the newest state of its timeline, or listed, or read by an open file.
    pub(super) fn body_row(&mut self, key: &[u8], listed: &Listed) -> Result<()> {
        self.report.bodies += 1;
        let Some((timeline, ino, range, generation)) = keys::split_body(key) else {
            self.found(Wrong::Malformed, key.to_vec(), "key of a body row".into(), None);
            return Ok(());
        };
        let item = Retired::Body {
            ino,
            range,
            generation,
        };
        if !self.is_kept(timeline) || listed.has(timeline, &item) {
            return Ok(());
        }
        if !self.is_current_body(timeline, ino, range, generation)? {
            let fix = Fix::List { timeline, item };
            self.found(
                Wrong::Body,
                key.to_vec(),
                "no body has it and the pruner never looks at it".into(),
                Some(fix),
            );
        }
        Ok(())
    }

    fn is_current_body(
        &self,
        timeline: TimelineId,
        ino: Ino,
        range: u64,
        generation: Version,
    ) -> Result<bool> {
        // A timeline that was made to stand alone has copies of what only its own past sees.
        let line = self.timelines.get(timeline);
        if line.is_some_and(|line| line.parent.is_none() && line.origin.is_some()) {
            return Ok(true);
        }
        let at = ReadPoint {
            timeline,
            version: Version::HEAD,
        };
        let attr: Attr = match self.reader().getattr(at, ino) {
            Ok(attr) => attr,
            Err(Error::Refused(_)) => return Ok(false),
            // Said of the inode itself.
            Err(error) if is_damage(&error) => return Ok(true),
            Err(error) => return Err(error),
        };
        let view = BodyView::new(at, ino, &attr);
        view.is_row(self.rows, self.timelines, range, (timeline, generation))
    }

    /// Whether the rows of a timeline are to be kept: it is there and is not being removed.
    pub(super) fn is_kept(&self, timeline: TimelineId) -> bool {
        self.timelines.get(timeline).is_some_and(|line| !line.freeing)
    }
}

/// Whether an error says that rows contradict each other, and not that the store failed.
pub(super) fn is_damage(error: &Error) -> bool {
    matches!(error, Error::Store(error) if error.kind == nokv_store::ErrorKind::Corrupt && error.op == "decode row")
}

/// Timeline and item of a history row.
pub(super) fn split_history(key: &[u8]) -> Option<(TimelineId, Retired)> {
    let (front, created) = keys::split_inverted(key)?;
    let tag = *front.get(1)?;
    let family = Family::VERSIONED
        .into_iter()
        .find(|family| *family as u8 == tag)?;
    let (timeline, rest) = keys::take_id(front.get(2..)?)?;
    let rest = rest.strip_suffix(&[0])?.to_vec();
    Some((
        TimelineId(timeline),
        Retired::History {
            family,
            rest,
            created,
        },
    ))
}
