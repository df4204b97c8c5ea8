//! What a tree looks like: everything that a reader can tell apart, by path.

use crate::world::World;
use nokv_types::{FileKind, Ino, ReadPoint, Source};
use std::collections::BTreeMap;

/// One entry of a tree. Times and link counts are left out: a reclaimed tree takes its links later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) ino: Ino,
    pub(crate) is_dir: bool,
    pub(crate) mode: u32,
    pub(crate) entries: u64,
    pub(crate) body: Vec<u8>,
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A tree by path; the root is the empty path.
pub(crate) type Tree = BTreeMap<String, Item>;

impl World {
    /// Everything below `root` at a point.
    pub(crate) fn tree(&self, at: ReadPoint, root: Ino) -> Tree {
        let mut tree = Tree::new();
        self.walk(at, root, String::new(), &mut tree);
        tree
    }

    fn walk(&self, at: ReadPoint, ino: Ino, path: String, tree: &mut Tree) {
        let item = self.item(at, ino);
        if item.is_dir {
            let page = self
                .reader(|reader| reader.readdir(at, ino, None, 10_000, true))
                .unwrap();
            for entry in page.entries {
                let name = String::from_utf8_lossy(entry.name.as_bytes()).into_owned();
                let attr = self.reader(|reader| reader.getattr(at, entry.node.ino)).unwrap();
                assert_eq!(entry.attr, Some(attr), "{path}/{name}");
                self.walk(at, entry.node.ino, format!("{path}/{name}"), tree);
            }
        }
        tree.insert(path, item);
    }

    fn item(&self, at: ReadPoint, ino: Ino) -> Item {
        let attr = self.reader(|reader| reader.getattr(at, ino)).unwrap();
        let xattrs = self.reader(|reader| reader.xattrs(at, ino)).unwrap();
        let mut body = Vec::new();
        if attr.kind == FileKind::File {
            let plan = self
                .reader(|reader| reader.read_plan(at, ino, 0, attr.size))
                .unwrap();
            body.resize(attr.size as usize, 0);
            for extent in plan.extents {
                if let Source::Inline(bytes) = &extent.source {
                    body[extent.at as usize..extent.end() as usize].copy_from_slice(bytes);
                }
            }
        }
        Item {
            ino,
            is_dir: attr.kind == FileKind::Directory,
            mode: attr.mode,
            entries: attr.entries,
            body,
            xattrs: xattrs
                .into_iter()
                .map(|(name, value)| (name.as_bytes().to_vec(), value))
                .collect(),
        }
    }
}
