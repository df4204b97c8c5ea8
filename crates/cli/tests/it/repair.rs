//! `fsck` and `fsck --repair` on rows that somebody damaged.

use crate::run::{Scratch, pattern};
use nokv_client::Namespace as _;
use nokv_metad::{Embedded, Options, open_objects};
use nokv_testkit::rows::{Change, tamper};

/// Families of derived rows: references of objects, usage of quota roots.
const OBJECTS: &[u8] = b"o";
const USAGE: &[u8] = b"q";

fn world() -> Scratch {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "-p", "/runs/1"]);
    nokv.ok(&["quota", "/runs", "--bytes", "1G"]);
    for n in 0..4 {
        nokv.feed(&["put", "-", &format!("/runs/1/{n}")], &pattern(100_000 + n));
    }
    nokv.ok(&["rm", "/runs/1/0"]);
    nokv
}

fn damaged_and_repaired(family: &[u8], rule: &str, change: impl Fn(&[u8], &[u8]) -> Change) {
    let nokv = world();
    let before = nokv.state();
    // A short session leaves its changes in the log: they are published first.
    let store = format!("dir:{}", nokv.data().join("objects").display());
    let embedded = Embedded::open(&nokv.data(), Options::new(open_objects(&store).unwrap())).unwrap();
    embedded.checkpoint().unwrap();
    embedded.close().unwrap();
    let frames = nokv.data().join("frames");
    let changed = tamper(&frames, family, change).unwrap();
    assert!(changed > 0, "nothing was damaged");
    let found = nokv.run(&["fsck"]);
    assert_eq!(found.exit, 3, "{}", found.err);
    assert!(
        found.err.contains("NOKV-E0902") && found.err.contains("try: nokv fsck --repair"),
        "{}",
        found.err
    );
    let told = String::from_utf8(found.out).unwrap();
    assert!(told.contains(rule), "{rule} is not in: {told}");
    let repaired = nokv.run(&["fsck", "--repair"]);
    let told = String::from_utf8(repaired.out).unwrap();
    assert_eq!(repaired.exit, 0, "{told}{}", repaired.err);
    assert!(told.contains(" yes") && told.contains("now clean"), "{told}");
    assert!(nokv.ok(&["fsck"]).starts_with("clean"));
    assert_eq!(nokv.state(), before, "what is derived is as it was");
    nokv.ok(&["gc", "--now"]);
    nokv.ok(&["verify"]);
}

#[test]
fn wrong_references_of_objects_are_found_and_counted_again() {
    // Behind the schema and the id of the object: how many extents refer to it.
    const REFERENCES_AT: usize = 17;
    damaged_and_repaired(OBJECTS, "references", |_, value| {
        let mut value = value.to_vec();
        value[REFERENCES_AT] += 6;
        Some(Some(value))
    });
}

#[test]
fn lost_usage_of_quota_roots_is_found_and_counted_again() {
    damaged_and_repaired(USAGE, "usage", |_, _| Some(None));
}
