//! The client: a namespace together with the threads, buffers and object ids that moving bodies needs.

use crate::buffers::Buffers;
use crate::download::RangeCache;
use crate::pool::Pool;
use crate::upload::ObjectIds;
use crate::{Ack, Error, ErrorKind, Namespace, Result};
use nokv_types::{Answer, AttrChange, BLOCK_BYTES, Command, Node, Reply, Request, Retry, SessionId};
use std::io::Read as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Bytes of the verified small ranges that are kept.
pub(crate) const CACHE_BYTES: usize = 32 << 20;
/// Largest pack object, in bytes.
pub(crate) const PACK_BYTES_MAX: usize = 8 << 20;
/// Packs that are being filled or uploaded at a time.
pub(crate) const PACKS_IN_FLIGHT_MAX: usize = 4;
/// Term of the session that staged uploads belong to, in ns: what an abandoned one is collected after.
pub(crate) const SESSION_TTL_NS: u64 = 900 * 1_000_000_000;

/// Randomness that nobody can guess.
pub trait Entropy: Send + Sync {
    /// Fills the bytes.
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()>;
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        std::fs::File::open("/dev/urandom")?.read_exact(bytes)
    }
}

/// What a client is made with.
pub struct Settings {
    /// Threads that hash and move bodies; half as many again bounds the 4 MiB buffers.
    pub threads: usize,
    /// Where the secrets in object ids come from.
    pub entropy: Arc<dyn Entropy>,
    /// How to wait before a retry.
    pub pause: fn(Duration),
    /// Who is named in events.
    pub actor: Vec<u8>,
    /// Set by a signal handler: running uploads and walks end with [`ErrorKind::Stopped`].
    pub stop: Arc<AtomicBool>,
}

impl Default for Settings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            // Most wait for the store to sync, and syncs that wait together are done together.
            threads: (cores * 4).clamp(8, 16),
            entropy: Arc::new(OsEntropy),
            pause: std::thread::sleep,
            actor: Vec::new(),
            stop: Arc::new(AtomicBool::new(false)),
        }
    }
}

/// A namespace and what moves its bodies. Share it by reference; all calls block.
pub struct Client {
    namespace: Arc<dyn Namespace>,
    pub(crate) settings: Settings,
    pub(crate) pool: Pool,
    pub(crate) blocks: Arc<Buffers>,
    pub(crate) packs: Arc<Buffers>,
    pub(crate) ids: ObjectIds,
    pub(crate) cache: Arc<RangeCache>,
    session: Mutex<Option<SessionId>>,
}

impl Client {
    /// A client of this namespace.
    pub fn new(namespace: Arc<dyn Namespace>, settings: Settings) -> Self {
        let threads = settings.threads.clamp(1, crate::pool::THREADS_MAX);
        Self {
            namespace,
            pool: Pool::start(threads),
            blocks: Buffers::new(threads + threads.div_ceil(2), BLOCK_BYTES as usize),
            packs: Buffers::new(PACKS_IN_FLIGHT_MAX, PACK_BYTES_MAX),
            ids: ObjectIds::default(),
            cache: Arc::new(RangeCache::new(CACHE_BYTES)),
            session: Mutex::new(None),
            settings,
        }
    }

    /// The namespace itself.
    pub fn namespace(&self) -> &dyn Namespace {
        &*self.namespace
    }

    /// The namespace, for a job on another thread.
    pub(crate) fn shared_namespace(&self) -> Arc<dyn Namespace> {
        Arc::clone(&self.namespace)
    }

    /// Runs one command.
    pub fn change(&self, command: Command, ack: Ack) -> Result<Reply> {
        let answer = self.change_all(vec![command], ack).pop();
        Ok(answer.ok_or_else(|| unexpected("answer"))??)
    }

    /// Runs the commands as one batch; one answer each. What was answered `Busy` is sent again.
    pub fn change_all(&self, commands: Vec<Command>, ack: Ack) -> Vec<Answer> {
        let again = commands.clone();
        let mut answers = self.namespace.submit(self.requests(commands), ack);
        for (command, answer) in again.into_iter().zip(answers.iter_mut()) {
            let mut wait = crate::retry::PAUSE_FIRST;
            for _ in 1..crate::retry::TRIES_MAX {
                if !is_busy(answer) {
                    break;
                }
                (self.settings.pause)(wait);
                wait = (wait * 2).min(crate::retry::PAUSE_MAX);
                let mut second = self.namespace.submit(self.requests(vec![command.clone()]), ack);
                if let Some(newer) = second.pop() {
                    *answer = newer;
                }
            }
        }
        answers
    }

    /// Ends with [`ErrorKind::Stopped`] once the caller asked to stop.
    pub fn check_stop(&self, op: &'static str, subject: &str) -> Result<()> {
        if self.settings.stop.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Stopped, op, subject));
        }
        Ok(())
    }

    /// Waits until everything that was answered before survives what the durability mode promises: for the end of
    /// work whose commands were only applied. Costs a command that changes nothing of `node`.
    pub fn make_durable(&self, node: Node) -> Result<()> {
        let change = AttrChange::default();
        self.change(Command::SetAttr { node, change }, Ack::Durable)
            .map(|_| ())
    }

    /// The session that staged uploads belong to; opened on first use.
    pub(crate) fn session(&self) -> Result<SessionId> {
        let mut held = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = *held {
            let renewed = self.change(Command::SessionRenew { session }, Ack::Applied);
            if renewed.is_ok() {
                return Ok(session);
            }
        }
        let session = SessionId(u64::from_le_bytes(self.random()?) >> 1);
        let open = Command::SessionOpen {
            session,
            ttl_ns: SESSION_TTL_NS,
        };
        self.change(open, Ack::Applied)?;
        *held = Some(session);
        Ok(session)
    }

    /// Random bytes.
    pub(crate) fn random<const N: usize>(&self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.settings
            .entropy
            .fill(&mut bytes)
            .map_err(|source| Error::local("read", "the system's randomness", source))?;
        Ok(bytes)
    }

    fn requests(&self, commands: Vec<Command>) -> Vec<Request> {
        let with_actor = |command| Request {
            actor: self.settings.actor.clone(),
            ..Request::internal(command)
        };
        commands.into_iter().map(with_actor).collect()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let held = self.session.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(session) = held {
            let _ends_by_itself_otherwise = self.change(Command::SessionClose { session }, Ack::Applied);
        }
    }
}

/// The namespace answered something that does not belong to the command.
pub(crate) fn unexpected(op: &'static str) -> Error {
    let odd = std::io::Error::new(
        std::io::ErrorKind::InvalidData,
        "the answer does not belong to the command",
    );
    Error::new(ErrorKind::Unreachable(odd), op, "the namespace")
}

/// Whether the command was not executed and may be sent again unchanged.
fn is_busy(answer: &Answer) -> bool {
    use nokv_types::Code;
    matches!(answer, Err(refusal) if refusal.code.retry() == Retry::Same
        && matches!(refusal.code, Code::Busy | Code::WindowFull))
}
