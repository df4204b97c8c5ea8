//! Writing a tree to a local folder.

use super::local::write_body;
use crate::failure::{Failure, Outcome};
use crate::progress::Progress;
use nokv_client::{BodyReader, Client, View, WalkEntry};
use nokv_types::{FileKind, Node, NsPath};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{File, FileTimes, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A folder that is being filled. It was new or empty, so nothing in it leads elsewhere.
pub(crate) struct FolderOut<'c> {
    client: &'c Client,
    view: View,
    top: PathBuf,
    linked: HashMap<Node, PathBuf>,
    /// Modes and times of folders, set when all is in them.
    folders: Vec<(PathBuf, u32, i64)>,
}

impl<'c> FolderOut<'c> {
    /// Makes the folder, or takes an empty one.
    pub(crate) fn create(client: &'c Client, view: View, top: &Path) -> Outcome<Self> {
        let wrong = |source| Failure::local("write", top.display().to_string(), source);
        if top.exists() {
            let mut inside = std::fs::read_dir(top).map_err(wrong)?;
            if inside.next().is_some() {
                let taken = io::Error::new(io::ErrorKind::DirectoryNotEmpty, "the folder is not empty");
                return Err(wrong(taken));
            }
        } else {
            std::fs::create_dir(top).map_err(wrong)?;
        }
        Ok(Self {
            client,
            view,
            top: top.to_owned(),
            linked: HashMap::new(),
            folders: Vec::new(),
        })
    }

    /// Writes one entry; what cannot be made here is answered as left out.
    pub(crate) fn entry(&mut self, entry: &WalkEntry, progress: &Progress) -> Outcome<bool> {
        let local = self.local(&entry.path);
        let made = self.make(entry, &local, progress);
        made.map_err(|failure| match failure {
            Failure::Output(source) => Failure::local("write", local.display().to_string(), source),
            other => other,
        })
    }

    /// Sets modes and times of the folders, the deepest first.
    pub(crate) fn finish(self) -> Outcome {
        for (folder, mode, mtime) in self.folders.into_iter().rev() {
            let set = File::open(&folder).and_then(|file| {
                file.set_times(FileTimes::new().set_modified(moment(mtime)))?;
                std::fs::set_permissions(&folder, Permissions::from_mode(mode & 0o777))
            });
            set.map_err(|source| Failure::local("write", folder.display().to_string(), source))?;
        }
        Ok(())
    }

    fn make(&mut self, entry: &WalkEntry, local: &Path, progress: &Progress) -> Outcome<bool> {
        let (attr, node) = (entry.found.attr, entry.found.node);
        match attr.kind {
            FileKind::Directory => {
                std::fs::create_dir(local)?;
                self.folders.push((local.to_owned(), attr.mode, attr.mtime));
            }
            FileKind::Symlink => {
                let target = self.client.namespace().readlink(self.view.point, node.ino)?;
                std::os::unix::fs::symlink(OsStr::from_bytes(&target), local)?;
            }
            FileKind::File => {
                if attr.nlink > 1 {
                    if let Some(first) = self.linked.get(&node) {
                        std::fs::hard_link(first, local)?;
                        return Ok(true);
                    }
                    self.linked.insert(node, local.to_owned());
                }
                let mut options = std::fs::OpenOptions::new();
                options.write(true).create_new(true).mode(attr.mode & 0o777);
                let file = options.open(local)?;
                let mut reader = BodyReader::open(self.client, self.view.point, node.ino, 0..u64::MAX)?;
                write_body(&file, &mut reader, progress)?;
                file.set_times(FileTimes::new().set_modified(moment(attr.mtime)))?;
            }
            FileKind::Fifo | FileKind::Socket | FileKind::CharDevice | FileKind::BlockDevice => {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn local(&self, path: &NsPath) -> PathBuf {
        path.names().iter().fold(self.top.clone(), |local, name| {
            local.join(OsStr::from_bytes(name.as_bytes()))
        })
    }
}

fn moment(ns: i64) -> SystemTime {
    let span = Duration::from_nanos(ns.unsigned_abs());
    if ns < 0 {
        UNIX_EPOCH - span
    } else {
        UNIX_EPOCH + span
    }
}
