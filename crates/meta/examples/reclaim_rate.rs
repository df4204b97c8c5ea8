//! What it costs to reclaim a removed tree while a snapshot is held, to prune it when the snapshot goes, and to
//! tell a thousand differences: processor time, as other work on the machine does not count there.
//!
//! `cargo run --release -p nokv-meta --example reclaim_rate -- [files] [directories]`

#![expect(clippy::cast_precision_loss, reason = "rates to three digits")]

use nokv_meta::{Batch, Clock, EventSource, EventVisit, Genesis, Reader, State, genesis};
use nokv_store::{HoltStore, Opened, Settings, Store, Visit};
use nokv_types::{
    Command, Ino, Name, NewInode, NewKind, Node, Outcome, ReadPoint, Request, TimelineId, Version, Work,
};

type Failure = Box<dyn std::error::Error>;

/// Commands of one batch while the tree is made.
const BATCH: usize = 512;
/// Changes that are told as differences.
const CHANGES: usize = 1000;
/// Ticks of the processor clock in a second, as Linux shows them.
const TICKS: f64 = 100.0;
const ROOT: Node = Node {
    timeline: TimelineId::FIRST,
    ino: Ino::ROOT,
};

struct World<S: Store> {
    store: S,
    state: State,
    clock: Clock,
    events: Events,
}

#[derive(Default)]
struct Events(Vec<(Version, Version, Vec<u8>)>);

impl EventSource for Events {
    fn read_from(&self, from: Version, visit: &mut EventVisit<'_>) -> nokv_meta::Result<()> {
        for (first, last, bytes) in self.0.iter().filter(|(_, last, _)| *last >= from) {
            if visit(*first, *last, bytes) == Visit::Stop {
                break;
            }
        }
        Ok(())
    }
}

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let files: usize = args.next().map_or(Ok(200_000), |text| text.parse())?;
    let dirs: usize = args.next().map_or(Ok(1_000), |text| text.parse())?;
    let scratch = std::env::temp_dir().join(format!("reclaim-rate-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let Opened::Fresh(store) = HoltStore::open(&scratch, Settings::default())? else {
        return Err("not a fresh store".into());
    };
    let mut world = World::new(store)?;
    let top = world.make(ROOT, "top", NewKind::Directory)?;
    let parents = (0..dirs)
        .map(|dir| world.make(top, &format!("dir-{dir:05}"), NewKind::Directory))
        .collect::<Result<Vec<_>, _>>()?;
    for first in (0..files).step_by(BATCH) {
        let numbers = first..files.min(first + BATCH);
        let commands =
            numbers.map(|file| create(parents[file % dirs], &format!("file-{file:08}"), NewKind::File));
        let commands = commands.collect::<Result<_, _>>()?;
        world.batch(commands)?;
    }
    world.differences(&parents)?;
    world.batch(vec![Command::SnapshotCreate {
        key: b"held".to_vec(),
        node: ROOT,
        holder: b"rate".to_vec(),
        lease_ns: None,
    }])?;
    world.batch(vec![Command::RemoveTree {
        parent: ROOT,
        name: Name::new(b"top")?,
    }])?;
    world.drain(
        "reclaim with a snapshot held",
        files + dirs,
        Work::Reclaim { rows_max: 1000 },
    )?;
    world.batch(vec![Command::SnapshotRelease {
        key: b"held".to_vec(),
        holder: b"rate".to_vec(),
    }])?;
    world.clock.log_ns += 7_200_000_000_000;
    world.batch(vec![Command::Work(Work::AdvanceTime)])?;
    world.drain(
        "prune after its release",
        files + dirs,
        Work::Prune { rows_max: 2000 },
    )?;
    std::fs::remove_dir_all(&scratch)?;
    Ok(())
}

impl<S: Store> World<S> {
    fn new(store: S) -> Result<Self, Failure> {
        let clock = Clock {
            log_ns: 1,
            wall_ns: 1_750_000_000_000_000_000,
        };
        store.apply(&genesis(Genesis::default(), clock)?)?;
        let state = State::load(&store, Version::ZERO)?;
        Ok(Self {
            store,
            state,
            clock,
            events: Events::default(),
        })
    }

    fn batch(&mut self, commands: Vec<Command>) -> Result<Vec<Outcome>, Failure> {
        self.clock.log_ns += 1_000_000;
        let mut batch = Batch::new(&self.store, &mut self.state, self.clock);
        for command in commands {
            batch.execute(Request::internal(command))?;
        }
        let finished = batch.finish()?;
        self.store.apply(&finished.mutations)?;
        self.events
            .0
            .push((finished.first, finished.last, finished.events));
        let outcomes = finished.answers.into_iter().map(|answer| Ok(answer?.outcome));
        outcomes.collect()
    }

    fn make(&mut self, parent: Node, name: &str, kind: NewKind) -> Result<Node, Failure> {
        match self.batch(vec![create(parent, name, kind)?])?.pop() {
            Some(Outcome::Inode(node, _)) => Ok(node),
            other => Err(format!("{other:?}").into()),
        }
    }

    /// Runs a kind of work until nothing is left, and says how fast `entries` went.
    fn drain(&mut self, label: &str, entries: usize, work: Work) -> Result<(), Failure> {
        let before = ticks()?;
        loop {
            match self.batch(vec![Command::Work(work.clone())])?.pop() {
                Some(Outcome::Worked { more: true, .. }) => {}
                Some(Outcome::Worked { .. }) => break,
                other => return Err(format!("{other:?}").into()),
            }
        }
        let spent = (ticks()? - before) as f64 / TICKS;
        println!(
            "{label}: {entries} entries, {:.0}/s of processor time",
            entries as f64 / spent
        );
        Ok(())
    }

    fn differences(&mut self, parents: &[Node]) -> Result<(), Failure> {
        let at = |version| ReadPoint {
            timeline: TimelineId::FIRST,
            version,
        };
        let before = at(self.state.last_version());
        for change in 0..CHANGES {
            let name = format!("new-{change}");
            self.make(parents[change % parents.len()], &name, NewKind::File)?;
        }
        let after = at(self.state.last_version());
        let started = ticks()?;
        let timelines = self.state.timelines();
        let mut found = 0;
        const TIMES: usize = 20;
        for _ in 0..TIMES {
            let reader = Reader::new(&self.store, &timelines);
            found = reader.diff(before, after, Ino::ROOT, &self.events)?.len();
        }
        let spent = (ticks()? - started) as f64 / TICKS / TIMES as f64;
        println!(
            "diff: {found} differences in {:.1} ms of processor time",
            spent * 1e3
        );
        Ok(())
    }
}

fn create(parent: Node, name: &str, kind: NewKind) -> Result<Command, Failure> {
    Ok(Command::Create {
        parent,
        name: Name::new(name.as_bytes())?,
        inode: NewInode {
            mode: 0o644,
            uid: 1000,
            gid: 1000,
        },
        kind,
    })
}

/// Processor time of this process so far.
fn ticks() -> Result<u64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let field = |at: usize| -> Result<u64, Failure> { Ok(fields.get(at).ok_or("short stat")?.parse()?) };
    // After the name come state and ten more fields, then user and system time.
    Ok(field(11)? + field(12)?)
}
