//! Carrying a plan out: restore, replay, publish, and the log that goes on.

use super::base::Base;
use super::plan::{Plan, plan};
use super::quarantine::move_away;
use super::replace::{finish_interrupted, replace_log};
use super::{FRAMES_DIR, Frames, LOG_DIR, Machine, Origin, Recovered, RecoverySpec, Verdict};
use crate::checkpoint;
use crate::disk::create_dir_durably;
use crate::{Error, ErrorKind, Log, LogVerdict, Position, Result};
use nokv_store::{Mutations, Store};
use nokv_types::Version;
use nokv_types::failpoint::hit;
use std::path::PathBuf;

/// Finds the state again, and says how.
///
/// # Errors
/// `Loss` when acknowledged versions cannot be restored and that was not accepted: nothing was changed.
/// `Corrupt` when there is nothing to rebuild from. `WrongWorkspace`, `TooNew`, `Fenced`; `Full`, `Fatal`,
/// `Object`, `Store` from below: start again.
///
/// # Durability
/// The recovered state is found again by the next start.
pub fn recover<M: Machine>(spec: &RecoverySpec<'_>, machine: &mut M) -> Result<Recovered<M::Store>> {
    let begin = || {
        hit("journal.recover.begin")?;
        create_dir_durably(&*spec.disk, spec.dir)
    };
    begin().map_err(|error| Error::io("recover", spec.dir.display().to_string(), error))?;
    finish_interrupted(spec)?;
    let mut plan = plan(spec, machine)?;
    let mut quarantined = Vec::new();
    let store = base_store(spec, machine, &mut plan, &mut quarantined)?;
    machine.start_from(&store, &plan.base.covered)?;
    let Replayed {
        at,
        log_time_ns,
        segments: replayed,
        bytes: replayed_bytes,
    } = replay(machine, &store, &plan.base)?;
    let keep_log = plan.loss.is_none() && goes_on(&plan.base, &at);
    let rebuilt = !matches!(plan.base.origin, Origin::Frames(_)) && !plan.new;
    let mut covered_seq = match plan.base.origin {
        Origin::Frames(seq) => seq,
        Origin::Empty | Origin::Checkpoint(_) => 0,
    };
    if rebuilt || plan.new || !keep_log {
        // From here on the frames alone hold the state: the log may be set aside.
        point("journal.recover.publish", spec)?;
        machine.publish(&store, at, log_time_ns)?;
        covered_seq = at.seq;
    }
    let hole = plan.base.log.hole().map(|(seq, why)| (seq, why.to_owned()));
    let facts = Facts::of(&plan, &at, keep_log);
    let log = go_on(spec, machine, plan, at, keep_log, &mut quarantined)?;
    Ok(Recovered {
        store,
        log,
        at,
        log_time_ns,
        covered_seq,
        replayed,
        replayed_bytes,
        verdict: facts.verdict(quarantined),
        hole,
    })
}

fn point(name: &'static str, spec: &RecoverySpec<'_>) -> Result<()> {
    hit(name).map_err(|error| Error::io("recover", spec.dir.display().to_string(), error))
}

/// The store with what the base contains.
fn base_store<M: Machine>(
    spec: &RecoverySpec<'_>,
    machine: &mut M,
    plan: &mut Plan<M::Store>,
    quarantined: &mut Vec<PathBuf>,
) -> Result<M::Store> {
    let store = if let Some(store) = plan.store.take() {
        store
    } else {
        quarantined.extend(move_away(&*spec.disk, spec.dir, FRAMES_DIR)?);
        match machine.open(&spec.dir.join(FRAMES_DIR))? {
            Frames::Fresh(store) => store,
            Frames::Published(..) => {
                let why = "frames that were moved away are still there";
                return Err(Error::new(
                    ErrorKind::Store,
                    "recover",
                    spec.dir.display().to_string(),
                    why,
                ));
            }
        }
    };
    if let Some(manifest) = &plan.base.manifest {
        checkpoint::restore(spec.objects, manifest, &mut |batch| {
            point("journal.recover.restore", spec)?;
            Ok(store.apply(batch)?)
        })?;
    }
    Ok(store)
}

/// What a replay did, and where it ended.
struct Replayed {
    at: Position,
    log_time_ns: u64,
    segments: u64,
    bytes: u64,
}

