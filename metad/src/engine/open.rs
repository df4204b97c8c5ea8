//! Opening: who lives here, what state is it in, and the parts put together around it.

use super::quarantine;
use super::replay::{EPOCH, Replay, log_options};
use super::{Core, Counters};
use crate::commit::{Durable, Pace, Queue, Role, Syncer};
use crate::home::{Home, Resident};
use crate::reads::Published;
use crate::spare::Spare;
use crate::workers::{Bells, Checkpoints, Events};
use crate::{Error, ErrorKind, Options, Result};
use nokv_journal::checkpoint::{Head, Identity};
use nokv_journal::events::EventOptions;
use nokv_journal::recovery::{RecoverySpec, Verdict, recover as recover_log};
use nokv_journal::{Anchor, Log, LogTime, OsDisk, Position, Upkeep, WorkspaceId};
use nokv_meta::{Moment, State};
use nokv_object::ETag;
use nokv_types::{Version, failpoint};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock};

/// How the workspace was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// What the journal found and did.
    pub verdict: Verdict,
    /// Segments that were replayed.
    pub segments: u64,
    /// Damage in the log before what the frames cover was passed over: first segment, what is wrong.
    pub hole: Option<(u64, String)>,
    /// Directories of earlier recoveries that were removed from quarantine: they were too many, or too old.
    pub unquarantined: Vec<PathBuf>,
}

impl Recovered {
    /// Whether the last owner stopped in order.
    pub fn is_clean(&self) -> bool {
        matches!(self.verdict, Verdict::Clean { clean_shutdown: true })
    }
}

/// The workspace of a data directory.
pub(super) fn identify(home: &Home) -> Result<Identity> {
    let missing = |detail: &str| Error::new(ErrorKind::Missing, "open", home.shown(), detail);
    match home.resident()? {
        Resident::Workspace(identity) => Ok(identity),
        Resident::Unfinished(_) => Err(missing(
            "making the workspace was cut short; run `nokv init` again",
        )),
        Resident::Nobody => Err(missing("there is no workspace in it; run `nokv init`")),
    }
}

/// Recovers the workspace and puts the engine together; no thread runs yet.
pub(super) fn recover(
    home: Home,
    identity: &Identity,
    since: Option<Anchor>,
    options: Options,
) -> Result<(Core, Recovered)> {
    let workspace = identity.workspace;
    let spec = RecoverySpec {
        disk: Arc::new(OsDisk),
        dir: home.root(),
        log: log_options(workspace, &options),
        objects: &*options.objects,
        verify_log: false,
        accept_loss: options.accept_loss,
    };
    let mut machine = Replay::new(&options);
    let found = recover_log(&spec, &mut machine)?;
    let state = machine.state(&found.store, found.at.version)?;
    let log = found.log;
    let event_options = EventOptions {
        file_bytes: options.limits.event_file_bytes,
        ..EventOptions::new(workspace)
    };
    let events = Events::open(&home, event_options, &found.at, &log.upkeep())?;
    let checkpoints = checkpoints(found.covered_seq, &options, workspace, &log)?;
    // Where the newest checkpoint ends in the log is not looked up: at most too much counts as not saved.
    let unsaved_bytes = match found.replayed {
        0 => 0,
        _ => log.upkeep().usage().segment_bytes,
    };
    let time = resumed(found.log_time_ns, since, &options);
    let core = Core {
        workspace,
        epoch: EPOCH,
        former: state.last_version(),
        published: Published::new(state.timelines(), newest(&state, found.at.version, &options)),
        store: found.store,
        queue: Queue::default(),
        pace: Pace::default(),
        durable: Durable::default(),
        syncer: Syncer::default(),
        sync: log.sync_handle(),
        upkeep: log.upkeep(),
        events,
        checkpoints,
        bells: Bells::new(found.replayed_bytes, unsaved_bytes),
        stats: Counters::default(),
        scope: failpoint::scope(),
        fatal: options.fatal,
        failed: OnceLock::new(),
        log_time_ns: AtomicU64::new(found.log_time_ns),
        closing: AtomicBool::new(false),
        role: Mutex::new(Role {
            state,
            time,
            tight: false,
            window_seq: found.covered_seq,
            log: Some(log),
        }),
        objects: options.objects,
        clocks: options.clocks,
        entropy: options.entropy,
        spare: Spare::of(&home, options.limits.spare_bytes),
        limits: options.limits,
        home,
    };
    if found.hole.is_some() || matches!(found.verdict, Verdict::Rebuilt { .. }) {
        core.bells.press();
    }
    let unquarantined = unquarantine(&core, &found.verdict);
    let recovered = Recovered {
        unquarantined,
        verdict: found.verdict,
        segments: found.replayed,
        hole: found.hole,
    };
    Ok((core, recovered))
}

