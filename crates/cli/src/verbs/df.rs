//! `nokv df`

use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{Field, Record};
use clap::Args;

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
            .with("frame_bytes", Field::Size(df.frame_bytes))
            .with("log_bytes", Field::Size(df.log_bytes))
            .with("event_bytes", Field::Size(df.event_bytes))
            .with("event_bytes_held", Field::Size(df.event_bytes_held))
            .with("checkpoint_bytes", Field::Size(df.checkpoint_bytes));
        context.out.record(&record)
    }
}
