//! Names, paths, attributes and sizes at their limits and beyond: each gets its typed error, and the namespace is
//! as it was.

use crate::health::data_objects;
use crate::run::{Scratch, pattern, text};
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;

/// The longest name and the longest path, in bytes.
const NAME_BYTES: usize = 255;
const PATH_BYTES: usize = 4096;

fn world() -> Scratch {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "-p", "/standing/here"]);
    nokv.feed(&["put", "-", "/standing/file"], &pattern(5000));
    nokv.ok(&["snapshot", "create", "s", "/standing"]);
    nokv
}

#[test]
fn names_of_no_bytes_of_255_and_of_256() {
    let nokv = world();
    let before = nokv.state();
    let (fits, long) = ("n".repeat(NAME_BYTES), "n".repeat(NAME_BYTES + 1));
    let verbs = [
        &["mkdir"][..],
        &["put", "/dev/null"],
        &["mv", "/standing"],
        &["ln", "-s", "x"],
    ];
    for verb in verbs {
        nokv.refuses(&[verb, &[""]].concat(), 2, &["NOKV-E0900", "empty path"]);
        nokv.refuses(
            &[verb, &[&format!("/{long}")]].concat(),
            2,
            &["NOKV-E0036", "255"],
        );
        nokv.refuses(&[verb, &[&format!("/{long}/below")]].concat(), 2, &["NOKV-E0036"]);
    }
    assert_eq!(nokv.state(), before);
    nokv.ok(&["mkdir", &fits]);
    nokv.ok(&["rm", "-r", "--yes", &fits]);
}

#[test]
fn the_root_dots_and_slashes() {
    let nokv = world();
    let before = nokv.state();
    for path in ["..", "/..", "/standing/..", "/standing/../other", "../standing"] {
        for verb in [
            &["mkdir"][..],
            &["put", "/dev/null"],
            &["ls"],
            &["rm", "-r", "--yes"],
        ] {
            nokv.refuses(&[verb, &[path]].concat(), 2, &["NOKV-E0100", ".."]);
        }
    }
    for verb in [
        &["mkdir", "/"][..],
        &["rm", "-r", "--yes", "/"],
        &["mv", "/", "/x"],
        &["mv", "/standing", "/standing/here"],
        &["ln", "/standing/file", "/"],
        &["rm", "/standing"],
    ] {
        nokv.refuses(verb, 1, &["NOKV-E"]);
    }
    assert_eq!(nokv.state(), before);
    assert_eq!(nokv.ok(&["ls", "//standing/./here/"]), "");
}

#[test]
fn paths_of_4096_bytes_and_of_more() {
    let nokv = world();
    let before = nokv.state();
    // Sixteen names of 255 bytes, each behind a slash, are 4096 bytes.
    let fits = format!("/{}", "d".repeat(NAME_BYTES)).repeat(PATH_BYTES / (NAME_BYTES + 1));
    assert_eq!(fits.len(), PATH_BYTES);
    for verb in [&["mkdir", "-p"][..], &["ls"], &["put", "/dev/null"]] {
        nokv.refuses(
            &[verb, &[&format!("{fits}/x")]].concat(),
            2,
            &["NOKV-E0101", "4096"],
        );
    }
    assert_eq!(nokv.state(), before);
    nokv.ok(&["mkdir", "-p", &fits]);
    assert_eq!(nokv.ok(&["ls", &fits]), "");
}

#[test]
fn names_of_attributes_snapshots_and_forks() {
    let nokv = world();
    let before = nokv.state();
    let long = "k".repeat(256);
    for name in ["", &long] {
        nokv.refuses(&["snapshot", "create", name], 2, &["NOKV-E0"]);
        nokv.refuses(&["fork", "create", name], 2, &["NOKV-E0"]);
        nokv.refuses(&["xattr", "set", "/standing", name, "v"], 2, &["NOKV-E0"]);
    }
    nokv.refuses(
        &["snapshot", "create", "s", "/"],
        1,
        &["NOKV-E0017", "snapshot s", "nokv snapshot show s"],
    );
    nokv.refuses(&["fork", "create", "main"], 1, &["NOKV-E0017", "nokv fork list"]);
    assert_eq!(nokv.state(), before);
}

#[test]
fn attributes_beyond_their_limits() {
    let nokv = world();
    let before = nokv.state();
    let value = "v".repeat(32 * 1024 + 1);
    nokv.refuses(
        &["xattr", "set", "/standing", "user.v", &value],
        1,
        &["NOKV-E0027", "32 KiB"],
    );
    let sets: Vec<String> = (0..1025).map(|n| format!("--set=k{n}=v")).collect();
    let publish = [
        vec![
            "publish".to_owned(),
            "/dev/null".to_owned(),
            "/standing/many".to_owned(),
        ],
        sets,
    ]
    .concat();
    nokv.refuses(&publish, 1, &["NOKV-E0104", "1024"]);
    assert_eq!(nokv.state(), before);
}

#[test]
fn a_file_of_no_bytes_and_one_of_a_hundred_gib_of_hole() {
    let nokv = world();
    let path = nokv.local("sparse");
    File::create(&path).unwrap().set_len(100 << 30).unwrap();
    let before = data_objects(&nokv).len();
    nokv.ok(&["put", "/dev/null", "/empty"]);
    nokv.ok(&["put", text(&path), "/sparse"]);
    // Standard input that is a file has its holes as well.
    let mut put = nokv.command(&["put", "-", "/redirected"]);
    assert!(put.stdin(File::open(&path).unwrap()).status().unwrap().success());
    for (name, size) in [
        ("/empty", 0_u64),
        ("/sparse", 100 << 30),
        ("/redirected", 100 << 30),
    ] {
        let stat = nokv.json(&["stat", name]);
        assert_eq!(
            (&stat["size"], &stat["allocated"]),
            (&size.into(), &0.into()),
            "{name}"
        );
    }
    assert_eq!(data_objects(&nokv).len(), before, "nothing of a hole is stored");
    let out = nokv.local("out");
    nokv.ok(&["get", "/sparse", text(&out)]);
    let got = out.metadata().unwrap();
    assert_eq!(got.size(), 100 << 30);
    assert!(got.blocks() * 512 <= 1 << 20, "{} blocks", got.blocks());
    nokv.ok(&["verify", "/sparse"]);
}
