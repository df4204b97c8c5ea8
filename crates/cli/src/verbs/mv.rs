//! `nokv mv`

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Record};
use clap::Args;
use nokv_client::Ack;
use nokv_types::{Code, Command, FileKind, RenameMode};
use std::ffi::OsString;

/// Move or rename an entry
///
/// Moves an entry; a directory with a million entries moves as fast as a file.
#[derive(Debug, Args)]
pub(crate) struct Mv {
    /// What to move
    #[arg(add = crate::complete::places())]
    from: OsString,
    /// The new path, or a directory to move it into
    #[arg(add = crate::complete::places())]
    to: OsString,
    /// Refuse when the new name is taken
    #[arg(short, long)]
    no_clobber: bool,
    /// Let the two change places
    #[arg(long, conflicts_with = "no_clobber")]
    exchange: bool,
}

impl Mv {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let (from, mut to) = (context.place(&self.from)?, context.place(&self.to)?);
        if from.root != to.root {
            return Err(Failure::usage(
                "an entry moves within one root; nokv cp copies between roots",
            ));
        }
        let (client, head) = (context.client()?, context.head(&from)?);
        let (parent, name) = context.parent(head, &from)?;
        if !self.exchange {
            match client.follow(head, &to.path) {
                Ok(found) if found.attr.kind == FileKind::Directory => to.path = to.path.join(name.clone()),
                Ok(_) if to.is_folder => {
                    return Err(nokv_client::Error::refused(Code::NotADirectory, to.to_string()).into());
                }
                _ => {}
            }
        }
        let (to_parent, to_name) = context.parent(head, &to)?;
        let mode = match (self.no_clobber, self.exchange) {
            (true, _) => RenameMode::NoReplace,
            (_, true) => RenameMode::Exchange,
            _ => RenameMode::Replace,
        };
        let rename = Command::Rename {
            from: parent,
            from_name: name,
            to: to_parent,
            to_name,
            mode,
        };
        client
            .change(rename, Ack::Durable)
            .map_err(|error| match error.code() {
                Some(Code::NotFound) => error.about(from.to_string()),
                _ => error.about(to.to_string()),
            })?;
        let record = Record::new()
            .with("from", Field::Bytes(from.path.to_bytes()))
            .with("to", Field::Bytes(to.path.to_bytes()));
        context.out.done(&format!("moved {from} to {to}"), &record)
    }
}
