//! A disk in memory that forgets what was not synced when its power is cut.
//!
//! Writes since a file's last sync survive one by one, or in part, by the dice; the names of a directory are,
//! after a cut, those of some moment since its last sync.

use crate::rng::Rng;
use nokv_journal::{Disk, DiskFile};
use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path};
use std::sync::{Arc, Mutex};

type Names = BTreeMap<String, u64>;

#[derive(Debug, Clone)]
enum Node {
    /// The names at the last sync and after each change since; the last are the current ones.
    Dir(Vec<Names>),
    File {
        now: Vec<u8>,
        synced: Vec<u8>,
        /// Changes since the last sync: offset and bytes, or a new size.
        pending: Vec<(u64, Option<Vec<u8>>)>,
    },
}

#[derive(Debug)]
struct Nodes {
    all: BTreeMap<u64, Node>,
    next: u64,
    /// Counts power cuts: open files of an earlier life do nothing.
    life: u64,
}

/// The disk; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct SimDisk(Arc<Mutex<Nodes>>);

#[derive(Debug)]
struct SimFile {
    nodes: Arc<Mutex<Nodes>>,
    ino: u64,
    life: u64,
}

const ROOT: u64 = 0;

fn missing() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

impl Nodes {
    fn names(&self, dir: u64) -> io::Result<&Names> {
        match self.all.get(&dir) {
            Some(Node::Dir(moments)) => Ok(moments.last().unwrap()),
            _ => Err(missing()),
        }
    }

    fn change<T>(&mut self, dir: u64, change: impl FnOnce(&mut Names) -> T) {
        if let Some(Node::Dir(moments)) = self.all.get_mut(&dir) {
            let mut names = moments.last().unwrap().clone();
            change(&mut names);
            moments.push(names);
        }
    }

    fn find(&self, path: &Path) -> io::Result<u64> {
        let mut at = ROOT;
        for part in path.components() {
            if let Component::Normal(name) = part {
                at = *self.names(at)?.get(name.to_str().unwrap()).ok_or_else(missing)?;
            }
        }
        Ok(at)
    }

    fn place(&self, path: &Path) -> io::Result<(u64, String)> {
        let dir = self.find(path.parent().ok_or_else(missing)?)?;
        Ok((dir, path.file_name().unwrap().to_str().unwrap().to_owned()))
    }

    fn add(&mut self, node: Node) -> u64 {
        self.next += 1;
        self.all.insert(self.next, node);
        self.next
    }
}

fn change_bytes(bytes: &mut Vec<u8>, offset: u64, written: Option<&[u8]>) {
    let offset = offset as usize;
    match written {
        Some(written) => {
            if bytes.len() < offset + written.len() {
                bytes.resize(offset + written.len(), 0);
            }
            bytes[offset..offset + written.len()].copy_from_slice(written);
        }
        None => bytes.resize(offset, 0),
    }
}

impl SimDisk {
    pub(crate) fn new() -> Self {
        let root = BTreeMap::from([(ROOT, Node::Dir(vec![Names::new()]))]);
        Self(Arc::new(Mutex::new(Nodes {
            all: root,
            next: ROOT,
            life: 0,
        })))
    }

    /// A copy that changes on its own from now on.
    pub(crate) fn fork(&self) -> Self {
        let nodes = self.0.lock().unwrap();
        let all = nodes.all.clone();
        Self(Arc::new(Mutex::new(Nodes {
            all,
            next: nodes.next,
            life: nodes.life,
        })))
    }

    /// The process dies: nothing is lost, its open files do nothing any more.
    pub(crate) fn kill(&self) {
        self.0.lock().unwrap().life += 1;
    }

    /// The power goes: what was not synced survives by the dice. Answers how many changes were lost.
    pub(crate) fn cut_power(&self, rng: &mut Rng) -> u64 {
        let mut nodes = self.0.lock().unwrap();
        nodes.life += 1;
        let mut lost = 0;
        for node in nodes.all.values_mut() {
            match node {
                Node::Dir(moments) => {
                    let kept = rng.below(moments.len() as u64) as usize;
                    lost += (moments.len() - 1 - kept) as u64;
                    *moments = vec![moments[kept].clone()];
                }
                Node::File { now, synced, pending } => {
                    for (offset, written) in pending.drain(..) {
                        let Some(written) = written else {
                            change_bytes(synced, offset, None);
                            continue;
                        };
                        // Sectors of 512 bytes reach the disk each for itself.
                        let mut at = 0;
                        while at < written.len() {
                            let edge = 512 - (offset as usize + at) % 512;
                            let end = written.len().min(at + edge);
                            if rng.chance(50) {
                                change_bytes(synced, offset + at as u64, Some(&written[at..end]));
                            } else {
                                lost += 1;
                            }
                            at = end;
                        }
                    }
                    now.clone_from(synced);
                }
            }
        }
        lost
    }

