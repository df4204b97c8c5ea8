//! The verdict on a log: what lies behind its good part, and whether something durable is missing.

use super::LogVerdict;
use super::evidence::{self, Evidence};
use super::files::file_name;
use super::walk::Walk;
use crate::Result;
use nokv_types::Version;

/// Where following the segments ended.
pub(super) struct Stop {
    /// The file that it ended in (or the first one after a gap), as a number in the list.
    pub(super) at: usize,
    /// What is wrong there.
    pub(super) why: Option<String>,
    /// A file, or part of one, that no crash can take away is gone.
    pub(super) taken: bool,
}

impl Stop {
    pub(super) fn new(at: usize, why: Option<String>) -> Self {
        Self {
            at,
            why,
            taken: false,
        }
    }
}

/// Bytes behind the good part that are not zero.
#[derive(Default)]
struct Rest {
    bytes: u64,
    file: Option<u64>,
}

impl Walk<'_> {
    /// Looks at what comes after the good part; `rest` starts with the file that it ends in.
    pub(super) fn finish(&mut self, rest: &[u64], mut stop: Stop) -> Result<LogVerdict> {
        let mut evidence = Evidence::default();
        evidence.durable(&self.state.durable);
        if let Some(floor) = &self.floor {
            evidence.durable(floor);
        }
        let mut left = Rest::default();
        for index in rest {
            let tail = self
                .used
                .back()
                .filter(|file| file.index == *index)
                .map(|file| file.end);
            let file = self.open(*index)?;
            let size = file.size().map_err(|error| self.failed(*index, error))?;
            if tail.is_some() && size < self.state.file_bytes {
                stop.taken = true;
                stop.why = Some(format!("{} was shortened to {size} bytes", file_name(*index)));
            }
            let from = tail.unwrap_or(0);
            let end = evidence::search(&file, from, self.state.workspace, self.tail.seq, &mut evidence);
            if let Some(end) = end.map_err(|error| self.failed(*index, error))? {
                left.bytes += end - from;
                left.file.get_or_insert(*index);
            }
            if tail.is_none() && size == self.state.file_bytes {
                self.ready.push_back((*index, file));
            }
        }
        Ok(self.judge(&evidence, stop, &left))
    }

    fn judge(&self, evidence: &Evidence, stop: Stop, left: &Rest) -> LogVerdict {
        let seq = self.tail.seq + 1;
        let closed_here = self.state.clean && self.state.durable == self.tail;
        if evidence.durable_seq < seq && (!stop.taken || closed_here) {
            let good = left.bytes == 0 && (stop.why.is_none() || closed_here);
            return if good {
                LogVerdict::Clean
            } else {
                LogVerdict::TornTail {
                    seq,
                    bytes_cut: left.bytes,
                }
            };
        }
        // The damaged bytes themselves are the next segment, whatever their header says now.
        let seen = evidence.found_seq.max(if left.bytes > 0 { seq } else { 0 });
        let closed_at = if self.state.clean {
            self.state.durable.seq
        } else {
            0
        };
        let bounded = seen.max(closed_at) >= evidence.durable_seq && !stop.taken;
        let in_file = left
            .file
            .map(|index| format!("bytes after the end in {}", file_name(index)));
        LogVerdict::Corrupt {
            seq,
            from: Version(self.tail.version.0 + 1),
            to: bounded.then_some(Version(evidence.version.max(self.tail.version.0))),
            why: stop
                .why
                .or(in_file)
                .unwrap_or_else(|| "it ends before what was durable".to_owned()),
        }
    }
}
