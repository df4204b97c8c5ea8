//! A directory as object store: the embedded default, for one machine.
//!
//! Owns: the folder `FORMAT | lock | tmp/ | objects/<key>` under one root; every object is a file, its content
//! followed by a footer (see [`footer`]). Several processes may use one root at once.
//!
//! Invariants: a file under `objects/` is always whole and was synced before it got its name (a crash leaves at
//! most a file in `tmp/`); create-only is the kernel's refusal to rename over a file; compare-and-swap is done
//! under an exclusive lock on `lock`, deletion under a shared one; `Ok` means that file and folder are synced.
//!
//! A key must not continue another key as if it were a folder (`a` and `a/b`): that is `Invalid` here.

pub mod footer;
mod format;
mod list;
mod naming;
mod publish;
mod sweep;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use self::footer::{FOOTER_BYTES, Footer};
use self::naming::{Named, Naming};
use self::publish::{Publisher, sync_folder};
use crate::{
    ETag, Error, ErrorKind, Key, Listed, Object, ObjectMeta, ObjectStore, Op, Put, PutOutcome, Result,
    SignRequest, SignedUrl, checks, parallel,
};

/// Folders at this depth and deeper (`meta/ckpt/<name>`) are removed when their last object is.
const REMOVED_FOLDER_PARTS: usize = 3;

/// See the module.
#[derive(Debug)]
pub struct DirStore {
    objects: PathBuf,
    lock: PathBuf,
    publisher: Publisher,
    naming: Naming,
}

impl DirStore {
    /// Opens the store at `root`, and creates it when there is nothing yet. Removes what writers that died left
    /// in `tmp/`.
    ///
    /// # Errors
    /// `Misconfigured` when something else lies at `root`, or a newer format; `Denied`, `Full`, `Io`.
    pub fn open(root: &Path) -> Result<Self> {
        let at = |e: io::Error| failed(Op::Open, e).at(root.display().to_string());
        format::prepare(root).map_err(|e| {
            let advice = e
                .advice
                .as_ref()
                .map(|advice| format!("{}: {advice}", root.display()));
            Error { advice, ..e }.at(root.display().to_string())
        })?;
        let temp = root.join(format::TEMP);
        sweep::sweep(&temp).map_err(at)?;
        Ok(Self {
            naming: Naming::new(root.join(format::OBJECTS)),
            objects: root.join(format::OBJECTS),
            lock: root.join(format::LOCK),
            publisher: Publisher::new(temp),
        })
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.objects.join(key.as_str())
    }

