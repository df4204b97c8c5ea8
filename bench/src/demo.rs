//! The demo: the main job on real runs, told as it goes.
//!
//! Import, publish under a reader, snapshot, delete, look back, fork, diff, roll back, die in mid-import, recover,
//! check, collect. Every step checks what it claims; a claim that does not hold ends the demo with an error.

mod cli;
mod publish;
mod states;
mod story;

use crate::clock::Stopwatch;
use crate::workload::Scratch;
use anyhow::{Context, Result, bail};
use cli::Nokv;
use std::path::PathBuf;
use story::Story;

/// What the demo was asked to use.
pub(crate) struct Asked {
    pub(crate) corpus: PathBuf,
    pub(crate) nokv: PathBuf,
    /// Bytes of the checkpoint: 1 GiB, in CI 64 MiB.
    pub(crate) checkpoint_bytes: u64,
}

impl Asked {
    fn parse(words: &[&str]) -> Result<Self> {
        let (mut corpus, mut nokv, mut ci) = (None, None, false);
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--ci" => ci = true,
                "--corpus" => corpus = words.next().map(PathBuf::from),
                "--nokv" => nokv = words.next().map(PathBuf::from),
                other => bail!("the demo does not know {other}; it takes --corpus FILE --nokv FILE [--ci]"),
            }
        }
        Ok(Self {
            corpus: corpus.context("--corpus is missing")?,
            nokv: nokv.context("--nokv is missing")?,
            checkpoint_bytes: if ci { 64 << 20 } else { 1 << 30 },
        })
    }
}

/// Runs the demo.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let asked = Asked::parse(words)?;
    let scratch = Scratch::new("demo")?;
    let mut story = Story::default();
    let watch = Stopwatch::start();
    let nokv = Nokv::new(&asked.nokv, scratch.path().join("data"));
    states::import(&mut story, &nokv, &asked)?;
    publish::under_a_reader(&mut story, &nokv, &scratch, &asked)?;
    states::snapshot_and_delete(&mut story, &nokv)?;
    states::fork_diff_rollback(&mut story, &nokv)?;
    states::die_and_recover(&mut story, &nokv, &asked)?;
    states::check_and_collect(&mut story, &nokv)?;
    story.end(watch.elapsed());
    Ok(())
}
