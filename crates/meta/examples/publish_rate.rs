//! How fast the state machine itself publishes: small inline bodies under new names, on the in-memory store.
//!
//! `cargo run --release -p nokv-meta --example publish_rate [FILES]`
//!
//! Counted is the processor time of the thread (Linux), so that a busy machine does not change the figure.

use nokv_meta::{Batch, Clock, Genesis, State, genesis};
use nokv_store::{ModelStore, Store};
use nokv_types::{
    Command, Digest, Extent, Ino, Name, NewBody, NewInode, Node, ObjectId, Outcome, RESERVATION_OBJECTS,
    Request, Slice, Source, Target, TimelineId, Version,
};
use std::error::Error;

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
    executing_ns: u64,
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
            executing_ns: 0,
        })
    }

    fn batch(&mut self, commands: Vec<Command>) -> Result<Option<Outcome>, Box<dyn Error>> {
        self.clock.log_ns += 1_000_000;
        let start = processor_ns()?;
        let mut batch = Batch::new(&self.store, &mut self.state, self.clock);
        for command in commands {
            batch.execute(Request::internal(command))?;
        }
        let finished = batch.finish()?;
        self.executing_ns += processor_ns()? - start;
        self.store.apply(&finished.mutations)?;
        let answers: Result<Vec<_>, _> = finished.answers.into_iter().collect();
        Ok(answers?.pop().map(|reply| reply.outcome))
    }
}

/// Processor time of this thread, ns.
fn processor_ns() -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
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
    let each_ns = run.executing_ns / (files / BATCH * BATCH) as u64;
    let rate = 1_000_000_000 / each_ns.max(1);
    println!("{what}: {rate} publishes/s, {each_ns} ns of processor time each");
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
