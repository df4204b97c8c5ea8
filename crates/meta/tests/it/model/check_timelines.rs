//! Which refusals the commands about pins, roots, quotas, sessions and opens deserve.

use super::check::Verdict;
use super::state::{Count, Model, Pin, Root};
use nokv_types::{
    Code, Command, FileKind, Ino, Node, Origin, ReadPoint, RootKind, TimelineId, Version, Work,
};

const HOLDERS_MAX: usize = 64;
const DEPTH_MAX: usize = 64;
const TTL_NS_MAX: u64 = 86_400_000_000_000;

/// Where a fork or rollback starts, as far as the model can tell.
pub(crate) struct Start {
    pub(crate) at: ReadPoint,
    pub(crate) ino: Ino,
}

impl Model {
    #[expect(clippy::too_many_lines, reason = "one arm per command, nothing else")]
    pub(crate) fn verdict_of_timelines(&self, v: &mut Verdict, command: &Command) {
        match command {
            Command::SnapshotCreate {
                key, node, holder, ..
            } => {
                v.when(!is_key(key), Code::NameInvalid);
                v.maybe(!is_key(holder), Code::NameInvalid);
                self.check_pin(v, self.pins.get(key), *node, holder);
            }
            Command::SnapshotRelease { key, holder } => match self.pins.get(key) {
                None => v.must(Code::NotFound),
                Some(pin) => v.when(!pin.holders.contains(holder), Code::Conflict),
            },
            Command::VolumeCreate { name, .. } => self.check_new_root(v, name),
            Command::Fork { name, origin } => {
                self.check_new_root(v, name);
                if let Some(start) = self.start(v, origin) {
                    self.check_depth(v, start.at);
                }
            }
            Command::RootDelete { name } => match self.roots.get(name) {
                None => v.must(Code::NotFound),
                Some(root) => v.when(root.kind == RootKind::Workspace, Code::NotPermitted),
            },
            Command::Rollback { name, origin, keep } => {
                let root = self.check_root(v, name);
                self.check_keep(v, keep);
                let start = self.start(v, origin);
                if let (Some(root), Some(start)) = (root, start) {
                    self.check_rollback(v, root, &start, origin);
                }
            }
            Command::Promote {
                fork,
                onto,
                discard_live,
                keep,
            } => {
                v.when(fork == onto, Code::Invalid);
                self.check_keep(v, keep);
                let fork = self.check_root(v, fork);
                let onto = self.check_root(v, onto);
                if let (Some(fork), Some(onto)) = (fork, onto) {
                    self.check_promote(v, fork, onto, *discard_live);
                }
            }
            Command::SetQuota { node, .. } => {
                self.dir(v, *node);
                for Count { top, .. } in &self.counting {
                    if top.timeline != node.timeline || top == node {
                        continue;
                    }
                    let is_within = self
                        .lines
                        .get(&top.timeline)
                        .is_some_and(|line| line.tree.is_within(node.ino, top.ino));
                    v.maybe(is_within, Code::Busy);
                }
            }
            Command::SessionOpen { ttl_ns, .. } => {
                v.when(*ttl_ns == 0 || *ttl_ns > TTL_NS_MAX, Code::Invalid);
            }
            Command::SessionRenew { session } | Command::SessionClose { session } => {
                self.check_session(v, *session);
            }
            Command::Open { session, node } => {
                self.check_session(v, *session);
                self.check_open(v, *node);
            }
            Command::Close { session, handle } => {
                self.check_session(v, *session);
                let there = self.opens.contains_key(&(*session, *handle));
                v.when(!there, Code::NotFound);
            }
            Command::Work(Work::Flatten { timeline, .. }) => {
                let live = self.lines.get(timeline).is_some_and(|line| line.live);
                v.unknown = !live;
            }
            _ => (),
        }
    }

    fn check_pin(&self, v: &mut Verdict, pin: Option<&Pin>, node: Node, holder: &[u8]) {
        if let Some(pin) = pin {
            v.when(pin.node != node, Code::Conflict);
            let full = pin.holders.len() >= HOLDERS_MAX && !pin.holders.contains(holder);
            v.when(full, Code::TooMany);
            // An old pin is answered whatever became of its directory since.
            return;
        }
        self.dir(v, node);
    }

    fn check_new_root(&self, v: &mut Verdict, name: &[u8]) {
        let long = name.len() > 255;
        v.when(long, Code::NameTooLong);
        v.when(!long && !is_key(name), Code::NameInvalid);
        v.when(self.roots.contains_key(name), Code::Exists);
    }

    fn check_root(&self, v: &mut Verdict, name: &[u8]) -> Option<&Root> {
        let root = self.roots.get(name);
        v.when(root.is_none(), Code::NotFound);
        root
    }

