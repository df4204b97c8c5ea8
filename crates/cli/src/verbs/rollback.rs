//! `nokv rollback`

use super::fork::{keep_key, origin, repoint};
use crate::args::Sure;
use crate::confirm::confirm;
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{Field, Record};
use clap::Args;
use nokv_types::{Command, show_bytes};

/// Points the root of --root at an earlier state of itself, in one step. The state before it stays for 24 hours.
#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// State to go back to
    #[arg(value_name = "SNAPSHOT|VERSION|TIME")]
    to: String,
    #[command(flatten)]
    sure: Sure,
}

impl Rollback {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let origin = origin(context, Some(&self.to))?;
        let name = context.settings.root.clone();
        let shown = show_bytes(&name);
        if self.sure.dry_run {
            let record = Record::new()
                .with("name", Field::Bytes(name))
                .with("to", Field::Text(self.to.clone()))
                .with("dry_run", Field::Flag(true));
            return context
                .out
                .done(&format!("would roll {shown} back to {}", self.to), &record);
        }
        confirm(&self.sure, &format!("roll {shown} back to {}", self.to))?;
        let rollback = Command::Rollback {
            keep: keep_key(context, "rollback", &name)?,
            name,
            origin,
        };
        repoint(context, rollback, &format!("{shown} is back at {}", self.to))
    }
}
