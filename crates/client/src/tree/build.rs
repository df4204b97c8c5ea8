//! Making a whole tree below a directory, entry by entry, as archives and folders hand them over.
//!
//! Invariants: a path is made once; what stands between the directory and an entry are directories that were
//! made here or stood there; nothing outside the directory is touched.

use crate::batch::{Batch, BatchFile, set_mtime};
use crate::client::{Client, unexpected};
use crate::{Ack, BodySource, Error, Found, Result, View};
use nokv_types::{
    AttrChange, Code, Command, FileKind, Name, NewInode, NewKind, Node, NsPath, Outcome, Refusal, XattrName,
};
use std::collections::{HashMap, HashSet};

/// Mode of directories that an archive implies and does not list.
pub(crate) const IMPLIED_DIR_MODE: u32 = 0o755;

/// What an entry is besides its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryMeta {
    /// Mode and owner.
    pub inode: NewInode,
    /// Modification time, ns since 1970.
    pub mtime: Option<i64>,
    /// Extended attributes.
    pub xattrs: Vec<(XattrName, Vec<u8>)>,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It was made.
    Made,
    /// An earlier run made it already.
    Present,
}

/// A tree that is being made.
pub struct TreeBuilder<'c> {
    client: &'c Client,
    top: Node,
    dirs: HashMap<NsPath, Node>,
    /// Digests of the paths that were listed, to refuse a second one.
    listed: HashSet<[u8; 16]>,
    batch: Batch<'c>,
    dir_times: Vec<(Node, i64)>,
    resume: bool,
}

impl<'c> TreeBuilder<'c> {
    /// Builds below `top`. With `resume`, files of the same length that stand there already are kept.
    pub fn new(client: &'c Client, top: Node, resume: bool) -> Self {
        Self {
            client,
            top,
            dirs: HashMap::new(),
            listed: HashSet::new(),
            batch: Batch::new(client),
            dir_times: Vec::new(),
            resume,
        }
    }

    /// Makes a directory.
    pub fn directory(&mut self, path: &NsPath, meta: &EntryMeta) -> Result<Placed> {
        self.list(path)?;
        let implied_before = self.dirs.contains_key(path);
        let node = self.dir(path, meta.inode)?;
        if implied_before || self.resume {
            let change = AttrChange {
                mode: Some(meta.inode.mode),
                uid: Some(meta.inode.uid),
                gid: Some(meta.inode.gid),
                ..AttrChange::default()
            };
            self.client
                .change(Command::SetAttr { node, change }, Ack::Applied)?;
        }
        self.dir_times.extend(meta.mtime.map(|mtime| (node, mtime)));
        for (name, value) in &meta.xattrs {
            let set = Command::SetXattr {
                node,
                name: name.clone(),
                value: value.clone(),
                mode: nokv_types::XattrMode::Any,
            };
            self.client
                .change(set, Ack::Applied)
                .map_err(|error| error.about(path.to_string()))?;
        }
        Ok(Placed::Made)
    }

    /// Whether a file of this length still has to be made; call it before reading the body. One that stands there
    /// gets the time: a run that was stopped may have made the file and not set it yet.
    ///
    /// # Errors
    /// `Exists` for a path that was listed before.
    pub fn wants(&mut self, path: &NsPath, size: u64, mtime: Option<i64>) -> Result<Placed> {
        self.list(path)?;
        if !self.resume {
            return Ok(Placed::Made);
        }
        match self.present(path)? {
            Some(found) if found.attr.kind == FileKind::File && found.attr.size == size => {
                self.complete(&found, path, mtime)?;
                Ok(Placed::Present)
            }
            _ => Ok(Placed::Made),
        }
    }

    /// Adds a small file that [`TreeBuilder::wants`] asked for.
    pub fn small_file(&mut self, path: &NsPath, meta: EntryMeta, bytes: &[u8]) -> Result<()> {
        let file = self.batch_file(path, meta)?;
        self.batch.add(file, bytes)
    }

    /// Adds a file of any length that [`TreeBuilder::wants`] asked for.
    pub fn large_file(&mut self, path: &NsPath, meta: EntryMeta, source: &mut dyn BodySource) -> Result<()> {
        let file = self.batch_file(path, meta)?;
        self.batch
            .add_source(file, source)
            .map_err(|error| error.about(path.to_string()))
    }

    /// Makes a symbolic link, fifo, socket or device.
    pub fn other(&mut self, path: &NsPath, meta: &EntryMeta, kind: NewKind) -> Result<Placed> {
        self.list(path)?;
        let (parent, name) = self.place(path)?;
        let create = Command::Create {
            parent,
            name,
            inode: meta.inode,
            kind,
        };
        let reply = match self.client.change(create, Ack::Applied) {
            Err(error) if self.resume && error.code() == Some(Code::Exists) => {
                if let Some(found) = self.present(path)? {
                    self.complete(&found, path, meta.mtime)?;
                }
                return Ok(Placed::Present);
            }
            answered => answered.map_err(|error| error.about(path.to_string()))?,
        };
        let Outcome::Inode(node, _) = reply.outcome else {
            return Err(unexpected("create"));
        };
        if let Some(mtime) = meta.mtime {
            self.client.change(set_mtime(node, mtime), Ack::Applied)?;
        }
        Ok(Placed::Made)
    }

