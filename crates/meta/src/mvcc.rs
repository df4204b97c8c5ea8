//! Versions of rows: the rule by which a timeline is read at a version, and what a row looks like for it.
//!
//! Owns: the frame around the value of a versioned row, and the read rule (docs/adr/0003). Must not know what
//! the values mean.
//!
//! Read (T, v): T's current row when created <= v; else T's newest history row with created <= v, valid only
//! when v < superseded and absent otherwise; when T has no row with created <= v, the parent at
//! min(v, branch).

mod scan;

pub(crate) use scan::{Entry, scan};

use crate::keys::{self, Family};
use crate::state::Timelines;
use crate::{Error, Result};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::codec::{Take, put_varint};
use nokv_types::{ReadPoint, TimelineId, Version};

/// A row as it is stored: a version, and a value or (`None`) the statement that there is none.
///
/// In a current row the version is the one that created it, in a history row the one that superseded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Framed {
    pub(crate) version: Version,
    pub(crate) value: Option<Vec<u8>>,
}

/// Room for the row of a fresh file: more than nearly all of them need.
const FRESH_ROW_BYTES: usize = 96;

impl Framed {
    pub(crate) fn encode(version: Version, value: Option<&[u8]>) -> Vec<u8> {
        let mut out = Vec::with_capacity(12 + value.map_or(0, <[u8]>::len));
        out.push(u8::from(value.is_none()));
        put_varint(&mut out, version.0);
        out.extend_from_slice(value.unwrap_or_default());
        out
    }

    /// As [`Framed::encode`], without a copy of the record.
    pub(crate) fn encode_with(version: Version, put: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::with_capacity(FRESH_ROW_BYTES);
        out.push(0);
        put_varint(&mut out, version.0);
        put(&mut out);
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut take = Take::new(bytes);
        let malformed = || Error::corrupt("malformed frame", "versioned row");
        let tag = take.u8().filter(|tag| *tag < 2).ok_or_else(malformed)?;
        let version = Version(take.varint().ok_or_else(malformed)?);
        let value = (tag == 0).then(|| take.rest().to_vec());
        Ok(Self { version, value })
    }

    /// As [`Framed::decode`], keeping the bytes where they are.
    pub(crate) fn from_row(mut bytes: Vec<u8>) -> Result<Self> {
        let mut take = Take::new(&bytes);
        let malformed = || Error::corrupt("malformed frame", "versioned row");
        let tag = take.u8().filter(|tag| *tag < 2).ok_or_else(malformed)?;
        let version = Version(take.varint().ok_or_else(malformed)?);
        let head = bytes.len() - take.rest().len();
        let value = (tag == 0).then(|| {
            bytes.drain(..head);
            bytes
        });
        Ok(Self { version, value })
    }
}

/// A row that a read found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The version that created it.
    pub(crate) created: Version,
    /// The timeline that it was written on.
    pub(crate) timeline: TimelineId,
    pub(crate) value: Vec<u8>,
}

/// Reads one key at a point.
pub(crate) fn read<R: Rows>(
    rows: &R,
    timelines: &Timelines,
    at: ReadPoint,
    family: Family,
    rest: &[u8],
) -> Result<Option<Found>> {
    let ReadPoint {
        mut timeline,
        mut version,
    } = at;
    loop {
        if let Some(answer) = read_own(rows, timeline, version, family, rest)? {
            let found = answer.value.map(|value| Found {
                created: answer.version,
                timeline,
                value,
            });
            return Ok(found);
        }
        let Some((parent, branch)) = timelines.get(timeline).and_then(|timeline| timeline.parent) else {
            return Ok(None);
        };
        (timeline, version) = (parent, version.min(branch));
    }
}

/// What the rows of one timeline say about a key at a version: `None` = nothing, ask the parent.
pub(crate) fn read_own<R: Rows>(
    rows: &R,
    timeline: TimelineId,
    version: Version,
    family: Family,
    rest: &[u8],
) -> Result<Option<Framed>> {
    if let Some(bytes) = rows.get(&keys::current(family, timeline, rest))? {
        let row = Framed::from_row(bytes)?;
        if row.version <= version {
            return Ok(Some(row));
        }
    } else if version == Version::HEAD {
        return Ok(None);
    }
    let prefix = keys::history_prefix(family, timeline, rest);
    let newer = keys::history(family, timeline, rest, Version(version.0.saturating_add(1)));
    let mut newest = None;
    rows.scan(Scan::prefix(&prefix).after(&newer), &mut |key, value| {
        newest = Some((key.to_vec(), value.to_vec()));
        Visit::Stop
    })?;
    let Some((key, value)) = newest else {
        return Ok(None);
    };
    let (_, created) =
        keys::split_inverted(&key).ok_or_else(|| Error::corrupt("malformed key", "history"))?;
    let row = Framed::from_row(value)?;
    let value = if version < row.version { row.value } else { None };
    Ok(Some(Framed {
        version: created,
        value,
    }))
}
