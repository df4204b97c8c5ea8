//! Bodies that never end: one signal ends the command, and what it stored can be freed.

use crate::run::{Ran, Scratch, pattern, ran};
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Looks at a process that is to end, one after the other.
const LOOKS: usize = 250;
/// Time between two of them.
const PAUSE: Duration = Duration::from_millis(20);

/// More than a command reads before it comes to the body.
const READ_BYTES: u64 = 128 << 20;
/// The number of SIGTERM.
const TERM: u32 = 15;
const SIGNALS: [(&str, i32, &str); 2] = [("-TERM", 143, "NOKV-E0915"), ("-INT", 130, "NOKV-E0906")];

fn signal(child: &Child, signal: &str) {
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &pid])
            .status()
            .unwrap()
            .success()
    );
}

/// Waits until the command reads its body: it has the workspace open by then.
fn started(nokv: &Scratch, child: &mut Child) {
    let lock = nokv.data().join("LOCK");
    let owner = format!("{}\n", child.id());
    let owns = (0..LOOKS).any(|_| {
        std::thread::sleep(PAUSE);
        std::fs::read_to_string(&lock).is_ok_and(|text| text.starts_with(&owner))
    });
    assert!(owns && child.try_wait().unwrap().is_none(), "it did not start");
}

/// Waits until the command is in the midst of its body.
fn reads(child: &Child) {
    let counters = format!("/proc/{}/io", child.id());
    let reads = (0..LOOKS).any(|_| {
        std::thread::sleep(PAUSE);
        let text = std::fs::read_to_string(&counters).unwrap();
        let read = text.lines().find_map(|line| line.strip_prefix("rchar: "));
        read.unwrap().parse::<u64>().unwrap() > READ_BYTES
    });
    assert!(reads, "it does not read");
}

/// Waits until the command minds signals; it has no workspace open before the archive tells what it is.
fn catches(child: &Child) {
    let status = format!("/proc/{}/status", child.id());
    let minds = (0..LOOKS).any(|_| {
        std::thread::sleep(PAUSE);
        let text = std::fs::read_to_string(&status).unwrap();
        let of = |field: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(field))
                .unwrap()
                .trim()
        };
        let caught = u64::from_str_radix(of("SigCgt:"), 16).unwrap();
        caught >> (TERM - 1) & 1 == 1 && of("State:").starts_with('S')
    });
    assert!(minds, "it does not wait and mind SIGTERM");
}

/// What the command answered, if it ends by itself within some seconds.
fn ended(mut child: Child) -> Ran {
    let over = (0..LOOKS).any(|_| {
        std::thread::sleep(PAUSE);
        child.try_wait().unwrap().is_some()
    });
    if !over {
        child.kill().unwrap();
    }
    let ran = ran(child.wait_with_output().unwrap());
    assert!(over, "the signal did not end it: {ran:?}");
    ran
}

#[test]
fn one_signal_ends_a_body_of_zeros_that_never_ends() {
    for verb in ["put", "publish"] {
        for (name, exit, code) in SIGNALS {
            let nokv = Scratch::new();
            let zeros = std::fs::File::open("/dev/zero").unwrap();
            let child = nokv.command(&[verb, "-", "/x"]).stdin(zeros).spawn().unwrap();
            reads(&child);
            signal(&child, name);
            let ended = ended(child);
            assert_eq!(ended.exit, exit, "{ended:?}");
            assert!(ended.err.contains(code), "{ended:?}");
            assert!(nokv.paths().is_empty());
        }
    }
}

#[test]
fn one_signal_ends_the_wait_for_a_silent_pipe_and_frees_what_was_stored() {
    for (name, exit, code) in SIGNALS {
        let nokv = Scratch::new();
        let mut child = nokv
            .command(&["put", "-", "/x"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(&pattern(20 << 20)).unwrap();
        started(&nokv, &mut child);
        signal(&child, name);
        let ended = ended(child);
        assert_eq!(ended.exit, exit, "{ended:?}");
        assert!(ended.err.contains(code), "{ended:?}");
        assert!(nokv.paths().is_empty());
        nokv.ok(&["gc", "--now"]);
        let df = nokv.json(&["df"]);
        assert_eq!(
            (&df["objects"], &df["objects_reserved"]),
            (&0.into(), &0.into()),
            "{df}"
        );
        assert!(nokv.ok(&["fsck"]).starts_with("clean"));
    }
}

#[test]
fn one_signal_ends_the_wait_for_an_archive() {
    for (name, exit, code) in SIGNALS {
        let nokv = Scratch::new();
        let mut child = nokv
            .command(&["import", "-", "/x"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"not yet").unwrap();
        catches(&child);
        signal(&child, name);
        let ended = ended(child);
        assert_eq!(ended.exit, exit, "{ended:?}");
        assert!(ended.err.contains(code), "{ended:?}");
        assert!(nokv.paths().is_empty());
    }
}
