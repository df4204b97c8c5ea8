//! `nokv publish`

use super::mkdir::DIR_MODE;
use super::put::{Upload, file_target};
use crate::advice::quoted;
use crate::context::{Context, own_inode};
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Record, show_size};
use crate::place::Place;
use crate::progress::{rate, seconds};
use clap::Args;
use nokv_client::{Ack, PublishOptions};
use nokv_types::{Code, FileKind, Version, XattrName};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

/// Where typed attributes live.
const TYPED_PREFIX: &[u8] = b"user.nokv.";

/// Publish an artifact: a file with typed attributes, visible at once
///
/// Publishes a file as an artifact: body and attributes become visible together, and the answer can be cited.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// File to publish; - = standard input
    #[arg(add = crate::complete::files())]
    local: OsString,
    /// Where to; missing directories are made
    #[arg(add = crate::complete::places())]
    path: OsString,
    /// Typed attribute, as KEY=VALUE; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<OsString>,
    /// Refuse unless the file is at this generation
    #[arg(long, value_name = "GENERATION")]
    expect: Option<u64>,
    /// Refuse when the name is taken
    #[arg(long, conflicts_with = "expect")]
    create_only: bool,
}

impl Publish {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let xattrs = self
            .set
            .iter()
            .map(|set| typed(set.as_bytes()))
            .collect::<Outcome<Vec<_>>>()?;
        let place = context.place(&self.path)?;
        let mut upload = Upload::open(context, &self.local)?;
        let options = PublishOptions {
            expect: self.expect.map(Version),
            xattrs,
        };
        make_parents(context, &place, &mut upload, &options)?;
        let (target, place) = file_target(context, &place, &self.local, upload.mode, self.create_only)?;
        let (published, took) = upload.publish(context, &place, target, options)?;
        let (size, generation) = (published.attr.size, published.attr.generation.0);
        let cite = place.cite_at(published.attr.generation);
        let summary = format!(
            "{cite}: {} in {}, {}",
            show_size(size),
            seconds(took),
            rate(size, took)
        );
        let record = Record::new()
            .with("path", Field::Bytes(place.path.to_bytes()))
            .with("evidence", Field::Text(cite))
            .with("size", Field::Size(size))
            .with("generation", Field::Number(generation))
            .with("version", Field::Number(published.version.0));
        context.out.done(&summary, &record)
    }
}

/// Makes the directories above a place. What is known to be refused leaves none.
fn make_parents(context: &Context, place: &Place, upload: &mut Upload, options: &PublishOptions) -> Outcome {
    let (client, head) = (context.client()?, context.head(place)?);
    let Some((parent, _)) = place.path.split_last() else {
        return Ok(());
    };
    let (mut above, mut inodes) = (parent.clone(), 1);
    let found = loop {
        match (client.follow(head, &above), above.split_last()) {
            (Err(error), Some((higher, _))) if error.code() == Some(Code::NotFound) => {
                (above, inodes) = (higher, inodes + 1);
            }
            (found, _) => break found?,
        }
    };
    if inodes == 1 {
        return Ok(());
    }
    if place.is_folder {
        return Err(nokv_client::Error::refused(Code::NotFound, place.to_string()).into());
    }
    if found.attr.kind == FileKind::Directory {
        client
            .check_publish_below(found.node, inodes, &mut *upload.source, options)
            .map_err(|error| {
                let (code, failure) = (error.code(), Failure::from(error.about(place.to_string())));
                let above = quoted(&place.with_path(above.clone()).to_string());
                match code {
                    Some(Code::QuotaExceeded) => failure.try_next(format!("nokv quota {above}")),
                    Some(Code::Conflict) => failure.try_next(format!("nokv ls {above}")),
                    _ => failure,
                }
            })?;
    }
    client.make_dirs(head, &parent, own_inode(DIR_MODE), Ack::Applied)?;
    Ok(())
}

fn typed(set: &[u8]) -> Outcome<(XattrName, Vec<u8>)> {
    let Some(equals) = set.iter().position(|byte| *byte == b'=').filter(|at| *at > 0) else {
        return Err(Failure::usage(format!(
            "--set {}: not KEY=VALUE",
            nokv_types::show_bytes(set)
        )));
    };
    let name = [TYPED_PREFIX, &set[..equals]].concat();
    Ok((XattrName::new(&name)?, set[equals + 1..].to_vec()))
}
