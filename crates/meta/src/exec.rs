//! What each command does: one file per family of commands, all of them methods of the batch.
//!
//! Owns: the meaning of commands. A command checks everything first and changes afterwards; when it is refused
//! nothing that it did is kept. Must not know how batches are logged or who asked.

mod bodies;
mod create;
mod genesis;
mod inodes;
mod link;
mod opens;
mod quota;
mod remove;
mod rename;
mod sessions;
mod setattr;
mod time;
mod window;
mod xattr;

pub use genesis::{Genesis, genesis};

use crate::Result;
use crate::batch::{Batch, Save};
use nokv_store::Rows;
use nokv_types::{Code, Command, Outcome, Refusal, Work};

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
        Command::SetQuota { node, limits } => batch.set_quota(node, limits),
        Command::SessionOpen { session, ttl_ns } => batch.session_open(session, ttl_ns),
        Command::SessionRenew { session } => batch.session_renew(session),
        Command::SessionClose { session } => batch.session_close(session),
        Command::Open { session, node } => batch.open(session, node),
        Command::Close { session, handle } => batch.close(session, handle),
        Command::Work(Work::CountQuota { rows_max }) => batch.count_quota(rows_max),
        Command::Work(Work::SaveWindow) => batch.save_window(Save::Window),
        Command::Work(Work::Stop) => batch.save_window(Save::Stop),
        other => Err(Refusal::new(Code::Unsupported, format!("{other:?}")).into()),
    }
}
