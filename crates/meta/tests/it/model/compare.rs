//! Whole states compared: every root, pin, open file and remembered version, and the set of objects.

use super::apply::{Checked, same, same_attr};
use super::body::normal;
use super::engine::Engine;
use super::state::{Model, Tree};
use nokv_meta::{ObjectStanding, Reader};
use nokv_types::{
    Code, FileKind, Ino, Name, Node, ObjectId, QuotaId, QuotaLimits, ReadPoint, TimelineId, Version,
};
use std::collections::BTreeSet;

type R<'a> = Reader<'a, Engine>;

pub(crate) fn told<T>(what: &str, result: nokv_meta::Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("{what}: {error}"))
}

fn head(timeline: TimelineId) -> ReadPoint {
    ReadPoint {
        timeline,
        version: Version::HEAD,
    }
}

impl Model {
    /// Compares everything that can be read now.
    pub(crate) fn compare(&self, reader: &R<'_>, page: usize) -> Checked {
        let roots = told("roots", reader.roots())?;
        same("number of roots", roots.len(), self.roots.len())?;
        for root in roots {
            let known = self
                .roots
                .get(&root.name)
                .ok_or(format!("an unknown root {root:?}"))?;
            same("root", (root.node, root.kind), (known.node, known.kind))?;
            let tree = &self.lines[&root.node.timeline].tree;
            self.compare_tree(reader, head(root.node.timeline), root.node, tree, page)
                .map_err(|text| format!("root {:?}: {text}", String::from_utf8_lossy(&root.name)))?;
        }
        let pins = told("pins", reader.pins())?;
        same("number of pins", pins.len(), self.pins.len())?;
        for pin in pins {
            self.same_pin(&pin)?;
            let known = &self.pins[&pin.key];
            told("a pinned state is readable", reader.readable(pin.at))?;
            self.compare_tree(reader, pin.at, pin.node, &known.tree, page)
                .map_err(|text| format!("pin {:?}: {text}", String::from_utf8_lossy(&pin.key)))?;
        }
        self.compare_opens(reader)
    }

    fn compare_tree(&self, reader: &R<'_>, at: ReadPoint, top: Node, tree: &Tree, page: usize) -> Checked {
        for ino in tree.below(top.ino) {
            Self::compare_inode(reader, at, ino, tree, page)
                .map_err(|text| format!("{at:?} inode {}: {text}", ino.0))?;
        }
        let quotas: BTreeSet<QuotaId> = tree.inodes.values().map(|inode| inode.quota).collect();
        for quota in quotas.into_iter().chain([QuotaId::WORKSPACE]) {
            let member = tree.inodes.iter().find(|(_, inode)| inode.quota == quota);
            let found = match (quota, member) {
                (QuotaId::WORKSPACE, _) => told("statfs", reader.statfs(at))?,
                (_, Some((ino, _))) if !tree.limbo.contains(ino) => told("quota", reader.quota(at, *ino))?,
                _ => continue,
            };
            let (low, high) = tree.usage(quota);
            let within = low.0 <= found.bytes && found.bytes <= high.0;
            let within = within && low.1 <= found.inodes && found.inodes <= high.1;
            if !within && self.counting.is_empty() {
                return Err(format!("{at:?} {found:?}, the model counts {low:?} to {high:?}"));
            }
            let limits: QuotaLimits = self.quotas.get(&quota).copied().unwrap_or_default();
            same("limits", found.limits, limits)?;
        }
        Ok(())
    }

