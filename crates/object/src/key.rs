//! Names of objects, checked when they are made.
//!
//! Invariant: a held [`Key`] is a relative path that means the same in a URL, in a file system and in an XML
//! listing: no escaping is needed anywhere, and it cannot leave the folder it is joined to.

use std::fmt;

use crate::{Error, ErrorKind, Op, Result};

/// Longest key, in bytes. S3 allows 1,024 together with the prefix of the workspace.
pub const KEY_BYTES_MAX: usize = 512;
/// Longest part of a key between two slashes, in bytes: what a file name may have.
pub const KEY_PART_BYTES_MAX: usize = 200;

/// The name of an object: parts of `A-Z a-z 0-9 . _ -`, joined by single slashes, none of them `.` or `..`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// `Invalid`, naming the rule that is broken.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        match broken_rule(&name) {
            None => Ok(Self(name)),
            Some(rule) => {
                let shown: String = name
                    .chars()
                    .take(KEY_BYTES_MAX)
                    .flat_map(char::escape_default)
                    .collect();
                Err(Error::new(ErrorKind::Invalid, Op::Open).at(shown).because(rule))
            }
        }
    }

    /// A name that is valid by the way it was built; see [`crate::layout`].
    pub(crate) fn built(name: String) -> Self {
        debug_assert!(broken_rule(&name).is_none(), "layout built an invalid key");
        Self(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts between the slashes.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.0)
    }
}

fn broken_rule(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("a key is not empty");
    }
    if name.len() > KEY_BYTES_MAX {
        return Some("a key has at most 512 bytes");
    }
    name.split('/').find_map(broken_part_rule)
}

fn broken_part_rule(part: &str) -> Option<&'static str> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if part.is_empty() {
        Some("a key is relative and has no empty part")
    } else if part.len() > KEY_PART_BYTES_MAX {
        Some("a part of a key has at most 200 bytes")
    } else if part == "." || part == ".." {
        Some("no part of a key is . or ..")
    } else if !part.bytes().all(allowed) {
        Some("a key has only letters, digits, dot, underscore, dash and slash")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_relative_names_are_keys() {
        for name in [
            "a",
            "meta/HEAD",
            "data/ab/00-1_x.y",
            "..a/b..",
            &"k".repeat(KEY_PART_BYTES_MAX),
        ] {
            assert_eq!(Key::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn names_that_escape_or_need_escaping_are_refused_with_the_rule() {
        let long_part = "k".repeat(KEY_PART_BYTES_MAX + 1);
        let long = "k/".repeat(KEY_BYTES_MAX / 2) + "k";
        for name in [
            "", "/a", "a/", "a//b", "..", "a/../b", "./a", "a b", "a%2f", "a\0", "\u{e9}", &long_part, &long,
        ] {
            let error = Key::new(name).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid, "{name}");
            assert!(std::error::Error::source(&error).is_some(), "{name}");
        }
    }
}
