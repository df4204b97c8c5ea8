//! Pointing a root at another state: an earlier one of itself, or that of a fork.
//!
//! Both make a new timeline, so that handles on the replaced state keep reading it and cannot write any more,
//! and so that the fork that was promoted stays what it is.

use crate::Result;
use crate::batch::Batch;
use crate::exec::timelines::{Start, check_key};
use crate::rows::RootRow;
use nokv_store::Rows;
use nokv_types::{Code, EventKind, Node, Origin, Outcome, ReadPoint, Refusal, Version, show_bytes};

impl<R: Rows> Batch<'_, R> {
    /// Points a root at an earlier state of itself.
    pub(crate) fn rollback(&mut self, name: &[u8], origin: &Origin, keep: &[u8]) -> Result<Outcome> {
        let root = self.root_row(name)?;
        let start = self.start(origin)?;
        if start.ino != root.ino {
            return Err(not_a_root(name, "the state is not one of this root's directory"));
        }
        self.repoint(name, &root, start, keep)
    }

    /// Points the root `onto` at the present state of `fork`, which stays.
    pub(crate) fn promote(
        &mut self,
        fork: &[u8],
        onto: &[u8],
        discard_live: bool,
        keep: &[u8],
    ) -> Result<Outcome> {
        let (from, to) = (self.root_row(fork)?, self.root_row(onto)?);
        if fork == onto {
            return Err(Refusal::new(Code::Invalid, format!("root {}", show_bytes(fork)))
                .detail("a root is not promoted onto itself")
                .into());
        }
        if from.ino != to.ino {
            return Err(not_a_root(onto, "the fork is not one of this root's directory"));
        }
        if !discard_live && self.live_changed(&from, &to) {
            let continues = self.state.timelines.branch_from(from.timeline, to.timeline);
            let timelines = &self.state.timelines;
            let is_branched = timelines
                .get(to.timeline)
                .is_some_and(|line| line.origin.is_some());
            let why = match continues {
                // What a branched timeline inherits leaves no trace when it is changed: it counts as changed.
                Some(_) if is_branched => {
                    "it may have changed since the fork; discard that explicitly, or fork again"
                }
                Some(_) => "discard the changes explicitly, or fork again",
                None => {
                    "a rollback or promote pointed it at another state; discard that explicitly, or fork again"
                }
            };
            let refusal = Refusal::new(Code::LiveChanged, format!("root {}", show_bytes(onto)));
            return Err(refusal.detail(why).into());
        }
        let at = ReadPoint {
            timeline: from.timeline,
            version: self.version,
        };
        self.repoint(onto, &to, Start { at, ino: from.ino }, keep)
    }

    /// Whether `to` was changed after `from` was branched from it, or is not what it was branched from.
    fn live_changed(&self, from: &RootRow, to: &RootRow) -> bool {
        let timelines = &self.state.timelines;
        let branch = timelines.branch_from(from.timeline, to.timeline);
        let changed = timelines
            .get(to.timeline)
            .map_or(Version::HEAD, |line| line.changed);
        branch.is_none_or(|branch| changed > branch)
    }

    /// Pins what the root shows, and points it at a new timeline that begins at `start`.
    fn repoint(&mut self, name: &[u8], root: &RootRow, start: Start, keep: &[u8]) -> Result<Outcome> {
        check_key(keep)?;
        self.check_pins(keep)?;
        self.check_room(Some(start.at.timeline), name)?;
        self.flush_touched()?;
        self.keep_replaced(keep, Node::new(root.timeline, root.ino));
        let timeline = self.add_timeline(Some(start.at), root.ino)?;
        self.leave_timeline(root.timeline);
        let row = RootRow {
            kind: root.kind,
            timeline,
            ino: root.ino,
            since: self.version,
        };
        Ok(Outcome::Root(self.write_root(name, &row, EventKind::Rollback)))
    }
}

fn not_a_root(name: &[u8], why: &str) -> crate::Error {
    Refusal::new(Code::NotARoot, format!("root {}", show_bytes(name)))
        .detail(why)
        .into()
}
