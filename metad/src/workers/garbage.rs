//! Deleting objects that nothing can reach any more.
//!
//! The order keeps a reader or a late publish from meeting a hole: an object is condemned by a durable command, so
//! that nothing can refer to it again; then it is deleted from the object store; then it is forgotten.

use crate::engine::Core;
use crate::{Error, ErrorKind, Result};
use nokv_client::{Ack, GcReport};
use nokv_object::{Key, layout};
use nokv_types::failpoint::hit;
use nokv_types::{Code, Command, DeadObject, ObjectId, Outcome, Request, Version, Work};

/// Objects of one step: one delete request of an S3 store.
const STEP_OBJECTS: usize = 1000;
/// Reservations of one step.
const STEP_RESERVATIONS: usize = 8;

/// What was deleted, or would be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collected {
    pub(crate) objects: Vec<DeadObject>,
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

impl Core {
    /// Deletes dead objects whose grace is over and unpublished ids of ended reservations.
    ///
    /// # Errors
    /// From the object store: what was condemned stays so and is deleted by the next try.
    pub(crate) fn collect(
        &self,
        dry_run: bool,
        ignore_grace: bool,
        stop: &dyn Fn() -> bool,
    ) -> Result<Collected> {
        let mut collected = Collected::default();
        if self.checkpoints.oldest_version().is_none() {
            // The store was away when the engine was opened.
            let _ = self.look_at_head();
        }
        if dry_run {
            let dead = self.dead(ignore_grace, usize::MAX)?;
            self.note(&mut collected, &dead)?;
            return Ok(collected);
        }
        let _one = self.checkpoints.collecting();
        if !self.has_garbage(ignore_grace)? {
            return Ok(collected);
        }
        self.claim()?;
        self.delete_condemned(stop)?;
        while !stop() {
            let dead = self.dead(ignore_grace, STEP_OBJECTS)?;
            if dead.is_empty() {
                break;
            }
            self.note(&mut collected, &dead)?;
            let objects = dead.iter().map(|dead| dead.object).collect();
            let done = self.own_command(Work::CondemnObjects { objects })?;
            self.delete_condemned(stop)?;
            if done == 0 {
                // Something else took them meanwhile; the next look sees them as they are.
                break;
            }
        }
        self.sweep_reservations(stop)?;
        if collected.count > 0 {
            self.spare.hold();
        }
        Ok(collected)
    }

    /// Whether there is anything to delete, if the store is ours.
    fn has_garbage(&self, ignore_grace: bool) -> Result<bool> {
        let now_ns = self.log_time_ns();
        let waits = self.read(|reader| -> nokv_meta::Result<_> {
            Ok(!reader.condemned_objects(1)?.is_empty() || !reader.reservations_due(now_ns, 1)?.is_empty())
        })?;
        Ok(waits || !self.dead(ignore_grace, 1)?.is_empty())
    }

    /// Sees to it that nobody else can need what is deleted now. Of two copies of a data directory the one that
    /// lists a checkpoint first goes on, and the other one stops before it deletes anything. And what a checkpoint
    /// that is about to be listed refers to is held only by one that is listed already.
    ///
    /// # Errors
    /// `Fenced` for the other copy; from the object store; `Full`.
    fn claim(&self) -> Result<()> {
        let lists_none = match self.look_at_head() {
            // A checkpoint makes a damaged HEAD again, with what it listed.
            Err(error) if error.kind == ErrorKind::Corrupt => true,
            looked => looked.map(|()| self.checkpoints.lists_none())?,
        };
        if lists_none {
            self.publish(&Work::SaveWindow)?;
            self.checkpoint()?;
        }
        Ok(())
    }

    /// Dead objects that may go.
    fn dead(&self, ignore_grace: bool, limit: usize) -> Result<Vec<DeadObject>> {
        let grace_ns = if ignore_grace {
            0
        } else {
            self.limits.gc_grace.as_nanos() as u64
        };
        let durable = self.upkeep.usage().durable.version;
        // As long as nobody knows which checkpoints there are, each may reach everything.
        let oldest = self.checkpoints.oldest_version().unwrap_or(Version::ZERO);
        let now_ns = self.log_time_ns();
        Ok(self.read(|reader| reader.dead_objects(now_ns, grace_ns, (durable, oldest), limit))?)
    }

    fn note(&self, collected: &mut Collected, dead: &[DeadObject]) -> Result<()> {
        for one in dead {
            let info = self.read(|reader| reader.object_info(one.object))?;
            collected.bytes += info.map_or(0, |info| info.len);
            collected.count += 1;
            if collected.objects.len() < GcReport::LISTED_MAX {
                collected.objects.push(*one);
            }
        }
        Ok(())
    }

    fn delete_condemned(&self, stop: &dyn Fn() -> bool) -> Result<()> {
        while !stop() {
            let objects = self.read(|reader| reader.condemned_objects(STEP_OBJECTS))?;
            if objects.is_empty() {
                break;
            }
            // What condemned them may have been recovered from the log and not be durable yet.
            self.sync.sync().map_err(|error| self.fatal_error(error.into()))?;
            self.delete_objects(&objects)?;
            self.own_command(Work::ObjectsDeleted { objects })?;
        }
        Ok(())
    }

    fn sweep_reservations(&self, stop: &dyn Fn() -> bool) -> Result<()> {
        while !stop() {
            let now_ns = self.log_time_ns();
            let due = self.read(|reader| reader.reservations_due(now_ns, STEP_RESERVATIONS))?;
            if due.is_empty() {
                break;
            }
            // The time that ended them must not go back over a crash: a publish would be accepted again.
            self.sync.sync().map_err(|error| self.fatal_error(error.into()))?;
            for reservation in due {
                self.delete_objects(&reservation.objects)?;
                let reservation = reservation.reservation;
                self.own_command(Work::ReservationSwept { reservation })?;
            }
        }
        Ok(())
    }

    fn delete_objects(&self, objects: &[ObjectId]) -> Result<()> {
        for step in objects.chunks(STEP_OBJECTS) {
            let keys: Vec<Key> = step.iter().map(|object| layout::data(object.0)).collect();
            hit("metad.gc.delete").map_err(|error| Error::io("delete", "objects", error))?;
            self.objects.delete(&keys)?;
        }
        Ok(())
    }

    /// Runs a durable command of the engine's own; answers how much it did.
    fn own_command(&self, work: Work) -> Result<u64> {
        let request = Request::internal(Command::Work(work));
        match self.submit(vec![request], Ack::Durable).pop() {
            Some(Ok(reply)) => Ok(match reply.outcome {
                Outcome::Worked { done, .. } => done,
                _ => 1,
            }),
            Some(Err(refusal)) if refusal.code == Code::NoSpace => Err(Error::new(
                ErrorKind::Full,
                "collect",
                "garbage",
                refusal.to_string(),
            )),
            Some(Err(refusal)) => Err(Error::new(
                ErrorKind::Invalid,
                "collect",
                "garbage",
                refusal.to_string(),
            )),
            None => Err(Error::new(ErrorKind::Stopped, "collect", "garbage", "no answer")),
        }
    }
}
