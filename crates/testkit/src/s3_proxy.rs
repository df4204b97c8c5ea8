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
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
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
    /// The client waits until it gives up; the request is forwarded and done at [`S3Proxy::land_late`].
    LateRequest,
}

#[derive(Debug, Default)]
struct Shared {
    /// Faults of the next requests whose method matches.
    script: VecDeque<(String, ProxyFault)>,
    injected: BTreeMap<ProxyFault, u64>,
    forwarded: u64,
    /// Requests that are held back.
    late_held: u64,
    /// Whether held requests may go on; set for good when the proxy ends.
    late_released: bool,
    open: Vec<TcpStream>,
    threads: Vec<JoinHandle<()>>,
}

/// A running proxy.
#[derive(Debug)]
pub struct S3Proxy {
    address: SocketAddr,
    state: Arc<State>,
    stopping: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    shared: Mutex<Shared>,
    late_changed: Condvar,
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change of what is late, at most until `done`.
    fn wait_late(&self, done: impl Fn(&Shared) -> bool) {
        let unfinished = self.late_changed.wait_while(self.lock(), |shared| !done(shared));
        drop(unfinished.unwrap_or_else(PoisonError::into_inner));
    }
}

impl S3Proxy {
    /// Starts a proxy in front of `127.0.0.1:upstream_port`.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(upstream_port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let stopping = Arc::new(AtomicBool::new(false));
        let upstream = SocketAddr::from(([127, 0, 0, 1], upstream_port));
        let accepting = {
            let (state, stopping) = (Arc::clone(&state), Arc::clone(&stopping));
            thread::spawn(move || accept(&listener, upstream, &state, &stopping))
        };
        Ok(Self {
            address,
            state,
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
        self.state.lock().script.push_back((method.to_owned(), fault));
    }

    /// Faults that still wait for their request.
    pub fn waiting(&self) -> usize {
        self.state.lock().script.len()
    }

    /// How often a fault was injected.
    pub fn injected(&self, fault: ProxyFault) -> u64 {
        self.state.lock().injected.get(&fault).copied().unwrap_or(0)
    }

    /// Requests that passed without a fault.
    pub fn forwarded(&self) -> u64 {
        self.state.lock().forwarded
    }

    /// Sends on every request that [`ProxyFault::LateRequest`] holds back, and waits until the server has
    /// answered them. At least one must be scripted: this waits for its client to give up.
    pub fn land_late(&self) {
        self.state.wait_late(|shared| shared.late_held > 0);
        self.state.lock().late_released = true;
        self.state.late_changed.notify_all();
        self.state.wait_late(|shared| shared.late_held == 0);
        self.state.lock().late_released = false;
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
            let mut shared = self.state.lock();
            shared.late_released = true;
            self.state.late_changed.notify_all();
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

fn accept(listener: &TcpListener, upstream: SocketAddr, state: &Arc<State>, stopping: &AtomicBool) {
    for client in listener.incoming() {
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else { continue };
        let mut shared = state.lock();
        shared.open.extend(client.try_clone());
        let state = Arc::clone(state);
        // A conversation that breaks is what this proxy is for.
        shared
            .threads
            .push(thread::spawn(move || drop(converse(client, upstream, &state))));
    }
}

fn converse(mut client: TcpStream, upstream: SocketAddr, state: &State) -> io::Result<()> {
    let Some(request) = read_request(&mut client)? else {
        return Ok(());
    };
    let fault = choose(state, &request);
    let outcome = suffer(fault, &mut client, upstream, &request, state);
    let _ = client.shutdown(Shutdown::Both);
    outcome
}

fn choose(state: &State, request: &Request) -> Option<ProxyFault> {
    let mut shared = state.lock();
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
    state: &State,
) -> io::Result<()> {
    let connect = || -> io::Result<TcpStream> {
        let server = TcpStream::connect(upstream)?;
        state.lock().open.push(server.try_clone()?);
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
        Some(ProxyFault::CutRequest) => {
            let mut server = connect()?;
            server.write_all(&request.raw[..request.raw.len() / 2])?;
            // Dropping is not enough: the list of open connections holds another handle.
            server.shutdown(Shutdown::Both)
        }
        Some(ProxyFault::CutAnswer) => {
            let answer = read_answer(forward(connect()?, request)?)?;
            client.write_all(&answer[..answer.len() / 2])
        }
        Some(ProxyFault::LostAnswer) => read_answer(forward(connect()?, request)?).map(drop),
        Some(ProxyFault::Silence) => {
            read_answer(forward(connect()?, request)?)?;
            until_it_gives_up(client);
            Ok(())
        }
        Some(ProxyFault::LateRequest) => {
            until_it_gives_up(client);
            state.lock().late_held += 1;
            state.late_changed.notify_all();
            state.wait_late(|shared| shared.late_released);
            let done = connect().and_then(|server| read_answer(forward(server, request)?));
            state.lock().late_held -= 1;
            state.late_changed.notify_all();
            done.map(drop)
        }
    }
}

/// Waits for the client to close; what it still sends is of no interest.
fn until_it_gives_up(client: &mut TcpStream) {
    let mut ignored = [0; 512];
    while !matches!(client.read(&mut ignored), Ok(0) | Err(_)) {}
}
