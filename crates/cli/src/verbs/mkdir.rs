//! `nokv mkdir`

use crate::advice;
use crate::context::{Context, own_inode};
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Record};
use clap::Args;
use nokv_client::Ack;
use nokv_types::{Command, NewKind};
use std::ffi::OsString;

/// Mode of new directories.
pub(crate) const DIR_MODE: u32 = 0o755;

/// Make directories
///
/// Makes directories.
#[derive(Debug, Args)]
pub(crate) struct Mkdir {
    /// Directories to make
    #[arg(required = true, add = crate::complete::places())]
    paths: Vec<OsString>,
    /// Make what is missing above them; one that exists is no error
    #[arg(short, long)]
    parents: bool,
    /// Permission bits, octal
    #[arg(short, long, default_value = "755")]
    mode: String,
}

impl Mkdir {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let inode = own_inode(parse_mode(&self.mode)?);
        for path in &self.paths {
            let place = context.place(path)?;
            let (client, head) = (context.client()?, context.head(&place)?);
            if self.parents {
                client.make_dirs(head, &place.path, inode, Ack::Durable)?;
            } else {
                let (parent, name) = context.parent(head, &place).map_err(|failure| match failure {
                    Failure::Advised(..) => {
                        failure.try_next(format!("nokv mkdir -p {}", advice::quoted(&place.to_string())))
                    }
                    other => other,
                })?;
                let create = Command::Create {
                    parent,
                    name,
                    inode,
                    kind: NewKind::Directory,
                };
                client
                    .change(create, Ack::Durable)
                    .map_err(|error| error.about(place.to_string()))?;
            }
            let record = Record::new().with("path", Field::Bytes(place.path.to_bytes()));
            context.out.done(&format!("made {place}"), &record)?;
        }
        Ok(())
    }
}

fn parse_mode(text: &str) -> Outcome<u32> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
    mode.ok_or_else(|| Failure::usage(format!("--mode {text}: not an octal mode up to 7777")))
}
