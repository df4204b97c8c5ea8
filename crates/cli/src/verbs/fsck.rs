//! `nokv fsck`

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Format, Record};
use crate::progress::Progress;
use clap::Args;

/// Check the metadata against a full walk
///
/// Proves counts, references and the presence of every object against a full walk.
#[derive(Debug, Args)]
pub(crate) struct Fsck {
    /// Rebuild derived rows; anything else goes to lost+found
    #[arg(long)]
    repair: bool,
}

impl Fsck {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let client = context.client()?;
        let progress = Progress::waiting(context, "checking every row and object");
        let report = client.namespace().fsck(self.repair);
        progress.finish();
        let report = report?;
        let clean = report.is_clean();
        let found = report.findings.len();
        let left = report.findings.iter().filter(|finding| !finding.repaired).count();
        let counts = Record::new()
            .with("clean", Field::Flag(clean))
            .with("rows", Field::Number(report.rows))
            .with("inodes", Field::Number(report.inodes))
            .with("objects", Field::Number(report.objects))
            .with("repaired", Field::Number((found - left) as u64));
        let findings = report.findings.into_iter().map(|finding| {
            Record::new()
                .with("rule", Field::Text(finding.rule))
                .with("subject", Field::Text(finding.subject))
                .with("detail", Field::Text(finding.detail))
                .with("repaired", Field::Flag(finding.repaired))
        });
        let columns = ["rule", "subject", "detail", "repaired"];
        context.out.findings(&columns, findings.collect(), counts)?;
        let walked = format!(
            "{} rows, {} inodes, {} objects",
            report.rows, report.inodes, report.objects
        );
        if !clean {
            let left = format!("{left} of {found} findings in {walked} are not repaired");
            let next = if self.repair {
                "nokv verify"
            } else {
                "nokv fsck --repair"
            };
            return Err(Failure::damaged(left, next));
        }
        if context.out.format == Format::Table && !context.out.quiet {
            let what = if found == 0 {
                "clean".to_owned()
            } else {
                format!("repaired {found} findings, now clean")
            };
            context.out.line(&format!("{what}: {walked}"))?;
        }
        Ok(())
    }
}
