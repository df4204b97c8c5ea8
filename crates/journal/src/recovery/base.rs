//! What a state can be built on: published frames, a checkpoint, or nothing.

use super::{Origin, RecoverySpec};
use crate::checkpoint::{Head, Manifest, find_by_listing, verify};
use crate::{Covered, ErrorKind, LogScan, LogVerdict, Position, Result};
use std::path::Path;

/// A state to build on, and the log as seen from it.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) origin: Origin,
    pub(super) covered: Covered,
    pub(super) manifest: Option<Manifest>,
    pub(super) log: LogScan,
}

/// Whether a base fits the log.
pub(super) enum Fit {
    /// The log goes on from it, or ends before it.
    Good(Box<Base>),
    /// It does not, for this reason.
    Bad(String),
}

/// Reads the log as seen from a state that covers `covered`.
pub(super) fn fit(
    spec: &RecoverySpec<'_>,
    log_dir: &Path,
    origin: Origin,
    covered: Covered,
    manifest: Option<Manifest>,
) -> Result<Fit> {
    let mut options = spec.log;
    options.trust_sealed_to = match origin {
        Origin::Frames(seq) if !spec.verify_log => seq,
        _ => 0,
    };
    let floor = (covered.at.seq > 0).then_some(covered.at);
    let log = LogScan::run(spec.disk.clone(), log_dir, options, floor)?;
    let at = covered.at;
    let base = Base {
        origin,
        covered,
        manifest,
        log,
    };
    if *base.log.verdict() == LogVerdict::Missing || at.seq > base.log.end().seq {
        return Ok(Fit::Good(Box::new(base)));
    }
    if at.seq < base.log.base().seq {
        let why = format!(
            "the log begins after segment {}, not {}",
            base.log.base().seq,
            at.seq
        );
        return Ok(Fit::Bad(why));
    }
    let place = if at.seq == base.log.end().seq {
        base.log.end()
    } else {
        match base.log.reader(at.seq) {
            Ok(reader) => reader.place(),
            Err(error) if error.kind == ErrorKind::Corrupt => return Ok(Fit::Bad(error.to_string())),
            Err(error) => return Err(error),
        }
    };
    if place.chain != at.chain {
        return Ok(Fit::Bad(format!("the log has another segment {}", at.seq)));
    }
    Ok(Fit::Good(Box::new(base)))
}

/// The best base without frames: the newest checkpoint that verifies and that the log goes on from, else
/// nothing at all when the log reaches back to its first segment. `None` when there is no base; the second
/// answer says whether there ever was a checkpoint.
pub(super) fn without_frames(spec: &RecoverySpec<'_>, log_dir: &Path) -> Result<(Option<Base>, bool)> {
    let entries = match Head::load(spec.objects, spec.log.workspace) {
        Ok(head) => head.map(|(head, _)| head.checkpoints).unwrap_or_default(),
        Err(error) if error.kind == ErrorKind::Corrupt => find_by_listing(spec.objects, spec.log.workspace)?,
        Err(error) => return Err(error),
    };
    let mut best: Option<Base> = None;
    for entry in &entries {
        let manifest = match verify(spec.objects, spec.log.workspace, entry) {
            Ok(manifest) => manifest,
            Err(error) if error.kind == ErrorKind::Corrupt => continue,
            Err(error) => return Err(error),
        };
        let covered = manifest.covered.clone();
        if let Fit::Good(base) = fit(
            spec,
            log_dir,
            Origin::Checkpoint(entry.at.seq),
            covered,
            Some(manifest),
        )? {
            if lost(&base).is_none() {
                return Ok((Some(*base), true));
            }
            best = best.or(Some(*base));
        }
    }
    let nothing = Covered {
        at: Position::start(spec.log.workspace),
        log_time_ns: 0,
        extra: Vec::new(),
    };
    if let Fit::Good(base) = fit(spec, log_dir, Origin::Empty, nothing, None)? {
        let no_log = *base.log.verdict() == LogVerdict::Missing;
        if best.is_none() || (!no_log && lost(&base).is_none()) {
            return Ok((Some(*base), !entries.is_empty()));
        }
    }
    Ok((best, !entries.is_empty()))
}

/// What would be lost by going on from this base: first version, last version, why.
pub(super) fn lost(base: &Base) -> Option<(u64, Option<u64>, String)> {
    let from = base.covered.at.version.0.max(base.log.end().version.0) + 1;
    match base.log.verdict() {
        LogVerdict::Clean | LogVerdict::TornTail { .. } => None,
        LogVerdict::Missing => (base.covered.at.seq > 0).then(|| (from, None, "the log is gone".to_owned())),
        LogVerdict::Corrupt { to, why, .. } => match to {
            Some(to) if to.0 < from => None,
            Some(to) => Some((from, Some(to.0), why.clone())),
            None => Some((from, None, why.clone())),
        },
    }
}
