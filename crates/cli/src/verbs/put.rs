//! `nokv put`

use crate::archive::LocalFile;
use crate::context::{Context, own_inode};
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Record, show_size};
use crate::place::Place;
use crate::progress::{Progress, rate, seconds};
use crate::waiting::Waiting;
use clap::Args;
use nokv_client::{Ack, BodySource, PublishOptions, Published, SparseSource, StreamSource};
use nokv_types::{Code, FileKind, Name, Target};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Seek as _};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Mode of new files when nothing else says it.
pub(crate) const FILE_MODE: u32 = 0o644;

/// Upload a file (or standard input)
///
/// Uploads LOCAL and gives it to PATH in one step: readers see the old body or the new one.
#[derive(Debug, Args)]
pub(crate) struct Put {
    /// File to upload; - = standard input
    #[arg(add = crate::complete::files())]
    local: OsString,
    /// Where to: a file, or a directory to put it in
    #[arg(add = crate::complete::places())]
    path: OsString,
    /// Refuse when the name is taken
    #[arg(long, conflicts_with = "append")]
    create_only: bool,
    /// Add the bytes behind the end of the file
    #[arg(long)]
    append: bool,
}

impl Put {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let place = context.place(&self.path)?;
        let upload = Upload::open(context, &self.local)?;
        let (place, (published, took)) = if self.append {
            let appended = Put::append(context, &place, upload)?;
            (place, appended)
        } else {
            let (target, place) = file_target(context, &place, &self.local, upload.mode, self.create_only)?;
            let published = upload.publish(context, &place, target, PublishOptions::default())?;
            (place, published)
        };
        report(context, &place, &published, took)
    }

    fn append(context: &Context, place: &Place, upload: Upload) -> Outcome<(Published, std::time::Duration)> {
        let found = context.found(place)?;
        let Upload {
            mut source, progress, ..
        } = upload;
        let published = context.client()?.append(found.node, &mut *source, Ack::Durable);
        let published = published.map_err(|error| error.about(place.to_string()))?;
        Ok((published, progress.finish()))
    }
}

/// A local body on its way.
pub(crate) struct Upload {
    pub(crate) source: Box<dyn BodySource>,
    pub(crate) mode: u32,
    progress: Progress,
}

impl Upload {
    /// Opens a local file, or standard input for `-`.
    pub(crate) fn open(context: &Context, local: &OsStr) -> Outcome<Self> {
        let shown = local.to_string_lossy().into_owned();
        let wrong = |source| Failure::local("read", shown.clone(), source);
        if local == "-" {
            if let Some(file) = redirected().map_err(wrong)? {
                return Self::of_file(context, file, FILE_MODE).map_err(wrong);
            }
            let progress = Progress::bytes(context, None);
            let stdin = progress.reading(Waiting::stdin(context.stop()).map_err(wrong)?);
            return Ok(Self {
                source: Box::new(StreamSource::new(stdin)),
                mode: FILE_MODE,
                progress,
            });
        }
        let file = File::open(local).map_err(wrong)?;
        let about = file.metadata().map_err(wrong)?;
        if about.is_dir() {
            let why = format!("{shown} is a directory; nokv import takes directories");
            return Err(Failure::usage(why).try_next(format!("nokv import {shown} PATH")));
        }
        use std::os::unix::fs::PermissionsExt as _;
        let mode = about.permissions().mode() & 0o7777;
        if about.is_file() {
            return Self::of_file(context, file, mode).map_err(wrong);
        }
        let progress = Progress::bytes(context, None);
        let file = progress.reading(Waiting::new(file, context.stop()));
        Ok(Self {
            source: Box::new(StreamSource::new(file)),
            mode,
            progress,
        })
    }

    /// A body whose holes are skipped instead of read.
    fn of_file(context: &Context, file: File, mode: u32) -> io::Result<Self> {
        let progress = Progress::bytes(context, Some(file.metadata()?.len()));
        Ok(Self {
            source: Box::new(SparseSource::new(LocalFile::counted(file, progress.clone()))?),
            mode,
            progress,
        })
    }

    pub(crate) fn publish(
        mut self,
        context: &Context,
        place: &Place,
        target: Target,
        options: PublishOptions,
    ) -> Outcome<(Published, std::time::Duration)> {
        let client = context.client()?;
        let published = client.publish(target, &mut *self.source, options, Ack::Durable);
        let published = published.map_err(|error| match error.refusal() {
            Some(_) => error.about(place.to_string()),
            None => error,
        })?;
        Ok((published, self.progress.finish()))
    }
}

/// The file that standard input is redirected from, if nobody has read of it yet.
fn redirected() -> io::Result<Option<File>> {
    let mut file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let whole = file.metadata()?.is_file() && file.stream_position()? == 0;
    Ok(Some(file).filter(|_| whole))
}

/// The file that a place means for a local one: itself, or its name in the directory that stands there.
pub(crate) fn file_target(
    context: &Context,
    place: &Place,
    local: &OsStr,
    mode: u32,
    create_only: bool,
) -> Outcome<(Target, Place)> {
    let (client, head) = (context.client()?, context.head(place)?);
    let mut place = place.clone();
    match client.follow(head, &place.path) {
        Ok(found) if found.attr.kind == FileKind::Directory => {
            let name = Path::new(local).file_name().filter(|_| local != "-");
            let Some(name) = name else {
                return Err(Failure::usage(format!(
                    "{place} is a directory: name the file to make in it"
                )));
            };
            place.path = place.path.join(Name::new(name.as_bytes())?);
        }
        Err(error) if error.code() == Some(Code::NotFound) && !place.is_folder => {}
        found => {
            let found = found?;
            if !create_only {
                return Ok((Target::Node(found.node), place));
            }
        }
    }
    let (parent, name) = context.parent(head, &place)?;
    let inode = own_inode(mode);
    let target = Target::Name {
        parent,
        name,
        inode,
        create_only,
    };
    Ok((target, place))
}

/// Tells what was published.
pub(crate) fn report(
    context: &Context,
    place: &Place,
    published: &Published,
    took: std::time::Duration,
) -> Outcome {
    let size = published.attr.size;
    let summary = format!(
        "{place}: {} in {}, {}",
        show_size(size),
        seconds(took),
        rate(size, took)
    );
    let record = Record::new()
        .with("path", Field::Bytes(place.path.to_bytes()))
        .with("ino", Field::Number(published.node.ino.0))
        .with("size", Field::Size(size))
        .with("generation", Field::Number(published.attr.generation.0))
        .with("version", Field::Number(published.version.0));
    context.out.done(&summary, &record)
}
