//! The verbs: one file each.

mod bench;
mod cat;
mod completion;
mod cp;
mod df;
mod diff;
mod du;
mod explain;
mod export;
mod find;
mod fork;
mod fsck;
mod gc;
mod get;
mod import;
mod init;
mod ln;
mod log;
mod ls;
mod mkdir;
mod mv;
mod publish;
mod put;
mod quota;
mod rm;
mod rollback;
mod snapshot;
mod stat;
mod verify;
mod version;
mod xattr;

pub(crate) use mkdir::DIR_MODE;

use crate::context::Context;
use crate::failure::Outcome;
use clap::Subcommand;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a data directory and its object store
    Init(init::Init),
    /// Upload a file (or standard input)
    Put(put::Put),
    /// Download a file
    Get(get::Get),
    /// Print files
    Cat(cat::Cat),
    /// List a directory
    Ls(ls::Ls),
    /// Show what is known of an entry
    Stat(stat::Stat),
    /// Make directories
    Mkdir(mkdir::Mkdir),
    /// Remove files, or whole trees with -r
    Rm(rm::Rm),
    /// Move or rename an entry
    Mv(mv::Mv),
    /// Copy without moving bytes
    Cp(cp::Cp),
    /// Make a hard or symbolic link
    Ln(ln::Ln),
    /// Find entries by name
    Find(find::Find),
    /// Sum up sizes below a directory
    Du(du::Du),
    /// Extended attributes
    #[command(subcommand)]
    Xattr(xattr::Xattr),
    /// Bring in a folder or an archive (tar, tar.xz); run it again to resume
    Import(import::Import),
    /// Write a tree to a folder or an archive (tar, tar.xz)
    Export(export::Export),
    /// Publish an artifact: a file with typed attributes, visible at once
    Publish(publish::Publish),
    /// Pinned states of a subtree
    #[command(subcommand)]
    Snapshot(snapshot::Snapshot),
    /// Writable forks of a root
    #[command(subcommand)]
    Fork(fork::Fork),
    /// Differences between two states
    Diff(diff::Diff),
    /// Point a root at an earlier state of itself
    Rollback(rollback::Rollback),
    /// Print events
    Log(log::Log),
    /// Delete what nothing refers to
    Gc(gc::Gc),
    /// Check the metadata against a full walk
    Fsck(fsck::Fsck),
    /// Show where the bytes are
    Df(df::Df),
    /// Show or set limits of bytes and inodes
    Quota(quota::Quota),
    /// Read bodies again and check them against their digests
    Verify(verify::Verify),
    /// Measure this namespace on this machine
    Bench(bench::Bench),
    /// Say what an error code means
    Explain(explain::Explain),
    /// Print a completion script for a shell
    Completion(completion::Completion),
    /// Print the version
    Version(version::Version),
}

/// Runs a verb.
pub(crate) fn run(verb: Verb, context: &Context) -> Outcome {
    match verb {
        Verb::Init(verb) => verb.run(context),
        Verb::Put(verb) => verb.run(context),
        Verb::Get(verb) => verb.run(context),
        Verb::Cat(verb) => verb.run(context),
        Verb::Ls(verb) => verb.run(context),
        Verb::Stat(verb) => verb.run(context),
        Verb::Mkdir(verb) => verb.run(context),
        Verb::Rm(verb) => verb.run(context),
        Verb::Mv(verb) => verb.run(context),
        Verb::Cp(verb) => verb.run(context),
        Verb::Ln(verb) => verb.run(context),
        Verb::Find(verb) => verb.run(context),
        Verb::Du(verb) => verb.run(context),
        Verb::Xattr(verb) => verb.run(context),
        Verb::Import(verb) => verb.run(context),
        Verb::Export(verb) => verb.run(context),
        Verb::Publish(verb) => verb.run(context),
        Verb::Snapshot(verb) => verb.run(context),
        Verb::Fork(verb) => verb.run(context),
        Verb::Diff(verb) => verb.run(context),
        Verb::Rollback(verb) => verb.run(context),
        Verb::Log(verb) => verb.run(context),
        Verb::Gc(verb) => verb.run(context),
        Verb::Fsck(verb) => verb.run(context),
        Verb::Df(verb) => verb.run(context),
        Verb::Quota(verb) => verb.run(context),
        Verb::Verify(verb) => verb.run(context),
        Verb::Bench(verb) => verb.run(context),
        Verb::Explain(verb) => verb.run(context),
        Verb::Completion(verb) => verb.run(context),
        Verb::Version(verb) => verb.run(context),
    }
}
