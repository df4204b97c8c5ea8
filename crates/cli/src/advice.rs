//! The next command to try after a refusal.

use nokv_types::Code;

/// What to run next; `None` where there is nothing better than to read the message.
pub(crate) fn next_command(code: Code, subject: &str) -> Option<String> {
    let command = match code {
        Code::NotFound => format!("nokv ls {}", parent(subject)),
        Code::NotEmpty | Code::IsADirectory => format!("nokv rm -r {subject}"),
        Code::Exists | Code::NotADirectory | Code::WrongKind | Code::Conflict => {
            format!("nokv stat {subject}")
        }
        Code::Locked => {
            "nokv up, and let it serve both (planned); until then wait for the other process".into()
        }
        Code::VersionExpired => "nokv snapshot list".into(),
        Code::CursorExpired => "nokv log, without --since".into(),
        Code::NotARoot | Code::TooDeep => "nokv fork list".into(),
        Code::LiveChanged => "nokv diff, and then nokv fork promote --discard-live".into(),
        Code::InUse => "nokv snapshot list; nokv fork list".into(),
        Code::QuotaExceeded => format!("nokv quota {}", parent(subject)),
        Code::NoSpace => "nokv df; nokv gc".into(),
        Code::Corrupt => "nokv fsck; nokv verify".into(),
        Code::NoAttribute => format!("nokv xattr list {subject}"),
        Code::Busy | Code::WindowFull | Code::OutcomeUnknown | Code::Io => "the same command again".into(),
        _ => return None,
    };
    Some(command)
}

/// The directory above a path, as it is written.
fn parent(path: &str) -> &str {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((parent, _)) => parent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_looked_for_one_directory_up() {
        assert_eq!(next_command(Code::NotFound, "/a/b/c").unwrap(), "nokv ls /a/b");
        assert_eq!(next_command(Code::NotFound, "/a").unwrap(), "nokv ls /");
    }

    #[test]
    fn a_locked_data_directory_names_the_service() {
        assert!(next_command(Code::Locked, "/data").unwrap().contains("nokv up"));
    }
}
