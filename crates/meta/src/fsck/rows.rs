//! Every row by itself: does it decode, and is there what its key speaks of.

use super::history::Listed;
use super::report::{Fix, differs};
use super::{Check, Wrong};
use crate::Result;
use crate::keys::{self, Family};
use crate::mvcc::Framed;
use crate::read::ObjectMismatch;
use crate::rows::{Dentry, DetachedRow, Inode, OpenRow, PinRow, Record, Usage};
use crate::state::{Sessions, for_each, held_key, totals_key};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::{SessionId, TimelineId, Version};
use std::collections::BTreeMap;

/// Families whose keys start with a timeline, apart from history.
const TIMED: [Family; 11] = [
    Family::Body,
    Family::Dentry,
    Family::Flatten,
    Family::Held,
    Family::Inode,
    Family::Detached,
    Family::Link,
    Family::Orphan,
    Family::Prune,
    Family::Usage,
    Family::Xattr,
];

impl<R: Rows> Check<'_, R> {
    /// Visits every row once.
    pub(super) fn every_row(&mut self, listed: &Listed) -> Result<()> {
        let sessions = Sessions::load(self.rows)?;
        let rows = self.rows;
        let mut failed = None;
        rows.scan(Scan::prefix(b""), &mut |key, value| {
            self.report.rows += 1;
            match self.one_row(key, value, listed, &sessions) {
                Ok(()) => Visit::Next,
                Err(error) => {
                    failed = Some(error);
                    Visit::Stop
                }
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    fn one_row(&mut self, key: &[u8], value: &[u8], listed: &Listed, sessions: &Sessions) -> Result<()> {
        let Some(tag) = key.first() else { return Ok(()) };
        if *tag == Family::History as u8 {
            if let Some((timeline, _)) = super::history::split_history(key) {
                self.known_timeline(timeline, key);
            }
            self.versioned_value(key.get(1).copied(), key, value);
            self.history_row(key, listed);
        } else if TIMED.iter().any(|family| *family as u8 == *tag) {
            match keys::take_id(&key[1..]) {
                Some((id, _)) => self.known_timeline(TimelineId(id), key),
                None => self.found(Wrong::Malformed, key.to_vec(), "key".into(), None),
            }
            self.versioned_value(Some(*tag), key, value);
            if *tag == Family::Body as u8 {
                self.body_row(key, listed)?;
            }
        } else if [Family::Open, Family::Window]
            .iter()
            .any(|family| *family as u8 == *tag)
        {
            self.session_row(key, value, sessions);
        }
        Ok(())
    }

    fn known_timeline(&mut self, timeline: TimelineId, key: &[u8]) {
        if self.timelines.get(timeline).is_none() {
            let fix = Fix::Delete(key.to_vec());
            let detail = format!("timeline {} does not exist", timeline.0);
            self.found(Wrong::UnknownTimeline, key.to_vec(), detail, Some(fix));
        }
    }

    /// The value of a versioned row has to decode.
    fn versioned_value(&mut self, tag: Option<u8>, key: &[u8], value: &[u8]) {
        let Some(family) = Family::VERSIONED
            .into_iter()
            .find(|family| Some(*family as u8) == tag)
        else {
            return;
        };
        let decodes = Framed::decode(value).is_ok_and(|row| match (family, row.value) {
            (Family::Dentry, Some(value)) => Dentry::decode(&value).is_ok(),
            (Family::Inode, Some(value)) => Inode::decode(&value).is_ok(),
            (Family::Usage, Some(value)) => Usage::decode(&value).is_ok(),
            (Family::Detached, Some(value)) => DetachedRow::decode(&value).is_ok(),
            // A tombstone, or a value that is bytes.
            _ => true,
        });
        if !decodes {
            self.found(Wrong::Malformed, key.to_vec(), "value".into(), None);
        }
    }

    fn session_row(&mut self, key: &[u8], value: &[u8], sessions: &Sessions) {
        let session = keys::take_id(&key[1..]).map(|(id, _)| SessionId(id));
        let known = session.is_some_and(|id| sessions.is_live(id) || sessions.is_ended(id));
        if key[0] == Family::Open as u8 && OpenRow::decode(value).is_err() {
            self.found(Wrong::Malformed, key.to_vec(), "open file".into(), None);
        } else if !known {
            let fix = Some(Fix::Delete(key.to_vec()));
            self.found(
                Wrong::Session,
                key.to_vec(),
                "its session does not exist".into(),
                fix,
            );
        }
    }

    /// References of objects and uploads, counted anew.
    pub(super) fn references(&mut self) -> Result<()> {
        for_each(self.rows, &[Family::Object as u8], |_, _| {
            self.report.objects += 1;
            Ok(())
        })?;
        for mismatch in self.reader().object_mismatches()? {
            let (key, detail, fix) = match mismatch {
                ObjectMismatch::Object(object, kept, counted) => {
                    let (references, live_bytes) = counted;
                    let fix = Fix::Object {
                        object,
                        references,
                        live_bytes,
                    };
                    (keys::object(object), differs(kept, counted), Some(fix))
                }
                ObjectMismatch::Queue(object) => (keys::object(object), "the delete queue".into(), None),
                ObjectMismatch::Totals(kept, counted) => {
                    (totals_key(), differs(kept, counted), Some(Fix::Totals(counted)))
                }
                ObjectMismatch::Upload(upload, kept, counted) => {
                    (keys::staged_rows(upload), differs(kept, counted), None)
                }
            };
            self.found(Wrong::References, key, detail, fix);
        }
        Ok(())
    }

    /// Held versions are those of the pins and of the branches.
    pub(super) fn held_versions(&mut self) -> Result<()> {
        let mut counted: BTreeMap<(TimelineId, Version), u32> = BTreeMap::new();
        let mut malformed = Vec::new();
        for_each(self.rows, &[Family::Pin as u8], |key, value| {
            match PinRow::decode(value) {
                Ok(pin) => *counted.entry((pin.timeline, pin.version)).or_default() += 1,
                Err(_) => malformed.push(key.to_vec()),
            }
            Ok(())
        })?;
        for (_, line) in self.timelines.iter() {
            if let Some(branch) = line.parent {
                *counted.entry(branch).or_default() += 1;
            }
        }
        for key in malformed {
            self.found(Wrong::Malformed, key, "pin".into(), None);
        }
        let kept: BTreeMap<_, _> = self
            .holds
            .iter()
            .map(|(line, version, count)| ((line, version), count))
            .collect();
        let all: Vec<_> = kept.keys().chain(counted.keys()).copied().collect();
        for (timeline, version) in all.into_iter().collect::<std::collections::BTreeSet<_>>() {
            let (kept, found) = (kept.get(&(timeline, version)), counted.get(&(timeline, version)));
            if kept != found {
                self.found(
                    Wrong::Holds,
                    held_key(timeline, version),
                    differs(kept, found),
                    None,
                );
            }
        }
        Ok(())
    }
}