    /// Gives the entry at `to`, which was listed before, another name.
    pub fn hard_link(&mut self, path: &NsPath, to: &NsPath) -> Result<Placed> {
        self.list(path)?;
        if !self.listed.contains(&digest(to)) {
            let detail =
                format!("the hard link {path} leads to it, and it is not in the tree before the link");
            return Err(Refusal::new(Code::NotFound, to.to_string()).detail(detail).into());
        }
        self.batch.finish(Ack::Applied)?;
        let Some(found) = self.present(to)? else {
            return Err(Error::refused(Code::NotFound, to.to_string()));
        };
        let (parent, name) = self.place(path)?;
        let link = Command::Link {
            node: found.node,
            parent,
            name,
        };
        match self.client.change(link, Ack::Applied) {
            Err(error) if self.resume && error.code() == Some(Code::Exists) => Ok(Placed::Present),
            answered => answered
                .map(|_| Placed::Made)
                .map_err(|error| error.about(path.to_string())),
        }
    }

    /// Waits until all of it is visible below the directory, and sets the times of the directories.
    ///
    /// # Durability
    /// With [`Ack::Durable`] all of it survives what the durability mode promises.
    pub fn finish(&mut self, ack: Ack) -> Result<()> {
        self.client.check_stop("import", "the tree")?;
        self.batch.finish(Ack::Applied)?;
        let times = std::mem::take(&mut self.dir_times);
        let mut commands: Vec<Command> = times
            .into_iter()
            .map(|(node, mtime)| set_mtime(node, mtime))
            .collect();
        if commands.is_empty() && ack == Ack::Durable {
            self.client.make_durable(self.top)?;
        }
        while !commands.is_empty() {
            let rest = commands.split_off(commands.len().min(crate::batch::FILES_PER_SUBMIT));
            for answer in self.client.change_all(commands, ack) {
                answer?;
            }
            commands = rest;
        }
        Ok(())
    }

    /// Remembers that the path was listed, and refuses it the second time.
    fn list(&mut self, path: &NsPath) -> Result<()> {
        self.client.check_stop("import", &path.to_string())?;
        if !self.listed.insert(digest(path)) {
            let detail = "the entry is listed twice";
            return Err(Refusal::new(Code::Exists, path.to_string()).detail(detail).into());
        }
        Ok(())
    }

    fn batch_file(&mut self, path: &NsPath, meta: EntryMeta) -> Result<BatchFile> {
        let (parent, name) = self.place(path)?;
        Ok(BatchFile {
            parent,
            name,
            inode: meta.inode,
            mtime: meta.mtime,
            xattrs: meta.xattrs,
            create_only: !self.resume,
            subject: path.to_string(),
        })
    }

    /// The directory of an entry, made when it was only implied, and the entry's name.
    fn place(&mut self, path: &NsPath) -> Result<(Node, Name)> {
        let Some((parent, name)) = path.split_last() else {
            return Err(Refusal::new(Code::Invalid, "/")
                .detail("an entry needs a name")
                .into());
        };
        let implied = NewInode {
            mode: IMPLIED_DIR_MODE,
            uid: 0,
            gid: 0,
        };
        Ok((self.dir(&parent, implied)?, name.clone()))
    }

    fn dir(&mut self, path: &NsPath, inode: NewInode) -> Result<Node> {
        if let Some(node) = self.dirs.get(path) {
            return Ok(*node);
        }
        let Some((parent, name)) = path.split_last() else {
            return Ok(self.top);
        };
        // Only the last directory has the listed mode; the ones above it are implied.
        let above = NewInode {
            mode: IMPLIED_DIR_MODE,
            ..inode
        };
        let parent = self.dir(&parent, above)?;
        let made = self.client.make_dir(parent, name.clone(), inode, Ack::Applied);
        let node = made.map_err(|error| error.about(path.to_string()))?.node;
        self.dirs.insert(path.clone(), node);
        Ok(node)
    }

    /// Gives an entry of an earlier run the time that the run may not have come to.
    fn complete(&mut self, found: &Found, path: &NsPath, mtime: Option<i64>) -> Result<()> {
        match mtime {
            Some(mtime) if mtime != found.attr.mtime => {
                self.batch.set_time(found.node, mtime, path.to_string())
            }
            _ => Ok(()),
        }
    }

    fn present(&self, path: &NsPath) -> Result<Option<Found>> {
        let top = View::head_of(self.top);
        match self.client.namespace().resolve(top.point, self.top.ino, path) {
            Ok(found) => Ok(Some(found)),
            Err(error) if matches!(error.code(), Some(Code::NotFound | Code::NotADirectory)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn digest(path: &NsPath) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(&path.to_bytes()).as_bytes()[..16]);
    short
}
