//! Lists of extents: checked, cut, laid over each other, joined. Pure; knows no rows and no objects' counts.
//!
//! Invariant: every list that leaves here ascends and does not overlap, and every extent has at least one byte.

use crate::Result;
use nokv_types::{Code, Extent, FILE_BYTES_MAX, INLINE_BYTES_MAX, RANGE_BYTES, Refusal, Slice, Source};

/// Most extents of one command; larger bodies are staged.
pub(crate) const COMMAND_EXTENTS_MAX: usize = 65_536;

/// Checks what a caller sent; `shift` is added to every offset first.
pub(crate) fn check(mut extents: Vec<Extent>, shift: u64) -> Result<Vec<Extent>> {
    if extents.len() > COMMAND_EXTENTS_MAX {
        return Err(Refusal::new(Code::TooMany, "extents")
            .detail("a command has at most 65536; stage larger bodies")
            .into());
    }
    let mut end = 0;
    for extent in &mut extents {
        let refuse = |code, why: &str| Refusal::new(code, format!("extent at {}", extent.at)).detail(why);
        let too_far = || refuse(Code::TooLarge, "it ends behind the largest file");
        let at = extent.at.checked_add(shift).ok_or_else(too_far)?;
        let behind = at
            .checked_add(u64::from(extent.len))
            .filter(|behind| *behind <= FILE_BYTES_MAX)
            .ok_or_else(too_far)?;
        if extent.len == 0 {
            return Err(refuse(Code::Invalid, "it has no bytes").into());
        }
        if at < end {
            return Err(refuse(Code::Invalid, "it does not lie behind the one before").into());
        }
        match &extent.source {
            Source::Inline(bytes) if bytes.len() > INLINE_BYTES_MAX => {
                return Err(refuse(Code::TooLarge, "at most 4096 bytes travel inline").into());
            }
            Source::Inline(bytes) if bytes.len() != extent.len as usize => {
                return Err(refuse(Code::Invalid, "its length is not that of its bytes").into());
            }
            Source::Slice(slice) if !is_inside(slice, extent.len) => {
                return Err(refuse(Code::Invalid, "its window is not inside the stored range").into());
            }
            Source::Inline(_) | Source::Slice(_) => (),
        }
        extent.at = at;
        end = behind;
    }
    Ok(extents)
}

fn is_inside(slice: &Slice, len: u32) -> bool {
    let stored_end = slice.stored_offset.checked_add(u64::from(slice.stored_len));
    let window_end = slice.window_offset.checked_add(len);
    stored_end.is_some() && window_end.is_some_and(|end| end <= slice.stored_len)
}

/// The part of an extent that lies in from..to.
pub(crate) fn cut(extent: Extent, from: u64, to: u64) -> Option<Extent> {
    let (start, end) = (extent.at.max(from), extent.end().min(to));
    if start >= end {
        return None;
    }
    let (skip, len) = ((start - extent.at) as u32, (end - start) as u32);
    if skip == 0 && len == extent.len {
        return Some(extent);
    }
    let source = match extent.source {
        Source::Inline(bytes) => Source::Inline(bytes[skip as usize..(skip + len) as usize].to_vec()),
        Source::Slice(slice) => Source::Slice(Slice {
            window_offset: slice.window_offset + skip,
            ..slice
        }),
    };
    Some(Extent {
        at: start,
        len,
        source,
    })
}

/// Splits a list at the borders of ranges.
pub(crate) fn by_range(extents: Vec<Extent>) -> Vec<(u64, Vec<Extent>)> {
    let mut ranges: Vec<(u64, Vec<Extent>)> = Vec::new();
    let mut push = |range, piece| match ranges.last_mut() {
        Some((same, list)) if *same == range => list.push(piece),
        _ => ranges.push((range, vec![piece])),
    };
    for extent in extents {
        let (first, last) = (extent.at / RANGE_BYTES, (extent.end() - 1) / RANGE_BYTES);
        if first == last {
            push(first, extent);
            continue;
        }
        for range in first..=last {
            let (from, to) = bounds(range);
            if let Some(piece) = cut(extent.clone(), from, to) {
                push(range, piece);
            }
        }
    }
    ranges
}

