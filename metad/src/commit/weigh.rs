//! How large commands are, near enough to cut batches by, and which of them free space.

use nokv_types::{Command, Extent, NewBody, NewKind, Request, Source, Target};

/// Bytes that any request is taken to have, its answer and rows included.
const REQUEST_BYTES: usize = 128;
const EXTENT_BYTES: usize = 96;

/// How many requests from the front stay within both limits (at least one), and their bytes.
pub(crate) fn prefix(requests: &[Request], commands_max: usize, bytes_max: usize) -> (usize, usize) {
    let mut bytes = 0;
    for (count, request) in requests.iter().take(commands_max).enumerate() {
        let next = bytes_of(request);
        if count > 0 && bytes + next > bytes_max {
            return (count, bytes);
        }
        bytes += next;
    }
    (requests.len().min(commands_max), bytes)
}

fn bytes_of(request: &Request) -> usize {
    REQUEST_BYTES + request.actor.len() + command_bytes(&request.command)
}

fn command_bytes(command: &Command) -> usize {
    match command {
        Command::Create { name, kind, .. } => {
            name.as_bytes().len()
                + if let NewKind::Symlink(target) = kind {
                    target.len()
                } else {
                    0
                }
        }
        Command::SetXattr { name, value, .. } => name.as_bytes().len() + value.len(),
        Command::Publish {
            target, body, xattrs, ..
        } => {
            let name = if let Target::Name { name, .. } = target {
                name.as_bytes().len()
            } else {
                0
            };
            let body = if let NewBody::Whole { extents, .. } = body {
                extents_bytes(extents)
            } else {
                0
            };
            let xattrs: usize = xattrs
                .iter()
                .map(|(name, value)| name.as_bytes().len() + value.len())
                .sum();
            name + body + xattrs
        }
        Command::Write { extents, .. }
        | Command::Append { extents, .. }
        | Command::Compact { extents, .. }
        | Command::Stage { extents, .. } => extents_bytes(extents),
        _ => 0,
    }
}

fn extents_bytes(extents: &[Extent]) -> usize {
    let inline = |extent: &Extent| match &extent.source {
        Source::Inline(bytes) => bytes.len(),
        Source::Slice(_) => 0,
    };
    extents.iter().map(|extent| EXTENT_BYTES + inline(extent)).sum()
}

/// Whether a command frees space, now or for what comes after it, and may use the reserve of the log.
pub(crate) fn is_freeing(command: &Command) -> bool {
    matches!(
        command,
        Command::Unlink { .. }
            | Command::Rmdir { .. }
            | Command::RemoveTree { .. }
            | Command::RemoveXattr { .. }
            | Command::AbandonUpload { .. }
            | Command::SnapshotRelease { .. }
            | Command::RootDelete { .. }
            | Command::SessionClose { .. }
            | Command::Close { .. }
            | Command::Work(_)
    )
}

/// Whether a command does not wait for room in the log: what frees some, and the sign that a session's owner is there,
/// whose time goes on meanwhile.
pub(crate) fn is_urgent(command: &Command) -> bool {
    is_freeing(command) || matches!(command, Command::SessionRenew { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nokv_types::{SessionId, Work};

    fn requests(count: usize) -> Vec<Request> {
        vec![Request::internal(Command::Work(Work::AdvanceTime)); count]
    }

    #[test]
    fn a_prefix_stays_within_both_limits_and_is_never_empty() {
        assert_eq!(prefix(&requests(10), 4, usize::MAX).0, 4);
        assert_eq!(
            prefix(&requests(10), 100, 3 * REQUEST_BYTES),
            (3, 3 * REQUEST_BYTES)
        );
        assert_eq!(prefix(&requests(10), 100, 1).0, 1);
        assert_eq!(prefix(&requests(2), 100, usize::MAX).0, 2);
    }

    #[test]
    fn who_renews_a_session_does_not_wait_for_room() {
        let session = SessionId(1);
        assert!(is_urgent(&Command::SessionRenew { session }));
        assert!(is_urgent(&Command::SessionClose { session }));
        assert!(!is_urgent(&Command::SessionOpen { session, ttl_ns: 1 }));
        assert!(!is_freeing(&Command::SessionRenew { session }));
    }
}
