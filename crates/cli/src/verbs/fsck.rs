//! `nokv fsck`

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Format, Record};
use clap::Args;

/// Proves counts, references and the presence of every object against a full walk.
#[derive(Debug, Args)]
pub(crate) struct Fsck {
    /// Rebuild derived rows; anything else goes to lost+found
    #[arg(long)]
    repair: bool,
}

impl Fsck {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let report = context.client()?.namespace().fsck(self.repair)?;
        let mut list = context.out.listing(&["rule", "subject", "detail", "repaired"]);
        let clean = report.is_clean();
        let found = report.findings.len();
        for finding in report.findings {
            list.push(
                Record::new()
                    .with("rule", Field::Text(finding.rule))
                    .with("subject", Field::Text(finding.subject))
                    .with("detail", Field::Text(finding.detail))
                    .with("repaired", Field::Flag(finding.repaired)),
            )?;
        }
        list.end()?;
        let walked = format!(
            "{} rows, {} inodes, {} objects",
            report.rows, report.inodes, report.objects
        );
        if !clean {
            return Err(Failure::Damaged(format!("{found} findings in {walked}")));
        }
        if context.out.format == Format::Table && !context.out.quiet {
            let what = if found == 0 { "clean" } else { "repaired" };
            context.out.line(&format!("{what}: {walked}"))?;
        }
        Ok(())
    }
}
