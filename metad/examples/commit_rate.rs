//! Figures of the commit path on this machine, beside a bare fdatasync in the same run.
//!
//! `cargo run --release -p nokv-metad --example commit_rate -- DIR`
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::unchecked_time_subtraction,
    reason = "a program for a person at a terminal: it measures, and may stop"
)]

use nokv_client::{Ack, Namespace as _};
use nokv_metad::{Embedded, Options};
use nokv_object::memory::MemoryStore;
use nokv_types::{
    Command, Ino, Name, NewInode, NewKind, Node, Outcome, ReadPoint, Request, TimelineId, Version,
};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const ROOT: Node = Node {
    timeline: TimelineId::FIRST,
    ino: Ino::ROOT,
};

fn main() {
    let dir = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let scratch = tempfile::tempdir_in(dir).unwrap();
    let bare = bare_fdatasync(scratch.path());
    println!("bare fdatasync of 4 KiB: {:.1} us", micros(bare));
    let namespace = Embedded::create(
        &scratch.path().join("data"),
        Options::new(Arc::new(MemoryStore::new())),
    )
    .unwrap();
    single(&namespace, bare);
    threads(&namespace, bare);
    batches(&namespace);
    lookups(&namespace);
    println!("{:?}", namespace.engine().stats());
    idle();
    let began = Instant::now();
    namespace.close().unwrap();
    println!("close: {:.3} s", began.elapsed().as_secs_f64());
    drop(namespace);
}

/// What an open engine takes while nobody asks it anything.
fn idle() {
    // What the load left behind is published first.
    std::thread::sleep(Duration::from_secs(20));
    let (began, busy) = (Instant::now(), cpu());
    std::thread::sleep(Duration::from_secs(10));
    let part = (cpu() - busy).as_secs_f64() / began.elapsed().as_secs_f64();
    println!("idle: {:.3} % of a core", part * 100.0);
}

/// Processor time of the whole program; unlike the time on the wall it does not depend on the neighbours.
fn cpu() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn bare_fdatasync(dir: &Path) -> Duration {
    let file = std::fs::File::create(dir.join("bare")).unwrap();
    for block in 0..1024 {
        file.write_all_at(&[0; 4096], block * 4096).unwrap();
    }
    file.sync_all().unwrap();
    let one = |block: u64| {
        let began = Instant::now();
        file.write_all_at(&[1; 4096], block * 4096).unwrap();
        file.sync_data().unwrap();
        began.elapsed()
    };
    median((0..1024).map(one).collect())
}

fn create(parent: Node, text: &str, kind: NewKind) -> Request {
    Request::internal(Command::Create {
        parent,
        name: Name::new(text.as_bytes()).unwrap(),
        inode: NewInode {
            mode: 0o644,
            uid: 0,
            gid: 0,
        },
        kind,
    })
}

fn dir(namespace: &Embedded, text: &str) -> Node {
    let answer = namespace.submit(vec![create(ROOT, text, NewKind::Directory)], Ack::Durable);
    match answer.into_iter().next().unwrap().unwrap().outcome {
        Outcome::Inode(node, _) => node,
        other => unreachable!("{other:?}"),
    }
}

fn single(namespace: &Embedded, bare: Duration) {
    let parent = dir(namespace, "single");
    let busy = cpu();
    let one = |i: u32| {
        let request = create(parent, &format!("f{i}"), NewKind::File);
        let began = Instant::now();
        namespace.submit(vec![request], Ack::Durable).remove(0).unwrap();
        began.elapsed()
    };
    let typical = median((0..4000).map(one).collect());
    println!(
        "single durable create: {:.1} us, {:.2} x bare; {:.1} us of processor each",
        micros(typical),
        typical.as_secs_f64() / bare.as_secs_f64(),
        micros(cpu() - busy) / 4000.0
    );
}

fn threads(namespace: &Embedded, bare: Duration) {
    const THREADS: u32 = 64;
    let (each, total, busy) = (1000, AtomicU64::new(0), cpu());
    let before = namespace.engine().stats().batches;
    let began = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (namespace, total) = (&namespace, &total);
            let parent = dir(namespace, &format!("t{thread}"));
            scope.spawn(move || {
                for i in 0..each {
                    let request = create(parent, &format!("f{i}"), NewKind::File);
                    namespace.submit(vec![request], Ack::Durable).remove(0).unwrap();
                    total.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let total = total.into_inner() as f64;
    let rate = total / began.elapsed().as_secs_f64();
    println!(
        "{THREADS} threads, one outstanding each: {rate:.0}/s, {:.1} x bare; {:.1} us of processor each, {:.1} per batch",
        rate * bare.as_secs_f64(),
        micros(cpu() - busy) / total,
        total / (namespace.engine().stats().batches - before) as f64
    );
}

fn batches(namespace: &Embedded) {
    const FILES: usize = 300_000;
    let parents: Vec<Node> = (0..1000).map(|i| dir(namespace, &format!("b{i}"))).collect();
    let (began, busy) = (Instant::now(), cpu());
    let mut times = Vec::new();
    for batch in 0..FILES / 128 {
        let requests = (0..128)
            .map(|i| {
                let number = batch * 128 + i;
                create(
                    parents[number / 1000 % parents.len()],
                    &format!("file-{number:08}"),
                    NewKind::File,
                )
            })
            .collect();
        let one = Instant::now();
        for answer in namespace.submit(requests, Ack::Durable) {
            answer.unwrap();
        }
        times.push(one.elapsed());
    }
    let took = began.elapsed();
    times.sort_unstable();
    let at = |part: f64| micros(times[(times.len() as f64 * part) as usize]);
    println!(
        "128 per batch: {:.0} creates/s; batch p50 {:.0} p99 {:.0} max {:.0} us; {:.2} us of processor each",
        (FILES / 128 * 128) as f64 / took.as_secs_f64(),
        at(0.5),
        at(0.99),
        micros(*times.last().unwrap()),
        micros(cpu() - busy) / (FILES / 128 * 128) as f64
    );
}

fn lookups(namespace: &Embedded) {
    let point = ReadPoint {
        timeline: TimelineId::FIRST,
        version: Version::HEAD,
    };
    let root = namespace
        .lookup(point, Ino::ROOT, &Name::new(b"b7").unwrap())
        .unwrap()
        .node;
    let names: Vec<Name> = (0..300)
        .map(|i| Name::new(format!("file-{:08}", 7000 + i).as_bytes()).unwrap())
        .collect();
    for (what, dir) in [("lookups", root.ino), ("negative lookups", Ino::ROOT)] {
        let (began, busy) = (Instant::now(), cpu());
        const ROUNDS: usize = 300;
        for _ in 0..ROUNDS {
            for name in &names {
                let _ = std::hint::black_box(namespace.lookup(point, dir, name));
            }
        }
        let rate = (ROUNDS * names.len()) as f64 / began.elapsed().as_secs_f64();
        let each = micros(cpu() - busy) / (ROUNDS * names.len()) as f64;
        println!("{what}: {rate:.0}/s; {each:.2} us of processor each");
    }
}
