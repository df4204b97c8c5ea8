//! Help, manual pages, completions, quietness, dry runs: how the command meets people and scripts.

use crate::run::{Scratch, pattern, text};
use std::process::Command;

#[test]
fn nothing_and_help_show_the_verbs() {
    let nokv = Scratch::bare();
    for arguments in [&[][..], &["help"], &["--help"], &["-h"]] {
        let help = nokv.ok::<&str>(arguments);
        assert!(
            help.contains("snapshot") && help.contains("Global options"),
            "{arguments:?}: {help}"
        );
    }
    assert!(nokv.ok(&["help", "snapshot", "create"]).contains("--expires"));
}

#[test]
fn arguments_that_make_no_sense_are_told_as_every_error_is() {
    let nokv = Scratch::bare();
    for (arguments, words) in [
        (
            &["sing"][..],
            &["unrecognized subcommand 'sing'", "try: nokv help"][..],
        ),
        (
            &["ls", "--loud"],
            &["unexpected argument '--loud'", "try: nokv help ls"],
        ),
        (
            &["snapshot", "create"],
            &["<NAME>", "try: nokv help snapshot create"],
        ),
        (
            &["gc", "--dry-run", "--explain", "x"],
            &["cannot be used with", "try: nokv help gc"],
        ),
        (
            &["explain", "NOKV-E9999"],
            &["there is no error NOKV-E9999", "try: nokv explain"],
        ),
    ] {
        let err = nokv.fails(arguments, 2);
        for word in [&["nokv: NOKV-E0900: "], words].concat() {
            assert!(err.contains(word), "{arguments:?}: {word} is not in: {err}");
        }
    }
    let err = nokv.fails(&["ls", "--loud", "-o", "json"], 2);
    let told: serde_json::Value = serde_json::from_str(&err).unwrap();
    assert_eq!(told["error"]["code"], "NOKV-E0900");
}

#[test]
fn quiet_leaves_results_and_errors_and_nothing_is_coloured() {
    let nokv = Scratch::new();
    let from = nokv.write("in", &pattern(10));
    assert_eq!(nokv.ok(&["put", "-q", &from, "/file"]), "");
    assert_eq!(nokv.ok(&["ls", "-q"]), "file\n");
    assert!(nokv.fails(&["ls", "-q", "/none"], 1).contains("NOKV-E0002"));
    for arguments in [&["help"][..], &["ls", "-l"], &["quota"], &["sing"]] {
        let ran = nokv.run(arguments);
        assert!(
            !ran.out.contains(&0x1b) && !ran.err.contains('\u{1b}'),
            "{arguments:?}"
        );
        // Not the same bytes as before: ages go on.
        let plain = nokv.command(arguments).env("NO_COLOR", "1").output().unwrap();
        assert!(!plain.stdout.contains(&0x1b), "{arguments:?}");
    }
}

#[test]
fn every_format_of_every_listing_tells_the_same_number_of_entries() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "-p", "/a/b", "/c"]);
    nokv.ok(&["snapshot", "create", "s"]);
    nokv.ok(&["fork", "create", "f"]);
    for (arguments, headings) in [
        (&["ls", "-R"][..], 0),
        (&["ls", "-l"], 0),
        (&["find"], 0),
        (&["du", "--depth", "1"], 1),
        (&["snapshot", "list"], 1),
        (&["fork", "list"], 1),
        (&["log"], 1),
        (&["explain"], 1),
    ] {
        let list = nokv.json(arguments).as_array().unwrap().len();
        let lines = nokv.ok(&[arguments, &["-o", "jsonl"]].concat());
        assert!(
            lines
                .lines()
                .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
        );
        assert_eq!(lines.lines().count(), list, "{arguments:?}");
        assert_eq!(
            nokv.ok(arguments).lines().count(),
            list + headings,
            "{arguments:?}"
        );
    }
}

#[test]
fn manual_pages_are_written_for_every_verb() {
    let nokv = Scratch::bare();
    let dir = nokv.local("man/man1");
    let told = nokv.json(&["man", text(&dir)]);
    let page = |name: &str| std::fs::read_to_string(dir.join(format!("{name}.1"))).unwrap();
    assert_eq!(told["pages"], std::fs::read_dir(&dir).unwrap().count());
    for (name, word) in [
        ("nokv", "snapshot"),
        ("nokv-import", "resume"),
        ("nokv-snapshot-create", "expires"),
        ("nokv-rollback", "dry"),
    ] {
        let page = page(name);
        assert!(page.contains(".TH") && page.contains(word), "{name}: {page}");
    }
}

