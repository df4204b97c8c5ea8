//! verify, fsck, gc, df: what is found, and what is said about it.

use crate::run::{Scratch, pattern};
use std::path::{Path, PathBuf};

fn objects(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            objects(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Every object that holds bodies.
pub(crate) fn data_objects(nokv: &Scratch) -> Vec<PathBuf> {
    let mut found = Vec::new();
    objects(&nokv.data().join("objects/objects/data"), &mut found);
    found
}

#[test]
fn a_healthy_workspace_is_clean() {
    let nokv = Scratch::new();
    nokv.feed(&["put", "-", "/a"], &pattern(6 << 20));
    assert!(nokv.ok(&["fsck"]).starts_with("clean"));
    assert!(nokv.ok(&["verify"]).starts_with("verified 1 files, 6.0 MiB"));
    let df = nokv.json(&["df"]);
    assert_eq!(df["live_bytes"], 6 << 20);
    assert_eq!(df["objects"], data_objects(&nokv).len(), "{df}");
    assert_eq!(df["object_bytes"], 6 << 20, "{df}");
    assert_eq!(df["objects_waiting"], 0, "{df}");
    assert_eq!(df["object_bytes_waiting"], 0, "{df}");
}

#[test]
fn a_flipped_bit_in_a_body_is_found_by_every_reader() {
    let nokv = Scratch::new();
    nokv.feed(&["put", "-", "/damaged"], &pattern(100_000));
    let object = data_objects(&nokv).pop().unwrap();
    let mut bytes = std::fs::read(&object).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&object, bytes).unwrap();
    nokv.feed(&["put", "-", "/whole"], &pattern(100_000));
    let err = nokv.fails(&["cat", "/damaged"], 3);
    assert!(err.contains("NOKV-E0118"), "{err}");
    assert!(
        nokv.run(&["cat", "/damaged"]).out.is_empty(),
        "no unverified byte is printed"
    );
    let ran = nokv.run(&["verify"]);
    assert_eq!(ran.exit, 3, "{}", ran.err);
    let told = String::from_utf8(ran.out).unwrap();
    assert!(told.contains("/damaged") && !told.contains("/whole"), "{told}");
    nokv.ok(&["cat", "/whole"]);
}

#[test]
fn gc_deletes_what_nothing_refers_to_and_explains_what_it_keeps() {
    let nokv = Scratch::new();
    nokv.feed(&["put", "-", "/kept"], &pattern(100_000));
    let object = nokv.json(&["stat", "/kept"])["first_object"]
        .as_str()
        .unwrap()
        .to_owned();
    let told = nokv.ok(&["gc", "--explain", &object]);
    assert!(
        told.contains("is kept by 1 references") && told.contains("/kept"),
        "{told}"
    );
    nokv.fails(&["gc", "--explain", "xyz"], 2);
    let dry = nokv.json(&["gc", "--dry-run"]);
    assert_eq!(dry["dry_run"], true);
    nokv.ok(&["gc", "--now"]);
    nokv.ok(&["cat", "/kept"]);
    nokv.ok(&["verify"]);
}

#[test]
fn one_gc_now_frees_what_was_removed() {
    let nokv = Scratch::bare();
    // What was removed is not kept for reading back.
    nokv.ok(&["init", "--history", "0s"]);
    let body = nokv.write("body", &pattern(6 << 20));
    nokv.ok(&["put", &body, "/removed"]);
    let (objects, bytes) = (data_objects(&nokv).len(), 6_u64 << 20);
    assert!(
        objects > 0 && bytes >= 6 << 20,
        "{objects} objects, {bytes} bytes"
    );
    nokv.ok(&["rm", "/removed"]);
    nokv.ok(&["gc"]);
    let df = nokv.json(&["df"]);
    assert_eq!(
        (&df["objects"], &df["object_bytes"]),
        (&0.into(), &0.into()),
        "{df}"
    );
    assert_eq!(df["objects_waiting"], objects, "{df}");
    assert_eq!(df["object_bytes_waiting"], bytes, "{df}");
    nokv.ok(&["put", &body, "/too"]);
    nokv.ok(&["rm", "/too"]);
    let freed = nokv.json(&["gc", "--now"]);
    assert_eq!(freed["objects_deleted"], 2 * objects, "{freed}");
    assert_eq!(freed["bytes_freed"], 2 * bytes, "{freed}");
    assert_eq!(freed["objects_waiting"], 0, "{freed}");
    assert_eq!(data_objects(&nokv), Vec::<PathBuf>::new());
    let df = nokv.json(&["df"]);
    assert_eq!(df["objects_waiting"], 0, "{df}");
    assert!(nokv.ok(&["fsck"]).starts_with("clean"));
}
