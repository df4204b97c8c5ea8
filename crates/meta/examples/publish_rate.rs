//! How fast the state machine itself publishes: small inline bodies under new names, on the in-memory store.
//!
//! `cargo run --release -p nokv-meta --example publish_rate [FILES]`

use nokv_meta::{Batch, Clock, Genesis, State, genesis};
use nokv_store::{ModelStore, Mutations, Store};
use nokv_types::{
    Command, Digest, Extent, Ino, Name, NewBody, NewInode, Node, ObjectId, Outcome, RESERVATION_OBJECTS,
    Request, Slice, Source, Target, TimelineId, Version,
};
use std::error::Error;
use std::time::{Duration, Instant};

const BATCH: usize = 128;
const FILES_DEFAULT: usize = 200_000;
const OWNER: NewInode = NewInode {
    mode: 0o644,
    uid: 0,
    gid: 0,
};

struct Run {
    store: ModelStore,
    state: State,
    clock: Clock,
    executing: Duration,
}

impl Run {
    fn new() -> Result<Self, Box<dyn Error>> {
        let (store, clock) = (ModelStore::new(), Clock::default());
        store.apply(&genesis(Genesis::default(), clock)?)?;
        let state = State::load(&store, Version::ZERO)?;
        Ok(Self {
            store,
            state,
            clock,
            executing: Duration::ZERO,
        })
    }

    fn batch(&mut self, commands: Vec<Command>) -> Result<Option<Outcome>, Box<dyn Error>> {
        self.clock.log_ns += 1_000_000;
        #[expect(clippy::disallowed_methods, reason = "a measurement")]
        let start = Instant::now();
        let mut batch = Batch::new(&self.store, &mut self.state, self.clock);
        for command in commands {
            batch.execute(Request::internal(command))?;
        }
        let finished = batch.finish()?;
        self.executing += start.elapsed();
        apply(&self.store, &finished.mutations)?;
        let answers: Result<Vec<_>, _> = finished.answers.into_iter().collect();
        Ok(answers?.pop().map(|reply| reply.outcome))
    }
}

fn apply(store: &ModelStore, mutations: &Mutations) -> Result<(), Box<dyn Error>> {
    Ok(store.apply(mutations)?)
}

fn publish(text: &str, extent: Extent) -> Result<Command, Box<dyn Error>> {
    let body = NewBody::Whole {
        size: extent.end(),
        extents: vec![extent],
    };
    let target = Target::Name {
        parent: Node::new(TimelineId::FIRST, Ino::ROOT),
        name: Name::new(text.as_bytes())?,
        inode: OWNER,
        create_only: false,
    };
    Ok(Command::Publish {
        target,
        body,
        expect: None,
        xattrs: Vec::new(),
    })
}

fn measure(what: &str, files: usize, body: &dyn Fn(usize, ObjectId) -> Source) -> Result<(), Box<dyn Error>> {
    let mut run = Run::new()?;
    let seed = [1; 16];
    let mut pack = ObjectId(0);
    for batch in 0..files / BATCH {
        // One pack holds the bodies of eight batches, and a reservation has a thousand ids.
        if batch % (8 * usize::from(RESERVATION_OBJECTS)) == 0
            && let Some(Outcome::Reserved(reservation)) = run.batch(vec![Command::ReserveObjects { seed }])?
        {
            pack = ObjectId::derive(&seed, reservation, 0);
        }
        let id = ObjectId::derive(
            &seed,
            pack.reservation(),
            (batch / 8 % usize::from(RESERVATION_OBJECTS)) as u16,
        );
        let commands = (0..BATCH).map(|place| {
            let number = batch * BATCH + place;
            let extent = Extent {
                at: 0,
                len: 200,
                source: body(number, id),
            };
            publish(&format!("file-{number:09}"), extent)
        });
        run.batch(commands.collect::<Result<_, _>>()?)?;
    }
    let (count, seconds) = ((files / BATCH * BATCH) as f64, run.executing.as_secs_f64());
    println!(
        "{what}: {:.0} publishes/s, {:.2} us each",
        count / seconds,
        seconds / count * 1e6
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let files = std::env::args()
        .nth(1)
        .map_or(Ok(FILES_DEFAULT), |text| text.parse())?;
    measure("inline, 200 bytes", files, &|_, _| Source::Inline(vec![7; 200]))?;
    measure("packed, 200 bytes", files, &|number, object| {
        Source::Slice(Slice {
            object,
            stored_offset: (number % 1024 * 200) as u64,
            stored_len: 200,
            digest: Digest::Blake3([7; 32]),
            window_offset: 0,
        })
    })
}
