//! Entries of a local folder.

use super::{LocalFile, ReadOptions, Tally};
use crate::context::own_inode;
use crate::failure::{Failure, Outcome};
use crate::progress::Progress;
use nokv_client::{EntryMeta, Placed, SparseSource, TreeBuilder};
use nokv_types::{FileKind, Name, NewInode, NewKind, NsPath, PACKED_BYTES_MAX};
use std::collections::HashMap;
use std::fs::Metadata;
use std::io::{self, Read as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// Adds everything below a folder to the tree.
pub(crate) fn read_folder(
    top: &Path,
    tree: &mut TreeBuilder<'_>,
    options: ReadOptions<'_>,
    progress: &Progress,
) -> Outcome<Tally> {
    let mut reading = Reading {
        tree,
        progress,
        same_owner: options.same_owner,
        tally: Tally::default(),
        linked: HashMap::new(),
        scratch: Vec::new(),
    };
    let mut todo = vec![(top.to_owned(), NsPath::default())];
    while let Some((folder, path)) = todo.pop() {
        for name in names(&folder)? {
            let local = folder.join(std::ffi::OsStr::from_bytes(&name));
            let path = path.join(Name::new(&name)?);
            (options.admit)(&path)?;
            if reading
                .entry(&local, &path)
                .map_err(|failure| named(failure, &local))?
            {
                todo.push((local, path));
            }
        }
    }
    Ok(reading.tally)
}

struct Reading<'t, 'c> {
    tree: &'t mut TreeBuilder<'c>,
    progress: &'t Progress,
    same_owner: bool,
    tally: Tally,
    /// First path of files that have several names.
    linked: HashMap<(u64, u64), NsPath>,
    scratch: Vec<u8>,
}

impl Reading<'_, '_> {
    /// Adds one entry; answers whether it is a folder to go into.
    fn entry(&mut self, local: &Path, path: &NsPath) -> Outcome<bool> {
        let about = local.symlink_metadata()?;
        let kind = about.file_type();
        let meta = self.meta(&about);
        let placed = if kind.is_dir() {
            self.tally.directories += 1;
            self.tree.directory(path, &meta)?;
            return Ok(true);
        } else if kind.is_file() {
            return self.file(local, path, meta, &about).map(|()| false);
        } else if kind.is_symlink() {
            let target = std::fs::read_link(local)?.into_os_string().into_vec();
            self.tree.other(path, &meta, NewKind::Symlink(target))?
        } else {
            let special = if kind.is_fifo() {
                FileKind::Fifo
            } else if kind.is_socket() {
                FileKind::Socket
            } else if kind.is_char_device() {
                FileKind::CharDevice
            } else {
                FileKind::BlockDevice
            };
            self.tree
                .other(path, &meta, NewKind::Special(special, about.rdev()))?
        };
        self.tally.others += 1;
        self.tally.present += u64::from(placed == Placed::Present);
        Ok(false)
    }

    fn file(&mut self, local: &Path, path: &NsPath, meta: EntryMeta, about: &Metadata) -> Outcome {
        if about.nlink() > 1 {
            if let Some(first) = self.linked.get(&(about.dev(), about.ino())) {
                self.tally.others += 1;
                return Ok(self.tree.hard_link(path, first).map(|_| ())?);
            }
            self.linked.insert((about.dev(), about.ino()), path.clone());
        }
        self.tally.files += 1;
        self.tally.bytes += about.len();
        if self.tree.wants(path, about.len(), meta.mtime)? == Placed::Present {
            self.tally.present += 1;
            return Ok(());
        }
        self.progress.now_at(|| path.to_string());
        let mut file = std::fs::File::open(local)?;
        if about.len() <= PACKED_BYTES_MAX {
            self.scratch.clear();
            // One byte more than expected shows a file that grew meanwhile.
            file.by_ref()
                .take(about.len() + 1)
                .read_to_end(&mut self.scratch)?;
            if self.scratch.len() as u64 != about.len() {
                return Err(io::Error::other("the file changed while it was read").into());
            }
            self.progress.add(about.len());
            return Ok(self.tree.small_file(path, meta, &self.scratch)?);
        }
        let mut source = SparseSource::new(LocalFile::counted(file, self.progress.clone()))?;
        Ok(self.tree.large_file(path, meta, &mut source)?)
    }

    fn meta(&self, about: &Metadata) -> EntryMeta {
        let own = own_inode(about.mode() & 0o7777);
        let inode = if self.same_owner {
            NewInode {
                uid: about.uid(),
                gid: about.gid(),
                ..own
            }
        } else {
            own
        };
        EntryMeta {
            inode,
            mtime: about
                .mtime()
                .checked_mul(1_000_000_000)
                .map(|ns| ns + about.mtime_nsec()),
            xattrs: Vec::new(),
        }
    }
}

/// The names in a folder, in order, so that a second run meets them in the same one.
fn names(folder: &PathBuf) -> Outcome<Vec<Vec<u8>>> {
    let wrong = |source| Failure::local("read", folder.display().to_string(), source);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        names.push(entry.map_err(wrong)?.file_name().into_vec());
    }
    names.sort_unstable();
    Ok(names)
}

fn named(failure: Failure, local: &Path) -> Failure {
    match failure {
        Failure::Output(source) => Failure::local("read", local.display().to_string(), source),
        other => other,
    }
}
