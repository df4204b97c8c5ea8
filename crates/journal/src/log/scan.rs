//! Reading a log at the start: every link is verified and the end is judged, nothing is changed.

use super::files::{Files, Shared, file_index, file_name};
use super::seal::SEAL_BYTES;
use super::state::LogState;
use super::walk::Walk;
use super::window::Window;
use super::{LogOptions, LogReader};
use crate::disk::Disk;
use crate::segment::SEGMENT_HEADER_BYTES;
use crate::{Error, ErrorKind, Header, Position, Result};
use nokv_types::Version;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

/// What the scan found at the end of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogVerdict {
    /// There is no log.
    Missing,
    /// Every segment is good and nothing follows the last one.
    Clean,
    /// The last group was cut short before it was durable; opening cuts it away.
    TornTail {
        /// The first segment that is not good.
        seq: u64,
        /// Bytes from its start to the last byte that is not zero.
        bytes_cut: u64,
    },
    /// Something that had been durable is damaged or gone.
    Corrupt {
        /// The first segment that is not good.
        seq: u64,
        /// The first version that may be lost.
        from: Version,
        /// The last version that existed; `None` when nothing tells which that was.
        to: Option<Version>,
        /// What is wrong, and where.
        why: String,
    },
}

/// A log that was read and judged, and not changed.
#[derive(Debug)]
pub struct LogScan {
    pub(super) shared: Arc<Shared>,
    pub(super) verdict: LogVerdict,
    hole: Option<(u64, String)>,
    clean_shutdown: bool,
}

impl LogScan {
    /// Reads the log in `dir`. `floor` is a position that something else (frames, a checkpoint) contains:
    /// it was durable, and damage before it is passed over where the log goes on behind it.
    ///
    /// # Errors
    /// `Fatal` when the files cannot be read; `TooNew`, `WrongWorkspace`, `Fenced`. Damage is a verdict.
    pub fn run(
        disk: Arc<dyn Disk>,
        dir: &Path,
        mut options: LogOptions,
        floor: Option<Position>,
    ) -> Result<Self> {
        let listing = Listing::take(&*disk, dir)?;
        let Some(state) = listing.state_for(&*disk, dir, &options)? else {
            return Ok(Self::missing(disk, dir, options));
        };
        check_owner(&state, &options)?;
        options.file_bytes = state.file_bytes;
        let mut walk = Walk::new(&*disk, dir, &options, state, floor);
        let verdict = walk.run(&listing.files)?;
        let clean_shutdown = state.clean && state.durable == walk.tail && verdict == LogVerdict::Clean;
        let hole = walk.hole;
        let files = Files {
            used: walk.used,
            ready: walk.ready,
            tail: walk.tail,
            holed: hole.is_some(),
            log_time_ns: walk.log_time_ns,
            state,
            durable: state.durable,
        };
        Ok(Self {
            shared: Arc::new(Shared::new(disk, dir.to_path_buf(), options, files)),
            verdict,
            hole,
            clean_shutdown,
        })
    }

    fn missing(disk: Arc<dyn Disk>, dir: &Path, options: LogOptions) -> Self {
        let start = Position::start(options.workspace);
        let files = Files {
            used: VecDeque::new(),
            ready: VecDeque::new(),
            tail: start,
            holed: false,
            log_time_ns: 0,
            state: LogState::fresh(&options, start),
            durable: start,
        };
        Self {
            shared: Arc::new(Shared::new(disk, dir.to_path_buf(), options, files)),
            verdict: LogVerdict::Missing,
            hole: None,
            clean_shutdown: false,
        }
    }

    /// What was found at the end.
    pub fn verdict(&self) -> &LogVerdict {
        &self.verdict
    }

    /// Damage before the floor that was passed over: the first segment in it, and what is wrong. The log
    /// then begins at the floor; a checkpoint should be taken soon.
    pub fn hole(&self) -> Option<(u64, &str)> {
        self.hole.as_ref().map(|(seq, why)| (*seq, why.as_str()))
    }

    /// Whether the log was closed and nothing came after.
    pub fn clean_shutdown(&self) -> bool {
        self.clean_shutdown
    }

    /// The position before the first segment that can be read.
    pub fn base(&self) -> Position {
        let files = self.shared.files();
        files.used.front().map_or(files.tail, |file| file.base)
    }

    /// The position after the last good segment.
    pub fn end(&self) -> Position {
        self.shared.files().tail
    }

    /// Log time of the last good segment that was read; 0 when there is none.
    pub fn log_time_ns(&self) -> u64 {
        self.shared.files().log_time_ns
    }

    /// Reads the good segments after `seq`.
    ///
    /// # Errors
    /// `Invalid` when the log does not reach back that far or does not go that far; `Fatal`, `Corrupt`.
    pub fn reader(&self, seq: u64) -> Result<LogReader> {
        LogReader::new(Arc::clone(&self.shared), seq)
    }
}

fn check_owner(state: &LogState, options: &LogOptions) -> Result<()> {
    if state.workspace != options.workspace {
        let why = format!("log of {:?}, expected {:?}", state.workspace, options.workspace);
        return Err(Error::new(ErrorKind::WrongWorkspace, "open", "log", why));
    }
    if state.epoch > options.epoch {
        let why = format!("epoch {} opened it, ours is {}", state.epoch, options.epoch);
        return Err(Error::new(ErrorKind::Fenced, "open", "log", why));
    }
    Ok(())
}

/// The file numbers of a directory, and its `STATE`.
struct Listing {
    files: Vec<u64>,
    state: Option<LogState>,
}

impl Listing {
    fn take(disk: &dyn Disk, dir: &Path) -> Result<Self> {
        let failed = |error| Error::io("list", dir.display().to_string(), error);
        let names = disk.list(dir).map_err(failed)?;
        Ok(Self {
            files: names.iter().filter_map(|name| file_index(name)).collect(),
            state: LogState::load(disk, dir)?,
        })
    }

    /// What `STATE` says, or, when it is lost, what the files tell; `None` when there is nothing at all.
    fn state_for(&self, disk: &dyn Disk, dir: &Path, options: &LogOptions) -> Result<Option<LogState>> {
        let (None, Some(first)) = (self.state, self.files.first()) else {
            return Ok(self.state);
        };
        let mut state = LogState::fresh(options, Position::start(options.workspace));
        state.first_file = *first;
        state.epoch = 0;
        state.file_bytes = 0;
        for index in &self.files {
            let path = dir.join(file_name(*index));
            let failed = |error| Error::io("read", path.display().to_string(), error);
            let file = disk.open(&path).map_err(failed)?;
            state.file_bytes = state.file_bytes.max(file.size().map_err(failed)?);
            let mut window = Window::new(file);
            let head = window.get(SEAL_BYTES, SEGMENT_HEADER_BYTES).map_err(failed)?;
            if index == first
                && let Ok(header) = Header::decode(head)
            {
                // The last version before it is not known; what follows is checked against this segment.
                state.base = Position {
                    seq: header.seq.saturating_sub(1),
                    chain: header.previous,
                    version: Version::ZERO,
                };
                state.durable = state.base;
                state.workspace = header.workspace;
            }
        }
        state.file_bytes = state.file_bytes.max(super::LOG_FILE_BYTES_MIN);
        Ok(Some(state))
    }
}
