//! `nokv-bench demo | core | qualify core`: the demo, the benchmarks, the full-size test runs.
//!
//! Every part of a suite runs in a process of its own, so that memory and CPU are its own; a part prints its
//! samples as one JSON line.

#![expect(
    clippy::cast_precision_loss,
    reason = "figures are ratios and medians; 52 bits are more than they mean"
)]

mod clock;
mod core;
mod demo;
mod machine;
mod report;
mod workload;

use anyhow::{Context, Result, bail};
use std::io::Write as _;

/// The engine allocates a few small pieces per row: this one is quicker at it than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["core", rest @ ..] => core::run(rest),
        ["part", name] => core::part(name),
        ["demo", rest @ ..] => demo::run(rest),
        _ => {
            bail!("usage: nokv-bench core [PART ...] | demo --corpus FILE --nokv FILE [--ci] | qualify core")
        }
    }
    .context("nokv-bench")
}

/// Prints to standard output; a closed pipe is no error.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A number from the environment, or its default.
pub(crate) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}
