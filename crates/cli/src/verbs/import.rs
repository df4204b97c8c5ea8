//! `nokv import`

use crate::archive::{Opened, ReadOptions, Stage, Tally, open_archive, read_folder, read_tar};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Record, show_size};
use crate::progress::{Progress, rate, seconds};
use clap::Args;
use nokv_client::{Ack, TreeBuilder};
use nokv_types::Code;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Bring in a folder or an archive (tar, tar.xz, tar.zst); run it again to resume
///
/// Brings in a folder or an archive. It grows in a hidden directory and appears when it is whole; an interrupted
/// import goes on when the same command runs again, one that breaks a rule leaves nothing.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Folder, tar, tar.xz or tar.zst; - = an archive on standard input
    #[arg(add = crate::complete::files())]
    source: OsString,
    /// Where to: a new name, or a directory that the entries go into
    #[arg(add = crate::complete::places())]
    path: OsString,
    /// Owners as the source has them, instead of the caller
    #[arg(long)]
    same_owner: bool,
}

impl Import {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let place = context.place(&self.path)?;
        let shown = self.source.to_string_lossy().into_owned();
        let local = |source| Failure::local("read", shown.clone(), source);
        let about = if self.source == "-" {
            None
        } else {
            Some(std::fs::metadata(&self.source).map_err(local)?)
        };
        let is_folder = about.as_ref().is_some_and(std::fs::Metadata::is_dir);
        let total = about
            .as_ref()
            .filter(|about| about.is_file())
            .map(std::fs::Metadata::len);
        let identity = match &about {
            None => None,
            Some(about) => Some(identity(Path::new(&self.source), about).map_err(local)?),
        };
        let progress = Progress::bytes(context, total);
        let archive = if is_folder {
            None
        } else {
            let opened = open_archive(&self.source, &progress, context.stop());
            Some(opened.map_err(|failure| context.unless_stopped(failure))?)
        };
        let stage = Stage::open(context, &place, identity.as_deref())?;
        let (resumed, continued) = (stage.is_resumed(), stage.is_moving());
        let filled = if continued {
            Ok(Tally::default())
        } else {
            self.fill(context, &stage, archive, &progress)
        };
        let tally = filled
            .and_then(|tally| stage.finish().map(|()| tally))
            .map_err(|f| stage.settle(f))?;
        let took = progress.finish();
        let summary = format!(
            "{place}: {} files, {} directories, {} others, {} in {}, {}{}",
            tally.files,
            tally.directories,
            tally.others,
            show_size(tally.bytes),
            seconds(took),
            rate(tally.bytes, took),
            if continued {
                "; the entries of an earlier run went to their place".to_owned()
            } else if resumed {
                format!("; {} were there from an earlier run", tally.present)
            } else {
                String::new()
            }
        );
        let record = Record::new()
            .with("path", Field::Bytes(place.path.to_bytes()))
            .with("files", Field::Number(tally.files))
            .with("directories", Field::Number(tally.directories))
            .with("others", Field::Number(tally.others))
            .with("bytes", Field::Size(tally.bytes))
            .with("present", Field::Number(tally.present))
            .with("resumed", Field::Flag(resumed))
            .with(
                "elapsed_ms",
                Field::Number(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            );
        context.out.done(&summary, &record)
    }

    fn fill(
        &self,
        context: &Context,
        stage: &Stage<'_>,
        archive: Option<Opened>,
        progress: &Progress,
    ) -> Outcome<Tally> {
        let mut tree = TreeBuilder::new(context.client()?, stage.node(), stage.is_resumed());
        let same_owner = self.same_owner;
        let options = ReadOptions {
            same_owner,
            admit: &|path| stage.admit(path),
        };
        let Some(mut opened) = archive else {
            let tally = read_folder(Path::new(&self.source), &mut tree, options, progress);
            let finished = tally.and_then(|tally| Ok(tree.finish(Ack::Applied).map(|()| tally)?));
            return finished.map_err(|failure| stage.named(failure));
        };
        let tally = read_tar(&mut opened, &mut tree, options, progress);
        let finished = tally.and_then(|tally| Ok(tree.finish(Ack::Applied).map(|()| tally)?));
        finished.map_err(|failure| context.unless_stopped(of_archive(failure)))
    }
}

/// What the namespace refuses because of what the archive says is the archive's fault.
fn of_archive(failure: Failure) -> Failure {
    match failure {
        Failure::Client(error) => match error.refusal() {
            Some(refusal) if is_fault_of_entry(refusal.code) => Failure::archive(&refusal.subject, {
                let sentence = refusal.code.sentence();
                if refusal.detail.is_empty() {
                    sentence.to_owned()
                } else {
                    format!("{sentence}: {}", refusal.detail)
                }
            }),
            _ => Failure::Client(error),
        },
        other => other,
    }
}

fn is_fault_of_entry(code: Code) -> bool {
    matches!(
        code,
        Code::Exists
            | Code::NotFound
            | Code::NotADirectory
            | Code::IsADirectory
            | Code::WrongKind
            | Code::NameInvalid
            | Code::NameTooLong
            | Code::PathTooLong
            | Code::TooLarge
            | Code::TooMany
            | Code::TooManyLinks
    )
}

/// What tells one source from another: where it is and, for an archive, its length and time.
fn identity(source: &Path, about: &std::fs::Metadata) -> std::io::Result<Vec<u8>> {
    let whole = source.canonicalize()?;
    let mut identity = whole.as_os_str().as_bytes().to_vec();
    if about.is_file() {
        let (len, mtime, nanos) = (about.len(), about.mtime(), about.mtime_nsec());
        identity.extend_from_slice(format!("\0{len}\0{mtime}.{nanos}").as_bytes());
    }
    Ok(identity)
}
