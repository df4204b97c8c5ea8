//! What is refused is refused before a body is stored, and names what can be done as it can be typed.

use crate::health::data_objects;
use crate::run::{Scratch, pattern};

/// Runs the commands that an error recommends, as a shell would.
fn follow(nokv: &Scratch, err: &str) -> Vec<i32> {
    let advice = err.split("try: ").nth(1).unwrap().trim();
    let typed = advice.split("; ").map(|command| {
        let words: Vec<&str> = command.split_whitespace().skip(1).collect();
        nokv.run(&words).exit
    });
    typed.collect()
}

#[test]
fn a_refused_put_leaves_no_object() {
    let nokv = Scratch::new();
    let large = nokv.write("large", &pattern(6 << 20));
    let long = format!("/{}", "n".repeat(256));
    nokv.ok(&["mkdir", "-p", "/dir", "/dir/large", "/team", "/few"]);
    nokv.feed(&["put", "-", "/file"], b"x");
    nokv.ok(&["quota", "/team", "--bytes", "5M"]);
    nokv.ok(&["quota", "/few", "--inodes", "1"]);
    for (arguments, exit, code) in [
        (&["put", &large, "/none/file"][..], 1, "NOKV-E0002"),
        (&["put", &large, "/dir"], 1, "NOKV-E0021"),
        (&["put", "--append", &large, "/dir"], 1, "NOKV-E0021"),
        (&["put", &large, "/file/below"], 1, "NOKV-E0020"),
        (&["put", &large, &long], 2, "NOKV-E0036"),
        (&["put", "--create-only", &large, "/file"], 1, "NOKV-E0017"),
        (&["put", &large, "/team/large"], 1, "NOKV-E0122"),
        (&["put", &large, "/few/large"], 1, "NOKV-E0122"),
        (&["publish", "--expect", "3", &large, "/file"], 1, "NOKV-E0106"),
        (&["publish", "--create-only", &large, "/file"], 1, "NOKV-E0017"),
        (&["put", &large, "none:/file"], 1, "NOKV-E0002"),
    ] {
        nokv.refuses(arguments, exit, &[code]);
        assert!(data_objects(&nokv).is_empty(), "{arguments:?}");
    }
    let err = nokv.fails(&["put", &large, "/team/large"], 1);
    assert!(
        err.contains("0 B of 5.0 MiB") && err.contains("the body has 6.0 MiB"),
        "{err}"
    );
    nokv.ok(&["quota", "/team", "--bytes", "6M"]);
    nokv.ok(&["put", &large, "/team/large"]);
    nokv.ok(&["put", &large, "/team/large"]);
}

#[test]
fn zeros_are_holes_for_a_quota_as_well() {
    let nokv = Scratch::new();
    let zeros = nokv.write("zeros", &vec![0; 9 << 20]);
    nokv.ok(&["mkdir", "/team"]);
    nokv.ok(&["quota", "/team", "--bytes", "1M"]);
    nokv.ok(&["put", &zeros, "/team/zeros"]);
}

#[test]
fn an_import_over_an_entry_is_refused_before_a_body_is_stored() {
    let nokv = Scratch::new();
    nokv.write("folder/model", &pattern(6 << 20));
    nokv.write("folder/failed/log", b"x");
    let folder = nokv.local("folder");
    nokv.ok(&["mkdir", "-p", "/runs2/failed"]);
    let before = nokv.paths();
    let err = nokv.fails(&["import", folder.to_str().unwrap(), "/runs2"], 1);
    assert!(err.contains("NOKV-E0017: /runs2/failed exists already"), "{err}");
    assert!(err.contains("try: nokv stat /runs2/failed"), "{err}");
    assert_eq!(follow(&nokv, &err), [0]);
    assert!(data_objects(&nokv).is_empty());
    assert_eq!(nokv.paths(), before);
    let tar = nokv.local("folder.tar");
    let made = std::process::Command::new("tar")
        .args([
            "-C",
            folder.to_str().unwrap(),
            "-cf",
            tar.to_str().unwrap(),
            "failed",
            "model",
        ])
        .status();
    assert!(made.unwrap().success());
    let err = nokv.fails(&["import", tar.to_str().unwrap(), "/runs2"], 1);
    assert!(err.contains("/runs2/failed exists already"), "{err}");
    assert!(data_objects(&nokv).is_empty());
}

