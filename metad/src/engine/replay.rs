//! How the state machine takes part in recovery, which the journal drives.

use crate::Options;
use nokv_journal::recovery::{Frames, Machine};
use nokv_journal::{Covered, Error, ErrorKind, LogOptions, Position, Result, Segment, WorkspaceId};
use nokv_meta::{Batch, Clock, State};
use nokv_store::{HoltStore, Opened, Settings, Store};
use nokv_types::{Command, Request, Version, Work};
use std::path::Path;

/// The only ownership term until a bucket fences owners off.
pub(super) const EPOCH: u64 = 1;

pub(super) fn log_options(workspace: WorkspaceId, options: &Options) -> LogOptions {
    let limits = &options.limits;
    LogOptions {
        file_bytes: limits.log_file_bytes,
        reserve_bytes: limits.log_reserve_bytes,
        limit_bytes: limits.log_bytes,
        ..LogOptions::new(workspace, EPOCH, options.mode)
    }
}

pub(super) fn store_settings(options: &Options) -> Settings {
    Settings {
        pool_frames: options.limits.pool_frames,
        verify_on_open: options.limits.verify_on_open,
        ..Settings::default()
    }
}

/// What is gathered while segments are replayed: answers, which are not in rows yet.
#[derive(Debug)]
pub(super) struct Replay {
    settings: Settings,
    results: Vec<Vec<u8>>,
    wall_ns: i64,
}

impl Replay {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            settings: store_settings(options),
            results: Vec::new(),
            wall_ns: options.clocks.wall_ns(),
        }
    }

    /// The state between two batches at the end of the replay.
    pub(super) fn state(&self, store: &HoltStore, version: Version) -> nokv_meta::Result<State> {
        let mut state = State::load(store, version)?;
        for section in &self.results {
            state.replay_results(section)?;
        }
        Ok(state)
    }

    /// The rows of the exactly-once window, so that a state can be published without the log before it.
    fn save_window(&mut self, store: &HoltStore, at: Position, log_ns: u64) -> nokv_meta::Result<()> {
        if !State::exists(store)? {
            return Ok(());
        }
        let mut state = self.state(store, at.version)?;
        let clock = Clock {
            log_ns,
            wall_ns: self.wall_ns,
        };
        let mut batch = Batch::new(store, &mut state, clock);
        batch.execute(Request::internal(Command::Work(Work::SaveWindow)))?;
        store.apply(&batch.finish()?.mutations)?;
        self.results.clear();
        Ok(())
    }
}

impl Machine for Replay {
    type Store = HoltStore;

    fn open(&mut self, dir: &Path) -> nokv_store::Result<Frames<HoltStore>> {
        match HoltStore::open(dir, self.settings.clone())? {
            Opened::Fresh(store) => Ok(Frames::Fresh(store)),
            Opened::Existing { store, covered, .. } => Ok(Frames::Published(store, covered)),
            Opened::Corrupt(error) => Err(error),
        }
    }

    fn start_from(&mut self, _store: &HoltStore, _covered: &Covered) -> Result<()> {
        self.results.clear();
        Ok(())
    }

    fn replayed(&mut self, _store: &HoltStore, segment: &Segment<'_>) -> Result<()> {
        if !segment.results.is_empty() {
            self.results.push(segment.results.to_vec());
        }
        Ok(())
    }

    fn publish(&mut self, store: &HoltStore, at: Position, log_time_ns: u64) -> Result<()> {
        self.save_window(store, at, log_time_ns).map_err(machine_failed)?;
        let covered = Covered {
            at,
            log_time_ns,
            extra: Vec::new(),
        };
        store.publish(&covered.encode())?;
        Ok(())
    }
}

fn machine_failed(error: nokv_meta::Error) -> Error {
    match error {
        nokv_meta::Error::Store(error) => error.into(),
        nokv_meta::Error::Refused(refusal) => Error::new(
            ErrorKind::Invalid,
            "recover",
            "exactly-once window",
            refusal.to_string(),
        ),
    }
}
