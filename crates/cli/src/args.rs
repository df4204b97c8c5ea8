//! The arguments that every verb shares, and the list of verbs.

use crate::complete;
use crate::output::Format;
use crate::verbs::Verb;
use clap::{Args, Parser};
use std::ffi::OsString;
use std::path::PathBuf;

/// Under the list of verbs.
const AFTER_HELP: &str = "nokv help VERB says more. Paths are /runs/a, or FORK:/runs/a on a fork or volume.";

/// A filesystem-shaped namespace over the runs, logs, checkpoints and artifacts of AI work.
#[derive(Debug, Parser)]
#[command(
    name = "nokv",
    version,
    subcommand_required = true,
    after_help = AFTER_HELP
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Where the namespace is, and how to print.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Data directory [default: the user's data folder + /nokv]
    #[arg(long, env = "NOKV_DATA", value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
    /// Object store: dir:PATH or s3://bucket/prefix [default: dir:DATA/objects]
    #[arg(long, env = "NOKV_STORE", value_name = "URL", global = true)]
    pub(crate) store: Option<String>,
    /// Root to work on: the workspace's own, a volume or a fork [default: main]
    #[arg(long, env = "NOKV_ROOT", value_name = "NAME", global = true, add = complete::roots())]
    pub(crate) root: Option<OsString>,
    /// Configuration file [default: the user's configuration folder + /nokv/config.toml]
    #[arg(long, env = "NOKV_CONFIG", value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Log kept free for what frees space; a small one makes a small data directory [default: 64M]
    #[arg(
        long,
        env = "NOKV_LOG_RESERVE",
        value_name = "SIZE",
        global = true,
        hide = true
    )]
    pub(crate) log_reserve: Option<String>,
    /// How results are printed [default: table]
    #[arg(short, long, value_enum, value_name = "FORMAT", global = true)]
    pub(crate) output: Option<Format>,
    /// No progress, no summaries: results and errors only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// Which state a reading command reads.
#[derive(Debug, Args)]
pub(crate) struct AtArg {
    /// State to read: a snapshot, a version or a time (2026-11-22T18:00:00Z, or 10m ago as 10m)
    #[arg(long, value_name = "SNAPSHOT|VERSION|TIME", add = complete::snapshots())]
    pub(crate) at: Option<String>,
}

/// For what deletes or replaces.
#[derive(Debug, Args)]
pub(crate) struct Sure {
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do it without asking
    #[arg(short, long)]
    pub(crate) yes: bool,
}