/// First byte of a range, and the byte behind it.
pub(crate) fn bounds(range: u64) -> (u64, u64) {
    (
        range.saturating_mul(RANGE_BYTES),
        range.saturating_add(1).saturating_mul(RANGE_BYTES),
    )
}

/// The list without the bytes from..to.
pub(crate) fn without(list: Vec<Extent>, from: u64, to: u64) -> Vec<Extent> {
    let mut rest = Vec::with_capacity(list.len() + 1);
    for extent in list {
        if extent.end() <= from || extent.at >= to {
            rest.push(extent);
        } else {
            let after = (extent.end() > to).then(|| extent.clone());
            rest.extend(cut(extent, 0, from));
            rest.extend(after.and_then(|extent| cut(extent, to, u64::MAX)));
        }
    }
    rest
}

/// The list with `new` laid over it; neighbours that continue each other become one.
pub(crate) fn overlay(old: Vec<Extent>, new: Vec<Extent>) -> Vec<Extent> {
    if old
        .last()
        .is_none_or(|last| new.first().is_none_or(|first| last.end() <= first.at))
    {
        return join(old.into_iter().chain(new).collect());
    }
    let mut kept = Vec::with_capacity(old.len() + new.len());
    let mut over = new.iter().peekable();
    for extent in old {
        let mut rest = Some(extent);
        while let Some(piece) = rest.take() {
            while over.next_if(|cover| cover.end() <= piece.at).is_some() {}
            let Some(cover) = over.peek().filter(|cover| cover.at < piece.end()) else {
                kept.push(piece);
                break;
            };
            let (at, end) = (cover.at, cover.end());
            rest = cut(piece.clone(), end, u64::MAX);
            kept.extend(cut(piece, 0, at));
        }
    }
    kept.extend(new);
    kept.sort_by_key(|extent| extent.at);
    join(kept)
}

/// Joins neighbours that continue each other.
pub(crate) fn join(list: Vec<Extent>) -> Vec<Extent> {
    let mut joined: Vec<Extent> = Vec::with_capacity(list.len());
    for extent in list {
        match joined.last_mut() {
            Some(last) if last.end() == extent.at && continues(last, &extent) => {
                last.len += extent.len;
                if let (Source::Inline(bytes), Source::Inline(more)) = (&mut last.source, extent.source) {
                    bytes.extend(more);
                }
            }
            _ => joined.push(extent),
        }
    }
    joined
}

fn continues(last: &Extent, extent: &Extent) -> bool {
    match (&last.source, &extent.source) {
        (Source::Inline(bytes), Source::Inline(more)) => bytes.len() + more.len() <= INLINE_BYTES_MAX,
        (Source::Slice(slice), Source::Slice(more)) => {
            let expected = Slice {
                window_offset: slice.window_offset + last.len,
                ..*slice
            };
            expected == *more
        }
        _ => false,
    }
}

/// Bytes of data in a list.
pub(crate) fn bytes(list: &[Extent]) -> u64 {
    list.iter().map(|extent| u64::from(extent.len)).sum()
}

/// Whether every byte of `old` is in `new` too.
pub(crate) fn covers(new: &[Extent], old: &[Extent]) -> bool {
    let mut new = new.iter().peekable();
    old.iter().all(|extent| {
        let mut at = extent.at;
        while at < extent.end() {
            while new.next_if(|piece| piece.end() <= at).is_some() {}
            match new.peek() {
                Some(piece) if piece.at <= at => at = piece.end(),
                _ => return false,
            }
        }
        true
    })
}

#[cfg(test)]
mod tests;
