//! How arguments name places: `/runs/a` on the current root, `fork:/runs/a` on another one.

use crate::context::parse_path;
use crate::failure::{Failure, Outcome};
use crate::settings::MAIN_ROOT;
use nokv_types::{NsPath, Version, show_bytes};
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;

/// What the names begin with that `nokv publish` prints: `nokv-native://ROOT/path@GENERATION`, without a root for
/// the workspace's own.
const CITED: &[u8] = b"nokv-native://";

/// A root and a path on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) root: Vec<u8>,
    pub(crate) path: NsPath,
    /// Whether the path ended in a slash: a directory is meant.
    pub(crate) is_folder: bool,
    /// The generation that a name out of `nokv publish` stands for.
    pub(crate) cited: Option<Version>,
}

impl Place {
    pub(crate) fn parse(argument: &OsStr, root: &[u8]) -> Outcome<Self> {
        let bytes = argument.as_bytes();
        if bytes.is_empty() {
            return Err(Failure::usage("an empty path names nothing; the root is /"));
        }
        if let Some(cited) = bytes.strip_prefix(CITED) {
            return Self::parse_cited(cited);
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
            cited: None,
        })
    }

    /// `ROOT/path@GENERATION`; a version and a line may follow, as in `@7:9#L12`.
    fn parse_cited(cited: &[u8]) -> Outcome<Self> {
        let wrong = || {
            let whole = show_bytes(&[CITED, cited].concat());
            Failure::usage(format!(
                "{whole}: such a name is nokv-native://[ROOT]/PATH@GENERATION"
            ))
        };
        let slash = cited.iter().position(|byte| *byte == b'/').ok_or_else(wrong)?;
        let at = cited
            .iter()
            .rposition(|byte| *byte == b'@')
            .filter(|at| *at > slash);
        let (path, tail) = cited.split_at(at.ok_or_else(wrong)?);
        let tail = std::str::from_utf8(&tail[1..]).map_err(|_| wrong())?;
        let number = tail.split(['#', ':']).next().unwrap_or(tail);
        let (root, path) = path.split_at(slash);
        let root = if root.is_empty() {
            MAIN_ROOT.as_bytes()
        } else {
            root
        };
        Ok(Self {
            root: root.to_vec(),
            path: parse_path(path)?,
            is_folder: false,
            cited: Some(Version(number.parse().map_err(|_| wrong())?)),
        })
    }

    /// The name of a published file that can be cited and read again.
    pub(crate) fn cite_at(&self, generation: Version) -> String {
        let main = self.root == MAIN_ROOT.as_bytes();
        let root = if main {
            String::new()
        } else {
            show_bytes(&self.root)
        };
        format!("nokv-native://{root}{}@{}", self.path, generation.0)
    }

    /// How the place was written, when it was cited.
    pub(crate) fn cite(&self) -> String {
        self.cited
            .map_or_else(|| self.to_string(), |generation| self.cite_at(generation))
    }

    /// Another path on the same root.
    pub(crate) fn with_path(&self, path: NsPath) -> Self {
        Self {
            path,
            is_folder: false,
            cited: None,
            ..self.clone()
        }
    }

    /// A path of this root, as it is written.
    pub(crate) fn names_of(&self, path: &str) -> String {
        let shown = self.to_string();
        format!("{}{path}", shown.strip_suffix('/').unwrap_or(&shown))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.root != MAIN_ROOT.as_bytes() {
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
    fn what_publish_prints_is_read_back() {
        for text in ["nokv-native:///runs/a@b.json@17", "nokv-native://exp/a@3"] {
            let place = Place::parse(OsStr::new(text), b"other").unwrap();
            assert_eq!(place.cite(), text);
        }
        let line = Place::parse(OsStr::new("nokv-native:///a@3:9#L12"), b"main").unwrap();
        assert_eq!(
            (line.cited, parse("/a").1),
            (Some(Version(3)), line.path.to_string())
        );
        for text in [
            "nokv-native://",
            "nokv-native:///a",
            "nokv-native:///a@",
            "nokv-native:///a@x",
        ] {
            assert!(Place::parse(OsStr::new(text), b"main").is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_and_parents_are_refused() {
        assert!(Place::parse(OsStr::new(""), b"main").is_err());
        assert!(Place::parse(OsStr::new("/a/../b"), b"main").is_err());
    }
}
