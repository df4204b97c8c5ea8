//! A TCP proxy between an S3 client and its server that breaks conversations on purpose.
//!
//! Owns: one request per connection (it says `connection: close` to both sides), the choice of a fault per
//! request, and the count of what it did.
//! Must not know signatures or XML: headers and bodies pass unchanged.
//!
//! Invariants: a request is either forwarded whole, or in the part that its fault says; every fault is counted;
//! all connections and threads end with the proxy.

mod wire;

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use self::wire::{Request, forward, read_answer, read_request};

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProxyFault {
    /// Answered 503 `SlowDown`; the server never sees it.
    SlowDown,
    /// Answered 500; the server never sees it.
    InternalError,
    /// The connection is closed before anything is forwarded.
    CutBefore,
    /// Half of the request is forwarded, then both connections are closed.
    CutRequest,
    /// The request is forwarded, half of the answer comes back, then the connection is closed.
    CutAnswer,
    /// The request is forwarded and done, the connection is closed without an answer.
    LostAnswer,
    /// The request is forwarded and done, and the client waits for an answer until it gives up.
    Silence,
    /// The client waits until it gives up; then the request is forwarded and done.
    LateRequest,
}

#[derive(Debug, Default)]
struct Shared {
    /// Faults of the next requests whose method matches.
    script: VecDeque<(String, ProxyFault)>,
    injected: BTreeMap<ProxyFault, u64>,
    forwarded: u64,
    late_done: u64,
    open: Vec<TcpStream>,
    threads: Vec<JoinHandle<()>>,
}

/// A running proxy.
#[derive(Debug)]
pub struct S3Proxy {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    stopping: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl S3Proxy {
    /// Starts a proxy in front of `127.0.0.1:upstream_port`.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(upstream_port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Mutex::new(Shared::default()));
        let stopping = Arc::new(AtomicBool::new(false));
        let upstream = SocketAddr::from(([127, 0, 0, 1], upstream_port));
        let accepting = {
            let (shared, stopping) = (Arc::clone(&shared), Arc::clone(&stopping));
            thread::spawn(move || accept(&listener, upstream, &shared, &stopping))
        };
        Ok(Self {
            address,
            shared,
            stopping,
            accepting: Some(accepting),
        })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks the next request of this HTTP method in this way; several wait in line.
    pub fn script(&self, method: &str, fault: ProxyFault) {
        lock(&self.shared).script.push_back((method.to_owned(), fault));
    }

    /// Faults that still wait for their request.
    pub fn waiting(&self) -> usize {
        lock(&self.shared).script.len()
    }

    /// How often a fault was injected.
    pub fn injected(&self, fault: ProxyFault) -> u64 {
        lock(&self.shared).injected.get(&fault).copied().unwrap_or(0)
    }

    /// Requests that passed without a fault.
    pub fn forwarded(&self) -> u64 {
        lock(&self.shared).forwarded
    }

    /// Requests held back by [`ProxyFault::LateRequest`] that the server has answered by now.
    pub fn late_done(&self) -> u64 {
        lock(&self.shared).late_done
    }
}

impl Drop for S3Proxy {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts; the connections of the others are closed under them.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        let (open, threads) = {
            let mut shared = lock(&self.shared);
            (
                std::mem::take(&mut shared.open),
                std::mem::take(&mut shared.threads),
            )
        };
        for stream in open {
            let _ = stream.shutdown(Shutdown::Both);
        }
        for thread in threads {
            let _ = thread.join();
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, upstream: SocketAddr, shared: &Arc<Mutex<Shared>>, stopping: &AtomicBool) {
    for client in listener.incoming() {
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else { continue };
        let mut state = lock(shared);
        state.open.extend(client.try_clone());
        let shared = Arc::clone(shared);
        // A conversation that breaks is what this proxy is for.
        state
            .threads
            .push(thread::spawn(move || drop(converse(client, upstream, &shared))));
    }
}

fn converse(mut client: TcpStream, upstream: SocketAddr, shared: &Mutex<Shared>) -> io::Result<()> {
    let Some(request) = read_request(&mut client)? else {
        return Ok(());
    };
    let fault = choose(shared, &request);
    let outcome = suffer(fault, &mut client, upstream, &request, shared);
    let _ = client.shutdown(Shutdown::Both);
    outcome
}

fn choose(shared: &Mutex<Shared>, request: &Request) -> Option<ProxyFault> {
    let mut shared = lock(shared);
    let next = shared
        .script
        .iter()
        .position(|(method, _)| *method == request.method);
    let fault = next
        .and_then(|index| shared.script.remove(index))
        .map(|(_, fault)| fault);
    match fault {
        Some(fault) => *shared.injected.entry(fault).or_default() += 1,
        None => shared.forwarded += 1,
    }
    fault
}

fn suffer(
    fault: Option<ProxyFault>,
    client: &mut TcpStream,
    upstream: SocketAddr,
    request: &Request,
    shared: &Mutex<Shared>,
) -> io::Result<()> {
    let connect = || -> io::Result<TcpStream> {
        let server = TcpStream::connect(upstream)?;
        lock(shared).open.push(server.try_clone()?);
        Ok(server)
    };
    match fault {
        None => {
            let answer = read_answer(forward(connect()?, request)?)?;
            client.write_all(&answer)
        }
        Some(ProxyFault::SlowDown) => client.write_all(&wire::refusal("503 Slow Down", "SlowDown")),
        Some(ProxyFault::InternalError) => {
            client.write_all(&wire::refusal("500 Internal Server Error", "InternalError"))
        }
        Some(ProxyFault::CutBefore) => Ok(()),
        Some(ProxyFault::CutRequest) => connect()?.write_all(&request.raw[..request.raw.len() / 2]),
        Some(ProxyFault::CutAnswer) => {
            let answer = read_answer(forward(connect()?, request)?)?;
            client.write_all(&answer[..answer.len() / 2])
        }
        Some(ProxyFault::LostAnswer) => read_answer(forward(connect()?, request)?).map(drop),
        Some(ProxyFault::Silence) => {
            read_answer(forward(connect()?, request)?)?;
            until_it_gives_up(client)
        }
        Some(ProxyFault::LateRequest) => {
            until_it_gives_up(client)?;
            read_answer(forward(connect()?, request)?)?;
            lock(shared).late_done += 1;
            Ok(())
        }
    }
}

/// Waits for the client to close; what it still sends is of no interest.
fn until_it_gives_up(client: &mut TcpStream) -> io::Result<()> {
    let mut ignored = [0; 512];
    while !matches!(client.read(&mut ignored), Ok(0) | Err(_)) {}
    Ok(())
}
