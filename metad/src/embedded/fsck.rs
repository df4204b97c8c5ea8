//! Proving rows against each other, and that every object that a body needs is there.

use super::blobs::refused;
use super::{Answered, Embedded};
use crate::error::read_failed;
use nokv_client::{Ack, Finding, FsckReport, Namespace as _, View};
use nokv_meta::{FsckFinding, fsck};
use nokv_object::layout;
use nokv_types::{Attr, Code, Command, FileKind, Ino, Name, ObjectId, Outcome, Request, Source, Work};
use std::collections::BTreeSet;

/// Entries read at once.
const PAGE: usize = 1000;
/// Rows that one step of a repair makes right.
const FIXES_MAX: u32 = 1000;
/// Steps of one repair; each makes something right, or it is the last.
const REPAIRS_MAX: u32 = 1000;

impl Embedded {
    pub(super) fn check(&self, repair: bool) -> Answered<FsckReport> {
        let before = self.check_rows()?;
        let mut after = before.findings.clone();
        if repair && !before.is_clean() {
            self.repair()?;
            after = self.check_rows()?.findings;
        }
        let left: BTreeSet<_> = after
            .iter()
            .map(|finding| (finding.wrong, finding.key.clone()))
            .collect();
        let mut report = FsckReport {
            rows: before.rows,
            inodes: before.inodes,
            objects: 0,
            findings: Vec::new(),
        };
        for finding in before.findings {
            let repaired = !left.contains(&(finding.wrong, finding.key.clone()));
            report.findings.push(named(&finding, repaired));
        }
        self.check_objects(&mut report)?;
        Ok(report)
    }

    /// Nothing may change the rows meanwhile: the commit role is held.
    fn check_rows(&self) -> Answered<nokv_meta::FsckReport> {
        let core = &self.engine.core;
        core.with_role(|_| fsck(&core.store)).map_err(read_failed)
    }

    fn repair(&self) -> Answered<()> {
        for _ in 0..REPAIRS_MAX {
            let work = Work::Repair { fixes_max: FIXES_MAX };
            let request = Request::internal(Command::Work(work));
            let answer = self.submit(vec![request], Ack::Durable).pop();
            let Some(reply) = answer.transpose()? else { break };
            if !matches!(
                reply.outcome,
                Outcome::Worked {
                    done: 1..,
                    more: true
                }
            ) {
                break;
            }
        }
        Ok(())
    }

    fn check_objects(&self, report: &mut FsckReport) -> Answered<()> {
        let mut objects = BTreeSet::new();
        let mut views: Vec<View> = self
            .roots()?
            .iter()
            .map(|root| View::head_of(root.node))
            .collect();
        views.extend(self.pins()?.iter().map(|pin| View {
            point: pin.at,
            node: pin.node,
        }));
        for view in views {
            self.objects_of(view, &mut objects)?;
        }
        report.objects = objects.len() as u64;
        for object in objects {
            let there = self
                .engine
                .core
                .objects
                .head(&layout::data(object.0))
                .map_err(refused)?;
            if there.is_none() {
                report.findings.push(Finding {
                    rule: "object-missing".to_owned(),
                    subject: format!("{:032x}", object.0),
                    detail: "bodies refer to it and the object store does not have it".to_owned(),
                    repaired: false,
                });
            }
        }
        Ok(())
    }

    fn objects_of(&self, view: View, objects: &mut BTreeSet<ObjectId>) -> Answered<()> {
        let mut dirs = vec![view.node.ino];
        while let Some(dir) = dirs.pop() {
            let mut after: Option<Name> = None;
            loop {
                let page = match self.readdir(view.point, dir, after.as_ref(), PAGE, true) {
                    Ok(page) => page,
                    // It was removed meanwhile, or the view is that of a file.
                    Err(error) if matches!(error.code(), Some(Code::NotFound | Code::NotADirectory)) => break,
                    Err(error) => return Err(error),
                };
                after = page.entries.last().map(|entry| entry.name.clone());
                for entry in page.entries {
                    match (entry.kind, entry.attr) {
                        (FileKind::Directory, _) => dirs.push(entry.node.ino),
                        (FileKind::File, Some(attr)) => {
                            self.objects_in(view, entry.node.ino, &attr, objects)?;
                        }
                        _ => {}
                    }
                }
                if !page.more {
                    break;
                }
            }
        }
        Ok(())
    }

    fn objects_in(
        &self,
        view: View,
        ino: Ino,
        attr: &Attr,
        objects: &mut BTreeSet<ObjectId>,
    ) -> Answered<()> {
        let mut offset = 0;
        // A hole without end has no objects in it.
        let end = if attr.allocated == 0 { 0 } else { attr.size };
        while offset < end {
            let len = (end - offset).min(nokv_types::RANGE_BYTES);
            let plan = match self.read_plan(view.point, ino, offset, len) {
                Ok(plan) => plan,
                Err(error) if error.code() == Some(Code::NotFound) => break,
                Err(error) => return Err(error),
            };
            for extent in plan.extents {
                if let Source::Slice(slice) = extent.source {
                    objects.insert(slice.object);
                }
            }
            offset += len;
        }
        Ok(())
    }
}

fn named(finding: &FsckFinding, repaired: bool) -> Finding {
    let mut rule = String::new();
    for letter in format!("{:?}", finding.wrong).chars() {
        if letter.is_ascii_uppercase() && !rule.is_empty() {
            rule.push('-');
        }
        rule.push(letter.to_ascii_lowercase());
    }
    Finding {
        rule,
        subject: nokv_types::show_bytes(&finding.key),
        detail: finding.detail.clone(),
        repaired,
    }
}
