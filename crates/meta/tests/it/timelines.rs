//! Snapshots, forks, rollback, promote, pruning, reclaim: that nothing is lost, and that nothing stays.

mod constant;
mod diff;
mod listing;
mod opens;
mod oracle;
mod pins;
mod promote;
mod reclaim;
mod rollback;
mod window;

use crate::world::World;
use nokv_store::ModelStore;
use nokv_types::{Command, Node, Origin, Outcome, PinInfo, Refusal, RootInfo, Work};
use std::collections::BTreeMap;

/// A source of choices that is the same for the same seed.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}

/// The seeds of a run: one from the environment, or the first `count`.
pub(crate) fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("NOKV_SEED") {
        Ok(seed) => vec![seed.parse().expect("NOKV_SEED is a number")],
        Err(_) => (0..count).collect(),
    }
}

impl World {
    pub(crate) fn root(&self, name: &str) -> RootInfo {
        self.reader(|reader| reader.root(name.as_bytes())).unwrap()
    }

    pub(crate) fn snapshot(&mut self, key: &str, node: Node) -> PinInfo {
        let answer = self.run(Command::SnapshotCreate {
            key: key.as_bytes().to_vec(),
            node,
            holder: b"test".to_vec(),
            lease_ns: None,
        });
        match answer.unwrap().outcome {
            Outcome::Pin(pin) => pin,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn release(&mut self, key: &str) {
        self.run(Command::SnapshotRelease {
            key: key.as_bytes().to_vec(),
            holder: b"test".to_vec(),
        })
        .unwrap();
    }

    pub(crate) fn fork(&mut self, name: &str, origin: Origin) -> RootInfo {
        let name = name.as_bytes().to_vec();
        root_of(self.run(Command::Fork { name, origin })).unwrap()
    }

    pub(crate) fn rollback(&mut self, name: &str, origin: Origin, keep: &str) -> Result<RootInfo, Refusal> {
        root_of(self.run(Command::Rollback {
            name: name.as_bytes().to_vec(),
            origin,
            keep: keep.as_bytes().to_vec(),
        }))
    }

    pub(crate) fn promote(
        &mut self,
        fork: &str,
        onto: &str,
        discard_live: bool,
        keep: &str,
    ) -> Result<RootInfo, Refusal> {
        root_of(self.run(Command::Promote {
            fork: fork.as_bytes().to_vec(),
            onto: onto.as_bytes().to_vec(),
            discard_live,
            keep: keep.as_bytes().to_vec(),
        }))
    }

    pub(crate) fn delete_root(&mut self, name: &str) {
        let name = name.as_bytes().to_vec();
        self.run(Command::RootDelete { name }).unwrap();
    }

    pub(crate) fn remove_tree(&mut self, parent: Node, text: &str) {
        let name = crate::world::name(text);
        self.run(Command::RemoveTree { parent, name }).unwrap();
    }

    /// One step of background work: how much was done, and whether there is more.
    pub(crate) fn work(&mut self, work: Work) -> (u64, bool) {
        match self.run(Command::Work(work)).unwrap().outcome {
            Outcome::Worked { done, more } => (done, more),
            other => panic!("{other:?}"),
        }
    }

    /// Does everything that waits, in steps of `rows_max`.
    pub(crate) fn work_off(&mut self, rows_max: u32) {
        for _ in 0..100_000 {
            self.work(Work::AdvanceTime);
            let pending = self.state.pending_work(&self.store).unwrap();
            if pending.is_empty() {
                return;
            }
            if pending.reclaim {
                self.work(Work::Reclaim { rows_max });
            }
            for timeline in pending.flatten {
                self.work(Work::Flatten { timeline, rows_max });
            }
            if pending.prune {
                self.work(Work::Prune { rows_max });
            }
            if pending.free {
                self.work(Work::FreeTimelines { rows_max });
            }
        }
        panic!("background work does not end");
    }

    /// Every row agrees with every other one.
    pub(crate) fn assert_sound(&self) {
        let report = nokv_meta::fsck(&self.store).unwrap();
        assert!(report.is_clean(), "{:#?}", report.findings);
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, ns: u64) {
        self.clock.log_ns += ns;
        self.clock.wall_ns += ns as i64;
    }

    /// How many rows there are of each family.
    pub(crate) fn families(&self) -> BTreeMap<char, usize> {
        let mut families = BTreeMap::new();
        for key in ModelStore::to_rows(&self.store).keys() {
            *families.entry(char::from(key[0])).or_default() += 1;
        }
        families
    }
}

pub(crate) fn root_of(answer: nokv_types::Answer) -> Result<RootInfo, Refusal> {
    answer.map(|reply| match reply.outcome {
        Outcome::Root(root) => root,
        other => panic!("{other:?}"),
    })
}

/// The present state of a root.
pub(crate) fn head_of(name: &str) -> Origin {
    Origin::Root {
        name: name.as_bytes().to_vec(),
        version: nokv_types::Version::HEAD,
    }
}

pub(crate) fn pinned(key: &str) -> Origin {
    Origin::Snapshot(key.as_bytes().to_vec())
}
