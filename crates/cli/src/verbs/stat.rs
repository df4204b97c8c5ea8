//! `nokv stat`

use crate::args::AtArg;
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{Field, Record, kind_word};
use clap::Args;
use nokv_client::Found;
use nokv_types::{FileKind, Source};
use std::collections::BTreeSet;
use std::ffi::OsString;

/// Bytes of a body whose extents are counted.
const PLAN_BYTES: u64 = 1 << 40;

/// Show what is known of an entry
///
/// Shows attributes and what the body is made of.
#[derive(Debug, Args)]
pub(crate) struct Stat {
    /// Entry to show
    #[arg(add = crate::complete::places())]
    path: OsString,
    /// Follow a symbolic link
    #[arg(short = 'L', long)]
    follow: bool,
    #[command(flatten)]
    at: AtArg,
}

impl Stat {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let mut place = context.source(&self.path)?;
        let (view, path) = context.view(&mut place, &self.at)?;
        let client = context.client()?;
        let found = if self.follow {
            Context::named(&place, &path, client.follow(view, &path))?
        } else {
            Context::named(&place, &path, client.find(view, &path))?
        };
        let mut record = attributes(&place.path.to_bytes(), &found);
        if found.attr.kind == FileKind::Symlink {
            let target = client.namespace().readlink(view.point, found.node.ino)?;
            record = record.with("target", Field::Bytes(target));
        }
        if found.attr.kind == FileKind::File {
            let plan = client
                .namespace()
                .read_plan(view.point, found.node.ino, 0, PLAN_BYTES)?;
            let mut objects = BTreeSet::new();
            let mut inline = 0;
            for extent in &plan.extents {
                match &extent.source {
                    Source::Inline(bytes) => inline += bytes.len() as u64,
                    Source::Slice(slice) => {
                        objects.insert(slice.object);
                    }
                }
            }
            record = record
                .with("extents", Field::Number(plan.extents.len() as u64))
                .with("objects", Field::Number(objects.len() as u64))
                .with("inline_bytes", Field::Size(inline))
                .with(
                    "first_object",
                    Field::or_none(objects.first().copied(), Field::Object),
                );
        }
        context.out.record(&record)
    }
}

fn attributes(path: &[u8], found: &Found) -> Record {
    let attr = &found.attr;
    Record::new()
        .with("path", Field::Bytes(path.to_vec()))
        .with("kind", Field::Text(kind_word(attr.kind).to_owned()))
        .with("mode", Field::Mode(attr.kind, attr.mode))
        .with("uid", Field::Number(u64::from(attr.uid)))
        .with("gid", Field::Number(u64::from(attr.gid)))
        .with("size", Field::Size(attr.size))
        .with("allocated", Field::Size(attr.allocated))
        .with("nlink", Field::Number(u64::from(attr.nlink)))
        .with("entries", Field::Number(attr.entries))
        .with("timeline", Field::Number(found.node.timeline.0))
        .with("ino", Field::Number(found.node.ino.0))
        .with("generation", Field::Number(attr.generation.0))
        .with("quota", Field::Number(attr.quota.0))
        .with("mtime", Field::Time(attr.mtime))
        .with("ctime", Field::Time(attr.ctime))
        .with("btime", Field::Time(attr.btime))
}
