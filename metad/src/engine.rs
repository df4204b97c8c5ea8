//! The engine: what all its parts share, and the life of it from open to close.

mod create;
mod open;
mod publish;
mod quarantine;
mod replay;
mod stop;

pub(crate) use publish::{locked, stopped};

pub use open::Recovered;

use crate::commit::{Durable, Pace, Queue, Role, Syncer};
use crate::fatal::FatalHandler;
use crate::home::Home;
use crate::lock::DirLock;
use crate::reads::Published;
use crate::spare::Spare;
use crate::workers::{Bells, Checkpoints, Crew, Events};
use crate::{Clocks, Error, Limits, Options, Result};
use nokv_client::{Ack, Entropy};
use nokv_journal::checkpoint::Identity;
use nokv_journal::{SyncHandle, Upkeep, WorkspaceId};
use nokv_meta::{Finished, Reader};
use nokv_object::ObjectStore;
use nokv_store::HoltStore;
use nokv_types::failpoint::{Scope, is_crash};
use nokv_types::{Answer, Request, Version};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What every part of an open engine shares.
pub(crate) struct Core {
    pub(crate) home: Home,
    pub(crate) spare: Spare,
    pub(crate) workspace: WorkspaceId,
    pub(crate) epoch: u64,
    /// The last version of former owners.
    pub(crate) former: Version,
    pub(crate) store: HoltStore,
    pub(crate) published: Published,
    pub(crate) queue: Queue,
    pub(crate) pace: Pace,
    pub(crate) role: Mutex<Role>,
    pub(crate) durable: Durable,
    pub(crate) syncer: Syncer,
    pub(crate) sync: SyncHandle,
    pub(crate) upkeep: Upkeep,
    pub(crate) events: Events,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) clocks: Arc<dyn Clocks>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) limits: Limits,
    pub(crate) bells: Bells,
    pub(crate) stats: Counters,
    pub(crate) scope: Scope,
    fatal: FatalHandler,
    failed: OnceLock<String>,
    /// Log time of the last batch.
    log_time_ns: AtomicU64,
    /// No new callers.
    closing: AtomicBool,
}

/// Counters since the engine was opened.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    batches: AtomicU64,
    commands: AtomicU64,
    rows: AtomicU64,
    pub(crate) publishes: AtomicU64,
    pub(crate) checkpoints: AtomicU64,
}

/// What an open engine has done and holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Batches that were logged and applied.
    pub batches: u64,
    /// Commands in them.
    pub commands: u64,
    /// Rows that they changed.
    pub rows: u64,
    /// States that were published to the frame store.
    pub publishes: u64,
    /// Logical checkpoints that were written.
    pub checkpoints: u64,
    /// The last segment that was appended.
    pub appended_seq: u64,
    /// The last segment that is durable.
    pub durable_seq: u64,
    /// Log that would have to be replayed, in bytes.
    pub redo_bytes: u64,
}

impl Counters {
    pub(crate) fn note_batch(&self, finished: &Finished) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.commands
            .fetch_add(finished.answers.len() as u64, Ordering::Relaxed);
        self.rows
            .fetch_add(finished.mutations.len() as u64, Ordering::Relaxed);
    }
}

impl Core {
    /// The engine must not go on: the handler is told once, everything after that is refused.
    pub(crate) fn fail(&self, error: &Error) {
        let mut first = false;
        self.failed.get_or_init(|| {
            first = true;
            error.with_causes()
        });
        if first {
            self.bells.ring_all();
            // A simulated death has nobody left to tell.
            if !is_crash(error) {
                (self.fatal)(error);
            }
        }
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.get().is_some()
    }

    /// Whether callers are still taken.
    pub(crate) fn is_open(&self) -> bool {
        !self.closing.load(Ordering::Acquire) && !self.has_failed()
    }

    /// Why the engine does not go on; empty while it does.
    pub(crate) fn why_failed(&self) -> &str {
        self.failed.get().map_or("", String::as_str)
    }

