//! What each command does: one file per family of commands, all of them methods of the batch.
//!
//! Owns: the meaning of commands. A command checks everything first and changes afterwards; when it is refused
//! nothing that it did is kept. Must not know how batches are logged or who asked.

mod body;
mod create;
mod flatten;
mod fork;
mod free;
mod genesis;
mod inodes;
mod link;
mod objects;
mod opens;
mod prune;
mod quota;
mod reclaim;
mod remove;
mod rename;
mod rollback;
mod sessions;
mod setattr;
mod snapshot;
mod spans;
mod time;
mod timelines;
mod window;
mod work;
mod xattr;

pub use body::UPLOAD_IDLE_NS;
pub(crate) use body::open_uploads_prefix;
pub use genesis::{Genesis, genesis};
pub use objects::{SWEEP_PAUSE_NS, UPLOAD_REQUEST_NS, UPLOAD_URL_NS};
pub(crate) use timelines::{timeline_key, uncounted};
pub use work::PendingWork;

use crate::Result;
use crate::batch::Batch;
use nokv_store::Rows;
use nokv_types::{Command, Outcome, Work};

#[expect(clippy::too_many_lines, reason = "one arm per command, nothing else")]
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
        Command::Write {
            node,
            expect,
            extents,
        } => batch.write(node, expect, extents),
        Command::Append { node, extents } => batch.append(node, extents),
        Command::SetSize { node, size } => batch.set_size(node, size),
        Command::PunchHole { node, from, len } => batch.punch_hole(node, from, len),
        Command::Compact {
            node,
            range,
            expect,
            extents,
        } => batch.compact(node, range, expect, extents),
        Command::BeginUpload { session } => batch.begin_upload(session),
        Command::Stage {
            upload,
            range,
            extents,
        } => batch.stage(upload, range, extents),
        Command::AbandonUpload { upload } => batch.abandon_upload(upload),
        Command::ReserveObjects { seed } => Ok(batch.reserve_objects(seed)),
        Command::Work(Work::CondemnObjects { objects }) => batch.condemn_objects(&objects),
        Command::Work(Work::ObjectsDeleted { objects }) => batch.objects_deleted(&objects),
        Command::Work(Work::ReservationSwept { reservation }) => batch.reservation_swept(reservation),
        Command::Work(Work::EndUploads { up_to, ids }) => batch.end_uploads(up_to, ids),
        Command::SetQuota { node, limits } => batch.set_quota(node, limits),
        Command::SessionOpen { session, ttl_ns } => batch.session_open(session, ttl_ns),
        Command::SessionRenew { session } => batch.session_renew(session),
        Command::SessionClose { session } => batch.session_close(session),
        Command::Open { session, node } => batch.open(session, node),
        Command::Close { session, handle } => batch.close(session, handle),
        Command::RemoveTree { parent, name } => batch.remove_tree(parent, &name),
        Command::SnapshotCreate {
            key,
            node,
            holder,
            lease_ns,
        } => batch.snapshot_create(&key, node, &holder, lease_ns),
        Command::SnapshotRelease { key, holder } => batch.snapshot_release(&key, &holder),
        Command::VolumeCreate { name, inode } => batch.volume_create(&name, inode),
        Command::Fork { name, origin } => batch.fork(&name, &origin),
        Command::RootDelete { name } => batch.root_delete(&name),
        Command::Rollback { name, origin, keep } => batch.rollback(&name, &origin, &keep),
        Command::Promote {
            fork,
            onto,
            discard_live,
            keep,
        } => batch.promote(&fork, &onto, discard_live, &keep),
        Command::Work(work) => batch.work(work),
    }
}