/// What bash offers for a line, out of the script that the command prints.
fn offered(nokv: &Scratch, words: &[&str]) -> Vec<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let line = quoted.join(" ");
    let script = format!(
        "source <(nokv completion bash)\nCOMP_WORDS=(nokv {line})\nCOMP_CWORD={}\n\
         _clap_complete_nokv nokv {} nokv\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.len(),
        quoted.last().unwrap(),
    );
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_nokv")).parent().unwrap();
    let output = Command::new("bash")
        .args(["-c", &script])
        .env_clear()
        .env("HOME", nokv.dir.path())
        .env("NOKV_DATA", nokv.data())
        .env("NOKV_LOG_RESERVE", "8M")
        .env("PATH", format!("{}:/usr/bin:/bin", binary.display()))
        .output()
        .unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let out = String::from_utf8(output.stdout).unwrap();
    out.lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_shell_completes_paths_snapshots_and_forks() {
    let nokv = Scratch::new();
    nokv.ok(&[
        "mkdir",
        "-p",
        "/runs/alpha",
        "/runs/alto",
        "/runs/.hidden",
        "/models",
    ]);
    nokv.feed(&["put", "-", "/runs/beta"], b"x");
    nokv.ok(&["snapshot", "create", "before"]);
    nokv.ok(&["fork", "create", "experiment"]);
    nokv.ok(&["mkdir", "experiment:/only-here"]);
    assert_eq!(offered(&nokv, &["ls", "/"]), ["/models/", "/runs/"]);
    assert_eq!(
        offered(&nokv, &["ls", "/runs/al"]),
        ["/runs/alpha/", "/runs/alto/"]
    );
    assert_eq!(offered(&nokv, &["cat", "/runs/b"]), ["/runs/beta"]);
    assert_eq!(offered(&nokv, &["ls", "/runs/."]), ["/runs/.hidden/"]);
    assert_eq!(offered(&nokv, &["ls", "--at", "b"]), ["before"]);
    assert_eq!(
        offered(&nokv, &["snapshot", "delete", ""]).first().unwrap(),
        "before"
    );
    assert_eq!(offered(&nokv, &["fork", "delete", "exp"]), ["experiment"]);
    assert_eq!(
        offered(&nokv, &["--root", "experiment", "ls", "/on"]),
        ["/only-here/"]
    );
    assert!(offered(&nokv, &["snap"]).contains(&"snapshot".to_owned()));
    // Nothing is offered, and nothing is said, where there is nothing.
    assert!(offered(&Scratch::bare(), &["ls", "/"]).is_empty());
}

/// What is offered is entered behind `printf`: it is one word, the name itself, and runs nothing.
#[test]
fn names_are_offered_as_bash_reads_them_back() {
    let nokv = Scratch::new();
    let names = [
        "a;touch X",
        "b$(touch X)",
        "c d",
        "e'f\"g",
        "h`touch X`",
        "i*",
        "j\\k",
        "l&m|n>o",
    ];
    nokv.ok(&["mkdir", "/odd", "/x y"]);
    for name in names {
        nokv.feed(&["put", "-", &format!("/odd/{name}")], b"x");
    }
    nokv.feed(&["put", "-", "/x y/in"], b"x");
    for name in ["new\nline", "esc\u{1b}[0m", "vt\u{b}touch X"] {
        nokv.feed(&["put", "-", &format!("/odd/{name}")], b"x");
    }
    let all = offered(&nokv, &["cat", "/odd/"]);
    assert_eq!(all.len(), names.len(), "{all:?}");
    for (word, name) in all.iter().zip(names) {
        let entered = Command::new("bash")
            .args(["-c", &format!("printf '%s\\n' {word}")])
            .current_dir(nokv.dir.path())
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8(entered.stdout).unwrap(),
            format!("/odd/{name}\n"),
            "{word}"
        );
    }
    assert!(!nokv.dir.path().join("X").exists());
    // What was inserted once is gone on with.
    assert_eq!(offered(&nokv, &["cat", r"/x\ y/"]), [r"/x\ y/in"]);
    assert_eq!(offered(&nokv, &["cat", r"/odd/b\$\("]), [r"/odd/b\$\(touch\ X\)"]);
}

/// Trees, snapshots and a fork that could be deleted.
fn deletable() -> Scratch {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "-p", "/runs/1/logs", "/other"]);
    nokv.feed(&["put", "-", "/runs/1/file"], &pattern(9000));
    nokv.ok(&["snapshot", "create", "whole"]);
    nokv.ok(&["snapshot", "create", "part", "/runs"]);
    nokv.ok(&["fork", "create", "exp"]);
    nokv.ok(&["rm", "/runs/1/file"]);
    nokv
}

#[test]
fn dry_runs_say_what_would_be_done_and_change_nothing() {
    let nokv = deletable();
    let before = nokv.state();
    for (arguments, words) in [
        (
            &["rm", "-r", "--dry-run", "/runs"][..],
            "would remove /runs and 2 entries below",
        ),
        (
            &["rm", "--dry-run", "-r", "/other"],
            "would remove /other and 0 entries below",
        ),
        (
            &["snapshot", "delete", "part", "--dry-run"],
            "would delete snapshot part",
        ),
        (&["fork", "delete", "exp", "--dry-run"], "would delete fork exp"),
        (
            &["fork", "promote", "exp", "--discard-live", "--dry-run"],
            "would make exp the state of main",
        ),
        (
            &["rollback", "whole", "--dry-run"],
            "would roll main back to whole",
        ),
        (&["gc", "--dry-run"], "would delete"),
    ] {
        let told = nokv.ok(arguments);
        assert!(told.contains(words), "{arguments:?}: {told}");
        assert_eq!(nokv.json(arguments)["dry_run"], true, "{arguments:?}");
    }
    assert_eq!(nokv.state(), before);
}

