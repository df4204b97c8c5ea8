//! Snapshots, time travel, forks, diff, rollback, events.

use crate::run::Scratch;

fn put(nokv: &Scratch, path: &str, body: &str) {
    assert_eq!(nokv.feed(&["put", "-", path], body.as_bytes()).exit, 0);
}

#[test]
fn a_snapshot_shows_what_was_deleted_since() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "/runs"]);
    put(&nokv, "/runs/a", "one");
    nokv.ok(&["snapshot", "create", "before", "/"]);
    put(&nokv, "/runs/a", "two");
    put(&nokv, "/runs/b", "new");
    nokv.ok(&["rm", "/runs/a"]);
    assert_eq!(nokv.ok(&["ls", "/runs", "--at", "before"]), "a\n");
    assert_eq!(nokv.ok(&["cat", "/runs/a", "--at", "snapshot:before"]), "one");
    assert_eq!(nokv.ok(&["ls", "/runs"]), "b\n");
    let listed = nokv.json(&["snapshot", "list"]);
    assert_eq!(listed[0]["name"], "before");
    assert_eq!(nokv.json(&["snapshot", "show", "before"])["holders"], "cli");
    nokv.fails(&["snapshot", "delete", "before"], 2);
    nokv.ok(&["snapshot", "delete", "before", "--yes"]);
    nokv.fails(&["ls", "--at", "before"], 1);
}

#[test]
fn a_version_inside_the_window_can_be_read() {
    let nokv = Scratch::new();
    let first = nokv.feed(&["put", "-", "/file", "-o", "json"], b"one");
    let first: serde_json::Value = serde_json::from_slice(&first.out).unwrap();
    put(&nokv, "/file", "two");
    let version = first["version"].to_string();
    assert_eq!(nokv.ok(&["cat", "/file", "--at", &version]), "one");
    assert_eq!(
        nokv.ok(&["cat", "/file", "--at", &format!("version:{version}")]),
        "one"
    );
}

#[test]
fn a_moment_before_the_history_is_answered_with_the_oldest_one() {
    let nokv = Scratch::new();
    put(&nokv, "/file", "one");
    let err = nokv.fails(&["cat", "/file", "--at", "1971-01-01"], 1);
    assert!(
        err.contains("NOKV-E0107") && err.contains("time 1971-01-01T00:00:00Z"),
        "{err}"
    );
    assert_eq!(err.matches("history").count(), 1, "{err}");
    let (_, oldest) = err.split_once("the oldest moment is ").unwrap();
    nokv.ok(&["ls", "--at", oldest.split_whitespace().next().unwrap()]);
}

#[test]
fn what_is_no_state_is_answered_with_the_forms_of_one() {
    let nokv = Scratch::new();
    for at in ["10x", "snapshot:none"] {
        let err = nokv.fails(&["ls", "--at", at], 1);
        assert!(
            err.contains("NOKV-E0002") && err.contains("version:N") && err.contains("10m"),
            "{err}"
        );
    }
}

#[test]
fn a_fork_goes_its_own_way_and_can_be_promoted() {
    let nokv = Scratch::new();
    put(&nokv, "/config", "base");
    nokv.ok(&["fork", "create", "exp"]);
    put(&nokv, "exp:/config", "tuned");
    put(&nokv, "exp:/extra", "x");
    assert_eq!(nokv.ok(&["cat", "/config"]), "base");
    assert_eq!(nokv.ok(&["cat", "/config", "--root", "exp"]), "tuned");
    let names = nokv.json(&["fork", "list"]);
    assert_eq!(names.as_array().unwrap().len(), 2);
    let changes = nokv.json(&["diff", "main", "exp"]);
    let mut paths: Vec<_> = changes
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            (
                change["path"].as_str().unwrap(),
                change["change"].as_str().unwrap(),
            )
        })
        .collect();
    paths.sort_unstable();
    assert_eq!(paths, [("/config", "body"), ("/extra", "added")]);
    nokv.ok(&["fork", "promote", "exp", "--yes"]);
    assert_eq!(nokv.ok(&["cat", "/config"]), "tuned");
}

#[test]
fn a_promote_over_changes_wants_to_be_told_and_a_fork_can_be_deleted() {
    let nokv = Scratch::new();
    put(&nokv, "/a", "base");
    nokv.ok(&["fork", "create", "exp"]);
    put(&nokv, "exp:/a", "fork");
    put(&nokv, "/a", "live");
    let err = nokv.fails(&["fork", "promote", "exp", "--yes"], 1);
    assert!(
        err.contains("NOKV-E0110") && err.contains("--discard-live"),
        "{err}"
    );
    nokv.ok(&["fork", "promote", "exp", "--discard-live", "--yes"]);
    assert_eq!(nokv.ok(&["cat", "/a"]), "fork");
    nokv.ok(&["fork", "create", "other"]);
    nokv.ok(&["fork", "delete", "other", "--yes"]);
    nokv.fails(&["ls", "other:/"], 1);
}

#[test]
fn a_rollback_can_itself_be_undone() {
    let nokv = Scratch::new();
    put(&nokv, "/a", "one");
    nokv.ok(&["snapshot", "create", "good"]);
    put(&nokv, "/a", "two");
    nokv.ok(&["rollback", "good", "--dry-run"]);
    assert_eq!(nokv.ok(&["cat", "/a"]), "two");
    let kept = nokv.json(&["rollback", "good", "--yes"])["kept"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(nokv.ok(&["cat", "/a"]), "one");
    nokv.ok(&["rollback", &format!("snapshot:{kept}"), "--yes"]);
    assert_eq!(nokv.ok(&["cat", "/a"]), "two");
}

#[test]
fn a_diff_against_a_snapshot_names_renames_and_removals() {
    let nokv = Scratch::new();
    for path in ["/keep", "/gone", "/old"] {
        put(&nokv, path, path);
    }
    nokv.ok(&["snapshot", "create", "s"]);
    nokv.ok(&["rm", "/gone"]);
    nokv.ok(&["mv", "/old", "/new"]);
    let diff = nokv.ok(&["diff", "@s"]);
    assert!(
        diff.lines()
            .any(|line| line.starts_with("removed") && line.contains("/gone")),
        "{diff}"
    );
    let renamed = diff.lines().find(|line| line.starts_with("renamed")).unwrap();
    assert!(renamed.contains("/new") && renamed.contains("/old"), "{diff}");
    assert!(!diff.contains("/keep"), "{diff}");
    assert_eq!(nokv.ok(&["diff", "@s", "@s"]), "");
}

#[test]
fn the_log_tells_what_happened_where() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "-p", "/runs/1"]);
    put(&nokv, "/runs/1/log", "x");
    put(&nokv, "/other", "x");
    nokv.ok(&["mv", "/runs/1/log", "/runs/1/old"]);
    let events = nokv.json(&["log", "/runs"]);
    let told: Vec<(&str, &str)> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["event"].as_str().unwrap(), event["path"].as_str().unwrap()))
        .collect();
    assert!(told.contains(&("publish", "/runs/1/log")), "{told:?}");
    assert!(told.contains(&("rename", "/runs/1/old")), "{told:?}");
    assert!(told.iter().all(|(_, path)| path.starts_with("/runs")), "{told:?}");
    let last = events.as_array().unwrap().last().unwrap()["version"].to_string();
    assert_eq!(nokv.json(&["log", "--since", &last]), serde_json::json!([]));
    assert_eq!(
        nokv.ok(&["log", "--kind", "publish", "-n", "1"]).lines().count(),
        2
    );
}
