//! The data directory: what lies where, and the file that says which workspace it holds.
//!
//! ```text
//! LOCK           owner's process id, locked while it lives; how far log time had come
//! WORKSPACE      identity, as in the object store; written last when a workspace is made
//! WORKSPACE.new  the same while it is being made: an unfinished creation is begun again with it
//! SPARE          room that is given up when the disk is full
//! log/ frames/ events/ quarantine/
//! ```

use crate::{Error, ErrorKind, Result};
use nokv_journal::checkpoint::Identity;
use nokv_types::failpoint::hit;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

const WORKSPACE: &str = "WORKSPACE";
const WORKSPACE_NEW: &str = "WORKSPACE.new";

/// A data directory.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    root: PathBuf,
}

/// What a data directory says about its workspace.
#[derive(Debug)]
pub(crate) enum Resident {
    /// Nothing was ever made here.
    Nobody,
    /// A creation began and did not end.
    Unfinished(Identity),
    /// It holds this workspace.
    Workspace(Identity),
}

impl Home {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    pub(crate) fn frames(&self) -> PathBuf {
        self.root.join("frames")
    }

    pub(crate) fn events(&self) -> PathBuf {
        self.root.join("events")
    }

    pub(crate) fn quarantine(&self) -> PathBuf {
        self.root.join(nokv_journal::recovery::QUARANTINE_DIR)
    }

    pub(crate) fn spare(&self) -> PathBuf {
        self.root.join("SPARE")
    }

    pub(crate) fn shown(&self) -> String {
        self.root.display().to_string()
    }

    /// Makes the directory where it is not there.
    pub(crate) fn make(&self) -> Result<()> {
        fs::create_dir_all(&self.root).map_err(|error| Error::io("create", self.shown(), error))
    }

    /// Who lives here.
    ///
    /// # Errors
    /// `Corrupt` and `TooNew` for an identity that cannot be read.
    pub(crate) fn resident(&self) -> Result<Resident> {
        if let Some(identity) = self.read(WORKSPACE)? {
            return Ok(Resident::Workspace(identity));
        }
        match self.read(WORKSPACE_NEW) {
            Ok(Some(identity)) => Ok(Resident::Unfinished(identity)),
            // A note that was cut short: nothing was made with it yet.
            Ok(None)
            | Err(Error {
                kind: ErrorKind::Corrupt,
                ..
            }) => Ok(Resident::Nobody),
            Err(error) => Err(error),
        }
    }

    fn read(&self, name: &str) -> Result<Option<Identity>> {
        let path = self.root.join(name);
        match fs::read(&path) {
            Ok(bytes) => match Identity::decode(&bytes) {
                Ok(identity) => Ok(Some(identity)),
                Err(error) => {
                    let mut error = Error::from(error);
                    error.subject = path.display().to_string();
                    Err(error)
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", path.display().to_string(), error)),
        }
    }

    /// Notes that a workspace is being made here, and removes what an earlier try left.
    pub(crate) fn begin(&self, identity: &Identity) -> Result<()> {
        for dir in [self.log(), self.frames(), self.events()] {
            match fs::remove_dir_all(&dir) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", dir.display().to_string(), error));
                }
                _ => {}
            }
        }
        let run = || -> io::Result<()> {
            hit("metad.begin.write")?;
            let mut file = File::create(self.root.join(WORKSPACE_NEW))?;
            file.write_all(&identity.encode())?;
            hit("metad.begin.sync")?;
            file.sync_all()?;
            File::open(&self.root)?.sync_all()
        };
        run().map_err(|error| Error::io("create", self.shown(), error))
    }

    /// The workspace is made: from now on it lives here.
    pub(crate) fn finish(&self) -> Result<()> {
        let run = || -> io::Result<()> {
            hit("metad.finish.rename")?;
            fs::rename(self.root.join(WORKSPACE_NEW), self.root.join(WORKSPACE))?;
            hit("metad.finish.sync")?;
            File::open(&self.root)?.sync_all()
        };
        run().map_err(|error| Error::io("create", self.shown(), error))
    }
}
