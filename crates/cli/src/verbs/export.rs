//! `nokv export`

use crate::archive::{FolderOut, Form, TarOut, open_out};
use crate::args::AtArg;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Format, Record, show_size};
use crate::progress::{Progress, rate, seconds};
use clap::Args;
use nokv_client::{Walk, WalkEntry};
use nokv_types::{FileKind, Version};
use std::ffi::OsString;
use std::path::Path;

/// Write a tree to a folder or an archive (tar, tar.xz, tar.zst)
///
/// Writes a tree, as of one version, to a folder or an archive. Every body is verified on its way.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Directory to write out
    #[arg(add = crate::complete::places())]
    path: OsString,
    /// A new or empty folder, or a name ending in .tar, .tar.xz or .tar.zst; - = tar on standard output
    #[arg(add = crate::complete::files())]
    local: OsString,
    #[command(flatten)]
    at: AtArg,
}

enum Destination<'c> {
    Folder(FolderOut<'c>),
    Tar(Box<TarOut<'c>>),
}

impl Export {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let form = Form::of(&self.local)?;
        let mut place = context.source(&self.path)?;
        let (mut view, path) = context.view(&mut place, &self.at)?;
        let client = context.client()?;
        if view.is_head() {
            view.point.version = client.namespace().version()?;
        }
        let top = Context::named(&place, &path, client.follow(view, &path))?;
        if top.attr.kind != FileKind::Directory {
            let why = format!("{place} is not a directory; nokv get takes files");
            return Err(Failure::usage(why).try_next(format!("nokv get {place}")));
        }
        let mut destination = if let Some(form) = form {
            Destination::Tar(Box::new(TarOut::new(client, view, open_out(&self.local, form)?)))
        } else {
            Destination::Folder(FolderOut::create(client, view, Path::new(&self.local))?)
        };
        let progress = Progress::bytes(context, None);
        let (mut entries, mut bytes, mut left_out) = (0_u64, 0, 0_u64);
        for entry in Walk::new(client, view, top) {
            let entry = entry?;
            progress.now_at(|| entry.path.to_string());
            let written = destination
                .entry(&entry, &progress)
                .map_err(|failure| self.named(failure))?;
            entries += u64::from(written);
            left_out += u64::from(!written);
            bytes += entry.found.attr.size;
        }
        destination.finish().map_err(|failure| self.named(failure))?;
        let took = progress.finish();
        if self.local == "-" {
            return Ok(());
        }
        let shown = self.local.to_string_lossy().into_owned();
        let (size, speed) = (show_size(bytes), rate(bytes, took));
        let mut summary = format!("{shown}: {entries} entries, {size} in {}, {speed}", seconds(took));
        if left_out > 0 && context.out.format == Format::Table {
            summary = format!("{summary}; {left_out} special files were left out");
        }
        let record = Record::new()
            .with("path", Field::Bytes(place.path.to_bytes()))
            .with("local", Field::Text(shown))
            .with("version", version(view.point.version))
            .with("entries", Field::Number(entries))
            .with("left_out", Field::Number(left_out))
            .with("bytes", Field::Size(bytes));
        context.out.done(&summary, &record)
    }

    /// A failed write is about the local file, except where standard output is that file.
    fn named(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Output(source) if self.local != "-" => {
                Failure::local("write", self.local.to_string_lossy(), source)
            }
            other => other,
        }
    }
}

impl Destination<'_> {
    fn entry(&mut self, entry: &WalkEntry, progress: &Progress) -> Outcome<bool> {
        match self {
            Self::Folder(folder) => folder.entry(entry, progress),
            Self::Tar(tar) => tar.entry(entry, progress),
        }
    }

    fn finish(self) -> Outcome {
        match self {
            Self::Folder(folder) => folder.finish(),
            Self::Tar(tar) => tar.finish(),
        }
    }
}

fn version(version: Version) -> Field {
    Field::Number(version.0)
}