    /// The bytes of a file.
    pub(crate) fn bytes(&self, path: &Path) -> Vec<u8> {
        let nodes = self.0.lock().unwrap();
        match &nodes.all[&nodes.find(path).unwrap()] {
            Node::File { now, .. } => now.clone(),
            Node::Dir(_) => panic!("{} is a directory", path.display()),
        }
    }

    /// Changes the durable bytes of a file behind everyone's back.
    pub(crate) fn damage(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut nodes = self.0.lock().unwrap();
        let ino = nodes.find(path).unwrap();
        if let Some(Node::File { now, synced, pending }) = nodes.all.get_mut(&ino) {
            change(now);
            synced.clone_from(now);
            pending.clear();
        }
    }

    /// Removes a file or directory behind everyone's back.
    pub(crate) fn vanish(&self, path: &Path) {
        let mut nodes = self.0.lock().unwrap();
        let (dir, name) = nodes.place(path).unwrap();
        nodes.change(dir, |names| names.remove(&name));
        if let Some(Node::Dir(moments)) = nodes.all.get_mut(&dir) {
            moments.drain(..moments.len() - 1);
        }
    }
}

impl SimFile {
    fn with<T>(&self, run: impl FnOnce(&mut Node) -> T) -> io::Result<T> {
        let mut nodes = self.nodes.lock().unwrap();
        if nodes.life != self.life {
            return Err(io::Error::other("the process that opened this file is dead"));
        }
        Ok(run(nodes.all.get_mut(&self.ino).unwrap()))
    }
}

impl DiskFile for SimFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.with(|node| {
            if let Node::File { now, pending, .. } = node {
                change_bytes(now, offset, Some(bytes));
                pending.push((offset, Some(bytes.to_vec())));
            }
        })
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|node| match node {
            Node::File { now, .. } => {
                let from = now.len().min(offset as usize);
                let count = into.len().min(now.len() - from);
                into[..count].copy_from_slice(&now[from..from + count]);
                count
            }
            Node::Dir(_) => 0,
        })
    }

    fn size(&self) -> io::Result<u64> {
        self.with(|node| match node {
            Node::File { now, .. } => now.len() as u64,
            Node::Dir(_) => 0,
        })
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.with(|node| {
            if let Node::File { now, pending, .. } = node {
                change_bytes(now, size, None);
                pending.push((size, None));
            }
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(|node| {
            if let Node::File { now, synced, pending } = node {
                for (offset, written) in pending.drain(..) {
                    change_bytes(synced, offset, written.as_deref());
                }
                debug_assert_eq!(now, synced);
            }
        })
    }
}

impl Disk for SimDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mut nodes = self.0.lock().unwrap();
        let mut at = ROOT;
        for part in dir.components() {
            if let Component::Normal(name) = part {
                let name = name.to_str().unwrap().to_owned();
                let there = nodes.names(at)?.get(&name).copied();
                at = there.unwrap_or_else(|| {
                    let new = nodes.add(Node::Dir(vec![Names::new()]));
                    nodes.change(at, |names| names.insert(name, new));
                    new
                });
            }
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let nodes = self.0.lock().unwrap();
        match nodes.find(dir) {
            Ok(dir) => Ok(nodes.names(dir)?.keys().cloned().collect()),
            Err(_) => Ok(Vec::new()),
        }
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let nodes = self.0.lock().unwrap();
        let (ino, life) = (nodes.find(path)?, nodes.life);
        Ok(Arc::new(SimFile {
            nodes: Arc::clone(&self.0),
            ino,
            life,
        }))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut nodes = self.0.lock().unwrap();
        let (dir, name) = nodes.place(path)?;
        let empty = Node::File {
            now: Vec::new(),
            synced: Vec::new(),
            pending: Vec::new(),
        };
        let ino = nodes.add(empty);
        nodes.change(dir, |names| names.insert(name, ino));
        let life = nodes.life;
        Ok(Arc::new(SimFile {
            nodes: Arc::clone(&self.0),
            ino,
            life,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut nodes = self.0.lock().unwrap();
        let ino = nodes.find(from)?;
        let (from_dir, from_name) = nodes.place(from)?;
        let (to_dir, to_name) = nodes.place(to)?;
        if from_dir == to_dir {
            nodes.change(from_dir, |names| {
                names.remove(&from_name);
                names.insert(to_name, ino);
            });
        } else {
            nodes.change(to_dir, |names| names.insert(to_name, ino));
            nodes.change(from_dir, |names| names.remove(&from_name));
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut nodes = self.0.lock().unwrap();
        let (dir, name) = nodes.place(path)?;
        if nodes.names(dir)?.contains_key(&name) {
            nodes.change(dir, |names| names.remove(&name));
        }
        Ok(())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.0.lock().unwrap().find(path).is_ok())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut nodes = self.0.lock().unwrap();
        let dir = nodes.find(dir)?;
        if let Some(Node::Dir(moments)) = nodes.all.get_mut(&dir) {
            moments.drain(..moments.len() - 1);
        }
        Ok(())
    }
}
