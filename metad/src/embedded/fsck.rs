//! Proving what is kept against a full walk: counts of entries, ways back, references, presence of objects.
//!
//! Only what callers can see and what the state machine counts is proven here; a damaged row shows itself by its
//! checksum on the way.

use super::blobs::refused;
use super::{Answered, Embedded};
use nokv_client::{Finding, FsckReport, Namespace as _, View};
use nokv_meta::ObjectMismatch;
use nokv_object::layout;
use nokv_types::{Attr, Code, FileKind, Ino, Name, ObjectId, Source};
use std::collections::BTreeSet;

/// Entries read at once.
const PAGE: usize = 1000;
/// Findings that a report names.
const FINDINGS_MAX: usize = 10_000;

impl Embedded {
    pub(super) fn check(&self, _repair: bool) -> Answered<FsckReport> {
        let mut walk = Walk::default();
        for mismatch in self.read(|reader| reader.object_mismatches())? {
            let (subject, detail) = match mismatch {
                ObjectMismatch::Object(id, kept, found) => (
                    format!("{:032x}", id.0),
                    format!("{} references of {} bytes are kept, {} of {} found", kept.0, kept.1, found.0, found.1),
                ),
                ObjectMismatch::Upload(id, kept, found) => {
                    (format!("upload {}", id.0), format!("{kept} references are kept, {found} found"))
                }
                ObjectMismatch::Queue(id) => {
                    (format!("{:032x}", id.0), "it should not be on the delete queue, or should be".to_owned())
                }
            };
            walk.find("object-count", subject, detail);
        }
        let mut views: Vec<View> = self.roots()?.iter().map(|root| View::head_of(root.node)).collect();
        views.extend(self.pins()?.iter().map(|pin| View {
            point: pin.at,
            node: pin.node,
        }));
        for view in views {
            self.walk(view, &mut walk)?;
        }
        self.check_objects(&mut walk)?;
        walk.report.objects = walk.objects.len() as u64;
        Ok(walk.report)
    }

    fn walk(&self, view: View, walk: &mut Walk) -> Answered<()> {
        let root = match self.getattr(view.point, view.node.ino) {
            Ok(attr) => attr,
            Err(error) if error.code() == Some(Code::VersionExpired) => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut dirs = vec![(view.node.ino, root)];
        while let Some((dir, attr)) = dirs.pop() {
            walk.report.inodes += 1;
            if attr.kind != FileKind::Directory {
                self.check_body(view, dir, &attr, walk)?;
                continue;
            }
            let (mut after, mut entries): (Option<Name>, u64) = (None, 0);
            loop {
                let page = self.readdir(view.point, dir, after.as_ref(), PAGE, true)?;
                walk.report.rows += page.entries.len() as u64;
                entries += page.entries.len() as u64;
                after = page.entries.last().map(|entry| entry.name.clone());
                for entry in page.entries {
                    if let Some(attr) = self.check_entry(view, dir, &entry, walk)? {
                        dirs.push((entry.node.ino, attr));
                    }
                }
                if !page.more {
                    break;
                }
            }
            // A live directory may change between two pages.
            let now = self.getattr(view.point, dir)?;
            if entries != u64::from(attr.entries) && now == attr {
                let detail = format!("{} entries are counted, {entries} found", attr.entries);
                walk.find("entry-count", format!("inode {}", dir.0), detail);
            }
        }
        Ok(())
    }

    fn check_entry(
        &self,
        view: View,
        dir: Ino,
        entry: &nokv_types::DirEntry,
        walk: &mut Walk,
    ) -> Answered<Option<Attr>> {
        let subject = || format!("inode {} in {}", entry.node.ino.0, dir.0);
        let by_ino = match self.getattr(view.point, entry.node.ino) {
            Ok(attr) => attr,
            Err(error) => {
                walk.find("entry-inode", subject(), error.to_string());
                return Ok(None);
            }
        };
        if entry.attr.is_none_or(|attr| attr.kind != by_ino.kind) || entry.kind != by_ino.kind {
            walk.find("entry-attributes", subject(), "entry and inode are of two kinds".to_owned());
        }
        if let Err(error) = self.path_of(view.point, entry.node.ino) {
            walk.find("way-back", subject(), error.to_string());
        }
        Ok(Some(by_ino))
    }

    fn check_body(&self, view: View, ino: Ino, attr: &Attr, walk: &mut Walk) -> Answered<()> {
        if attr.kind != FileKind::File {
            return Ok(());
        }
        let mut offset = 0;
        while offset < attr.size {
            let len = (attr.size - offset).min(nokv_types::RANGE_BYTES);
            let plan = match self.read_plan(view.point, ino, offset, len) {
                Ok(plan) => plan,
                Err(error) => {
                    walk.find("body", format!("inode {}", ino.0), error.to_string());
                    return Ok(());
                }
            };
            for extent in plan.extents {
                if let Source::Slice(slice) = extent.source {
                    walk.objects.insert(slice.object);
                }
            }
            offset += len;
        }
        Ok(())
    }

    fn check_objects(&self, walk: &mut Walk) -> Answered<()> {
        let objects = std::mem::take(&mut walk.objects);
        for object in &objects {
            let there = self.engine.core.objects.head(&layout::data(object.0)).map_err(refused)?;
            if there.is_none() {
                walk.find("object-missing", format!("{:032x}", object.0), "bodies refer to it".to_owned());
            }
        }
        walk.objects = objects;
        Ok(())
    }
}

/// A walk under way.
#[derive(Debug, Default)]
struct Walk {
    report: FsckReport,
    objects: BTreeSet<ObjectId>,
}

impl Walk {
    fn find(&mut self, rule: &str, subject: String, detail: String) {
        if self.report.findings.len() < FINDINGS_MAX {
            self.report.findings.push(Finding {
                rule: rule.to_owned(),
                subject,
                detail,
                repaired: false,
            });
        }
    }
}
