//! Which versions lie inside a batch.
//!
//! Rows that many commands of a batch touch (directories, usage) are written once, at its end: between its first
//! and its last version they are not exact. A batch of several commands leaves a row (last version -> first
//! version) as long as the time-travel window reaches it; a fork or rollback at a version inside a batch starts
//! at the batch's end.

use crate::batch::Batch;
use crate::keys::{Family, Key, take_id};
use crate::rows::{SCHEMA, schema};
use crate::{Error, Result};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::Version;
use nokv_types::codec::{Take, put_varint};

/// Rows that one step removes.
const SPANS_STEP: usize = 4096;

impl<R: Rows> Batch<'_, R> {
    /// Notes the versions of a batch of several commands.
    pub(crate) fn note_span(&mut self, first: Version, last: Version) {
        if first < last {
            let mut value = vec![SCHEMA];
            put_varint(&mut value, first.0);
            self.txn.put(span_key(last), value);
        }
    }

    /// The first version from `version` on at which every row is exact.
    pub(crate) fn exact_version(&self, version: Version) -> Result<Version> {
        if version >= self.first_version() {
            return Ok(self.version.max(version));
        }
        let prefix = [Family::Span as u8];
        let before = span_key(Version(version.0.saturating_sub(1)));
        let mut next = None;
        self.txn
            .scan(Scan::prefix(&prefix).after(&before), &mut |key, value| {
                next = Some((key.to_vec(), value.to_vec()));
                Visit::Stop
            })?;
        let Some((key, value)) = next else {
            return Ok(version);
        };
        let (first, last) = parse(&key, &value).ok_or_else(|| Error::corrupt("malformed row", "span"))?;
        Ok(if first <= version { last } else { version })
    }

    /// Forgets batches that lie before the time-travel window, in a bounded step.
    pub(crate) fn trim_spans(&mut self, floor: Version) -> Result<()> {
        let prefix = [Family::Span as u8];
        let mut old = Vec::new();
        self.txn.scan(Scan::prefix(&prefix), &mut |key, _| {
            let last = take_id(&key[1..]).map(|(last, _)| last);
            if last.is_some_and(|last| last >= floor.0) || old.len() == SPANS_STEP {
                return Visit::Stop;
            }
            old.push(key.to_vec());
            Visit::Next
        })?;
        for key in old {
            self.txn.delete(key);
        }
        Ok(())
    }
}

fn span_key(last: Version) -> Vec<u8> {
    Key::new(Family::Span).id(last.0).done()
}

fn parse(key: &[u8], value: &[u8]) -> Option<(Version, Version)> {
    let (last, _) = take_id(&key[1..])?;
    let mut take = Take::new(value);
    schema(&mut take)?;
    let first = take.varint()?;
    take.finish().map(|()| (Version(first), Version(last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_spans_are_fixed() {
        let key = span_key(Version(6));
        assert_eq!(key, b"BC12");
        assert_eq!(parse(&key, &[1, 5]), Some((Version(5), Version(6))));
        assert_eq!(parse(&key, &[2, 5]), None);
        assert_eq!(parse(&key, &[1, 5, 0]), None);
    }
}
