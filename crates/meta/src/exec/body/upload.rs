//! Staged bodies: rows written ahead under an upload, switched to by one small command whatever their number.
//!
//! An upload is open (ranges are added), sealed (published: one small manifest row per body stands for all its
//! rows), or given up (its rows go in bounded steps). Staged rows count as references from the beginning.

use super::check_some;
use super::publish::{Built, check_size};
use crate::batch::{Batch, Opened};
use crate::exec::objects::Counts;
use crate::keys::{self, Family, Key};
use crate::rows::{BODY_ROW_BYTES_MAX, BodyRow, MANIFEST_RANGE, ManifestRow, Record, UploadRow};
use crate::state::UPLOADS_PER_SESSION_MAX;
use crate::{Error, Result, extents};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::{Code, Extent, Node, Outcome, RANGE_BYTES, Refusal, SessionId, UploadId};

/// An open upload is given up when nothing was staged for so long, ns: a day.
pub const UPLOAD_IDLE_NS: u64 = 24 * 3_600_000_000_000;

/// What an upload's key says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Life {
    Open = 0,
    Sealed = 1,
    GivenUp = 2,
}

impl<R: Rows> Batch<'_, R> {
    /// Begins a staged publish; its number is the version of the command. Session 0 is the server itself.
    pub(crate) fn begin_upload(&mut self, session: SessionId) -> Result<Outcome> {
        if session != SessionId(0) {
            self.live_session(session)?;
        }
        if self.state.uploads.of_session(session) >= UPLOADS_PER_SESSION_MAX {
            return Err(Refusal::new(Code::TooMany, format!("session {}", session.0))
                .detail("it has 4096 uploads open; publish or abandon some")
                .into());
        }
        let upload = UploadId(self.version.0);
        let row = UploadRow {
            session,
            expires: self.clock.log_ns.saturating_add(UPLOAD_IDLE_NS),
            end: 0,
            allocated: 0,
            references: 0,
            shared: false,
        };
        self.txn.put(upload_key(Life::Open, upload), row.encode());
        self.scratch.uploads.push((session, Opened::More));
        Ok(Outcome::Upload(upload))
    }

    /// Adds extents to one range of an upload; what was staged there before and is covered now is replaced.
    pub(crate) fn stage(&mut self, upload: UploadId, range: u64, list: Vec<Extent>) -> Result<Outcome> {
        let mut row = self.open_upload(upload)?;
        let list = extents::check(check_some(list)?, 0)?;
        let (from, to) = extents::bounds(range);
        if list.iter().any(|extent| extent.at < from || extent.end() > to) {
            return Err(Refusal::new(Code::Invalid, format!("range {range}"))
                .detail("an extent lies outside of it")
                .into());
        }
        let key = keys::staged(upload, range);
        let old = match self.txn.get(&key)? {
            Some(bytes) => BodyRow::decode(&bytes)?,
            None => BodyRow::default(),
        };
        let mut counts = Counts::default();
        counts.remove(&old.extents);
        row.allocated -= extents::bytes(&old.extents);
        let new = BodyRow {
            extents: extents::overlay(old.extents, list),
        };
        let value = new.encode();
        if value.len() > BODY_ROW_BYTES_MAX {
            return Err(Refusal::new(Code::TooMany, format!("range {range}"))
                .detail("its extents do not fit the 32 KiB of a row; use fewer and larger ones")
                .into());
        }
        counts.add(&new.extents);
        self.apply_counts(counts)?;
        row.allocated += extents::bytes(&new.extents);
        row.end = row.end.max(new.extents.last().map_or(0, Extent::end));
        row.expires = self.clock.log_ns.saturating_add(UPLOAD_IDLE_NS);
        self.txn.put(key, value);
        self.txn.put(upload_key(Life::Open, upload), row.encode());
        Ok(Outcome::Done)
    }

    /// Gives up an upload: its rows go in the background.
    pub(crate) fn abandon_upload(&mut self, upload: UploadId) -> Result<Outcome> {
        let row = self.open_upload(upload)?;
        self.give_up(Life::Open, upload, &row);
        Ok(Outcome::Done)
    }

    /// Seals an upload and lets its rows be the body of `node`.
    pub(super) fn build_staged(&mut self, node: Node, size: u64, upload: UploadId) -> Result<Built> {
        let mut row = self.open_upload(upload)?;
        check_size(node, size, row.end)?;
        self.txn.delete(upload_key(Life::Open, upload));
        self.scratch.uploads.push((row.session, Opened::Less));
        row.references = 1;
        self.txn.put(upload_key(Life::Sealed, upload), row.encode());
        let manifest = ManifestRow {
            upload,
            ranges: row.end.div_ceil(RANGE_BYTES),
        };
        let key = keys::body(node.timeline, node.ino, MANIFEST_RANGE, self.version);
        self.txn.put(key, manifest.encode());
        Ok(Built {
            size,
            allocated: row.allocated,
        })
    }

    /// The row of an upload that can be staged to.
    fn open_upload(&self, upload: UploadId) -> Result<UploadRow> {
        let refuse =
            |why: &str| Refusal::new(Code::UploadExpired, format!("upload {}", upload.0)).detail(why);
        let Some(bytes) = self.txn.get(&upload_key(Life::Open, upload))? else {
            return Err(refuse("it never began, or was published or given up").into());
        };
        let row = UploadRow::decode(&bytes)?;
        if self.state.uploads.is_over(&row, self.clock.log_ns) {
            return Err(refuse("nothing was staged for a day").into());
        }
        Ok(row)
    }

    /// One more manifest row refers to a sealed upload.
    pub(super) fn refer_to_upload(&mut self, upload: UploadId, shared: bool) -> Result<()> {
        let mut row = self.sealed_upload(upload)?;
        row.references += 1;
        row.shared |= shared;
        self.txn.put(upload_key(Life::Sealed, upload), row.encode());
        Ok(())
    }

    /// A manifest row that referred to a sealed upload is gone; with the last one the upload's rows go.
    pub(super) fn release_upload(&mut self, upload: UploadId) -> Result<()> {
        let mut row = self.sealed_upload(upload)?;
        row.references = row.references.checked_sub(1).ok_or_else(|| {
            Error::corrupt(
                "more manifests went than there were",
                format!("upload {}", upload.0),
            )
        })?;
        if row.references == 0 {
            self.give_up(Life::Sealed, upload, &row);
        } else {
            self.txn.put(upload_key(Life::Sealed, upload), row.encode());
        }
        Ok(())
    }

    /// Drops one range of a sealed upload that no body reads any more, unless several bodies share it.
    pub(super) fn drop_staged(&mut self, upload: UploadId, range: u64) -> Result<()> {
        if self.sealed_upload(upload)?.shared {
            return Ok(());
        }
        let key = keys::staged(upload, range);
        let Some(bytes) = self.txn.get(&key)? else {
            return Ok(());
        };
        let mut counts = Counts::default();
        counts.remove(&BodyRow::decode(&bytes)?.extents);
        self.txn.delete(key);
        self.apply_counts(counts)
    }

    fn sealed_upload(&self, upload: UploadId) -> Result<UploadRow> {
        let bytes = self.txn.get(&upload_key(Life::Sealed, upload))?;
        let bytes = bytes.ok_or_else(|| {
            Error::corrupt(
                "a manifest names an upload that is not there",
                format!("upload {}", upload.0),
            )
        })?;
        UploadRow::decode(&bytes)
    }

    fn give_up(&mut self, life: Life, upload: UploadId, row: &UploadRow) {
        self.txn.delete(upload_key(life, upload));
        if life == Life::Open {
            self.scratch.uploads.push((row.session, Opened::Less));
        }
        self.txn.put(upload_key(Life::GivenUp, upload), row.encode());
    }

    /// Gives up at most `max` open uploads of a session that ended; answers how many.
    pub(crate) fn give_up_uploads(&mut self, session: SessionId, max: usize) -> Result<usize> {
        let uploads = self.uploads(Life::Open, max, |row| row.session == session)?;
        Ok(self.give_up_all(&uploads))
    }

    /// Gives up at most `max` open uploads whose time is over; answers how many.
    pub(crate) fn expire_uploads(&mut self, max: usize) -> Result<usize> {
        let now = self.clock.log_ns;
        let uploads = self.uploads(Life::Open, max, |row| self.state.uploads.is_over(row, now))?;
        Ok(self.give_up_all(&uploads))
    }

    /// Gives up at most `max` open uploads up to a number; answers how many, and whether there are more.
    pub(crate) fn give_up_to(&mut self, last: UploadId, max: usize) -> Result<(usize, bool)> {
        let mut uploads = self.uploads(Life::Open, max + 1, |_| true)?;
        uploads.retain(|(upload, _)| *upload <= last);
        let more = uploads.len() > max;
        uploads.truncate(max);
        Ok((self.give_up_all(&uploads), more))
    }

    fn give_up_all(&mut self, uploads: &[(UploadId, UploadRow)]) -> usize {
        for (upload, row) in uploads {
            self.give_up(Life::Open, *upload, row);
        }
        uploads.len()
    }

    /// At most `max` uploads of a kind.
    fn uploads(
        &self,
        life: Life,
        max: usize,
        chosen: impl Fn(&UploadRow) -> bool,
    ) -> Result<Vec<(UploadId, UploadRow)>> {
        let (mut found, mut failed) = (Vec::new(), None);
        let prefix = Key::new(Family::Upload).id(u64::from(life as u8)).done();
        if max == 0 {
            return Ok(found);
        }
        self.txn.scan(Scan::prefix(&prefix), &mut |key, value| {
            match (keys::take_id(&key[prefix.len()..]), UploadRow::decode(value)) {
                (Some((id, _)), Ok(row)) if chosen(&row) => found.push((UploadId(id), row)),
                (Some(_), Ok(_)) => (),
                (None, _) => failed = Some(Error::corrupt("malformed key", UploadRow::NAME)),
                (_, Err(error)) => failed = Some(error),
            }
            if failed.is_some() || found.len() == max {
                Visit::Stop
            } else {
                Visit::Next
            }
        })?;
        failed.map_or(Ok(found), Err)
    }

    /// Removes at most `rows_max` rows of uploads that were given up or that no body refers to any more;
    /// answers how many, and whether there are more.
    pub(crate) fn drain_uploads(&mut self, rows_max: u32) -> Result<(u64, bool)> {
        let mut done = 0;
        let mut counts = Counts::default();
        while done < u64::from(rows_max)
            && let Some((upload, _)) = self.uploads(Life::GivenUp, 1, |_| true)?.pop()
        {
            let rows = self.staged_keys(upload, u64::from(rows_max) - done)?;
            if rows.is_empty() {
                self.txn.delete(upload_key(Life::GivenUp, upload));
                done += 1;
            }
            for (key, row) in rows {
                counts.remove(&row.extents);
                self.txn.delete(key);
                done += 1;
            }
        }
        self.apply_counts(counts)?;
        let more = !self.uploads(Life::GivenUp, 1, |_| true)?.is_empty();
        Ok((done, more))
    }

    fn staged_keys(&self, upload: UploadId, max: u64) -> Result<Vec<(Vec<u8>, BodyRow)>> {
        let (mut found, mut failed) = (Vec::new(), None);
        let prefix = keys::staged_rows(upload);
        self.txn.scan(Scan::prefix(&prefix), &mut |key, value| {
            match BodyRow::decode(value) {
                Ok(row) => found.push((key.to_vec(), row)),
                Err(error) => failed = Some(error),
            }
            if failed.is_some() || found.len() as u64 >= max {
                Visit::Stop
            } else {
                Visit::Next
            }
        })?;
        failed.map_or(Ok(found), Err)
    }
}

/// The prefix of uploads that are open.
pub(crate) fn open_uploads_prefix() -> Vec<u8> {
    Key::new(Family::Upload).id(u64::from(Life::Open as u8)).done()
}

/// The prefix of uploads whose rows wait to be removed.
pub(crate) fn given_up_prefix() -> Vec<u8> {
    Key::new(Family::Upload).id(u64::from(Life::GivenUp as u8)).done()
}

fn upload_key(life: Life, upload: UploadId) -> Vec<u8> {
    Key::new(Family::Upload)
        .id(u64::from(life as u8))
        .id(upload.0)
        .done()
}
