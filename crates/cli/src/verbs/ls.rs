//! `nokv ls`

use crate::args::AtArg;
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{Field, Format, Listing, Record, kind_word};
use clap::Args;
use nokv_client::{Found, View, Walk};
use nokv_types::{DirEntry, FileKind, Name, NsPath, show_bytes};
use std::ffi::OsString;

/// Entries that one page of a listing asks for.
const PAGE_ENTRIES: usize = 1024;

/// List a directory
///
/// Lists what is in a directory, in the order of names.
#[derive(Debug, Args)]
pub(crate) struct Ls {
    /// Directory or file
    #[arg(default_value = "/", add = crate::complete::places())]
    path: OsString,
    /// One line per entry: mode, owner, size, entries, age
    #[arg(short, long)]
    long: bool,
    /// Names that begin with a dot, too
    #[arg(short, long)]
    all: bool,
    /// Everything below it, with paths
    #[arg(short = 'R', long)]
    recursive: bool,
    /// The directory itself, not what is in it
    #[arg(short, long)]
    directory: bool,
    #[command(flatten)]
    at: AtArg,
}

impl Ls {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let mut place = context.source(&self.path)?;
        let (view, path) = context.view(&mut place, &self.at)?;
        let found = Context::named(&place, &path, context.client()?.follow(view, &path))?;
        let columns: &[&'static str] = if self.long {
            &["mode", "uid", "gid", "size", "entries", "modified", "name"]
        } else {
            &["name"]
        };
        let mut list = context.out.listing(columns).headless();
        if self.directory || found.attr.kind != FileKind::Directory {
            list.push(record(&place.path.to_bytes(), &found, None))?;
        } else if self.recursive {
            self.recursive(context, view, found, &mut list)?;
        } else {
            self.one(context, view, found, &mut list)?;
        }
        list.end()
    }

    fn one(&self, context: &Context, view: View, dir: Found, list: &mut Listing<'_>) -> Outcome {
        let client = context.client()?;
        let mut after: Option<Name> = None;
        loop {
            client.check_stop("list", "a directory")?;
            let namespace = client.namespace();
            let page = namespace.readdir(view.point, dir.node.ino, after.as_ref(), PAGE_ENTRIES, true)?;
            after = page.entries.last().map(|entry| entry.name.clone());
            for entry in page.entries {
                if !self.hides(entry.name.as_bytes()) {
                    self.entry(context, view, entry, list)?;
                }
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    fn entry(&self, context: &Context, view: View, entry: DirEntry, list: &mut Listing<'_>) -> Outcome {
        let namespace = context.client()?.namespace();
        let attr = match entry.attr {
            Some(attr) => attr,
            None => namespace.getattr(view.point, entry.node.ino)?,
        };
        let found = Found {
            node: entry.node,
            attr,
        };
        let wants_target = self.long || context.out.format != Format::Table;
        let target = if attr.kind == FileKind::Symlink && wants_target {
            Some(namespace.readlink(view.point, entry.node.ino)?)
        } else {
            None
        };
        let mut shown = record(entry.name.as_bytes(), &found, target.as_deref());
        if context.out.format == Format::Table {
            shown = for_people(entry.name.as_bytes(), shown, target.as_deref());
        }
        list.push(shown)
    }

    fn recursive(&self, context: &Context, view: View, dir: Found, list: &mut Listing<'_>) -> Outcome {
        let mut walk = Walk::new(context.client()?, view, dir);
        while let Some(entry) = walk.next() {
            let entry = entry?;
            if entry
                .path
                .names()
                .last()
                .is_some_and(|name| self.hides(name.as_bytes()))
            {
                walk.skip_below(&entry);
                continue;
            }
            list.push(record(&relative(&entry.path), &entry.found, None))?;
        }
        Ok(())
    }

    fn hides(&self, name: &[u8]) -> bool {
        !self.all && name.starts_with(b".")
    }
}

/// A path below the listed directory, without the leading slash.
pub(super) fn relative(path: &NsPath) -> Vec<u8> {
    let mut bytes = path.to_bytes();
    bytes.remove(0);
    bytes
}

/// Adds the arrow of a link to the name that people read.
fn for_people(name: &[u8], record: Record, target: Option<&[u8]>) -> Record {
    let Some(target) = target else {
        return record;
    };
    record.replace(
        "name",
        Field::Text(format!("{} -> {}", show_bytes(name), show_bytes(target))),
    )
}

/// An entry as it is listed.
pub(super) fn record(name: &[u8], found: &Found, target: Option<&[u8]>) -> Record {
    let attr = &found.attr;
    let is_dir = attr.kind == FileKind::Directory;
    Record::new()
        .with("name", Field::Bytes(name.to_vec()))
        .with("kind", Field::Text(kind_word(attr.kind).to_owned()))
        .with("mode", Field::Mode(attr.kind, attr.mode))
        .with("uid", Field::Number(u64::from(attr.uid)))
        .with("gid", Field::Number(u64::from(attr.gid)))
        .with("size", Field::Size(attr.size))
        .with(
            "entries",
            if is_dir {
                Field::Number(attr.entries)
            } else {
                Field::None
            },
        )
        .with("modified", Field::Age(attr.mtime))
        .with("ino", Field::Number(found.node.ino.0))
        .with("generation", Field::Number(attr.generation.0))
        .with(
            "target",
            Field::or_none(target, |target| Field::Bytes(target.to_vec())),
        )
}
