//! What a user does about a refusal.

use nokv_types::Code;

/// One or two sentences; commands stand in backquotes.
pub(super) fn of(code: Code) -> &'static str {
    match code {
        Code::NotFound => "Look at what is there: `nokv ls`, `nokv snapshot list`, `nokv fork list`.",
        Code::Exists => "Choose another name, or look at what has it with `nokv stat`.",
        Code::NotADirectory => "A part of the path is no directory; `nokv stat` shows what it is.",
        Code::IsADirectory => {
            "List it with `nokv ls`, take it out with `nokv export`, remove it with `nokv rm -r`."
        }
        Code::NotEmpty => "Remove the tree with `nokv rm -r`, or empty it first.",
        Code::Invalid => "The message says what is wrong with the request.",
        Code::NameInvalid => "A name has 1 to 255 bytes, no `/`, no NUL, and is not `.` or `..`.",
        Code::NameTooLong => "A name has at most 255 bytes.",
        Code::PathTooLong => "A path has at most 4,096 bytes.",
        Code::WrongKind => "`nokv stat` shows the kind; only files have bodies, only links have targets.",
        Code::TooManyLinks => "Copy the file (`nokv cp` moves no bytes) instead of linking it once more.",
        Code::Loop => "A directory cannot go below itself; choose another place.",
        Code::CrossDevice => "Copy it (`nokv cp -r` moves no bytes), then remove the original.",
        Code::NotPermitted => "The message says what forbids it.",
        Code::ReadOnly => {
            "Write to the newest state, or make a fork of this one with `nokv fork create NAME --at STATE`."
        }
        Code::Stale => "The root was rolled back, promoted or deleted meanwhile; look the path up again.",
        Code::NoSpace => {
            "`nokv df` shows where the bytes are. Remove something, then `nokv gc`; removing works on a full disk."
        }
        Code::QuotaExceeded => {
            "`nokv quota PATH` shows use and limits; remove something below it, or raise the limit."
        }
        Code::NoAttribute => "`nokv xattr list PATH` shows the attributes.",
        Code::TooLarge => "The message names the limit.",
        Code::TooMany => "The message names the limit; remove what is not needed any more.",
        Code::NeedsCompaction => "The client compacts and tries again itself; if you see this, run it again.",
        Code::Conflict => "Somebody else was faster: look at the present state, then decide again.",
        Code::VersionExpired => "Only snapshots and forks keep older states; see `nokv snapshot list`.",
        Code::CursorExpired => "Begin again with `nokv log` without --since, and catch up from a listing.",
        Code::NotARoot => "`nokv fork list` shows what can be forked, rolled back and promoted.",
        Code::LiveChanged => {
            "`nokv diff main FORK` shows how they differ; `nokv fork promote FORK --discard-live` replaces it, and what it was stays as a snapshot for 24 hours."
        }
        Code::TooDeep => "Promote or delete forks of the chain; it is flattened in the background.",
        Code::InUse => "Something stands on it: `nokv snapshot list` and `nokv fork list` show what.",
        Code::AlreadyRetired => "The answer was taken already; nothing is left to do.",
        Code::SessionExpired => "The session ended; open a new one.",
        Code::WindowFull => "Too many answers wait to be taken; run the command again.",
        Code::UploadExpired => "The upload took longer than its reservation lasts; publish again.",
        Code::Unsupported => "This build or mode has no such feature.",
        Code::Corrupt => {
            "The bytes are not what was written, and are not shown. `nokv verify` and `nokv fsck` say how far it reaches; restore from a snapshot or publish again."
        }
        Code::Io => "The message names the file or object and what the system or the store said.",
        Code::Locked => {
            "One process owns a data directory; wait until it ends. The message has its process id."
        }
        Code::OutcomeUnknown | Code::TimedOut => "It may have happened or not: look, then run it again.",
        Code::Busy => "Wait, then run the same command again.",
        Code::TooNew => "Data of a newer version of the program: use that version.",
        Code::Unauthenticated => {
            "The token is missing, unknown, or its time is over: name the right token file, or get a new token."
        }
        Code::Forbidden => "The token's mode or subtree does not cover this; ask for one that does.",
        Code::NotReady => "The server is starting; run the command again in a moment.",
        Code::Draining => "The server is stopping or being replaced; run the command again in a moment.",
        Code::Cancelled => "The command was taken back before it ran; run it again.",
        Code::UnknownMessage => "The other side is an older program: bring both to the same version.",
        Code::Malformed => {
            "Two programs do not understand each other: bring both to the same version, and report it."
        }
        Code::NoCommonVersion => "The programs are too far apart: bring both to the same version.",
    }
}
