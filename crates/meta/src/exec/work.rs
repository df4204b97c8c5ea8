//! Background work: which steps there are, and whether anything waits for them.

use crate::Result;
use crate::batch::{Batch, Save};
use crate::exec::body::given_up_prefix;
use crate::exec::prune::{first_row, prune_work_prefix};
use crate::exec::timelines::DEPTH_FLATTEN;
use crate::state::State;
use nokv_store::Rows;
use nokv_types::{Code, Outcome, Refusal, TimelineId, Work};

/// Most rows that one step handles, whatever it is asked for.
pub(crate) const STEP_ROWS_MAX: u32 = 4096;

/// What waits to be done in the background.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PendingWork {
    /// Detached trees wait for `Work::Reclaim`, or may: after a restart and a fork a first step finds out.
    pub reclaim: bool,
    /// Superseded rows wait for `Work::Prune`.
    pub prune: bool,
    /// Timelines that `Work::Flatten` should be run on.
    pub flatten: Vec<TimelineId>,
    /// Timelines wait for `Work::FreeTimelines`.
    pub free: bool,
}

impl PendingWork {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl State {
    /// What waits to be done, as the rows say: also after a restart.
    ///
    /// # Errors
    /// From the store.
    pub fn pending_work<R: Rows>(&self, rows: &R) -> Result<PendingWork> {
        let mut flatten = Vec::new();
        for (id, timeline) in self.timelines.iter().filter(|(_, timeline)| timeline.live) {
            let is_started = || -> Result<bool> { Ok(rows.get(&super::flatten::flatten_key(id))?.is_some()) };
            if self.is_flatten_due(id) || (timeline.origin.is_some() && is_started()?) {
                flatten.push(id);
            }
        }
        Ok(PendingWork {
            reclaim: !self.reclaims.is_empty(),
            // A look for uploads is not free behind removed rows: see `prune_all`.
            prune: first_row(rows, &prune_work_prefix())?.is_some()
                || (self.reclaims.is_empty() && first_row(rows, &given_up_prefix())?.is_some()),
            flatten,
            free: self.first_free_timeline().is_some(),
        })
    }
}

impl State {
    /// Whether a timeline has too many ancestors, and none of them is to be flattened first: that helps it too.
    fn is_flatten_due(&self, id: TimelineId) -> bool {
        let parent = |id| self.timelines.get(id).and_then(|line| line.parent);
        let is_deep = |id| self.timelines.depth(id) > DEPTH_FLATTEN;
        let mut above = parent(id);
        while let Some((ancestor, _)) = above {
            if self.timelines.get(ancestor).is_some_and(|line| line.live) && is_deep(ancestor) {
                return false;
            }
            above = parent(ancestor);
        }
        is_deep(id)
    }
}

impl<R: Rows> Batch<'_, R> {
    /// One bounded step of background work.
    pub(crate) fn work(&mut self, work: Work) -> Result<Outcome> {
        match work {
            Work::AdvanceTime => self.advance_time(),
            Work::Reclaim { rows_max } => self.reclaim(rows_max),
            Work::Prune { rows_max } => self.prune_all(rows_max),
            Work::Flatten { timeline, rows_max } => self.flatten(timeline, rows_max),
            Work::FreeTimelines { rows_max } => self.free_timelines(rows_max),
            Work::CountQuota { rows_max } => self.count_quota(rows_max),
            Work::SaveWindow => Ok(self.save_window(Save::Window)),
            Work::Repair { fixes_max } => self.repair(fixes_max),
            Work::Stop => Ok(self.save_window(Save::Stop)),
            other => Err(Refusal::new(Code::Unsupported, format!("{other:?}")).into()),
        }
    }

    /// Removes what was superseded; when nothing is left of that, rows of uploads that are given up.
    ///
    /// In this order because looking for uploads that are not there walks over whatever rows were removed behind
    /// the place where they would be (a tree that was reclaimed): once per step that was most of the work.
    fn prune_all(&mut self, rows_max: u32) -> Result<Outcome> {
        match self.prune(rows_max)? {
            Outcome::Worked { done: 0, more: false } => (),
            Outcome::Worked { done, more: false } => {
                // The last manifest of an upload may just have gone.
                let more = first_row(&self.txn, &given_up_prefix())?.is_some();
                return Ok(Outcome::Worked { done, more });
            }
            other => return Ok(other),
        }
        let (done, more) = self.drain_uploads(rows_max.min(STEP_ROWS_MAX))?;
        Ok(Outcome::Worked { done, more })
    }
}
