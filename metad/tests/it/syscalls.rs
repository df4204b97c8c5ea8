//! Death, EIO and ENOSPC at every write, sync, rename and resize of a scripted run, injected into the system calls
//! themselves with strace: what was noted is there, and nothing else is left behind.
//!
//! strace counts calls per thread, so one case may fail the same call of several threads: the proof is the same.

use crate::kill::{options, prove_clean, prove_exact};
use crate::load;
use crate::ring::scratch;
use crate::rng::{seed, size};
use nokv_client::{GcOptions, Namespace as _};
use nokv_metad::{EXIT_FATAL, Embedded};
use nokv_testkit::evidence::Evidence;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const DIR: &str = "NOKV_SYSCALL_DIR";
/// One place in so many is tried in CI.
const EVERY: u64 = 10;
/// Cases side by side: a child under strace mostly waits.
const THREADS: usize = 12;
/// The objects are compared in one case of so many.
const EXACT_EVERY: u64 = 3;
/// Requests before and after the checkpoint.
const REQUESTS: u64 = 4;
/// Calls that change what is on the disk.
const CALLS: &str =
    "write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,ftruncate,fallocate,unlink,unlinkat";
const ACTIONS: [&str; 3] = ["error=EIO", "error=ENOSPC", "signal=KILL"];

/// The script; in a child its calls fail.
#[test]
fn a_script_of_requests_checkpoints_and_collecting_ends_well() {
    let scratch = tempfile::tempdir().unwrap();
    let given = std::env::var_os(DIR);
    let dir = given.as_ref().map_or(scratch.path(), Path::new);
    let ended_well = script(dir);
    // In a child whoever injected the fault looks at what is left.
    assert!(given.is_some() || ended_well);
    if given.is_none() {
        prove(dir, true);
    }
}

/// Runs until something fails; whether nothing did.
fn script(dir: &Path) -> bool {
    let data = dir.join("data");
    let opened = match Embedded::open(&data, options(dir)) {
        Err(error) if error.kind == nokv_metad::ErrorKind::Missing => Embedded::create(&data, options(dir)),
        opened => opened,
    };
    let namespace = match opened {
        Ok(namespace) => namespace,
        Err(error) => return failed("open", &error),
    };
    load::run(&namespace, dir, 0, REQUESTS);
    let collect = GcOptions {
        ignore_grace: true,
        ..GcOptions::default()
    };
    let saved = namespace
        .checkpoint()
        .map_or_else(|error| failed("checkpoint", &error), |_| true);
    let collected = namespace
        .gc(&collect)
        .map_or_else(|error| failed("gc", &error), |_| true);
    load::run(&namespace, dir, 0, REQUESTS);
    let closed = namespace
        .close()
        .map_or_else(|error| failed("close", &error), |()| true);
    saved && collected && closed
}

fn failed(what: &str, error: &dyn std::fmt::Debug) -> bool {
    println!("{what}: {error:?}");
    false
}

/// Everything that was noted is there; answers how much that is.
fn prove(dir: &Path, whole: bool) -> u64 {
    let data = dir.join("data");
    let namespace = match Embedded::open(&data, options(dir)) {
        // It died while the workspace was made.
        Err(error) if error.kind == nokv_metad::ErrorKind::Missing => {
            Embedded::create(&data, options(dir)).unwrap()
        }
        opened => opened.unwrap(),
    };
    let (noted, gone) = load::prove(&namespace, dir, false);
    assert_eq!(gone, 0);
    if noted > 0 {
        prove_clean(&namespace);
    }
    namespace.close().unwrap();
    drop(namespace);
    if whole && noted > 0 {
        prove_exact(&data, options(dir), 0);
    }
    noted
}

/// A call of the script: its name, which one of a thread, and what happens there.
#[derive(Debug, Clone)]
struct Case {
    call: String,
    number: u64,
    action: &'static str,
}

#[test]
fn a_fault_at_any_system_call_loses_nothing_that_was_answered() {
    // Where syncs cost nothing: that they are called is what counts here.
    let scratch = scratch();
    let counts = match count(&scratch.path().join("counted")) {
        Ok(counts) => counts,
        Err(reason) => {
            println!("NOT QUALIFIED: strace does not trace here: {reason}");
            return;
        }
    };
    println!("calls of one thread at most: {counts:?}");
    let (every, base) = (size("NOKV_SYSCALL_EVERY", EVERY), seed("NOKV_SYSCALL_SEED"));
    let cases = cases(&counts, every, base);
    println!("seed {base}, one in {every}: {} cases", cases.len());
    let totals = Totals::default();
    let work = Mutex::new(cases.iter().enumerate());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let next = work.lock().unwrap().next();
                    let Some((number, case)) = next else { break };
                    totals.add(&suffer(&scratch.path().join(number.to_string()), case));
                }
            });
        }
    });
    totals.judge(&cases);
    let seeds = format!("NOKV_SYSCALL_SEED={base} NOKV_SYSCALL_EVERY={every}");
    Evidence {
        ring: "syscalls",
        seeds: &seeds,
        injected: (
            totals.fired.into_inner(),
            "cases whose system call failed or killed",
        ),
        acknowledged: (totals.noted.into_inner(), "noted requests of 16 files"),
    }
    .print();
}