    fn check_keep(&self, v: &mut Verdict, keep: &[u8]) {
        v.when(!is_key(keep), Code::NameInvalid);
        v.when(self.pins.contains_key(keep), Code::Exists);
    }

    /// The state that an origin names.
    pub(crate) fn start(&self, v: &mut Verdict, origin: &Origin) -> Option<Start> {
        match origin {
            Origin::Snapshot(key) => {
                let Some(pin) = self.pins.get(key) else {
                    v.must(Code::NotFound);
                    return None;
                };
                Some(Start {
                    at: pin.at,
                    ino: pin.node.ino,
                })
            }
            Origin::Root { name, version } => {
                let Some(root) = self.roots.get(name) else {
                    v.must(Code::NotFound);
                    return None;
                };
                let at = ReadPoint {
                    timeline: root.node.timeline,
                    version: *version,
                };
                if *version != Version::HEAD && *version > self.last {
                    v.must(Code::Invalid);
                    return None;
                }
                match self.is_kept(at) {
                    Some(true) => (),
                    Some(false) => v.must(Code::VersionExpired),
                    None => v.may.push(Code::VersionExpired),
                }
                if self.at(at.timeline, at.version).is_none() {
                    v.unknown = true;
                }
                Some(Start {
                    at,
                    ino: root.node.ino,
                })
            }
        }
    }

    /// How many timelines a read may have to ask: at most as many as were branched; flattening makes it fewer.
    fn check_depth(&self, v: &mut Verdict, at: ReadPoint) {
        let mut depth = 0;
        let mut next = Some(self.settle(at).timeline);
        while let Some(id) = next {
            depth += 1;
            next = self
                .lines
                .get(&id)
                .and_then(|line| line.parent)
                .map(|(parent, _)| parent);
        }
        v.maybe(depth > DEPTH_MAX, Code::TooDeep);
    }

    fn check_rollback(&self, v: &mut Verdict, root: &Root, start: &Start, origin: &Origin) {
        v.when(start.ino != root.node.ino, Code::NotARoot);
        if !self.shares_history(root.node.timeline, start.at.timeline) {
            v.may.push(Code::NotARoot);
        }
        if let Origin::Root { name, .. } = origin {
            // An earlier state of itself: of another root it may be refused.
            let other = self.roots.get(name).map(|other| other.node) != Some(root.node);
            v.maybe(other, Code::NotARoot);
            v.maybe(other, Code::Invalid);
        }
        self.check_depth(v, start.at);
    }

    fn check_promote(&self, v: &mut Verdict, fork: &Root, onto: &Root, discard_live: bool) {
        v.when(fork.node.ino != onto.node.ino, Code::NotARoot);
        v.maybe(fork.kind != RootKind::Fork, Code::NotARoot);
        v.maybe(
            !self.shares_history(fork.node.timeline, onto.node.timeline),
            Code::NotARoot,
        );
        if !discard_live {
            match self.branched_from(fork.node.timeline, onto.node.timeline) {
                Some(branch) => {
                    let changed = self.lines[&onto.node.timeline].changed;
                    let released = self.lines[&onto.node.timeline].released;
                    v.when(changed > branch, Code::LiveChanged);
                    v.maybe(released > branch, Code::LiveChanged);
                    // Whether a line that was branched itself changed since a version of the past is not known.
                    let is_branched = self.lines[&onto.node.timeline].parent.is_some();
                    v.maybe(is_branched, Code::LiveChanged);
                }
                None => v.must(Code::LiveChanged),
            }
        }
        let at = ReadPoint {
            timeline: fork.node.timeline,
            version: Version::HEAD,
        };
        self.check_depth(v, at);
    }

    /// The version up to which `id` shows what `ancestor` had.
    fn branched_from(&self, id: TimelineId, ancestor: TimelineId) -> Option<Version> {
        let (parent, branch) = self.lines.get(&id)?.parent?;
        if parent == ancestor {
            return Some(branch);
        }
        self.branched_from(parent, ancestor)
            .map(|version| version.min(branch))
    }

    fn shares_history(&self, a: TimelineId, b: TimelineId) -> bool {
        let first = |id: TimelineId| {
            let mut id = id;
            while let Some((parent, _)) = self.lines.get(&id).and_then(|line| line.parent) {
                id = parent;
            }
            id
        };
        first(a) == first(b)
    }

    fn check_open(&self, v: &mut Verdict, node: Node) {
        if let Some((tree, inode)) = self.file(v, node) {
            let nameless = inode.names.is_empty() && inode.kind == FileKind::File;
            v.when(nameless && !self.is_open(node), Code::NotFound);
            v.maybe(tree.is_fuzzy(node.ino), Code::NotFound);
        }
    }
}

/// Whether the bytes can be the key of a pin or the name of a root.
pub(crate) fn is_key(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.len() <= 255 && !bytes.contains(&0)
}
