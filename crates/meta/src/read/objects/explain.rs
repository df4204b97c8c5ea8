//! What keeps an object: the rows that refer to it.

use crate::keys::{self, Family};
use crate::read::Reader;
use crate::read::body::BodyView;
use crate::rows::{BodyRow, MANIFEST_RANGE, ManifestRow, Record};
use crate::state::for_each;
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{Extent, Ino, NsPath, ObjectId, ReadPoint, Source, TimelineId, UploadId, Version};
use std::collections::BTreeSet;

/// A body row that refers to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Timeline, file and generation of the row; `None` for a staged range that is not published.
    pub body: Option<(TimelineId, Ino, Version)>,
    /// The range of 256 MiB; `None` when the whole manifest of a staged body refers to it somewhere.
    pub range: Option<u64>,
    /// A path of the file on that timeline now, while it has one.
    pub path: Option<NsPath>,
    /// Whether the newest state of that timeline reads it.
    pub current: bool,
}

impl<R: Rows> Reader<'_, R> {
    /// What refers to an object, at most `limit` rows. Walks all body rows: for people, not for machines.
    ///
    /// # Errors
    /// From the store.
    pub fn explain(&self, id: ObjectId, limit: usize) -> Result<Vec<Reference>> {
        let mut uploads: BTreeSet<UploadId> = BTreeSet::new();
        let mut references = Vec::new();
        for_each(self.rows, &[Family::Staged as u8], |key, value| {
            let parsed = keys::take_id(&key[1..]);
            let (upload, _) = parsed.ok_or_else(|| Error::corrupt("malformed key", "staged row"))?;
            if refers(&BodyRow::decode(value)?.extents, id) {
                uploads.insert(UploadId(upload));
            }
            Ok(())
        })?;
        let mut published = BTreeSet::new();
        let mut rows = Vec::new();
        for_each(self.rows, &[Family::Body as u8], |key, value| {
            let parsed = keys::split_body(key);
            let (timeline, ino, range, generation) =
                parsed.ok_or_else(|| Error::corrupt("malformed key", "body row"))?;
            let (hit, range) = if range == MANIFEST_RANGE {
                let upload = ManifestRow::decode(value)?.upload;
                published.insert(upload);
                (uploads.contains(&upload), None)
            } else {
                (refers(&BodyRow::decode(value)?.extents, id), Some(range))
            };
            if hit && rows.len() < limit {
                rows.push((timeline, ino, range, generation));
            }
            Ok(())
        })?;
        for (timeline, ino, range, generation) in rows {
            references.push(self.reference((timeline, ino), range, generation)?);
        }
        for _ in uploads
            .difference(&published)
            .take(limit - references.len().min(limit))
        {
            references.push(Reference {
                body: None,
                range: None,
                path: None,
                current: false,
            });
        }
        Ok(references)
    }

    /// A row that refers to an object, with the file it belongs to.
    fn reference(
        &self,
        (timeline, ino): (TimelineId, Ino),
        range: Option<u64>,
        generation: Version,
    ) -> Result<Reference> {
        let head = ReadPoint {
            timeline,
            version: Version::HEAD,
        };
        let path = unless_gone(self.path_of(head, ino))?;
        let attr = unless_gone(self.getattr(head, ino))?;
        let current = match attr {
            Some(attr) => {
                let view = BodyView::new(head, ino, &attr);
                view.is_row(
                    self.rows,
                    self.timelines,
                    range.unwrap_or(MANIFEST_RANGE),
                    (timeline, generation),
                )?
            }
            None => false,
        };
        Ok(Reference {
            body: Some((timeline, ino, generation)),
            range,
            path,
            current,
        })
    }
}

/// What a read answered; a refusal means that there is nothing any more.
fn unless_gone<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(Error::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn refers(extents: &[Extent], id: ObjectId) -> bool {
    extents
        .iter()
        .any(|extent| matches!(&extent.source, Source::Slice(slice) if slice.object == id))
}
