//! Single durable creates: alone, and 64 threads with one outstanding each.

use crate::clock::Stopwatch;
use crate::report::{Bar, Good, Sample, median};
use crate::workload::{OWNER, Scratch, Subject, bare_sync_us, file_name};
use anyhow::{Context, Result, anyhow};
use nokv_client::{Ack, Namespace};
use nokv_types::{Command, NewKind, Node, Request};

const SINGLE: u64 = 2000;
const THREADS: u64 = 64;
const EACH: u64 = 1500;

pub(crate) fn run() -> Result<Vec<Sample>> {
    let scratch = Scratch::new("durable")?;
    let mut subject = Subject::open(scratch.path())?;
    let root = subject.root()?;
    let dir = subject.mkdir(root, "single")?;
    let bare_before = bare_sync_us(scratch.path(), 1000)?;
    let mut times = Vec::new();
    for number in 0..SINGLE {
        let batch = subject.creates(dir, number..number + 1)?;
        let watch = Stopwatch::start();
        subject.must(batch, Ack::Durable)?;
        times.push(watch.seconds() * 1e6);
    }
    let single = median(&times).context("no creates")?;
    let many = threads(&mut subject, root)?;
    let bare = f64::midpoint(bare_before, bare_sync_us(scratch.path(), 1000)?);
    Ok(vec![
        Sample::new(
            "single durable create, one client, beside a bare fdatasync",
            "us",
            single,
            Bar::Ratio(Good::Less, 1.5),
        )
        .beside(bare),
        Sample::new(
            "64 threads, one durable create each, beside bare fdatasyncs",
            "/s",
            many,
            Bar::Ratio(Good::More, 8.0),
        )
        .beside(1e6 / bare),
    ])
}

fn threads(subject: &mut Subject, root: Node) -> Result<f64> {
    let dir = subject.mkdir(root, "many")?;
    let embedded = &subject.embedded;
    let watch = Stopwatch::start();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn(move || -> Result<()> {
                    for number in 0..EACH {
                        let name = file_name(thread * EACH + number)?;
                        let create = Command::Create {
                            parent: dir,
                            name,
                            inode: OWNER,
                            kind: NewKind::File,
                        };
                        for answer in embedded.submit(vec![Request::internal(create)], Ack::Durable) {
                            answer.map_err(|refusal| anyhow!("{refusal}"))?;
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| anyhow!("a thread panicked"))?)
    })?;
    Ok((THREADS * EACH) as f64 / watch.seconds())
}
