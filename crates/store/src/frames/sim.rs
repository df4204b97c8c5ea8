//! A disk in memory that dies at the k-th effect and then loses what was not synced, as a power cut does.

use super::sim_file::SimFile;
use super::{Disk, FileName};
use crate::conformance::Rng;
use nokv_types::failpoint::Crashed;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Granularity in which a power cut keeps or loses parts of a write.
const PAGE: usize = 4096;

#[derive(Debug, Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Len(u64),
    Punch(u64, u64),
}

#[derive(Debug, Clone, Default)]
struct Inode {
    now: SimFile,
    durable: SimFile,
    unsynced: Vec<Change>,
}

type Names = BTreeMap<FileName, usize>;

#[derive(Debug, Clone, Default)]
struct State {
    inodes: Vec<Inode>,
    names: Names,
    /// Every state of the directory since it was last synced, the synced one first.
    name_history: Vec<Names>,
    effects: u64,
    die_at: Option<u64>,
    dead: bool,
    frames_len_max: Option<u64>,
}

/// The disk; see the module.
#[derive(Debug, Default)]
pub struct SimDisk {
    state: Mutex<State>,
}

impl SimDisk {
    /// An empty disk that never fails.
    pub fn new() -> Self {
        Self::of(State {
            name_history: vec![Names::new()],
            ..State::default()
        })
    }

    fn of(state: State) -> Self {
        Self {
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Effects (writes, cuts, punches, syncs, renames) so far.
    pub fn effects(&self) -> u64 {
        self.state().effects
    }

    /// The disk dies at its `k`-th effect from now (counted from 1): that one and all later ones fail.
    pub fn die_at(&self, k: u64) {
        let mut state = self.state();
        state.die_at = Some(state.effects + k);
    }

    /// Whether it died.
    pub fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// The frames file may not grow beyond `len` bytes; `None` lifts the limit.
    pub fn limit_frames(&self, len: Option<u64>) {
        self.state().frames_len_max = len;
    }

    /// What the next process finds after this one was killed: everything written.
    #[must_use]
    pub fn after_kill(&self) -> Self {
        let state = self.state();
        Self::of(State {
            inodes: state.inodes.clone(),
            names: state.names.clone(),
            name_history: state.name_history.clone(),
            ..State::default()
        })
    }

    /// What the next process finds after the power was cut: all that was synced, and of the rest an
    /// arbitrary part, drawn from `seed`.
    #[must_use]
    pub fn after_power_cut(&self, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let state = self.state();
        let survived = rng.below(state.name_history.len() as u64) as usize;
        let names = state.name_history[survived].clone();
        let inodes = state.inodes.iter().map(|inode| inode.cut(&mut rng)).collect();
        Self::of(State {
            inodes,
            name_history: vec![names.clone()],
            names,
            ..State::default()
        })
    }

    fn effect<T>(
        &self,
        run: impl FnOnce(&mut State) -> io::Result<T>,
        torn: impl FnOnce(&mut State),
    ) -> io::Result<T> {
        let mut state = self.state();
        let crashed = || io::Error::other(Crashed { point: "sim.disk" });
        if state.dead {
            return Err(crashed());
        }
        state.effects += 1;
        if state.die_at == Some(state.effects) {
            state.dead = true;
            torn(&mut state);
            return Err(crashed());
        }
        run(&mut state)
    }
}

impl Inode {
    fn change(&mut self, change: Change) {
        apply(&mut self.now, &change);
        self.unsynced.push(change);
    }

    fn sync(&mut self) {
        self.unsynced.clear();
        self.durable = self.now.clone();
    }

    fn cut(&self, rng: &mut Rng) -> Self {
        let mut kept = self.durable.clone();
        for change in &self.unsynced {
            match change {
                Change::Write(offset, bytes) => {
                    let mode = rng.below(3);
                    for (page, part) in bytes.chunks(PAGE).enumerate() {
                        if mode == 0 || (mode == 1 && rng.once_in(2)) {
                            apply(
                                &mut kept,
                                &Change::Write(offset + (page * PAGE) as u64, part.to_vec()),
                            );
                        }
                    }
                }
                other => {
                    if rng.once_in(2) {
                        apply(&mut kept, other);
                    }
                }
            }
        }
        Self {
            now: kept.clone(),
            durable: kept,
            unsynced: Vec::new(),
        }
    }
}

fn apply(file: &mut SimFile, change: &Change) {
    match change {
        Change::Write(offset, bytes) => file.write(*offset as usize, bytes),
        Change::Len(len) => file.resize(*len as usize),
        Change::Punch(offset, len) => file.zero(*offset as usize, *len as usize),
    }
}

impl State {
    fn inode(&mut self, file: FileName) -> &mut Inode {
        let next = self.inodes.len();
        let at = *self.names.entry(file).or_insert(next);
        if at == next {
            self.inodes.push(Inode::default());
            self.name_history.push(self.names.clone());
        }
        &mut self.inodes[at]
    }

    fn existing(&self, file: FileName) -> io::Result<&Inode> {
        let at = self.names.get(&file).ok_or(io::ErrorKind::NotFound)?;
        Ok(&self.inodes[*at])
    }
}

impl Disk for SimDisk {
    fn len(&self, file: FileName) -> io::Result<Option<u64>> {
        Ok(self
            .state()
            .existing(file)
            .ok()
            .map(|inode| inode.now.len() as u64))
    }

    fn read_at(&self, file: FileName, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        if !state.existing(file)?.now.read(offset as usize, into) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn write_at(&self, file: FileName, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let write = |len: usize| Change::Write(offset, bytes[..len].to_vec());
        self.effect(
            |state| {
                let end = offset + bytes.len() as u64;
                if file == FileName::Frames && state.frames_len_max.is_some_and(|max| end > max) {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                state.inode(file).change(write(bytes.len()));
                Ok(())
            },
            |state| state.inode(file).change(write(bytes.len() / 2)),
        )
    }

    fn set_len(&self, file: FileName, len: u64) -> io::Result<()> {
        self.effect(
            |state| {
                state.inode(file).change(Change::Len(len));
                Ok(())
            },
            |_| (),
        )
    }

    fn punch(&self, file: FileName, offset: u64, len: u64) -> io::Result<()> {
        self.effect(
            |state| {
                state.inode(file).change(Change::Punch(offset, len));
                Ok(())
            },
            |_| (),
        )
    }

    fn sync(&self, file: FileName) -> io::Result<()> {
        self.effect(
            |state| {
                state.inode(file).sync();
                Ok(())
            },
            |_| (),
        )
    }

    fn replace(&self, from: FileName, to: FileName) -> io::Result<()> {
        self.effect(
            |state| {
                let inode = state.names.remove(&from).ok_or(io::ErrorKind::NotFound)?;
                state.names.insert(to, inode);
                let names = state.names.clone();
                state.name_history.push(names);
                Ok(())
            },
            |_| (),
        )
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.effect(
            |state| {
                state.name_history = vec![state.names.clone()];
                Ok(())
            },
            |_| (),
        )
    }
}
