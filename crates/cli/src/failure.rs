//! What can go wrong, how it is told, and the exit code for it. The table is in docs/cli.md.

use crate::advice;
use crate::output::Format;
use nokv_client::{Error, ErrorKind};
use nokv_types::{Code, Refusal};
use std::io;
use std::process::ExitCode;

/// The namespace answered no.
pub(crate) const EXIT_REFUSED: u8 = 1;
/// The arguments or the configuration make no sense.
pub(crate) const EXIT_USAGE: u8 = 2;
/// What is stored is not what was written: damaged bodies or rows.
pub(crate) const EXIT_DAMAGED: u8 = 3;
/// The input (an archive) is damaged or breaks a rule.
pub(crate) const EXIT_INPUT: u8 = 65;
/// Reading or writing failed.
pub(crate) const EXIT_IO: u8 = 74;
/// Not now: somebody else holds it, or a queue is full. The same command may work later.
pub(crate) const EXIT_LATER: u8 = 75;
/// Interrupted by a signal; the namespace is consistent.
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// What a verb answers.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why a command ended.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error of the client or the namespace.
    Client(Error),
    /// The arguments make no sense together.
    Usage(String),
    /// An archive breaks a rule: the entry, and which rule.
    Archive { entry: String, why: String },
    /// The data directory holds no workspace.
    NoWorkspace(String),
    /// Something was checked and found damaged; what was found is printed already.
    Damaged(String),
    /// Standard output is gone.
    Output(io::Error),
    /// The user said no.
    Declined,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Client(refusal.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// An error as it is told.
struct Told {
    code: String,
    name: &'static str,
    message: String,
    advice: Option<String>,
    exit: u8,
}

impl Failure {
    pub(crate) fn usage(why: impl Into<String>) -> Self {
        Self::Usage(why.into())
    }

    pub(crate) fn local(op: &'static str, subject: impl Into<String>, source: io::Error) -> Self {
        Self::Client(Error::local(op, subject, source))
    }

    /// Tells the error on standard error and answers the exit code.
    pub(crate) fn report(&self, format: Format) -> ExitCode {
        if let Self::Output(error) = self
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            return ExitCode::SUCCESS;
        }
        let told = self.told();
        if format == Format::Table {
            eprintln!("nokv: {}: {}", told.code, told.message);
            if let Some(advice) = &told.advice {
                eprintln!("  try: {advice}");
            }
        } else {
            let json = serde_json::json!({"error": {
                "code": told.code, "name": told.name, "message": told.message, "try": told.advice,
                "exit": told.exit,
            }});
            eprintln!("{json}");
        }
        ExitCode::from(told.exit)
    }

    fn told(&self) -> Told {
        match self {
            Self::Client(error) => told_client(error),
            Self::Usage(why) => tell(900, "Usage", why.clone(), EXIT_USAGE).advice("nokv --help"),
            Self::Archive { entry, why } => tell(901, "BadArchive", format!("{entry}: {why}"), EXIT_INPUT),
            Self::NoWorkspace(what) => {
                tell(908, "NoWorkspace", what.clone(), EXIT_REFUSED).advice("nokv init")
            }
            Self::Damaged(what) => tell(902, "Damaged", what.clone(), EXIT_DAMAGED).advice("nokv fsck"),
            Self::Output(error) => tell(903, "LocalIo", format!("write standard output: {error}"), EXIT_IO),
            Self::Declined => tell(904, "Declined", "nothing was done".into(), EXIT_REFUSED),
        }
    }
}

fn told_client(error: &Error) -> Told {
    match error.kind() {
        ErrorKind::Refused(refusal) => {
            let code = refusal.code;
            let told = tell(code as u16, code.name(), refusal.to_string(), exit_of(code));
            Told {
                advice: advice::next_command(code, &refusal.subject),
                ..told
            }
        }
        ErrorKind::Local(source) => tell(903, "LocalIo", format!("{error}: {source}"), EXIT_IO),
        ErrorKind::Input(_) => tell(901, "BadArchive", error.to_string(), EXIT_INPUT),
        ErrorKind::Unreachable(source) => tell(905, "Unreachable", format!("{error}: {source}"), EXIT_LATER),
        ErrorKind::Stopped => {
            let message = "interrupted; the namespace is consistent".to_owned();
            tell(906, "Interrupted", message, EXIT_INTERRUPTED)
        }
        _ => tell(907, "Unknown", error.to_string(), EXIT_IO),
    }
}

fn tell(number: u16, name: &'static str, message: String, exit: u8) -> Told {
    Told {
        code: format!("NOKV-E{number:04}"),
        name,
        message,
        advice: None,
        exit,
    }
}

impl Told {
    fn advice(self, advice: &str) -> Self {
        Self {
            advice: Some(advice.to_owned()),
            ..self
        }
    }
}

/// The exit code of a refusal.
pub(crate) fn exit_of(code: Code) -> u8 {
    match code {
        Code::Locked | Code::Busy | Code::WindowFull | Code::OutcomeUnknown => EXIT_LATER,
        Code::Io => EXIT_IO,
        Code::Corrupt => EXIT_DAMAGED,
        Code::NameInvalid | Code::NameTooLong | Code::PathTooLong => EXIT_USAGE,
        _ => EXIT_REFUSED,
    }
}

/// What clap has to say: help and versions are no errors.
pub(crate) fn usage(refused: &clap::Error) -> ExitCode {
    let printed = refused.print();
    if refused.use_stderr() {
        return ExitCode::from(EXIT_USAGE);
    }
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::from(EXIT_IO),
        _ => ExitCode::SUCCESS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_numbers_of_the_command_itself_are_not_those_of_a_refusal() {
        let own = [900, 901, 902, 903, 904, 905, 906, 907, 908];
        let all: BTreeSet<u16> = Code::ALL.iter().map(|code| *code as u16).chain(own).collect();
        assert_eq!(all.len(), Code::ALL.len() + own.len());
    }

    #[test]
    fn every_code_and_exit_code_stands_in_the_documentation() {
        let page = include_str!("../../../docs/cli.md");
        for code in Code::ALL {
            let line = format!(
                "| NOKV-E{:04} | {} | {} |",
                *code as u16,
                code.name(),
                exit_of(*code)
            );
            assert!(page.contains(&line), "docs/cli.md lacks the line: {line}");
        }
        for exit in [
            0,
            EXIT_REFUSED,
            EXIT_USAGE,
            EXIT_DAMAGED,
            EXIT_INPUT,
            EXIT_IO,
            EXIT_LATER,
            EXIT_INTERRUPTED,
        ] {
            assert!(
                page.contains(&format!("\n| {exit} |")),
                "docs/cli.md lacks exit code {exit}"
            );
        }
    }
}
