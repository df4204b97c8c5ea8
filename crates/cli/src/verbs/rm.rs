//! `nokv rm`

use crate::args::Sure;
use crate::confirm::confirm;
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{Field, Record};
use crate::place::Place;
use clap::Args;
use nokv_client::Ack;
use nokv_types::{Code, Command, FileKind};
use std::ffi::OsString;

/// Removes names. A whole tree goes in one step, however large; its rows are reclaimed in the background.
#[derive(Debug, Args)]
pub(crate) struct Rm {
    /// What to remove
    #[arg(required = true)]
    paths: Vec<OsString>,
    /// Directories with all that is in them
    #[arg(short, long)]
    recursive: bool,
    /// What is not there is no error
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    sure: Sure,
}

impl Rm {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let places = self
            .paths
            .iter()
            .map(|path| context.place(path))
            .collect::<Outcome<Vec<_>>>()?;
        if self.recursive && !self.sure.dry_run {
            let names: Vec<String> = places.iter().map(ToString::to_string).collect();
            confirm(
                &self.sure,
                &format!("remove {} and everything below", names.join(", ")),
            )?;
        }
        for place in &places {
            match self.remove(context, place) {
                Err(crate::failure::Failure::Client(error))
                    if self.force && error.code() == Some(Code::NotFound) => {}
                other => other?,
            }
        }
        Ok(())
    }

    fn remove(&self, context: &Context, place: &Place) -> Outcome {
        let (client, head) = (context.client()?, context.head(place)?);
        let (parent, name) = client.parent_of(head, &place.path)?;
        let found = client.find(head, &place.path)?;
        let is_dir = found.attr.kind == FileKind::Directory;
        if is_dir && !self.recursive {
            return Err(nokv_client::Error::refused(Code::IsADirectory, place.to_string()).into());
        }
        let verb = if self.sure.dry_run {
            "would remove"
        } else {
            "removed"
        };
        if !self.sure.dry_run {
            let command = if is_dir {
                Command::RemoveTree { parent, name }
            } else {
                Command::Unlink { parent, name }
            };
            client
                .change(command, Ack::Durable)
                .map_err(|error| error.about(place.to_string()))?;
        }
        let record = Record::new()
            .with("path", Field::Bytes(place.path.to_bytes()))
            .with("entries", Field::Number(found.attr.entries))
            .with("dry_run", Field::Flag(self.sure.dry_run));
        context.out.done(&format!("{verb} {place}"), &record)
    }
}
