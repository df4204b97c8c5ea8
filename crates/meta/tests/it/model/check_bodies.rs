//! Which refusals the commands about bodies, objects and uploads deserve.

use super::body::Body;
use super::check::{Verdict, XATTR_BYTES_MAX, XATTRS_MAX};
use super::state::{Inode, Model, Tree};
use nokv_types::{
    Code, Command, Extent, FILE_BYTES_MAX, INLINE_BYTES_MAX, NewBody, Node, ObjectId, RANGE_BYTES, ReadPoint,
    SessionId, Source, Target, UploadId, Version, Work, XattrName,
};

/// Bytes of one row of a body.
const ROW_BYTES_MAX: usize = 32 * 1024;
/// An upload that nobody touched for so long is given up.
pub(crate) const UPLOAD_IDLE_NS: u64 = 24 * 3_600_000_000_000;

impl Model {
    #[expect(clippy::too_many_lines, reason = "one arm per command, nothing else")]
    pub(crate) fn verdict_of_bodies(&self, v: &mut Verdict, command: &Command) {
        match command {
            Command::Publish {
                target,
                body,
                expect,
                xattrs,
            } => self.check_publish(v, target, body, *expect, xattrs),
            Command::Write {
                node,
                expect,
                extents,
            } => {
                v.when(extents.is_empty(), Code::Invalid);
                self.check_extents(v, extents, 0, u64::MAX);
                if let Some((tree, inode)) = self.file(v, *node) {
                    v.when(
                        expect.is_some_and(|expect| expect != inode.generation),
                        Code::Conflict,
                    );
                    self.check_change(v, tree, inode, extents);
                }
            }
            Command::Append { node, extents } => {
                v.when(extents.is_empty(), Code::Invalid);
                if let Some((tree, inode)) = self.file(v, *node) {
                    self.check_extents(v, extents, inode.size, u64::MAX);
                    let moved: Vec<Extent> = extents.iter().map(|e| shifted(e, inode.size)).collect();
                    self.check_change(v, tree, inode, &moved);
                } else {
                    self.check_extents(v, extents, 0, u64::MAX);
                }
            }
            Command::SetSize { node, size } => {
                v.when(*size > FILE_BYTES_MAX, Code::TooLarge);
                if let Some((_, inode)) = self.file(v, *node) {
                    Self::may_be_full(v, &inode.body);
                }
            }
            Command::PunchHole { node, len, .. } => {
                v.when(*len == 0, Code::Invalid);
                if let Some((_, inode)) = self.file(v, *node) {
                    Self::may_be_full(v, &inode.body);
                }
            }
            Command::Compact {
                node,
                range,
                expect,
                extents,
            } => {
                let range = (
                    range.saturating_mul(RANGE_BYTES),
                    (range + 1).saturating_mul(RANGE_BYTES),
                );
                self.check_extents(v, extents, 0, u64::MAX);
                if let Some((_, inode)) = self.file(v, *node) {
                    v.when(*expect != inode.generation, Code::Conflict);
                    Self::check_compact(v, inode, range, extents);
                }
            }
            Command::BeginUpload { session } => {
                v.when(
                    *session != SessionId(0) && !self.sessions.contains_key(session),
                    Code::SessionExpired,
                );
            }
            Command::Stage {
                upload,
                range,
                extents,
            } => {
                v.when(extents.is_empty(), Code::Invalid);
                let (from, to) = (
                    range.saturating_mul(RANGE_BYTES),
                    (range + 1).saturating_mul(RANGE_BYTES),
                );
                v.when(
                    extents
                        .iter()
                        .any(|extent| extent.at < from || extent.at.saturating_add(extent.len.into()) > to),
                    Code::Invalid,
                );
                self.check_extents(v, extents, 0, u64::MAX);
                self.check_upload(v, *upload);
                if let Some(upload) = self.uploads.get(upload) {
                    let mut after = upload.body.clone();
                    after.lay(extents);
                    Self::check_rows(v, &after, Code::TooMany, extents);
                }
            }
            Command::AbandonUpload { upload } => self.check_upload(v, *upload),
            Command::ReserveObjects { .. } => (),
            Command::Work(Work::ReservationSwept { reservation }) => {
                let due = |expires: u64| expires <= self.clock.log_ns;
                let early = self
                    .reservations
                    .get(reservation)
                    .is_some_and(|found| !due(found.expires));
                v.when(early, Code::InUse);
                v.maybe(true, Code::InUse);
            }
            other => self.verdict_of_timelines(v, other),
        }
    }

    fn check_upload(&self, v: &mut Verdict, upload: UploadId) {
        match self.uploads.get(&upload) {
            None => v.must(Code::UploadExpired),
            Some(upload) => v.maybe(
                upload.used + UPLOAD_IDLE_NS <= self.clock.log_ns,
                Code::UploadExpired,
            ),
        }
    }

