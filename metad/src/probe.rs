//! Trying an object store before a workspace is made in it.
//!
//! Some stores accept a conditional request and ignore the condition; bodies and the log would then be
//! overwritten by a second writer. Only trying shows.

use crate::{Error, Options, Result};
use nokv_journal::checkpoint::Identity;
use nokv_object::probe::{Finding, Probe};
use nokv_object::{ErrorKind, Op};
use std::time::{Duration, UNIX_EPOCH};

/// Tries what a workspace needs of its object store. One that holds a workspace was tried when that was made, and
/// is left as it is.
///
/// # Errors
/// What the store answers when it cannot be reached or refuses; `Object` over a store error of the kind
/// `Unsupported` that names every promise that is broken.
pub fn try_objects(options: &Options) -> Result<()> {
    if Identity::load(&*options.objects)?.is_some() {
        return Ok(());
    }
    let mut nonce = [0; 8];
    let random = options.entropy.fill(&mut nonce);
    random.map_err(|error| Error::io("read", "the system's randomness", error))?;
    let wall_ns = options.clocks.wall_ns().max(0) as u64;
    let probe = Probe {
        store: &*options.objects,
        nonce: u64::from_be_bytes(nonce),
        now: UNIX_EPOCH + Duration::from_nanos(wall_ns),
        http: None,
    };
    let report = probe.run();
    if report.holds() {
        return Ok(());
    }
    let broken: Vec<String> = report
        .broken()
        .map(|Finding { check, detail, .. }| format!("{}: {detail}", check.name()))
        .collect();
    let advice = format!(
        "promises that a workspace needs are not kept ({}); use a store that keeps them, or a newer version of this \
         one",
        broken.join("; ")
    );
    let error = nokv_object::Error::new(ErrorKind::Unsupported, Op::Open);
    Err(error.at("object store").advise(advice).into())
}
