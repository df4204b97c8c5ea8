//! A seeded life of a workspace over a simulated disk, with the oracle of what must be found again.

use crate::machine::{ModelMachine, window_after};
use crate::rng::Rng;
use crate::sim::SimDisk;
use nokv_journal::checkpoint::{self, CheckpointSpec};
use nokv_journal::events::{EventFiles, EventOptions, Retention};
use nokv_journal::recovery::{EVENTS_DIR, Recovered, RecoverySpec, recover};
use nokv_journal::{Draft, Kind, Log, LogOptions, Mode, Position, Result, Room, WorkspaceId};
use nokv_object::memory::MemoryStore;
use nokv_store::{ModelStore, Mutation, Mutations, Store, Visit};
use nokv_types::Version;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub(crate) const WORKSPACE: WorkspaceId = WorkspaceId(*b"a test workspace");
pub(crate) const DIR: &str = "/state";

pub(crate) fn options() -> LogOptions {
    LogOptions {
        file_bytes: 16 << 10,
        reserve_bytes: 8 << 10,
        limit_bytes: 512 << 10,
        ..LogOptions::new(WORKSPACE, 1, Mode::Volume)
    }
}

/// One logged batch, as the oracle remembers it.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) results: Vec<u8>,
    pub(crate) mutations: Mutations,
    pub(crate) events: Vec<u8>,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// The disk, the object store and the oracle; survives every crash.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) disk: SimDisk,
    pub(crate) objects: MemoryStore,
    pub(crate) history: Vec<Batch>,
    pub(crate) durable_seq: u64,
    pub(crate) options: LogOptions,
    pub(crate) rng: Rng,
    pub(crate) accept_loss: bool,
    version: u64,
}

