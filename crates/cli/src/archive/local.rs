//! Local files with their holes.

use crate::failure::{Failure, Outcome};
use crate::progress::Progress;
use nokv_client::{BodyReader, SparseFile};
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

/// A file of the local system as the source of a body.
pub(crate) struct LocalFile {
    file: File,
    progress: Option<Progress>,
}

impl LocalFile {
    pub(crate) fn counted(file: File, progress: Progress) -> Self {
        Self {
            file,
            progress: Some(progress),
        }
    }
}

impl SparseFile for LocalFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn data_from(&self, from: u64) -> io::Result<Option<Range<u64>>> {
        use rustix::fs::{SeekFrom, seek};
        let start = match seek(&self.file, SeekFrom::Data(from)) {
            Ok(start) => start,
            // Only a hole follows, or the end.
            Err(rustix::io::Errno::NXIO) => return Ok(None),
            // A filesystem that knows of no holes.
            Err(rustix::io::Errno::INVAL) => {
                let size = self.size()?;
                return Ok((from < size).then_some(from..size));
            }
            Err(error) => return Err(error.into()),
        };
        let end = seek(&self.file, SeekFrom::Hole(start))?;
        Ok((start < end).then_some(start..end))
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(buffer, at)?;
        if let Some(progress) = &self.progress {
            progress.add(got as u64);
        }
        Ok(got)
    }
}

/// Writes a body to a local file, which appears (or is replaced) when all of it is there.
pub(crate) fn write_file(
    path: &Path,
    mode: u32,
    reader: &mut BodyReader<'_>,
    progress: &Progress,
) -> Outcome {
    let mut part_name = std::ffi::OsString::from(".");
    part_name.push(path.file_name().unwrap_or_default());
    part_name.push(".nokv-part");
    let part = path.with_file_name(part_name);
    let written = write_part(&part, mode, reader, progress).and_then(|()| {
        std::fs::rename(&part, path)
            .map_err(|source| Failure::local("write", path.display().to_string(), source))
    });
    if written.is_err() {
        let _what_is_left_is_named_in_the_error = std::fs::remove_file(&part);
    }
    written
}

fn write_part(path: &Path, mode: u32, reader: &mut BodyReader<'_>, progress: &Progress) -> Outcome {
    let wrong = |source| Failure::local("write", path.display().to_string(), source);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode & 0o777);
    let file = options.open(path).map_err(wrong)?;
    write_body(&file, reader, progress).map_err(|failure| match failure {
        Failure::Output(source) => wrong(source),
        other => other,
    })
}

/// Writes the pieces of a body; holes are skipped and come out as holes.
pub(super) fn write_body(mut file: &File, reader: &mut BodyReader<'_>, progress: &Progress) -> Outcome {
    while let Some(piece) = reader.next_piece()? {
        match &piece.data {
            Some(window) => file.write_all(window.bytes())?,
            None => {
                file.seek(SeekFrom::Current(piece.len.cast_signed()))?;
            }
        }
        progress.add(piece.len);
    }
    file.set_len(reader.size())?;
    Ok(())
}