#[test]
fn a_missing_parent_is_made_by_the_command_that_is_named() {
    let nokv = Scratch::new();
    let file = nokv.write("file", b"x");
    for arguments in [
        &["mkdir", "/a/b/c"][..],
        &["put", &file, "/d/e/f"],
        &["import", nokv.dir.path().to_str().unwrap(), "/g/h"],
    ] {
        let err = nokv.fails(arguments, 1);
        assert!(err.contains("try: nokv mkdir -p /"), "{err}");
        assert_eq!(follow(&nokv, &err), [0], "{err}");
    }
    assert!(nokv.paths().contains(&"a/b/c".to_owned()), "{:?}", nokv.paths());
    nokv.ok(&["put", &file, "/d/e/f"]);
    nokv.ok(&["fork", "create", "exp"]);
    let err = nokv.fails(&["mkdir", "exp:/x/y"], 1);
    assert!(
        err.contains("exp:/x does not exist") && err.contains("mkdir -p exp:/x/y"),
        "{err}"
    );
}

#[test]
fn a_promote_is_refused_by_its_dry_run_and_the_hint_works_as_typed() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "/a"]);
    nokv.ok(&["snapshot", "create", "same"]);
    nokv.ok(&["fork", "create", "exp"]);
    nokv.ok(&["mkdir", "exp:/b"]);
    nokv.ok(&["mkdir", "/c"]);
    for why in [
        "was changed since",
        "a rollback or promote pointed it at another state",
    ] {
        let before = nokv.state();
        let dry = nokv.fails(&["fork", "promote", "exp", "--dry-run"], 1);
        assert!(dry.contains("NOKV-E0110") && dry.contains(why), "{dry}");
        assert_eq!(nokv.fails(&["fork", "promote", "exp", "--yes"], 1), dry);
        assert_eq!(follow(&nokv, &dry), [0, 0], "{dry}");
        assert_eq!(nokv.state(), before);
        nokv.ok(&["rollback", "same", "--yes"]);
    }
    nokv.ok(&["fork", "promote", "exp", "--discard-live", "--yes"]);
    assert_eq!(nokv.ok(&["ls"]), "a\nb\n");
}

#[test]
fn a_taken_snapshot_name_is_refused_and_stays_what_it_was() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "-p", "/runs/1"]);
    nokv.ok(&["snapshot", "create", "s"]);
    nokv.ok(&["mkdir", "/runs/2"]);
    for path in ["/", "/runs"] {
        let err = nokv.fails(&["snapshot", "create", "s", path], 1);
        assert!(
            err.contains("NOKV-E0017: snapshot s exists already: it holds version"),
            "{err}"
        );
        assert_eq!(follow(&nokv, &err), [0]);
    }
    assert_eq!(nokv.ok(&["ls", "/runs", "--at", "s"]), "1\n");
}

#[test]
fn a_rollback_to_a_directory_names_the_copy_that_restores_it() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "-p", "/runs/1"]);
    nokv.ok(&["snapshot", "create", "part", "/runs"]);
    nokv.ok(&["rm", "-r", "--yes", "/runs/1"]);
    let err = nokv.fails(&["rollback", "part", "--yes"], 1);
    assert!(
        err.contains("NOKV-E0109") && err.contains("holds /runs only"),
        "{err}"
    );
    assert_eq!(follow(&nokv, &err), [0], "{err}");
    assert_eq!(nokv.ok(&["ls", "/runs-restored"]), "1\n");
}

