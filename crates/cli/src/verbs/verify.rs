//! `nokv verify`

use super::find::below;
use crate::args::AtArg;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Format, Record, show_size};
use crate::progress::{Progress, rate, seconds};
use clap::Args;
use nokv_client::{BodyReader, Found, View, Walk};
use nokv_types::{Code, FileKind};
use std::collections::HashSet;
use std::ffi::OsString;

/// Read bodies again and check them against their digests
///
/// Reads every body again and checks it against its digests.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Tree or file
    #[arg(default_value = "/", add = crate::complete::places())]
    path: OsString,
    #[command(flatten)]
    at: AtArg,
}

#[derive(Default)]
struct Seen {
    files: u64,
    bytes: u64,
    damaged: u64,
}

impl Verify {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let mut place = context.source(&self.path)?;
        let (view, path) = context.view(&mut place, &self.at)?;
        let client = context.client()?;
        let top = Context::named(&place, &path, client.follow(view, &path))?;
        let progress = Progress::bytes(context, None);
        let mut findings = Vec::new();
        let mut seen = Seen::default();
        let mut read = HashSet::new();
        let itself = (place.path.to_bytes(), top);
        let all = std::iter::once(Ok(itself)).chain(
            Walk::new(client, view, top).map(|entry| entry.map(|e| (below(&place.path, &e.path), e.found))),
        );
        for entry in all {
            let (path, found) = entry?;
            let again = found.attr.nlink > 1 && !read.insert(found.node);
            if found.attr.kind != FileKind::File || again {
                continue;
            }
            progress.now_at(|| nokv_types::show_bytes(&path));
            seen.files += 1;
            match check(context, view, found, &progress) {
                Ok(bytes) => seen.bytes += bytes,
                Err(Failure::Client(error)) if error.code() == Some(Code::Corrupt) => {
                    seen.damaged += 1;
                    let why = Field::Text(error.to_string());
                    findings.push(Record::new().with("path", Field::Bytes(path)).with("why", why));
                }
                Err(other) => return Err(other),
            }
        }
        let took = progress.finish();
        let counts = Record::new()
            .with("clean", Field::Flag(seen.damaged == 0))
            .with("files", Field::Number(seen.files))
            .with("bytes", Field::Size(seen.bytes))
            .with("damaged", Field::Number(seen.damaged));
        context.out.findings(&["path", "why"], findings, counts)?;
        let what = format!("{} files, {}", seen.files, show_size(seen.bytes));
        if seen.damaged > 0 {
            let damaged = format!("{} of {what} are damaged", seen.damaged);
            return Err(Failure::damaged(damaged, "nokv fsck"));
        }
        if context.out.format == Format::Table && !context.out.quiet {
            let speed = rate(seen.bytes, took);
            context
                .out
                .line(&format!("verified {what} in {}, {speed}", seconds(took)))?;
        }
        Ok(())
    }
}

/// Reads one body; answers how much data it has.
fn check(context: &Context, view: View, found: Found, progress: &Progress) -> Outcome<u64> {
    let mut reader = BodyReader::open(context.client()?, view.point, found.node.ino, 0..u64::MAX)?;
    let mut bytes = 0;
    while let Some(piece) = reader.next_piece()? {
        if piece.data.is_some() {
            bytes += piece.len;
            progress.add(piece.len);
        }
    }
    Ok(bytes)
}
