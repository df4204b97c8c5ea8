//! Commands as fields. The session that a command speaks of is that of its call and is not written.

use crate::fields::{Field, Input, are_in_order};
use crate::kinds::OpKind;
use crate::{Error, Result};
use nokv_types::{Command, Extent, NewBody, SessionId};

/// Inside another operation: its number, then its fields.
impl Field for Command {
    fn put(&self, out: &mut Vec<u8>) {
        let number = OpKind::of(self).map_or(0, |kind| kind as u16);
        out.extend_from_slice(&number.to_le_bytes());
        put(self, out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        let number = input.array().map(u16::from_le_bytes)?;
        take(OpKind::from_number(number)?, input)
    }
}

/// Whether the command can be sent by `session`.
///
/// # Errors
/// `Unencodable` when only the server itself may run it, when it names another session, or has extents that no body
/// can have.
pub(crate) fn check(command: &Command, session: SessionId) -> Result<OpKind> {
    let kind = super::kind_of(command)?;
    let foreign = match command {
        Command::BeginUpload { session: named }
        | Command::SessionRenew { session: named }
        | Command::SessionClose { session: named }
        | Command::Open { session: named, .. }
        | Command::Close { session: named, .. } => *named != session,
        _ => false,
    };
    if foreign {
        return Err(Error::unencodable(
            "command",
            "it names a session that is not its caller's",
        ));
    }
    if !are_in_order(extents_of(command)) {
        return Err(Error::unencodable(
            "extents",
            "they do not ascend, or overlap, or end behind the largest offset",
        ));
    }
    Ok(kind)
}

fn extents_of(command: &Command) -> &[Extent] {
    match command {
        Command::Publish {
            body: NewBody::Whole { extents, .. },
            ..
        }
        | Command::Write { extents, .. }
        | Command::Append { extents, .. }
        | Command::Compact { extents, .. }
        | Command::Stage { extents, .. } => extents,
        _ => &[],
    }
}

/// The fields of each command, in the order in which they are written.
macro_rules! commands {
    ($($name:ident { $($field:ident),* } $(+ $session:ident)?;)*) => {
        /// Appends the fields of a command.
        pub(crate) fn put(command: &Command, out: &mut Vec<u8>) {
            match command {
                $(Command::$name { $($field,)* $($session: _,)? } => { $(Field::put($field, out);)* })*
                // They have no number: the caller was refused before.
                Command::SessionOpen { .. } | Command::Work(_) => {}
            }
        }

        /// Takes the fields of the command of this kind; `None` when they are malformed, or it is no command's.
        pub(crate) fn take(kind: OpKind, input: &mut Input<'_>) -> Option<Command> {
            match kind {
                $(OpKind::$name => {
                    $(let $field = input.field()?;)*
                    Some(Command::$name { $($field,)* $($session: input.session,)? })
                })*
                _ => None,
            }
        }
    };
}

commands! {
    Create { parent, name, inode, kind };
    Link { node, parent, name };
    Unlink { parent, name };
    Rmdir { parent, name };
    Rename { from, from_name, to, to_name, mode };
    SetAttr { node, change };
    SetXattr { node, name, value, mode };
    RemoveXattr { node, name };
    RemoveTree { parent, name };
    Publish { target, body, expect, xattrs };
    Write { node, expect, extents };
    Append { node, extents };
    SetSize { node, size };
    PunchHole { node, from, len };
    Compact { node, range, expect, extents };
    BeginUpload {} + session;
    Stage { upload, range, extents };
    AbandonUpload { upload };
    ReserveObjects { seed };
    SnapshotCreate { key, node, holder, lease_ns };
    SnapshotRelease { key, holder };
    VolumeCreate { name, inode };
    Fork { name, origin };
    RootDelete { name };
    Rollback { name, origin, keep };
    Promote { fork, onto, discard_live, keep };
    SetQuota { node, limits };
    SessionRenew {} + session;
    SessionClose {} + session;
    Open { node } + session;
    Close { handle } + session;
}
