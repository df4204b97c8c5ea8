//! Import and export of archives.

use crate::run::{Scratch, pattern, text};
use std::io::Write as _;
use tar::{Builder, EntryType, Header};

pub(crate) fn header(kind: EntryType, size: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o640);
    header.set_mtime(1_700_000_000);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size as u64);
    header
}

/// An archive with every kind of entry that is taken.
pub(crate) fn sample() -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    tar.append_data(&mut header(EntryType::Directory, 0), "runs/", &[][..])
        .unwrap();
    for (name, len) in [
        ("runs/empty", 0),
        ("runs/small", 100),
        ("runs/packed", 50_000),
        ("runs/large", 5 << 20),
    ] {
        tar.append_data(&mut header(EntryType::Regular, len), name, &pattern(len)[..])
            .unwrap();
    }
    tar.append_data(
        &mut header(EntryType::Regular, 3),
        "implied/dir/file",
        &b"abc"[..],
    )
    .unwrap();
    tar.append_link(&mut header(EntryType::Symlink, 0), "latest", "runs/small")
        .unwrap();
    tar.append_link(&mut header(EntryType::Link, 0), "runs/same", "runs/small")
        .unwrap();
    tar.append_data(&mut header(EntryType::Fifo, 0), "pipe", &[][..])
        .unwrap();
    tar.into_inner().unwrap()
}

pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const PATHS: [&str; 11] = [
    "implied",
    "implied/dir",
    "implied/dir/file",
    "latest",
    "pipe",
    "runs",
    "runs/empty",
    "runs/large",
    "runs/packed",
    "runs/same",
    "runs/small",
];

#[test]
fn a_tar_a_tar_xz_and_a_stream_all_make_the_same_tree() {
    let nokv = Scratch::new();
    let tar = sample();
    let plain = nokv.write("runs.tar", &tar);
    let packed = nokv.write("runs.tar.xz", &xz(&tar));
    nokv.ok(&["import", &plain, "/plain"]);
    nokv.ok(&["import", &packed, "/packed"]);
    assert_eq!(nokv.feed(&["import", "-", "/stream"], &tar).exit, 0);
    for top in ["/plain", "/packed", "/stream"] {
        assert_eq!(
            nokv.ok(&["ls", "-Ra", top]).lines().collect::<Vec<_>>(),
            PATHS,
            "{top}"
        );
        for (name, len) in [
            ("empty", 0),
            ("small", 100),
            ("packed", 50_000),
            ("large", 5 << 20),
        ] {
            assert_eq!(
                nokv.run(&["cat", &format!("{top}/runs/{name}")]).out,
                pattern(len),
                "{top} {name}"
            );
        }
        let small = nokv.json(&["stat", &format!("{top}/runs/small")]);
        assert_eq!((&small["nlink"], &small["mode"]), (&2.into(), &"0640".into()));
        assert_eq!(small["mtime"], "2023-11-14T22:13:20.000000000Z");
    }
    assert!(
        !nokv.paths().iter().any(|path| path.contains("nokv-import")),
        "the stage is gone"
    );
}

#[test]
fn entries_go_into_a_directory_that_is_there_and_never_replace_one() {
    let nokv = Scratch::new();
    let plain = nokv.write("runs.tar", &sample());
    nokv.ok(&["import", &plain, "/"]);
    assert_eq!(nokv.paths(), PATHS);
    let before = nokv.paths();
    let err = nokv.fails(&["import", &plain, "/"], 1);
    assert!(err.contains("NOKV-E0017"), "{err}");
    assert_eq!(nokv.paths(), before, "the namespace is as it was");
}

#[test]
fn an_export_imports_as_the_same_tree() {
    let nokv = Scratch::new();
    let plain = nokv.write("runs.tar", &sample());
    nokv.ok(&["import", &plain, "/a"]);
    nokv.ok(&["xattr", "set", "/a/runs/small", "user.nokv.status", "done"]);
    for name in ["out.tar", "out.tar.xz"] {
        let out = nokv.local(name);
        nokv.ok(&["export", "/a", text(&out)]);
        nokv.ok(&["import", text(&out), &format!("/{name}")]);
        assert_eq!(
            nokv.ok(&["ls", "-Ra", &format!("/{name}")]),
            nokv.ok(&["ls", "-Ra", "/a"])
        );
        let again = format!("/{name}/runs/small");
        assert_eq!(nokv.ok(&["xattr", "get", &again, "user.nokv.status"]), "done");
        assert_eq!(nokv.json(&["stat", &again])["nlink"], 2);
    }
    let piped = nokv.run(&["export", "/a", "-"]);
    assert_eq!(nokv.feed(&["import", "-", "/b"], &piped.out).exit, 0);
    assert_eq!(nokv.run(&["cat", "/b/runs/large"]).out, pattern(5 << 20));
}

#[test]
fn names_longer_than_a_tar_header_survive() {
    let nokv = Scratch::new();
    let mut tar = Builder::new(Vec::new());
    let long = format!("{}/{}", "d".repeat(200), "f".repeat(200));
    tar.append_data(&mut header(EntryType::Regular, 1), &long, &b"x"[..])
        .unwrap();
    let plain = nokv.write("long.tar", &tar.into_inner().unwrap());
    nokv.ok(&["import", &plain, "/a"]);
    assert_eq!(nokv.ok(&["cat", &format!("/a/{long}")]), "x");
}
