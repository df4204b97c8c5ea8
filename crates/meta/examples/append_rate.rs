//! What appending to one file costs the state machine: every append is a slice of its own, laid behind the others.
//!
//! `cargo run --release -p nokv-meta --example append_rate [APPENDS]`
//!
//! Every append writes the row of its range anew and counts one more reference to everything in it; pruning the
//! old row takes those back. The 32 KiB of a row bound both: a full row is compacted. Counted is the processor time
//! of the thread (Linux), so that a busy machine does not change the figure.

use nokv_meta::{Batch, Clock, Genesis, State, genesis};
use nokv_store::{ModelStore, Store};
use nokv_types::{
    Answer, Code, Command, Digest, Extent, Ino, Name, NewBody, NewInode, Node, ObjectId, Outcome,
    RESERVATION_OBJECTS, Request, ReservationId, Slice, Source, Target, TimelineId, Version, Work,
};
use std::error::Error;

const APPENDS_DEFAULT: u64 = 10_000;
const APPEND_BYTES: u32 = 4096;
const SEED: [u8; 16] = [1; 16];
const OWNER: NewInode = NewInode {
    mode: 0o644,
    uid: 0,
    gid: 0,
};

struct Run {
    store: ModelStore,
    state: State,
    clock: Clock,
    reservation: ReservationId,
    used: u16,
}

impl Run {
    fn new() -> Result<Self, Box<dyn Error>> {
        let (store, clock) = (ModelStore::new(), Clock::default());
        let settings = Genesis {
            window_ns: 0,
            ..Genesis::default()
        };
        store.apply(&genesis(settings, clock)?)?;
        let state = State::load(&store, Version::ZERO)?;
        Ok(Self {
            store,
            state,
            clock,
            reservation: ReservationId(0),
            used: RESERVATION_OBJECTS,
        })
    }

    /// Runs a command as a batch; answers it and the nanoseconds of processor time that it took, with its rows.
    fn run(&mut self, command: Command) -> Result<(Answer, u64), Box<dyn Error>> {
        self.clock.log_ns += 1_000_000;
        self.clock.wall_ns += 1_000_000;
        let start = processor_ns()?;
        let mut batch = Batch::new(&self.store, &mut self.state, self.clock);
        batch.execute(Request::internal(command))?;
        let mut finished = batch.finish()?;
        self.store.apply(&finished.mutations)?;
        let took = processor_ns()? - start;
        let answer = finished.answers.pop().ok_or("no answer")?;
        Ok((answer, took))
    }

    fn object(&mut self) -> Result<ObjectId, Box<dyn Error>> {
        if self.used == RESERVATION_OBJECTS {
            let (answer, _) = self.run(Command::ReserveObjects { seed: SEED })?;
            if let Outcome::Reserved(reservation) = answer?.outcome {
                (self.reservation, self.used) = (reservation, 0);
            }
        }
        self.used += 1;
        Ok(ObjectId::derive(&SEED, self.reservation, self.used - 1))
    }

    fn extent(&mut self, at: u64, len: u32) -> Result<Extent, Box<dyn Error>> {
        let slice = Slice {
            object: self.object()?,
            stored_offset: 0,
            stored_len: len,
            digest: Digest::Blake3([7; 32]),
            window_offset: 0,
        };
        Ok(Extent {
            at,
            len,
            source: Source::Slice(slice),
        })
    }

    fn file(&mut self) -> Result<Node, Box<dyn Error>> {
        let target = Target::Name {
            parent: Node::new(TimelineId::FIRST, Ino::ROOT),
            name: Name::new(b"log")?,
            inode: OWNER,
            create_only: true,
        };
        let command = Command::Publish {
            target,
            body: NewBody::Whole {
                size: 0,
                extents: Vec::new(),
            },
            expect: None,
            xattrs: Vec::new(),
        };
        match self.run(command)?.0?.outcome {
            Outcome::Inode(node, _) => Ok(node),
            other => Err(format!("{other:?}").into()),
        }
    }

    /// Makes one extent of everything in the first range, as a client does when its row is full.
    fn compact(&mut self, node: Node, size: u64) -> Result<u64, Box<dyn Error>> {
        let extents = vec![self.extent(0, u32::try_from(size)?)?];
        let command = Command::Compact {
            node,
            range: 0,
            expect: self.generation(node)?,
            extents,
        };
        let (answer, took) = self.run(command)?;
        answer?;
        Ok(took)
    }

    fn generation(&self, node: Node) -> Result<Version, Box<dyn Error>> {
        let timelines = self.state.timelines();
        let reader = nokv_meta::Reader::new(&self.store, &timelines);
        let at = nokv_types::ReadPoint {
            timeline: node.timeline,
            version: Version::HEAD,
        };
        Ok(reader.getattr(at, node.ino)?.generation)
    }

    fn prune(&mut self) -> Result<u64, Box<dyn Error>> {
        let mut took = self.run(Command::Work(Work::AdvanceTime))?.1;
        loop {
            let (answer, more_took) = self.run(Command::Work(Work::Prune { rows_max: 1000 }))?;
            took += more_took;
            if !matches!(answer?.outcome, Outcome::Worked { more: true, .. }) {
                return Ok(took);
            }
        }
    }
}

/// Processor time of this thread, ns.
fn processor_ns() -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let appends = std::env::args()
        .nth(1)
        .map_or(Ok(APPENDS_DEFAULT), |text| text.parse())?;
    let mut run = Run::new()?;
    let node = run.file()?;
    let (mut appending, mut compactions, mut compacting, mut pruning) = (0, 0u32, 0, 0);
    for number in 0..appends {
        // Behind the end: offsets count from there.
        let extent = run.extent(0, APPEND_BYTES)?;
        let command = Command::Append {
            node,
            extents: vec![extent],
        };
        let (mut answer, mut took) = run.run(command.clone())?;
        if matches!(&answer, Err(refusal) if refusal.code == Code::NeedsCompaction) {
            compactions += 1;
            compacting += run.compact(node, number * u64::from(APPEND_BYTES))?;
            (answer, took) = run.run(command)?;
        }
        answer?;
        appending += took;
        if number % 100 == 99 {
            pruning += run.prune()?;
        }
    }
    // The clock of the kernel's scheduler is too coarse for single commands: only means are told.
    println!("{appends} appends of {APPEND_BYTES} bytes, {compactions} compactions");
    println!("append: {} us each", appending / appends / 1000);
    println!("pruning: {} us for each append", pruning / appends / 1000);
    println!(
        "compacting: {} us each",
        compacting / u64::from(compactions.max(1)) / 1000
    );
    Ok(())
}
