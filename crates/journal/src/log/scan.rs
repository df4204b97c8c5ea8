//! Reading a log at the start: every link is verified and the end is judged, nothing is changed.

use super::evidence::{self, Evidence};
use super::files::{Files, LogFile, Shared, file_index, file_name};
use super::seal::{SEAL_BYTES, Seal};
use super::state::LogState;
use super::window::Window;
use super::{LogOptions, LogReader, Mode};
use crate::disk::Disk;
use crate::segment::{Damage, SEGMENT_HEADER_BYTES, Segment};
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
        /// The last version that is known to have existed; `None` when nothing tells.
        to: Option<Version>,
        /// What is wrong, and where.
        why: String,
    },
}

/// A log that was read and judged, and not changed.
#[derive(Debug)]
pub struct LogScan {
    pub(crate) shared: Arc<Shared>,
    pub(crate) verdict: LogVerdict,
    clean_shutdown: bool,
}

impl LogScan {
    /// Reads the log in `dir`. `floor` is a position that something else (frames, a checkpoint) proves to
    /// have been durable.
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
        let files = Files {
            used: walk.used,
            ready: walk.ready,
            tail: walk.tail,
            log_time_ns: walk.log_time_ns,
            state,
            durable: state.durable,
        };
        Ok(Self {
            shared: Arc::new(Shared::new(disk, dir.to_path_buf(), options, files)),
            verdict,
            clean_shutdown,
        })
    }

    fn missing(disk: Arc<dyn Disk>, dir: &Path, options: LogOptions) -> Self {
        let start = Position::start(options.workspace);
        let files = Files {
            used: VecDeque::new(),
            ready: VecDeque::new(),
            tail: start,
            log_time_ns: 0,
            state: LogState::fresh(&options, start),
            durable: start,
        };
        Self {
            shared: Arc::new(Shared::new(disk, dir.to_path_buf(), options, files)),
            verdict: LogVerdict::Missing,
            clean_shutdown: false,
        }
    }

    /// What was found at the end.
    pub fn verdict(&self) -> &LogVerdict {
        &self.verdict
    }

    /// Whether the log was closed and nothing came after.
    pub fn clean_shutdown(&self) -> bool {
        self.clean_shutdown
    }

    /// The position before the first segment that is kept.
    pub fn base(&self) -> Position {
        let files = self.shared.files();
        files.used.front().map_or(files.state.base, |file| file.base)
    }

    /// The position after the last good segment.
    pub fn end(&self) -> Position {
        self.shared.files().tail
    }

    /// Log time of the last good segment; 0 when there is none.
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
    state: Option<Option<LogState>>,
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
        if let Some(Some(state)) = self.state {
            return Ok(Some(state));
        }
        let Some(first) = self.files.first() else {
            return Ok(None);
        };
        let mut state = LogState::fresh(options, Position::start(options.workspace));
        state.first_file = *first;
        state.epoch = 0;
        for index in &self.files {
            let path = dir.join(file_name(*index));
            let failed = |error| Error::io("read", path.display().to_string(), error);
            let file = disk.open(&path).map_err(failed)?;
            let size = file.size().map_err(failed)?;
            state.file_bytes = if index == first {
                size
            } else {
                state.file_bytes.max(size)
            };
            if index == first
                && let Ok(header) = Header::decode(
                    Window::new(file)
                        .get(SEAL_BYTES, SEGMENT_HEADER_BYTES)
                        .map_err(failed)?,
                )
            {
                // The versions before it are not known; what follows is still checked against this one.
                state.base = Position {
                    seq: header.seq - u64::from(header.seq > 0),
                    chain: header.previous,
                    version: Version::ZERO,
                };
                state.workspace = header.workspace;
            }
        }
        Ok(Some(state))
    }
}

/// The running state of a scan.
struct Walk<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    options: &'a LogOptions,
    state: LogState,
    floor: Option<Position>,
    used: VecDeque<LogFile>,
    ready: VecDeque<(u64, Arc<dyn crate::DiskFile>)>,
    tail: Position,
    log_time_ns: u64,
    /// Part of a file, or a file, that no crash can take away is gone.
    taken: Option<String>,
}

