//! Visible body rows of many ranges: the timelines of a chain and the manifest, merged range by range.

use super::{BodyView, Seen, Stands, chain, malformed_key, next};
use crate::keys::{self, Key};
use crate::rows::{BodyRow, ManifestRow, Record};
use crate::state::Timelines;
use crate::{Error, Result};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::{Ino, TimelineId, UploadId, Version};
use std::collections::VecDeque;

/// Rows that one level reads ahead.
const AHEAD_ROWS: usize = 32;
/// Rows that nobody asked for which are stepped over before a new seek.
const STALE_STEPS_MAX: u32 = 8;

/// All places where rows of a body can stand, the nearest first.
pub(super) struct Levels {
    levels: Vec<Level>,
}

impl Levels {
    /// The timelines of the chain; a manifest is pushed behind them.
    pub(super) fn of(view: &BodyView, timelines: &Timelines, (from, end): (u64, u64)) -> Self {
        let levels = chain(timelines, view.timeline, view.generation).map(|(timeline, version)| Level {
            place: Place::Timeline {
                timeline,
                version,
                ino: view.ino,
                base: view.base,
            },
            next: from,
            end,
            ahead: VecDeque::new(),
            done: false,
        });
        Self {
            levels: levels.collect(),
        }
    }

    pub(super) fn push(&mut self, level: Level) {
        self.levels.push(level);
    }

    /// The row of the lowest range that any level still has; the nearest level's.
    pub(super) fn next<R: Rows>(&mut self, rows: &R) -> Result<Option<Seen>> {
        let mut least = None;
        for level in &mut self.levels {
            if let Some(range) = level.peek(rows)? {
                least = Some(least.map_or(range, |least: u64| least.min(range)));
            }
        }
        let Some(least) = least else { return Ok(None) };
        let mut nearest = None;
        for level in &mut self.levels {
            let seen = level.take(least);
            nearest = nearest.or(seen);
        }
        Ok(nearest)
    }
}

enum Place {
    Timeline {
        timeline: TimelineId,
        version: Version,
        ino: Ino,
        base: Version,
    },
    Staged(UploadId),
}

/// One of the places, read in chunks.
pub(super) struct Level {
    place: Place,
    /// The first range that was not looked at yet.
    next: u64,
    end: u64,
    ahead: VecDeque<Seen>,
    done: bool,
}

impl Level {
    /// The rows of a manifest.
    pub(super) fn staged(row: ManifestRow, (from, end): (u64, u64)) -> Self {
        Self {
            place: Place::Staged(row.upload),
            next: from,
            end: end.min(row.ranges),
            ahead: VecDeque::new(),
            done: false,
        }
    }

    fn peek<R: Rows>(&mut self, rows: &R) -> Result<Option<u64>> {
        while self.ahead.is_empty() && !self.done {
            self.fill(rows)?;
        }
        Ok(self.ahead.front().map(|seen| seen.range))
    }

    fn take(&mut self, range: u64) -> Option<Seen> {
        if self.ahead.front()?.range != range {
            return None;
        }
        self.ahead.pop_front()
    }

    fn fill<R: Rows>(&mut self, rows: &R) -> Result<()> {
        if self.next >= self.end {
            self.done = true;
            return Ok(());
        }
        match self.place {
            Place::Staged(upload) => self.fill_staged(rows, upload),
            Place::Timeline {
                timeline,
                version,
                ino,
                base,
            } => {
                let prefix = keys::body_ino(timeline, ino);
                let after = keys::body(timeline, ino, self.next, next(version));
                self.fill_own(
                    rows,
                    Scan::prefix(&prefix).after(&after),
                    (timeline, version, base),
                )
            }
        }
    }

    fn fill_own<R: Rows>(
        &mut self,
        rows: &R,
        scan: Scan<'_>,
        (timeline, version, base): (TimelineId, Version, Version),
    ) -> Result<()> {
        let (mut stale, mut stopped) = (0, false);
        scan_rows(rows, scan, &mut |key, value| {
            let (_, _, range, generation) = keys::split_body(key).ok_or_else(malformed_key)?;
            if range >= self.end {
                return Ok(Visit::Stop);
            }
            if range < self.next || generation > version {
                // Older than a row that was taken, or newer than the body: soon seek past its like.
                self.next = self.next.max(range);
                stale += 1;
                stopped = stale == STALE_STEPS_MAX;
            } else {
                self.next = range + 1;
                stale = 0;
                if generation >= base {
                    self.ahead.push_back(Seen {
                        range,
                        stands: Stands::Own(timeline, generation),
                        row: BodyRow::decode(value)?,
                    });
                    stopped = self.ahead.len() == AHEAD_ROWS;
                }
            }
            Ok(if stopped { Visit::Stop } else { Visit::Next })
        })?;
        self.done = !stopped;
        Ok(())
    }

    fn fill_staged<R: Rows>(&mut self, rows: &R, upload: UploadId) -> Result<()> {
        let prefix = keys::staged_rows(upload);
        let after = match self.next {
            0 => None,
            next => Some(Key::rest().bytes(&prefix).id(next - 1).done()),
        };
        let scan = Scan {
            prefix: &prefix,
            after: after.as_deref(),
        };
        let mut stopped = false;
        scan_rows(rows, scan, &mut |key, value| {
            let (range, _) = keys::take_id(&key[prefix.len()..]).ok_or_else(malformed_key)?;
            if range >= self.end {
                return Ok(Visit::Stop);
            }
            self.next = range + 1;
            self.ahead.push_back(Seen {
                range,
                stands: Stands::Staged(upload),
                row: BodyRow::decode(value)?,
            });
            stopped = self.ahead.len() == AHEAD_ROWS;
            Ok(if stopped { Visit::Stop } else { Visit::Next })
        })?;
        self.done = !stopped;
        Ok(())
    }
}

/// A visitor that can fail.
type Visitor<'v> = &'v mut dyn FnMut(&[u8], &[u8]) -> Result<Visit>;

/// Scans with a visitor that can fail.
fn scan_rows<R: Rows>(rows: &R, scan: Scan<'_>, visit: Visitor<'_>) -> Result<()> {
    let mut failed: Option<Error> = None;
    rows.scan(scan, &mut |key, value| {
        visit(key, value).unwrap_or_else(|error| {
            failed = Some(error);
            Visit::Stop
        })
    })?;
    failed.map_or(Ok(()), Err)
}
