//! Data directories that cannot be used: of a newer format, of another workspace, read-only, on a full disk.

use crate::run::{Scratch, pattern, ran};
use nokv_testkit::loop_disk::LoopDisk;
use std::path::Path;
use std::process::Command;

/// CRC32C, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    })
}

/// Gives the identity in a file the format after this one.
fn make_newer(path: &Path, footer_bytes: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    let end = bytes.len() - footer_bytes - 4;
    bytes[8] += 1;
    let crc = crc32c(&bytes[..end]);
    bytes[end..end + 4].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_data_directory_of_a_newer_format() {
    let nokv = Scratch::new();
    let identity = nokv.data().join("WORKSPACE");
    let old = std::fs::read(&identity).unwrap();
    make_newer(&identity, 0);
    for verb in [&["ls"][..], &["init"], &["mkdir", "/x"], &["fsck", "--repair"]] {
        let err = nokv.fails(verb, 1);
        assert!(
            err.contains("NOKV-E0123") && err.contains("WORKSPACE") && err.contains("format 2"),
            "{err}"
        );
    }
    std::fs::write(&identity, old).unwrap();
    assert_eq!(nokv.ok(&["ls"]), "");
}

#[test]
fn an_object_store_of_a_newer_format() {
    let nokv = Scratch::new();
    let format = nokv.data().join("objects/FORMAT");
    let old = std::fs::read(&format).unwrap();
    std::fs::write(&format, "nokv directory object store\nformat 2\n").unwrap();
    let err = nokv.fails(&["ls"], 2);
    assert!(
        err.contains("NOKV-E0911") && err.contains("objects") && err.contains("another format"),
        "{err}"
    );
    std::fs::write(&format, old).unwrap();
    assert_eq!(nokv.ok(&["ls"]), "");
}

#[test]
fn a_store_of_another_workspace() {
    let (nokv, other) = (Scratch::new(), Scratch::new());
    nokv.feed(&["put", "-", "/mine"], b"x");
    other.feed(&["put", "-", "/theirs"], b"x");
    let store = format!("dir:{}", other.data().join("objects").display());
    let before = (nokv.state(), other.state());
    for verb in [&["ls"][..], &["mkdir", "/x"], &["gc", "--now"], &["init"]] {
        let ran = nokv.run(&[verb, &["--store", &store]].concat());
        assert_eq!(ran.exit, 2, "{verb:?}: {}", ran.err);
        assert!(
            ran.err.contains("NOKV-E0913") && ran.err.contains(&store),
            "{}",
            ran.err
        );
    }
    assert_eq!((nokv.state(), other.state()), before);
    let third = Scratch::bare();
    let ran = third.run(&["init", "--store", &store]);
    assert_eq!(ran.exit, 1, "{}", ran.err);
    assert!(
        ran.err.contains("NOKV-E0017") && ran.err.contains("another prefix"),
        "{}",
        ran.err
    );
}

/// A disk of its own, where this machine has one to give.
fn disk(dir: &Path, bytes: u64) -> Option<LoopDisk> {
    match LoopDisk::make(dir, bytes) {
        Ok(disk) => Some(disk),
        Err(why) => {
            eprintln!("NOT QUALIFIED: no loop device: {why}");
            None
        }
    }
}

fn on(disk: &LoopDisk, nokv: &Scratch, arguments: &[&str]) -> Command {
    let mut command = nokv.command(arguments);
    command.env("NOKV_DATA", disk.path().join("data"));
    command
}

fn remount(disk: &LoopDisk, how: &str) {
    let mut mount = Command::new("mount");
    assert!(
        mount
            .args(["-o", &format!("remount,{how}")])
            .arg(disk.path())
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn a_data_directory_that_is_read_only() {
    let nokv = Scratch::bare();
    let Some(disk) = disk(nokv.dir.path(), 256 << 20) else {
        return;
    };
    let run = |arguments: &[&str]| ran(on(&disk, &nokv, arguments).output().unwrap());
    assert_eq!(run(&["init"]).exit, 0);
    assert_eq!(run(&["mkdir", "/standing"]).exit, 0);
    remount(&disk, "ro");
    for verb in [&["ls"][..], &["mkdir", "/x"], &["fsck"], &["init"]] {
        let ran = run(verb);
        assert_eq!(ran.exit, 74, "{verb:?}: {}", ran.err);
        let data = disk.path().join("data");
        assert!(
            ran.err.contains("NOKV-E0914")
                && ran.err.contains(data.to_str().unwrap())
                && ran.err.contains("Read-only"),
            "{}",
            ran.err
        );
    }
    remount(&disk, "rw");
    assert_eq!(run(&["ls"]).out, b"standing\n");
}

#[test]
fn a_disk_that_is_full_refuses_puts_and_takes_removes() {
    let nokv = Scratch::bare();
    // 64 MiB of it are kept back, 16 MiB are the log.
    let Some(disk) = disk(nokv.dir.path(), 176 << 20) else {
        return;
    };
    let run = |arguments: &[&str]| ran(on(&disk, &nokv, arguments).output().unwrap());
    let done = |arguments: &[&str]| {
        let ran = run(arguments);
        assert_eq!(ran.exit, 0, "{arguments:?}: {}", ran.err);
        ran.out
    };
    // What was removed is not kept for reading back: its space comes back at once.
    done(&["init", "--history", "0s"]);
    let body = nokv.write("body", &pattern(8 << 20));
    let mut stored = 0;
    let full = loop {
        let ran = run(&["put", &body, &format!("/{stored}")]);
        if ran.exit != 0 {
            break ran;
        }
        stored += 1;
        assert!(stored < 20, "176 MiB never filled up");
    };
    assert_eq!(full.exit, 1, "{}", full.err);
    assert!(
        full.err.contains("NOKV-E0028") && full.err.contains("nokv gc"),
        "{}",
        full.err
    );
    assert!(stored > 1, "only {stored} bodies fit");
    let names = done(&["ls"]);
    assert_eq!(
        String::from_utf8(names).unwrap().lines().count(),
        stored,
        "the refused one left nothing"
    );
    for n in 0..stored {
        done(&["rm", &format!("/{n}")]);
    }
    done(&["gc", "--now"]);
    done(&["put", &body, "/again"]);
    assert!(done(&["cat", "/again"]) == pattern(8 << 20));
    assert!(String::from_utf8(done(&["fsck"])).unwrap().starts_with("clean"));
    let fresh = ran(on(
        &disk,
        &nokv,
        &["init", "--data", disk.path().join("other").to_str().unwrap()],
    )
    .env("NOKV_LOG_RESERVE", "128M")
    .output()
    .unwrap());
    assert_eq!(fresh.exit, 1, "{}", fresh.err);
    assert!(
        fresh.err.contains("NOKV-E0028") && fresh.err.contains("other"),
        "{}",
        fresh.err
    );
}
