//! The few file operations that the frame store needs, as a trait, so that tests can run it on a disk that fails.
//!
//! Must not know what a frame or a manifest is. A crash may keep or lose any write that no [`Disk::sync`]
//! followed, and a [`Disk::replace`] that no [`Disk::sync_dir`] followed, whole or in part.

use rustix::fs::{FallocateFlags, fallocate};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// The files of a frame store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileName {
    /// The slots, 512 KiB each.
    Frames,
    /// The published manifest.
    Manifest,
    /// The next manifest while it is being written.
    NextManifest,
}

impl FileName {
    /// The name in the directory.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Frames => "frames",
            Self::Manifest => "manifest",
            Self::NextManifest => "manifest.next",
        }
    }
}

/// Where a frame store keeps its files.
pub trait Disk: Send + Sync + std::fmt::Debug {
    /// Length of `file` in bytes; `None` when it does not exist.
    fn len(&self, file: FileName) -> io::Result<Option<u64>>;
    /// Fills `into` from `offset`; an error when the file ends before.
    fn read_at(&self, file: FileName, offset: u64, into: &mut [u8]) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`, creating and extending the file as needed.
    fn write_at(&self, file: FileName, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts or extends `file`, creating it as needed.
    fn set_len(&self, file: FileName, len: u64) -> io::Result<()>;
    /// Gives the blocks of a range back; it reads as zeroes afterwards.
    fn punch(&self, file: FileName, offset: u64, len: u64) -> io::Result<()>;
    /// Waits until every earlier write to `file` is durable.
    fn sync(&self, file: FileName) -> io::Result<()>;
    /// Renames `from` over `to` atomically.
    fn replace(&self, from: FileName, to: FileName) -> io::Result<()>;
    /// Waits until earlier creations and renames are durable.
    fn sync_dir(&self) -> io::Result<()>;
}

/// A directory of a real filesystem.
#[derive(Debug)]
pub struct DirDisk {
    dir: PathBuf,
    frames: File,
}

/// Bytes of one write. The kernel takes memory for what one write brings in pieces as large as it can find, and the
/// largest there are have to be fetched from the host first on a virtual machine.
const WRITE_BYTES: usize = 128 << 10;

impl DirDisk {
    /// Opens `dir`, creating it and the frames file when they do not exist.
    ///
    /// # Errors
    /// What the filesystem says.
    pub fn open(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let path = dir.join(FileName::Frames.as_str());
        let frames = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        Ok(Self {
            dir: dir.to_owned(),
            frames,
        })
    }

    fn with<T>(
        &self,
        file: FileName,
        create: bool,
        run: impl FnOnce(&File) -> io::Result<T>,
    ) -> io::Result<T> {
        if file == FileName::Frames {
            return run(&self.frames);
        }
        let path = self.dir.join(file.as_str());
        let opened = OpenOptions::new()
            .read(true)
            .write(create)
            .create(create)
            .truncate(false)
            .open(path)?;
        run(&opened)
    }
}

impl Disk for DirDisk {
    fn len(&self, file: FileName) -> io::Result<Option<u64>> {
        match self.with(file, false, |file| Ok(file.metadata()?.len())) {
            Ok(len) => Ok(Some(len)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read_at(&self, file: FileName, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.with(file, false, |file| file.read_exact_at(into, offset))
    }

    fn write_at(&self, file: FileName, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.with(file, true, |file| {
            let offsets = (offset..).step_by(WRITE_BYTES);
            let mut pieces = bytes.chunks(WRITE_BYTES).zip(offsets);
            pieces.try_for_each(|(piece, at)| file.write_all_at(piece, at))
        })
    }

    fn set_len(&self, file: FileName, len: u64) -> io::Result<()> {
        self.with(file, true, |file| file.set_len(len))
    }

    fn punch(&self, file: FileName, offset: u64, len: u64) -> io::Result<()> {
        let mode = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        self.with(file, true, |file| match fallocate(file, mode, offset, len) {
            // A filesystem without holes keeps the blocks: more disk, nothing wrong.
            Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
            done => Ok(done?),
        })
    }

    fn sync(&self, file: FileName) -> io::Result<()> {
        self.with(file, true, File::sync_data)
    }

    fn replace(&self, from: FileName, to: FileName) -> io::Result<()> {
        std::fs::rename(self.dir.join(from.as_str()), self.dir.join(to.as_str()))
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }
}