/// A running workspace.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) recovered: Recovered<ModelStore>,
    pub(crate) machine: ModelMachine,
    pub(crate) events: EventFiles,
    pub(crate) floor: u64,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            disk: SimDisk::new(),
            objects: MemoryStore::new(),
            history: Vec::new(),
            durable_seq: 0,
            options: options(),
            rng: Rng::new(seed),
            accept_loss: false,
            version: 0,
        }
    }

    /// A copy that goes its own way from here.
    pub(crate) fn fork(&self) -> Self {
        let objects = MemoryStore::new();
        crate::checkpoints::copy_objects(&self.objects, &objects);
        Self {
            disk: self.disk.fork(),
            objects,
            history: self.history.clone(),
            rng: self.rng.clone(),
            ..*self
        }
    }

    /// Recovers, without looking at the result.
    pub(crate) fn start(&self) -> Result<Running> {
        let mut machine = ModelMachine::new(&self.disk);
        let spec = RecoverySpec {
            disk: Arc::new(self.disk.clone()),
            dir: Path::new(DIR),
            log: self.options,
            objects: &self.objects,
            verify_log: false,
            accept_loss: self.accept_loss,
        };
        let recovered = recover(&spec, &mut machine)?;
        let dir = Path::new(DIR).join(EVENTS_DIR);
        let options = EventOptions {
            file_bytes: 2048,
            index_bytes: 256,
            ..EventOptions::new(WORKSPACE)
        };
        let opened = EventFiles::open(Arc::new(self.disk.clone()), &dir, options, &recovered.at)?;
        opened.files.copy_from(&recovered.log.upkeep())?;
        Ok(Running {
            recovered,
            machine,
            events: opened.files,
            floor: 0,
        })
    }

    /// Recovers, compares with the oracle and forgets what did not survive.
    pub(crate) fn start_checked(&mut self) -> Result<Running> {
        let running = self.start()?;
        self.check(&running);
        let seq = running.recovered.at.seq;
        self.history.truncate(seq as usize);
        self.durable_seq = self.durable_seq.max(seq);
        self.version = running.recovered.at.version.0;
        Ok(running)
    }

    /// The recovered state is the exact prefix that it claims, and holds every durable batch.
    pub(crate) fn check(&self, running: &Running) {
        let at = running.recovered.at;
        let verdict = &running.recovered.verdict;
        assert!(
            at.seq >= self.durable_seq,
            "durable to {}, recovered to {}: {verdict:?}",
            self.durable_seq,
            at.seq
        );
        assert!(
            at.seq as usize <= self.history.len(),
            "recovered more than was logged"
        );
        let (rows, window) = self.state_at(at.seq);
        assert!(
            running.recovered.store.to_rows() == rows,
            "rows differ at segment {}: {verdict:?}",
            at.seq
        );
        assert_eq!(
            running.machine.window, window,
            "results differ at segment {}: {verdict:?}",
            at.seq
        );
        let last = self.history[..at.seq as usize]
            .last()
            .map_or(0, |batch| batch.last);
        assert_eq!(at.version, Version(last));
        assert_eq!(running.recovered.log.position(), at);
        self.check_events(running, at.seq);
    }

    /// Rows and window after a prefix of the history.
    pub(crate) fn state_at(&self, seq: u64) -> (BTreeMap<Vec<u8>, Vec<u8>>, [u8; 32]) {
        let store = ModelStore::new();
        let mut window = [0; 32];
        for batch in &self.history[..seq as usize] {
            store.apply(&batch.mutations).unwrap();
            window = window_after(window, &batch.results);
        }
        (store.to_rows(), window)
    }

    /// The event files hold every record from their oldest version to the recovered end, and no other.
    fn check_events(&self, running: &Running, seq: u64) {
        let oldest = running.events.oldest();
        let mut found = Vec::new();
        let read = running.events.read_from(oldest, &mut |record| {
            found.push((record.seq, record.bytes.to_vec()));
            Visit::Next
        });
        read.unwrap();
        let expected: Vec<_> = (1..=seq)
            .map(|seq| (seq, &self.history[seq as usize - 1]))
            .filter(|(_, batch)| batch.last >= oldest.0)
            .map(|(seq, batch)| (seq, batch.events.clone()))
            .collect();
        assert!(found == expected, "events from version {} on differ", oldest.0);
    }

    /// A random batch, logged and applied.
    pub(crate) fn append(&mut self, running: &mut Running) -> Result<()> {
        let batch = self.batch();
        // The oracle must know it before the disk does: a crash may keep what was never answered.
        self.history.push(batch);
        let batch = &self.history[self.history.len() - 1];
        let draft = Draft {
            kind: Kind::Data,
            log_time_ns: batch.last * 1000,
            wall_time_ns: batch.last * 1000 + 7,
            first_version: Version(batch.first),
            last_version: Version(batch.last),
            results: &batch.results,
            mutations: batch.mutations.as_bytes(),
            events: &batch.events,
        };
        match running.recovered.log.append(&draft, Room::Ordinary) {
            Ok(appended) => {
                assert_eq!(appended.at.seq, self.history.len() as u64);
                running.recovered.store.apply(&batch.mutations)?;
                running.machine.window = window_after(running.machine.window, &batch.results);
                self.version = batch.last;
                Ok(())
            }
            Err(error) if error.kind == nokv_journal::ErrorKind::Full => {
                self.history.pop();
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn batch(&mut self) -> Batch {
        let mut rows = BTreeMap::new();
        for _ in 0..self.rng.below(6) {
            let key = format!("key-{:03}", self.rng.below(60)).into_bytes();
            let len = self.rng.below(90) as usize;
            rows.insert(key, (!self.rng.chance(25)).then(|| self.rng.bytes(len)));
        }
        let changes = rows.iter().map(|(key, value)| match value {
            Some(value) => Mutation::Put(key, value),
            None => Mutation::Delete(key),
        });
        let first = self.version + 1 + self.rng.below(3);
        let len = self.rng.below(40) as usize;
        let results = self.rng.bytes(len);
        let len = self.rng.below(60) as usize;
        Batch {
            mutations: Mutations::from_sorted(changes).unwrap(),
            results,
            events: self.rng.bytes(len),
            first,
            last: first + self.rng.below(4),
        }
    }

    /// One random step of life.
    pub(crate) fn step(&mut self, running: &mut Running) -> Result<()> {
        match self.rng.below(100) {
            0..60 => self.append(running),
            60..78 => self.sync(&running.recovered.log),
            78..84 => self.publish(running),
            84..88 => self.checkpoint(running),
            88..92 => running.recovered.log.upkeep().prepare_next().map(drop),
            92..95 => running.recovered.log.upkeep().note_durable().map(drop),
            _ => Self::copy_and_trim(running),
        }
    }

    pub(crate) fn sync(&mut self, log: &Log) -> Result<()> {
        self.durable_seq = self.durable_seq.max(log.sync_handle().sync()?);
        Ok(())
    }

    pub(crate) fn publish(&mut self, running: &mut Running) -> Result<()> {
        self.sync(&running.recovered.log)?;
        let at = running.recovered.log.position();
        use nokv_journal::recovery::Machine;
        running
            .machine
            .publish(&running.recovered.store, at, at.version.0 * 1000)?;
        running.recovered.covered_seq = at.seq;
        Ok(())
    }

    pub(crate) fn checkpoint(&mut self, running: &mut Running) -> Result<()> {
        self.sync(&running.recovered.log)?;
        let at = running.recovered.log.position();
        let covered = running.machine.covered(at, at.version.0 * 1000);
        let rand = self.rng.next() as u32;
        let spec = CheckpointSpec {
            part_bytes: 700,
            ..CheckpointSpec::new(WORKSPACE, 1, rand, 5)
        };
        let written = checkpoint::write(&self.objects, &spec, &running.recovered.store, &covered)?;
        running.floor = written.log_floor;
        Ok(())
    }

    pub(crate) fn copy_and_trim(running: &mut Running) -> Result<()> {
        let log = running.recovered.log.upkeep();
        let (mut reader, _) = running.events.reader(&log)?;
        running.events.copy(&mut reader, u64::MAX)?;
        let copied = running.events.sync()?;
        let needed = running.floor.min(running.recovered.covered_seq).min(copied);
        log.trim(needed)?;
        let now = running.recovered.log.log_time_ns();
        running.events.trim(&Retention {
            bytes: 6000,
            ..Retention::new(now, None)
        })?;
        Ok(())
    }

    /// Lives for some steps; an error ends it.
    pub(crate) fn live(&mut self, running: &mut Running, steps: u64) -> Result<()> {
        (0..steps).try_for_each(|_| self.step(running))
    }

    /// The position of the recovered end.
    pub(crate) fn end(running: &Running) -> Position {
        running.recovered.log.position()
    }
}
