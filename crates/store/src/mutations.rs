//! The mutations of one batch, kept in the form in which they are logged.

use crate::error::show_key;
use crate::{Error, ErrorKind, Result};

/// Longest key that the store takes, in bytes.
pub const KEY_BYTES_MAX: usize = 1024;
/// Longest value that the store takes, in bytes: a body row of 32 KiB with room for its frame.
pub const VALUE_BYTES_MAX: usize = 40 * 1024;

/// One row change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation<'a> {
    /// The key now has this value.
    Put(&'a [u8], &'a [u8]),
    /// The key is gone (no error when it was not there).
    Delete(&'a [u8]),
}

/// An encoded list of row changes.
///
/// Layout, repeated: key length u16 LE, value length + 1 as u32 LE (0 = delete), key, value.
/// Keys appear once each, in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mutations {
    bytes: Vec<u8>,
    rows: usize,
}

const HEAD: usize = 6;

impl Mutations {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes encoded bytes, checking their shape, sizes, order and the rule about NUL.
    ///
    /// # Errors
    /// `Corrupt` when the bytes are not a well-formed batch.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut rest = bytes;
        let mut rows = 0;
        let mut last: Option<&[u8]> = None;
        while !rest.is_empty() {
            let (mutation, tail) = split(rest).ok_or_else(|| malformed(rows, "cut short"))?;
            let (Mutation::Put(key, _) | Mutation::Delete(key)) = mutation;
            check_sizes(mutation).map_err(|why| malformed(rows, why))?;
            if last.is_some_and(|last| last >= key) {
                return Err(malformed(rows, "keys out of order"));
            }
            last = Some(key);
            rows += 1;
            rest = tail;
        }
        Ok(Self {
            bytes: bytes.to_vec(),
            rows,
        })
    }

    /// Appends one change; keys must come in ascending order.
    ///
    /// # Errors
    /// `Invalid` when the key is empty, too long, ends in NUL, is not after the previous one, or the value too long.
    pub fn push(&mut self, last: &mut Vec<u8>, mutation: Mutation<'_>) -> Result<()> {
        let (key, value) = match mutation {
            Mutation::Put(key, value) => (key, Some(value)),
            Mutation::Delete(key) => (key, None),
        };
        check_sizes(mutation).map_err(|why| Error::new(ErrorKind::Invalid, "batch", show_key(key), why))?;
        if self.rows > 0 && last.as_slice() >= key {
            return Err(Error::new(
                ErrorKind::Invalid,
                "batch",
                show_key(key),
                "keys out of order",
            ));
        }
        last.clear();
        last.extend_from_slice(key);
        let value_field = value.map_or(0, |value| value.len() as u32 + 1);
        self.bytes.extend_from_slice(&(key.len() as u16).to_le_bytes());
        self.bytes.extend_from_slice(&value_field.to_le_bytes());
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        self.rows += 1;
        Ok(())
    }

    /// Builds a batch from changes that are already in ascending key order.
    ///
    /// # Errors
    /// As [`Mutations::push`].
    pub fn from_sorted<'a>(changes: impl IntoIterator<Item = Mutation<'a>>) -> Result<Self> {
        let mut batch = Self::new();
        let mut last = Vec::new();
        for change in changes {
            batch.push(&mut last, change)?;
        }
        Ok(batch)
    }

    /// The encoded form, as it is logged.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many rows change.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The changes in ascending key order.
    pub fn iter(&self) -> impl Iterator<Item = Mutation<'_>> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let (mutation, tail) = split(rest)?;
            rest = tail;
            Some(mutation)
        })
    }
}

fn check_sizes(mutation: Mutation<'_>) -> std::result::Result<(), &'static str> {
    let (key, value_len) = match mutation {
        Mutation::Put(key, value) => (key, value.len()),
        Mutation::Delete(key) => (key, 0),
    };
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err("key length outside 1..=1024");
    }
    // Then no key is another key and NUL, whatever a store underneath makes of its ends.
    if key.last() == Some(&0) {
        return Err("key ends in NUL");
    }
    if value_len > VALUE_BYTES_MAX {
        return Err("value longer than 40 KiB");
    }
    Ok(())
}

fn split(bytes: &[u8]) -> Option<(Mutation<'_>, &[u8])> {
    let head = bytes.get(..HEAD)?;
    let key_len = usize::from(u16::from_le_bytes([head[0], head[1]]));
    let value_field = u32::from_le_bytes([head[2], head[3], head[4], head[5]]) as usize;
    let key = bytes.get(HEAD..HEAD + key_len)?;
    let rest = &bytes[HEAD + key_len..];
    if value_field == 0 {
        return Some((Mutation::Delete(key), rest));
    }
    let value = rest.get(..value_field - 1)?;
    Some((Mutation::Put(key, value), &rest[value_field - 1..]))
}

fn malformed(row: usize, why: &str) -> Error {
    Error::new(ErrorKind::Corrupt, "decode batch", format!("row {row}"), why)
}
