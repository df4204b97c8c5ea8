//! Bodies too large for one command: their ranges are staged one by one, one command makes them visible.

use crate::client::{Client, unexpected};
use crate::pool::Ticket;
use crate::{Ack, Result};
use nokv_types::{Command, Extent, NewBody, Outcome, RANGE_BYTES, UploadId};
use std::collections::VecDeque;

/// An upload that collects ranges; abandoned when dropped before its end.
pub(super) struct Staging<'c> {
    client: &'c Client,
    upload: UploadId,
    finished: bool,
}

impl<'c> Staging<'c> {
    pub(super) fn begin(client: &'c Client) -> Result<Self> {
        let session = client.session()?;
        let reply = client.change(Command::BeginUpload { session }, Ack::Applied)?;
        let Outcome::Upload(upload) = reply.outcome else {
            return Err(unexpected("begin an upload"));
        };
        Ok(Self {
            client,
            upload,
            finished: false,
        })
    }

    /// Waits for these blocks and stages them, one command per range.
    pub(super) fn add_all(&mut self, tickets: &mut VecDeque<Ticket<Extent>>) -> Result<()> {
        // Keeps the session, and with it the upload, alive however long the body takes.
        self.client.session()?;
        let mut extents: Vec<Extent> = Vec::new();
        for ticket in tickets.drain(..) {
            let extent = ticket.wait()?;
            let here = extent.at / RANGE_BYTES;
            if extents
                .first()
                .is_some_and(|first| first.at / RANGE_BYTES != here)
            {
                self.stage(std::mem::take(&mut extents))?;
            }
            extents.push(extent);
        }
        self.stage(extents)
    }

    fn stage(&self, extents: Vec<Extent>) -> Result<()> {
        let Some(first) = extents.first() else {
            return Ok(());
        };
        let stage = Command::Stage {
            upload: self.upload,
            range: first.at / RANGE_BYTES,
            extents,
        };
        self.client.change(stage, Ack::Applied).map(|_| ())
    }

    /// The body to publish.
    pub(super) fn finish(mut self, size: u64) -> NewBody {
        self.finished = true;
        NewBody::Staged {
            size,
            upload: self.upload,
        }
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        if !self.finished {
            let abandon = Command::AbandonUpload { upload: self.upload };
            let _ends_with_its_session_otherwise = self.client.change(abandon, Ack::Applied);
        }
    }
}
