//! How many files a second one thread creates, and what of that is ours: batches of 128 with a session, the
//! exactly-once window and events on, beside the bare store that gets the same keys and applies the same rows.
//!
//! `cargo run --release -p nokv-meta --example create_rate -- [files] [directories]`

#![expect(clippy::cast_precision_loss, reason = "rates are printed with few digits")]

use nokv_meta::{Batch, Clock, Genesis, State, genesis};
use nokv_store::{HoltStore, ModelStore, Mutation, Mutations, Opened, Settings, Store};
use nokv_types::{
    Command, Ino, Name, NewInode, NewKind, Node, Outcome, Request, RequestId, SessionId, TimelineId, Version,
};
use std::time::{Duration, Instant};

type Failure = Box<dyn std::error::Error>;

/// Commands of one batch.
const BATCH: usize = 128;
const OWNER: NewInode = NewInode {
    mode: 0o644,
    uid: 1000,
    gid: 1000,
};
const SESSION: SessionId = SessionId(42);

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let files = args.next().map_or(Ok(200_000), |text| text.parse())?;
    let dirs = args.next().map_or(Ok(1_000), |text| text.parse())?;
    let scratch = std::env::temp_dir().join(format!("create-rate-{}", std::process::id()));
    measure("memory", files, dirs, || Ok(ModelStore::new()))?;
    let mut made = 0;
    measure("frames", files, dirs, || {
        made += 1;
        let dir = scratch.join(made.to_string());
        std::fs::create_dir_all(&dir)?;
        match HoltStore::open(&dir, Settings::default())? {
            Opened::Fresh(store) => Ok(store),
            other => Err(format!("not a fresh store: {other:?}").into()),
        }
    })?;
    std::fs::remove_dir_all(&scratch)?;
    Ok(())
}

/// Time spent in the two halves of every batch.
#[derive(Default)]
struct Spent {
    execute: Duration,
    apply: Duration,
    bytes: usize,
}

fn measure<S: Store>(
    label: &str,
    files: usize,
    dirs: usize,
    mut open: impl FnMut() -> Result<S, Failure>,
) -> Result<(), Failure> {
    let mut world = World::new(open()?)?;
    let parents = world.make_dirs(dirs)?;
    let mut log: Vec<Mutations> = Vec::new();
    let mut spent = Spent::default();
    let mut number = 0;
    while number < files {
        let names = number..files.min(number + BATCH);
        number = names.end;
        let requests = names
            .map(|n| world.create(parents[n % parents.len()], n))
            .collect::<Result<_, _>>()?;
        log.push(world.batch(requests, &mut spent)?);
    }
    let bare = bare(&open()?, &log)?;
    let (ours, rows) = (
        spent.execute + spent.apply,
        log.iter().map(Mutations::len).sum::<usize>(),
    );
    println!(
        "{label}: {files} creates in {dirs} directories: {:.0}/s, bare {:.0}/s, ratio {:.2}",
        rate(files, ours),
        rate(files, bare),
        bare.as_secs_f64() / ours.as_secs_f64()
    );
    println!(
        "  per create: execute {:.2} us, apply {:.2} us, bare {:.2} us, {:.2} rows, {} logged bytes",
        micros(files, spent.execute),
        micros(files, spent.apply),
        micros(files, bare),
        rows as f64 / files as f64,
        spent.bytes / files
    );
    Ok(())
}

/// The same gets and the same rows without the state machine.
fn bare<S: Store>(store: &S, log: &[Mutations]) -> Result<Duration, Failure> {
    let mut spent = Duration::ZERO;
    for batch in log {
        let started = now();
        for mutation in batch.iter() {
            let (Mutation::Put(key, _) | Mutation::Delete(key)) = mutation;
            if key.first() == Some(&b'd') && store.get(key)?.is_some() {
                return Err("the key is there already".into());
            }
        }
        store.apply(batch)?;
        spent += started.elapsed();
    }
    Ok(spent)
}

struct World<S: Store> {
    store: S,
    state: State,
    clock: Clock,
    sequence: u64,
}

impl<S: Store> World<S> {
    fn new(store: S) -> Result<Self, Failure> {
        let clock = Clock {
            log_ns: 1,
            wall_ns: 1_750_000_000_000_000_000,
        };
        store.apply(&genesis(Genesis::default(), clock)?)?;
        let state = State::load(&store, Version::ZERO)?;
        let mut world = Self {
            store,
            state,
            clock,
            sequence: 0,
        };
        let open = Command::SessionOpen {
            session: SESSION,
            ttl_ns: 3_600_000_000_000,
        };
        world.batch(vec![Request::internal(open)], &mut Spent::default())?;
        Ok(world)
    }

    fn request(&mut self, command: Command) -> Request {
        self.sequence += 1;
        let id = RequestId {
            session: SESSION,
            stream: 0,
            sequence: self.sequence,
            part: 0,
        };
        Request {
            id: Some(id),
            retired_below: self.sequence.saturating_sub(2 * BATCH as u64),
            actor: b"create-rate".to_vec(),
            ..Request::internal(command)
        }
    }

    fn make_dirs(&mut self, count: usize) -> Result<Vec<Node>, Failure> {
        let root = Node::new(TimelineId::FIRST, Ino::ROOT);
        let mut made = Vec::new();
        for number in 0..count {
            let command = Command::Create {
                parent: root,
                name: Name::new(format!("dir-{number:05}").as_bytes())?,
                inode: OWNER,
                kind: NewKind::Directory,
            };
            let mut batch = Batch::new(&self.store, &mut self.state, self.clock);
            batch.execute(Request::internal(command))?;
            let mut finished = batch.finish()?;
            self.store.apply(&finished.mutations)?;
            match finished.answers.remove(0)?.outcome {
                Outcome::Inode(node, _) => made.push(node),
                other => return Err(format!("{other:?}").into()),
            }
        }
        Ok(made)
    }

    fn create(&mut self, parent: Node, number: usize) -> Result<Request, Failure> {
        let command = Command::Create {
            parent,
            name: Name::new(format!("file-{number:08}").as_bytes())?,
            inode: OWNER,
            kind: NewKind::File,
        };
        Ok(self.request(command))
    }

    fn batch(&mut self, requests: Vec<Request>, spent: &mut Spent) -> Result<Mutations, Failure> {
        self.clock.log_ns += 1_000_000;
        self.clock.wall_ns += 1_000_000;
        let started = now();
        let mut batch = Batch::new(&self.store, &mut self.state, self.clock);
        for request in requests {
            batch.execute(request)?;
        }
        let finished = batch.finish()?;
        spent.execute += started.elapsed();
        let started = now();
        self.store.apply(&finished.mutations)?;
        spent.apply += started.elapsed();
        spent.bytes += finished.mutations.as_bytes().len() + finished.results.len() + finished.events.len();
        for answer in finished.answers {
            answer?;
        }
        Ok(finished.mutations)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an example that measures reads the clock"
)]
fn now() -> Instant {
    Instant::now()
}

fn rate(files: usize, spent: Duration) -> f64 {
    files as f64 / spent.as_secs_f64()
}

fn micros(files: usize, spent: Duration) -> f64 {
    spent.as_secs_f64() * 1e6 / files as f64
}
