//! The stores that the model is compared with, each able to lose what was not published.

use nokv_store::{
    HoltStore, ModelStore, Mutation, Mutations, Opened, Result, Rows, Scan, Settings, SimDisk, Store, Visit,
};
use std::sync::Arc;

/// A change of what a batch writes: a seeded bug.
pub(crate) type Tamper = Box<dyn FnMut(&mut Vec<(Vec<u8>, Option<Vec<u8>>)>) + Send>;

#[expect(clippy::large_enum_variant, reason = "there is one of them")]
enum Kind {
    Memory(ModelStore),
    Holt {
        store: HoltStore,
        disk: Arc<SimDisk>,
        /// What was applied since the last published state: the log.
        redo: Vec<Mutations>,
    },
}

pub(crate) struct Engine {
    kind: Kind,
    pub(crate) tamper: Option<Tamper>,
}

fn settings() -> Settings {
    Settings {
        pool_frames: 64,
        ..Settings::default()
    }
}

impl Engine {
    pub(crate) fn memory() -> Self {
        Self {
            kind: Kind::Memory(ModelStore::new()),
            tamper: None,
        }
    }

    pub(crate) fn holt() -> Self {
        let disk = Arc::new(SimDisk::new());
        let Opened::Fresh(store) = HoltStore::open_on(disk.clone(), settings()).unwrap() else {
            panic!("a new disk is empty")
        };
        let redo = Vec::new();
        Self {
            kind: Kind::Holt { store, disk, redo },
            tamper: None,
        }
    }

    pub(crate) fn write(&mut self, batch: &Mutations) {
        let tampered;
        let batch = match &mut self.tamper {
            None => batch,
            Some(tamper) => {
                let mut rows: Vec<_> = batch
                    .iter()
                    .map(|mutation| match mutation {
                        Mutation::Put(key, value) => (key.to_vec(), Some(value.to_vec())),
                        Mutation::Delete(key) => (key.to_vec(), None),
                    })
                    .collect();
                tamper(&mut rows);
                let rows = rows.iter().map(|(key, value)| match value {
                    Some(value) => Mutation::Put(key, value),
                    None => Mutation::Delete(key),
                });
                tampered = Mutations::from_sorted(rows).unwrap();
                &tampered
            }
        };
        self.apply(batch);
    }

    fn apply(&mut self, batch: &Mutations) {
        self.store().apply(batch).unwrap();
        if let Kind::Holt { redo, .. } = &mut self.kind {
            redo.push(batch.clone());
        }
    }

    /// Makes the count of references of one object wrong; answers whether there is one.
    pub(crate) fn damage(&mut self, pick: usize) -> bool {
        // Schema, id, count: where the row of an object that is in use has a count of one byte.
        const COUNT: usize = 17;
        let mut rows = Vec::new();
        self.scan(Scan::prefix(b"o"), &mut |key, value| {
            if (1..100).contains(&value[COUNT]) && value.last() == Some(&0) {
                rows.push((key.to_vec(), value.to_vec()));
            }
            Visit::Next
        })
        .unwrap();
        let Some(at) = pick.checked_rem(rows.len()) else {
            return false;
        };
        let (key, mut value) = rows.swap_remove(at);
        value[COUNT] += 1;
        self.apply(&Mutations::from_sorted([Mutation::Put(&key, &value)]).unwrap());
        true
    }

    /// Publishes the state: what came before is not replayed any more.
    pub(crate) fn checkpoint(&mut self) {
        if let Kind::Holt { store, redo, .. } = &mut self.kind {
            store.publish(b"model").unwrap();
            redo.clear();
        }
    }

    /// Opens what was published, and replays the rest.
    pub(crate) fn reopen(self) -> Self {
        let Self { kind, tamper } = self;
        let kind = match kind {
            Kind::Memory(store) => Kind::Memory(store),
            Kind::Holt { store, disk, redo } => {
                drop(store);
                let store = match HoltStore::open_on(disk.clone(), settings()).unwrap() {
                    Opened::Fresh(store) | Opened::Existing { store, .. } => store,
                    Opened::Corrupt(error) => panic!("{error}"),
                };
                for batch in &redo {
                    Store::apply(&store, batch).unwrap();
                }
                Kind::Holt { store, disk, redo }
            }
        };
        Self { kind, tamper }
    }

    fn store(&self) -> &dyn Unsized {
        match &self.kind {
            Kind::Memory(store) => store,
            Kind::Holt { store, .. } => store,
        }
    }
}

/// What of the seam is needed, without generics.
trait Unsized: Rows {
    fn apply(&self, batch: &Mutations) -> Result<()>;
}

impl<S: Store> Unsized for S {
    fn apply(&self, batch: &Mutations) -> Result<()> {
        Store::apply(self, batch)
    }
}

impl Rows for Engine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.store().get(key)
    }

    fn scan(&self, range: Scan<'_>, visit: &mut dyn FnMut(&[u8], &[u8]) -> Visit) -> Result<()> {
        self.store().scan(range, visit)
    }
}
