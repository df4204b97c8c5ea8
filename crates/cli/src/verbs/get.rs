//! `nokv get`

use crate::archive::write_file;
use crate::args::AtArg;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Record, show_size};
use crate::progress::{Progress, rate, seconds};
use clap::Args;
use nokv_client::BodyReader;
use nokv_types::FileKind;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Download a file
///
/// Downloads a file, verified and with its holes; an existing local file is replaced when all of it arrived.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// File to download
    #[arg(add = crate::complete::places())]
    path: OsString,
    /// Where to: a file or a folder; - = standard output [default: the file's name, here]
    #[arg(add = crate::complete::files())]
    local: Option<OsString>,
    #[command(flatten)]
    at: AtArg,
}

impl Get {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let mut place = context.source(&self.path)?;
        let (view, path) = context.view(&mut place, &self.at)?;
        let client = context.client()?;
        let found = Context::named(&place, &path, client.follow(view, &path))?;
        if found.attr.kind == FileKind::Directory {
            let why = format!("{place} is a directory; nokv export takes directories");
            return Err(Failure::usage(why).try_next(format!("nokv export {place} DIR")));
        }
        if self.local.as_deref() == Some(OsStr::new("-")) {
            return super::cat::print(context, view.point, found, 0..u64::MAX);
        }
        let name = place
            .path
            .names()
            .last()
            .map_or(b"file".as_slice(), nokv_types::Name::as_bytes);
        let local = destination(self.local.as_deref(), name);
        let progress = Progress::bytes(context, Some(found.attr.size));
        let mut reader = BodyReader::open(client, view.point, found.node.ino, 0..u64::MAX)?;
        write_file(&local, found.attr.mode, &mut reader, &progress)?;
        let took = progress.finish();
        let (shown, size) = (local.display().to_string(), reader.size());
        let summary = format!(
            "{shown}: {} in {}, {}",
            show_size(size),
            seconds(took),
            rate(size, took)
        );
        let record = Record::new()
            .with("path", Field::Bytes(place.path.to_bytes()))
            .with("local", Field::Text(shown))
            .with("size", Field::Size(size))
            .with("generation", Field::Number(found.attr.generation.0));
        context.out.done(&summary, &record)
    }
}

fn destination(local: Option<&OsStr>, name: &[u8]) -> PathBuf {
    let local = Path::new(local.unwrap_or(OsStr::new(".")));
    if local.is_dir() {
        local.join(OsStr::from_bytes(name))
    } else {
        local.to_owned()
    }
}
