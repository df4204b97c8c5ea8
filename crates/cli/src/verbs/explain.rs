//! `nokv explain`

use crate::catalogue::{self, Entry};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Record};
use clap::Args;

/// Say what an error code means
///
/// Says what an error code means and what to do; without a code, lists them all.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The code: NOKV-E0002, 2, or its name
    code: Option<String>,
}

impl Explain {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let Some(code) = &self.code else {
            let mut list = context.out.listing(&["code", "name", "exit", "meaning"]);
            for entry in catalogue::all() {
                list.push(record(entry))?;
            }
            return list.end();
        };
        let entry = catalogue::find(code);
        let unknown = || Failure::usage(format!("there is no error {code}")).try_next("nokv explain");
        context.out.record(&record(entry.ok_or_else(unknown)?))
    }
}

fn record(entry: Entry) -> Record {
    Record::new()
        .with("code", Field::Text(entry.code()))
        .with("name", Field::Text(entry.name.to_owned()))
        .with("meaning", Field::Text(entry.meaning))
        .with("action", Field::Text(entry.action.to_owned()))
        .with("retry", Field::Text(entry.retry.to_owned()))
        .with("exit", Field::Number(u64::from(entry.exit)))
        .with(
            "errno",
            Field::or_none(entry.errno, |errno| {
                Field::Number(u64::from(errno.unsigned_abs()))
            }),
        )
        .with("try", Field::or_none(entry.next, Field::Text))
}
