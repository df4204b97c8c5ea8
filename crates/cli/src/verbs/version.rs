//! `nokv version`

use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{Field, Record};
use clap::Args;

/// Print the version
///
/// Prints the version.
#[derive(Debug, Args)]
pub(crate) struct Version {}

impl Version {
    #[expect(clippy::unused_self, reason = "every verb runs from its arguments")]
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let version = env!("CARGO_PKG_VERSION");
        let record = Record::new().with("version", Field::Text(version.to_owned()));
        match context.out.format {
            crate::output::Format::Table => context.out.line(&format!("nokv {version}")),
            _ => context.out.record(&record),
        }
    }
}