/// Applies every good segment after the base.
fn replay<M: Machine>(machine: &mut M, store: &M::Store, base: &Base) -> Result<Replayed> {
    let mut done = Replayed {
        at: base.covered.at,
        log_time_ns: base.covered.log_time_ns,
        segments: 0,
        bytes: 0,
    };
    if *base.log.verdict() == LogVerdict::Missing || done.at.seq >= base.log.end().seq {
        return Ok(done);
    }
    let mut reader = base.log.reader(done.at.seq)?;
    while let Some(segment) = reader.next()? {
        let batch = Mutations::decode(segment.mutations)?;
        hit("journal.recover.replay")
            .map_err(|error| Error::io("recover", segment.header.seq.to_string(), error))?;
        if !batch.is_empty() {
            store.apply(&batch)?;
        }
        machine.replayed(store, &segment)?;
        done.at = segment.position();
        done.log_time_ns = done.log_time_ns.max(segment.header.log_time_ns);
        done.segments += 1;
        done.bytes += segment.header.stored_len() as u64;
    }
    Ok(done)
}

/// Whether the log can be appended to after `at`.
fn goes_on(base: &Base, at: &Position) -> bool {
    let sound = matches!(
        base.log.verdict(),
        LogVerdict::Clean | LogVerdict::TornTail { .. }
    );
    sound && base.log.end() == *at
}

/// The log after `at`: the old one, or a new one in its place.
fn go_on<M: Machine>(
    spec: &RecoverySpec<'_>,
    machine: &mut M,
    plan: Plan<M::Store>,
    at: Position,
    keep: bool,
    quarantined: &mut Vec<PathBuf>,
) -> Result<Log> {
    if plan.new {
        return Log::create(spec.disk.clone(), &spec.dir.join(LOG_DIR), spec.log, at);
    }
    if keep {
        return plan.base.log.open();
    }
    if *plan.base.log.verdict() != LogVerdict::Missing {
        machine.set_aside(&plan.base.log)?;
    }
    drop(plan);
    let (log, old) = replace_log(spec, at)?;
    quarantined.extend(old);
    Ok(log)
}

/// What the verdict is made of.
struct Facts {
    new: bool,
    origin: Origin,
    loss: Option<(u64, Option<u64>, String)>,
    damage: Option<String>,
    to_seq: u64,
    torn: Option<(u64, u64)>,
    clean_shutdown: bool,
}

impl Facts {
    fn of<S>(plan: &Plan<S>, at: &Position, keep_log: bool) -> Self {
        let log = &plan.base.log;
        let log_damage = match log.verdict() {
            LogVerdict::Corrupt { why, .. } => Some(why.clone()),
            _ if !keep_log => Some("the log ends before the state".to_owned()),
            _ => None,
        };
        let no_frames = !matches!(plan.base.origin, Origin::Frames(_));
        let rebuilt = (no_frames && at.seq > 0).then(|| "nothing was published".to_owned());
        Self {
            new: plan.new,
            origin: plan.base.origin,
            loss: plan.loss.clone(),
            damage: plan.damaged_frames.clone().or(log_damage).or(rebuilt),
            to_seq: at.seq,
            torn: match log.verdict() {
                LogVerdict::TornTail { seq, bytes_cut } => Some((*seq, *bytes_cut)),
                _ => None,
            },
            clean_shutdown: log.clean_shutdown(),
        }
    }

    fn verdict(self, quarantined: Vec<PathBuf>) -> Verdict {
        if self.new {
            return Verdict::New;
        }
        if let Some((from, to, why)) = self.loss {
            return Verdict::Loss {
                from: Version(from),
                to: to.map(Version),
                why,
                quarantined,
                origin: self.origin,
            };
        }
        if let Some(why) = self.damage {
            return Verdict::Rebuilt {
                why,
                quarantined,
                from: self.origin,
                to_seq: self.to_seq,
                bytes_cut: self.torn.map_or(0, |(_, bytes)| bytes),
            };
        }
        match self.torn {
            Some((seq, bytes_cut)) => Verdict::TornTail { seq, bytes_cut },
            None => Verdict::Clean {
                clean_shutdown: self.clean_shutdown,
            },
        }
    }
}
