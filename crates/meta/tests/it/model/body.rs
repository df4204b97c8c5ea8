//! What a file holds, as a map of pieces: nothing of ranges, rows or generations.

use nokv_types::{Extent, ObjectId, Source};
use std::collections::{BTreeMap, BTreeSet};

/// The pieces of a body by their offsets; what none covers is a hole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Body(pub(crate) BTreeMap<u64, Extent>);

impl Body {
    pub(crate) fn of(extents: &[Extent]) -> Self {
        let mut body = Self::default();
        body.lay(extents);
        body
    }

    /// Lays extents over what is there, in their order.
    pub(crate) fn lay(&mut self, extents: &[Extent]) {
        for extent in extents {
            self.put(extent.clone());
        }
    }

    /// Makes from..to a hole.
    pub(crate) fn cut(&mut self, from: u64, to: u64) {
        if from >= to {
            return;
        }
        let touched: Vec<u64> = self
            .0
            .range(..to)
            .filter(|(_, extent)| extent.end() > from)
            .map(|(at, _)| *at)
            .collect();
        for at in touched {
            let Some(extent) = self.0.remove(&at) else {
                continue;
            };
            for (start, end) in [(at, from.min(extent.end())), (to.max(at), extent.end())] {
                if start < end {
                    self.0.insert(start, window(&extent, start, end));
                }
            }
        }
    }

    pub(crate) fn put(&mut self, extent: Extent) {
        self.cut(extent.at, extent.end());
        self.0.insert(extent.at, extent);
    }

    pub(crate) fn allocated(&self) -> u64 {
        self.0.values().map(|extent| u64::from(extent.len)).sum()
    }

    pub(crate) fn end(&self) -> u64 {
        self.0.values().next_back().map_or(0, Extent::end)
    }

    pub(crate) fn objects(&self) -> BTreeSet<ObjectId> {
        self.0
            .values()
            .filter_map(|extent| match &extent.source {
                Source::Slice(slice) => Some(slice.object),
                Source::Inline(_) => None,
            })
            .collect()
    }

    /// The pieces in from..to.
    pub(crate) fn part(&self, from: u64, to: u64) -> Body {
        let mut part = self.clone();
        part.cut(0, from);
        part.cut(to, u64::MAX);
        part
    }

    /// The same body in the one form that equal bodies share.
    pub(crate) fn normal(&self) -> Vec<Extent> {
        normal(self.0.values())
    }

    /// Bounds of the encoded length of the pieces in from..to: surely more than, surely less than.
    pub(crate) fn row_bytes(&self, from: u64, to: u64) -> (usize, usize) {
        let (mut low, mut high) = (0, 64);
        for extent in self.part(from, to).normal() {
            match extent.source {
                Source::Inline(bytes) => {
                    low += bytes.len();
                    high += bytes.len() + 32 * (bytes.len() / 16 + 2);
                }
                Source::Slice(_) => {
                    low += 20;
                    high += 96;
                }
            }
        }
        (low, high)
    }
}

/// Part of an extent.
pub(crate) fn window(extent: &Extent, start: u64, end: u64) -> Extent {
    let skip = (start - extent.at) as u32;
    let len = (end - start) as u32;
    let source = match &extent.source {
        Source::Inline(bytes) => Source::Inline(bytes[skip as usize..(skip + len) as usize].to_vec()),
        Source::Slice(slice) => {
            let mut slice = *slice;
            slice.window_offset += skip;
            Source::Slice(slice)
        }
    };
    Extent {
        at: start,
        len,
        source,
    }
}

/// Joins what continues: inline bytes, and windows that follow each other in one stored range.
pub(crate) fn normal<'a>(extents: impl IntoIterator<Item = &'a Extent>) -> Vec<Extent> {
    let mut joined: Vec<Extent> = Vec::new();
    for extent in extents {
        let last = joined.last_mut().filter(|last| last.end() == extent.at);
        match (last, &extent.source) {
            (
                Some(Extent {
                    len,
                    source: Source::Inline(bytes),
                    ..
                }),
                Source::Inline(more),
            ) => {
                bytes.extend_from_slice(more);
                *len += extent.len;
            }
            (
                Some(Extent {
                    len,
                    source: Source::Slice(a),
                    ..
                }),
                Source::Slice(b),
            ) if (a.object, a.stored_offset, a.stored_len, a.digest)
                == (b.object, b.stored_offset, b.stored_len, b.digest)
                && a.window_offset + *len == b.window_offset =>
            {
                *len += extent.len;
            }
            _ => joined.push(extent.clone()),
        }
    }
    joined
}
