//! Creates offered at a fixed rate while checkpoints run: latency from the scheduled time.

use super::files;
use crate::clock::Stopwatch;
use crate::machine::resident;
use crate::report::{Bar, Good, Sample, quantile};
use crate::workload::{BATCH, Random, Scratch, Subject, file_name};
use anyhow::{Result, anyhow};
use nokv_client::{Ack, Namespace};
use nokv_types::{AttrChange, Command, Node};
use std::sync::atomic::{AtomicBool, Ordering};

const RATE: f64 = 20_000.0;
const SECONDS: f64 = 20.0;

pub(crate) fn run() -> Result<Vec<Sample>> {
    let scratch = Scratch::new("paced")?;
    let mut subject = Subject::open(scratch.path())?;
    let root = subject.root()?;
    let dirs = subject.tree(root, files())?;
    let mut samples = Vec::new();
    for (share, max_ms) in [(1.0, 300.0), (0.01, 100.0)] {
        subject
            .embedded
            .checkpoint()
            .map_err(|error| anyhow!("{error}"))?;
        dirty(&mut subject, &dirs, share)?;
        let target = subject.mkdir(root, &format!("paced-{share}"))?;
        let times = offered(&mut subject, target)?;
        let what = format!(
            "creates at 20,000/s during checkpoints, {} % of frames dirty",
            share * 100.0
        );
        samples.push(Sample::new(
            format!("{what}: p99"),
            "ms",
            quantile(&times, 0.99),
            Bar::Value(Good::Less, 20.0),
        ));
        samples.push(Sample::new(
            format!("{what}: max"),
            "ms",
            quantile(&times, 1.0),
            Bar::Value(Good::Less, max_ms),
        ));
    }
    let (_, peak) = resident();
    samples.push(Sample::new(
        "peak memory meanwhile",
        "MiB",
        peak as f64 / f64::from(1 << 20),
        Bar::None,
    ));
    Ok(samples)
}

/// Changes one file in every so many, so that this share of the frames has something to write.
fn dirty(subject: &mut Subject, dirs: &[Node], share: f64) -> Result<()> {
    let mut random = Random::new(11);
    let count = (dirs.len() as f64 * share * if share < 1.0 { 1.0 } else { 10.0 }).ceil() as u64;
    for round in 0..count {
        let dir = dirs[(round as usize) % dirs.len()];
        let point = nokv_client::View::head_of(dir).point;
        let name = file_name(random.below(1000))?;
        let found = subject
            .embedded
            .lookup(point, dir.ino, &name)
            .map_err(|error| anyhow!("{error}"))?;
        // Attributes of a file lie with its name, those of a directory among the inodes of its files.
        let nodes = if share < 1.0 {
            vec![found.node]
        } else {
            vec![found.node, dir]
        };
        for node in nodes {
            let change = AttrChange {
                mode: Some(0o750),
                ..AttrChange::default()
            };
            let request = subject.request(Command::SetAttr { node, change });
            subject.must(vec![request], Ack::Applied)?;
        }
    }
    Ok(())
}

/// Creates on schedule while another thread checkpoints without pause; sorted latencies in ms, one per batch.
fn offered(subject: &mut Subject, dir: Node) -> Result<Vec<f64>> {
    let total = (RATE * SECONDS) as u64;
    let mut batches = Vec::new();
    for from in (0..total).step_by(BATCH as usize) {
        batches.push(subject.creates(dir, from..from + BATCH)?);
    }
    let done = AtomicBool::new(false);
    let embedded = &subject.embedded;
    std::thread::scope(|scope| {
        let checkpoints = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                embedded.checkpoint().map_err(|error| anyhow!("{error}"))?;
                std::thread::sleep(std::time::Duration::from_millis(500));
            }
            Ok::<_, anyhow::Error>(())
        });
        let start = Stopwatch::start();
        let mut times = Vec::with_capacity(batches.len());
        for (round, batch) in batches.into_iter().enumerate() {
            let due = round as f64 * BATCH as f64 / RATE;
            while start.seconds() < due {
                std::thread::sleep(std::time::Duration::from_micros(100));
            }
            for answer in embedded.submit(batch, Ack::Durable) {
                answer.map_err(|refusal| anyhow!("{refusal}"))?;
            }
            times.push((start.seconds() - due) * 1e3);
        }
        done.store(true, Ordering::Relaxed);
        checkpoints.join().map_err(|_| anyhow!("a thread panicked"))??;
        times.sort_by(f64::total_cmp);
        Ok(times)
    })
}
