//! `nokv find`

use super::ls::record;
use crate::args::AtArg;
use crate::context::Context;
use crate::failure::Outcome;
use crate::glob;
use clap::{Args, ValueEnum};
use nokv_client::Walk;
use nokv_types::{FileKind, NsPath};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

/// Find entries by name
///
/// Finds entries below a directory by name.
#[derive(Debug, Args)]
pub(crate) struct Find {
    /// Where to look
    #[arg(default_value = "/", add = crate::complete::places())]
    path: OsString,
    /// Pattern for the last name: *, ?, [a-z]
    #[arg(long, value_name = "PATTERN")]
    name: Option<OsString>,
    /// Kind of the entry
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Option<Kind>,
    /// Most entries to print
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    at: AtArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    File,
    Directory,
    Symlink,
}

impl Find {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let mut place = context.source(&self.path)?;
        let (view, path) = context.view(&mut place, &self.at)?;
        let client = context.client()?;
        let top = Context::named(&place, &path, client.follow(view, &path))?;
        let mut list = context.out.listing(&["path"]).headless();
        for entry in Walk::new(client, view, top) {
            let entry = entry?;
            if self.limit.is_some_and(|limit| list.count() >= limit) {
                break;
            }
            let name = entry
                .path
                .names()
                .last()
                .map_or(&b""[..], nokv_types::Name::as_bytes);
            let wanted = self
                .name
                .as_ref()
                .is_none_or(|pattern| glob::matches(pattern.as_bytes(), name));
            if wanted && self.kind.is_none_or(|kind| kind.is(entry.found.attr.kind)) {
                let path = below(&place.path, &entry.path);
                list.push(record(&path, &entry.found, None).rename("name", "path"))?;
            }
        }
        list.end()
    }
}

impl Kind {
    fn is(self, kind: FileKind) -> bool {
        let wanted = match self {
            Self::File => FileKind::File,
            Self::Directory => FileKind::Directory,
            Self::Symlink => FileKind::Symlink,
        };
        wanted == kind
    }
}

/// A path below another one, from the root.
pub(super) fn below(top: &NsPath, path: &NsPath) -> Vec<u8> {
    let whole = path
        .names()
        .iter()
        .fold(top.clone(), |path, name| path.join(name.clone()));
    whole.to_bytes()
}
