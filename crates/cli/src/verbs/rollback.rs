//! `nokv rollback`

use super::fork::{keep_key, origin, repoint};
use crate::advice::quoted;
use crate::args::Sure;
use crate::confirm::confirm;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::moment;
use crate::output::{Field, Record};
use clap::Args;
use nokv_types::{Code, Command, Refusal, show_bytes};

/// Point a root at an earlier state of itself
///
/// Points the root of --root at an earlier state of itself, in one step. The state before it stays for 24 hours.
#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// State to go back to
    #[arg(value_name = "SNAPSHOT|VERSION|TIME", add = crate::complete::snapshots())]
    to: String,
    #[command(flatten)]
    sure: Sure,
}

impl Rollback {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let origin = origin(context, Some(&self.to))?;
        let name = context.settings.root.clone();
        let shown = show_bytes(&name);
        let at = moment::parse_at(Some(&self.to), moment::now())?;
        let view = context.state(&name, &at)?;
        let held = context.client()?.namespace().path_of(view.point, view.node.ino)?;
        if !held.is_root() {
            let refusal = Refusal::new(Code::NotARoot, format!("snapshot {}", self.to));
            let why = format!("it holds {held} only; {shown} goes back to states of the whole root");
            let held = quoted(&held.to_string());
            let copy = format!("nokv cp -r --at {} {held} {held}-restored", quoted(&self.to));
            return Err(Failure::from(refusal.detail(why)).try_next(copy));
        }
        if self.sure.dry_run {
            let version = view.point.version.0;
            let record = Record::new()
                .with("name", Field::Bytes(name))
                .with("to", Field::Text(self.to.clone()))
                .with("version", Field::Number(version))
                .with("dry_run", Field::Flag(true));
            let summary = format!(
                "would roll {shown} back to {} (version {version}); nokv diff @{} shows what changed since",
                self.to, self.to
            );
            return context.out.done(&summary, &record);
        }
        confirm(context, &self.sure, &format!("roll {shown} back to {}", self.to))?;
        let rollback = Command::Rollback {
            keep: keep_key(context, "rollback", &name)?,
            name,
            origin,
        };
        repoint(context, rollback, &format!("{shown} is back at {}", self.to))
    }
}
