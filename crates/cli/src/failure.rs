//! What can go wrong, and how it is told. What the codes mean is in [`crate::catalogue`].

use crate::advice;
use crate::catalogue::{self, EXIT_IO, EXIT_USAGE, Own, exit_of};
use crate::output::Format;
use nokv_client::{Error, ErrorKind};
use nokv_types::{Code, Refusal};
use std::io::{self, Write as _};
use std::process::ExitCode;

/// What a verb answers.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why a command ended.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error of the client or the namespace.
    Client(Error),
    /// The same, with a better next command than its code has.
    Advised(Error, String),
    /// An error of the command itself: its code, what and why, the next command.
    Own(Own, String, Option<String>),
    /// Standard output is gone.
    Output(io::Error),
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
    /// The arguments make no sense together.
    pub(crate) fn usage(why: impl Into<String>) -> Self {
        Self::Own(catalogue::USAGE, why.into(), Some("nokv help".to_owned()))
    }

    /// An archive breaks a rule: the entry, and which rule.
    pub(crate) fn archive(entry: impl std::fmt::Display, why: impl std::fmt::Display) -> Self {
        Self::Own(catalogue::BAD_ARCHIVE, format!("{entry}: {why}"), None)
    }

    /// Something was checked and found damaged; what was found is printed already.
    pub(crate) fn damaged(what: impl Into<String>, next: &str) -> Self {
        Self::Own(catalogue::DAMAGED, what.into(), Some(next.to_owned()))
    }

    pub(crate) fn local(op: &'static str, subject: impl Into<String>, source: io::Error) -> Self {
        Self::Client(Error::local(op, subject, source))
    }

    /// The same failure with another next command.
    #[must_use]
    pub(crate) fn try_next(self, command: impl Into<String>) -> Self {
        match self {
            Self::Own(own, message, _) => Self::Own(own, message, Some(command.into())),
            Self::Client(error) | Self::Advised(error, _) => Self::Advised(error, command.into()),
            output @ Self::Output(_) => output,
        }
    }

    /// The code of a refusal.
    pub(crate) fn code(&self) -> Option<Code> {
        match self {
            Self::Client(error) | Self::Advised(error, _) => error.code(),
            Self::Own(..) | Self::Output(_) => None,
        }
    }

    /// Tells the error on standard error and answers the exit code.
    pub(crate) fn report(&self, format: Format) -> ExitCode {
        if let Self::Output(error) = self
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            return ExitCode::SUCCESS;
        }
        self.told().print(format)
    }

    fn told(&self) -> Told {
        match self {
            Self::Client(error) => told_client(error),
            Self::Advised(error, advice) => Told {
                advice: Some(advice.clone()),
                ..told_client(error)
            },
            Self::Own(own, message, advice) => tell(own, message.clone(), advice.clone()),
            Self::Output(error) => tell(
                &catalogue::LOCAL_IO,
                format!("write standard output: {error}"),
                None,
            ),
        }
    }
}

fn told_client(error: &Error) -> Told {
    match error.kind() {
        ErrorKind::Refused(refusal) => {
            let code = refusal.code;
            Told {
                code: catalogue::Entry::from(code).code(),
                name: code.name(),
                message: refusal.to_string(),
                advice: advice::next_command(code, &refusal.subject),
                exit: exit_of(code),
            }
        }
        ErrorKind::Local(source) => tell(&catalogue::LOCAL_IO, format!("{error}: {source}"), None),
        ErrorKind::Input(_) => tell(&catalogue::BAD_ARCHIVE, error.to_string(), None),
        ErrorKind::Unreachable(source) => tell(&catalogue::UNREACHABLE, format!("{error}: {source}"), None),
        ErrorKind::Stopped => {
            let message = "interrupted; the namespace is consistent".to_owned();
            tell(&catalogue::INTERRUPTED, message, None)
        }
        _ => tell(&catalogue::UNKNOWN, error.to_string(), None),
    }
}

fn tell(own: &Own, message: String, advice: Option<String>) -> Told {
    Told {
        code: own.code(),
        name: own.name(),
        message,
        advice,
        exit: own.exit(),
    }
}

impl Told {
    /// A standard error that is gone is nobody's loss: the exit code tells it as well.
    fn print(&self, format: Format) -> ExitCode {
        let mut err = io::stderr().lock();
        let _may_be_closed = if format == Format::Table {
            let advice = self.advice.as_ref();
            let advice = advice.map_or_else(String::new, |advice| format!("  try: {advice}\n"));
            write!(err, "nokv: {}: {}\n{advice}", self.code, self.message)
        } else {
            let json = serde_json::json!({"error": {
                "code": self.code, "name": self.name, "message": self.message, "try": self.advice,
                "exit": self.exit,
            }});
            writeln!(err, "{json}")
        };
        ExitCode::from(self.exit)
    }
}

/// What clap has to say: help and versions are no errors, the rest is told as every other error is.
pub(crate) fn usage(refused: &clap::Error) -> ExitCode {
    if !refused.use_stderr() {
        return match refused.print() {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::from(EXIT_IO),
            _ => ExitCode::SUCCESS,
        };
    }
    let text = refused.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let (what, rest) = text.split_once("\n\nUsage: ").unwrap_or((text, ""));
    let what = what
        .split("\n\nFor more information")
        .next()
        .unwrap_or(what)
        .trim_end();
    let verb = rest
        .split_whitespace()
        .skip(1)
        .take_while(|word| word.bytes().all(|b| b.is_ascii_lowercase()));
    let help = verb.fold("nokv help".to_owned(), |help, verb| format!("{help} {verb}"));
    let _always_usage =
        tell(&catalogue::USAGE, what.replace("\n\n", "\n"), Some(help)).print(wanted_format());
    ExitCode::from(EXIT_USAGE)
}

/// The format that the arguments ask for, when they could not be read as a whole.
fn wanted_format() -> Format {
    let arguments: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let asked = |value: &str| {
        [format!("-o{value}"), format!("--output={value}")]
            .iter()
            .any(|flag| arguments.contains(flag))
            || arguments
                .windows(2)
                .any(|pair| (pair[0] == "-o" || pair[0] == "--output") && pair[1] == value)
    };
    match (asked("json"), asked("jsonl")) {
        (true, _) => Format::Json,
        (_, true) => Format::Jsonl,
        _ => Format::Table,
    }
}
