//! What a file name says about the archive in it.

use crate::failure::{Failure, Outcome};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// The archives that can be written and read.
pub(crate) const FORMS: &str = ".tar, .tar.xz (.txz), .tar.zst (.tzst)";
/// Endings of archives and packed files that cannot be written, with what would pack a tar so.
const OTHERS: [(&str, Option<&str>); 14] = [
    (".tar.gz", Some("gzip")),
    (".tgz", Some("gzip")),
    (".gz", Some("gzip")),
    (".tar.bz2", Some("bzip2")),
    (".tbz", Some("bzip2")),
    (".tbz2", Some("bzip2")),
    (".bz2", Some("bzip2")),
    (".tar.lz4", Some("lz4")),
    (".lz4", Some("lz4")),
    (".xz", None),
    (".zst", None),
    (".zip", None),
    (".7z", None),
    (".rar", None),
];

/// How a tar is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Not at all.
    Plain,
    /// By xz.
    Xz,
    /// By zstd.
    Zstd,
}

impl Form {
    /// The archive that a destination is the name of; none = a folder.
    ///
    /// # Errors
    /// `Usage` for the name of an archive of another kind.
    pub(crate) fn of(local: &OsStr) -> Outcome<Option<Self>> {
        let name = local.as_bytes().to_ascii_lowercase();
        let ends = |end: &str| name.ends_with(end.as_bytes());
        if name == b"-" || ends(".tar") {
            return Ok(Some(Self::Plain));
        }
        if ends(".tar.xz") || ends(".txz") {
            return Ok(Some(Self::Xz));
        }
        if ends(".tar.zst") || ends(".tzst") {
            return Ok(Some(Self::Zstd));
        }
        let Some((end, packer)) = OTHERS.iter().find(|(end, _)| ends(end)) else {
            return Ok(None);
        };
        let shown = local.to_string_lossy();
        let why = format!("{shown}: {end} cannot be written; an archive is {FORMS}");
        let refused = Failure::usage(why);
        Err(match packer {
            Some(packer) => refused.try_next(format!("nokv export PATH - | {packer} > {shown}")),
            None => refused.try_next("nokv help export"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_archive_a_folder_or_refused() {
        let of = |name: &str| Form::of(OsStr::new(name));
        for (name, form) in [
            ("-", Some(Form::Plain)),
            ("a.tar", Some(Form::Plain)),
            ("A.TAR.XZ", Some(Form::Xz)),
            ("a.txz", Some(Form::Xz)),
            ("a.tar.zst", Some(Form::Zstd)),
            ("a.tzst", Some(Form::Zstd)),
            ("folder", None),
            ("folder.d", None),
        ] {
            assert_eq!(of(name).unwrap(), form, "{name}");
        }
        for (end, _) in OTHERS {
            assert!(of(&format!("a{end}")).is_err(), "{end}");
        }
    }
}