    fn compare_inode(reader: &R<'_>, at: ReadPoint, ino: Ino, tree: &Tree, page: usize) -> Checked {
        let inode = &tree.inodes[&ino];
        let attr = told("attributes", reader.getattr(at, ino))?;
        same_attr(&attr, &tree.attr(ino), tree.is_fuzzy(ino))?;
        let xattrs = told("extended attributes", reader.xattrs(at, ino))?;
        let xattrs: Vec<_> = xattrs
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_slice()))
            .collect();
        let wanted: Vec<_> = inode
            .xattrs
            .iter()
            .map(|(name, value)| (&name[..], &value[..]))
            .collect();
        same("extended attributes", xattrs, wanted)?;
        match inode.kind {
            FileKind::Directory => Self::compare_entries(reader, at, ino, tree, page),
            FileKind::Symlink => {
                let target = told("target", reader.readlink(at, ino))?;
                same("target", &target, &inode.target)
            }
            FileKind::File => {
                let plan = told("plan", reader.read_plan(at, ino, 0, u64::MAX))?;
                same("size", plan.size, inode.size)?;
                same("body", normal(&plan.extents), inode.body.normal())
            }
            _ => Ok(()),
        }
    }

    fn compare_entries(reader: &R<'_>, at: ReadPoint, ino: Ino, tree: &Tree, page: usize) -> Checked {
        let mut found = Vec::new();
        let mut after: Option<Name> = None;
        loop {
            let answer = told("page", reader.readdir(at, ino, after.as_ref(), page, true))?;
            after = answer.entries.last().map(|entry| entry.name.clone());
            found.extend(answer.entries);
            if !answer.more {
                break;
            }
        }
        let names: Vec<_> = found
            .iter()
            .map(|entry| (entry.name.as_bytes(), entry.node.ino))
            .collect();
        let wanted: Vec<_> = tree.inodes[&ino]
            .entries
            .iter()
            .map(|(name, ino)| (&name[..], *ino))
            .collect();
        same("entries", names, wanted)?;
        for entry in &found {
            let wanted = tree.attr(entry.node.ino);
            same("kind", entry.kind, wanted.kind)?;
            let attr = entry.attr.ok_or("an entry without attributes")?;
            same_attr(&attr, &wanted, tree.is_fuzzy(entry.node.ino))?;
            let again = told("lookup", reader.lookup(at, ino, &entry.name))?;
            same("lookup", &again, entry)?;
        }
        Ok(())
    }

    fn compare_opens(&self, reader: &R<'_>) -> Checked {
        for ((session, handle), open) in &self.opens {
            let (node, attr) = told("handle", reader.opened(*session, *handle))?;
            same("node of a handle", node, open.node)?;
            same(
                "held body",
                (attr.size, attr.generation),
                (open.size, open.generation),
            )?;
            let plan = reader.read_plan_of(head(node.timeline), node.ino, &attr, (0, u64::MAX));
            let plan = told("plan of a handle", plan)?;
            same("held bytes", normal(&plan.extents), open.body.normal())?;
        }
        Ok(())
    }

    /// Compares a past state of a line, or that it is refused.
    pub(crate) fn compare_past(&self, reader: &R<'_>, at: ReadPoint, page: usize) -> Result<bool, String> {
        let (Some(tree), Some(root)) = (
            self.at(at.timeline, at.version),
            self.roots.values().find(|root| root.node.timeline == at.timeline),
        ) else {
            return Ok(false);
        };
        match (
            reader.readable(at).map_err(|error| error.code()),
            self.is_kept(at),
        ) {
            (Ok(_), Some(false)) => Err(format!("{at:?} is readable and should have expired")),
            (Ok(settled), _) => {
                self.compare_tree(reader, settled, root.node, &tree, page)
                    .map_err(|text| format!("past {text}"))?;
                Ok(true)
            }
            (Err(Some(Code::VersionExpired)), Some(false) | None) => Ok(false),
            (Err(other), kept) => Err(format!("{at:?}: {other:?}, the model says kept: {kept:?}")),
        }
    }

    /// Objects that something surely refers to, and those that something may refer to.
    fn reachable(&self) -> (BTreeSet<ObjectId>, BTreeSet<ObjectId>) {
        let mut sure = BTreeSet::new();
        for line in self.lines.values().filter(|line| line.live) {
            sure.extend(line.tree.objects(false));
        }
        sure.extend(self.pins.values().flat_map(|pin| pin.tree.objects(false)));
        sure.extend(self.opens.values().flat_map(|open| open.body.objects()));
        sure.extend(self.uploads.values().flat_map(|upload| upload.body.objects()));
        let mut maybe = sure.clone();
        for (id, line) in &self.lines {
            self.may_refer(&line.branch, &mut maybe);
            self.may_refer(&line.tree, &mut maybe);
            for (version, tree) in &line.history {
                let at = ReadPoint {
                    timeline: *id,
                    version: *version,
                };
                if self.is_kept(at) != Some(false) {
                    self.may_refer(tree, &mut maybe);
                }
            }
        }
        for pin in self.pins.values() {
            self.may_refer(&pin.tree, &mut maybe);
        }
        (sure, maybe)
    }

    /// Adds what a tree refers to, and what a shared upload keeps for it.
    fn may_refer(&self, tree: &Tree, objects: &mut BTreeSet<ObjectId>) {
        objects.extend(tree.objects(true));
        let shared = tree.uploads().filter_map(|upload| self.published.get(&upload));
        for published in shared.filter(|published| published.is_shared) {
            objects.extend(&published.objects);
        }
    }

    /// Takes in which of these objects were condemned: none may be that is in use.
    pub(crate) fn condemn(&mut self, reader: &R<'_>, asked: &[ObjectId]) -> Checked {
        for object in asked {
            let info = told("object", reader.object_info(*object))?;
            if info.is_some_and(|info| info.standing == ObjectStanding::Condemned) {
                same(
                    "a condemned object is in use",
                    self.reachable().0.contains(object),
                    false,
                )?;
                self.condemned.insert(*object);
            }
        }
        Ok(())
    }

    /// Compares the objects that count as referred to with those that are, after all work was done.
    pub(crate) fn compare_objects(&mut self, reader: &R<'_>, settled: bool) -> Checked {
        let wrong = told("recount", reader.object_mismatches())?;
        if !wrong.is_empty() {
            return Err(format!("references are not what a recount finds: {wrong:?}"));
        }
        let (sure, maybe) = self.reachable();
        for object in &self.touched {
            let standing = told("object", reader.object_info(*object))?.map(|info| info.standing);
            let is_live = standing == Some(ObjectStanding::Live);
            if sure.contains(object) && !is_live {
                return Err(format!("{object:?} is in use and stands as {standing:?}"));
            }
            if settled && is_live && !maybe.contains(object) {
                return Err(format!("{object:?} is not in use and stands as {standing:?}"));
            }
            if matches!(
                standing,
                Some(ObjectStanding::Condemned | ObjectStanding::Deleted)
            ) {
                self.condemned.insert(*object);
            }
        }
        Ok(())
    }
}
