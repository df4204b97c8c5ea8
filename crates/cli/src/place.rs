//! How arguments name places: `/runs/a` on the current root, `fork:/runs/a` on another one.

use crate::context::parse_path;
use crate::failure::{Failure, Outcome};
use nokv_types::{NsPath, show_bytes};
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;

/// A root and a path on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) root: Vec<u8>,
    pub(crate) path: NsPath,
    /// Whether the path ended in a slash: a directory is meant.
    pub(crate) is_folder: bool,
}

impl Place {
    pub(crate) fn parse(argument: &OsStr, root: &[u8]) -> Outcome<Self> {
        let bytes = argument.as_bytes();
        if bytes.is_empty() {
            return Err(Failure::usage("an empty path names nothing; the root is /"));
        }
        let (root, path) = match bytes.windows(2).position(|pair| pair == b":/") {
            Some(colon) if colon > 0 && !bytes[..colon].contains(&b'/') => {
                (&bytes[..colon], &bytes[colon + 1..])
            }
            _ => (root, bytes),
        };
        Ok(Self {
            root: root.to_vec(),
            path: parse_path(path)?,
            is_folder: path.ends_with(b"/"),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.root != crate::settings::MAIN_ROOT.as_bytes() {
            write!(f, "{}:", show_bytes(&self.root))?;
        }
        write!(f, "{}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (String, String) {
        let place = Place::parse(OsStr::new(text), b"main").unwrap();
        (show_bytes(&place.root), place.path.to_string())
    }

    #[test]
    fn a_root_stands_before_a_colon_and_a_slash() {
        assert_eq!(parse("/a/b"), ("main".into(), "/a/b".into()));
        assert_eq!(parse("a/b/"), ("main".into(), "/a/b".into()));
        assert_eq!(parse("exp:/a"), ("exp".into(), "/a".into()));
        assert_eq!(parse("exp:/"), ("exp".into(), "/".into()));
    }

    #[test]
    fn colons_elsewhere_belong_to_names() {
        assert_eq!(parse("a:b"), ("main".into(), "/a:b".into()));
        assert_eq!(parse("/x:/y"), ("main".into(), "/x:/y".into()));
        assert_eq!(parse(":/y"), ("main".into(), "/:/y".into()));
    }

    #[test]
    fn nothing_and_parents_are_refused() {
        assert!(Place::parse(OsStr::new(""), b"main").is_err());
        assert!(Place::parse(OsStr::new("/a/../b"), b"main").is_err());
    }
}
