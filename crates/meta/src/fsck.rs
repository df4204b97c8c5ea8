//! The proof that the rows agree with each other: entries with inodes, counts with what is counted, references
//! with bodies, the prune index with the history.
//!
//! Owns: what has to hold between rows, and how derived rows are made right again. Must not know how rows are
//! stored. Checks every row once by itself, then every state that somebody can see as a whole (each live root at
//! its head, each version that a pin or a branch holds).
//!
//! Cost: each row is read once, and per visible state each entry and inode once more with one point read. The
//! memory is 8 bytes of hash per superseded row, one count per object and per quota root; the tree itself is
//! streamed, so a million files cost nothing beyond that.

mod history;
mod links;
mod repair;
mod report;
mod rows;
mod trees;
mod uncounted;

pub use report::{FSCK_FINDINGS_MAX, FsckFinding, FsckReport, Wrong};

use crate::Result;
use crate::read::Reader;
use crate::state::{Holds, Opens, Timelines};
use nokv_store::Rows;
use nokv_types::{ReadPoint, Version};
use report::Fix;

/// What is being checked.
struct Check<'a, R: Rows> {
    rows: &'a R,
    timelines: &'a Timelines,
    holds: Holds,
    opens: Opens,
    report: FsckReport,
}

/// Checks every row. Nothing may change the rows meanwhile.
///
/// # Errors
/// Only from the store; what is wrong with the rows is in the report.
pub fn fsck<R: Rows>(rows: &R) -> Result<FsckReport> {
    let timelines = Timelines::load(rows)?;
    let check = Check {
        rows,
        timelines: &timelines,
        holds: Holds::load(rows)?,
        opens: Opens::load(rows)?,
        report: FsckReport::default(),
    };
    check.run()
}

impl<R: Rows> Check<'_, R> {
    fn run(mut self) -> Result<FsckReport> {
        let listed = self.prune_index()?;
        self.every_row(&listed)?;
        self.references()?;
        self.held_versions()?;
        self.uncounted()?;
        for at in self.visible_states() {
            self.report.states += 1;
            self.tree(at)?;
        }
        Ok(self.report)
    }

    /// The head of every live timeline, and every held version.
    fn visible_states(&self) -> Vec<ReadPoint> {
        let heads = self.timelines.iter().filter(|(_, line)| line.live);
        let heads = heads.map(|(timeline, _)| ReadPoint {
            timeline,
            version: Version::HEAD,
        });
        let held = self
            .holds
            .iter()
            .map(|(timeline, version, _)| ReadPoint { timeline, version });
        let readable = |at: &ReadPoint| self.timelines.get(at.timeline).is_some_and(|line| !line.freeing);
        heads.chain(held).filter(readable).collect()
    }

    fn reader(&self) -> Reader<'_, R> {
        Reader::new(self.rows, self.timelines)
    }

    fn found(&mut self, wrong: Wrong, key: Vec<u8>, detail: String, fix: Option<Fix>) {
        self.report.add(FsckFinding {
            wrong,
            key,
            detail,
            fix,
        });
    }
}