#[test]
fn dry_runs_refuse_what_the_command_would() {
    let nokv = deletable();
    let before = nokv.state();
    for arguments in [
        &["rm", "--dry-run", "/runs"][..],
        &["rm", "-r", "--dry-run", "/none"],
        &["snapshot", "delete", "none", "--dry-run"],
        &["fork", "delete", "none", "--dry-run"],
        &["fork", "delete", "main", "--dry-run"],
        &["fork", "promote", "none", "--dry-run"],
        &["fork", "promote", "exp", "--dry-run"],
        &["rollback", "none", "--dry-run"],
        &["rollback", "part", "--dry-run"],
        &["rollback", "999999", "--dry-run"],
    ] {
        let dry = nokv.fails(arguments, 1);
        let wet: Vec<&str> = arguments
            .iter()
            .filter(|word| **word != "--dry-run")
            .copied()
            .collect();
        let wet = nokv.fails(
            &[
                &wet[..],
                if arguments[1] == "--dry-run" {
                    &[]
                } else {
                    &["--yes"]
                },
            ]
            .concat(),
            1,
        );
        assert_eq!(
            dry.split(": ").nth(1),
            wet.split(": ").nth(1),
            "{arguments:?}: {dry} {wet}"
        );
    }
    assert_eq!(nokv.state(), before);
}

#[test]
fn what_deletes_wants_a_yes_where_nobody_can_be_asked() {
    let nokv = deletable();
    let before = nokv.state();
    for arguments in [
        &["rm", "-r", "/runs"][..],
        &["snapshot", "delete", "part"],
        &["fork", "delete", "exp"],
        &["fork", "promote", "exp", "--discard-live"],
        &["rollback", "whole"],
    ] {
        let err = nokv.fails(arguments, 2);
        assert!(
            err.contains("add --yes") && err.contains("try: the same command with --dry-run"),
            "{err}"
        );
    }
    assert_eq!(nokv.state(), before);
}

#[test]
fn a_terminal_is_asked_and_only_yes_goes_on() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "-p", "/runs/1"]);
    let typed = |answer: &str| {
        let line = format!(
            "printf '{answer}\\n' | script -qec '{} rm -r /runs' /dev/null",
            env!("CARGO_BIN_EXE_nokv")
        );
        let output = Command::new("bash")
            .args(["-c", &line])
            .env("NOKV_DATA", nokv.data())
            .env("NOKV_LOG_RESERVE", "8M")
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let (exit, told) = typed("n");
    assert_eq!(exit, Some(1), "{told}");
    assert!(
        told.contains("remove /runs and everything below? [y/N]") && told.contains("NOKV-E0904"),
        "{told}"
    );
    assert_eq!(nokv.paths().len(), 2);
    let (exit, told) = typed("y");
    assert_eq!(exit, Some(0), "{told}");
    assert!(nokv.paths().is_empty());
}

#[test]
fn a_snapshot_of_a_directory_is_read_by_the_paths_that_were() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "-p", "/runs/failed", "/other"]);
    nokv.feed(&["put", "-", "/runs/failed/log"], b"why");
    nokv.ok(&["snapshot", "create", "before", "/runs"]);
    nokv.ok(&["rm", "-r", "--yes", "/runs/failed"]);
    nokv.ok(&["mv", "/runs", "/moved"]);
    assert_eq!(nokv.ok(&["ls", "/runs/failed", "--at", "before"]), "log\n");
    assert_eq!(nokv.ok(&["cat", "/runs/failed/log", "--at", "before"]), "why");
    assert_eq!(nokv.ok(&["ls", "--at", "before"]), "failed\n");
    assert_eq!(
        nokv.ok(&["find", "--name", "log", "--at", "before"]),
        "/runs/failed/log\n"
    );
    nokv.ok(&["verify", "/runs/failed", "--at", "before"]);
    nokv.ok(&["verify", "main:/runs", "--at", "snapshot:before"]);
    nokv.ok(&["cp", "-r", "/runs/failed", "/back", "--at", "before"]);
    assert_eq!(nokv.ok(&["cat", "/back/log"]), "why");
    nokv.refuses(
        &["ls", "/other", "--at", "before"],
        1,
        &["NOKV-E0002", "/other", "holds /runs"],
    );
    nokv.refuses(
        &["ls", "/runs/none", "--at", "before"],
        1,
        &["NOKV-E0002", "/runs/none"],
    );
    let diff = nokv.ok(&["diff", "before"]);
    assert!(diff.contains("removed") && diff.contains("failed/log"), "{diff}");
    nokv.refuses(
        &["ls", "--at", "999999"],
        1,
        &["NOKV-E0002", "version 999999", "the newest is"],
    );
}
