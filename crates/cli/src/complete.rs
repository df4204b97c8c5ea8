//! Names that a shell completes: paths of the namespace, snapshots, roots.
//!
//! The script of `nokv completion` calls the command itself with `COMPLETE` set. Completing never waits: where
//! the data directory is owned by another process, or the objects are in a bucket, no names are offered.

use crate::args::Cli;
use crate::bash::{self, Bash};
use crate::open;
use crate::output::Format;
use crate::place::Place;
use crate::settings::Settings;
use clap::{CommandFactory as _, Parser as _};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _};
use clap_complete::env::{Elvish, Fish, Powershell, Shells, Zsh};
use clap_complete::{CompleteEnv, Shell};
use nokv_client::{At, Client};
use nokv_types::FileKind;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

/// The variable by which a shell asks; its value is the shell.
const VARIABLE: &str = "COMPLETE";
/// Most entries of a directory that are offered.
const OFFERED_MAX: usize = 1000;

/// The shells; every one of them but PowerShell quotes what it inserts, or has it quoted.
const SHELLS: Shells<'static> = Shells(&[&Bash, &Elvish, &Fish, &Powershell, &Zsh]);

/// Whether names are quoted on their way into the line. The variable is taken away before names are asked for.
static QUOTES: AtomicBool = AtomicBool::new(false);

/// Answers a shell that asks, and ends the process then.
pub(crate) fn answer() {
    if let Some(shell) = std::env::var_os(VARIABLE) {
        let quotes = ["bash", "zsh", "fish", "elvish"]
            .iter()
            .any(|known| shell == *known);
        QUOTES.store(quotes, Ordering::Relaxed);
        CompleteEnv::with_factory(Cli::command)
            .var(VARIABLE)
            .shells(SHELLS)
            .bin("nokv")
            .complete();
    }
}

/// The script that makes a shell ask.
pub(crate) fn script(shell: Shell, out: &mut dyn io::Write) -> io::Result<()> {
    let name = shell.to_string();
    let completer = SHELLS
        .completer(&name)
        .ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, format!("{name} has no completions")))?;
    completer.write_registration(VARIABLE, "nokv", "nokv", "nokv", out)
}

/// Paths of the namespace, and roots before a colon.
pub(crate) fn places() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        with_namespace(|client, settings| offer_places(client, settings, current)).unwrap_or_default()
    })
}

/// Paths of the namespace behind a local file: `put LOCAL PATH`.
pub(crate) fn files() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| PathCompleter::any().complete(current))
}

/// Snapshots.
pub(crate) fn snapshots() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let named = with_namespace(|client, _| {
            let pins = client.namespace().pins().ok()?;
            Some(offer(pins.into_iter().map(|pin| pin.key), current))
        });
        named.unwrap_or_default()
    })
}

/// Roots: the workspace's own, volumes and forks.
pub(crate) fn roots() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let named = with_namespace(|client, _| {
            let roots = client.namespace().roots().ok()?;
            Some(offer(roots.into_iter().map(|root| root.name), current))
        });
        named.unwrap_or_default()
    })
}

/// What `nokv diff` compares: roots and snapshots.
pub(crate) fn states() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let named = with_namespace(|client, _| {
            let mut names: Vec<Vec<u8>> = client
                .namespace()
                .roots()
                .ok()?
                .into_iter()
                .map(|root| root.name)
                .collect();
            names.extend(client.namespace().pins().ok()?.into_iter().map(|pin| pin.key));
            Some(offer(names.into_iter(), current))
        });
        named.unwrap_or_default()
    })
}

fn offer(names: impl Iterator<Item = Vec<u8>>, current: &OsStr) -> Vec<CompletionCandidate> {
    let fitting = names.filter(|name| name.starts_with(current.as_bytes()));
    fitting.take(OFFERED_MAX).filter_map(candidate).collect()
}

fn offer_places(client: &Client, settings: &Settings, current: &OsStr) -> Option<Vec<CompletionCandidate>> {
    let typed = current.as_bytes();
    let cut = typed
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |slash| slash + 1);
    let (above, begun) = typed.split_at(cut);
    let directory = if above.is_empty() { &b"/"[..] } else { above };
    let place = Place::parse(OsStr::from_bytes(directory), &settings.root).ok()?;
    let view = client.namespace().resolve_at(&place.root, &At::Head).ok()?;
    let top = client.follow(view, &place.path).ok()?;
    let page = client
        .namespace()
        .readdir(view.point, top.node.ino, None, OFFERED_MAX, false)
        .ok()?;
    let names = page
        .entries
        .into_iter()
        .filter(|entry| entry.name.as_bytes().starts_with(begun))
        // Hidden names are offered to whoever has typed the dot.
        .filter(|entry| !begun.is_empty() || !entry.name.as_bytes().starts_with(b"."));
    let written = names.map(|entry| {
        let lead = if above.is_empty() { &b"/"[..] } else { above };
        let end: &[u8] = if entry.kind == FileKind::Directory {
            b"/"
        } else {
            b""
        };
        [lead, entry.name.as_bytes(), end].concat()
    });
    Some(written.filter_map(candidate).collect())
}

/// A name as it is offered. What a line cannot hold as it stands is not: no text, control characters, and for
/// PowerShell, which quotes nothing, whatever it would read as more than a name.
fn candidate(name: Vec<u8>) -> Option<CompletionCandidate> {
    let name = String::from_utf8(name).ok()?;
    let bare = |c: char| c.is_ascii_alphanumeric() || "/_-.:".contains(c);
    let offered = if QUOTES.load(Ordering::Relaxed) {
        !name.chars().any(char::is_control)
    } else {
        name.chars().all(bare)
    };
    offered.then(|| CompletionCandidate::new(name))
}

/// Opens the namespace that the words before the cursor name, unless that may take long.
fn with_namespace<T>(ask: impl FnOnce(&Client, &Settings) -> Option<T>) -> Option<T> {
    let settings = settings()?;
    if !settings.store.starts_with("dir:") || !settings.data.join("WORKSPACE").exists() {
        return None;
    }
    let handle = open::open(&settings).ok()?;
    let client = Client::new(handle.shared(), nokv_client::Settings::default());
    let answer = ask(&client, &settings);
    drop(client);
    handle.close().ok()?;
    answer
}

/// The settings, out of those options of the line that say where the namespace is.
fn settings() -> Option<Settings> {
    let words: Vec<OsString> = std::env::args_os()
        .skip_while(|word| word != "--")
        .skip(1)
        .map(|word| bash::unquoted(&word))
        .collect();
    let mut line: Vec<OsString> = vec!["nokv".into()];
    for (index, word) in words.iter().enumerate() {
        for flag in ["--data", "--store", "--root", "--config"] {
            let joined = word.as_bytes().starts_with(format!("{flag}=").as_bytes());
            if joined {
                line.push(word.clone());
            } else if word == flag {
                line.extend([word.clone(), words.get(index + 1)?.clone()]);
            }
        }
    }
    line.push("version".into());
    let cli = Cli::try_parse_from(line).ok()?;
    let mut settings = Settings::load(cli.global).ok()?;
    settings.format = Format::Table;
    Some(settings)
}
