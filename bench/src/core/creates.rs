//! Creates, 128 per batch, one batch in flight, each durable before the next.

use super::{bare, files, sqlite};
use crate::clock::Stopwatch;
use crate::report::{Bar, Good, Sample};
use crate::workload::{Scratch, Subject};
use anyhow::Result;

pub(crate) fn run() -> Result<Vec<Sample>> {
    let files = files();
    let mut samples = Vec::new();
    let (spread, once) = measure(files, 1000)?;
    let bare_spread = bare::creates_per_second(files, 1000, once)?;
    samples.push(Sample::new(
        "creates over 1,000 directories",
        "/s",
        spread,
        Bar::Value(Good::More, 110_000.0),
    ));
    samples.push(
        Sample::new(
            "creates over 1,000 directories, beside the bare tree",
            "/s",
            spread,
            Bar::Ratio(Good::More, 0.6),
        )
        .beside(bare_spread),
    );
    let (single, once) = measure(files, files)?;
    let bare_single = bare::creates_per_second(files, files, once)?;
    samples.push(Sample::new(
        "creates in one directory",
        "/s",
        single,
        Bar::Value(Good::More, 110_000.0),
    ));
    samples.push(
        Sample::new(
            "creates in one directory, beside the bare tree",
            "/s",
            single,
            Bar::Ratio(Good::More, 0.6),
        )
        .beside(bare_single),
    );
    for (name, synchronous) in [("NORMAL", "NORMAL"), ("FULL", "FULL")] {
        let scratch = Scratch::new("sqlite")?;
        let beside = sqlite::creates_per_second(scratch.path(), files.min(200_000), synchronous)?;
        samples.push(
            Sample::new(
                format!("creates beside SQLite (WAL, synchronous={name})"),
                "/s",
                spread,
                Bar::None,
            )
            .beside(beside),
        );
    }
    samples.push(
        Sample::new(
            "creates beside ext4 (open, close; one sync)",
            "/s",
            spread,
            Bar::None,
        )
        .beside(ext4(100_000)?),
    );
    Ok(samples)
}

/// Creates per second, and how many rows a batch changes beside the two of every file.
fn measure(files: u64, per_dir: u64) -> Result<(f64, u64)> {
    let scratch = Scratch::new("creates")?;
    let mut subject = Subject::open(scratch.path())?;
    let root = subject.root()?;
    let dirs: Vec<_> = (0..files.div_ceil(per_dir))
        .map(|dir| subject.mkdir(root, &format!("dir-{dir:06}")))
        .collect::<Result<_>>()?;
    let before = subject.embedded.engine().stats();
    let watch = Stopwatch::start();
    for dir in &dirs {
        subject.fill(*dir, per_dir.min(files))?;
    }
    let made = dirs.len() as u64 * per_dir;
    let rate = made as f64 / watch.seconds();
    let after = subject.embedded.engine().stats();
    let once = (after.rows - before.rows).saturating_sub(2 * made) / (after.batches - before.batches).max(1);
    Ok((rate, once))
}

fn ext4(files: u64) -> Result<f64> {
    let scratch = Scratch::new("ext4")?;
    let watch = Stopwatch::start();
    for number in 0..files {
        let dir = scratch.path().join(format!("dir-{:04}", number / 1000));
        if number % 1000 == 0 {
            std::fs::create_dir(&dir)?;
        }
        std::fs::File::create_new(dir.join(format!("file-{:06}.txt", number % 1000)))?;
    }
    rustix::fs::syncfs(std::fs::File::open(scratch.path())?)?;
    Ok(files as f64 / watch.seconds())
}
