//! What a fork is not charged is what the state that it was made from says, while that state can be read.

use super::history::is_damage;
use super::report::{Fix, differs};
use super::{Check, Wrong};
use crate::exec::{timeline_key, uncounted};
use crate::rows::{Timeline, Uncounted};
use crate::state::Quotas;
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{QuotaId, ReadPoint, TimelineId};

impl<R: Rows> Check<'_, R> {
    pub(super) fn uncounted(&mut self) -> Result<()> {
        let timelines = self.timelines;
        for (id, line) in timelines.iter().filter(|(_, line)| !line.freeing) {
            match line.parent {
                Some((timeline, version)) => self.uncounted_at(id, line, ReadPoint { timeline, version })?,
                None => self.uncounted_alone(id, line),
            }
        }
        Ok(())
    }

    /// The state that the fork begins with is held, so it can be asked again. Whether the directory was a quota root
    /// then is not known any more: either answer is right.
    fn uncounted_at(&mut self, id: TimelineId, line: &Timeline, at: ReadPoint) -> Result<()> {
        if self.timelines.get(at.timeline).is_none() {
            // Found where its rows are.
            return Ok(());
        }
        let of = |is_quota_root: bool| {
            uncounted(
                self.rows,
                self.timelines,
                &|_: QuotaId| is_quota_root,
                at,
                line.root,
            )
        };
        let (inside, root) = match (of(false), of(true)) {
            (Ok(inside), Ok(root)) => (inside, root),
            (Err(error @ Error::Store(_)), _) | (_, Err(error @ Error::Store(_))) if !is_damage(&error) => {
                return Err(error);
            }
            // A row that does not decode was found by itself.
            _ => return Ok(()),
        };
        if line.uncounted != inside && line.uncounted != root {
            let is_root = |row: &Uncounted| {
                let quotas = Quotas::load(self.rows);
                quotas.is_ok_and(|all| all.get(row.quota).is_some_and(|row| row.root == line.root))
            };
            let uncounted = if root.as_ref().is_some_and(is_root) {
                root
            } else {
                inside
            };
            let detail = differs(line.uncounted, uncounted);
            let fix = Fix::Uncounted {
                timeline: id,
                uncounted,
            };
            self.found(Wrong::Usage, timeline_key(id), detail, Some(fix));
        }
        Ok(())
    }

    /// Nothing is left to ask: a quota root holds no more than everything does.
    fn uncounted_alone(&mut self, id: TimelineId, line: &Timeline) {
        let Some(kept) = line.uncounted else { return };
        if kept.own.0 > kept.all.0 || kept.own.1 > kept.all.1 {
            let detail = format!("kept {:?} of {:?} in all", kept.own, kept.all);
            self.found(Wrong::Usage, timeline_key(id), detail, None);
        }
    }
}
