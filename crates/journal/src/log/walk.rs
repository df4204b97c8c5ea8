//! Following the segments of a log from file to file, and past a hole where a later state allows it.

use super::evidence;
use super::files::{LogFile, file_name};
use super::judge::Stop;
use super::seal::{SEAL_BYTES, Seal};
use super::state::LogState;
use super::window::Window;
use super::{LogOptions, LogVerdict, Mode};
use crate::disk::{Disk, DiskFile};
use crate::segment::{Damage, SEGMENT_HEADER_BYTES, Segment};
use crate::{Error, ErrorKind, Header, Position, Result};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

/// The running state of a scan.
pub(super) struct Walk<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    options: &'a LogOptions,
    pub(super) state: LogState,
    pub(super) floor: Option<Position>,
    pub(super) used: VecDeque<LogFile>,
    pub(super) ready: VecDeque<(u64, Arc<dyn DiskFile>)>,
    pub(super) tail: Position,
    pub(super) log_time_ns: u64,
    pub(super) hole: Option<(u64, String)>,
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
    pub(super) fn new(
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
            hole: None,
        }
    }

    /// Reads the files with these numbers and judges what it found.
    pub(super) fn run(&mut self, listed: &[u64]) -> Result<LogVerdict> {
        let first = self.state.first_file;
        let indices: Vec<u64> = listed.iter().copied().filter(|index| *index >= first).collect();
        let mut stop = self.follow(&indices, 0, None)?;
        if let Some(floor) = self
            .floor
            .filter(|floor| floor.seq >= self.tail.seq && *floor != self.tail)
            && let Some((at, offset)) = self.find_anchor(&indices, stop.at, &floor)?
        {
            let why = stop.why.take().unwrap_or_else(|| "segments are gone".to_owned());
            self.hole = Some((self.tail.seq + 1, why));
            self.used.clear();
            self.tail = floor;
            stop = self.follow(&indices, at, Some(offset))?;
        }
        self.finish(&indices[stop.at..], stop)
    }

    /// Follows the files from number `from` of the list, the first one from offset `resume`.
    fn follow(&mut self, indices: &[u64], from: usize, resume: Option<u64>) -> Result<Stop> {
        let mut resume = resume;
        let mut expected = match resume {
            Some(_) => indices.get(from).copied(),
            None => Some(self.state.first_file),
        };
        for (at, index) in indices.iter().enumerate().skip(from) {
            if expected != Some(*index) {
                return Ok(self.missing(at, expected));
            }
            expected = Some(index + 1);
            match self.file(*index, resume.take())? {
                FileEnd::Sealed => {}
                FileEnd::Open | FileEnd::BadSeal(_) if self.goes_on_in(indices.get(at + 1).copied())? => {}
                FileEnd::Open => return Ok(Stop::new(at, None)),
                FileEnd::BadSeal(why) | FileEnd::Damaged(why) => return Ok(Stop::new(at, Some(why))),
            }
        }
        // What came before was full and sealed, or `STATE` names it: the next file must have existed.
        Ok(self.missing(indices.len(), expected))
    }

    fn missing(&self, at: usize, index: Option<u64>) -> Stop {
        let mut stop = Stop::new(at, index.map(|index| format!("{} is missing", file_name(index))));
        // Names are made durable before they are used, unless nothing is.
        stop.taken = self.options.mode == Mode::Volume;
        stop
    }

    /// Where the log goes on after `floor`: the number in the list and the offset.
    fn find_anchor(&self, indices: &[u64], from: usize, floor: &Position) -> Result<Option<(usize, u64)>> {
        for (at, index) in indices.iter().enumerate().skip(from) {
            let file = self.open(*index)?;
            let start = self
                .used
                .back()
                .filter(|tail| tail.index == *index)
                .map_or(SEAL_BYTES, |tail| tail.end);
            let found = evidence::anchor(&file, start, self.state.workspace, floor);
            if let Some(offset) = found.map_err(|error| self.failed(*index, error))? {
                return Ok(Some((at, offset)));
            }
        }
        Ok(None)
    }

    pub(super) fn open(&self, index: u64) -> Result<Arc<dyn DiskFile>> {
        let path = self.dir.join(file_name(index));
        self.disk.open(&path).map_err(|error| self.failed(index, error))
    }

    pub(super) fn failed(&self, index: u64, error: std::io::Error) -> Error {
        Error::io(
            "read",
            self.dir.join(file_name(index)).display().to_string(),
            error,
        )
    }

    /// Follows the segments of one file.
    fn file(&mut self, index: u64, resume: Option<u64>) -> Result<FileEnd> {
        let file = self.open(index)?;
        let mut window = Window::new(Arc::clone(&file));
        let seal = window.get(0, SEAL_BYTES as usize);
        let seal = seal.map_err(|error| self.failed(index, error))?;
        let blank = seal.iter().all(|byte| *byte == 0);
        let ours = |seal: &Seal| seal.file == index && seal.workspace == self.state.workspace;
        let seal = Seal::decode(seal).filter(ours);
        let start = resume.unwrap_or(SEAL_BYTES);
        self.used.push_back(LogFile {
            index,
            file,
            base: self.tail,
            start,
            end: start,
        });
        if let Some(seal) = seal
            && seal.at.seq <= self.options.trust_sealed_to
        {
            self.tail = seal.at;
            self.set_end(seal.end);
            return Ok(FileEnd::Sealed);
        }
        let stopped = self.segments(index, start, &mut window)?;
        if seal.is_some_and(|seal| seal.at == self.tail) {
            return Ok(FileEnd::Sealed);
        }
        let (next, name) = (self.tail.seq + 1, file_name(index));
        Ok(match stopped {
            Some(damage) => FileEnd::Damaged(format!("segment {next} in {name}: {damage}")),
            None if !blank => FileEnd::BadSeal(format!("the seal of {name}")),
            None => FileEnd::Open,
        })
    }

    fn set_end(&mut self, end: u64) {
        if let Some(file) = self.used.back_mut() {
            file.end = end;
        }
    }

    /// Advances over the good segments; answers what stopped it when that is not plain zeros.
    fn segments(&mut self, index: u64, start: u64, window: &mut Window) -> Result<Option<Damage>> {
        let mut offset = start;
        loop {
            let head = window.get(offset, SEGMENT_HEADER_BYTES);
            let head = head.map_err(|error| self.failed(index, error))?;
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
            let bytes = window.get(offset, header.stored_len());
            let segment = match Segment::decode(bytes.map_err(|error| self.failed(index, error))?) {
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
        let head = window.get(SEAL_BYTES, SEGMENT_HEADER_BYTES);
        let header = Header::decode(head.map_err(|error| self.failed(next, error))?);
        Ok(header.is_ok_and(|header| header.seq == self.tail.seq + 1 && header.previous == self.tail.chain))
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