/// What all cases came to.
#[derive(Debug, Default)]
struct Totals {
    fired: AtomicU64,
    noted: AtomicU64,
    fatal: AtomicU64,
    killed: AtomicU64,
}

/// What one case came to.
struct Ended {
    fired: bool,
    noted: u64,
    status: ExitStatus,
}

impl Totals {
    fn add(&self, ended: &Ended) {
        self.fired.fetch_add(u64::from(ended.fired), Ordering::Relaxed);
        self.noted.fetch_add(ended.noted, Ordering::Relaxed);
        let fatal = ended.status.code() == Some(EXIT_FATAL);
        self.fatal.fetch_add(u64::from(fatal), Ordering::Relaxed);
        let killed = ended.status.signal().is_some();
        self.killed.fetch_add(u64::from(killed), Ordering::Relaxed);
    }

    fn judge(&self, cases: &[Case]) {
        println!("{self:?}");
        let fired = self.fired.load(Ordering::Relaxed) as usize;
        assert!(fired * 10 >= cases.len() * 8, "{fired} of {} fired", cases.len());
        assert!(
            self.fatal.load(Ordering::Relaxed) > 0 && self.killed.load(Ordering::Relaxed) > 0,
            "no case ended the process with exit {EXIT_FATAL}, or none killed it"
        );
    }
}

/// How often one thread of the script makes each call at most.
fn count(dir: &Path) -> Result<BTreeMap<String, u64>, String> {
    fs::create_dir(dir).map_err(|error| error.to_string())?;
    let status = traced(dir, &[]).map_err(|error| error.to_string())?;
    let trace = fs::read_to_string(trace_of(dir)).map_err(|error| error.to_string())?;
    let mut by_thread = BTreeMap::new();
    for line in trace.lines() {
        // `1234  pwrite64(5, ..`; the second half of an interrupted line begins with `<...`.
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        if let Some((call, _)) = rest.trim_start().split_once('(')
            && call.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            *by_thread.entry((call.to_owned(), thread.to_owned())).or_insert(0) += 1;
        }
    }
    let mut counts = BTreeMap::new();
    for ((call, _), count) in by_thread {
        let most = counts.entry(call).or_insert(0);
        *most = count.max(*most);
    }
    if !status.success() || counts.is_empty() {
        return Err(format!("{status}, {} calls seen", counts.len()));
    }
    prove(dir, true);
    Ok(counts)
}

/// One in `every` of all places, each with all actions in turn.
fn cases(counts: &BTreeMap<String, u64>, every: u64, base: u64) -> Vec<Case> {
    let all = counts.iter().flat_map(|(call, count)| {
        (1..=*count).flat_map(move |number| {
            ACTIONS.map(|action| Case {
                call: call.clone(),
                number,
                action,
            })
        })
    });
    let wanted = |(place, _): &(usize, Case)| (*place as u64).wrapping_add(base).is_multiple_of(every);
    all.enumerate().filter(wanted).map(|(_, case)| case).collect()
}

/// Runs the script with the fault, then looks at what is left, and whether it goes on.
fn suffer(dir: &Path, case: &Case) -> Ended {
    fs::create_dir(dir).unwrap();
    let inject = format!("inject={}:{}:when={}", case.call, case.action, case.number);
    let status = traced(dir, &["-e", &inject]).unwrap();
    let trace = fs::read_to_string(trace_of(dir)).unwrap();
    let fired = trace.contains("(INJECTED)") || trace.contains("killed by SIGKILL");
    let outcome = std::panic::catch_unwind(|| {
        let noted = prove(dir, case.number.is_multiple_of(EXACT_EVERY));
        assert!(script(dir), "it does not go on");
        noted
    });
    let noted = outcome.unwrap_or_else(|cause| {
        println!("{case:?}: {status}, fired {fired}");
        std::panic::resume_unwind(cause)
    });
    fs::remove_dir_all(dir).unwrap();
    Ended { fired, noted, status }
}

/// The script in a child under strace.
fn traced(dir: &Path, inject: &[&str]) -> std::io::Result<ExitStatus> {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(trace_of(dir));
    command.arg("-e").arg(format!("trace={CALLS}")).args(inject);
    command.arg(std::env::current_exe()?).args([
        "--exact",
        "syscalls::a_script_of_requests_checkpoints_and_collecting_ends_well",
        "--nocapture",
        "--test-threads",
        "1",
    ]);
    command.env(DIR, dir).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null()).status()
}

fn trace_of(dir: &Path) -> PathBuf {
    dir.join("trace")
}
