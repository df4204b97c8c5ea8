//! Ordered scans of a versioned family at a point: the rows of a timeline merged with what it inherits.

use super::{Found, Framed};
use crate::keys::{self, Family};
use crate::state::Timelines;
use crate::{Error, Result};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::{ReadPoint, TimelineId, Version};
use std::collections::{BTreeMap, VecDeque};

/// Keys that one level reads ahead.
const CHUNK_KEYS: usize = 128;

/// One row of a merged scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What follows the timeline in its key.
    pub(crate) rest: Vec<u8>,
    pub(crate) found: Found,
}

/// Visits the rows whose `rest` starts with `prefix` and sorts after `after`, as `at` sees them.
pub(crate) fn scan<R: Rows>(
    rows: &R,
    timelines: &Timelines,
    at: ReadPoint,
    (family, prefix, after): (Family, &[u8], Option<&[u8]>),
    visit: &mut dyn FnMut(Entry) -> Result<Visit>,
) -> Result<()> {
    let mut levels = levels(timelines, at, family, prefix, after);
    if let [only] = levels.as_slice()
        && only.version == Version::HEAD
    {
        return scan_current(rows, only, visit);
    }
    loop {
        let mut least: Option<Vec<u8>> = None;
        for level in &mut levels {
            if let Some(rest) = level.peek(rows)?
                && least.as_deref().is_none_or(|least| rest < least)
            {
                least = Some(rest.to_vec());
            }
        }
        let Some(rest) = least else { return Ok(()) };
        let mut answer: Option<(Framed, TimelineId)> = None;
        for level in &mut levels {
            let own = level.take(&rest);
            if answer.is_none() {
                answer = own.map(|own| (own, level.timeline));
            }
        }
        if let Some((
            Framed {
                version: created,
                value: Some(value),
            },
            timeline,
        )) = answer
            && visit(Entry {
                rest,
                found: Found {
                    created,
                    timeline,
                    value,
                },
            })? == Visit::Stop
        {
            return Ok(());
        }
    }
}

fn levels<'a>(
    timelines: &Timelines,
    at: ReadPoint,
    family: Family,
    prefix: &'a [u8],
    after: Option<&[u8]>,
) -> Vec<Level<'a>> {
    let mut levels = Vec::new();
    let mut next = Some((at.timeline, at.version));
    while let Some((timeline, version)) = next {
        let after = after.map(<[u8]>::to_vec);
        levels.push(Level {
            family,
            timeline,
            version,
            prefix,
            after,
            ahead: VecDeque::new(),
            // The newest state is in the current rows alone.
            history_ended: version == Version::HEAD,
            current_ended: false,
        });
        let parent = timelines.get(timeline).and_then(|timeline| timeline.parent);
        next = parent.map(|(parent, branch)| (parent, version.min(branch)));
    }
    levels
}

/// The newest state of a timeline without ancestors: its current rows as they stand.
fn scan_current<R: Rows>(
    rows: &R,
    level: &Level<'_>,
    visit: &mut dyn FnMut(Entry) -> Result<Visit>,
) -> Result<()> {
    let timeline = level.timeline;
    let head = keys::current(level.family, timeline, b"").len();
    let prefix = keys::current(level.family, timeline, level.prefix);
    let after = level
        .after
        .as_deref()
        .map(|after| keys::current(level.family, timeline, after));
    let mut failed = None;
    rows.scan(
        Scan {
            prefix: &prefix,
            after: after.as_deref(),
        },
        &mut |key, value| {
            let mut step = || {
                let Framed {
                    version: created,
                    value,
                } = Framed::decode(value)?;
                let Some(value) = value else {
                    return Ok(Visit::Next);
                };
                visit(Entry {
                    rest: key[head..].to_vec(),
                    found: Found {
                        created,
                        timeline,
                        value,
                    },
                })
            };
            step().unwrap_or_else(|error| {
                failed = Some(error);
                Visit::Stop
            })
        },
    )?;
    failed.map_or(Ok(()), Err)
}

/// One timeline of the chain, read in chunks.
struct Level<'a> {
    family: Family,
    timeline: TimelineId,
    version: Version,
    prefix: &'a [u8],
    after: Option<Vec<u8>>,
    ahead: VecDeque<(Vec<u8>, Framed)>,
    /// No history rows follow: looking again would step over whatever was removed behind them.
    history_ended: bool,
    /// As `history_ended`, of the current rows.
    current_ended: bool,
}

