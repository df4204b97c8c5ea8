//! Writing the exactly-once window into rows.

use crate::batch::{Batch, Save};
use nokv_store::Rows;
use nokv_types::{Outcome, Version};

impl<R: Rows> Batch<'_, R> {
    /// Asks that the window be written at the end of the batch, when the answers of the whole batch are in it.
    pub(crate) fn save_window(&mut self, save: Save) -> Outcome {
        self.save = self.save.max(save);
        Outcome::Done
    }

    /// Writes the windows that changed and, for an orderly stop, the last version.
    pub(crate) fn write_windows(&mut self) {
        if self.save == Save::No {
            return;
        }
        let saved = self.state.windows.save();
        for (key, value) in saved.puts {
            self.txn.put(key, value);
        }
        for key in saved.deletes {
            self.txn.delete(key);
        }
        if self.save == Save::Stop {
            self.state.counters.last = Some(self.state.last).filter(|last| *last > Version::ZERO);
            self.write_counters();
            self.note_stop();
        }
    }
}
