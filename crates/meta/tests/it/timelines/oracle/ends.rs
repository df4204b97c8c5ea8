//! What a run compares besides its states: differences between two of them, and what is left at its end.

use super::super::diff::{expected, told};
use super::super::listing::Tree;
use super::{Run, SECOND};
use nokv_types::{Code, Ino, ReadPoint, TimelineId, Version, Work};

impl Run {
    /// Compares a difference found by events with the one that two full listings give.
    pub(super) fn check_diff(&mut self) {
        let mut states: Vec<(ReadPoint, Ino, Tree)> = Vec::new();
        for (key, tree) in &self.pins {
            let (at, node) = self
                .world
                .reader(|reader| reader.point_of_snapshot(key.as_bytes()))
                .unwrap();
            states.push((at, node.ino, tree.clone()));
        }
        for (root, line) in &self.lines {
            let node = self.world.root(root).node;
            let at = ReadPoint {
                timeline: node.timeline,
                version: Version::HEAD,
            };
            states.push((at, node.ino, line.now().clone()));
        }
        let (a, b) = (self.rng.pick(&states).unwrap(), self.rng.pick(&states).unwrap());
        if a.1 == b.1 {
            match self
                .world
                .reader(|reader| reader.diff(a.0, b.0, a.1, &self.world.events))
            {
                Ok(found) => {
                    assert_eq!(told(&found), expected(&a.2, &b.2), "{:?} {:?}", a.0, b.0);
                    self.diffs += usize::from(a.2 != b.2);
                }
                // What they have in common was on a timeline that was flattened away.
                Err(error) => assert_eq!(error.code(), Some(Code::VersionExpired), "{error}"),
            }
        }
    }

    /// With nothing left to reclaim the link counts agree with the names.
    fn check_links(&self, tree: &Tree, timeline: TimelineId) {
        let at = ReadPoint {
            timeline,
            version: Version::HEAD,
        };
        for (path, item) in tree.iter().filter(|(_, item)| !item.is_dir) {
            let attr = self.world.reader(|reader| reader.getattr(at, item.ino)).unwrap();
            let names = tree.values().filter(|other| other.ino == item.ino).count();
            assert_eq!(attr.nlink as usize, names, "{path}");
        }
    }

    /// Lets everything go but one root: then only the rows of its tree may be left.
    pub(super) fn end(mut self) {
        for key in self.pins.keys().cloned().collect::<Vec<_>>() {
            self.world.release(&key);
        }
        for root in self.lines.keys().cloned().collect::<Vec<_>>() {
            self.delete(&root);
        }
        let timeline = self.world.root("main").node.timeline;
        while self
            .world
            .work(Work::Flatten {
                timeline,
                rows_max: 50,
            })
            .1
        {}
        for _ in 0..3 {
            self.world.pass(100 * SECOND);
            self.world.work_off(50);
        }
        self.world.assert_sound();
        let tree = self.head("main");
        assert_eq!(&tree, self.lines["main"].now());
        self.check_links(&tree, timeline);
        let families = self.world.families();
        let of = |family: char| families.get(&family).copied().unwrap_or_default();
        for family in ['H', 'P', 'n', 'h', 'k', 'p', 'f', 'O'] {
            assert_eq!(of(family), 0, "family {family}: {families:?}");
        }
        assert_eq!((of('t'), of('d')), (1, tree.len() - 1), "{families:?}");
        let inos: std::collections::BTreeSet<_> = tree.values().map(|item| item.ino).collect();
        assert_eq!(of('i'), inos.len(), "{families:?}");
        let bodies = tree.values().filter(|item| !item.body.is_empty());
        let bodies: std::collections::BTreeSet<_> = bodies.map(|item| item.ino).collect();
        assert_eq!(of('b'), bodies.len(), "{families:?}");
    }
}
