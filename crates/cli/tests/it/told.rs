//! What is told: moments and counts in JSON, the newest events, the end by a signal.

use crate::run::{Scratch, pattern};
use std::io::Read as _;
use std::process::{Command, Stdio};

#[test]
fn moments_are_named_by_what_they_are_and_can_be_given_back() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "/a"]);
    nokv.ok(&["snapshot", "create", "s"]);
    let lists = [
        (nokv.json(&["ls"]), "modified"),
        (nokv.json(&["snapshot", "list"]), "created"),
        (nokv.json(&["log"]), "time"),
    ];
    for (list, name) in &lists {
        assert!(list[0].get("age").is_none(), "{list}");
        let moment = list[0][name].as_str().unwrap();
        assert!(moment.len() == 30 && moment.ends_with('Z'), "{moment}");
    }
    let moment = lists[2].0[0]["time"].as_str().unwrap();
    nokv.ok(&["ls", "--at", moment]);
    let stat = nokv.json(&["stat", "/a"]);
    assert!(stat["mtime"].as_str().unwrap().ends_with('Z'), "{stat}");
    assert!(
        nokv.ok(&["snapshot", "list"])
            .lines()
            .next()
            .unwrap()
            .ends_with("AGE")
    );
}

#[test]
fn checks_that_find_nothing_tell_what_they_looked_at() {
    let nokv = Scratch::new();
    nokv.feed(&["put", "-", "/a"], &pattern(100_000));
    for format in ["json", "jsonl"] {
        let told = |verb: &str| -> serde_json::Value {
            serde_json::from_str(&nokv.ok(&[verb, "-o", format])).unwrap()
        };
        let fsck = told("fsck");
        assert_eq!(
            (&fsck["clean"], &fsck["objects"]),
            (&true.into(), &1.into()),
            "{fsck}"
        );
        assert_eq!(fsck["findings"], serde_json::json!([]));
        let verify = told("verify");
        assert_eq!(
            (&verify["files"], &verify["bytes"]),
            (&1.into(), &100_000.into()),
            "{verify}"
        );
    }
}

#[test]
fn the_log_shows_the_newest_events_and_an_import_as_one() {
    let nokv = Scratch::new();
    for n in 0..30 {
        nokv.ok(&["mkdir", &format!("/d{n}"), &format!("/e{n}")]);
    }
    nokv.write("folder/one/a", b"a");
    nokv.write("folder/two", b"b");
    let folder = nokv.local("folder");
    nokv.ok(&["import", folder.to_str().unwrap(), "/runs"]);
    nokv.ok(&["import", folder.to_str().unwrap(), "/d0"]);
    let events = nokv.json(&["log"]);
    let events = events.as_array().unwrap();
    assert_eq!(events.len(), 50);
    let told: Vec<(&str, &str)> = events
        .iter()
        .map(|event| (event["event"].as_str().unwrap(), event["path"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told[46..],
        [
            ("create", "/e29"),
            ("import", "/runs"),
            ("import", "/d0/one"),
            ("import", "/d0/two")
        ],
        "{told:?}"
    );
    assert!(!nokv.ok(&["log", "-o", "jsonl"]).contains("nokv-import"));
    assert!(nokv.run(&["log"]).err.contains("older events: nokv log --all"));
    let few = nokv.run(&["log", "/runs"]);
    assert!(!few.err.contains("older events"), "{few:?}");
    assert_eq!(nokv.json(&["log", "-n", "2"]).as_array().unwrap().len(), 2);
    let all = nokv.ok(&["log", "--all", "-o", "jsonl"]);
    assert!(all.contains("nokv-import") && all.lines().count() > 65, "{all}");
    nokv.fails(&["log", "--all", "-n", "2"], 2);
}

#[test]
fn a_signal_ends_a_waiting_question_and_nothing_is_done() {
    for (signal, exit, code) in [("-TERM", 143, "NOKV-E0915"), ("-INT", 130, "NOKV-E0906")] {
        let nokv = Scratch::new();
        nokv.ok(&["mkdir", "-p", "/runs/1"]);
        let pid_file = nokv.local("pid");
        let line = format!(
            "sh -c 'echo $$ > {}; exec {} rm -r /runs'",
            pid_file.display(),
            env!("CARGO_BIN_EXE_nokv")
        );
        let mut child = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .env("NOKV_DATA", nokv.data())
            .env("NOKV_LOG_RESERVE", "8M")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Kept open: a question is not answered by the end of its input.
        let _input = child.stdin.take().unwrap();
        let mut out = child.stdout.take().unwrap();
        let (mut told, mut byte) = (Vec::new(), [0]);
        while !told.ends_with(b"[y/N] ") {
            assert_eq!(
                out.read(&mut byte).unwrap(),
                1,
                "{}",
                String::from_utf8_lossy(&told)
            );
            told.push(byte[0]);
        }
        let pid = std::fs::read_to_string(&pid_file).unwrap();
        assert!(
            Command::new("kill")
                .args([signal, pid.trim()])
                .status()
                .unwrap()
                .success()
        );
        out.read_to_end(&mut told).unwrap();
        let told = String::from_utf8_lossy(&told).into_owned();
        assert_eq!(child.wait().unwrap().code(), Some(exit), "{told}");
        assert!(told.contains(code), "{told}");
        assert_eq!(nokv.paths().len(), 2);
    }
}

#[test]
fn lists_say_what_people_ask_for_and_sizes_have_units() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "/runs"]);
    let file = nokv.write("model", &pattern(2 << 20));
    let told = nokv.ok(&["put", &file, "/"]);
    assert!(told.starts_with("/model: 2.0 MiB"), "{told}");
    assert_eq!(nokv.json(&["put", &file, "/"])["path"], "/model");
    nokv.ok(&["snapshot", "create", "part", "/runs"]);
    nokv.ok(&["fork", "create", "exp"]);
    let snapshots = nokv.ok(&["snapshot", "list"]);
    let line = snapshots.lines().nth(1).unwrap();
    assert!(line.starts_with("part") && line.contains("/runs"), "{snapshots}");
    assert_eq!(nokv.json(&["fork", "list"])[0]["from"], "main");
    let df = nokv.ok(&["df"]);
    assert!(
        df.lines()
            .next()
            .unwrap()
            .split_whitespace()
            .eq(["WHAT", "BYTES", "NUMBER"]),
        "{df}"
    );
    assert!(df.contains("2.0 MiB"), "{df}");
    assert_eq!(nokv.json(&["df"])["live_bytes"], 2 << 20);
}
