//! Names of directory entries and extended attributes, and paths made of them. Bytes, not UTF-8.

use crate::{Code, Refusal};
use std::fmt;

/// Longest name of an entry or an attribute, in bytes.
pub const NAME_BYTES_MAX: usize = 255;
/// Longest path, in bytes.
pub const PATH_BYTES_MAX: usize = 4096;

/// The name of a directory entry: 1..=255 bytes, no `/`, no NUL, neither `.` nor `..`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<[u8]>);

impl Name {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// `NameInvalid` or `NameTooLong`, naming the name.
    pub fn new(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > NAME_BYTES_MAX {
            return Err(
                Refusal::new(Code::NameTooLong, show_bytes(bytes)).detail("a name has at most 255 bytes")
            );
        }
        let why = match bytes {
            b"" => "a name is not empty",
            b"." | b".." => "the names . and .. are reserved",
            _ if bytes.contains(&b'/') => "a name has no slash",
            _ if bytes.contains(&0) => "a name has no NUL byte",
            _ => return Ok(Self(bytes.into())),
        };
        Err(Refusal::new(Code::NameInvalid, show_bytes(bytes)).detail(why))
    }

    /// The bytes of the name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({})", show_bytes(&self.0))
    }
}

/// The name of an extended attribute: 1..=255 bytes, no NUL.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct XattrName(Box<[u8]>);

impl XattrName {
    /// Checks and takes an attribute name.
    ///
    /// # Errors
    /// `NameInvalid` or `NameTooLong`, naming the name.
    pub fn new(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > NAME_BYTES_MAX {
            return Err(Refusal::new(Code::NameTooLong, show_bytes(bytes))
                .detail("an attribute name has at most 255 bytes"));
        }
        if bytes.is_empty() || bytes.contains(&0) {
            return Err(Refusal::new(Code::NameInvalid, show_bytes(bytes))
                .detail("an attribute name has 1..=255 bytes and no NUL"));
        }
        Ok(Self(bytes.into()))
    }

    /// The bytes of the name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for XattrName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "XattrName({})", show_bytes(&self.0))
    }
}

/// A path below a root: names from the root downwards; empty = the root itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct NsPath {
    names: Vec<Name>,
}

impl NsPath {
    /// Takes a path as people write it: leading, trailing and doubled slashes and `.` parts mean nothing.
    ///
    /// # Errors
    /// `PathTooLong` over 4096 bytes; `NameInvalid` for a `..` part or a NUL; `NameTooLong` for a long part.
    pub fn parse(text: &[u8]) -> Result<Self, Refusal> {
        if text.len() > PATH_BYTES_MAX {
            return Err(
                Refusal::new(Code::PathTooLong, show_bytes(text)).detail("a path has at most 4096 bytes")
            );
        }
        let parts = text
            .split(|byte| *byte == b'/')
            .filter(|part| !part.is_empty() && *part != b".");
        Ok(Self {
            names: parts.map(Name::new).collect::<Result<_, _>>()?,
        })
    }

    /// The names from the root downwards.
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// Whether this is the root itself.
    pub fn is_root(&self) -> bool {
        self.names.is_empty()
    }

    /// The path of the parent and the last name; `None` for the root.
    pub fn split_last(&self) -> Option<(NsPath, &Name)> {
        let (last, parents) = self.names.split_last()?;
        Some((
            NsPath {
                names: parents.to_vec(),
            },
            last,
        ))
    }

    /// The path of `name` below this one.
    #[must_use]
    pub fn join(&self, name: Name) -> NsPath {
        let mut names = self.names.clone();
        names.push(name);
        NsPath { names }
    }

    /// The path as bytes, starting with a slash.
    pub fn to_bytes(&self) -> Vec<u8> {
        if self.names.is_empty() {
            return b"/".to_vec();
        }
        let mut bytes = Vec::new();
        for name in &self.names {
            bytes.push(b'/');
            bytes.extend_from_slice(name.as_bytes());
        }
        bytes
    }
}

impl fmt::Display for NsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_bytes(&self.to_bytes()))
    }
}

/// Renders bytes for a message: valid printable UTF-8 as it is, anything else escaped, cut after 300 bytes.
pub fn show_bytes(bytes: &[u8]) -> String {
    const SHOWN_MAX: usize = 300;
    let cut = &bytes[..bytes.len().min(SHOWN_MAX)];
    let mut text = String::new();
    for chunk in cut.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                text.extend(c.escape_default());
            } else {
                text.push(c);
            }
        }
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    if bytes.len() > SHOWN_MAX {
        text.push_str("..");
    }
    text
}
