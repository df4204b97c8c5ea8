//! `nokv ln`

use crate::context::{Context, own_inode};
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Record};
use clap::Args;
use nokv_client::Ack;
use nokv_types::{Command, NewKind};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

/// Mode of symbolic links.
pub(crate) const LINK_MODE: u32 = 0o777;

/// Make a hard or symbolic link
///
/// Gives a file another name, or makes a symbolic link.
#[derive(Debug, Args)]
pub(crate) struct Ln {
    /// The file, or with -s any text
    #[arg(add = crate::complete::places())]
    target: OsString,
    /// The new name
    #[arg(add = crate::complete::places())]
    path: OsString,
    /// A symbolic link
    #[arg(short, long)]
    symbolic: bool,
}

impl Ln {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let place = context.place(&self.path)?;
        let (client, head) = (context.client()?, context.head(&place)?);
        let (parent, name) = context.parent(head, &place)?;
        let shown = self.target.to_string_lossy().into_owned();
        let command = if self.symbolic {
            Command::Create {
                parent,
                name,
                inode: own_inode(LINK_MODE),
                kind: NewKind::Symlink(self.target.into_vec()),
            }
        } else {
            let target = context.place(&self.target)?;
            if target.root != place.root {
                return Err(Failure::usage("a hard link stays within one root"));
            }
            let node = client.find(head, &target.path)?.node;
            Command::Link { node, parent, name }
        };
        client
            .change(command, Ack::Durable)
            .map_err(|error| error.about(place.to_string()))?;
        let record = Record::new()
            .with("path", Field::Bytes(place.path.to_bytes()))
            .with("target", Field::Text(shown.clone()));
        context.out.done(&format!("linked {place} to {shown}"), &record)
    }
}
