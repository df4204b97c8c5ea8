//! What each command does: one file per family of commands, all of them methods of the batch.
//!
//! Owns: the meaning of commands. A command checks everything first and changes afterwards; when it is refused
//! nothing that it did is kept. Must not know how batches are logged or who asked.

mod bodies;
mod create;
mod genesis;
mod inodes;
mod link;
mod remove;
mod rename;
mod setattr;
mod time;
mod xattr;

pub use genesis::{Genesis, genesis};

use crate::Result;
use crate::batch::Batch;
use nokv_store::Rows;
use nokv_types::{Code, Command, Outcome, Refusal};

pub(crate) fn run<R: Rows>(batch: &mut Batch<'_, R>, command: Command) -> Result<Outcome> {
    match command {
        Command::Create {
            parent,
            name,
            inode,
            kind,
        } => batch.create(parent, &name, inode, kind),
        Command::Link { node, parent, name } => batch.link(node, parent, &name),
        Command::Unlink { parent, name } => batch.unlink(parent, &name),
        Command::Rmdir { parent, name } => batch.rmdir(parent, &name),
        Command::Rename {
            from,
            from_name,
            to,
            to_name,
            mode,
        } => batch.rename((from, &from_name), (to, &to_name), mode),
        Command::SetAttr { node, change } => batch.set_attr(node, change),
        Command::SetXattr {
            node,
            name,
            value,
            mode,
        } => batch.set_xattr(node, &name, &value, mode),
        Command::RemoveXattr { node, name } => batch.remove_xattr(node, &name),
        Command::Publish {
            target,
            body,
            expect,
            xattrs,
        } => batch.publish(target, body, expect, xattrs),
        other => Err(Refusal::new(Code::Unsupported, format!("{other:?}")).into()),
    }
}
