//! `nokv df`

use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{Field, Format, Record};
use clap::Args;

/// What people are shown: the words, and the fields of the bytes and of the number.
const ROWS: [(&str, &str, &str); 9] = [
    ("live data", "live_bytes", "live_inodes"),
    ("limit", "limit_bytes", "limit_inodes"),
    ("objects", "object_bytes", "objects"),
    (
        "objects waiting for deletion",
        "object_bytes_waiting",
        "objects_waiting",
    ),
    ("metadata", "frame_bytes", ""),
    ("log", "log_bytes", ""),
    ("events", "event_bytes", ""),
    ("events that something holds", "event_bytes_held", ""),
    ("checkpoints", "checkpoint_bytes", ""),
];

/// Show where the bytes are
///
/// Shows where the bytes are: live data, metadata, log, events, checkpoints, objects.
#[derive(Debug, Args)]
pub(crate) struct Df {}

impl Df {
    #[expect(clippy::unused_self, reason = "every verb runs from its arguments")]
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let namespace = context.client()?.namespace();
        let (df, fs) = (namespace.df()?, namespace.statfs()?);
        let record = Record::new()
            .with("live_bytes", Field::Size(df.live_bytes))
            .with("live_inodes", Field::Number(df.live_inodes))
            .with("limit_bytes", Field::or_none(fs.limits.bytes, Field::Size))
            .with("limit_inodes", Field::or_none(fs.limits.inodes, Field::Number))
            .with("objects", Field::Number(df.objects))
            .with("object_bytes", Field::Size(df.object_bytes))
            .with("objects_waiting", Field::Number(df.objects_waiting))
            .with("object_bytes_waiting", Field::Size(df.object_bytes_waiting))
            .with("objects_reserved", Field::Number(df.objects_reserved))
            .with("object_bytes_reserved", Field::Size(df.object_bytes_reserved))
            .with("frame_bytes", Field::Size(df.frame_bytes))
            .with("log_bytes", Field::Size(df.log_bytes))
            .with("event_bytes", Field::Size(df.event_bytes))
            .with("event_bytes_held", Field::Size(df.event_bytes_held))
            .with("checkpoint_bytes", Field::Size(df.checkpoint_bytes));
        if context.out.format != Format::Table {
            return context.out.record(&record);
        }
        let mut list = context.out.listing(&["what", "bytes", "number"]);
        for (what, bytes, number) in ROWS {
            let field = |key: &str| record.get(key).cloned().unwrap_or(Field::None);
            let row = Record::new().with("what", Field::Text(what.to_owned()));
            list.push(row.with("bytes", field(bytes)).with("number", field(number)))?;
        }
        list.end()
    }
}