/// How one file ended.
enum FileEnd {
    /// At its seal: the next file goes on.
    Sealed,
    /// Zeros follow, or no room for another segment.
    Open,
    /// Zeros follow, and what should be the seal is neither one nor blank.
    BadSeal(String),
    /// Something that is no segment.
    Damaged(String),
}

impl<'a> Walk<'a> {
    fn new(
        disk: &'a dyn Disk,
        dir: &'a Path,
        options: &'a LogOptions,
        state: LogState,
        floor: Option<Position>,
    ) -> Self {
        Self {
            disk,
            dir,
            options,
            state,
            floor,
            used: VecDeque::new(),
            ready: VecDeque::new(),
            tail: state.base,
            log_time_ns: 0,
            taken: None,
        }
    }

    fn run(&mut self, listed: &[u64]) -> Result<LogVerdict> {
        let indices: Vec<u64> = listed
            .iter()
            .copied()
            .filter(|index| *index >= self.state.first_file)
            .collect();
        let mut next = self.state.first_file;
        let mut missing_at = indices.len();
        for (at, index) in indices.iter().enumerate() {
            if *index != next {
                missing_at = at;
                break;
            }
            next += 1;
            let end = self.file(*index)?;
            match end {
                FileEnd::Sealed => {}
                FileEnd::Open | FileEnd::BadSeal(_) if self.goes_on_in(indices.get(at + 1).copied())? => {}
                FileEnd::Open => return self.finish(&indices[at..], None),
                FileEnd::BadSeal(why) | FileEnd::Damaged(why) => {
                    return self.finish(&indices[at..], Some(why));
                }
            }
        }
        // What came before was full and sealed, or `STATE` names it: the next file must have existed.
        let why = format!("{} is missing", file_name(next));
        if self.options.mode == Mode::Volume {
            self.taken = Some(why.clone());
        }
        self.finish(&indices[missing_at..], Some(why))
    }

    fn open(&self, index: u64) -> Result<Arc<dyn crate::DiskFile>> {
        let path = self.dir.join(file_name(index));
        self.disk.open(&path).map_err(|error| self.failed(index, error))
    }

    fn failed(&self, index: u64, error: std::io::Error) -> Error {
        Error::io(
            "read",
            self.dir.join(file_name(index)).display().to_string(),
            error,
        )
    }

    /// Follows the segments of one file.
    fn file(&mut self, index: u64) -> Result<FileEnd> {
        let file = self.open(index)?;
        let mut window = Window::new(Arc::clone(&file));
        let base = self.tail;
        let seal = window
            .get(0, SEAL_BYTES as usize)
            .map_err(|error| self.failed(index, error))?;
        let seal_blank = seal.iter().all(|byte| *byte == 0);
        let seal =
            Seal::decode(seal).filter(|seal| seal.file == index && seal.workspace == self.state.workspace);
        self.used.push_back(LogFile {
            index,
            file,
            base,
            end: SEAL_BYTES,
        });
        if let Some(seal) = seal
            && seal.at.seq <= self.options.trust_sealed_to
        {
            self.tail = seal.at;
            self.set_end(seal.end);
            return Ok(FileEnd::Sealed);
        }
        let stopped = self.segments(index, &mut window)?;
        if seal.is_some_and(|seal| seal.at == self.tail) {
            return Ok(FileEnd::Sealed);
        }
        Ok(match stopped {
            Some(damage) => FileEnd::Damaged(format!(
                "segment {} in {}: {damage}",
                self.tail.seq + 1,
                file_name(index)
            )),
            None if !seal_blank => FileEnd::BadSeal(format!("the seal of {}", file_name(index))),
            None => FileEnd::Open,
        })
    }

    fn set_end(&mut self, end: u64) {
        if let Some(file) = self.used.back_mut() {
            file.end = end;
        }
    }

