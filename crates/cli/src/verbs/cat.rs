//! `nokv cat`

use crate::args::AtArg;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use clap::Args;
use nokv_client::{BodyReader, Found};
use nokv_types::{FileKind, ReadPoint};
use std::ffi::OsString;
use std::io::Write as _;
use std::ops::Range;

/// Zeros that a hole is printed with at a time.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// Print files
///
/// Prints the bytes of files, verified.
#[derive(Debug, Args)]
pub(crate) struct Cat {
    /// Files to print
    #[arg(required = true, add = crate::complete::places())]
    paths: Vec<OsString>,
    /// First byte to print
    #[arg(long, default_value_t = 0, value_name = "BYTES")]
    offset: u64,
    /// Most bytes to print of each file
    #[arg(long, value_name = "BYTES")]
    length: Option<u64>,
    #[command(flatten)]
    at: AtArg,
}

impl Cat {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let end = self
            .length
            .map_or(u64::MAX, |length| self.offset.saturating_add(length));
        for argument in &self.paths {
            let mut place = context.source(argument)?;
            let (view, path) = context.view(&mut place, &self.at)?;
            let found = Context::named(&place, &path, context.client()?.follow(view, &path))?;
            if found.attr.kind != FileKind::File {
                let code = match found.attr.kind {
                    FileKind::Directory => nokv_types::Code::IsADirectory,
                    _ => nokv_types::Code::WrongKind,
                };
                return Err(Failure::Client(nokv_client::Error::refused(
                    code,
                    place.to_string(),
                )));
            }
            print(context, view.point, found, self.offset..end)?;
        }
        Ok(())
    }
}

/// Prints a range of a body.
pub(super) fn print(context: &Context, point: ReadPoint, found: Found, range: Range<u64>) -> Outcome {
    let mut reader = BodyReader::open(context.client()?, point, found.node.ino, range)?;
    while let Some(piece) = reader.next_piece()? {
        let mut out = context.out.raw();
        if let Some(window) = &piece.data {
            out.write_all(window.bytes())?;
            continue;
        }
        let mut left = piece.len;
        while left > 0 {
            let now = left.min(ZEROS.len() as u64);
            out.write_all(&ZEROS[..now as usize])?;
            left -= now;
        }
    }
    Ok(())
}