impl Level<'_> {
    fn peek<R: Rows>(&mut self, rows: &R) -> Result<Option<&[u8]>> {
        while self.ahead.is_empty() && !(self.history_ended && self.current_ended) {
            self.fill(rows)?;
        }
        Ok(self.ahead.front().map(|(rest, _)| rest.as_slice()))
    }

    fn take(&mut self, rest: &[u8]) -> Option<Framed> {
        let (front, _) = self.ahead.front()?;
        if front.as_slice() != rest {
            return None;
        }
        self.ahead.pop_front().map(|(_, row)| row)
    }

    /// Reads the next chunk: current rows that are old enough, history rows for the others.
    fn fill<R: Rows>(&mut self, rows: &R) -> Result<()> {
        let mut chunk = BTreeMap::new();
        let mut ends = [None, None];
        if !self.history_ended {
            ends[0] = self.read_history(rows, &mut chunk)?;
        }
        if !self.current_ended {
            ends[1] = self.read_current(rows, &mut chunk)?;
        }
        let bound = ends.iter().flatten().min().cloned();
        // What lies beyond the bound is read again, also by a part that has come to its end.
        let mut is_cut = false;
        if let Some(bound) = &bound {
            let mut beyond = chunk.split_off(bound).into_iter().peekable();
            chunk.extend(beyond.next_if(|(rest, _)| rest == bound));
            is_cut = beyond.peek().is_some();
        }
        self.history_ended |= ends[0].is_none() && !is_cut;
        self.current_ended |= ends[1].is_none() && !is_cut;
        self.ahead.extend(chunk);
        self.after = bound.or_else(|| self.after.take());
        Ok(())
    }

    /// Answers the last key looked at when there may be more.
    fn read_current<R: Rows>(
        &self,
        rows: &R,
        chunk: &mut BTreeMap<Vec<u8>, Framed>,
    ) -> Result<Option<Vec<u8>>> {
        let head = keys::current(self.family, self.timeline, b"").len();
        let prefix = keys::current(self.family, self.timeline, self.prefix);
        let after = self
            .after
            .as_deref()
            .map(|after| keys::current(self.family, self.timeline, after));
        let (mut count, mut last, mut failed) = (0, None, None);
        rows.scan(
            Scan {
                prefix: &prefix,
                after: after.as_deref(),
            },
            &mut |key, value| {
                match Framed::decode(value) {
                    Ok(row) if row.version <= self.version => drop(chunk.insert(key[head..].to_vec(), row)),
                    Ok(_) => (),
                    Err(error) => failed = Some(error),
                }
                count += 1;
                last = Some(key[head..].to_vec());
                if count == CHUNK_KEYS || failed.is_some() {
                    Visit::Stop
                } else {
                    Visit::Next
                }
            },
        )?;
        failed.map_or(Ok(last.filter(|_| count == CHUNK_KEYS)), Err)
    }

    /// As [`Level::read_current`], for the history: per key the newest row that is old enough.
    fn read_history<R: Rows>(
        &self,
        rows: &R,
        chunk: &mut BTreeMap<Vec<u8>, Framed>,
    ) -> Result<Option<Vec<u8>>> {
        let prefix = keys::Key::new(Family::History)
            .bytes(&[self.family as u8])
            .id(self.timeline.0)
            .done();
        let head = prefix.len();
        let prefix = [prefix.as_slice(), self.prefix].concat();
        // All versions of the key `after` sort below its history prefix with the NUL raised by one.
        let after = self.after.as_deref().map(|after| {
            let mut key = keys::history_prefix(self.family, self.timeline, after);
            key.pop();
            key.extend_from_slice(&[0, u8::MAX]);
            key
        });
        let (mut last, mut taken, mut failed): (Vec<u8>, usize, Option<Error>) = (Vec::new(), 0, None);
        rows.scan(
            Scan {
                prefix: &prefix,
                after: after.as_deref(),
            },
            &mut |key, value| {
                let parsed = keys::split_inverted(key).and_then(|(front, created)| {
                    let rest = front.get(head..)?.strip_suffix(&[0])?;
                    Some((rest, created))
                });
                let Some((rest, created)) = parsed else {
                    failed = Some(Error::corrupt("malformed key", "history"));
                    return Visit::Stop;
                };
                if created > self.version || (taken > 0 && last == rest) {
                    return Visit::Next;
                }
                if taken == CHUNK_KEYS {
                    return Visit::Stop;
                }
                match Framed::decode(value) {
                    Err(error) => {
                        failed = Some(error);
                        return Visit::Stop;
                    }
                    Ok(row) => {
                        let value = if self.version < row.version {
                            row.value
                        } else {
                            None
                        };
                        chunk.insert(
                            rest.to_vec(),
                            Framed {
                                version: created,
                                value,
                            },
                        );
                    }
                }
                taken += 1;
                last = rest.to_vec();
                Visit::Next
            },
        )?;
        failed.map_or(Ok(Some(last).filter(|_| taken == CHUNK_KEYS)), Err)
    }
}

#[cfg(test)]
mod tests;
