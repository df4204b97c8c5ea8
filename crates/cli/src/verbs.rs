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
mod man;
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
    Init(init::Init),
    Put(put::Put),
    Get(get::Get),
    Cat(cat::Cat),
    Ls(ls::Ls),
    Stat(stat::Stat),
    Mkdir(mkdir::Mkdir),
    Rm(rm::Rm),
    Mv(mv::Mv),
    Cp(cp::Cp),
    Ln(ln::Ln),
    Find(find::Find),
    Du(du::Du),
    #[command(subcommand)]
    Xattr(xattr::Xattr),
    Import(import::Import),
    Export(export::Export),
    Publish(publish::Publish),
    #[command(subcommand)]
    Snapshot(snapshot::Snapshot),
    #[command(subcommand)]
    Fork(fork::Fork),
    Diff(diff::Diff),
    Rollback(rollback::Rollback),
    Log(log::Log),
    Gc(gc::Gc),
    Fsck(fsck::Fsck),
    Df(df::Df),
    Quota(quota::Quota),
    Verify(verify::Verify),
    Bench(bench::Bench),
    Explain(explain::Explain),
    Completion(completion::Completion),
    Man(man::Man),
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
        Verb::Man(verb) => verb.run(context),
        Verb::Version(verb) => verb.run(context),
    }
}
