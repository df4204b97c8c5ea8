//! Extended attributes, find, du, quota, publish.

use crate::run::{Scratch, pattern};

#[test]
fn attributes_are_set_listed_and_removed() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "/run"]);
    nokv.ok(&["xattr", "set", "/run", "user.owner", "ml"]);
    nokv.fails(&["xattr", "set", "--create", "/run", "user.owner", "x"], 1);
    nokv.fails(&["xattr", "set", "--replace", "/run", "user.other", "x"], 1);
    assert_eq!(nokv.ok(&["xattr", "get", "/run", "user.owner"]), "ml");
    let listed = nokv.json(&["xattr", "list", "/run"]);
    assert_eq!(
        (&listed[0]["name"], &listed[0]["value"]),
        (&"user.owner".into(), &"ml".into())
    );
    nokv.ok(&["xattr", "rm", "/run", "user.owner"]);
    let err = nokv.fails(&["xattr", "get", "/run", "user.owner"], 1);
    assert!(
        err.contains("NOKV-E0061") && err.contains("try: nokv xattr list /run"),
        "{err}"
    );
}

#[test]
fn publish_brings_body_and_attributes_together_and_can_expect_a_generation() {
    let nokv = Scratch::new();
    let from = nokv.write("report.json", b"{}");
    let published = nokv.json(&["publish", &from, "/runs/7/report.json", "--set", "status=done"]);
    let generation = published["generation"].to_string();
    assert_eq!(
        published["evidence"],
        format!("nokv-native:///runs/7/report.json@{generation}")
    );
    assert_eq!(
        nokv.ok(&["xattr", "get", "/runs/7/report.json", "user.nokv.status"]),
        "done"
    );
    nokv.ok(&["publish", &from, "/runs/7/report.json", "--expect", &generation]);
    let err = nokv.fails(
        &["publish", &from, "/runs/7/report.json", "--expect", &generation],
        1,
    );
    assert!(err.contains("NOKV-E0106"), "{err}");
}

#[test]
fn find_and_du_walk_what_is_there() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "-p", "/runs/a", "/runs/b"]);
    for (path, len) in [
        ("/runs/a/train.log", 100),
        ("/runs/a/model.bin", 5000),
        ("/runs/b/train.log", 50),
    ] {
        nokv.feed(&["put", "-", path], &pattern(len));
    }
    nokv.ok(&["ln", "/runs/a/model.bin", "/runs/b/same.bin"]);
    assert_eq!(
        nokv.ok(&["find", "--name", "*.log"]),
        "/runs/a/train.log\n/runs/b/train.log\n"
    );
    assert_eq!(
        nokv.ok(&["find", "/runs", "--kind", "directory"]),
        "/runs/a\n/runs/b\n"
    );
    assert_eq!(
        nokv.ok(&["find", "--name", "train.*", "--limit", "1"]),
        "/runs/a/train.log\n"
    );
    let sums = nokv.json(&["du", "/runs", "--depth", "1"]);
    let sizes: Vec<(&str, u64)> = sums
        .as_array()
        .unwrap()
        .iter()
        .map(|sum| (sum["path"].as_str().unwrap(), sum["size"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        sizes,
        [("/runs", 5150), ("/runs/a", 5100), ("/runs/b", 50)],
        "a linked file counts once"
    );
}

#[test]
fn a_quota_refuses_what_does_not_fit() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "/team"]);
    nokv.ok(&["quota", "/team", "--bytes", "10K", "--inodes", "3"]);
    nokv.feed(&["put", "-", "/team/small"], &pattern(4000));
    let refused = nokv.feed(&["put", "-", "/team/large"], &pattern(9000));
    assert_eq!(refused.exit, 1, "{}", refused.err);
    assert!(refused.err.contains("NOKV-E0122"), "{}", refused.err);
    let usage = nokv.json(&["quota", "/team"]);
    assert_eq!(
        (&usage["bytes"], &usage["limit_bytes"]),
        (&4000.into(), &10240.into())
    );
    nokv.ok(&["quota", "/team", "--bytes", "none"]);
    assert_eq!(nokv.feed(&["put", "-", "/team/large"], &pattern(9000)).exit, 0);
    assert_eq!(nokv.json(&["quota", "/team"])["limit_inodes"], 3);
}
