//! The few file operations that the journal needs, as a trait, so that tests can cut the power under it.
//!
//! Owns: the seam and its implementation over the operating system. Must not know what the files mean.
//! Contract: what was written becomes durable with [`DiskFile::sync_data`] of the file and, for names that
//! appeared, changed or went, with [`Disk::sync_dir`] of their directory; nothing else is durable.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// One open file.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Writes all of `bytes` at `offset`, growing the file where needed.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Reads until `into` is full or the file ends; answers how many bytes were read.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;
    /// The file's length in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Cuts the file, or extends it with zeros.
    fn set_size(&self, size: u64) -> io::Result<()>;
    /// Makes the content durable.
    fn sync_data(&self) -> io::Result<()>;
}

/// A tree of directories and files.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Makes the directory and its parents; fine when it exists.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// The names in a directory, sorted; none when the directory does not exist.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Opens a file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Makes an empty file, replacing one of that name.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Renames a file or directory over a file that may exist.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; fine when it is not there.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Whether a file or directory of this name exists.
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// Makes the names of a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// Makes a directory whose name, and the names of the parents that had to be made, survive a power cut.
pub(crate) fn create_dir_durably(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    let mut missing = Vec::new();
    for ancestor in dir.ancestors() {
        if ancestor.as_os_str().is_empty() || disk.exists(ancestor)? {
            break;
        }
        missing.push(ancestor);
    }
    disk.create_dir(dir)?;
    // Also when it was there: an earlier try may have died before its name was synced.
    missing.push(dir);
    for made in missing.iter().rev() {
        if let Some(parent) = made.parent() {
            let here = Path::new(".");
            disk.sync_dir(if parent.as_os_str().is_empty() {
                here
            } else {
                parent
            })?;
        }
    }
    Ok(())
}

/// The operating system's files.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsDisk;

/// Bytes of one write. The kernel takes memory for what one write brings in pieces as large as it can find, and the
/// largest there are have to be fetched from the host first on a virtual machine.
const WRITE_BYTES: usize = 128 << 10;

impl DiskFile for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        for (piece, at) in bytes.chunks(WRITE_BYTES).zip((offset..).step_by(WRITE_BYTES)) {
            self.write_all_at(piece, at)?;
        }
        Ok(())
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < into.len() {
            match FileExt::read_at(self, &mut into[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }
}

impl Disk for OsDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        std::fs::create_dir_all(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(OpenOptions::new().read(true).write(true).open(path)?))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        Ok(Arc::new(options.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        std::fs::exists(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}
