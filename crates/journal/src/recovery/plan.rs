//! Deciding what to do before anything is changed.

use super::base::{Base, Fit, fit, lost, without_frames};
use super::{FRAMES_DIR, Frames, LOG_DIR, Machine, Origin, RecoverySpec};
use crate::{Covered, Error, ErrorKind, LogVerdict, Result};

/// What will be done.
pub(super) struct Plan<S> {
    pub(super) base: Base,
    /// The open store, when it can be used as it is.
    pub(super) store: Option<S>,
    /// What is wrong with the frames, when they must go to quarantine.
    pub(super) damaged_frames: Option<String>,
    /// What will be lost, and was accepted.
    pub(super) loss: Option<(u64, Option<u64>, String)>,
    /// There is neither a log nor a checkpoint nor anything published.
    pub(super) new: bool,
}

/// Reads everything and decides; refuses when acknowledged versions would be lost and that is not accepted.
pub(super) fn plan<M: Machine>(spec: &RecoverySpec<'_>, machine: &mut M) -> Result<Plan<M::Store>> {
    let log_dir = spec.dir.join(LOG_DIR);
    let damaged_frames = match open_frames(spec, machine)? {
        Opened::Published(store, covered) => {
            match fit(spec, &log_dir, Origin::Frames(covered.at.seq), covered, None)? {
                Fit::Good(base) => return with_frames(spec, *base, store),
                Fit::Bad(why) => Some(why),
            }
        }
        Opened::Fresh(store) => {
            let (base, had_checkpoints) = without_frames(spec, &log_dir)?;
            return Plan::rebuilt(spec, base, Some(store), None, had_checkpoints);
        }
        Opened::Damaged(why) => Some(why),
    };
    let (base, had_checkpoints) = without_frames(spec, &log_dir)?;
    Plan::rebuilt(spec, base, None, damaged_frames, had_checkpoints)
}

enum Opened<S> {
    Fresh(S),
    Published(S, Covered),
    Damaged(String),
}

fn open_frames<M: Machine>(spec: &RecoverySpec<'_>, machine: &mut M) -> Result<Opened<M::Store>> {
    match machine.open(&spec.dir.join(FRAMES_DIR)) {
        Ok(Frames::Fresh(store)) => Ok(Opened::Fresh(store)),
        Ok(Frames::Published(store, covered)) => match Covered::decode(&covered) {
            Ok(covered) => Ok(Opened::Published(store, covered)),
            Err(error) if error.kind == ErrorKind::Corrupt => Ok(Opened::Damaged(error.to_string())),
            Err(error) => Err(error),
        },
        Err(error) => match error.kind {
            nokv_store::ErrorKind::Corrupt | nokv_store::ErrorKind::Engine => {
                Ok(Opened::Damaged(error.to_string()))
            }
            _ => Err(error.into()),
        },
    }
}

fn with_frames<S>(spec: &RecoverySpec<'_>, base: Base, store: S) -> Result<Plan<S>> {
    // Published at position 0 and no log yet: the first start died between the two.
    let new = base.covered.at.seq == 0 && *base.log.verdict() == LogVerdict::Missing;
    let loss = accepted(spec, lost(&base))?;
    Ok(Plan {
        base,
        store: Some(store),
        damaged_frames: None,
        loss,
        new,
    })
}

impl<S> Plan<S> {
    fn rebuilt(
        spec: &RecoverySpec<'_>,
        base: Option<Base>,
        store: Option<S>,
        damaged_frames: Option<String>,
        had_checkpoints: bool,
    ) -> Result<Self> {
        let Some(base) = base else {
            let why = "no checkpoint verifies and the log does not reach back to the first segment";
            return Err(Error::new(
                ErrorKind::Corrupt,
                "recover",
                spec.dir.display().to_string(),
                why,
            ));
        };
        let no_log = *base.log.verdict() == LogVerdict::Missing;
        let new = no_log && damaged_frames.is_none() && !had_checkpoints;
        let gone = no_log && !new && base.origin == Origin::Empty;
        let loss = if gone {
            Some((1, None, "the log is gone".to_owned()))
        } else {
            lost(&base)
        };
        Ok(Self {
            loss: accepted(spec, loss)?,
            base,
            store,
            damaged_frames,
            new,
        })
    }
}

/// Refuses a loss that was not accepted.
fn accepted(
    spec: &RecoverySpec<'_>,
    loss: Option<(u64, Option<u64>, String)>,
) -> Result<Option<(u64, Option<u64>, String)>> {
    match loss {
        Some((from, to, why)) if !spec.accept_loss => {
            let to_text = to.map_or("an unknown version".to_owned(), |to| to.to_string());
            let detail = format!("versions {from} to {to_text} are lost: {why}");
            let kind = ErrorKind::Loss { from, to };
            Err(Error::new(
                kind,
                "recover",
                spec.dir.display().to_string(),
                detail,
            ))
        }
        loss => Ok(loss),
    }
}