    /// Advances over the good segments; answers what stopped it when that is not plain zeros.
    fn segments(&mut self, index: u64, window: &mut Window) -> Result<Option<Damage>> {
        let mut offset = SEAL_BYTES;
        loop {
            let head = window
                .get(offset, SEGMENT_HEADER_BYTES)
                .map_err(|error| self.failed(index, error))?;
            if head.iter().all(|byte| *byte == 0) {
                return Ok(None);
            }
            let header = match Header::decode(head) {
                Ok(header) => header,
                Err(Damage::TooNew(format)) => {
                    return Err(Damage::TooNew(format).into_error(file_name(index)));
                }
                Err(damage) => return Ok(Some(damage)),
            };
            let bytes = window
                .get(offset, header.stored_len())
                .map_err(|error| self.failed(index, error))?;
            let segment = match Segment::decode(bytes) {
                Ok(segment) => segment,
                Err(damage) => return Ok(Some(damage)),
            };
            if !segment.follows(self.state.workspace, &self.tail) {
                return Ok(Some(Damage::Chain));
            }
            check_epoch(&header, self.options)?;
            self.tail = segment.position();
            self.log_time_ns = header.log_time_ns;
            offset += header.stored_len() as u64;
            self.set_end(offset);
        }
    }

    /// Whether the file after an unsealed one starts with the next segment: then only the seal was lost.
    fn goes_on_in(&mut self, next: Option<u64>) -> Result<bool> {
        let Some(next) = next else { return Ok(false) };
        let mut window = Window::new(self.open(next)?);
        let head = window
            .get(SEAL_BYTES, SEGMENT_HEADER_BYTES)
            .map_err(|error| self.failed(next, error))?;
        Ok(Header::decode(head)
            .is_ok_and(|header| header.seq == self.tail.seq + 1 && header.previous == self.tail.chain))
    }

    /// Judges what comes after the good part; `rest` starts with the file that it ends in (or with the
    /// first one after a gap).
    fn finish(&mut self, rest: &[u64], problem: Option<String>) -> Result<LogVerdict> {
        let mut evidence = Evidence::default();
        evidence.durable(&self.state.durable);
        if let Some(floor) = &self.floor {
            evidence.durable(floor);
        }
        let mut last_used = (0, 0);
        let mut cut = None;
        for index in rest {
            let tail_file = self.used.back().filter(|file| file.index == *index);
            let from = tail_file.map_or(0, |file| file.end);
            let is_tail = tail_file.is_some();
            let file = self.open(*index)?;
            let size = file.size().map_err(|error| self.failed(*index, error))?;
            if is_tail && size < self.state.file_bytes {
                self.taken = Some(format!("{} was shortened to {size} bytes", file_name(*index)));
            }
            let left = evidence::search(&file, from, &self.state, self.tail.seq, &mut evidence);
            let left = left.map_err(|error| self.failed(*index, error))?;
            if let Some(end) = left {
                cut = cut.or(Some((*index, from, end)));
                last_used = (*index, end);
            }
            if !is_tail && size == self.state.file_bytes {
                self.ready.push_back((*index, file));
            }
        }
        let problem =
            problem.or_else(|| cut.map(|(index, ..)| format!("bytes after the end in {}", file_name(index))));
        Ok(self.judge(&evidence, problem, cut, last_used))
    }

    fn judge(
        &self,
        evidence: &Evidence,
        problem: Option<String>,
        cut: Option<(u64, u64, u64)>,
        last_used: (u64, u64),
    ) -> LogVerdict {
        let seq = self.tail.seq + 1;
        let closed_here = self.state.clean && self.state.durable == self.tail;
        let lost = evidence.durable_seq >= seq;
        if lost || (self.taken.is_some() && !closed_here) {
            let why = self
                .taken
                .clone()
                .or(problem)
                .unwrap_or_else(|| "the log ends before what was durable".to_owned());
            let to = (evidence.version > self.tail.version.0).then_some(Version(evidence.version));
            let from = Version(self.tail.version.0 + 1);
            return LogVerdict::Corrupt { seq, from, to, why };
        }
        match cut {
            None if problem.is_none() || closed_here => LogVerdict::Clean,
            None => LogVerdict::TornTail { seq, bytes_cut: 0 },
            Some((file, from, end)) => LogVerdict::TornTail {
                seq,
                bytes_cut: if last_used.0 == file {
                    end - from
                } else {
                    end - from + last_used.1
                },
            },
        }
    }
}

fn check_epoch(header: &Header, options: &LogOptions) -> Result<()> {
    if header.epoch > options.epoch {
        let why = format!(
            "epoch {} wrote segment {}, ours is {}",
            header.epoch, header.seq, options.epoch
        );
        return Err(Error::new(ErrorKind::Fenced, "open", "log", why));
    }
    Ok(())
}
