//! `nokv rm`

use crate::args::Sure;
use crate::confirm::confirm;
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{Field, Record};
use crate::place::Place;
use clap::Args;
use nokv_client::{Ack, Client, Found, View, Walk};
use nokv_types::{Code, Command, FileKind, Refusal};
use std::ffi::OsString;

/// Remove files, or whole trees with -r
///
/// Removes names. A whole tree goes in one step, however large; its rows are reclaimed in the background.
#[derive(Debug, Args)]
pub(crate) struct Rm {
    /// What to remove
    #[arg(required = true, add = crate::complete::places())]
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
                context,
                &self.sure,
                &format!("remove {} and everything below", names.join(", ")),
            )?;
        }
        for place in &places {
            match self.remove(context, place) {
                Err(failure) if self.force && failure.code() == Some(Code::NotFound) => {}
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
            let refusal = Refusal::new(Code::IsADirectory, place.to_string());
            return Err(refusal.detail("-r removes it with everything below").into());
        }
        let mut done = format!("removed {place}");
        if self.sure.dry_run {
            done = format!("would remove {place}");
            if is_dir {
                let below = below(client, head, found)?;
                done = format!("{done} and {below} entries below");
            }
        } else {
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
        context.out.done(&done, &record)
    }
}

/// How many entries a tree has, itself not counted.
fn below(client: &Client, view: View, top: Found) -> Outcome<u64> {
    let mut count = 0;
    for entry in Walk::new(client, view, top) {
        entry?;
        count += 1;
    }
    Ok(count)
}
