//! Publishing the state to the frame store, compacting it, and from there a logical checkpoint to the object store.

use super::Core;
use super::open::is_passed;
use crate::{Error, ErrorKind, Result};
use nokv_journal::checkpoint::{CheckpointEntry, CheckpointSpec, Head, Written, load_manifest, write_beside};
use nokv_journal::{Covered, Position};
use nokv_object::layout::CheckpointName;
use nokv_types::Work;
use nokv_types::failpoint::hit;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

impl Core {
    /// Publishes the state as it is now to the frame store; answers what it covers.
    ///
    /// # Errors
    /// `Full`: the older state stays published. Everything else is fatal and was handled as such.
    pub(crate) fn publish(&self, last: &Work) -> Result<Position> {
        self.with_spare(|| self.publish_once(last))
    }

    /// Runs it, and when the disk is full once more in the room that is kept back for it.
    fn with_spare<T>(&self, run: impl Fn() -> Result<T>) -> Result<T> {
        match run() {
            Err(error) if error.kind == ErrorKind::Full && self.spare.release() => run(),
            outcome => outcome,
        }
    }

    fn publish_once(&self, last: &Work) -> Result<Position> {
        let _one = self.checkpoints.publishing();
        let (frozen, at) = {
            let mut role = self.lock_role();
            self.run_own(&mut role, last)?;
            let log_time_ns = role.time.now_ns();
            let at = role
                .log
                .as_ref()
                .map(nokv_journal::Log::position)
                .ok_or_else(stopped)?;
            let covered = Covered {
                at,
                log_time_ns,
                extra: Vec::new(),
            };
            // Answers up to this segment are in rows now.
            role.window_seq = at.seq;
            (self.store.freeze(&covered.encode())?, at)
        };
        self.queue.nominate();
        self.bells.publish_began();
        self.sync.sync().map_err(|error| self.fatal_error(error.into()))?;
        hit("metad.publish.frames")
            .map_err(|error| self.fatal_error(Error::io("publish", "frames", error)))?;
        match frozen.publish() {
            Ok(_) => {}
            Err(error) if error.kind == nokv_store::ErrorKind::Full => return Err(error.into()),
            Err(error) => return Err(self.fatal_error(error.into())),
        }
        self.bells.published();
        self.checkpoints.note_published(at);
        self.stats.publishes.fetch_add(1, Ordering::Relaxed);
        Ok(at)
    }

    /// Takes removed rows out of some frames.
    ///
    /// # Errors
    /// `Full` from the disk, which later may have room; everything else is fatal and was handled as such.
    pub(crate) fn compact(&self) -> Result<()> {
        // Neither may change frames while the other looks at them.
        let _one = self.checkpoints.publishing();
        match self.store.compact() {
            Ok(()) => Ok(()),
            Err(error) if error.kind == nokv_store::ErrorKind::Full => Err(error.into()),
            Err(error) => Err(self.fatal_error(error.into())),
        }
    }

    /// Writes a logical checkpoint of the newest published state.
    ///
    /// # Errors
    /// From the object store; the older checkpoints still count.
    pub(crate) fn checkpoint(&self) -> Result<Written> {
        self.with_spare(|| self.checkpoint_once())
    }

    fn checkpoint_once(&self) -> Result<Written> {
        let _one = self.checkpoints.writing();
        let view = self.store.published_view()?;
        let covered = Covered::decode(view.covered())?;
        match self.look_at_settled_head() {
            // A damaged HEAD is made again, with what it listed.
            Err(error) if error.kind == ErrorKind::Corrupt => {}
            looked => looked?,
        }
        let rand = u32::from_le_bytes(self.random()?);
        let wall_ns = self.clocks.wall_ns().max(0) as u64;
        let spec = CheckpointSpec::new(self.workspace, self.epoch, rand, wall_ns);
        let (seq, epoch) = (covered.at.seq, self.epoch);
        self.checkpoints.note_own(CheckpointName { seq, epoch, rand });
        let known = |entry: &CheckpointEntry| !self.is_foreign(entry);
        let written = write_beside(&*self.objects, &spec, &known, &view, &covered)
            .map_err(|error| self.unless_fenced(error.into()))?;
        self.checkpoints.note_head(Some(&written.head));
        self.bells.saved();
        self.stats.checkpoints.fetch_add(1, Ordering::Relaxed);
        Ok(written)
    }

    /// Notes which versions and how much of the log the checkpoints in the object store hold.
    ///
    /// # Errors
    /// From the object store; what was known before still counts. `Fenced` when somebody else wrote a checkpoint: the
    /// engine must not go on.
    pub(crate) fn look_at_head(&self) -> Result<()> {
        let head = self.load_head()?;
        if self.foreign_in(head.as_ref()).is_some() {
            // An answer that was long on its way may list a checkpoint that retired meanwhile and that the log does
            // not reach back to any more. While none is written, it says what is.
            let _one = self.checkpoints.writing();
            return self.look_at_settled_head();
        }
        self.checkpoints.note_head(head.as_ref());
        Ok(())
    }

    /// As [`Core::look_at_head`], by whoever writes checkpoints.
    fn look_at_settled_head(&self) -> Result<()> {
        let head = self.load_head()?;
        if let Some(entry) = self.foreign_in(head.as_ref()) {
            let error = Error::new(ErrorKind::Fenced, "use", "object store", entry.foreign());
            return Err(self.fatal_error(error));
        }
        self.checkpoints.note_head(head.as_ref());
        Ok(())
    }

    fn load_head(&self) -> Result<Option<Head>> {
        let head = Head::load(&*self.objects, self.workspace)?;
        Ok(head.map(|(head, _)| head))
    }

    fn foreign_in<'h>(&self, head: Option<&'h Head>) -> Option<&'h CheckpointEntry> {
        let mut listed = head.into_iter().flat_map(|head| &head.checkpoints);
        listed.find(|entry| self.is_foreign(entry))
    }

    /// Whether a checkpoint of HEAD is not of this state. One that a former owner was still putting may appear late:
    /// it ends where the log has passed.
    fn is_foreign(&self, entry: &CheckpointEntry) -> bool {
        let known = &self.checkpoints;
        let unsaid = || known.is_known();
        !known.is_own(&entry.name) && is_passed(&self.upkeep, &entry.at).map_or_else(unsaid, |passed| !passed)
    }

    fn unless_fenced(&self, error: Error) -> Error {
        match error.kind {
            ErrorKind::Fenced => self.fatal_error(error),
            _ => error,
        }
    }

    /// Bytes of the checkpoints that HEAD lists.
    pub(crate) fn stored_checkpoint_bytes(&self) -> Result<u64> {
        let Some((head, _)) = Head::load(&*self.objects, self.workspace)? else {
            return Ok(0);
        };
        let mut bytes = 0;
        for entry in &head.checkpoints {
            let manifest = load_manifest(&*self.objects, self.workspace, entry)?;
            bytes += manifest.parts.iter().map(|part| part.stored_bytes).sum::<u64>();
        }
        Ok(bytes)
    }

    /// Handles an error after which the engine must not go on, and hands it on.
    pub(crate) fn fatal_error(&self, error: Error) -> Error {
        self.fail(&error);
        error
    }
}

pub(crate) fn stopped() -> Error {
    Error::new(ErrorKind::Stopped, "use", "the engine", "it has stopped")
}

/// Takes a lock whose holder cannot leave anything half done.
pub(crate) fn locked<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
