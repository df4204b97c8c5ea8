//! Imports that are stopped: what is there is consistent, and the same command goes on.

use crate::archives::header;
use crate::run::{Scratch, ran};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::{Child, Command};
use tar::{Builder, EntryType};

/// Far more than the command holds back: two groups of 1,024 files, 1 MiB of read-ahead, a pipe's buffer.
const FILES: usize = 8000;

fn archive() -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for n in 0..FILES {
        let body = format!("body {n}");
        let name = format!("d{}/f{n}", n / 500);
        tar.append_data(&mut header(EntryType::Regular, body.len()), name, body.as_bytes())
            .unwrap();
    }
    tar.into_inner().unwrap()
}

/// Starts an import from a pipe and feeds most of the archive. When the last byte was taken, the command has
/// made thousands of files and waits for more.
fn start_and_feed(nokv: &Scratch, archive: &[u8]) -> (Child, std::fs::File) {
    let pipe = nokv.local("pipe.tar");
    if !pipe.exists() {
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    }
    let child = nokv
        .command(&["import", pipe.to_str().unwrap(), "/runs"])
        .spawn()
        .unwrap();
    let mut writer = OpenOptions::new().write(true).open(&pipe).unwrap();
    writer.write_all(&archive[..archive.len() * 9 / 10]).unwrap();
    (child, writer)
}

fn go_on(nokv: &Scratch, archive: &[u8]) {
    let pipe = nokv.local("pipe.tar");
    assert!(nokv.ok(&["fsck"]).starts_with("clean"));
    nokv.fails(&["ls", "/runs"], 1);
    let child = nokv
        .command(&["import", pipe.to_str().unwrap(), "/runs", "-o", "json"])
        .spawn()
        .unwrap();
    OpenOptions::new()
        .write(true)
        .open(&pipe)
        .unwrap()
        .write_all(archive)
        .unwrap();
    let second = ran(child.wait_with_output().unwrap());
    assert_eq!(second.exit, 0, "{}", second.err);
    let told: serde_json::Value = serde_json::from_slice(&second.out).unwrap();
    assert_eq!(told["files"], FILES);
    assert!(told["present"].as_u64().unwrap() >= 1024, "{told}");
    assert_eq!(
        nokv.ok(&["find", "/runs", "--kind", "file"]).lines().count(),
        FILES
    );
    // Every one has the time that the archive gives it, also those that were on their way at the interruption.
    let listed = nokv.json(&["find", "/runs", "--kind", "file"]);
    let late: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .filter(|file| file["modified"] != "2023-11-14T22:13:20.000000000Z")
        .collect();
    assert!(late.is_empty(), "{} of {FILES}: {late:?}", late.len());
    for n in [0, 1023, FILES / 2, FILES - 1] {
        assert_eq!(
            nokv.ok(&["cat", &format!("/runs/d{}/f{n}", n / 500)]),
            format!("body {n}")
        );
    }
    assert!(!nokv.paths().iter().any(|path| path.contains("nokv-import")));
}

#[test]
fn a_killed_import_goes_on_where_it_stopped() {
    let nokv = Scratch::new();
    let archive = archive();
    let (mut child, writer) = start_and_feed(&nokv, &archive);
    child.kill().unwrap();
    child.wait().unwrap();
    drop(writer);
    go_on(&nokv, &archive);
}

#[test]
fn ctrl_c_ends_an_import_in_good_order() {
    let nokv = Scratch::new();
    let archive = archive();
    let (child, mut writer) = start_and_feed(&nokv, &archive);
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    // The command notices at the next entry; it may be gone before it has taken all of this.
    let _may_be_closed = writer.write_all(&archive[archive.len() * 9 / 10..]);
    drop(writer);
    let stopped = ran(child.wait_with_output().unwrap());
    assert_eq!(stopped.exit, 130, "{}", stopped.err);
    assert!(stopped.err.contains("NOKV-E0906"), "{}", stopped.err);
    go_on(&nokv, &archive);
}

#[test]
fn an_import_that_was_stopped_between_two_moves_goes_on_with_them() {
    let nokv = Scratch::new();
    let mut tar = Builder::new(Vec::new());
    for n in 0..FILES {
        tar.append_data(&mut header(EntryType::Regular, 1), format!("f{n}"), &b"x"[..])
            .unwrap();
    }
    let archive = tar.into_inner().unwrap();
    nokv.ok(&["mkdir", "/runs"]);
    let (mut child, writer) = start_and_feed(&nokv, &archive);
    child.kill().unwrap();
    child.wait().unwrap();
    drop(writer);
    let found = nokv.ok(&["find", "/runs", "--kind", "file"]);
    let stage = found
        .lines()
        .next()
        .unwrap()
        .rsplit_once('/')
        .unwrap()
        .0
        .to_owned();
    assert!(stage.contains("/.nokv-import-"), "{stage}");
    // As a run leaves it that is stopped behind the first of its moves.
    nokv.ok(&["xattr", "set", &stage, "user.nokv.import.moving", ""]);
    for name in ["f0", "f1"] {
        nokv.ok(&["mv", &format!("{stage}/{name}"), &format!("/runs/{name}")]);
    }
    let pipe = nokv.local("pipe.tar");
    let child = nokv
        .command(&["import", pipe.to_str().unwrap(), "/runs"])
        .spawn()
        .unwrap();
    let mut writer = OpenOptions::new().write(true).open(&pipe).unwrap();
    // It has all of it and does not read this.
    let _may_be_closed = writer.write_all(&archive);
    drop(writer);
    let second = ran(child.wait_with_output().unwrap());
    assert_eq!(second.exit, 0, "{}", second.err);
    let moved = nokv.ok(&["find", "/runs", "--kind", "file"]);
    assert_eq!(moved.lines().count(), found.lines().count());
    assert!(found.lines().count() >= 1024);
    assert!(!nokv.paths().iter().any(|path| path.contains("nokv-import")));
    assert!(nokv.ok(&["fsck"]).starts_with("clean"));
}
