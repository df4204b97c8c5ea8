//! A workspace on the in-memory store, driven command by command.

use nokv_meta::{Batch, Clock, EventSource, EventVisit, Genesis, Reader, State, genesis};
use nokv_store::{ModelStore, Store, Visit};
use nokv_types::{
    Answer, Attr, Code, Command, Ino, Name, NewInode, NewKind, Node, Outcome, ReadPoint, Request, TimelineId,
    Version,
};

/// One workspace with a clock that moves a millisecond per batch.
pub(crate) struct World {
    pub(crate) store: ModelStore,
    pub(crate) state: State,
    pub(crate) clock: Clock,
    pub(crate) events: EventLog,
}

/// The event sections of all batches, with their first and last version.
#[derive(Debug, Default)]
pub(crate) struct EventLog(pub(crate) Vec<(Version, Version, Vec<u8>)>);

impl EventSource for EventLog {
    fn read_from(&self, from: Version, visit: &mut EventVisit<'_>) -> nokv_meta::Result<()> {
        if self.0.first().is_some_and(|(first, ..)| *first > from) {
            return Err(nokv_meta::Error::refused(Code::VersionExpired, "events"));
        }
        for (first, last, bytes) in &self.0 {
            if *last >= from && visit(*first, *last, bytes) == Visit::Stop {
                break;
            }
        }
        Ok(())
    }
}

pub(crate) const ROOT: Node = Node {
    timeline: TimelineId::FIRST,
    ino: Ino::ROOT,
};
pub(crate) const HEAD: ReadPoint = ReadPoint {
    timeline: TimelineId::FIRST,
    version: Version::HEAD,
};
pub(crate) const OWNER: NewInode = NewInode {
    mode: 0o644,
    uid: 1000,
    gid: 1000,
};

impl World {
    pub(crate) fn new() -> Self {
        Self::with_window(Genesis::default().window_ns)
    }

    /// A workspace whose history reaches this far back.
    pub(crate) fn with_window(window_ns: u64) -> Self {
        let clock = Clock {
            log_ns: 1_000_000_000,
            wall_ns: 1_700_000_000_000_000_000,
        };
        let store = ModelStore::new();
        let settings = Genesis {
            window_ns,
            ..Genesis::default()
        };
        store.apply(&genesis(settings, clock).unwrap()).unwrap();
        let state = State::load(&store, Version::ZERO).unwrap();
        Self {
            store,
            state,
            clock,
            events: EventLog::default(),
        }
    }

    /// Runs requests as one batch.
    pub(crate) fn batch(&mut self, requests: Vec<Request>) -> Vec<Answer> {
        self.clock.log_ns += 1_000_000;
        self.clock.wall_ns += 1_000_000;
        let mut batch = Batch::new(&self.store, &mut self.state, self.clock);
        for request in requests {
            batch.execute(request).unwrap();
        }
        let finished = batch.finish().unwrap();
        self.store.apply(&finished.mutations).unwrap();
        self.events
            .0
            .push((finished.first, finished.last, finished.events));
        finished.answers
    }

    /// Runs one command in a batch of its own.
    pub(crate) fn run(&mut self, command: Command) -> Answer {
        self.batch(vec![Request::internal(command)]).remove(0)
    }

    /// Makes an entry that must succeed.
    pub(crate) fn create(&mut self, parent: Node, text: &str, kind: NewKind) -> Node {
        let answer = self.run(Command::Create {
            parent,
            name: name(text),
            inode: OWNER,
            kind,
        });
        match answer.unwrap().outcome {
            Outcome::Inode(node, _) => node,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn attr(&self, node: Node) -> Attr {
        self.reader(|reader| reader.getattr(HEAD, node.ino)).unwrap()
    }

    pub(crate) fn reader<T>(&self, read: impl Fn(Reader<'_, ModelStore>) -> T) -> T {
        let timelines = self.state.timelines();
        read(Reader::new(&self.store, &timelines))
    }

    /// The names in a directory.
    pub(crate) fn names(&self, dir: Node) -> Vec<String> {
        let at = ReadPoint {
            timeline: dir.timeline,
            version: Version::HEAD,
        };
        let page = self
            .reader(|reader| reader.readdir(at, dir.ino, None, 1000, false))
            .unwrap();
        page.entries
            .iter()
            .map(|entry| String::from_utf8_lossy(entry.name.as_bytes()).into_owned())
            .collect()
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text.as_bytes()).unwrap()
}
