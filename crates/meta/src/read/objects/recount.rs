//! The proof of the counts: every reference counted anew and compared.

use crate::keys::Family;
use crate::read::Reader;
use crate::rows::{BodyRow, MANIFEST_RANGE, ManifestRow, ObjectRow, ObjectState, Record, UploadRow};
use crate::state::{ObjectTotals, count_objects, for_each, object_totals};
use crate::{Error, Result, keys};
use nokv_store::Rows;
use nokv_types::{Extent, ObjectId, Source, UploadId, Version};
use std::collections::BTreeMap;

/// An object (or an upload that stands for one) whose count is not what the rows say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectMismatch {
    /// The count of an object: kept and found references, kept and found bytes.
    Object(ObjectId, (u64, u64), (u64, u64)),
    /// The manifests that refer to an upload: kept and found.
    Upload(UploadId, u64, u64),
    /// An object is on the delete queue and should not be, or the other way round.
    Queue(ObjectId),
    /// How many objects there are: kept and found.
    Totals(ObjectTotals, ObjectTotals),
}

#[derive(Default)]
struct Recount {
    objects: BTreeMap<ObjectId, (u64, u64)>,
    uploads: BTreeMap<UploadId, u64>,
    queued: BTreeMap<ObjectId, Version>,
}

impl<R: Rows> Reader<'_, R> {
    /// Counts all references anew; what does not agree, in the order of ids. Holds one entry per object.
    ///
    /// # Errors
    /// From the store, and `Corrupt` for rows that do not decode.
    pub fn object_mismatches(&self) -> Result<Vec<ObjectMismatch>> {
        let mut found = self.recount()?;
        let mut wrong = Vec::new();
        for_each(self.rows, &[Family::Object as u8], |_, value| {
            let row = ObjectRow::decode(value)?;
            let kept = (row.references, row.live_bytes);
            let counted = found.objects.remove(&row.id).unwrap_or_default();
            if kept != counted {
                wrong.push(ObjectMismatch::Object(row.id, kept, counted));
            }
            let queued = match row.state {
                ObjectState::Dead(since) => Some(since),
                ObjectState::Condemned => Some(Version::ZERO),
                ObjectState::Live | ObjectState::Deleted => None,
            };
            let is_live = row.state == ObjectState::Live;
            if found.queued.remove(&row.id) != queued || is_live != (row.references > 0) {
                wrong.push(ObjectMismatch::Queue(row.id));
            }
            Ok(())
        })?;
        let (kept, counted) = (object_totals(self.rows)?, count_objects(self.rows)?);
        if kept != counted {
            wrong.push(ObjectMismatch::Totals(kept, counted));
        }
        let unknown = found.objects.into_iter();
        wrong.extend(unknown.map(|(id, counted)| ObjectMismatch::Object(id, (0, 0), counted)));
        wrong.extend(found.queued.into_keys().map(ObjectMismatch::Queue));
        for_each(self.rows, &[Family::Upload as u8], |key, value| {
            let parsed = keys::take_id(&key[1..]).and_then(|(_, rest)| keys::take_id(rest));
            let (id, _) = parsed.ok_or_else(|| Error::corrupt("malformed key", UploadRow::NAME))?;
            let kept = UploadRow::decode(value)?.references;
            let counted = found.uploads.remove(&UploadId(id)).unwrap_or_default();
            if kept != counted {
                wrong.push(ObjectMismatch::Upload(UploadId(id), kept, counted));
            }
            Ok(())
        })?;
        let lost = found.uploads.into_iter();
        wrong.extend(lost.map(|(id, counted)| ObjectMismatch::Upload(id, 0, counted)));
        Ok(wrong)
    }

    fn recount(&self) -> Result<Recount> {
        let mut found = Recount::default();
        for_each(self.rows, &[Family::Body as u8], |key, value| {
            let (_, _, range, _) =
                keys::split_body(key).ok_or_else(|| Error::corrupt("malformed key", BodyRow::NAME))?;
            if range == MANIFEST_RANGE {
                *found
                    .uploads
                    .entry(ManifestRow::decode(value)?.upload)
                    .or_default() += 1;
            } else {
                count(&mut found.objects, &BodyRow::decode(value)?.extents);
            }
            Ok(())
        })?;
        for_each(self.rows, &[Family::Staged as u8], |_, value| {
            count(&mut found.objects, &BodyRow::decode(value)?.extents);
            Ok(())
        })?;
        self.queue(None, &mut |since, row| {
            found.queued.insert(row.id, since);
            true
        })?;
        Ok(found)
    }
}

fn count(objects: &mut BTreeMap<ObjectId, (u64, u64)>, extents: &[Extent]) {
    for extent in extents {
        if let Source::Slice(slice) = &extent.source {
            let entry = objects.entry(slice.object).or_default();
            entry.0 += 1;
            entry.1 += u64::from(extent.len);
        }
    }
}
