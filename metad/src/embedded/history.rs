//! Events, and the differences that follow from them.

use super::{Answered, Embedded};
use nokv_client::{DiffPage, EventPage, EventQuery, View};
use nokv_types::Code;

impl Embedded {
    pub(super) fn event_page(&self, _query: &EventQuery) -> Answered<EventPage> {
        Err(nokv_client::Error::refused(Code::Unsupported, "events"))
    }

    pub(super) fn differences(
        &self,
        _a: View,
        _b: View,
        _after: Option<&[u8]>,
        _limit: usize,
    ) -> Answered<DiffPage> {
        Err(nokv_client::Error::refused(Code::Unsupported, "diff"))
    }
}
