//! The next command to try after a refusal. Never one that deletes what the user did not ask to delete.

use nokv_types::Code;

/// What to run next; `None` where there is nothing better than to read the message.
pub(crate) fn next_command(code: Code, subject: &str) -> Option<String> {
    if let Some(command) = of_a_name(code, subject) {
        return Some(command.to_owned());
    }
    let command = match code {
        Code::NotFound => format!("nokv ls {}", quoted(parent(subject))),
        Code::NotEmpty | Code::IsADirectory => format!("nokv ls {}", quoted(subject)),
        Code::Exists | Code::NotADirectory | Code::WrongKind | Code::Conflict => {
            format!("nokv stat {}", quoted(subject))
        }
        Code::Locked => {
            "the same command when that process has ended; nokv up, which lets many share it, is planned"
                .into()
        }
        Code::VersionExpired => "nokv snapshot list".into(),
        Code::CursorExpired => "nokv log, without --since".into(),
        Code::NotARoot | Code::TooDeep | Code::LiveChanged => "nokv fork list".into(),
        Code::InUse => "nokv snapshot list; nokv fork list".into(),
        Code::QuotaExceeded => format!("nokv quota {}", quoted(parent(subject))),
        Code::NoSpace => "nokv df; nokv gc".into(),
        Code::Corrupt => "nokv fsck; nokv verify".into(),
        Code::NoAttribute => format!("nokv xattr list {}", quoted(subject)),
        Code::Busy | Code::WindowFull | Code::OutcomeUnknown => "the same command again".into(),
        _ => return None,
    };
    Some(command)
}

/// For what is no path: snapshots and roots are called by their kind.
fn of_a_name(code: Code, subject: &str) -> Option<&'static str> {
    if !matches!(code, Code::NotFound | Code::Exists | Code::Conflict | Code::InUse) {
        return None;
    }
    match subject.split_once(' ')?.0 {
        "snapshot" => Some("nokv snapshot list"),
        "root" | "fork" => Some("nokv fork list"),
        "version" => Some("nokv log -n 5"),
        _ => None,
    }
}

/// A path as a shell takes it.
pub(crate) fn quoted(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-:@%+=,".contains(&b);
    if !path.is_empty() && path.bytes().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

/// The directory above a path, as it is written.
fn parent(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    // A root before a colon stays.
    let top = path
        .find(":/")
        .filter(|colon| !path[..*colon].contains('/'))
        .map_or(0, |colon| colon + 1);
    match path.rfind('/') {
        Some(slash) if slash == top => &path[..=slash],
        Some(slash) => &path[..slash],
        None => "/",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_looked_for_one_directory_up() {
        assert_eq!(next_command(Code::NotFound, "/a/b/c").unwrap(), "nokv ls /a/b");
        assert_eq!(next_command(Code::NotFound, "/a").unwrap(), "nokv ls /");
        assert_eq!(next_command(Code::NotFound, "fork:/a").unwrap(), "nokv ls fork:/");
        assert_eq!(
            next_command(Code::NotFound, "fork:/a/b").unwrap(),
            "nokv ls fork:/a"
        );
        assert_eq!(next_command(Code::NotFound, "/a b/c").unwrap(), "nokv ls '/a b'");
    }

    #[test]
    fn snapshots_and_forks_are_looked_for_in_their_lists() {
        assert_eq!(
            next_command(Code::NotFound, "snapshot x").unwrap(),
            "nokv snapshot list"
        );
        assert_eq!(next_command(Code::NotFound, "root x").unwrap(), "nokv fork list");
        assert_eq!(next_command(Code::Exists, "root x").unwrap(), "nokv fork list");
    }

    #[test]
    fn a_locked_data_directory_names_the_service() {
        assert!(next_command(Code::Locked, "/data").unwrap().contains("nokv up"));
    }

    #[test]
    fn nothing_that_deletes_is_recommended() {
        for code in Code::ALL {
            let command = next_command(*code, "/a/b").unwrap_or_default();
            assert!(
                !command.contains(" rm") && !command.contains("delete"),
                "{command}"
            );
        }
    }
}