#[test]
fn archives_of_other_kinds_are_refused_by_name_and_those_that_are_written_come_back() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "-p", "/runs/1"]);
    nokv.feed(&["put", "-", "/runs/1/model"], &pattern(3 << 20));
    for name in ["x.tar.gz", "x.tgz", "x.tar.bz2", "x.zip", "x.7z", "x.xz"] {
        let local = nokv.local(name);
        let err = nokv.fails(&["export", "/runs", local.to_str().unwrap()], 2);
        assert!(err.contains(".tar.xz (.txz), .tar.zst (.tzst)"), "{err}");
        assert!(!local.exists(), "{name}");
    }
    for name in ["x.tar", "x.tar.xz", "x.txz", "x.tar.zst", "x.tzst"] {
        let local = nokv.local(name);
        nokv.ok(&["export", "/runs", local.to_str().unwrap()]);
        assert!(local.is_file(), "{name}");
        let back = format!("/{name}");
        nokv.ok(&["import", local.to_str().unwrap(), &back]);
        assert_eq!(nokv.ok(&["ls", &format!("{back}/1")]), "model\n");
        nokv.ok(&["verify", &back]);
    }
    let packed = std::fs::read(nokv.local("x.tar.zst")).unwrap();
    assert_eq!(packed[..4], [0x28, 0xb5, 0x2f, 0xfd]);
    let cut = nokv.write("cut.tar.zst", &packed[..packed.len() - 3]);
    nokv.refuses(&["import", &cut, "/cut"], 65, &["NOKV-E0901", "cut short"]);
    nokv.fails(&["ls", "/cut"], 1);
}

#[test]
fn what_publish_prints_is_read_by_every_reading_command() {
    let nokv = Scratch::new();
    let one = nokv.write("one", b"one");
    let two = nokv.write("two", b"two");
    nokv.ok(&["fork", "create", "exp"]);
    for root in ["", "exp:"] {
        let path = format!("{root}/runs/a@b.json");
        let told = nokv.ok(&["publish", &one, &path]);
        let name = told.split(": ").next().unwrap();
        for replaced in [false, true] {
            if replaced {
                nokv.ok(&["publish", &two, &path]);
            }
            assert_eq!(nokv.ok(&["cat", name]), "one");
            nokv.ok(&["stat", name]);
            nokv.ok(&["ls", name]);
            nokv.ok(&["verify", name]);
            assert_eq!(nokv.ok(&["get", name, "-"]), "one");
            nokv.ok(&["cp", name, &format!("/copy{replaced}{}", root.len())]);
        }
        nokv.refuses(&["put", &two, name], 2, &["NOKV-E0900", "reading commands"]);
        nokv.refuses(&["rm", name], 2, &["NOKV-E0900"]);
        nokv.refuses(&["cat", name, "--at", "1"], 2, &["leave --at out"]);
        assert_eq!(nokv.ok(&["cat", &path]), "two");
    }
    assert_eq!(nokv.ok(&["cat", "/copytrue0"]), "one");
    nokv.refuses(&["cat", "nokv-native:///runs"], 2, &["PATH@GENERATION"]);
}

#[test]
fn a_refused_publish_makes_no_directories() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "/d"]);
    nokv.ok(&["quota", "/d", "--bytes", "100K", "--inodes", "4"]);
    let (body, small) = (nokv.write("body", &pattern(300_000)), nokv.write("small", b"1"));
    let before = nokv.state();
    nokv.refuses(&["publish", &body, "/d/new/deep/m"], 1, &["try: nokv quota /d\n"]);
    nokv.refuses(&["publish", &small, "/d/a/b/c/e/m"], 1, &["NOKV-E"]);
    nokv.refuses(
        &["publish", &small, "/new/deep/m", "--expect", "7"],
        1,
        &["NOKV-E"],
    );
    nokv.refuses(&["publish", &small, "/new/deep/"], 1, &["NOKV-E"]);
    assert_eq!(nokv.state(), before);
    nokv.ok(&["publish", &small, "/d/a/b/m"]);
}
