//! Writing a file under no name, and giving it its name at once.
//!
//! Invariants: a file is locked by its writer for as long as it lies in `tmp/`, and is removed when the writer
//! gives up; a name is only ever given to a synced file.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::footer::Footer;

/// How many taken names are skipped before a writer gives up; a name is `<pid>-<count>`, so only a process of
/// the same number in another container, or a dead one, has it.
const NAME_ATTEMPTS: u32 = 10_000;
/// Bytes of one write. The kernel takes memory for what one write brings in pieces as large as it can find: of
/// 4 MiB it takes the largest there are, which on a virtual machine have to be fetched from the host first. Writing
/// 1 GiB in pieces of 4 MiB ran at a third of the speed of `cp`, in these pieces beside it.
const WRITE_BYTES: usize = 128 << 10;
/// How often a folder that vanishes under a rename is made again: a deletion may remove it once per round.
const FOLDER_ATTEMPTS: u32 = 16;

/// Makes files under no name.
#[derive(Debug)]
pub(crate) struct Publisher {
    temp: PathBuf,
    count: AtomicU64,
}

impl Publisher {
    pub(crate) fn new(temp: PathBuf) -> Self {
        Self {
            temp,
            count: AtomicU64::new(0),
        }
    }

    /// Writes a body and its footer; nothing is synced.
    pub(crate) fn write(&self, body: &[u8], footer: &Footer) -> io::Result<Temp> {
        let mut temp = self.make().map_err(folder_is_gone)?;
        for piece in body.chunks(WRITE_BYTES) {
            temp.file.write_all(piece)?;
        }
        temp.file.write_all(&footer.encode())?;
        Ok(temp)
    }

    fn make(&self) -> io::Result<Temp> {
        for _ in 0..NAME_ATTEMPTS {
            let count = self.count.fetch_add(1, Ordering::Relaxed);
            let path = self.temp.join(format!("{}-{count}", std::process::id()));
            match File::create_new(&path) {
                Ok(file) => {
                    let temp = Temp {
                        file,
                        path,
                        named: false,
                    };
                    return match temp.file.try_lock() {
                        Ok(()) => Ok(temp),
                        // A sweeper looks at it in this moment; it is too young to be swept.
                        Err(TryLockError::WouldBlock) => temp.file.lock().map(|()| temp),
                        Err(TryLockError::Error(e)) => Err(e),
                    };
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
        Err(io::Error::other("no free name in the folder of temporary files"))
    }
}

/// A missing `tmp/` must not read as a missing object.
fn folder_is_gone(e: io::Error) -> io::Error {
    if e.kind() == io::ErrorKind::NotFound {
        return io::Error::other("the folder of the store was removed while it was open");
    }
    e
}

/// A written file without a name; dropped, it is removed.
#[derive(Debug)]
pub(crate) struct Temp {
    file: File,
    path: PathBuf,
    named: bool,
}

impl Temp {
    /// Makes the content durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Gives the file its name if that is free, and says whether it was. Nothing is synced: `unsynced` gets the
    /// folders that hold the names of folders which were made on the way.
    pub(crate) fn create(
        mut self,
        root: &Path,
        path: &Path,
        unsynced: &mut BTreeSet<PathBuf>,
    ) -> io::Result<bool> {
        for _ in 0..FOLDER_ATTEMPTS {
            match rename_if_free(&self.path, path) {
                Ok(()) => {
                    self.named = true;
                    return Ok(true);
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
                Err(e) if e.kind() == io::ErrorKind::NotFound => make_folder(root, path, unsynced)?,
                Err(e) => return Err(e),
            }
        }
        Err(io::Error::other(
            "the folder of the object is removed again and again",
        ))
    }

    /// Gives the file its name, in place of what had it.
    pub(crate) fn replace(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.named = true;
        Ok(())
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.named {
            // What cannot be removed now is swept at a later start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn rename_if_free(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => link_then_unlink(from, to),
        Err(e) => Err(e.into()),
    }
}

/// The way of file systems that do not know the flag (NFS): a link refuses a taken name as well.
fn link_then_unlink(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    // The object is there; a second name in `tmp/` is swept later.
    let _ = fs::remove_file(from);
    Ok(())
}

/// Makes the folder that `path` lies in, below `root`.
fn make_folder(root: &Path, path: &Path, unsynced: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let Some(folder) = path.parent().filter(|folder| folder.starts_with(root)) else {
        return Err(folder_is_gone(io::ErrorKind::NotFound.into()));
    };
    match fs::create_dir(folder) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(io::ErrorKind::NotADirectory.into()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            make_folder(root, folder, unsynced)?;
            return make_folder(root, path, unsynced);
        }
        Err(e) => return Err(e),
    }
    // Also when it was there: whoever made it may not have synced its name yet.
    unsynced.extend(folder.parent().map(Path::to_owned));
    Ok(())
}

/// Makes the names in a folder durable. A folder that is gone has none.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder) {
        Ok(folder) => folder.sync_all(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temp_with(publisher: &Publisher, body: &[u8]) -> Temp {
        publisher.write(body, &Footer::of(body, 1)).unwrap()
    }

    #[test]
    fn the_way_without_the_rename_flag_refuses_a_taken_name_too() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::write(&from, b"one").unwrap();
        link_then_unlink(&from, &to).unwrap();
        assert!(!from.exists() && fs::read(&to).unwrap() == b"one");
        fs::write(&from, b"two").unwrap();
        let refused = link_then_unlink(&from, &to).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&to).unwrap(), b"one");
    }

    #[test]
    fn a_file_that_gets_no_name_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let publisher = Publisher::new(dir.path().to_owned());
        drop(temp_with(&publisher, b"body"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_name_that_a_dead_writer_left_is_skipped() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(format!("{}-0", std::process::id())), b"left").unwrap();
        let publisher = Publisher::new(dir.path().to_owned());
        let temp = temp_with(&publisher, b"body");
        assert!(temp.path.ends_with(format!("{}-1", std::process::id())));
    }

    #[test]
    fn a_store_whose_folder_was_removed_does_not_say_not_found() {
        let dir = tempfile::tempdir().unwrap();
        let publisher = Publisher::new(dir.path().join("gone"));
        let error = publisher.write(b"", &Footer::of(b"", 1)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Other);
    }
}
