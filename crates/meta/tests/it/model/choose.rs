//! Picking what is there: names, inodes of a timeline, keys; sometimes what is not there.

use super::generate::Generator;
use super::state::{Inode, Model};
use nokv_types::{FileKind, Ino, Name, Node, TimelineId, XattrName};

impl Generator {
    pub(crate) fn name(&mut self) -> Name {
        let long = [b'l'; 255];
        let names: [&[u8]; 12] = [
            b"a",
            b"b",
            b"c",
            b"d",
            b"e",
            b"\xff\xfe",
            b"\xc3",
            b"a b",
            b"\x01",
            b"f",
            b"..x",
            &long,
        ];
        Name::new(names[self.rng.below(names.len())]).unwrap()
    }

    pub(crate) fn xattr(&mut self) -> XattrName {
        XattrName::new([&b"user.a"[..], b"user.nokv.b", b"\xff"][self.rng.below(3)]).unwrap()
    }

    /// A timeline: mostly one that lives.
    pub(crate) fn timeline(&mut self, model: &Model) -> Option<TimelineId> {
        if self.chance(60) {
            let all: Vec<_> = model.lines.keys().copied().collect();
            return self.rng.pick(&all).copied();
        }
        let roots: Vec<_> = model.roots.values().map(|root| root.node.timeline).collect();
        self.rng.pick(&roots).copied()
    }

    pub(crate) fn choose(&mut self, model: &Model, wanted: impl Fn(&Inode) -> bool) -> Option<Node> {
        let timeline = self.timeline(model)?;
        self.sibling(model, Node::new(timeline, Ino::ROOT), wanted)
    }

    /// An inode of the same timeline.
    pub(crate) fn sibling(
        &mut self,
        model: &Model,
        node: Node,
        wanted: impl Fn(&Inode) -> bool,
    ) -> Option<Node> {
        let tree = &model.lines.get(&node.timeline)?.tree;
        let root = model
            .roots
            .values()
            .find(|root| root.node.timeline == node.timeline);
        let below = tree.below(root.map_or(Ino::ROOT, |root| root.node.ino));
        let fits = |ino: &Ino| !tree.limbo.contains(ino) && tree.get(*ino).is_some_and(&wanted);
        let fitting: Vec<Ino> = below.into_iter().filter(fits).collect();
        Some(Node::new(node.timeline, *self.rng.pick(&fitting)?))
    }

    pub(crate) fn any(&mut self, model: &Model) -> Option<Node> {
        if self.chance(80) {
            return Some(Node::new(TimelineId::FIRST, Ino(u64::MAX >> 20)));
        }
        self.choose(model, |_| true)
    }

    pub(crate) fn dir(&mut self, model: &Model) -> Option<Node> {
        if self.chance(60) {
            return self.any(model);
        }
        self.choose(model, |inode| inode.kind == FileKind::Directory)
    }

    pub(crate) fn file(&mut self, model: &Model) -> Option<Node> {
        if self.chance(40) {
            return self.any(model);
        }
        if self.chance(6) {
            let open: Vec<_> = model.opens.values().map(|open| open.node).collect();
            if let Some(node) = self.rng.pick(&open) {
                return Some(*node);
            }
        }
        self.choose(model, |inode| inode.kind == FileKind::File)
    }

    /// A key that was not used before.
    pub(crate) fn key(&mut self) -> Vec<u8> {
        self.made += 1;
        match self.rng.below(60) {
            0 => Vec::new(),
            1 => b"a\0b".to_vec(),
            2 => vec![b'k'; 256],
            3 => format!("\u{fffd}{}", self.made).into_bytes(),
            4 => [&b"\xff\x00\x01"[..1], self.made.to_string().as_bytes()].concat(),
            _ => format!("k{}", self.made).into_bytes(),
        }
    }
}