    /// Runs `read` on one state between two batches; it may run several times, the last result counts.
    pub(crate) fn read<T>(&self, read: impl FnMut(&Reader<'_, HoltStore>) -> T) -> T {
        self.published.read(&self.store, read)
    }

    /// Log time of the last batch, ns.
    pub(crate) fn log_time_ns(&self) -> u64 {
        self.log_time_ns.load(Ordering::Acquire)
    }

    pub(crate) fn note_time(&self, log_ns: u64) {
        self.log_time_ns.store(log_ns, Ordering::Release);
    }

    pub(crate) fn random<const N: usize>(&self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.entropy
            .fill(&mut bytes)
            .map_err(|error| Error::io("read", "the system's randomness", error))?;
        Ok(bytes)
    }

    /// Runs something on the state between two batches.
    pub(crate) fn with_role<T>(&self, run: impl FnOnce(&mut Role) -> T) -> T {
        let outcome = run(&mut self.lock_role());
        // Who queued meanwhile found the role taken and waits to be asked.
        self.queue.nominate();
        outcome
    }

    /// The role, waiting for it. Whoever lets it go asks the next one ([`Queue::nominate`]).
    pub(crate) fn lock_role(&self) -> std::sync::MutexGuard<'_, Role> {
        self.role.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open engine. Dropped without [`Engine::close`] it stops without publishing: the next start replays.
pub struct Engine {
    pub(crate) core: Arc<Core>,
    recovered: Recovered,
    crew: Mutex<Option<Crew>>,
    lock: Mutex<Option<DirLock>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Engine")
            .field("home", &self.core.home)
            .field("workspace", &self.core.workspace)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Makes a workspace in `data` (and claims the object store for it) and opens it. A creation that was cut short
    /// is begun again.
    ///
    /// # Errors
    /// `Exists` when there is a workspace already, in the directory or in the object store; `Locked`, `Full`, `Io`,
    /// `Object`.
    pub fn create(data: &Path, options: Options) -> Result<Self> {
        let home = Home::new(data);
        home.make()?;
        let lock = DirLock::take(data)?;
        let identity = create::create(&home, &options)?;
        Self::start(home, lock, &identity, options)
    }

    /// Opens the workspace in `data`, recovering it where the last owner did not stop cleanly.
    ///
    /// # Errors
    /// `Missing` when there is none, `Locked` naming the owner, `WrongWorkspace` when the object store belongs to
    /// another, `Corrupt` and `Loss` when it cannot be rebuilt; `TooNew`, `Full`, `Io`, `Object`.
    pub fn open(data: &Path, options: Options) -> Result<Self> {
        let home = Home::new(data);
        let identity = open::identify(&home)?;
        let lock = DirLock::take(data)?;
        Identity::check(&*options.objects, identity.workspace)?;
        Self::start(home, lock, &identity, options)
    }

    fn start(home: Home, lock: DirLock, identity: &Identity, options: Options) -> Result<Self> {
        let workers = options.workers;
        let since = lock.anchor(options.clocks.boot_id());
        let (core, recovered) = open::recover(home, identity, since, options)?;
        let core = Arc::new(core);
        lock.note_anchor(core.clocks.boot_id(), core.lock_role().time.anchor());
        let crew = workers.then(|| Crew::start(&core)).transpose()?;
        Ok(Self {
            core,
            recovered,
            crew: Mutex::new(crew),
            lock: Mutex::new(Some(lock)),
        })
    }

    /// Runs requests and answers them in their order.
    ///
    /// # Durability
    /// As `ack` says.
    pub fn submit(&self, requests: Vec<Request>, ack: Ack) -> Vec<Answer> {
        self.core.submit(requests, ack)
    }

    /// Runs `read` on one state between two batches. It may run several times and must not keep what an earlier run
    /// saw; the last result counts.
    pub fn read<T>(&self, read: impl FnMut(&Reader<'_, HoltStore>) -> T) -> T {
        self.core.read(read)
    }

    /// How the workspace was found when it was opened.
    pub fn recovered(&self) -> &Recovered {
        &self.recovered
    }

    /// The workspace.
    pub fn workspace(&self) -> WorkspaceId {
        self.core.workspace
    }

    /// Why the engine does not go on, when it does not.
    pub fn failure(&self) -> Option<&str> {
        self.core.has_failed().then(|| self.core.why_failed())
    }

    /// Counters and sizes.
    pub fn stats(&self) -> Stats {
        let counters = &self.core.stats;
        Stats {
            batches: counters.batches.load(Ordering::Relaxed),
            commands: counters.commands.load(Ordering::Relaxed),
            rows: counters.rows.load(Ordering::Relaxed),
            publishes: counters.publishes.load(Ordering::Relaxed),
            checkpoints: counters.checkpoints.load(Ordering::Relaxed),
            appended_seq: self.core.sync.appended_seq(),
            durable_seq: self.core.sync.durable_seq(),
            redo_bytes: self.core.bells.redo_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nokv_object::memory::MemoryStore;
    use nokv_types::{Command, Work};
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn who_queued_while_the_role_was_held_is_asked_to_take_it() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            limits: Limits {
                log_file_bytes: 1 << 20,
                log_reserve_bytes: 1 << 20,
                log_bytes: 8 << 20,
                spare_bytes: 0,
                ..Limits::default()
            },
            workers: false,
            ..Options::new(Arc::new(MemoryStore::new()))
        };
        let engine = Engine::create(&dir.path().join("data"), options).unwrap();
        let (answered, answers) = mpsc::channel();
        engine.core.with_role(|_| {
            let core = Arc::clone(&engine.core);
            std::thread::spawn(move || {
                let request = Request::internal(Command::Work(Work::AdvanceTime));
                answered.send(core.submit(vec![request], Ack::Applied)).unwrap();
            });
            while engine.core.queue.is_empty() {
                std::thread::yield_now();
            }
            // It finds the role taken, and sleeps.
            std::thread::sleep(Duration::from_millis(100));
        });
        let answer = answers.recv_timeout(Duration::from_secs(20));
        assert!(answer.unwrap().remove(0).is_ok());
    }
}