    fn lock(&self) -> io::Result<File> {
        File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&self.lock)
    }

    /// The footer of an object, with the file it was read from.
    fn read_footer(&self, key: &Key, op: Op) -> Result<(File, Footer)> {
        let fail = |e| failed(op, e).on(key);
        let file = File::open(self.path(key)).map_err(fail)?;
        let meta = file.metadata().map_err(fail)?;
        if meta.is_dir() {
            return Err(is_folder(op, key));
        }
        let torn = || Error::new(ErrorKind::Corrupt, op).on(key);
        let body_len = meta.len().checked_sub(FOOTER_BYTES as u64).ok_or_else(torn)?;
        let mut raw = [0; FOOTER_BYTES];
        file.read_exact_at(&mut raw, body_len).map_err(fail)?;
        let footer = Footer::decode(&raw)
            .filter(|footer| footer.body_bytes == body_len)
            .ok_or_else(torn)?;
        Ok((file, footer))
    }

    fn replace(&self, key: &Key, bytes: &[u8], expected: &ETag) -> Result<ETag> {
        let moved = || Error::new(ErrorKind::Precondition, Op::PutIfMatch).on(key);
        let fail = |e| failed(Op::PutIfMatch, e).on(key);
        let lock = self.lock().map_err(fail)?;
        lock.lock().map_err(fail)?;
        let current = match self.read_footer(key, Op::PutIfMatch) {
            Ok((_, footer)) => footer,
            Err(e) if e.kind == ErrorKind::NotFound => return Err(moved()),
            Err(e) => return Err(e),
        };
        if current.etag() != *expected {
            return Err(moved());
        }
        let footer = Footer::of(bytes, current.generation + 1);
        let temp = self.publisher.write(bytes, &footer).map_err(fail)?;
        temp.sync().map_err(fail)?;
        let path = self.path(key);
        temp.replace(&path).map_err(fail)?;
        sync_parent(&path).map_err(|e| unsynced(Op::PutIfMatch, e).on(key))?;
        Ok(footer.etag())
    }

    fn create(&self, key: &Key, bytes: &[u8]) -> Result<ETag> {
        let fail = |e| failed(Op::PutIfMatch, e).on(key);
        let footer = Footer::of(bytes, 1);
        let temp = self.publisher.write(bytes, &footer).map_err(fail)?;
        temp.sync().map_err(fail)?;
        match self.naming.name(temp, self.path(key)) {
            Named::Created => Ok(footer.etag()),
            Named::Taken => Err(Error::new(ErrorKind::Precondition, Op::PutIfMatch).on(key)),
            Named::Failed(e) => Err(fail(e)),
            Named::Unsynced(e) => Err(unsynced(Op::PutIfMatch, e).on(key)),
        }
    }

    /// Writes a body under no name yet, after checking it.
    fn stage(&self, put: &Put<'_>) -> Result<publish::Temp> {
        checks::body(Op::PutIfAbsent, put.key, put.bytes)?;
        checks::checksum(put.key, put.bytes, put.crc32c)?;
        let footer = Footer {
            body_bytes: put.bytes.len() as u64,
            generation: 1,
            crc32c: put.crc32c,
        };
        self.publisher
            .write(put.bytes, &footer)
            .map_err(|e| failed(Op::PutIfAbsent, e).on(put.key))
    }

    /// Makes a staged body durable under its name.
    fn name(&self, key: &Key, temp: publish::Temp) -> Result<PutOutcome> {
        let fail = |e| failed(Op::PutIfAbsent, e).on(key);
        temp.sync().map_err(fail)?;
        let path = self.path(key);
        match self.naming.name(temp, path.clone()) {
            Named::Created => Ok(PutOutcome::Created),
            Named::Taken if path.is_dir() => Err(is_folder(Op::PutIfAbsent, key)),
            Named::Taken => Ok(PutOutcome::AlreadyExists),
            Named::Failed(e) => Err(fail(e)),
            Named::Unsynced(e) => Err(unsynced(Op::PutIfAbsent, e).on(key)),
        }
    }

    /// Unlinks, and answers the folders that changed.
    fn unlink(&self, keys: &[Key]) -> Result<Vec<PathBuf>> {
        let mut folders: Vec<PathBuf> = Vec::new();
        for key in keys {
            let path = self.path(key);
            match fs::remove_file(&path) {
                Ok(()) => folders.extend(path.parent().map(Path::to_owned)),
                Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(e) => return Err(failed(Op::Delete, e).on(key)),
            }
        }
        folders.sort_unstable();
        folders.dedup();
        Ok(folders)
    }

    fn forget_folder(&self, folder: &Path) -> io::Result<()> {
        let deep = folder
            .strip_prefix(&self.objects)
            .map(|rest| rest.components().count());
        // Not empty, or taken by a new object in between: both are fine, the folder stays.
        if deep.is_ok_and(|parts| parts >= REMOVED_FOLDER_PARTS) && fs::remove_dir(folder).is_ok() {
            return folder.parent().map_or(Ok(()), sync_folder);
        }
        sync_folder(folder)
    }
}

