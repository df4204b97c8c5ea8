//! Commands of one process each: what one of them left behind is shown, and freed by another.

use crate::run::{Scratch, pattern};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

/// Looks at what another process does, one after the other.
const LOOKS: usize = 1500;
/// Time between two of them.
const PAUSE: Duration = Duration::from_millis(20);

/// Objects of bodies in the store.
fn stored(dir: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return 0;
    };
    let count = |path: &Path| {
        if path.is_dir() { stored(path) } else { 1 }
    };
    entries.map(|entry| count(&entry.unwrap().path())).sum()
}

fn bodies(nokv: &Scratch) -> usize {
    stored(&nokv.data().join("objects/objects/data"))
}

fn scratch(init: &[&str]) -> Scratch {
    let nokv = Scratch::bare();
    nokv.ok(&[&["init"], init].concat());
    nokv
}

#[test]
fn what_a_killed_upload_stored_is_shown_and_freed() {
    let nokv = scratch(&[]);
    let mut child = nokv
        .command(&["put", "-", "/f"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&pattern(20 << 20)).unwrap();
    let uploaded = (0..LOOKS).any(|_| {
        std::thread::sleep(PAUSE);
        bodies(&nokv) >= 2
    });
    assert!(uploaded, "nothing was uploaded");
    child.kill().unwrap();
    child.wait().unwrap();
    let left = bodies(&nokv);
    let df = nokv.json(&["df"]);
    assert_eq!(df["objects"], 0, "{df}");
    assert_eq!(df["objects_reserved"], left, "{df}");
    assert!(df["object_bytes_reserved"].as_u64().unwrap() > 1 << 20, "{df}");
    // Its ids have their term; who does not want to wait for it says so.
    nokv.ok(&["gc"]);
    assert_eq!(bodies(&nokv), left);
    nokv.ok(&["gc", "--now"]);
    assert_eq!(bodies(&nokv), 0);
    assert_eq!(nokv.json(&["df"])["objects_reserved"], 0);
    assert!(nokv.ok(&["fsck"]).starts_with("clean"));
}

#[test]
fn the_window_of_a_workspace_passes_between_two_commands() {
    let nokv = scratch(&["--history", "1s"]);
    let body = nokv.write("f", &pattern(100_000));
    nokv.ok(&["put", &body, "/f"]);
    assert_eq!(bodies(&nokv), 1);
    nokv.ok(&["rm", "/f"]);
    let freed = (0..LOOKS).any(|_| {
        std::thread::sleep(PAUSE);
        nokv.ok(&["gc", "--now"]);
        bodies(&nokv) == 0
    });
    assert!(freed, "the window did not pass");
}

#[test]
fn a_limit_is_in_force_when_it_is_set_on_a_full_directory() {
    let nokv = scratch(&[]);
    nokv.ok(&["mkdir", "/d"]);
    let body = nokv.write("f", &pattern(100_000));
    for name in ["/d/a", "/d/b"] {
        nokv.ok(&["put", &body, name]);
    }
    let set = nokv.json(&["quota", "/d", "--bytes", "250K"]);
    assert_eq!(
        (&set["counting"], &set["bytes"]),
        (&false.into(), &200_000.into()),
        "{set}"
    );
    let refused = nokv.run(&["put", &body, "/d/c"]);
    assert_ne!(refused.exit, 0, "{refused:?}");
    assert_eq!(nokv.ok(&["ls", "/d"]).lines().count(), 2);
    nokv.ok(&["rm", "/d/a"]);
    nokv.ok(&["put", &body, "/d/c"]);
}