/// Log time as it goes on: what is known to have elapsed since `since` has elapsed.
fn resumed(previous_ns: u64, since: Option<Anchor>, options: &Options) -> LogTime {
    let boottime_ns = options.clocks.boottime_ns();
    let mut time = match since {
        Some(since) => LogTime::resume_since(previous_ns, since),
        None => LogTime::resume(previous_ns, boottime_ns),
    };
    time.advance(options.clocks.wall_ns().max(0) as u64, boottime_ns);
    time
}

/// The last version and when it was committed: after an unclean stop nobody knows better than that it was before now.
fn newest(state: &State, version: Version, options: &Options) -> Moment {
    let known = state.last_moment().map(|moment| moment.wall_ns);
    Moment {
        version,
        wall_ns: known.unwrap_or_else(|| options.clocks.wall_ns()),
    }
}

/// Removes what lies in quarantine for too long, or beyond the newest.
fn unquarantine(core: &Core, verdict: &Verdict) -> Vec<PathBuf> {
    let just_made = match verdict {
        Verdict::Rebuilt { quarantined, .. } | Verdict::Loss { quarantined, .. } => quarantined.as_slice(),
        _ => &[],
    };
    // What cannot be removed now is tried again by the next start: no reason not to serve.
    quarantine::clear(&core.home, core.clocks.wall_ns(), just_made).unwrap_or_default()
}

/// What HEAD says about the log and about versions that are held. A store that does not answer holds everything.
fn checkpoints(
    covered_seq: u64,
    options: &Options,
    workspace: WorkspaceId,
    log: &Log,
) -> Result<Checkpoints> {
    let checkpoints = Checkpoints::new(covered_seq);
    match Head::load(&*options.objects, workspace) {
        Ok(Some((head, tag))) => {
            let head = of_this_state(head, &tag, options, log)?;
            checkpoints.note_head(Some(&head));
        }
        Err(error) if error.kind == nokv_journal::ErrorKind::Fenced => return Err(error.into()),
        Ok(None) => checkpoints.note_head(None),
        Err(_) => {}
    }
    Ok(checkpoints)
}

/// HEAD without checkpoints that this state did not make: a state is published before it is saved, so a later one
/// means that the data directory is an old copy, and one that the log passed in another way that both were used. They
/// must not be restored into it.
///
/// # Errors
/// `Loss` when there are some and that is not accepted.
fn of_this_state(mut head: Head, tag: &ETag, options: &Options, log: &Log) -> Result<Head> {
    let at = log.position();
    let upkeep = log.upkeep();
    let is_foreign = |other: &Position| is_passed(&upkeep, other) == Some(false);
    let Some(newest) = head.checkpoints.iter().map(|entry| entry.at).find(is_foreign) else {
        return Ok(head);
    };
    if !options.accept_loss {
        let detail = if newest.seq >= at.seq {
            format!(
                "versions {} to {} are lost: the object store has a checkpoint of a later state, this is an old copy",
                at.version.0 + 1,
                newest.version.0
            )
        } else {
            format!(
                "the object store has a checkpoint of another copy of it, of version {}: both were used",
                newest.version.0
            )
        };
        return Err(Error::new(ErrorKind::Loss, "open", "data directory", detail));
    }
    head.checkpoints.retain(|entry| !is_foreign(&entry.at));
    head.log_floor = 0;
    head.swap(&*options.objects, Some(tag))?;
    Ok(head)
}

/// Whether the log went through the place where a checkpoint ends; `None` when it does not reach back that far.
pub(super) fn is_passed(log: &Upkeep, place: &Position) -> Option<bool> {
    let usage = log.usage();
    if place.seq > usage.end.seq {
        return Some(false);
    }
    // Damage is found by whoever needs the segments.
    let reader = log.reader(place.seq).ok()?;
    Some(reader.place().chain == place.chain)
}