    /// Faults of extents themselves; `base` is where offset 0 lies, `end` the end of the body.
    fn check_extents(&self, v: &mut Verdict, extents: &[Extent], base: u64, end: u64) {
        let mut last = 0;
        for extent in extents {
            let (start, stop) = (
                u128::from(extent.at),
                u128::from(extent.at) + u128::from(extent.len),
            );
            v.when(extent.len == 0 || start < last, Code::Invalid);
            last = stop;
            v.when(stop > u128::from(end), Code::Invalid);
            v.when(
                stop + u128::from(base) > u128::from(FILE_BYTES_MAX),
                Code::TooLarge,
            );
            match &extent.source {
                Source::Inline(bytes) => {
                    v.when(bytes.len() != extent.len as usize, Code::Invalid);
                    v.when(bytes.len() > INLINE_BYTES_MAX, Code::TooLarge);
                }
                Source::Slice(slice) => {
                    let window = u64::from(slice.window_offset) + u64::from(extent.len);
                    v.when(window > u64::from(slice.stored_len), Code::Invalid);
                    let stored = slice.stored_offset.checked_add(slice.stored_len.into());
                    v.when(stored.is_none(), Code::Invalid);
                    v.when(!self.is_usable(slice.object), Code::UploadExpired);
                }
            }
        }
    }

    /// Whether a body may refer to an object.
    pub(crate) fn is_usable(&self, object: ObjectId) -> bool {
        if self.condemned.contains(&object) {
            return false;
        }
        let reserved = self
            .reservations
            .get(&object.reservation())
            .is_some_and(|reservation| {
                ObjectId::derive(&reservation.seed, object.reservation(), object.index()) == object
                    && self.clock.log_ns < reservation.expires
            });
        reserved || self.touched.contains(&object)
    }

    fn check_change(&self, v: &mut Verdict, tree: &Tree, inode: &Inode, extents: &[Extent]) {
        if !v.must.is_empty() {
            // Which extents are malformed is said already; their sums mean nothing.
            v.may.extend([
                Code::NeedsCompaction,
                Code::TooMany,
                Code::NoSpace,
                Code::QuotaExceeded,
            ]);
            return;
        }
        let mut after = inode.body.clone();
        after.lay(extents);
        Self::check_rows(v, &after, Code::NeedsCompaction, extents);
        let grown = after.allocated() as i128 - inode.body.allocated() as i128;
        self.check_charge(v, tree, inode.quota, grown, 0);
    }

    /// Faults of rows that hold more than a row can.
    fn check_rows(v: &mut Verdict, body: &Body, code: Code, extents: &[Extent]) {
        let touched = |extent: &Extent| {
            let last = extent.at.saturating_add(u64::from(extent.len.max(1)) - 1);
            [extent.at / RANGE_BYTES, last / RANGE_BYTES]
        };
        let mut ranges: Vec<u64> = extents.iter().flat_map(touched).collect();
        ranges.dedup();
        for range in ranges {
            let from = range.saturating_mul(RANGE_BYTES);
            let (low, high) = body.row_bytes(from, from.saturating_add(RANGE_BYTES));
            v.when(low > ROW_BYTES_MAX, code);
            v.maybe(high > ROW_BYTES_MAX, code);
        }
    }

    /// Cutting an extent in two may fill a row.
    fn may_be_full(v: &mut Verdict, body: &Body) {
        let ranges: Vec<u64> = body.0.keys().map(|at| at / RANGE_BYTES).collect();
        let full = ranges.iter().any(|range| {
            body.row_bytes(range * RANGE_BYTES, (range + 1) * RANGE_BYTES).1 > ROW_BYTES_MAX - 256
        });
        v.maybe(full, Code::NeedsCompaction);
    }

    fn check_compact(v: &mut Verdict, inode: &Inode, range: (u64, u64), extents: &[Extent]) {
        let outside = |extent: &Extent| {
            extent.at < range.0 || extent.at.saturating_add(extent.len.into()) > range.1.min(inode.size)
        };
        v.when(extents.iter().any(outside), Code::Invalid);
        if !v.must.is_empty() {
            v.may.push(Code::Invalid);
            return;
        }
        let new = Body::of(extents);
        let mut rest = inode.body.part(range.0, range.1);
        let mut differs = false;
        for extent in new.0.values() {
            for old in rest.part(extent.at, extent.end()).0.values() {
                if let (Source::Inline(a), Source::Inline(b)) = (&old.source, &extent.source) {
                    let skip = (old.at - extent.at) as usize;
                    differs |= a[..] != b[skip..skip + a.len()];
                }
            }
            rest.cut(extent.at, extent.end());
        }
        // Zeros may take the place of a hole, nothing else may.
        let filled = new.0.values().any(|extent| match &extent.source {
            Source::Inline(bytes) => {
                let mut hole = Body::of(std::slice::from_ref(extent));
                for old in inode.body.0.values() {
                    hole.cut(old.at, old.end());
                }
                let zeros = |part: &Extent| {
                    let skip = (part.at - extent.at) as usize;
                    bytes[skip..skip + part.len as usize]
                        .iter()
                        .all(|byte| *byte == 0)
                };
                !hole.0.values().all(zeros)
            }
            Source::Slice(_) => false,
        });
        v.when(differs || filled || rest.allocated() > 0, Code::Invalid);
        v.maybe(range.0 >= inode.size, Code::Invalid);
        let grown = new.allocated() as i128 - inode.body.part(range.0, range.1).allocated() as i128;
        v.maybe(grown > 0, Code::NoSpace);
        v.maybe(grown > 0, Code::QuotaExceeded);
        Self::check_rows(v, &new, Code::TooMany, extents);
    }

