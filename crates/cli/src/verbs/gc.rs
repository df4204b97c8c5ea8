//! `nokv gc`

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Format, Record, show_size};
use crate::progress::Progress;
use clap::Args;
use nokv_client::{GcOptions, ObjectState};
use nokv_types::ObjectId;

/// Delete what nothing refers to
///
/// Reclaims removed trees, prunes history that nothing can see, and deletes objects that nothing refers to.
#[derive(Debug, Args)]
pub(crate) struct Gc {
    /// Say what would be deleted, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Say what keeps this object, and do nothing
    #[arg(long, value_name = "OBJECT", conflicts_with = "dry_run")]
    explain: Option<String>,
    /// Do not wait for the grace period; safe while no other process reads this workspace
    #[arg(long)]
    now: bool,
}

impl Gc {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        if let Some(object) = &self.explain {
            return explain(context, object);
        }
        let options = GcOptions {
            dry_run: self.dry_run,
            ignore_grace: self.now,
        };
        let client = context.client()?;
        let progress = Progress::waiting(context, "looking for what nothing refers to");
        let report = client.namespace().gc(&options);
        progress.finish();
        let report = report?;
        if self.dry_run && context.out.format == Format::Table {
            let mut list = context.out.listing(&["object", "since"]);
            for dead in &report.objects {
                list.push(
                    Record::new()
                        .with("object", Field::Object(dead.object))
                        .with("since", Field::Number(dead.since.0)),
                )?;
            }
            list.end()?;
        }
        let verb = if self.dry_run { "would delete" } else { "deleted" };
        let summary = format!(
            "{verb} {} objects ({}); {} wait for their grace; {} rows reclaimed, {} pruned",
            report.objects_deleted,
            show_size(report.bytes_freed),
            report.objects_waiting,
            report.rows_reclaimed,
            report.rows_pruned
        );
        let record = Record::new()
            .with("dry_run", Field::Flag(self.dry_run))
            .with("objects_deleted", Field::Number(report.objects_deleted))
            .with("bytes_freed", Field::Size(report.bytes_freed))
            .with("objects_waiting", Field::Number(report.objects_waiting))
            .with("rows_reclaimed", Field::Number(report.rows_reclaimed))
            .with("rows_pruned", Field::Number(report.rows_pruned));
        context.out.done(&summary, &record)
    }
}

fn explain(context: &Context, text: &str) -> Outcome {
    let id = u128::from_str_radix(text, 16).ok().filter(|_| text.len() <= 32);
    let id =
        id.ok_or_else(|| Failure::usage(format!("{text} is not the id of an object (32 hex digits)")))?;
    let answer = context.client()?.namespace().gc_explain(ObjectId(id))?;
    let (state, count) = match answer.state {
        ObjectState::Unknown => ("unknown", None),
        ObjectState::Reserved => ("reserved", None),
        ObjectState::Referenced(count) => ("referenced", Some(count)),
        ObjectState::Waiting(since) => ("waiting", Some(since.0)),
    };
    if context.out.format == Format::Table {
        let what = match answer.state {
            ObjectState::Unknown => "was never reserved, or is gone".to_owned(),
            ObjectState::Reserved => "is reserved, and no body refers to it".to_owned(),
            ObjectState::Referenced(count) => format!("is kept by {count} references"),
            ObjectState::Waiting(since) => {
                format!(
                    "is kept by nothing since version {}, and waits to be deleted",
                    since.0
                )
            }
        };
        let stored = if answer.stored { "stored" } else { "not stored" };
        context.out.line(&format!("{id:032x} {what} ({stored})"))?;
    }
    let mut list = context
        .out
        .listing(&["because", "timeline", "ino", "generation", "path"]);
    if context.out.format != Format::Table {
        list.push(
            Record::new()
                .with("object", Field::Object(answer.object))
                .with("state", Field::Text(state.to_owned()))
                .with("references_or_since", Field::or_none(count, Field::Number))
                .with("stored", Field::Flag(answer.stored)),
        )?;
    }
    for holder in answer.holders {
        list.push(
            Record::new()
                .with("because", Field::Text(holder.because))
                .with("timeline", Field::Number(holder.timeline.0))
                .with("ino", Field::Number(holder.ino.0))
                .with("generation", Field::Number(holder.generation.0))
                .with("path", Field::or_none(holder.path, Field::Bytes)),
        )?;
    }
    list.end()
}