impl ObjectStore for DirStore {
    fn put_if_absent(&self, key: &Key, bytes: &[u8], crc32c: u32) -> Result<PutOutcome> {
        let temp = self.stage(&Put { key, bytes, crc32c })?;
        self.name(key, temp)
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Vec<Result<PutOutcome>> {
        parallel::put_many(self, puts)
    }

    fn put_if_match(&self, key: &Key, bytes: &[u8], expected: Option<&ETag>) -> Result<ETag> {
        checks::body(Op::PutIfMatch, key, bytes)?;
        match expected {
            Some(etag) => self.replace(key, bytes, etag),
            None => self.create(key, bytes),
        }
    }

    fn get(&self, key: &Key) -> Result<Object> {
        let (file, footer) = self.read_footer(key, Op::Get)?;
        let damaged = || Error::new(ErrorKind::Corrupt, Op::Get).on(key);
        let size = usize::try_from(footer.body_bytes).map_err(|_| damaged())?;
        if size > crate::OBJECT_BYTES_MAX {
            return Err(damaged());
        }
        let mut bytes = vec![0; size];
        file.read_exact_at(&mut bytes, 0)
            .map_err(|e| failed(Op::Get, e).on(key))?;
        if crc32c::crc32c(&bytes) != footer.crc32c {
            return Err(damaged());
        }
        Ok(Object {
            bytes,
            etag: footer.etag(),
        })
    }

    fn get_range(&self, key: &Key, offset: u64, len: u64) -> Result<Vec<u8>> {
        let end = checks::range(key, offset, len)?;
        let (file, footer) = self.read_footer(key, Op::GetRange)?;
        if end > footer.body_bytes {
            return Err(Error::new(ErrorKind::OutOfRange, Op::GetRange).on(key));
        }
        let mut bytes = vec![0; len as usize];
        file.read_exact_at(&mut bytes, offset)
            .map_err(|e| failed(Op::GetRange, e).on(key))?;
        Ok(bytes)
    }

    fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        match self.read_footer(key, Op::Head) {
            Ok((_, footer)) => Ok(Some(ObjectMeta {
                size_bytes: footer.body_bytes,
                etag: footer.etag(),
            })),
            Err(e) if e.kind == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn delete(&self, keys: &[Key]) -> Result<()> {
        let fail = |e| failed(Op::Delete, e);
        let lock = self.lock().map_err(fail)?;
        lock.lock_shared().map_err(fail)?;
        let folders = self.unlink(keys)?;
        drop(lock);
        for folder in folders {
            self.forget_folder(&folder)
                .map_err(|e| unsynced(Op::Delete, e).at(folder.display().to_string()))?;
        }
        Ok(())
    }

    fn list(&self, prefix: &str, start_after: Option<&Key>, limit: usize) -> Result<Vec<Listed>> {
        let limit = checks::list_limit(prefix, limit)?;
        list::list(&self.objects, prefix, start_after, limit).map_err(|e| failed(Op::List, e).at(prefix))
    }

    fn sign(&self, request: &SignRequest<'_>) -> Result<SignedUrl> {
        let error = Error::new(ErrorKind::Unsupported, Op::Sign).on(request.key);
        Err(error.because("a directory has no url unless a service serves it"))
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync_folder)
}

fn is_folder(op: Op, key: &Key) -> Error {
    Error::new(ErrorKind::Invalid, op)
        .on(key)
        .because("other objects continue this key, it cannot be one")
}

/// The error of a call that changed nothing.
fn failed(op: Op, e: io::Error) -> Error {
    Error::new(kind_of(&e), op).because(e)
}

/// The error of a change that has its name but may not survive a power cut.
fn unsynced(op: Op, e: io::Error) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, op).because(e)
}

fn kind_of(e: &io::Error) -> ErrorKind {
    use io::ErrorKind as Io;
    match e.kind() {
        Io::NotFound => ErrorKind::NotFound,
        Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => ErrorKind::Full,
        Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::Denied,
        Io::NotADirectory | Io::IsADirectory => ErrorKind::Invalid,
        // The file became shorter between its size and its bytes.
        Io::UnexpectedEof => ErrorKind::Corrupt,
        _ => ErrorKind::Io,
    }
}