    fn check_publish(
        &self,
        v: &mut Verdict,
        target: &Target,
        body: &NewBody,
        expect: Option<Version>,
        xattrs: &[(XattrName, Vec<u8>)],
    ) {
        v.when(
            xattrs.iter().any(|(_, value)| value.len() > XATTR_BYTES_MAX),
            Code::TooLarge,
        );
        v.maybe(xattrs.len() > XATTRS_MAX, Code::TooMany);
        let new = self.check_new_body(v, body);
        let generation;
        let place = match target {
            Target::Node(node) => {
                let found = self.file(v, *node);
                generation = found.map(|(_, inode)| inode.generation);
                found.map(|(tree, inode)| (tree, inode.quota, inode.body.allocated() as i128, 0))
            }
            Target::Name {
                parent,
                name,
                create_only,
                ..
            } => {
                let dir = self.dir(v, *parent);
                let there = dir.and_then(|(_, dir)| dir.entries.get(name.as_bytes()));
                match (dir, there) {
                    (Some(_), Some(ino)) => {
                        v.when(*create_only, Code::Exists);
                        let found = self.file(v, Node::new(parent.timeline, *ino));
                        generation = found.map(|(_, inode)| inode.generation);
                        found.map(|(tree, inode)| (tree, inode.quota, inode.body.allocated() as i128, 0))
                    }
                    (Some((tree, dir)), None) => {
                        generation = Some(Version::ZERO);
                        Some((tree, dir.quota, 0, 1))
                    }
                    (None, _) => {
                        generation = None;
                        None
                    }
                }
            }
        };
        v.when(
            expect.is_some_and(|expect| generation.is_some_and(|found| found != expect)),
            Code::Conflict,
        );
        if let (Some((tree, quota, old, inodes)), Some(new)) = (place, new) {
            self.check_charge(v, tree, quota, new as i128 - old, inodes);
        } else if let Some((tree, quota, _, inodes)) = place {
            self.check_charge(v, tree, quota, 0, inodes);
            v.may.extend([Code::NoSpace, Code::QuotaExceeded]);
        }
    }

    /// Faults of a whole body; answers how much data it has.
    fn check_new_body(&self, v: &mut Verdict, body: &NewBody) -> Option<u64> {
        match body {
            NewBody::Whole { size, extents } => {
                v.when(*size > FILE_BYTES_MAX, Code::TooLarge);
                let before = v.must.len();
                self.check_extents(v, extents, 0, *size);
                if v.must.len() > before {
                    v.may.push(Code::TooMany);
                    return None;
                }
                let new = Body::of(extents);
                Self::check_rows(v, &new, Code::TooMany, extents);
                Some(new.allocated())
            }
            NewBody::Staged { size, upload } => {
                v.when(*size > FILE_BYTES_MAX, Code::TooLarge);
                self.check_upload(v, *upload);
                let upload = self.uploads.get(upload)?;
                v.when(upload.body.end() > *size, Code::Invalid);
                Some(upload.body.allocated())
            }
            NewBody::Clone { from, version } => self.check_clone(v, *from, *version),
        }
    }

    fn check_clone(&self, v: &mut Verdict, from: Node, version: Version) -> Option<u64> {
        if !self.lines.contains_key(&from.timeline) {
            v.must(Code::Stale);
            return None;
        }
        if !self.lines[&from.timeline].live {
            // It is there until it is freed, in the background.
            v.unknown = true;
        }
        let at = ReadPoint {
            timeline: from.timeline,
            version,
        };
        match self.is_kept(at) {
            Some(true) => (),
            Some(false) => v.must(Code::VersionExpired),
            None => v.may.push(Code::VersionExpired),
        }
        let Some(tree) = self.at(from.timeline, version) else {
            v.unknown = true;
            return None;
        };
        let Some(inode) = tree.get(from.ino) else {
            v.must(Code::NotFound);
            return None;
        };
        v.unknown |= tree.limbo.contains(&from.ino) && !self.is_open(from);
        match inode.kind {
            nokv_types::FileKind::File => Some(inode.body.allocated()),
            nokv_types::FileKind::Directory => {
                v.must(Code::IsADirectory);
                None
            }
            _ => {
                v.must(Code::WrongKind);
                None
            }
        }
    }
}

/// An extent of an append where it comes to lie.
pub(crate) fn shifted(extent: &Extent, by: u64) -> Extent {
    Extent {
        at: extent.at.saturating_add(by),
        ..extent.clone()
    }
}
